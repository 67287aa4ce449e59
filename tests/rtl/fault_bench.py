"""The cocotb side of the seeded faults: runs every case with every fault, and writes down what came out."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock

from tests.rtl.machine_bench import observe


@cocotb.test()
async def runs_the_cases_with_every_fault(dut: Any) -> None:
    """Fault by fault, in the order of SPARSESIM_RTL_FAULTS; 0 is none."""
    Clock(dut.clk, 2, unit="ns").start()
    cases, results = (Path(os.environ[f"SPARSESIM_RTL_{name}"]) for name in ("SCRIPT", "RESULTS"))
    given = [json.loads(line) for line in cases.read_text(encoding="utf-8").splitlines()]
    with results.open("w", encoding="utf-8") as out:
        for fault in map(int, os.environ["SPARSESIM_RTL_FAULTS"].split()):
            dut.fault.value = fault
            for case in given:
                out.write(json.dumps(await observe(dut, case)) + "\n")
                out.flush()
