"""Do generated masks take as many cycles as the recorded ones they imitate? docs/sparsity.md, section 4."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.benchmarks.generated_masks import RECORDED, layer_table, summary, worst
from tests.benchmarks.imitated_cycles import GENERATED, INDEPENDENT, REORDERED, Imitated, imitated
from workloads.sparsity.imitation import Imitation, imitate
from workloads.sparsity.trace import Trace, load_trace

TRACES = Path(__file__).parents[2] / "workloads" / "data" / "traces"
SAMPLES, SEEDS = 4, 2


@pytest.fixture(scope="module", params=RECORDED[:4])
def one(request: pytest.FixtureRequest) -> Imitated:
    return imitated(TRACES / f"{request.param}.npz", SEEDS, SAMPLES)


@pytest.fixture(scope="module")
def trace() -> Trace:
    return load_trace(TRACES / "alexnet_32_p0.9.npz")


@pytest.fixture(scope="module")
def imitation(trace: Trace) -> Imitation:
    return imitate(trace)


def test_a_network_takes_as_long(one: Imitated) -> None:
    """Within 2 %. Of independent zeros the errors of the stages may cancel, so these are compared."""
    assert abs(one.errors(GENERATED).mean()) < 2.0
    generated, independent = (
        np.sqrt(np.mean([one.errors(kind, None, stage).mean() ** 2 for stage in ("forward", "gta", "gtw")]))
        for kind in (GENERATED, INDEPENDENT)
    )
    assert independent > 1.5 and independent > 1.3 * generated


def test_layers_take_as_long(one: Imitated) -> None:
    """With few samples and seeds single layers scatter; all seeds and samples: the benchmark."""
    errors = {kind: np.array(list(one.layer_errors(kind).values())) for kind in (GENERATED, INDEPENDENT)}
    rms = {kind: np.sqrt((values**2).mean()) for kind, values in errors.items()}
    assert rms[GENERATED] < 3.0 and rms[GENERATED] < 0.6 * rms[INDEPENDENT]
    assert np.abs(errors[GENERATED]).max() < 8.0


def test_stages_take_as_long(one: Imitated) -> None:
    for stage in ("forward", "gta", "gtw"):
        assert abs(one.errors(GENERATED, None, stage).mean()) < 5.0


def test_the_order_of_channels_changes_no_total(one: Imitated) -> None:
    """The recorded masks themselves, reordered: what is left is the noise of the comparison."""
    assert abs(one.errors(REORDERED).mean()) < 1.5


def test_tables_name_every_layer_and_stage(one: Imitated) -> None:
    lines = layer_table(one)
    assert len(lines) == 3 + len(one.recorded) + len(one.layers()) + 4
    total = sum(one.recorded.values())
    assert f"| network | total | {total:,} |" in lines[-1]
    assert len(summary([one])) == 2 + 3
    over = [layer for layer, error in one.layer_errors(GENERATED).items() if abs(error) > 3]
    assert all(any(f"| {layer} |" in line for line in worst([one])) for layer in over)


def test_an_imitation_has_the_densities_of_every_sample(trace: Trace, imitation: Imitation) -> None:
    for sample in (0, 5):
        recorded = trace.masks("features.6", sample).densities()
        drawn = [imitation.masks("features.6", seed, sample).densities() for seed in range(8)]
        assert np.mean([d.input for d in drawn]) == pytest.approx(recorded.input, rel=0.03)
        assert np.mean([d.grad_output for d in drawn]) == pytest.approx(recorded.grad_output, rel=0.05)


def test_an_imitation_of_the_mean_has_the_spread_that_was_fitted(trace: Trace) -> None:
    found = imitate(trace, own_densities=False)
    drawn = [
        found.masks("features.8", seed, n).densities().grad_output for seed in range(12) for n in range(8)
    ]
    recorded = [trace.masks("features.8", n).densities().grad_output for n in range(8)]
    assert np.mean(drawn) == pytest.approx(np.mean(recorded), rel=0.1)
    assert np.std(drawn) == pytest.approx(np.std(recorded), rel=0.5)


def test_an_imitation_of_a_fully_connected_layer_has_a_column_per_sample(
    trace: Trace, imitation: Imitation
) -> None:
    recorded = trace.fc_masks("classifier.1", range(trace.meta.samples))
    drawn = imitation.masks("classifier.1", 0, 0)
    assert drawn.input.shape == recorded.input.shape and drawn.grad_input_mask is drawn.input
    np.testing.assert_allclose(drawn.input.mean(axis=(0, 1)), recorded.input.mean(axis=(0, 1)), atol=0.03)


def test_independent_imitations_do_not_cluster(trace: Trace) -> None:
    masks = imitate(trace, clustered=False).masks("features.3", 0, 0).input
    neighbours = np.corrcoef(masks[..., 1:].ravel(), masks[..., :-1].ravel())[0, 1]
    assert abs(neighbours) < 0.03
