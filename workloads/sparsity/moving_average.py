"""One dimension of the noise: an autoregressive moving average of order (1, 1).

    w[i] = decay w[i-1] + gain (e[i] + theta e[i-1])        e: independent, standard normal

has variance 1 and correlations `near` at distance 1 and near decay^(k-1) at distance k (Box and Jenkins,
Time Series Analysis, section on mixed processes). near < decay is noise with a part that is independent
from position to position, as stochastic pruning makes it; near > decay is smoother than an autoregressive
process, as images are. near cannot exceed (1 + decay) / 2.
"""

from __future__ import annotations

import math


def feasible(near: float, decay: float) -> tuple[float, float]:
    """The nearest (near, decay) that a process can have, both in [0, 1)."""
    decay = min(max(decay, 0.0), 0.999)
    return min(max(near, 0.0), 0.999 * (1.0 + decay) / 2.0), decay


def coefficients(near: float, decay: float) -> tuple[float, float, float, float]:
    """(decay, gain, theta, start) of a feasible process; w[0] = gain e[0] + start e' with e' independent.

    theta solves near (1 + 2 decay theta + theta^2) = (1 + decay theta) (decay + theta).
    """
    a = near - decay
    b = 1.0 + decay * decay - 2.0 * decay * near
    theta = 2.0 * a / (b + math.sqrt(max(0.0, b * b - 4.0 * a * a)))
    gain = math.sqrt((1.0 - decay * decay) / (1.0 + 2.0 * decay * theta + theta * theta))
    return decay, gain, theta, math.sqrt(max(0.0, 1.0 - gain * gain))
