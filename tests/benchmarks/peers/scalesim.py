"""SCALE-Sim on one layer: the files it reads, the run, the report it writes."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.peers.children import Cost, NotRunError, run_child
from tests.benchmarks.peers.layers import PeerLayer
from tests.benchmarks.peers.systolic import COLUMNS, ROWS

HEADER = "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,"
RUN = "peers"
# 386 KB hold 193 Ki operands of 16 bits; a word of SCALE-Sim 3.0.0 is one byte, so its KB are our Ki words.
_KILOWORDS = (65, 64, 64)
_SETTINGS: dict[str, dict[str, object]] = {
    "general": {"run_name": RUN},
    "architecture_presets": {
        "ArrayHeight": ROWS,
        "ArrayWidth": COLUMNS,
        "ifmapsramszkB": _KILOWORDS[0],
        "filtersramszkB": _KILOWORDS[1],
        "ofmapsramszkB": _KILOWORDS[2],
        "IfmapOffset": 0,
        # Far enough apart for the largest tensor here, the 37.7 million weights of AlexNet's first FC layer.
        "FilterOffset": 100_000_000,
        "OfmapOffset": 200_000_000,
        "Bandwidth": 10,
        "ReadRequestBuffer": 32,
        "WriteRequestBuffer": 32,
    },
    "layout": {
        "IfmapCustomLayout": False,
        "IfmapSRAMBankBandwidth": 10,
        "IfmapSRAMBankNum": 10,
        "IfmapSRAMBankPort": 2,
        "FilterCustomLayout": False,
        "FilterSRAMBankBandwidth": 10,
        "FilterSRAMBankNum": 10,
        "FilterSRAMBankPort": 2,
    },
    "sparsity": {"SparsitySupport": False},
    # CALC: SCALE-Sim finds the bandwidth with which nothing stalls, as our accounting on chip has it.
    "run_presets": {"InterfaceBandwidth": "CALC", "UseRamulatorTrace": False},
}
# Through its interface from Python, since its command line always writes the traces of every memory, which
# costs more time and gigabytes of files.
_PROGRAM = (
    "from scalesim.scale_sim import scalesim; "
    "scalesim(save_disk_space=True, verbose=False, config='machine.cfg', topology='topology.csv', "
    "layout='layout.csv').run_scale(top_path='reports')"
)


@dataclass(frozen=True)
class Report:
    """A line of COMPUTE_REPORT.csv.

    Cycles without and with the first prefetch, those that waited for memory, use of the PEs (0..1).
    """

    total_cycles: int
    cycles_with_prefetch: int
    stall_cycles: int
    pe_utilization: float


def topology(layers: list[tuple[str, PeerLayer]]) -> str:
    """The layers as a topology file, one a line."""
    rows = [HEADER]
    for name, layer in layers:
        numbers = (*layer.in_size, *layer.kernel, layer.channels, layer.filters, layer.stride)
        rows.append(", ".join([name, *map(str, numbers)]) + ",")
    return "\n".join(rows) + "\n"


def configuration(dataflow: str) -> str:
    """The machine file: ROWS x COLUMNS PEs, 386 KB of 16-bit words, `dataflow` (os, ws, is)."""
    lines = []
    for section, settings in _SETTINGS.items():
        lines.append(f"[{section}]")
        lines += [f"{key} = {value}" for key, value in settings.items()]
        if section == "architecture_presets":
            lines.append(f"Dataflow = {dataflow}")
    return "\n".join(lines) + "\n"


def read_reports(text: str) -> tuple[Report, ...]:
    """The layers of a COMPUTE_REPORT.csv; NotRunError if a column is missing or a number is none."""
    try:
        rows = csv.DictReader(text.splitlines(), skipinitialspace=True)
        reports = tuple(_report(row) for row in rows)
    except (KeyError, ValueError, TypeError) as error:
        raise NotRunError(f"wrote a COMPUTE_REPORT.csv that cannot be read: {error!r}") from None
    if not reports:
        raise NotRunError("wrote a COMPUTE_REPORT.csv without layers")
    return reports


def _report(row: dict[str, str]) -> Report:
    return Report(
        total_cycles=round(float(row["Total Cycles"])),
        cycles_with_prefetch=round(float(row["Total Cycles (incl. prefetch)"])),
        stall_cycles=round(float(row["Stall Cycles"])),
        pe_utilization=float(row["Overall Util %"]) / 100,
    )


def simulate(
    python: Path, name: str, layer: PeerLayer, dataflow: str, folder: Path, timeout_seconds: float
) -> tuple[Cost, Report]:
    """One layer in a process of its own; NotRunError if it does not end or its report cannot be read."""
    folder.mkdir(parents=True)
    (folder / "topology.csv").write_text(topology([(name, layer)]))
    (folder / "machine.cfg").write_text(configuration(dataflow))
    # Read in any case; without custom layouts nothing of it is used.
    (folder / "layout.csv").write_text("Layer name,\n")
    command: list[str | Path] = [python, "-c", _PROGRAM]
    cost = run_child(command, folder, timeout_seconds, {"TQDM_DISABLE": "1"})
    report = folder / "reports" / RUN / "COMPUTE_REPORT.csv"
    if not report.is_file():
        raise NotRunError(f"wrote no {report.name}")
    return cost, read_reports(report.read_text())[0]
