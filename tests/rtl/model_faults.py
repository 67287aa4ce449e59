"""Faults seeded into stepper and engine: one number of the machine or one rule each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any
from unittest import mock

from compiler.program import StageProgram
from compiler.target import Target
from sparsesim.engine.kernels.layout import Machine
from sparsesim.engine.stage import kernel_machine
from sparsesim.stepper import ProgramCounts, step_program
from sparsesim.stepper.bank import FETCH_PORT, WRITE_PORT
from workloads.sparsity.masks import LayerMasks

CASES = "tests.rtl.machine_cases"


@dataclass(frozen=True)
class ModelFault:
    """seeded: while its context is open the fault is there. where: the part that has it."""

    name: str
    where: str
    seeded: Callable[[], AbstractContextManager[Any]]


def _stepper(name: str, **changed: Callable[[Any], Any]) -> ModelFault:
    """The stepper's machine with some of its numbers changed."""

    def step(
        program: StageProgram, masks: LayerMasks, transfers: Sequence[tuple[float, float]]
    ) -> ProgramCounts:
        target: Target = program.target
        wrong = {field: change(getattr(target, field)) for field, change in changed.items()}
        return step_program(replace(program, target=replace(target, **wrong)), masks, transfers)

    return ModelFault(name, "stepper", lambda: mock.patch(f"{CASES}.step_program", step))


def _engine(name: str, **changed: Callable[[int], int]) -> ModelFault:
    """The engine's machine with some of its numbers changed."""

    def machine(target: Target) -> Machine:
        right = kernel_machine(target)
        return right._replace(**{field: change(getattr(right, field)) for field, change in changed.items()})

    return ModelFault(name, "engine", lambda: mock.patch(f"{CASES}.kernel_machine", machine))


def _rule(name: str, place: str, wrong: object) -> ModelFault:
    """Something in the stepper replaced by something else."""
    return ModelFault(name, "stepper", lambda: mock.patch(f"sparsesim.stepper.{place}", wrong))


MODEL_FAULTS = (
    _stepper("the buffer answers a cycle late", read_latency_cycles=lambda cycles: cycles + 1),
    _stepper("a dispatch takes a cycle less", dispatch_cycles=lambda cycles: cycles - 1),
    _stepper("the pipeline is a cycle longer", pipeline_cycles=lambda cycles: cycles + 1),
    _stepper("a tile switch takes a cycle more", tile_switch_cycles=lambda cycles: cycles + 1),
    _stepper("the off-chip memory answers a cycle late", dram_latency_cycles=lambda cycles: cycles + 1),
    _stepper("a PE has one more row slot", row_slots=lambda slots: slots + 1),
    _stepper("a drain takes half the words a cycle", ppu_words_per_cycle=lambda words: words // 2),
    _stepper("rows are dealt the other way", row_handout_dynamic=lambda dynamic: not dynamic),
    _stepper("jobs are dealt the other way", job_handout_dynamic=lambda dynamic: not dynamic),
    _rule("banks serve write ports before fetch ports", "fetch.FETCH_PORT", WRITE_PORT + 1),
    _rule("banks serve the lower cluster first, fetch port or not", "ppu.WRITE_PORT", FETCH_PORT),
    _rule("stores do not wait for their tile", "dma.Schedule._may_start", lambda *_: True),
    _engine("the buffer answers a cycle early", read_latency=lambda cycles: cycles - 1),
    _engine("a dispatch takes a cycle more", dispatch_cycles=lambda cycles: cycles + 1),
    _engine("a PE has one more row slot", slots=lambda slots: slots + 1),
    _engine("a drain takes twice the words a cycle", ppu_words=lambda words: 2 * words),
    _engine("rows are dealt the other way", rows_dynamic=lambda dynamic: 1 - dynamic),
)
