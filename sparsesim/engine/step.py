"""A whole training step: every layer, stage and run, on all cores."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

import numpy as np

from compiler.compile import Compiled, StageDensities, compile_stage
from compiler.other_work import OtherWork
from compiler.program import RowOperation, Stage, StageProgram
from compiler.target import Target
from compiler.training import ConvWork
from sparsesim.engine.channel_order import orders_channels, renumbered
from sparsesim.engine.check import check_stage
from sparsesim.engine.kernels.layout import PE_OPERATIONS
from sparsesim.engine.products import useful_products
from sparsesim.engine.record import OtherRecord, StageRecord, StepRecords
from sparsesim.engine.source import MaskSource, expected_densities
from sparsesim.engine.stage import run_stage
from workloads.sparsity.masks import LayerMasks

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Run:
    """One run of the step. pruning: rate at which dO is pruned, 0 natural, None dense (no masks)."""

    name: str
    target: Target
    pruning: float | None


@dataclass(frozen=True)
class Plan:
    """What to simulate.

    accumulate: samples a GTW job may accumulate over; check: compare values with a reference.
    """

    works: Sequence[ConvWork]
    other: Sequence[OtherWork]
    source: MaskSource
    runs: Sequence[Run]
    batch: int
    samples: int
    accumulate: int
    check: bool = False


@dataclass(frozen=True)
class _Task:
    """One layer and stage of one run, samples [first, first + count)."""

    run: Run
    work: ConvWork
    compiled: Compiled
    stage: Stage
    first: int
    count: int


def _stack(masks: Sequence[LayerMasks]) -> LayerMasks:
    """Maps of several samples stacked by rows, as OSRC programs over several samples read them."""
    if len(masks) == 1:
        return masks[0]
    needed = [m.grad_input_mask for m in masks if m.grad_input_mask is not None]
    return LayerMasks(
        np.concatenate([m.input for m in masks], axis=1),
        np.concatenate([m.grad_output for m in masks], axis=1),
        np.concatenate(needed, axis=1) if len(needed) == len(masks) else None,
    )


def _record(task: _Task, masks: LayerMasks, seconds: float, check: bool) -> StageRecord:
    program = task.compiled.program
    outcome = run_stage(program, masks)
    if check:
        check_stage(program, masks)
    loads = sum(load for load, _ in outcome.transfers)
    stores = sum(store for _, store in outcome.transfers)
    densities = masks.densities()
    samples = task.work.geometry.in_size[1] if task.work.is_fc else task.count
    return StageRecord(
        run=task.run.name,
        layer=task.work.layer,
        index=task.work.index,
        stage=task.stage,
        sample=task.first,
        samples=samples,
        on_chip_cycles=outcome.cycles,
        with_dram_cycles=outcome.schedule.cycles,
        states=outcome.states.sum(axis=1),
        counts=outcome.counts,
        useful_macs=_useful(program, masks),
        dense_macs=program.geometry.dense_macs * task.count,
        density_input=densities.input,
        density_grad_output=densities.grad_output,
        density_grad_input_mask=densities.grad_input_mask,
        dram_read_bytes=loads,
        dram_write_bytes=stores,
        tiles=len(program.tiles),
        fc=task.work.is_fc,
        row_operations=int(outcome.counts[PE_OPERATIONS]),
        seconds=time.perf_counter() - seconds,
    )


def _useful(program: StageProgram, masks: LayerMasks) -> int:
    """Products that this machine has to form: of the operands' zeros those count that it does not skip."""
    target = program.target
    inputs_on_ch0 = program.ch0_pattern is RowOperation.SRC
    keeps_private = target.input_skipping if program.stage is Stage.GTW else True
    keep_inputs = target.skip_zeros if inputs_on_ch0 else keeps_private
    keep_grads = keeps_private if inputs_on_ch0 else target.skip_zeros
    seen = LayerMasks(
        masks.input if keep_inputs else np.ones_like(masks.input),
        masks.grad_output if keep_grads else np.ones_like(masks.grad_output),
        masks.grad_input_mask if target.mask_skipping else None,
    )
    return useful_products(program.geometry, program.stage, seen, program.samples)


def _compiled(plan: Plan, run: Run, work: ConvWork, stage: Stage) -> Compiled:
    expected = StageDensities()
    if run.pruning is not None:
        expected = expected_densities(plan.source, work.layer, run.pruning)
    return compile_stage(work, stage, run.target, plan.batch, expected, plan.accumulate)


def _tasks(plan: Plan) -> Iterator[_Task]:
    """Every layer, stage and sample of every run; dense samples are all alike, so one stands for them."""
    for run in plan.runs:
        for work in plan.works:
            for stage in work.stages:
                compiled = _compiled(plan, run, work, stage)
                count = compiled.program.samples
                groups = 1 if run.pruning is None or work.is_fc else math.ceil(plan.samples / count)
                for group in range(groups):
                    yield _Task(run, work, compiled, stage, group * count, count)


