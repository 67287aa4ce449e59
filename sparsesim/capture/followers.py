"""Which convolutions a normalisation follows, read off the autograd graph of a forward."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sparsesim.capture.ancestry import kind_of, parents, producers


def normalised(output: Any, convolutions: Mapping[Any, str]) -> set[str]:
    """Names of the convolutions whose output a batch, group or layer normalisation reads.

    output: what the model returned, tensors in any nesting. convolutions: names by autograd node.
    """
    return {
        convolutions[producer]
        for node in _nodes(output)
        if "Norm" in kind_of(node)
        for producer in producers(node)
        if producer in convolutions
    }


def _nodes(output: Any) -> Iterator[Any]:
    """Every node of the graph behind the output, once."""
    waiting = [tensor.grad_fn for tensor in _tensors(output) if tensor.grad_fn is not None]
    seen = set(waiting)
    while waiting:
        node = waiting.pop()
        yield node
        for parent in parents(node):
            if parent not in seen:
                seen.add(parent)
                waiting.append(parent)


def _tensors(value: Any) -> Iterator[Any]:
    """The tensors in tuples, lists, mappings and objects with fields."""
    if hasattr(value, "grad_fn"):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _tensors(part)
    elif isinstance(value, list | tuple | set):
        for part in value:
            yield from _tensors(part)
    elif hasattr(value, "__dict__"):
        for part in vars(value).values():
            if hasattr(part, "grad_fn") or isinstance(part, list | tuple | dict):
                yield from _tensors(part)
