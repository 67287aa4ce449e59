"""The digest of what a study asks: equal for equal settings, whatever the names of folders."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sparsesim.machine import list_machines
from sparsesim.results.inputs import digest, file_digest
from sparsesim.study.point import Scalar
from sparsesim.study.settings import FILES
from sparsesim.study.values import Choices, Range, Steps

WRITTEN_OUT = 10_000  # a longer progression is told by its numbers, not value by value

Settings = Mapping[str, Scalar]


def content_digest(
    base: Settings,
    axes: Sequence[tuple[str, Sequence[Scalar]]],
    points: Sequence[Settings] | None,
    search: Sequence[tuple[str, Range | Choices]],
) -> str:
    """SHA-256 of canonical JSON of the four; a file stands for its own name and its contents."""
    contents = _Contents()
    content = {
        "base": contents.of_settings(base),
        "axes": [[name, contents.of_values(name, values)] for name, values in axes],
        "points": None if points is None else [contents.of_settings(point) for point in points],
        "search": [[name, contents.of_space(name, space)] for name, space in search],
    }
    return digest(json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False))


class _Contents:
    """Settings with the contents of files in place of their paths; every file is read once."""

    def __init__(self) -> None:
        self._files: dict[str, Any] = {}

    def of(self, name: str, value: Scalar) -> Any:
        if name not in FILES or value in list_machines():
            return value
        path = str(value)
        if path not in self._files:
            self._files[path] = {"file": Path(path).name, "sha256": file_digest(Path(path))}
        return self._files[path]

    def of_settings(self, settings: Settings) -> dict[str, Any]:
        return {name: self.of(name, value) for name, value in settings.items()}

    def of_values(self, name: str, values: Sequence[Scalar]) -> Any:
        if isinstance(values, Steps) and len(values) > WRITTEN_OUT:
            return {key: str(value) for key, value in asdict(values).items()}
        return [self.of(name, value) for value in values]

    def of_space(self, name: str, space: Range | Choices) -> Any:
        return self.of_values(name, space.values) if isinstance(space, Choices) else asdict(space)
