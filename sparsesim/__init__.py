"""Cycle-accurate simulator of sparse CNN training accelerators.

`sparsesim.simulate(...)` is `python -m sparsesim run`; it returns a `sparsesim.results.model.Result`.
`sparsesim.load_run(folder)` reads what `run` has saved, the result and the manifest, and
`sparsesim.load_study(path)` reads what `sweep` and `explore` stored as one pandas DataFrame.
`sparsesim.capture` records the sparsity of a training run in PyTorch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sparsesim.api import simulate
    from sparsesim.results.model import Result
    from sparsesim.results.reading import load_run
    from sparsesim.study.read import load_study

__all__ = ["Result", "__version__", "load_run", "load_study", "simulate"]


def __getattr__(name: str) -> Any:
    # Looked up when first used: importing the engine takes most of a second, and --help needs none of it.
    if name == "simulate":
        from sparsesim.api import simulate  # noqa: PLC0415

        return simulate
    if name == "load_run":
        from sparsesim.results.reading import load_run  # noqa: PLC0415

        return load_run
    if name == "load_study":
        from sparsesim.study.read import load_study  # noqa: PLC0415

        return load_study
    if name == "capture":
        import importlib  # noqa: PLC0415

        return importlib.import_module("sparsesim.capture")
    if name == "Result":
        from sparsesim.results.model import Result  # noqa: PLC0415

        return Result
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415

        return version("sparsesim")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
