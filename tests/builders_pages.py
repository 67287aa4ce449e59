"""Pages for tests: results whose names try to break out of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reports.figures.of_run import run_drawings
from reports.figures.style import house_style
from sparsesim.results.model import ProfileSource, Result
from tests.builders_results import made_result, step_records

if TYPE_CHECKING:
    from reports.figures.drawing import Drawing

# Each of them ends an element, an attribute, a text or a file name somewhere.
HOSTILE = (
    "<script>window.hacked=1</script>",
    '"><img src=x onerror=window.hacked=1>',
    "'-alert(1)-' $\\frac{1}{2}$ {{ 7*7 }} {% x %}",
    "]]></svg><svg onload=window.hacked=1>\x00\x1b[31m\n&amp;",
    "\N{RIGHT-TO-LEFT OVERRIDE}=cmd|' /C calc'!A0",
    "../../etc/passwd \N{CJK UNIFIED IDEOGRAPH-5C42}\N{ZERO WIDTH JOINER}" + "x" * 300,
)


def hostile_result() -> Result:
    """Every name that a user can choose, chosen badly."""
    result = made_result(step_records(layers=len(HOSTILE) - 1))
    names = dict(zip(result.layer_names(), HOSTILE, strict=True))
    layers = tuple(replace(layer, name=names.get(layer.name, layer.name)) for layer in result.layers)
    return replace(
        result,
        network=HOSTILE[0],
        dataset=HOSTILE[1],
        machine=result.machine.model_copy(update={"name": HOSTILE[3]}),
        profile=ProfileSource(HOSTILE[1], "profile", HOSTILE[0], HOSTILE[3]),
        energy_table=HOSTILE[0],
        notes=HOSTILE,
        layers=layers,
    )


def drawings_of_result(result: Result) -> dict[str, list[Drawing]]:
    """All figures of a result, by part."""
    with house_style():
        return run_drawings(result)
