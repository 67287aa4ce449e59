"""Reports: is everything a reader needs there, at every width, and do equal results give equal pictures?"""

from __future__ import annotations

import io
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from reports.figures.layer_gains import draw, save_figure
from reports.numbers import density, energy, percent, short, times
from reports.terminal.table import PIPED_WIDTH, console_for, print_result
from sparsesim.results.model import Result
from tests.builders_results import made_result, step_records

TRANSFERRED = {
    "name": "n",
    "kind": "profile",
    "source": "a recording",
    "transferred_from": "resnet50 by stage",
}


def printed(result: Result, width: int = 120, folder: Path | None = None) -> str:
    text = io.StringIO()
    print_result(result, console_for(text, width), folder)
    return text.getvalue()


def flat(text: str) -> str:
    return re.sub(r"\s+", " ", text)


# Numbers


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (7, "7"),
        (999, "999"),
        (1000, "1.00k"),
        (12_345, "12.3k"),
        (999_600, "1.00M"),
        (999.6, "1.00k"),
        (2.5e9, "2.50G"),
    ],
)
def test_counts_are_shown_with_three_digits(value: float, text: str) -> None:
    assert short(value) == text


@pytest.mark.parametrize(
    ("pj", "text"), [(0, "0 pJ"), (999, "999 pJ"), (999.7, "1.00 nJ"), (1500, "1.50 nJ"), (2.5e8, "250 uJ")]
)
def test_energies_get_the_unit_that_fits(pj: float, text: str) -> None:
    assert energy(pj) == text


def test_a_share_that_exists_is_never_shown_as_nothing() -> None:
    assert (percent(0), percent(0.001), percent(0.5), percent(1)) == ("0%", "<1%", "50%", "100%")


def test_ratios_and_densities() -> None:
    assert (times(2.716), density(0.534), density(1.0), density(None)) == ("2.72x", ".53", "1.00", "-")


# The table


@pytest.mark.parametrize("width", [80, 120, 200])
@pytest.mark.parametrize("samples", [1, 4])
def test_no_line_is_wider_than_the_terminal_and_nothing_is_cut_off(width: int, samples: int) -> None:
    text = printed(made_result(step_records(samples=samples), profile=TRANSFERRED), width)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text


@pytest.mark.parametrize("width", [80, 200])
def test_every_layer_and_stage_and_every_column_is_there_at_every_width(width: int) -> None:
    text = printed(made_result(), width)
    for words in (
        "conv0",
        "conv1",
        "fc",
        "forward",
        "gta",
        "gtw",
        "imbal.",
        "reject",
        "buffer",
        "mask",
        "registers",
    ):
        assert words in text
    for run in ("dense", "natural", "pruned"):
        assert re.search(rf"^{run} ", text, re.MULTILINE)


def test_wide_terminals_need_fewer_tables() -> None:
    layers = [printed(made_result(), width).count("all layers") for width in (80, 120, 200)]
    assert layers[0] > layers[1] >= layers[2] >= 1


def test_both_accountings_are_printed_apart_and_labelled() -> None:
    result = made_result()
    on_chip, with_dram = flat(printed(result)).split("With DRAM (the whole training step")
    assert "On chip (the published accounting" in on_chip
    assert f"{result.runs['pruned'].cycles.on_chip:,.0f}" in on_chip
    assert f"{result.runs['pruned'].cycles.with_dram:,.0f}" in with_dram
    assert f"{result.runs['pruned'].cycles.with_dram:,.0f}" not in on_chip


def test_the_utilisation_of_the_baseline_is_printed() -> None:
    result = made_result()
    used = percent(result.runs["dense"].pe_utilization)
    assert f"over a baseline that uses {used} of its PEs" in flat(printed(result))


def test_the_profile_and_where_it_comes_from_are_printed_and_transfer_is_said() -> None:
    assert "TRANSFERRED" not in printed(made_result())
    text = flat(printed(made_result(profile=TRANSFERRED)))
    assert "Sparsity: profile 'n', pruning rate 0.9. Source: a recording." in text
    assert "TRANSFERRED, not all of it recorded on resnet18 and cifar10: resnet50 by stage." in text


