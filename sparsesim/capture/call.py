"""What is kept of one use of a layer in one forward and backward."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sparsesim.capture.ancestry import Rectified
from sparsesim.capture.geometry import Geometry
from sparsesim.capture.masks import Packed


@dataclass
class Count:
    """Non-zeros among elements; the former a tensor while they are on an accelerator."""

    nonzero: Any = 0
    elements: int = 0

    def add(self, nonzero: Any, elements: int) -> None:
        """Count one more tensor."""
        self.nonzero = self.nonzero + nonzero
        self.elements += elements

    def density(self) -> float:
        """Fraction of non-zeros, 0..1; nan where nothing was counted."""
        return float(self.nonzero) / self.elements if self.elements else float("nan")


@dataclass
class Call:
    """One use of a layer. name: the layer's, `@2` and so on behind it for further uses in a forward.

    needs_gradient: dI is needed at all. relu: the ReLU that I comes from. arrived: dO has come. masks: of
    the chosen samples, packed, by their key in a trace.
    """

    name: str
    layer: Any
    needs_gradient: bool
    relu: Rectified | None
    geometry: Geometry | None = None
    arrived: bool = False
    inputs: Count = field(default_factory=Count)
    grad_outputs: Count = field(default_factory=Count)
    needed: Count = field(default_factory=Count)
    masks: dict[str, Packed] = field(default_factory=dict)


@dataclass
class Pass:
    """One forward of training and its backward. samples: whose masks are kept; None: of none.

    running: numbers of the backwards that reached it and have not ended; one that failed never does.
    """

    measured: bool
    wants_masks: bool
    samples: tuple[int, ...] | None = None
    batch: int = 0
    reached: bool = False
    calls: list[Call] = field(default_factory=list)
    running: set[int] = field(default_factory=set)

    def uses(self, layer: Any) -> int:
        """How often a layer was used so far."""
        return sum(call.layer is layer for call in self.calls)

    def recorded(self) -> list[Call]:
        """The calls to which a gradient came."""
        return [call for call in self.calls if call.arrived]
