"""Do programs compute what PyTorch's autograd (SciPy's correlation without it) computes, exactly?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from compiler.geometry import ConvGeometry
from compiler.ir.interpreter import interpret
from compiler.ir.nodes import Job, Loop, Program
from compiler.ir.verifier import verify
from compiler.program import Stage
from tests.builders_ir import Tiling, build_program, random_tensors
from tests.references import HAS_TORCH, Values, reference, scipy_reference, torch_reference
from workloads.errors import UserError


@st.composite
def geometries(draw: st.DrawFn) -> ConvGeometry:
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    kernel = draw(st.integers(1, 11)), draw(st.integers(1, 11))
    geometry = ConvGeometry(
        in_channels=groups * draw(st.integers(1, 3)),
        out_channels=groups * draw(st.integers(1, 4)),
        in_size=(draw(st.integers(1, 14)), draw(st.integers(1, 14))),
        kernel=kernel,
        stride=(draw(st.integers(1, 4)), draw(st.integers(1, 4))),
        padding=(draw(st.integers(0, kernel[0])), draw(st.integers(0, kernel[1]))),
        dilation=(draw(st.integers(1, 2)), draw(st.integers(1, 2))),
        groups=groups,
        end_padding=draw(st.none() | st.tuples(st.integers(0, kernel[0]), st.integers(0, kernel[1]))),
    )
    assume(min(geometry.out_size) >= 1)
    return geometry


tilings = st.builds(
    Tiling,
    groups_per_cluster=st.integers(1, 4),
    pes_per_group=st.integers(1, 4),
    block_rows=st.integers(1, 3),
    block_width=st.integers(1, 9),
    tile_out=st.integers(1, 5),
    tile_rows=st.integers(1, 6),
    tile_reduce=st.integers(1, 4),
    unit_channels=st.integers(1, 3),
    skip_padding=st.booleans(),
    broadcast=st.sampled_from(["dO", "I"]),
)
seeds = st.integers(0, 2**32 - 1)


def run(program: Program, values: Values) -> Values:
    """Verified, then interpreted."""
    verify(program)
    return interpret(program, {name: array for name, array in values.items() if name != "mask"})


@settings(max_examples=60, deadline=None)
@given(geometries(), tilings, seeds)
def test_forward(geometry: ConvGeometry, tiling: Tiling, seed: int) -> None:
    values = random_tensors(geometry, seed)
    outputs = run(build_program(geometry, Stage.FORWARD, tiling), values)["O"]
    assert np.array_equal(outputs, reference(geometry, values)["O"])


@settings(max_examples=60, deadline=None)
@given(geometries(), tilings, seeds)
def test_gradients_to_activations(geometry: ConvGeometry, tiling: Tiling, seed: int) -> None:
    values = random_tensors(geometry, seed)
    gradients = run(build_program(geometry, Stage.GTA, tiling), values)["dI"]
    assert np.array_equal(gradients, reference(geometry, values)["dI"])


@settings(max_examples=60, deadline=None)
@given(geometries(), tilings, seeds)
def test_gradients_to_weights(geometry: ConvGeometry, tiling: Tiling, seed: int) -> None:
    values = random_tensors(geometry, seed)
    gradients = run(build_program(geometry, Stage.GTW, tiling), values)["dW"]
    assert np.array_equal(gradients, reference(geometry, values)["dW"])


@settings(max_examples=20, deadline=None)
@given(geometries(), tilings, seeds)
def test_relu_in_the_ppu_and_its_mask_in_gta(geometry: ConvGeometry, tiling: Tiling, seed: int) -> None:
    values = random_tensors(geometry, seed)
    expected = reference(geometry, values)
    outputs = run(build_program(geometry, Stage.FORWARD, tiling, relu=True), values)["O"]
    assert np.array_equal(outputs, np.maximum(expected["O"], 0))
    masked = interpret(build_program(geometry, Stage.GTA, tiling, masked=True), values)["dI"]
    assert np.array_equal(masked, expected["dI"] * (values["mask"] != 0))


@pytest.mark.skipif(not HAS_TORCH, reason="compares the two references, needs PyTorch")
@settings(max_examples=40, deadline=None)
@given(geometries(), seeds)
def test_both_references_agree(geometry: ConvGeometry, seed: int) -> None:
    values = random_tensors(geometry, seed)
    ours, theirs = scipy_reference(geometry, values), torch_reference(geometry, values)
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize(
    "geometry",
    [
        ConvGeometry(3, 8, (35, 35), (11, 11), (4, 4), (2, 2)),
        ConvGeometry(8, 8, (12, 12), (3, 3), (1, 1), (1, 1), groups=8),
        ConvGeometry(20, 10, (1, 6), (1, 1)),
        ConvGeometry(4, 6, (9, 9), (1, 1), (2, 2)),
        ConvGeometry(4, 6, (9, 8), (3, 2), (2, 1), (0, 1), end_padding=(1, 0)),
    ],
    ids=[
        "alexnet stem",
        "depthwise",
        "fully connected, batch of 6",
        "downsample",
        "padding below and right others",
    ],
)
def test_layers_of_known_networks(geometry: ConvGeometry) -> None:
    values = random_tensors(geometry, seed=1)
    expected = reference(geometry, values)
    for stage, name in ((Stage.FORWARD, "O"), (Stage.GTA, "dI"), (Stage.GTW, "dW")):
        assert np.array_equal(run(build_program(geometry, stage), values)[name], expected[name])
    mirrored = build_program(geometry, Stage.GTW, Tiling(broadcast="I"))
    assert np.array_equal(run(mirrored, values)["dW"], expected["dW"])


LAYER = ConvGeometry(4, 6, (7, 8), (3, 3), (1, 1), (1, 1))


def test_whole_numbers_stay_whole_and_floats_close() -> None:
    values = random_tensors(LAYER, seed=2)
    program = build_program(LAYER, Stage.FORWARD)
    whole = interpret(program, {name: values[name].astype(np.int64) for name in ("I", "W")})["O"]
    assert whole.dtype == np.int64
    assert np.array_equal(whole, reference(LAYER, values)["O"])
    scaled = {name: values[name] * np.pi for name in ("I", "W", "dO")}
    floats = interpret(program, scaled)["O"]
    np.testing.assert_allclose(floats, reference(LAYER, scaled)["O"], rtol=1e-12, atol=1e-10)


@pytest.mark.parametrize("broadcast", ["dO", "I"])
def test_weight_gradients_accumulate_over_samples(broadcast: str) -> None:
    program = build_program(LAYER, Stage.GTW, Tiling(samples=3, broadcast=broadcast))
    verify(program)
    total, expected = np.zeros((6, 4, 3, 3)), np.zeros((6, 4, 3, 3))
    for seed in range(3):
        values = random_tensors(LAYER, seed)
        total = interpret(program, {**values, "sums": total})["dW"]
        expected += reference(LAYER, values)["dW"]
    assert np.array_equal(total, expected)


def test_sum_of_absolute_gradients_is_accumulated_over_the_program() -> None:
    values = random_tensors(LAYER, seed=3)
    program = build_program(LAYER, Stage.GTA, masked=True)
    program = _with_actions(program, ("sum", "abs_sum", "compress"))
    results = interpret(program, values)
    assert results["abs_sum"] == np.abs(reference(LAYER, values)["dI"] * values["mask"]).sum()


def _with_actions(node, actions: tuple[str, ...]):
    if isinstance(node, Program | Loop | Job):
        return replace(node, body=tuple(_with_actions(inner, actions) for inner in node.body))
    return replace(node, actions=actions) if hasattr(node, "actions") else node


def test_wrong_tensors_are_named() -> None:
    values = random_tensors(LAYER, seed=4)
    forward, gta = build_program(LAYER, Stage.FORWARD), build_program(LAYER, Stage.GTA)
    with pytest.raises(UserError, match=r"conv/forward: tensor 'W' of shape \(6, 4, 3, 3\) is missing"):
        interpret(forward, {"I": values["I"]})
    with pytest.raises(UserError, match=r"conv/forward: tensor 'I' has shape \(4, 7, 7\), not \(4, 7, 8\)"):
        interpret(forward, {"I": values["I"][:, :, :-1], "W": values["W"]})
    with pytest.raises(UserError, match="conv/gta: the program declares no tensor 'mask'; leave it out"):
        interpret(gta, values)
