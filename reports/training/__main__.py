"""python -m reports.training FOLDER: the figures of docs/sparsity.md as PNG, their data as CSV."""

from __future__ import annotations

import sys
from pathlib import Path

from reports.figures.files import save
from reports.figures.style import house_style
from reports.training.accuracy import accuracy_figure
from reports.training.clustering import clustering_figure
from reports.training.over_depth import depth_figure
from reports.training.over_time import time_figure


def main(folder: Path) -> None:
    """Draws all of them."""
    folder.mkdir(parents=True, exist_ok=True)
    with house_style():
        for draw in (accuracy_figure, time_figure, depth_figure, clustering_figure):
            save(draw(), folder, ["png"])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
