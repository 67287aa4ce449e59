"""Names side by side: are they brief and harmless, and do different ones stay different?"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.text import LONGEST_NAME, shown_name, shown_names

NUMBER = len(" (99)")
PARTS = st.lists(st.sampled_from(["encoder", "layer", "0", "1", "convolution", "x" * 50, ""]), max_size=12)
NAMES = st.lists(
    PARTS.map(".".join)
    | PARTS.map("/".join)
    | st.text(max_size=60)
    | st.sampled_from(["a? (1)", "a?", "a\x1b"]),
    max_size=12,
)


@given(NAMES, st.sampled_from([LONGEST_NAME, 28, 16]))
def test_different_names_stay_different_and_all_are_brief_and_printable(
    names: list[str], longest: int
) -> None:
    shown = shown_names(names, longest)
    assert len(shown) == len(names)
    assert len(set(zip(names, shown, strict=True))) == len(set(names)) == len(set(shown))
    assert all(one.isprintable() and len(one) <= longest + NUMBER for one in shown)
    assert shown_names(names, longest) == shown


def test_short_names_are_left_as_they_are() -> None:
    assert shown_names(["layer1.0.conv1", "fc", "fc", ""]) == ["layer1.0.conv1", "fc", "fc", ""]
    assert shown_names([]) == []


@pytest.mark.parametrize("longest", [40, 32, 28])
def test_layers_of_a_library_keep_what_tells_them_apart(longest: int) -> None:
    names = [
        f"resnet.encoder.stages.{stage}.layers.{layer}.layer.{at}.convolution"
        for stage in range(4)
        for layer in range(10, 13)
        for at in range(3)
    ]
    shown = shown_names([*names, "classifier.1"], longest)
    assert shown[-1] == "classifier.1"
    for name, one in zip(names, shown, strict=False):
        stage, layer, at = [part for part in name.split(".") if part.isdigit()]
        assert one.strip(".").endswith(f"{stage}.layers.{layer}.layer.{at}")
        assert one.startswith("...")


def test_only_as_much_is_left_out_as_need_be() -> None:
    names = [f"model.backbone.block.{at}.weights.of.conv" for at in range(3)]
    assert shown_names(names, 40) == names
    assert shown_names(names, 34)[1] == "model.backbone.block.1.weights..."
    assert shown_names(names, 24)[1] == "...backbone.block.1..."
    assert shown_names(names, 18)[1] == "...block.1..."


def test_shared_parts_are_those_of_long_names_only() -> None:
    names = ["model.head", f"model.{'deep.' * 10}a", f"model.{'deep.' * 10}b"]
    assert shown_names(names, 24)[0] == "model.head"


def test_a_long_name_alone_or_without_parts_has_its_middle_left_out() -> None:
    name = "first" + "x" * 80 + "last"
    assert shown_names([name]) == [shown_name(name)]
    assert shown_name(name).startswith("first")
    assert shown_name(name).endswith("last")
    assert len(shown_name(name, 25)) == 25


def test_what_differs_only_where_it_is_cut_is_numbered() -> None:
    names = [f"{'x' * 60}{at}{'y' * 60}" for at in range(3)]
    shown = shown_names([*names, names[0]])
    assert [one[-4:] for one in shown] == [" (1)", " (2)", " (3)", " (1)"]


def test_a_number_that_some_name_has_already_is_not_given_again() -> None:
    assert shown_names(["a\x1b", "a\x1c", "a? (1)"]) == ["a? (2)", "a? (3)", "a? (1)"]
