"""Raw records and results for tests of results, reports and the command line, without a simulation."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from compiler.program import Stage
from sparsesim.energy import EnergyModel
from sparsesim.engine.kernels import layout
from sparsesim.engine.record import OtherRecord, StageRecord, StepRecords
from sparsesim.machine import Machine, load_machine
from sparsesim.results.model import Result
from sparsesim.results.result import build_result
from workloads.sparsity.trace import write_trace

MACHINE = load_machine("sparsetrain")
PROFILE = {"name": "made-up", "kind": "profile", "source": "drawn for a test", "transferred_from": None}
DENSE_MACS = 1_680_000
SPEED_OF_RUN = {"dense": 1.0, "natural": 1.5, "pruned": 3.0, "recorded": 2.0}
STAGES = (Stage.FORWARD, Stage.GTA, Stage.GTW)


def stage_record(
    run: str, layer: str, index: int, stage: Stage, sample: int = 0, **changed: Any
) -> StageRecord:
    """A record whose books balance: the array works, and waits for the buffer in a quarter of the time."""
    generator = np.random.default_rng([index, sample, len(run), list(Stage).index(stage)])
    jitter = 1.0 if run == "dense" else 1 + 0.1 * generator.standard_normal()
    useful = (
        int(DENSE_MACS / SPEED_OF_RUN[run] * min(max(jitter, 0.5), 1.4)) if run != "dense" else DENSE_MACS
    )
    useful -= useful % 3
    states = np.zeros((MACHINE.array.groups, layout.N_STATES), dtype=np.int64)
    busy = -(-useful // MACHINE.array.groups // 3) * 3
    states[:, layout.BUSY] = busy
    states[:, layout.BUFFER] = busy // 3
    states[:, layout.DISPATCH] = -(states.sum(axis=1) % 3) % 3
    cycles = int(states[0].sum()) // 3
    counts = np.zeros(layout.N_COUNTS, dtype=np.int64)
    counts[[layout.USEFUL, layout.ENTRIES, layout.ENTRIES_DELIVERED]] = useful, useful // 2, useful // 2
    counts[[layout.LINES_READ, layout.LINES_SUMS_READ, layout.LINES_WRITTEN]] = 900, 50, 100
    counts[[layout.HEADERS, layout.JOBS, layout.CH1_WORDS]] = 300, 20, 4000
    counts[[layout.DRAINED_WORDS, layout.RESULT_WORDS]] = 5000, 4000
    record = StageRecord(
        run=run,
        layer=layer,
        index=index,
        stage=stage,
        sample=sample,
        samples=1,
        on_chip_cycles=cycles,
        with_dram_cycles=cycles + 1234,
        states=states,
        counts=counts,
        useful_macs=useful,
        dense_macs=DENSE_MACS,
        density_input=0.5,
        density_grad_output=0.25,
        density_grad_input_mask=0.5,
        dram_read_bytes=20_000,
        dram_write_bytes=5_000,
        tiles=2,
        fc=False,
        row_operations=700,
        seconds=0.1,
    )
    return replace(record, **changed)


def several(record: StageRecord, samples: int, **changed: Any) -> StageRecord:
    """The record for as many samples, all alike."""
    totals = ("on_chip_cycles", "with_dram_cycles", "states", "counts", "useful_macs", "dense_macs")
    totals += ("dram_read_bytes", "dram_write_bytes", "row_operations")
    multiplied = {name: getattr(record, name) * samples for name in totals}
    return replace(record, samples=samples, **multiplied, **changed)


def step_records(
    runs: tuple[str, ...] = ("dense", "natural", "pruned"), layers: int = 2, samples: int = 1
) -> StepRecords:
    """Convolutions, the first without GTA, a fully connected layer of a batch of eight, and other work."""
    stages = []
    for run in runs:
        for index in range(layers):
            for stage in STAGES[:: 2 if index == 0 else 1]:
                # Dense samples are all alike: one is simulated.
                count = 1 if run == "dense" else samples
                stages += [stage_record(run, f"conv{index}", index, stage, sample) for sample in range(count)]
        fc = stage_record(run, "fc", layers, Stage.FORWARD, fc=True)
        stages.append(several(fc, 8))
    other = (
        OtherRecord("bn0", "bn", "forward", 500.0, 2000.0, 8000.0, 4000.0),
        OtherRecord("bn0", "bn", "backward", 700.5, 4000.0, 9000.0, 4000.0),
        OtherRecord("conv0", "weight_update", "update", 20.25, 3.5, 100.0, 50.0),
    )
    work = dict.fromkeys(runs, () if "recorded" in runs else other)
    return StepRecords(runs, tuple(stages), work, samples, 2.0)


def made_result(records: StepRecords | None = None, machine: Machine = MACHINE, **changed: Any) -> Result:
    """The result of records, by default those of `step_records`."""
    about: dict[str, Any] = {
        "network": "resnet18",
        "dataset": "cifar10",
        "batch": 32,
        "seed": 0,
        "profile": PROFILE,
        "wall_seconds": 3.5,
        "prune": 0.9,
    }
    dense = EnergyModel(machine.dense_baseline())
    return build_result(records or step_records(), machine, EnergyModel(machine), dense, **(about | changed))


def small_trace(path: Path, samples: int = 2) -> Path:
    """A trace of one small convolution and one fully connected layer."""
    generator = np.random.default_rng(3)
    conv = {
        "name": "a", "kind": "conv", "in_channels": 4, "out_channels": 8, "in_size": [6, 6],
        "out_size": [6, 6], "kernel": [3, 3], "stride": [1, 1], "padding": [1, 1], "dilation": [1, 1],
        "groups": 1, "input_is_relu": False,
    }  # fmt: skip
    fc = conv | {
        "name": "b", "kind": "fc", "in_channels": 288, "out_channels": 10, "in_size": [1, 1],
        "out_size": [1, 1], "kernel": [1, 1], "padding": [0, 0], "input_is_relu": True,
    }  # fmt: skip
    meta = {
        "format": "sparsesim-trace", "version": 1, "network": "tiny", "dataset": "noise", "batch": 8,
        "samples": samples, "pruning": {"p": 0.9, "fifo": 4, "where": "grad_output"}, "step": 1,
        "accuracy": 0.5, "source": "random numbers", "layers": [conv, fc],
    }  # fmt: skip
    shapes = {
        "a/input": (samples, 4, 6, 6), "a/grad_output": (samples, 8, 6, 6),
        "b/input": (samples, 288, 1, 1), "b/grad_output": (samples, 10, 1, 1),
        "b/grad_input_mask": (samples, 288, 1, 1),
    }  # fmt: skip
    write_trace(path, meta, {name: generator.random(shape) < 0.5 for name, shape in shapes.items()})
    return path
