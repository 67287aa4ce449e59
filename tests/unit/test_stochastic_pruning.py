"""Does pruning keep the expected gradient, and leave the density that algebra says?"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Any

import pytest

from sparsesim.capture.stochastic_pruning import ThresholdFifo, determined_threshold, pruned
from tests.pytorch import require_torch

torch = require_torch()

ELEMENTS = 1_000_000
RATES = (0.5, 0.7, 0.8, 0.9, 0.95, 0.99)


def generator(seed: int = 1) -> Any:
    return torch.Generator().manual_seed(seed)


def drawn(name: str) -> Any:
    """A million gradients of a distribution, symmetric about 0."""
    random = generator()
    normal = torch.randn(ELEMENTS, generator=random)
    if name == "laplace":
        sign = torch.where(torch.rand(ELEMENTS, generator=random) < 0.5, -1.0, 1.0)
        return sign * torch.empty(ELEMENTS).exponential_(generator=random)
    if name.startswith("lognormal"):
        sign = torch.where(torch.rand(ELEMENTS, generator=random) < 0.5, -1.0, 1.0)
        return sign * torch.exp(float(name.split()[1]) * normal)
    if name == "half zero":
        return torch.where(torch.rand(ELEMENTS, generator=random) < 0.5, 0.0, normal)
    return normal


def density(gradient: Any, p: float) -> float:
    left = pruned(gradient, determined_threshold(gradient, p), generator(2))
    return float((left != 0).double().mean())


def of_normal(p: float) -> float:
    """(1 - p) + sqrt(2 / pi) (1 - exp(-t^2 / 2)) / t: what is above t, and the mean of |x| / t below it."""
    t = NormalDist().inv_cdf((1 + p) / 2)
    return (1 - p) + math.sqrt(2 / math.pi) * (1 - math.exp(-t * t / 2)) / t


@pytest.mark.parametrize("p", RATES)
def test_normal_gradients_keep_the_density_of_the_closed_form(p: float) -> None:
    # Five standard deviations of a fraction of a million.
    assert density(drawn("normal"), p) == pytest.approx(of_normal(p), abs=0.0025)


# Densities left by integrating the rule over each distribution, tau from sqrt(pi/2) E|g|.
TABLE = {
    "laplace": {0.7: 0.560, 0.8: 0.498, 0.9: 0.423, 0.99: 0.298},
    "lognormal 1.5": {0.7: 0.395, 0.8: 0.350, 0.9: 0.300, 0.99: 0.222},
    "lognormal 2": {0.7: 0.277, 0.8: 0.247, 0.9: 0.214, 0.99: 0.162},
    "half zero": {0.7: 0.399, 0.8: 0.376, 0.9: 0.345, 0.99: 0.273},
}


@pytest.mark.parametrize("name", TABLE)
def test_other_distributions_keep_what_the_table_says(name: str) -> None:
    gradient = drawn(name)
    for p, expected in TABLE[name].items():
        assert density(gradient, p) == pytest.approx(expected, abs=0.006), p


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
@pytest.mark.parametrize("p", [0.5, 0.9, 0.99])
def test_the_expected_gradient_is_preserved_element_by_element(p: float, dtype: str) -> None:
    gradient = torch.randn(1000, generator=generator(3)).to(getattr(torch, dtype))
    tau = determined_threshold(gradient, p)
    rounds, random = 4000, generator(4)
    total = torch.zeros(1000, dtype=torch.float64)
    for _ in range(rounds):
        total += pruned(gradient, tau, random).double()
    error = total / rounds - gradient.double()
    # An element below tau has the variance |g| (tau - |g|), at most tau^2 / 4.
    deviation = float(tau) / 2 / math.sqrt(rounds)
    assert float(error.abs().max()) < 5 * deviation
    assert abs(float(error.mean())) < 5 * deviation / math.sqrt(1000)


def test_what_lies_above_the_threshold_stays_and_the_rest_is_tau_or_zero() -> None:
    gradient = drawn("normal")[:100_000]
    tau = determined_threshold(gradient, 0.9)
    left = pruned(gradient, tau, generator())
    above = gradient.abs() >= tau
    assert torch.equal(left[above], gradient[above])
    below = left[~above]
    assert set(below.abs().unique().tolist()) == {0.0, float(tau)}
    kept = below != 0
    assert torch.equal(below[kept].sign(), gradient[~above][kept].sign())


def test_the_threshold_is_the_quantile_of_a_normal_with_the_mean_magnitude_seen() -> None:
    gradient = torch.tensor([[3.0, -1.0], [0.0, 4.0]])
    expected = math.sqrt(math.pi / 2) * 2.0 * NormalDist().inv_cdf(0.95)
    assert float(determined_threshold(gradient, 0.9)) == pytest.approx(expected, rel=1e-6)


def test_the_same_seed_prunes_the_same() -> None:
    gradient = drawn("normal")[:10_000]
    tau = determined_threshold(gradient, 0.9)
    one, same, other = (pruned(gradient, tau, generator(seed)) for seed in (5, 5, 6))
    assert torch.equal(one, same) and not torch.equal(one, other)


@pytest.mark.parametrize("bad", [math.inf, math.nan])
def test_an_overflow_prunes_nothing_and_is_not_averaged(bad: float) -> None:
    gradient = torch.tensor([0.5, math.nan, -math.inf, 0.0])
    left = pruned(gradient, torch.tensor(bad), generator())
    assert torch.equal(left.nan_to_num(), gradient.nan_to_num())
    fifo = ThresholdFifo(3)
    for value in (1.0, bad, 3.0):
        fifo.push(torch.tensor(value))
    found = fifo.predicted()
    assert found is not None and float(found) == 2.0


def test_nothing_is_predicted_until_the_fifo_is_full_and_then_the_mean_of_the_last() -> None:
    fifo = ThresholdFifo(3)
    predicted = []
    for value in (1.0, 2.0, 6.0, 7.0, 8.0):
        found = fifo.predicted()
        predicted.append(None if found is None else float(found))
        fifo.push(torch.tensor(value))
    assert predicted == [None, None, None, 3.0, 5.0]


def test_gradients_that_are_all_zero_stay_so() -> None:
    zeros = torch.zeros(3, 4)
    assert torch.equal(pruned(zeros, determined_threshold(zeros, 0.9), generator()), zeros)
