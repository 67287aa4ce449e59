"""A network: a directed graph of typed layers with their shapes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from workloads.errors import UserError, unknown_name
from workloads.layers import Conv, Input, Layer, Linear, Shape

if TYPE_CHECKING:
    import networkx as nx


@dataclass(frozen=True)
class LayerNode:
    """A layer in its place: its name in the network and the (C, H, W) of its inputs and output."""

    name: str
    layer: Layer
    in_shapes: tuple[Shape, ...]
    out_shape: Shape

    @property
    def in_shape(self) -> Shape:
        """The shape of the first input; the output's for Input, which has none."""
        return self.in_shapes[0] if self.in_shapes else self.out_shape

    @property
    def is_convolution(self) -> bool:
        return isinstance(self.layer, Conv | Linear)

    @property
    def nominal_macs(self) -> int:
        return self.layer.nominal_macs(self.in_shape)

    @property
    def dense_macs(self) -> int:
        return self.layer.dense_macs(self.in_shape)


@dataclass(frozen=True, eq=False)
class Network:
    """A verified network for one data set.

    graph: nodes are layer names (torchvision's, `layer1.0.conv1`), an edge leads from the layer that makes a
    map to one that reads it. Node attributes: "layer" (workloads.layers.Layer), "in_shapes" (one (C, H, W)
    per input), "out_shape". variant: one sentence on where the layout comes from.
    Making a Network that verify() rejects raises UserError.
    """

    name: str
    dataset: str
    input_shape: Shape
    graph: nx.DiGraph
    variant: str = ""

    def __post_init__(self) -> None:
        self.verify()

    def layers(self) -> tuple[LayerNode, ...]:
        """All layers in forward order: topological, and as they were added where that leaves a choice."""
        import networkx as nx  # noqa: PLC0415

        position = {name: index for index, name in enumerate(self.graph)}
        order = nx.lexicographical_topological_sort(self.graph, key=position.__getitem__)
        return tuple(self.node(name) for name in order)

    def convolutions(self) -> tuple[LayerNode, ...]:
        """Convolutions and fully connected layers in forward order."""
        return tuple(node for node in self.layers() if node.is_convolution)

    def node(self, name: str) -> LayerNode:
        """The layer called `name`; UserError with the nearest name if there is none."""
        if name not in self.graph:
            raise unknown_name(f"layer of {self.name}", name, self.graph)
        attributes = self.graph.nodes[name]
        return LayerNode(name, attributes["layer"], attributes["in_shapes"], attributes["out_shape"])

    def producers(self, name: str) -> tuple[LayerNode, ...]:
        """The layers whose outputs `name` reads, in the order of its inputs."""
        return self._producers[name]

    def consumers(self, name: str) -> tuple[LayerNode, ...]:
        """The layers that read the output of `name`."""
        return self._consumers[name]

    @cached_property
    def _producers(self) -> dict[str, tuple[LayerNode, ...]]:
        return {name: tuple(map(self.node, self.graph.predecessors(name))) for name in self.graph}

    @cached_property
    def _consumers(self) -> dict[str, tuple[LayerNode, ...]]:
        return {name: tuple(map(self.node, self.graph.successors(name))) for name in self.graph}

    @cached_property
    def output(self) -> LayerNode:
        """The layer whose output nobody reads."""
        return next(self.node(name) for name, degree in self.graph.out_degree if degree == 0)

    @property
    def parameters(self) -> int:
        """Trained numbers: weights and biases, scale and shift of batch-norm."""
        return sum(node.layer.parameters for node in self.layers())

    @property
    def nominal_macs(self) -> int:
        """Forward multiply-accumulates of one sample in convolutions and FC layers, padding included."""
        return sum(node.nominal_macs for node in self.layers())

    @property
    def dense_macs(self) -> int:
        """The same without the taps that fall into the padding: what a dense machine multiplies."""
        return sum(node.dense_macs for node in self.layers())

    def verify(self) -> None:
        """UserError unless the graph is acyclic, has one input and one output, and all shapes agree."""
        self._verify_attributes()
        self._verify_acyclic()
        self._verify_ends()
        for node in self.layers():
            self._verify_shapes(node)

    def _verify_attributes(self) -> None:
        for name, attributes in self.graph.nodes.items():
            for key in ("layer", "in_shapes", "out_shape"):
                if key not in attributes:
                    raise UserError(f"network {self.name}: layer {name!r} lacks the node attribute {key!r}.")

    def _verify_acyclic(self) -> None:
        import networkx as nx  # noqa: PLC0415

        if not nx.is_directed_acyclic_graph(self.graph):
            cycle = [edge[0] for edge in nx.find_cycle(self.graph)]
            raise UserError(f"network {self.name}: layers must not form a cycle ({' -> '.join(cycle)}).")

    def _verify_ends(self) -> None:
        sources = [name for name, degree in self.graph.in_degree if degree == 0]
        inputs = [name for name in self.graph if isinstance(self.node(name).layer, Input)]
        if len(inputs) != 1 or sources != inputs:
            raise UserError(
                f"network {self.name}: every path must start at one input layer (paths start at {sources})."
            )
        outputs = [name for name, degree in self.graph.out_degree if degree == 0]
        if len(outputs) != 1:
            raise UserError(f"network {self.name}: needs one output layer (got {outputs}).")
        if self.node(inputs[0]).out_shape != self.input_shape:
            found = self.node(inputs[0]).out_shape
            raise UserError(
                f"network {self.name}: input_shape {self.input_shape} must be the input layer's {found}."
            )

    def _verify_shapes(self, node: LayerNode) -> None:
        arriving = tuple(producer.out_shape for producer in self.producers(node.name))
        if arriving != node.in_shapes:
            raise UserError(
                f"network {self.name}, layer {node.name!r}: in_shapes {node.in_shapes} must be what arrives, "
                f"{arriving}."
            )
        expected = _output_shape(self.name, node.name, node.layer, arriving)
        if node.out_shape != expected:
            raise UserError(
                f"network {self.name}, layer {node.name!r}: out_shape {node.out_shape} must be {expected}."
            )


