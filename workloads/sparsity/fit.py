"""Fits the parameters of clustering.py to recorded masks.

The shares S, C, P and the correlations of w are solved for, so that two positions of the cut field are
correlated as recorded: 1 and 2 apart along rows and columns, on average over a channel, between samples.
The relation between the field's correlation and the mask's is the bivariate normal one (normal.py).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from workloads.sparsity.clustering import Clustering
from workloads.sparsity.fit_levels import with_levels
from workloads.sparsity.masks import BoolArray
from workloads.sparsity.moments import Moments, average_moments
from workloads.sparsity.moving_average import feasible
from workloads.sparsity.normal import FloatArray, covariance, threshold
from workloads.sparsity.place import correlations, fit_place

_GRID = np.linspace(0.0, 1.0, 1001)
_GRID[-1] = 1.0 - 1e-9  # the covariance is finite at 1, its integrand is not
_STEPS = 40  # of bisection: far below the error of any recorded number
_ROUNDS = 4  # S and C depend on each other weakly
_SMALLEST_LATTICE = 8
Process = tuple[float, float]


def fit(runs: Sequence[BoolArray], *, window: int = 1, lattice: bool = False) -> Clustering:
    """Parameters that reproduce the masks of some runs, each bool [N, C, H, W], neither all 0 nor all 1.

    How samples differ (S) and agree (P) shows from two samples on; of a single one both are taken for 0.

    `window`: side of the pooling windows behind the layer. `lattice`: fit even and odd positions apart
    (ignored on maps below 8 x 8, where they do not differ).
    """
    steady = _steadiness(runs, window) if window > 1 else 0.0
    runs = [windows_hit(masks, window) for masks in runs]
    step = 2 if lattice and min(runs[0].shape[2:]) >= _SMALLEST_LATTICE else 1
    densities = np.mean([_class_densities(masks, step) for masks in runs], axis=0)
    found = _Fit(average_moments(runs, step), densities, runs[0].shape[1:]).solve()
    found = found.model_copy(update={"window": window, "steady": steady, "lattice": _shifts(densities)})
    pairs = np.outer(*(_pairs(length) for length in runs[0].shape[2:]))
    return with_levels(found, runs, pairs, _inside(found, runs[0].shape[2:]))


def fit_columns(runs: Sequence[BoolArray]) -> Clustering:
    """Parameters for fully connected layers, masks bool [N, C, 1, 1]: channels persist over the samples."""
    moments = average_moments(runs, 1)
    response = _Response(np.array([[np.mean([masks.mean() for masks in runs])]]))
    persistent = response.inverse(moments.persistent)
    sample = response.inverse(moments.sample)
    found = Clustering(sample=sample, channel=persistent, persistent=persistent)
    one = np.ones((1, 1))  # a map of one position
    return with_levels(found, runs, one, one)


def _inside(found: Clustering, size: tuple[int, ...]) -> FloatArray:
    """Correlation by distance of what of the field is common neither to a sample nor to a channel."""
    height, width = size
    rows = _correlations((found.row_near, found.row_decay), width)
    columns = _correlations((found.column_near, found.column_decay), height)
    decays = found.place_column, found.place_row
    rest = 1.0 - found.sample - found.channel
    place = found.place / rest if rest > 0.0 else 0.0
    return place * correlations(decays, (height, width)) + (1.0 - place) * np.outer(columns, rows)


def windows_hit(masks: BoolArray, window: int) -> BoolArray:
    """Which whole windows of bool [N, C, H, W] hold a one; bool [N, C, H // window, W // window]."""
    return np.asarray(_windows(masks, window).any(axis=(3, 5)))


def _windows(masks: BoolArray, window: int) -> BoolArray:
    """[N, C, rows of windows, row inside, columns of windows, column inside]."""
    n, c, height, width = masks.shape
    rows, columns = height // window, width // window
    whole = masks[:, :, : rows * window, : columns * window]
    return np.asarray(whole.reshape(n, c, rows, window, columns, window))


def _steadiness(runs: Sequence[BoolArray], window: int) -> float:
    """q with P(same position | two windows of a channel hit) = (1 + (k^2 - 1) q^2) / k^2."""
    same = pairs = 0
    for masks in runs:
        by_position = _windows(masks, window).sum(axis=(2, 4)).astype(np.int64)
        hits = by_position.sum(axis=(2, 3))
        same += int((by_position * (by_position - 1)).sum())
        pairs += int((hits * (hits - 1)).sum())
    positions = window * window
    excess = (same / pairs * positions - 1.0) / (positions - 1) if pairs else 0.0
    return float(np.sqrt(max(0.0, excess)))


def _class_densities(masks: BoolArray, step: int) -> FloatArray:
    """Densities [step, step] of the position classes (row, column) modulo step."""
    classes = [[masks[:, :, y::step, x::step].mean() for x in range(step)] for y in range(step)]
    return np.array(classes)


def _shifts(densities: FloatArray) -> tuple[float, float, float, float]:
    if densities.size == 1:
        return (0.0, 0.0, 0.0, 0.0)
    ee, eo, oe, oo = (threshold(float(d)) - threshold(float(densities.mean())) for d in densities.flat)
    return (ee, eo, oe, oo)


class _Response:
    """Correlation of two mask positions over that of the field, for distances even or odd by axis."""

    def __init__(self, densities: FloatArray):
        self._step = len(densities)
        self._curves = {
            (dy, dx): self._curve(densities, dy, dx) for dy in range(self._step) for dx in range(self._step)
        }
        self._mean = np.mean(list(self._curves.values()), axis=0)

    @staticmethod
    def _curve(densities: FloatArray, dy: int, dx: int) -> FloatArray:
        """Mean over the position classes and their partners (dy, dx) away."""
        curves = []
        partners = np.roll(densities, (-dy, -dx), (0, 1))
        for one, other in zip(densities.flat, partners.flat, strict=True):
            deviation = np.sqrt(one * (1.0 - one) * other * (1.0 - other))
            curves.append(covariance(_GRID, threshold(float(one)), threshold(float(other))) / deviation)
        return np.asarray(np.mean(curves, axis=0))

    def inverse(self, correlation: float, distance: tuple[int, int] | None = None) -> float:
        """The field's correlation; `distance` (rows, columns), None: any distance."""
        curve = self._mean if distance is None else self._curves[self._class(distance)]
        return float(np.interp(correlation, curve, _GRID))

    def anywhere(self, r: float) -> float:
        """Correlation of the mask where the field's is r at every distance."""
        return float(np.interp(r, _GRID, self._mean))

    def over_map(self, r: FloatArray) -> FloatArray:
        """Correlation of the mask for the field's r[dy, dx] at every distance."""
        result = np.empty_like(r)
        for (dy, dx), curve in self._curves.items():
            part = (slice(dy, None, self._step), slice(dx, None, self._step))
            result[part] = np.interp(r[part], _GRID, curve)
        return result

    def _class(self, distance: tuple[int, int]) -> tuple[int, int]:
        return distance[0] % self._step, distance[1] % self._step


class _Fit:
    """Solves for the shares by bisection on C: with more of it distant positions are more alike."""

    def __init__(self, moments: Moments, densities: FloatArray, size: tuple[int, ...]):
        self._moments = moments
        self._channels, self._height, self._width = size
        self._response = response = _Response(densities)
        self._rows = (response.inverse(moments.row1, (0, 1)), response.inverse(moments.row2, (0, 2)))
        self._columns = (response.inverse(moments.column1, (1, 0)), response.inverse(moments.column2, (2, 0)))
        self._persistent = response.inverse(max(0.0, moments.persistent))
        self._pairs = np.outer(_pairs(self._height), _pairs(self._width))
        self._place, self._decays = self._fit_place()
        self._at = correlations(self._decays, (self._height, self._width))

    def solve(self) -> Clustering:
        """The parameters, without window, steadiness and lattice."""
        sample = channel = 0.0
        for _ in range(_ROUNDS):
            sample = self._sample_share(sample + channel)
            channel = self._channel_share(sample)
        row, column = self._processes(sample + channel)
        return Clustering(
            place=self._place,
            place_row=self._decays[1] if self._place else 0.0,
            place_column=self._decays[0] if self._place else 0.0,
            sample=sample,
            channel=channel,
            persistent=min(self._persistent, channel),
            row_near=row[0],
            row_decay=row[1],
            column_near=column[0],
            column_decay=column[1],
        )

    def _fit_place(self) -> tuple[float, tuple[float, float]]:
        """(M, decays along columns and rows): what two channels share at a position beyond S."""
        found = self._moments
        moments = (found.place, found.place_row, found.place_column)
        share, decays = fit_place(moments, (self._height, self._width))
        sample = max(0.0, found.sample)
        place = self._response.inverse(sample + share) - self._response.inverse(sample)
        return min(place, self._rows[0], self._columns[0]), decays

    def _sample_share(self, common: float) -> float:
        """S; samples also differ by chance, as each has a finite number of independent fields w."""
        by_chance = (self._moments.channel - self._response.anywhere(common)) / self._channels
        share = self._response.inverse(max(0.0, self._moments.sample - max(0.0, by_chance)))
        return min(share, self._rows[0], self._columns[0])

    def _channel_share(self, sample: float) -> float:
        row, column = self._without_w(sample)
        high = max(0.0, min(self._rows[0] - row[0], self._columns[0] - column[0]))
        low = min(self._persistent, high)
        for _ in range(_STEPS):
            channel = (low + high) / 2.0
            too_low = self._channel_variance(sample + channel) < self._moments.channel
            low, high = (channel, high) if too_low else (low, channel)
        return low

    def _channel_variance(self, common: float) -> float:
        """Mean correlation of all ordered pairs of positions of one channel of the mask."""
        row, column = self._processes(common)
        inside = np.outer(_correlations(column, self._height), _correlations(row, self._width))
        field = common + self._place * self._at + max(0.0, 1.0 - common - self._place) * inside
        return float((self._pairs * self._response.over_map(np.maximum(field, 0.0))).sum())

    def _processes(self, common: float) -> tuple[Process, Process]:
        rest = 1.0 - common - self._place
        row, column = self._without_w(common)
        return _process(self._rows, row, rest), _process(self._columns, column, rest)

    def _without_w(self, common: float) -> tuple[tuple[float, float], tuple[float, float]]:
        """The field's correlation 1 and 2 positions apart along a row and a column, if w had none."""
        lines = (np.append(line, [0.0, 0.0]) for line in (self._at[0], self._at[:, 0]))
        row, column = (common + self._place * line[1:3] for line in lines)
        return (float(row[0]), float(row[1])), (float(column[0]), float(column[1]))


def _process(lags: tuple[float, float], without: tuple[float, float], rest: float) -> Process:
    """(near, decay) of w, whose share is `rest`, from the field's correlations 1 and 2 apart."""
    pairs = zip(lags, without, strict=True)
    first, second = (max(0.0, (r - other) / rest) if rest > 0.0 else 0.0 for r, other in pairs)
    return feasible(first, second / first if first else 0.0)


def _correlations(process: Process, length: int) -> FloatArray:
    """Correlations of w at the distances 0, 1, ... length - 1."""
    near, decay = process
    beyond = near * decay ** np.arange(max(0, length - 1), dtype=np.float64)
    return np.concatenate([[1.0], beyond])


def _pairs(length: int) -> FloatArray:
    """Share of the ordered pairs of a line of `length` positions that lie 0, 1, ... apart."""
    counts = 2.0 * (length - np.arange(length, dtype=np.float64))
    counts[0] = length
    return counts / length**2
