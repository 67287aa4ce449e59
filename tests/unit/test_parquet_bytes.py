"""Does reading a table leave the process without threads that its end could catch in the middle?"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pyarrow
import pytest

from sparsesim.study.records import schema
from sparsesim.study.store import to_parquet

_READ = """
import os, pathlib, sys
import numpy, pyarrow.parquet
from sparsesim.results import groups
from sparsesim.study import records
from sparsesim.study.store import from_parquet

path = pathlib.Path(sys.argv[1])
before = len(os.listdir("/proc/self/task"))
from_parquet(path.read_bytes())
records.decode(path.read_bytes())
try:
    groups._read(path, 0)
except groups.UserError as error:
    assert "must have the columns" in str(error)
print(before, len(os.listdir("/proc/self/task")))
pyarrow.parquet.read_table(pyarrow.BufferReader(path.read_bytes()))
print(before, len(os.listdir("/proc/self/task")))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="counts threads in /proc")
def test_no_thread_of_arrow_reads(tmp_path: Path) -> None:
    """The end of the interpreter, catching one, aborts; Arrow reading by itself shows one would be seen."""
    file = tmp_path / "x.parquet"
    empty = pyarrow.table({field.name: pyarrow.array([], field.type) for field in schema()})
    file.write_bytes(to_parquet(empty))
    command = [sys.executable, "-c", _READ, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    ours, arrows = (tuple(map(int, line.split())) for line in done.stdout.splitlines())
    assert ours[0] == ours[1]
    assert arrows[0] < arrows[1]
