"""Is sparsetrain-tuned what its steps make of sparsetrain, no larger than that, and faster?"""

from __future__ import annotations

from itertools import pairwise

import pytest

from sparsesim.api import simulate
from sparsesim.energy import default_table
from sparsesim.energy.area import area
from sparsesim.machine import load_machine
from sparsesim.reproduction.beyond import END, START, STEPS, machine_after

LABELS = ("name", "description")


def test_the_steps_lead_from_one_machine_to_the_other() -> None:
    names = {name: getattr(load_machine(END), name) for name in LABELS}
    assert machine_after(0) == load_machine(START)
    assert machine_after(len(STEPS)).model_copy(update=names) == load_machine(END)


def test_every_step_changes_the_machine() -> None:
    machines = [machine_after(step) for step in range(len(STEPS) + 1)]
    assert all(one != other for one, other in pairwise(machines))


def test_it_has_the_area_and_the_memory_of_sparsetrain() -> None:
    tuned, start = load_machine(END), load_machine(START)
    assert tuned.memory == start.memory
    assert tuned.array.clock_mhz == start.array.clock_mhz
    assert area(tuned, default_table())["total"].centre <= area(start, default_table())["total"].centre


@pytest.mark.slow
def test_it_is_faster_on_chip_and_with_off_chip_memory() -> None:
    """AlexNet on CIFAR-10, pruned: the smallest of the workloads it was tuned for."""
    start, tuned = (
        simulate("alexnet", "cifar10", machine=name).runs["pruned"].cycles for name in (START, END)
    )
    assert tuned.on_chip < 0.7 * start.on_chip
    assert tuned.with_dram < 0.7 * start.with_dram
