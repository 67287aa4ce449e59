"""prune_gradients: stochastic pruning of activation gradients in a model, through hooks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from types import TracebackType
from typing import Any
from weakref import WeakKeyDictionary, ref

import numpy as np

from sparsesim.capture.ancestry import behind_bare_convolution, kind_of
from sparsesim.capture.followers import normalised
from sparsesim.capture.hooks import Hooks, first_input
from sparsesim.capture.layers import checked_model, layers_of
from sparsesim.capture.passes import Passes
from sparsesim.capture.pytorch import load_torch
from sparsesim.capture.stochastic_pruning import ThresholdFifo, determined_threshold, pruned
from workloads.errors import UserError

GRAD_OUTPUT, GRAD_INPUT = "grad_output", "grad_input"
_MOST_SEED = 2**63 - 1
Place = tuple[str, str]
# Weak on both sides: the hooks on a layer keep its pruning alive, and nothing keeps the layer.
_PRUNED: WeakKeyDictionary[Any, ref[GradientPruning]] = WeakKeyDictionary()


def prune_gradients(
    model: Any, p: float = 0.9, *, fifo: int = 4, seed: int = 0, skip: Sequence[str] = ()
) -> GradientPruning:
    """Prune the activation gradients of a model from now on, as SparseTrain does (Dai et al., DAC 2020).

    Conv-BN-ReLU (also GroupNorm, LayerNorm): dO of the convolution is pruned, and both its GTA and GTW see
    that. Conv-ReLU: dI of the convolution or linear layer behind the ReLU is pruned, before the ReLU's
    backward, so that dO of the convolution in front of it gets sparser. The first forward in train mode shows
    which of the two a layer is. Nothing is pruned in eval mode.

    p: target rate, 0 < p < 1. fifo: how many thresholds the prediction averages, >= 1; each layer prunes
    from its (fifo + 1)-th backward on. The paper's number is not known; 4 is what the traces of this project
    were recorded with. seed: 0..2^63 - 1, of random numbers that are the layer's own, so those of the run do
    not change; processes that train together need different seeds. skip: names or patterns of layers to leave
    out.
    Returns a handle: `remove()` ends the pruning, so does leaving a `with` block. UserError for arguments out
    of range, models that cannot be hooked, and where nothing is found to prune.
    """
    return GradientPruning(model, p, fifo, seed, skip)


class GradientPruning:
    """Pruning in force on a model. p, fifo: as given to `prune_gradients`."""

    def __init__(self, model: Any, p: float, fifo: int, seed: int, skip: Sequence[str]):
        _check(p, fifo, seed)
        self.p, self.fifo = p, fifo
        self._seed = seed
        self._torch = load_torch()
        model = checked_model(model, "prune_gradients")
        self._layers = layers_of(model, skip, "prune_gradients", foreign=False)
        for name, layer in self._layers.items():
            if pruning_of(layer) is not None:
                raise UserError(f"prune_gradients: layer {name!r} is pruned already; remove() that first.")
        self._decided: dict[str, set[str]] = {}
        self._convolutions: dict[Any, str] = {}
        self._fifos: dict[Place, ThresholdFifo] = {}
        self._generators: dict[Place, Any] = {}
        self._put_on(model)

    def _put_on(self, model: Any) -> None:
        self._hooks = Hooks()
        self._passes = Passes(model, self._hooks, self._convolutions.clear, self._decide_outputs)
        for name, layer in self._layers.items():
            self._hooks.before(layer, partial(self._before_layer, name))
            self._hooks.after(layer, partial(self._after_layer, name))
            _PRUNED[layer] = ref(self)
        self._passes.follow_ends(self._hooks)

    def __enter__(self) -> GradientPruning:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()

    def remove(self) -> None:
        """End the pruning; a second call does nothing."""
        self._hooks.remove()
        for layer in self._layers.values():
            if pruning_of(layer) is self:
                del _PRUNED[layer]

    @property
    def places(self) -> tuple[Place, ...]:
        """What is pruned: (layer, "grad_output" or "grad_input"); empty before training begins."""
        return tuple((name, where) for name, found in self._decided.items() for where in sorted(found))

    def _before_layer(self, name: str, _layer: Any, args: Any, named: Any) -> Any:
        if not self._passes.takes_part(name):
            return None
        inputs = first_input(args, named)
        if name not in self._decided:
            self._decided[name] = _input_place(inputs)
        if not inputs.requires_grad or GRAD_INPUT not in self._decided[name]:
            return None
        # A view, because the gradient of the tensor itself is the sum over all layers that read it.
        view = inputs.view_as(inputs)
        view.register_hook(partial(self._prune, (name, GRAD_INPUT)))
        return ((view, *args[1:]), named) if args else (args, {**named, "input": view})

    def _after_layer(self, name: str, layer: Any, _args: Any, _named: Any, output: Any) -> None:
        convolution = hasattr(layer, "kernel_size")
        if not convolution or not self._passes.takes_part(name) or output.grad_fn is None:
            return
        self._convolutions[output.grad_fn] = name
        output.register_hook(partial(self._prune_output, name))

    def _decide_outputs(self, output: Any) -> None:
        """At the end of a forward: which of its convolutions are normalised."""
        for name in normalised(output, self._convolutions):
            self._decided[name].add(GRAD_OUTPUT)
        self._convolutions.clear()
        if not any(self._decided.values()):
            raise UserError(
                "prune_gradients: the model has no convolution followed by a normalisation (Conv-BN-ReLU) or "
                "by a ReLU and another layer (Conv-ReLU), so there is nothing to prune."
            )

    def _prune_output(self, name: str, gradient: Any) -> Any:
        return self._prune((name, GRAD_OUTPUT), gradient) if GRAD_OUTPUT in self._decided[name] else None

    def _prune(self, place: Place, gradient: Any) -> Any:
        """The pruned gradient; None leaves it as it is."""
        if not self._hooks.on:
            return None
        fifo = self._fifos.setdefault(place, ThresholdFifo(self.fifo))
        tau = fifo.predicted()
        fifo.push(determined_threshold(gradient.detach(), self.p))
        return None if tau is None else pruned(gradient, tau, self._generator(place, gradient.device))

    def _generator(self, place: Place, device: Any) -> Any:
        """The place's own random numbers: they do not depend on the order in which gradients come."""
        if place not in self._generators:
            number = 2 * list(self._layers).index(place[0]) + (place[1] == GRAD_INPUT)
            state = np.random.SeedSequence([self._seed, number]).generate_state(1, np.uint64)[0]
            self._generators[place] = self._torch.Generator(device).manual_seed(int(state >> np.uint64(1)))
        return self._generators[place]


def pruning_of(layer: Any) -> GradientPruning | None:
    """The pruning in force on a layer."""
    found = _PRUNED.get(layer)
    return None if found is None else found()


def _input_place(inputs: Any) -> set[str]:
    bare = behind_bare_convolution(inputs, lambda node: "Conv" in kind_of(node))
    return {GRAD_INPUT} if bare else set()


def _check(p: float, fifo: int, seed: int) -> None:
    number = isinstance(p, int | float) and not isinstance(p, bool)
    if not (number and 0 < p < 1):
        raise UserError(f"prune_gradients: p must be a number above 0 and below 1 (got {p!r}).")
    for name, value, least, most in (("fifo", fifo, 1, 10_000), ("seed", seed, 0, _MOST_SEED)):
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise UserError(f"prune_gradients: {name} must be a whole number from {least} (got {value!r}).")
