"""Stochastic pruning of one gradient tensor, and the prediction of its threshold (Dai et al., DAC 2020).

For a gradient g, taken as normal with mean 0, and a target rate p:

    sigma = sqrt(pi / 2) mean |g|,    tau = Phi^-1((1 + p) / 2) sigma
    |g| >= tau: stays;    |g| < tau: becomes sign(g) tau with a probability of |g| / tau, else 0

so the expected value of every element stays what it was. p is the share of elements below tau, not of zeros:
of normal gradients (1 - p) + sqrt(2 / pi) (1 - exp(-t^2 / 2)) / t remain, t = Phi^-1((1 + p) / 2).
"""

from __future__ import annotations

import math
from collections import deque
from statistics import NormalDist
from typing import Any

from sparsesim.capture.pytorch import load_torch


def determined_threshold(gradient: Any, p: float) -> Any:
    """tau of a gradient tensor for 0 < p < 1: a float32 tensor without axes, on the gradient's device."""
    torch = load_torch()
    wide = torch.float64 if gradient.dtype == torch.float64 else torch.float32
    factor = NormalDist().inv_cdf((1.0 + p) / 2.0) * math.sqrt(math.pi / 2.0)
    return gradient.abs().mean(dtype=wide) * factor


def pruned(gradient: Any, tau: Any, generator: Any) -> Any:
    """The gradient after pruning with threshold tau (a tensor without axes) and numbers of `generator`.

    tau is rounded to the gradient's precision first, so that rounding does not shift the expected value. With
    a tau that is no finite number, of gradients that have overflowed, nothing is pruned.
    """
    torch = load_torch()
    wide = torch.float64 if gradient.dtype == torch.float64 else torch.float32
    limit = torch.where(torch.isfinite(tau), tau, 0.0).to(gradient.dtype)
    random = torch.rand(gradient.shape, generator=generator, device=gradient.device, dtype=wide)
    magnitude = gradient.abs()
    # Of elements from the threshold on all survive: random numbers are below 1.
    survives = random.mul_(limit).lt(magnitude)
    return magnitude.clamp_(min=limit).copysign_(gradient).mul_(survives)


class ThresholdFifo:
    """The last `length` determined thresholds; their mean is the threshold that is predicted."""

    def __init__(self, length: int):
        self._thresholds: deque[Any] = deque(maxlen=length)

    def predicted(self) -> Any | None:
        """The threshold for the next tensor; None, prune nothing, until the FIFO is full.

        Thresholds that are no finite numbers, after an overflow in mixed precision, do not count.
        """
        if len(self._thresholds) < (self._thresholds.maxlen or 0):
            return None
        torch = load_torch()
        known = torch.stack(tuple(self._thresholds))
        return torch.where(torch.isfinite(known), known, torch.nan).nanmean()

    def push(self, tau: Any) -> None:
        """Keep a determined threshold, and forget the oldest when there are more than `length`."""
        self._thresholds.append(tau)
