"""The options of `sweep` and `explore` that define a study, in the shape of a study file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sparsesim.machine.located import Located
from sparsesim.study.settings import canonical
from sparsesim.study.value_text import parse_value, parse_values
from workloads.errors import UserError

_SINGLE = ("machine", "energy", "trace", "batch", "samples", "prune", "seed")
_LISTS = ("networks", "datasets", "minimize", "maximize")


@dataclass(frozen=True)
class Flags:
    """What the options say, None and () where they were not given.

    vary: NAME=A,B,C, NAME=FROM:TO:STEP or NAME=FROM:TO*FACTOR each. overrides: KEY=VALUE each, as given with
    --set. networks, datasets, minimize, maximize: names separated by commas. constraints: `FIGURE <= NUMBER`
    each.
    """

    vary: Sequence[str] = ()
    overrides: Sequence[str] = ()
    networks: str | None = None
    datasets: str | None = None
    machine: str | None = None
    energy: str | None = None
    trace: str | None = None
    batch: int | None = None
    samples: int | None = None
    prune: float | None = None
    seed: int | None = None
    minimize: Sequence[str] = ()
    maximize: Sequence[str] = ()
    constraints: Sequence[str] = ()


NO_FLAGS = Flags()


def flags_tree(flags: Flags) -> Located:
    """The options as a study file would have them; the place of a value is the option it comes from.

    Raises UserError for an option that is not of the form it must have, or given twice for one setting.
    """
    tree: dict[str, Located] = {}
    for name in _SINGLE:
        value = getattr(flags, name)
        if value is not None:
            tree[name] = _leaf(value, f"--{name} {value}")
    for name in _LISTS:
        given = getattr(flags, name)
        texts = (given,) if isinstance(given, str) else given or ()
        if texts:
            tree[name] = _list(entry for text in texts for entry in _names(name, text))
    if flags.constraints:
        tree["constraints"] = _list(_leaf(text, f"--constraint {text!r}") for text in flags.constraints)
    tree["set"] = _settings("--set", flags.overrides)
    tree["vary"] = _settings("--vary", flags.vary)
    return Located({name: entry for name, entry in tree.items() if entry.value != {}}, "options", "options")


def _leaf(value: Any, where: str) -> Located:
    return Located(value, where, where, str(value))


def _list(entries: Iterable[Located]) -> Located:
    found = list(entries)
    return Located(found, found[0].where, found[0].where)


def _names(option: str, text: str) -> list[Located]:
    where = f"--{option} {text}"
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise UserError(f"{where}: must be names separated by commas.")
    return [_leaf(name, where) for name in names]


def _settings(option: str, texts: Sequence[str]) -> Located:
    entries: dict[str, Located] = {}
    for text in texts:
        name, entry = _setting(option, text)
        if name in entries:
            first = entries[name].where
            raise UserError(f"{entry.where}: {name} is given twice, first with {first}; keep one.")
        entries[name] = entry
    return Located(entries, option, option)


def _setting(option: str, text: str) -> tuple[str, Located]:
    where = f"{option} {text}"
    key, equals, value = text.partition("=")
    if not equals or not key.strip() or not value.strip():
        example = "groups=28" if option == "--set" else "groups=14,28,56"
        raise UserError(f"{where}: must be {'KEY=VALUE' if option == '--set' else 'NAME=VALUES'}, "
                        f"for example {option} {example}.")  # fmt: skip
    name = canonical(key.strip(), where)
    parse = parse_value if option == "--set" else parse_values
    return name, parse(name, value, where)