class NetworkBuilder:
    """Adds layers one after the other and infers their shapes."""

    def __init__(self, name: str, dataset: str, input_shape: Shape, variant: str = "") -> None:
        import networkx as nx  # noqa: PLC0415

        self._name, self._dataset, self._variant = name, dataset, variant
        self._input_shape = input_shape
        self._graph = nx.DiGraph()
        self._last = self._place("input", Input(input_shape), ())

    def add(self, name: str, layer: Layer, *inputs: str) -> str:
        """Adds `layer` behind the layers named `inputs`, by default behind the last one; returns its name.

        UserError for a name given twice, an input that is unknown or named twice, or shapes that do not fit.
        """
        sources = inputs or (self._last,)
        if name in self._graph:
            raise UserError(f"network {self._name}: layer {name!r} was already added; names must differ.")
        if len(set(sources)) != len(sources):
            raise UserError(
                f"network {self._name}, layer {name!r}: inputs must differ (got {', '.join(sources)})."
            )
        for source in sources:
            if source not in self._graph:
                raise unknown_name(f"input of layer {name!r} of {self._name}:", source, self._graph)
        self._last = self._place(name, layer, sources)
        return self._last

    def _place(self, name: str, layer: Layer, sources: tuple[str, ...]) -> str:
        in_shapes = tuple(self.shape(source) for source in sources)
        out_shape = _output_shape(self._name, name, layer, in_shapes)
        self._graph.add_node(name, layer=layer, in_shapes=in_shapes, out_shape=out_shape)
        self._graph.add_edges_from((source, name) for source in sources)
        return name

    @property
    def last(self) -> str:
        """The name of the layer added last."""
        return self._last

    def shape(self, name: str | None = None) -> Shape:
        """(C, H, W) of the output of a layer, by default of the last one added."""
        shape: Shape = self._graph.nodes[name or self._last]["out_shape"]
        return shape

    def build(self) -> Network:
        """The finished network; its graph cannot be changed any more."""
        import networkx as nx  # noqa: PLC0415

        graph = nx.freeze(self._graph)
        return Network(self._name, self._dataset, self._input_shape, graph, self._variant)


def _output_shape(network: str, name: str, layer: Layer, inputs: tuple[Shape, ...]) -> Shape:
    try:
        return layer.output_shape(*inputs)
    except UserError as error:
        raise UserError(f"network {network}, layer {name!r}: {error}") from error
