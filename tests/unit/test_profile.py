"""Does every network get the densities that were recorded, from where it says they come?"""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import as_file

import numpy as np
import pytest

from sparsesim.results.inputs import profile_digest
from workloads.catalog import DATASETS, NETWORKS, load_network
from workloads.errors import UserError
from workloads.layers import Linear
from workloads.sparsity.curve import PRUNING_RANGE
from workloads.sparsity.masks import density
from workloads.sparsity.profile import Profile, dense_profile, uniform_profile
from workloads.sparsity.records import activation_record, epoch_record, recorded_trace, trace_record
from workloads.sparsity.shapes import LayerShape
from workloads.sparsity.trace import Trace, load_trace
from workloads.sparsity.training_runs import training_runs
from workloads.sparsity.transfer import profile_for

BATCH = 4


def shapes(network: str, dataset: str) -> list[LayerShape]:
    found = []
    for index, node in enumerate(load_network(network, dataset).convolutions()):
        is_fc = isinstance(node.layer, Linear)
        (c, *size), (f, *out_size) = node.in_shape, node.out_shape
        if is_fc:
            size = out_size = [1, BATCH]
        relu = index > 0 and node.name != "fc"
        found.append(LayerShape(node.name, c, f, (size[0], size[1]), (out_size[0], out_size[1]), is_fc, relu))
    return found


def profile(network: str, dataset: str) -> Profile:
    return profile_for(network, dataset, shapes(network, dataset))


def trace(name: str) -> Trace:
    with as_file(recorded_trace(name)) as path:
        return load_trace(path)


def recorded(source: Trace, layer: str, key: str) -> float:
    masks = source.all_samples(layer, key)
    assert masks is not None
    return density(masks)


@pytest.mark.parametrize("network", ["resnet18", "alexnet"])
def test_own_trace_is_used_layer_by_layer(network: str) -> None:
    found = profile(network, "cifar10")
    runs = training_runs(network, 32)
    assert found.transferred_from is None
    for ours, name in zip(found.layers, runs[0].layers, strict=True):
        assert ours.shape.name == name
        every = sum(run.input_density(name) for run in runs) / len(runs)
        assert ours.input_density == pytest.approx(every, rel=1e-3)
        for run in runs if not ours.shape.is_fc else ():
            left = ours.densities(run.pruning).grad_output
            assert left == pytest.approx(run.grad_output_density(name), rel=1e-3)


def test_layers_of_the_resnet_trace_keep_their_order() -> None:
    names = [layer.name for layer in trace_record("resnet18_32").layers]
    assert names == [shape.name for shape in shapes("resnet18", "cifar10")]


@pytest.mark.parametrize("dataset", DATASETS)
@pytest.mark.parametrize("network", NETWORKS)
def test_every_network_has_a_profile_that_names_its_origin(network: str, dataset: str) -> None:
    found = profile(network, dataset)
    own_trace = network in ("resnet18", "alexnet") and dataset != "imagenet"
    assert (found.transferred_from is None) == own_trace
    assert found.source and found.kind == "profile"
    assert len(found.layers) == len(shapes(network, dataset))
    for layer in found.layers:
        left = [layer.densities(p).grad_output for p in (0.0, 0.5, 0.8, 0.85, 0.9, 0.95, 0.99)]
        assert left == sorted(left, reverse=True) and 0 < left[-1] <= left[0] <= 1
        assert 0 < layer.input_density <= 1


def test_pruned_density_is_the_recorded_one_and_not_one_minus_p() -> None:
    layer = profile("resnet18", "imagenet").layers[5]
    assert layer.densities(0.9).grad_output > 2 * (1 - 0.9)
    assert layer.densities(0.0).grad_output == 1.0
    assert layer.densities(0.8).grad_output == pytest.approx(
        (layer.densities(0.7).grad_output + layer.densities(0.9).grad_output) / 2
    )


@pytest.mark.parametrize("p", [-0.1, 0.991, 1.0, float("nan"), float("inf")])
def test_pruning_rates_outside_the_recording_are_refused(p: float) -> None:
    with pytest.raises(UserError, match=r"lies outside what was recorded; choose 0 \(no pruning\) to 0.99"):
        profile("resnet18", "cifar10").densities("conv1", p)
    assert PRUNING_RANGE == (0.0, 0.99)


def test_unknown_names_are_refused_with_the_nearest() -> None:
    layers = shapes("resnet18", "cifar10")
    with pytest.raises(UserError, match="Did you mean 'resnet18'"):
        profile_for("resnet19", "cifar10", layers)
    with pytest.raises(UserError, match="Did you mean 'cifar10'"):
        profile_for("resnet18", "cifar", layers)
    with pytest.raises(UserError, match=r"Did you mean 'layer1\.0\.conv1'"):
        profile_for("resnet18", "cifar10", layers).densities("layer1.0.cov1", 0.9)


@pytest.mark.parametrize("network", ["resnet18", "alexnet", "vgg16"])
def test_layers_of_another_network_are_refused(network: str) -> None:
    other = "vgg16" if network != "vgg16" else "resnet18"
    with pytest.raises(UserError, match="does not fit the layers"):
        profile_for(network, "imagenet", shapes(other, "imagenet"))


def test_imagenet_activations_belong_to_the_convolutions_of_their_network() -> None:
    """33 rows are the 32 convolutions inside blocks and the output; 49 are 48 and the output."""
    for network, rows in (("resnet34", 33), ("resnet50", 49)):
        densities = activation_record(f"{network}_imagenet").densities
        inside = [s.name for s in shapes(network, "imagenet") if ".conv" in s.name]
        assert len(densities) == rows and [*inside, "output"] == list(densities)
        found = profile(network, "imagenet")
        for name in inside:
            assert found.densities(name, 0.0).input == densities[name]
            assert found.densities(name, 0.0).grad_input_mask == densities[name]


