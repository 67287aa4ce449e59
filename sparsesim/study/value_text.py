"""Settings as they are written in options: NAME=VALUE and NAME=VALUES."""

from __future__ import annotations

import re

from sparsesim.machine.located import Located, parse_scalar
from sparsesim.study.settings import kind_of
from workloads.errors import UserError

# from:to, from:to:step, from:to*factor
_RANGE = re.compile(r"([^:*,]+):([^:*,]+)(?:([:*])([^:*,]+))?")
_LAST_PART = {":": "step", "*": "factor"}


def parse_value(name: str, text: str, where: str) -> Located:
    """The value a text stands for: as it is where the setting (canonical name) is text, else by YAML 1.2."""
    text = text.strip()
    if kind_of(name) == "text":
        return Located(text, where, where, text)
    return parse_scalar(text, where)


def parse_values(name: str, text: str, where: str) -> Located:
    """The values of a varied setting (canonical name), in the shape they have in a study file.

    text: `A,B,C`, or for numbers `FROM:TO:STEP`, `FROM:TO*FACTOR`, and `FROM:TO` for a search. Raises
    UserError beginning with `where` for an empty text or an empty value.
    """
    found = None if kind_of(name) == "text" else _RANGE.fullmatch(text.strip())
    if found is not None:
        return _range(name, found, where)
    texts = text.split(",")
    if not all(map(str.strip, texts)):
        raise UserError(
            f"{where}: {name} has an empty value; write the values as 14,28,56, or a range as 0:0.9:0.3 "
            "(FROM:TO:STEP) or 64:1024*2 (FROM:TO*FACTOR)."
        )
    return Located([parse_value(name, part, where) for part in texts], where, where)


def _range(name: str, found: re.Match[str], where: str) -> Located:
    low, high, sign, last = found.groups()
    parts = {"from": low, "to": high} | ({_LAST_PART[sign]: last} if sign else {})
    return Located({key: parse_value(name, part, where) for key, part in parts.items()}, where, where)
