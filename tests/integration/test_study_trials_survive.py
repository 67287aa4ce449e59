"""Are the trials of a search whole after SIGKILL and after a full disk, and does it go on from them?"""

import random
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

from tests.builders_search import asked, definition, search

ROOT = Path(__file__).parents[2]  # children import tests.builders_search from there


def test_is_every_finished_trial_there_after_the_process_was_killed(tmp_path):
    """SIGKILL at random moments: the file opens, keeps what was told, and the end is that of one run."""
    script = textwrap.dedent(
        """
        import sys, time
        from pathlib import Path
        from sparsesim.study.explore import explore
        from tests.builders_search import AnalyticRunner, definition, machine

        def slow(settings):
            time.sleep(0.002)
            return machine(settings)

        told = lambda trial: print(trial.number, flush=True)
        explore(definition(), Path(sys.argv[1]), AnalyticRunner(slow), trials=40, batch=8, told=told)
        print("end", flush=True)
        """
    )
    rng = random.Random(3)
    told, ended = set(), False
    while not ended:
        lines, ended = killed_after(script, tmp_path, rng.randrange(8, 20))
        assert told.isdisjoint(lines)
        told |= lines
        assert told <= finished_in(tmp_path / "trials.sqlite")
    through = tmp_path / "through"
    through.mkdir()
    options = {"study": definition(), "trials": 40, "precheck": None}
    assert asked(search(tmp_path, **options)) == asked(search(through, **options))


def killed_after(script, folder, lines):
    """The trials that a child told before it was killed, and whether it came to its end."""
    command = [sys.executable, "-c", script, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as child:
        told = []
        for line in child.stdout:
            told.append(line.strip())
            if len(told) == lines:
                child.kill()
                break
        told += [line.strip() for line in child.stdout if line.endswith("\n")]
    return {int(line) for line in told if line != "end"}, "end" in told


def finished_in(path):
    with sqlite3.connect(path) as connection:
        numbers = connection.execute("SELECT number FROM trials WHERE state = 'COMPLETE'").fetchall()
    connection.close()
    return {number for (number,) in numbers}


def test_is_a_full_disk_an_error_after_which_the_search_goes_on(tmp_path):
    """A limit on the size of files stands for the disk."""
    script = textwrap.dedent(
        """
        import resource, signal, sys
        from pathlib import Path
        from sparsesim.study.explore import explore
        from tests.builders_search import AnalyticRunner, definition
        from workloads.errors import UserError

        folder = Path(sys.argv[1])
        explore(definition(), folder, AnalyticRunner(), trials=4, batch=8)
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        size = (folder / "trials.sqlite").stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        try:
            explore(definition(), folder, AnalyticRunner(), trials=500, batch=8)
        except UserError as error:
            print(error)
        """
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert "run the same command again" in done.stdout
    assert done.stderr == ""
    found = search(tmp_path, study=definition(), precheck=None)
    assert found.count("done") == 30
