"""The sides of a comparison: how are they called, which run is explained, and what differs in them?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from reports.comparison.compare import compare
from reports.comparison.lineup import line_up
from reports.comparison.notes import notes
from reports.comparison.sentences import same
from reports.comparison.sides import MOST_SIDES, make_sides
from sparsesim.machine import load_machine
from sparsesim.machine.fields import field_rows
from sparsesim.results.model import Result
from tests.builders_comparisons import compared, saved_as
from tests.builders_pages import HOSTILE
from tests.builders_results import made_result, step_records
from workloads.errors import UserError


def labels(folder: Path, *names: str) -> list[str]:
    result = made_result()
    return [side.label for side in make_sides([saved_as(folder / name, result, {}) for name in names])]


def renamed(result: Result, names: dict[str, str]) -> Result:
    """The result with some layers called differently."""
    layers = tuple(replace(layer, name=names.get(layer.name, layer.name)) for layer in result.layers)
    return replace(result, layers=layers)


# Names


def test_sides_are_called_by_letter_and_folder(tmp_path: Path) -> None:
    assert labels(tmp_path, "base", "groups112", "hbm2") == ["A base", "B groups112", "C hbm2"]


def test_folders_that_end_alike_show_more_of_their_path(tmp_path: Path) -> None:
    assert labels(tmp_path, "x/run", "y/run", "z") == ["A x/run", "B y/run", "C z"]


def test_long_and_hostile_names_are_short_and_plain(tmp_path: Path) -> None:
    found = labels(tmp_path, "20260301T120000Z-resnet18-imagenet-1a2b3c4d-and-more", "\x1b[31m\nb" + "x" * 90)
    assert all(len(label) <= 42 and label.isprintable() for label in found)
    assert found[1].startswith("B ?[31m?b")


@pytest.mark.parametrize("second", ["a", "a/../a"])
def test_the_same_folder_twice_is_an_error(tmp_path: Path, second: str) -> None:
    with pytest.raises(UserError, match="was given twice"):
        labels(tmp_path, "a", second)


def test_a_link_to_a_folder_is_that_folder(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "link").symlink_to("a")
    with pytest.raises(UserError, match="was given twice"):
        labels(tmp_path, "a", "link")


@pytest.mark.parametrize("count", [0, 1, MOST_SIDES + 1])
def test_fewer_than_two_or_more_than_letters_is_an_error(tmp_path: Path, count: int) -> None:
    with pytest.raises(UserError, match=f"takes 2 to {MOST_SIDES} run folders .got {count}"):
        labels(tmp_path, *(f"run{place}" for place in range(count)))


# Runs


def test_the_last_common_run_is_explained(tmp_path: Path) -> None:
    unpruned = made_result(step_records(("dense", "natural")), prune=None)
    found = compared(tmp_path, {"a": made_result(), "b": unpruned})
    assert [side.run for side in found.sides] == ["natural", "natural"]


def test_pruned_and_recorded_are_compared_and_that_is_said(tmp_path: Path) -> None:
    recorded = made_result(step_records(("dense", "recorded")), prune=None)
    found = compared(tmp_path, {"a": made_result(), "b": recorded})
    assert [side.run for side in found.sides] == ["pruned", "recorded"]
    assert any("recorded of B is compared with pruned of A" in note for note in notes(found))
    rows = [(row.run, row.side.letter) for row in found.totals if row.accounting == "on_chip"]
    assert rows == [("dense", "A"), ("dense", "B"), ("pruned", "A"), ("recorded", "B")]


def test_any_common_run_can_be_asked_for(tmp_path: Path) -> None:
    found = compared(tmp_path, {"a": made_result(), "b": made_result()}, run="natural")
    assert {side.run for side in found.sides} == {"natural"}


def test_a_run_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    recorded = made_result(step_records(("dense", "recorded")), prune=None)
    with pytest.raises(UserError, match="--run pruned: b has no such run; runs that all have: dense"):
        compared(tmp_path, {"a": made_result(), "b": recorded}, run="pruned")
    with pytest.raises(UserError, match=r"unknown run 'prund'\. Did you mean 'pruned'"):
        compared(tmp_path, {"a": made_result(), "b": recorded}, run="prund")


# What differs


def test_machine_fields_that_differ_have_their_dotted_names(tmp_path: Path) -> None:
    other = load_machine("sparsetrain", ["memory.kind=hbm2", "policy.skip_zeros=false"])
    found = compared(tmp_path, {"a": made_result(), "b": made_result(machine=other)}).settings
    rows = {row.name: (row.unit, row.values) for row in found.machine}
    assert rows == {
        "memory.kind": ("", ("lpddr4", "hbm2")),
        "memory.bandwidth_gbytes_per_second": ("GB/s", ("25.6", "256")),
        "memory.latency_ns": ("ns", ("65", "50")),
        "policy.skip_zeros": ("", ("true", "false")),
    }
    assert set(rows) <= {row.name for row in field_rows()}
    assert found.inputs == [] and found.versions == []


def test_equal_machines_and_inputs_are_said_in_a_sentence(tmp_path: Path) -> None:
    found = compared(tmp_path, {"a": made_result(), "b": made_result()})
    assert list(same(found)) == ["The same machine.", "The same inputs."]


def test_inputs_that_differ_are_listed(tmp_path: Path) -> None:
    one = made_result()
    other = replace(one, seed=7, batch=8, samples=4, prune=None, energy_table="own")
    found = compared(tmp_path, {"a": one, "b": other})
    rows = {row.name: row.values for row in found.settings.inputs}
    assert rows["seed"] == ("0", "7") and rows["batch"] == ("32", "8")
    assert rows["simulated"] == ("1", "4") and rows["pruning rate of dO"] == ("0.9", "-")


def test_versions_and_digests_come_from_the_manifest(tmp_path: Path) -> None:
    result = made_result()
    manifests = [
        {
            "versions": {"numpy": version},
            "inputs_sha256": {"energy": digest * 64},
            "arguments": {"overrides": rows},
        }
        for version, digest, rows in (("2.0", "a", []), ("2.1", "b", ["energy.mac.int16=1", "groups=8"]))
    ]
    found = compare(
        [saved_as(tmp_path / name, result, manifest) for name, manifest in zip("ab", manifests, strict=True)]
    )
    assert [(row.name, row.values) for row in found.settings.versions] == [("numpy", ("2.0", "2.1"))]
    rows = {row.name: row.values for row in found.settings.inputs}
    assert rows["energy table, contents"] == ("a" * 12, "b" * 12)
    assert rows["energy table, changed rows"] == ("-", "energy.mac.int16=1")
    assert any("numbers may differ for that reason alone" in sentence for sentence in same(found))


@pytest.mark.parametrize("broken", [{}, {"versions": 3, "inputs_sha256": [], "arguments": "x"}])
def test_a_manifest_without_its_parts_is_no_obstacle(tmp_path: Path, broken: dict[str, object]) -> None:
    found = compared(tmp_path, {"a": made_result(), "b": made_result()}, manifest=broken)
    assert found.settings.versions == []


# Which layer is which


def test_layers_of_one_network_are_matched_by_name_whatever_their_size(tmp_path: Path) -> None:
    one, other = made_result(), made_result(step_records(layers=3))
    sides = compared(tmp_path, {"a": one, "b": other}).sides
    found = line_up(sides)
    assert found.lines == [("conv0",) * 2, ("conv1",) * 2, (None, "conv2"), ("fc", "fc")]
    assert found.texts == ["conv0", "conv1", "conv2 (only B)", "fc"]


def test_layers_of_other_networks_are_matched_if_they_are_as_large(tmp_path: Path) -> None:
    other = replace(made_result(), network="vgg16")
    layers = tuple(
        replace(layer, dense_macs=layer.dense_macs * 3) if layer.name == "conv1" else layer
        for layer in other.layers
    )
    found = compared(tmp_path, {"a": made_result(), "b": replace(other, layers=layers)})
    assert found.lineup.texts == ["conv0", "conv1 (only B)", "conv1 (only A)", "fc"]


def test_layers_that_a_trace_calls_differently_are_matched_by_place_and_size(tmp_path: Path) -> None:
    names = {"conv0": "features.0", "conv1": "features.3", "fc": "classifier"}
    other = replace(renamed(made_result(), names), network="tiny")
    found = compared(tmp_path, {"a": made_result(), "b": other})
    assert found.attributions[0].matched == (0, 1, 2)
    assert found.lineup.texts == ["conv0", "conv1", "fc"]
    assert any("matched by place and size" in note for note in notes(found))


def test_networks_without_a_common_layer_are_said_to_be(tmp_path: Path) -> None:
    one = made_result(step_records(layers=3))
    other = replace(renamed(made_result(), {"conv0": "x", "conv1": "y", "fc": "z"}), network="other")
    found = compared(tmp_path, {"a": one, "b": other})
    assert found.attributions[0].matched == ()
    said = " ".join(notes(found))
    assert "no layer in common" in said and "not of the same work" in said


def test_hostile_names_are_plain_in_all_sentences(tmp_path: Path) -> None:
    one = made_result()
    other = replace(one, network=HOSTILE[3], dataset=HOSTILE[4], samples=3)
    assert all(note.isprintable() for note in notes(compared(tmp_path, {"a": one, "b\x1b": other})))
