"""Study definitions that are wrong: is each refused in one sentence that names the place?"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from sparsesim.study.definition import define
from sparsesim.study.flags import Flags
from workloads.errors import UserError

TRACE = next(Path(__file__).parents[2].joinpath("workloads/data/traces").glob("*.npz"))
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    monkeypatch.chdir(tmp_path)

    def write_file(text: str, name: str = "s.yaml") -> Path:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write_file


def refusal(path: Path | None = None, flags: Flags | None = None) -> str:
    with pytest.raises(UserError) as caught:
        define(path, flags or Flags())
    return str(caught.value)


HEAD = "network: alexnet\n"


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("vary: {grops: [1]}", "2:8", "unknown field 'grops'. Did you mean 'groups'?"),
        ("vary: {array: [1]}", "2:8", "'array' is a section"),
        ("vary:\n  groups: [14, 28, x]", "3:20", "must be a whole number from 1 to 4096 (got 'x')."),
        ("vary: {groups: [14, 28, 14]}", "2:25", "has the value 14 twice, first at s.yaml:2:17."),
        ("vary: {groups: []}", "2:16", "array.groups has no values"),
        ("vary: {groups: 14}", "2:16", "array.groups must be a list of values, {from:"),
        ("vary: {groups: null}", "2:16", "array.groups must be a list of values, {from:"),
        ("vary: {groups: [[1]]}", "2:17", "array.groups must be one value (got a list)."),
        ("vary: {groups: [true]}", "2:17", "must be a whole number from 1 to 4096 (got 'True')."),
        ("vary: {groups: [14.0]}", "2:17", "must be a whole number from 1 to 4096 (got '14.0')."),
        ("vary: {clock_mhz: [.nan]}", "2:20", "must be a number from 1 to 10000 (got 'nan')."),
        ("vary: {prune: [0, 1]}", "2:19", "prune must be a number from 0 (no pruning) to 0.99"),
        ("vary: {prune: [x]}", "2:16", "prune must be a number"),
        ("vary: {density_input: [1.5]}", "2:24", "density_input must be a number from 0 to 1 (got '1.5')."),
        ("vary: {activations: [imagnet]}", "2:22", "unknown activations 'imagnet'. Did you mean 'imagenet'?"),
        ("vary: {seed: [-1]}", "2:15", "seed must be a whole number from 0 to 2^63 - 1 (got '-1')."),
        ("vary: {batch: [0]}", "2:16", "batch must be a whole number from 1 to 4096 (got '0')."),
        ("vary: {kind: [ddr5]}", "2:15", "memory.kind must be lpddr4, ddr4 or hbm2 (got 'ddr5')."),
        ("vary: {datasets: [cifar]}", "2:19", "unknown dataset 'cifar'. Did you mean 'cifar10'?"),
        ("vary: {machine: [sparsetrian]}", "2:18", "Did you mean 'sparsetrain'?"),
        ("vary: {machine: [no.yaml]}", "2:18", "there is no such file"),
        ("vary: {energy: [no.yaml]}", "2:17", "there is no such file"),
        ("vary: {energy.wir.transfer: [1]}", "2:8", "unknown component 'wir'. Did you mean 'wire'?"),
        ("vary: {energy.wire.transfer.mid: [1]}", "2:8", "unknown column 'mid'."),
        ("vary: {energy.wire.transfer: [-1]}", "2:31", "must be a number from 0 to 1e+09 (got '-1')."),
        ("vary: {groups: {from: 1, to: 8}}\nvary: {}", "3:1", "field 'vary' is given twice"),
        ("vary: {}", "2:7", "vary is empty"),
        ("points: []", "2:9", "points is empty"),
        ("points: [3]", "2:10", "a point must be a mapping of settings"),
        ("points: [{groups: 7}, {array.groups: 7}]", "2:23", "listed twice, first at s.yaml:2:10"),
        ("points: [{groups: 7, array.groups: 14}]", "2:22", "is given twice, first at s.yaml:2:11"),
        ("points: [{network: vgg16}]", "2:11", "network is given twice, first at s.yaml:1:1; keep one."),
        ("vary: {groups: [7]}\npoints: [{banks: 4}]", "2:8", "beside a list of points (at s.yaml:3:10)"),
        ("search: {groups: [7]}\npoints: [{banks: 4}]", "2:10", "varied beside a list of points"),
        ("set: {groups: 7}\nvary: {array.groups: [7]}", "3:8", "given twice, first at s.yaml:2:7"),
        ("networks: [vgg16]\nvary: {groups: [7]}", "1:1", "network is given twice, first at s.yaml:2:1"),
        ("set: {groups: [7]}\nvary: {banks: [4]}", "2:15", "array.groups must be one value (got a list)."),
        ("set: {prune: 0.5, density_input: 0.5}\nvary: {banks: [4]}", "2:19", "contradict each other"),
        ("set: {activations: here, density_input: 0.5}\nvary: {banks: [4]}", "2:26", "contradict each other"),
        ("trace: TRACE\nvary: {banks: [4]}", "1:1", "network and trace (given at s.yaml:2:1) contradict"),
        ("vry: {groups: [7]}", "2:1", "unknown field 'vry'. Did you mean 'vary'?"),
        ("vary: [groups]", "2:7", "vary must be a mapping of fields (got a list)."),
        ("datasets: cifar10\nvary: {groups: [7]}", "2:11", "datasets must be a list (got 'cifar10')."),
        ("name: 3\nvary: {groups: [7]}", "2:7", "name must be text of 1 to 100 characters (got '3')."),
        ("name: a/b\nvary: {groups: [7]}", "2:7", "name must be usable as the name of a folder"),
        ("name: ..\nvary: {groups: [7]}", "2:7", "name must be usable as the name of a folder"),
        ("minimize: [cycle]\nvary: {groups: [7]}", "2:12", "Did you mean 'cycles'?"),
        ("minimize: [3]\nvary: {groups: [7]}", "2:12", "an objective must be text (got '3')."),
        ("minimize: [cycles, with_dram_cycles]\nvary: {groups: [7]}", "2:20", "is an objective twice"),
        ("constraints: [area < 2]\nvary: {groups: [7]}", "2:15", "is not a constraint"),
        ("vary: {groups: {from: 1, to: 4, step: 1, by: 2}}", "2:42", "unknown field of a range 'by'."),
        ("vary: {groups: {to: 4, step: 1}}", "2:16", "the range of array.groups needs from, a number."),
        ("vary: {groups: {from: a, to: 4, step: 1}}", "2:23", "from of array.groups must be a number"),
        ("vary: {groups: {from: 1, to: .inf, step: 1}}", "2:30", "to of array.groups must be a number"),
        ("vary: {groups: {from: 1, to: 4, step: 0}}", "2:16", "must have a step above 0 (got 0)."),
        ("vary: {groups: {from: 1, to: 4, factor: 1}}", "2:16", "must have a factor above 1 (got 1)."),
        ("vary: {groups: {from: 4, to: 1, step: 1}}", "2:16", "must not end before it begins (4 to 1)."),
        ("vary: {groups: {from: 1, to: 4, step: 1, factor: 2}}", "2:16", "has a step and a factor"),
        ("vary: {prune: {from: 0, to: 0.9, factor: 2}}", "2:15", "must begin above 0 to grow by factors"),
        ("vary: {groups: {from: 1, to: 2, step: 0.5}}", "2:16", "from 1 to 4096 (got '1.5')"),
        ("vary: {kilobytes: {from: 64, to: 1100, factor: 1.5}}", "2:19", "from 1 to 65536 (got '1093.5')"),
        ("vary: {prune: {from: 0, to: 0.9, step: 1e-300}}", "2:15", "has more than 1000000000 values"),
        ("vary: {clock_mhz: {from: 1, to: 2, factor: 1.0000001}}", "2:19", "has more than 10000 values"),
        ("vary: {kind: {from: 1, to: 2, step: 1}}", "2:14", "memory.kind is not a number and has no range"),
        ("search: {accumulated_samples: {from: 1, to: 8}}", "2:31", "only some numbers are legal"),
        ("search: {groups: {from: 7, to: 7}}", "2:18", "is a single value; put it under set."),
        ("search: {groups: {from: 7, to: 9, step: 0.5}}", "2:18", "its step must be one (got 0.5)."),
        ("search: {groups: {from: 7, to: 9, log: 1}}", "2:40", "log must be true or false (got '1')."),
        ("search: {groups: {from: 7, to: 9, log: true, step: 1}}", "2:18", "has a step and is logarithmic"),
        ("vary: {groups: {from: 7, to: 9, step: 1, log: true}}", "2:16", "logarithmic; keep one."),
        ("vary: {groups: " + "[" * 40 + "]" * 40 + "}", "2:46", "nested deeper"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_place(write: Write, text: str, place: str, words: str) -> None:
    shutil.copy(TRACE, "t.npz")
    message = refusal(write(HEAD + text.replace("TRACE", "t.npz") + "\n"))
    assert message.startswith(f"s.yaml:{place}: "), message
    assert words in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (Flags(vary=("groups",)), "--vary groups: must be NAME=VALUES, for example --vary groups=14,28,56."),
        (Flags(vary=("groups=",)), "--vary groups=: must be NAME=VALUES, for example"),
        (Flags(vary=("groups=1,,2",)), "--vary groups=1,,2: array.groups has an empty value;"),
        (Flags(vary=("groups=1:2",), overrides=("groups=1",)), "--vary groups=1:2: array.groups is given"),
        (Flags(vary=("groups=1:x:2",)), "--vary groups=1:x:2: to of array.groups must be a number"),
        (Flags(vary=("groups=7", "groups=14")), "--vary groups=14: array.groups is given twice, first with"),
        (Flags(overrides=("groups",)), "--set groups: must be KEY=VALUE, for example --set groups=28."),
        (Flags(overrides=("groups=x",)), "--set groups=x: array.groups must be a whole number"),
        (Flags(overrides=("seed=1",), seed=1), "--set seed=1: seed is given twice, first at --seed 1"),
        (Flags(networks="alexnet,"), "--networks alexnet,: must be names separated by commas."),
        (Flags(networks="alexnt"), "--networks alexnt: unknown network 'alexnt'. Did you mean 'alexnet'?"),
        (Flags(prune=1.0), "--prune 1.0: prune must be a number from 0 (no pruning) to 0.99"),
        (Flags(batch=0), "--batch 0: batch must be a whole number from 1 to 4096 (got '0')."),
        (Flags(minimize=("cycle",)), "--minimize cycle: unknown figure 'cycle'. Did you mean 'cycles'?"),
        (Flags(constraints=("area",)), "--constraint 'area': 'area' is not a constraint;"),
        (Flags(vary=("groups=7,14",)), "command line: network is missing; give networks (--networks)"),
        (Flags(networks="alexnet"), "command line: nothing is varied; add"),
        (Flags(energy="no.yaml"), "--energy no.yaml: "),
        (Flags(trace="no.npz"), "--trace no.npz: "),
        (Flags(machine="x\0.yaml"), "--machine x\0.yaml: machine must be the path of a file"),
    ],
)  # fmt: skip
def test_a_wrong_option_is_named(flags: Flags, message: str) -> None:
    assert refusal(None, flags).startswith(message)


def test_a_file_that_varies_nothing_tells_the_remedy(write: Write) -> None:
    message = refusal(write("networks: [alexnet]\nset: {groups: 7}\n"))
    assert message.startswith("s.yaml: nothing is varied; add `vary: {groups: [28, 56]}` or `points:`")


@pytest.mark.parametrize("text", ["", "- 1\n", "vary: {a: *b}\n", "\x00", "vary: {groups: [1\n", "%YAML 9\n"])
def test_what_is_no_study_file_is_refused(write: Write, text: str) -> None:
    assert refusal(write(text)).startswith("s.yaml")


def test_a_folder_and_a_missing_file_are_no_study_files(tmp_path: Path) -> None:
    assert "is not a file; give the path of a study file" in refusal(tmp_path)
    assert "there is no such file; give the path of a study file" in refusal(tmp_path / "no.yaml")


def test_aliases_cannot_multiply_values(write: Write) -> None:
    lines = ["a: &a0 [1,1,1,1,1,1,1,1,1,1]"] + [
        f"b{n}: &a{n} [{','.join(f'*a{n - 1}' for _ in range(10))}]" for n in range(1, 9)
    ]
    assert "aliases" in refusal(write("\n".join(lines) + "\n"))


def test_a_machine_file_that_is_wrong_by_itself_is_refused_at_once(write: Write) -> None:
    write("array: {groups: 0}\n", "m.yaml")
    message = refusal(None, Flags(networks="alexnet", machine="m.yaml", vary=("banks=4,8",)))
    assert "m.yaml:1:17: array.groups must be a whole number from 1 to 4096" in message
