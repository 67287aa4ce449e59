"""Rules between the settings of a study, other than those between the fields of a machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sparsesim.study.parts import Parts
from workloads.catalog import NETWORKS
from workloads.errors import UserError

_DENSITIES = ("density_input", "density_grad_output")
_WORKLOADS = ("network", "dataset")
# What cannot be given beside a setting, and why.
_EXCLUDED: Mapping[str, tuple[tuple[str, ...], str]] = {
    "trace": (
        (*_WORKLOADS, "prune", *_DENSITIES, "activations"),
        "a trace is simulated as it was recorded",
    ),
    "prune": (_DENSITIES, "densities that are given leave nothing to prune"),
    "activations": (_DENSITIES, "densities that are given are those of every layer"),
}


def check_together(parts: Parts, source: str) -> None:
    """UserError, with both places, for settings that contradict each other, and where the network is missing.

    source: what the study comes from, for the sentence about something that is nowhere.
    """
    _check_points_alone(parts)
    common = dict(parts.places())
    for places, where in _each(parts, common, source):
        _check_contradictions(places)
        if not {"network", "trace"} & places.keys():
            raise UserError(
                f"{where}: network is missing; give networks (--networks) or a trace (--trace). "
                f"Networks: {', '.join(NETWORKS)}."
            )


def _each(parts: Parts, common: Mapping[str, str], source: str) -> Iterator[tuple[Mapping[str, str], str]]:
    """Places of all settings of a point, and the place of the point; once for a grid, where all are alike."""
    if parts.points is None:
        yield common, source
    for point in parts.points or ():
        yield {**common, **dict.fromkeys(point.value, point.where)}, point.where


def _check_contradictions(places: Mapping[str, str]) -> None:
    for name, (excluded, reason) in _EXCLUDED.items():
        for other in excluded:
            if name in places and other in places:
                raise UserError(
                    f"{places[other]}: {other} and {name} (given at {places[name]}) contradict each other: "
                    f"{reason}; keep one."
                )


def _check_points_alone(parts: Parts) -> None:
    """Points are a list instead of a grid; networks and data sets alone may be combined with it."""
    varied = [(name, axis.where) for name, axis in parts.axes.items()]
    varied += [(name, axis.where) for name, axis in parts.search.items()]
    beside = [(name, where) for name, where in varied if name not in _WORKLOADS]
    if parts.points is not None and beside:
        name, where = beside[0]
        raise UserError(
            f"{where}: {name} is varied beside a list of points (at {parts.points[0].where}); write its "
            "values into the points, or keep one of the two."
        )
