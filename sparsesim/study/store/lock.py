"""One writer at a time: an exclusive lock on a file of the study's folder."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path

from sparsesim.study.store.errors import from_os
from workloads.errors import UserError

LOCK = "lock"
MOST_BYTES = 4096  # read of a lock file, whatever its size
_TAKEN = frozenset({errno.EWOULDBLOCK, errno.EACCES})


class WriterLock:
    """The right to write a study; held until `release`, or until the process ends in whatever way.

    The kernel keeps the lock (flock), so a killed writer leaves none behind; the file stays and only tells
    others who writes. Raises UserError if another process (or this one) writes the study.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            self._file = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise from_os(folder, error, None) from None
        try:
            self._acquire()
        except BaseException:
            self.release()
            raise

    def release(self) -> None:
        """Let others write; releasing twice does no harm."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _acquire(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise self._refusal(error) from None
        # The lock holds without the text; a full disk may keep it from being written.
        with contextlib.suppress(OSError):
            text = json.dumps(_this_process()).encode()
            # Over the old text and not into an emptied file: that needs no new block of a full disk.
            os.pwrite(self._file, text, 0)
            os.ftruncate(self._file, len(text))

    def _refusal(self, error: OSError) -> UserError:
        if error.errno in _TAKEN:
            return UserError(
                f"{self._folder}: is being written by {self._holder()}; "
                "wait for it, end it, or give another --out."
            )
        return UserError(
            f"{self._folder}: this file system knows no locks ({error.strerror}), so two runs could write "
            "the study at once; give an --out on one that does."
        )

    def _holder(self) -> str:
        try:
            told = json.loads(os.pread(self._file, MOST_BYTES, 0))
            return f"process {int(told['pid'])} on {told['host']} since {told['started']}"
        except (ValueError, TypeError, KeyError, OSError):
            return "another process"


def _this_process() -> dict[str, str | int]:
    return {
        "pid": os.getpid(),
        "host": platform.node(),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }
