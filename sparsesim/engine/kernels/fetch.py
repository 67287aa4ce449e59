"""The fetch unit of a cluster: which item is next, and what happens when its request meets a bank."""

from __future__ import annotations

from compiler.program import (
    JOB_BLOCK,
    JOB_BLOCK_END,
    JOB_OUT_COUNT,
    JOB_OUT_START,
    JOB_REDUCE_COUNT,
    JOB_REDUCE_START,
    JOB_UNIT,
    JOB_UNIT_END,
    UNIT_KERNEL_ROW,
    UNIT_OUT_COUNT,
    UNIT_OUT_START,
)
from sparsesim.engine.kernels.jit import piece
from sparsesim.engine.kernels.layout import (
    CH1_WORDS,
    EMPTY_OPERATIONS,
    ENTRIES,
    ENTRIES_DELIVERED,
    HEADERS,
    LINES_READ,
    NEVER,
    OPERATIONS,
    PE_OPERATIONS,
    USEFUL,
)
from sparsesim.engine.kernels.log import (
    BANK_TRACK,
    FETCH_CH1,
    FETCH_MASK,
    FETCH_OPERATION,
    FETCH_TRACK,
    FETCH_WAIT,
    HEADER,
    note,
    note_operation,
    pe_log,
)
from sparsesim.engine.kernels.pe import run_masked, run_shared
from sparsesim.engine.kernels.popcount import popcount


@piece
def bank_of(machine, channel):  # type: ignore[no-untyped-def]
    """channel mod banks; a division costs more than the rest of an operation's bookkeeping."""
    if machine.bank_mask >= 0:
        return channel & machine.bank_mask
    return channel % machine.banks


@piece
def kernel_rows_of(job, operands):  # type: ignore[no-untyped-def]
    """Kernel rows issued for the row block of an SRC or MSRC job."""
    return operands.pair_start[job[JOB_BLOCK] + 1] - operands.pair_start[job[JOB_BLOCK]]


@piece
def step_operation(job, operands, state, c, p, count):  # type: ignore[no-untyped-def]
    """Move stream p on by `count` operations, channel outside and kernel row inside; False beyond the
    last.
    """
    kernel_rows = kernel_rows_of(job, operands)
    if kernel_rows == 0:
        return False
    state.kernel_row[c, p] += count
    while state.kernel_row[c, p] >= kernel_rows:
        state.kernel_row[c, p] -= kernel_rows
        state.operation[c, p] += 1
    return state.operation[c, p] < job[JOB_REDUCE_COUNT]


@piece
def operation_of(job, operands, state, c, p):  # type: ignore[no-untyped-def]
    """(pair, ch0 channel) of the current operation of stream p of an SRC or MSRC job."""
    return operands.pair_start[job[JOB_BLOCK]] + state.kernel_row[c, p], job[
        JOB_REDUCE_START
    ] + state.operation[c, p]


@piece
def unit_operation(job, operands, state, c, p):  # type: ignore[no-untyped-def]
    """(pair, ch0 channel) of the current operation of stream p of an OSRC job."""
    unit = job[JOB_UNIT] + p
    pair = operands.pair_start[state.block[c, p]] + operands.units[unit, UNIT_KERNEL_ROW]
    return pair, operands.units[unit, UNIT_OUT_START] + state.operation[c, p]


@piece
def slot_free(machine, state, c, p):  # type: ignore[no-untyped-def]
    """Cycle at which the slot of the stream's next operation is free in all groups."""
    return state.slot_free[c, p, state.slot[c, p]]


@piece
def load_block(job, operands, state, c, p, block):  # type: ignore[no-untyped-def]
    """From row block `block` on, choose the next one that the stream's kernel row meets to load its ch1
    vector.
    """
    kernel_row = operands.units[job[JOB_UNIT] + p, UNIT_KERNEL_ROW]
    while block < job[JOB_BLOCK_END]:
        if operands.pair_exists[operands.pair_start[block] + kernel_row]:
            break
        block += 1
    state.loading[c, p] = block
    state.ch1_left[c, p] = job[JOB_OUT_COUNT] if block < job[JOB_BLOCK_END] else 0


@piece
def next_unit_item(job, operands, state, c, p, after_ch1):  # type: ignore[no-untyped-def]
    """Next item of an OSRC stream: operations of a block and ch1 items of the next block take turns."""
    left = operands.units[job[JOB_UNIT] + p, UNIT_OUT_COUNT] - state.operation[c, p]
    if state.ch1_left[c, p] > 0 and (left == 0 or not after_ch1):
        state.is_ch1[c, p] = 1
        return True
    state.is_ch1[c, p] = 0
    if left > 0:
        return True
    if state.loading[c, p] >= job[JOB_BLOCK_END]:
        return False
    state.block[c, p] = state.loading[c, p]
    state.operation[c, p] = 0
    state.vector[c, p] = 1 - state.vector[c, p]
    state.vector_free[c, p, state.vector[c, p]] = 0
    load_block(job, operands, state, c, p, state.block[c, p] + 1)
    return True


