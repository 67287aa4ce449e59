"""The command of a point: does the command line make the same request of it, whatever the names?"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparsesim.cli.main import main
from sparsesim.cli.run import RunOptions, _checked
from sparsesim.machine import export_yaml, load_machine
from sparsesim.study.point import Scalar
from sparsesim.study.resolve import command_of, request_of
from tests.builders_results import small_trace

ALEXNET: dict[str, Scalar] = {"network": "alexnet", "dataset": "cifar10"}
Settings = dict[str, Scalar]

HOSTILE = 'it\'s a "file" $(x) `y` & ;|\\ \N{SNOWMAN}\n-'


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[RunOptions]:
    """The options that `run` was given, instead of simulating them."""
    seen: list[RunOptions] = []
    monkeypatch.setattr("sparsesim.cli.run.run_command", lambda options, **_: seen.append(options))
    return seen


@pytest.mark.parametrize(
    "settings",
    [
        {"network": "alexnet"},
        {**ALEXNET, "prune": 1e-05, "seed": 2**63 - 1, "batch": 7, "samples": 4096},
        {**ALEXNET, "prune": 0},
        {**ALEXNET, "activations": "imagenet"},
        {**ALEXNET, "density_input": 0.0},
        {**ALEXNET, "density_grad_output": 1, "density_input": 1e-300},
        {**ALEXNET, "policy.skip_zeros": False, "policy.row_handout": "dynamic", "mapping.stays": "inputs"},
        {**ALEXNET, "array.clock_mhz": 1e3, "memory.kind": "hbm2", "memory.latency_ns": 0.1},
        {**ALEXNET, "energy.wire.transfer": 1e-07, "energy.sram.leak.low": 0, "energy.sram.leak.high": 1e9},
        {"trace": "TRACE", "samples": 2, "machine": "MACHINE", "energy": "ENERGY", "array.groups": 14},
        {"network": "vgg16", "machine": "MACHINE"},
    ],
    ids=" ".join,
)  # fmt: skip
def test_the_command_of_a_point_asks_for_the_same(
    settings: Settings, tmp_path: Path, ran: list[RunOptions]
) -> None:
    files = {name.upper(): tmp_path / f"{name}{HOSTILE}" for name in ("trace", "machine", "energy")}
    small_trace(files["TRACE"])
    files["MACHINE"].write_text(export_yaml(load_machine("sparsetrain", ["kilobytes=100"])))
    files["ENERGY"].write_text("name: mine\n")
    settings = {name: str(files.get(str(value), value)) if isinstance(value, str) else value
                for name, value in settings.items()}  # fmt: skip
    words = shlex.split(command_of(settings))
    assert words[:3] == ["python", "-m", "sparsesim"]
    assert main(words[3:]) == 0
    assert _checked(ran[0]) == request_of(settings)


@pytest.mark.skipif(os.name != "posix", reason="the command is written for a POSIX shell")
def test_a_shell_takes_the_command_apart_as_it_was_meant() -> None:
    settings: Settings = {"trace": HOSTILE, "machine": "~ * ? [a] {b,c} !x #"}
    command = command_of(settings).replace(
        "python -m sparsesim", f"{shlex.quote(sys.executable)} -c {shlex.quote(ECHO)}"
    )
    shown = subprocess.run(["sh", "-c", command], capture_output=True, check=True).stdout.decode()
    assert shown.split("\0") == ["run", "--machine", str(settings["machine"]), "--trace", HOSTILE]


ECHO = "import sys; sys.stdout.buffer.write('\\0'.join(sys.argv[1:]).encode())"


@given(st.floats(1e-290, 1e9))
def test_a_number_reads_back_as_itself_through_its_text(value: float) -> None:
    table = request_of({**ALEXNET, "energy.wire.transfer": value}).table
    assert table.row("wire.transfer").centre == value
