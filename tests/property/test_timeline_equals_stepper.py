"""Are the spans of the engine what the stepper does, part by part and cycle by cycle?"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compiler.program import Stage, StageProgram
from sparsesim.engine.dma import timetable
from sparsesim.engine.kernels import log
from sparsesim.engine.kernels.layout import BUSY, REJECT
from sparsesim.stepper.dma import Schedule, transfer_order
from sparsesim.timeline.recorder import StageRecorder
from sparsesim.timeline.tracks import DRAM, OF_TILES, Spans
from tests.builders import random_machine
from tests.builders_masks import (
    FORMS,
    STAGES,
    any_inputs_broadcast_program,
    compiled_program,
    hand_made_program,
    random_layer_masks,
)
from tests.watched_stepper import Seen, watch_tile
from workloads.sparsity.masks import LayerMasks

SETTINGS = settings(
    max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)


def _by_cycle(spans: Spans) -> Seen:
    """The spans spread over their cycles; no cycle of a unit twice."""
    seen: Seen = defaultdict(dict)
    for track, unit, start, end, what, job, first, second in spans.tolist():
        for cycle in range(start, end):
            assert cycle not in seen[track, unit], "two spans of a track overlap"
            if track == log.PE_TRACK:
                seen[track, unit][cycle] = (what, job if what in (BUSY, REJECT) else None)
            else:
                seen[track, unit][cycle] = (what, job, first, second)
    return seen


def _stepped(program: StageProgram, masks: LayerMasks, recorder: StageRecorder) -> Seen:
    """What the stepper does in the tiles of a program, in cycles of the schedule."""
    seen: Seen = defaultdict(dict)
    for index, (start, end) in enumerate(recorder.timetable.tiles):
        length, tile = watch_tile(program, index, masks)
        assert length == end - start
        for unit, cycles in tile.items():
            seen[unit].update({start + cycle: what for cycle, what in cycles.items()})
    return seen


def _assert_equal(program: StageProgram, masks: LayerMasks) -> None:
    recorder = StageRecorder(program, masks)
    spans = recorder.spans(recorder.whole, 1_000_000)
    inside = ~np.isin(spans[:, log.TRACK], OF_TILES)
    inside &= (spans[:, log.TRACK] != log.PE_TRACK) | (spans[:, log.WHAT] != DRAM)
    found, expected = _by_cycle(spans[inside]), _stepped(program, masks, recorder)
    assert {unit for unit in found if found[unit]} == {unit for unit in expected if expected[unit]}
    for unit in expected:
        assert found[unit] == expected[unit], unit


@SETTINGS
@given(seed=st.integers(0, 2**32 - 1), form=st.sampled_from(FORMS))
def test_hand_made_programs(seed: int, form: tuple[Stage, str]) -> None:
    rng = np.random.default_rng(seed)
    program = hand_made_program(form, rng)
    _assert_equal(program, random_layer_masks(program, rng))


@SETTINGS
@given(seed=st.integers(0, 2**32 - 1), stage=st.sampled_from(STAGES))
def test_compiled_programs(seed: int, stage: Stage) -> None:
    rng = np.random.default_rng(seed)
    program = compiled_program(stage, rng)
    if program is not None:
        _assert_equal(program, random_layer_masks(program, rng))


@SETTINGS
@given(seed=st.integers(0, 2**32 - 1))
def test_any_mapping_that_broadcasts_the_input(seed: int) -> None:
    rng = np.random.default_rng(seed)
    program = any_inputs_broadcast_program(rng)
    if program is not None:
        _assert_equal(program, random_layer_masks(program, rng))


class _WatchedSchedule(Schedule):
    """Notes in every cycle the transfer and the tile that are under way, None where there is none."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self.seen: list[tuple[tuple[bool, int] | None, int | None]] = []

    def _tick(self) -> None:
        moved = self._transfer
        tile = self._started - 1 if self._started > self._ended else None
        self.seen.append((None if moved is None else (moved.is_store, moved.tile), tile))
        super()._tick()


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    tiles=st.lists(
        st.tuples(st.integers(1, 60), st.integers(0, 200), st.integers(0, 200)), min_size=1, max_size=7
    ),
    rate=st.sampled_from([0.7, 1.0, 5.0, 12.8]),
    latency=st.integers(0, 30),
)
def test_timetables(tiles: list[tuple[int, int, int]], rate: float, latency: int) -> None:
    """Tiles and transfers against the stepper's channel, for any lengths and sizes."""
    target = replace(
        random_machine(np.random.default_rng(0)), dram_bytes_per_cycle=rate, dram_latency_cycles=latency
    )
    lengths, transfers = [t[0] for t in tiles], [t[1:] for t in tiles]
    stepped = _WatchedSchedule(lengths, transfer_order(transfers, target))
    stepped.run()
    found = timetable(lengths, transfers, target)
    moved: dict[int, tuple[bool, int]] = {}
    for is_store, spans in ((False, found.loads), (True, found.stores)):
        for tile, (start, end) in enumerate(spans):
            assert not moved.keys() & set(range(start, end)), "two transfers overlap"
            moved |= dict.fromkeys(range(start, end), (is_store, tile))
    running = {cycle: tile for tile, (start, end) in enumerate(found.tiles) for cycle in range(start, end)}
    assert found.cycles == stepped.cycle == len(stepped.seen)
    assert [(moved.get(c), running.get(c)) for c in range(stepped.cycle)] == stepped.seen
