"""Cycles of a matrix product on a systolic array in closed form, to choose the dataflow and to explain it.

A. Samajdar et al., "A systematic methodology for characterizing scalability of DNN accelerators using
SCALE-Sim", ISPASS 2020: each fold of R x C PEs takes time to fill, T steps, and time to drain. SCALE-Sim's
own count is held against this in every run.
"""

from __future__ import annotations

from math import ceil, prod

from tests.benchmarks.peers.layers import PeerLayer, Repeated

ROWS, COLUMNS = 12, 14
DATAFLOWS = {"os": "output stationary", "ws": "weight stationary", "is": "input stationary"}


def fold_shape(layer: PeerLayer, dataflow: str) -> tuple[int, int, int]:
    """(rows, columns, steps) the layer wants: what lies along the array's sides, and what streams."""
    pixels, window, filters = prod(layer.out_size), prod(layer.kernel) * layer.channels, layer.filters
    return {
        "os": (pixels, filters, window),
        "ws": (window, filters, pixels),
        "is": (window, pixels, filters),
    }[dataflow]


def folds(layer: PeerLayer, dataflow: str) -> int:
    """How often the array is filled."""
    rows, columns, _ = fold_shape(layer, dataflow)
    return ceil(rows / ROWS) * ceil(columns / COLUMNS)


def fill_and_drain(dataflow: str) -> int:
    """Cycles of a fold besides its steps: R + C - 2, and R more where an operand is loaded first."""
    return ROWS + COLUMNS - 2 + (0 if dataflow == "os" else ROWS)


def cycles(layer: PeerLayer, dataflow: str) -> int:
    """Cycles of the layer when memory is never in the way."""
    return folds(layer, dataflow) * (fold_shape(layer, dataflow)[2] + fill_and_drain(dataflow))


def filled(layer: PeerLayer, dataflow: str) -> float:
    """Share of the PEs that have work in the mean fold (1: every fold divides)."""
    rows, columns, _ = fold_shape(layer, dataflow)
    return rows * columns / (folds(layer, dataflow) * ROWS * COLUMNS)


def streaming(layer: PeerLayer, dataflow: str) -> float:
    """Share of the time of a fold in which it neither fills nor drains."""
    steps = fold_shape(layer, dataflow)[2]
    return steps / (steps + fill_and_drain(dataflow))


def network_cycles(layers: tuple[Repeated, ...], dataflow: str) -> int:
    """Cycles of all layers, each shape as often as it occurs."""
    return sum(each.count * cycles(each.layer, dataflow) for each in layers)


def fastest(layers: tuple[Repeated, ...]) -> str:
    """The dataflow with the fewest cycles over the whole network."""
    return min(DATAFLOWS, key=lambda dataflow: network_cycles(layers, dataflow))
