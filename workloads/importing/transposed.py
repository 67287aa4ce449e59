"""A transposed convolution as ordinary ones: one per phase of its output, without inserted zeros.

O[y] sums I[i] W[k] over all y + p = i s + k. For outputs of phase r, y = j s + r, only taps
k = k0 + m s with k0 = (r + p) mod s meet an input, at i = j + q - m with q = (r + p) div s: a convolution of
stride 1 with every s-th tap, which starts len(taps) - 1 - q rows above the map. The same holds for columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from workloads.errors import UserError
from workloads.importing.steps import TransposedConv
from workloads.layers import Conv, Size


@dataclass(frozen=True)
class _Axis:
    """One axis of a phase: taps, padding before and behind (negative: inputs not read), n inputs."""

    phase: int
    kernel: int
    before: int
    behind: int
    n: int

    @property
    def read(self) -> int:
        """Inputs that are read."""
        return self.n + min(0, self.before) + min(0, self.behind)


@dataclass(frozen=True)
class Phase:
    """The convolution of a phase, and the size of the part of the map that it reads."""

    layer: Conv
    in_size: Size


def phases(layer: TransposedConv, in_size: Size) -> dict[Size, Phase]:
    """Its convolution by (vertical, horizontal) phase; phases that no input reaches are left out.

    UserError for what cannot be said as a convolution of this kind.
    """
    vertical, horizontal = (_axis_phases(layer, in_size[axis], axis) for axis in (0, 1))
    found = {(v.phase, h.phase): _phase(layer, v, h) for v, h in product(vertical, horizontal)}
    if not found:
        raise UserError("no input reaches the output, there is nothing to compute; pad it less.")
    return found


def _axis_phases(layer: TransposedConv, n: int, axis: int) -> list[_Axis]:
    kernel, stride, dilation = layer.kernel[axis], layer.stride[axis], layer.dilation[axis]
    if stride == 1:
        before = dilation * (kernel - 1) - layer.padding[axis]
        behind = layer.out_size[axis] + dilation * (kernel - 1) - n - before
        whole = _Axis(0, kernel, before, behind, n)
        return [whole] if whole.read > 0 else []
    if dilation > 1 and kernel > 1:
        raise UserError(
            "a transposed convolution with both a stride and a dilation cannot be simulated; use one of them."
        )
    every = (
        _axis_phase(kernel, stride, layer.padding[axis], layer.out_size[axis], n, r) for r in range(stride)
    )
    return [found for found in every if found is not None and found.read > 0]


def _axis_phase(kernel: int, stride: int, padding: int, outputs: int, n: int, phase: int) -> _Axis | None:
    shift, first_tap = divmod(phase + padding, stride)
    taps = len(range(first_tap, kernel, stride))
    of_phase = len(range(phase, outputs, stride))
    if not taps or not of_phase:
        return None
    return _Axis(phase, taps, taps - 1 - shift, of_phase - 1 + shift - (n - 1), n)


def _phase(layer: TransposedConv, vertical: _Axis, horizontal: _Axis) -> Phase:
    convolution = Conv(
        layer.in_channels,
        layer.out_channels,
        kernel=(vertical.kernel, horizontal.kernel),
        stride=(1, 1),
        padding=(max(0, vertical.before), max(0, horizontal.before)),
        dilation=(
            layer.dilation[0] if layer.stride[0] == 1 else 1,
            layer.dilation[1] if layer.stride[1] == 1 else 1,
        ),
        groups=layer.groups,
        bias=layer.bias and vertical.phase == horizontal.phase == 0,
        end_padding=(max(0, vertical.behind), max(0, horizontal.behind)),
    )
    return Phase(convolution, (vertical.read, horizontal.read))
