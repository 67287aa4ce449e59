"""Overrides of the energy table, densities given by hand: do they do what they say, and say what is wrong?"""

from __future__ import annotations

import pytest

from sparsesim import simulate
from sparsesim.energy import default_table
from sparsesim.energy.overrides import with_overrides
from sparsesim.request import make_request
from workloads.errors import UserError


def test_an_energy_override_scales_the_range_with_the_centre() -> None:
    before = default_table().row("mac_int16.compute")
    after = make_request(overrides=["energy.mac_int16.compute=0.38"]).table.row("mac_int16.compute")
    assert after.centre == 0.38
    assert after.low == pytest.approx(before.low * 0.38 / before.centre)
    assert after.high == pytest.approx(before.high * 0.38 / before.centre)


def test_one_column_can_be_set_alone_and_the_last_override_wins() -> None:
    table = with_overrides(
        default_table(), ["energy.mac_int16.compute.high=0.9", "energy.mac_int16.compute.high=0.8"]
    )
    assert table.row("mac_int16.compute").range == default_table().row("mac_int16.compute").range._replace(
        high=0.8
    )
    assert table.name == "sparsetrain-14nm (changed)"


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("energy.mac_int61.compute=1", "Did you mean 'mac_int16'?"),
        ("energy.mac_int16.computes=1", "Did you mean 'compute'?"),
        ("energy.mac_int16.compute.center=1", "Did you mean 'centre'?"),
        ("energy.mac_int16=1", "must be energy.COMPONENT.ACTION"),
        ("energy.mac_int16.compute", "must be KEY=VALUE"),
        ("energy.mac_int16.compute=-1", "must be a number from 0 to 1e9 (got '-1')"),
        ("energy.mac_int16.compute=much", "must be a number from 0 to 1e9 (got 'much')"),
        ("energy.mac_int16.compute=.nan", "must be a number from 0 to 1e9"),
        ("energy.mac_int16.compute.low=5", "low <= centre <= high must hold (got 5, 0.19, 0.34)"),
    ],
)
def test_a_wrong_energy_override_is_told(override: str, sentence: str) -> None:
    with pytest.raises(UserError) as error:
        make_request(overrides=[override])
    assert str(error.value).startswith(f"--set {override}: ")
    assert sentence in str(error.value)


def test_an_energy_override_changes_energy_and_no_cycle() -> None:
    plain = simulate("alexnet", "cifar10", threads=1)
    dearer = simulate("alexnet", "cifar10", threads=1, overrides=["energy.mac_int16.compute=1.9"])
    assert [layer.cycles for layer in plain.layers] == [layer.cycles for layer in dearer.layers]
    assert (
        dearer.runs["pruned"].energy_pj.on_chip.centre > 1.2 * plain.runs["pruned"].energy_pj.on_chip.centre
    )


def test_densities_are_those_that_were_given() -> None:
    result = simulate("alexnet", "cifar10", threads=1, density=(0.5, 0.25))
    assert list(result.runs) == ["dense", "natural"]
    assert result.profile.kind == "uniform"
    layers = [layer for layer in result.layers if layer.run == "natural" and layer.stage == "gtw"]
    assert layers[0].density["input"] == 1
    for layer in layers[1:]:
        assert layer.density["input"] == pytest.approx(0.5, abs=0.02)
        assert layer.density["grad_output"] == pytest.approx(0.25, abs=0.02)


def test_density_one_is_the_dense_work_and_density_zero_is_none() -> None:
    full = simulate("alexnet", "cifar10", threads=1, density=(1.0, 1.0))
    assert full.runs["natural"].useful_macs == full.runs["natural"].dense_macs
    empty = simulate("alexnet", "cifar10", threads=1, density=(0.0, 0.0))
    # Only I of the first layer is not empty, and nothing multiplies it but weights.
    assert {layer.name for layer in empty.layers if layer.run == "natural" and layer.useful_macs} == {
        empty.layer_names()[0]
    }


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"density": (1.5, 0.5)}, "--density-input must be a number from 0 to 1 (got 1.5)"),
        ({"density": (0.5, float("nan"))}, "--density-grad-output must be a number from 0 to 1 (got nan)"),
        ({"density": (0.5, 0.5), "prune": 0.9}, "prune and density contradict each other"),
        ({"density": (0.5, 0.5), "trace": "x.npz"}, "trace and density contradict each other"),
        ({"density": (0.5, 0.5), "activations": "here"}, "'here' and density contradict each other"),
        ({"trace": "x.npz", "activations": "here"}, "'here' and a trace contradict each other"),
        ({"activations": "imagnet"}, "Did you mean 'imagenet'? Known: here, imagenet, nearest."),
    ],
)
def test_wrong_densities_are_told(options: dict[str, object], sentence: str) -> None:
    with pytest.raises(UserError) as error:
        make_request("alexnet", "cifar10", **options)  # type: ignore[arg-type]
    assert sentence in str(error.value)
