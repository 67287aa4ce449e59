"""From the settings of a point to a checked request, and to the command that runs it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sparsesim.request import Request, make_request
from sparsesim.study.point import Scalar

_OPTIONS = ("dataset", "machine", "batch", "samples", "prune", "seed", "trace", "activations", "energy")
_DENSITIES = ("density_input", "density_grad_output")
_NOT_OVERRIDES = ("network", *_OPTIONS, *_DENSITIES)


def text_of(value: Scalar) -> str:
    """A value as YAML 1.2 and the command line read it back."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def overrides_of(settings: Mapping[str, Scalar]) -> list[str]:
    """Settings of the machine and of the energy table as KEY=VALUE, by name, so that order means nothing."""
    changed = {name: value for name, value in settings.items() if name not in _NOT_OVERRIDES}
    return [f"{name}={text_of(changed[name])}" for name in sorted(changed)]


def request_of(settings: Mapping[str, Scalar]) -> Request:
    """The request of a point; UserError for settings that cannot be used, alone or together."""
    given: dict[str, Any] = {name: settings[name] for name in ("network", *_OPTIONS) if name in settings}
    for name in ("trace", "energy"):
        if name in given:
            given[name] = Path(str(given[name]))
    if "prune" in given:
        given["prune"] = float(given["prune"])
    if any(name in settings for name in _DENSITIES):
        given["density"] = tuple(settings.get(name, 1.0) for name in _DENSITIES)
    return make_request(**given, overrides=overrides_of(settings))


def command_of(settings: Mapping[str, Scalar]) -> str:
    """The command line that simulates a point by itself, quoted for a shell."""
    words = ["python", "-m", "sparsesim", "run"]
    if "trace" not in settings:
        words.append(text_of(settings.get("network", "resnet18")))
    for name in (*_OPTIONS, *_DENSITIES):
        if name in settings:
            words += [f"--{name.replace('_', '-')}", text_of(settings[name])]
    for override in overrides_of(settings):
        words += ["--set", override]
    return shlex.join(words)
