"""End of a job: drain into the PPU, then the results over the cluster's write port into the banks."""

from __future__ import annotations

from compiler.program import (
    JOB_BLOCK,
    JOB_FINAL,
    JOB_OUT_COUNT,
    JOB_OUT_START,
    JOB_READ_SUMS,
    JOB_UNIT,
    JOB_UNIT_END,
    UNIT_OUT_COUNT,
)
from sparsesim.engine.kernels.fetch import grant
from sparsesim.engine.kernels.jit import piece
from sparsesim.engine.kernels.layout import (
    DISPATCH,
    DRAINED_WORDS,
    IMBALANCE,
    LINES_SUMS_READ,
    LINES_WRITTEN,
    NEVER,
    PPU,
    RESULT_WORDS,
)
from sparsesim.engine.kernels.log import (
    BANK_TRACK,
    DRAIN,
    PPU_TRACK,
    RESULT_WAIT,
    SUMS_READ,
    WRITE,
    WRITE_TRACK,
    WRITE_WAIT,
    note,
    pe_log,
)
from sparsesim.engine.kernels.pe import spend, wait


@piece
def accumulators(job, operands):  # type: ignore[no-untyped-def]
    """n_acc: words drained per group at the end of a job."""
    if not operands.output_store:
        return operands.block_words[job[JOB_BLOCK]]
    total = 0
    for unit in range(job[JOB_UNIT], job[JOB_UNIT_END]):
        total += operands.units[unit, UNIT_OUT_COUNT] * operands.kernel_width
    return total


@piece
def finish_group(job, machine, operands, state, c, g):  # type: ignore[no-untyped-def]
    """Drain group g: E, S, D of docs/microarchitecture.md section 6; sets its write request."""
    done = state.fetched[c]
    for p in range(machine.streams):
        if state.pe_free[c, p, g] > state.group_free[c, g]:  # it ran an operation of this job
            done = max(done, state.pe_free[c, p, g])
    n_acc = accumulators(job, operands)
    start = max(done + machine.pipeline_cycles, state.written[c], state.mask_arrives[c, g])
    drained = start + (n_acc + machine.ppu_words - 1) // machine.ppu_words * machine.drain_cycles
    for p in range(machine.streams):
        states, at = state.states[c, p, g], pe_log(machine, state, c, p, g)
        wait(states, state.pe_free[c, p, g], done, state.asked[c], state.dispatched[c], NEVER, at)
        spend(states, PPU, max(done, state.pe_free[c, p, g]), drained, at)
        state.pe_free[c, p, g] = drained
    state.group_free[c, g] = drained
    state.write_request[c, g] = drained
    state.counts[DRAINED_WORDS] += n_acc
    note(state.log, PPU_TRACK, c * machine.groups + g, start, drained, DRAIN, state.job[c], 0, 0)


@piece
def pass_group(machine, state, c, g):  # type: ignore[no-untyped-def]
    """An inactive group sits the job out until it is fetched."""
    for p in range(machine.streams):
        since = state.pe_free[c, p, g]
        at = pe_log(machine, state, c, p, g)
        wait(state.states[c, p, g], since, state.fetched[c], state.asked[c], state.dispatched[c], NEVER, at)
        state.pe_free[c, p, g] = max(since, state.fetched[c])
    state.group_free[c, g] = max(state.group_free[c, g], state.fetched[c])


@piece
def finish_job(job, machine, operands, state, c):  # type: ignore[no-untyped-def]
    """All rows of the job are fetched and the results of the one before are written: drain, and ask for
    the next.
    """
    active = job[JOB_OUT_COUNT]
    for g in range(machine.groups):
        if g < active:
            finish_group(job, machine, operands, state, c, g)
        else:
            pass_group(machine, state, c, g)
    state.ask_event[c] = max(state.fetched[c], state.written[c])
    state.write_job[c] = state.job[c]
    state.job[c] = -1
    state.unwritten[c] = active
    state.written[c] = 0
    choose_write(machine, state, c)


