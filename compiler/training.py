"""Network graph -> training graph: the three convolutions of every layer, and the passes between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from compiler.geometry import ConvGeometry
from compiler.other_work import OtherWork, other_works
from compiler.program import Stage
from workloads.errors import UserError
from workloads.layers import Add, BatchNorm, Conv, Linear, ReLU
from workloads.map_layers import Interleave
from workloads.network import LayerNode, Network
from workloads.zeros import from_relu

if TYPE_CHECKING:
    import networkx as nx

Follower = Literal["bn", "relu", "add", "none"]

_FOLLOWERS: dict[type, Follower] = {BatchNorm: "bn", ReLU: "relu", Add: "add"}


@dataclass(frozen=True)
class ConvWork:
    """A convolution or fully connected layer in training.

    layer: name in the network. index: its place among these layers in forward order, from 0.
    geometry: of one sample; of a fully connected layer, of the whole batch (columns are samples).
    has_gta: whether dI is needed, that is, whether anything before the layer is trained.
    input_is_relu: I is the output of a ReLU, seen directly or through layers that keep its zeros, such as
      flattening, max pooling and concatenation. Not through average pooling: a mean of many values is hardly
      ever zero.
    gta_masked: dI is needed only where I is not zero. True wherever I comes from a ReLU and dI is needed. A
      ReLU passes no gradient where its output is 0. A max-pooled value is 0 only if its whole window is, so
      the gradient of a pooled 0 would end in such a position: I's own non-zero mask loses nothing. The same
      holds where several layers read I, since the mask distributes over the sum of their gradients.
    followed_by: the layer that alone reads O; "none" for several readers or another kind.
    relu_fused: that layer is a ReLU, which the PPU applies.
    """

    layer: str
    index: int
    geometry: ConvGeometry
    is_fc: bool
    has_gta: bool
    input_is_relu: bool
    gta_masked: bool
    followed_by: Follower
    relu_fused: bool

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages this layer has, in the order they run."""
        gta = (Stage.GTA,) if self.has_gta else ()
        return Stage.FORWARD, *gta, Stage.GTW


@dataclass(frozen=True, eq=False)
class TrainingGraph:
    """One training step of `network` at `batch` samples; both tuples are in forward order of their layers."""

    network: Network
    batch: int
    convolutions: tuple[ConvWork, ...]
    other: tuple[OtherWork, ...]

    def graph(self) -> nx.DiGraph:
        """The dependences of the step, an acyclic graph.

        Every layer has a node "NAME/forward". Where gradients flow, a convolution has "NAME/gta" and
        "NAME/gtw", any other layer "NAME/backward", a map with several readers "NAME/gradient_sum", a layer
        with parameters "NAME/update"; "NAME/loss" of the last layer joins forward and backward. Attributes:
        "stage" (Stage), "work" (ConvWork, OtherWork, or None for what costs nothing). An edge leads from a
        node to one that needs it done.
        """
        return _dependences(self)


def training_graph(network: Network, batch: int) -> TrainingGraph:
    """The training graph of `network` for batches of `batch` >= 1 samples; UserError for another batch."""
    if isinstance(batch, bool) or not isinstance(batch, int) or batch < 1:
        raise UserError(f"batch must be a whole number >= 1 (got {batch!r}).")
    trained = _trained(network)
    convolutions = tuple(
        _conv_work(network, node, index, trained, batch) for index, node in enumerate(network.convolutions())
    )
    return TrainingGraph(network, batch, convolutions, other_works(network, trained, batch))


def conv_geometry(node: LayerNode, batch: int) -> ConvGeometry:
    """The geometry of a convolution for one sample, of a fully connected layer for `batch` samples."""
    layer = node.layer
    if isinstance(layer, Linear):
        return ConvGeometry(layer.in_channels, layer.out_channels, in_size=(1, batch), kernel=(1, 1))
    if not isinstance(layer, Conv):
        raise TypeError(f"layer {node.name!r} of kind {layer.kind} is no convolution")
    return ConvGeometry(
        layer.in_channels,
        layer.out_channels,
        in_size=node.in_shape[1:],
        kernel=layer.kernel,
        stride=layer.stride,
        padding=layer.padding,
        dilation=layer.dilation,
        groups=layer.groups,
        end_padding=layer.end_padding,
    )


