"""What a study asks: settings fixed and varied, objectives and constraints, from a file and from options."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from sparsesim.study.digest import content_digest
from sparsesim.study.flags import NO_FLAGS, Flags, flags_tree
from sparsesim.study.merge import merged
from sparsesim.study.objectives import Constraint, Objective
from sparsesim.study.parts import Parts, read_parts
from sparsesim.study.point import Scalar
from sparsesim.study.study_file import checked_name, read_study_file
from sparsesim.study.together import check_together
from sparsesim.study.values import Choices, Range
from workloads.errors import UserError

FLAGS_SOURCE = "command line"
NAME_CHARACTERS = 60  # of networks and data sets in a name that is made up


@dataclass(frozen=True)
class Axis:
    """A setting and its values in the order of the grid. where: the place it was given at."""

    name: str
    values: Sequence[Scalar]
    where: str = field(default="", compare=False)


@dataclass(frozen=True)
class SearchAxis:
    """A setting and what a search may try. where: the place it was given at."""

    name: str
    space: Range | Choices
    where: str = field(default="", compare=False)


@dataclass(frozen=True)
class Definition:
    """A study, checked as far as single values go. Names of settings are canonical, file names absolute.

    base: settings of every point. axes: the grid, the first varies slowest; networks and data sets come
    first. points: settings of an explicit list, each taken with every combination of the axes (then networks
    and data sets only); None for a grid. search: what `explore` varies beside the axes. source: the file, or
    "command line".
    """

    name: str
    base: Mapping[str, Scalar]
    axes: tuple[Axis, ...] = ()
    points: tuple[Mapping[str, Scalar], ...] | None = None
    search: tuple[SearchAxis, ...] = ()
    objectives: tuple[Objective, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    source: str = FLAGS_SOURCE

    def digest(self) -> str:
        """SHA-256 of what is asked: base, axes, points and search, and the contents of the files they name.

        Neither the study's name nor the folder of a file matters, nor do objectives and constraints.
        """
        return content_digest(
            self.base,
            [(axis.name, axis.values) for axis in self.axes],
            self.points,
            [(axis.name, axis.space) for axis in self.search],
        )


def define(path: Path | None = None, flags: Flags = NO_FLAGS) -> Definition:
    """The definition in a study file, in options, or in both.

    An option replaces what the file says of the same setting, fixed or varied; a setting that only --vary
    names becomes another axis, the fastest. --minimize and --maximize together replace the objectives of the
    file, --constraint adds to its constraints. The name of a study is that of its file; one without a file
    is called NETWORKS-DATASETS-XXXXXXXX by eight digits of its digest, the same for the same options.
    Raises UserError with FILE:LINE:COLUMN or the option for everything that cannot be used.
    """
    options = read_parts(flags_tree(flags), Path())
    if path is None:
        definition = _definition(options, FLAGS_SOURCE)
        return replace(definition, name=_made_up_name(definition))
    tree = read_study_file(path)
    parts = merged(read_parts(tree, path.parent), options)
    return replace(_definition(parts, str(path)), name=checked_name(tree, path))


def _definition(parts: Parts, source: str) -> Definition:
    check_together(parts, source)
    if not (parts.axes or parts.search or parts.points):
        raise UserError(
            f"{source}: nothing is varied; add `vary: {{groups: [28, 56]}}` or `points:` to the study file, "
            "or give --vary groups=28,56; `run` simulates a single point."
        )
    return Definition(
        name="",
        base={name: fixed.value for name, fixed in parts.fixed.items()},
        axes=_axes(parts),
        points=None if parts.points is None else tuple(point.value for point in parts.points),
        search=tuple(SearchAxis(name, axis.value, axis.where) for name, axis in parts.search.items()),
        objectives=parts.objectives,
        constraints=parts.constraints,
        source=source,
    )


def _axes(parts: Parts) -> tuple[Axis, ...]:
    """Networks and data sets first, so that results of one workload stand together."""
    order = sorted(parts.axes.items(), key=lambda entry: entry[0] not in ("network", "dataset"))
    return tuple(Axis(name, axis.value, axis.where) for name, axis in order)


def _made_up_name(definition: Definition) -> str:
    """NETWORKS-DATASETS-XXXXXXXX, or TRACES-XXXXXXXX."""
    varied = {axis.name: axis.values for axis in definition.axes}
    words = []
    for name in ("network", "dataset", "trace"):
        values = varied.get(name, [definition.base[name]] if name in definition.base else [])
        words += [Path(str(value)).stem for value in values]
    readable = re.sub(r"[^A-Za-z0-9._-]+", "-", "-".join(words)).lstrip(".")[:NAME_CHARACTERS]
    return f"{readable}-{definition.digest()[:8]}"
