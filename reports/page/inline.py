"""A drawing as SVG inside the page: its colours follow the theme, and its layers can be clicked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from reports.figures.drawing import Points, Rows
from reports.language import variables
from reports.text import plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from reports.figures.drawing import Drawing

_SVG_DPI = 72  # points, of which matplotlib's SVG is made
_POINT_RADIUS = 5.0
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}\b")
_FONT = re.compile(r"font: (?:bold |italic )*([\d.]+px) [^;]*")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
Box = tuple[float, float, float, float]


def inline_svg(drawing: Drawing, svg: bytes, layers: Sequence[str]) -> str:
    """The SVG element of a drawing.

    svg: the drawing as a file, of reports.figures.files.picture. layers: names that its targets are told by.
    """
    root = _without_namespaces(ElementTree.fromstring(svg))
    _drop(root, ("metadata", "style"))
    _rename(root, drawing.stem)
    _theme(root)
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    root.set("class", "figure")
    root.set("aria-hidden", "true")  # its alternative text is beside it, where all browsers read it
    root.extend(_targets(drawing, layers))
    return ElementTree.tostring(root, encoding="unicode")


def _without_namespaces(root: Element) -> Element:
    """HTML has no namespaces: svg:path is path, xlink:href is href."""
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        for name in [name for name in element.attrib if "}" in name]:
            element.attrib[name.rpartition("}")[2]] = element.attrib.pop(name)
    return root


def _drop(root: Element, tags: Sequence[str]) -> None:
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in tags:
                parent.remove(child)


def _rename(root: Element, stem: str) -> None:
    """What is referred to gets an id that no other figure of the page has; all other ids go."""
    used = {href[1:] for element in root.iter() if (href := element.get("href", "")).startswith("#")}
    for element in root.iter():
        for value in element.attrib.values():
            used.update(_REFERENCE.findall(value))
    numbers = {name: f"{stem}-{place}" for place, name in enumerate(sorted(used))}
    for element in root.iter():
        name = element.attrib.pop("id", None)
        if name in numbers:
            element.set("id", numbers[name])
        if element.get("href", "").startswith("#"):
            element.set("href", f"#{numbers[element.attrib['href'][1:]]}")
        for key, value in element.attrib.items():
            if "url(#" in value:
                element.set(key, _REFERENCE.sub(lambda found: f"url(#{numbers[found[1]]})", value))


def _theme(root: Element) -> None:
    """Colours of the visual language become variables of the page, fonts those of the page."""
    names = {colour.light: name for name, colour in variables().items()}

    def themed(found: re.Match[str]) -> str:
        name = names.get(found[0].lower())
        return f"var(--{name})" if name else found[0]

    for element in root.iter():
        style = element.get("style")
        if style:
            weight = "font-weight: bold; " if "font: bold" in style else ""
            element.set("style", _COLOUR.sub(themed, _FONT.sub(rf"{weight}font-size: \1", style)))


def _targets(drawing: Drawing, layers: Sequence[str]) -> Iterator[Element]:
    for target in drawing.targets:
        marks = _rows(drawing, target) if isinstance(target, Rows) else _points(drawing, target)
        for layer, mark in marks:
            mark.set("class", "layer")
            mark.set("data-layer", str(layer))
            SubElement(mark, "title").text = plain(layers[layer])
            yield mark


def _rows(drawing: Drawing, rows: Rows) -> Iterator[tuple[int, Element]]:
    width = drawing.figure.get_figwidth() * _SVG_DPI
    for layer in range(rows.layers):
        (_, top), (_, bottom) = (_place(drawing, rows.axes, 0, layer + side) for side in (-0.5, 0.5))
        top, bottom = sorted((top, bottom))
        mark = Element("rect", x="1", y=_short(top), width=_short(width - 2), height=_short(bottom - top))
        yield layer, mark


def _points(drawing: Drawing, points: Points) -> Iterator[tuple[int, Element]]:
    for layer, x, y in zip(points.layers, points.x, points.y, strict=True):
        across, down = _place(drawing, points.axes, x, y)
        yield layer, Element("circle", cx=_short(across), cy=_short(down), r=_short(_POINT_RADIUS))


def _place(drawing: Drawing, axes: Axes, x: float, y: float) -> tuple[float, float]:
    """Data coordinates as those of the SVG, whose y goes down."""
    across, up = axes.transData.transform((x, y)) / drawing.figure.dpi * _SVG_DPI
    return float(across), float(drawing.figure.get_figheight() * _SVG_DPI - up)


def _short(value: float) -> str:
    return f"{value:.1f}"
