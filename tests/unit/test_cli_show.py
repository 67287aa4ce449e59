"""`show`: does it print the command that makes a row again, whatever has become of the files it names?"""

from __future__ import annotations

import contextlib
import csv
import json
import re
import shlex
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import sparsesim
from sparsesim.cli.main import main
from sparsesim.machine import export_yaml, load_machine
from sparsesim.study import reproduce
from sparsesim.study.code import code_digest
from sparsesim.study.store import read_study
from tests.builders_points import comparable, definition, sweep, threads_client
from tests.builders_results import small_trace

HOSTILE = 'it\'s $a "machine"'
FAILED, DONE = 1, 2  # numbers of rows: what cannot even be prepared lands first
Output = pytest.CaptureFixture[str]


@dataclass(frozen=True)
class Made:
    """A study and the files its points name."""

    folder: Path
    machine: Path
    trace: Path


def machine_text(kilobytes: int) -> str:
    return export_yaml(load_machine("sparsetrain", [f"kilobytes={kilobytes}", "groups=28"]))


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("made")
    made = Made(folder / "s", folder / f"{HOSTILE}.yaml", small_trace(folder / "t.npz"))
    made.machine.write_text(machine_text(100))
    study = definition(
        made.trace, "groups=14,13", machine=str(made.machine), overrides=("energy.wire.transfer=30",)
    )
    with threads_client() as client:
        sweep(made.folder, study, client)
    return made


