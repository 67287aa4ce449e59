"""The figures that were published for SparseTrain.

Dai et al., DAC 2020, abstract: an average over AlexNet and ResNets, on chip; networks, data sets and pruning
rate are not stated there.
"""

SPEEDUP, EFFICIENCY = 2.7, 2.2
NETWORKS = ("alexnet", "resnet18", "resnet34")

RECALLED_DENSITIES = {
    ("alexnet", "cifar10"): 0.01,
    ("resnet18", "cifar10"): 0.34,
    ("alexnet", "imagenet"): 0.04,
    ("resnet18", "imagenet"): 0.38,
}
"""Average density of dO at p = 0.9 in Ye et al., "Accelerating CNN Training by Pruning Activation Gradients"
(ECCV 2020), as recalled: no source was at hand to check the digits against."""
