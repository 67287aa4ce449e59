"""VGG-16: thirteen 3x3 convolutions with ReLU, five pools; no batch-norm.

ImageNet: configuration D of Simonyan and Zisserman (2015) as in torchvision, with three fully connected
layers. Its adaptive average pool is the identity at 224 x 224 and is left out.
CIFAR: the same convolutions and pools (32 -> 1), then the customary one fully connected layer 512 -> classes.
"""

from __future__ import annotations

from workloads.datasets import Dataset
from workloads.layers import Conv, Flatten, Linear, MaxPool, ReLU, square
from workloads.network import Network, NetworkBuilder

# channels and number of the convolutions before each pool
_STAGES = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))


def vgg16(dataset: Dataset) -> Network:
    """VGG-16 for `dataset`; small images get the CIFAR form."""
    small = dataset.is_small
    variant = "CIFAR form: one fc 512 -> classes" if small else "torchvision layout, configuration D"
    network = NetworkBuilder("vgg16", dataset.name, dataset.image_shape, variant)
    _features(network)
    network.add("flatten", Flatten())
    if small:
        network.add("classifier", Linear(network.shape()[0], dataset.classes))
    else:
        _classifier(network, dataset.classes)
    return network.build()


def _features(network: NetworkBuilder) -> None:
    index = 0
    for channels, convolutions in _STAGES:
        for _ in range(convolutions):
            before = network.shape()[0]
            network.add(f"features.{index}", Conv(before, channels, square(3), padding=square(1)))
            network.add(f"features.{index + 1}", ReLU())
            index += 2
        network.add(f"features.{index}", MaxPool(square(2), square(2)))
        index += 1


def _classifier(network: NetworkBuilder, classes: int) -> None:
    """torchvision's numbering: classifier.2 and .5 are dropout."""
    network.add("classifier.0", Linear(network.shape()[0], 4096))
    network.add("classifier.1", ReLU())
    network.add("classifier.3", Linear(4096, 4096))
    network.add("classifier.4", ReLU())
    network.add("classifier.6", Linear(4096, classes))
