"""The text of a reproduction: every number in it is taken from the results it is about."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from reports import published
from reports.numbers import percent, times
from reports.reproduction.sheets import NATURAL, PRUNED, averages_of, reaches, rung_average
from sparsesim.reproduction.asked import Asked
from sparsesim.reproduction.averages import (
    NEAR,
    Average,
    is_near,
    of_average,
    of_figures,
    step_gain,
)
from sparsesim.reproduction.changes import AS_DESCRIBED
from sparsesim.reproduction.ladder import (
    BALANCE,
    BANKS,
    BOUND,
    DISPATCH,
    ENTRIES,
    OTHER,
    PPU,
    TRANSFERS,
    Rung,
)
from sparsesim.reproduction.model import ChangeOutcome, Reproduction
from sparsesim.reproduction.recorded import generator_interval
from sparsesim.results.model import DENSE, Result


def command(reproduction: Reproduction) -> str:
    """The command that makes it."""
    asked, usual = reproduction.asked, Asked()
    words = ["python", "-m", "sparsesim", "reproduce"]
    if asked.quick:
        words.append("--quick")
    elif asked != usual:
        words += ["--networks", ",".join(asked.networks), "--datasets", ",".join(asked.datasets)]
        words += [word for rate in asked.rates for word in ("--prune", f"{rate:g}")]
        words += ["--samples", str(asked.samples), "--machine", asked.machine]
        words += [word for name, value in asked.base.items() for word in ("--set", f"{name}={value}")]
    return shlex.join(words)


def opening(reproduction: Reproduction) -> list[str]:
    """What the page is, and the command that writes it."""
    return [
        "Dai et al. (DAC 2020, abstract) report that SparseTrain trains AlexNet and ResNets about "
        f"**{published.SPEEDUP}x** faster and with **{published.EFFICIENCY}x** better energy efficiency "
        "on average than the original dense training. The abstract does not say which networks, data "
        "sets and pruning rates enter the average, nor what the baseline's utilisation is. This page "
        "says what the machine described in this project gains, which mechanism makes which part of the "
        "difference, and how certain that is. Nothing was tuned towards the published figures: sizes "
        "that are not published follow the rule in [design.md](design.md), which looks at the dense "
        "baseline only.",
        "The page, its tables and its figures are written by (`--document FILE.md`; `--report DIR` makes "
        "one page of it that can be sent):",
    ]


def result(reproduction: Reproduction) -> list[str]:
    """The averages beside the published ones, and how far they are."""
    mine = averages_of(reproduction)[PRUNED]
    interval = reproduction.average_efficiencies[PRUNED].on_chip
    whole = of_average(reproduction, reproduction.asked.headline_rate, PRUNED, "with_dram")
    return [
        f"On chip, the accounting of the publication, the average is **{times(mine.speedup)}**"
        f"{_plus_minus(mine.speedup_half_width)} faster ({_off(mine.speedup, published.SPEEDUP)} the "
        f"published {published.SPEEDUP}x) and "
        f"**{times(mine.efficiency)}**{_plus_minus(mine.efficiency_half_width)} more energy-efficient "
        f"({_off(mine.efficiency, published.EFFICIENCY)} {published.EFFICIENCY}x; {interval.low:.2f} to "
        f"{interval.high:.2f} over drawn energy tables). {_verdict(mine)} With DRAM, the whole training "
        f"step, it is {times(whole.speedup)} and {times(whole.efficiency)}."
    ]


def _plus_minus(width: float) -> str:
    return "" if math.isnan(width) else f" (+- {width:.2f} over samples)"


def _off(value: float, published: float) -> str:
    share = value / published - 1
    return f"{abs(share):.0%} {'above' if share >= 0 else 'below'}"


def _verdict(mine: Average) -> str:
    inside = {
        "speedup": is_near(mine.speedup, published.SPEEDUP),
        "energy efficiency": is_near(mine.efficiency, published.EFFICIENCY),
    }
    if all(inside.values()):
        return f"Both lie within {NEAR:.0%} of what was published."
    if not any(inside.values()):
        return f"Neither lies within {NEAR:.0%} of what was published; the sections below say why."
    near, far = sorted(inside, key=lambda name: not inside[name])
    return (
        f"The {near} lies within {NEAR:.0%} of what was published, the {far} does not; the sections below "
        "say where that comes from."
    )


def over_rates(reproduction: Reproduction) -> list[str]:
    """How much the pruning rate matters."""
    rates = reproduction.asked.rates
    if len(rates) < 2:
        return ["One pruning rate was simulated."]
    found = [of_average(reproduction, rate, PRUNED, "on_chip") for rate in (min(rates), max(rates))]
    return [
        f"From p = {min(rates):g} to {max(rates):g} the average speedup grows from "
        f"{times(found[0].speedup)} to {times(found[1].speedup)} only: density falls slowly with p, "
        "because what is below the threshold survives with a probability."
    ]


def reading(reproduction: Reproduction) -> list[str]:
    """What a speedup is made of."""
    results = reproduction.headline()
    fewer = [one.work_ratio[PRUNED] for one in results]
    dense = [one.runs[DENSE].pe_utilization for one in results]
    used = [one.runs[PRUNED].pe_utilization for one in results]
    resnets = [one.speedup[NATURAL].on_chip for one in results if one.network.startswith("resnet")]
    return [
        "`speedup = fewer MACs x PE use / PE use dense`, exactly. So a speedup is made of three numbers "
        "that can be argued about separately:",
        f"- **Fewer MACs** is sparsity and nothing else: {_between(fewer)} times fewer.\n"
        f"- **PE use of the dense baseline** is {_percents(dense)}. A weak baseline inflates a speedup "
        "one to one; the mapper chooses tiles, loop orders and the broadcast operand for the dense "
        "machine by itself.\n"
        f"- **PE use of the sparse machine** is {_percents(used)}. Here the gain is lost, and the next "
        "section says to what.",
        *(
            [
                f"Natural sparsity alone gains {_between(resnets)}x on ResNets: batch-norm's backward "
                "makes dO dense, so only Forward and, with I broadcast, GTW profit. That is the reason "
                "for pruning."
            ]
            if resnets
            else []
        ),
    ]


def _between(values: Sequence[float]) -> str:
    low, high = f"{min(values):.1f}", f"{max(values):.1f}"
    return low if low == high else f"{low} to {high}"


def _percents(values: Sequence[float]) -> str:
    low, high = percent(min(values)), percent(max(values))
    return low if low == high else f"{low} to {high}"


def on_ladder(reproduction: Reproduction) -> list[str]:
    """What each mechanism takes."""
    speed = {rung: rung_average(reproduction, rung, PRUNED) for rung, _ in reproduction.rungs}
    order = [BOUND, ENTRIES, BALANCE, TRANSFERS, BANKS, PPU, DISPATCH]
    lost = {rung: speed[before] - speed[rung] for before, rung in pairwise(order)}
    ranked = sorted(lost, key=lambda rung: -lost[rung])
    whole = speed[BOUND] - speed[DISPATCH]
    told = ", ".join(f"{rung.name} {lost[rung]:.2f} ({lost[rung] / whole:.0%})" for rung in ranked[:3])
    gain = next((rung for rung in ranked if lost[rung] < -0.005), None)
    return [
        f"If every PE always did useful work the average speedup would be {times(speed[BOUND])}, which is "
        f"what fewer MACs allow; the machine has {times(speed[DISPATCH])}. The largest of the losses in "
        f"between: {told}.{_gains(gain)} Each rung is a simulation of the same programs with the limits "
        "above it taken away (`--set ideal.free_banks=true` and so on; "
        "[microarchitecture.md](microarchitecture.md), section 11), for the dense and the sparse machine "
        "alike: a limit that slows the dense machine more raises the speedup. The order of the rungs "
        "matters: what a stalled PE waits for last hides what it waited for before.",
        "Beyond the chip, waiting for the off-chip memory and the work outside the convolutions bring "
        f"the average from {times(speed[DISPATCH])} to {times(speed[OTHER])}.",
    ]


def _gains(rung: Rung | None) -> str:
    return "" if rung is None else f" {rung.name} slows the dense machine more than the sparse one."


def _average(reproduction: Reproduction, outcome: ChangeOutcome, run: str = PRUNED) -> Average:
    return of_figures(outcome.figures, reproduction.counts, run, "on_chip")


_REACHED = (
    ("both", "Both averages within 15 %"),
    ("speed", "The speedup only"),
    ("energy", "The energy efficiency only"),
    ("neither", "Neither"),
)


def of_changes(reproduction: Reproduction) -> list[str]:
    """Which choices reach what was published, and what the largest differences are."""
    known = [outcome for outcome in reproduction.changes if not outcome.error]
    found = {outcome.change.label: _average(reproduction, outcome) for outcome in known}
    mine = found.pop(AS_DESCRIBED.label)
    return [
        "Every row changes one thing of the machine, the data or the energy accounting and leaves "
        f"everything else as described: {times(mine.speedup)} and {times(mine.efficiency)} on these "
        f"workloads with one sample{_standing(reproduction)}. None was chosen for what it gives.",
        "\n".join(_reached(found)),
        f"What moves the speedup most: {_largest(found, mine)}.",
        *_data_sentence(found, mine),
        *_skipping_sentence(found, mine),
    ]


def _standing(reproduction: Reproduction) -> str:
    """Which workloads stand for others."""
    several = [f"{network} on {dataset}" for (network, dataset), n in reproduction.counts.items() if n > 1]
    if not several:
        return ""
    return f" ({', '.join(several)} count for those of the average that are like them, too)"


def _reached(found: Mapping[str, Average]) -> Iterator[str]:
    """A line for the changes that reach both averages, one of them, or neither."""
    which = {label: reaches(one.speedup, one.efficiency) for label, one in found.items()}
    for name, words in _REACHED:
        labels = [label for label in found if which[label] == name]
        yield f"- **{words}**: {'; '.join(labels) or 'none'}."


def _largest(found: Mapping[str, Average], mine: Average, most: int = 5) -> str:
    by_label = {label: one.speedup - mine.speedup for label, one in found.items()}
    ranked = sorted(by_label, key=lambda label: -abs(by_label[label]))
    return "; ".join(f"{label} {by_label[label]:+.2f}x" for label in ranked[:most])


def _data_sentence(averages: Mapping[str, Average], mine: Average) -> Iterator[str]:
    found = averages.get("I as on ImageNet, everywhere")
    if found is not None:
        yield (
            "**Data**: with the activation densities that were recorded in full ImageNet trainings for "
            f"all networks the same machine has {times(found.speedup)} instead of {times(mine.speedup)} "
            f"({_off(found.speedup, published.SPEEDUP)} the published average) and an efficiency of "
            f"{times(found.efficiency)}: a network that is trained to the end is sparser than our short "
            "runs, AlexNet most of all. That is data, not machine."
        )


def _skipping_sentence(averages: Mapping[str, Average], mine: Average) -> Iterator[str]:
    found = averages.get("neither: only ch0 is sparse")
    if found is not None:
        yield (
            "**Skipping in the PEs** (ReLU mask in GTA, zeros of ch1 in GTW) is worth "
            f"{mine.speedup - found.speedup:+.2f}x in speed and "
            f"{mine.efficiency - found.efficiency:+.2f}x in energy: the operand on ch0 is sparse already, "
            "the slowest of the groups of a cluster waits for its own mask only, and the buffer limits "
            "the rest."
        )


def of_energy(reproduction: Reproduction) -> list[str]:
    """Why the efficiency is what it is, in numbers."""
    views = {view.name: view.efficiency[PRUNED] for view in reproduction.views}
    plain, gated = views["as charged"], views["gated baseline"]
    speedup = averages_of(reproduction)[PRUNED].speedup
    results = reproduction.headline()
    fewer = sum(one.work_ratio[PRUNED] for one in results) / len(results)
    share = _on_chip_share(results, "leakage")
    return [
        f"On chip the energy efficiency ({times(plain)}) lies between the speedup ({times(speedup)}) and "
        f"the ratio of MACs ({times(fewer)}): what is spent per product falls with the products, what is "
        f"spent per cycle (leakage, {percent(share)} of the dense energy on chip) falls with the cycles, "
        f"and fetches fall less than either. The published {published.EFFICIENCY}x lies below the "
        "published speedup, so more of that machine's energy did not shrink with the work than of ours.",
        "What is charged decides: against a dense baseline that gates its MAC and registers where an "
        f"operand is zero the same actions give {times(gated)} ({_off(gated, published.EFFICIENCY)} the "
        f"published {published.EFFICIENCY}x), with waiting PEs clocked {times(views['clocked PEs'])}, "
        f"with both {times(views['both'])}. These are the same machines and the same "
        f"cycles.{_together(speedup, gated)} What is charged by default is in [energy.md](energy.md).",
    ]


def _together(speedup: float, gated: float) -> str:
    """What the speedup and the efficiency over a gated baseline reach together."""
    if reaches(speedup, gated) != "both":
        return ""
    return (
        " With a baseline that gates, speedup and efficiency both lie within 15 % of the published averages."
    )


def _on_chip_share(results: Sequence[Result], component: str) -> float:
    shares = []
    for one in results:
        energy = one.runs[DENSE].energy_pj
        shares.append(energy.by_component_on_chip[component] / energy.on_chip.centre)
    return sum(shares) / len(shares)


def of_uncertainty(reproduction: Reproduction) -> list[str]:
    """The intervals, and what they do not say."""
    asked = reproduction.asked
    mine = averages_of(reproduction)[PRUNED]
    interval = reproduction.average_efficiencies[PRUNED]
    found = generator_interval(reproduction.recorded)
    widths = (
        f"+- {mine.speedup_half_width:.2f}x of the average speedup and +- "
        f"{mine.efficiency_half_width:.2f}x of the average efficiency (95 %, Student, {asked.samples} "
        "samples, paired over the networks because their masks share streams)"
        if not math.isnan(mine.speedup_half_width)
        else "not known: one sample was simulated"
    )
    return [
        f"- **Samples**: {widths}. Weight gradients accumulated over samples have fewer groups than "
        "samples and are taken to vary as the rest does.\n"
        f"- **Energy table**: {asked.draws:,} tables drawn from the ranges of its rows, rows of a group "
        "together ([energy.md](energy.md)), both machines and all networks with the same table: 95 % of "
        f"the average efficiencies lie between {interval.on_chip.low:.2f} and {interval.on_chip.high:.2f} "
        f"on chip, {interval.with_dram.low:.2f} and {interval.with_dram.high:.2f} with DRAM. Cycles do "
        "not depend on it.\n"
        "- **Mask generator**: with drawn masks in place of recorded ones the speedup is off by at most "
        f"{found.speedup:.1%}, the efficiency by at most {found.efficiency:.1%}, the largest of "
        f"{found.cases} trace{'s' if found.cases > 1 else ''} (no confidence interval).\n"
        "- **Not in any of them**: how long the recorded networks were trained, transfers between "
        "networks and data sets, and what the publication leaves open about the machine. The sections "
        "above show these, one choice at a time; they are larger than the intervals.",
    ]


def beyond(reproduction: Reproduction) -> list[str]:
    """What the better machine gains."""
    last = len(reproduction.steps) - 1
    names = ("on_chip_cycles", "with_dram_cycles", "with_dram_energy_pj")
    inside, whole, energy = (times(step_gain(reproduction, last, name)) for name in names)
    dense = times(step_gain(reproduction, last, "on_chip_cycles", DENSE))
    areas = [next(iter(step.figures.values()))["area_mm2"] for step in reproduction.steps if step.figures]
    return [
        f"`sparsetrain-tuned` has the same area ({areas[-1]:.2f} against {areas[0]:.2f} mm2, centre of "
        f"the table), the same off-chip memory and other sizes. Pruned training is {inside} faster than "
        f"on the published arrangement on chip and {whole} with DRAM, and takes {energy} less energy. "
        f"Each row adds one change to the rows above it. The dense baseline of that machine is {dense} "
        "faster on chip, too: what is gained are balance between buffer and PEs, and PEs, not sparsity. "
        "The area is equal in the area model only; a netlist of its groups does not agree. How it was "
        "found, what did not help, and what equal area leaves out: [beyond.md](beyond.md).",
    ]


def of_data(reproduction: Reproduction) -> list[str]:
    """Where the sparsity comes from."""
    origins: dict[str, list[str]] = {}
    for one in reproduction.at(reproduction.asked.headline_rate):
        words = one.profile.transferred_from or "recorded on this network and these images"
        origins.setdefault(words, []).append(f"{one.network} on {one.dataset}")
    lines = [f"- {', '.join(names)}: {words}." for words, names in origins.items()]
    return [
        "The sparsity was recorded in training runs of this project and in public ImageNet trainings "
        "([sparsity.md](sparsity.md)); where a network or data set was not recorded, it is transferred:",
        "\n".join(lines),
    ]
