"""Are trials kept through interruptions, and does the search go on from them?"""

import random
import sqlite3

import numpy as np
import pytest

from sparsesim.study.search import conduct
from sparsesim.study.search.kept import KeptTrials
from sparsesim.study.values import Range
from tests.builders_search import (
    BOTH,
    LIMIT,
    SPACE,
    AnalyticRunner,
    asked,
    at_most,
    definition,
    memory_storage,
    search,
)
from workloads.errors import UserError


@pytest.mark.parametrize("sampler, kept", [("nsga2", "file"), ("tpe", "memory"), ("random", "memory")])
def test_does_a_search_interrupted_anywhere_go_on_as_if_it_had_run_through(
    tmp_path, monkeypatch, sampler, kept
):
    """Interrupted in a point, before and after any write to Optuna's storage, and by smaller totals."""
    rng = random.Random(sampler)
    through, pieces = tmp_path / "through", tmp_path / "pieces"
    through.mkdir(), pieces.mkdir()
    if kept == "memory":
        monkeypatch.setattr(conduct, "trial_storage", memory_storage())
    expected = search(through, sampler=sampler, seed=5)
    with monkeypatch.context() as patch:
        for name in ("add", "finish"):
            patch.setattr(KeptTrials, name, interrupting(getattr(KeptTrials, name), rng))
        interruptions = attempts_until_done(pieces, sampler, rng)
    assert interruptions > 5
    assert asked(search(pieces, sampler=sampler, seed=5)) == asked(expected)


def interrupting(method, rng):
    def interrupted(self, *arguments, **named):
        if rng.random() < 0.004:
            raise KeyboardInterrupt
        method(self, *arguments, **named)
        if rng.random() < 0.004:
            raise KeyboardInterrupt

    return interrupted


def attempts_until_done(folder, sampler, rng):
    """Searches with growing totals until one ends; how many were interrupted."""
    interrupted, trials = 0, 3
    while trials < 33:
        try:
            search(
                folder,
                AnalyticRunner(stops=rng.randrange(12)),
                sampler=sampler,
                seed=5,
                trials=min(30, trials),
            )
            trials += 6
        except KeyboardInterrupt:
            interrupted += 1
    return interrupted


def test_does_a_runner_that_stops_early_leave_trials_pending_for_the_next_call(tmp_path):
    class Stopping(AnalyticRunner):
        def run(self, points, finished):
            super().run(list(points)[:3], finished)

    first = search(tmp_path, Stopping())
    assert (first.count("done"), first.count("pending")) == (3, 5)
    assert search(tmp_path).count("pending") == 0


def test_does_asking_again_simulate_nothing_and_asking_for_more_only_the_rest(tmp_path):
    first, again, more = AnalyticRunner(), AnalyticRunner(), AnalyticRunner()
    found = search(tmp_path, first, trials=20)
    assert asked(search(tmp_path, again, trials=20)) == asked(found)
    assert asked(search(tmp_path, more, trials=27))[: len(found.trials)] == asked(found)
    assert [len(runner.calls) for runner in (first, again, more)] == [20, 0, 7]


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"sampler": "tpe"},
        {"batch": 9},
        {"study": definition(constraints=(at_most(1.3),))},
        {"study": definition(constraints=(LIMIT,), objectives=BOTH[:1])},
        {"study": definition({"groups": SPACE["groups"], **SPACE, "slots": Range(1, 9, whole=True)})},
        {"study": definition(constraints=(LIMIT,), base={"seed": 4})},
    ],
    ids=["seed", "sampler", "batch", "constraint", "objective", "space", "base"],
)
def test_does_another_question_begin_another_search_beside_the_first(tmp_path, monkeypatch, change):
    monkeypatch.setattr(conduct, "trial_storage", memory_storage())
    first = search(tmp_path, trials=8)
    other = search(tmp_path, **{"trials": 8, **change})
    assert other.name != first.name
    assert other.count("done") == 8
    assert asked(search(tmp_path, trials=8)) == asked(first)


# The file


def test_does_a_folder_with_characters_of_urls_hold_the_trials(tmp_path):
    folder = tmp_path / "50% {a} ?b=c&d #e é"
    folder.mkdir()
    search(folder, trials=4)
    assert [path.name for path in folder.iterdir()] == ["trials.sqlite"]


@pytest.mark.parametrize("content", [b"not a database " * 100, None])
def test_is_a_file_that_holds_no_trials_an_error_with_a_remedy(tmp_path, content):
    path = tmp_path / "trials.sqlite"
    if content:
        path.write_bytes(content)
    else:
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE trials (trial_id INTEGER PRIMARY KEY)")
        connection.close()
    with pytest.raises(UserError, match=r"trials\.sqlite: the trials cannot be used .* move the file away"):
        search(tmp_path)


def test_does_optuna_print_nothing(tmp_path, capfd):
    search(tmp_path, AnalyticRunner(fails=lambda settings: "no" if settings["slots"] == 1 else ""))
    assert capfd.readouterr() == ("", "")


def test_is_each_trial_told_as_it_is_kept(tmp_path):
    told = []
    found = search(tmp_path, trials=12, told=told.append)
    assert {trial.number: trial for trial in told} == {
        trial.number: trial for trial in found.trials if trial.status != "refused"
    }
    assert np.isfinite([trial.values for trial in told]).all()
