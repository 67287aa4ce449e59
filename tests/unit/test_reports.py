"""Reports: is everything a reader needs there, at every width, and do equal results give equal pictures?"""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest

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
