"""Progress of a study: are the rate, the remaining time and the best point true, and told in time?"""

from __future__ import annotations

import io
import time

import pytest

from sparsesim.cli import study_progress
from sparsesim.cli.study_progress import StudyProgress, duration
from sparsesim.study.objectives import Constraint, Objective
from sparsesim.study.point import Row, Scalar
from sparsesim.study.session import Question

CYCLES = Objective("with_dram_cycles", "minimize")
SPEEDUP = Objective("with_dram_speedup", "maximize")
SMALL = Constraint("area_mm2", "<=", 2.0)


def question(*limits: Constraint, objective: Objective = CYCLES) -> Question:
    return Question("command line", ("array.groups", "memory.kind"), (objective,), limits)


def row(groups: int, cycles: float | None = None, network: str = "alexnet", **figures: float) -> Row:
    """A row that is done; without cycles one that failed."""
    settings: dict[str, Scalar] = {"network": network, "array.groups": groups, "memory.kind": "hbm2"}
    if cycles is None:
        return Row(groups, settings, "failed", {}, "it is wrong")
    return Row(groups, settings, "done", {"with_dram_cycles": cycles, **figures})


def after(progress: StudyProgress, seconds: float) -> str:
    """The sentence so long after the beginning."""
    return progress.sentence(progress._started + seconds)


def best(progress: StudyProgress) -> str:
    return after(progress, 1.0).partition("best ")[2]


def test_rate_and_remaining_time_are_of_the_points_of_this_run() -> None:
    progress = StudyProgress(question(), total=100, stored=40)
    for groups in range(20):
        progress.row(row(groups))
    assert after(progress, 10.0) == "2.0 points/s, 20 s left, 20 failed"
    assert after(progress, 40.0) == "30.0 points/min, 80 s left, 20 failed"
    assert after(progress, 7200.0) == "0.2 points/min, 4.0 h left, 20 failed"


def test_before_the_first_row_nothing_is_promised() -> None:
    assert after(StudyProgress(question(), total=10), 0.0) == "0.0 points/min, 0 s left"


def test_the_best_point_is_told_with_what_is_varied() -> None:
    progress = StudyProgress(question(), total=9)
    for groups, cycles in ((7, 3000.0), (14, 1000.0), (28, 2000.0), (56, 1000.0)):
        progress.row(row(groups, cycles))
    assert best(progress) == "cycles with DRAM 1.00k (groups=14 kind=hbm2)"


def test_what_is_maximised_is_best_where_it_is_highest() -> None:
    progress = StudyProgress(question(objective=SPEEDUP), total=9)
    for groups, speedup in ((7, 2.0), (14, 3.0), (28, 1.0)):
        progress.row(row(groups, 1.0, with_dram_speedup=speedup))
    assert "groups=14" in best(progress)


def test_points_that_break_a_constraint_or_failed_or_lack_the_figure_are_not_the_best() -> None:
    progress = StudyProgress(question(SMALL), total=9)
    progress.row(row(7, 10.0, area_mm2=2.5))
    progress.row(row(13))
    progress.row(Row(21, {"array.groups": 21}, "done", {"area_mm2": 1.0}))
    progress.row(row(28, 10.0))  # has no area to be limited
    assert best(progress) == ""
    progress.row(row(14, 99.0, area_mm2=2.0))
    assert "groups=14" in best(progress)


def test_networks_are_not_compared_with_each_other() -> None:
    progress = StudyProgress(question(), total=9)
    progress.row(row(7, 1000.0, "alexnet"))
    progress.row(row(14, 90000.0, "vgg16"))
    progress.row(row(28, 95000.0, "vgg16"))
    assert "groups=14" in best(progress)
    progress.row(row(56, 2000.0, "alexnet"))
    assert "groups=7" in best(progress)


def test_of_very_many_workloads_only_the_last_are_remembered() -> None:
    progress = StudyProgress(question(), total=9)
    for number in range(2 * study_progress.MOST_WORKLOADS):
        progress.row(row(7, 1000.0, f"network {number}"))
        progress.row(row(14, 2000.0, f"network {number}"))
        assert "groups=7" in best(progress)
    assert len(progress._best) == study_progress.MOST_WORKLOADS


def test_a_log_gets_a_line_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    with StudyProgress(question(), total=1000, stored=100) as progress:
        for step in range(100):
            now += 1.0
            progress.row(row(step + 1, 1000.0 - step))
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(",")[0] for line in lines] == [
        "130 of 1", "160 of 1", "190 of 1"
    ]  # fmt: skip
    assert lines[0].startswith(
        "130 of 1,000 points, 1.0 points/s, 14 min left, best cycles with DRAM 971 (groups=30"
    )


def test_a_terminal_sees_the_sentence_at_every_row(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    real = study_progress.Console
    monkeypatch.setattr(
        study_progress,
        "Console",
        lambda stderr: real(file=screen, force_terminal=True, width=200, color_system=None),
    )
    with StudyProgress(question(), total=12, stored=3) as progress:
        progress.row(row(7, 1000.0))
        progress.row(row(14))
    assert "5/12" in screen.getvalue()
    assert "1 failed, best cycles with DRAM 1.00k (groups=7 kind=hbm2)" in screen.getvalue()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"), (45.4, "45 s"), (119, "119 s"), (120, "2 min"), (725, "12 min"), (7199, "120 min"),
        (7200, "2.0 h"), (12600, "3.5 h"), (172799, "48.0 h"), (172800, "2.0 days"), (181440, "2.1 days"),
    ],
)  # fmt: skip
def test_times_are_said_as_people_do(seconds: float, text: str) -> None:
    assert duration(seconds) == text
