"""What a study remembers of a run that wrote into it, and what readers need of its definition."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from sparsesim.results.manifest import versions
from sparsesim.study.code import code_digest
from sparsesim.study.definition import FLAGS_SOURCE, Definition
from sparsesim.study.objectives import Constraint, Objective
from sparsesim.study.store import Study, StudyWriter, write_study
from sparsesim.study.sweep import places_of
from workloads.errors import UserError

_PACKAGES = ("distributed", "optuna", "pyarrow")
DEFAULT_OBJECTIVES = (Objective("with_dram_cycles", "minimize"), Objective("with_dram_energy_pj", "minimize"))


@dataclass(frozen=True)
class Question:
    """What a study asks, as far as its readers have to know. varied: settings with more than one value.

    places: digest under which the store has the places of its points. workloads: of a search, how many a
    design is judged on (its points have the places trial x workloads + workload); 0 for a sweep.
    """

    source: str
    varied: tuple[str, ...]
    objectives: tuple[Objective, ...]
    constraints: tuple[Constraint, ...]
    places: str = ""
    workloads: int = 0


def question_of(definition: Definition, places: str | None = None, workloads: int = 0) -> Question:
    """The question of a definition; its objectives are cycles and energy where it names none.

    places: default those of a sweep.
    """
    source = definition.source
    return Question(
        source if source == FLAGS_SOURCE else str(Path(source).resolve()),
        tuple(dict.fromkeys(_varied(definition))),
        definition.objectives or DEFAULT_OBJECTIVES,
        definition.constraints,
        places_of(definition) if places is None else places,
        workloads,
    )


def _varied(definition: Definition) -> list[str]:
    names = [axis.name for axis in definition.axes if len(axis.values) > 1]
    names += [name for point in definition.points or () for name in point]
    return names + [axis.name for axis in definition.search]


def begin(
    folder: Path, definition: Definition, argv: Sequence[str], question: Question | None = None
) -> StudyWriter:
    """The study of a definition, open for writing, with a new session. question: if known better.

    UserError where the folder is that of another study file's study, and as write_study.
    """
    question = question or question_of(definition)
    study = write_study(folder, code=code_digest())
    try:
        _check_source(study, question)
        packages = versions() | {name: metadata.version(name) for name in _PACKAGES}
        study.begin_session(
            argv=argv, version=code_digest(), packages=packages, definition=_text(question, definition)
        )
    except BaseException:
        study.close()
        raise
    return study


def _check_source(study: StudyWriter, question: Question) -> None:
    found = last_question(study)
    if found is not None and found.source != question.source:
        raise UserError(
            f"{study.folder}: is the study of {found.source}, not of {question.source}; give another --out."
        )


def last_question(study: Study) -> Question | None:
    """What the last run that wrote into the study asked; None before the first."""
    sessions = study.sessions()
    if not sessions:
        return None
    content = json.loads(study.text(sessions[-1].definition))
    return Question(
        content["source"],
        tuple(content["varied"]),
        tuple(Objective(one["figure"], one["goal"]) for one in content["objectives"]),
        tuple(Constraint(one["figure"], one["relation"], one["bound"]) for one in content["constraints"]),
        content["places"],
        content["workloads"],
    )


def _text(question: Question, definition: Definition) -> str:
    content = {
        "name": definition.name,
        "source": question.source,
        "digest": definition.digest(),
        "varied": question.varied,
        "places": question.places,
        "workloads": question.workloads,
        "objectives": [vars(objective) for objective in question.objectives],
        "constraints": [vars(constraint) for constraint in question.constraints],
    }
    return json.dumps(content)
