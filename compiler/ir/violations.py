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


def first_at(iteration: str) -> str:
    """` (first at m = 0, f = 8)`, or nothing outside all loops."""
    return f" (first at {iteration})" if iteration else ""


class Violations:
    """A list of `layer/stage: path: sentence`."""

    def __init__(self, program: Program) -> None:
        self._subject = f"{program.layer}/{program.stage}"
        self._lines: dict[tuple[Path, str], str] = {}

    def __bool__(self) -> bool:
        return bool(self._lines)

    def add(self, path: Path, sentence: str, rule: str = "") -> None:
        """Note a violation. Of one rule only the first in the same place; without a rule, equal ones once."""
        place = f"{' / '.join(path)}: " if path else ""
        self._lines.setdefault((path, rule or sentence), f"{self._subject}: {place}{sentence}")

    def add_first(
        self, path: Path, wrong: NDArray[np.bool_], at: Iterations, sentence: Callable[[int], str], rule: str
    ) -> None:
        """The first iteration that is wrong, if any, stands for all; sentence(index) tells about one."""
        if wrong.any():
            first = int(wrong.argmax())
            self.add(path, sentence(first) + first_at(at.describe(first)), rule)

    def raise_if_any(self) -> None:
        """UserError with every violation on a line of its own."""
        if len(self._lines) == 1:
            raise UserError(next(iter(self._lines.values())))
        if self._lines:
            lines = "".join(f"\n  {line}" for line in self._lines.values())
            raise UserError(f"{self._subject}: the program breaks {len(self._lines)} rules:{lines}")
