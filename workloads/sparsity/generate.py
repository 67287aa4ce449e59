"""Draws masks with given densities and measured clustering: seeded, reproducible, in any order.

The model is in clustering.py. Every random stream is made of (seed, layer, stream, sample), so a mask does
not depend on which others are drawn, nor in which order or thread.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workloads.bounded_cache import BoundedCache
from workloads.errors import UserError
from workloads.sparsity.clustering import INDEPENDENT, Clustering
from workloads.sparsity.kernels import cut_field, place_in_windows
from workloads.sparsity.levels import level_of, thresholds
from workloads.sparsity.masks import BoolArray, Float32Array, LayerDensities, LayerMasks
from workloads.sparsity.moving_average import coefficients
from workloads.sparsity.normal import quantiles
from workloads.sparsity.place import place_field
from workloads.sparsity.shapes import LayerShape

_INPUT, _GRAD_OUTPUT = 0, 1
_PERSISTENT, _FRESH = 0, 1
_EVERY_SAMPLE = 0
_Size = tuple[int, int, int]

_KEY_BYTES = 600  # of an entry of the cache, besides the bits

MASKS: BoundedCache[npt.NDArray[np.uint8]] = BoundedCache(128 << 20, lambda bits: bits.nbytes + _KEY_BYTES)
"""Bits of the masks that were used last, of this process."""


@dataclass(frozen=True)
class LayerClustering:
    """Clustering of the two generated masks of a layer."""

    input: Clustering = INDEPENDENT
    grad_output: Clustering = INDEPENDENT


@dataclass(frozen=True)
class Draw:
    """Which masks: the run's seed, the layer's index, the sample (an FC layer: the batch), all >= 0.

    Layers with the same `input_index` have the same I: a residual block's first convolution and its
    downsampling convolution. None: the layer's own index.
    """

    seed: int
    layer_index: int
    sample: int = 0
    input_index: int | None = None

    def __post_init__(self) -> None:
        for name in ("seed", "layer_index", "sample"):
            if getattr(self, name) < 0:
                raise UserError(f"{name} is {getattr(self, name)}; it must be 0 or more.")


def generate_masks(
    shape: LayerShape, densities: LayerDensities, clustering: LayerClustering, draw: Draw
) -> LayerMasks:
    """The masks of one sample (an FC layer: of a whole batch, one column per sample).

    I and dO are drawn independently of each other (docs/sparsity.md says why that is good enough). Where I
    is the output of a ReLU, dI is needed exactly where I is non-zero, so that mask is I's; otherwise it
    is None.
    """
    index = draw.layer_index if draw.input_index is None else draw.input_index
    inputs = (shape.in_channels, *shape.in_size)
    outputs = (shape.out_channels, *shape.out_size)
    one = _mask if not shape.is_fc else _fc_mask
    streams = _Streams(draw.seed, index, _INPUT, draw.sample)
    mask = _shared(one, inputs, densities.input, clustering.input, streams)
    streams = _Streams(draw.seed, draw.layer_index, _GRAD_OUTPUT, draw.sample)
    grad_output = _shared(one, outputs, densities.grad_output, clustering.grad_output, streams)
    return LayerMasks(mask, grad_output, mask if shape.input_is_relu else None)


@dataclass(frozen=True)
class _Streams:
    """The independent random streams of one mask."""

    seed: int
    layer: int
    operand: int
    sample: int

    def fresh(self) -> np.random.Generator:
        return self._generator(_FRESH, self.sample)

    def persistent(self) -> np.random.Generator:
        return self._generator(_PERSISTENT, _EVERY_SAMPLE)

    def _generator(self, kind: int, sample: int) -> np.random.Generator:
        key = (self.layer, self.operand, kind, sample)
        return np.random.Generator(np.random.SFC64(np.random.SeedSequence(self.seed, spawn_key=key)))


def _shared(
    draw: Callable[[_Size, float, Clustering, _Streams], BoolArray],
    size: _Size,
    density: float,
    clustering: Clustering,
    streams: _Streams,
) -> BoolArray:
    """The mask bool [C, H, W] that `draw` draws.

    The stages of a layer, pruned and natural runs (I) and all machines use the same masks, so they are drawn
    once and kept in bits: unpacking those takes a tenth of the time of drawing.
    """
    if _is_constant(density):
        return np.full(size, density > 0.5)
    key = draw, size, density, clustering, streams
    bits = MASKS.get(key, lambda: np.packbits(draw(size, density, clustering, streams)))
    return np.unpackbits(bits, count=math.prod(size)).view(np.bool_).reshape(size)


def _mask(size: _Size, density: float, clustering: Clustering, streams: _Streams) -> BoolArray:
    """Mask bool [C, H, W] of one sample of a convolution's operand."""
    window = clustering.window
    if window > min(size[1:]):
        window = 1
    if window == 1:
        return _field(size, density, clustering, streams.fresh(), streams.persistent())
    channels, height, width = size
    hit_size = (channels, height // window, width // window)
    hits = min(1.0, density * height * width / (hit_size[1] * hit_size[2]))
    generator = streams.fresh()
    hit = _field(hit_size, hits, clustering, generator, streams.persistent())
    pick = _picks(hit_size, clustering, generator)
    return np.asarray(place_in_windows(hit, pick, height, width))


def _picks(
    size: tuple[int, int, int], clustering: Clustering, generator: np.random.Generator
) -> npt.NDArray[np.uint8]:
    """Positions inside the windows, 0 to window^2 - 1."""
    positions = clustering.window**2
    pick = generator.integers(0, positions, size, np.uint8)
    preferred = generator.integers(0, positions, (size[0], 1, 1), np.uint8)
    return np.where(generator.random(size, np.float32) < clustering.steady, preferred, pick)


def _field(
    size: tuple[int, int, int],
    density: float,
    clustering: Clustering,
    generator: np.random.Generator,
    persistent: np.random.Generator,
) -> BoolArray:
    if _is_constant(density):
        return np.full(size, density > 0.5)
    offsets = _channel_offsets(size[0], clustering, generator, persistent)
    offsets += math.sqrt(clustering.sample) * generator.standard_normal(dtype=np.float32)
    common = clustering.sample + clustering.place + clustering.channel
    row = coefficients(clustering.row_near, clustering.row_decay)
    column = coefficients(clustering.column_near, clustering.column_decay)
    channels, height, width = size
    cuts = _cuts(density, clustering, (height, width), generator)
    mask = cut_field(
        generator.standard_normal((channels, height + 1, width + 1), np.float32),
        offsets,
        cuts,
        np.float32(math.sqrt(max(0.0, 1.0 - common))),
        np.array([row, column], np.float32),
    )
    return np.asarray(mask)


def _cuts(
    density: float, clustering: Clustering, size: tuple[int, int], generator: np.random.Generator
) -> Float32Array:
    """Threshold of every position of a map, [H, W], less what all channels of the sample have there."""
    classes = thresholds(density, clustering.lattice, clustering.channel, clustering.levels)
    height, width = size
    tiles = np.tile(np.array(classes, np.float32).reshape(2, 2), (height // 2 + 1, width // 2 + 1))
    cuts = np.ascontiguousarray(tiles[:height, :width])
    if clustering.place:
        decays = clustering.place_column, clustering.place_row
        cuts -= math.sqrt(clustering.place) * place_field(size, decays, generator)
    return cuts


def _fc_mask(size: _Size, density: float, clustering: Clustering, streams: _Streams) -> BoolArray:
    """Mask bool [C, 1, N]: channels persist over the N samples, each sample has its own level."""
    generator = streams.fresh()
    channel = _shuffled_quantiles(size[0], streams.persistent()).astype(np.float64)
    channel = level_of(channel, clustering.levels)
    sample = generator.standard_normal((1, 1, size[2]), np.float32)
    own = generator.standard_normal(size, np.float32)
    own *= math.sqrt(max(0.0, 1.0 - clustering.sample - clustering.channel))
    own += (math.sqrt(clustering.channel) * channel).astype(np.float32)[:, None, None]
    own += math.sqrt(clustering.sample) * sample
    cuts = thresholds(density, clustering.lattice, clustering.channel, clustering.levels)
    return np.asarray(own > cuts[0])


def _channel_offsets(
    channels: int, clustering: Clustering, generator: np.random.Generator, persistent: np.random.Generator
) -> Float32Array:
    """sqrt(C) l[c], float32 [channels], with l the level at sqrt(P / C) f[c] + sqrt(1 - P / C) g[c]."""
    offsets = math.sqrt(clustering.persistent) * _shuffled_quantiles(channels, persistent)
    fresh = max(0.0, clustering.channel - clustering.persistent)
    offsets += math.sqrt(fresh) * _shuffled_quantiles(channels, generator)
    if not clustering.levels or not clustering.channel:
        return offsets
    scale = math.sqrt(clustering.channel)
    levels = level_of(offsets.astype(np.float64) / scale, clustering.levels)
    return np.asarray(scale * levels, np.float32)


def _shuffled_quantiles(count: int, generator: np.random.Generator) -> Float32Array:
    """Normal values in random order, one from every equally likely slice.

    So the density of a layer varies between samples by the recorded amount, not by a lucky few channels.
    """
    return generator.permutation(quantiles(count)).astype(np.float32)


def _is_constant(density: float) -> bool:
    if not 0.0 <= density <= 1.0:
        raise UserError(f"a density is {density}; it must lie in 0 to 1.")
    return density in (0.0, 1.0)
