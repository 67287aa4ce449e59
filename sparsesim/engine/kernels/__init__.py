"""Numba kernels: numpy arrays and scalars in, arrays out; they import numpy and numba only."""
