"""What a fetch unit serves: mask items, ch1 items and row operations (microarchitecture section 4)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sparsesim.stepper.jobs import Job


@dataclass(eq=False)
class Item:
    """One burst of `lines` lines from `bank`; 0 lines: header only."""

    bank: int
    lines: int


@dataclass(eq=False)
class MaskItem(Item):
    """The ReLU mask of the sums of one group (MSRC)."""

    group: int


@dataclass(eq=False)
class Block:
    """A row block of an OSRC unit: the operations that use its ch1 vectors."""

    operations: list[Operation] = field(default_factory=list)

    def finished(self) -> bool:
        """Whether every active group has executed all its operations, so that its vectors are free."""
        return all(operation.finished() for operation in self.operations)


@dataclass(eq=False)
class Ch1Item(Item):
    """The ch1 rows of one group for `block` (OSRC); `words` go into its Reg-1."""

    words: int
    block: Block


@dataclass(eq=False)
class Operation(Item):
    """A row operation of a stream.

    products[g][e]: useful products of ch0 entry e in active group g. kernel_words: ch1 words delivered with
    it, all active groups together. number: its place among the non-empty operations of its stream since the
    tile began, known once its header is read. arrives_at: first cycle in which the PEs may start it.
    """

    job: Job
    products: tuple[tuple[int, ...], ...]
    kernel_words: int
    number: int = -1
    arrives_at: int | None = None
    finished_by: set[int] = field(default_factory=set)

    @property
    def entries(self) -> int:
        return len(self.products[0])

    def finished(self) -> bool:
        """Whether every active group has executed it (nobody has to if it is empty): its slot is free."""
        return not self.entries or len(self.finished_by) == len(self.products)
