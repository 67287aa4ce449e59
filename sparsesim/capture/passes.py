"""When a forward of the model is training: in train mode, with gradients, not run again by a checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any

from sparsesim.capture.hooks import Hooks
from sparsesim.capture.pytorch import load_torch
from workloads.errors import UserError


class _Phase(Enum):
    OUTSIDE = 0
    TRAINING = 1
    NOT_TRAINING = 2


class Passes:
    """Follows the forwards of a model. `not_training` counts those in eval mode or without gradients.

    begin: called before every forward that is part of training, end(output) after it.
    """

    def __init__(self, model: Any, hooks: Hooks, begin: Callable[[], None], end: Callable[[Any], None]):
        self._model = model
        self._torch = load_torch()
        self._begin, self._end = begin, end
        self._phase = _Phase.OUTSIDE
        self._without_gradients: set[str] = set()
        self.not_training = 0
        hooks.before(model, self._before)

    def follow_ends(self, hooks: Hooks) -> None:
        """To be called when all hooks of the layers are on: the model itself may be a layer."""
        hooks.after(self._model, self._after, always=True)

    def takes_part(self, layer: str) -> bool:
        """Whether the call of `layer` that is under way belongs to a forward of training.

        UserError for a call that is training, as far as one can see, but not inside a forward of the model,
        and for a checkpoint whose first forward left no graph.
        """
        gradients = self._torch.is_grad_enabled()
        if self._torch._C._current_graph_task_id() != -1:
            if gradients and layer in self._without_gradients:
                raise UserError(
                    f"layer {layer!r} runs inside a reentrant activation checkpoint, which hides its "
                    f"gradients; use torch.utils.checkpoint.checkpoint(..., use_reentrant=False)."
                )
            return False
        if self._phase is _Phase.OUTSIDE and gradients and self._model.training:
            raise UserError(
                f"layer {layer!r} ran outside a forward of the model given to sparsesim.capture; give it the "
                f"module that the training loop calls."
            )
        if self._phase is _Phase.TRAINING and not gradients:
            self._without_gradients.add(layer)
        return self._phase is _Phase.TRAINING and gradients

    def _before(self, _module: Any, _args: Any, _named: Any) -> None:
        if self._torch._C._current_graph_task_id() != -1:
            return
        if not (self._model.training and self._torch.is_grad_enabled()):
            self._phase = _Phase.NOT_TRAINING
            self.not_training += 1
            return
        self._phase = _Phase.TRAINING
        self._without_gradients.clear()
        self._begin()

    def _after(self, _module: Any, _args: Any, _named: Any, output: Any) -> None:
        if self._phase is _Phase.TRAINING and output is not None:
            self._end(output)
        self._phase = _Phase.OUTSIDE
