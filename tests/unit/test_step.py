"""Are the products of a run those that its machine has to form, whatever it skips?"""

from __future__ import annotations

import itertools
from importlib import resources

import pytest

from sparsesim.api import simulate

TRACE = resources.files("workloads") / "data" / "traces" / "alexnet_32_p0.9.npz"


@pytest.mark.parametrize("skips", list(itertools.product(("true", "false"), repeat=3)))
def test_every_combination_of_skipping_passes_its_own_checks(skips: tuple[str, str, str]) -> None:
    """simulate() compares what the engine executed with what the masks demand and raises if they differ."""
    names = ("skip_zeros", "mask_skipping", "input_skipping")
    overrides = [f"{name}={value}" for name, value in zip(names, skips, strict=True)]
    result = simulate(trace=str(TRACE), samples=1, overrides=overrides)
    recorded, dense = result.runs["recorded"], result.runs["dense"]
    assert recorded.useful_macs <= dense.useful_macs
    if "true" not in skips:
        assert recorded.useful_macs == dense.useful_macs
        assert result.speedup["recorded"].on_chip == 1.0
