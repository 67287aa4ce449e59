"""Counts and masks of one call of a layer, taken while its tensors are at hand."""

from __future__ import annotations

from typing import Any

from sparsesim.capture.ancestry import rectified
from sparsesim.capture.call import Call, Pass
from sparsesim.capture.geometry import maps
from sparsesim.capture.masks import as_computed_with, count_nonzero, needed, packed


def new_call(name: str, layer: Any, inputs: Any) -> Call:
    """The call of a layer that reads `inputs`."""
    relu = rectified(inputs) if inputs.requires_grad else None
    return Call(name, layer, bool(inputs.requires_grad), relu)


def measure_input(call: Call, inputs: Any, of: Pass) -> None:
    """Count the non-zeros of I and the positions where dI is needed; keep the masks of the chosen samples."""
    inputs = as_computed_with(inputs.detach())
    if of.measured:
        _count_input(call, inputs)
    if of.samples is not None:
        chosen = maps(inputs[list(of.samples)], call.layer)
        call.masks["input"] = packed(chosen.ne(0))
        if call.relu is not None:
            call.masks["grad_input_mask"] = packed(needed(chosen, call.relu))


def _count_input(call: Call, inputs: Any) -> None:
    nonzero, elements = count_nonzero(inputs), inputs.numel()
    call.inputs.add(nonzero, elements)
    if not call.needs_gradient:
        return
    if call.relu is None:
        call.needed.add(elements, elements)
    elif call.relu.limit is None:
        call.needed.add(nonzero, elements)
    else:
        call.needed.add(count_nonzero(needed(inputs, call.relu)), elements)


def measure_gradient(call: Call, gradient: Any, of: Pass) -> None:
    """The same for dO."""
    gradient = gradient.detach()
    if of.measured:
        call.grad_outputs.add(count_nonzero(gradient), gradient.numel())
    if of.samples is not None:
        call.masks["grad_output"] = packed(maps(gradient[list(of.samples)], call.layer).ne(0))
