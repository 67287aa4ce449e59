"""The cocotb side of the seeded faults: runs cases with each fault until one ends otherwise than without."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock

from tests.rtl.machine_bench import observe

NO_FAULT = 0


@cocotb.test()
async def runs_the_cases_with_every_fault(dut: Any) -> None:
    """Writes [fault, case, what came out]: every case without a fault, then the first that a fault changes.

    In the end once more without a fault: whatever the faults left behind must not be seen.
    """
    Clock(dut.clk, 2, unit="ns").start()
    cases, results = (Path(os.environ[f"SPARSESIM_RTL_{name}"]) for name in ("SCRIPT", "RESULTS"))
    given = [json.loads(line) for line in cases.read_text(encoding="utf-8").splitlines()]
    faults = int(os.environ["SPARSESIM_RTL_FAULTS"])
    dut.fault.value = NO_FAULT
    right = [await observe(dut, case) for case in given]
    with results.open("w", encoding="utf-8") as out:
        for number, observed in enumerate(right):
            out.write(json.dumps([NO_FAULT, number, observed]) + "\n")
        for fault in (*range(NO_FAULT + 1, faults + 1), NO_FAULT):
            dut.fault.value = fault
            for number, case in enumerate(given):
                observed = await observe(dut, case)
                if observed != right[number]:
                    out.write(json.dumps([fault, number, observed]) + "\n")
                    out.flush()
                    break
