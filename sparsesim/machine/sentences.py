"""Pydantic's validation errors as sentences: place, field, rule, what was given, and the nearest name."""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError

from sparsesim.machine.located import Located
from sparsesim.machine.rules import BrokenRule
from workloads.errors import UserError, unknown_name

SHOWN_CHARACTERS = 40
ModelT = TypeVar("ModelT", bound=BaseModel)


_WORDS_OF_TYPE = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "string": "text",
    "array": "a list",
}


def legal_values(schema: dict[str, Any]) -> str:
    """The rule of a field in words, from its JSON schema: type, enumeration and limits."""
    if "enum" in schema or "const" in schema:
        names = [str(value) for value in schema.get("enum", [schema.get("const")])]
        return " or ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
    words = _WORDS_OF_TYPE.get(schema.get("type", ""), "a mapping of fields")
    if "maxLength" in schema:
        return f"{words} of {schema.get('minLength', 0)} to {schema['maxLength']} characters"
    if "maximum" not in schema:
        return words + (f" of at least {schema['minimum']:g}" if "minimum" in schema else "")
    above = f"greater than {schema.get('exclusiveMinimum', 0):g} and at most"
    lower = f"from {schema['minimum']:g} to" if "minimum" in schema else above
    return f"{words} {lower} {schema['maximum']:.10g}"


def model_at(model: type[BaseModel], path: tuple[str, ...]) -> type[BaseModel] | None:
    """The model that validates the mapping at `path` below `model`; None where there is none."""
    annotation: Any = model
    for name in path:
        if get_origin(annotation) in (dict, list):
            annotation = get_args(annotation)[-1]
        elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
            field = annotation.model_fields.get(name)
            annotation = field.annotation if field else None
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def field_schema(owner: type[BaseModel] | None, name: str) -> dict[str, Any]:
    """The JSON schema of one field; empty for an entry of a free mapping."""
    if owner is None:
        return {}
    schema: dict[str, Any] = _schema(owner)["properties"][name]
    return schema


@cache
def _schema(owner: type[BaseModel]) -> dict[str, Any]:
    return owner.model_json_schema()


def _shown(value: Any, found: Located | None) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "nothing"
    text = found.text if found is not None and found.text else str(value)
    return repr(text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "...")


def _rule_sentence(rule: BrokenRule, tree: Located, path: tuple[str, ...]) -> str:
    found = [entry for name in rule.fields if (entry := tree.at((*path, *name.split("."))))]
    # A file agrees with itself until something is set on the command line, so that is named first.
    found.sort(key=lambda entry: not entry.where.startswith("--set"))
    owner = f"{'.'.join(path)}: " if path else ""
    return f"{found[0].where if found else tree.source}: {owner}{rule.sentence}"


def _sentence(error: Any, tree: Located, model: type[BaseModel]) -> str:
    path = tuple(str(part) for part in error["loc"])
    if "rules" in error.get("ctx", {}):
        return "\n".join(_rule_sentence(rule, tree, path) for rule in error["ctx"]["rules"])
    owner, found = model_at(model, path[:-1]), tree.at(path)
    if error["type"] == "extra_forbidden" and owner is not None:
        what = f"field of {'.'.join(path[:-1])}" if path[:-1] else "field"
        where = found.key_where if found else tree.where
        return f"{where}: {unknown_name(what, path[-1], owner.model_fields)}"
    rule = legal_values(field_schema(owner, path[-1])) if path else "a mapping of fields"
    if error["type"] == "missing":
        parent = tree.at(path[:-1]) or tree
        return f"{parent.key_where}: {'.'.join(path)} is missing; it must be {rule}."
    where = found.where if found else tree.where
    return f"{where}: {'.'.join(path)} must be {rule} (got {_shown(error['input'], found)})."


def user_error(errors: ValidationError, tree: Located, model: type[BaseModel]) -> UserError:
    """All of pydantic's errors about the values of `tree`, one sentence a line, as one error."""
    return UserError("\n".join(_sentence(error, tree, model) for error in errors.errors()))


def validated(model: type[ModelT], tree: Located) -> ModelT:
    """The model made from `tree`; raises one UserError naming everything that is wrong."""
    try:
        return model.model_validate(tree.plain())
    except ValidationError as errors:
        raise user_error(errors, tree, model) from None
