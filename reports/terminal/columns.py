"""The columns of the per-layer table: what is shown of a layer and stage, and how wide it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reports.numbers import density, energy, percent, short, times
from sparsesim.results.model import DENSE, LayerResult, Result
from sparsesim.results.parts import ON_CHIP_CAUSES, STAGES_OF_OPERAND, Measures, ratio
from sparsesim.results.result import utilization

# One line of the table: a layer and stage, or a sum, in every run.
Line = dict[str, Measures]
Cell = Callable[[Line], str]
_SHORT_CAUSES = {"imbalance": "imbal.", "dispatch": "disp."}


@dataclass(frozen=True)
class Column:
    """A column: its heading (lines separated by newlines) and its cell for a line."""

    heading: str
    cell: Cell


@dataclass(frozen=True)
class Block:
    """Columns that stay together. title: what they are, in a few words."""

    title: str
    columns: Sequence[Column]


def blocks(result: Result) -> list[Block]:
    """All columns, in blocks; those about one run are about the last, the most sparse one."""
    last = list(result.runs)[-1]
    return [
        Block("cycles and speedup on chip", [*_cycles(result), *_speedups(result)]),
        Block(f"PE utilisation, densities ({last})", [*_utilizations(result), *_densities(last)]),
        Block(f"where the on-chip cycles went ({last})", _causes(last)),
        Block(f"energy on chip ({last}), efficiency, largest parts", _energies(result, last)),
    ]


def _cycles(result: Result) -> list[Column]:
    def column(run: str) -> Column:
        return Column(f"{run}\ncycles", lambda line: short(line[run].cycles.on_chip))

    return [column(run) for run in result.runs]


def _speedups(result: Result) -> list[Column]:
    def column(run: str) -> Column:
        return Column(
            f"{run}\nspeedup", lambda line: times(ratio(line[DENSE].cycles.on_chip, line[run].cycles.on_chip))
        )

    return [column(run) for run in result.compared]


def _utilizations(result: Result) -> list[Column]:
    def column(run: str) -> Column:
        return Column(f"PE use\n{run}", lambda line: percent(utilization(line[run], result.machine)))

    return [column(DENSE), column(list(result.runs)[-1])]


def _densities(run: str) -> list[Column]:
    def column(heading: str, name: str) -> Column:
        def cell(line: Line) -> str:
            found = line[run]
            if not isinstance(found, LayerResult) or found.stage not in STAGES_OF_OPERAND[name]:
                return ""
            return density(found.density.get(name))

        return Column(heading, cell)

    return [column("\nI", "input"), column("\ndO", "grad_output"), column("\nmask", "grad_input_mask")]


def _causes(run: str) -> list[Column]:
    def column(cause: str) -> Column:
        def cell(line: Line) -> str:
            cycles = line[run].group_cycles
            return percent(ratio(cycles[cause], sum(cycles[name] for name in ON_CHIP_CAUSES)))

        return Column("\n" + _SHORT_CAUSES.get(cause, cause), cell)

    return [column(cause) for cause in ON_CHIP_CAUSES]


def _energies(result: Result, run: str) -> list[Column]:
    parts = result.runs[run].energy_pj.by_component_on_chip
    largest = sorted(parts, key=lambda name: -parts[name])[:4]

    def share(component: str) -> Column:
        def cell(line: Line) -> str:
            found = line[run].energy_pj
            return percent(ratio(found.by_component_on_chip[component], found.on_chip.centre))

        return Column(f"\n{component}", cell)

    total = Column("energy\non chip", lambda line: energy(line[run].energy_pj.on_chip.centre))
    return [total, _efficiency(run), *(share(component) for component in largest)]


def _efficiency(run: str) -> Column:
    def cell(line: Line) -> str:
        return times(ratio(line[DENSE].energy_pj.on_chip.centre, line[run].energy_pj.on_chip.centre))

    return Column("effi-\nciency", cell)
