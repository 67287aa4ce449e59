"""`model.onnx` -> Network."""

from __future__ import annotations

from pathlib import Path

from workloads.errors import UserError
from workloads.importing.assemble import network_of
from workloads.importing.onnx_file import open_onnx
from workloads.importing.onnx_graph import OnnxGraph, OnnxNode
from workloads.importing.onnx_names import folded_batch_norm
from workloads.importing.onnx_operators import translator_of
from workloads.importing.onnx_shapes import graph_of
from workloads.importing.onnx_step import Translator
from workloads.importing.steps import Step, Steps
from workloads.layers import Shape
from workloads.network import Network


def read_onnx(path: Path, input_shape: Shape | None = None) -> Network:
    """The network in an ONNX file, opset 7 to 26; the image and every map without the batch.

    input_shape: (C, H, W) of the image where the file leaves it open, or instead of what it says. UserError
    for whatever is wrong with the file, and for an operator that cannot be simulated, naming its node.
    """
    file = open_onnx(path)
    try:
        graph = graph_of(file, input_shape)
        steps = _steps(graph)
        shape = _input_shape(graph)
        source = f"ONNX file {path.name}, opset {file.opset}{_restored(graph)}"
        return network_of(Steps(path.stem, source, graph.input, shape, steps, graph.outputs))
    except UserError as error:
        text = str(error)
        raise UserError(text if text.startswith(str(path)) else f"{path}: {text}") from None


def _input_shape(graph: OnnxGraph) -> Shape:
    first = OnnxNode("input", "", graph.input, -1, (), (), {}, {})
    return graph.shape(graph.input, first)


def _steps(graph: OnnxGraph) -> tuple[Step, ...]:
    """The steps of the operators that the outputs need; of the others nothing has to be known."""
    needed = _needed(graph)
    nodes = [node for node in graph.nodes if node.index in needed]
    # All of them before the first step: sizes that do not fit are often those before an unknown operator.
    translators = [translator_of(graph, node) for node in nodes]
    return tuple(
        step
        for node, translate in zip(nodes, translators, strict=True)
        for step in _translated(translate, graph, node)
    )


def _translated(translate: Translator, graph: OnnxGraph, node: OnnxNode) -> list[Step]:
    """The steps of an operator; what its layer has to say against it names the operator, too."""
    try:
        return translate(graph, node)
    except UserError as error:
        text = str(error)
        raise UserError(text if text.startswith(node.said) else f"{node.said}: {text}") from None


def _needed(graph: OnnxGraph) -> set[int]:
    """Places of the operators between the image and the outputs."""
    wanted, needed = set(graph.outputs), set()
    for node in reversed(graph.nodes):
        if wanted.intersection(node.outputs) - graph.constants:
            needed.add(node.index)
            wanted.update(graph.data_inputs(node))
    return needed


def _restored(graph: OnnxGraph) -> str:
    """Words on batch-norms that were put back, or that may be missing."""
    convolutions = [node for node in graph.nodes if node.operator == "Conv"]
    restored = sum(folded_batch_norm(node) is not None for node in convolutions)
    if restored:
        return f", {restored} batch-norm{'s' * (restored > 1)} that its exporter had folded put back"
    if convolutions and all(node.operator != "BatchNormalization" for node in graph.nodes):
        return ", without any batch-norm (if it is trained with some, they were folded: docs/networks.md)"
    return ""
