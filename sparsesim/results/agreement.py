"""What a summary must be beyond the type of every value: its parts fit each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sparsesim.energy import COMPONENTS
from sparsesim.results.frame import DENSITIES
from sparsesim.results.model import DENSE
from sparsesim.results.summary import EnergyPart, LayerPart, OverTimePart, Summary


def disagreements(summary: Summary) -> Iterator[str]:
    """Sentences on the parts that do not fit, each beginning with the dotted path of one."""
    names = list(summary.runs)
    if names[:1] != [DENSE]:
        yield f"runs must begin with {DENSE!r} (got {', '.join(names) or 'none'})"
    for key in ("speedup_half_width", "energy_efficiency_half_width"):
        for name in getattr(summary, key).keys() - summary.runs.keys():
            yield f"{key}.{name} must be one of the runs {', '.join(names)}"
    for name, run in summary.runs.items():
        yield from _energy(f"runs.{name}", run.energy_pj)
    for place, layer in enumerate(summary.layers):
        yield from _layer(f"layers.{place}", layer, names)
    if summary.density_over_time is not None:
        yield from _over_time(summary.density_over_time)


def _layer(path: str, layer: LayerPart, runs: list[str]) -> Iterator[str]:
    if layer.run not in runs:
        yield f"{path}.run must be one of the runs {', '.join(runs)} (got {layer.run!r})"
    wanted = () if layer.stage == "other" else DENSITIES
    if set(layer.density) != set(wanted):
        yield f"{path}.density must have the keys {_listed(wanted)} (got {_listed(layer.density)})"
    yield from _energy(path, layer.energy_pj)


def _energy(path: str, energy: EnergyPart) -> Iterator[str]:
    inside = [name for name in COMPONENTS if name != "dram"]
    extremes = energy.by_component_range
    for key, found, wanted in (
        ("by_component", energy.by_component, COMPONENTS),
        ("by_component_on_chip", energy.by_component_on_chip, inside),
        ("by_component_range.with_dram", extremes.with_dram, COMPONENTS),
        ("by_component_range.on_chip", extremes.on_chip, inside),
    ):
        if set(found) != set(wanted):
            yield f"{path}.energy_pj.{key} must have the keys {_listed(wanted)} (got {_listed(found)})"


def _over_time(part: OverTimePart) -> Iterator[str]:
    for name, values in part.layers.items():
        if len(values) != len(part.epochs):
            wanted, path = len(part.epochs), f"density_over_time.layers.{name}"
            yield f"{path} must have {wanted} values, one for each epoch (got {len(values)})"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"
