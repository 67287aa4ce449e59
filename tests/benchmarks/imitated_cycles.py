"""Cycles of a trace with its recorded masks and with masks drawn to imitate them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sparsesim.engine.record import StepRecords
from sparsesim.engine.source import MaskSource
from sparsesim.reproduction.imitated_trace import Masks, imitated_trace
from workloads.sparsity.masks import LayerMasks

GENERATED, REORDERED, INDEPENDENT = "generated", "reordered", "independent"
AIM = 3.0
"""Error of a layer's total, in per cent, that the generator aims to stay below."""
Cell = tuple[str, str]
"""A layer and a stage."""
Cycles = Mapping[Cell, int]
"""On-chip cycles of all samples."""

_INDEPENDENT_SEEDS = 2  # without clustering one seed is like another


@dataclass(frozen=True)
class Imitated:
    """Cycles of a trace, recorded, and by kind of imitation for every seed."""

    trace: str
    recorded: Cycles
    drawn: Mapping[str, Sequence[Cycles]]

    def layers(self) -> list[str]:
        """Names of the layers in forward order."""
        return list(dict.fromkeys(layer for layer, _ in self.recorded))

    def cycles(self, layer: str | None = None, stage: str | None = None) -> int:
        """Recorded cycles of a layer, a stage, or both; None: of all."""
        return _sum(self.recorded, layer, stage)

    def errors(self, kind: str, layer: str | None = None, stage: str | None = None) -> np.ndarray:
        """Error of every seed in per cent of the recorded cycles."""
        recorded = self.cycles(layer, stage)
        return np.array([100.0 * (_sum(one, layer, stage) / recorded - 1.0) for one in self.drawn[kind]])

    def layer_errors(self, kind: str) -> dict[str, float]:
        """Error of every layer's total in per cent, mean over the seeds."""
        return {layer: float(self.errors(kind, layer).mean()) for layer in self.layers()}


def _sum(cycles: Cycles, layer: str | None, stage: str | None) -> int:
    return sum(n for cell, n in cycles.items() if layer in (None, cell[0]) and stage in (None, cell[1]))


def imitated(path: Path, seeds: int, samples: int | None = None, *, own_densities: bool = True) -> Imitated:
    """Simulates a trace on the sparsetrain machine with recorded and with drawn masks.

    samples: how many of the recorded ones (None: all). own_densities: as in imitate(). Kinds: GENERATED,
    fitted to the trace; REORDERED, the recorded masks with the channels of every layer in another order;
    INDEPENDENT zeros at the same densities.
    """
    trace = imitated_trace(path, samples)

    def seeded(drawn: Callable[[int], Masks], count: int) -> list[Cycles]:
        return [_cycles(trace.records(drawn(seed))) for seed in range(count)]

    def imitation(clustered: bool) -> Callable[[int], Masks]:
        return trace.drawn(clustered=clustered, own_densities=own_densities)

    drawn = {
        GENERATED: seeded(imitation(True), seeds),
        REORDERED: seeded(lambda seed: _reordered(trace.recorded, seed), seeds),
        INDEPENDENT: seeded(imitation(False), min(seeds, _INDEPENDENT_SEEDS)),
    }
    return Imitated(path.stem, _cycles(trace.records()), drawn)


def _cycles(records: StepRecords) -> Cycles:
    cycles: dict[Cell, int] = {}
    for record in records.stages:
        cell = record.layer, record.stage.value
        cycles[cell] = cycles.get(cell, 0) + record.on_chip_cycles
    return cycles


def _reordered(recorded: MaskSource, seed: int) -> Masks:
    """The recorded masks with the channels of I and of dO in an order that all samples of a layer share."""

    def drawn(layer: str, sample: int) -> LayerMasks:
        masks = recorded.masks(layer, 0.0, sample)
        generator = np.random.default_rng([seed, *layer.encode()])
        inputs = generator.permutation(len(masks.input))
        grads = generator.permutation(len(masks.grad_output))
        needed = masks.grad_input_mask
        return LayerMasks(
            masks.input[inputs], masks.grad_output[grads], None if needed is None else needed[inputs]
        )

    return drawn
