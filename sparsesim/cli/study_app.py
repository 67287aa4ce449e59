"""The commands about studies and their options; what they do is in the modules they call."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sparsesim.cli.app import app
from sparsesim.cli.texts import number, whole

__all__ = ["app"]

if TYPE_CHECKING:
    from sparsesim.study.flags import Flags


class Sampler(StrEnum):
    """How `explore` chooses the next designs."""

    NSGA2 = "nsga2"
    TPE = "tpe"
    RANDOM = "random"


def _option(*names: str, metavar: str, help: str) -> typer.models.OptionInfo:
    found: typer.models.OptionInfo = typer.Option(*names, metavar=metavar, help=help, show_default=False)
    return found


def _whole_option(name: str, help: str) -> typer.models.OptionInfo:
    found: typer.models.OptionInfo = typer.Option(
        name, parser=whole, metavar="N", help=help, show_default=False
    )
    return found


StudyPath = Annotated[Path | None, typer.Argument(metavar="STUDY.yaml", help="Study file; or give options.")]
Vary = Annotated[
    list[str] | None,
    _option(
        "--vary", metavar="NAME=VALUES", help="A,B,C or FROM:TO:STEP or FROM:TO*FACTOR; may be repeated."
    ),
]
Networks = Annotated[
    str | None, _option("--networks", metavar="A,B", help="Networks; `workloads` lists them.")
]
Datasets = Annotated[str | None, _option("--datasets", metavar="A,B", help="Data sets (default imagenet).")]
Machine = Annotated[str | None, _option("--machine", metavar="NAME", help="Built-in machine or YAML file.")]
Set = Annotated[
    list[str] | None, _option("--set", metavar="KEY=VALUE", help="Fix any setting; may be repeated.")
]
Batch = Annotated[int | None, _whole_option("--batch", "Samples that weights may be reused over.")]
Samples = Annotated[int | None, _whole_option("--samples", "Samples to simulate.")]
Prune = Annotated[
    float | None,
    typer.Option(parser=number, metavar="P", help="Pruning rate of dO (default 0.9).", show_default=False),
]
Seed = Annotated[int | None, _whole_option("--seed", "Seed of the masks that are drawn.")]
Trace = Annotated[Path | None, _option("--trace", metavar="FILE.npz", help="A recorded trace.")]
Energy = Annotated[Path | None, _option("--energy", metavar="FILE", help="Energy table or Accelergy ERT.")]
Minimize = Annotated[
    list[str] | None,
    _option("--minimize", metavar="FIGURE", help="An objective (default cycles, energy); may be repeated."),
]
Maximize = Annotated[list[str] | None, _option("--maximize", metavar="FIGURE", help="An objective, too.")]
Constraints = Annotated[
    list[str] | None,
    _option("--constraint", metavar="'FIGURE<=X'", help="A limit, such as 'area <= 2'; may be repeated."),
]
Out = Annotated[Path | None, _option("--out", metavar="DIR", help="Folder of the study (default runs/NAME).")]
Workers = Annotated[int | None, _whole_option("--workers", "Worker processes (default: one per core).")]
Memory = Annotated[
    str | None,
    _option("--memory", metavar="SIZE", help="Memory of a worker, such as 2GiB (default: a share)."),
]
Scheduler = Annotated[
    str | None, _option("--scheduler", metavar="tcp://HOST:PORT", help="Use a Dask cluster that is running.")
]
RetryFailed = Annotated[bool, typer.Option("--retry-failed", help="Run points again that have failed.")]
Csv = Annotated[Path | None, _option("--csv", metavar="FILE", help="Also write the table as CSV.")]
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
        int, typer.Option(parser=whole, metavar="N", help="Designs to simulate, in all runs together.")
    ] = 100,
    sampler: Annotated[Sampler, typer.Option(help="nsga2, tpe or random.")] = Sampler.NSGA2,
    search_seed: Annotated[int, typer.Option(parser=whole, metavar="N", help="Seed of the search.")] = 0,
    population: Annotated[
        int, typer.Option(parser=whole, metavar="N", help="Designs that are chosen together.")
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
        _option("--export", metavar="DIR", help="Write the machine and the energies of the row as files."),
    ] = None,
    csv: Csv = None,
) -> None:
    """Show a study, or one row of it with the command that makes it again."""
    from sparsesim.cli.show import show_command  # noqa: PLC0415

    show_command(study, row, json=json, layers=layers, export=export, csv=csv)


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