def _task_count(plan: Plan) -> int:
    """Tasks if every stage took one sample at a time; the progress bar corrects itself."""
    stages = sum(len(work.stages) for work in plan.works)
    return stages * len(plan.runs)


def _masks(plan: Plan, task: _Task) -> LayerMasks:
    """What the task's samples have where, the channels in the order in which the machine takes them."""
    masks, program = _natural_masks(plan, task), task.compiled.program
    if task.run.pruning is None or not orders_channels(program, masks):
        return masks
    simulated = range(task.first, task.first + task.count)
    measured = plan.source.channel_densities(task.work.layer, task.run.pruning, simulated)
    return masks if measured is None else renumbered(masks, program, measured)


def _natural_masks(plan: Plan, task: _Task) -> LayerMasks:
    """What the task's samples have where, stacked by rows if there are several."""
    if task.run.pruning is None:
        masks = plan.source.dense(task.work, task.count)
    elif task.work.is_fc:
        masks = plan.source.masks(task.work.layer, task.run.pruning, 0)
    else:
        wanted = range(task.first, task.first + task.count)
        masks = _stack([plan.source.masks(task.work.layer, task.run.pruning, s) for s in wanted])
    if not task.work.gta_masked and masks.grad_input_mask is not None:
        masks = LayerMasks(masks.input, masks.grad_output, None)
    return masks


def _run_task(plan: Plan, task: _Task) -> StageRecord:
    started = time.perf_counter()
    return _record(task, _masks(plan, task), started, plan.check)


def first_of_stage(plan: Plan, run: Run, work: ConvWork, stage: Stage) -> tuple[StageProgram, LayerMasks]:
    """Program and masks of the first record that simulate_step makes of a layer and stage of a run."""
    compiled = _compiled(plan, run, work, stage)
    task = _Task(run, work, compiled, stage, 0, compiled.program.samples)
    return compiled.program, _masks(plan, task)


def other_record(work: OtherWork, target: Target) -> OtherRecord:
    """Cycles of work outside the convolutions: the slower of PPU lanes and off-chip memory, plus latency.

    cycles = max(operations / (groups x ppu_words_per_cycle), bytes / bytes per cycle) + latency. Operations
    in the PPU lanes run at one element per lane and cycle. The off-chip words of these maps are not
    compressed.
    """
    word_bytes = target.operand_bits / 8
    read, write = work.read_words * word_bytes, work.write_words * word_bytes
    lanes = target.groups * target.ppu_words_per_cycle
    busy = max(work.vector_operations / lanes, (read + write) / target.dram_bytes_per_cycle)
    cycles = busy + target.dram_latency_cycles if busy else 0.0
    return OtherRecord(work.layer, work.kind, work.step, cycles, work.vector_operations, read, write)


def simulate_step(plan: Plan, threads: int | None = None, progress: Progress | None = None) -> StepRecords:
    """Simulate a training step. The result does not depend on the number of threads.

    threads: worker threads, default one per core. progress(done, total, label) is called in the calling
    thread.
    """
    started = time.perf_counter()
    workers = threads or os.cpu_count() or 1
    records: list[StageRecord] = []
    total = _task_count(plan)
    with ThreadPoolExecutor(max_workers=workers) as pool:
        waiting: dict[Future[StageRecord], str] = {}
        try:
            for task in _tasks(plan):
                label = f"{task.run.name} {task.work.layer} {task.stage.value}"
                waiting[pool.submit(_run_task, plan, task)] = label
                _collect(waiting, records, 4 * workers, total, progress)
            _collect(waiting, records, 0, total, progress)
        except BaseException:
            for future in waiting:
                future.cancel()
            raise
    names = [run.name for run in plan.runs]
    order = {Stage.FORWARD: 0, Stage.GTA: 1, Stage.GTW: 2}
    records.sort(key=lambda r: (names.index(r.run), r.index, order[r.stage], r.sample))
    other = {run.name: tuple(other_record(w, run.target) for w in plan.other) for run in plan.runs}
    return StepRecords(tuple(names), tuple(records), other, plan.samples, time.perf_counter() - started)


def _collect(
    waiting: dict[Future[StageRecord], str],
    records: list[StageRecord],
    allowed: int,
    total: int,
    progress: Progress | None,
) -> None:
    """Take finished tasks until at most `allowed` are under way."""
    while len(waiting) > allowed:
        done, _ = wait(waiting, return_when=FIRST_COMPLETED)
        for future in done:
            label = waiting.pop(future)
            records.append(future.result())
            if progress is not None:
                progress(len(records), max(total, len(records) + len(waiting)), label)
