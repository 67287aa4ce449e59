"""Which tensors a program of each row operation declares, and their shapes for one sample."""

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


def tensor_shape(name: str, geometry: ConvGeometry) -> tuple[int, ...]:
    """Shape of a tensor for one sample.

    I, dI, mask: (C, H, W); O, dO: (F, Ho, Wo); W, dW: (F, C / groups, Kh, Kw). ValueError for another name.
    """
    if name in ("I", "dI", "mask"):
        return (geometry.in_channels, *geometry.in_size)
    if name in ("O", "dO"):
        return (geometry.out_channels, *geometry.out_size)
    if name in ("W", "dW"):
        return (geometry.out_channels, geometry.in_channels_per_group, *geometry.kernel)
    raise ValueError(f"no tensor of a convolution: {name!r}")


def tensor_rules(operation: RowOperation, geometry: ConvGeometry) -> dict[str, TensorRule]:
    """The legal tensors of a program by name.

    Operands and result are required. `sums` holds partial sums between tiles, in the shape of the result;
    `mask` is the ReLU mask of I (MSRC), or the one SRC makes for its O. dW leaves the machine as sums.
    """
    result = RESULT[operation]
    rules = {
        name: TensorRule(("operand",), tensor_shape(name, geometry), True) for name in OPERANDS[operation]
    }
    result_shape = tensor_shape(result, geometry)
    rules[result] = TensorRule(("operand", "sums") if result == "dW" else ("operand",), result_shape, True)
    rules["sums"] = TensorRule(("sums",), result_shape, False)
    if operation is not RowOperation.OSRC:
        rules["mask"] = TensorRule(("mask",), result_shape, False)
    return rules
