"""Reading a Parquet table on the thread that asks for it, and on no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetFile


def opened(data: bytes) -> ParquetFile:
    """The Parquet file in these bytes; pyarrow.ArrowInvalid or OSError if they hold none.

    Only for `.read(use_threads=False)`. Arrow's own threads give back the memory of Python they have read;
    when the interpreter is already ending then, Python stops them in the middle and the process aborts with
    everything done (`terminate called without an active exception`). Bytes rather than a file, since Arrow
    reads a Python file in a thread, too.
    """
    import pyarrow  # noqa: PLC0415
    from pyarrow import parquet  # noqa: PLC0415

    return parquet.ParquetFile(pyarrow.BufferReader(data))
