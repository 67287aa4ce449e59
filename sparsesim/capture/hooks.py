"""Hooks on modules that stay out of the way: they are not copied with the model, nor stored with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any


def ignore(*_args: Any, **_named: Any) -> None:
    """What a hook becomes in a copy of the model (a moving average of the weights, a file): nothing."""


def _ignoring() -> Callable[..., None]:
    return ignore


class Hook:
    """A function as a hook. Copied or pickled it becomes one that does nothing."""

    def __init__(self, function: Callable[..., Any]):
        self._function = function

    def __call__(self, *args: Any, **named: Any) -> Any:
        """What the function returns."""
        return self._function(*args, **named)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[()]]:
        return _ignoring, ()


class Hooks:
    """The hooks that one recorder or pruner has on a model, taken off together."""

    def __init__(self) -> None:
        self._handles: list[Any] = []
        self.on = True

    def before(self, module: Any, function: Callable[..., Any]) -> None:
        """`function(module, args, named)` before every forward of `module`; it may return other arguments."""
        self._handles.append(module.register_forward_pre_hook(Hook(function), with_kwargs=True))

    def after(self, module: Any, function: Callable[..., Any], *, always: bool = False) -> None:
        """`function(module, args, named, output)` after it; `always`: also where it fails."""
        self._handles.append(
            module.register_forward_hook(Hook(function), with_kwargs=True, always_call=always)
        )

    def remove(self) -> None:
        """Take all of them off; those that were taken off already stay so."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        self.on = False


def first_input(args: Sequence[Any], named: Mapping[str, Any]) -> Any:
    """The tensor a layer reads, however it was handed over."""
    return args[0] if args else named["input"]
