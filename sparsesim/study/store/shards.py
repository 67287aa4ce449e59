"""The shard files of a study: many simulations each, written once, never changed."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
from collections.abc import Collection, Iterable
from pathlib import Path

RECORDS = "records"
_NAMES = re.compile(r"part-[0-9a-f]{16}\.parquet(\.partial)?")


def shard_name(keys: Iterable[str]) -> str:
    """The name of the shard of these simulations: the same simulations, the same name."""
    text = "\n".join(sorted(keys))
    return f"part-{hashlib.sha256(text.encode()).hexdigest()[:16]}.parquet"


def write_partial(folder: Path, name: str, data: bytes) -> Path:
    """Bytes on the disk, under a name that no reader looks at; OSError leaves nothing behind."""
    records = folder / RECORDS
    if not records.is_dir():
        records.mkdir(exist_ok=True)
        sync_folder(folder)
    partial = records / f"{name}.partial"
    try:
        with partial.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise
    return partial


def publish(partial: Path) -> None:
    """Give a shard its name, for good: file first, then folder."""
    partial.rename(partial.with_suffix(""))
    sync_folder(partial.parent)


def remove_orphans(folder: Path, known: Collection[str]) -> None:
    """Remove the shards that a killed writer made and could not enter into the index.

    Only names that `shard_name` gives are touched.
    """
    with contextlib.suppress(FileNotFoundError):
        for path in (folder / RECORDS).iterdir():
            if _NAMES.fullmatch(path.name) and path.name not in known:
                path.unlink()


def sync_folder(folder: Path) -> None:
    """Names in the folder on the disk, where the file system knows how (some of a network do not)."""
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(file)