@pytest.fixture
def made(original: Made, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Made]:
    """The study and its files, which are as they were again after the test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    texts = {path: path.read_bytes() for path in (original.machine, original.trace)}
    yield original
    for path, content in texts.items():
        path.write_bytes(content)


def shown(output: Output, *arguments: object) -> str:
    """What a command prints that goes well."""
    output.readouterr()
    assert main([str(one) for one in arguments]) == 0, output.readouterr().err
    return output.readouterr().out


def refused(output: Output, *arguments: object) -> str:
    """The sentence of a command that does not."""
    output.readouterr()
    assert main([str(one) for one in arguments]) == 2
    out, err = output.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    return err


def command_in(text: str) -> list[str]:
    """The words after `python -m sparsesim` of the command that was printed."""
    (line,) = [line for line in text.splitlines() if line.startswith("python -m sparsesim run")]
    return shlex.split(line)[3:]


def summary(output: Output, words: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(shown(output, *words, "--json", "--no-save"))
    return found


def is_of_row(found: dict[str, Any], figures: Any) -> bool:
    """Whether a summary has the figures of a row, to the last bit."""
    run = found["runs"]["recorded"]
    return bool(
        run["cycles"]["with_dram"] == figures["with_dram_cycles"]
        and run["cycles"]["on_chip"] == figures["on_chip_cycles"]
        and run["energy_pj"]["with_dram"]["centre"] == figures["with_dram_energy_pj"]
        and run["energy_pj"]["on_chip"]["high"] == figures["on_chip_energy_high_pj"]
        and found["speedup"]["recorded"]["on_chip"] == figures["on_chip_speedup"]
    )


def figures_of_row(made: Made) -> Any:
    return sparsesim.load_study(made.folder).set_index("row").loc[DONE]


def test_the_command_that_is_printed_makes_the_row_again(made: Made, capsys: Output) -> None:
    text = shown(capsys, "show", made.folder, DONE)
    assert f"Row {DONE} of {made.folder}: done" in " ".join(text.split())
    assert "other numbers" not in text
    assert is_of_row(summary(capsys, command_in(text)), figures_of_row(made))


def test_settings_and_figures_are_listed_with_their_units(made: Made, capsys: Output) -> None:
    lines = [line.split() for line in shown(capsys, "show", made.folder, DONE).splitlines()]
    figures = figures_of_row(made)
    assert ["array.groups", "14"] in lines
    assert ["area_mm2", f"{figures['area_mm2']:.10g}", "mm2"] in lines
    assert ["on_chip_speedup", f"{figures['on_chip_speedup']:.10g}"] in lines


def test_a_machine_file_that_has_changed_is_told_and_exported_as_it_was(made: Made, capsys: Output) -> None:
    made.machine.write_text(machine_text(101))
    text = shown(capsys, "show", made.folder, DONE)
    assert "That command would give other numbers now" in text
    assert not is_of_row(summary(capsys, command_in(text)), figures_of_row(made))
    made.machine.unlink()
    text = shown(capsys, "show", made.folder, DONE, "--export", "the files")
    assert "other numbers" not in text
    words = command_in(text)
    assert {"the files/machine.yaml", "the files/energy.yaml"} < set(words)
    assert "--set" not in words
    assert is_of_row(summary(capsys, words), figures_of_row(made))
    assert "That command would give" in shown(capsys, "show", made.folder, DONE)


def test_current_is_what_gives_the_same_numbers(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    def current(number: int) -> bool:
        with read_study(made.folder) as study:
            return reproduce.is_current(study, study.row(number))

    assert (current(DONE), current(FAILED)) == (True, True)
    made.machine.write_text("# the same in other words\n" + machine_text(100))
    assert current(DONE)
    small_trace(made.trace, samples=3)
    assert not current(DONE)
    made.trace.unlink()
    assert not current(DONE)
    monkeypatch.setattr(reproduce, "code_digest", lambda: "0.0.9+other")
    assert not current(FAILED)


def without_time(text: str) -> list[str]:
    return [line for line in text.splitlines() if not line.startswith("Engine: ")]


def test_layers_are_those_of_run(made: Made, capsys: Output) -> None:
    text = shown(capsys, "show", made.folder, DONE, "--layers")
    alone = without_time(shown(capsys, *command_in(text), "--no-save"))
    assert len(alone) > 40
    assert without_time(text)[-len(alone) :] == alone


def test_a_stored_row_makes_its_whole_result_again(made: Made) -> None:
    expected = sparsesim.simulate(
        trace=made.trace, machine=made.machine, overrides=["groups=14", "energy.wire.transfer=30"]
    )
    with read_study(made.folder) as study:
        assert comparable(reproduce.result_of_row(study, study.row(DONE))) == comparable(expected)


def test_layers_of_a_trace_that_has_changed_are_not_made_up(made: Made, capsys: Output) -> None:
    small_trace(made.trace, samples=3)
    assert "t.npz has changed since row 2 was simulated" in refused_after(capsys, made)
    made.trace.unlink()
    assert "t.npz" in refused_after(capsys, made)


def refused_after(output: Output, made: Made) -> str:
    """The sentence of --layers, which comes after what is known without the trace."""
    output.readouterr()
    assert main(["show", str(made.folder), str(DONE), "--layers"]) == 2
    return output.readouterr().err


def test_layers_made_by_another_simulator_are_shown_all_the_same(
    made: Made, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = shown(capsys, "show", made.folder, DONE, "--layers")
    monkeypatch.setattr(reproduce, "code_digest", lambda: "0.0.9+other")
    later = shown(capsys, "show", made.folder, DONE, "--layers")
    assert f"the simulator was {code_digest()}" in " ".join(later.split())
    assert set(now.splitlines()) <= set(later.splitlines())


def strict(text: str) -> Any:
    def refuse(name: str) -> None:
        raise ValueError(name)

    return json.loads(text, parse_constant=refuse)


def test_a_figure_this_simulator_does_not_know_is_listed_too(
    made: Made, tmp_path: Path, capsys: Output
) -> None:
    older = altered(made, tmp_path, "UPDATE rows SET figures = replace(figures, 'area_mm2', 'of_old_mm2')")
    lines = [line.split() for line in shown(capsys, "show", older, DONE).splitlines()]
    assert ["of_old_mm2", f"{figures_of_row(made)['area_mm2']:.10g}"] in lines


def test_a_machine_this_simulator_does_not_know_is_a_sentence(
    made: Made, tmp_path: Path, capsys: Output
) -> None:
    older = altered(made, tmp_path, "UPDATE texts SET text = replace(text, 'clock_mhz', 'clock_of_old')")
    assert "show it with the one that made it" in refused(
        capsys, "show", older, DONE, "--export", "the files"
    )


def altered(made: Made, folder: Path, statement: str) -> Path:
    """A copy of the study as another version might have left it."""
    copy = shutil.copytree(made.folder, folder / "older")
    with contextlib.closing(sqlite3.connect(copy / "index.sqlite")) as index, index:
        index.execute(statement)
    return copy


def test_the_manifest_of_a_row_has_all_it_was_made_of(made: Made, capsys: Output) -> None:
    found = strict(shown(capsys, "show", made.folder, DONE, "--json"))
    figures = figures_of_row(made)
    assert found["figures"] == {name: figures[name] for name in found["figures"]}
    assert len(found["figures"]) > 50
    assert found["machine"] == load_machine(made.machine, ["groups=14"]).model_dump(mode="json")
    assert command_in(found["command"]) == command_in(shown(capsys, "show", made.folder, DONE))
    assert found["code"] == code_digest()
    assert len(found["simulations"]) == 2
    assert {"python", "sparsesim", "numpy", "numba", "distributed", "optuna", "pyarrow"} <= found[
        "versions"
    ].keys()
    assert (found["row"], found["status"], found["attempts"], found["error"]) == (DONE, "done", 1, None)
    assert found["argv"] == ["a", "test"]
    with read_study(made.folder) as study:
        assert study.row(DONE).key == found["key"]
        assert len(study.text(found["energy_sha256"])) > 1000
        assert all(study.records(key) is not None for key in found["simulations"])


def test_a_failed_row_says_why_and_has_no_result(made: Made, capsys: Output) -> None:
    text = " ".join(shown(capsys, "show", made.folder, FAILED).split())
    assert "UserError: --set array.groups=13: array.clusters must divide array.groups = 13" in text
    assert "other numbers" not in text
    found = strict(shown(capsys, "show", made.folder, FAILED, "--json"))
    assert found["error"]["kind"] == "UserError"
    assert "Traceback" in found["error"]["traceback"]
    assert found["figures"] == {}
    assert found["machine"] is None
    assert "row 1 failed; it has no result" in refused(capsys, "show", made.folder, FAILED, "--export", "e")
    assert not Path("e").exists()


def test_the_whole_study_is_a_table_and_a_csv(made: Made, capsys: Output) -> None:
    text = shown(capsys, "show", made.folder, "--csv", "all.csv")
    assert "groups" in text
    with Path("all.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    frame = sparsesim.load_study(made.folder)
    assert list(rows[0]) == list(frame)
    assert [row["status"] for row in rows] == ["failed", "done"]
    assert float(rows[1]["with_dram_energy_pj"]) == frame["with_dram_energy_pj"][1]
    assert rows[0]["machine"] == str(made.machine)
    assert list(Path().iterdir()) == [Path("all.csv")]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("show STUDY 0", "has no row 0; its rows are 1 to 2."),
        ("show STUDY 3", "has no row 3; its rows are 1 to 2."),
        ("show STUDY 99999999999999999999999", "has no row 99999999999999999999999; its rows are 1 to 2."),
        ("show STUDY --json", "give its number: show STUDY ROW"),
        ("show STUDY --layers", "give its number: show STUDY ROW"),
        ("show STUDY --export x", "give its number: show STUDY ROW"),
        ("show STUDY 1 --csv x.csv", "--csv is about the whole study"),
        ("show STUDY 1 --json --export x", "--json contradicts --layers and --export"),
        ("show . 1", ".: is not a study"),
        ("show nowhere", "nowhere: is not a study"),
        ("show MACHINE", "is not a study"),
        ("show ''", ".: is not a study"),
    ],
)
def test_what_cannot_be_shown_is_a_sentence(
    arguments: str, sentence: str, made: Made, capsys: Output
) -> None:
    words = [
        {"STUDY": str(made.folder), "MACHINE": str(made.machine)}.get(word, word)
        for word in shlex.split(arguments)
    ]
    assert sentence in refused(capsys, *words)
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize("arguments", ["--csv no/x.csv", "--csv .", "2 --export file", "2 --export file/e"])
def test_files_that_cannot_be_written_are_named(arguments: str, made: Made, capsys: Output) -> None:
    Path("file").write_text("")
    assert main(["show", str(made.folder), *arguments.split()]) in (1, 2)
    sentence = capsys.readouterr().err
    assert re.match(rf"error: (--csv )?{arguments.rsplit(maxsplit=1)[-1]}: ", sentence)
    assert sentence.count("\n") == 1


def test_a_damaged_study_is_a_sentence(made: Made, capsys: Output) -> None:
    shutil.copytree(made.folder, "s")
    Path("s/index.sqlite").write_bytes(b"SQLite format 3\0" + bytes(range(256)) * 20)
    assert "damaged" in refused(capsys, "show", "s")
