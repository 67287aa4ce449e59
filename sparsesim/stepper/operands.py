"""Which positions a row operation reads, and what each entry is good for: taps counted one by one.

Definitions: docs/microarchitecture.md section 2. One class per row operation; all positions are absolute.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from compiler.geometry import ConvGeometry
from compiler.program import INPUTS_BROADCAST, RowOperation, StageProgram
from compiler.target import Target

Plane = NDArray[np.bool_]


class Masks(Protocol):
    """Non-zero masks of one sample: I bool[C, H, W], dO bool[F, Ho, Wo]; where dI is needed (None: all)."""

    @property
    def input(self) -> NDArray[np.bool_]: ...
    @property
    def grad_output(self) -> NDArray[np.bool_]: ...
    @property
    def grad_input_mask(self) -> NDArray[np.bool_] | None: ...


@dataclass(frozen=True)
class RowBlock:
    """`rows` rows phase + row_step * (first + i) of an output map, columns [column, column + width)."""

    phase: int
    first: int
    rows: int
    column: int
    width: int
    row_step: int
    sample: int = 0

    def row_numbers(self) -> list[int]:
        """The rows of the output map, absolute."""
        return [self.phase + self.row_step * (self.first + i) for i in range(self.rows)]

    def column_numbers(self) -> range:
        """The columns of the output map, absolute."""
        return range(self.column, self.column + self.width)


@dataclass(frozen=True)
class RowPair:
    """A ch0 row and the row it meets through one kernel row: of O (SRC), dI (MSRC) or ch1 (OSRC)."""

    ch0_row: int
    partner_row: int


class Operands(ABC):
    """One kind of row operation on one layer and sample."""

    has_masks = False  # whether ReLU masks are fetched and looked at
    ch0_row_step = 1  # distance of neighbouring ch0 rows in their tensor
    ch1_row_step = 1  # the same for the rows of ch1 (OSRC)
    block_row_step = 1  # distance of neighbouring rows of a block

    def __init__(self, geometry: ConvGeometry, target: Target, masks: Masks) -> None:
        self.geometry = geometry
        self.target = target
        self.masks = masks

    def input_row(self, out_row: int, kernel_row: int) -> int | None:
        """Row of I that row `out_row` of O meets through `kernel_row`; None in the padding."""
        g = self.geometry
        row = out_row * g.stride[0] + kernel_row * g.dilation[0] - g.padding[0]
        return row if 0 <= row < g.in_size[0] else None

    def input_column(self, out_column: int, tap: int) -> int | None:
        """Column of I that column `out_column` of O meets through `tap`; None in the padding."""
        g = self.geometry
        column = out_column * g.stride[1] + tap * g.dilation[1] - g.padding[1]
        return column if 0 <= column < g.in_size[1] else None

    def taps(self) -> range:
        """The taps of a kernel row."""
        return range(self.geometry.kernel[1])

    def input_columns_of(self, block: RowBlock) -> list[int]:
        """Columns of I that some output column of the block uses through some tap."""
        met = {self.input_column(x, k) for x in block.column_numbers() for k in self.taps()}
        return sorted(column for column in met if column is not None)

    @abstractmethod
    def ch0_plane(self, channel: int, sample: int) -> Plane:
        """Non-zero mask of channel `channel` of the ch0 operand of one sample."""

    @abstractmethod
    def row_pairs(self, block: RowBlock, kernel_row: int) -> list[RowPair]:
        """The ch0 rows that exist, ascending, with their partners."""

    @abstractmethod
    def ch0_columns(self, block: RowBlock) -> list[int]:
        """The ch0 columns that some tap can use, ascending."""

    @abstractmethod
    def useful_products(self, block: RowBlock, channel: int, partner_row: int, column: int) -> int:
        """n(e) of the entry at ch0 column `column` in the group that works on output channel `channel`."""


class SrcOperands(Operands):
    """Forward: ch0 is I, the partner row is a row of O."""

    def __init__(self, geometry: ConvGeometry, target: Target, masks: Masks) -> None:
        super().__init__(geometry, target, masks)
        self.ch0_row_step = geometry.stride[0]

    def ch0_plane(self, channel: int, sample: int) -> Plane:
        return np.asarray(self.masks.input[channel], np.bool_)

    def row_pairs(self, block: RowBlock, kernel_row: int) -> list[RowPair]:
        met = [(self.input_row(y, kernel_row), y) for y in block.row_numbers()]
        return [RowPair(row, y) for row, y in met if row is not None]

    def ch0_columns(self, block: RowBlock) -> list[int]:
        return self.input_columns_of(block)

    def useful_products(self, block: RowBlock, channel: int, partner_row: int, column: int) -> int:
        products = 0
        for x in block.column_numbers():
            for k in self.taps():
                if self.input_column(x, k) == column:
                    products += 1
        return products


class MsrcOperands(Operands):
    """GTA: ch0 is dO, the partner row is a row of dI with its mask."""

    def __init__(self, geometry: ConvGeometry, target: Target, masks: Masks) -> None:
        super().__init__(geometry, target, masks)
        self.block_row_step = geometry.stride[0]
        self.has_masks = target.mask_skipping and masks.grad_input_mask is not None

    def ch0_plane(self, channel: int, sample: int) -> Plane:
        return np.asarray(self.masks.grad_output[channel], np.bool_)

    def row_pairs(self, block: RowBlock, kernel_row: int) -> list[RowPair]:
        out_rows = range(self.geometry.out_size[0])
        return [
            RowPair(out_row, y)
            for y in block.row_numbers()
            for out_row in out_rows
            if self.input_row(out_row, kernel_row) == y
        ]

    def ch0_columns(self, block: RowBlock) -> list[int]:
        inside = block.column_numbers()
        out_columns = range(self.geometry.out_size[1])
        return [x for x in out_columns if any(self.input_column(x, k) in inside for k in self.taps())]

    def needed(self, channel: int, row: int, column: int) -> bool:
        """Whether dI is needed at a position, as far as the machine looks."""
        mask = self.masks.grad_input_mask
        return mask is None or not self.target.mask_skipping or bool(mask[channel, row, column])

    def useful_products(self, block: RowBlock, channel: int, partner_row: int, column: int) -> int:
        products = 0
        for k in self.taps():
            x = self.input_column(column, k)
            if x is not None and x in block.column_numbers() and self.needed(channel, partner_row, x):
                products += 1
        return products


class OsrcOperands(Operands):
    """GTW: one of dO and I is ch0, the other is the partner, delivered on ch1."""

    def inputs_plane(self, channel: int, sample: int) -> Plane:
        """Non-zero mask of channel `channel` of I of one sample; the maps of several samples are stacked."""
        height = self.geometry.in_size[0]
        return np.asarray(self.masks.input[channel, sample * height : (sample + 1) * height], np.bool_)

    def gradients_plane(self, channel: int, sample: int) -> Plane:
        """Non-zero mask of channel `channel` of dO of one sample."""
        height = self.geometry.out_size[0]
        return np.asarray(self.masks.grad_output[channel, sample * height : (sample + 1) * height], np.bool_)

    def gradient_columns_of(self, block: RowBlock) -> list[int]:
        """Columns of dO of the block that some tap can use."""
        return [
            x for x in block.column_numbers() if any(self.input_column(x, k) is not None for k in self.taps())
        ]

    @abstractmethod
    def ch1_plane(self, channel: int, sample: int) -> Plane:
        """Non-zero mask of channel `channel` of the ch1 operand of one sample."""

    @abstractmethod
    def ch1_columns(self, block: RowBlock) -> list[int]:
        """The ch1 columns that some entry can meet, ascending."""


class GradientsBroadcast(OsrcOperands):
    """OSRC with dO on ch0: a group works on a channel of I."""

    def __init__(self, geometry: ConvGeometry, target: Target, masks: Masks) -> None:
        super().__init__(geometry, target, masks)
        self.ch1_row_step = geometry.stride[0]

    def ch0_plane(self, channel: int, sample: int) -> Plane:
        return self.gradients_plane(channel, sample)

    def ch1_plane(self, channel: int, sample: int) -> Plane:
        return self.inputs_plane(channel, sample)

    def row_pairs(self, block: RowBlock, kernel_row: int) -> list[RowPair]:
        met = [(y, self.input_row(y, kernel_row)) for y in block.row_numbers()]
        return [RowPair(y, row) for y, row in met if row is not None]

    def ch0_columns(self, block: RowBlock) -> list[int]:
        return self.gradient_columns_of(block)

    def ch1_columns(self, block: RowBlock) -> list[int]:
        return self.input_columns_of(block)

    def useful_products(self, block: RowBlock, channel: int, partner_row: int, column: int) -> int:
        products = 0
        for k in self.taps():
            x = self.input_column(column, k)
            if x is not None and (
                not self.target.input_skipping or self.ch1_plane(channel, block.sample)[partner_row, x]
            ):
                products += 1
        return products


class InputsBroadcast(OsrcOperands):
    """OSRC with I on ch0: a group works on a channel of dO."""

    def __init__(self, geometry: ConvGeometry, target: Target, masks: Masks) -> None:
        super().__init__(geometry, target, masks)
        self.ch0_row_step = geometry.stride[0]

    def ch0_plane(self, channel: int, sample: int) -> Plane:
        return self.inputs_plane(channel, sample)

    def ch1_plane(self, channel: int, sample: int) -> Plane:
        return self.gradients_plane(channel, sample)

    def row_pairs(self, block: RowBlock, kernel_row: int) -> list[RowPair]:
        met = [(self.input_row(y, kernel_row), y) for y in block.row_numbers()]
        return [RowPair(row, y) for row, y in met if row is not None]

    def ch0_columns(self, block: RowBlock) -> list[int]:
        return self.input_columns_of(block)

    def ch1_columns(self, block: RowBlock) -> list[int]:
        return self.gradient_columns_of(block)

    def useful_products(self, block: RowBlock, channel: int, partner_row: int, column: int) -> int:
        products = 0
        for x in block.column_numbers():
            for k in self.taps():
                if self.input_column(x, k) == column and (
                    not self.target.input_skipping or self.ch1_plane(channel, block.sample)[partner_row, x]
                ):
                    products += 1
        return products


_KINDS: dict[RowOperation, type[Operands]] = {
    RowOperation.SRC: SrcOperands,
    RowOperation.MSRC: MsrcOperands,
    RowOperation.OSRC: GradientsBroadcast,
}


def operands_of(program: StageProgram, masks: Masks) -> Operands:
    """The operands of a program's row operation."""
    kind = InputsBroadcast if program.broadcast == INPUTS_BROADCAST else _KINDS[program.operation]
    return kind(program.geometry, program.target, masks)
