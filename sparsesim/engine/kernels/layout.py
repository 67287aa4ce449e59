"""What the kernels read and write: named tuples of numpy arrays and numbers, and the order of counters."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sparsesim.engine.kernels.tournament import first_winners, leaves_for

if TYPE_CHECKING:
    from sparsesim.engine.kernels.log import Log

# States of a PE, docs/microarchitecture.md section 8.
BUSY, REJECT, IMBALANCE, BUFFER, PPU, DISPATCH = 0, 1, 2, 3, 4, 5
N_STATES = 6

# Event counts of a tile.
HEADERS = 0
OPERATIONS = 1
EMPTY_OPERATIONS = 2
LINES_READ = 3
LINES_WRITTEN = 4
LINES_SUMS_READ = 5
ENTRIES_DELIVERED = 6
CH1_WORDS = 7
DRAINED_WORDS = 8
RESULT_WORDS = 9
JOBS = 10
USEFUL = 11
ENTRIES = 12
PE_OPERATIONS = 13  # operations times the groups that ran them
N_COUNTS = 14

NEVER = 1 << 60
# Order within one cycle. A fetch event is the header cycle: its bank request comes one cycle later, so it
# goes before the writes of the next cycle and behind those of its own.
EVENT_DISPATCH, EVENT_WRITE, EVENT_FETCH = 0, 2, 3


class Machine(NamedTuple):
    """Sizes and latencies of the machine, in the units of docs/microarchitecture.md; bool as 0 or 1."""

    clusters: int
    groups: int  # per cluster
    streams: int  # PEs per group
    slots: int
    pipeline_cycles: int
    ppu_words: int
    banks: int
    bank_mask: int  # banks - 1 where banks is a power of two, else -1
    words_per_line: int
    operand_bits: int
    sum_bits: int
    read_latency: int
    dispatch_cycles: int
    switch_cycles: int
    rows_dynamic: int
    jobs_dynamic: int
    transfer_cycles: int  # of a header and of a line: 1, or 0 where transfers are ideal
    drain_cycles: int  # of ppu_words sums: 1, or 0 where PPUs are ideal
    shared_banks: int  # 1: bursts wait for their bank


class Operands(NamedTuple):
    """One layer, stage and sample, packed: see sparsesim/engine/operands.py.

    A *pair* v is a row block with one of its kernel rows; pairs of block b are pair_start[b] ..
    pair_start[b + 1].
    """

    output_store: int  # 1 for OSRC
    masked: int  # 1 where a ReLU mask is fetched (MSRC)
    kernel_width: int
    words: NDArray[np.uint64]  # [pairs, ch0 channels]
    lines: NDArray[np.int32]  # [pairs, ch0 channels] buffer lines of the ch0 rows
    planes: NDArray[np.uint64]  # [plane sets, J, ch1 channels + G, or 1 where all groups are alike]
    plane_of_pair: NDArray[np.int32]  # [pairs]
    weights: NDArray[np.int64]  # [3, J] cycles, useful products, rejects per set bit
    pair_start: NDArray[np.int32]  # [blocks + 1]
    pair_exists: NDArray[np.uint8]  # [pairs] 0: all rows lie in the padding (OSRC)
    ch1_lines: NDArray[np.int32]  # [pairs, ch1 channels] (OSRC)
    ch1_words: NDArray[np.int32]  # [pairs, ch1 channels] (OSRC)
    block_words: NDArray[np.int32]  # [blocks] R * T
    result_words: NDArray[np.int32]  # [blocks, output channels or 1] words of a finished result
    units: NDArray[np.int32]


class State(NamedTuple):
    """Everything that changes while a tile runs; times are cycles. [c] cluster, [p] stream, [g] group."""

    job: NDArray[np.int64]  # [c] being fetched, -1 none
    fetch_event: NDArray[np.int64]  # [c] cycle in which the fetch unit reads its next header
    write_event: NDArray[np.int64]  # [c] of the write port
    ask_event: NDArray[np.int64]  # [c] cycle at which the next job is asked for
    first_event: NDArray[np.int64]  # [leaves] earliest of the three, as 4 * cycle + kind; c's, then never
    winners: NDArray[np.int64]  # [2 * leaves] whose is next (tournament.py)
    stream: NDArray[np.int64]  # [c] stream served next, -1: prologue
    prologue: NDArray[np.int64]  # [c] mask items left
    mask_arrives: NDArray[np.int64]  # [c, g] of the job being fetched; 0 where none is
    port_free: NDArray[np.int64]  # [c]
    streams_left: NDArray[np.int64]  # [c]
    fetched: NDArray[np.int64]  # [c] T_f of the job, NEVER while items are left
    asked: NDArray[np.int64]  # [c] A of the job
    dispatched: NDArray[np.int64]  # [c]
    unwritten: NDArray[np.int64]  # [c] results of the previous job not yet written
    written: NDArray[np.int64]  # [c] when the last of them was
    write_job: NDArray[np.int64]  # [c] job whose results are being written
    write_free: NDArray[np.int64]  # [c]
    next_index: NDArray[np.int64]  # [c] dynamic hand-out: next operation of the job
    job_queue: NDArray[np.int64]  # [c] static hand-out: next job
    ready: NDArray[np.int64]  # [c, p] NEVER when the stream has no item left
    operation: NDArray[np.int64]  # [c, p] OSRC: operation within the unit; else its reduction channel
    kernel_row: NDArray[np.int64]  # [c, p] its place among the kernel rows of the block
    kernel_lines: NDArray[np.int64]  # [c] lines of kernel rows that come with an operation
    block: NDArray[np.int64]  # [c, p] OSRC: row block
    loading: NDArray[np.int64]  # [c, p] OSRC: row block whose ch1 vector is loaded next
    ch1_left: NDArray[np.int64]  # [c, p] ch1 items of it left
    is_ch1: NDArray[np.int64]  # [c, p] 1: the next item is a ch1 item
    vector: NDArray[np.int64]  # [c, p] ch1 vector in use, 0 or 1
    vector_free: NDArray[np.int64]  # [c, p, 2] end of the operations that use the vector
    slot: NDArray[np.int64]  # [c, p] slot of the next operation
    slot_free: NDArray[np.int64]  # [c, p, slots] end of the operation that last used the slot
    pe_free: NDArray[np.int64]  # [c, p, g]
    group_free: NDArray[np.int64]  # [c, g] cycle at which the group turned to its current job
    ppu_free: NDArray[np.int64]  # [c, g]
    write_request: NDArray[np.int64]  # [c, g] NEVER when none
    bank_free: NDArray[np.int64]  # [banks]
    shared: NDArray[np.int64]  # [2] controller free, next job of the program order
    states: NDArray[np.int64]  # [c, p, g, N_STATES]
    counts: NDArray[np.int64]  # [N_COUNTS]
    log: Log | None  # spans of time, where they are wanted


CONTROLLER_FREE, NEXT_JOB = 0, 1


def new_state(machine: Machine, log: Log | None = None) -> State:
    """State at cycle 0 of a tile: everything idle, every cluster about to ask for a job.

    log: also note down what was when (kernels/log.py).
    """
    c, p, g = machine.clusters, machine.streams, machine.groups

    def zeros(*shape: int) -> NDArray[np.int64]:
        return np.zeros(shape, dtype=np.int64)

    def never(*shape: int) -> NDArray[np.int64]:
        return np.full(shape, NEVER, dtype=np.int64)

    first_event = never(leaves_for(c)) * 4
    first_event[:c] = EVENT_DISPATCH
    return State(
        job=zeros(c) - 1,
        fetch_event=never(c),
        write_event=never(c),
        ask_event=zeros(c),
        first_event=first_event,
        winners=first_winners(len(first_event)),
        stream=zeros(c),
        prologue=zeros(c),
        mask_arrives=zeros(c, g),
        port_free=zeros(c),
        streams_left=zeros(c),
        fetched=zeros(c),
        asked=zeros(c),
        dispatched=zeros(c),
        unwritten=zeros(c),
        written=zeros(c),
        write_job=zeros(c) - 1,
        write_free=zeros(c),
        next_index=zeros(c),
        job_queue=np.arange(c, dtype=np.int64),
        ready=never(c, p),
        operation=zeros(c, p),
        kernel_row=zeros(c, p),
        kernel_lines=zeros(c),
        block=zeros(c, p),
        loading=zeros(c, p),
        ch1_left=zeros(c, p),
        is_ch1=zeros(c, p),
        vector=zeros(c, p),
        vector_free=zeros(c, p, 2),
        slot=zeros(c, p),
        slot_free=zeros(c, p, machine.slots),
        pe_free=zeros(c, p, g),
        group_free=zeros(c, g),
        ppu_free=zeros(c, g),
        write_request=never(c, g),
        bank_free=zeros(machine.banks),
        shared=zeros(2),
        states=zeros(c, p, g, N_STATES),
        counts=zeros(N_COUNTS),
        log=log,
    )
