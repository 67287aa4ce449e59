"""Bytes that the DMA moves for each tile, from the masks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from compiler.program import JOB_OUT_COUNT, JOB_OUT_START, StageProgram, Tile, Transfer
from sparsesim.engine.channel_order import orders_channels
from sparsesim.engine.operands import words_of_row
from workloads.sparsity.masks import LayerMasks


def _row_words(program: StageProgram, mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Cumulated stored words over rows, int64[C, H + 1]; a map off chip is stored in whole rows."""
    target = program.target
    if not target.skip_zeros:
        mask = np.ones_like(mask)
    words_of = words_of_row(target.row_format, mask.shape[2], target.operand_bits)
    words = words_of[mask.sum(axis=2, dtype=np.int64)]
    out = np.zeros((words.shape[0], words.shape[1] + 1), dtype=np.int64)
    np.cumsum(words, axis=1, out=out[:, 1:])
    return out


class _Sizes:
    """Sizes of transfers of one program and sample, computed when first needed."""

    def __init__(self, program: StageProgram, masks: LayerMasks) -> None:
        self.program, self.masks = program, masks
        self.stored: dict[str, NDArray[np.int64]] = {}

    def _stored_words(self, transfer: Transfer, mask: NDArray[np.bool_]) -> int:
        if transfer.tensor not in self.stored:
            self.stored[transfer.tensor] = _row_words(self.program, mask)
        words = self.stored[transfer.tensor]
        (c0, c1), (r0, r1) = transfer.channels, transfer.rows
        return int((words[c0:c1, r1] - words[c0:c1, r0]).sum())

    def n_bytes(self, transfer: Transfer) -> int:
        """Bytes of a transfer, charged to one sample by its share, rounded up."""
        target, geometry = self.program.target, self.program.geometry
        (c0, c1), (r0, r1) = transfer.channels, transfer.rows
        box = (c1 - c0) * max(r1 - r0, 0)
        kernel = geometry.kernel[0] * geometry.kernel[1]
        bits = {
            "I": lambda: self._stored_words(transfer, self.masks.input) * target.operand_bits,
            "dO": lambda: self._stored_words(transfer, self.masks.grad_output) * target.operand_bits,
            "W": lambda: box * kernel * target.operand_bits,
            "dW": lambda: box * kernel * target.sum_bits,
            "mask": lambda: box * geometry.in_size[1],
            "O": lambda: box * geometry.out_size[1] * target.operand_bits,
            "dI": lambda: self._gradient_words(transfer) * target.operand_bits,
        }[transfer.tensor]()
        return -(-bits // (8 * transfer.share))

    def _gradient_words(self, transfer: Transfer) -> int:
        """dI leaves the chip under its ReLU mask where the machine skips by it, in full otherwise."""
        mask, target = self.masks.grad_input_mask, self.program.target
        if mask is None or not target.mask_skipping:
            (c0, c1), (r0, r1) = transfer.channels, transfer.rows
            return (c1 - c0) * max(r1 - r0, 0) * self.program.geometry.in_size[1]
        return self._stored_words(transfer, mask)


def _order_bytes(program: StageProgram, tile: Tile) -> int:
    """The numbers of the tile's channels across the groups, a word each, read twice: for loads and stores."""
    jobs = program.jobs[tile.job_start : tile.job_end]
    first = np.unique(jobs[:, JOB_OUT_START], return_index=True)[1]
    return 2 * int(jobs[first, JOB_OUT_COUNT].sum()) * program.target.operand_bits // 8


def tile_transfers(program: StageProgram, masks: LayerMasks) -> tuple[tuple[int, int], ...]:
    """(load bytes, store bytes) of every tile of a program for one sample."""
    sizes, ordered = _Sizes(program, masks), orders_channels(program, masks)
    return tuple(
        (
            sum(sizes.n_bytes(t) for t in tile.loads) + (_order_bytes(program, tile) if ordered else 0),
            sum(sizes.n_bytes(t) for t in tile.stores),
        )
        for tile in program.tiles
    )
