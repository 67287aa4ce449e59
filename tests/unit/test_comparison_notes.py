"""Notes of a comparison: is what they warn of so, and do they keep quiet where it is not?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reports.comparison.compare import compare
from reports.comparison.notes import notes
from sparsesim import simulate
from sparsesim.machine import load_machine
from sparsesim.results.model import ProfileSource, Result
from sparsesim.results.parts import Accounts
from tests.books import shows
from tests.builders_comparisons import compared, saved_as, unlike
from tests.builders_results import made_result, step_records


def said(folder: Path, *results: Result, run: str | None = None) -> str:
    """All notes on results, in folders a, b ...."""
    return " ".join(notes(compared(folder, dict(zip("abcdef", results, strict=False)), run)))


def of_kind(result: Result, kind: str) -> Result:
    return replace(result, profile=ProfileSource(kind, kind, "somewhere"))


def test_equal_runs_need_no_note(tmp_path: Path) -> None:
    assert said(tmp_path, made_result(), made_result()) == ""


# Where zeros come from


def test_every_side_with_transferred_sparsity_is_told(tmp_path: Path) -> None:
    one = made_result()
    elsewhere = [replace(one.profile, transferred_from=text) for text in ("x", "y", "x\x1b")]
    runs = [
        one,
        *(replace(one, profile=profile) for profile in elsewhere),
        replace(one, profile=elsewhere[0]),
    ]
    found = list(notes(compared(tmp_path, dict(zip("abcde", runs, strict=True)))))[:3]
    about = "TRANSFERRED sparsity, not all of it recorded on resnet18 on cifar10:"
    assert found == [f"B, E: {about} x.", f"C: {about} y.", f"D: {about} x?."]


@pytest.mark.parametrize("kind", ["profile", "uniform"])
def test_other_seeds_are_chance_where_masks_are_drawn(kind: str, tmp_path: Path) -> None:
    one = of_kind(made_result(), kind)
    assert "a part of the difference is chance" in said(tmp_path, one, replace(one, seed=1))


@pytest.mark.parametrize("kind", ["trace", "dense"])
def test_seeds_mean_nothing_where_no_masks_are_drawn(kind: str, tmp_path: Path) -> None:
    one = of_kind(made_result(), kind)
    assert "chance" not in said(tmp_path, one, replace(one, seed=1))


def test_dense_runs_have_no_masks_to_differ(tmp_path: Path) -> None:
    one = made_result()
    assert said(tmp_path, one, replace(one, seed=1), run="dense") == ""
    assert said(tmp_path, one, of_kind(one, "uniform"), run="dense") == ""


def test_other_kinds_of_zeros_are_named(tmp_path: Path) -> None:
    one = made_result()
    found = said(tmp_path, one, of_kind(one, "uniform"), of_kind(one, "trace"), of_kind(one, "dense"))
    assert "B has independent zeros, A has zeros drawn from a profile" in found
    assert "C has the zeros of a recorded trace, A has zeros drawn from a profile" in found
    assert "D has no zeros, A has zeros drawn from a profile" in found


# Runs, samples and work


def test_a_run_that_one_side_lacks_is_told(tmp_path: Path) -> None:
    unpruned = made_result(step_records(("dense", "natural")), prune=None)
    assert "A also has the run pruned, B does not; natural is compared." in said(
        tmp_path, made_result(), unpruned
    )
    assert "B also has the run pruned, A does not; natural is compared." in said(
        tmp_path, unpruned, made_result()
    )
    assert "also has" not in said(tmp_path, made_result(), made_result())


def test_the_spread_is_explained_where_it_is_shown(tmp_path: Path) -> None:
    one, two = made_result(), made_result(step_records(samples=3))
    found = said(tmp_path, one, two)
    assert "B and A: means over 3 and 1 samples" in found
    assert "+- in the totals is half of the 95 % confidence interval" in found
    assert "A: a single sample, of which no spread is known." in found
    assert "a single sample" not in said(tmp_path, two, two)
    assert "+-" not in said(tmp_path, one, replace(one, seed=1))


@pytest.mark.parametrize("first", [True, False])
def test_the_side_without_other_work_is_called_the_trace(first: bool, tmp_path: Path) -> None:
    trace = made_result(step_records(("dense", "recorded")), prune=None)
    sides = (trace, made_result()) if first else (made_result(), trace)
    letter = "A" if first else "B"
    assert f"{letter} is a trace, which holds convolutions and FC layers only" in said(tmp_path, *sides)


def test_other_samples_of_gtw_are_told_from_another_machine(tmp_path: Path) -> None:
    one = made_result()
    layers = tuple(
        replace(layer, useful_macs=layer.useful_macs + 9) if layer.stage == "gtw" else layer
        for layer in one.layers
    )
    words = "GTW has other useful MACs in 2 layers"
    other = replace(one, layers=layers)
    assert any(words in note for note in notes(compared(tmp_path, {"a": one, "b": other})))
    assert not any(
        words in note for note in notes(compared(tmp_path, {"a": one, "b": replace(other, seed=1)}))
    )


# Machines and energies


def test_clocks_are_brought_to_time(tmp_path: Path) -> None:
    """Cycles over the clock, B over A."""
    one, other = unlike().values()
    found = re.search(
        r"clocks of 500 and 800 MHz: in time, not cycles, B takes (\S+) of A", said(tmp_path, one, other)
    )
    assert found is not None
    seconds = [r.runs["pruned"].cycles.on_chip / r.machine.array.clock_mhz for r in (one, other)]
    assert shows(found[1], seconds[1] / seconds[0])


@pytest.mark.parametrize(
    ("digests", "name", "told"),
    [
        (("a" * 64, "b" * 64), "", True),
        (("a" * 64, "a" * 64), "", False),
        (("a" * 64, None), "", False),
        ((None, None), "own", True),
    ],
)
def test_energy_tables_differ_by_contents_or_by_name(
    digests: tuple[str | None, str | None], name: str, told: bool, tmp_path: Path
) -> None:
    one = made_result()
    runs = zip("ab", (one, replace(one, energy_table=name or one.energy_table)), digests, strict=True)
    saved = [saved_as(tmp_path / folder, result, manifest_of(digest)) for folder, result, digest in runs]
    assert any("different energy tables" in note for note in notes(compare(saved))) == told


def manifest_of(digest: str | None) -> Mapping[str, Any]:
    return {"inputs_sha256": {} if digest is None else {"energy": digest}}


OTHER_TILES = "have the same array, and yet other cycles on chip"


@pytest.mark.parametrize("override", ["memory.bandwidth_gbytes_per_second=1", "array.clock_mhz=3000"])
def test_the_mapper_really_minds_the_memory_and_that_is_said(override: str, tmp_path: Path) -> None:
    one, other = unlike()["base"], simulate("alexnet", "cifar10", overrides=[override])
    assert one.runs["pruned"].cycles.on_chip != other.runs["pruned"].cycles.on_chip
    assert OTHER_TILES in said(tmp_path, one, other)


def test_other_tiles_are_blamed_only_where_nothing_else_can_be(tmp_path: Path) -> None:
    memory = load_machine("sparsetrain", ["memory.kind=hbm2"])
    array = load_machine("sparsetrain", ["memory.kind=hbm2", "groups=112"])
    one = made_result()
    other = with_cycles(replace(one, machine=memory), 1.01)
    assert OTHER_TILES in said(tmp_path, one, other)
    assert OTHER_TILES not in said(tmp_path, one, replace(one, machine=memory))
    assert OTHER_TILES not in said(tmp_path, one, with_cycles(one, 1.01))
    assert OTHER_TILES not in said(tmp_path, one, replace(other, machine=array))
    assert OTHER_TILES not in said(tmp_path, one, replace(other, seed=1))


def with_cycles(result: Result, by: float) -> Result:
    """The result with other cycles of its runs."""
    runs = {
        name: replace(run, cycles=Accounts(run.cycles.on_chip * by, run.cycles.with_dram * by))
        for name, run in result.runs.items()
    }
    return replace(result, runs=runs)
