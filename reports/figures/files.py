"""Drawings as files: vector and pixel formats, and the data beside them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from reports.figures.drawing import Drawing

FORMATS = ("png", "svg", "pdf")
# Dates and versions would make equal figures differ.
_METADATA: dict[str, dict[str, Any]] = {
    "svg": {"Date": None},
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


def save(drawing: Drawing, folder: Path, formats: Iterable[str], svg: bytes | None = None) -> list[Path]:
    """Write a drawing in some of FORMATS and its data as CSV; returns the paths.

    svg: the drawing as SVG, where it is made already. Within house_style(). Equal drawings give equal files.
    """
    settle(drawing.figure)
    written = []
    for kind in formats:
        made = svg if kind == "svg" and svg is not None else picture(drawing.figure, kind)
        written.append(folder / f"{drawing.stem}.{kind}")
        written[-1].write_bytes(made)
    table = folder / f"{drawing.stem}.csv"
    table.write_text(csv_text(drawing), encoding="utf-8", newline="")
    return [*written, table]


def settle(figure: Figure) -> None:
    """Lay the figure out once, for all formats and for whoever asks where things are."""
    from matplotlib import rcParams  # noqa: PLC0415
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.layout_engine import PlaceHolderLayoutEngine  # noqa: PLC0415

    engine = figure.get_layout_engine()
    if engine is None or isinstance(engine, PlaceHolderLayoutEngine):
        return
    FigureCanvasAgg(figure)
    figure.set_dpi(rcParams["savefig.dpi"])
    engine.execute(figure)
    figure.set_layout_engine("none")


def picture(figure: Figure, kind: str) -> bytes:
    """A settled figure in one of FORMATS."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.backends.backend_svg import FigureCanvasSVG  # noqa: PLC0415

    buffer, dpi = io.BytesIO(), figure.dpi
    # By the canvas where it can be, since savefig draws twice, once for the layout.
    match kind:
        case "svg":
            FigureCanvasSVG(figure).print_svg(buffer, metadata=_METADATA[kind])
        case "png":
            FigureCanvasAgg(figure).print_png(buffer, metadata=_METADATA[kind])
        case _:
            figure.savefig(buffer, format=kind, metadata=_METADATA[kind])
    figure.set_dpi(dpi)
    return buffer.getvalue()


def csv_text(drawing: Drawing) -> str:
    """The data of a drawing; None is an empty cell."""
    return table_text(list(drawing.data), list(zip(*drawing.data.values(), strict=True)))


def table_text(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()
