"""Everything that is wrong with a program, each with the path to the statement."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from compiler.ir.nodes import Job, Load, Loop, Node, Ppu, Program, RowOp, Store
from compiler.ir.unroll import Iterations
from workloads.errors import UserError

Path = tuple[str, ...]


def statement_name(node: Node) -> str:
    """How a path names a statement: `for tile m`, `load W`, `job`, `SRC`, `ppu`."""
    if isinstance(node, Loop):
        return f"for {node.kind} {node.variable}"
    if isinstance(node, Load | Store):
        return f"{'load' if isinstance(node, Load) else 'store'} {node.tensor}"
    if isinstance(node, RowOp):
        return str(node.operation)
    return {Job: "job", Ppu: "ppu"}.get(type(node), type(node).__name__)


class Violations:
    """A list of `layer/stage: path: sentence`, each sentence once per path."""

    def __init__(self, program: Program) -> None:
        self._subject = f"{program.layer}/{program.stage}"
        self._lines: dict[str, None] = {}

    def __bool__(self) -> bool:
        return bool(self._lines)

    def add(self, path: Path, sentence: str) -> None:
        place = f"{' / '.join(path)}: " if path else ""
        self._lines[f"{self._subject}: {place}{sentence}"] = None

    def add_where(
        self, path: Path, wrong: NDArray[np.bool_], iterations: Iterations, sentence: Callable[[int], str]
    ) -> None:
        """One violation for all wrong iterations: sentence(index) of the first, and how many more."""
        places = np.flatnonzero(wrong)
        if not len(places):
            return
        first = int(places[0])
        where = iterations.describe(first)
        more = f", and {len(places) - 1} more" if len(places) > 1 else ""
        self.add(path, sentence(first) + (f" (at {where}{more})" if where else ""))

    def raise_if_any(self) -> None:
        """UserError with every violation on a line of its own."""
        if len(self._lines) == 1:
            raise UserError(next(iter(self._lines)))
        if self._lines:
            lines = "".join(f"\n  {line}" for line in self._lines)
            raise UserError(f"{self._subject}: the program breaks {len(self._lines)} rules:{lines}")
