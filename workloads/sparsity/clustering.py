"""The parameters of clustering: the field whose cut a mask is.

    z[n, c, y, x] = sqrt(S) s[n] + sqrt(P) f[c] + sqrt(C - P) g[n, c] + sqrt(1 - S - C) w[n, c, y, x] > t

s, f, g: independent, standard normal; w: standard normal, correlated inside a channel (the product of a
moving_average.py along rows and one along columns). Two structures of gradients lie outside the field:

- `window` k: the layer's output goes through k x k max-pooling, so at most one position of a window has a
  gradient. The field then lives on the windows. The position inside is the one the (sample, channel)
  prefers with probability `steady`, else any: filters find their maxima on the same side of an edge.
- `lattice`: thresholds differ between even and odd rows and columns, because a stride of 2 behind the
  layer reaches even positions more often (1 x 1 stride-2 convolutions reach no others).
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Clustering(BaseModel):
    """Parameters of the field: shares of its variance (S, C, P), correlations of w, and structure."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sample: float = Field(default=0.0, ge=0, le=1, description="S, share of the variance common to a sample")
    channel: float = Field(default=0.0, ge=0, le=1, description="C, share common to a channel of a sample")
    persistent: float = Field(
        default=0.0, ge=0, le=1, description="P <= C, share of a channel in all samples"
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


INDEPENDENT = Clustering()
"""No clustering: every position by itself."""
