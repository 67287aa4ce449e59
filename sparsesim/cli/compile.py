"""`compile`: one layer, from the network to its IR, its mapping or its jobs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from compiler.compile import Compiled, StageDensities, compile_stage
from compiler.ir.printer import print_program
from compiler.mapping.choose import explain
from compiler.program import Stage, StageProgram, Tile
from compiler.training import ConvWork, TrainingGraph, training_graph
from sparsesim.engine.source import ProfileSource, expected_densities
from sparsesim.machine import Machine, load_machine
from sparsesim.own_network import is_file_name, own_network
from sparsesim.request import MOST_SAMPLES, check_count
from sparsesim.workload import accumulated_samples, layer_shapes
from workloads.catalog import load_network
from workloads.errors import UserError, unknown_name
from workloads.network import Network
from workloads.sparsity.curve import check_pruning
from workloads.sparsity.profile import Profile
from workloads.sparsity.transfer import profile_for
from workloads.sparsity.transfer_any import profile_of_network

_JOB_COLUMNS = (
    "out_start", "out_count", "block", "block_end", "reduce_start", "reduce_count",
    "unit", "unit_end", "read_sums", "final",
)  # fmt: skip


@dataclass(frozen=True)
class CompileRequest:
    """The options of `compile`. stage: None for all; emit: "ir", "explain", "jobs"; dense: the baseline."""

    network: str
    dataset: str
    layer: str
    stage: str | None
    emit: str
    machine: str
    overrides: Sequence[str]
    batch: int
    prune: float
    dense: bool


def compile_command(request: CompileRequest) -> None:
    """Print what is asked for, one stage after the other."""
    machine = load_machine(request.machine, request.overrides)
    check_pruning(request.prune)
    check_count("batch", request.batch, MOST_SAMPLES)
    graph = training_graph(_network(request), request.batch)
    work = _find(graph, request.layer)
    for stage in _stages(work, request.stage):
        sys.stdout.write(_text(request.emit, _compiled(request, graph, work, stage, machine)))


def _network(request: CompileRequest) -> Network:
    own = own_network(request.network, None, None)
    return own or load_network(request.network, request.dataset)


def _profile(request: CompileRequest, graph: TrainingGraph) -> Profile:
    shapes = layer_shapes(graph.convolutions)
    if is_file_name(request.network):
        return profile_of_network(graph.network, shapes)
    return profile_for(request.network, request.dataset, shapes)


def _find(graph: TrainingGraph, layer: str) -> ConvWork:
    works = {work.layer: work for work in graph.convolutions}
    if layer not in works:
        raise unknown_name(f"convolution or fully connected layer of {graph.network.name}", layer, works)
    return works[layer]


def _stages(work: ConvWork, wanted: str | None) -> Sequence[Stage]:
    if wanted is None:
        return work.stages
    if Stage(wanted) not in work.stages:
        has = ", ".join(stage.value for stage in work.stages)
        raise UserError(f"--stage {wanted}: layer {work.layer!r} has no such stage; it has {has}.")
    return (Stage(wanted),)


def _compiled(
    request: CompileRequest, graph: TrainingGraph, work: ConvWork, stage: Stage, machine: Machine
) -> Compiled:
    """The same call as that of a run, so that what is printed is what is simulated."""
    target = (machine.dense_baseline() if request.dense else machine).to_target()
    densities = StageDensities()
    if not request.dense:
        # Densities do not depend on the seed.
        densities = expected_densities(
            ProfileSource(_profile(request, graph), seed=0), work.layer, request.prune
        )
    samples = accumulated_samples(machine, request.batch)
    return compile_stage(work, stage, target, request.batch, densities, samples)


def _text(emit: str, compiled: Compiled) -> str:
    program = compiled.program
    if emit == "ir":
        return print_program(compiled.ir)
    title = f"{program.layer} {program.stage.value} ({program.operation.value})\n"
    return title + (explain(compiled.choice) + "\n\n" if emit == "explain" else _jobs(program))


def _jobs(program: StageProgram) -> str:
    """Tiles with their transfers and jobs, one job per line."""
    lines = [f"{len(program.tiles)} tiles, {len(program.jobs)} jobs, {len(program.row_blocks)} row blocks"]
    for number, tile in enumerate(program.tiles):
        lines.append(f"tile {number}: {_transfers('load', tile)}; {_transfers('store', tile)}")
        lines += _table(program.jobs[tile.job_start : tile.job_end])
    return "\n".join(lines) + "\n\n"


def _transfers(what: str, tile: Tile) -> str:
    moved = tile.loads if what == "load" else tile.stores
    texts = [
        f"{t.tensor}[{t.channels[0]}:{t.channels[1]}, {t.rows[0]}:{t.rows[1]}]"
        + (f"/{t.share}" if t.share > 1 else "")
        for t in moved
    ]
    return f"{what} {', '.join(texts) or 'nothing'}"


def _table(jobs: np.ndarray[tuple[int, ...], np.dtype[np.int32]]) -> list[str]:
    heading = "  " + " ".join(f"{name:>12}" for name in _JOB_COLUMNS)
    return [heading, *("  " + " ".join(f"{value:>12}" for value in job) for job in jobs.tolist())]
