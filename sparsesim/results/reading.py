"""A run folder read back whole."""

from __future__ import annotations

import contextlib
import difflib
import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from sparsesim.machine import Machine
from sparsesim.machine.located import Located
from sparsesim.machine.sentences import validated
from sparsesim.results.agreement import disagreements
from sparsesim.results.bounds import violations
from sparsesim.results.document import REVISION
from sparsesim.results.folder import MANIFEST, SUMMARY
from sparsesim.results.groups import FILE as GROUPS
from sparsesim.results.groups import with_groups
from sparsesim.results.json_text import read_json
from sparsesim.results.model import Result
from sparsesim.results.rebuild import contradictions, rebuild
from sparsesim.results.summary import Header, Manifest, Summary
from workloads.errors import UserError

STUDY_INDEX = "index.sqlite"  # the file that makes a folder a study
_SHOWN_CHARACTERS = 60
_OF_BOTH = ("network", "dataset", "seed", "machine")  # what the manifest says of the run as well
PartT = TypeVar("PartT", bound=BaseModel)


@dataclass(frozen=True)
class SavedRun:
    """A run folder: where it is, the result, equal to the one that was saved, and manifest.json."""

    folder: Path
    result: Result
    manifest: Mapping[str, Any]


def load_run(path: str | Path) -> SavedRun:
    """The run that `run` saved in a folder.

    path: the folder, or the summary.json in it. Everything in it is checked as if it had been simulated just
    now. Raises UserError for whatever is no run folder, is of a version of sparsesim before revision 2 of the
    summary, is broken, or cannot be the result of a simulation.
    """
    try:
        folder = _folder(Path(path))
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}).") from None
    file = folder / SUMMARY
    tree = read_json(file)
    _check_revision(_checked(Header, tree, file), folder)
    result = _result(_checked(Summary, tree, file), file)
    result = replace(result, layers=with_groups(folder / GROUPS, result.layers, result.machine.array.groups))
    _check(result, tree, file)
    return SavedRun(folder, result, _manifest(folder / MANIFEST, tree))


def _folder(path: Path) -> Path:
    """The folder that is meant; UserError where it holds no run."""
    folder = path.parent if path.name == SUMMARY and path.is_file() else path
    if not folder.exists():
        raise UserError(f"{path}: there is no such folder; give the folder of a run.{_nearest(path)}")
    if not folder.is_dir():
        raise UserError(f"{path}: is not a folder; give the folder of a run, or the {SUMMARY} in it.")
    if not (folder / SUMMARY).is_file():
        raise UserError(f"{path}: {_instead(folder)}")
    return folder


def _nearest(path: Path) -> str:
    with contextlib.suppress(OSError):
        names = [entry.name for entry in path.parent.iterdir() if (entry / SUMMARY).is_file()]
        if near := difflib.get_close_matches(path.name, names, n=1):
            return f" Did you mean {str(path.with_name(near[0]))!r}?"
    return ""


def _instead(folder: Path) -> str:
    if (folder / STUDY_INDEX).is_file():
        return "is the folder of a study, not of a run; see it with `show` or sparsesim.load_study."
    return f"is not a run folder: it has no {SUMMARY}; give a folder that `run` has written."


def _check_revision(header: Header, folder: Path) -> None:
    if header.revision < REVISION:
        raise UserError(
            f"{folder}: was written by an earlier version of sparsesim and does not hold all of its result; "
            f"simulate it again into another folder{_command(folder / MANIFEST)}."
        )
    if header.revision > REVISION:
        raise UserError(
            f"{folder / SUMMARY}: revision must be at most {REVISION} (got {header.revision}); it was "
            f"written by a later version of sparsesim, read it with that."
        )


def _command(manifest: Path) -> str:
    try:
        argv = Manifest.model_validate(read_json(manifest)).volatile.argv
    except (UserError, ValidationError):
        return ""  # how it was made is not known
    return f", it was made with: {shlex.join(['python', '-m', 'sparsesim', *argv[1:]])}"


def _manifest(file: Path, summary: Mapping[str, Any]) -> Mapping[str, Any]:
    tree: Mapping[str, Any] = read_json(file)
    _checked(Manifest, tree, file)
    for name in _OF_BOTH:
        if tree.get(name) != summary.get(name):
            raise UserError(
                f"{file}: {name} must be {_shown(summary.get(name))}, as in the {SUMMARY} beside it (got "
                f"{_shown(tree.get(name))}): it is the manifest of another run."
            )
    return tree


def _checked(model: type[PartT], tree: Any, file: Path) -> PartT:
    try:
        return model.model_validate(tree)
    except ValidationError as errors:
        error = errors.errors()[0]
    path = ".".join(str(part) for part in error["loc"]) or "the whole file"
    if error["type"] == "missing":
        raise UserError(f"{file}: {path} is missing; simulate again into another folder.")
    raise UserError(f"{file}: {path} {_rule(error)} (got {_shown(error['input'])}).")


def _rule(error: Any) -> str:
    if error["type"] in ("model_type", "dict_type"):
        return "must be an object"
    words: str = error["msg"]
    return words.replace("Input should be", "must be").replace("Tuple should have", "must have")


def _shown(value: Any) -> str:
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    text = json.dumps(value)
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "..."


def _result(summary: Summary, file: Path) -> Result:
    for sentence in disagreements(summary):
        raise UserError(f"{file}: {sentence}.")
    try:
        tree = _located(summary.machine, f"{file}: machine")
    except RecursionError:
        raise UserError(f"{file}: machine is nested too deeply.") from None
    return rebuild(summary, validated(Machine, tree))


def _located(value: Any, where: str) -> Located:
    """What comes from JSON as the machine's checks want it: no line, but the file."""
    if isinstance(value, dict):
        return Located({key: _located(entry, where) for key, entry in value.items()}, where, where)
    if isinstance(value, list):
        return Located([_located(entry, where) for entry in value], where, where)
    return Located(value, where, where, str(value))


def _check(result: Result, tree: Mapping[str, Any], file: Path) -> None:
    """UserError for numbers that no simulation gives: someone has changed them."""
    for sentence in chain(violations(result), _contradicted(result, tree)):
        raise UserError(f"{file}: cannot be the result of a simulation: {sentence}.")


def _contradicted(result: Result, tree: Mapping[str, Any]) -> Iterator[str]:
    try:
        for path, found, wanted in contradictions(result, tree):
            yield f"{path} is {_shown(found)}, but the rest of the file makes it {_shown(wanted)}"
    except ValueError:
        yield "its numbers add up to more than a number can be"
