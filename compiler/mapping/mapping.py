"""A mapping: the numbers that turn a layer and stage into a program."""

from __future__ import annotations

from dataclasses import dataclass

WEIGHTS_STAY = "weights"
INPUTS_STAY = "inputs"
OUTPUTS_STAY = "outputs"


@dataclass(frozen=True)
class Mapping:
    """Tile sizes of one layer and stage.

    rows, width: R and T of a row block. out_tile: output channels of a tile (SRC: of F, MSRC and OSRC: of C);
    reduce_tile: reduction channels of a tile (SRC: of C, MSRC and OSRC: of F); row_tile: rows of the output map
    (of one phase; OSRC: rows of dO) of a tile. stays: what is kept in the buffer while the rest is streamed: weights,
    inputs or partial sums of the outputs (OSRC: always its dW tile). unit_channels: f_count of an OSRC unit. conv_groups: convolution groups of a tile.
    share: what one sample (OSRC: one tile of `samples`) pays of a load of W or store of dW: 1/share.
    samples: samples whose weight gradients an OSRC job accumulates.
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
