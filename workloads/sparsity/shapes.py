"""What a profile and the generator have to know about a layer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LayerShape:
    """Sizes of one convolution or fully connected layer, as (height, width) in positions.

    `name` follows torchvision (`layer1.0.conv1`). A fully connected layer over a batch of N samples has
    `in_size` and `out_size` (1, N): its samples are columns. `input_is_relu` says that I is the output of
    a ReLU, directly or through pooling, so that dI is needed only where I is non-zero.
    """

    name: str
    in_channels: int
    out_channels: int
    in_size: tuple[int, int]
    out_size: tuple[int, int]
    is_fc: bool = False
    input_is_relu: bool = True
