"""What a cluster takes where only its PEs take time, by recurrence: for machines with everything idealised.

Rows are there as soon as their slot is free, sums are drained and written at once, the next job follows at
once. So nothing is shared but the slots: docs/microarchitecture.md sections 4 to 7 with every latency 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from compiler.program import StageProgram
from compiler.target import Target
from sparsesim.stepper.items import Block, Ch1Item, Item, Operation
from sparsesim.stepper.jobs import Job, JobDecoder
from sparsesim.stepper.operands import Masks

VECTORS = 2


@dataclass
class _Stream:
    """Since the tile began: ends of operations, blocks of ch1 vectors; from when each group's PE is free."""

    pe_free: list[int]
    ends: list[int] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    end_of: dict[int, int] = field(default_factory=dict)  # of an operation, by identity


def ideal_tile_cycles(program: StageProgram, tile_index: int, masks: Masks) -> int:
    """Length of a tile on one cluster with static row_handout; busy and reject cycles are all there is."""
    target, decoder = program.target, JobDecoder(program, masks)
    assert target.clusters == 1 and not target.row_handout_dynamic
    streams = [_Stream([0] * target.groups_per_cluster) for _ in range(target.pes_per_group)]
    tile = program.tiles[tile_index]
    asked = before = written = 0
    for index in range(tile.job_start, tile.job_end):
        job = decoder.decode(index)
        asked = max(asked, before)
        fetched = max(_feed(streams[p], job, p, asked, target) for p in range(len(streams)))
        before, written = written, _drain(streams, job, fetched, written)
        asked = fetched
    return written


def _feed(stream: _Stream, job: Job, p: int, dispatched: int, target: Target) -> int:
    """Run the items of one stream; the cycle in which the last has left."""
    now = dispatched
    for item in job.queues[p]:
        now = max(now, _room(stream, item, target))
        if isinstance(item, Operation) and item.entries:
            _execute(stream, item, now, target)
    return now


def _room(stream: _Stream, item: Item, target: Target) -> int:
    """Cycle from which the item has a slot or a ch1 vector."""
    if isinstance(item, Ch1Item):
        if item.block not in stream.blocks:
            stream.blocks.append(item.block)
        place = stream.blocks.index(item.block) - VECTORS
        return _block_end(stream, stream.blocks[place]) if place >= 0 else 0
    place = len(stream.ends) - target.row_slots
    needs_slot = isinstance(item, Operation) and item.entries
    return stream.ends[place] if needs_slot and place >= 0 else 0


def _block_end(stream: _Stream, block: Block) -> int:
    return max((stream.end_of.get(id(operation), 0) for operation in block.operations), default=0)


def _execute(stream: _Stream, operation: Operation, arrival: int, target: Target) -> None:
    for group, products in enumerate(operation.products):
        cycles = sum(max(1, math.ceil(n / target.macs_per_pe)) for n in products)
        stream.pe_free[group] = max(stream.pe_free[group], arrival) + cycles
    stream.ends.append(max(stream.pe_free[: len(operation.products)]))
    stream.end_of[id(operation)] = stream.ends[-1]


def _drain(streams: list[_Stream], job: Job, fetched: int, written: int) -> int:
    """Drain every active group at once when it is done and the job before is written; when all are."""
    ends = []
    for group in range(len(job.channels)):
        end = max(fetched, written, *(stream.pe_free[group] for stream in streams))
        for stream in streams:
            stream.pe_free[group] = end
        ends.append(end)
    return max(ends)


def pe_cycles(program: StageProgram, tile_index: int, masks: Masks) -> Iterator[int]:
    """Busy and reject cycles of every operation and group of a tile: the work that no machine can avoid."""
    decoder, tile = JobDecoder(program, masks), program.tiles[tile_index]
    for index in range(tile.job_start, tile.job_end):
        job = decoder.decode(index)
        for operation in _operations(job):
            for products in operation.products:
                yield sum(max(1, math.ceil(n / program.target.macs_per_pe)) for n in products)


def _operations(job: Job) -> Iterator[Operation]:
    queues = job.queues[:1] if job.queues and all(q is job.queues[0] for q in job.queues) else job.queues
    for queue in queues:
        yield from (item for item in queue if isinstance(item, Operation))
