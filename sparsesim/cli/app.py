"""The commands and their options; what they do is in the modules they call."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sparsesim.cli.options import number_option, whole_option
from sparsesim.cli.texts import shape
from sparsesim.cli.timeline_options import (
    TimelineCycles,
    TimelineFile,
    TimelineLayer,
    TimelineOptions,
    TimelineRun,
    TimelineStage,
)

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Simulate a training step of a CNN on a sparse accelerator, cycle by cycle.",
)


class Emit(StrEnum):
    """What `compile` prints."""

    IR = "ir"
    EXPLAIN = "explain"
    JOBS = "jobs"


class StageName(StrEnum):
    """The stages that are compiled."""

    FORWARD = "forward"
    GTA = "gta"
    GTW = "gtw"


Dataset = Annotated[str, typer.Option(help="imagenet, cifar10 or cifar100.")]
MachineName = Annotated[str, typer.Option("--machine", help="Built-in machine or YAML file.")]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change a field of the machine; may be repeated."),
]
InputShape = Annotated[
    str | None, typer.Option(metavar="C,H,W", help="Image of an ONNX file that leaves its size open.")
]
Batch = Annotated[int, whole_option(help="Samples that weights may be reused over.", show_default=True)]


def _or_one(density: float | None) -> float:
    return 1.0 if density is None else density


def _version(wanted: bool) -> None:
    if wanted:
        from sparsesim import __version__  # noqa: PLC0415

        typer.echo(f"sparsesim {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    del version


@app.command()
def run(
    network: Annotated[
        str | None,
        typer.Argument(
            help="Network (`workloads` lists them), or your own: model.onnx, a SCALE-Sim topology.csv."
        ),
    ] = None,
    *,
    dataset: Annotated[
        str | None, typer.Option(help="imagenet (default), cifar10 or cifar100.", show_default=False)
    ] = None,
    input_shape: InputShape = None,
    machine: MachineName = "sparsetrain",
    override: Overrides = None,
    batch: Batch = 32,
    samples: Annotated[
        int | None, whole_option(help="Samples to simulate (default 1; of a trace all).")
    ] = None,
    prune: Annotated[
        float | None,
        number_option(metavar="P", help="Pruning rate of dO (default 0.9); 0: natural sparsity only."),
    ] = None,
    seed: Annotated[int, whole_option(help="Seed of the masks that are drawn.", show_default=True)] = 0,
    trace: Annotated[
        Path | None, typer.Option(metavar="FILE.npz", help="Simulate exactly the masks of a recorded trace.")
    ] = None,
    density_input: Annotated[
        float | None,
        number_option(metavar="D", help="Independent zeros instead of recorded ones: density of I."),
    ] = None,
    density_grad_output: Annotated[
        float | None, number_option(metavar="D", help="The same for dO (default 1 each).")
    ] = None,
    activations: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Densities of I from: nearest (default), here (our runs), imagenet (tables)."
        ),
    ] = None,
    energy: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Energy table or Accelergy ERT (YAML).")
    ] = None,
    memory: Annotated[
        str | None, typer.Option(help="lpddr4, ddr4 or hbm2: short for --set memory.kind=...")
    ] = None,
    threads: Annotated[int | None, whole_option(help="Threads (default: one per core).")] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Run folder (default: runs/TIME-NETWORK-...).")
    ] = None,
    save: Annotated[bool, typer.Option(help="Keep the run in a run folder.")] = True,
    json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON and nothing else.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Compare what every layer computes with a reference.")
    ] = False,
    figure: Annotated[bool, typer.Option(help="Draw the figure into the run folder.")] = True,
    report: Annotated[
        bool, typer.Option("--report", help="Write the page and all figures into the run folder.")
    ] = False,
    timeline: TimelineFile = None,
    timeline_layer: TimelineLayer = None,
    timeline_stage: TimelineStage = None,
    timeline_run: TimelineRun = None,
    timeline_cycles: TimelineCycles = None,
) -> None:
    """Simulate one training step: dense baseline, natural sparsity, natural + pruned.

    With --trace the network and the data set are those of the trace; with --trace and a network of your own
    all its layers are simulated, those outside the trace with masks that are drawn.
    """
    from sparsesim.cli.run import RunOptions, run_command  # noqa: PLC0415

    overrides = (*(override or ()), *([f"memory.kind={memory}"] if memory else ()))
    given = (density_input, density_grad_output) != (None, None)
    density = (_or_one(density_input), _or_one(density_grad_output)) if given else None
    run_command(
        RunOptions(
            network,
            dataset,
            machine,
            overrides,
            batch,
            samples,
            prune,
            seed,
            trace,
            density,
            energy,
            threads,
            check,
            None if input_shape is None else shape(input_shape),
            activations,
        ),
        out=out,
        save=save,
        json=json,
        figure=figure,
        report=report,
        timeline=TimelineOptions(timeline, timeline_layer, timeline_stage, timeline_run, timeline_cycles),
    )


@app.command(name="compile")
def compile_(
    network: Annotated[
        str, typer.Argument(help="Network (`workloads` lists them), or model.onnx, topology.csv.")
    ],
    *,
    layer: Annotated[str, typer.Option(help="Convolution or fully connected layer, e.g. layer1.0.conv1.")],
    dataset: Dataset = "imagenet",
    stage: Annotated[StageName | None, typer.Option(help="Default: all stages of the layer.")] = None,
    emit: Annotated[
        Emit, typer.Option(help="ir: the program; explain: why this mapping; jobs: what the machine gets.")
    ] = Emit.IR,
    machine: MachineName = "sparsetrain",
    override: Overrides = None,
    batch: Batch = 32,
    prune: Annotated[
        float,
        number_option(
            metavar="P", help="Pruning rate; the densities it gives guide the mapper.", show_default=True
        ),
    ] = 0.9,
    dense: Annotated[bool, typer.Option("--dense", help="For the dense baseline of the machine.")] = False,
) -> None:
    """Compile one layer and print its IR, the reasons for its mapping, or the jobs of the machine."""
    from sparsesim.cli.compile import CompileRequest, compile_command  # noqa: PLC0415

    wanted = stage.value if stage else None
    compile_command(
        CompileRequest(
            network, dataset, layer, wanted, emit.value, machine, tuple(override or ()), batch, prune, dense
        )
    )


@app.command()
def machines(
    name: Annotated[str | None, typer.Argument(help="Built-in machine or YAML file to show.")] = None,
    fields: Annotated[
        bool, typer.Option("--fields", help="Every field: default, unit, range, meaning.")
    ] = False,
    export: Annotated[
        bool, typer.Option("--export", help="The complete description as YAML, to start a file of one's own.")
    ] = False,
    override: Overrides = None,
) -> None:
    """List the built-in machines, or show one."""
    from sparsesim.cli.listings import machines_command  # noqa: PLC0415

    machines_command(name, fields, export, tuple(override or ()))


@app.command()
def workloads() -> None:
    """List the networks and data sets."""
    from sparsesim.cli.listings import list_workloads  # noqa: PLC0415

    list_workloads()
