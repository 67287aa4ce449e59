"""What results gain over their dense baselines, and the averages of that."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from statistics import fmean
from typing import Any

from reports import published
from reports.language import ACCOUNTING_WORDS
from reports.numbers import extremes, times
from reports.text import plain, shown_name, shown_names
from sparsesim.results.model import Result
from sparsesim.results.parts import ACCOUNTINGS

AVERAGE = "average"
_LONGEST_LINE = 28  # characters of a label
_PUBLISHED: Mapping[str, Any] = {
    "label": "published average",
    "run": "pruned",
    "accounting": "on_chip",
    "speedup": published.SPEEDUP,
    "energy_efficiency": published.EFFICIENCY,
}


@dataclass(frozen=True)
class Gain:
    """One run over dense, in one accounting; a ratio without a denominator is nan.

    label: of the result, may have line breaks. results: how many it stands for, several in an average.
    energy_efficiency_low_column, _high_column: with these columns of the energy table; either may be the
    larger one. *_half_width: half of the 95 % confidence interval of the mean over samples, nan where it is
    not known.
    """

    label: str
    run: str
    accounting: str
    results: int
    speedup: float
    speedup_half_width: float
    energy_efficiency: float
    energy_efficiency_low_column: float
    energy_efficiency_high_column: float
    energy_efficiency_half_width: float

    @property
    def energy_efficiency_extremes(self) -> tuple[float, float]:
        """The smallest and the largest of the three columns; nan where none is known."""
        return extremes(
            (
                self.energy_efficiency_low_column,
                self.energy_efficiency,
                self.energy_efficiency_high_column,
            )
        )


def gains(result: Result, label: str) -> list[Gain]:
    """All runs of a result on chip, then all with DRAM."""
    return [_gain(result, label, run, accounting) for accounting in ACCOUNTINGS for run in result.compared]


def averages(results: Sequence[Result], every: Iterable[Gain]) -> list[Gain]:
    """The mean of `every` by accounting and run, over the results that have the run, if several do.

    Empty unless there are several results, of different workloads, on one machine with one energy table: the
    mean of anything else would mean nothing.
    """
    workloads = {(result.network, result.dataset) for result in results}
    first = results[0]
    alike = all(
        result.machine == first.machine and result.energy_table == first.energy_table for result in results
    )
    if len(results) < 2 or len(workloads) < len(results) or not alike:
        return []
    kinds: dict[tuple[int, str], list[Gain]] = {}
    for gain in every:
        kinds.setdefault((ACCOUNTINGS.index(gain.accounting), gain.run), []).append(gain)
    ordered = sorted(kinds.items(), key=lambda kind: kind[0][0])
    return [_average(found) for _, found in ordered if len(found) > 1]


def result_labels(results: Sequence[Result]) -> list[str]:
    """Network and data set; where two are the same also the machine, and where that is too, a number."""
    workloads = [f"{plain(result.network)}\n{plain(result.dataset)}" for result in results]
    found = [
        f"{workload}\n{plain(result.machine.name)}" if workloads.count(workload) > 1 else workload
        for workload, result in zip(workloads, results, strict=True)
    ]
    seen: Counter[str] = Counter()
    labels = []
    for label in found:
        seen[label] += 1
        labels.append(f"{label} ({seen[label]})" if found.count(label) > 1 else label)
    return labels


def brief_labels(labels: Sequence[str]) -> list[str]:
    """Labels with lines as figures have room for; different lines stay different."""
    lines = list(dict.fromkeys(line for label in labels for line in label.split("\n")))
    shown = dict(zip(lines, shown_names(lines, _LONGEST_LINE), strict=True))
    return ["\n".join(shown[line] for line in label.split("\n")) for label in labels]


def gains_table(every: Sequence[Gain]) -> Mapping[str, Sequence[Any]]:
    """A row per gain, and one for the published averages; what is unknown is None.

    energy_efficiency_smallest, _largest: of the three columns of the energy table, where the whiskers end.
    """
    names = [field.name for field in fields(Gain)]
    columns = {name: [getattr(gain, name) for gain in every] for name in names}
    for place, name in enumerate(("smallest", "largest")):
        columns[f"energy_efficiency_{name}"] = [gain.energy_efficiency_extremes[place] for gain in every]
    return {name: [*map(_cell, values), _PUBLISHED.get(name)] for name, values in columns.items()}


def gains_text(every: Sequence[Gain]) -> str:
    """The gains in both accountings, and the published averages, in words."""
    labels = list(dict.fromkeys(gain.label for gain in every))
    brief = dict(zip(labels, brief_labels(labels), strict=True))
    told: dict[tuple[str, str], list[str]] = {}
    for gain in every:
        told.setdefault((gain.label, gain.run), []).append(_ratios(gain))
    sentences = [
        f"{', '.join(brief[label].splitlines())}, {shown_name(run)} over dense: {'; '.join(ratios)}."
        for (label, run), ratios in told.items()
    ]
    quoted = f"Published average: {published.SPEEDUP}x and {published.EFFICIENCY}x."
    return " ".join([*sentences, quoted])


def _ratios(gain: Gain) -> str:
    return (
        f"{ACCOUNTING_WORDS[gain.accounting]} {times(gain.speedup)} faster and "
        f"{times(gain.energy_efficiency)} more energy-efficient"
    )


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\n", ", ")
    return None if math.isnan(value) else value


def _gain(result: Result, label: str, run: str, accounting: str) -> Gain:
    columns = result.energy_efficiency_range[run][accounting]
    return Gain(
        label=label,
        run=run,
        accounting=accounting,
        results=1,
        speedup=getattr(result.speedup[run], accounting),
        speedup_half_width=getattr(result.speedup_half_width.get(run), accounting, math.nan),
        energy_efficiency=columns.centre,
        energy_efficiency_low_column=columns.low,
        energy_efficiency_high_column=columns.high,
        energy_efficiency_half_width=getattr(
            result.energy_efficiency_half_width.get(run), accounting, math.nan
        ),
    )


def _average(found: Sequence[Gain]) -> Gain:
    """A mean is nan where a ratio is: it would not be that of the results it is said to be of."""
    return Gain(
        label=AVERAGE,
        run=found[0].run,
        accounting=found[0].accounting,
        results=len(found),
        speedup=fmean(gain.speedup for gain in found),
        speedup_half_width=math.nan,
        energy_efficiency=fmean(gain.energy_efficiency for gain in found),
        energy_efficiency_low_column=fmean(gain.energy_efficiency_low_column for gain in found),
        energy_efficiency_high_column=fmean(gain.energy_efficiency_high_column for gain in found),
        energy_efficiency_half_width=math.nan,
    )
