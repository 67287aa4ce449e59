"""Rooflines: are points and roofs the machine's and the result's, and is no point above its roof?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from matplotlib.colors import to_hex

import sparsesim
from reports.figures.drawing import Drawing, Points
from reports.figures.files import picture, settle
from reports.figures.roofline import roofline
from reports.figures.roofs import dots_under, roofs
from reports.figures.style import house_style
from reports.language import PAPER, STAGES
from reports.numbers import percent
from sparsesim.results.model import LayerResult, Result
from sparsesim.results.parts import Accounts, ByteCounts
from tests.builders_results import MACHINE, made_result, small_trace, step_records

COMPUTING = ("forward", "gta", "gtw")


def drawn(result: Result) -> Drawing:
    """Laid out, as it is when it is saved."""
    with house_style():
        drawing = roofline(result)
        settle(drawing.figure)
        return drawing


def points(axes: Any, run: str, stage: str) -> list[tuple[float, float]]:
    (found,) = [one for one in axes.collections if one.get_label() == f"{run} {stage}"]
    return [(float(x), float(y)) for x, y in found.get_offsets()]


def expected(layer: LayerResult, memory: str) -> tuple[float, float]:
    moved = layer.bytes
    if memory == "buffer":
        return (
            (moved.buffer_read + moved.buffer_write) / layer.useful_macs,
            layer.useful_macs / layer.cycles.on_chip,
        )
    return (
        moved.dram_read + moved.dram_write
    ) / layer.useful_macs, layer.useful_macs / layer.cycles.with_dram


def idle(result: Result, run: str) -> Result:
    """With nothing to multiply in one run."""

    def stopped(layer: LayerResult) -> LayerResult:
        return replace(
            layer,
            useful_macs=0.0,
            computed_macs=0.0,
            bytes=ByteCounts(),
            cycles=Accounts(0.0, 0.0),
        )

    layers = tuple(stopped(layer) if layer.run == run else layer for layer in result.layers)
    return replace(result, layers=layers)


def test_every_layer_and_stage_is_a_point_of_useful_macs_per_cycle_over_bytes() -> None:
    result = made_result()
    for axes, memory in zip(drawn(result).figure.axes, ("buffer", "DRAM"), strict=True):
        for run in result.runs:
            for stage in COMPUTING:
                layers = [layer for layer in result.layers if (layer.run, layer.stage) == (run, stage)]
                assert points(axes, run, stage) == [
                    pytest.approx(expected(layer, memory)) for layer in layers
                ]


def test_the_data_and_the_targets_are_the_points() -> None:
    result = made_result()
    drawing = drawn(result)
    names = result.layer_names()
    rows = list(zip(*drawing.data.values(), strict=True))
    for axes, memory, target in zip(drawing.figure.axes, ("buffer", "DRAM"), drawing.targets, strict=True):
        mine = [row[1:] for row in rows if row[0] == memory]
        assert isinstance(target, Points)
        assert target.axes is axes
        clicked = zip((names[place] for place in target.layers), target.x, target.y, strict=True)
        assert list(clicked) == [(layer, x, y) for layer, _, _, x, y in mine]
        shown = {
            (run, stage, *point)
            for run in result.runs
            for stage in COMPUTING
            for point in points(axes, run, stage)
        }
        assert shown == {(run, stage, x, y) for _, stage, run, x, y in mine}


def with_bytes(result: Result, buffer: dict[str, float], dram: dict[str, float]) -> Result:
    """Every stage has one useful MAC a cycle and moves so many bytes with it."""

    def changed(layer: LayerResult) -> LayerResult:
        moved = ByteCounts(
            buffer_read=100 * buffer.get(layer.stage, 0.0), dram_write=100 * dram.get(layer.stage, 0.0)
        )
        return replace(layer, useful_macs=100.0, cycles=Accounts(100.0, 200.0), bytes=moved)

    layers = tuple(changed(layer) if layer.stage != "other" else layer for layer in result.layers)
    return replace(result, layers=layers)


def test_the_words_count_the_points_right_of_the_knee_and_tell_the_best() -> None:
    buffer, dram = roofs(MACHINE)
    far, near = {"gtw": 10 * buffer.knee}, {"forward": buffer.knee / 10, "gta": buffer.knee / 10}
    result = with_bytes(made_result(), far | near, {"gta": 10 * dram.knee})
    counts = {
        stage: sum(layer.stage == stage for layer in result.layers) for stage in ("forward", "gta", "gtw")
    }
    first, second = drawn(result).alt.split(" DRAM: ")
    assert (counts["forward"], counts["gta"], counts["gtw"]) == (9, 3, 6)
    assert "18 points" in first
    assert "; 6 of them on the side where bytes" in first
    assert f"reaches {percent(10 / buffer.macs_per_cycle)} of the roof" in first
    assert "3 points" in second
    assert "; 3 of them on the side where bytes" in second
    assert f"reaches {percent(0.5 * 10 / dram.macs_per_cycle)} of the roof" in second


def test_the_roofs_are_the_multipliers_and_the_bandwidths_of_the_machine() -> None:
    buffer, dram = roofs(MACHINE)
    lines = MACHINE.buffer.banks * MACHINE.buffer.line_bits // 8
    assert (buffer.macs_per_cycle, buffer.bytes_per_cycle) == (MACHINE.pes, lines)
    assert (dram.macs_per_cycle, dram.bytes_per_cycle) == (MACHINE.pes, MACHINE.dram_bytes_per_cycle)
    for axes, roof in zip(drawn(made_result()).figure.axes, (buffer, dram), strict=True):
        (line,) = [line for line in axes.lines if line.get_label() == "roof"]
        (left, flat), (knee, peak), (right, end) = line.get_xydata()
        assert (flat, peak) == (roof.macs_per_cycle, roof.macs_per_cycle)
        assert knee * peak == pytest.approx(roof.bytes_per_cycle)
        assert right * end == pytest.approx(roof.bytes_per_cycle)
        assert left < knee < right
        texts = [text.get_text() for text in axes.texts]
        assert texts == [
            f"peak: {roof.macs_per_cycle} MACs per cycle",
            f"{roof.bytes_per_cycle:g} bytes per cycle",
        ]


def test_more_lanes_and_banks_raise_the_roofs() -> None:
    buffer = MACHINE.buffer.model_copy(update={"banks": 2 * MACHINE.buffer.banks})
    wider = MACHINE.model_copy(
        update={"buffer": buffer, "pe": MACHINE.pe.model_copy(update={"macs_per_pe": 3})}
    )
    assert roofs(wider)[0].macs_per_cycle == 3 * MACHINE.pes
    assert roofs(wider)[0].bytes_per_cycle == 2 * roofs(MACHINE)[0].bytes_per_cycle


@pytest.mark.parametrize(
    "overrides", [(), ("pe.macs_per_pe=4",), ("memory.bandwidth_gbytes_per_second=0.8",), ("buffer.banks=1",)]
)
def test_no_point_of_a_real_run_is_above_its_roof(overrides: tuple[str, ...], tmp_path: Path) -> None:
    trace = small_trace(tmp_path / "small.npz")
    result = sparsesim.simulate(trace=trace, overrides=overrides, threads=1)
    for roof in roofs(result.machine):
        found = dots_under(roof, result)
        assert len(found) == sum(layer.useful_macs > 0 for layer in result.layers)
        for dot in found:
            # The DMA's rate is a fraction close to the bandwidth.
            assert dot.macs_per_cycle <= roof.at(dot.bytes_per_mac) * (1 + 1e-6)


def test_stages_have_their_colours_and_runs_their_markers() -> None:
    result = made_result()
    axes = drawn(result).figure.axes[0]
    looks = {}
    for one in axes.collections:
        run, stage = one.get_label().split()
        face, edge = to_hex(one.get_facecolor()[0]), to_hex(one.get_edgecolor()[0])
        hollow = face == PAPER.light
        assert (edge if hollow else face) == STAGES[stage].light
        looks.setdefault(run, set()).add((hollow, len(one.get_paths()[0].vertices)))
    assert all(len(found) == 1 for found in looks.values())
    assert len(set.union(*looks.values())) == len(result.runs)


def test_both_axes_are_logarithmic_and_say_what_they_measure() -> None:
    buffer, dram = drawn(made_result()).figure.axes
    assert {axes.get_xscale() for axes in (buffer, dram)} == {axes.get_yscale() for axes in (buffer, dram)}
    assert buffer.get_xscale() == "log"
    assert (buffer.get_xlabel(), dram.get_xlabel()) == (
        "buffer bytes per useful MAC",
        "DRAM bytes per useful MAC",
    )
    assert buffer.get_ylabel() == "useful MACs per cycle on chip"
    assert dram.get_ylabel() == "useful MACs per cycle with DRAM"


def test_every_point_is_inside_the_axes() -> None:
    drawing = drawn(made_result())
    for target in drawing.targets:
        assert isinstance(target, Points)
        left, right = target.axes.get_xlim()
        bottom, top = target.axes.get_ylim()
        assert all(left < x < right for x in target.x)
        assert all(bottom < y < top for y in target.y)


@pytest.mark.parametrize("runs", [("pruned",), ("dense", "natural", "pruned")])
def test_what_has_no_useful_macs_has_no_point(runs: tuple[str, ...]) -> None:
    result = made_result()
    for run in runs:
        result = idle(result, run)
    drawing = drawn(result)
    assert set(drawing.data["run"]) == set(result.runs) - set(runs)


def test_equal_results_give_equal_pictures() -> None:
    one, other = (drawn(made_result(step_records(layers=1))).figure for _ in range(2))
    with house_style():
        assert picture(one, "svg") == picture(other, "svg")
