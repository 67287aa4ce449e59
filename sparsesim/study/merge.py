"""A study file and options together: the options win, setting by setting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from sparsesim.study.parts import Parts
from workloads.errors import UserError

ValueT = TypeVar("ValueT")


def merged(file: Parts, options: Parts) -> Parts:
    """The parts of both; the rules are those of sparsesim.study.definition.define.

    Raises UserError where options give what the points of the file give too: which one is meant for a point
    cannot be told.
    """
    named = dict(options.places())
    for point in file.points or ():
        for name in named.keys() & point.value.keys():
            raise UserError(f"{named[name]}: {name} is given by the point at {point.where} too; keep one.")
    return Parts(
        fixed=_over(file.fixed, options.fixed, named),
        axes=_over(file.axes, options.axes, named),
        search=_over(file.search, options.search, named),
        points=file.points,
        objectives=options.objectives or file.objectives,
        constraints=tuple(dict.fromkeys((*file.constraints, *options.constraints))),
    )


def _over(
    file: Mapping[str, ValueT], options: Mapping[str, ValueT], named: Mapping[str, str]
) -> dict[str, ValueT]:
    """Entries of the file that no option is about, or with the option's value in the same place; the rest."""
    kept = {name: value for name, value in file.items() if name in options or name not in named}
    return {**kept, **options}
