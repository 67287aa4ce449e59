"""What bounds a machine, and where its layers are below: the numbers of the rooflines."""

from __future__ import annotations

from dataclasses import dataclass

from sparsesim.machine import Machine
from sparsesim.results.model import LayerResult, Result
from sparsesim.results.parts import COMPUTING_STAGES, ratio


@dataclass(frozen=True)
class Roof:
    """What bounds a panel. name: of the memory; bytes_per_cycle: its bandwidth; accounting: of the cycles.

    No point lies above min(peak, bytes_per_cycle / bytes per useful MAC).
    """

    name: str
    accounting: str
    macs_per_cycle: int
    bytes_per_cycle: float

    @property
    def knee(self) -> float:
        """Bytes per useful MAC from which the bandwidth is what bounds."""
        return self.bytes_per_cycle / self.macs_per_cycle

    def at(self, bytes_per_mac: float) -> float:
        """The most useful MACs per cycle."""
        return min(float(self.macs_per_cycle), self.bytes_per_cycle / bytes_per_mac)


@dataclass(frozen=True)
class Dot:
    """A layer and stage in a run; layer: place in layer_names()."""

    layer: int
    stage: str
    run: str
    bytes_per_mac: float
    macs_per_cycle: float


def roofs(machine: Machine) -> tuple[Roof, Roof]:
    """The roofs of buffer (a line per bank and cycle) and off-chip memory (peak bandwidth)."""
    peak = machine.pes * machine.pe.macs_per_pe
    lines = machine.buffer.banks * machine.buffer.line_bits / 8
    outside = machine.dram_bytes_per_cycle
    return Roof("buffer", "on_chip", peak, lines), Roof("DRAM", "with_dram", peak, outside)


def dots_under(roof: Roof, result: Result) -> list[Dot]:
    """Every layer and stage in every run that has useful MACs and moves bytes."""
    places = {name: place for place, name in enumerate(result.layer_names())}
    found = []
    for layer in result.layers:
        if layer.stage in COMPUTING_STAGES:
            x = ratio(_moved(layer, roof), layer.useful_macs)
            y = ratio(layer.useful_macs, getattr(layer.cycles, roof.accounting))
            # Neither has a place on a logarithmic axis where it is zero.
            if x > 0 and y > 0:
                found.append(Dot(places[layer.name], layer.stage, layer.run, x, y))
    return found


def _moved(layer: LayerResult, roof: Roof) -> float:
    moved = layer.bytes
    if roof.accounting == "on_chip":
        return moved.buffer_read + moved.buffer_write
    return moved.dram_read + moved.dram_write
