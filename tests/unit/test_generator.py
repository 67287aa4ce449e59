"""Do generated masks look like the recorded ones, and are they reproducible?"""

from __future__ import annotations

import numpy as np
import pytest

from workloads.errors import UserError
from workloads.sparsity.clustering import INDEPENDENT, Clustering
from workloads.sparsity.comparison import Comparison, compare
from workloads.sparsity.fit import fit, windows_hit
from workloads.sparsity.generate import Draw, LayerClustering, generate_masks
from workloads.sparsity.masks import LayerDensities, LayerMasks
from workloads.sparsity.moving_average import coefficients, feasible
from workloads.sparsity.normal import covariance, exceedance, threshold
from workloads.sparsity.shapes import LayerShape
from workloads.sparsity.statistics import measure

CLUSTERED = Clustering(
    sample=0.05,
    channel=0.4,
    persistent=0.1,
    row_near=0.8,
    row_decay=0.85,
    column_near=0.6,
    column_decay=0.9,
)
SHAPE = LayerShape("layer", 64, 96, (16, 16), (16, 16))


def draw(
    clustering: Clustering = CLUSTERED,
    *,
    seed: int = 0,
    sample: int = 0,
    layer: int = 0,
    densities: tuple[float, float] = (0.4, 0.3),
    shape: LayerShape = SHAPE,
) -> LayerMasks:
    wanted = LayerDensities(densities[0], densities[1], densities[0])
    return generate_masks(shape, wanted, LayerClustering(clustering, clustering), Draw(seed, layer, sample))


def stack(clustering: Clustering, samples: int = 24, **options: object) -> np.ndarray:
    drawn = [draw(clustering, sample=sample, **options) for sample in range(samples)]  # type: ignore[arg-type]
    return np.stack([masks.grad_output for masks in drawn])


@pytest.fixture(scope="module")
def comparisons() -> list[Comparison]:
    return [comparison for network in ("resnet18", "alexnet") for comparison in compare(network, samples=24)]


# Statistic: how far the mean over the layers, and the worst layer, may be off. Guards against getting worse,
# set a little above what the model reaches. The worst layers are AlexNet's: gradients behind pooling touch
# across windows (docs/sparsity.md).
LIMITS = {
    "density": (0.01, 0.06),
    "channel": (0.02, 0.07),
    "row1": (0.02, 0.14),
    "row4": (0.03, 0.14),
    "column1": (0.02, 0.14),
    "empty_rows": (0.03, 0.13),
    "dead": (0.03, 0.12),
    "spread": (0.03, 0.15),
}


@pytest.mark.parametrize("statistic", LIMITS)
def test_generated_masks_cluster_as_recorded(comparisons: list[Comparison], statistic: str) -> None:
    off = np.array([getattr(c.generated, statistic) - getattr(c.recorded, statistic) for c in comparisons])
    mean, worst = LIMITS[statistic]
    assert len(off) > 40
    assert abs(off.mean()) < mean and np.abs(off).max() < worst


def test_independent_zeros_would_not_do(comparisons: list[Comparison]) -> None:
    """What the clustering is for: rows of I at width 32 are empty a hundred times as often as by chance."""
    wide = next(c for c in comparisons if c.layer == "layer1.0.conv2" and c.operand == "I")
    by_chance = (1 - wide.recorded.density) ** 32
    assert wide.recorded.empty_rows > 0.2 and wide.generated.empty_rows > 0.2 and by_chance < 1e-6


def test_fit_recovers_the_parameters_of_a_generated_field() -> None:
    masks = stack(CLUSTERED, samples=80)
    found = fit([masks])
    assert found.channel == pytest.approx(CLUSTERED.channel, abs=0.05)
    assert found.persistent == pytest.approx(CLUSTERED.persistent, abs=0.03)
    assert found.sample == pytest.approx(CLUSTERED.sample, abs=0.025)
    for name in ("row_near", "row_decay", "column_near", "column_decay"):
        assert getattr(found, name) == pytest.approx(getattr(CLUSTERED, name), abs=0.06)


def test_fit_recovers_a_lattice() -> None:
    lattice = (-0.4, 0.15, 0.2, 0.1)
    found = fit([stack(CLUSTERED.model_copy(update={"lattice": lattice}), samples=60)], lattice=True)
    differences = np.subtract(found.lattice, lattice)
    np.testing.assert_allclose(differences - differences.mean(), 0, atol=0.02)


def test_fit_recovers_the_preferred_position_of_windows() -> None:
    clustering = CLUSTERED.model_copy(update={"window": 2, "steady": 0.5})
    found = fit([stack(clustering, densities=(0.4, 0.1))], window=2)
    assert found.steady == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("density", [0.05, 0.3, 0.7])
def test_density_is_met_on_average(density: float) -> None:
    masks = stack(CLUSTERED, samples=100, densities=(0.4, density))
    assert masks.mean() == pytest.approx(density, abs=0.02)


def test_the_same_seed_gives_the_same_masks_in_any_order() -> None:
    first = [draw(sample=sample) for sample in range(3)]
    again = [draw(sample=sample) for sample in reversed(range(3))][::-1]
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.input, other.input)
        np.testing.assert_array_equal(one.grad_output, other.grad_output)


