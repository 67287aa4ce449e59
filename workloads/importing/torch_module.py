"""A torch.nn.Module -> Network, through torch.export. PyTorch is imported by whoever has a module."""

from __future__ import annotations

import warnings
from typing import Any

from workloads.errors import UserError
from workloads.importing.assemble import network_of
from workloads.importing.names import quoted
from workloads.importing.steps import Step, Steps, shape_of
from workloads.importing.torch_graph import TorchGraph
from workloads.importing.torch_operators import translator_of
from workloads.network import Network


def read_module(module: Any, example: Any) -> Network:
    """The network that a module is, in the mode it is in (train or eval); the module is not changed.

    example: a tensor (N, C, H, W) or (N, C), a batch to call it with, or a tuple of that one. UserError for
    other examples, a module that torch.export cannot trace, and for an operator that cannot be simulated.
    """
    image = _image(example)
    module = _unwrapped(module)
    name = type(module).__name__
    graph = TorchGraph(_exported(module, image, name), int(image.shape[0]))
    shape = shape_of(tuple(image.shape), graph.batch, "the example input")
    steps = _steps(graph)
    return network_of(Steps(name, f"PyTorch module {name}", graph.input, shape, steps, graph.outputs))


def _image(example: Any) -> Any:
    import torch  # noqa: PLC0415

    if isinstance(example, tuple | list) and len(example) == 1:
        (example,) = example
    if not isinstance(example, torch.Tensor):
        found = "nothing" if example is None else type(example).__name__
        raise UserError(
            f"a module is simulated with an example of its input, one tensor, as in simulate(module, "
            f"torch.randn(1, 3, 224, 224)) (got {found})."
        )
    if example.dim() < 2 or min(example.shape) < 1:
        raise UserError(f"the example input must be a batch, (N, C, H, W) (got {tuple(example.shape)}).")
    return example


def _unwrapped(module: Any) -> Any:
    """The module inside whatever runs it on several devices or compiled: layers are called as in there."""
    import torch  # noqa: PLC0415

    if isinstance(module, torch.nn.DataParallel | torch.nn.parallel.DistributedDataParallel):
        return _unwrapped(module.module)
    if type(module).__name__ == "OptimizedModule":
        return _unwrapped(module._orig_mod)
    return module


def _exported(module: Any, image: Any, name: str) -> Any:
    import torch  # noqa: PLC0415

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.export.export(module, (image,))
    except Exception as error:  # whatever the user's own code or the tracer of it raises
        reason = quoted(str(error).strip().split("\n")[0])[1:-1]
        raise UserError(
            f"module {name}: torch.export cannot trace it ({type(error).__name__}: {reason}); see that "
            f"module(example_input) runs, remove what depends on values, or export it to ONNX and run the "
            f"file."
        ) from None


def _steps(graph: TorchGraph) -> tuple[Step, ...]:
    steps: list[Step] = []
    # All of them before the first step: sizes that do not fit are often those before an unknown operator.
    translators = [translator_of(call) for call in graph.calls]
    for call, translate in zip(graph.calls, translators, strict=True):
        try:
            steps += translate(call)
        except UserError as error:
            text = str(error)
            raise UserError(text if text.startswith(call.said) else f"{call.said}: {text}") from None
    return tuple(steps)
