"""Tables whose columns stay whole in any terminal: what does not fit beside the others goes below them."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

PADDING = 2  # columns of a table stand two characters apart
Block = TypeVar("Block")


@dataclass(frozen=True)
class Column:
    """A column as text, a cell per row. heading: lines separated by newlines.

    folded: characters from which on a cell is folded where there is not room for all of it; 0 for never.
    """

    heading: str
    cells: Sequence[str]
    numeric: bool = True
    folded: int = 0

    @property
    def least_width(self) -> int:
        """The characters it needs."""
        width = widest([*self.heading.split("\n"), *self.cells])
        return min(width, self.folded) if self.folded else width


@dataclass(frozen=True)
class Grid:
    """names: columns at the left of every table; blocks: columns that stay together.

    gaps: rows with an empty line above them. bold: rows that stand out.
    """

    title: str
    names: Sequence[Column]
    blocks: Sequence[Sequence[Column]]
    gaps: Collection[int] = field(default=())
    bold: Collection[int] = field(default=())


def print_grid(grid: Grid, console: Console) -> None:
    """Print a grid below its title, as one table or, where that would be too wide, as several."""
    console.print()
    title = textwrap.fill(grid.title, console.width, break_on_hyphens=False)
    console.print(title, style="bold", soft_wrap=True)
    names = sum(column.least_width + PADDING for column in grid.names)
    for place, blocks in enumerate(side_by_side(grid.blocks, _width, console.width - names)):
        if place:
            console.print()
        print_table(_table(grid, [column for block in blocks for column in block]), console)


def side_by_side(blocks: Sequence[Block], width: Callable[[Block], int], room: int) -> list[list[Block]]:
    """Blocks from left to right as long as they fit into the room, then the next ones; widths with PADDING.

    The padding after the last one need not fit.
    """
    found: list[list[Block]] = []
    left = 0
    for block in blocks:
        if not found or width(block) - PADDING > left:
            found.append([])
            left = room
        found[-1].append(block)
        left -= width(block)
    return found


def widest(texts: Sequence[str]) -> int:
    """The columns of a terminal that the widest of the texts takes."""
    return max(map(cell_len, texts), default=0)


def plain_table(title: str | None = None, padding: int = PADDING) -> Table:
    """A table without lines, as all tables of results are; columns stand `padding` characters apart."""
    return Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=None,
        padding=(0, padding, 0, 0),
        header_style="dim",
        pad_edge=False,
    )


def print_table(table: Table, console: Console) -> None:
    """Print a table without the blanks that fill its last column."""
    for segments in console.render_lines(table, pad=False):
        line = Text.assemble(*((segment.text, segment.style or "") for segment in segments))
        line.rstrip()
        console.print(line, soft_wrap=True)


def _width(block: Sequence[Column]) -> int:
    return sum(column.least_width + PADDING for column in block)


def _table(grid: Grid, columns: Sequence[Column]) -> Table:
    every = [*grid.names, *columns]
    lines = max(column.heading.count("\n") for column in every)
    table = plain_table()
    for column in every:
        table.add_column(
            "\n" * (lines - column.heading.count("\n")) + column.heading,
            justify="right" if column.numeric else "left",
            overflow="fold",
            no_wrap=not column.folded,
            min_width=column.least_width,
        )
    for row in range(len(every[0].cells)):
        if row in grid.gaps:
            table.add_row()
        style = "bold" if row in grid.bold else None
        table.add_row(*(column.cells[row] for column in every), style=style)
    return table
