"""The fields of a study file, read with the place of every value."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from sparsesim.machine.located import Located, read_yaml
from sparsesim.machine.sections import Section
from sparsesim.machine.sentences import validated
from workloads.errors import UserError

WHAT = "study file"
NAME_CHARACTERS = 100


class StudyFile(Section):
    """The shape of a study file; sparsesim.study.parts checks what stands in its lists and mappings."""

    name: str = Field(
        "", min_length=1, max_length=NAME_CHARACTERS, description="Default: the file's, without suffix."
    )
    network: Any = Field(None, description="A network, for a single one.")
    networks: list[Any] = Field([], description="Networks; the first axis where there are several.")
    dataset: Any = Field(None, description="A data set, for a single one.")
    datasets: list[Any] = Field([], description="Data sets; an axis where there are several.")
    machine: Any = Field(None, description="Built-in machine or YAML file that the study starts from.")
    energy: Any = Field(None, description="Energy table or Accelergy ERT.")
    trace: Any = Field(None, description="Recorded trace, instead of a network.")
    batch: Any = Field(None, description="Samples that weights may be reused over.")
    samples: Any = Field(None, description="Samples to simulate.")
    prune: Any = Field(None, description="Pruning rate of dO.")
    seed: Any = Field(None, description="Seed of the masks that are drawn.")
    set: dict[str, Any] = Field({}, description="Fixed settings of any kind.")
    vary: dict[str, Any] = Field({}, description="Axes of a grid; the first varies slowest.")
    points: list[Any] = Field([], description="An explicit list of points, instead of vary.")
    search: dict[str, Any] = Field({}, description="What `explore` varies: choices and ranges.")
    minimize: list[Any] = Field([], description="Figures to be minimised.")
    maximize: list[Any] = Field([], description="Figures to be maximised.")
    constraints: list[Any] = Field([], description="FIGURE <= NUMBER or FIGURE >= NUMBER.")


def read_study_file(path: Path) -> Located:
    """The tree of a study file, its fields checked by name and type; UserError with file, line and column."""
    tree = read_yaml(path, WHAT)
    validated(StudyFile, tree)
    return tree


def checked_name(tree: Located, path: Path) -> str:
    """The name of the study: the one the file gives, or the file's own; it has to be usable as a folder's."""
    given = tree.at(("name",))
    name, where = (path.stem, str(path)) if given is None else (str(given.value), given.where)
    if not is_folder_name(name):
        raise UserError(
            f"{where}: name must be usable as the name of a folder: 1 to {NAME_CHARACTERS} characters, no "
            f"slashes, no control characters, no dot in front (got {name[:NAME_CHARACTERS]!r})."
        )
    return name


def is_folder_name(name: str) -> bool:
    """Whether a text is a portable name of a folder."""
    legal = name.isprintable() and not set('/\\:*?"<>|') & set(name)
    return legal and 0 < len(name) <= NAME_CHARACTERS and not name.startswith(".") and name == name.strip()
