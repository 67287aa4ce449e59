"""The points of a study as reports need them: which are done, allowed, of which workload, on the front."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reports.text import shown_name
from sparsesim.study.objectives import Constraint, Objective
from sparsesim.study.pareto import front

if TYPE_CHECKING:
    from pandas import DataFrame

Mask = NDArray[np.bool_]
Values = NDArray[np.float64]
# What a design is judged on, not a choice of the design: points that differ in these are not compared.
WORKLOAD = ("network", "dataset", "trace")
# The end of a front that is nearly straight is as good a choice as its middle.
_LEAST_BULGE = 0.1
MOST_DRAWN = 12  # workloads with panels of their own in a figure
_WIDE = 10  # times: beyond it an axis is logarithmic


def done_points(frame: DataFrame) -> DataFrame:
    """The rows that are done, numbered from 0."""
    return frame[frame["status"] == "done"].reset_index(drop=True) if "status" in frame else frame[:0]


def values_of(frame: DataFrame, name: str) -> Values:
    """A figure of every row; nan where it is missing, infinite or no number."""
    import pandas as pd  # noqa: PLC0415

    if name not in frame:
        return np.full(len(frame), np.nan)
    found: Values = pd.to_numeric(frame[name], errors="coerce").to_numpy(dtype=float, na_value=np.nan).copy()
    found[~np.isfinite(found)] = np.nan
    return found


def settings_of(frame: DataFrame, name: str) -> list[Any]:
    """A setting of every row; None where the row has none."""
    import pandas as pd  # noqa: PLC0415

    if name not in frame:
        return [None] * len(frame)
    return [None if pd.isna(value) else value for value in frame[name].tolist()]


def allowed(frame: DataFrame, constraints: Iterable[Constraint]) -> Mask:
    """The rows that meet every constraint; a row without the figure does not."""
    found = np.ones(len(frame), dtype=bool)
    for constraint in constraints:
        figures = values_of(frame, constraint.figure)
        found &= figures <= constraint.bound if constraint.relation == "<=" else figures >= constraint.bound
    return found


def workloads(frame: DataFrame) -> dict[str, Mask]:
    """The rows of every workload by its shown name, in order of appearance."""
    keys = list(zip(*(settings_of(frame, name) for name in WORKLOAD), strict=True))
    places = {key: place for place, key in enumerate(dict.fromkeys(keys))}
    which = np.array([places[key] for key in keys], dtype=int)
    names = _unlike([_workload_name(*key) for key in places])
    return {name: which == place for name, place in zip(names, places.values(), strict=True)}


def drawn_workloads(frame: DataFrame) -> dict[str, Mask]:
    """The workloads that get panels in a figure: the first ones."""
    return dict(list(workloads(frame).items())[:MOST_DRAWN])


def cut_text(frame: DataFrame) -> str:
    """Says that a figure does not show all workloads; "" where it does."""
    count = len(workloads(frame))
    return f"the first {MOST_DRAWN} of {count} workloads" if count > MOST_DRAWN else ""


def _workload_name(network: Any, dataset: Any, trace: Any) -> str:
    if trace is not None:
        return shown_name(PurePath(str(trace)).name)
    return ", ".join(shown_name(str(part)) for part in (network, dataset) if part is not None) or "all points"


def _unlike(names: Sequence[str]) -> list[str]:
    """The names, numbered where two workloads would have the same."""
    return [name if names.count(name) == 1 else f"{name} #{place + 1}" for place, name in enumerate(names)]


def on_front(frame: DataFrame, objectives: Sequence[Objective], among: Mask) -> Mask:
    """The rows of the Pareto front of the rows `among`; none that lack one of the figures."""
    columns = np.column_stack([values_of(frame, objective.figure) for objective in objectives])
    found = np.zeros(len(frame), dtype=bool)
    chosen = np.flatnonzero(among & np.isfinite(columns).all(axis=1))
    if chosen.size:
        found[chosen] = front(columns[chosen], [objective.goal for objective in objectives])
    return found


def is_wide(figures: Values) -> bool:
    """Whether the figures are positive and span more than a factor of ten: then logarithms show them."""
    finite = figures[np.isfinite(figures)]
    return bool(finite.size and finite.min() > 0 and finite.max() > _WIDE * finite.min())


def knee(points: Values, objectives: Sequence[Objective]) -> int | None:
    """The place of the knee of a front, None where there is no clear one.

    points: the front's values of two objectives, a row each. The knee is the point farthest from the straight
    line between the ends towards the ideal corner, both objectives scaled to their range on the front
    (logarithms where that is wide); a clear one is at least a tenth of the way to that corner.
    """
    if len(points) < 3:
        return None
    losses = sum(_loss(points[:, place], objective) for place, objective in enumerate(objectives))
    # The ends lie at (0, 1) and (1, 0), the line between them where the losses add up to 1.
    bulge = 1 - np.asarray(losses)
    place = int(bulge.argmax())
    return place if bulge[place] >= _LEAST_BULGE else None


def _loss(figures: Values, objective: Objective) -> Values:
    """0 at the best of the front, 1 at its worst."""
    figures = np.log(figures) if is_wide(figures) else figures
    extent = figures.max() - figures.min()
    share: Values = (figures - figures.min()) / extent if extent else np.zeros_like(figures)
    return share if objective.goal == "minimize" else 1 - share
