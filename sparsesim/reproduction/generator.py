"""The errors of the mask generator, kept in the folder of the reproduction: they are the same every time."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

from pydantic import ValidationError

from sparsesim.reproduction import imitated_trace, recorded
from sparsesim.reproduction.recorded import SEEDS, TRACES, GeneratorError, generator_error
from sparsesim.request import Request
from sparsesim.results.inputs import digest, file_digest
from sparsesim.study.code import code_digest
from sparsesim.study.simulations import canonical

FILE = "generator.json"
_QUICK_TRACES, _QUICK_SEEDS = ("alexnet_32_p0.9",), 1


def generator_errors(
    request: Request, folder: Path, *, quick: bool, progress: Callable[[str], None] = lambda _: None
) -> list[GeneratorError]:
    """One per recorded trace, on the machine and with the energies of a request.

    What the folder's FILE has is taken from there, as long as neither code, machine nor energies differ; it
    is replaced after each new one. progress: called with the name of each trace that is simulated.
    """
    kept = _read(folder / FILE)
    found = []
    seeds = _QUICK_SEEDS if quick else SEEDS
    for trace in _QUICK_TRACES if quick else TRACES:
        key = _key(request, trace, seeds)
        if key not in kept:
            progress(trace)
            kept[key] = generator_error(trace, seeds, machine=request.machine, table=request.table)
            _write(folder / FILE, kept)
        found.append(kept[key])
    return found


def _key(request: Request, trace: str, seeds: int) -> str:
    content = [trace, seeds, request.machine.model_dump(mode="json"), request.table.model_dump(mode="json")]
    return digest(canonical([code_digest(), _sources(), *content]))


@cache
def _sources() -> str:
    """Of the modules that compute an error; what they use of the simulator is in its own digest."""
    return digest("".join(file_digest(Path(str(module.__file__))) for module in (recorded, imitated_trace)))


def _read(path: Path) -> dict[str, GeneratorError]:
    """What a file has; nothing where there is none or it is damaged, as it can be made again."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {key: GeneratorError.model_validate(found) for key, found in content.items()}
    except (OSError, ValueError, AttributeError, ValidationError):
        return {}


def _write(path: Path, kept: dict[str, GeneratorError]) -> None:
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(json.dumps({key: found.model_dump() for key, found in kept.items()}), encoding="utf-8")
    partial.replace(path)
