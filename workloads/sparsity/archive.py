"""Reading .npz files that nobody vouches for: sizes are checked before anything is unpacked."""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from workloads.errors import UserError

_MAX_ENTRIES = 100_000
_MAX_TEXT_BYTES = 64 << 20
_MAX_HEADER_BYTES = 1 << 16


@dataclass(frozen=True)
class ArrayHeader:
    """Element type and shape of a stored array."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.dtype.name} {list(self.shape)}"

    @property
    def nbytes(self) -> int:
        """Bytes of the array's data."""
        return math.prod(self.shape) * self.dtype.itemsize


class Archive:
    """The arrays of one .npz file: `headers` at once, data on demand. Never unpickles anything."""

    def __init__(self, path: Path):
        self.path = path
        self.headers: dict[str, ArrayHeader] = {}
        with self._open() as archive:
            for info in archive.infolist():
                name = info.filename.removesuffix(".npy")
                if name in self.headers or len(self.headers) >= _MAX_ENTRIES:
                    raise UserError(
                        f"trace {path}: {name}: stored twice, or more than {_MAX_ENTRIES} arrays."
                    )
                self.headers[name] = self._header(archive, info)

    def read(self, names: Iterable[str]) -> dict[str, npt.NDArray[Any]]:
        """The arrays `names`, with their checksums verified."""
        with self._open() as archive:
            return {name: self._array(archive, name) for name in names}

    def read_text(self, name: str) -> str:
        """The text stored as a 0-d unicode array `name`."""
        if name not in self.headers:
            raise UserError(f"trace {self.path}: the array {name!r} is missing; is this a sparsity trace?")
        header = self.headers[name]
        if header.dtype.kind != "U" or header.shape != () or header.nbytes > _MAX_TEXT_BYTES:
            raise UserError(f"trace {self.path}: {name}: expected a 0-d unicode array, found {header}.")
        return str(self.read([name])[name][()])

    def _open(self) -> zipfile.ZipFile:
        try:
            return zipfile.ZipFile(self.path)
        except FileNotFoundError:
            raise UserError(f"trace {self.path}: no such file.") from None
        except Exception as error:
            raise UserError(
                f"trace {self.path}: expected a complete .npz (zip) file: {_reason(error)}."
            ) from None

    def _header(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> ArrayHeader:
        name = info.filename.removesuffix(".npy")
        try:
            with archive.open(info) as stream:
                start = io.BytesIO(stream.read(_MAX_HEADER_BYTES))
            header = _parse_header(start)
        except Exception as error:
            raise self._damaged(name, error) from None
        if start.tell() + header.nbytes != info.file_size or min(header.shape, default=0) < 0:
            raise UserError(f"trace {self.path}: {name}: its data does not have the size of {header}.")
        return header

    def _array(self, archive: zipfile.ZipFile, name: str) -> npt.NDArray[Any]:
        # A byte more than there may be is enough to see that a declared size was wrong.
        limit = self.headers[name].nbytes + _MAX_HEADER_BYTES + 1
        try:
            with archive.open(name + ".npy") as stream:
                data = stream.read(limit)
            return np.asarray(np.lib.format.read_array(io.BytesIO(data), allow_pickle=False))
        except Exception as error:
            raise self._damaged(name, error) from None

    def _damaged(self, name: str, error: Exception) -> UserError:
        """Decoders fail on damaged bytes in a dozen ways (zip, zlib, header syntax, memory)."""
        return UserError(f"trace {self.path}: {name}: the stored array is damaged: {_reason(error)}.")


def _parse_header(start: io.BytesIO) -> ArrayHeader:
    first = np.lib.format.read_magic(start) == (1, 0)
    read = np.lib.format.read_array_header_1_0 if first else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(start)
    return ArrayHeader(dtype, shape)


def _reason(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0].rstrip(".")[:200] if lines else type(error).__name__
