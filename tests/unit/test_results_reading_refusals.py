"""Is whatever is no saved run, or cannot be true, refused with one sentence that says what is wrong?"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet

import sparsesim
from sparsesim.results import reading
from sparsesim.study.store.database import INDEX
from tests.builders_results import made_result
from tests.builders_runs import edit, saved
from workloads.errors import UserError

Tree = dict[str, Any]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(made_result(), tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture
def run(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "run"))


def refused(path: Path | str, *parts: str) -> str:
    """The sentence of the error, which has the parts in it."""
    with pytest.raises(UserError) as caught:
        sparsesim.load_run(path)
    sentence = str(caught.value)
    assert "\n" not in sentence
    for part in parts:
        assert part in sentence
    return sentence


def test_a_folder_that_is_not_there(run: Path) -> None:
    refused(run.with_name("rum"), f"{run.parent}/rum: there is no such folder", f"Did you mean {str(run)!r}?")
    refused(run / "x" / "y", "there is no such folder")
    refused("n" * 300, "cannot be read (File name too long)")


def test_a_file_instead_of_a_folder(run: Path) -> None:
    refused(run / "layers.csv", "layers.csv: is not a folder; give the folder of a run")


def test_a_folder_that_holds_something_else(tmp_path: Path) -> None:
    refused(tmp_path, f"{tmp_path}: is not a run folder: it has no summary.json")
    (tmp_path / INDEX).touch()
    refused(tmp_path, "is the folder of a study, not of a run; see it with `show` or sparsesim.load_study")
    assert reading.STUDY_INDEX == INDEX


def test_a_folder_of_an_earlier_version_says_how_to_make_it_again(run: Path) -> None:
    (run / "groups.parquet").unlink()
    edit(run, lambda tree: tree.pop("revision"))
    refused(run, "was written by an earlier version", "it was made with: python -m sparsesim run 'a b'.")
    (run / "manifest.json").write_text("{}")
    refused(run, "was written by an earlier version", "simulate it again into another folder.")


def test_a_folder_of_a_later_version(run: Path) -> None:
    edit(run, lambda tree: tree.update(revision=9))
    refused(run, "summary.json: revision must be at most 2 (got 9)", "later version")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "summary.json:1:1: is not valid JSON"),
        (b'{\n "a": 1,\n', "summary.json:3:1: is not valid JSON"),
        (b'{"a": 1} x', "summary.json:1:10: is not valid JSON: Extra data"),
        (b'{"a": "\xff"}', "summary.json: is not valid JSON: byte 7 is not UTF-8 text"),
        (b"[" * 100_000, "summary.json: is nested too deeply"),
        (b'{"a": ' + b"1" * 5000 + b"}", "summary.json: has a number that is too long"),
        (b"[1]", "summary.json: the whole file must be an object (got a list)"),
        (b"{}", "summary.json: schema is missing"),
        (b'{"schema": "x"}', "summary.json: schema must be 'sparsesim-result/1' (got \"x\")"),
    ],
)
def test_a_summary_that_is_none(run: Path, content: bytes, sentence: str) -> None:
    (run / "summary.json").write_bytes(content)
    refused(run, sentence)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_summary_that_was_cut_off(run: Path, share: float) -> None:
    file = run / "summary.json"
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * share)])
    assert re.search(r"summary.json:\d+:\d+: is not valid JSON", refused(run))


def at(tree: Any, path: str) -> tuple[Any, Any]:
    """The container and the key that a dotted path leads to."""
    *above, last = [int(part) if part.isdecimal() else part for part in path.split(".")]
    for part in above:
        tree = tree[part]
    return tree, last


REQUIRED = [
    "network", "machine", "profile.source", "runs", "runs.natural.cycles.on_chip", "speedup",
    "runs.dense.cycles_by_stage.with_dram.other", "energy_efficiency", "layers", "layers.3.index",
    "layers.0.computed_macs", "layers.1.energy_pj.by_component_range", "layers.1.energy_pj.on_chip.low",
    "layers.2.group_cycles.dram", "layers.2.bytes.buffer_read", "engine.seconds", "wall_seconds", "notes",
]  # fmt: skip


@pytest.mark.parametrize("path", REQUIRED)
def test_a_key_that_is_missing_is_named(run: Path, path: str) -> None:
    def remove(tree: Tree) -> None:
        above, key = at(tree, path)
        del above[key]

    edit(run, remove)
    refused(run, f"summary.json: {path} is missing")


@pytest.mark.parametrize(
    ("path", "value", "rule"),
    [
        ("layers.4.cycles.on_chip", "12", 'must be a valid number (got "12")'),
        ("layers.4.cycles.on_chip", True, "must be a valid number (got true)"),
        ("layers.4.cycles.on_chip", None, "must be a valid number (got null)"),
        ("layers.4.cycles.on_chip", float("nan"), "must be a finite number (got NaN)"),
        ("runs.pruned.useful_macs", float("inf"), "must be a finite number (got Infinity)"),
        ("runs.pruned.bytes.dram_read", -1, "must be greater than or equal to 0 (got -1)"),
        ("layers.4.stage", "fwd", "must be 'forward', 'gta', 'gtw' or 'other'"),
        ("layers.4.cycles", 7, "must be an object (got 7)"),
        ("layers", {}, "must be a valid tuple (got an object)"),
        ("layers", [], "must have at least 1 item"),
        ("runs", [], "must be an object (got a list)"),
        ("batch", 0, "must be greater than or equal to 1 (got 0)"),
        ("seed", 0.5, "must be a valid integer"),
        ("notes", "free", "must be a valid tuple"),
        ("profile.kind", "guess", "must be 'trace', 'profile', 'uniform' or 'dense'"),
        ("layers.0.density.input", 1.5, "must be less than or equal to 1 (got 1.5)"),
        ("layers.0.energy_pj.by_component_range.on_chip.mac", [1], "1 is missing"),
    ],
)  # fmt: skip
def test_a_value_of_a_wrong_type_is_named(run: Path, path: str, value: Any, rule: str) -> None:
    def change(tree: Tree) -> None:
        above, key = at(tree, path)
        above[key] = value

    edit(run, change)
    refused(run, f"summary.json: {path}", rule)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda t: t["runs"].pop("dense"), "runs must begin with 'dense' (got natural, pruned)"),
        (lambda t: t["runs"].clear(), "runs must begin with 'dense' (got none)"),
        (lambda t: t["layers"][5].update(run="x"), "layers.5.run must be one of the runs"),
        (lambda t: t["layers"][5].update(density={}), "layers.5.density must have the keys input"),
        (
            lambda t: t["layers"][5]["energy_pj"]["by_component"].pop("mac"),
            "layers.5.energy_pj.by_component must have the keys mac",
        ),
        (
            lambda t: t["runs"]["dense"]["energy_pj"]["by_component_range"]["on_chip"].update(dram=[1, 2]),
            "runs.dense.energy_pj.by_component_range.on_chip must have the keys",
        ),
        (
            lambda t: t.update(speedup_half_width={"x": {"on_chip": 1, "with_dram": 1}}),
            "speedup_half_width.x must be one of the runs",
        ),
        (
            lambda t: t.update(
                density_over_time={
                    "recorded_on": "a",
                    "source": "b",
                    "epochs": [1, 2],
                    "layers": {"c": [0.5]},
                }
            ),
            "density_over_time.layers.c must have 2 values, one for each epoch (got 1)",
        ),
        (lambda t: t["machine"]["array"].update(groups=0), "machine: array.groups must be a whole number"),
        (lambda t: t["machine"].update(arrays={}), "machine: unknown field 'arrays'. Did you mean 'array'?"),
        (lambda t: t["machine"]["array"].update(clusters=5), "machine: "),
    ],
)
def test_parts_that_do_not_fit_each_other(run: Path, change: Callable[[Tree], Any], sentence: str) -> None:
    edit(run, change)
    refused(run, f"summary.json: {sentence}")


def test_a_machine_without_end_is_refused(run: Path) -> None:
    text = (run / "summary.json").read_text()
    deep = '{"a":' * 800 + "1" + "}" * 800
    (run / "summary.json").write_text(text.replace('"machine": {', f'"machine": {{"x": {deep},', 1))
    refused(run, "summary.json: machine")


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("layers.0.group_cycles.busy", "the causes add up to"),
        ("layers.0.cycles.with_dram", "the causes add up to"),
        ("layers.0.computed_macs", "products computed, but the masks have"),
        ("runs.pruned.cycles_by_stage.on_chip.gta", "the stages add up to"),
        ("runs.pruned.useful_macs", "runs.pruned.useful_macs is"),
        ("runs.pruned.bytes.dram_read", "runs.pruned.bytes.dram_read is"),
        ("layers.0.bytes.buffer_read", "runs.dense.bytes.buffer_read is"),
        ("speedup.pruned.on_chip", "speedup.pruned.on_chip is"),
        ("energy_efficiency.natural.with_dram", "energy_efficiency.natural.with_dram is"),
        ("layers.0.energy_pj.on_chip.centre", "layers.0.energy_pj.on_chip.centre is"),
    ],
)
def test_numbers_that_were_changed_by_hand_are_noticed(run: Path, path: str, sentence: str) -> None:
    def change(tree: Tree) -> None:
        above, key = at(tree, path)
        above[key] += 1000

    edit(run, change)
    found = refused(run, "summary.json: cannot be the result of a simulation: ", sentence)
    assert "this is a bug" not in found


def test_numbers_too_large_to_add_are_refused(run: Path) -> None:
    def change(tree: Tree) -> None:
        for layer in tree["layers"]:
            layer["bytes"]["dram_read"] = 1.7e308

    edit(run, change)
    refused(run, "its numbers add up to more than a number can be")


# groups.parquet and manifest.json


def rewritten(run: Path, change: Callable[[pyarrow.Table], pyarrow.Table]) -> None:
    file = run / "groups.parquet"
    parquet.write_table(change(parquet.read_table(file)), file)


def test_groups_that_are_missing_or_broken(run: Path) -> None:
    file = run / "groups.parquet"
    content = file.read_bytes()
    for broken in (b"", b"PAR1", content[:-100], content[100:]):
        file.write_bytes(broken)
        refused(run, "groups.parquet: cannot be read as a Parquet file")
    file.unlink()
    refused(run, "groups.parquet: is missing")
    file.mkdir()
    refused(run, "groups.parquet: cannot be read")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda t: t.drop_columns(["ppu_cycles"]), "must have the columns run string,"),
        (lambda t: t.slice(1), "rows, or none (got"),
        (
            lambda t: t.set_column(5, "busy_cycles", t["busy_cycles"].cast("float32")),
            "must have the columns run string",
        ),
        (lambda t: t.take(np.arange(len(t))[::-1]), "are not the layers, stages and groups"),
        (
            lambda t: t.set_column(5, "busy_cycles", [[None] * len(t)]).cast(t.schema),
            "has cells without a value",
        ),
        (
            lambda t: t.set_column(5, "busy_cycles", [np.full(len(t), np.inf)]),
            "has cycles that are not finite",
        ),
    ],
)
def test_groups_of_something_else(
    run: Path, change: Callable[[pyarrow.Table], pyarrow.Table], sentence: str
) -> None:
    rewritten(run, change)
    refused(run, "groups.parquet: ", sentence)


def test_groups_that_do_not_add_up(run: Path) -> None:
    rewritten(run, lambda t: t.set_column(5, "busy_cycles", [np.full(len(t), 1e308)]))
    refused(run, "cannot be the result of a simulation: dense conv0 forward: the causes of PE group 0")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", "manifest.json:1:2: is not valid JSON"),
        ("{}", "manifest.json: schema is missing"),
        (
            '{"schema": "sparsesim-manifest/1", "volatile": {"argv": [1]}}',
            "volatile.argv.0 must be a valid string",
        ),
    ],
)
def test_a_manifest_that_is_none(run: Path, content: str, sentence: str) -> None:
    (run / "manifest.json").write_text(content)
    refused(run, sentence)
    (run / "manifest.json").unlink()
    refused(run, "manifest.json: cannot be read (No such file or directory)")
