"""Recorder: densities and traces of a training run, through hooks."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from sparsesim.capture.call import Call, Pass
from sparsesim.capture.geometry import geometry_of
from sparsesim.capture.hooks import Hooks, first_input
from sparsesim.capture.layers import checked_model, layers_of
from sparsesim.capture.measure import measure_gradient, measure_input, new_call
from sparsesim.capture.passes import Passes
from sparsesim.capture.pytorch import load_torch
from sparsesim.capture.table import Row, frame_of, rows_of
from sparsesim.capture.trace_file import Labels, checked_traces, write_step
from workloads.errors import UserError

if TYPE_CHECKING:
    import pandas as pd


class Recorder:
    """Records where I and dO are non-zero and where dI is needed while a model is trained.

        with Recorder(model, traces={100: "step100.npz"}) as recorder:
            train(model)
        recorder.densities()                              # a line per step and layer
        sparsesim.simulate(trace=recorder.traces[100])

    A step is one forward of `model` in train mode and its backward (`passes_per_step` of them with gradient
    accumulation); steps count from 1. Forwards in eval mode, without gradients or without a backward are not
    counted. Recorded are Conv1d, Conv2d and Linear layers to which a gradient comes, dO as it is after
    `prune_gradients`. A layer used twice in a forward is recorded as NAME and NAME@2. Random numbers and
    gradients of the run are not touched.

    model: the module that the training loop calls (of a DistributedDataParallel, what it holds).
    traces: file by step; written when the next forward begins, or at the end. samples: how many samples of
    the step's first batch go into a trace, or which (from 0). every: densities of every n-th step only.
    skip: names or patterns of layers to leave out. network, dataset, source: what traces say about
    themselves. UserError for a model or a layer that cannot be recorded, as early as it can be told.
    """

    def __init__(
        self,
        model: Any,
        *,
        traces: Mapping[int, str | Path] | None = None,
        samples: int | Sequence[int] = 8,
        every: int = 1,
        passes_per_step: int = 1,
        skip: Sequence[str] = (),
        network: str | None = None,
        dataset: str = "own data",
        source: str | None = None,
    ):
        self._torch = load_torch()
        self._model = checked_model(model, "Recorder")
        self._layers = layers_of(self._model, skip, "Recorder")
        self._wanted = checked_traces(traces or {})
        self._samples = _checked_samples(samples)
        self._every = _checked_count("every", every)
        self._passes_per_step = _checked_count("passes_per_step", passes_per_step)
        made = f"recorded by sparsesim.capture from PyTorch {self._torch.__version__}"
        self._labels = Labels(network or type(self._model).__name__, dataset, source or made)
        self._hooks = Hooks()
        self._passes: Passes | None = None
        self._current: Pass | None = None
        self._reached: list[Pass] = []
        self._rows: list[Row] = []
        self._written: dict[int, Path] = {}
        self._missed: set[str] = set()
        self._steps = 0

    def __enter__(self) -> Recorder:
        if self._passes is not None:
            raise UserError("Recorder: it was used before; make another one.")
        self._passes = Passes(self._model, self._hooks, self._begin, lambda _output: None)
        for name, layer in self._layers.items():
            self._hooks.after(layer, partial(self._after_layer, name))
        self._passes.follow_ends(self._hooks)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hooks.remove()
        self._current = None
        self._forget_failed()
        try:
            self._finish(every_pass=True)
        except UserError as failed:
            if kind is None:
                raise
            warnings.warn(str(failed), stacklevel=2)  # the error of the loop is the one to see
        if kind is None:
            self._warn()

    @property
    def steps(self) -> int:
        """Steps that have been seen so far, recorded or not."""
        self._finish()
        return self._steps

    @property
    def traces(self) -> dict[int, Path]:
        """The traces written so far: file by step."""
        self._finish()
        return dict(self._written)

    @property
    def layers_without_gradient(self) -> tuple[str, ...]:
        """Layers to which no gradient came in some recorded step, or that were never called in it."""
        return tuple(name for name in self._layers if name in self._missed)

    def densities(self) -> pd.DataFrame:
        """Densities, 0..1: a line per recorded step and layer, layers in forward order.

        Columns: step, layer, batch (samples of the step), input, grad_output, grad_input_mask (where dI is
        needed: 1 where no ReLU precedes, nan in a layer without GTA). UserError if no step was recorded.
        """
        self._finish()
        if not self._rows:
            raise UserError(f"Recorder: there are no densities: {self._why_nothing()}.")
        return frame_of(self._rows)

    def _begin(self) -> None:
        self._forget_failed()
        self._finish()
        step = self._steps + 1
        self._current = Pass(measured=step % self._every == 0, wants_masks=self._has_masks(step))

    def _has_masks(self, step: int) -> bool:
        """Whether the pass that begins may be the first of a step that becomes a trace."""
        return step in self._wanted and not self._reached

    def _after_layer(self, name: str, layer: Any, args: Any, named: Any, output: Any) -> None:
        assert self._passes is not None
        if not self._passes.takes_part(name) or output.grad_fn is None or self._current is None:
            return
        current, inputs = self._current, first_input(args, named)
        uses = current.uses(layer)
        call = new_call(f"{name}@{uses + 1}" if uses else name, layer, inputs)
        if self._wanted:
            call.geometry = geometry_of(name, layer, inputs, output)
        self._join(current, call, len(inputs))
        measure_input(call, inputs, current)
        # The node of the layer itself: its hooks see dO after those of the tensor, so after pruning, and a
        # ReLU that overwrites the output does not disturb them.
        output.grad_fn.register_prehook(partial(self._gradient_arrives, current, call))

    def _join(self, current: Pass, call: Call, batch: int) -> None:
        if not current.calls:
            current.batch = batch
            if current.wants_masks:
                current.samples = self._chosen(batch)
        elif self._wanted and batch != current.batch:
            raise UserError(
                f"recording layer {call.name!r}: it reads {batch} samples in a forward that began with "
                f"{current.batch}; in a trace all layers have the same samples, so leave it out "
                f"with skip=[{call.name!r}]."
            )
        current.calls.append(call)

    def _chosen(self, batch: int) -> tuple[int, ...]:
        if isinstance(self._samples, int):
            return tuple(range(min(self._samples, batch)))
        if max(self._samples) >= batch:
            raise UserError(
                f"Recorder: samples: there is no sample {max(self._samples)} in a batch of {batch}, they "
                f"count from 0."
            )
        return self._samples

    def _gradient_arrives(self, current: Pass, call: Call, gradients: Sequence[Any]) -> None:
        if self._passes is None or gradients[0] is None or not self._hooks.on:
            return
        if call.arrived:
            raise UserError(
                f"recording layer {call.name!r}: a second gradient came to the same forward (backward was "
                f"called twice, or gradients of gradients are taken); record a loop with one backward per "
                f"forward."
            )
        call.arrived = True
        self._follow_backward(current)
        if not current.reached:
            current.reached = True
            self._reached.append(current)
        measure_gradient(call, gradients[0], current)

    def _follow_backward(self, current: Pass) -> None:
        """Have the backward that is under way say when it has ended; it does not if it fails."""
        number = self._torch._C._current_graph_task_id()
        if number not in current.running:
            current.running.add(number)
            engine = self._torch.autograd.Variable._execution_engine
            engine.queue_callback(partial(current.running.discard, number))

    def _forget_failed(self) -> None:
        """Leave out the passes whose backward failed half-way: no step, and no half of one in a file."""
        self._reached = [one for one in self._reached if not one.running]

    def _finish(self, every_pass: bool = False) -> None:
        """Close the steps whose passes are complete; every_pass: also a step that lacks some."""
        while len(self._reached) >= (1 if every_pass and self._reached else self._passes_per_step):
            passes = self._reached[: self._passes_per_step]
            if any(one.running for one in passes):
                return
            del self._reached[: self._passes_per_step]
            self._steps += 1
            self._close(passes)

    def _close(self, passes: Sequence[Pass]) -> None:
        """Keep what was recorded of the step that has just ended."""
        step = self._steps
        measured = step % self._every == 0 and all(one.measured for one in passes)
        if measured:
            self._rows += rows_of(step, passes)
        if measured or step in self._wanted:
            called = [call.layer for one in passes for call in one.recorded()]
            missed = [name for name, layer in self._layers.items() if not any(layer is c for c in called)]
            self._missed.update(missed)
        if step in self._wanted and passes[0].samples is not None:
            write_step(self._wanted[step], step, passes, self._labels, missed)
            self._written[step] = self._wanted[step]

    def _warn(self) -> None:
        if not self._steps:
            warnings.warn(f"Recorder: nothing was recorded: {self._why_nothing()}.", stacklevel=3)
            return
        for step in sorted(set(self._wanted) - set(self._written)):
            text = f"Recorder: no trace of step {step} was written: the run had {self._steps} steps."
            warnings.warn(text, stacklevel=3)
        if self._missed:
            names = ", ".join(self.layers_without_gradient)
            warnings.warn(f"Recorder: no gradient came to {names}: they are not recorded.", stacklevel=3)

    def _why_nothing(self) -> str:
        if self._steps:
            return f"the run had {self._steps} steps, and every is {self._every}"
        skipped = self._passes.not_training if self._passes else 0
        return (
            f"no backward came to a layer of the model inside the with block ({skipped} forwards were in "
            f"eval mode or without gradients)"
        )


def _checked_count(name: str, value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise UserError(f"Recorder: {name} must be a whole number from 1 (got {value!r}).")
    return value


def _checked_samples(samples: int | Sequence[int]) -> int | tuple[int, ...]:
    if isinstance(samples, int):
        return _checked_count("samples", samples)
    chosen = tuple(samples)
    whole = all(isinstance(n, int) and not isinstance(n, bool) and n >= 0 for n in chosen)
    if not chosen or not whole or len(set(chosen)) < len(chosen):
        raise UserError(f"Recorder: samples must be different whole numbers from 0 (got {samples!r}).")
    return chosen
