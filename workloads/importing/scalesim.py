"""SCALE-Sim topologies: a CSV file with one layer a line, and nothing of what lies between the layers.

Convolutions: name, height and width of I with its padding, height and width of the kernel, channels,
filters, stride; where the name contains DP, every channel has `filters` kernels of its own. A kernel as large
as I is a fully connected layer. Matrix products (header with M, N, K): M rows of K numbers times K x N. Other
columns are not read, nor are lines with a name only.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from io import StringIO
from math import prod
from pathlib import Path

from workloads.errors import UserError
from workloads.importing.names import clean, quoted, unique
from workloads.layers import Conv, Linear, Shape
from workloads.map_layers import Gap
from workloads.network import Network, NetworkBuilder

MOST_BYTES = 4 << 20
MOST_LAYERS = 2000
MOST_SIZE = 1 << 16
_CONVOLUTION = ("height of I", "width of I", "height of the kernel", "width of the kernel", "channels",
                "filters", "stride")  # fmt: skip
_HEADINGS = ("IFMAP HEIGHT", "IFMAP WIDTH", "FILTER HEIGHT", "FILTER WIDTH", "CHANNEL", "FILTER", "STRIDE")
"""Words that the header has above these columns."""
_DEPTHWISE = "DP"
_PRODUCT = ("M", "N", "K")


@dataclass(frozen=True)
class _Row:
    """One layer: its name, the shape it reads, and the layer."""

    name: str
    shape: Shape
    layer: Conv | Linear


def read_topology(path: Path) -> Network:
    """The layers of a topology as a chain; between two of them a Gap stands for what the file leaves out.

    UserError naming the line and the column of whatever is wrong.
    """
    rows = _rows(path)
    first = rows[0].shape
    source = (
        f"SCALE-Sim topology {path.name}, which says nothing of activations: behind every layer batch-norm "
        f"and ReLU are assumed"
    )
    network = NetworkBuilder(clean(path.stem, "topology"), _named(first), first, source)
    taken = {network.last}
    for index, row in enumerate(rows):
        name = unique(clean(row.name, row.layer.kind), taken)
        if index:
            network.add(unique(f"before.{name}", taken), Gap(row.shape))
        taken |= {name, network.add(name, row.layer)}
    return network.build()


def _named(shape: Shape) -> str:
    return "x".join(map(str, shape))


def _rows(path: Path) -> list[_Row]:
    try:
        lines = list(enumerate(csv.reader(StringIO(_text(path))), start=1))
    except csv.Error as error:
        raise UserError(f"{path}: is no CSV file: {error}.") from None
    lines = [(number, cells) for number, cells in lines if any(cell.strip() for cell in cells[1:])]
    if not 1 < len(lines) <= MOST_LAYERS + 1:
        raise UserError(
            f"{path}: must be a header and 1 to {MOST_LAYERS} layers, one a line (got "
            f"{max(0, len(lines) - 1)} layers), with commas between the columns."
        )
    header = [cell.strip().upper() for cell in lines[0][1][1:]]
    products = header[:3] == list(_PRODUCT)
    if not products:
        _check_header(header, path)
    read = _product if products else _convolution
    return [read(cells, f"{path}, line {number}") for number, cells in lines[1:]]


def _check_header(header: list[str], path: Path) -> None:
    """UserError for columns in another order, and for a first layer in the place of the header."""
    found = [*header, *[""] * len(_HEADINGS)]
    for number, (cell, words) in enumerate(zip(found, _HEADINGS, strict=False), start=2):
        if not all(word in cell for word in words.split()):
            raise UserError(
                f"{path}: column {number} of the header must hold {words!r} (got {quoted(cell)}); a topology "
                f"begins with the line Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, "
                f"Channels, Num Filter, Strides, or with Layer, M, N, K."
            )


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise UserError(f"{path}: is larger than {MOST_BYTES >> 20} MiB; this is no topology.")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}.") from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: is no text in UTF-8; a topology is a CSV file.") from None


def _convolution(cells: list[str], where: str) -> _Row:
    height, width, rows, columns, channels, filters, stride = _numbers(cells, _CONVOLUTION, where)
    shape = (channels, height, width)
    depthwise = _DEPTHWISE in cells[0]
    if shape[1:] == (rows, columns) and not depthwise:
        inputs = prod(shape)
        return _Row(cells[0], (inputs, 1, 1), Linear(inputs, filters, bias=False))
    groups = channels if depthwise else 1
    layer = Conv(channels, filters * groups, (rows, columns), (stride, stride), groups=groups, bias=False)
    try:
        layer.output_shape(shape)
    except UserError as error:
        raise UserError(f"{where}: layer {quoted(cells[0])}: {error}") from None
    return _Row(cells[0], shape, layer)


def _product(cells: list[str], where: str) -> _Row:
    rows, outputs, inputs = _numbers(cells, _PRODUCT, where)
    if rows == 1:
        return _Row(cells[0], (inputs, 1, 1), Linear(inputs, outputs, bias=False))
    return _Row(cells[0], (inputs, 1, rows), Conv(inputs, outputs, (1, 1), bias=False))


def _numbers(cells: list[str], columns: tuple[str, ...], where: str) -> tuple[int, ...]:
    if len(cells) <= len(columns):
        raise UserError(
            f"{where}: has {len(cells)} columns; a layer needs {len(columns) + 1}: name, "
            f"{', '.join(columns)}."
        )
    return tuple(_number(text, name, where) for text, name in zip(cells[1:], columns, strict=False))


def _number(text: str, column: str, where: str) -> int:
    stripped = text.strip()
    value = int(stripped) if stripped.isascii() and stripped.isdigit() and len(stripped) < 10 else 0
    if not 1 <= value <= MOST_SIZE:
        raise UserError(
            f"{where}: {column} must be a whole number from 1 to {MOST_SIZE} (got {quoted(stripped)})."
        )
    return value