@piece
def start_stream(job, machine, operands, state, c, p):  # type: ignore[no-untyped-def]
    """Give stream p its first item of a job; False if it has none."""
    state.is_ch1[c, p] = 0
    if operands.output_store:
        if job[JOB_UNIT] + p >= job[JOB_UNIT_END]:
            return False
        state.operation[c, p] = operands.units[job[JOB_UNIT] + p, UNIT_OUT_COUNT]
        load_block(job, operands, state, c, p, job[JOB_BLOCK])
        return next_unit_item(job, operands, state, c, p, False)
    state.operation[c, p] = 0
    state.kernel_row[c, p] = 0
    return step_operation(job, operands, state, c, p, p)


@piece
def advance_stream(job, machine, operands, state, c, p):  # type: ignore[no-untyped-def]
    """Move stream p to its next item; False when the job has none left for it."""
    if operands.output_store:
        was_ch1 = state.is_ch1[c, p] == 1
        if was_ch1:
            state.ch1_left[c, p] -= 1
        else:
            state.operation[c, p] += 1
        return next_unit_item(job, operands, state, c, p, was_ch1)
    if machine.rows_dynamic:
        kernel_rows = kernel_rows_of(job, operands)
        state.operation[c, p] = state.next_index[c] // kernel_rows
        state.kernel_row[c, p] = state.next_index[c] % kernel_rows
        state.next_index[c] += 1
        return state.operation[c, p] < job[JOB_REDUCE_COUNT]
    return step_operation(job, operands, state, c, p, machine.streams)


@piece
def set_ready(job, machine, operands, state, c, p, since):  # type: ignore[no-untyped-def]
    """Cycle from which the stream's item may be served: its predecessor has left, and its slot or ch1
    vector is free.
    """
    state.ready[c, p] = since
    if state.is_ch1[c, p]:
        state.ready[c, p] = max(since, state.vector_free[c, p, 1 - state.vector[c, p]])
        return
    if operands.output_store:
        pair, channel = unit_operation(job, operands, state, c, p)
    else:
        pair, channel = operation_of(job, operands, state, c, p)
    if operands.words[pair, channel] != 0:
        state.ready[c, p] = max(since, slot_free(machine, state, c, p))


@piece
def choose_item(machine, state, c):  # type: ignore[no-untyped-def]
    """Pick the item that has been ready longest (lowest stream in a tie) and set its header cycle."""
    if state.prologue[c] > 0:
        state.stream[c] = -1
        state.fetch_event[c] = state.port_free[c]
        return
    best = 0
    for p in range(1, machine.streams):
        if state.ready[c, p] < state.ready[c, best]:
            best = p
    state.stream[c] = best
    state.fetch_event[c] = max(state.port_free[c], state.ready[c, best])


@piece
def grant(machine, state, bank, asked):  # type: ignore[no-untyped-def]
    """Cycle from which a burst that is asked for at cycle `asked` has its bank."""
    if machine.shared_banks:
        return max(asked, state.bank_free[bank])
    return asked


@piece
def transfer(machine, state, c, bank, lines, what):  # type: ignore[no-untyped-def]
    """Burst of `lines` from a bank, first come first served; returns the arrival in the PEs.

    what: FETCH_OPERATION, FETCH_CH1 or FETCH_MASK.
    """
    state.counts[LINES_READ] += lines
    asked = state.fetch_event[c] + machine.transfer_cycles
    granted = grant(machine, state, bank, asked)
    end = granted + lines * machine.transfer_cycles
    log, job, p = state.log, state.job[c], state.stream[c]
    note(log, FETCH_TRACK, c, asked, granted, FETCH_WAIT, job, p, bank)
    note(log, FETCH_TRACK, c, granted, end, what, job, p, bank)
    note(log, BANK_TRACK, bank, granted, end, what, job, c, p)
    state.bank_free[bank] = end
    state.port_free[c] = end
    return end + machine.read_latency


