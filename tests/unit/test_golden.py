"""Has anything changed that nobody meant to change? Texts under tests/golden; see conftest.py."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reports.terminal.table import console_for, print_result
from sparsesim.api import simulate
from sparsesim.cli.main import main
from sparsesim.results.model import Result

Golden = Callable[[str, str], None]
TRACES = Path(__file__).parents[2] / "workloads" / "data" / "traces"
# How long it took is no part of the result.
SECONDS, WALL_SECONDS = 1.0, 2.0


@pytest.fixture(scope="module")
def recorded() -> Result:
    result = simulate(trace=TRACES / "alexnet_32_p0.9.npz", samples=2)
    return replace(result, wall_seconds=WALL_SECONDS, engine=replace(result.engine, seconds=SECONDS))


def test_the_ir_of_a_layer(golden: Golden, capsys: pytest.CaptureFixture[str]) -> None:
    """Mapping and code generation of all three stages, as `compile` prints them."""
    assert main(["compile", "resnet18", "--layer", "layer1.0.conv1", "--emit", "ir"]) == 0
    golden("resnet18-layer1.0.conv1.ir", capsys.readouterr().out)


def test_the_numbers_of_a_recorded_run(golden: Golden, recorded: Result) -> None:
    """Every cycle, count and byte of the runs, and the cycles of every layer; energies to six digits."""
    summary = recorded.to_dict()
    lines = [*_lines("", {"runs": summary["runs"], "speedup": summary["speedup"]})]
    for layer in summary["layers"]:
        cycles = layer["cycles"]
        where = f"layers.{layer['run']}.{layer['name']}.{layer['stage']}"
        lines.append(f"{where} {cycles['on_chip']} {cycles['with_dram']} {layer['useful_macs']}")
    golden("alexnet_32_p0.9-2-samples.numbers", "\n".join(sorted(lines)) + "\n")


def _lines(where: str, value: Any) -> Iterator[str]:
    """One line for each number: its dotted name and value."""
    if isinstance(value, dict | list):
        for key, below in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _lines(f"{where}.{key}" if where else str(key), below)
    else:
        yield f"{where} {value if isinstance(value, int) else format(value, '.6g')}"


def test_the_table_of_a_recorded_run(golden: Golden, recorded: Result) -> None:
    """What the terminal shows, 120 columns wide."""
    file = io.StringIO()
    print_result(recorded, console_for(file, width=120))
    text = "\n".join(line.rstrip() for line in file.getvalue().splitlines())
    golden("alexnet_32_p0.9-2-samples.table", text + "\n")
