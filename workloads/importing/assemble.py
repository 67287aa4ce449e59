"""Steps -> Network: layers with names of their own, views only where a shape changes, shapes checked."""

from __future__ import annotations

from math import prod

from workloads.errors import UserError
from workloads.importing.functions import elementwise
from workloads.importing.names import clean, quoted, unique
from workloads.importing.simplify import simplified
from workloads.importing.steps import MOST_STEPS, Step, Steps, TransposedConv, View, text_of
from workloads.importing.transposed import Phase, phases
from workloads.layers import Add, Conv, Flatten, Layer, Linear, Pool, Shape
from workloads.map_layers import Combine, Concat, Interleave, Outputs, Reshape, Slice
from workloads.network import Network, NetworkBuilder

_ONE = (1, 1)
MOST_WINDOW = 4096  # of a kernel, stride, padding or dilation
MOST_PHASES = 64  # of a transposed convolution


def network_of(steps: Steps) -> Network:
    """The network of the steps; its data set is called after the shape of the image, "3x224x224".

    UserError naming the operator for whatever does not fit together, and for a network without any
    convolution or fully connected layer.
    """
    if len(steps.steps) > MOST_STEPS:
        raise UserError(f"{steps.source}: has {len(steps.steps)} operators; at most {MOST_STEPS} are read.")
    network = _Assembly(simplified(steps)).network()
    if not network.convolutions():
        raise UserError(f"{steps.source}: holds no convolution or fully connected layer to simulate.")
    return network


class _Assembly:
    """The network in the making, and which layer makes which map.

    Convolutions and fully connected layers have their names before all others: a trace knows them by these.
    """

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self._trained = {
            clean(step.name, step.layer.kind) for step in steps.steps if isinstance(step.layer, Conv | Linear)
        }
        shape = steps.input_shape
        name = clean(steps.name, "network")
        self._builder = NetworkBuilder(name, text_of(shape), shape, steps.source)
        self._names = {self._builder.last}
        self._layer_of = {steps.input: self._builder.last}

    def network(self) -> Network:
        for step in self._steps.steps:
            self._add(step)
        ends = tuple(dict.fromkeys(self._layer_of[name] for name in self._steps.outputs))
        if len(ends) > 1:
            self._builder.add(unique("outputs", self._names), Outputs(), *ends)
        return self._builder.build()

    def _add(self, step: Step) -> None:
        sources = tuple(self._source(step, name) for name in step.inputs)
        try:
            made = self._layer(step, sources)
        except UserError as error:
            raise UserError(f"{step.said}: {error}") from None
        found = self._builder.shape(made)
        if step.shape is not None and step.shape != found:
            raise UserError(
                f"{step.said}: makes a map of {text_of(found)}, which should be {text_of(step.shape)}; the "
                f"network says two things about it."
            )
        self._layer_of[step.output] = made

    def _source(self, step: Step, name: str) -> str:
        if name not in self._layer_of:
            raise UserError(f"{step.said}: reads {quoted(name)}, which no operator before it makes.")
        return self._layer_of[name]

    def _layer(self, step: Step, sources: tuple[str, ...]) -> str:
        """The name of the layer that makes the step's map."""
        layer = step.layer
        shapes = [self._builder.shape(source) for source in sources]
        if isinstance(layer, View):
            return self._view(step, layer, sources[0])
        if isinstance(layer, TransposedConv):
            _check_window(layer)
            return self._transposed(step, layer, sources[0])
        if isinstance(layer, Concat) and len(sources) == 1:
            return sources[0]
        if isinstance(layer, Conv | Pool):
            _check_window(layer)
        if isinstance(layer, Conv):
            layer = _as_fully_connected(layer, shapes[0])
        if isinstance(layer, Add | Combine | Concat):
            layer, sources = _joined(layer, sources, shapes)
        return self._placed(step.name, layer, *sources)

    def _placed(self, name: str, layer: Layer, *sources: str) -> str:
        wanted = clean(name, layer.kind)
        if wanted in self._trained and not isinstance(layer, Conv | Linear):
            wanted = f"{wanted}.{layer.kind}"
        free = unique(wanted, self._names)
        self._names.add(free)
        return self._builder.add(free, layer, *sources)

    def _view(self, step: Step, view: View, source: str) -> str:
        before, after = self._builder.shape(source), view.out_shape
        if before == after:
            return source
        layer = Flatten() if after == (prod(before), 1, 1) else Reshape(after)
        return self._placed(step.name, layer, source)

    def _transposed(self, step: Step, layer: TransposedConv, source: str) -> str:
        parts = phases(layer, self._builder.shape(source)[1:])
        if layer.stride == _ONE:
            return self._phase(step.name, parts[0, 0], source)
        made = [
            self._phase(f"{step.name}.phase{row}{column}", part, source)
            for (row, column), part in parts.items()
        ]
        return self._placed(step.name, Interleave(layer.out_size), *made)

    def _phase(self, name: str, part: Phase, source: str) -> str:
        """A convolution, behind a slice if it does not read the whole map."""
        shape = self._builder.shape(source)
        if part.in_size != shape[1:]:
            source = self._placed(f"{name}.input", Slice((shape[0], *part.in_size)), source)
        return self._placed(name, part.layer, source)


def _check_window(layer: Conv | Pool | TransposedConv) -> None:
    sizes = (*layer.kernel, *layer.stride, *layer.padding, *layer.dilation)
    if max(sizes) > MOST_WINDOW or min(sizes) < 0:
        raise UserError(f"its kernel, stride, padding and dilation must be at most {MOST_WINDOW}.")
    if isinstance(layer, TransposedConv) and prod(layer.stride) > MOST_PHASES:
        raise UserError(
            f"with a stride of {text_of(layer.stride)} it would become {prod(layer.stride)} convolutions; at "
            f"most {MOST_PHASES} can be."
        )


def _as_fully_connected(layer: Conv, shape: Shape) -> Layer:
    """A 1x1 convolution of a single position (squeeze and excitation) is a fully connected layer."""
    padded = layer.padding != (0, 0) or layer.end_padding is not None
    if shape[1:] != _ONE or layer.kernel != _ONE or padded or layer.groups > 1:
        return layer
    return Linear(layer.in_channels, layer.out_channels, layer.bias)


def _joined(
    layer: Add | Combine | Concat, sources: tuple[str, ...], shapes: list[Shape]
) -> tuple[Layer, tuple[str, ...]]:
    """The layer for what arrives: maps of several shapes are combined, a map with itself is scaled."""
    different = tuple(dict.fromkeys(sources))
    if isinstance(layer, Concat):
        if len(different) < len(sources):
            raise UserError("concatenates a map with itself, which cannot be simulated.")
        return layer, sources
    if len(different) == 1:
        return elementwise("scale"), different
    if isinstance(layer, Add) and len(set(shapes)) > 1:
        return Combine("add"), different
    return layer, different
