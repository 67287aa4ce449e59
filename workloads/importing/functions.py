"""Functions of single elements, and how many vector operations each takes.

One operation is an addition, multiplication, comparison, division or exponential of one element. None of
these functions leaves zeros that a machine could skip; ReLU and its kin, which do, are layers of their own.
"""

from __future__ import annotations

from workloads.layers import Layer
from workloads.map_layers import Elementwise

OPERATIONS = {
    "leaky_relu": 2,  # comparison, product
    "prelu": 2,
    "elu": 4,  # comparison, exponential, difference, product
    "selu": 5,
    "celu": 5,
    "sigmoid": 3,  # exponential, sum, quotient
    "hard_sigmoid": 4,  # product, sum, two comparisons
    "silu": 4,  # sigmoid and a product
    "hard_swish": 5,
    "tanh": 5,  # 2 sigmoid(2x) - 1
    "gelu": 8,  # in its form with tanh
    "mish": 9,  # x tanh(ln(1 + exp x))
    "softplus": 3,
    "softsign": 3,
    "softmax": 4,  # difference, exponential, sum, quotient
    "log_softmax": 4,
    "clip": 2,
}


def elementwise(function: str, trained: int = 0) -> Layer:
    """The layer of a function: as many operations as the table says, 1 for what is not in it."""
    return Elementwise(function, OPERATIONS.get(function, 1), trained)
