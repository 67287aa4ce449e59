"""ResNets: He et al., "Deep residual learning for image recognition" (2016), as torchvision lays them out.

Bottlenecks carry their stride on the 3x3 convolution ("v1.5"). CIFAR: a 3x3 stem of stride 1 and no stem
pool, the widths of ImageNet (64 .. 512), maps of 32, 16, 8 and 4: the customary adaptation, not the narrow
CIFAR ResNets (20, 32, ...) of the paper. ReLU layers, one shared module in torchvision, are numbered here.
"""

from __future__ import annotations

from workloads.datasets import Dataset
from workloads.errors import unknown_name
from workloads.layers import AdaptiveAvgPool, Add, BatchNorm, Conv, Flatten, Linear, MaxPool, ReLU, square
from workloads.network import Network, NetworkBuilder

# depth: (blocks of the four stages, whether the blocks are bottlenecks); table 1 of the paper
_PLANS = {
    18: ((2, 2, 2, 2), False),
    34: ((3, 4, 6, 3), False),
    50: ((3, 4, 6, 3), True),
    101: ((3, 4, 23, 3), True),
    152: ((3, 8, 36, 3), True),
}
DEPTHS: tuple[int, ...] = tuple(_PLANS)

_EXPANSION = 4  # output channels of a bottleneck over its width


def resnet(depth: int, dataset: Dataset) -> Network:
    """ResNet of one of DEPTHS for `dataset`; small images get the CIFAR stem."""
    if depth not in _PLANS:
        raise unknown_name("depth of ResNet", str(depth), map(str, DEPTHS))
    stages, bottleneck = _PLANS[depth]
    variant = "CIFAR form: 3x3 stem, no stem pool" if dataset.is_small else "torchvision layout"
    network = NetworkBuilder(f"resnet{depth}", dataset.name, dataset.image_shape, variant)
    _stem(network, dataset.is_small)
    for stage, blocks in enumerate(stages):
        for block in range(blocks):
            stride = 2 if stage > 0 and block == 0 else 1
            _block(network, f"layer{stage + 1}.{block}", 64 << stage, stride, bottleneck)
    network.add("avgpool", AdaptiveAvgPool(square(1)))
    network.add("flatten", Flatten())
    network.add("fc", Linear(network.shape()[0], dataset.classes))
    return network.build()


def _stem(network: NetworkBuilder, small: bool) -> None:
    kernel, stride, padding = (3, 1, 1) if small else (7, 2, 3)
    _conv_bn(network, "conv1", "bn1", (64, kernel, stride, padding), network.shape()[0])
    network.add("relu", ReLU())
    if not small:
        network.add("maxpool", MaxPool(square(3), square(2), square(1)))


def _block(network: NetworkBuilder, name: str, width: int, stride: int, bottleneck: bool) -> None:
    """Adds one residual block behind the last layer; the downsampling comes last, as torchvision runs it."""
    source, in_channels = network.last, network.shape()[0]
    plan = _bottleneck(width, stride) if bottleneck else _basic(width, stride)
    channels = in_channels
    for number, step in enumerate(plan, start=1):
        end = _conv_bn(network, f"{name}.conv{number}", f"{name}.bn{number}", step, channels)
        channels = step[0]
        if number < len(plan):
            network.add(f"{name}.relu{number}", ReLU())
    if stride != 1 or in_channels != channels:
        shortcut = (channels, 1, stride, 0)
        names = f"{name}.downsample.0", f"{name}.downsample.1"
        source = _conv_bn(network, *names, shortcut, in_channels, source)
    network.add(f"{name}.add", Add(), end, source)
    network.add(f"{name}.relu{len(plan)}", ReLU())


def _basic(width: int, stride: int) -> tuple[tuple[int, int, int, int], ...]:
    """(out_channels, kernel, stride, padding) of the convolutions of a basic block."""
    return (width, 3, stride, 1), (width, 3, 1, 1)


def _bottleneck(width: int, stride: int) -> tuple[tuple[int, int, int, int], ...]:
    """(out_channels, kernel, stride, padding) of the convolutions of a bottleneck."""
    return (width, 1, 1, 0), (width, 3, stride, 1), (width * _EXPANSION, 1, 1, 0)


def _conv_bn(
    network: NetworkBuilder,
    conv_name: str,
    bn_name: str,
    step: tuple[int, int, int, int],
    in_channels: int,
    *inputs: str,
) -> str:
    channels, kernel, stride, padding = step
    conv = Conv(in_channels, channels, square(kernel), square(stride), square(padding), bias=False)
    network.add(conv_name, conv, *inputs)
    return network.add(bn_name, BatchNorm(channels))
