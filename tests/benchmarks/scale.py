"""How the engine scales: `python -m tests.benchmarks.scale [--quick] [--figure FILE]` (about six minutes).

Simulates training steps on ImageNet, each in a process of its own on one thread, against samples, layers and
PE groups. Prints Markdown: processor seconds of the simulation (planning, masks, engine; start and imports
are outside and told apart), row operations executed, peak memory of the process; then the exponents of
seconds and of memory, fitted by least squares to logarithms, +- standard error.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.scale_fit import Exponent, fitted_exponent

ROOT = Path(__file__).resolve().parents[2]
# Libraries that would start threads of their own.
ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")


@dataclass(frozen=True)
class Question:
    """One simulation to measure. place: where it stands on its axis."""

    place: int
    network: str = "resnet18"
    samples: int = 1
    settings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Point:
    """What it cost. start_seconds, start_mebibytes: of the process before the simulation began."""

    place: int
    seconds: float
    row_operations: int
    start_seconds: float
    start_mebibytes: float
    peak_mebibytes: float

    @property
    def own_mebibytes(self) -> float:
        """Peak memory beyond that of a process that has simulated a small network."""
        return self.peak_mebibytes - self.start_mebibytes


@dataclass(frozen=True)
class Axis:
    """Simulations that differ in one thing."""

    name: str
    what: str
    questions: tuple[Question, ...]


def _array(groups: int, clusters: int) -> Question:
    return Question(groups, settings=(f"groups={groups}", f"clusters={clusters}"))


SAMPLES = Axis("samples", "ResNet-18", tuple(Question(n, samples=n) for n in (1, 2, 4, 8, 16, 32)))
LAYERS = Axis(
    "layers",
    "ResNet-18, 34, 50, 101, 152",
    tuple(
        Question(layers, network=f"resnet{depth}")
        for layers, depth in ((21, 18), (37, 34), (54, 50), (105, 101), (156, 152))
    ),
)
CLUSTERS = Axis(
    "PE groups, 7 or 8 to a cluster",
    "ResNet-18",
    tuple(_array(*sizes) for sizes in ((7, 1), (56, 7), (224, 28), (1024, 128), (4096, 512))),
)
WIDTH = Axis(
    "PE groups, in 8 clusters",
    "ResNet-18",
    tuple(_array(groups, 8) for groups in (8, 64, 512, 4096)),
)
AXES = (SAMPLES, LAYERS, CLUSTERS, WIDTH)
QUICK_POINTS = 3


def measured(question: Question) -> Point:
    """Simulate in a child; its resource usage is its own."""
    command = [sys.executable, "-m", "tests.benchmarks.scale_child", question.network, str(question.samples)]
    environment = {**os.environ, **ONE_THREAD}
    done = subprocess.run(
        [*command, *question.settings], capture_output=True, check=True, cwd=ROOT, env=environment
    )
    return Point(place=question.place, **json.loads(done.stdout))


def fits(points: Sequence[Point]) -> dict[str, Exponent]:
    """The exponents that are asked for, by name."""
    places = [float(point.place) for point in points]
    work = [float(point.row_operations) for point in points]
    seconds = [point.seconds for point in points]
    return {
        "row operations over the axis": fitted_exponent(places, work),
        "seconds over the axis": fitted_exponent(places, seconds),
        "seconds over row operations": fitted_exponent(work, seconds),
        "peak memory over the axis": fitted_exponent(places, [point.peak_mebibytes for point in points]),
        "memory beyond the start": fitted_exponent(places, [point.own_mebibytes for point in points]),
    }


def heading(axis: Axis) -> list[str]:
    """Markdown: head of the table of an axis."""
    head = "row operations | seconds | ns per row operation | peak MiB | of them at the start"
    return [f"| {axis.name} ({axis.what}) | {head} |", "|---:" * 6 + "|"]


def row(point: Point) -> str:
    """Markdown: what a point cost."""
    each = 1e9 * point.seconds / point.row_operations
    cells = [f"{point.place:,}", f"{point.row_operations / 1e6:,.0f}M", f"{point.seconds:.1f}", f"{each:.0f}"]
    cells += [f"{point.peak_mebibytes:.0f}", f"{point.start_mebibytes:.0f}"]
    return f"| {' | '.join(cells)} |"


def exponents(found: Sequence[tuple[Axis, Sequence[Point]]]) -> list[str]:
    """Markdown: the fitted exponents, a line per axis."""
    columns = [fits(points) for _, points in found]
    lines = [f"| exponent of | {' | '.join(columns[0])} |", "|---" + "|---:" * len(columns[0]) + "|"]
    for (axis, _), fitted in zip(found, columns, strict=True):
        lines.append(f"| {axis.name} | {' | '.join(map(str, fitted.values()))} |")
    return lines


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    measured(SAMPLES.questions[0])  # compiles what is not in the cache
    found = []
    for axis in AXES:
        questions = axis.questions[:QUICK_POINTS] if arguments.quick else axis.questions
        found.append((axis, _measured_and_printed(axis, questions)))
    starts = sorted(point.start_seconds for _, points in found for point in points)
    print("\n".join(exponents(found)))
    print(f"\nStart, imports and a small network, not counted: {starts[len(starts) // 2]:.1f} s each.")
    if arguments.figure:
        from tests.benchmarks.scale_figure import write_figure

        write_figure(found, arguments.figure)


def _measured_and_printed(axis: Axis, questions: Sequence[Question]) -> list[Point]:
    """Every row is printed as soon as it is known: on a busy computer a point takes minutes."""
    points = []
    print("\n".join(heading(axis)), flush=True)
    for question in questions:
        points.append(measured(question))
        print(row(points[-1]), flush=True)
    print()
    return points


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="the first three points of every axis")
    parser.add_argument("--figure", type=Path, metavar="FILE", help=".svg, .png or .pdf")
    return parser.parse_args()


if __name__ == "__main__":
    main()
