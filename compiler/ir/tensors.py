"""Which tensors a program of each row operation declares, and their shapes."""

from __future__ import annotations

from dataclasses import dataclass

from compiler.geometry import ConvGeometry
from compiler.program import RowOperation

OPERANDS = {
    RowOperation.SRC: ("I", "W"),
    RowOperation.MSRC: ("dO", "W"),
    RowOperation.OSRC: ("I", "dO"),
}
RESULT = {RowOperation.SRC: "O", RowOperation.MSRC: "dI", RowOperation.OSRC: "dW"}


@dataclass(frozen=True)
class TensorRule:
    """What a declaration must say. kinds: the legal ones; required: a program without it is wrong."""

    kinds: tuple[str, ...]
    shape: tuple[int, ...]
    required: bool


def tensor_shape(name: str, geometry: ConvGeometry, samples: int = 1) -> tuple[int, ...]:
    """Shape of a tensor; the maps of several samples are stacked by rows.

    I, dI, mask: (C, samples * H, W); O, dO: (F, samples * Ho, Wo); W, dW: (F, C / groups, Kh, Kw). ValueError
    for another name.
    """
    if name in ("I", "dI", "mask"):
        height, width = geometry.in_size
        return geometry.in_channels, samples * height, width
    if name in ("O", "dO"):
        height, width = geometry.out_size
        return geometry.out_channels, samples * height, width
    if name in ("W", "dW"):
        return (geometry.out_channels, geometry.in_channels_per_group, *geometry.kernel)
    raise ValueError(f"no tensor of a convolution: {name!r}")


def tensor_rules(operation: RowOperation, geometry: ConvGeometry, samples: int = 1) -> dict[str, TensorRule]:
    """The legal tensors of a program by name. samples: those that OSRC accumulates over (1 for the others).

    Operands and result are required. `sums` holds partial sums between tiles, in the shape of the result;
    `mask` is the ReLU mask of I (MSRC), or the one SRC makes for its O. dW leaves the machine as sums.
    """
    result = RESULT[operation]
    rules = {
        name: TensorRule(("operand",), tensor_shape(name, geometry, samples), True)
        for name in OPERANDS[operation]
    }
    result_shape = tensor_shape(result, geometry)
    rules[result] = TensorRule(("operand", "sums") if result == "dW" else ("operand",), result_shape, True)
    rules["sums"] = TensorRule(("sums",), result_shape, False)
    if operation is not RowOperation.OSRC:
        rules["mask"] = TensorRule(("mask",), result_shape, False)
    return rules
