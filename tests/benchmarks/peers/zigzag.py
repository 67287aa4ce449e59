"""ZigZag on one layer: workload, machine and mapping files, the run, the result it writes.

ZigZag evaluates equations, not clocks: it searches spatial and temporal mappings for the least latency.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.peers.children import Cost, NotRunError, run_child
from tests.benchmarks.peers.layers import PeerLayer
from tests.benchmarks.peers.systolic import COLUMNS, ROWS

_WORD_BITS, _SUM_BITS = 16, 32
_REGISTER_WORDS = 64
"""Reg-1 and Reg-2 of a PE of the default machine."""
_BUFFER_BITS = 386 * 1024 * 8
_BUFFER_LINE_BITS = 4 * 128
"""Four banks, a line of 128 bits each and cycle."""
_NEVER_IN_THE_WAY_BITS = 1 << 16
"""What memory delivers a cycle, so that it never limits: the accounting on chip."""
_PROGRAM = (
    "from zigzag.api import get_hardware_performance_zigzag as estimate; "
    "estimate(workload='workload.yaml', accelerator='machine.yaml', mapping='mapping.yaml', opt='latency', "
    "dump_folder='results', pickle_filename='results/all.pickle', loma_show_progress_bar=False)"
)


@dataclass(frozen=True)
class Estimate:
    """Cycles of a layer, the first load and the last store included, and the use of the PEs (0..1)."""

    total_cycles: int
    pe_utilization: float


def workload(name: str, layer: PeerLayer) -> list[dict[str, Any]]:
    """The layer as a list of one: its equation, loops and precisions. Padding is part of I."""
    common = {
        "id": 0,
        "name": name,
        "operand_precision": {"I": _WORD_BITS, "W": _WORD_BITS, "O": _SUM_BITS, "O_final": _WORD_BITS},
        "operand_source": {},
    }
    if layer.kind == "fc":
        return [
            common
            | {
                "operator_type": "Gemm",
                "equation": "O[b][k]+=W[k][c]*I[b][c]",
                "loop_dims": ["B", "K", "C"],
                "loop_sizes": [1, layer.filters, layer.channels],
            }
        ]
    return [
        common
        | {
            "operator_type": "Conv",
            "equation": "O[b][k][oy][ox]+=W[k][c][fy][fx]*I[b][c][iy][ix]",
            "dimension_relations": [f"ix={layer.stride}*ox+1*fx", f"iy={layer.stride}*oy+1*fy"],
            "loop_dims": ["B", "K", "C", "OY", "OX", "FY", "FX"],
            "loop_sizes": [1, layer.filters, layer.channels, *layer.out_size, *layer.kernel],
        }
    ]


def machine() -> dict[str, Any]:
    """ROWS x COLUMNS PEs with registers of 64 words for I, W and sums, one buffer of 386 KB, a memory.

    Costs of accesses are 1 everywhere: its energy is not asked for.
    """
    return {
        "name": "peers",
        "memories": {
            "registers_i": _registers("I1", _WORD_BITS, ["fh"], ["tl"]),
            "registers_w": _registers("I2", _WORD_BITS, ["fh"], ["tl"]),
            "registers_o": _registers("O", _SUM_BITS, ["fh", "fl"], ["tl", "th"]),
            "buffer": _shared(_BUFFER_BITS, _BUFFER_LINE_BITS),
            "memory": _shared(10**12, _NEVER_IN_THE_WAY_BITS),
        },
        "operational_array": {
            "unit_energy": 1.0,
            "unit_area": 1.0,
            "dimensions": ["D1", "D2"],
            "sizes": [COLUMNS, ROWS],
        },
    }


def _registers(operand: str, bits: int, written: list[str], read: list[str]) -> dict[str, Any]:
    ports = [_port("r", bits, {operand: read}), _port("w", bits, {operand: written})]
    return _memory(_REGISTER_WORDS * bits, ports, [operand], [])


def _shared(size_bits: int, line_bits: int) -> dict[str, Any]:
    operands = ["I1", "I2", "O"]
    read = {"I1": ["tl"], "I2": ["tl"], "O": ["tl", "th"]}
    written = {"I1": ["fh"], "I2": ["fh"], "O": ["fh", "fl"]}
    ports = [_port("r", line_bits, read), _port("w", line_bits, written)]
    return _memory(size_bits, ports, operands, ["D1", "D2"])


def _port(letter: str, bits: int, allocation: dict[str, list[str]]) -> dict[str, Any]:
    return {
        "name": f"{letter}_port_1",
        "type": {"r": "read", "w": "write"}[letter],
        "bandwidth_min": bits,
        "bandwidth_max": bits,
        "allocation": [f"{operand}, {way}" for operand, ways in allocation.items() for way in ways],
    }


def _memory(
    size_bits: int, ports: list[dict[str, Any]], operands: list[str], served: list[str]
) -> dict[str, Any]:
    return {
        "size": size_bits,
        "r_cost": 1.0,
        "w_cost": 1.0,
        "area": 0.0,
        "latency": 1,
        "operands": operands,
        "ports": ports,
        "served_dimensions": served,
    }


def read_estimate(text: str, layer: PeerLayer) -> Estimate:
    """The result of a layer; NotRunError if it is not what ZigZag 3.9.1 writes."""
    try:
        latency = json.loads(text)["outputs"]["latency"]
        parts = ("data_onloading", "computation", "data_offloading")
        total_cycles = round(sum(float(latency[part]) for part in parts))
        return Estimate(total_cycles, layer.least_cycles / total_cycles)
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        raise NotRunError(f"wrote a result that cannot be read: {error!r}") from None


def simulate(
    python: Path, name: str, layer: PeerLayer, folder: Path, timeout_seconds: float
) -> tuple[Cost, Estimate]:
    """One layer in a process of its own; NotRunError if it does not end or its result cannot be read."""
    folder.mkdir(parents=True)
    mapping = [{"name": "default", "memory_operand_links": {"O": "O", "W": "I2", "I": "I1"}}]
    for file, content in (("workload", workload(name, layer)), ("machine", machine()), ("mapping", mapping)):
        # JSON is YAML.
        (folder / f"{file}.yaml").write_text(json.dumps(content))
    cost = run_child([python, "-c", _PROGRAM], folder, timeout_seconds, {"MPLBACKEND": "Agg"})
    result = folder / "results" / f"{name}_complete.json"
    if not result.is_file():
        raise NotRunError(f"wrote no {result.name}")
    return cost, read_estimate(result.read_text(), layer)
