"""`run`: check, simulate, save, print."""

from __future__ import annotations

import json as json_module
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparsesim.api import simulate
from sparsesim.cli.progress import Progress
from sparsesim.cli.timeline_options import TimelineOptions
from sparsesim.own_network import is_file_name, own_network
from sparsesim.request import DEFAULT_DATASET, DEFAULT_PRUNE, Request, make_request
from sparsesim.results import inputs
from sparsesim.results.folder import RunFolder, folder_name, reserve
from sparsesim.results.manifest import manifest
from sparsesim.results.model import Result
from sparsesim.workload import network_of, profile_of
from workloads.catalog import NETWORKS
from workloads.errors import UserError

if TYPE_CHECKING:
    from sparsesim.cli.timeline import Recorded

# Writes what it makes of a result and its manifest into a folder.
Drawer = Callable[[Result, Mapping[str, Any], Path], None]


@dataclass(frozen=True)
class RunOptions:
    """The options of `run`; None where the user gave nothing. All but threads change the result."""

    network: str | None
    dataset: str | None
    machine: str
    overrides: Sequence[str]
    batch: int
    samples: int | None
    prune: float | None
    seed: int
    trace: Path | None
    density: tuple[float, float] | None
    energy: Path | None
    threads: int | None
    check: bool
    input_shape: tuple[int, int, int] | None = None
    activations: str | None = None


def run_command(
    request: RunOptions,
    *,
    out: Path | None,
    save: bool,
    json: bool,
    figure: bool,
    report: bool,
    timeline: TimelineOptions,
) -> None:
    """Simulate what is asked for; UserError before anything is computed for whatever cannot be used."""
    started = datetime.now(UTC)
    network, dataset = _workload(request)
    if out is not None and not save:
        raise UserError("--out and --no-save contradict each other; leave one of them out.")
    if report and not save:
        raise UserError("--report and --no-save contradict each other: the report is in the run folder.")
    folder = None
    if save:
        name = folder_name(started, network, dataset, vars(request))
        folder = reserve(out, name)
    recorded = _timeline(timeline, request)
    result = _simulate(request)
    if request.check:
        print("checked: every layer computes what the reference does", file=sys.stderr)
    if folder is None:
        _show(result, None, json)
    else:
        _save_and_show(folder, result, request, started, json, figure, report)
    if recorded is not None:
        from sparsesim.cli.timeline import write_recorded  # noqa: PLC0415

        write_recorded(recorded, sys.stderr if json else sys.stdout)


def _timeline(timeline: TimelineOptions, request: RunOptions) -> Recorded | None:
    """The timeline that is asked for, not yet written."""
    if timeline == TimelineOptions():
        return None
    from sparsesim.cli.timeline import recorded  # noqa: PLC0415

    return recorded(timeline, _checked(request), request.threads)


def _save_and_show(
    folder: RunFolder,
    result: Result,
    request: RunOptions,
    started: datetime,
    json: bool,
    figure: bool,
    report: bool,
) -> None:
    """Print the result, and keep it in a run folder with what is drawn of it."""
    try:
        path = _save(folder, result, request, started, _writers(figure, report))
    except (OSError, UserError):
        # What took so long to compute is shown even if it could not be kept; then the error is told.
        _show(result, None, json)
        raise
    _show(result, path, json)
    if report:
        from sparsesim.cli.report import FOLDER, say_where  # noqa: PLC0415

        say_where(path / FOLDER, sys.stderr if json else sys.stdout)


def _workload(request: RunOptions) -> tuple[str, str]:
    """The names of the network and of the data set; UserError for options that contradict each other."""
    own = own_network(request.network, request.dataset, request.input_shape)
    if request.trace is not None:
        name, dataset = _recorded(request)
        return (own.name, own.dataset) if own is not None else (name, dataset)
    if own is not None:
        return own.name, own.dataset
    if request.network is None:
        raise UserError(
            f"run needs a network, a file of your own (model.onnx, topology.csv) or --trace FILE.npz; "
            f"networks: {', '.join(NETWORKS)}."
        )
    return request.network, request.dataset or DEFAULT_DATASET


