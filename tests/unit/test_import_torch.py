"""Is a PyTorch module the network that it runs?"""

from __future__ import annotations

import copy
from typing import Any

import pytest

import sparsesim
from tests.pytorch import require_torch
from workloads.errors import UserError
from workloads.importing.torch_module import read_module
from workloads.layers import (
    AdaptiveAvgPool,
    Add,
    AvgPool,
    BatchNorm,
    Conv,
    Flatten,
    Layer,
    Linear,
    MaxPool,
    ReLU,
)
from workloads.map_layers import (
    Combine,
    Concat,
    Elementwise,
    Normalization,
    Outputs,
    Pad,
    Reorder,
    Resize,
    Slice,
)
from workloads.network import Network

torch = require_torch()
nn, functional = torch.nn, torch.nn.functional

IMAGE = torch.randn(2, 4, 12, 10)
STEM = Conv(4, 4, (1, 1))


class Run(nn.Module):
    """A first convolution, then whatever function is given."""

    def __init__(self, run: Any, **layers: nn.Module) -> None:
        super().__init__()
        self.stem = nn.Conv2d(4, 4, 1)
        self.run = run
        for name, layer in layers.items():
            setattr(self, name, layer)

    def forward(self, image: Any) -> Any:
        return self.run(self, self.stem(image))


def layers_of(run: Any, **layers: nn.Module) -> list[Layer]:
    """The layers behind the first convolution."""
    found = [one.layer for one in read_module(Run(run, **layers), IMAGE).layers()]
    assert found[1] == STEM
    return found[2:]


def network_of(*layers: nn.Module) -> Network:
    return read_module(nn.Sequential(*layers), IMAGE)


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        (nn.Conv2d(4, 6, 3, 2, 1, bias=False), Conv(4, 6, (3, 3), (2, 2), (1, 1), bias=False)),
        (nn.Conv2d(4, 8, (3, 1), dilation=2, groups=4), Conv(4, 8, (3, 1), dilation=(2, 2), groups=4)),
        (nn.Conv2d(4, 4, (2, 3), padding="same"), Conv(4, 4, (2, 3), padding=(0, 1), end_padding=(1, 1))),
        (nn.Conv2d(4, 4, 3, padding="valid"), Conv(4, 4, (3, 3))),
        (nn.BatchNorm2d(4), BatchNorm(4)),
        (nn.ReLU(), ReLU()),
        (nn.ReLU(inplace=True), ReLU()),
        (nn.ReLU6(), ReLU()),
        (nn.Threshold(0.1, 0.0), ReLU()),
        (nn.MaxPool2d(3, 2, 1, ceil_mode=True), MaxPool((3, 3), (2, 2), (1, 1), ceil_mode=True)),
        (nn.AvgPool2d(2), AvgPool((2, 2), (2, 2))),
        (nn.AdaptiveAvgPool2d((3, 2)), AdaptiveAvgPool((3, 2))),
        (nn.AdaptiveMaxPool2d(1), MaxPool((12, 10), (1, 1))),
        (nn.ZeroPad2d((1, 2, 3, 4)), Pad((3, 1), (4, 2))),
        (nn.PixelShuffle(2), Reorder((1, 24, 20))),
        (nn.Upsample(scale_factor=2), Resize((4, 24, 20), 1)),
        (nn.UpsamplingBilinear2d(scale_factor=2), Resize((4, 24, 20), 4)),
        (nn.GroupNorm(2, 4), Normalization("group", 8)),
        (nn.Flatten(), Flatten()),
    ],
)
def test_modules(module: nn.Module, expected: Layer) -> None:
    assert network_of(nn.Conv2d(4, 4, 1), module).layers()[2].layer == expected


@pytest.mark.parametrize(
    ("module", "function"),
    [
        (nn.SiLU(), "silu"), (nn.SiLU(inplace=True), "silu"), (nn.Hardswish(), "hard_swish"),
        (nn.Sigmoid(), "sigmoid"), (nn.GELU(), "gelu"), (nn.LeakyReLU(0.1), "leaky_relu"), (nn.ELU(), "elu"),
        (nn.PReLU(), "prelu"), (nn.Hardtanh(), "clip"), (nn.Mish(), "mish"),
    ],
)  # fmt: skip
def test_other_activations_leave_no_zeros(module: nn.Module, function: str) -> None:
    (layer,) = layers_of(lambda net, x: net.act(x), act=module)
    assert isinstance(layer, Elementwise)
    assert layer.function == function


