"""Timelines: do spans add up to the counters, are windows cut right, are the right layer and stage shown?"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from compiler.program import Stage
from compiler.training import ConvWork
from sparsesim.engine.dma import transfer_cycles
from sparsesim.engine.kernels import layout, log
from sparsesim.engine.record import StageRecord
from sparsesim.engine.step import Plan, first_of_stage, simulate_step
from sparsesim.request import make_request
from sparsesim.simulation import plan_of, request_workload, runs_of
from sparsesim.timeline import record_timeline, timeline
from sparsesim.timeline.recorder import StageRecorder, TooManySpans
from sparsesim.timeline.tracks import DRAM, LOAD, STORE, TILE, TILE_TRACK, TRANSFER_TRACK, Spans
from sparsesim.timeline.window import Window
from workloads.errors import UserError

PLENTY = 10_000_000
STAGES = ("forward", "gta", "gtw")


@cache
def _plan() -> Plan:
    """AlexNet / CIFAR-10 on a machine whose buffer takes its layers in several tiles."""
    request = make_request("alexnet", "cifar10", overrides=("buffer.kilobytes=32",))
    workload = request_workload(request)
    return plan_of(workload, runs_of(request, workload), request.load.batch)


def _work(layer: str) -> ConvWork:
    return next(work for work in _plan().works if work.layer == layer)


@cache
def _recorder(layer: str, stage: str) -> StageRecorder:
    return StageRecorder(*first_of_stage(_plan(), _plan().runs[-1], _work(layer), Stage(stage)))


@cache
def _spans(layer: str, stage: str) -> Spans:
    recorder = _recorder(layer, stage)
    return recorder.spans(recorder.whole, PLENTY)


@cache
def _record(layer: str, stage: str) -> StageRecord:
    """What a simulation reports of the same."""
    plan = replace(_plan(), runs=_plan().runs[-1:], works=[_work(layer)])
    return next(r for r in simulate_step(plan, 1).stages if r.stage.value == stage)


def _cycles(spans: Spans, track: int, *whats: int) -> int:
    chosen = spans[(spans[:, log.TRACK] == track) & np.isin(spans[:, log.WHAT], whats)]
    return int((chosen[:, log.END] - chosen[:, log.START]).sum())


LAYERS = pytest.mark.parametrize(
    ("layer", "stage"),
    [*(("features.3", stage) for stage in STAGES), ("classifier.6", "gta"), ("classifier.6", "gtw")],
)


class TestSum:
    @LAYERS
    def test_states_of_every_group_are_those_of_the_record(self, layer: str, stage: str) -> None:
        spans, record, machine = (
            _spans(layer, stage),
            _record(layer, stage),
            _recorder(layer, stage).program.target,
        )
        pes = spans[spans[:, log.TRACK] == log.PE_TRACK]
        shape = (machine.clusters, machine.pes_per_group, machine.groups_per_cluster, DRAM + 1)
        found = np.zeros(shape, dtype=np.int64).reshape(-1, DRAM + 1)
        np.add.at(found, (pes[:, log.UNIT], pes[:, log.WHAT]), pes[:, log.END] - pes[:, log.START])
        assert (found.sum(axis=1) == record.with_dram_cycles).all()
        assert (found[:, DRAM] == record.with_dram_cycles - record.on_chip_cycles).all()
        groups = found.reshape(shape).sum(axis=1).reshape(machine.groups, -1)
        np.testing.assert_array_equal(groups[:, :DRAM], record.states)

    @LAYERS
    def test_bursts_are_the_lines_that_were_counted(self, layer: str, stage: str) -> None:
        spans, counts = _spans(layer, stage), _record(layer, stage).counts
        fetched = (log.FETCH_OPERATION, log.FETCH_CH1, log.FETCH_MASK)
        for port, whats, lines in (
            (log.FETCH_TRACK, fetched, layout.LINES_READ),
            (log.WRITE_TRACK, (log.SUMS_READ,), layout.LINES_SUMS_READ),
            (log.WRITE_TRACK, (log.WRITE,), layout.LINES_WRITTEN),
        ):
            assert _cycles(spans, log.BANK_TRACK, *whats) == counts[lines]
            assert _cycles(spans, port, *whats) == counts[lines]
        assert _cycles(spans, log.FETCH_TRACK, log.HEADER) == counts[layout.HEADERS]

    @LAYERS
    def test_dispatches_are_the_jobs_that_were_counted(self, layer: str, stage: str) -> None:
        spans, recorder = _spans(layer, stage), _recorder(layer, stage)
        target, counts = recorder.program.target, _record(layer, stage).counts
        taken = _cycles(spans, log.CONTROLLER_TRACK, log.JOB_DISPATCH)
        assert taken == counts[layout.JOBS] * target.dispatch_cycles
        jobs = spans[spans[:, log.TRACK] == log.CONTROLLER_TRACK]
        jobs = jobs[jobs[:, log.WHAT] == log.JOB_DISPATCH, log.JOB]
        assert sorted(jobs) == list(range(len(recorder.program.jobs)))
        switches = _cycles(spans, log.CONTROLLER_TRACK, log.TILE_SWITCH)
        assert switches == len(recorder.program.tiles) * target.tile_switch_cycles

    @LAYERS
    def test_transfers_and_tiles_are_the_schedule(self, layer: str, stage: str) -> None:
        spans, recorder, record = _spans(layer, stage), _recorder(layer, stage), _record(layer, stage)
        moved = spans[spans[:, log.TRACK] == TRANSFER_TRACK]
        for what, n_bytes in ((LOAD, record.dram_read_bytes), (STORE, record.dram_write_bytes)):
            chosen = moved[moved[:, log.WHAT] == what]
            assert chosen[:, log.SECOND].sum() == n_bytes
            for span in chosen:
                expected = transfer_cycles(int(span[log.SECOND]), recorder.program.target)
                assert span[log.END] - span[log.START] == expected
        assert _cycles(spans, TILE_TRACK, TILE) == record.on_chip_cycles
        assert spans[:, log.START].min() == 0
        assert spans[:, log.END].max() == record.with_dram_cycles == recorder.cycles

    def test_several_tiles_are_what_was_looked_at(self) -> None:
        assert [len(_recorder("features.3", stage).program.tiles) > 1 for stage in STAGES] == [True] * 3


@LAYERS
def test_spans_of_a_track_do_not_overlap(layer: str, stage: str) -> None:
    spans = _spans(layer, stage)
    same = (spans[1:, : log.UNIT + 1] == spans[:-1, : log.UNIT + 1]).all(axis=1)
    assert (spans[:, log.START] < spans[:, log.END]).all()
    assert (spans[1:, log.START] >= spans[:-1, log.END])[same].all()


class TestWindow:
    def _windows(self) -> list[Window]:
        """Within a tile, across two, before the first, at the end, of one cycle, of all."""
        recorder = _recorder("features.3", "gta")
        (first, end), second = recorder.timetable.tiles[:2]
        assert first > 1, "the machine waits for its first load"
        return [
            Window(first + 100, first + 1100),
            Window(end - 500, second[0] + 500),
            Window(0, first - 1),
            Window(recorder.cycles - 700, recorder.cycles),
            Window(first + 123, first + 124),
            recorder.whole,
        ]

    @pytest.mark.parametrize("number", range(6))
    def test_holds_what_the_whole_has_there(self, number: int) -> None:
        window, whole = self._windows()[number], _spans("features.3", "gta").copy()
        whole[:, log.START] = np.maximum(whole[:, log.START], window.first)
        whole[:, log.END] = np.minimum(whole[:, log.END], window.last)
        whole = whole[whole[:, log.START] < whole[:, log.END]]
        np.testing.assert_array_equal(_recorder("features.3", "gta").spans(window, PLENTY), whole)

    def test_too_many_spans_are_counted(self) -> None:
        recorder = _recorder("features.3", "gta")
        with pytest.raises(TooManySpans) as few:
            recorder.spans(recorder.whole, 1000)
        with pytest.raises(TooManySpans) as fewer:
            recorder.spans(recorder.whole, 0)
        assert few.value.found == fewer.value.found >= len(_spans("features.3", "gta"))
        assert len(recorder.spans(recorder.whole, few.value.found)) == len(_spans("features.3", "gta"))

    def test_of_its_own_begins_with_the_first_tile_and_fits(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(timeline, "DEFAULT_MOST_SPANS", 5000)
        found = record_timeline(_plan(), layer="features.3", stage="gta")
        assert found.window.first == _recorder("features.3", "gta").timetable.tiles[0][0]
        assert 1000 < len(found.spans) <= 5000
        assert found.window.last < found.cycles

    def test_of_its_own_is_all_behind_the_first_load_where_that_fits(self) -> None:
        found = record_timeline(_plan(), layer="classifier.6", stage="gta")
        assert found.window.last == found.cycles
        assert found.window.first == _recorder("classifier.6", "gta").timetable.tiles[0][0]


class TestSubject:
    def test_is_what_takes_most_cycles_of_the_last_run(self) -> None:
        plan = replace(_plan(), works=[_work("features.0"), _work("features.3"), _work("classifier.6")])
        found = record_timeline(plan).subject
        records = simulate_step(plan, 1).stages
        of_run = [r for r in records if r.run == plan.runs[-1].name]
        most = max(of_run, key=lambda record: record.with_dram_cycles / record.samples)
        assert (found.run.name, found.work.layer, found.stage) == (most.run, most.layer, most.stage)

    def test_is_the_longest_stage_of_a_layer_that_is_named(self) -> None:
        found = record_timeline(_plan(), layer="features.6", run="dense").subject
        plan = replace(_plan(), runs=_plan().runs[:1], works=[_work("features.6")])
        most = max(simulate_step(plan, 1).stages, key=lambda r: r.with_dram_cycles / r.samples)
        assert (found.run.name, found.work.layer, found.stage) == ("dense", "features.6", most.stage)

    def test_a_timeline_knows_its_stage(self) -> None:
        found, record = (
            record_timeline(_plan(), layer="classifier.6", stage="gtw"),
            _record("classifier.6", "gtw"),
        )
        assert (found.cycles, found.on_chip_cycles) == (record.with_dram_cycles, record.on_chip_cycles)
        assert (found.samples, found.tiles) == (record.samples, record.tiles)


class TestErrors:
    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"layer": "features.33"}, "unknown --timeline-layer 'features.33'. Did you mean 'features.3'?"),
            ({"stage": "gtaa"}, "unknown --timeline-stage 'gtaa'. Did you mean 'gta'?"),
            ({"run": "prune"}, "unknown --timeline-run 'prune'. Did you mean 'pruned'?"),
            (
                {"layer": "features.0", "stage": "gta"},
                "layer 'features.0' is without this stage; it has forward, gtw.",
            ),
            ({"cycles": "7"}, "--timeline-cycles must be FROM:TO"),
            ({"cycles": "-1:7"}, "--timeline-cycles must be FROM:TO"),
            ({"cycles": "0:1e3"}, "--timeline-cycles must be FROM:TO"),
            ({"cycles": "9:9"}, "FROM must be less than TO"),
        ],
    )
    def test_what_is_not_there(self, options: dict[str, str], words: str) -> None:
        with pytest.raises(UserError) as error:
            record_timeline(_plan(), **options)
        assert words in str(error.value)

    def test_a_window_beyond_the_end(self) -> None:
        cycles = _recorder("features.3", "gta").cycles
        with pytest.raises(UserError, match=f"give a window within 0:{cycles}."):
            record_timeline(_plan(), layer="features.3", stage="gta", cycles=f"0:{cycles + 1}")
        assert record_timeline(
            _plan(), layer="features.3", stage="gta", cycles=f"{cycles - 1}:{cycles}"
        ).spans.size

    def test_a_window_with_too_much_in_it_says_what_fits(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(timeline, "MOST_SPANS", 3000)
        cycles = _recorder("features.3", "gta").cycles
        with pytest.raises(UserError) as error:
            record_timeline(_plan(), layer="features.3", stage="gta", cycles=f"0:{cycles}")
        advice = str(error.value).rsplit(" ", 1)[1].removesuffix(".")
        assert len(record_timeline(_plan(), layer="features.3", stage="gta", cycles=advice).spans)
