"""Which layer, stage and run a timeline is of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from compiler.program import ROW_OPERATION_OF_STAGE, Stage
from compiler.training import ConvWork
from sparsesim.engine.record import StageRecord
from sparsesim.engine.step import Plan, Run, simulate_step
from workloads.errors import UserError, unknown_name


@dataclass(frozen=True)
class Subject:
    """One layer and stage of one run."""

    run: Run
    work: ConvWork
    stage: Stage

    def __str__(self) -> str:
        return f"{self.work.layer} {self.stage.value} of run {self.run.name!r}"


def choose(plan: Plan, layer: str | None, stage: str | None, run: str | None, threads: int | None) -> Subject:
    """What is named of layer, stage and run; by default the last run, and in it what takes most cycles.

    Most: with_dram per sample, on the first sample; `threads` simulate it where there is a choice. Raises
    UserError for names that the plan does not have.
    """
    chosen = _run(plan, run)
    works = _works(plan, layer)
    wanted = _stages(stage)
    found = [Subject(chosen, work, s) for work in works for s in work.stages if s in wanted]
    if not found:
        raise _no_such_stage(works, wanted)
    return found[0] if len(found) == 1 else _longest(plan, found, threads)


def _run(plan: Plan, name: str | None) -> Run:
    runs = {run.name: run for run in plan.runs}
    if name is not None and name not in runs:
        raise unknown_name("--timeline-run", name, runs)
    return plan.runs[-1] if name is None else runs[name]


def _works(plan: Plan, layer: str | None) -> Sequence[ConvWork]:
    if layer is None:
        return plan.works
    works = {work.layer: work for work in plan.works}
    if layer not in works:
        raise unknown_name("--timeline-layer", layer, works)
    return [works[layer]]


def _stages(name: str | None) -> Sequence[Stage]:
    known = {stage.value: stage for stage in ROW_OPERATION_OF_STAGE}
    if name is not None and name not in known:
        raise unknown_name("--timeline-stage", name, known)
    return list(known.values()) if name is None else [known[name]]


def _no_such_stage(works: Sequence[ConvWork], wanted: Sequence[Stage]) -> UserError:
    layers = f"layer {works[0].layer!r}" if len(works) == 1 else "every layer"
    has = ", ".join(sorted({stage.value for work in works for stage in work.stages}))
    return UserError(f"--timeline-stage {wanted[0].value}: {layers} is without this stage; it has {has}.")


def _longest(plan: Plan, subjects: Sequence[Subject], threads: int | None) -> Subject:
    """The first of those that take most cycles per sample."""
    works = {subject.work.layer: subject.work for subject in subjects}
    alone = replace(
        plan, runs=[subjects[0].run], works=list(works.values()), other=(), samples=1, check=False
    )
    cycles = {(r.layer, r.stage): _per_sample(r) for r in simulate_step(alone, threads).stages}
    return max(subjects, key=lambda subject: cycles[subject.work.layer, subject.stage])


def _per_sample(record: StageRecord) -> float:
    return record.with_dram_cycles / record.samples