def test_dropout_is_no_layer() -> None:
    assert layers_of(lambda net, x: net.drop(x).relu(), drop=nn.Dropout2d()) == [ReLU()]


def test_fully_connected_layers() -> None:
    expected = [AdaptiveAvgPool((1, 1)), Linear(4, 7)]
    assert layers_of(lambda net, x: net.fc(x.mean((2, 3))), fc=nn.Linear(4, 7)) == expected


def test_maps_that_meet() -> None:
    assert layers_of(lambda _, x: x.relu() + x)[-1] == Add()
    assert layers_of(lambda _, x: torch.cat([x.relu(), x], 1))[-1] == Concat()
    assert layers_of(lambda _, x: x.tanh() * x.relu())[-1] == Combine("multiply")
    scale = layers_of(lambda _, x: x * functional.adaptive_avg_pool2d(x, 1).sigmoid())
    assert scale[-1] == Combine("multiply")


def test_parts_of_maps() -> None:
    assert layers_of(lambda _, x: x[:, 1:3]) == [Slice((2, 12, 10))]
    parts = layers_of(lambda _, x: torch.cat(torch.chunk(x, 2, 1)[::-1], 1))
    assert parts == [Slice((2, 12, 10)), Slice((2, 12, 10)), Concat()]


def test_what_is_computed_in_place_is_what_is_read_then() -> None:
    def run(_: Any, x: Any) -> Any:
        torch.relu_(x)
        return x + x.tanh()

    network = read_module(Run(run), IMAGE)
    assert [one.layer.kind for one in network.producers("add")] == ["relu", "elementwise"]


def test_layers_have_the_names_of_their_modules() -> None:
    block = nn.Sequential(nn.Conv2d(4, 4, 3), nn.BatchNorm2d(4), nn.ReLU())
    network = read_module(nn.Sequential(block, nn.Sequential(nn.Conv2d(4, 2, 1))), IMAGE)
    assert [one.name for one in network.layers()] == ["input", "0.0", "0.1", "0.2", "1.0"]


class Attentive(nn.Module):
    """A patch embedding and a layer of a transformer."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 8, 4, 4)
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)

    def forward(self, x: Any) -> Any:
        return self.layer(self.patches(x).flatten(2).transpose(1, 2)).mean(1)


def test_attention_is_named_and_not_the_sizes_before_it() -> None:
    with pytest.raises(UserError, match=r"in module 'layer.self_attn': attention cannot be simulated"):
        read_module(Attentive(), torch.randn(1, 3, 8, 8))


def test_wrappers_are_no_part_of_the_names() -> None:
    module, image = nn.Sequential(nn.Conv2d(3, 4, 3)), torch.randn(1, 3, 8, 8)
    for wrapped in (nn.DataParallel(module), torch.compile(module, backend="eager")):
        assert [one.name for one in read_module(wrapped, image).convolutions()] == ["0"]


def test_an_example_that_does_not_fit_is_the_first_thing_to_look_at() -> None:
    with pytest.raises(UserError, match=r"see that module\(example_input\) runs"):
        read_module(nn.Sequential(nn.Conv2d(3, 4, 3)), torch.randn(1, 5, 8, 8))


def test_a_module_used_twice_has_two_names() -> None:
    network = read_module(Run(lambda net, x: net.stem(x)), IMAGE)
    assert [one.name for one in network.layers()] == ["input", "stem", "stem@2"]


def test_several_outputs_meet_in_the_loss() -> None:
    assert layers_of(lambda _, x: (x, x.relu()))[-1] == Outputs()


def test_a_convolution_of_rows_has_one_row() -> None:
    network = read_module(nn.Sequential(nn.Conv1d(4, 6, 3, 2, 1)), torch.randn(2, 4, 20))
    assert network.input_shape == (4, 1, 20)
    assert network.output.layer == Conv(4, 6, (1, 3), (1, 2), (0, 1))


@pytest.mark.parametrize("train", [True, False])
def test_reading_a_module_does_not_change_it(train: bool) -> None:
    module = nn.Sequential(nn.Conv2d(4, 4, 3), nn.BatchNorm2d(4), nn.Dropout(), nn.ReLU(inplace=True)).train(
        train
    )
    before = copy.deepcopy(module.state_dict())
    assert len(read_module(module, IMAGE).layers()) == 4
    assert module.training == train
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())


class Mixed(nn.Module):
    """Strides, groups, dilation, padding of one side, transposed convolutions and two heads."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.wide = nn.Conv2d(8, 8, 3, padding=2, dilation=2, groups=8)
        self.same = nn.Conv2d(8, 8, (2, 4), padding="same")
        self.up = nn.ConvTranspose2d(8, 6, 4, stride=2, padding=1)
        self.more = nn.ConvTranspose2d(6, 5, 3, stride=(2, 3), padding=1, output_padding=1)
        self.fc = nn.Linear(5, 10)

    def forward(self, x: Any) -> Any:
        x = functional.relu(self.norm(self.stem(x)))
        x = torch.cat([functional.relu(self.wide(x)), functional.silu(self.same(x))], 1)[:, 4:12]
        x = functional.relu(self.more(functional.relu(self.up(x))))
        x = functional.max_pool2d(x, 3, 2, ceil_mode=True)
        return self.fc(x.mean((2, 3))), x.flatten(1)


