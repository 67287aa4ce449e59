"""Machine descriptions from YAML files and from the command line."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

from sparsesim.machine.description import Machine
from sparsesim.machine.fields import field_rows
from sparsesim.machine.located import Located, parse_scalar, parse_yaml, read_text
from sparsesim.machine.sentences import field_schema, model_at, validated
from workloads.errors import UserError, unknown_name

WHAT = "machine description"


def _presets() -> dict[str, Any]:
    folder = resources.files("sparsesim.machine") / "presets"
    return {
        entry.name.removesuffix(".yaml"): entry for entry in folder.iterdir() if entry.name.endswith(".yaml")
    }


def list_machines() -> tuple[str, ...]:
    """The names of the built-in machines, sorted."""
    return tuple(sorted(_presets()))


def load_machine(name_or_path: str | Path, overrides: Sequence[str] = ()) -> Machine:
    """The machine of a built-in name or of a YAML file, with overrides applied before it is checked.

    overrides: "KEY=VALUE" each, as given with --set; KEY is a dotted name (array.groups) or a field's own
    name where that is unique (groups); a later one wins. Fields that are given nowhere have their default.
    Raises UserError with one line for everything that is wrong: FILE:LINE:COLUMN or --set KEY=VALUE,
    the field, the rule, and the value that was given.
    """
    tree = _apply(_source(str(name_or_path)), overrides)
    return validated(Machine, tree)


def _source(name_or_path: str) -> Located:
    presets = _presets()
    if name_or_path in presets:
        return _parsed(presets[name_or_path].read_text(encoding="utf-8"), f"{name_or_path}.yaml")
    path = Path(name_or_path)
    looks_like_a_path = path.suffix in (".yaml", ".yml") or len(path.parts) > 1 or path.exists()
    if not looks_like_a_path:
        raise unknown_name("machine (neither built in nor a file)", name_or_path, presets)
    return _named_after_file(_parsed(read_text(path, WHAT), str(path)), path)


@lru_cache(maxsize=32)
def _parsed(text: str, source: str) -> Located:
    """Kept by content: a study loads one description with many overrides, and reading YAML takes longest."""
    return parse_yaml(text, source, WHAT)


def _named_after_file(tree: Located, path: Path) -> Located:
    if "name" in tree.value:
        return tree
    return tree.with_entry(("name",), Located(path.stem, tree.where, tree.where, path.stem))


def _apply(tree: Located, overrides: Iterable[str]) -> Located:
    for override in overrides:
        where = f"--set {override}"
        key, equals, text = override.partition("=")
        if not equals or not key:
            raise UserError(f"{where}: must be KEY=VALUE, for example --set groups=28.")
        name = resolve_field(key, [row.name for row in field_rows()], where)
        path = tuple(name.split("."))
        tree = tree.with_entry(path, _override_value(path, text, where))
    return tree


def _override_value(path: tuple[str, ...], text: str, where: str) -> Located:
    if field_schema(model_at(Machine, path[:-1]), path[-1]).get("type") == "string":
        return Located(text, where, where, text)
    return parse_scalar(text, where)


def resolve_field(key: str, names: Sequence[str], where: str) -> str:
    """The dotted name a key stands for: itself, or the only name of which it is the last part.

    Raises UserError, beginning with `where`, for a key that is unknown, ambiguous, or names a section.
    """
    matches = [key] if key in names else [name for name in names if name.rpartition(".")[2] == key]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise UserError(f"{where}: {key!r} is ambiguous; write {' or '.join(matches)}.")
    inside = [name for name in names if name.startswith(key + ".")]
    if inside:
        raise UserError(f"{where}: {key!r} is a section; set one of its fields: {', '.join(inside)}.")
    # The nearest is looked for among what would be typed: bare names for a bare key.
    known = names if "." in key else [name.rpartition(".")[2] for name in names]
    raise UserError(f"{where}: {unknown_name('field', key, known)}")


def export_yaml(machine: Machine) -> str:
    """The complete description as YAML, every default written out; loading it gives an equal machine."""
    yaml = YAML()
    yaml.width = 4096
    dump = machine.model_dump()
    tree = CommentedMap((k, CommentedMap(v) if isinstance(v, dict) else v) for k, v in dump.items())
    text = io.StringIO()
    yaml.dump(tree, text)
    return text.getvalue()
