"""Saved runs for tests that read them, as they are and changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sparsesim.results.folder import reserve
from sparsesim.results.manifest import manifest
from sparsesim.results.model import Result

STARTED = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


def saved(result: Result, path: Path) -> Path:
    """The run folder of a result, as the command line writes it."""
    about = manifest(result, arguments={}, inputs={}, argv=["sparsesim", "run", "a b"], started=STARTED)
    return reserve(path, "").write(result, about)


def edit(run: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Change the summary of a run folder."""
    file = run / "summary.json"
    tree = json.loads(file.read_text())
    change(tree)
    file.write_text(json.dumps(tree))
