"""Study definitions: is what is asked understood exactly, and everything else refused with its place?"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from sparsesim.study.definition import Axis, Definition, define
from sparsesim.study.flags import Flags
from sparsesim.study.objectives import Constraint, Objective
from sparsesim.study.resolve import request_of
from sparsesim.study.values import Choices, Range, Steps
from workloads.errors import UserError

REPOSITORY = Path(__file__).parents[2]
TRACE = next((REPOSITORY / "workloads" / "data" / "traces").glob("*.npz"))
Write = Callable[..., Path]

EXAMPLE = """\
name: groups-and-buffer
machine: sparsetrain
set: {memory.kind: lpddr4, batch: 8}
networks: [resnet18]
datasets: [cifar10, cifar100]
vary:
  groups: [14, 28, 56, 112]
  prune: {from: 0, to: 0.9, step: 0.3}
  kilobytes: {from: 64, to: 1024, factor: 2}
minimize: [cycles, energy]
maximize: [speedup]
constraints: ["area <= 2"]
"""
EXAMPLE_FLAGS = Flags(
    machine="sparsetrain",
    overrides=("kind=lpddr4",),
    batch=8,
    networks="resnet18",
    datasets="cifar10,cifar100",
    vary=("groups=14,28,56,112", "prune=0:0.9:0.3", "kilobytes=64:1024*2"),
    minimize=("cycles,energy",),
    maximize=("speedup",),
    constraints=("area <= 2",),
)


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


def values_of(definition: Definition) -> dict[str, tuple[object, ...]]:
    return {axis.name: tuple(axis.values) for axis in definition.axes}


def asked(definition: Definition) -> tuple[object, ...]:
    return (
        dict(definition.base),
        list(values_of(definition).items()),
        definition.objectives,
        definition.constraints,
    )


# What is understood


def test_a_study_file_is_read_as_written(write: Write) -> None:
    definition = define(write(EXAMPLE))
    assert definition.name == "groups-and-buffer"
    assert definition.base == {
        "machine": "sparsetrain",
        "memory.kind": "lpddr4",
        "batch": 8,
        "network": "resnet18",
    }
    assert list(values_of(definition).items()) == [
        ("dataset", ("cifar10", "cifar100")),
        ("array.groups", (14, 28, 56, 112)),
        ("prune", (0.0, 0.3, 0.6, 0.9)),
        ("buffer.kilobytes", (64, 128, 256, 512, 1024)),
    ]
    assert definition.objectives == (
        Objective("with_dram_cycles", "minimize"),
        Objective("with_dram_energy_pj", "minimize"),
        Objective("with_dram_speedup", "maximize"),
    )
    assert definition.constraints == (Constraint("area_mm2", "<=", 2.0),)
    assert definition.axes[1].where == "s.yaml:7:3"


def test_options_say_the_same_as_a_file(write: Write) -> None:
    from_file, from_options = define(write(EXAMPLE)), define(None, EXAMPLE_FLAGS)
    assert asked(from_options) == asked(from_file)
    assert from_options.digest() == from_file.digest()


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("prune=0:0.9:0.1", (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)),
        ("prune=0.1:0.5:0.15", (0.1, 0.25, 0.4)),
        ("groups=7:28:7", (7, 14, 21, 28)),
        ("groups=7:30:7", (7, 14, 21, 28)),
        ("kilobytes=64:200*1.5", (64, 96, 144)),
        ("clock_mhz=100:1000*10", (100.0, 1000.0)),
        ("seed=0,5", (0, 5)),
        ("groups= 14 , 28 ", (14, 28)),
        ("skip_zeros=true,false", (True, False)),
        ("row_handout=static,dynamic", ("static", "dynamic")),
        ("memory.kind=hbm2", ("hbm2",)),
        ("energy.wire.transfer=1e-3:1e3*1000", (0.001, 1.0, 1000.0)),
    ],
)
def test_values_on_the_command_line(text: str, values: tuple[object, ...]) -> None:
    (axis,) = define(None, Flags(networks="alexnet", vary=(text,))).axes
    assert tuple(axis.values) == values
    assert [type(value) for value in axis.values] == [type(value) for value in values]


def test_a_progression_is_exact_whatever_its_length() -> None:
    (axis,) = define(None, Flags(networks="alexnet", vary=("bandwidth_gbytes_per_second=0.1:1000:0.1",))).axes
    assert len(axis.values) == 10_000
    assert all(value == float(f"{place + 1}e-1") for place, value in enumerate(axis.values))
    assert (axis.values[-1], axis.values[2:4]) == (1000.0, (0.3, 0.4))


def test_a_search_takes_choices_and_ranges(write: Write) -> None:
    text = """\
network: alexnet
search:
  groups: [7, 14, 28]
  kilobytes: {from: 64, to: 1024, factor: 4}
  banks: {from: 1, to: 8}
  prune: {from: 0, to: 0.99, step: 0.3}
  bandwidth_gbytes_per_second: {from: 1, to: 100, log: true}
