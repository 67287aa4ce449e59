"""Are SCALE-Sim topologies read as SCALE-Sim means them, and wrong ones refused?"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

import sparsesim
from workloads.errors import UserError
from workloads.importing.scalesim import read_topology
from workloads.layers import Conv, Linear
from workloads.map_layers import Gap

HEADER = (
    "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,\n"
)
TOPOLOGY = HEADER + (
    "Conv1, 34, 34, 3, 3, 3, 32, 1,\n"
    "Conv2_DP, 18, 18, 3, 3, 32, 1, 2,\n"
    "\n"
    "A title,,,\n"
    "Conv1,\t8, 8, 1, 1, 32, 64, 1, 1:4,\n"
    "FC6, 6, 6, 6, 6, 64, 100, 1,\n"
    "FC7, 1, 1, 1, 1, 100, 10, 1\n"
)


def written(text: str, folder: Path) -> Path:
    path = folder / "topology.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_layers_are_those_of_the_file(tmp_path: Path) -> None:
    network = read_topology(written(TOPOLOGY, tmp_path))
    assert [(one.name, one.in_shape, one.layer) for one in network.convolutions()] == [
        ("Conv1", (3, 34, 34), Conv(3, 32, (3, 3), bias=False)),
        ("Conv2_DP", (32, 18, 18), Conv(32, 32, (3, 3), (2, 2), groups=32, bias=False)),
        ("Conv1@2", (32, 8, 8), Conv(32, 64, (1, 1), bias=False)),
        ("FC6", (2304, 1, 1), Linear(2304, 100, bias=False)),
        ("FC7", (100, 1, 1), Linear(100, 10, bias=False)),
    ]
    assert (network.name, network.dataset) == ("topology", "3x34x34")
    assert [one.layer.kind for one in network.layers()].count(Gap.kind) == 4
    # Output positions times kernel times channels, as SCALE-Sim counts.
    assert network.nominal_macs == (
        32 * 32 * 9 * 3 * 32 + 8 * 8 * 9 * 32 + 8 * 8 * 32 * 64 + 2304 * 100 + 100 * 10
    )


def test_matrix_products_are_convolutions_of_a_row(tmp_path: Path) -> None:
    network = read_topology(written("Layer, M, N, K,\nQKT, 50, 64, 128,\nout, 1, 10, 64,\n", tmp_path))
    assert [(one.in_shape, one.layer) for one in network.convolutions()] == [
        ((128, 1, 50), Conv(128, 64, (1, 1), bias=False)),
        ((64, 1, 1), Linear(64, 10, bias=False)),
    ]


def test_a_topology_is_simulated(tmp_path: Path) -> None:
    result = sparsesim.simulate(written(TOPOLOGY, tmp_path), check=True, batch=4)
    assert result.layer_names() == ("Conv1", "Conv2_DP", "Conv1@2", "FC6", "FC7")
    assert "behind every layer batch-norm and ReLU are assumed" in str(result.profile.transferred_from)
    densities = [result.of_run("natural")[name, "forward"].density["input"] for name in result.layer_names()]
    assert densities[0] == 1
    assert max(densities[1:]) < 0.7
    # Nothing is known of what lies between the layers; weights are updated in any case.
    assert {x.name for x in result.layers if x.stage == "other"} <= set(result.layer_names())


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "must be a header and 1 to 2000 layers, one a line (got 0 layers)"),
        (HEADER, "(got 0 layers)"),
        (
            HEADER + "Conv1, 34, 34, 3, 3, 3, 32\n",
            "line 2: has 7 columns; a layer needs 8: name, height of I",
        ),
        (
            HEADER + "Conv1, 34, x, 3, 3, 3, 32, 1,\n",
            "line 2: width of I must be a whole number from 1 to 65536",
        ),
        (
            "Conv1, 34, 34, 3, 3, 3, 32, 1,\n" * 2,
            "column 2 of the header must hold 'IFMAP HEIGHT' (got '34')",
        ),
        (
            HEADER.replace("IFMAP Height, IFMAP Width", "IFMAP Width, IFMAP Height")
            + "a, 4, 5, 1, 1, 3, 3, 1\n",
            "column 2 of the header must hold 'IFMAP HEIGHT' (got 'IFMAP WIDTH')",
        ),
        ("Layer, M, K, N,\nfc, 1, 10, 20,\n", "(got 'M')"),
        (HEADER.replace(",", ";") + "a; 4; 4; 1; 1; 3; 3; 1\n", "with commas between the columns"),
        (HEADER + "Conv1, 34, 34, 3, 3, 3, 32, 0,\n", "line 2: stride must be a whole number"),
        (HEADER + "Conv1, 34, 34, 3, 3, 3, -32, 1,\n", "filters must be a whole number"),
        (HEADER + "Conv1, 34, 34, 3, 3, 3, 99999999999999999999, 1,\n", "filters must be a whole number"),
        (HEADER + "Conv1, 4, 4, 5, 5, 3, 3, 1,\n", "line 2: layer 'Conv1': conv: kernel (5, 5)"),
        (HEADER + "a, 4, 4, 1, 1, 3, 3, 1,\n" * 2001, "(got 2001 layers)"),
        (HEADER + '"' + "a" * 200_000 + "\n", "is no CSV file"),
    ],
)
def test_wrong_topologies_are_refused(text: str, sentence: str, tmp_path: Path) -> None:
    path = written(text, tmp_path)
    with pytest.raises(UserError) as raised:
        read_topology(path)
    assert str(raised.value).startswith(str(path))
    assert sentence in str(raised.value)


def test_how_the_file_ends_its_lines_and_begins_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "topology.csv"
    for content in (b"\xef\xbb\xbf" + TOPOLOGY.encode(), TOPOLOGY.replace("\n", "\r\n").encode()):
        path.write_bytes(content)
        assert len(read_topology(path).convolutions()) == 5


@pytest.mark.parametrize("content", [b"\xff\xfe\x00a", b"\x00" * 50, bytes(range(256))])
def test_other_contents(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(content)
    with pytest.raises(UserError):
        read_topology(path)


def test_damaged_topologies_end_in_a_sentence(tmp_path: Path) -> None:
    path, rng = tmp_path / "x.csv", random.Random(1)
    for _ in range(500):
        content = bytearray(TOPOLOGY.encode())
        for _ in range(rng.randrange(1, 5)):
            content[rng.randrange(len(content))] = rng.choice([rng.randrange(256), *b",\n\"'\r0 "])
        path.write_bytes(content)
        try:
            read_topology(path)
        except UserError as error:
            assert str(error).startswith(str(path))
