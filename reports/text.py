"""Text that others chose (names in traces and machine files), made safe to print."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import count, islice, product, takewhile

LONGEST_NAME = 40  # characters of a name in a table; those of the built-in networks have 21 at most
_LEFT_OUT = "..."
_PARTS = re.compile(r"[^./]*[./]|[^./]+")  # of a layer's name, each with the dot or slash behind it
_MOST_PARTS = 20


def plain(text: str) -> str:
    """The text in one line, anything that is no printable character as "?".

    A name out of a file may hold line breaks or the escape sequences that command a terminal.
    """
    return "".join(character if character.isprintable() else "?" for character in text)


def shown_name(name: str, longest: int = LONGEST_NAME) -> str:
    """A name as tables and figures show it: plain, and its middle left out beyond `longest` characters."""
    name = plain(name)
    if len(name) <= longest:
        return name
    kept = longest - len(_LEFT_OUT)
    return name[: kept // 2] + _LEFT_OUT + name[-(kept - kept // 2) :]


def shown_names(names: Sequence[str], longest: int = LONGEST_NAME) -> list[str]:
    """Names as figures show them side by side: plain and brief, but different ones stay different.

    longest: of characters. From names with more, parts that all of those begin or end with are left out, a
    part being what is between dots or slashes; then the parts before the last ones that have room, or, of
    names without parts, the middle. What is alike even so is numbered, which makes it a little longer.
    """
    shown = [plain(name) for name in names]
    different = set(names)
    for found in _shortened(shown, longest):
        if len(set(found)) == len(different):
            return found
    return _numbered(found, names)


def _shortened(names: Sequence[str], longest: int) -> Iterator[list[str]]:
    """Names made to fit, in the way that is read best first; those that fit already are left as they are."""
    brief = _without_shared_parts(names, longest)
    yield [_last_parts(name, longest) for name in brief]
    yield [_end(name, longest) for name in brief]
    yield [shown_name(name, longest) for name in names]


def _end(name: str, longest: int) -> str:
    return name if len(name) <= longest else _LEFT_OUT + name[len(_LEFT_OUT) - longest :]


def _last_parts(name: str, longest: int) -> str:
    """As many whole parts as have room; as `shown_name` where this would leave little."""
    kept = longest - len(_LEFT_OUT)
    whole = "".join(_PARTS.findall(name[-kept - 1 :])[1:]).lstrip("./")
    if len(name) <= longest or len(whole) < kept // 2:
        return shown_name(name, longest)
    return _LEFT_OUT + whole


def _without_shared_parts(names: Sequence[str], longest: int) -> list[str]:
    """Of the long ones as many of the parts that all of them begin and end with left out as need be."""
    long = {name: _PARTS.findall(name) for name in names if len(name) > longest}
    if len(long) < 2:
        return list(names)
    before = _shared([parts[:-1] for parts in long.values()])
    behind = _shared([parts[:before:-1] for parts in long.values()])
    excess = max(map(len, long)) - longest
    some = next(iter(long.values()))
    for first, last in product(range(before + 1), range(behind + 1)):
        if len("".join(some)) - len(_kept(some, first, last)) >= excess:
            break
    return [_kept(long[name], first, last) if name in long else name for name in names]


def _shared(lists: Sequence[Sequence[str]]) -> int:
    """How many parts all lists begin with; _MOST_PARTS are enough for all but made-up names."""
    columns = islice(zip(*lists, strict=False), _MOST_PARTS)
    return len(list(takewhile(lambda column: len(set(column)) == 1, columns)))


def _kept(parts: Sequence[str], first: int, last: int) -> str:
    """Without so many first and last parts."""
    middle = "".join(parts[first : len(parts) - last])
    begin, end = _LEFT_OUT if first else "", _LEFT_OUT if last else ""
    return begin + (middle.rstrip("./") if last else middle) + end


def _numbered(shown: Sequence[str], names: Sequence[str]) -> list[str]:
    """Different names that look alike get numbers."""
    first = dict(zip(names, shown, strict=True))
    alike = Counter(first.values())
    given = {name: one for name, one in first.items() if alike[one] == 1}
    taken = set(given.values())
    numbers = {one: count(1) for one in alike}
    for name, one in first.items():
        if name not in given:
            given[name] = next(new for n in numbers[one] if (new := f"{one} ({n})") not in taken)
            taken.add(given[name])
    return [given[name] for name in names]
