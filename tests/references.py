"""O, dI and dW of a layer, computed by PyTorch's autograd or, where it is absent, by SciPy."""

from __future__ import annotations

import importlib.util

import numpy as np
from numpy.typing import NDArray

from compiler.geometry import ConvGeometry

Values = dict[str, NDArray[np.float64]]

HAS_TORCH = importlib.util.find_spec("torch") is not None


def torch_reference(g: ConvGeometry, values: Values) -> Values:
    import torch

    inputs = torch.tensor(values["I"], requires_grad=True)
    weights = torch.tensor(values["W"], requires_grad=True)
    (top, left), (bottom, right) = g.padding, g.padding_behind
    padded = torch.nn.functional.pad(inputs[None], (left, right, top, bottom))
    outputs = torch.nn.functional.conv2d(
        padded, weights, stride=g.stride, dilation=g.dilation, groups=g.groups
    )[0]
    outputs.backward(torch.tensor(values["dO"]))
    return {"O": outputs.detach().numpy(), "dI": inputs.grad.numpy(), "dW": weights.grad.numpy()}


def scipy_reference(g: ConvGeometry, values: Values) -> Values:
    """Full correlations of dense maps: kernels and gradients with their inserted zeros."""
    from scipy.signal import convolve2d, correlate2d

    (sh, sw), (ph, pw), (dh, dw), (kh, kw) = g.stride, g.padding, g.dilation, g.kernel
    rows, columns = zip(g.padding, g.padding_behind, strict=True)
    padded = np.pad(values["I"], ((0, 0), rows, columns))
    result = {"O": np.zeros_like(values["dO"]), "dI": np.zeros_like(padded), "dW": np.zeros_like(values["W"])}
    for f in range(g.out_channels):
        gradient = np.zeros(((g.out_size[0] - 1) * sh + 1, (g.out_size[1] - 1) * sw + 1))
        gradient[::sh, ::sw] = values["dO"][f]
        for within in range(g.in_channels_per_group):
            c = f // g.out_channels_per_group * g.in_channels_per_group + within
            kernel = np.zeros(((kh - 1) * dh + 1, (kw - 1) * dw + 1))
            kernel[::dh, ::dw] = values["W"][f, within]
            result["O"][f] += correlate2d(padded[c], kernel, "valid")[::sh, ::sw][
                : g.out_size[0], : g.out_size[1]
            ]
            full = convolve2d(gradient, kernel)
            result["dI"][c, : full.shape[0], : full.shape[1]] += full
            result["dW"][f, within] = correlate2d(padded[c], gradient, "valid")[::dh, ::dw][:kh, :kw]
    result["dI"] = result["dI"][:, ph : ph + g.in_size[0], pw : pw + g.in_size[1]]
    return result


reference = torch_reference if HAS_TORCH else scipy_reference
