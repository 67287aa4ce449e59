"""What tests of studies do to worker processes: on PYTHONPATH, Python imports this when it starts.

Only the `simulate` that workers call is touched, as its module is imported, and as the environment says:

    SPARSESIM_TEST_NOTES=FILE    every simulation is noted in FILE as it starts and as it ends
    SPARSESIM_TEST_RAISE=GROUPS  a simulation of a machine with that many groups raises what nobody foresaw
    SPARSESIM_TEST_DIE=GROUPS    a recorded one of such a machine ends its process before it comes to its end,
                                 as the kernel does when memory runs out
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

TASKS = "sparsesim.study.tasks"
NOTES = os.environ.get("SPARSESIM_TEST_NOTES")
RAISE = os.environ.get("SPARSESIM_TEST_RAISE")
DIE = os.environ.get("SPARSESIM_TEST_DIE")


class _Patching(importlib.abc.MetaPathFinder):
    """Finds the module of the tasks once, as Python does, and changes it after it is loaded."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != TASKS:
            return None
        sys.meta_path.remove(self)
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        assert spec is not None and spec.loader is not None
        load = spec.loader.exec_module

        def load_and_patch(module: ModuleType) -> None:
            load(module)
            vars(module)["simulate"] = _watched(vars(module)["simulate"])

        vars(spec.loader)["exec_module"] = load_and_patch
        return spec


def _watched(simulate: Callable[..., Any]) -> Callable[..., Any]:
    def watched(simulation: Any, threads: int) -> Any:
        _note("start", simulation.key)
        if RAISE and simulation.target.groups == int(RAISE):
            raise ZeroDivisionError("nobody foresaw this")
        records = simulate(simulation, threads)
        if DIE and simulation.target.groups == int(DIE) and simulation.run == "recorded":
            os.kill(os.getpid(), signal.SIGKILL)
        _note("end", simulation.key)
        return records

    return watched


def _note(what: str, key: str) -> None:
    if NOTES:
        with Path(NOTES).open("a", encoding="utf-8") as file:
            file.write(f"{what} {key} {os.getpid()}\n")


if NOTES or RAISE or DIE:
    sys.meta_path.insert(0, _Patching())
