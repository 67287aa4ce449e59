"""The one visual language of all figures: the colour and the words that a thing has wherever it is drawn.

Every set of colours that is drawn together is told apart by normal vision and by all three kinds of colour
blindness, on white and on dark paper; tests/unit/test_colours.py measures the distances. Colours are chosen
per thing, not per figure: what the dispatcher costs in cycles and what it costs in energy look alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any


@dataclass(frozen=True)
class Colour:
    """The colour of one thing on white paper, in files and in print, and on the dark page; #rrggbb."""

    light: str
    dark: str


PAPER = Colour("#ffffff", "#14161a")
INK = Colour("#000000", "#e6e6e6")
FAINT = Colour("#5b5b5b", "#a6a6a6")  # second line of text
GRID = Colour("#d9d9d9", "#3a3d44")
PUBLISHED = Colour("#c00000", "#ff7b72")  # what is quoted, not simulated

_OTHER = Colour("#bbbbbb", "#6d5357")
_WORK = Colour("#027b29", "#4d884a")
_REJECT = Colour("#ddcc77", "#d4e078")
_BUFFER = Colour("#2813a0", "#7946d1")
_PPU = Colour("#98cafe", "#a3c8f5")
_DISPATCH = Colour("#999933", "#a9a83c")
_DRAM = Colour("#811551", "#c44884")
_SPARSE = Colour("#42186f", "#dccbfa")

STAGES: Mapping[str, Colour] = {
    "forward": Colour("#0066b4", "#3a83d3"),
    "gta": Colour("#e69f00", "#f0b429"),
    "gtw": Colour("#009e73", "#29c097"),
    "other": _OTHER,
}
CAUSES: Mapping[str, Colour] = {
    "busy": _WORK,
    "reject": _REJECT,
    "imbalance": Colour("#cc6677", "#e58a99"),
    "buffer": _BUFFER,
    "ppu": _PPU,
    "dispatch": _DISPATCH,
    "dram": _DRAM,
    "other": _OTHER,
}
COMPONENTS: Mapping[str, Colour] = {
    "mac": _WORK,
    "registers": Colour("#58a2a8", "#4cf7db"),
    "detector": _REJECT,
    "ppu": _PPU,
    "buffer": _BUFFER,
    "wires": Colour("#aa4499", "#b974c4"),
    "control": _DISPATCH,
    "leakage": Colour("#554431", "#dfa69a"),
    "dram": _DRAM,
}
DENSITIES: Mapping[str, Colour] = {
    "input": Colour("#d55e00", "#ff8a4c"),
    "grad_output": Colour("#00637a", "#3fb6cc"),
    "grad_input_mask": Colour("#9a9a9a", "#8a8a8a"),
}
RUNS: Mapping[str, Colour] = {
    "dense": Colour("#bdbdbd", "#6f6f6f"),
    "natural": Colour("#9467d0", "#9c6be0"),
    "pruned": _SPARSE,
    "recorded": _SPARSE,
}
# The points of a study, and what is said of them.
POINTS: Mapping[str, Colour] = {
    "point": Colour("#2ba2bf", "#69bfc6"),
    "excluded": _OTHER,
    "median": Colour("#cda305", "#ecd05a"),
    "best": Colour("#911016", "#e06863"),
    "limit": Colour("#7625ae", "#cb66f8"),
}
# Values of a setting that have no order, whatever they are, in the order they appear in.
CHOICES = (
    Colour("#6c56cc", "#9261c8"),
    Colour("#eb6117", "#fb8821"),
    Colour("#2e8b75", "#249368"),
    Colour("#9c0827", "#dc3c39"),
    Colour("#55d2ff", "#afaaf1"),
    Colour("#cb78b2", "#ffb8d6"),
    Colour("#4f1a3f", "#e3e87d"),
)
# What is drawn together, and must be told apart.
SETS: Mapping[str, Mapping[str, Colour]] = {
    "stages": STAGES,
    "causes": CAUSES,
    "components": COMPONENTS,
    "densities": DENSITIES,
    "runs": {name: RUNS[name] for name in ("dense", "natural", "pruned")},
    "points": POINTS,
    "choices": {"none": _OTHER} | {str(place): colour for place, colour in enumerate(CHOICES, start=1)},
}
# From dark blue over the blue, green and orange of Okabe and Ito, the latter two a little lighter: lightness
# grows throughout, so neither hue nor any kind of colour vision is needed to tell the order.
RAMP = ((0.0, "#08264a"), (0.4, "#0072b2"), (0.7, "#1faf86"), (1.0, "#f5b700"))
# The numbers of points, which are small and lie on bare paper: the lighter part of the ramp, and another one
# on dark paper.
_POINTS_FROM = 0.2
_RAMP_ON_DARK = ((0.0, "#2f66c4"), (0.5, "#38b8a6"), (1.0, "#ffe08a"))
_STEPS = 16


