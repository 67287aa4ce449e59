"""Which workloads of a study have sparsity that was not recorded on them, and what it was recorded on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from reports.study.points import settings_of, workloads
from sparsesim.request import DEFAULT_ACTIVATIONS, DEFAULT_BATCH, DEFAULT_DATASET, DEFAULT_NETWORK, Load
from workloads.errors import UserError

if TYPE_CHECKING:
    from pandas import DataFrame

_RECORDED_BY_NOBODY = ("trace", "density_input", "density_grad_output")
_SAID_BY_SETTINGS = ("network", "dataset", "activations", *_RECORDED_BY_NOBODY)


def transferred_of_points(done: DataFrame) -> dict[str, str]:
    """By the shown name of a workload, where its sparsity is from; only of those where it is transferred."""
    found = {}
    for name, mine in workloads(done).items():
        points = done[mine]
        columns = [settings_of(points, setting) for setting in _SAID_BY_SETTINGS]
        kinds = [dict(zip(_SAID_BY_SETTINGS, values, strict=True)) for values in zip(*columns, strict=True)]
        if sources := transferred_of_settings(kinds):
            found[name] = next(iter(sources.values()))
    return found


def transferred_of_settings(points: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """By network and data set in words, where their sparsity is from; only of those where it is transferred.

    points: settings of points by canonical names, None or missing where a point is not given one. Nothing is
    transferred where a trace is simulated or a density is set. Another origin of I than usual is named.
    """
    names = dict.fromkeys(
        (
            str(one.get("network") or DEFAULT_NETWORK),
            str(one.get("dataset") or DEFAULT_DATASET),
            str(one.get("activations") or DEFAULT_ACTIVATIONS),
        )
        for one in points
        if all(one.get(other) is None for other in _RECORDED_BY_NOBODY)
    )
    sources = {_words(*name): _source(*name) for name in names}
    return {workload: source for workload, source in sources.items() if source}


def _words(network: str, dataset: str, activations: str) -> str:
    usual = activations == DEFAULT_ACTIVATIONS
    return f"{network} on {dataset}" + ("" if usual else f", activations {activations}")


@lru_cache(maxsize=64)
def _source(network: str, dataset: str, activations: str) -> str:
    """What the profile of a workload was recorded on, "" where that is the workload itself, or not known.

    activations: as of sparsesim.simulate. Neither the batch nor anything of the machine decides that.
    """
    from sparsesim.workload import profile_of  # noqa: PLC0415

    load = Load(network, dataset, DEFAULT_BATCH, 1, None, 0, None, None, activations=activations)
    try:
        return profile_of(load).transferred_from or ""
    except UserError:
        return ""  # of names that this sparsesim does not know
