"""Reading .npz files that nobody vouches for: sizes are checked before anything is unpacked."""

from __future__ import annotations

import io
import math
import struct
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from workloads.errors import UserError

_MAX_ENTRIES = 100_000
_MAX_TEXT_BYTES = 64 << 20
_MAX_HEADER_BYTES = 1 << 16
_PIECE_BYTES = 1 << 20
_LOCAL_HEADER = struct.Struct("<26xHH")  # of a zip member: lengths of its name and of its extra field


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


@dataclass(frozen=True)
class _Place:
    """Where an array lies: its member of the zip file, bytes of header before the data, order of the data."""

    member: zipfile.ZipInfo
    header_bytes: int
    by_columns: bool


class Archive:
    """The arrays of one .npz file: `headers` at once, data on demand. Never unpickles anything.

    `read` returns whole arrays, `rows` a few rows of one and `pieces` one array after the other part, the
    latter two without holding the rest in memory.
    """

    def __init__(self, path: Path):
        self.path = path
        self.headers: dict[str, ArrayHeader] = {}
        self._places: dict[str, _Place] = {}
        if path.exists() and not path.is_file():  # a pipe would be waited for, /dev/zero never ends
            raise UserError(f"trace {path}: is no file.")
        with self._open() as archive:
            for info in archive.infolist():
                name = info.filename.removesuffix(".npy")
                if name in self.headers or len(self.headers) >= _MAX_ENTRIES:
                    raise UserError(
                        f"trace {path}: {name}: stored twice, or more than {_MAX_ENTRIES} arrays."
                    )
                self.headers[name], self._places[name] = self._header(archive, info)

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

    def rows(self, name: str, first: int, stop: int) -> npt.NDArray[Any]:
        """Rows [first, stop) of the first axis. Checksums are verified by `pieces` and `read` only."""
        if self._places[name].by_columns:
            return np.asarray(self.read([name])[name][first:stop])
        header = self.headers[name]
        row_bytes = header.nbytes // header.shape[0]
        try:
            data = self._bytes(name, first * row_bytes, (stop - first) * row_bytes)
            return np.frombuffer(data, header.dtype).reshape(stop - first, *header.shape[1:])
        except Exception as error:
            raise self._damaged(name, error) from None

    def pieces(self, name: str) -> Iterator[npt.NDArray[Any]]:
        """The array in pieces of about 1 MiB, [lines, last axis], and its checksum verified at the end."""
        place, header = self._places[name], self.headers[name]
        if place.by_columns or not header.nbytes:
            yield self.read([name])[name].reshape(-1, header.shape[-1] if header.shape else 1)
            return
        line_bytes = header.nbytes // math.prod(header.shape[:-1])
        lines = max(1, _PIECE_BYTES // line_bytes) * line_bytes
        try:
            with self._open() as archive, archive.open(place.member) as stream:
                _skip(stream, place.header_bytes)
                while data := stream.read(lines):
                    yield np.frombuffer(data, header.dtype).reshape(-1, header.shape[-1])
        except UserError:
            raise
        except Exception as error:
            raise self._damaged(name, error) from None

    def _bytes(self, name: str, first: int, count: int) -> bytes:
        """Part of the data: by seeking where it is stored as it is, else by unpacking what precedes."""
        place = self._places[name]
        if place.member.compress_type == zipfile.ZIP_STORED:
            with self.path.open("rb") as file:
                file.seek(place.member.header_offset)
                names, extra = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
                file.seek(names + extra + place.header_bytes + first, io.SEEK_CUR)
                return file.read(count)
        with self._open() as archive, archive.open(place.member) as stream:
            _skip(stream, place.header_bytes + first)
            return stream.read(count)

    def _open(self) -> zipfile.ZipFile:
        try:
            return zipfile.ZipFile(self.path)
        except FileNotFoundError:
            raise UserError(f"trace {self.path}: no such file.") from None
        except Exception as error:
            raise UserError(
                f"trace {self.path}: expected a complete .npz (zip) file: {_reason(error)}."
            ) from None

    def _header(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> tuple[ArrayHeader, _Place]:
        name = info.filename.removesuffix(".npy")
        try:
            with archive.open(info) as stream:
                start = io.BytesIO(stream.read(_MAX_HEADER_BYTES))
            header, by_columns = _parse_header(start)
        except Exception as error:
            raise self._damaged(name, error) from None
        if start.tell() + header.nbytes != info.file_size or min(header.shape, default=0) < 0:
            raise UserError(f"trace {self.path}: {name}: its data does not have the size of {header}.")
        return header, _Place(info, start.tell(), by_columns)

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


def _skip(stream: IO[bytes], count: int) -> None:
    """Read and forget `count` bytes."""
    while count > 0:
        found = len(stream.read(min(count, _PIECE_BYTES)))
        if not found:
            raise EOFError("it ends too early")
        count -= found


def _parse_header(start: io.BytesIO) -> tuple[ArrayHeader, bool]:
    """The header, and whether the data is stored by columns (Fortran order)."""
    first = np.lib.format.read_magic(start) == (1, 0)
    read = np.lib.format.read_array_header_1_0 if first else np.lib.format.read_array_header_2_0
    shape, by_columns, dtype = read(start)
    return ArrayHeader(dtype, shape), by_columns and len(shape) > 1


def _reason(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0].rstrip(".")[:200] if lines else type(error).__name__
