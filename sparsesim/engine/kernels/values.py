"""What a program computes, with real numbers, from the same tables that the tile kernel times."""

from __future__ import annotations

from compiler.program import (
    JOB_BLOCK,
    JOB_BLOCK_END,
    JOB_OUT_COUNT,
    JOB_OUT_START,
    JOB_READ_SUMS,
    JOB_REDUCE_COUNT,
    JOB_REDUCE_START,
    JOB_UNIT,
    JOB_UNIT_END,
    UNIT_KERNEL_ROW,
    UNIT_OUT_COUNT,
    UNIT_OUT_START,
)
from sparsesim.engine.kernels.jit import kernel


@kernel
def reduce_job(  # type: ignore[no-untyped-def] # noqa: PLR0912 (one loop nest)
    job, tables, maps, weights, reduce_per_group, out_per_group, out
):
    """SRC or MSRC job: out[channel, row, tap] += map[channel, row, column] * weight, over its row operations.

    tables: (pair_start, pair_kernel_row, pair_rows, out_rows, tile_of_block, columns, column_count, taps);
    maps: float64[C, H, W];
    weights: float64[out channels, reduction channels of the group, Kh, Kw]; out: float64[out channels, rows,
    columns].
    A job that does not read earlier sums overwrites them.
    """
    pair_start, kernel_row, rows, out_rows, tile_of_block, columns, count, taps = tables
    block = job[JOB_BLOCK]
    tile = tile_of_block[block]
    for channel in range(job[JOB_OUT_START], job[JOB_OUT_START] + job[JOB_OUT_COUNT]):
        if not job[JOB_READ_SUMS]:
            for i in range(out_rows.shape[1]):
                for j in range(count[tile]):
                    for k in range(taps.shape[2]):
                        if out_rows[block, i] >= 0 and taps[tile, j, k] >= 0:
                            out[channel, out_rows[block, i], taps[tile, j, k]] = 0.0
        base = channel // out_per_group * reduce_per_group
        for a in range(job[JOB_REDUCE_START], job[JOB_REDUCE_START] + job[JOB_REDUCE_COUNT]):
            for v in range(pair_start[block], pair_start[block + 1]):
                for i in range(rows.shape[1]):
                    if rows[v, i] < 0:
                        continue
                    for j in range(count[tile]):
                        value = maps[a, rows[v, i], columns[tile, j]]
                        if value == 0.0:
                            continue
                        for k in range(taps.shape[2]):
                            x = taps[tile, j, k]
                            if x >= 0:
                                weight = weights[channel, a - base, kernel_row[v], k]
                                out[channel, out_rows[block, i], x] += value * weight


@kernel
def store_job(job, units, tables, ch0, ch1, ch1_per_group, out):  # type: ignore[no-untyped-def]
    """OSRC job: out[a, b, kernel row, tap] += ch0[a, row, column] * ch1[b, row, tap column].

    Over the units and row blocks of the job.

    tables: (pair_start, pair_rows, ch1_rows, tile_of_block, columns, column_count, taps), rows stacked over
    samples;
    ch0, ch1: float64[channels, rows, columns], the broadcast and the private operand, one of dO and I each;
    ch1_per_group: ch1 channels of a convolution group; out: float64[ch0 channels, ch1_per_group, Kh, Kw].
    """
    pair_start, rows, ch1_rows, tile_of_block, columns, count, taps = tables
    for channel in range(job[JOB_OUT_START], job[JOB_OUT_START] + job[JOB_OUT_COUNT]):
        b = channel % ch1_per_group
        for u in range(job[JOB_UNIT], job[JOB_UNIT_END]):
            kernel_row = units[u, UNIT_KERNEL_ROW]
            for a in range(units[u, UNIT_OUT_START], units[u, UNIT_OUT_START] + units[u, UNIT_OUT_COUNT]):
                if not job[JOB_READ_SUMS]:
                    out[a, b, kernel_row, :] = 0.0
                for block in range(job[JOB_BLOCK], job[JOB_BLOCK_END]):
                    v = pair_start[block] + kernel_row
                    tile = tile_of_block[block]
                    for i in range(rows.shape[1]):
                        if rows[v, i] < 0:
                            continue
                        for j in range(count[tile]):
                            value = ch0[a, rows[v, i], columns[tile, j]]
                            if value == 0.0:
                                continue
                            for k in range(taps.shape[2]):
                                x = taps[tile, j, k]
                                if x >= 0:
                                    out[a, b, kernel_row, k] += value * ch1[channel, ch1_rows[v, i], x]
