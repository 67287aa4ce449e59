"""The progress bar: on standard error, gone when the run is done, absent where nobody watches."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bar


class Progress:
    """A context manager whose `update` is the progress callback of `sparsesim.simulate`.

    It draws in a terminal only (or where the environment forces it: FORCE_COLOR, TTY_COMPATIBLE).
    """

    def __init__(self) -> None:
        console = Console(stderr=True)
        self._bar = Bar(
            TextColumn("{task.description}", style="progress.description", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("preparing", total=None)

    def update(self, done: int, total: int, label: str) -> None:
        """`done` of `total` parts are finished, the last one was `label`."""
        self._bar.update(self._task, completed=done, total=total, description=label)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()
