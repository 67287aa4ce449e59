"""Do ONNX files that are damaged or made to hang a reader end in a sentence, soon?"""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import helper

from compiler.training import training_graph
from sparsesim.workload import layer_shapes
from tests.builders_onnx import conv, model_of, node, saved
from tests.unit.test_import_onnx_files import refused, small_model
from workloads.errors import UserError
from workloads.importing.onnx_network import read_onnx
from workloads.sparsity.transfer_any import profile_of_network

FUZZED = 600

# Size


def nested(count: int, halves: str) -> Any:
    """Concatenations of parts of concatenations; halves: the map that the second part is of."""
    nodes = [conv("x", "c", "w"), node("Relu", "c", "t0")]
    for i in range(count):
        nodes += [
            node("Slice", f"t{i} zero two one", f"a{i}"),
            node("Slice", f"{halves.format(i)} two four one", f"b{i}"),
            node("Concat", f"a{i} b{i}", f"t{i + 1}", axis=1),
        ]
    weights = {"w": [4, 3, 1, 1], "v": [4, 4, 1, 1]}
    constants = {"zero": [0], "one": [1], "two": [2], "four": [4]}
    return model_of([*nodes, conv(f"t{count}", "y", "v")], "y", weights, constants)


@pytest.mark.parametrize(
    ("count", "halves"),
    [(40, "t{}"), (1000, "t0")],
    ids=["2^40 ways through it", "deeper than Python's stack"],
)
def test_networks_that_branch_again_and_again_are_read(count: int, halves: str, tmp_path: Path) -> None:
    path = saved(nested(count, halves), tmp_path)
    graph = training_graph(read_onnx(path), 4)
    assert graph.convolutions[-1].input_is_relu
    _simulable(path)


def test_functions_that_call_each_other_twice_are_not_gone_into(tmp_path: Path) -> None:
    model = model_of([conv("x", "c", "w"), node("F60", "c", "y", domain="own")], "y", {"w": [4, 3, 1, 1]})
    imports = [helper.make_opsetid("", 18), helper.make_opsetid("own", 1)]
    body = [helper.make_node("Relu", ["a"], ["b"])]
    for i in range(61):
        model.functions.append(helper.make_function("own", f"F{i}", ["a"], ["b"], body, imports))
        calls = [("a", "c"), ("c", "b")]
        body = [helper.make_node(f"F{i}", [inner], [outer], domain="own") for inner, outer in calls]
    assert "node 'n_y' (F60) of domain 'own': this operator cannot be simulated" in refused(model, tmp_path)


# Damage


def _simulable(path: Path) -> None:
    """As far as everything is checked before a simulation starts."""
    network = read_onnx(path)
    graph = training_graph(network, 4)
    graph.graph()
    profile = profile_of_network(network, layer_shapes(graph.convolutions))
    for work in graph.convolutions:
        found = profile.densities(work.layer, 0.9)
        assert all(0 <= value <= 1 for value in vars(found).values())


def _flipped(content: bytes, rng: random.Random) -> bytes:
    """Bytes changed, taken out, put in."""
    found = bytearray(content)
    for _ in range(rng.choice([1, 1, 2, 4])):
        place = rng.randrange(len(found))
        kind = rng.random()
        if kind < 0.6:
            found[place] = rng.randrange(256)
        elif kind < 0.8:
            del found[place : place + rng.randrange(1, 9)]
        else:
            found[place:place] = rng.randbytes(rng.randrange(1, 6))
    return bytes(found)


NUMBERS = (0, 1, -1, 2, 7, 255, 65536, 2**31, 2**40, 2**63 - 1, -(2**63))
WORDS = ("", "x", "y", "w", "/etc/passwd", "a" * 3000, "If", "Loop", "Reshape", "Split", "Concat", "Pad",
         "Gather", "Transpose", "MatMul", "Resize", "SAME_UPPER", "stem.weight")  # fmt: skip


def _mutated(content: bytes, rng: random.Random) -> bytes:
    """A well-formed message in which some fields have other values, are twice there or are missing."""
    model = onnx.ModelProto.FromString(content)
    for _ in range(rng.choice([1, 1, 2, 3])):
        message, field, value = rng.choice(list(_fields(model)))
        if field.type == field.TYPE_MESSAGE:
            if hasattr(value, "ListFields"):
                message.ClearField(field.name)
            elif len(value) and rng.random() < 0.5:
                del value[rng.randrange(len(value))]
            elif len(value):
                value.add().CopyFrom(value[rng.randrange(len(value))])
        elif hasattr(value, "append"):
            _change(value, rng)
        else:
            _set(lambda new, of=message, name=field.name: setattr(of, name, new), value, rng)
    return bytes(model.SerializeToString())


def _fields(message: Any) -> Any:
    for field, value in message.ListFields():
        yield message, field, value
        if field.type == field.TYPE_MESSAGE:
            for one in [value] if hasattr(value, "ListFields") else value:
                yield from _fields(one)


def _change(values: Any, rng: random.Random) -> None:
    if len(values):
        place = rng.randrange(len(values))
        if rng.random() < 0.3:
            del values[place]
        else:
            _set(lambda new: values.__setitem__(place, new), values[place], rng)


def _set(change: Callable[[Any], None], old: Any, rng: random.Random) -> None:
    """A value of the same kind; the library itself refuses some."""
    of_kind: dict[type, Any] = {
        str: WORDS, bytes: (b"", b"\xff" * 9, b"SAME_LOWER"), float: (0.0, -1.0, float("nan"), float("inf"))
    }  # fmt: skip
    with suppress(ValueError):
        change(rng.choice(of_kind.get(type(old), NUMBERS)))


@pytest.mark.parametrize("damage", [_flipped, _mutated])
def test_damaged_files_end_in_a_sentence(
    damage: Callable[[bytes, random.Random], bytes], tmp_path: Path
) -> None:
    content, path, rng = small_model().SerializeToString(), tmp_path / "x.onnx", random.Random(6)
    errors = 0
    for _ in range(FUZZED):
        path.write_bytes(damage(content, rng))
        try:
            _simulable(path)
        except UserError as error:
            errors += 1
            assert str(error).startswith(str(path))
            assert str(error).isprintable()
    assert errors > FUZZED / 5
