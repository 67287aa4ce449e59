"""Does `compile` print the very program that `run` simulates?"""

from __future__ import annotations

from dataclasses import replace
from typing import NoReturn

import pytest

from compiler.ir.printer import print_program
from sparsesim.api import simulate
from sparsesim.cli.main import main
from sparsesim.engine import step
from sparsesim.engine.step import Plan, simulate_step
from sparsesim.machine import load_machine
from sparsesim.workload import accumulated_samples

LAYER = "layer1.0.conv1"
OPTIONS = {"dense": "--dense", "natural": "--prune 0", "pruned": "--prune 0.9"}


class _Planned(Exception):
    """Ends a run where its simulation would begin."""


def plan_of_run(monkeypatch: pytest.MonkeyPatch, batch: int) -> Plan:
    """What `run` would simulate, one layer of it."""
    plans: list[Plan] = []

    def keep(plan: Plan, *_: object) -> NoReturn:
        plans.append(plan)
        raise _Planned

    monkeypatch.setattr("sparsesim.api.simulate_step", keep)
    with pytest.raises(_Planned):
        simulate("resnet18", "cifar10", batch=batch, prune=0.9)
    (plan,) = plans
    return replace(plan, works=[work for work in plan.works if work.layer == LAYER], other=())


@pytest.mark.parametrize("batch", [3, 32])
def test_compile_prints_what_run_simulates(
    batch: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    simulated: dict[tuple[str, str], str] = {}
    compiled = step._compiled

    def noted(plan, run, work, stage):
        result = compiled(plan, run, work, stage)
        simulated[run.name, stage.value] = print_program(result.ir)
        return result

    monkeypatch.setattr(step, "_compiled", noted)
    simulate_step(plan_of_run(monkeypatch, batch), threads=1)
    assert len(simulated) == 9
    for (run, stage), text in simulated.items():
        command = f"compile resnet18 --dataset cifar10 --layer {LAYER} --stage {stage} --batch {batch}"
        assert main(f"{command} {OPTIONS[run]}".split()) == 0
        assert capsys.readouterr().out == text, (run, stage)


def test_samples_are_limited_by_the_machine_and_the_batch() -> None:
    machine = load_machine("sparsetrain", ["accumulated_samples=8"])
    assert [accumulated_samples(machine, batch) for batch in (1, 2, 3, 7, 8, 32)] == [1, 2, 2, 4, 8, 8]
