"""Where a tensor comes from, read off the autograd graph: is it the output of a ReLU, and of which kind?

Between the ReLU and the layer there may be operations that hand on single values: pooling maxima, flattening
and other rearrangement, concatenation, casts, zero padding, dropout. A value that reaches the layer as 0
through these was 0 behind the ReLU, or was dropped; either way no gradient passes. Averages and sums are no
such operations. What is not known here counts as no ReLU: then dI is needed everywhere, which is never wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

_RELU = {"ReluBackward", "ThresholdBackward", "HardtanhBackward"}
_REARRANGED = {
    "AliasBackward", "AsStridedBackward", "CatBackward", "ChannelShuffleBackward", "CloneBackward",
    "ConstantPadNdBackward", "ExpandBackward", "IndexBackward", "NativeChannelShuffleBackward",
    "PermuteBackward", "PixelShuffleBackward", "RepeatBackward", "ReshapeAliasBackward", "ReshapeBackward",
    "SelectBackward", "SliceBackward", "SplitBackward", "SplitWithSizesBackward", "SqueezeBackward",
    "StackBackward", "TBackward", "ToCopyBackward", "TransposeBackward", "UnbindBackward",
    "UnfoldBackward", "UnsafeSplitBackward", "UnsafeViewBackward", "UnsqueezeBackward", "ViewBackward",
}  # fmt: skip
_CHOSEN = {
    "AdaptiveMaxPool2DBackward", "MaxPool2DBackward", "MaxPool2DWithIndicesBackward",
    "MaxPool3DWithIndicesBackward", "UpsampleNearest1DBackward", "UpsampleNearest2DBackward",
}  # fmt: skip
_DROPPED = {"NativeDropoutBackward", "FeatureDropoutBackward"}
_SUMS = {"AddBackward", "SubBackward"}


@dataclass(frozen=True)
class Rectified:
    """A tensor behind a ReLU. limit: the value from which on it cuts off (6 for ReLU6), None for none."""

    limit: float | None = None


def kind_of(node: Any) -> str:
    """The name of an autograd node without its version number: `ReluBackward0` is `ReluBackward`."""
    return str(node.name()).rsplit("::", 1)[-1].rstrip("0123456789")


def parents(node: Any) -> list[Any]:
    """The nodes that made what `node` reads, as far as gradients flow there."""
    return [parent for parent, _ in node.next_functions if parent is not None]


def rectified(tensor: Any) -> Rectified | None:
    """What is known of the ReLU that a tensor comes from; None where there is none, or not for all of it."""
    passed: list[Any] = []
    ends = list(_ends(tensor.grad_fn, _hands_on, passed))
    if not ends or not all(_cuts_at_zero(node) for node in ends) or any(map(_is_partly_constant, passed)):
        return None
    limits = {_limit(node) for node in ends}
    if len(limits) > 1 or any(map(_scales, passed)):
        return Rectified()
    return Rectified(limits.pop())


def behind_bare_convolution(tensor: Any, is_convolution: Callable[[Any], bool]) -> bool:
    """Whether a tensor is the ReLU of a convolution's output, with no normalisation in between (Conv-ReLU).

    Sums in between are looked through. is_convolution: tells whether an autograd node is a convolution.
    """
    for relu in _ends(tensor.grad_fn, _hands_on):
        if kind_of(relu) in _RELU and any(map(is_convolution, _before(relu, _adds_or_hands_on))):
            return True
    return False


def producers(node: Any) -> Iterator[Any]:
    """The nodes whose values `node` reads, seen through rearrangement and casts."""
    yield from _before(node, lambda other: kind_of(other) in _REARRANGED)


def _before(node: Any, through: Callable[[Any], bool]) -> Iterator[Any]:
    for parent in parents(node):
        yield from _ends(parent, through)


def _ends(start: Any, through: Callable[[Any], bool], passed: list[Any] | None = None) -> Iterator[Any]:
    """The first nodes from `start` back that are not to be looked through; those that were go to `passed`."""
    waiting, seen = [] if start is None else [start], set()
    while waiting:
        node = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
        if not through(node):
            yield node
            continue
        waiting.extend(parents(node))
        if passed is not None:
            passed.append(node)


def _hands_on(node: Any) -> bool:
    return kind_of(node) in _REARRANGED | _CHOSEN or _scales(node)


def _adds_or_hands_on(node: Any) -> bool:
    return kind_of(node) in _SUMS or _hands_on(node)


def _scales(node: Any) -> bool:
    """Dropout: by its own node, or multiplied or divided by something that no gradient goes to."""
    kind = kind_of(node)
    return kind in _DROPPED or (kind in ("MulBackward", "DivBackward") and len(parents(node)) == 1)


def _is_partly_constant(node: Any) -> bool:
    """Joined from parts of which some have no gradient, so their zeros come from no ReLU."""
    return kind_of(node) in ("CatBackward", "StackBackward") and len(parents(node)) < len(node.next_functions)


def _cuts_at_zero(node: Any) -> bool:
    """A ReLU, or a threshold or clamp whose lower end is 0."""
    kind = kind_of(node)
    if kind == "ThresholdBackward":
        return float(node._saved_threshold) == 0.0
    if kind == "HardtanhBackward":
        return float(node._saved_min_val) == 0.0
    return kind in _RELU


def _limit(node: Any) -> float | None:
    return float(node._saved_max_val) if kind_of(node) == "HardtanhBackward" else None