def test_the_published_average_stands_beside_networks_it_is_about_and_no_others() -> None:
    text = flat(printed(made_result()))
    assert (
        "2.7x speedup, 2.2x energy efficiency, an average over AlexNet and ResNets, not this network's"
        in text
    )
    assert "Published" not in printed(made_result(network="vgg16"))
    assert "Published" not in printed(made_result(step_records(("dense", "recorded"))))


def test_intervals_are_printed_for_several_samples_only() -> None:
    assert "+-" not in printed(made_result())
    text = printed(made_result(step_records(samples=4)))
    assert "95 % confidence interval of the mean over 4 samples" in flat(text)
    assert re.search(r"\d\.\d\dx \+-\d\.\d\d", text)


def test_speed_wall_time_and_folder_are_printed(tmp_path: Path) -> None:
    text = printed(made_result(), folder=tmp_path / "run")
    assert re.search(r"Engine: .* simulated cycles/s, .* dense-equivalent MAC/s; 3.5 s in all", text)
    assert f"saved in {tmp_path / 'run'}" in text


def test_a_trace_says_that_nothing_but_convolutions_is_in_it() -> None:
    assert "A trace holds convolutions" in printed(made_result(step_records(("dense", "recorded"))))
    assert "A trace holds convolutions" not in printed(made_result())


def test_names_with_brackets_are_printed_as_they_are() -> None:
    profile = dict(TRANSFERRED, name="[bold]x[/bold]", source="[link]")
    text = printed(made_result(profile=profile, network="a[red]b"))
    assert "[bold]x[/bold]" in text
    assert "a[red]b" in text


def test_piped_output_has_no_colours_and_a_fixed_width(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("COLUMNS", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    text = io.StringIO()
    console = console_for(text)
    print_result(made_result(), console)
    assert console.width == PIPED_WIDTH
    assert "\x1b" not in text.getvalue()


# The figure


@pytest.mark.parametrize("layers", [1, 21, 155])
def test_the_figure_has_a_bar_per_layer_and_run_in_both_panels(layers: int) -> None:
    result = made_result(step_records(layers=layers))
    figure = draw(result)
    for axes in figure.axes:
        assert len(axes.patches) == 2 * (layers + 1)
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert names == list(result.layer_names())
    height = figure.get_figheight() * 72 / len(names)
    assert height > 10, "points per layer, for a font of 8"


def test_bars_are_ratios_and_the_whole_network_is_drawn_in() -> None:
    result = made_result()
    left, right = draw(result).axes
    first = result.whole_layers("natural")["conv0"]
    dense = result.whole_layers("dense")["conv0"]
    assert left.patches[0].get_width() == pytest.approx(dense.cycles.on_chip / first.cycles.on_chip)
    ratio = dense.energy_pj.on_chip.centre / first.energy_pj.on_chip.centre
    assert right.patches[0].get_width() == pytest.approx(ratio)
    lines = [line.get_xdata()[0] for line in left.lines]
    assert result.speedup["natural"].on_chip in lines
    assert result.speedup["pruned"].on_chip in lines


def test_equal_results_give_equal_files(tmp_path: Path) -> None:
    result = made_result()
    folders = [tmp_path / "one", tmp_path / "other"]
    for folder in folders:
        folder.mkdir()
        save_figure(replace(result, wall_seconds=folders.index(folder)), folder)
    for name in ("speedup-energy.svg", "speedup-energy.png"):
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes()


def test_the_svg_holds_its_words_as_text_and_no_date(tmp_path: Path) -> None:
    save_figure(made_result(), tmp_path)
    text = (tmp_path / "speedup-energy.svg").read_text()
    words = "".join(ElementTree.fromstring(text).itertext())
    assert "resnet18, cifar10" in words
    assert "conv1" in words
    assert "dc:date" not in text


def test_drawing_leaves_the_settings_of_matplotlib_alone(tmp_path: Path) -> None:
    import matplotlib

    before = dict(matplotlib.rcParams)
    save_figure(made_result(), tmp_path)
    assert dict(matplotlib.rcParams) == before