def _on(stops: Sequence[tuple[float, str]], place: float) -> str:
    """The colour at a place from 0 to 1 between stops."""
    for (start, first), (end, second) in pairwise(stops):
        if place <= end:
            share = (place - start) / (end - start)
            parts = (
                int(first[at : at + 2], 16) * (1 - share) + int(second[at : at + 2], 16) * share
                for at in (1, 3, 5)
            )
            return "#" + "".join(f"{round(part):02x}" for part in parts)
    return stops[-1][1]


STEPS = tuple(
    Colour(
        _on(RAMP, _POINTS_FROM + (1 - _POINTS_FROM) * step / (_STEPS - 1)),
        _on(_RAMP_ON_DARK, step / (_STEPS - 1)),
    )
    for step in range(_STEPS)
)

STAGE_WORDS = {"forward": "Forward", "gta": "GTA", "gtw": "GTW", "other": "other"}
CAUSE_WORDS = {
    "busy": "busy: useful products",
    "reject": "reject: entries without a product",
    "imbalance": "imbalance: waits for a slower neighbour",
    "buffer": "buffer: waits for rows from the buffer",
    "ppu": "PPU: waits for the PPU",
    "dispatch": "dispatch: waits for the controller",
    "dram": "DRAM: waits for off-chip memory",
    "other": "other: batch-norm, pooling, weight update ...",
}
COMPONENT_WORDS = {"mac": "MAC", "ppu": "PPU", "dram": "DRAM"}
DENSITY_WORDS = {"input": "I", "grad_output": "dO", "grad_input_mask": "mask of dI"}
ACCOUNTING_WORDS = {"on_chip": "on chip", "with_dram": "with DRAM"}
_EXTRA_RUNS = ("#7f4f24", "#3c6e71", "#9b2226", "#6a994e")


def cause_word(cause: str) -> str:
    """A cause of cycles in a word: "PPU"."""
    return CAUSE_WORDS[cause].partition(":")[0]


def run_colour(run: str) -> str:
    """The colour of a run on white paper; of a run nobody has named here, one by its name's letters."""
    found = RUNS.get(run)
    return found.light if found else _EXTRA_RUNS[sum(map(ord, run)) % len(_EXTRA_RUNS)]


def variables() -> dict[str, Colour]:
    """Every colour of the page by the name of its CSS variable; equal colours have one."""
    named = {"paper": PAPER, "ink": INK, "faint": FAINT, "grid": GRID, "published": PUBLISHED}
    for family, colours in SETS.items():
        for name, colour in colours.items():
            if colour not in named.values():
                named[f"{family}-{name}".replace("_", "-")] = colour
    return named | {f"step-{place}": colour for place, colour in enumerate(STEPS)}


def ramp() -> Any:
    """The colour map of numbers in filled areas (matplotlib's LinearSegmentedColormap)."""
    from matplotlib.colors import LinearSegmentedColormap  # noqa: PLC0415

    return LinearSegmentedColormap.from_list("sparsesim", RAMP)


def step_colours() -> Any:
    """The colour map of numbers of points (matplotlib's ListedColormap): STEPS."""
    from matplotlib.colors import ListedColormap  # noqa: PLC0415

    return ListedColormap([colour.light for colour in STEPS])
