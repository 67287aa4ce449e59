"""A sweep: all points of a plan that the study does not have yet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from sparsesim.results.inputs import digest
from sparsesim.study.definition import Definition
from sparsesim.study.plan import Plan
from sparsesim.study.point import Point
from sparsesim.study.store import Study

CHUNK = 1024
# Part of what places are remembered under: another order of running must not read them.
ORDER = "running order 1"


def places_of(definition: Definition) -> str:
    """What the places of the points of a definition's plan are stored under."""
    return digest(f"{ORDER} {definition.digest()}")


def places_digest(plan: Plan) -> str:
    """What the places of a plan's points are stored under."""
    return places_of(plan.definition)


def missing_points(plan: Plan, study: Study, *, retry_failed: bool = False) -> Iterator[Point]:
    """The points of a plan that have no row, in the order of running; with retry_failed also failed ones.

    Their index is the place in that order, under which the runner has to store them (places_digest).
    """
    places, indices = places_digest(plan), plan.indices()
    for first in range(0, len(plan), CHUNK):
        known = study.planned(places, first, first + CHUNK)
        for place, index in enumerate(islice(indices, CHUNK), start=first):
            stored = known.get(place)
            if stored is not None and not (retry_failed and stored.status == "failed"):
                continue
            point = plan[index]
            if not plan.skip_invalid or plan.is_valid(point):
                yield replace(point, index=place)
