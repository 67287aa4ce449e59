"""Are errors of the generator in speedup and efficiency those of whole results, and do they keep?"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from sparsesim.engine.step import simulate_step
from sparsesim.reproduction.imitated_trace import SubstitutedSource, imitated_trace
from sparsesim.reproduction.recorded import TRACES, GeneratorError, generator_error, generator_interval
from sparsesim.results.model import Result
from sparsesim.simulation import plan_of, result_of, runs_of
from tests.builders_results import small_trace
from workloads.errors import UserError
from workloads.sparsity.records import recorded_trace


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return small_trace(tmp_path / "small.npz", samples=4)


def error(trace: str, *speedup: float) -> GeneratorError:
    return GeneratorError(trace=trace, samples=2, speedup=speedup, efficiency=tuple(-v / 2 for v in speedup))


def test_recorded_masks_in_place_of_recorded_ones_change_nothing(path: Path) -> None:
    trace = imitated_trace(path)
    plain = trace.records()
    same = trace.records(lambda layer, sample: trace.recorded.masks(layer, 0.0, sample))
    for one, other in zip(plain.stages, same.stages, strict=True):
        assert (one.layer, one.stage, one.sample) == (other.layer, other.stage, other.sample)
        assert one.on_chip_cycles == other.on_chip_cycles
        np.testing.assert_array_equal(one.counts, other.counts)


def test_errors_are_those_of_the_ratios_of_whole_results(path: Path) -> None:
    """The dense baseline included, and ratios formed by the results themselves."""
    found = generator_error(path, seeds=2)
    trace = imitated_trace(path)
    draw = trace.drawn()

    def result(source) -> Result:
        workload = replace(trace.workload, source=source)
        plan = plan_of(workload, runs_of(trace.request, workload), trace.request.load.batch)
        return result_of(trace.request, workload, simulate_step(plan), 1.0)

    recorded = result(trace.recorded)
    drawn = [result(SubstitutedSource(trace.recorded, draw(seed))) for seed in (0, 1)]
    for name, errors in (("speedup", found.speedup), ("energy_efficiency", found.efficiency)):
        reference = getattr(recorded, name)["recorded"].on_chip
        expected = [getattr(one, name)["recorded"].on_chip / reference - 1 for one in drawn]
        assert errors == pytest.approx(expected, rel=1e-9)
        assert 0 < max(map(abs, errors)) < 0.5


def test_a_trace_of_the_package_is_found_by_name() -> None:
    assert all(recorded_trace(name).is_file() for name in TRACES)
    found = generator_error("alexnet_32_p0.9", seeds=1, samples=1)
    assert (found.trace, found.samples, found.spread) == ("alexnet_32_p0.9", 1, None)
    assert 0 < abs(found.mean.speedup) < 0.1 and 0 < abs(found.mean.efficiency) < 0.1


def test_no_more_samples_are_asked_for_than_recorded(path: Path) -> None:
    assert generator_error(path, seeds=1, samples=100) == generator_error(path, seeds=1)
    assert generator_error(path, seeds=1, samples=2).samples == 2


def test_no_seed_is_refused(path: Path) -> None:
    with pytest.raises(UserError, match=r"seeds .* 1 or more \(got 0\)"):
        generator_error(path, seeds=0)


def test_the_mean_and_the_spread_are_over_the_seeds() -> None:
    found = error("a", 0.01, 0.03)
    assert found.mean == pytest.approx((0.02, -0.01))
    assert found.spread == pytest.approx((0.01 * 2**0.5, 0.005 * 2**0.5))


def test_the_interval_is_the_largest_error_of_a_trace() -> None:
    """Of the means over seeds, whatever their sign; single seeds do not count."""
    found = generator_interval([error("a", 0.05, -0.04), error("b", -0.03), error("c", 0.02)])
    assert found == pytest.approx((0.03, 0.015, 3))


def test_errors_survive_json_and_other_json_is_refused() -> None:
    found = error("a", 0.0123456789012345, -1e-17)
    text = json.dumps(found.model_dump(mode="json"))
    assert GeneratorError.model_validate(json.loads(text)) == found
    for wrong in ({"trace": "a"}, {**json.loads(text), "more": 1}, {**json.loads(text), "speedup": []}):
        with pytest.raises(ValidationError):
            GeneratorError.model_validate(wrong)