@piece
def serve_prologue(job, machine, operands, state, c):  # type: ignore[no-untyped-def]
    """One mask item: the ReLU mask of one group's row block."""
    group = job[JOB_OUT_COUNT] - state.prologue[c]
    bits = operands.block_words[job[JOB_BLOCK]]
    lines = (bits + machine.words_per_line * machine.operand_bits - 1) // (
        machine.words_per_line * machine.operand_bits
    )
    bank = bank_of(machine, job[JOB_OUT_START] + group)
    state.mask_arrives[c, group] = transfer(machine, state, c, bank, lines, FETCH_MASK)
    state.prologue[c] -= 1
    if state.prologue[c] == 0:
        for p in range(machine.streams):
            if state.ready[c, p] != NEVER:
                set_ready(job, machine, operands, state, c, p, state.port_free[c])


@piece
def serve_ch1(job, machine, operands, state, c, p):  # type: ignore[no-untyped-def]
    """One ch1 item of OSRC: the rows of I of one group."""
    kernel_row = operands.units[job[JOB_UNIT] + p, UNIT_KERNEL_ROW]
    pair = operands.pair_start[state.loading[c, p]] + kernel_row
    channel = job[JOB_OUT_START] + job[JOB_OUT_COUNT] - state.ch1_left[c, p]
    lines = operands.ch1_lines[pair, channel]
    if lines > 0:
        transfer(machine, state, c, bank_of(machine, channel), lines, FETCH_CH1)
        state.counts[CH1_WORDS] += operands.ch1_words[pair, channel]


@piece
def serve_operation(job, machine, operands, state, c, p, pair, channel):  # type: ignore[no-untyped-def]
    """Fetch one row operation and run it in the PEs of stream p."""
    word = operands.words[pair, channel]
    active = job[JOB_OUT_COUNT]
    lines = operands.lines[pair, channel]
    if not operands.output_store:
        lines += state.kernel_lines[c]
        state.counts[CH1_WORDS] += active * operands.kernel_width
    arrival = transfer(machine, state, c, bank_of(machine, channel), lines, FETCH_OPERATION)
    planes = operands.planes[operands.plane_of_pair[pair]]
    asked, dispatched, free = state.asked[c], state.dispatched[c], slot_free(machine, state, c, p)
    pes, states, at = state.pe_free[c, p], state.states[c, p], pe_log(machine, state, c, p, 0)
    first = job[JOB_OUT_START]
    if planes.shape[1] == 1:
        latest, useful = run_shared(
            word, planes, active, operands.weights, arrival, asked, dispatched, free, pes, states, at
        )
    else:
        latest, useful = run_masked(
            word, planes, first, active, operands.weights, arrival, asked, dispatched, free, pes, states, at
        )
    note_operation(state.log, at.unit, at.job, pes, word, planes, first, active, operands.weights)
    state.slot_free[c, p, state.slot[c, p]] = latest
    state.slot[c, p] = state.slot[c, p] + 1 if state.slot[c, p] + 1 < machine.slots else 0
    vector = state.vector[c, p]
    state.vector_free[c, p, vector] = max(state.vector_free[c, p, vector], latest)
    delivered = popcount(word) * active
    state.counts[OPERATIONS] += 1
    state.counts[PE_OPERATIONS] += active
    state.counts[USEFUL] += useful
    state.counts[ENTRIES] += delivered
    state.counts[ENTRIES_DELIVERED] += delivered


@piece
def serve_stream(job, machine, operands, state, c, p):  # type: ignore[no-untyped-def]
    """Serve the current item of stream p."""
    if state.is_ch1[c, p]:
        serve_ch1(job, machine, operands, state, c, p)
        return
    if operands.output_store:
        pair, channel = unit_operation(job, operands, state, c, p)
    else:
        pair, channel = operation_of(job, operands, state, c, p)
    if operands.words[pair, channel] == 0:
        state.counts[EMPTY_OPERATIONS] += 1
    else:
        serve_operation(job, machine, operands, state, c, p, pair, channel)


@piece
def serve_item(job, machine, operands, state, c):  # type: ignore[no-untyped-def]
    """The fetch unit's event: header read, request at the bank, transfer; then the next item is chosen."""
    state.counts[HEADERS] += 1
    p = state.stream[c]
    start = state.fetch_event[c]
    state.port_free[c] = start + machine.transfer_cycles  # header only, unless something is transferred
    note(state.log, FETCH_TRACK, c, start, state.port_free[c], HEADER, state.job[c], p, 0)
    if p < 0:
        serve_prologue(job, machine, operands, state, c)
    else:
        serve_stream(job, machine, operands, state, c, p)
        if advance_stream(job, machine, operands, state, c, p):
            set_ready(job, machine, operands, state, c, p, state.port_free[c])
        else:
            state.ready[c, p] = NEVER
            state.streams_left[c] -= 1
    state.fetch_event[c] = NEVER
    if state.streams_left[c] > 0 or state.prologue[c] > 0:
        choose_item(machine, state, c)
    else:
        state.fetched[c] = state.port_free[c]
