"""The layers and stages that a difference is mostly made of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from reports.comparison.attribution import Account, Attribution, Part, Quantity
from sparsesim.results.parts import ACCOUNTINGS, Accounts

MOST_SHOWN = 12
ENOUGH = 0.9  # of the sum of all absolute differences


@dataclass(frozen=True)
class Contributor:
    """A layer and stage: its difference, and the cause or component that has most of it, by accounting.

    dominating: "" where nothing differs.
    """

    part: Part
    difference: Accounts
    dominating: dict[str, str]


@dataclass(frozen=True)
class Contributors:
    """The largest ones with DRAM, largest first; `others`: how many more differ, by `rest` together."""

    largest: Sequence[Contributor]
    others: int
    rest: Accounts


def contributors(attribution: Attribution, quantity: Quantity) -> Contributors:
    """Parts until ENOUGH of the absolute difference with DRAM is told, MOST_SHOWN at most."""
    every = [one for one in _all(attribution, quantity) if any(vars(one.difference).values())]
    every.sort(key=lambda one: -abs(one.difference.with_dram))
    shown = _enough([abs(one.difference.with_dram) for one in every])
    return Contributors(
        every[:shown],
        len(every) - shown,
        Accounts(
            *(math.fsum(getattr(one.difference, name) for one in every[shown:]) for name in ACCOUNTINGS)
        ),
    )


def _enough(sizes: Sequence[float]) -> int:
    """How many of the sizes, from the first on, make up ENOUGH of their sum."""
    wanted, told = ENOUGH * math.fsum(sizes), 0.0
    for count, size in enumerate(sizes[:MOST_SHOWN]):
        if told >= wanted and count:
            return count
        told += size
    return min(len(sizes), MOST_SHOWN)


def _all(attribution: Attribution, quantity: Quantity) -> list[Contributor]:
    accounts = {name: attribution.accounts[quantity, name] for name in ACCOUNTINGS}
    differences = {name: account.by_part() for name, account in accounts.items()}
    return [
        Contributor(
            part,
            Accounts(*(differences[name][row] for name in ACCOUNTINGS)),
            {name: dominating(account, row, differences[name][row]) for name, account in accounts.items()},
        )
        for row, part in enumerate(attribution.parts)
    ]


def dominating(account: Account, row: int, difference: float) -> str:
    """The cause or component with most of the difference of a part, in its direction; "" for none."""
    if not difference:
        return ""
    sign = math.copysign(1, difference)
    values: list[float] = (sign * account.difference[row]).tolist()
    return account.kinds[values.index(max(values))]