def _recorded(request: RunOptions) -> tuple[str, str]:
    for option, value in (("dataset", request.dataset), ("prune", request.prune)):
        if value is not None:
            raise UserError(
                f"--{option} {value} and --trace contradict each other: a trace is simulated as it was "
                f"recorded; leave --{option} out."
            )
    return Path(request.trace or "").stem, "trace"


def _checked(request: RunOptions) -> Request:
    """The request with its files read and its defaults filled in."""
    options = {key: value for key, value in vars(request).items() if key not in ("threads", "check")}
    return make_request(**options)


def _simulate(request: RunOptions) -> Result:
    with Progress() as progress:
        return simulate(
            request.network,
            request.dataset,
            machine=request.machine,
            overrides=request.overrides,
            batch=request.batch,
            samples=request.samples,
            prune=request.prune,
            seed=request.seed,
            trace=request.trace,
            density=request.density,
            input_shape=request.input_shape,
            activations=request.activations,
            energy=request.energy,
            threads=request.threads,
            check=request.check,
            progress=progress.update,
        )


def _save(
    folder: RunFolder, result: Result, request: RunOptions, started: datetime, writers: Sequence[Drawer]
) -> Path:
    """The path under which all files are; OSError naming the folder, not the file, that is not there."""
    about = manifest(
        result,
        arguments=_arguments(request, result),
        inputs=_digests(request, result),
        argv=sys.argv,
        started=started,
    )
    try:
        return folder.write(result, about, *(partial(writer, result, about) for writer in writers))
    except OSError as error:
        reason = f"{error.strerror or error}; the run is not saved"
        raise OSError(error.errno, reason, str(folder.path)) from None


def _writers(figure: bool, report: bool) -> list[Drawer]:
    """What is drawn into the run folder."""
    writers: list[Drawer] = []
    if figure:
        from reports.figures.layer_gains import save_figure  # noqa: PLC0415

        writers.append(lambda result, about, path: save_figure(result, path))
    if report:
        from sparsesim.cli.report import save_report  # noqa: PLC0415

        writers.append(save_report)
    return writers


def _arguments(request: RunOptions, result: Result) -> dict[str, Any]:
    """What was asked for, defaults filled in; without threads, which change no number."""
    chosen = {key: value for key, value in vars(request).items() if key != "threads"}
    for name in ("input_shape", "activations"):
        if chosen[name] is None:
            del chosen[name]
    chosen |= {"network": result.network, "dataset": result.dataset, "samples": result.samples}
    if is_file_name(request.network):
        chosen["network"] = request.network
    if request.trace is None and request.density is None and request.prune is None:
        chosen["prune"] = DEFAULT_PRUNE
    return {key: str(value) if isinstance(value, Path) else value for key, value in chosen.items()}


def _digests(request: RunOptions, result: Result) -> dict[str, str]:
    """SHA-256 of the machine, the energy table, and the trace or the network and its profile."""
    found = {"machine": inputs.machine_digest(result.machine)}
    if Path(request.machine).is_file():
        found["machine_file"] = inputs.file_digest(Path(request.machine))
    whole = _checked(request)
    found["energy"] = inputs.energy_digest(whole.table)
    if is_file_name(request.network):
        found["network_file"] = inputs.file_digest(Path(str(request.network)))
        found["network"] = inputs.network_digest(network_of(whole.load))
    if request.trace is not None:
        return found | {"trace": inputs.file_digest(request.trace)}
    return found | {
        "network": inputs.network_digest(network_of(whole.load)),
        "profile": inputs.profile_digest(profile_of(whole.load)),
    }


def _show(result: Result, folder: Path | None, json: bool) -> None:
    if json:
        print(json_module.dumps(result.to_dict(), allow_nan=False))
        if folder is not None:
            print(f"saved in {folder}", file=sys.stderr)
        return
    from reports.terminal.table import console_for, print_result  # noqa: PLC0415

    print_result(result, console_for(sys.stdout), folder)
