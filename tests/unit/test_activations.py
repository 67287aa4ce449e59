"""Do the densities of I come from where they are asked for, and do the gradients go with them?"""

from __future__ import annotations

import pytest

from sparsesim.request import make_request
from sparsesim.workload import profile_of
from tests.unit.test_profile import shapes
from workloads.catalog import DATASETS, NETWORKS, load_network
from workloads.errors import UserError
from workloads.sparsity.profile import Profile
from workloads.sparsity.records import activation_record, trace_record
from workloads.sparsity.transfer import profile_for

BASIC, BOTTLENECK = ("resnet18", "resnet34"), ("resnet50", "resnet101", "resnet152")


def profile(network: str, dataset: str, activations: str) -> Profile:
    return profile_for(network, dataset, shapes(network, dataset), activations)


@pytest.mark.parametrize("dataset", ["cifar10", "imagenet"])
@pytest.mark.parametrize("network", NETWORKS)
def test_the_default_is_one_of_the_two_and_the_other_is_told_apart(network: str, dataset: str) -> None:
    layers = shapes(network, dataset)
    nearest = profile_for(network, dataset, layers)
    here, imagenet = (profile_for(network, dataset, layers, name) for name in ("here", "imagenet"))
    is_here = network == "alexnet" or (network in BASIC and dataset == "cifar10")
    assert nearest == profile_for(network, dataset, layers, "nearest") == (here if is_here else imagenet)
    assert here.name != imagenet.name and here.transferred_from != imagenet.transferred_from
    assert "ImageNet" not in here.source and "ImageNet" in imagenet.source
    assert here.density_over_time is None and imagenet.density_over_time is not None


@pytest.mark.parametrize("dataset", ["cifar10", "imagenet"])
@pytest.mark.parametrize("network", NETWORKS)
def test_only_i_and_what_follows_from_it_is_another(network: str, dataset: str) -> None:
    here, imagenet = (profile(network, dataset, name) for name in ("here", "imagenet"))
    for one, other in zip(here.layers, imagenet.layers, strict=True):
        assert one.input_clustering == other.input_clustering
        assert one.natural_clustering == other.natural_clustering
        assert one.pruned_clustering == other.pruned_clustering
        assert one.input_index == other.input_index
        if network.startswith("resnet"):
            assert one.grad_output == other.grad_output


@pytest.mark.parametrize(("network", "rows"), [("resnet18", "resnet34"), ("resnet101", "resnet50")])
def test_imagenet_on_cifar_has_the_densities_of_the_table(network: str, rows: str) -> None:
    densities = activation_record(f"{rows}_imagenet").densities
    found = profile(network, "cifar10", "imagenet")
    for name in ("layer1.0.conv1", "layer2.0.conv2", "layer4.0.conv1"):
        assert found.densities(name, 0.9).input == densities[name]
        assert found.densities(name, 0.9).grad_input_mask == densities[name]
    assert found.densities("layer2.0.downsample.0", 0.9).input == densities["layer2.0.conv1"]
    assert found.densities("conv1", 0.9).input == 1.0
    assert found.densities("fc", 0.9).input == trace_record("resnet18_32").layer("fc").input_density


def test_here_on_imagenet_has_the_densities_of_the_run_at_its_size() -> None:
    found = profile("resnet18", "imagenet", "here")
    for layer in trace_record("resnet18_224").layers:
        assert found.densities(layer.name, 0.0).input == layer.input_density
        assert found.densities(layer.name, 0.9).grad_output == layer.grad_output.at(0.9)


@pytest.mark.parametrize(("dataset", "run"), [("imagenet", "resnet18_224"), ("cifar10", "resnet18_32")])
@pytest.mark.parametrize("network", BOTTLENECK)
def test_here_gives_bottlenecks_the_places_of_the_recorded_blocks(
    network: str, dataset: str, run: str
) -> None:
    found, trace = profile(network, dataset, "here"), trace_record(run)
    for part, like in (("conv1", "conv1"), ("conv2", "conv2"), ("conv3", "conv2"), ("downsample.0", "conv1")):
        density = trace.layer(f"layer3.0.{like}").input_density
        assert found.densities(f"layer3.0.{part}", 0.0).input == density
    later = trace.layer("layer3.1.conv1").input_density
    assert found.densities("layer3.5.conv1", 0.0).input == later


