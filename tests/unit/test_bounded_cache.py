"""Does the cache stay inside its bytes, drop the right values, and make each value once?"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler import compile as compiling
from compiler.compile import compile_stage
from compiler.program import Stage
from compiler.training import training_graph
from sparsesim.machine import load_machine
from workloads.bounded_cache import BoundedCache
from workloads.catalog import load_network
from workloads.sparsity import generate
from workloads.sparsity.clustering import Clustering
from workloads.sparsity.generate import Draw, LayerClustering, generate_masks
from workloads.sparsity.masks import LayerDensities
from workloads.sparsity.shapes import LayerShape

SHAPE = LayerShape("conv", 8, 12, (9, 11), (9, 11))
DENSITIES = LayerDensities(0.2, 0.1, 0.2)


def text_cache(max_bytes: int) -> BoundedCache[str]:
    return BoundedCache(max_bytes, len)


def missing() -> str:
    raise AssertionError("a value that should be held was made again")


@given(st.integers(0, 12), st.lists(st.tuples(st.integers(0, 9), st.integers(0, 6)), max_size=60))
def test_the_values_held_are_the_last_used_that_fit(most: int, uses: list[tuple[int, int]]) -> None:
    """Against a list kept in order of use."""
    cache, recent = text_cache(most), list[tuple[int, str]]()
    for key, size in uses:
        held = dict(recent)
        expected = held.get(key, "x" * size)
        assert cache.get(key, lambda made=expected: made) == expected
        recent = [entry for entry in recent if entry[0] != key]
        if len(expected) <= most:
            recent.append((key, expected))
        while sum(len(value) for _, value in recent) > most:
            recent.pop(0)
        assert cache.n_bytes == sum(len(value) for _, value in recent) <= most
        assert len(cache) == len(recent)


def test_what_was_used_last_stays() -> None:
    cache = text_cache(6)
    for key in "abc":
        cache.get(key, lambda made=key: made * 2)
    cache.get("a", missing)
    cache.get("d", lambda: "dd")
    assert [cache.get(key, missing) for key in "acd"] == ["aa", "cc", "dd"]
    assert cache.get("b", lambda: "made again") == "made again"


def test_a_lower_bound_holds_from_the_next_value_on() -> None:
    cache = text_cache(100)
    for key in range(10):
        cache.get(key, lambda: "x" * 10)
    cache.max_bytes = 25
    cache.get("next", lambda: "x" * 5)
    assert (cache.n_bytes, len(cache)) == (25, 3)
    cache.clear()
    assert (cache.n_bytes, len(cache)) == (0, 0)


def test_threads_wait_for_the_one_that_makes_the_value() -> None:
    cache, together, release, made = text_cache(100), Barrier(8), Event(), list[int]()

    def make() -> str:
        made.append(1)
        assert release.wait(10)
        return "value"

    def use() -> str:
        together.wait(10)
        return cache.get("key", make)

    with ThreadPoolExecutor(8) as pool:
        found = [pool.submit(use) for _ in range(8)]
        assert cache.get("other", lambda: "not held up") == "not held up"
        release.set()
        values = [future.result(10) for future in found]
    assert values == ["value"] * 8
    assert len(made) == 1


def test_many_threads_leave_the_account_of_bytes_right() -> None:
    cache = text_cache(500)

    def use(seed: int) -> None:
        rng = np.random.default_rng(seed)
        for key in rng.integers(0, 60, 400).tolist():
            assert cache.get(key, lambda size=key: "x" * size) == "x" * key

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(use, range(4)))
    n_bytes, made = cache.n_bytes, list[int]()
    assert n_bytes <= 500
    cache.max_bytes = 10_000
    for key in range(60):
        cache.get(key, lambda size=key: (made.append(size), "x" * size)[1])
    assert n_bytes == sum(set(range(60)) - set(made))


def test_an_error_is_raised_to_all_and_not_kept() -> None:
    cache, together, release = text_cache(100), Barrier(3), Event()

    def fail() -> str:
        assert release.wait(10)
        raise ValueError("broken")

    def use() -> str:
        together.wait(10)
        return cache.get("key", fail)

    with ThreadPoolExecutor(3) as pool:
        found = [pool.submit(use) for _ in range(3)]
        release.set()
        for future in found:
            with pytest.raises(ValueError, match="broken"):
                future.result(10)
    assert cache.get("key", lambda: "works now") == "works now"


def masks(clustering: Clustering, draw: Draw, densities: LayerDensities = DENSITIES) -> bytes:
    drawn = generate_masks(SHAPE, densities, LayerClustering(clustering, clustering), draw)
    return drawn.input.tobytes() + drawn.grad_output.tobytes()


@pytest.mark.parametrize("clustering", [Clustering(), Clustering(channel=0.3, window=2, steady=0.5)])
def test_masks_from_the_cache_are_those_drawn(
    clustering: Clustering, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bit for bit, and different ones for everything that a mask depends on."""
    draws = [Draw(seed, layer, sample) for seed in (0, 1) for layer in (0, 1) for sample in (0, 1)]
    others = [LayerDensities(0.2, 0.05, 0.2), LayerDensities(0.1, 0.1, 0.1)]

    def all_masks() -> list[bytes]:
        some = [masks(clustering, draw) for draw in draws]
        return some + [masks(clustering, draws[0], other) for other in others]

    generate.MASKS.clear()
    with monkeypatch.context() as nothing_held:
        nothing_held.setattr(generate.MASKS, "max_bytes", 0)
        drawn = all_masks()
    assert len(set(drawn)) == len(drawn)
    assert all_masks() == drawn
    monkeypatch.setattr(generate, "_field", missing)
    assert all_masks() == drawn


def test_stages_of_a_layer_draw_their_masks_once(monkeypatch: pytest.MonkeyPatch) -> None:
    generate.MASKS.clear()
    drawn, draw_field = list[object](), generate._field
    monkeypatch.setattr(generate, "_field", lambda *a: (drawn.append(a), draw_field(*a))[1])
    for _ in range(3):
        masks(Clustering(), Draw(7, 3))
    assert len(drawn) == 2  # I and dO


def test_a_mask_may_be_written_to_without_harm() -> None:
    """What is handed out is not what is held."""
    before = masks(Clustering(), Draw(5, 1))
    drawn = generate_masks(SHAPE, DENSITIES, LayerClustering(), Draw(5, 1))
    drawn.input[:] = True
    assert masks(Clustering(), Draw(5, 1)) == before


def test_machines_with_like_clusters_share_programs() -> None:
    """Only what a program is made of decides: memory and PEs may differ, clusters may not."""
    work = training_graph(load_network("resnet18", "cifar10"), 4).convolutions[4]

    def jobs(*overrides: str) -> object:
        target = load_machine("sparsetrain", overrides).to_target()
        program = compile_stage(work, Stage.FORWARD, target, 4).program
        assert program.target == target
        assert program.layer == work.layer
        return program.jobs

    assert jobs() is jobs("memory.latency_ns=66")
    assert jobs() is not jobs("pes_per_group=2")
    assert 0 < compiling.PROGRAMS.n_bytes <= compiling.PROGRAMS.max_bytes
