"""A mapping: the numbers that turn a layer and stage into a program."""

from __future__ import annotations

from dataclasses import dataclass

from compiler.program import GRADIENTS_BROADCAST

WEIGHTS_STAY = "weights"
INPUTS_STAY = "inputs"
OUTPUTS_STAY = "outputs"


@dataclass(frozen=True, slots=True)
class Mapping:
    """Tile sizes of one layer and stage.

    rows, width: R and T of a row block.
    out_tile: channels across the groups of a tile (SRC: of F, MSRC: of C, OSRC: of the operand that is not
    broadcast).
    reduce_tile: channels on ch0 of a tile (SRC: of C, MSRC: of F, OSRC: of the broadcast operand).
    row_tile: rows of the output map (of one phase; OSRC: rows of dO) of a tile.
    stays: what is kept in the buffer while the rest is streamed: weights, inputs or partial sums of the
    outputs (OSRC: always its dW tile).
    unit_channels: broadcast channels of an OSRC unit. conv_groups: convolution groups of a tile.
    share: what one sample (OSRC: one tile of `samples`) pays of a load of W or store of dW: 1/share.
    samples: samples whose weight gradients an OSRC job accumulates.
    broadcast: the operand that OSRC takes on ch0, "dO" or "I".
    """

    rows: int
    width: int
    out_tile: int
    reduce_tile: int
    row_tile: int
    stays: str
    unit_channels: int
    conv_groups: int
    share: int
    samples: int = 1
    broadcast: str = GRADIENTS_BROADCAST
