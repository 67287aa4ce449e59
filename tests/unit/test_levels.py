"""Channels that differ otherwise than normal levels do, and places that all channels share."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from workloads.sparsity.clustering import Clustering
from workloads.sparsity.fit import fit
from workloads.sparsity.generate import Draw, LayerClustering, generate_masks
from workloads.sparsity.levels import level_of, standardised, thresholds
from workloads.sparsity.masks import BoolArray, LayerDensities
from workloads.sparsity.normal import exceedance, quantiles
from workloads.sparsity.place import correlations, mean_correlation, place_field
from workloads.sparsity.shapes import LayerShape

# Most channels nearly empty, some full: what no normal distribution has.
SKEWED = standardised(tuple(float(max(-0.6, score) ** 3) for score in quantiles(17)))
FIELD = Clustering(channel=0.5, row_near=0.5, row_decay=0.6, column_near=0.5, column_decay=0.6)


def drawn(clustering: Clustering, density: float = 0.2, samples: int = 16, channels: int = 128) -> BoolArray:
    shape = LayerShape("layer", 1, channels, (1, 1), (16, 16))
    wanted = LayerDensities(1.0, density, 1.0)
    masks = (
        generate_masks(shape, wanted, LayerClustering(grad_output=clustering), Draw(0, 0, n)).grad_output
        for n in range(samples)
    )
    return np.stack(list(masks))


def test_without_levels_channels_are_normal() -> None:
    scores = np.array([-3.0, 0.1, 2.5])
    np.testing.assert_array_equal(level_of(scores, ()), scores)
    assert thresholds(0.2, (0.0,) * 4, 0.5, ()) == thresholds(0.2, (0.0,) * 4)


def test_levels_run_through_their_quantiles_and_on_beyond_them() -> None:
    at = quantiles(17)
    np.testing.assert_allclose(level_of(at, SKEWED), SKEWED)
    slope = (SKEWED[-1] - SKEWED[-2]) / (at[-1] - at[-2])
    assert level_of(np.array([at[-1] + 0.5]), SKEWED)[0] == pytest.approx(SKEWED[-1] + 0.5 * slope)


def test_normal_levels_given_as_quantiles_need_the_same_threshold() -> None:
    """The quantiles leave out a little of the tails."""
    normal = standardised(tuple(quantiles(17).tolist()))
    found = thresholds(0.1, (0.0,) * 4, 0.6, normal)[0]
    assert exceedance(found) == pytest.approx(0.1, abs=0.002)


@pytest.mark.parametrize("density", [0.03, 0.2, 0.7])
def test_density_is_met_with_skewed_levels(density: float) -> None:
    clustering = FIELD.model_copy(update={"levels": SKEWED, "lattice": (-0.3, 0.1, 0.1, 0.1)})
    assert drawn(clustering, density, samples=60).mean() == pytest.approx(density, rel=0.06)


def test_fit_recovers_skewed_levels() -> None:
    """And the channels drawn with the fit are as often empty and as often full as those it was fitted to."""
    recorded = drawn(FIELD.model_copy(update={"levels": SKEWED}), samples=24)
    found = fit([recorded])
    np.testing.assert_allclose(found.levels, SKEWED, atol=0.35)
    assert found.channel == pytest.approx(0.5, abs=0.08)
    redrawn = drawn(found, float(recorded.mean()), samples=24)
    normal = drawn(found.model_copy(update={"levels": ()}), float(recorded.mean()), samples=24)
    shares = [np.mean(masks.mean(axis=(2, 3)) < 0.02) for masks in (recorded, redrawn, normal)]
    assert shares[1] == pytest.approx(shares[0], abs=0.05)
    assert abs(shares[2] - shares[0]) > 0.15


def test_fit_of_normal_levels_stays_normal() -> None:
    found = fit([drawn(FIELD, density=0.4, samples=24)])
    np.testing.assert_allclose(found.levels, quantiles(17), atol=0.3)


def test_a_place_field_has_the_correlations_it_is_asked_for() -> None:
    size, decays = (12, 10), (0.9, 0.7)
    generator = np.random.default_rng(0)
    fields = np.stack([place_field(size, decays, generator) for _ in range(4000)]).astype(float)
    assert np.abs(fields.mean(axis=(1, 2))).max() < 1e-5
    expected = correlations(decays, size)
    assert fields.var() == pytest.approx(1.0, abs=0.03) and expected[0, 0] == pytest.approx(1.0)
    found = (fields[:, 3:, 2:] * fields[:, :-3, :-2]).mean()
    assert found == pytest.approx(expected[3, 2], abs=0.05)


@pytest.mark.parametrize(("decay", "length"), [(0.0, 7), (0.6, 7), (0.95, 20)])
def test_mean_correlation_is_that_of_all_pairs(decay: float, length: int) -> None:
    apart = np.abs(np.subtract.outer(range(length), range(length)))
    assert mean_correlation(decay, length) == pytest.approx((decay**apart).mean())


def test_fit_recovers_places_that_channels_share() -> None:
    clustering = FIELD.model_copy(update={"place": 0.12, "place_row": 0.7, "place_column": 0.9})
    found = fit([drawn(clustering, density=0.3, samples=60)])
    assert found.place == pytest.approx(0.12, abs=0.03)
    assert found.place_row == pytest.approx(0.7, abs=0.1)
    assert found.place_column == pytest.approx(0.9, abs=0.06)


def test_rows_differ_in_density_where_places_are_shared() -> None:
    plain = drawn(FIELD, density=0.3).mean(axis=(1, 3)).var(axis=1).mean()
    clustering = FIELD.model_copy(update={"place": 0.12, "place_row": 0.9, "place_column": 0.9})
    shared = drawn(clustering, density=0.3).mean(axis=(1, 3)).var(axis=1).mean()
    assert shared > 8 * plain


def test_one_sample_can_be_fitted() -> None:
    """What samples have in common and what not does not show; nothing else is lost, and nothing warns."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = fit([drawn(FIELD, samples=1, channels=512)], lattice=True)
    assert found.sample == 0.0 and found.persistent == 0.0
    assert found.channel == pytest.approx(0.5, abs=0.12)


def test_a_sample_of_known_density_has_no_spread_left() -> None:
    clustering = FIELD.model_copy(update={"sample": 0.2, "channel": 0.4, "persistent": 0.1})
    one = clustering.of_sample()
    assert (one.sample, one.channel, one.persistent) == pytest.approx((0.0, 0.5, 0.125))
    spread = [drawn(field, samples=40).mean(axis=(1, 2, 3)).std() for field in (clustering, one)]
    assert spread[1] < spread[0] / 3
