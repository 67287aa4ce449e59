"""A timeline as a file in the Trace Event Format (JSON object form), which ui.perfetto.dev opens.

One microsecond of the trace is one clock cycle, so that times in the viewer are cycles.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sparsesim.engine.kernels import log
from sparsesim.timeline import tracks
from sparsesim.timeline.threads import Threads, threads_of
from sparsesim.timeline.timeline import Timeline
from workloads.errors import UserError

Args = dict[str, int | str]


def check_file(path: Path) -> None:
    """UserError for what can be no file to write, before anything is computed."""
    try:
        if path.exists() and not path.is_file():
            raise UserError(f"--timeline {path}: is there and no file; give a name for one.")
        _partial(path.resolve()).unlink()
    except OSError as error:
        raise UserError(
            f"--timeline {path}: cannot be written, {path.absolute().parent}: {error.strerror}; give a file "
            f"in a folder that is there and can be written."
        ) from None


def write_trace(timeline: Timeline, path: Path, about: Mapping[str, Any] | None = None) -> None:
    """Write the trace; a file of this name is replaced, at the end and at once.

    about: what else to say in its metadata (JSON values). Raises OSError, with nothing left behind.
    """
    target = path.resolve()  # of a link, what it points to
    partial = _partial(target)
    try:
        with partial.open("w", encoding="ascii", newline="\n") as file:
            file.writelines(trace_text(timeline, about or {}))
        partial.replace(target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def _partial(path: Path) -> Path:
    """A new file beside the one to be, as public as any other new file."""
    number, name = tempfile.mkstemp(prefix=f".{path.name[:40]}.partial-", dir=path.absolute().parent)
    os.close(number)
    umask = os.umask(0)
    os.umask(umask)
    Path(name).chmod(0o666 & ~umask)
    return Path(name)


def trace_text(timeline: Timeline, about: Mapping[str, Any]) -> Iterator[str]:
    """The JSON text piece by piece, one event to a line; letters beyond ASCII are escaped."""
    threads = threads_of(timeline.target, f"{timeline.subject} (1 us = 1 clock cycle)")
    yield '{"displayTimeUnit":"ms","otherData":'
    yield json.dumps(_metadata(timeline, about))
    yield ',"traceEvents":[\n'
    yield ",\n".join(json.dumps(event, separators=(",", ":")) for event in _names(threads))
    for event in _events(timeline, threads):
        yield ",\n" + event
    yield "\n]}\n"


def _metadata(timeline: Timeline, about: Mapping[str, Any]) -> dict[str, Any]:
    subject = timeline.subject
    return {
        **about,
        "time": "1 us of the trace is 1 clock cycle, counted from the start of the stage",
        "layer": subject.work.layer,
        "stage": subject.stage.value,
        "run": subject.run.name,
        "first_sample": 0,
        "samples": timeline.samples,
        "first_cycle": timeline.window.first,
        "end_cycle": timeline.window.last,
        "stage_cycles": timeline.cycles,
        "stage_on_chip_cycles": timeline.on_chip_cycles,
        "stage_tiles": timeline.tiles,
    }


def _names(threads: Threads) -> Iterator[dict[str, Any]]:
    """Metadata events: names of processes and threads, and their order."""
    for place, name in enumerate(threads.processes):
        who = {"ph": "M", "pid": threads.pid(place)}
        yield {**who, "name": "process_name", "args": {"name": name}}
        yield {**who, "name": "process_sort_index", "args": {"sort_index": place}}
    for place, (process, name) in enumerate(threads.threads):
        who = {"ph": "M", "pid": threads.pid(process), "tid": threads.tid(place)}
        yield {**who, "name": "thread_name", "args": {"name": name}}
        yield {**who, "name": "thread_sort_index", "args": {"sort_index": place}}


def _events(timeline: Timeline, threads: Threads) -> Iterator[str]:
    """Complete events in order of time. All texts in them are ours: nothing has to be escaped."""
    spans = timeline.spans
    order = np.lexsort((spans[:, log.UNIT], spans[:, log.TRACK], spans[:, log.START]))
    for track, unit, start, end, what, job, first, second in spans[order].tolist():
        thread = threads.of_track[track][unit]
        pid, tid = threads.pid(threads.threads[thread][0]), threads.tid(thread)
        name = tracks.SPAN_NAMES[track][what]
        if track in tracks.OF_TILES and first >= 0:
            name = f"{name} {first}"
        args: Args = {} if job < 0 else {"job": job}
        if track in _DETAILS:
            args |= _DETAILS[track](what, first, second)
        told = ",".join(f'"{key}":{value}' for key, value in args.items())
        yield (
            f'{{"ph":"X","pid":{pid},"tid":{tid},"ts":{start},"dur":{end - start},'
            f'"name":"{name}","cat":"{tracks.CATEGORIES[track]}","args":{{{told}}}}}'
        )


def _of_fetch(what: int, stream: int, bank: int) -> Args:
    return _stream(stream) if what == log.HEADER else {**_stream(stream), "bank": bank}


def _of_write(what: int, group: int, bank: int) -> Args:
    del what
    return {"group": group, "bank": bank}


def _of_bank(what: int, cluster: int, part: int) -> Args:
    if what in (log.SUMS_READ, log.WRITE):
        return {"requester": f'"write port {cluster}"', "group": part}
    return {"requester": f'"fetch port {cluster}"', **_stream(part)}


def _of_ppu(what: int, bank: int, unused: int) -> Args:
    del unused
    return {} if what == log.DRAIN else {"bank": bank}


def _of_controller(what: int, cluster: int, unused: int) -> Args:
    del unused
    return {"cluster": cluster} if what == log.JOB_DISPATCH else {}


def _of_transfer(what: int, tile: int, moved_bytes: int) -> Args:
    del what, tile  # they are in the name
    return {"bytes": moved_bytes}


def _stream(number: int) -> Args:
    """Mask items are of no stream."""
    return {"stream": number} if number >= 0 else {}


# By track, what the last two columns of a span mean (kernels/log.py), as JSON texts.
_DETAILS: dict[int, Callable[[int, int, int], Args]] = {
    log.FETCH_TRACK: _of_fetch,
    log.WRITE_TRACK: _of_write,
    log.BANK_TRACK: _of_bank,
    log.PPU_TRACK: _of_ppu,
    log.CONTROLLER_TRACK: _of_controller,
    tracks.TRANSFER_TRACK: _of_transfer,
}
