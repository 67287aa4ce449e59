"""The one error class a user sees: a sentence, exit status 2, no traceback."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_MOST_NAMES = 40


class UserError(Exception):
    """Something the user gave is wrong. The message names the file or option, field, value, rule and
    remedy.
    """


def unknown_name(what: str, name: str, known: Iterable[str]) -> UserError:
    """The error for a name that is not known: it lists what is, up to forty, and suggests the nearest."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return UserError(f"unknown {what} {name!r}.{hint} Known: {', '.join(names[:_MOST_NAMES])}{more}.")
