"""The parameters of clustering: the field whose cut a mask is.

    z[n, c, y, x] > t
    z[n, c, y, x] = sqrt(S) s[n] + sqrt(M) h[n, y, x] + sqrt(C) l[n, c] + sqrt(1 - S - M - C) w[n, c, y, x]
    l[n, c] = Q(sqrt(P / C) f[c] + sqrt(1 - P / C) g[n, c])

s, f, g: independent, standard normal; Q gives the channels' levels l the distribution that was recorded, of
variance 1 (levels.py; without `levels`: Q(u) = u); w: standard normal, correlated inside a channel (the
product of a moving_average.py along rows and one along columns); h: where a sample has much in all channels,
correlated by place_row and place_column per position, of mean 0 over the map and variance 1.

Two structures of gradients lie outside the field:

- `window` k: the layer's output goes through k x k max-pooling, so at most one position of a window has a
  gradient. The field then lives on the windows. The position inside is the one the (sample, channel)
  prefers with probability `steady`, else any: filters find their maxima on the same side of an edge.
- `lattice`: thresholds differ between even and odd rows and columns, because a stride of 2 behind the
  layer reaches even positions more often (1 x 1 stride-2 convolutions reach no others).
"""

from __future__ import annotations

import math

from pydantic import BaseModel, ConfigDict, Field


class Clustering(BaseModel):
    """Parameters of the field: shares of its variance (S, C, P), correlations of w, and structure."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sample: float = Field(default=0.0, ge=0, le=1, description="S, share of the variance common to a sample")
    channel: float = Field(default=0.0, ge=0, le=1, description="C, share common to a channel of a sample")
    persistent: float = Field(
        default=0.0, ge=0, le=1, description="P <= C, share of a channel in all samples"
    )
    place: float = Field(
        default=0.0, ge=0, le=1, description="M, share common to a position in all channels of a sample"
    )
    place_row: float = Field(default=0.0, ge=0, lt=1, description="correlation of horizontal neighbours of h")
    place_column: float = Field(
        default=0.0, ge=0, lt=1, description="correlation of vertical neighbours of h"
    )
    row_near: float = Field(default=0.0, ge=0, lt=1, description="correlation of horizontal neighbours of w")
    row_decay: float = Field(default=0.0, ge=0, lt=1, description="factor per further position along a row")
    column_near: float = Field(default=0.0, ge=0, lt=1, description="correlation of vertical neighbours of w")
    column_decay: float = Field(
        default=0.0, ge=0, lt=1, description="factor per further position along a column"
    )
    window: int = Field(
        default=1, ge=1, le=16, description="side of the pooling windows with at most one non-zero"
    )
    steady: float = Field(
        default=0.0, ge=0, le=1, description="probability of the preferred position in a window"
    )
    lattice: tuple[float, float, float, float] = Field(
        default=(0.0, 0.0, 0.0, 0.0),
        description="threshold shifts of (row, column) even-even, e-odd, o-e, o-o",
    )
    levels: tuple[float, ...] = Field(
        default=(), description="quantiles of l, middles of equally likely slices, ascending; (): normal"
    )

    def of_sample(self) -> Clustering:
        """The field of one sample whose density is known: s is no longer random, so S < 1 becomes 0."""
        rest = 1.0 - self.sample
        ee, eo, oe, oo = (shift / math.sqrt(rest) for shift in self.lattice)
        changed = {
            "sample": 0.0,
            "channel": min(1.0, self.channel / rest),
            "persistent": min(1.0, self.persistent / rest),
            "place": min(1.0, self.place / rest),
            "lattice": (ee, eo, oe, oo),
        }
        return self.model_copy(update=changed)


INDEPENDENT = Clustering()
"""No clustering: every position by itself."""
