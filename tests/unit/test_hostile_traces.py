"""Traces nobody planned for: without work, without masks, with names that mean something to a terminal."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sparsesim
from reports.terminal.table import console_for, print_result
from sparsesim.cli.main import main
from sparsesim.results.model import Result
from tests.schema_result import check_summary
from workloads.errors import UserError
from workloads.sparsity.trace import write_trace

CONV = {
    "kind": "conv", "in_channels": 4, "out_channels": 6, "in_size": [6, 6], "out_size": [6, 6],
    "kernel": [3, 3], "stride": [1, 1], "padding": [1, 1], "input_is_relu": True,
}  # fmt: skip
META = {
    "format": "sparsesim-trace", "version": 1, "network": "net", "dataset": "noise", "batch": 8, "samples": 2,
    "pruning": {"p": 0.9, "fifo": 4, "where": "grad_output"}, "step": 1, "source": "random numbers",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _somewhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def trace_of(
    names: Sequence[str], empty: Sequence[str] = (), masked: bool = True, **meta: Any
) -> tuple[Path, dict[str, np.ndarray[Any, Any]]]:
    """A trace of equal convolutions called `names`, and its arrays; the tensors in `empty` are all zero."""
    generator = np.random.default_rng(5)
    arrays = {}
    for index, name in enumerate(names):
        shapes = {"input": (2, 4, 6, 6), "grad_output": (2, 6, 6, 6), "grad_input_mask": (2, 4, 6, 6)}
        for key, shape in shapes.items():
            if key != "grad_input_mask" or (masked and index):
                arrays[f"{name}/{key}"] = (generator.random(shape) < 0.5) & (key not in empty)
    layers = [{**CONV, "name": name} for name in names]
    write_trace("t.npz", {**META, "layers": layers, **meta}, arrays)
    return Path("t.npz"), arrays


def printed(result: Result) -> str:
    with Path("out.txt").open("w+", encoding="utf-8") as file:
        print_result(result, console_for(file, 120))
        file.seek(0)
        return file.read()


@pytest.mark.parametrize(
    "empty", [["input"], ["grad_output"], ["grad_input_mask"], ["input", "grad_output", "grad_input_mask"]]
)
def test_operands_that_are_all_zero_are_simulated_and_reported(empty: list[str]) -> None:
    path, _ = trace_of(["a", "b"], empty)
    result = sparsesim.simulate(trace=path, check=True)
    check_summary(result.to_dict())
    text = printed(result)
    assert ("no useful MACs at all" in text) == (len(empty) == 3)
    assert main(["run", "--trace", "t.npz", "--out", "kept"]) == 0


def test_a_trace_of_one_layer_has_no_gta_and_no_line_for_it() -> None:
    path, _ = trace_of(["only"])
    result = sparsesim.simulate(trace=path)
    check_summary(result.to_dict())
    assert {layer.stage for layer in result.layers} == {"forward", "gtw"}
    assert "gta" not in printed(result)


def test_without_a_recorded_mask_no_mask_is_fetched_and_all_of_di_is_computed() -> None:
    def gta(masked: bool) -> Any:
        path, arrays = trace_of(["a", "b"], masked=masked)
        layers = sparsesim.simulate(trace=path, check=True).layers
        return arrays, next(x for x in layers if (x.run, x.name, x.stage) == ("recorded", "b", "gta"))

    arrays, layer = gta(masked=False)
    taps = np.zeros((6, 6))
    for y in range(6):
        for x in range(6):
            taps[y, x] = (min(y + 1, 5) - max(y - 1, 0) + 1) * (min(x + 1, 5) - max(x - 1, 0) + 1)
    assert layer.useful_macs == (arrays["b/grad_output"] * taps).sum() * 4 / 2
    # All there is to load is dO and the kernels: rows of one mask word and the non-zeros, 16 bit each.
    nonzeros = arrays["b/grad_output"].sum()
    kernels = -(-4 * 6 * 9 * 2 // 32)
    assert layer.bytes.dram_read == pytest.approx((nonzeros + 2 * 6 * 6) * 2 / 2 + kernels, abs=2)
    _, with_mask = gta(masked=True)
    assert with_mask.bytes.dram_read > layer.bytes.dram_read


NAMES = ["[red]", "[bold]x[blink]", "$x^{$", "日本語", ":smile:", "<&>", "..", "=1+1", "a" * 150]


def test_names_that_mean_something_elsewhere_are_only_names_here(
    capsys: pytest.CaptureFixture[str],
) -> None:
    trace_of(NAMES, network="[/]$\\frac$", dataset="..\\x")
    assert main(["run", "--trace", "t.npz", "--out", "kept"]) == 0
    out = capsys.readouterr().out
    for name in [*NAMES[:-1], "[/]$\\frac$ on ..\\x", "aaa...aaa"]:
        assert name in out
    assert all(len(line) <= 120 for line in out.splitlines())
    summary = json.loads(Path("kept/summary.json").read_text())
    assert {layer["name"] for layer in summary["layers"]} == set(NAMES)
    assert Path("kept/speedup-energy.png").stat().st_size > 10_000


@pytest.mark.parametrize("name", ["\x1b[31mred", "a\nb", "a b", "a/b", "\x00", "\u202eabc", ""])
def test_control_characters_and_blanks_in_a_layer_s_name_are_refused(name: str) -> None:
    with pytest.raises(UserError, match=r"layers\[0\]\.name"):
        trace_of([name])


@pytest.mark.parametrize("name", ["two\nlines", "\x1b[2J", "", "x" * 201])
def test_control_characters_in_the_name_of_a_network_are_refused(name: str) -> None:
    with pytest.raises(UserError, match=r"meta\.network"):
        trace_of(["a"], network=name)


def test_the_source_of_a_trace_cannot_command_the_terminal() -> None:
    path, _ = trace_of(["a"], source="one\ntwo [bold]\x1b[31mred")
    text = printed(sparsesim.simulate(trace=path))
    assert "\x1b" not in text
    assert "Source: one two [bold]?[31mred." in text


def test_letters_that_the_output_lacks_do_not_cost_the_result(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trace_of(["a", "日本語"])
    with Path("ascii.txt").open("w", encoding="ascii") as file:
        monkeypatch.setattr("sys.stdout", file)
        assert main(["run", "--trace", "t.npz", "--no-save"]) == 0
    assert "\\u65e5\\u672c" in Path("ascii.txt").read_text()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"dataset": "imagenet"}, "is a trace on 'noise', not on 'imagenet'"),
        ({"network": "resnet18"}, "is a trace of 'net', not of 'resnet18'"),
        ({"prune": 0.9}, "contradict each other"),
        ({"samples": 3}, "holds 2 samples"),
    ],
)
def test_nothing_asked_for_is_ignored_because_there_is_a_trace(options: dict[str, Any], words: str) -> None:
    path, _ = trace_of(["a"])
    with pytest.raises(UserError, match=words):
        sparsesim.simulate(trace=path, **options)
