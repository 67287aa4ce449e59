"""The figures that were published for SparseTrain.

Dai et al., DAC 2020, abstract: an average over AlexNet and ResNets, on chip; networks, data sets and pruning
rate are not stated there. Which networks they were is recalled, not checked.
"""

SPEEDUP, EFFICIENCY = 2.7, 2.2
NETWORKS = ("alexnet", "resnet18", "resnet34")
