"""The two ways kernels are compiled, and where their machine code is kept.

Numba looks only at the file of a function when it decides whether cached code is still good. These kernels
inline each other
across files, so their cache lies in a folder named after the contents of all of them: a changed line
anywhere is a new folder.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numba
from numba.core.options import DefaultOptions

from compiler import program

# Numba types neither its configuration nor `_nrt`.
_config: Any = numba.config
_njit: Any = numba.njit


# Numba does not document `_nrt`; a version without it only costs speed.
_WANTED = {"forceinline": True, "_nrt": False}
_PIECE_OPTIONS = {name: value for name, value in _WANTED.items() if hasattr(DefaultOptions, name)}


def _digest() -> str:
    """Hash of everything that is compiled into a kernel."""
    files = [*sorted(Path(__file__).parent.glob("*.py")), Path(program.__file__)]
    digest = hashlib.sha256(numba.__version__.encode())
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _base() -> Path:
    """The user's choice (NUMBA_CACHE_DIR, XDG_CACHE_HOME) or ~/.cache; the temporary folder if that cannot
    be written.
    """
    chosen = os.environ.get("NUMBA_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME")
    base = Path(chosen) if chosen else Path.home() / ".cache"
    try:
        base.mkdir(parents=True, exist_ok=True)
    except OSError:
        return Path(tempfile.gettempdir())
    return base if os.access(base, os.W_OK) else Path(tempfile.gettempdir())


CACHE = _base() / "sparsesim-kernels" / _digest()


@contextmanager
def _cache_folder() -> Iterator[None]:
    before = _config.CACHE_DIR
    _config.CACHE_DIR = str(CACHE)
    try:
        yield
    finally:
        _config.CACHE_DIR = before


def kernel(function: Callable[..., Any]) -> Any:
    """Compile a function of its own: called from Python, may allocate."""
    with _cache_folder():
        return _njit(cache=True, nogil=True)(function)


def piece(function: Callable[..., Any]) -> Any:
    """Compile a piece of a kernel that allocates nothing.

    It is inlined by LLVM and does without numba's reference counting: counting references of the forty
    arrays of a
    State on every call costs ten times what the call does.
    """
    with _cache_folder():
        return _njit(cache=True, nogil=True, **_PIECE_OPTIONS)(function)
