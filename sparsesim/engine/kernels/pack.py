"""Masks into row-operation words: bit q of a word is position q = (row i, column j) of a row block."""

from __future__ import annotations

import numpy as np

from sparsesim.engine.kernels.jit import kernel


@kernel
def pack_rows(mask, rows, pair_tile, columns, column_count, words):  # type: ignore[no-untyped-def]
    """Pack ch0 rows: words[v, c] has bit i*n + j set where mask[c, rows[v, i], columns[t, j]] is 1.

    mask: uint8[C, H, W]; rows: int32[V, R], -1 for a row that does not exist; pair_tile: int32[V] column
    tile t;
    columns: int32[T, 64]; column_count: int32[T] n; words: uint64[V, C], overwritten.
    """
    for v in range(rows.shape[0]):
        tile = pair_tile[v]
        n = column_count[tile]
        for c in range(mask.shape[0]):
            word = np.uint64(0)
            for i in range(rows.shape[1]):
                y = rows[v, i]
                if y < 0:
                    continue
                for j in range(n):
                    bit = np.uint64(mask[c, y, columns[tile, j]])
                    word |= bit << np.uint64(i * n + j)
            words[v, c] = word


@kernel
def count_taps(mask, rows, pair_tile, taps, column_count, counts):  # type: ignore[no-untyped-def]
    """Useful products n(e) per position: counts[u, q, c] = sum over taps k of mask[c, rows[u, i], taps[t,
    j, k]].

    mask: uint8[C, H, W]; rows: int32[U, R], -1 for none; taps: int32[T, 64, K], -1 for a tap outside;
    counts: uint8[U, 64, C], overwritten.
    """
    for u in range(rows.shape[0]):
        tile = pair_tile[u]
        n = column_count[tile]
        for i in range(rows.shape[1]):
            y = rows[u, i]
            for j in range(n):
                for c in range(mask.shape[0]):
                    total = 0
                    if y >= 0:
                        for k in range(taps.shape[2]):
                            x = taps[tile, j, k]
                            if x >= 0:
                                total += mask[c, y, x]
                    counts[u, i * n + j, c] = total


@kernel
def bit_planes(counts, values, planes):  # type: ignore[no-untyped-def]
    """Write bit-planes: planes[u, j, c] has bit q set where bit j of values[counts[u, q, c]] is 1.

    counts: uint8[U, 64, C]; values: int64[K + 1], J bits wide; planes: uint64[U, J, C], overwritten.
    """
    for u in range(counts.shape[0]):
        for j in range(planes.shape[1]):
            for c in range(counts.shape[2]):
                planes[u, j, c] = np.uint64(0)
        for q in range(counts.shape[1]):
            for c in range(counts.shape[2]):
                value = values[counts[u, q, c]]
                for j in range(planes.shape[1]):
                    bit = np.uint64((value >> j) & 1)
                    planes[u, j, c] |= bit << np.uint64(q)


@kernel
def row_words(mask, columns, count, words_of):  # type: ignore[no-untyped-def]
    """Words a stored row takes: words_of[z] for its z non-zeros among `columns[:count]`; int64[C, H]."""
    out = np.zeros((mask.shape[0], mask.shape[1]), dtype=np.int64)
    for c in range(mask.shape[0]):
        for y in range(mask.shape[1]):
            z = 0
            for j in range(count):
                z += mask[c, y, columns[j]]
            out[c, y] = words_of[z]
    return out
