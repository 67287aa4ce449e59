"""The two ways kernels are compiled."""

from __future__ import annotations

from numba import njit

# A function of its own: called from Python, may allocate.
kernel = njit(cache=True, nogil=True)

# A piece of a kernel. Inlined by LLVM, and without numba's reference counting: these functions allocate nothing, and
# counting references of the thirty arrays of a State on every call costs ten times what the call does.
piece = njit(cache=True, nogil=True, forceinline=True, _nrt=False)
