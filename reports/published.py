"""The figures that were published for SparseTrain, and what is recalled of the companion paper."""

from sparsesim.reproduction.published import EFFICIENCY, NETWORKS, SPEEDUP

__all__ = ["EFFICIENCY", "NETWORKS", "RECALLED_DENSITIES", "SPEEDUP"]

RECALLED_DENSITIES = {
    ("alexnet", "cifar10"): 0.01,
    ("resnet18", "cifar10"): 0.34,
    ("alexnet", "imagenet"): 0.04,
    ("resnet18", "imagenet"): 0.38,
}
"""Average density of dO at p = 0.9 in Ye et al., "Accelerating CNN Training by Pruning Activation Gradients"
(ECCV 2020), as recalled: no source was at hand to check the digits against."""
