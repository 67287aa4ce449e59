"""Is what the benchmark of docs/performance.md asks other simulators, and what it reads, right?

No peer is needed: what they write is made up here.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks.peers import costs, cycles, own, scalesim, systolic, zigzag
from tests.benchmarks.peers.children import Cost, NotRunError, run_child
from tests.benchmarks.peers.document import document
from tests.benchmarks.peers.findings import Findings
from tests.benchmarks.peers.layers import PeerLayer, Repeated, peer_layer, repeated_layers
from tests.benchmarks.peers.markdown import short, table
from tests.benchmarks.peers.measurement import measure, not_run
from workloads.catalog import load_network
from workloads.importing.scalesim import read_topology
from workloads.layers import Conv, Linear

CONV = PeerLayer("conv", (15, 15), (3, 3), 192, 384, 1, (13, 13))
FC = PeerLayer("fc", (1, 1), (1, 1), 4096, 4096, 1, (1, 1))
REPORT = (
    "LayerID, Total Cycles (incl. prefetch), Total Cycles, Stall Cycles, Overall Util %, Mapping "
    "Efficiency %, Compute Util %,\n"
    "0, 120, 100.0, 3, 81.25, 97.5, 75.5,\n"
    "1, 50, 40, 0, 25.0, 90.0, 20.0,\n"
)


@pytest.mark.parametrize("name", ["alexnet", "resnet18"])
def test_our_importer_reads_back_the_layers_of_the_topology(name: str, tmp_path: Path) -> None:
    network = load_network(name, "imagenet")
    nodes = network.convolutions()
    path = tmp_path / "topology.csv"
    path.write_text(scalesim.topology([(node.name, peer_layer(node)) for node in nodes]))
    read = read_topology(path).convolutions()
    assert [node.name for node in read] == [node.name for node in nodes]
    assert [node.out_shape for node in read] == [node.out_shape for node in nodes]
    assert [node.nominal_macs for node in read] == [node.nominal_macs for node in nodes]
    for ours, back in zip(nodes, read, strict=True):
        assert type(ours.layer) is type(back.layer)
        if isinstance(ours.layer, Conv) and isinstance(back.layer, Conv):
            assert (ours.layer.kernel, ours.layer.stride) == (back.layer.kernel, back.layer.stride)


@pytest.mark.parametrize("name", ["alexnet", "resnet18"])
def test_rounding_up_gives_the_outputs_of_every_layer(name: str) -> None:
    # SCALE-Sim counts ceil((in - kernel + stride) / stride) outputs; the last window would be one of padding.
    for node in load_network(name, "imagenet").convolutions():
        layer = peer_layer(node)
        counted = [
            math.ceil((size - kernel + layer.stride) / layer.stride)
            for size, kernel in zip(layer.in_size, layer.kernel, strict=True)
        ]
        assert tuple(counted) == node.out_shape[1:]


ROOT = Path(__file__).resolve().parents[2]


def test_every_line_of_the_topology_ends_with_a_comma() -> None:
    # SCALE-Sim drops what follows the last comma.
    assert all(line.endswith(",") for line in scalesim.topology([("a", CONV), ("b", FC)]).splitlines())


def test_shapes_are_counted_as_often_as_they_occur() -> None:
    network = load_network("resnet18", "imagenet")
    layers = repeated_layers(network)
    assert [each.count for each in layers] == [1, 4, 1, 3, 1, 1, 3, 1, 1, 3, 1, 1]
    assert sum(each.count * each.layer.macs for each in layers) == network.nominal_macs
    assert [each.names for each in repeated_layers(network, 2)] == [("conv1",), ("layer1.0.conv1",)]


def test_the_machine_file_has_168_pes_and_386_kilobytes() -> None:
    lines = dict(line.split(" = ") for line in scalesim.configuration("ws").splitlines() if " = " in line)
    assert int(lines["ArrayHeight"]) * int(lines["ArrayWidth"]) == 56 * 3
    assert 2 * sum(int(lines[f"{part}sramszkB"]) for part in ("ifmap", "filter", "ofmap")) == 386
    assert lines["Dataflow"] == "ws"


def test_reports_are_read_by_the_names_of_the_columns() -> None:
    assert scalesim.read_reports(REPORT) == (
        scalesim.Report(100, 120, 3, 0.8125),
        scalesim.Report(40, 50, 0, 0.25),
    )


@pytest.mark.parametrize(
    "text",
    ["", REPORT.splitlines()[0], REPORT.replace("Stall", "Lost"), REPORT.replace("100.0", "none"), "0, 1"],
)
def test_other_reports_are_a_reason_not_to_have_run(text: str) -> None:
    with pytest.raises(NotRunError, match=r"COMPUTE_REPORT\.csv"):
        scalesim.read_reports(text)


# As SCALE-Sim 3.0.0 counted them on 12 x 14 PEs.
@pytest.mark.parametrize(
    ("layer", "dataflow", "counted"),
    [
        (CONV, "ws", 826_560),
        (FC, "ws", 3_707_622),
        (PeerLayer("fc", (1, 1), (1, 1), 1024, 1024, 1, (1, 1)), "os", 77_552),
    ],
)
def test_the_closed_form_is_what_scalesim_counts(layer: PeerLayer, dataflow: str, counted: int) -> None:
    assert systolic.cycles(layer, dataflow) == counted


@pytest.mark.parametrize("dataflow", systolic.DATAFLOWS)
def test_filled_and_streaming_explain_the_use_of_the_pes(dataflow: str) -> None:
    use = CONV.least_cycles / systolic.cycles(CONV, dataflow)
    assert systolic.filled(CONV, dataflow) * systolic.streaming(CONV, dataflow) == pytest.approx(use)


def test_workloads_of_zigzag_have_the_macs_of_the_layer() -> None:
    for layer in (CONV, FC):
        (written,) = zigzag.workload("a", layer)
        assert math.prod(written["loop_sizes"]) == layer.macs
        assert len(written["loop_sizes"]) == len(written["loop_dims"])
    assert math.prod(zigzag.machine()["operational_array"]["sizes"]) == 168


def test_estimates_of_zigzag_are_the_whole_latency() -> None:
    parts = {"data_onloading": 100.0, "computation": 1000.0, "data_offloading": 10.0}
    estimate = zigzag.read_estimate(json.dumps({"outputs": {"latency": parts}}), FC)
    assert estimate == zigzag.Estimate(1110, FC.macs / 168 / 1110)
    for text in ("", "{}", '{"outputs": {"latency": {"computation": 1}}}'):
        with pytest.raises(NotRunError):
            zigzag.read_estimate(text, FC)


def test_a_child_is_charged_for_its_own_time_and_memory(tmp_path: Path) -> None:
    program = "import time; block = b'x' * (200 << 20); end = time.process_time() + 0.3\n"
    program += "while time.process_time() < end: pass"
    cost = run_child([sys.executable, "-c", program], tmp_path, 60)
    assert cost.cpu_seconds >= 0.3
    assert cost.peak_mib > 200
    # A child begins with the peak of the process it was forked from, so that one has to be small.
    small = "import sys; from pathlib import Path; from tests.benchmarks.peers.children import run_child; "
    small += "print(run_child([sys.executable, '-c', ''], Path(sys.argv[1]), 60).peak_mib)"
    told = subprocess.run(
        [sys.executable, "-c", small, str(tmp_path)], capture_output=True, check=True, cwd=ROOT
    )
    assert float(told.stdout) < 200


def test_a_child_that_fails_or_is_late_has_not_run(tmp_path: Path) -> None:
    with pytest.raises(NotRunError, match="ended with status 1: ValueError: too small"):
        run_child([sys.executable, "-c", "raise ValueError('too small')"], tmp_path, 60)
    with pytest.raises(NotRunError, match="did not finish within 1 s"):
        run_child([sys.executable, "-c", "import time; time.sleep(60)"], tmp_path, 1)


def _simulate(
    python: Path, name: str, layer: PeerLayer, folder: Path, timeout_seconds: float
) -> tuple[Cost, scalesim.Report]:
    if layer is FC:
        raise NotRunError("no memory")
    return Cost(2.0, 1.0, 50.0), scalesim.Report(1000, 1000, 0, 0.5)


LAYERS = (Repeated(CONV, ("a", "b")), Repeated(FC, ("c",)))


def test_a_layer_that_fails_does_not_take_the_others_with_it(tmp_path: Path) -> None:
    run = measure("peer", "net", "os", _simulate, Path("python"), LAYERS, tmp_path, 60)
    assert run.cost == Cost(4.0, 2.0, 50.0)
    assert (run.macs, run.cycles, run.names) == (2 * CONV.macs, 2000, ("a", "b"))
    assert run.reasons == ("c: no memory",)
    late = measure("peer", "net", "os", _simulate, Path("python"), LAYERS, tmp_path, 0)
    assert late.measured == ()
    assert late.reasons[0] == "a: the 0 s for this network were used up"


def _findings(tmp_path: Path) -> Findings:
    run = measure("SCALE-Sim 3.0.0", "net", "output stationary", _simulate, Path(), LAYERS, tmp_path, 60)
    causes = {"busy": 700.0, "imbalance": 100.0, "buffer": 100.0, "ppu": 50.0, "dispatch": 50.0}
    single = {name: own.DenseForward(1000, 0.7, 168 * 700, causes) for name in "abc"}
    step = own.TrainingStep(Cost(2.0, 4.0, 300.0), 6e9, 2e9, 5e6)
    return Findings("net", LAYERS, step, single, single, (run, not_run("other", "net", "no network")))


def test_what_was_not_run_stands_in_the_tables(tmp_path: Path) -> None:
    found = _findings(tmp_path)
    assert "| net | other | not run: no network | - |" in costs.cost_table([found])
    rows = {
        line.split(" | ")[0]: line.split(" | ")[6:] for line in cycles.layer_table(found, 32).splitlines()
    }
    assert rows["| a (x 2)"] == ["1.00k (50%)", "not run |"]
    assert rows["| c"] == ["not run", "not run |"]
    assert rows["| **together**"] == ["not run", "not run |"]


def test_the_document_explains_every_layer_that_was_run(tmp_path: Path) -> None:
    text = document([_findings(tmp_path)], None)
    # 169 pixels in 15 folds of 12 rows, 384 filters in 28 of 14 columns; 1728 steps and 24 to fill and drain.
    assert "| a | 92.0% | 98.6% | 90.7% | 50.0% | 70.0% | 10.0% | 10.0% | 5.0% | 5.0% |" in text
    assert "differ from it by at most 734840 cycles a layer" in text
    assert text.endswith("not run: other, net, no network")
    assert "not run: SCALE-Sim 3.0.0, net, c: no memory" in text


def test_the_ratio_is_of_useful_macs_and_cpu_seconds(tmp_path: Path) -> None:
    found = _findings(tmp_path)
    expected = (2e9 / 4.0) / (2 * CONV.macs / 2.0)
    assert costs.speed_ratio(found.step, found.runs[0]) == pytest.approx(expected)
    (sentence,) = costs.ratio_sentences([found])
    assert sentence.endswith("aim: 100, missed.")


def test_our_own_summary_is_read() -> None:
    layer = {
        "name": "fc", "stage": "forward", "run": "dense", "cycles": {"on_chip": 10.0}, "pe_utilization": 0.5,
        "dense_macs": 840, "group_cycles": {"busy": 280.0},
    }  # fmt: skip
    summary = {
        "machine": {"array": {"groups": 56}},
        "layers": [layer, layer | {"run": "pruned"}, layer | {"stage": "gta"}],
    }
    assert own.read_dense_forward(summary) == {"fc": own.DenseForward(10.0, 0.5, 840, {"busy": 5.0})}


def test_convolutions_without_words_for_them_are_refused() -> None:
    nodes = load_network("alexnet", "imagenet").convolutions()
    assert isinstance(nodes[-1].layer, Linear)
    for layer in (Conv(4, 4, (1, 1), groups=2), Conv(4, 4, (1, 1), stride=(1, 2))):
        node = type(nodes[0])("odd", layer, ((4, 8, 8),), layer.output_shape((4, 8, 8)))
        with pytest.raises(ValueError, match="odd: "):
            peer_layer(node)


def test_numbers_have_three_digits() -> None:
    numbers = (0.5, 9.999, 12.34, 999.4, 999.6, 12_345, 999_600, 1_817_000_000)
    assert [short(number) for number in numbers] == [
        "0.50", "10.0", "12.3", "999", "1.00k", "12.3k", "1.00M", "1.82G",
    ]  # fmt: skip
    assert table(["a", "b"], [["1", "2"]]) == "| a | b |\n| --- | --- |\n| 1 | 2 |"
