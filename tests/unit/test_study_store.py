"""Does the store give back exactly what was put?"""

from __future__ import annotations

import json
import math
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow
import pytest

from sparsesim.study.store import (
    Place,
    Simulation,
    StudyWriter,
    compaction,
    from_parquet,
    read_study,
    shards,
    to_parquet,
    write_study,
)
from tests.builders_store import CODE, PLAN, begun, done, failed, key, simulation, table
from workloads.errors import UserError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "study"


@pytest.fixture
def study(folder: Path) -> Iterator[StudyWriter]:
    with begun(folder) as opened:
        yield opened


def _shard_files(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "records").iterdir())


def _sql(folder: Path, statement: str) -> None:
    connection = sqlite3.connect(folder / "index.sqlite")
    with connection:
        connection.execute(statement)
    connection.close()


# What is put comes back


def test_a_done_row_comes_back_as_it_was_put(study: StudyWriter, folder: Path) -> None:
    point = done(3, figures={"cycles": 2**53 + 1, "area_mm2": 0.1 + 0.2, "speedup": math.inf})
    study.put([done(2)])
    (number,) = study.put([point])
    with read_study(folder) as reader:
        row = reader.row(number)
        found = reader.find(point.key)
        assert found is not None
        assert found.row == number == 2
        assert (row.key, row.status, row.settings) == (point.key, "done", point.settings)
        assert row.settings["policy.x"] is True
        assert row.figures["cycles"] == 2**53 + 1
        assert row.figures["area_mm2"] == 0.1 + 0.2
        assert math.isnan(row.figures["speedup"])
        assert (row.simulations, row.seconds, row.attempts, row.error) == (point.runs, 0.5, 1, "")
        assert row.machine is not None
        assert row.energy is not None
        assert reader.text(row.machine) == point.machine
        assert reader.text(row.energy) == point.energy
        (session,) = reader.sessions()
        assert (session.session, session.argv) == (row.session, ("sweep", "x.yaml"))
        assert (session.version, session.packages) == ("0.1.0", {"numpy": "2"})
        assert reader.text(session.definition) == "d: 1"
        assert reader.code == CODE


def test_a_done_row_is_never_overwritten(study: StudyWriter) -> None:
    (number,) = study.put([done(1)])
    before = study.row(number)
    assert study.put([failed(1), done(1, figures={"cycles": 7})]) == [number, number]
    assert study.row(number) == before
    assert study.counts() == (1, 0)


def test_a_failed_row_keeps_its_number_until_it_is_done(study: StudyWriter) -> None:
    first, number = study.put([done(0), failed(1)])
    assert study.put([failed(1, error="again")]) == [number]
    row = study.row(number)
    assert (row.status, row.error, row.error_kind, row.attempts) == ("failed", "again", "MemoryError", 2)
    assert (row.figures, row.simulations, row.machine) == ({}, (), None)
    assert [row.row for row in study.rows("failed")] == [number]
    study.put([done(1)])
    row = study.row(number)
    assert (row.status, row.error, row.traceback, row.attempts) == ("done", "", "", 3)
    assert [row.row for row in study.rows()] == [first, number]
    assert list(study.rows("failed")) == []


def test_entries_of_one_put_are_stored_together_or_not_at_all(study: StudyWriter) -> None:
    study.put([done(0)])
    with pytest.raises(ValueError, match="simulation elsewhere are not stored"):
        study.put([done(1), done(2, runs=("elsewhere",)), done(3)])
    assert study.counts() == (1, 0)
    assert study.statuses([key(1), key(2), key(3)]) == {}
    assert study.stored_simulations(["simulation 0", "simulation 1"]) == {"simulation 0"}
    assert study.planned(PLAN, 0, 10) == {0: (1, "done")}


def test_simulations_are_shared_between_points(study: StudyWriter) -> None:
    """A point of another energy table has the runs of the first, and a failed point leaves what it made."""
    study.put([failed(0, simulations=(simulation(5),))])
    study.put(
        [done(1, runs=("simulation 5", "simulation 1")), done(2, runs=("simulation 5",), simulations=())]
    )
    assert [row.simulations[0] for row in study.rows("done")] == ["simulation 5"] * 2
    found = study.records("simulation 5")
    assert found is not None
    assert found.equals(table(5))
    assert study.records("simulation 6") is None


def test_plans_find_their_rows(study: StudyWriter) -> None:
    numbers = study.put([done(i) for i in range(0, 20, 2)] + [failed(5)])
    assert study.planned(PLAN, 4, 9) == {
        4: (numbers[2], "done"),
        5: (numbers[-1], "failed"),
        6: (numbers[3], "done"),
        8: (numbers[4], "done"),
    }
    assert study.planned("another", 0, 100) == {}
    study.link({Place("another", 7): numbers[-1], Place("another", 10**6): numbers[0]})
    assert study.planned("another", 0, 10**7) == {7: (numbers[-1], "failed"), 10**6: (numbers[0], "done")}
    assert study.counts("another") == (1, 1)
    study.link({Place("another", 7): numbers[1]})
    assert study.planned("another", 0, 8) == {7: (numbers[1], "done")}
    study.link({Place("another", 7): numbers[-1]})
    assert study.counts(PLAN) == study.counts() == (10, 1)


def test_many_keys_and_rows_come_in_chunks(study: StudyWriter) -> None:
    study.put([done(i, runs=(), simulations=()) for i in range(1201)])
    found = study.statuses(key(i) for i in range(-5, 1300))
    assert found == {key(i): (i + 1, "done") for i in range(1201)}
    assert [row.settings["array.groups"] for row in study.rows(after=100)] == list(range(100, 1201))


