"""The runs that are compared: told apart by a letter and the name of their folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import ascii_uppercase
from typing import Any

from reports.text import shown_name
from sparsesim.results.model import Result, RunResult
from sparsesim.results.reading import SavedRun
from workloads.errors import UserError, unknown_name

MOST_SIDES = len(ascii_uppercase)


@dataclass(frozen=True)
class Side:
    """One of the run folders.

    letter: "A" is the reference. name: of the folder, plain and short; with as many folders above it as tell
    it from the others. run: which of its runs the differences are about.
    """

    letter: str
    name: str
    result: Result
    manifest: Mapping[str, Any]
    run: str

    @property
    def label(self) -> str:
        """Letter and name: "B groups112"."""
        return f"{self.letter} {self.name}"

    @property
    def measures(self) -> RunResult:
        """The run that the differences are about."""
        return self.result.runs[self.run]

    def noted(self, key: str) -> Mapping[str, Any]:
        """A part of the manifest, of which no more than schema and command are checked where it is read."""
        found = self.manifest.get(key)
        return found if isinstance(found, Mapping) else {}


def make_sides(saved: Sequence[SavedRun], run: str | None = None) -> tuple[Side, ...]:
    """The sides of a comparison, the reference first.

    run: what the differences are about; by default the last run that all have besides dense, where there is
    none the last of each. UserError for fewer than two folders or more than MOST_SIDES, the same folder
    twice, and a run that not all have.
    """
    if not 2 <= len(saved) <= MOST_SIDES:
        raise UserError(f"compare takes 2 to {MOST_SIDES} run folders (got {len(saved)}).")
    folders = [one.folder.resolve() for one in saved]
    _check_different(folders)
    names = _names(folders)
    runs = _chosen([one.result for one in saved], names, run)
    return tuple(
        Side(letter, shown_name(name), one.result, one.manifest, chosen)
        for letter, name, one, chosen in zip(ascii_uppercase, names, saved, runs, strict=False)
    )


def _check_different(folders: Sequence[Path]) -> None:
    for place, folder in enumerate(folders):
        if any(folder.samefile(other) for other in folders[:place]):
            raise UserError(f"{folder}: was given twice; a run does not differ from itself.")


def _names(folders: Sequence[Path]) -> list[str]:
    """The last part of each path, and more of it where others end alike."""

    def tail(path: Path, length: int) -> str:
        return "/".join(path.parts[-length:])

    def name(path: Path) -> str:
        others = [other for other in folders if other != path]
        longest = len(path.parts)
        lengths = (n for n in range(1, longest) if tail(path, n) not in {tail(other, n) for other in others})
        return tail(path, next(lengths, longest))

    return [name(path) for path in folders]


def common_runs(results: Sequence[Result]) -> list[str]:
    """The runs that all results have, in their order; dense is always one."""
    return [name for name in results[0].runs if all(name in result.runs for result in results)]


def _chosen(results: Sequence[Result], names: Sequence[str], run: str | None) -> list[str]:
    common = common_runs(results)
    if run is not None:
        _check_run(run, results, names, common)
        return [run] * len(results)
    if len(common) > 1 or not all(result.compared for result in results):
        return [common[-1]] * len(results)
    return [result.compared[-1] for result in results]


def _check_run(run: str, results: Sequence[Result], names: Sequence[str], common: Sequence[str]) -> None:
    known = dict.fromkeys(name for result in results for name in result.runs)
    if run not in known:
        raise unknown_name("run", run, map(shown_name, known))
    shown = ", ".join(map(shown_name, common))
    lacking = [
        shown_name(name) for name, result in zip(names, results, strict=True) if run not in result.runs
    ]
    if lacking:
        raise UserError(f"--run {run}: {', '.join(lacking)} has no such run; runs that all have: {shown}.")
