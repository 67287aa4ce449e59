"""Is the interval of an average over networks right, and that of a run with accumulated weight gradients?"""

from __future__ import annotations

import numpy as np
import pytest

from compiler.program import Stage
from sparsesim.energy import EnergyModel
from sparsesim.engine.record import StageRecord, StepRecords
from sparsesim.results.interval import (
    average_half_width,
    average_ratio_half_width,
    mean_half_width,
    ratio_half_width,
)
from sparsesim.results.result import run_series
from tests.builders_results import MACHINE, made_result, several, stage_record, step_records

MODEL = EnergyModel(MACHINE)
DENSE_MODEL = EnergyModel(MACHINE.dense_baseline())
Pair = tuple[np.ndarray, np.ndarray]


def pair(generator: np.random.Generator, samples: int = 8) -> Pair:
    """Dense cycles, which do not vary, over cycles that do."""
    return np.full((samples, 1), 30.0), generator.normal(10, 1, (samples, 1))


def test_independent_widths_add_as_squares() -> None:
    assert average_half_width([3.0, 4.0]) == pytest.approx(2.5)
    assert average_half_width([0.7]) == pytest.approx(0.7)


def test_networks_with_the_same_masks_count_as_one() -> None:
    one = pair(np.random.default_rng(0))
    assert average_ratio_half_width([one, one, one]) == pytest.approx(ratio_half_width(*one))


def test_errors_that_cancel_in_every_sample_leave_no_interval() -> None:
    above = np.array([[1.0], [3.0], [5.0]])
    below = np.full((3, 1), 2.0)
    assert average_ratio_half_width([(above, below), (above[::-1], below)]) == pytest.approx(0.0, abs=1e-12)


def test_the_interval_of_an_average_covers_it_19_times_out_of_20() -> None:
    """Three networks, two of which have half of their variation in common."""
    generator, hits = np.random.default_rng(4), 0
    for _ in range(2000):
        common = generator.normal(0, 0.7, (8, 1))
        below = [generator.normal(10, 0.7, (8, 1)) + common * shared for shared in (1, 1, 0)]
        pairs = [(np.full((8, 1), 30.0), one) for one in below]
        average = np.mean([30 / one.mean() for one in below])
        hits += abs(average - 3.0) <= average_ratio_half_width(pairs)[0]
    assert hits / 2000 == pytest.approx(0.95, abs=0.02)


def test_of_independent_networks_both_ways_agree() -> None:
    generator = np.random.default_rng(5)
    pairs = [pair(generator, 400) for _ in range(4)]
    widths = [float(ratio_half_width(*one)[0]) for one in pairs]
    assert average_ratio_half_width(pairs) == pytest.approx(average_half_width(widths), rel=0.1)


def test_what_cannot_be_paired_has_no_interval() -> None:
    generator = np.random.default_rng(6)
    nothing = np.ones((8, 1)), np.zeros((8, 1))
    assert average_ratio_half_width([pair(generator, 8), pair(generator, 4)]) is None
    assert average_ratio_half_width([pair(generator), nothing]) is None
    assert average_ratio_half_width([pair(generator, 1)]) is None


def test_the_series_of_runs_have_the_intervals_of_the_result() -> None:
    records = step_records(samples=5)
    dense = run_series("dense", records, MACHINE, DENSE_MODEL)
    pruned = run_series("pruned", records, MACHINE, MODEL)
    width = average_ratio_half_width([(dense.energy_pj, pruned.energy_pj)])
    found = made_result(records).energy_efficiency_half_width["pruned"]
    assert width == pytest.approx([found.on_chip, found.with_dram])


def accumulated(samples: int) -> StepRecords:
    """One layer: Forward and GTA sample by sample, GTW over four samples together."""
    stages: list[StageRecord] = []
    for run in ("dense", "pruned"):
        count = 1 if run == "dense" else samples
        for stage in (Stage.FORWARD, Stage.GTA):
            stages += [stage_record(run, "conv", 0, stage, sample) for sample in range(count)]
        groups = range(0, max(count, 4) if run != "dense" else 4, 4)
        stages += [several(stage_record(run, "conv", 0, Stage.GTW, n), 4) for n in groups]
    return StepRecords(("dense", "pruned"), tuple(stages), {"dense": (), "pruned": ()}, samples, 1.0)


@pytest.mark.parametrize("samples", [2, 4, 8])
def test_accumulated_gradients_vary_as_the_rest_does(samples: int) -> None:
    records = accumulated(samples)
    run = made_result(records).runs["pruned"]
    singles = [
        sum(
            r.on_chip_cycles for r in records.stages if r.run == "pruned" and r.samples == 1 and r.sample == n
        )
        for n in range(samples)
    ]
    expected = mean_half_width(np.array(singles, dtype=float)) / np.mean(singles)
    assert run.cycles_half_width.on_chip / run.cycles.on_chip == pytest.approx(float(expected), rel=1e-9)
    gtw = [r for r in records.stages if r.run == "pruned" and r.stage is Stage.GTW]
    # Means are of what was simulated: of GTW that is whole groups of four samples.
    per_sample = sum(r.on_chip_cycles for r in gtw) / (4 * len(gtw))
    assert run.cycles.on_chip == pytest.approx(np.mean(singles) + per_sample)
