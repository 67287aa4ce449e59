"""What differs between runs before anything is simulated: machine, inputs, versions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reports.comparison.sides import Side
from sparsesim.machine.fields import field_rows
from sparsesim.results.model import Result

NOTHING = "-"
_ENERGY_PREFIX = "energy."  # of an override that changes the energy table
_DIGEST_CHARACTERS = 12
# The machine's own digest says no more than its fields do.
_INPUTS = {
    "energy": "energy table, contents",
    "network": "network, contents",
    "profile": "profile, contents",
    "trace": "trace, contents",
}


@dataclass(frozen=True)
class Difference:
    """A setting in which the sides are not alike: a value per side, as text."""

    name: str
    unit: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Settings:
    """All settings in which sides are not alike, by kind."""

    machine: Sequence[Difference]
    inputs: Sequence[Difference]
    versions: Sequence[Difference]


def differing(sides: Sequence[Side]) -> Settings:
    """Machine fields by their dotted names, inputs, and versions of what numbers can depend on."""
    return Settings(
        machine=[*_unlike(sides, _machine_values(sides))],
        inputs=[*_unlike(sides, _input_values(sides)), *_unlike(sides, _digests(sides))],
        versions=[*_unlike(sides, _versions(sides))],
    )


def _unlike(
    sides: Sequence[Side], rows: Iterator[tuple[str, str, Callable[[Side], Any]]]
) -> Iterator[Difference]:
    for name, unit, value in rows:
        values = tuple(_text(value(side)) for side in sides)
        if len(set(values)) > 1:
            yield Difference(name, unit, values)


def _text(value: Any) -> str:
    if value is None or value == "":
        return NOTHING
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def _machine_values(sides: Sequence[Side]) -> Iterator[tuple[str, str, Callable[[Side], Any]]]:
    dumped = {side.letter: side.result.machine.model_dump() for side in sides}
    for row in field_rows():
        section, _, field = row.name.rpartition(".")

        def value(side: Side, section: str = section, field: str = field) -> Any:
            values = dumped[side.letter]
            return values[section][field] if section else values[field]

        yield row.name, row.unit, value


def _input_values(sides: Sequence[Side]) -> Iterator[tuple[str, str, Callable[[Side], Any]]]:
    def of(get: Callable[[Result], Any]) -> Callable[[Side], Any]:
        return lambda side: get(side.result)

    del sides
    yield "network", "", of(lambda result: result.network)
    yield "data set", "", of(lambda result: result.dataset)
    yield "batch", "samples", of(lambda result: result.batch)
    yield "simulated", "samples", of(lambda result: result.samples)
    yield "seed", "", of(lambda result: result.seed)
    yield "pruning rate of dO", "", of(lambda result: result.prune)
    yield "runs", "", of(lambda result: ", ".join(result.runs))
    yield "sparsity, kind", "", of(lambda result: result.profile.kind)
    yield "sparsity, name", "", of(lambda result: result.profile.name)
    yield "sparsity, source", "", of(lambda result: result.profile.source)
    yield "sparsity, transferred from", "", of(lambda result: result.profile.transferred_from)
    yield "energy table", "", of(lambda result: result.energy_table)
    yield "energy table, changed rows", "", lambda side: ", ".join(_energy_overrides(side.manifest))


def _energy_overrides(manifest: Mapping[str, Any]) -> list[str]:
    given = _mapping(manifest, "arguments").get("overrides")
    every = given if isinstance(given, list) else []
    return [text for text in map(str, every) if text.lstrip().startswith(_ENERGY_PREFIX)]


def _digests(sides: Sequence[Side]) -> Iterator[tuple[str, str, Callable[[Side], Any]]]:
    del sides
    for name, words in _INPUTS.items():

        def value(side: Side, name: str = name) -> Any:
            digest = _mapping(side.manifest, "inputs_sha256").get(name)
            return None if digest is None else str(digest)[:_DIGEST_CHARACTERS]

        yield words, "SHA-256", value


def _versions(sides: Sequence[Side]) -> Iterator[tuple[str, str, Callable[[Side], Any]]]:
    every = dict.fromkeys(name for side in sides for name in _mapping(side.manifest, "versions"))
    for name in every:

        def value(side: Side, name: str = name) -> Any:
            return _mapping(side.manifest, "versions").get(name)

        yield str(name), "", value


def _mapping(manifest: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """A part of a manifest; only its schema and its command are checked where it is read."""
    found = manifest.get(key)
    return found if isinstance(found, Mapping) else {}
