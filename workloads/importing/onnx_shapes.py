"""From the message of an ONNX file to a graph with the sizes of all tensors, by the shape inference of onnx.

Of weights it is told the sizes only: it needs no more, and cannot stumble over what they hold.
"""

from __future__ import annotations

from math import prod
from typing import Any

from workloads.errors import UserError
from workloads.importing.names import quoted
from workloads.importing.onnx_file import OnnxFile, onnx_package
from workloads.importing.onnx_graph import Dims, OnnxGraph, OnnxNode
from workloads.importing.steps import MOST_ELEMENTS, text_of
from workloads.layers import Shape

_SMALL_ELEMENTS = 1024
_INLINE = 0  # TensorProto.DEFAULT: the data are in the file
_MOST_SIZES = 8  # of one tensor


def graph_of(file: OnnxFile, input_shape: Shape | None) -> OnnxGraph:
    """The graph of a file.

    The batch is what the file says, 1 where it leaves it open. input_shape: (C, H, W) of the image, instead
    of what the file says. UserError for a graph without exactly one image, for sizes that are left open, and
    where shape inference fails.
    """
    graph = file.model.graph
    weights = _weights(graph, file)
    image = _image(graph, set(weights), file)
    dims = _image_dims(image, input_shape, file)
    nodes = tuple(_node(node, index) for index, node in enumerate(graph.node))
    tensors = {tensor.name: tensor for tensor in graph.initializer} | _constants(graph)
    # Inference would go through a function at every call of it, so 2^n times where each calls the next twice.
    del file.model.functions[:]
    _prepare(graph, image, dims, weights)
    found = {**_inferred(file), **weights, image.name: dims}
    outputs = tuple(info.name for info in graph.output)
    return OnnxGraph(nodes, found, tensors, image.name, dims[0], outputs)


def _weights(graph: Any, file: OnnxFile) -> dict[str, Dims]:
    """Sizes of the initializers."""
    found = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    found |= {tensor.values.name: tuple(tensor.dims) for tensor in graph.sparse_initializer}
    for name, dims in found.items():
        if len(dims) > _MOST_SIZES or min(dims, default=1) < 0 or prod(dims) > MOST_ELEMENTS:
            raise UserError(f"{file.path}: the tensor {quoted(name)} has impossible sizes {text_of(dims)}.")
    return found


def _constants(graph: Any) -> dict[str, Any]:
    """The tensors that Constant operators hold, by the name of their output."""
    return {
        node.output[0]: attribute.t
        for node in graph.node
        if node.op_type == "Constant" and node.output
        for attribute in node.attribute
        if attribute.name == "value"
    }


def _image(graph: Any, weights: set[str], file: OnnxFile) -> Any:
    """The one input that is no weight and that some operator reads."""
    read = {name for node in graph.node for name in node.input}
    found = [info for info in graph.input if info.name not in weights and info.name in read]
    if len(found) != 1:
        names = ", ".join(quoted(info.name) for info in found[:5]) or "none"
        raise UserError(
            f"{file.path}: must have one input, the image (got {names}); export a network that is called "
            f"with one tensor."
        )
    return found[0]


def _image_dims(image: Any, input_shape: Shape | None, file: OnnxFile) -> Dims:
    """(N, C, H, W) or (N, C), all known."""
    stored = image.type.tensor_type.shape.dim
    if len(stored) > _MOST_SIZES:
        raise UserError(
            f"{file.path}: the input {quoted(image.name)} has {len(stored)} sizes; 2 or 4 can be read."
        )
    dims = [d.dim_value if d.WhichOneof("value") == "dim_value" else None for d in stored]
    dims = [d if d is not None and d > 0 else None for d in dims]
    if input_shape is not None:
        dims = [dims[0] if dims else None, *input_shape]
    if len(dims) < 2 or None in dims[1:]:
        said = [quoted(d.dim_param)[1:-1] if d.dim_param else str(d.dim_value or "?") for d in stored]
        raise UserError(
            f"{file.path}: the input {quoted(image.name)} has sizes that are left open, "
            f"{' x '.join(said) or 'all of them'}; say which to simulate with --input-shape C,H,W (in Python "
            f"input_shape=(C, H, W)), e.g. --input-shape 3,224,224."
        )
    known = tuple(1 if d is None else d for d in dims)
    if prod(known) > MOST_ELEMENTS:
        raise UserError(f"{file.path}: an image of {text_of(known)} is too large to simulate.")
    return known


def _prepare(graph: Any, image: Any, dims: Dims, weights: dict[str, Dims]) -> None:
    """The message in the form that shape inference gets: only sizes of large weights, nothing it was told."""
    onnx = onnx_package()
    small = [t for t in graph.initializer if prod(t.dims) <= _SMALL_ELEMENTS and t.data_location == _INLINE]
    kinds = {tensor.name: tensor.data_type for tensor in graph.initializer}
    shown = {tensor.name for tensor in small}
    image_type = image.type.tensor_type.elem_type or onnx.TensorProto.FLOAT
    inputs = [onnx.helper.make_tensor_value_info(image.name, image_type, dims)]
    for name, sizes in weights.items():
        if name not in shown:
            kind = kinds.get(name, onnx.TensorProto.FLOAT)
            inputs.append(onnx.helper.make_tensor_value_info(name, kind, sizes))
    kept = [onnx.TensorProto.FromString(tensor.SerializeToString()) for tensor in small]
    del graph.initializer[:], graph.sparse_initializer[:], graph.value_info[:], graph.input[:]
    graph.initializer.extend(kept)
    graph.input.extend(inputs)
    for info in graph.output:
        info.ClearField("type")


def _inferred(file: OnnxFile) -> dict[str, Dims]:
    """Sizes of all tensors that inference finds."""
    onnx = onnx_package()
    try:
        model = onnx.shape_inference.infer_shapes(file.model, data_prop=True)
    except Exception as error:  # whatever a damaged message makes the library raise
        reason = quoted(str(error).split("\n")[0])[1:-1]
        raise UserError(f"{file.path}: shape inference of onnx fails: {reason}") from None
    found = {}
    for info in (*model.graph.value_info, *model.graph.output):
        shape = info.type.tensor_type.shape
        if info.type.tensor_type.HasField("shape") and all(
            d.WhichOneof("value") == "dim_value" for d in shape.dim
        ):
            found[info.name] = tuple(d.dim_value for d in shape.dim)
    return found


def _node(node: Any, index: int) -> OnnxNode:
    attributes = {attribute.name: _value(attribute) for attribute in node.attribute}
    metadata = {entry.key: entry.value for entry in node.metadata_props}
    return OnnxNode(
        node.op_type,
        node.domain,
        node.name,
        index,
        tuple(node.input),
        tuple(node.output),
        attributes,
        metadata,
    )


def _value(attribute: Any) -> Any:
    """Numbers and letters; tensors and graphs are nothing an operator asks for by its attributes."""
    onnx = onnx_package()
    kinds = onnx.AttributeProto
    match attribute.type:
        case kinds.INT:
            return int(attribute.i)
        case kinds.FLOAT:
            return float(attribute.f)
        case kinds.STRING:
            return attribute.s.decode("utf-8", "replace")
        case kinds.INTS:
            return tuple(int(n) for n in attribute.ints)
        case kinds.FLOATS:
            return tuple(float(x) for x in attribute.floats)
    return None
