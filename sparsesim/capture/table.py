"""Densities of every recorded step, layer by layer, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sparsesim.capture.call import Call, Count, Pass

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = ("step", "layer", "batch", "input", "grad_output", "grad_input_mask")


@dataclass(frozen=True)
class Row:
    """Densities (0..1) of one layer in one step over `batch` samples.

    grad_input_mask: where dI is needed; 1 where no ReLU precedes, nan where dI is not needed at all.
    """

    step: int
    layer: str
    batch: int
    input: float
    grad_output: float
    grad_input_mask: float


def rows_of(step: int, passes: Sequence[Pass]) -> list[Row]:
    """The rows of a step, the mean over its passes weighted by their elements; layers in forward order."""
    batch = sum(one.batch for one in passes)
    calls: dict[str, list[Call]] = {}
    for one in passes:
        for call in one.recorded():
            calls.setdefault(call.name, []).append(call)
    return [
        Row(
            step,
            name,
            batch,
            _density([call.inputs for call in of]),
            _density([call.grad_outputs for call in of]),
            _density([call.needed for call in of]),
        )
        for name, of in calls.items()
    ]


def _density(counts: Sequence[Count]) -> float:
    total = Count()
    for count in counts:
        total.add(count.nonzero, count.elements)
    return total.density()


def frame_of(rows: Sequence[Row]) -> pd.DataFrame:
    """One line per step and layer, columns as the fields of Row."""
    import pandas as pd  # noqa: PLC0415

    data: dict[str, list[Any]] = {name: [getattr(row, name) for row in rows] for name in _COLUMNS}
    return pd.DataFrame(data)
