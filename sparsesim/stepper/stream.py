"""One ch0 stream of a cluster: the operations it carried, their slots and their ch1 vectors."""

from __future__ import annotations

from sparsesim.stepper.items import Block, Ch1Item, Item, Operation
from sparsesim.stepper.pe import PE

CH1_VECTORS = 2  # of a PE, for OSRC: one in use, one being loaded


class Stream:
    """Stream p feeds PE p of every group of the cluster."""

    def __init__(self, row_slots: int, pes: list[PE]) -> None:
        self._row_slots = row_slots
        self._pes = pes
        # Since the tile began: operations that are not empty, and blocks (OSRC) that have a ch1 vector.
        self._operations: list[Operation] = []
        self._blocks: list[Block] = []

    @property
    def next_number(self) -> int:
        """Number of the next non-empty operation whose header will be read."""
        return len(self._operations)

    def slot_free(self, number: int) -> bool:
        """Whether the slot of operation `number` is free in every group."""
        holder = number - self._row_slots
        return holder < 0 or self._operations[holder].finished()

    def vector_free(self, block: Block) -> bool:
        """Whether a ch1 vector is there for a block: its own already, or that of the block two before."""
        holder = len(self._blocks) - CH1_VECTORS
        return block in self._blocks or holder < 0 or self._blocks[holder].finished()

    def has_room_for(self, item: Item) -> bool:
        """Whether what the item brings can be stored in every group."""
        if isinstance(item, Ch1Item):
            return self.vector_free(item.block)
        return not isinstance(item, Operation) or not item.entries or self.slot_free(self.next_number)

    def read_header(self, item: Item) -> None:
        """The header of an item is read: it takes its slot or vector, and the active groups get the work."""
        if isinstance(item, Ch1Item) and item.block not in self._blocks:
            self._blocks.append(item.block)
        elif isinstance(item, Operation) and item.entries:
            self._issue(item)

    def _issue(self, operation: Operation) -> None:
        operation.number = self.next_number
        self._operations.append(operation)
        for group in range(len(operation.products)):
            self._pes[group].issue(operation)
