"""The run folder: everything about a run, complete or not there at all.

All files are written into a hidden folder beside the final one, which gets its name by a single rename at the
end. Whatever interrupts a run (Ctrl-C, a full disk, a killed process), a folder with the final name is whole;
what may stay behind is recognised by its name, `.NAME.partial-XXXX`.
"""

from __future__ import annotations

import contextlib
import csv
import errno
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sparsesim.machine import export_yaml
from sparsesim.results.frame import columns
from sparsesim.results.groups import FILE as GROUPS
from sparsesim.results.groups import write_groups
from sparsesim.results.json_text import json_text
from sparsesim.results.model import Result
from workloads.errors import UserError

RUNS = Path("runs")
MANIFEST, SUMMARY = "manifest.json", "summary.json"
MOST_EQUAL_NAMES = 1000  # equal runs started within one second
Writer = Callable[[Path], None]


@dataclass(frozen=True)
class RunFolder:
    """A run folder to be; `path` is its final name. Make one with `reserve` before the simulation.

    renames: whether "-2", "-3" ... is added to a name that another run has taken meanwhile.
    """

    path: Path
    renames: bool = False

    def write(self, result: Result, manifest: Mapping[str, Any], *writers: Writer) -> Path:
        """Write all files and let the folder appear; returns its path.

        writers: write further files into the folder they are given. Raises OSError (a full disk ...) with
        nothing left behind, UserError if something else has taken the name since and `renames` does not allow
        another one.
        """
        missing = _missing(self.path.parent)
        partial = None
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            partial = Path(tempfile.mkdtemp(prefix=_partial_prefix(self.path), dir=self.path.parent))
            _write_files(partial, result, manifest)
            for writer in writers:
                writer(partial)
            return _publish(partial, self.path, self.renames)
        except BaseException:
            if partial is not None:
                shutil.rmtree(partial, ignore_errors=True)
            _remove_empty(missing)
            raise


def reserve(out: Path | None, default_name: str) -> RunFolder:
    """The folder `out`, or `default_name` in ./runs; UserError if `out` exists or cannot be written.

    A default name that is taken (two equal runs in one second) gets a number at its end.

    Nothing is left on disk: an interrupted simulation leaves no trace.
    """
    path = out if out is not None else RUNS / default_name
    option = f"--out {path}" if out is not None else str(path)
    if out is not None and (os.path.lexists(path) or path.name in ("", "..")):
        raise UserError(f"{option}: it exists already; give a folder that does not, or remove it.")
    _probe(path, option)
    return RunFolder(path, renames=out is None)


def folder_name(started: datetime, network: str, dataset: str, inputs: Mapping[str, Any]) -> str:
    """UTC time, network, data set, eight digits of all inputs: 20260301T120000Z-resnet18-cifar10-1a2b3c4d."""
    from sparsesim.results.inputs import digest  # noqa: PLC0415

    text = json.dumps(inputs, sort_keys=True, default=str)
    readable = re.sub(r"[^A-Za-z0-9._-]+", "-", f"{network}-{dataset}")[:80]
    return f"{started:%Y%m%dT%H%M%SZ}-{readable}-{digest(text)[:8]}"


def _probe(path: Path, option: str) -> None:
    """Make and remove a folder where the run folder, or the first missing one above it, will be."""
    above = path.absolute().parent
    while not os.path.lexists(above):
        above = above.parent
    try:
        Path(tempfile.mkdtemp(prefix=_partial_prefix(path), dir=above)).rmdir()
    except OSError as error:
        raise UserError(
            f"{option}: cannot be written, {above}: {error.strerror}; give a folder in a place that can."
        ) from None


def _partial_prefix(path: Path) -> str:
    return f".{path.name}.partial-"


def _write_files(folder: Path, result: Result, manifest: Mapping[str, Any]) -> None:
    # mkdtemp makes private folders; a run folder is as public as any other new folder.
    umask = os.umask(0)
    os.umask(umask)
    folder.chmod(0o777 & ~umask)
    (folder / MANIFEST).write_text(json_text(manifest), encoding="utf-8")
    (folder / SUMMARY).write_text(json_text(result.to_dict()), encoding="utf-8")
    (folder / "machine.yaml").write_text(export_yaml(result.machine), encoding="utf-8")
    table = columns(result)
    _write_csv(folder / "layers.csv", table)
    _write_parquet(folder / "layers.parquet", table)
    write_groups(folder / GROUPS, result.layers)


def _write_csv(path: Path, table: Mapping[str, list[Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(table)
        writer.writerows(zip(*table.values(), strict=True))


def _write_parquet(path: Path, table: Mapping[str, list[Any]]) -> None:
    # Straight from pyarrow: importing pandas for it would take longer than writing the file.
    import pyarrow  # noqa: PLC0415
    from pyarrow import parquet  # noqa: PLC0415

    # An open file, since pyarrow takes no path that is not UTF-8.
    with path.open("wb") as file:
        parquet.write_table(pyarrow.table(dict(table)), file)


def _publish(partial: Path, final: Path, renames: bool) -> Path:
    """Give the folder its name, or the first free one of NAME-2, NAME-3 ...; returns it."""
    for number in range(1, MOST_EQUAL_NAMES + 1 if renames else 2):
        path = final if number == 1 else final.with_name(f"{final.name}-{number}")
        if not os.path.lexists(path) and _renamed(partial, path):
            return path
    raise UserError(f"{final}: has appeared while the simulation ran; this run is not saved.")


def _renamed(partial: Path, path: Path) -> bool:
    """Whether the folder could be renamed; False where another one took the name at this very moment."""
    try:
        partial.rename(path)
    except OSError as error:
        if error.errno in (errno.EEXIST, errno.ENOTEMPTY):
            return False
        raise
    return True


def _missing(folder: Path) -> list[Path]:
    """The folders to be made for `folder` to exist, innermost first."""
    return [path for path in (folder, *folder.parents) if not os.path.lexists(path)]


def _remove_empty(folders: Sequence[Path]) -> None:
    for folder in folders:
        with contextlib.suppress(OSError):
            folder.rmdir()