"""
    definition = define(write(text))
    assert {axis.name: axis.space for axis in definition.search} == {
        "array.groups": Choices((7, 14, 28)),
        "buffer.kilobytes": Choices((64, 256, 1024)),
        "buffer.banks": Range(1, 8, whole=True),
        "prune": Range(0, 0.9, step=0.3),  # the end is a value of the range
        "memory.bandwidth_gbytes_per_second": Range(1, 100, log=True),
    }


def test_an_open_range_among_the_varied_is_searched() -> None:
    definition = define(None, Flags(networks="alexnet", vary=("banks=1:8", "groups=7,14")))
    assert [axis.name for axis in definition.axes] == ["array.groups"]
    assert [(axis.name, axis.space) for axis in definition.search] == [
        ("buffer.banks", Range(1, 8, whole=True))
    ]


def test_points_are_listed_with_their_own_settings(write: Write) -> None:
    text = "network: alexnet\npoints:\n  - {groups: 14, pes_per_group: 3}\n  - {prune: 0.5}\n"
    assert define(write(text)).points == ({"array.groups": 14, "array.pes_per_group": 3}, {"prune": 0.5})


# Names of studies, files


def test_a_study_is_named_after_its_file(write: Write) -> None:
    assert define(write("network: alexnet\nvary: {groups: [7]}\n", "a/my study.yaml")).name == "my study"


def test_a_study_of_options_is_named_by_what_it_asks() -> None:
    flags = Flags(networks="alexnet,resnet18", datasets="cifar10", vary=("groups=7,14",))
    name = define(None, flags).name
    assert name.startswith("alexnet-resnet18-cifar10-")
    assert name.endswith(define(None, flags).digest()[:8])
    other = Flags(networks="alexnet,resnet18", datasets="cifar10", vary=("groups=7,28",))
    assert define(None, other).name != name


def test_objectives_and_constraints_do_not_make_another_plan(write: Write) -> None:
    plain = define(write("network: alexnet\nvary: {groups: [7]}\n"))
    aims = 'minimize: [area]\nconstraints: ["area<=1"]\n'
    judged = define(write("network: alexnet\nvary: {groups: [7]}\n" + aims))
    assert plain.digest() == judged.digest()


def test_files_are_relative_to_the_study_file_and_count_by_content(write: Write) -> None:
    text = "network: alexnet\nmachine: mine.yaml\nenergy: e.yaml\nvary: {groups: [7]}\n"
    table = (
        "name: e\ncomponents:\n  wire:\n"
        "    transfer: {centre: %s, low: 1, high: 200, unit: fJ/bit/mm, source: a test}\n"
    )
    table = table.replace("fJ/bit/mm", unit_of_wire())
    for folder in ("a", "b"):
        write("array: {clusters: 7}\n", f"{folder}/mine.yaml")
        write(table % 50, f"{folder}/e.yaml")
    first, second = define(write(text, "a/s.yaml")), define(write(text, "b/s.yaml"))
    assert first.base["machine"] == str(Path("a/mine.yaml").absolute())
    assert first.digest() == second.digest()
    write("array: {clusters: 1}\n", "b/mine.yaml")
    assert define(Path("b/s.yaml")).digest() != first.digest()
    write("array: {clusters: 7}\n", "b/mine.yaml")
    write(table % 51, "b/e.yaml")
    assert define(Path("b/s.yaml")).digest() != first.digest()


def unit_of_wire() -> str:
    from sparsesim.energy import default_table

    return default_table().row("wire.transfer").unit


def test_a_trace_stands_for_a_network(write: Write) -> None:
    shutil.copy(TRACE, "t.npz")
    definition = define(None, Flags(trace="t.npz", vary=("groups=7,14",)))
    assert definition.base == {"trace": str(Path("t.npz").absolute())}
    assert definition.name == f"t-{definition.digest()[:8]}"


# Options over a file


def test_options_replace_what_they_name_and_keep_the_rest(write: Write) -> None:
    flags = Flags(
        vary=("groups=7,14", "banks=4,8"), prune=0.5, networks="alexnet,vgg16", datasets="imagenet", batch=4
    )
    definition = define(write(EXAMPLE), flags)
    assert definition.base == {
        "machine": "sparsetrain",
        "memory.kind": "lpddr4",
        "batch": 4,
        "prune": 0.5,
        "dataset": "imagenet",
    }
    assert list(values_of(definition).items()) == [
        ("network", ("alexnet", "vgg16")),
        ("array.groups", (7, 14)),
        ("buffer.kilobytes", (64, 128, 256, 512, 1024)),
        ("buffer.banks", (4, 8)),
    ]


def test_objectives_are_replaced_and_constraints_added(write: Write) -> None:
    definition = define(write(EXAMPLE), Flags(maximize=("speedup",), constraints=("time <= 5",)))
    assert definition.objectives == (Objective("with_dram_speedup", "maximize"),)
    assert definition.constraints == (
        Constraint("area_mm2", "<=", 2.0),
        Constraint("with_dram_time_ms", "<=", 5.0),
    )


def test_an_option_about_a_setting_of_a_point_is_refused(write: Write) -> None:
    path = write("network: alexnet\npoints:\n  - {groups: 14}\n")
    expected = "--set groups=7: array.groups is given by the point at s.yaml:3:5 too; keep one."
    assert refusal(path, Flags(overrides=("groups=7",))) == expected


def test_a_request_can_be_made_of_what_is_checked(write: Write) -> None:
    definition = define(write(EXAMPLE))
    request = request_of({**definition.base, **{axis.name: axis.values[0] for axis in definition.axes}})
    assert (request.machine.array.groups, request.machine.buffer.kilobytes) == (14, 64)


def test_steps_are_a_sequence() -> None:
    steps = Steps(Decimal("0.1"), Decimal("0.1"), 3, whole=False)
    assert list(steps) == [0.1, 0.2, 0.3]
    assert steps[-1] == 0.3
    with pytest.raises(IndexError):
        steps[3]
    assert Axis("prune", steps) == Axis("prune", Steps(Decimal("0.1"), Decimal("0.1"), 3, whole=False), "x")
