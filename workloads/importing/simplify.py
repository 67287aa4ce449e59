"""Steps as they are trained: without dead ones, activations in one piece, padding where it is used."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from workloads.errors import UserError
from workloads.importing.functions import elementwise
from workloads.importing.names import quoted
from workloads.importing.steps import Step, Steps, View
from workloads.layers import Conv, Linear, Size
from workloads.map_layers import Combine, Elementwise, Pad

_PRODUCTS = {"sigmoid": "silu", "hard_sigmoid": "hard_swish"}
"""x times this function of x -> what that is called."""
_OF_THE_LOSS = ("softmax", "log_softmax")


def simplified(steps: Steps) -> Steps:
    """The same network, only what its outputs need, with common patterns as the one layer they are.

    UserError where an output is made by no step.
    """
    made = [_without_loss(step, steps.outputs) for step in steps.steps]
    fused = _Patterns(made).replaced()
    return replace(steps, steps=_needed(fused, steps))


def _without_loss(step: Step, outputs: tuple[str, ...]) -> Step:
    """The softmax at the end is part of the loss, which the training graph has anyway."""
    layer = step.layer
    if isinstance(layer, Elementwise) and layer.function in _OF_THE_LOSS and step.output in outputs:
        return replace(step, layer=View(step.shape)) if step.shape else step
    return step


class _Patterns:
    """Patterns of two steps, found by looking from the second at the first."""

    def __init__(self, steps: list[Step]) -> None:
        self._steps = steps
        self._producer = {step.output: step for step in steps}
        self._readers = Counter(name for step in steps for name in step.inputs)

    def replaced(self) -> list[Step]:
        return [self._replaced(step) for step in self._steps]

    def _replaced(self, step: Step) -> Step:
        if isinstance(step.layer, Combine) and step.layer.function == "multiply":
            return self._activation(step)
        if isinstance(step.layer, Elementwise) and step.layer.function == "add_constant":
            return self._biased(step)
        if isinstance(step.layer, Conv):
            return self._padded(step, step.layer)
        return step

    def _biased(self, step: Step) -> Step:
        """A constant added to what a layer without a bias makes is its bias."""
        inner = self._producer.get(step.inputs[0])
        if inner is None or not isinstance(inner.layer, Conv | Linear) or inner.layer.bias:
            return step
        if self._readers[inner.output] > 1:
            return step
        return replace(inner, layer=replace(inner.layer, bias=True), output=step.output, shape=step.shape)

    def _activation(self, step: Step) -> Step:
        """x * sigmoid(x), as exporters write SiLU."""
        for x, other in (step.inputs, step.inputs[::-1]) if len(step.inputs) == 2 else ():
            inner = self._producer.get(other)
            if inner is None or inner.inputs != (x,) or self._readers[other] > 1:
                continue
            if isinstance(inner.layer, Elementwise) and inner.layer.function in _PRODUCTS:
                return replace(step, layer=elementwise(_PRODUCTS[inner.layer.function]), inputs=(x,))
        return step

    def _padded(self, step: Step, layer: Conv) -> Step:
        """Zeros around the map that a convolution reads are its padding."""
        inner = self._producer.get(step.inputs[0])
        if inner is None or not isinstance(inner.layer, Pad):
            return step
        before = _sum(layer.padding, inner.layer.before)
        behind = _sum(layer.end_padding or layer.padding, inner.layer.behind)
        padded = replace(layer, padding=before, end_padding=behind)
        return replace(step, layer=padded, inputs=inner.inputs)


def _sum(left: Size, right: Size) -> Size:
    return left[0] + right[0], left[1] + right[1]


def _needed(made: list[Step], steps: Steps) -> tuple[Step, ...]:
    """Those that some output depends on, in their order."""
    wanted, known = set(steps.outputs), {step.output for step in made}
    for name in steps.outputs:
        if name != steps.input and name not in known:
            raise UserError(f"{steps.source}: no operator makes the output {quoted(name)}.")
    kept = []
    for step in reversed(made):
        if step.output in wanted:
            kept.append(step)
            wanted.update(step.inputs)
    return tuple(reversed(kept))