def _trained(network: Network) -> frozenset[str]:
    """The layers whose output depends on a parameter."""
    trained: set[str] = set()
    for node in network.layers():
        if node.layer.parameters or _gradient_wanted(network, node, trained):
            trained.add(node.name)
    return frozenset(trained)


def _gradient_wanted(network: Network, node: LayerNode, trained: frozenset[str] | set[str]) -> bool:
    """Whether the gradient of the layer's input is needed."""
    return any(producer.name in trained for producer in network.producers(node.name))


def _conv_work(
    network: Network, node: LayerNode, index: int, trained: frozenset[str], batch: int
) -> ConvWork:
    has_gta = _gradient_wanted(network, node, trained)
    input_is_relu = from_relu(network, network.producers(node.name)[0])
    followed_by = _follower(network, node)
    return ConvWork(
        layer=node.name,
        index=index,
        geometry=conv_geometry(node, batch),
        is_fc=isinstance(node.layer, Linear),
        has_gta=has_gta,
        input_is_relu=input_is_relu,
        gta_masked=has_gta and input_is_relu,
        followed_by=followed_by,
        relu_fused=followed_by == "relu",
    )


def _follower(network: Network, node: LayerNode) -> Follower:
    consumers = network.consumers(node.name)
    while len(consumers) == 1 and isinstance(consumers[0].layer, Interleave):
        consumers = network.consumers(consumers[0].name)
    return _FOLLOWERS.get(type(consumers[0].layer), "none") if len(consumers) == 1 else "none"


def _dependences(training: TrainingGraph) -> nx.DiGraph:
    import networkx as nx  # noqa: PLC0415

    graph = nx.DiGraph(list(_edges(training.network)))
    works = _works_by_node(training)
    for name, attributes in graph.nodes.items():
        attributes["work"] = works.get(name)
        attributes["stage"] = _stage(name, works.get(name))
    return graph


def _works_by_node(training: TrainingGraph) -> dict[str, ConvWork | OtherWork]:
    works: dict[str, ConvWork | OtherWork] = {
        f"{work.layer}/{stage}": work for work in training.convolutions for stage in work.stages
    }
    works.update({f"{work.layer}/{work.step}": work for work in training.other})
    return works


def _stage(name: str, work: ConvWork | OtherWork | None) -> Stage:
    return Stage(name.rsplit("/", 1)[1]) if isinstance(work, ConvWork) else Stage.OTHER


def _edges(network: Network) -> Iterator[tuple[str, str]]:
    trained = _trained(network)
    for node in network.layers():
        for producer in network.producers(node.name):
            yield f"{producer.name}/forward", f"{node.name}/forward"
    yield f"{network.output.name}/forward", f"{network.output.name}/loss"
    for node in reversed(network.layers()):
        if node.name in trained:
            yield from _gradient_sum_edges(network, node)
            yield from _backward_edges(network, node, trained)


def _gradient_sum_edges(network: Network, node: LayerNode) -> Iterator[tuple[str, str]]:
    consumers = network.consumers(node.name)
    if len(consumers) > 1:
        for consumer in consumers:
            yield _backward_node(consumer), f"{node.name}/gradient_sum"


def _backward_edges(network: Network, node: LayerNode, trained: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Backward stages need dO and what forward read; the update comes after them all, since GTA reads W."""
    steps = ["gtw"] if node.is_convolution else []
    if _gradient_wanted(network, node, trained) or not node.is_convolution:
        steps.append(_backward_node(node).rsplit("/", 1)[1])
    for step in steps:
        yield _gradient_node(network, node), f"{node.name}/{step}"
        for producer in network.producers(node.name):
            yield f"{producer.name}/forward", f"{node.name}/{step}"
        if node.layer.parameters:
            yield f"{node.name}/{step}", f"{node.name}/update"


def _gradient_node(network: Network, node: LayerNode) -> str:
    """The node that makes the gradient of the layer's output."""
    consumers = network.consumers(node.name)
    if len(consumers) == 1:
        return _backward_node(consumers[0])
    return f"{node.name}/gradient_sum" if consumers else f"{node.name}/loss"


def _backward_node(node: LayerNode) -> str:
    """The node that makes the gradient of the layer's input."""
    return f"{node.name}/{'gta' if node.is_convolution else 'backward'}"
