"""One layer and stage of one sample on the machine: the engine's front door."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compiler.program import JOB_OUT_START, JOB_REDUCE_START, RowOperation, StageProgram
from compiler.target import Target
from sparsesim.engine.dma import Schedule, schedule
from sparsesim.engine.kernels.layout import N_COUNTS, N_STATES, Machine, Operands, new_state
from sparsesim.engine.kernels.tile import run_tile
from sparsesim.engine.operands import pack_operands
from sparsesim.engine.traffic import tile_transfers
from workloads.sparsity.masks import LayerMasks


@dataclass(frozen=True)
class StageOutcome:
    """What the machine did, whole numbers.

    tile_cycles: length of each tile. states: int64[groups, pes_per_group, N_STATES] cycles by state, their
    sum per PE is the sum of
    the tiles. counts: int64[N_COUNTS], see kernels/layout.py. transfers: (load, store) bytes of each tile.
    schedule: the same tiles behind the off-chip memory.
    """

    tile_cycles: tuple[int, ...]
    states: NDArray[np.int64]
    counts: NDArray[np.int64]
    transfers: tuple[tuple[int, int], ...]
    schedule: Schedule

    @property
    def cycles(self) -> int:
        """Cycles with memory behind the buffers never in the way (the on-chip accounting)."""
        return sum(self.tile_cycles)


def kernel_machine(target: Target) -> Machine:
    """The numbers of the target that the tile kernel needs."""
    return Machine(
        clusters=target.clusters,
        groups=target.groups_per_cluster,
        streams=target.pes_per_group,
        slots=target.row_slots,
        pipeline_cycles=0 if target.free_ppus else target.pipeline_cycles,
        ppu_words=target.ppu_words_per_cycle,
        banks=target.buffer_banks,
        bank_mask=target.buffer_banks - 1 if target.buffer_banks.bit_count() == 1 else -1,
        words_per_line=target.words_per_line,
        operand_bits=target.operand_bits,
        sum_bits=target.sum_bits,
        read_latency=0 if target.free_transfers else target.read_latency_cycles,
        dispatch_cycles=0 if target.free_controller else target.dispatch_cycles,
        switch_cycles=0 if target.free_controller else target.tile_switch_cycles,
        rows_dynamic=int(target.row_handout_dynamic),
        jobs_dynamic=int(target.job_handout_dynamic),
        transfer_cycles=int(not target.free_transfers),
        drain_cycles=int(not target.free_ppus),
        shared_banks=int(not (target.free_banks or target.free_transfers)),
    )


def _tile_key(program: StageProgram, job_start: int, job_end: int) -> bytes | None:
    """Equal keys mean equal timing: where nothing is skipped, channels matter only through their bank.

    None where masks matter and every tile has to be run.
    """
    target, operation = program.target, program.operation
    masks_matter = target.skip_zeros or (operation is RowOperation.MSRC and target.mask_skipping)
    if masks_matter or operation is RowOperation.OSRC:
        return None
    jobs = program.jobs[job_start:job_end].copy()
    jobs[:, [JOB_OUT_START, JOB_REDUCE_START]] %= target.buffer_banks
    return jobs.tobytes()


def _run(
    program: StageProgram, machine: Machine, operands: Operands, start: int, end: int
) -> tuple[int, NDArray[np.int64], NDArray[np.int64]]:
    """(cycles, states [clusters, streams, groups per cluster, N_STATES], counts) of a tile."""
    state = new_state(machine)
    cycles = int(run_tile(program.jobs[start:end], machine, operands, state))
    return cycles, state.states, state.counts


def run_stage(program: StageProgram, masks: LayerMasks) -> StageOutcome:
    """Simulate one layer and stage of one sample, exactly."""
    operands = pack_operands(program, masks)
    machine = kernel_machine(program.target)
    cycles = []
    states = np.zeros((machine.clusters, machine.streams, machine.groups, N_STATES), dtype=np.int64)
    counts = np.zeros(N_COUNTS, dtype=np.int64)
    known: dict[bytes, tuple[int, NDArray[np.int64], NDArray[np.int64]]] = {}
    for tile in program.tiles:
        key = _tile_key(program, tile.job_start, tile.job_end)
        found = known.get(key) if key is not None else None
        if found is None:
            found = _run(program, machine, operands, tile.job_start, tile.job_end)
            if key is not None:
                known[key] = found
        cycles.append(found[0])
        states += found[1]
        counts += found[2]
    transfers = tile_transfers(program, masks)
    by_group = states.transpose(0, 2, 1, 3).reshape(-1, machine.streams, N_STATES)
    return StageOutcome(
        tuple(cycles), by_group, counts, transfers, schedule(cycles, transfers, program.target)
    )
