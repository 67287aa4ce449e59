"""What differs between runs before anything is simulated: machine, inputs, versions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from reports.comparison.sides import Side
from reports.text import plain
from sparsesim.machine.fields import field_rows

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

    @property
    def texts(self) -> tuple[str, ...]:
        """The values in full, printable, and different where they are different."""
        texts = tuple(map(plain, self.values))
        alike = len({text.strip() for text in texts}) < len(set(self.values))
        return tuple(map(ascii, self.values)) if alike else texts


# The name of a setting, its unit, and where a side has it.
Setting = tuple[str, str, Callable[[Side], Any]]


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
        inputs=[*_unlike(sides, _input_values()), *_unlike(sides, _digests())],
        versions=[*_unlike(sides, _versions(sides))],
    )


def _unlike(sides: Sequence[Side], settings: Iterator[Setting]) -> Iterator[Difference]:
    for name, unit, value in settings:
        values = tuple(_text(value(side)) for side in sides)
        if len(set(values)) > 1:
            yield Difference(name, unit, values)


def _text(value: Any) -> str:
    if value is None or value == "":
        return NOTHING
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def _machine_values(sides: Sequence[Side]) -> Iterator[Setting]:
    dumped = {side.letter: side.result.machine.model_dump() for side in sides}
    for row in field_rows():
        section, _, field = row.name.rpartition(".")

        def value(side: Side, section: str = section, field: str = field) -> Any:
            values = dumped[side.letter]
            return values[section][field] if section else values[field]

        yield row.name, row.unit, value


def _input_values() -> Iterator[Setting]:
    yield "network", "", lambda side: side.result.network
    yield "data set", "", lambda side: side.result.dataset
    yield "batch", "samples", lambda side: side.result.batch
    yield "simulated", "samples", lambda side: side.result.samples
    yield "seed", "", lambda side: side.result.seed
    yield "pruning rate of dO", "", lambda side: side.result.prune
    yield "runs", "", lambda side: ", ".join(side.result.runs)
    yield "sparsity, kind", "", lambda side: side.result.profile.kind
    yield "sparsity, name", "", lambda side: side.result.profile.name
    yield "sparsity, source", "", lambda side: side.result.profile.source
    yield "sparsity, transferred from", "", lambda side: side.result.profile.transferred_from
    yield "energy table", "", lambda side: side.result.energy_table
    yield "energy table, changed rows", "", lambda side: ", ".join(_energy_overrides(side))


def _energy_overrides(side: Side) -> list[str]:
    given = side.noted("arguments").get("overrides")
    every = given if isinstance(given, list) else []
    return [text for text in map(str, every) if text.lstrip().startswith(_ENERGY_PREFIX)]


def _digests() -> Iterator[Setting]:
    for name, words in _INPUTS.items():

        def value(side: Side, name: str = name) -> Any:
            digest = side.noted("inputs_sha256").get(name)
            return None if digest is None else str(digest)[:_DIGEST_CHARACTERS]

        yield words, "SHA-256", value


def _versions(sides: Sequence[Side]) -> Iterator[Setting]:
    every = dict.fromkeys(name for side in sides for name in side.noted("versions"))
    for name in every:

        def value(side: Side, name: str = name) -> Any:
            return side.noted("versions").get(name)

        yield str(name), "", value
