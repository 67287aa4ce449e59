"""The graph of torch.export as the operators need it: calls of ATen with their arguments by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workloads.errors import UserError
from workloads.importing.names import quoted
from workloads.importing.steps import Step, TransposedConv, View, shape_of, text_of
from workloads.layers import Layer, Shape, Size

Dims = tuple[int, ...]
_WEIGHT = ".weight"


@dataclass(frozen=True)
class Tensor:
    """An argument that is a tensor. is_map: computed from the image; else a weight or a constant."""

    name: str
    dims: Dims
    is_map: bool


@dataclass(frozen=True)
class Call:
    """One call. operator: of ATen, without the _ of in-place ones. outputs: what it makes."""

    operator: str
    name: str
    said: str
    arguments: Mapping[str, Any]
    outputs: tuple[Tensor, ...]
    batch: int

    def tensor(self, argument: str) -> Tensor:
        """An argument that must be a tensor."""
        value = self.arguments.get(argument)
        if not isinstance(value, Tensor):
            raise UserError(f"{self.said}: its argument {argument!r} must be a tensor.")
        return value

    def map(self, argument: str) -> Tensor:
        """An argument that must be computed from the image."""
        value = self.tensor(argument)
        if not value.is_map:
            raise UserError(f"{self.said}: its argument {argument!r} must be computed from the image.")
        return value

    def weight(self, argument: str, rank: int | None = None) -> Dims:
        """The sizes of an argument that must be trained, not computed from the image."""
        value = self.tensor(argument)
        if value.is_map:
            raise UserError(
                f"{self.said}: its argument {argument!r} is computed from the image; only layers with "
                f"trained weights can be simulated."
            )
        if rank is not None and len(value.dims) != rank:
            raise UserError(f"{self.said}: its weight has {len(value.dims)} sizes; {rank} are expected.")
        return value.dims

    def maps(self) -> tuple[str, ...]:
        """All maps among the arguments, in their order."""
        found: list[str] = []
        for value in self.arguments.values():
            every = value if isinstance(value, list | tuple) else [value]
            found += [one.name for one in every if isinstance(one, Tensor) and one.is_map]
        return tuple(found)

    def pair(self, argument: str, fill: int, default: Size | None = None) -> Size:
        """(vertical, horizontal) of a number, a list of one or two; an only one of a row is (fill, it)."""
        value = self.arguments.get(argument)
        numbers = [value] if isinstance(value, int) else list(value or ())
        if not numbers and default is not None:
            return default
        if self.rank == 3 and len(numbers) == 1:
            return fill, numbers[0]
        if len(numbers) == 1:
            numbers *= 2
        if len(numbers) != 2 or not all(isinstance(n, int) for n in numbers):
            raise UserError(
                f"{self.said}: its argument {argument!r} must be two whole numbers (got {value})."
            )
        return numbers[0], numbers[1]

    @property
    def rank(self) -> int:
        """Sizes of the first argument, the batch included."""
        return len(self.source.dims)

    @property
    def source(self) -> Tensor:
        """The map that most operators read: their argument "input" or "self"."""
        return self.map("input" if "input" in self.arguments else "self")

    def map_size(self) -> Size:
        """(H, W) of what it reads, which must be a map, or (1, W) of a row."""
        dims = self.source.dims
        if len(dims) not in (3, 4):
            raise UserError(
                f"{self.said}: reads a tensor of {text_of(dims)}; only maps (batch, channels, height, width) "
                f"can be simulated here."
            )
        return (dims[2], dims[3]) if len(dims) == 4 else (1, dims[2])

    def shape(self, output: int = 0) -> Shape:
        """(C, H, W) of what it makes."""
        return shape_of(self.outputs[output].dims, self.batch, self.said)

    def steps(self, layer: Layer | View | TransposedConv, inputs: Sequence[str] | None = None) -> list[Step]:
        """The one step of a call with one output; inputs: the maps it reads, by default `source`."""
        read = (self.source.name,) if inputs is None else tuple(inputs)
        return [Step(self.name, self.said, layer, read, self.outputs[0].name, self.shape())]


class TorchGraph:
    """The calls of an ExportedProgram between its image and its outputs, in their order."""

    def __init__(self, program: Any, batch: int) -> None:
        self.batch = batch
        signature = program.graph_signature
        self._parameters: dict[str, str] = dict(signature.inputs_to_parameters)
        self._nodes = list(program.graph.nodes)
        self.input: str = signature.user_inputs[0]
        self._maps = {self.input}
        self._now: dict[str, str] = {}
        self._parts: dict[str, list[Tensor]] = {}
        calls = [call for node in self._nodes if (call := self._call(node)) is not None]
        named = [name for name in signature.user_outputs if isinstance(name, str)]
        self.outputs = tuple(self._latest(name) for name in named if self._latest(name) in self._maps)
        if not self.outputs:
            raise UserError("the module returns no tensor that is computed from its input.")
        self.calls = _needed(calls, self.outputs)

    def _latest(self, name: str) -> str:
        """The map that a name stands for by now: after an in-place operator it is that one's."""
        while name in self._now:
            name = self._now[name]
        return name

    def _call(self, node: Any) -> Call | None:
        if node.op != "call_function":
            return None
        schema = getattr(node.target, "_schema", None)
        if schema is None:
            return self._other(node)
        arguments = {one.name: self._value(_given(node, i, one)) for i, one in enumerate(schema.arguments)}
        if not any(isinstance(v, Tensor) and v.is_map for value in arguments.values() for v in _each(value)):
            return None
        called = schema.name.split("::")[-1]
        outputs = self._outputs(node)
        self._maps.update(tensor.name for tensor in outputs)
        first = next((v for value in arguments.values() for v in _each(value) if isinstance(v, Tensor)), None)
        if called.endswith("_") and first is not None and outputs:
            self._now[first.name] = outputs[0].name
        name = self._layer_name(node, arguments, called.rstrip("_"))
        return Call(called.rstrip("_"), name, _said(node, called), arguments, outputs, self.batch)

    def _other(self, node: Any) -> Call | None:
        """getitem of several outputs names one of them; anything else is not known."""
        source = node.args[0] if node.args else None
        parts = self._parts.get(str(getattr(source, "name", "")))
        if parts is not None and isinstance(node.args[1], int):
            part = parts[node.args[1]]
            self._now[node.name] = part.name
            return None
        value = self._value(source)
        if not isinstance(value, Tensor) or not value.is_map:
            return None
        self._maps.add(node.name)
        called = getattr(node.target, "__name__", str(node.target))
        outputs = self._outputs(node)
        return Call(f"python {called}", node.name, _said(node, called), {"input": value}, outputs, self.batch)

    def _outputs(self, node: Any) -> tuple[Tensor, ...]:
        made = node.meta.get("val")
        if isinstance(made, list | tuple):
            parts = [Tensor(f"{node.name}.{i}", _dims(one), True) for i, one in enumerate(made)]
            self._parts[node.name] = parts
            return tuple(parts)
        return (Tensor(node.name, _dims(made), True),)

    def _value(self, value: Any) -> Any:
        if isinstance(value, list | tuple):
            return [self._value(one) for one in value]
        if not hasattr(value, "op") or not hasattr(value, "meta"):
            return value
        name = self._latest(value.name)
        return Tensor(name, _dims(value.meta.get("val")), name in self._maps)

    def _layer_name(self, node: Any, arguments: Mapping[str, Any], called: str) -> str:
        weight = arguments.get("weight")
        if isinstance(weight, Tensor) and weight.name in self._parameters:
            return self._parameters[weight.name].removesuffix(_WEIGHT)
        stack = list((node.meta.get("nn_module_stack") or {}).values())
        path, kind = (str(stack[-1][0]), str(stack[-1][1])) if stack else ("", "")
        is_layer = "torch.nn.modules." in kind and ".container." not in kind
        # A module with a parametrized weight (weight_norm) has a class made for it.
        is_layer |= "torch.nn.utils.parametrize." in kind and weight is not None
        return path if path and is_layer else f"{path}.{called}".strip(".")


def _needed(calls: list[Call], outputs: tuple[str, ...]) -> tuple[Call, ...]:
    wanted, kept = set(outputs), []
    for call in reversed(calls):
        if wanted.intersection(tensor.name for tensor in call.outputs):
            kept.append(call)
            wanted.update(call.maps())
    return tuple(reversed(kept))


def _given(node: Any, position: int, argument: Any) -> Any:
    if position < len(node.args):
        return node.args[position]
    return node.kwargs.get(argument.name, getattr(argument, "default_value", None))


def _each(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else [value]


def _dims(value: Any) -> Dims:
    shape = getattr(value, "shape", None)
    return () if shape is None else tuple(int(n) for n in shape)


def _said(node: Any, called: str) -> str:
    stack = list((node.meta.get("nn_module_stack") or {}).values())
    path = str(stack[-1][0]) if stack else ""
    where = f" in module {quoted(path)}" if path else ""
    return f"node {quoted(str(node.name))} ({called}){where}"
