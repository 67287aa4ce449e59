"""The tables of a reproduction as texts, for the terminal, the document and the page alike."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from reports import published
from reports.numbers import percent, times
from reports.text import shown_name
from sparsesim.reproduction.asked import Workload
from sparsesim.reproduction.averages import (
    Average,
    is_near,
    of_average,
    of_figures,
    of_result,
    rung_speedups,
    step_gain,
    weighted,
)
from sparsesim.reproduction.energy_views import EnergyView
from sparsesim.reproduction.ladder import RUNGS, Rung
from sparsesim.reproduction.model import ChangeOutcome, Efficiency, Reproduction
from sparsesim.results.model import DENSE, Result
from sparsesim.results.parts import ACCOUNTINGS, COMPUTING_STAGES, ON_CHIP_CAUSES, ratio

PRUNED, NATURAL = "pruned", "natural"
SHOWN_CAUSES = ("busy", "reject", "imbalance", "buffer", "ppu", "dispatch")


@dataclass(frozen=True)
class Sheet:
    """A table. stem: of file names. title: what it is. columns: headings, the first `names` of them of texts.

    bold: rows that stand out. note: sentences below it.
    """

    stem: str
    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    names: int = 1
    bold: Sequence[int] = field(default=())
    note: str = ""


def sheets(reproduction: Reproduction) -> list[Sheet]:
    """All of them, in the order of the document."""
    return [
        headline(reproduction),
        rates(reproduction),
        stages(reproduction),
        causes(reproduction),
        components(reproduction),
        ladder(reproduction),
        changes(reproduction),
        views(reproduction),
        generator(reproduction),
        *([steps(reproduction)] if reproduction.steps else []),
    ]


def headline(reproduction: Reproduction) -> Sheet:
    """Every workload at the headline rate, natural and pruned, and the averages beside the published ones."""
    rate = reproduction.asked.headline_rate
    rows = [
        [shown_name(result.network), shown_name(result.dataset), run, *_gains(reproduction, result, run)]
        for result in reproduction.at(rate)
        for run in result.compared
    ]
    first_bold = len(rows)
    rows += [_average_row(reproduction, run) for run in _runs(reproduction)]
    quoted = [times(published.SPEEDUP), "", times(published.EFFICIENCY), "", "", ""]
    rows.append(["published", "average", "", *quoted])
    return Sheet(
        "headline",
        f"Speedup and energy efficiency over the dense baseline, pruning rate {rate:g}",
        (
            *("network", "data set", "run"),
            *("speedup\non chip", "+-", "efficiency\non chip", "2.5 .. 97.5 %"),
            *("speedup\nwith DRAM", "efficiency\nwith DRAM"),
        ),
        rows,
        3,
        range(first_bold, len(rows)),
        _of_headline(reproduction),
    )


def _of_headline(reproduction: Reproduction) -> str:
    asked = reproduction.asked
    averaged = ", ".join(dict.fromkeys(workload.network for workload in asked.averaged()))
    several = asked.samples > 1
    width = f"+-: half of the 95 % interval of the mean over {asked.samples} samples. " if several else ""
    return (
        f"{width}2.5 .. 97.5 %: of the efficiencies with {asked.draws:,} energy tables drawn from the "
        f"ranges of the table. The average is over {averaged} on {len(asked.datasets)} data sets. "
        "Published: Dai et al., DAC 2020, abstract; its networks, data sets and pruning rates are not "
        "stated there."
    )


def _runs(reproduction: Reproduction) -> tuple[str, ...]:
    return reproduction.headline()[0].compared


def _gains(reproduction: Reproduction, result: Result, run: str) -> Iterator[str]:
    workload = Workload(result.network, result.dataset)
    interval = reproduction.efficiencies[workload, reproduction.asked.headline_rate, run]
    inside, whole = (of_result(result, run, accounting) for accounting in ACCOUNTINGS)
    yield from _numbers(inside, whole, interval)


def _average_row(reproduction: Reproduction, run: str) -> list[str]:
    results = reproduction.headline()
    rate = reproduction.asked.headline_rate
    inside, whole = (of_average(reproduction, rate, run, accounting) for accounting in ACCOUNTINGS)
    words = ["average", f"of {len(results)}", run]
    return [*words, *_numbers(inside, whole, reproduction.average_efficiencies[run])]


def _numbers(inside: Average, whole: Average, interval: Efficiency) -> Iterator[str]:
    yield times(inside.speedup)
    yield "-" if math.isnan(inside.speedup_half_width) else f"{inside.speedup_half_width:.2f}"
    yield times(inside.efficiency)
    yield f"{interval.on_chip.low:.2f} .. {interval.on_chip.high:.2f}"
    yield times(whole.speedup)
    yield times(whole.efficiency)


def rates(reproduction: Reproduction) -> Sheet:
    """On-chip speedup and efficiency over the pruning rate."""
    asked = reproduction.asked
    rows = []
    for workload in asked.workloads():
        results = [reproduction.results[workload, rate] for rate in asked.rates]
        pairs = [_pair(results[0], NATURAL), *(_pair(result, PRUNED) for result in results)]
        rows.append([shown_name(workload.network), shown_name(workload.dataset), *pairs])
    averages = [of_average(reproduction, asked.rates[0], NATURAL, "on_chip")]
    averages += [of_average(reproduction, rate, PRUNED, "on_chip") for rate in asked.rates]
    rows.append(["average", f"of {len(asked.averaged())}", *map(_both, averages)])
    return Sheet(
        "rates",
        "Speedup and energy efficiency on chip, by pruning rate",
        ("network", "data set", "natural", *(f"p = {rate:g}" for rate in asked.rates)),
        rows,
        2,
        (len(rows) - 1,),
        "Speedup / energy efficiency.",
    )


def _pair(result: Result, run: str) -> str:
    return _both(of_result(result, run, "on_chip"))


def _both(average: Average) -> str:
    return f"{average.speedup:.2f} / {average.efficiency:.2f}"


def stages(reproduction: Reproduction) -> Sheet:
    """On-chip speedup and dense PE use by stage."""
    rows = [
        [shown_name(result.network), shown_name(result.dataset), *_of_stages(result)]
        for result in reproduction.at(reproduction.asked.headline_rate)
    ]
    columns = [
        f"{name}\n{what}" for name in ("Forward", "GTA", "GTW") for what in ("dense use", NATURAL, PRUNED)
    ]
    return Sheet(
        "stages",
        "By stage, on chip: how busy the dense machine's PEs are, and the speedups",
        ("network", "data set", *columns),
        rows,
        2,
        note="dense use: useful MACs over what the PEs could do in the dense baseline.",
    )


def _of_stages(result: Result) -> Iterator[str]:
    machine = result.machine
    for stage in COMPUTING_STAGES:
        cycles = {name: run.cycles_by_stage[stage].on_chip for name, run in result.runs.items()}
        macs = sum(layer.dense_macs for layer in result.layers if (layer.run, layer.stage) == (DENSE, stage))
        yield percent(ratio(macs, cycles[DENSE] * machine.pes * machine.pe.macs_per_pe))
        yield from (times(ratio(cycles[DENSE], cycles[run])) for run in (NATURAL, PRUNED))


def causes(reproduction: Reproduction) -> Sheet:
    """Fewer MACs, PE use and where the cycles of the PE groups went, on chip."""
    rows = [
        [shown_name(result.network), shown_name(result.dataset), run, *_of_causes(result, run)]
        for result in reproduction.at(reproduction.asked.headline_rate)
        for run in result.runs
    ]
    return Sheet(
        "causes",
        "Where the cycles of the PE groups went, on chip",
        ("network", "data set", "run", "fewer\nMACs", "PE use", *SHOWN_CAUSES),
        rows,
        3,
        note="speedup = fewer MACs x PE use / PE use of the dense run, exactly.",
    )


def _of_causes(result: Result, run: str) -> Iterator[str]:
    found = result.runs[run]
    yield "" if run == DENSE else times(result.work_ratio[run])
    yield percent(found.pe_utilization)
    total = sum(found.group_cycles[cause] for cause in ON_CHIP_CAUSES)
    yield from (percent(ratio(found.group_cycles[cause], total)) for cause in SHOWN_CAUSES)


def components(reproduction: Reproduction) -> Sheet:
    """Energy by component, average shares of the dense energy with DRAM."""
    results = reproduction.headline()
    names = list(results[0].runs[DENSE].energy_pj.by_component)
    rows = []
    for run in results[0].runs:
        shares = [_shares(result, run, names) for result in results]
        means = [sum(column) / len(results) for column in zip(*shares, strict=True)]
        rows.append([run, *(f"{share:.1%}" for share in [*means, sum(means)])])
    return Sheet(
        "components",
        "Energy by component, in per cent of the dense energy with DRAM, average over the workloads",
        ("run", *names, "together"),
        rows,
    )


def _shares(result: Result, run: str, names: Sequence[str]) -> list[float]:
    whole = result.runs[DENSE].energy_pj.with_dram.centre
    spent = result.runs[run].energy_pj.by_component
    return [ratio(spent[name], whole) for name in names]


def ladder(reproduction: Reproduction) -> Sheet:
    """Cycles and speedups from the bound to the whole machine, averaged over the workloads examined."""
    last: dict[str, float] = {}
    rows = []
    for rung, _ in reproduction.rungs:
        speedups = {run: rung_average(reproduction, rung, run) for run in _runs(reproduction)}
        steps_ = [_step(speedups[run], last.get(run)) for run in speedups]
        last = speedups
        rows.append(
            [rung.name, *_use(reproduction, rung), *(times(value) for value in speedups.values()), *steps_]
        )
    runs = _runs(reproduction)
    return Sheet(
        "ladder",
        "From the ideal bound to the whole machine: one mechanism at a time, under the same programs",
        (
            *("mechanism\nadded", "PE use\ndense"),
            *(f"{what}\n{run}" for what in ("PE use", "speedup", "step") for run in runs),
        ),
        rows,
        note=" ".join(f"{rung.name}: {rung.words}." for rung in RUNGS)
        + " Speedups are averages over the workloads examined. On every rung the dense machine has the "
        "same limits as the sparse one. PE use: useful MACs over what the PEs could do in the cycles of "
        "the rung.",
    )


def rung_average(reproduction: Reproduction, rung: Rung, run: str) -> float:
    """Average speedup of a run on a rung."""
    cycles = next(found for one, found in reproduction.rungs if one is rung)
    return weighted(rung_speedups(cycles, run), reproduction.counts)


def _use(reproduction: Reproduction, rung: Rung) -> Iterator[str]:
    bound, cycles = reproduction.rungs[0][1], dict(reproduction.rungs)[rung]
    for run in (DENSE, *_runs(reproduction)):
        uses = {workload: ratio(bound[workload][run], found[run]) for workload, found in cycles.items()}
        yield percent(weighted(uses, reproduction.counts))


def _step(value: float, before: float | None) -> str:
    return "" if before is None else f"{value - before:+.2f}"


def changes(reproduction: Reproduction) -> Sheet:
    """What single changes give, beside the published averages."""
    rows = [[one.change.label, *_of_change(reproduction, one)] for one in reproduction.changes]
    return Sheet(
        "changes",
        f"Single changes: average over the workloads, pruning rate {reproduction.asked.headline_rate:g}",
        (
            *("change", "PE use\ndense", "speedup\nnatural", "speedup\npruned", "efficiency\npruned"),
            *("speedup\nwith DRAM", "area\nmm2", "reaches"),
        ),
        rows,
        bold=[place for place, one in enumerate(reproduction.changes) if not one.change.settings],
        note="On chip unless it says otherwise. reaches: within 15 % of the published "
        f"{published.SPEEDUP}x (speed), {published.EFFICIENCY}x (energy), or both. One sample."
        + "".join(f" {one.change.label}: {one.error}." for one in reproduction.changes if one.error),
    )


def _of_change(reproduction: Reproduction, outcome: ChangeOutcome) -> Iterator[str]:
    if outcome.error:
        yield from (*["-"] * 6, "not simulated")
        return
    counts, figures = reproduction.counts, outcome.figures
    natural, pruned = (of_figures(figures, counts, run, "on_chip") for run in (NATURAL, PRUNED))
    use = {workload: found[f"{DENSE}.pe_utilization"] for workload, found in figures.items()}
    yield percent(weighted(use, counts))
    yield from (times(value) for value in (natural.speedup, pruned.speedup, pruned.efficiency))
    yield times(of_figures(figures, counts, PRUNED, "with_dram").speedup)
    yield f"{next(iter(figures.values()))['area_mm2']:.2f}"
    yield reaches(pruned.speedup, pruned.efficiency)


def reaches(speedup: float, efficiency: float) -> str:
    """Which of the published averages are reached, in a word."""
    speed, energy = is_near(speedup, published.SPEEDUP), is_near(efficiency, published.EFFICIENCY)
    return "both" if speed and energy else "speed" if speed else "energy" if energy else "neither"


def views(reproduction: Reproduction) -> Sheet:
    """The average energy efficiency on chip in other accountings of the same actions."""
    runs = _runs(reproduction)
    rows = [[view.name, view.words, *_of_view(view, runs)] for view in reproduction.views]
    return Sheet(
        "views",
        "Average energy efficiency on chip: the same actions charged in other ways",
        ("accounting", "what is charged", *(f"efficiency\n{run}" for run in runs)),
        rows,
        2,
    )


def _of_view(view: EnergyView, runs: Sequence[str]) -> list[str]:
    return [times(view.efficiency[run]) for run in runs]


def generator(reproduction: Reproduction) -> Sheet:
    """Errors of speedup and efficiency with drawn masks instead of the recorded ones."""
    rows = [
        [error.trace, str(error.samples), *(f"{value:+.1%}" for value in error.mean)]
        for error in reproduction.recorded
    ]
    return Sheet(
        "generator",
        "Masks of the generator against the recorded ones, on chip",
        ("trace", "samples", "error of\nspeedup", "error of\nefficiency"),
        rows,
        note="Mean over seeds; positive where drawn masks gain more. Same programs.",
    )


def steps(reproduction: Reproduction) -> Sheet:
    """From the published arrangement to the better machine, geometric means over the workloads."""
    names = ("on_chip_cycles", "with_dram_cycles", "on_chip_energy_pj", "with_dram_energy_pj")
    rows = []
    for place, step in enumerate(reproduction.steps):
        gains = [step_gain(reproduction, place, name) for name in names]
        area = next(iter(step.figures.values()), {}).get("area_mm2", math.nan)
        rows.append([step.words, *map(times, gains), f"{area:.2f}"])
    return Sheet(
        "beyond",
        "From the published arrangement to a better machine of the same area and off-chip bandwidth",
        (
            *("after", "faster\non chip", "faster\nwith DRAM", "less energy\non chip"),
            *("less energy\nwith DRAM", "area\nmm2"),
        ),
        rows,
        note="Pruned runs: published arrangement over the machine after the step, geometric mean.",
    )


def averages_of(reproduction: Reproduction) -> Mapping[str, Average]:
    """The averages on chip, by run."""
    rate = reproduction.asked.headline_rate
    return {run: of_average(reproduction, rate, run, "on_chip") for run in _runs(reproduction)}
