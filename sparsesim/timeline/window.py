"""The cycles of a stage that a timeline shows."""

from __future__ import annotations

import re
from dataclasses import dataclass

from workloads.errors import UserError

OPTION = "--timeline-cycles"
_FORM = re.compile(r"([0-9]{1,18}):([0-9]{1,18})")


@dataclass(frozen=True)
class Window:
    """The cycles [first, last) of a stage, counted from the start of its schedule with off-chip memory."""

    first: int
    last: int

    @property
    def cycles(self) -> int:
        return self.last - self.first

    def __str__(self) -> str:
        return f"{self.first}:{self.last}"


def window_of(text: str) -> Window:
    """The window written as FROM:TO, TO not included; UserError for anything else and for an empty one."""
    found = _FORM.fullmatch(text)
    if found is None:
        raise UserError(f"{OPTION} must be FROM:TO in whole cycles, such as 0:20000 (got {text[:40]!r}).")
    window = Window(int(found[1]), int(found[2]))
    if window.cycles <= 0:
        raise UserError(f"{OPTION} {text}: holds no cycle; FROM must be less than TO.")
    return window


def check_within(window: Window, stage: str, cycles: int) -> None:
    """UserError unless the window lies within a stage of so many cycles. stage: words for it."""
    if window.last > cycles:
        raise UserError(
            f"{OPTION} {window}: {stage} has {cycles} cycles, the wait for the off-chip memory included; "
            f"give a window within 0:{cycles}."
        )