def test_texts_are_stored_once(study: StudyWriter, folder: Path) -> None:
    study.put([done(i) for i in range(9)])
    connection = sqlite3.connect(folder / "index.sqlite")
    kinds = dict(connection.execute("SELECT kind, count(*) FROM texts GROUP BY kind"))
    connection.close()
    assert kinds == {"definition": 1, "machine": 3, "energy": 1}


def test_names_that_are_not_utf_8(study: StudyWriter) -> None:
    name = os.fsdecode(b"trace-\xff.npz")
    (number,) = study.put([failed(0, settings={"trace": name}, error=f"{name}: is missing", machine=name)])
    row = study.row(number)
    assert row.settings["trace"] == name
    assert row.error == "trace-\\udcff.npz: is missing"


def test_a_session_comes_before_rows(folder: Path) -> None:
    with write_study(folder, code=CODE) as writer, pytest.raises(ValueError, match="begin_session"):
        writer.put([done(0)])


def test_an_unknown_row_names_those_there_are(study: StudyWriter, folder: Path) -> None:
    with pytest.raises(UserError, match=r"study: has no row 1; it has no rows yet\.$"):
        study.row(1)
    study.put([done(0), done(1)])
    with pytest.raises(UserError, match=r"study: has no row 9; its rows are 1 to 2\.$"):
        study.row(9)
    assert study.find(key(9)) is None


# Records, in the index and in shards


def test_records_are_the_same_in_the_index_and_in_shards(study: StudyWriter, folder: Path) -> None:
    for start in range(0, 140, 7):
        study.put([done(i) for i in range(start, start + 7)])
    assert len(_shard_files(folder)) == 2
    with read_study(folder) as reader:
        for i in range(140):
            found = reader.records(f"simulation {i}")
            assert found is not None
            assert found.equals(table(i))
        everything = pyarrow.concat_tables(reader.all_records())
        assert everything.num_rows == 140 * 20
        names = everything["simulation"].unique().to_pylist()
        assert sorted(names) == sorted(f"simulation {i}" for i in range(140))


def test_big_simulations_fill_a_shard_sooner(
    study: StudyWriter, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = len(simulation(0).records)
    monkeypatch.setattr(compaction, "SHARD_BYTES", 2.5 * one)
    study.put([done(i) for i in range(7)])
    assert len(_shard_files(folder)) == 2
    tables = [study.records(f"simulation {i}") for i in range(7)]
    assert all(found is not None and found.equals(table(i)) for i, found in enumerate(tables))


def test_types_survive_a_shard(study: StudyWriter) -> None:
    """Dictionaries, missing values, bytes, vectors; also a table without records."""
    full = pyarrow.table(
        {
            "run": pyarrow.array(["dense", "pruned", "dense"]).dictionary_encode(),
            "bytes": pyarrow.array([1, None, 3], pyarrow.uint16()),
            "blob": pyarrow.array([b"\x00", b"", b"\xff"]),
            "energy": [math.nan, -0.0, math.inf],
            "states": pyarrow.array([[1, 2], [3, 4], [5, 6]], pyarrow.list_(pyarrow.int64(), 2)),
        }
    )
    tables = [full, full.slice(0, 0), *[full.slice(1)] * 62]
    entries = [
        done(i, simulations=(Simulation(f"simulation {i}", to_parquet(tables[i]), 1.0),)) for i in range(64)
    ]
    study.put(entries)
    for i in range(64):
        found = study.records(f"simulation {i}")
        assert found is not None
        assert found.schema == full.schema
        assert repr(found.to_pylist()) == repr(tables[i].to_pylist())


@pytest.mark.parametrize(
    ("records", "sentence"),
    [
        (to_parquet(pyarrow.table({"cycles": [1.5]})), "must have the schema of the study"),
        (to_parquet(pyarrow.table({"simulation": ["x"]})), "must not have a column 'simulation'"),
        (b"PAR1 nothing", "must be the bytes of a Parquet file"),
    ],
)
def test_records_that_would_spoil_a_shard_are_refused(folder: Path, records: bytes, sentence: str) -> None:
    with begun(folder) as first:
        first.put([done(0)])
    with begun(folder) as study, pytest.raises(ValueError, match=sentence):
        study.put([done(1, simulations=(Simulation("simulation 1", records, 1.0),))])


def test_what_a_killed_compaction_left_is_removed_and_nothing_else(folder: Path) -> None:
    with begun(folder) as study:
        study.put([done(i) for i in range(64)])
    (shard,) = _shard_files(folder)
    orphan = shards.shard_name(["never entered"])
    foreign = {"notes.parquet", "part-1.parquet", "part-zz.txt"}
    for name in (orphan, f"{orphan}.partial", f"{shard}.partial", *foreign):
        (folder / "records" / name).write_bytes(b"x")
    with read_study(folder):
        pass  # a reader removes nothing: the writer may be about to enter it
    assert orphan in _shard_files(folder)
    write_study(folder, code=CODE).close()
    assert set(_shard_files(folder)) == foreign | {shard}


def test_parquet_bytes_keep_a_table_exactly() -> None:
    numbers = np.random.default_rng(0).random(1000)
    found = from_parquet(to_parquet(pyarrow.table({"x": numbers})))
    assert np.array_equal(found["x"].to_numpy(), numbers)


def test_the_index_is_plain_json_and_sqlite(study: StudyWriter, folder: Path) -> None:
    """Other programs read it: figures are legal JSON, whatever the numbers."""
    study.put([done(0, figures={"a": math.nan, "b": 1.5})])
    connection = sqlite3.connect(folder / "index.sqlite")
    ((figures,),) = connection.execute("SELECT figures FROM rows")
    connection.close()
    assert json.loads(figures) == {"a": None, "b": 1.5}
