"""The commands about studies and their options; what they do is in the modules they call."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sparsesim.cli.app import app
from sparsesim.cli.options import folder_option, number_option, option, whole_option
from sparsesim.cli.texts import number, whole

__all__ = ["app"]

if TYPE_CHECKING:
    from sparsesim.study.flags import Flags


class Sampler(StrEnum):
    """How `explore` chooses the next designs."""

    NSGA2 = "nsga2"
    TPE = "tpe"
    RANDOM = "random"


StudyPath = Annotated[Path | None, typer.Argument(metavar="STUDY.yaml", help="Study file; or give options.")]
Vary = Annotated[
    list[str] | None,
    option("--vary", metavar="NAME=VALUES", help="A,B,C or FROM:TO:STEP or FROM:TO*FACTOR; may be repeated."),
]
Networks = Annotated[
    str | None, option("--networks", metavar="A,B", help="Networks; `workloads` lists them.")
]
Datasets = Annotated[str | None, option("--datasets", metavar="A,B", help="Data sets (default imagenet).")]
Machine = Annotated[str | None, option("--machine", metavar="NAME", help="Built-in machine or YAML file.")]
Set = Annotated[
    list[str] | None, option("--set", metavar="KEY=VALUE", help="Fix any setting; may be repeated.")
]
Batch = Annotated[int | None, whole_option("--batch", help="Samples that weights may be reused over.")]
Samples = Annotated[int | None, whole_option("--samples", help="Samples to simulate.")]
Prune = Annotated[
    float | None, number_option("--prune", metavar="P", help="Pruning rate of dO (default 0.9).")
]
Seed = Annotated[int | None, whole_option("--seed", help="Seed of the masks that are drawn.")]
Trace = Annotated[Path | None, option("--trace", metavar="FILE.npz", help="A recorded trace.")]
Energy = Annotated[Path | None, option("--energy", metavar="FILE", help="Energy table or Accelergy ERT.")]
Minimize = Annotated[
    list[str] | None,
    option("--minimize", metavar="FIGURE", help="An objective (default cycles, energy); may be repeated."),
]
Maximize = Annotated[list[str] | None, option("--maximize", metavar="FIGURE", help="An objective, too.")]
Constraints = Annotated[
    list[str] | None,
    option("--constraint", metavar="'FIGURE<=X'", help="A limit, such as 'area <= 2'; may be repeated."),
]
Out = Annotated[Path | None, option("--out", metavar="DIR", help="Folder of the study (default runs/NAME).")]
Workers = Annotated[int | None, whole_option("--workers", help="Worker processes (default: one per core).")]
Memory = Annotated[
    str | None,
    option("--memory", metavar="SIZE", help="Memory of a worker, such as 2GiB (default: a share)."),
]
Scheduler = Annotated[
    str | None, option("--scheduler", metavar="tcp://HOST:PORT", help="Use a Dask cluster that is running.")
]
RetryFailed = Annotated[bool, typer.Option("--retry-failed", help="Run points again that have failed.")]
Csv = Annotated[Path | None, option("--csv", metavar="FILE", help="Also write the table as CSV.")]
DrawFigure = Annotated[bool, typer.Option(help="Draw the figures into the study's folder.")]


@app.command()
def sweep(
    study: StudyPath = None,
    *,
    vary: Vary = None,
    networks: Networks = None,
    datasets: Datasets = None,
    machine: Machine = None,
    override: Set = None,
    batch: Batch = None,
    samples: Samples = None,
    prune: Prune = None,
    seed: Seed = None,
    trace: Trace = None,
    energy: Energy = None,
    minimize: Minimize = None,
    maximize: Maximize = None,
    constraint: Constraints = None,
    out: Out = None,
    workers: Workers = None,
    memory: Memory = None,
    scheduler: Scheduler = None,
    retry_failed: RetryFailed = False,
    skip_invalid: Annotated[
        bool, typer.Option("--skip-invalid", help="Leave out combinations that no machine can have.")
    ] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Check and announce the plan, run nothing.")] = False,
    csv: Csv = None,
    figure: DrawFigure = True,
) -> int:
    """Simulate all points of a study; the same command goes on where it was ended.

    A study file is a YAML file (docs/sweeps.md); options add to it or replace what it says.
    """
    from sparsesim.cli.study import StudyOptions  # noqa: PLC0415
    from sparsesim.cli.sweep import sweep_command  # noqa: PLC0415

    flags = _flags(locals())
    options = StudyOptions(out, workers, memory, scheduler, retry_failed, csv, figure)
    return sweep_command(study, flags, options, skip_invalid=skip_invalid, only_plan=plan)


@app.command()
def explore(
    study: StudyPath = None,
    *,
    trials: Annotated[
        int, whole_option(help="Designs to simulate, in all runs together.", show_default=True)
    ] = 100,
    sampler: Annotated[Sampler, typer.Option(help="nsga2, tpe or random.")] = Sampler.NSGA2,
    search_seed: Annotated[int, whole_option(help="Seed of the search.", show_default=True)] = 0,
    population: Annotated[
        int, whole_option(help="Designs that are chosen together.", show_default=True)
    ] = 24,
    vary: Vary = None,
    networks: Networks = None,
    datasets: Datasets = None,
    machine: Machine = None,
    override: Set = None,
    batch: Batch = None,
    samples: Samples = None,
    prune: Prune = None,
    seed: Seed = None,
    trace: Trace = None,
    energy: Energy = None,
    minimize: Minimize = None,
    maximize: Maximize = None,
    constraint: Constraints = None,
    out: Out = None,
    workers: Workers = None,
    memory: Memory = None,
    scheduler: Scheduler = None,
    retry_failed: RetryFailed = False,
    csv: Csv = None,
    figure: DrawFigure = True,
) -> int:
    """Search the designs of a study for the best ones; the same command goes on where it was ended.

    What is searched are the settings under vary and search of the study file (docs/sweeps.md).
    """
    from sparsesim.cli.explore import SearchOptions, explore_command  # noqa: PLC0415
    from sparsesim.cli.study import StudyOptions  # noqa: PLC0415

    flags = _flags(locals())
    options = StudyOptions(out, workers, memory, scheduler, retry_failed, csv, figure)
    return explore_command(
        study, flags, options, SearchOptions(trials, sampler.value, search_seed, population)
    )


@app.command()
def show(
    study: Annotated[Path, typer.Argument(metavar="STUDY", help="Folder of a study.")],
    row: Annotated[
        int | None,
        typer.Argument(parser=whole, metavar="ROW", help="Number of a row.", show_default=False),
    ] = None,
    *,
    json: Annotated[bool, typer.Option("--json", help="The manifest of the row as JSON.")] = False,
    layers: Annotated[bool, typer.Option("--layers", help="The result of the row, layer by layer.")] = False,
    export: Annotated[
        Path | None,
        option("--export", metavar="DIR", help="Write the machine and the energies of the row as files."),
    ] = None,
    csv: Csv = None,
) -> None:
    """Show a study, or one row of it with the command that makes it again."""
    from sparsesim.cli.show import show_command  # noqa: PLC0415

    show_command(study, row, json=json, layers=layers, export=export, csv=csv)


@app.command()
def reproduce(
    *,
    quick: Annotated[
        bool,
        typer.Option("--quick", help="Fewer workloads and changes, one sample."),
    ] = False,
    networks: Annotated[
        str | None,
        option("--networks", metavar="A,B", help="Networks (default AlexNet and ResNet-18/34/50/152)."),
    ] = None,
    datasets: Annotated[
        str | None, option("--datasets", metavar="A,B", help="Data sets (default cifar10,cifar100,imagenet).")
    ] = None,
    machine: Annotated[str, typer.Option(help="Built-in machine or YAML file.")] = "sparsetrain",
    override: Set = None,
    prune: Annotated[
        list[float] | None,
        typer.Option(
            "--prune", parser=number, metavar="P", help="Pruning rate (default 0.7, 0.9, 0.99); repeat."
        ),
    ] = None,
    samples: Annotated[
        int | None, whole_option("--samples", help="Samples of every workload (default 4).")
    ] = None,
    out: Annotated[
        Path | None, option("--out", metavar="DIR", help="Folder of the study (default runs/reproduction).")
    ] = None,
    report: Annotated[Path | None, folder_option(help="Write a page with all figures, too.")] = None,
    document: Annotated[
        Path | None, option("--document", metavar="FILE.md", help="Write docs/reproduction.md anew, there.")
    ] = None,
    workers: Workers = None,
    memory: Memory = None,
    scheduler: Scheduler = None,
    retry_failed: RetryFailed = False,
) -> None:
    """The evaluation of the publication: gains beside the published averages, why they differ, how certain.

    A study: the same command goes on where it was ended.
    """
    from sparsesim.cli.reproduce import ReproduceOptions, asked_for, reproduce_command  # noqa: PLC0415
    from sparsesim.cli.study import StudyOptions  # noqa: PLC0415

    asked = asked_for(networks, datasets, machine, tuple(override or ()), tuple(prune or ()), samples, quick)
    study = StudyOptions(out, workers, memory, scheduler, retry_failed)
    reproduce_command(asked, study, ReproduceOptions(report, document))


def _flags(options: dict[str, Any]) -> Flags:
    """The options that define a study, of a command's parameters."""
    from sparsesim.study.flags import Flags  # noqa: PLC0415

    several = {"vary": "vary", "overrides": "override", "minimize": "minimize", "maximize": "maximize"}
    found: dict[str, Any] = {name: options[parameter] or () for name, parameter in several.items()}
    found["constraints"] = options["constraint"] or ()
    for name in ("networks", "datasets", "machine", "batch", "samples", "prune", "seed"):
        found[name] = options[name]
    for name in ("energy", "trace"):
        found[name] = _text(options[name])
    return Flags(**found)


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
