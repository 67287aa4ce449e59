"""Cycles and energies added up anew from the layers of a result, and shown numbers read back."""

from __future__ import annotations

import re
from collections.abc import Callable

from sparsesim.results.model import LayerResult, Result

CAUSES = ("busy", "reject", "imbalance", "buffer", "ppu", "dispatch", "dram", "other")
COMPONENTS = ("mac", "registers", "detector", "ppu", "buffer", "wires", "control", "leakage", "dram")
_UNITS = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "x": 1.0, "%": 0.01}
_UNITS |= {" pJ": 1.0, " nJ": 1e3, " uJ": 1e6, " mJ": 1e9}


class Books:
    """What one run of a result spends.

    quantity: "cycles" or "energy_pj" (centre values); accounting: "on_chip" or "with_dram".
    """

    def __init__(self, result: Result, run: str) -> None:
        self.result, self.layers = result, [layer for layer in result.layers if layer.run == run]

    def total(
        self, quantity: str, accounting: str, which: Callable[[LayerResult], bool] = lambda _: True
    ) -> float:
        """Of all layers and stages, or those that are asked for."""
        return sum(_spent(layer, quantity, accounting) for layer in self.layers if which(layer))

    def of_kind(self, quantity: str, accounting: str, kind: str) -> float | None:
        """Of one cause or component; None where the accounting has no such thing."""
        if accounting == "on_chip" and kind in ("dram", "other"):
            return None
        if quantity == "cycles":
            return sum(layer.group_cycles[kind] for layer in self.layers) / self.result.machine.array.groups
        return sum(getattr(x.energy_pj, f"{accounting}_components")[kind].centre for x in self.layers)

    def kinds_of(self, name: str | None, stage: str, quantity: str, accounting: str) -> dict[str, float]:
        """Of one layer and stage by cause or component; name None: of all layers of the stage."""
        one = Books(self.result, "")
        one.layers = [x for x in self.layers if x.stage == stage and name in (None, x.name)]
        found = {
            kind: one.of_kind(quantity, accounting, kind)
            for kind in (CAUSES if quantity == "cycles" else COMPONENTS)
        }
        return {kind: value for kind, value in found.items() if value is not None}

    def pe_use(self) -> float:
        """Useful products over those that the multipliers could have made."""
        machine = self.result.machine
        multipliers = machine.array.groups * machine.array.pes_per_group * machine.pe.macs_per_pe
        useful = sum(layer.useful_macs for layer in self.layers)
        return useful / (self.total("cycles", "on_chip") * multipliers)


def _spent(layer: LayerResult, quantity: str, accounting: str) -> float:
    if quantity == "cycles":
        return {"on_chip": layer.cycles.on_chip, "with_dram": layer.cycles.with_dram}[accounting]
    components = getattr(layer.energy_pj, f"{accounting}_components")
    return float(sum(energy.centre for energy in components.values()))


def read(text: str) -> float:
    """The number in a shown one: "-4.28M", "+181 uJ" in pJ, "0.685x", "51%"."""
    return _read(text)[0]


def shows(text: str, value: float) -> bool:
    """Whether a shown number is that value, rounded to the digits it has."""
    number, last_digit = _read(text)
    return abs(number - value) <= 0.501 * last_digit


def _read(text: str) -> tuple[float, float]:
    """The number, and what 1 in its last digit is."""
    found = re.fullmatch(r"([+-]?\d+(?:\.(\d+))?)( ?\D*)", text)
    assert found, text
    unit = _UNITS[found[3]]
    return float(found[1]) * unit, 10.0 ** -len(found[2] or "") * unit