def test_deeper_networks_keep_the_first_block_and_the_order_inside_a_stage() -> None:
    densities = activation_record("resnet50_imagenet").densities
    found = profile("resnet152", "imagenet")
    assert found.densities("layer3.0.conv3", 0.0).input == densities["layer3.0.conv3"]
    assert found.densities("layer3.1.conv3", 0.0).input == densities["layer3.1.conv3"]
    assert found.densities("layer3.35.conv3", 0.0).input == densities["layer3.5.conv3"]


def test_a_relu_lets_as_much_gradient_through_as_the_next_layer_reads() -> None:
    """Why VGG-16's natural dO follows from its recorded activations: the AlexNet trace shows it exactly."""
    source = trace("alexnet_32_plain")
    pairs = [("6", "8", 1), ("8", "10", 1), ("0", "3", 4), ("3", "6", 4)]
    for layer, following, window_positions in pairs:
        expected = recorded(source, f"features.{following}", "input") / window_positions
        assert recorded(source, f"features.{layer}", "grad_output") == pytest.approx(expected, rel=0.01)
    densities = activation_record("vgg16_imagenet").densities
    vgg = profile("vgg16", "imagenet").layers
    assert vgg[2].densities(0.0).grad_output == densities["conv2"]
    assert vgg[3].densities(0.0).grad_output == densities["pool1"] / 4


def test_the_recorded_epochs_have_the_recorded_means() -> None:
    for name in ("resnet34_imagenet", "resnet50_imagenet", "vgg16_imagenet"):
        means, epochs = activation_record(name), epoch_record(name)
        assert epochs.name == means.name and epochs.densities.keys() == means.densities.keys()
        for row, densities in epochs.densities.items():
            assert len(densities) == means.epochs
            # Three digits of every epoch, four of the mean.
            assert np.mean(densities) == pytest.approx(means.densities[row], abs=6e-4)


@pytest.mark.parametrize(("network", "dataset"), [("resnet50", "cifar10"), ("resnet34", "imagenet")])
def test_density_over_time_names_the_convolutions_inside_blocks(network: str, dataset: str) -> None:
    found = profile(network, dataset)
    over_time = found.density_over_time
    assert over_time is not None and over_time.recorded_on == f"{network}-imagenet"
    assert over_time.epochs == tuple(range(1, activation_record(f"{network}_imagenet").epochs + 1))
    assert list(over_time.layers) == [s.name for s in shapes(network, dataset) if ".conv" in s.name]
    for name, densities in over_time.layers.items():
        assert np.mean(densities) == pytest.approx(found.densities(name, 0.0).input, abs=6e-4)


@pytest.mark.parametrize("dataset", ["imagenet", "cifar10"])
def test_density_over_time_of_vgg_is_that_of_the_i_of_its_layers(dataset: str) -> None:
    found = profile("vgg16", dataset)
    over_time = found.density_over_time
    assert over_time is not None and over_time.recorded_on == "vgg16-imagenet"
    assert list(over_time.layers) == [layer.shape.name for layer in found.layers[1:]]
    for name, densities in over_time.layers.items():
        assert np.mean(densities) == pytest.approx(found.densities(name, 0.0).input, abs=6e-4)


def test_a_transferred_density_over_time_is_that_of_the_recorded_network() -> None:
    found = profile("resnet18", "imagenet").density_over_time
    assert found is not None and found.recorded_on == "resnet34-imagenet"
    assert found == profile("resnet34", "imagenet").density_over_time
    for network, dataset in (("alexnet", "imagenet"), ("resnet18", "cifar10"), ("resnet34", "cifar10")):
        assert profile(network, dataset).density_over_time is None


def test_density_over_time_does_not_tell_profiles_apart() -> None:
    """No mask depends on it: neither does the digest in a manifest."""
    with_epochs = profile("vgg16", "imagenet")
    without = replace(with_epochs, density_over_time=None)
    assert with_epochs == without
    assert profile_digest(with_epochs) == profile_digest(without)


def test_downsampling_reads_the_same_input_as_the_block() -> None:
    found = profile("resnet18", "cifar10")
    block, down = (found.masks(f"layer2.0.{part}", 0.9, 3, 1) for part in ("conv1", "downsample.0"))
    np.testing.assert_array_equal(block.input, down.input)
    assert not np.array_equal(block.grad_output, down.grad_output)


def test_natural_gradients_of_resnets_are_dense_and_fc_layers_have_columns() -> None:
    found = profile("resnet18", "cifar10")
    assert found.masks("layer1.0.conv1", 0.0, 0, 0).grad_output.all()
    masks = found.masks("fc", 0.9, 0, 0)
    assert masks.input.shape == (512, 1, BATCH) and masks.grad_input_mask is None


def test_uniform_and_dense_profiles() -> None:
    layers = shapes("resnet18", "cifar10")
    even = uniform_profile(layers, 0.5, 0.3)
    assert even.kind == "uniform" and even.densities("conv1", 0.9).input == 1.0
    assert even.masks("layer2.0.conv2", 0.9, 0, 0).densities().grad_output == pytest.approx(0.3, abs=0.02)
    dense = dense_profile(layers)
    assert dense.kind == "dense" and dense.masks("layer2.0.conv2", 0.9, 0, 0).input.all()