def test_a_module_is_simulated_and_computes_what_the_reference_does() -> None:
    result = sparsesim.simulate(Mixed(), torch.randn(2, 3, 17, 14), check=True, samples=2, batch=4)
    assert (result.network, result.dataset) == ("Mixed", "3x17x14")
    assert result.has_other_work
    names = result.layer_names()
    assert names[:3] == ("stem", "wide", "same")
    assert {"up.phase00", "up.phase11", "more.phase12", "fc"} <= set(names)
    density = result.of_run("natural")["same", "forward"].density
    assert 0 < density["input"] < 1
    assert density["grad_output"] == 1  # SiLU passes every gradient
    assert "PyTorch module Mixed" in str(result.profile.transferred_from)
    assert "silu" in str(result.profile.transferred_from)


@pytest.mark.parametrize(
    ("run", "sentence"),
    [
        (
            lambda _, x: torch.fft.fft2(x).real,
            r"'fft_fft2' \(fft_fft2\).*: this operator cannot be simulated",
        ),
        (
            lambda _, x: x.flatten(2) @ x.flatten(2).transpose(1, 2),
            "computed from the image; only layers with",
        ),
        (lambda _, x: torch.cat([x, x], 2), "concatenates along axis 2; only channels"),
        (lambda _, x: x.mean(1), "takes the mean over axes"),
        (lambda net, x: net.fc(x), "reads a tensor of 2x4x12x10; a fully connected layer"),
        (lambda _, x: x.reshape(-1, 10), "whose first size must be the batch"),
        (lambda _, x: x if x.sum() > 0 else -x, "torch.export cannot trace it"),
        (lambda _, x: torch.zeros(3), "returns no tensor that is computed from its input"),
    ],
)
def test_what_cannot_be_simulated_is_named(run: Any, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        read_module(Run(run, fc=nn.Linear(10, 3)), IMAGE)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((None,), r"simulate\(module, torch.randn\(1, 3, 224, 224\)\) \(got nothing\)"),
        (("imagenet",), r"\(got str\)"),
        (((IMAGE, IMAGE),), r"\(got tuple\)"),
        ((torch.zeros(5),), r"must be a batch, \(N, C, H, W\) \(got \(5,\)\)"),
    ],
)
def test_a_module_needs_an_example(arguments: tuple[Any, ...], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        sparsesim.simulate(nn.Conv2d(3, 4, 1), *arguments)


def test_an_example_may_stand_in_a_tuple() -> None:
    assert read_module(nn.Conv2d(4, 4, 1), (IMAGE,)).output.layer == Conv(4, 4, (1, 1))


def test_a_module_has_no_other_shape() -> None:
    with pytest.raises(UserError, match="--input-shape is for ONNX files"):
        sparsesim.simulate(nn.Conv2d(4, 4, 1), IMAGE, input_shape=(4, 8, 8))
