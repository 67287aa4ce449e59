"""YAML with the place of every value, so that an error can say file, line and column.

Read in two passes: the events are checked first (depth, one document), so that hostile files cannot exhaust
the stack; then the nodes are turned into a tree, with a limit on its size, so that aliases cannot multiply.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml import events as kinds
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

from workloads.errors import UserError

MAX_BYTES = 1 << 20
MAX_DEPTH = 32
MAX_VALUES = 100_000
MAX_NUMBER_CHARACTERS = 100  # python itself refuses to read integers of more than 4300 digits


@dataclass(frozen=True)
class Located:
    """A YAML value and where it stands.

    value: a scalar, a list of Located, or a dict from str to Located.
    where, key_where: "FILE:LINE:COLUMN" of the value and of its key, both counted from 1.
    text: a scalar as it was written; "" for mappings and lists.
    """

    value: Any
    where: str
    key_where: str
    text: str = ""

    @property
    def source(self) -> str:
        """The file the value stands in."""
        return self.where.rsplit(":", 2)[0]

    def at(self, path: tuple[str, ...]) -> Located | None:
        """The value below this one that a path of keys and list indices leads to; None without one."""
        if not path:
            return self
        if isinstance(self.value, list):
            below = self.value[int(path[0])] if path[0].isdecimal() else None
        else:
            below = self.value.get(path[0]) if isinstance(self.value, dict) else None
        return None if below is None else below.at(path[1:])

    def plain(self) -> Any:
        """The value with plain dicts, lists and scalars all the way down."""
        if isinstance(self.value, dict):
            return {key: entry.plain() for key, entry in self.value.items()}
        if isinstance(self.value, list):
            return [entry.plain() for entry in self.value]
        return self.value

    def with_entry(self, path: tuple[str, ...], entry: Located) -> Located:
        """A copy in which the value at `path` is `entry`; mappings on the way are made where missing."""
        if not path:
            return entry
        entries = dict(self.value) if isinstance(self.value, dict) else {}
        below = entries.get(path[0], replace(entry, value={}, text=""))
        entries[path[0]] = below.with_entry(path[1:], entry)
        return replace(self, value=entries, text="")


def read_text(path: Path, what: str) -> str:
    """The text of a UTF-8 file of at most 1 MiB; raises UserError naming `what` the file should be."""
    if not path.exists():
        raise UserError(f"{path}: there is no such file; give the path of a {what}.")
    if not path.is_file():
        raise UserError(f"{path}: is not a file; give the path of a {what}.")
    try:
        data = path.read_bytes() if path.stat().st_size <= MAX_BYTES else None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}).") from None
    if data is None:
        raise UserError(f"{path}: is larger than {MAX_BYTES} bytes, too large for a {what}.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: is not a {what}: byte {error.start} is not UTF-8 text.") from None


def read_yaml(path: Path, what: str) -> Located:
    """The mapping in a YAML file; `what` names what is expected. Raises UserError where there is none."""
    return parse_yaml(read_text(path, what), str(path), what)


def parse_yaml(text: str, source: str, what: str) -> Located:
    """The mapping in a YAML text that comes from `source`; errors as in `read_yaml`."""

    try:
        # ruamel warns of an anchor that is used twice; the tree below shows what was read in any case.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _Reader(source, what).read(text)
    except MarkedYAMLError as error:
        where = _place(source, error.problem_mark) if error.problem_mark else source
        raise UserError(f"{where}: is not valid YAML: {error.problem}.") from None
    except YAMLError as error:
        raise UserError(f"{source}: is not valid YAML: {str(error).splitlines()[0]}.") from None


def parse_scalar(text: str, where: str) -> Located:
    """The scalar a text on the command line stands for, by the rules of YAML 1.2."""

    resolver = YAML(typ="safe", pure=True).resolver
    node = ScalarNode(resolver.resolve(ScalarNode, text, (True, False)), text)
    return Located(_Reader(where, "value").scalar(node, where), where, where, text)


def _place(source: str, mark: Any) -> str:
    return f"{source}:{mark.line + 1}:{mark.column + 1}"


class _Reader:
    """Turns the text of one source into a tree."""

    def __init__(self, source: str, what: str) -> None:
        self.source = source
        self.what = what
        self.values_left = MAX_VALUES

    def _place(self, event_or_node: Any) -> str:
        return _place(self.source, event_or_node.start_mark)

    def read(self, text: str) -> Located:

        self._check_events(YAML(typ="safe", pure=True).parse(text))
        root = YAML(typ="safe", pure=True).compose(text)
        if root is None:
            raise UserError(f"{self.source}: is empty; a {self.what} is a mapping of fields.")
        tree = self._tree(root, self._place(root), 0)
        if not isinstance(tree.value, dict):
            raise UserError(f"{tree.where}: a {self.what} must be a mapping of fields.")
        return tree

    def _check_events(self, events: Iterator[Any]) -> None:

        depth = documents = 0
        for event in events:
            documents += isinstance(event, kinds.DocumentStartEvent)
            depth += isinstance(event, kinds.CollectionStartEvent) - isinstance(
                event, kinds.CollectionEndEvent
            )
            if documents > 1:
                raise UserError(
                    f"{_place(self.source, event.start_mark)}: a {self.what} is one YAML document."
                )
            if depth > MAX_DEPTH:
                place = _place(self.source, event.start_mark)
                raise UserError(
                    f"{place}: is nested deeper than the {MAX_DEPTH} levels a {self.what} may have."
                )

    def _tree(self, node: Any, key_where: str, depth: int) -> Located:

        where = self._place(node)
        self.values_left -= 1
        if depth > MAX_DEPTH or self.values_left < 0:
            raise UserError(f"{where}: the aliases of this file stand for too many values; write them out.")
        if isinstance(node, MappingNode):
            return Located(self._mapping(node, depth + 1), where, key_where)
        if isinstance(node, SequenceNode):
            entries = [self._tree(entry, self._place(entry), depth + 1) for entry in node.value]
            return Located(entries, where, key_where)
        return Located(self.scalar(node, where), where, key_where, node.value)

    def _mapping(self, node: Any, depth: int) -> dict[str, Located]:

        entries: dict[str, Located] = {}
        for key, value in node.value:
            key_where = self._place(key)
            if not isinstance(key, ScalarNode):
                raise UserError(f"{key_where}: the name of a field must be one word.")
            if key.value in entries:
                first = entries[key.value].key_where
                raise UserError(
                    f"{key_where}: field {key.value!r} is given twice, first at {first}; keep one."
                )
            entries[key.value] = self._tree(value, key_where, depth)
        return entries

    def scalar(self, node: Any, where: str) -> str | int | float | bool | None:
        """A plain value. What is neither null, bool nor number stays the text it is (dates, for example)."""
        text: str = node.value
        kind = str(node.tag).rpartition(":")[2]
        if kind in ("int", "float") and len(text) > MAX_NUMBER_CHARACTERS:
            raise UserError(f"{where}: a number of {len(text)} characters is too long.")
        if kind == "null":
            return None
        if kind == "bool" and text.lower() in ("true", "false"):
            return text.lower() == "true"
        if kind in ("int", "float"):
            return _number(text, kind)
        return text


def _number(text: str, kind: str) -> int | float | str:
    digits = text.replace("_", "").lower()
    try:
        if kind == "int":
            return int(digits, 0) if digits.lstrip("+-")[:2] in ("0x", "0o") else int(digits)
        return float(digits.replace(".inf", "inf").replace(".nan", "nan"))
    except ValueError:  # an explicit tag on a text that is no number: !!int abc
        return text
