"""Can everyone tell the colours of the figures apart, on white and on dark paper?"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from reports.figures.bars import legend_handle
from reports.figures.style import house_style
from reports.language import FAINT, GRID, INK, PAPER, RUNS, SETS, STAGES, Colour, ramp, run_colour, variables
from sparsesim.energy import COMPONENTS
from sparsesim.results.frame import DENSITIES
from sparsesim.results.parts import CAUSES
from sparsesim.results.parts import STAGES as STAGE_NAMES

Floats = NDArray[np.float64]
SIDES = ("light", "dark")
# About 2 is just noticeable; this is for bars next to each other.
LEAST_DISTANCE = 13.0
LEAST_CONTRAST = 1.5  # of areas, which have edges besides; text needs more
LEAST_TEXT_CONTRAST = 4.5  # WCAG 2.1, 1.4.3
# Linear RGB as seen without one kind of cones: Machado, Oliveira and Fernandes 2009, severity 1.
VISIONS = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


def linear(colour: str) -> Floats:
    """sRGB #rrggbb as linear RGB."""
    encoded = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def lab(rgb: Floats) -> Floats:
    """CIE L*a*b* (D65) of linear RGB."""
    xyz = _XYZ @ np.clip(rgb, 0, 1) / [0.95047, 1, 1.08883]
    x, y, z = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def distance(one: Floats, other: Floats) -> float:
    """CIEDE2000 of two colours in L*a*b* (Sharma, Wu and Dalal 2005)."""
    mean_chroma = (np.hypot(*one[1:]) + np.hypot(*other[1:])) / 2
    stretch = 1.5 - 0.5 * np.sqrt(mean_chroma**7 / (mean_chroma**7 + 25.0**7))
    (l1, c1, h1), (l2, c2, h2) = (_cylinder(colour, stretch) for colour in (one, other))
    turn = 0.0 if c1 * c2 == 0 else (h2 - h1 + 180) % 360 - 180
    hue = h1 + h2 if c1 * c2 == 0 else (h1 + turn / 2) % 360
    lightness, chroma = (l1 + l2) / 2, (c1 + c2) / 2
    weight = (
        1
        - 0.17 * np.cos(np.radians(hue - 30))
        + 0.24 * np.cos(np.radians(2 * hue))
        + 0.32 * np.cos(np.radians(3 * hue + 6))
        - 0.20 * np.cos(np.radians(4 * hue - 63))
    )
    d_lightness = (l2 - l1) / (1 + 0.015 * (lightness - 50) ** 2 / np.sqrt(20 + (lightness - 50) ** 2))
    d_chroma = (c2 - c1) / (1 + 0.045 * chroma)
    d_hue = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn / 2)) / (1 + 0.015 * chroma * weight)
    rotation = -2 * np.sqrt(chroma**7 / (chroma**7 + 25.0**7))
    rotation *= np.sin(np.radians(60 * np.exp(-(((hue - 275) / 25) ** 2))))
    return float(np.sqrt(d_lightness**2 + d_chroma**2 + d_hue**2 + rotation * d_chroma * d_hue))


def _cylinder(colour: Floats, stretch: float) -> tuple[float, float, float]:
    lightness, a, b = colour
    return lightness, float(np.hypot(a * stretch, b)), float(np.degrees(np.arctan2(b, a * stretch)) % 360)


def contrast(one: str, other: str) -> float:
    """Of WCAG 2.1: 1 for equal colours, 21 for black and white."""
    darker, lighter = sorted(float(_XYZ[1] @ linear(colour)) for colour in (one, other))
    return (lighter + 0.05) / (darker + 0.05)


# The yardsticks


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
    ],
)
def test_the_distance_is_that_of_the_published_test_data(
    one: tuple[float, ...], other: tuple[float, ...], expected: float
) -> None:
    assert distance(np.array(one, float), np.array(other, float)) == pytest.approx(expected, abs=1e-4)


def test_contrast_of_black_and_white() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


# The language


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("family", SETS)
def test_what_is_drawn_together_is_told_apart(family: str, vision: str, side: str) -> None:
    seen = {
        name: lab(VISIONS[vision] @ linear(getattr(colour, side))) for name, colour in SETS[family].items()
    }
    distances = {(one, other): distance(seen[one], seen[other]) for one, other in combinations(seen, 2)}
    assert min(distances.values()) >= LEAST_DISTANCE, min(distances, key=distances.__getitem__)


@pytest.mark.parametrize("side", SIDES)
def test_everything_stands_out_from_the_paper(side: str) -> None:
    paper = getattr(PAPER, side)
    for colours in SETS.values():
        for name, colour in colours.items():
            assert contrast(getattr(colour, side), paper) >= LEAST_CONTRAST, name
    for text in (INK, FAINT):
        assert contrast(getattr(text, side), paper) >= LEAST_TEXT_CONTRAST


def test_numbers_get_lighter_for_everyone() -> None:
    shades = ramp()(np.linspace(0, 1, 16))[:, :3]
    as_text = ["#" + "".join(f"{round(255 * part):02x}" for part in shade) for shade in shades]
    for matrix in VISIONS.values():
        lightness = [lab(matrix @ linear(shade))[0] for shade in as_text]
        assert min(np.diff(lightness)) > 0


def test_every_thing_has_a_colour() -> None:
    assert tuple(SETS["causes"]) == CAUSES
    assert set(SETS["components"]) == set(COMPONENTS)
    assert tuple(STAGES) == STAGE_NAMES
    assert tuple(SETS["densities"]) == DENSITIES


def test_what_is_the_same_looks_the_same() -> None:
    """The PPU is the PPU whether it costs cycles or energy."""
    for name in ("ppu", "buffer", "dram"):
        assert SETS["causes"][name] == SETS["components"][name]


def test_the_page_can_tell_the_colours_of_files_apart() -> None:
    """It swaps colours by their value on white paper: one value may not stand for two things."""
    lights = [colour.light for colour in variables().values()]
    assert len(lights) == len(set(lights))
    known: set[Colour] = {colour for colours in SETS.values() for colour in colours.values()}
    assert known | {PAPER, INK, FAINT, GRID} <= set(variables().values())


def test_runs_nobody_named_have_a_colour_of_their_own_too() -> None:
    assert run_colour("a") == run_colour("a")
    assert run_colour("mine") not in {colour.light for colour in RUNS.values()}


def test_the_style_is_left_as_it_was_found() -> None:
    from matplotlib import rcParams

    before = dict(rcParams)
    with house_style():
        legend_handle("busy", SETS["causes"]["busy"].light)
        assert rcParams["svg.hashsalt"] == "sparsesim"
    assert dict(rcParams) == before
