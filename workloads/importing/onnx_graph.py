"""A graph of an ONNX file as the operators need it: sizes of tensors, small constants, what is constant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from workloads.errors import UserError
from workloads.importing.names import quoted
from workloads.importing.steps import MOST_ELEMENTS, shape_of
from workloads.layers import Shape

Dims = tuple[int, ...]
_WITHOUT_DATA = ("Shape", "Size", "RandomUniformLike", "RandomNormalLike", "ConstantOfShape", "EyeLike")
"""Operators whose result does not depend on the values of the map they read."""
_SMALL_ELEMENTS = 1024
_INLINE = 0  # TensorProto.DEFAULT: the data are in the file


@dataclass(frozen=True)
class OnnxNode:
    """One operator. inputs, outputs: names of tensors, "" for one that is left out. index: its place."""

    operator: str
    domain: str
    name: str
    index: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]
    metadata: Mapping[str, str]

    @property
    def said(self) -> str:
        """The operator as messages name it."""
        shown = quoted(self.name) if self.name else str(self.index)
        return f"node {shown} ({quoted(self.operator)[1:-1]})"

    def number(self, name: str, default: int) -> int:
        """A whole-number attribute."""
        value = self.attributes.get(name, default)
        if not isinstance(value, int):
            raise UserError(f"{self.said}: attribute {name!r} must be a whole number.")
        return value

    def numbers(self, name: str) -> tuple[int, ...] | None:
        """An attribute of several whole numbers; None if it is not there."""
        value = self.attributes.get(name)
        if value is None:
            return None
        if not isinstance(value, tuple) or not all(isinstance(n, int) for n in value):
            raise UserError(f"{self.said}: attribute {name!r} must be whole numbers.")
        return value

    def pair(self, name: str, default: tuple[int, int] | None = None) -> tuple[int, int]:
        """An attribute of two whole numbers, (vertical, horizontal); of rows there is one, behind a 1."""
        value = self.numbers(name)
        if value is None and default is not None:
            return default
        if value is not None and len(value) == 1:
            return 1, value[0]
        if value is None or len(value) != 2:
            raise UserError(f"{self.said}: attribute {name!r} must be two whole numbers (got {value}).")
        return value[0], value[1]

    def text(self, name: str, default: str) -> str:
        """An attribute of letters."""
        value = self.attributes.get(name, default)
        return value if isinstance(value, str) else default


@dataclass(frozen=True)
class OnnxGraph:
    """A graph with known shapes.

    dims: of every tensor whose sizes are known. tensors: initializers and constants by name (TensorProto).
    batch: the first size of the image.
    """

    nodes: tuple[OnnxNode, ...]
    dims: Mapping[str, Dims]
    tensors: Mapping[str, Any]
    input: str
    batch: int
    outputs: tuple[str, ...]
    constants: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.constants.update(self.tensors)
        for node in self.nodes:
            if node.operator in _WITHOUT_DATA or all(self.is_constant(name) for name in node.inputs):
                self.constants.update(node.outputs)
        self.constants.discard(self.input)

    def is_constant(self, name: str) -> bool:
        """Whether a tensor is no map: a weight, a number, or computed from such."""
        return name == "" or name in self.constants

    def data_inputs(self, node: OnnxNode) -> tuple[str, ...]:
        """The maps among the inputs of an operator."""
        return tuple(name for name in node.inputs if not self.is_constant(name))

    def sizes(self, name: str, node: OnnxNode) -> Dims:
        """The sizes of a tensor that `node` reads or makes; UserError where they are not known."""
        if name not in self.dims:
            raise UserError(
                f"{node.said}: the sizes of {quoted(name)} cannot be inferred; export the network with fixed "
                f"sizes (no dynamic axes beside the batch; --input-shape C,H,W gives those of the image) and "
                f"with constant folding."
            )
        return self.dims[name]

    def shape(self, name: str, node: OnnxNode) -> Shape:
        """(C, H, W) of a map."""
        return shape_of(self.sizes(name, node), self.batch, node.said)

    def weight(self, node: OnnxNode, position: int, rank: int | None = None) -> Dims:
        """The sizes of a weight; UserError where it is missing, is a map, or has another rank."""
        name = node.inputs[position] if position < len(node.inputs) else ""
        if not name:
            raise UserError(f"{node.said}: its input {position}, a weight, is missing.")
        if not self.is_constant(name):
            raise UserError(
                f"{node.said}: its weight {quoted(name)} is computed from the image; only trained weights "
                f"can be simulated."
            )
        dims = self.sizes(name, node)
        if rank is not None and len(dims) != rank:
            raise UserError(
                f"{node.said}: its weight {quoted(name)} must have {rank} sizes (got {len(dims)})."
            )
        return dims

    def values(self, name: str, node: OnnxNode) -> tuple[float, ...]:
        """What a small constant holds, flat; UserError where it is not in the file or is too large."""
        tensor = self.tensors.get(name)
        if tensor is None:
            raise UserError(
                f"{node.said}: {quoted(name)} must be a constant of the file; export the network with "
                f"constant folding."
            )
        return _values(tensor, name, node)

    def whole_values(self, name: str, node: OnnxNode) -> tuple[int, ...]:
        """The same for whole numbers."""
        found = self.values(name, node)
        if not all(value.is_integer() and abs(value) < MOST_ELEMENTS for value in found):
            raise UserError(f"{node.said}: {quoted(name)} must hold whole numbers.")
        return tuple(int(value) for value in found)

    def has(self, node: OnnxNode, position: int) -> bool:
        """Whether an optional input is there."""
        return position < len(node.inputs) and node.inputs[position] != ""


def _values(tensor: Any, name: str, node: OnnxNode) -> tuple[float, ...]:
    from onnx import numpy_helper  # noqa: PLC0415

    if tensor.data_location != _INLINE:
        raise UserError(
            f"{node.said}: {quoted(name)} lies outside the file, where nothing is read; save the network "
            f"with its small constants inside (size_threshold of onnx.save)."
        )
    elements = 1
    for n in tensor.dims:
        elements *= n
    if not 0 <= elements <= _SMALL_ELEMENTS:
        raise UserError(f"{node.said}: {quoted(name)} has {elements} elements; a few are expected.")
    try:
        array = numpy_helper.to_array(tensor)
        return tuple(float(value) for value in array.reshape(-1))
    except (TypeError, ValueError, KeyError, RuntimeError):
        raise UserError(f"{node.said}: the data of {quoted(name)} are damaged.") from None