@piece
def choose_write(machine, state, c):  # type: ignore[no-untyped-def]
    """Cycle at which the write port takes its next request."""
    first = NEVER
    for g in range(machine.groups):
        first = min(first, state.write_request[c, g])
    state.write_event[c] = NEVER
    if first != NEVER:
        state.write_event[c] = max(first, state.write_free[c])


@piece
def result_size(job, machine, operands, group):  # type: ignore[no-untyped-def]
    """(lines of partial sums read, lines written, words written) of one group's result."""
    n_acc = accumulators(job, operands)
    line_bits = machine.words_per_line * machine.operand_bits
    sum_lines = (n_acc * machine.sum_bits + line_bits - 1) // line_bits
    read = sum_lines if job[JOB_READ_SUMS] else 0
    if operands.output_store or not job[JOB_FINAL]:
        return read, sum_lines, n_acc
    channel = job[JOB_OUT_START] + group if operands.result_words.shape[1] > 1 else 0
    words = operands.result_words[job[JOB_BLOCK], channel]
    return read, (words + machine.words_per_line - 1) // machine.words_per_line, words


@piece
def note_write(machine, state, c, g, bank, granted, sums_read, end):  # type: ignore[no-untyped-def]
    """What write port, bank and PPU do from the request of group g to the end of its burst."""
    log, job, ppu = state.log, state.write_job[c], c * machine.groups + g
    note(log, WRITE_TRACK, c, state.write_event[c], granted, WRITE_WAIT, job, g, bank)
    note(log, WRITE_TRACK, c, granted, sums_read, SUMS_READ, job, g, bank)
    note(log, WRITE_TRACK, c, sums_read, end, WRITE, job, g, bank)
    note(log, BANK_TRACK, bank, granted, sums_read, SUMS_READ, job, c, g)
    note(log, BANK_TRACK, bank, sums_read, end, WRITE, job, c, g)
    note(log, PPU_TRACK, ppu, state.write_request[c, g], granted, RESULT_WAIT, job, bank, 0)
    note(log, PPU_TRACK, ppu, granted, end, WRITE, job, bank, 0)


@piece
def serve_write(job, machine, operands, state, c):  # type: ignore[no-untyped-def]
    """The write port's event: the oldest request of the cluster (lowest group in a tie) meets its bank."""
    g = 0
    for other in range(1, machine.groups):
        if state.write_request[c, other] < state.write_request[c, g]:
            g = other
    read, written, words = result_size(job, machine, operands, g)
    bank = (job[JOB_OUT_START] + g) % machine.banks
    granted = grant(machine, state, bank, state.write_event[c])
    sums_read = granted + read * machine.transfer_cycles
    end = sums_read + written * machine.transfer_cycles
    note_write(machine, state, c, g, bank, granted, sums_read, end)
    state.bank_free[bank] = end
    state.write_free[c] = end
    state.ppu_free[c, g] = end
    state.write_request[c, g] = NEVER
    state.unwritten[c] -= 1
    state.written[c] = max(state.written[c], end)
    state.counts[LINES_SUMS_READ] += read
    state.counts[LINES_WRITTEN] += written
    state.counts[RESULT_WORDS] += words
    choose_write(machine, state, c)


@piece
def close_tile(machine, state):  # type: ignore[no-untyped-def]
    """Idle cycles after the last jobs; returns the cycle at which every result is written."""
    end = 0
    for c in range(machine.clusters):
        for g in range(machine.groups):
            end = max(end, state.ppu_free[c, g])
    for c in range(machine.clusters):
        for g in range(machine.groups):
            own = max(state.asked[c], state.ppu_free[c, g])
            for p in range(machine.streams):
                since, at = state.pe_free[c, p, g], pe_log(machine, state, c, p, g)
                until = max(own, since)
                spend(state.states[c, p, g], PPU, since, until, at)
                spend(state.states[c, p, g], IMBALANCE, until, end, at)
                spend(state.states[c, p, g], DISPATCH, end, end + machine.switch_cycles, at)
    return end
