"""Does the fit of the scale benchmark find the exponent that is in the data, and how sure it is?"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.benchmarks.scale import CLUSTERS, Point, exponents, heading, row
from tests.benchmarks.scale_figure import write_figure
from tests.benchmarks.scale_fit import fitted_exponent

ACROSS = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0]


@pytest.mark.parametrize("exponent", [-0.5, 0.0, 1.0, 1.5, 2.0])
def test_an_exact_power_is_recovered_without_error(exponent: float) -> None:
    found = fitted_exponent(ACROSS, [3.0 * x**exponent for x in ACROSS])
    assert found.value == pytest.approx(exponent, abs=1e-12)
    assert found.error == pytest.approx(0.0, abs=1e-12)
    assert found.factor == pytest.approx(3.0)


def test_standard_error_is_that_of_a_line_through_logarithms() -> None:
    stats = pytest.importorskip("scipy.stats")
    noise = np.exp(np.random.default_rng(0).normal(0.0, 0.2, len(ACROSS)))
    y = list(np.array(ACROSS) ** 1.2 * noise)
    expected = stats.linregress(np.log(ACROSS), np.log(y))
    found = fitted_exponent(ACROSS, y)
    assert (found.value, found.error) == pytest.approx((expected.slope, expected.stderr))


def test_true_exponent_lies_within_two_standard_errors_as_often_as_it_should() -> None:
    rng = np.random.default_rng(1)
    across = list(np.geomspace(1, 1000, 30))
    inside = 0
    for _ in range(400):
        found = fitted_exponent(across, list(np.array(across) * np.exp(rng.normal(0.0, 0.1, 30))))
        inside += abs(found.value - 1.0) < 2 * found.error
    assert 0.91 < inside / 400 < 0.98  # Student's t with 28 degrees of freedom: 0.945


@pytest.mark.parametrize(
    ("x", "y"), [([1.0, 2.0], [1.0, 2.0]), ([1.0, 2.0, 3.0], [1.0, 0.0, 1.0]), ([2.0] * 3, [1.0, 2.0, 3.0])]
)
def test_what_has_no_exponent_is_refused(x: list[float], y: list[float]) -> None:
    with pytest.raises(ValueError, match="three points above 0"):
        fitted_exponent(x, y)


def points() -> list[Point]:
    """Time linear in row operations, which grow as the square of the axis; constant peak memory."""
    return [Point(n, 2.0 * n**2, 10**6 * n**2, 1.0, 150.0, 200.0) for n in (1, 2, 4, 8)]


def test_tables_say_what_was_measured() -> None:
    assert row(points()[-1]) == "| 8 | 64M | 128.0 | 2000 | 200 | 150 |"
    assert {line.count("|") for line in [*heading(CLUSTERS), row(points()[0])]} == {7}
    fitted = exponents([(CLUSTERS, points())])[-1]
    assert "| 2.00 ± 0.00 | 2.00 ± 0.00 | 1.00 ± 0.00 | 0.00 ± 0.00 | 0.00 ± 0.00 |" in fitted


def test_figure_is_drawn(tmp_path: Path) -> None:
    write_figure([(CLUSTERS, points())], tmp_path / "scale.svg")
    drawn = (tmp_path / "scale.svg").read_text(encoding="utf-8")
    assert "1.00 ± 0.00" in drawn
    assert "peak memory, MiB" in drawn