ALEXNET_ROWS = {
    "features.3": "pool0",
    "features.6": "pool2",
    "features.8": "conv8",
    "features.10": "conv11",
    "classifier.1": "pool4",
    "classifier.4": "fc1",
    "classifier.6": "fc2",
}


@pytest.mark.parametrize("dataset", DATASETS)
def test_alexnet_reads_the_rows_of_vgg_at_its_depths(dataset: str) -> None:
    densities = activation_record("vgg16_imagenet").densities
    found = profile("alexnet", dataset, "imagenet")
    assert found.layers[0].input_density == 1.0
    read = {layer.shape.name: layer.input_density for layer in found.layers[1:]}
    assert read == {name: densities[row] for name, row in ALEXNET_ROWS.items()}
    over_time = found.density_over_time
    assert over_time is not None and list(over_time.layers) == list(ALEXNET_ROWS)


def test_alexnets_gradients_pass_where_the_relu_before_its_new_i_passed() -> None:
    traced = profile("alexnet", "cifar10", "here").layers
    found = profile("alexnet", "cifar10", "imagenet").layers
    for index, (old, new) in enumerate(zip(traced[:-1], found[:-1], strict=True)):
        ahead, before = found[index + 1].input_density, traced[index + 1].input_density
        natural = old.grad_output.at(0.0)
        expected = natural * ahead / before if old.natural_clustering.window > 1 else ahead
        assert new.grad_output.at(0.0) == pytest.approx(expected)
        for rate in (0.7, 0.9, 0.99):
            kept = old.grad_output.at(rate) / natural
            assert new.grad_output.at(rate) / new.grad_output.at(0.0) == pytest.approx(kept)
    assert found[-1].grad_output == traced[-1].grad_output


def test_alexnet_as_traced_obeys_the_rule_that_scales_its_gradients() -> None:
    """To 8 %: I is the mean of four runs, natural dO that of the plain one."""
    layers = trace_record("alexnet_32").layers
    for index in (2, 3, 5, 6):
        natural = layers[index].grad_output.at(0.0)
        assert natural == pytest.approx(layers[index + 1].input_density, rel=0.08)


def test_vgg_reads_alexnet_by_the_same_rule_reversed() -> None:
    trace = trace_record("alexnet_32")
    found = profile("vgg16", "imagenet", "here").layers
    convolutions, connected = found[:13], found[13:]
    pooled = {2: 1, 4: 1, 7: 2, 10: 2}
    for index, layer in enumerate(convolutions[1:], start=1):
        like = pooled.get(index, 3 if index < 11 else 4)
        assert layer.input_density == trace.layers[like].input_density
    assert [layer.input_density for layer in connected] == [
        layer.input_density for layer in trace.of_kind("fc")
    ]
    assert convolutions[4].grad_output.at(0.0) == convolutions[5].input_density
    assert convolutions[6].grad_output.at(0.0) == convolutions[7].input_density / 4


def test_unknown_activations_are_refused_with_the_nearest() -> None:
    with pytest.raises(UserError, match=r"unknown activations 'heer'\. Did you mean 'here'"):
        profile("resnet18", "cifar10", "heer")


def test_a_request_says_where_its_profile_is_from() -> None:
    assert make_request("alexnet", "cifar10").load.activations == "nearest"
    load = make_request("resnet18", "cifar10", activations="imagenet").load
    assert profile_of(load).name == "resnet18-cifar10 from resnet34-imagenet and resnet18-32"
    assert make_request("alexnet", "cifar10", density=(0.5, 0.5)).load.activations is None


def test_a_network_of_ones_own_has_no_choice() -> None:
    own = load_network("resnet18", "cifar10")
    assert make_request(own).load.activations is None
    with pytest.raises(UserError, match="'here' and a network of one's own contradict each other"):
        make_request(own, activations="here")
