"""Trace files: is it the Trace Event Format whatever a layer is called, and all there or not at all?"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compiler.geometry import ConvGeometry
from compiler.target import Target
from compiler.training import ConvWork
from sparsesim.engine.kernels import log
from sparsesim.engine.source import ProfileSource
from sparsesim.engine.step import Plan, Run
from sparsesim.machine import load_machine
from sparsesim.timeline import Timeline, check_file, record_timeline, trace_file, write_trace
from sparsesim.timeline.timeline import DEFAULT_MOST_SPANS
from sparsesim.timeline.tracks import SPAN_NAMES, STATE_NAMES
from workloads.errors import UserError
from workloads.sparsity.masks import LayerMasks

HOSTILE = '"},{\\u0022 \x1b[31m\r\n</script>\x00é\U0001f600 %s {0}'
SIZE = 10


class _Masks(ProfileSource):
    """The same few masks for every layer."""

    def __init__(self) -> None:
        pass

    def masks(self, layer: str, pruning: float, sample: int) -> LayerMasks:
        rng = np.random.default_rng(7)
        inputs, grads = rng.random((2, 4, SIZE, SIZE)) < 0.4
        return LayerMasks(inputs, grads, inputs)

    def densities(self, layer: str, pruning: float) -> Any:
        return self.masks(layer, pruning, 0).densities()

    def channel_shares(self, layer: str, pruning: float) -> tuple[float, float]:
        return 0.0, 0.0


def _target() -> Target:
    machine = load_machine("sparsetrain", ("array.groups=6", "array.clusters=2", "array.pes_per_group=2"))
    return replace(machine.to_target(), buffer_bytes=3000)


@cache
def _timeline(layer: str = "conv", stage: str = "gtw", cycles: str | None = None) -> Timeline:
    work = ConvWork(
        layer,
        1,
        ConvGeometry(4, 4, (SIZE, SIZE), (3, 3), padding=(1, 1)),
        False,
        True,
        True,
        True,
        "none",
        False,
    )
    plan = Plan([work], (), _Masks(), [Run("natural", _target(), 0.0)], 1, 1, 1)
    return record_timeline(plan, stage=stage, cycles=cycles)


def _written(timeline: Timeline, path: Path, about: dict[str, Any] | None = None) -> dict[str, Any]:
    write_trace(timeline, path, about)
    found: dict[str, Any] = json.loads(path.read_bytes().decode("ascii"))
    return found


def _check_metadata(event: dict[str, Any]) -> None:
    of_thread = event["name"].startswith("thread_")
    assert set(event) == {"ph", "pid", "name", "args"} | ({"tid"} if of_thread else set())
    kind = event["name"].removeprefix("thread_" if of_thread else "process_")
    value = event["args"]["name" if kind == "name" else kind]
    assert (kind, type(value)) in {("name", str), ("sort_index", int)}


def _check_span(event: dict[str, Any]) -> None:
    assert set(event) == {"ph", "pid", "tid", "ts", "dur", "name", "cat", "args"}
    assert all(type(event[key]) is int for key in ("pid", "tid", "ts", "dur"))
    assert event["ts"] >= 0
    assert event["dur"] > 0
    assert type(event["args"]) is dict


@pytest.mark.parametrize("stage", ["forward", "gta", "gtw"])
class TestFormat:
    def test_every_event_is_one_of_two_kinds(self, stage: str, tmp_path: Path) -> None:
        trace = _written(_timeline(stage=stage), tmp_path / "t.json")
        assert set(trace) == {"displayTimeUnit", "otherData", "traceEvents"}
        assert trace["displayTimeUnit"] in {"ms", "ns"}
        for event in trace["traceEvents"]:
            {"M": _check_metadata, "X": _check_span}[event["ph"]](event)

    def test_threads_have_names_and_a_process_of_their_own(self, stage: str, tmp_path: Path) -> None:
        events = _written(_timeline(stage=stage), tmp_path / "t.json")["traceEvents"]
        processes = {e["pid"]: e["args"]["name"] for e in events if e["name"] == "process_name"}
        threads = {e["tid"]: (e["pid"], e["args"]["name"]) for e in events if e["name"] == "thread_name"}
        assert len(set(processes.values())) == len(processes)
        assert len(set(threads.values())) == len(threads)
        assert not threads.keys() & processes.keys(), "a viewer would take them for main threads"
        spans = [e for e in events if e["ph"] == "X"]
        assert all(threads[e["tid"]][0] == e["pid"] for e in spans)
        named = {(processes[pid], name) for pid, name in threads.values()}
        assert {
            ("cluster 1, group 2", "PE 1"),
            ("cluster 0", "fetch port"),
            ("global buffer", "bank 0"),
        } < named
        assert len(threads) == 3 + 4 + 2 * 2 + 6 * (1 + 2)

    def test_time_goes_on_and_nothing_overlaps(self, stage: str, tmp_path: Path) -> None:
        spans = [
            e for e in _written(_timeline(stage=stage), tmp_path / "t.json")["traceEvents"] if e["ph"] == "X"
        ]
        assert [e["ts"] for e in spans] == sorted(e["ts"] for e in spans)
        free: dict[int, int] = defaultdict(int)
        for event in spans:
            assert event["ts"] >= free[event["tid"]]
            free[event["tid"]] = event["ts"] + event["dur"]

    def test_every_pe_is_in_a_state_in_every_cycle(self, stage: str, tmp_path: Path) -> None:
        """By the names of the threads: group and PE of the file are those of the counters."""
        timeline = _timeline(stage=stage)
        events = _written(timeline, tmp_path / "t.json")["traceEvents"]
        processes = {e["pid"]: e["args"]["name"] for e in events if e["name"] == "process_name"}
        threads = {e["tid"]: e["args"]["name"] for e in events if e["name"] == "thread_name"}
        found: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: dict.fromkeys(STATE_NAMES, 0))
        for event in events:
            if event["ph"] == "X" and event["cat"] == "pe":
                found[processes[event["pid"]], threads[event["tid"]]][event["name"]] += event["dur"]
        spans, target = timeline.spans, timeline.target
        for cluster in range(target.clusters):
            for group in range(target.groups_per_cluster):
                for pe in range(target.pes_per_group):
                    unit = (cluster * target.pes_per_group + pe) * target.groups_per_cluster + group
                    mine = spans[(spans[:, log.TRACK] == log.PE_TRACK) & (spans[:, log.UNIT] == unit)]
                    length = mine[:, log.END] - mine[:, log.START]
                    expected = [int(length[mine[:, log.WHAT] == state].sum()) for state in range(7)]
                    told = found[f"cluster {cluster}, group {group}", f"PE {pe}"]
                    assert list(told.values()) == expected
                    assert sum(expected) == timeline.window.cycles


def test_times_are_cycles_of_the_stage_and_the_file_says_so(tmp_path: Path) -> None:
    timeline = _timeline(cycles="50:150")
    trace = _written(timeline, tmp_path / "t.json", {"machine": "mine"})
    spans = [event for event in trace["traceEvents"] if event["ph"] == "X"]
    assert min(event["ts"] for event in spans) == 50
    assert max(event["ts"] + event["dur"] for event in spans) == 150
    about = trace["otherData"]
    assert (about["first_cycle"], about["end_cycle"], about["stage_cycles"]) == (50, 150, timeline.cycles)
    assert (about["layer"], about["stage"], about["run"], about["machine"]) == (
        "conv",
        "gtw",
        "natural",
        "mine",
    )
    assert "1 us of the trace is 1 clock cycle" in about["time"]


def test_a_hostile_name_is_a_name(tmp_path: Path) -> None:
    plain, hostile = (_written(_timeline(name), tmp_path / "t.json") for name in ("conv", HOSTILE))
    assert hostile["otherData"]["layer"] == HOSTILE
    first = next(e for e in hostile["traceEvents"] if e["name"] == "process_name")
    assert first["args"]["name"].startswith(HOSTILE)
    assert hostile["traceEvents"][1:] == plain["traceEvents"][1:], "nothing but the name is different"


def test_all_kinds_of_spans_have_names(tmp_path: Path) -> None:
    """Together the three stages show everything there is, each under a name of its own in its track."""
    seen: dict[str, set[str]] = defaultdict(set)
    for stage in ("forward", "gta", "gtw"):
        for event in _written(_timeline(stage=stage), tmp_path / "t.json")["traceEvents"]:
            if event["ph"] == "X":
                seen[event["cat"]].add(event["name"].rstrip(" 0123456789"))
    assert seen["bank"] == {"operation", "ch1 rows", "mask", "write", "sums read"}
    assert seen["fetch port"] == {"header", "wait for bank", "operation", "ch1 rows", "mask"}
    assert seen["write port"] >= {"write", "sums read"}
    assert seen["ppu"] >= {"drain", "write"}
    assert seen["controller"] == {"dispatch", "tile switch"}
    assert seen["dma"] == {"load", "store"}
    assert seen["tile"] == {"tile", "wait for memory"}
    assert seen["pe"] >= {"busy", "buffer", "ppu", "dispatch", "dram"}
    for names in SPAN_NAMES.values():
        assert len(set(names.values())) == len(names)


def test_as_many_spans_as_a_file_may_have_by_itself_stay_below_50_mb() -> None:
    """Also if all of them had the most words and numbers as long as the largest machines and layers give."""
    pieces = [
        text for s in ("forward", "gta", "gtw") for text in trace_file.trace_text(_timeline(stage=s), {})
    ]
    words = max(sum(not letter.isdigit() for letter in text) for text in pieces if '"X"' in text)
    digits = 10 + 6 + 2 * 6 + 7 + 3 * 4  # ts, dur, pid and tid, job; port, stream or group, bank
    assert DEFAULT_MOST_SPANS * (words + digits) < 48e6


class TestFile:
    def test_is_replaced_and_as_public_as_others(self, tmp_path: Path) -> None:
        path, other = tmp_path / "t.json", tmp_path / "other"
        path.write_text("old")
        other.write_text("")
        _written(_timeline(), path)
        assert path.stat().st_mode == other.stat().st_mode
        assert sorted(p.name for p in tmp_path.iterdir()) == ["other", "t.json"]

    def test_behind_a_link_is_the_file_that_is_written(self, tmp_path: Path) -> None:
        (tmp_path / "link.json").symlink_to("t.json")
        _written(_timeline(), tmp_path / "link.json")
        assert (tmp_path / "link.json").is_symlink()
        assert (tmp_path / "t.json").is_file()

    def test_stays_what_it_was_if_writing_fails(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*_: Any) -> Any:
            yield "{"
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(trace_file, "trace_text", full)
        path = tmp_path / "t.json"
        path.write_text("old")
        with pytest.raises(OSError, match="No space left"):
            write_trace(_timeline(), path)
        assert [p.name for p in tmp_path.iterdir()] == ["t.json"]
        assert path.read_text() == "old"

    def test_probing_leaves_nothing(self, tmp_path: Path) -> None:
        check_file(tmp_path / "t.json")
        assert list(tmp_path.iterdir()) == []

    def test_a_folder_or_a_device_is_no_file(self, tmp_path: Path) -> None:
        for path in (tmp_path, Path(os.devnull), Path()):
            with pytest.raises(UserError, match="is there and no file"):
                check_file(path)

    def test_a_folder_that_is_missing(self, tmp_path: Path) -> None:
        with pytest.raises(UserError, match=r"cannot be written, .*missing: No such file"):
            check_file(tmp_path / "missing" / "t.json")

    def test_a_name_that_is_too_long(self, tmp_path: Path) -> None:
        with pytest.raises(UserError, match="cannot be written"):
            check_file(tmp_path / ("x" * 300))
