"""Values of settings: is one legal by itself, and how do points write it?"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sparsesim.energy import load_energy
from sparsesim.energy.overrides import MOST, PREFIX
from sparsesim.machine import Machine, list_machines, load_machine
from sparsesim.machine.load import WHAT
from sparsesim.machine.located import read_yaml
from sparsesim.machine.sentences import legal_values, model_at, user_error
from sparsesim.request import MOST_SAMPLES, MOST_SEED
from sparsesim.study.point import Scalar
from sparsesim.study.settings import OWN, kind_of, schema_of
from workloads.catalog import DATASETS, NETWORKS
from workloads.errors import UserError, unknown_name
from workloads.sparsity.curve import check_pruning
from workloads.sparsity.trace import load_trace
from workloads.sparsity.transfer import ACTIVATIONS

SHOWN_CHARACTERS = 40


def check_value(name: str, value: Any, where: str, folder: Path | None = None) -> Scalar:
    """The value of a setting (canonical name) as points have it, checked by itself.

    folder: what relative file names are relative to (default: the working directory). Numbers are int or
    float as the setting is, names of files absolute. Rules between the fields of a machine are not checked
    here. Raises UserError beginning with `where` for what the setting cannot be.
    """
    if not isinstance(value, int | float | str):
        raise UserError(f"{where}: {name} must be one value (got {shown(value)}).")
    if name in OWN:
        return _CHECKS[name](name, value, where, folder or Path())
    if name.startswith(PREFIX):
        return _number(name, value, where, MOST)
    return _field_value(name, value, where)


def shown(value: Any) -> str:
    """A value as sentences show it, shortened."""
    if value is None:
        return "nothing"
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    text = str(value)
    return repr(text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "...")


def _field_value(name: str, value: Scalar, where: str) -> Scalar:
    section, _, field = name.rpartition(".")
    owner = model_at(Machine, (section,))
    assert owner is not None  # canonical names only
    try:
        # A bool would pass for the 1 of an enumeration.
        if isinstance(value, bool) and kind_of(name) != "boolean":
            raise UserError
        found: Scalar = getattr(owner.model_validate({field: value}), field)
    except (ValidationError, UserError):
        rule = legal_values(schema_of(name))
        raise UserError(f"{where}: {name} must be {rule} (got {shown(value)}).") from None
    return found


def _whole(name: str, value: Scalar, where: str, least: int, most: int, words: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise UserError(f"{where}: {name} must be a whole number from {words} (got {shown(value)}).")
    return value


def _number(name: str, value: Scalar, where: str, most: float) -> float:
    number = math.nan if isinstance(value, bool | str) else value
    if not 0 <= number <= most:  # not a number is not within either
        raise UserError(f"{where}: {name} must be a number from 0 to {most:g} (got {shown(value)}).")
    return float(number)


def _prefixed(where: str, error: UserError) -> UserError:
    return UserError(f"{where}: {error}")


def _text(name: str, value: Scalar, where: str) -> str:
    if not isinstance(value, str) or not value:
        raise UserError(f"{where}: {name} must be a name (got {shown(value)}).")
    return value


def _name_of(known: Collection[str]) -> Callable[[str, Scalar, str, Path], Scalar]:
    def check(name: str, value: Scalar, where: str, folder: Path) -> Scalar:
        text = _text(name, value, where)
        if text not in known:
            raise _prefixed(where, unknown_name(name, text, known))
        return text

    return check


def _count(name: str, value: Scalar, where: str, folder: Path) -> Scalar:
    return _whole(name, value, where, 1, MOST_SAMPLES, f"1 to {MOST_SAMPLES}")


def _seed(name: str, value: Scalar, where: str, folder: Path) -> Scalar:
    return _whole(name, value, where, 0, MOST_SEED, "0 to 2^63 - 1")


def _pruning(name: str, value: Scalar, where: str, folder: Path) -> Scalar:
    try:
        number = math.nan if isinstance(value, bool | str) else float(value)
        check_pruning(number)
    except (UserError, OverflowError):
        rule = "0 (no pruning) to 0.99, the rates that were recorded"
        raise UserError(f"{where}: {name} must be a number from {rule} (got {shown(value)}).") from None
    return number


def _density(name: str, value: Scalar, where: str, folder: Path) -> Scalar:
    return _number(name, value, where, 1.0)


def _path(name: str, value: Scalar, where: str, folder: Path) -> Path:
    text = _text(name, value, where)
    if "\0" in text:
        raise UserError(f"{where}: {name} must be the path of a file (got {shown(text)}).")
    return (folder / text).absolute()


def _machine(name: str, value: Scalar, where: str, folder: Path) -> Scalar:
    text, path = _text(name, value, where), _path(name, value, where, folder)
    if text in list_machines():
        return text
    try:
        if not path.exists() and "." not in text and len(Path(text).parts) == 1:
            load_machine(text)  # raises with the nearest name
        _check_fields(path)
    except UserError as error:
        raise _prefixed(where, error) from None
    return str(path)


def _check_fields(path: Path) -> None:
    """UserError for fields of a machine file that are wrong whatever is set beside them."""
    tree = read_yaml(path, WHAT)
    try:
        Machine.model_validate(tree.plain())
    except ValidationError as errors:
        if any("rules" not in error.get("ctx", {}) for error in errors.errors()):
            raise user_error(errors, tree, Machine) from None


def _file_read_by(read: Callable[[Path], object]) -> Callable[[str, Scalar, str, Path], Scalar]:
    def check(name: str, value: Scalar, where: str, folder: Path) -> Scalar:
        path = _path(name, value, where, folder)
        try:
            read(path)
        except UserError as error:
            raise _prefixed(where, error) from None
        return str(path)

    return check


_CHECKS: dict[str, Callable[[str, Scalar, str, Path], Scalar]] = {
    "network": _name_of(NETWORKS),
    "dataset": _name_of(DATASETS),
    "batch": _count,
    "samples": _count,
    "prune": _pruning,
    "seed": _seed,
    "trace": _file_read_by(load_trace),
    "density_input": _density,
    "density_grad_output": _density,
    "activations": _name_of(ACTIVATIONS),
    "machine": _machine,
    "energy": _file_read_by(load_energy),
}
