"""From a plan to the timeline of one of its stages."""

from __future__ import annotations

from dataclasses import dataclass

from compiler.target import Target
from sparsesim.engine.step import Plan, first_of_stage
from sparsesim.timeline.recorder import StageRecorder, TooManySpans
from sparsesim.timeline.subject import Subject, choose
from sparsesim.timeline.tracks import Spans
from sparsesim.timeline.window import OPTION, Window, check_within, window_of
from workloads.errors import UserError

# A span takes 170 bytes of a trace at most: without a window that is asked for, it stays below 50 MB.
DEFAULT_MOST_SPANS = 280_000
MOST_SPANS = 4_000_000  # of a window that is asked for; 64 bytes each while they are recorded
_ROUND_CYCLES = 100  # windows that nobody asked for end on a round number


@dataclass(frozen=True)
class Timeline:
    """What the machine did in a window of one layer and stage of one run, on its first sample(s).

    subject: layer, stage and run. samples: as many as the stage accumulates over, or the batch of a fully
    connected layer. cycles: length of the stage with off-chip memory, which holds the window; on_chip_cycles:
    of its tiles. tiles: how many. spans: int64[n, LOG_COLUMNS], see tracks.py; no two of a track overlap, and
    those of every PE cover the window.
    """

    subject: Subject
    target: Target
    samples: int
    window: Window
    cycles: int
    on_chip_cycles: int
    tiles: int
    spans: Spans


def record_timeline(
    plan: Plan,
    *,
    layer: str | None = None,
    stage: str | None = None,
    run: str | None = None,
    cycles: str | None = None,
    threads: int | None = None,
) -> Timeline:
    """Run one layer and stage of a plan and record what is when.

    layer, stage ("forward", "gta", "gtw"), run: by default the last run and what takes most cycles in it.
    cycles: the window as FROM:TO; by default from the start of the first tile on, as long as the spans are no
    more than DEFAULT_MOST_SPANS. threads: for finding out what takes most. Raises UserError for names that
    are not known and for windows that are not in the stage or hold more than MOST_SPANS spans.
    """
    asked = None if cycles is None else window_of(cycles)
    subject = choose(plan, layer, stage, run, threads)
    program, masks = first_of_stage(plan, subject.run, subject.work, subject.stage)
    recorder = StageRecorder(program, masks)
    if asked is None:
        window, spans = _first_part(recorder)
    else:
        window, spans = asked, _asked_part(recorder, asked, subject)
    return Timeline(
        subject=subject,
        target=program.target,
        samples=subject.work.geometry.in_size[1] if subject.work.is_fc else program.samples,
        window=window,
        cycles=recorder.cycles,
        on_chip_cycles=recorder.outcome.cycles,
        tiles=len(program.tiles),
        spans=spans,
    )


def _asked_part(recorder: StageRecorder, window: Window, subject: Subject) -> Spans:
    check_within(window, str(subject), recorder.cycles)
    try:
        return recorder.spans(window, MOST_SPANS)
    except TooManySpans as error:
        less = Window(window.first, window.first + _fitting(window.cycles, error.found, MOST_SPANS))
        raise UserError(
            f"{OPTION} {window}: holds {error.found} spans, more than {MOST_SPANS}; give a shorter window, "
            f"such as {less}."
        ) from None


def _first_part(recorder: StageRecorder) -> tuple[Window, Spans]:
    """From the start of the first tile on, as long as it fits."""
    first = recorder.timetable.tiles[0][0]
    window = Window(first, recorder.cycles)
    while window.cycles > 1:
        try:
            return window, recorder.spans(window, DEFAULT_MOST_SPANS)
        except TooManySpans as error:
            window = Window(first, first + _fitting(window.cycles, error.found, DEFAULT_MOST_SPANS))
    return window, recorder.spans(window, MOST_SPANS)  # a machine of very many PEs


def _fitting(cycles: int, found: int, most: int) -> int:
    """About how many of so many cycles with `found` spans fit, at least 1 and fewer than there are."""
    fitting = cycles * most * 9 // (found * 10)
    return max(fitting // _ROUND_CYCLES * _ROUND_CYCLES or fitting, 1)
