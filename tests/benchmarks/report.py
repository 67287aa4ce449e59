"""What a report costs: `python -m tests.benchmarks.report` (about a minute).

Simulates ResNet-50 on ImageNet and makes up a study of 5,000 points, then prints the wall time of `report` as
a process of its own (best and worst of three) and the size of the page, and of `compare` with a page.
"""

from __future__ import annotations

import itertools
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from sparsesim.study.definition import Definition, define
from sparsesim.study.figures import FIGURES
from sparsesim.study.flags import Flags
from sparsesim.study.session import begin, question_of
from sparsesim.study.store import Done, Place

POINTS, TIMES = 5000, 3
AXES = (
    "groups=7,14,21,28,42,56,63,70,84,112",
    "pes_per_group=1,2,3,4,6",
    "kilobytes=100:550:50",
    "banks=2,4,8,16",
    "prune=0,0.7,0.9",
)
MOST_RATIO = 3.0


def _definition() -> Definition:
    return define(None, Flags(networks=("resnet18",), datasets=("imagenet",), vary=AXES))


def _points(definition: Definition, places: str) -> Iterator[Done]:
    """Points with every figure, made up: what is drawn does not change what drawing costs."""
    generator = random.Random(1)
    names = [axis.name for axis in definition.axes]
    combinations = list(itertools.product(*(axis.values for axis in definition.axes)))
    for index, values in enumerate(generator.sample(combinations, POINTS)):
        figures = {name: generator.uniform(1, MOST_RATIO) for name in FIGURES}
        settings = {**definition.base, **dict(zip(names, values, strict=True))}
        yield Done(
            key=f"point {index}", settings=settings, figures=figures, runs=(), machine="{}", energy="{}",
            seconds=0.5, simulations=(), places=(Place(places, index),),
        )  # fmt: skip


def make_study(folder: Path) -> None:
    """Write a made-up study of POINTS points."""
    definition = _definition()
    question = question_of(definition)
    with begin(folder, definition, ["sparsesim", "sweep"], question) as study:
        study.put(list(_points(definition, question.places)))


def _run(*arguments: object) -> float:
    """Wall seconds of `python -m sparsesim`."""
    started = time.perf_counter()
    command = [sys.executable, "-m", "sparsesim", *map(str, arguments)]
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - started


def _row(what: str, page: Path, *arguments: object) -> str:
    seconds = sorted(_run(*arguments) for _ in range(TIMES))
    return f"| {what} | {seconds[0]:.1f} to {seconds[-1]:.1f} s | {page.stat().st_size / 1e6:.1f} MB |"


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as scratch:
        run, study, both = Path(scratch, "run"), Path(scratch, "study"), Path(scratch, "both")
        other = Path(scratch, "other")
        _run("run", "resnet50", "--out", run, "--no-figure")
        _run("run", "resnet50", "--set", "groups=112", "--out", other, "--no-figure")
        make_study(study)
        print("| what | seconds | page |\n|---|---|---|")
        page = run / "report" / "report.html"
        print(_row("`report` of a ResNet-50 / ImageNet run", page, "report", run))
        every = "html,svg,png,pdf"
        print(_row("the same in all formats", page, "report", run, "--format", every))
        page = study / "report" / "report.html"
        print(_row(f"`report` of a study of {POINTS:,} points", page, "report", study))
        page = both / "report.html"
        print(_row("`compare` of two such runs, with page", page, "compare", run, other, "--out", both))


if __name__ == "__main__":
    main()
