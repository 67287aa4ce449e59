"""The table of all layers and stages on the page: the numbers behind the figures, sortable."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from reports.language import CAUSE_WORDS, DENSITY_WORDS, STAGE_WORDS
from reports.numbers import density, energy, percent, short, times
from reports.page.model import Cell, Column, Row, Table
from sparsesim.results.model import DENSE, LayerResult, Result
from sparsesim.results.parts import COMPUTING_STAGES, ON_CHIP_CAUSES, STAGES_OF_OPERAND, ratio

STEM = "table-layers"
# A layer and stage in every run it was simulated in.
Line = Mapping[str, LayerResult]
Text = Callable[[float], str]


@dataclass(frozen=True)
class _Kind:
    """A column: its heading, what it says in full, its number for a line, and that number as text."""

    column: Column
    number: Callable[[Line], float]
    text: Text


def layer_table(result: Result) -> Table:
    """A row per layer and stage; cycles and energy on chip; what is of one run is of the last."""
    kinds = list(_kinds(result))
    columns = [Column("layer", numeric=False), Column("stage", numeric=False), *(k.column for k in kinds)]
    return Table(
        stem=STEM,
        caption="Every layer and stage",
        columns=columns,
        rows=list(_rows(result, kinds)),
        note="Per sample, on chip. A click on a heading sorts, one on a row shows the layer in all figures.",
    )


def _rows(result: Result, kinds: list[_Kind]) -> Iterator[Row]:
    runs = {run: result.of_run(run) for run in result.runs}
    for place, name in enumerate(result.layer_names()):
        for stage in COMPUTING_STAGES:
            line = {run: found[name, stage] for run, found in runs.items() if (name, stage) in found}
            if line:
                cells = [_cell(kind, line) for kind in kinds]
                yield Row([Cell(name), Cell(STAGE_WORDS[stage]), *cells], place)


def _cell(kind: _Kind, line: Line) -> Cell:
    number = kind.number(line)
    return Cell("" if math.isnan(number) else kind.text(number), number)


def _kinds(result: Result) -> Iterator[_Kind]:
    yield from _gains(result)
    last = list(result.runs)[-1]
    for run in dict.fromkeys((DENSE, last)):
        meaning = "useful MACs / (cycles x PEs x MACs per PE)"
        column = Column(f"PE use\n{run}", meaning, csv=f"{run}_pe_utilization")
        yield _Kind(column, partial(_utilization, run), percent)
    for name, said in DENSITY_WORDS.items():
        column = Column(f"density\n{said}", f"in the {last} run", csv=f"{last}_{name}_density")
        yield _Kind(column, partial(_density, last, name), density)
    yield _Kind(Column(f"{last}\nenergy", csv=f"{last}_energy_pj"), partial(_energy, last), energy)
    for cause in ON_CHIP_CAUSES:
        meaning = f"{CAUSE_WORDS[cause]}; share of the cycles of the {last} run"
        column = Column(f"\n{cause}", meaning, csv=f"{last}_{cause}_share")
        yield _Kind(column, partial(_share, last, cause), percent)


def _gains(result: Result) -> Iterator[_Kind]:
    for run in result.runs:
        yield _Kind(Column(f"{run}\ncycles", csv=f"{run}_cycles"), partial(_cycles, run), short)
    for run in result.compared:
        column = Column(f"{run}\nspeedup", f"dense cycles / {run} cycles", csv=f"{run}_speedup")
        yield _Kind(column, partial(_speedup, run), times)
    last = list(result.runs)[-1]
    meaning = f"energy efficiency: dense energy / {last} energy, on chip"
    column = Column(f"{last}\nefficiency", meaning, csv=f"{last}_energy_efficiency")
    yield _Kind(column, partial(_efficiency, last), times)


def _cycles(run: str, line: Line) -> float:
    return line[run].cycles.on_chip


def _speedup(run: str, line: Line) -> float:
    return ratio(line[DENSE].cycles.on_chip, line[run].cycles.on_chip)


def _efficiency(run: str, line: Line) -> float:
    return ratio(_energy(DENSE, line), _energy(run, line))


def _utilization(run: str, line: Line) -> float:
    return line[run].pe_utilization


def _density(run: str, name: str, line: Line) -> float:
    found = line[run]
    return found.density.get(name, math.nan) if found.stage in STAGES_OF_OPERAND[name] else math.nan


def _energy(run: str, line: Line) -> float:
    return line[run].energy_pj.on_chip.centre


def _share(run: str, cause: str, line: Line) -> float:
    cycles = line[run].group_cycles
    return ratio(cycles[cause], sum(cycles[name] for name in ON_CHIP_CAUSES))
