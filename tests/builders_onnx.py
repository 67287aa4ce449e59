"""Small ONNX files: nodes, an input, weights by their sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import onnx
from onnx import TensorProto, helper

from workloads.importing.onnx_network import read_onnx
from workloads.network import Network

IMAGE = (2, 3, 16, 12)


def node(operator: str, inputs: str, output: str, **attributes: Any) -> Any:
    """A node called after its output; names of its inputs between blanks."""
    return helper.make_node(operator, inputs.split(" "), output.split(" "), name=f"n_{output}", **attributes)


def conv(inputs: str, output: str, weight: str, **attributes: Any) -> Any:
    return node("Conv", f"{inputs} {weight}", output, **attributes)


def model_of(
    nodes: Sequence[Any],
    outputs: str,
    weights: Mapping[str, Sequence[int]] | None = None,
    constants: Mapping[str, Sequence[int] | Sequence[float]] | None = None,
    *,
    image: Sequence[int | str] = IMAGE,
    opset: int = 18,
) -> Any:
    """A model with one input x. weights: sizes by name, all zeros; constants: small tensors by name."""
    tensors = [_tensor(name, dims) for name, dims in (weights or {}).items()]
    tensors += [_constant(name, values) for name, values in (constants or {}).items()]
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, image)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs.split()],
        tensors,
    )
    domains = dict.fromkeys(one.domain for one in nodes if one.domain)
    imports = [helper.make_opsetid("", opset), *(helper.make_opsetid(domain, 1) for domain in domains)]
    return helper.make_model(graph, opset_imports=imports, ir_version=8)


def _tensor(name: str, dims: Sequence[int]) -> Any:
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=dims)
    size = 4
    for n in dims:
        size *= n
    tensor.raw_data = bytes(size)
    return tensor


def _constant(name: str, values: Sequence[int] | Sequence[float]) -> Any:
    kind = TensorProto.INT64 if all(isinstance(value, int) for value in values) else TensorProto.FLOAT
    return helper.make_tensor(name, kind, [len(values)], values)


def saved(model: Any, folder: Path, name: str = "model.onnx") -> Path:
    path = folder / name
    path.write_bytes(model.SerializeToString())
    return path


def read(folder: Path, nodes: Sequence[Any], outputs: str, *arguments: Any, **options: Any) -> Network:
    return read_onnx(saved(model_of(nodes, outputs, *arguments, **options), folder))


__all__ = ["IMAGE", "conv", "model_of", "node", "onnx", "read", "saved"]
