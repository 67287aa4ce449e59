"""Which workloads of a study have sparsity that was not recorded on them, and what it was recorded on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from reports.study.points import settings_of, workloads
from sparsesim.request import DEFAULT_BATCH, DEFAULT_DATASET, DEFAULT_NETWORK, Load
from workloads.errors import UserError

if TYPE_CHECKING:
    from pandas import DataFrame

_SAID_BY_SETTINGS = ("network", "dataset", "trace", "density_input", "density_grad_output")


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
    transferred where a trace is simulated or a density is set.
    """
    names = dict.fromkeys(
        (str(one.get("network") or DEFAULT_NETWORK), str(one.get("dataset") or DEFAULT_DATASET))
        for one in points
        if all(one.get(other) is None for other in _SAID_BY_SETTINGS[2:])
    )
    sources = {f"{network} on {dataset}": _source(network, dataset) for network, dataset in names}
    return {workload: source for workload, source in sources.items() if source}


@lru_cache(maxsize=64)
def _source(network: str, dataset: str) -> str:
    """What the profile of a workload was recorded on, "" where that is the workload itself, or not known.

    Neither the batch nor anything of the machine decides that.
    """
    from sparsesim.workload import profile_of  # noqa: PLC0415

    load = Load(network, dataset, DEFAULT_BATCH, 1, None, 0, None, None)
    try:
        return profile_of(load).transferred_from or ""
    except UserError:
        return ""  # of names that this sparsesim does not know
