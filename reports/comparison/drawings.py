"""The figures of a comparison, in the order they are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports.comparison.layer_differences import layer_differences
from reports.comparison.waterfall import waterfall
from reports.figures.overview import overview

if TYPE_CHECKING:
    from reports.comparison.compare import Comparison
    from reports.figures.drawing import Drawing

GAINS, CAUSES, LAYERS = "What each gains", "Where the difference comes from", "Layer by layer"


def comparison_drawings(comparison: Comparison) -> dict[str, list[Drawing]]:
    """By part of the page all figures; within house_style().

    Runs without a layer in common have none layer by layer.
    """
    results = [side.result for side in comparison.sides if side.result.compared]
    labels = [f"{side.letter}\n{side.name}" for side in comparison.sides if side.result.compared]
    return {
        GAINS: [overview(results, labels)] if results else [],
        CAUSES: [waterfall(attribution) for attribution in comparison.attributions],
        LAYERS: [
            layer_differences(attribution) for attribution in comparison.attributions if attribution.matched
        ],
    }
