"""Does reading a table leave the process without threads that its end could catch in the middle?"""

from __future__ import annotations

import subprocess
import sys

import pytest

from sparsesim.study.records import schema
from sparsesim.study.store import to_parquet

_READ = """
import os, pathlib, sys
import numpy, pyarrow.parquet
from sparsesim.results import groups
from sparsesim.study import records
from sparsesim.study.store import from_parquet

data = pathlib.Path(sys.argv[1]).read_bytes()
before = len(os.listdir("/proc/self/task"))
from_parquet(data)
records.decode(data)
try:
    groups._read(pathlib.Path(sys.argv[1]), 0)
except groups.UserError as error:
    assert "must have the columns" in str(error)
print(before, len(os.listdir("/proc/self/task")))
if sys.argv[2:]:
    pyarrow.parquet.read_table(pyarrow.BufferReader(data))
    print(before, len(os.listdir("/proc/self/task")))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="counts threads in /proc")
def test_no_thread_of_arrow_reads(tmp_path: object) -> None:
    """One caught by the end of the interpreter aborts the process; the last lines show that they would be seen."""
    import pyarrow

    file = f"{tmp_path}/x.parquet"
    empty = pyarrow.table({field.name: pyarrow.array([], field.type) for field in schema()})
    with open(file, "wb") as stream:
        stream.write(to_parquet(empty))
    done = subprocess.run(
        [sys.executable, "-c", _READ, file, "all"], capture_output=True, text=True, check=True
    )
    ours, arrows = (tuple(map(int, line.split())) for line in done.stdout.splitlines())
    assert ours[0] == ours[1]
    assert arrows[0] < arrows[1]