@pytest.mark.parametrize("change", [{"seed": 1}, {"sample": 1}, {"layer": 1}])
def test_seed_sample_and_layer_change_the_masks(change: dict[str, int]) -> None:
    one, other = draw(INDEPENDENT), draw(INDEPENDENT, **change)  # type: ignore[arg-type]
    agree = float((one.input == other.input).mean())
    assert agree == pytest.approx(0.4**2 + 0.6**2, abs=0.02)


def test_input_and_gradient_are_independent() -> None:
    shape = LayerShape("square", 64, 64, (16, 16), (16, 16))
    masks = draw(INDEPENDENT, shape=shape)
    both = float((masks.input & masks.grad_output).mean())
    assert both == pytest.approx(0.4 * 0.3, abs=0.01)


def test_independent_zeros_have_no_clustering() -> None:
    found = measure(stack(INDEPENDENT))
    assert abs(found.row1) < 0.01 and abs(found.column1) < 0.01
    assert found.channel == pytest.approx(1 / 256, rel=0.1)


def test_relu_mask_is_the_mask_of_the_input() -> None:
    masks = draw()
    assert masks.grad_input_mask is masks.input
    assert draw(shape=LayerShape("first", 3, 8, (16, 16), (16, 16), False, False)).grad_input_mask is None


def test_constant_densities_are_exact() -> None:
    masks = draw(densities=(1.0, 0.0))
    assert masks.input.all() and not masks.grad_output.any()


def test_pooled_gradients_have_at_most_one_per_window() -> None:
    shape = LayerShape("pooled", 8, 32, (15, 17), (15, 17))
    clustering = CLUSTERED.model_copy(update={"window": 2})
    masks = stack(clustering, densities=(0.5, 0.15), shape=shape)
    assert not masks[..., 14, :].any() and not masks[..., 16].any()  # behind the last whole window
    hits = windows_hit(masks, 2).sum()
    assert masks.sum() == hits
    assert masks.mean() == pytest.approx(0.15, abs=0.02)


def test_fc_channels_persist_over_the_samples_of_a_batch() -> None:
    clustering = Clustering(channel=0.3, persistent=0.3)
    shape = LayerShape("fc", 2000, 10, (1, 64), (1, 64), True)
    mask = draw(clustering, shape=shape, densities=(0.3, 1.0)).input
    assert mask.shape == (2000, 1, 64)
    expected = float(covariance(np.array([0.3]), threshold(0.3), threshold(0.3))[0])
    between = np.cov(mask[:, 0, :].T.astype(float))
    pairs = (between.sum() - np.trace(between)) / (64 * 63)
    assert pairs == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize("wrong", [-0.1, 1.1, float("nan")])
def test_densities_outside_0_to_1_are_refused(wrong: float) -> None:
    with pytest.raises(UserError, match="must lie in 0 to 1"):
        draw(densities=(wrong, 0.5))


def test_negative_seeds_are_refused() -> None:
    with pytest.raises(UserError, match="seed is -1; it must be 0 or more"):
        Draw(-1, 0)


@pytest.mark.parametrize(("near", "decay"), [(0.9, 0.9), (0.3, 0.95), (0.94, 0.9), (0.0, 0.0), (0.55, 0.2)])
def test_moving_average_has_the_asked_correlations(near: float, decay: float) -> None:
    """Autocorrelation of the impulse response, summed far enough for the tail not to matter."""
    assert feasible(near, decay) == (near, decay)
    decay, gain, theta, start = coefficients(near, decay)
    response = gain * np.concatenate([[1.0], (decay + theta) * decay ** np.arange(2000.0)])
    assert response @ response == pytest.approx(1.0, abs=1e-6)
    assert response[1:] @ response[:-1] == pytest.approx(near, abs=1e-6)
    assert response[3:] @ response[:-3] == pytest.approx(near * decay**2, abs=1e-6)
    assert gain**2 + start**2 == pytest.approx(1.0)


def test_impossible_correlations_become_the_nearest_possible() -> None:
    near, decay = feasible(0.99, 0.5)
    assert decay == 0.5 and near == pytest.approx(0.75, rel=0.01)
    assert feasible(-0.2, 1.5) == (0.0, 0.999)


def test_covariance_of_thresholded_normals() -> None:
    """Closed form at the median (Sheppard): asin(r) / (2 pi); elsewhere against drawn pairs."""
    r = np.array([0.0, 0.3, 0.9])
    np.testing.assert_allclose(covariance(r, 0.0, 0.0), np.arcsin(r) / (2 * np.pi), atol=1e-9)
    first, second = np.random.default_rng(0).standard_normal((2, 400_000))
    other = 0.6 * first + 0.8 * second
    drawn = np.cov(first > 0.5, other > -0.3)[0, 1]
    assert covariance(np.array([0.6]), 0.5, -0.3)[0] == pytest.approx(drawn, abs=1.5e-3)
    assert exceedance(threshold(0.2)) == pytest.approx(0.2)
