"""From one ONNX operator to one step."""

from __future__ import annotations

from collections.abc import Callable

from workloads.errors import UserError
from workloads.importing.onnx_graph import OnnxGraph, OnnxNode
from workloads.importing.onnx_names import layer_name
from workloads.importing.steps import Step, TransposedConv, View, text_of
from workloads.layers import Layer, Size

Translator = Callable[[OnnxGraph, OnnxNode], list[Step]]


def one_step(
    graph: OnnxGraph,
    node: OnnxNode,
    layer: Layer | View | TransposedConv,
    inputs: tuple[str, ...] | None = None,
) -> list[Step]:
    """The step of an operator that makes one map of the maps `inputs`, by default of its first."""
    output = node.outputs[0] if node.outputs else ""
    if not output:
        raise UserError(f"{node.said}: has no output.")
    read = (first_map(graph, node),) if inputs is None else inputs
    return [Step(layer_name(node), node.said, layer, read, output, graph.shape(output, node))]


def first_map(graph: OnnxGraph, node: OnnxNode) -> str:
    """The first input, which must be a map."""
    if not node.inputs or graph.is_constant(node.inputs[0]):
        raise UserError(f"{node.said}: its first input must be computed from the image.")
    return node.inputs[0]


def map_size(graph: OnnxGraph, node: OnnxNode) -> Size:
    """(H, W) of the first input, which must be a map, or (1, W) of a row."""
    dims = graph.sizes(first_map(graph, node), node)
    if len(dims) == 3:
        return 1, dims[2]
    if len(dims) != 4:
        raise UserError(
            f"{node.said}: reads a tensor of {text_of(dims)}; only maps (batch, channels, height, width) can "
            f"be simulated here."
        )
    return dims[2], dims[3]
