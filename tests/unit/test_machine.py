"""Machine descriptions: is every wrong one refused in a clear sentence, every right one read as written?"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from compiler.target import Target
from sparsesim.machine import Machine, export_yaml, list_machines, load_machine
from sparsesim.machine.description import ArraySection, BufferSection, DataSection
from sparsesim.machine.fields import field_rows
from sparsesim.machine.load import resolve_field
from sparsesim.machine.located import MAX_BYTES, parse_yaml
from workloads.errors import UserError


def message_of(name: str | Path, *overrides: str) -> str:
    with pytest.raises(UserError) as caught:
        load_machine(name, overrides)
    return str(caught.value)


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)

    def write_file(text: str, name: str = "my.yaml") -> str:
        Path(name).write_text(text)
        return name

    return write_file


# What there is


def test_the_preset_holds_the_defaults_of_the_model() -> None:
    preset = load_machine("sparsetrain")
    assert preset == Machine(description=preset.description)


def test_the_presets_are_listed() -> None:
    assert list_machines() == ("sparsetrain", "sparsetrain-tuned")


@pytest.mark.parametrize("name", list_machines())
def test_a_preset_writes_every_field_but_the_defaults_of_the_memory_kind(name: str) -> None:
    text = Path(__file__).parents[2].joinpath(f"sparsesim/machine/presets/{name}.yaml").read_text()
    tree = parse_yaml(text, f"{name}.yaml", "machine description")
    absent = [row.name for row in field_rows() if tree.at(tuple(row.name.split("."))) is None]
    assert absent == ["memory.bandwidth_gbytes_per_second", "memory.latency_ns"]


def test_the_machine_is_168_pes_with_386_kilobytes() -> None:
    machine = load_machine("sparsetrain")
    assert (machine.pes, machine.groups_per_cluster) == (168, 8)
    assert machine.buffer_bytes == 395_264
    assert machine.words_per_line == 8


# What the compiler is told


def test_the_target_of_sparsetrain() -> None:
    assert load_machine("sparsetrain").to_target() == Target(
        clusters=7,
        groups_per_cluster=8,
        pes_per_group=3,
        macs_per_pe=1,
        row_slots=2,
        row_slot_entries=64,
        reg1_words=64,
        reg2_words=64,
        pipeline_cycles=3,
        ppu_words_per_cycle=4,
        buffer_bytes=386 * 1024,
        buffer_banks=4,
        words_per_line=8,
        read_latency_cycles=2,
        dispatch_cycles=4,
        tile_switch_cycles=16,
        operand_bits=16,
        sum_bits=32,
        row_format="bitmask",
        skip_zeros=True,
        mask_skipping=True,
        input_skipping=True,
        row_handout_dynamic=False,
        job_handout_dynamic=True,
        dram_bytes_per_cycle=32.0,  # 25.6 GB/s at 800 MHz
        dram_latency_cycles=52,  # 65 ns x 0.8 cycles/ns
    )


@pytest.mark.parametrize(
    ("clock_mhz", "latency_ns", "cycles"),
    [(800, 65, 52), (800, 65.1, 53), (1000, 50, 50), (300, 50, 15), (333, 10, 4), (800, 0, 0)],
)
def test_latency_is_rounded_up_to_cycles(clock_mhz: float, latency_ns: float, cycles: int) -> None:
    machine = load_machine("sparsetrain", [f"clock_mhz={clock_mhz}", f"latency_ns={latency_ns}"])
    assert machine.to_target().dram_latency_cycles == cycles


@pytest.mark.parametrize(
    ("kind", "bandwidth", "latency"), [("lpddr4", 25.6, 65), ("ddr4", 25.6, 50), ("hbm2", 256, 50)]
)
def test_bandwidth_and_latency_follow_the_kind_of_memory(kind: str, bandwidth: float, latency: float) -> None:
    memory = load_machine("sparsetrain", [f"kind={kind}"]).memory
    assert (memory.bandwidth_gbytes_per_second, memory.latency_ns) == (bandwidth, latency)


def test_a_given_bandwidth_is_kept_whatever_the_kind() -> None:
    memory = load_machine("sparsetrain", ["kind=hbm2", "bandwidth_gbytes_per_second=100"]).memory
    assert (memory.bandwidth_gbytes_per_second, memory.latency_ns) == (100, 50)


def test_the_dense_baseline_differs_in_nothing_but_the_skipping() -> None:
    machine = load_machine("sparsetrain", ["row_format=offset", "row_handout=dynamic"])
    dense = machine.dense_baseline()
    assert dense.name == "sparsetrain-dense"
    assert dense.to_target().row_format == "dense"
    different = {row.name for row in field_rows() if value_of(machine, row.name) != value_of(dense, row.name)}
    assert different == {"name", "policy.skip_zeros", "policy.mask_skipping", "policy.input_skipping"}
    assert dense.dense_baseline() == dense


def value_of(machine: Machine, name: str) -> object:
    value: object = machine
    for part in name.split("."):
        value = getattr(value, part)
    return value


# Every field


LEGAL = {row.name: row.legal for row in field_rows()}
NUMBERS = [name for name, legal in LEGAL.items() if "number" in legal]


def limits_of(name: str) -> tuple[str, str]:
    words = LEGAL[name].split()
    return (words[-3], words[-1]) if "from" in words else (words[-5], words[-1])


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_outside_its_range_is_refused(name: str) -> None:
    low, high = limits_of(name)
    exclusive = "greater" in LEGAL[name]
    for outside in (
        low if exclusive else f"{float(low) - 1:g}",
        str(int(high) + 1),
        "nan",
        "many",
        "true",
        "[1]",
        "",
    ):
        text = message_of("sparsetrain", f"{name}={outside}")
        got = "nothing" if outside == "" else f"{outside!r}"
        assert text == f"--set {name}={outside}: {name} must be {LEGAL[name]} (got {got})."


@pytest.mark.parametrize("name", NUMBERS)
def test_the_limits_of_a_range_are_legal_for_the_field(name: str) -> None:
    section, _, field = name.partition(".")
    model = type(getattr(Machine(), section))
    low, high = (float(limit) for limit in limits_of(name))
    if "greater" in LEGAL[name]:
        low = 1e-9
    whole = "whole" in LEGAL[name]
    for limit in (low, high):
        assert getattr(model(**{field: int(limit) if whole else limit}), field) == limit


@pytest.mark.parametrize(
    "name", [name for name, legal in LEGAL.items() if " or " in legal and "number" not in legal]
)
def test_a_choice_takes_what_it_lists_and_nothing_else(name: str) -> None:
    choices = LEGAL[name].replace(" or ", ", ").split(", ")
    for choice in choices:
        machine = load_machine("sparsetrain", [f"{name}={choice}"])
        assert str(value_of(machine, name)).lower() == choice.lower()
    for other in ("other", "7", "yes"):
        assert message_of("sparsetrain", f"{name}={other}").endswith(
            f"must be {LEGAL[name]} (got '{other}')."
        )


def test_every_field_says_what_it_means_and_numbers_their_unit() -> None:
    rows = field_rows()
    assert all(len(row.meaning) > 15 for row in rows)
    assert [row.name for row in rows if row.name in NUMBERS and not row.unit] == []


def test_a_whole_number_is_not_taken_from_a_float_or_a_text(write) -> None:
    path = write('array: {groups: 56.0}\npe: {row_slots: "2"}\n')
    assert message_of(path) == (
        "my.yaml:1:17: array.groups must be a whole number from 1 to 4096 (got '56.0').\n"
        "my.yaml:2:17: pe.row_slots must be a whole number from 1 to 16 (got '2')."
    )


# Rules between fields


def test_clusters_that_do_not_divide_the_groups() -> None:
    assert message_of("sparsetrain", "clusters=6") == (
        "--set clusters=6: array.clusters must divide array.groups = 56 (got 6); "
        "its divisors are 1, 2, 4, 7, 8, 14, 28, 56."
    )


def test_a_contradiction_is_placed_at_the_override_that_made_it() -> None:
    assert message_of("sparsetrain", "groups=30").startswith("--set groups=30: array.clusters must divide")


def test_a_contradiction_inside_a_file_is_placed_there(write) -> None:
    path = write("buffer:\n  line_bits: 40\n")
    assert message_of(path) == (
        "my.yaml:2:14: buffer.line_bits must be a multiple of data.operand_bits = 16 (got 40); "
        "the nearest is 32 or 48.\n"
        "my.yaml:2:14: buffer.line_bits must be a multiple of data.sum_bits = 32 (got 40); "
        "the nearest is 32 or 64."
    )


def test_more_banks_than_lines() -> None:
    assert message_of("sparsetrain", "kilobytes=1", "banks=65") == (
        "--set banks=65: buffer.banks must be at most 64, the number of 128-bit lines in 1 KB (got 65)."
    )
    assert load_machine("sparsetrain", ["kilobytes=1", "banks=64"]).buffer.banks == 64


def test_bf16_with_sums_other_than_32_bits() -> None:
    assert message_of("sparsetrain", "operand_format=bf16", "sum_bits=64") == (
        "--set sum_bits=64: data.sum_bits must be 32 where data.operand_format is bf16 (got 64); "
        "set data.operand_format to int16 for another width."
    )


def test_contradictions_are_refused_in_python_too() -> None:
    with pytest.raises(ValidationError, match="clusters must divide"):
        Machine(array=ArraySection(groups=10, clusters=4))
    with pytest.raises(ValidationError, match="must be a multiple of"):
        Machine(buffer=BufferSection(line_bits=16), data=DataSection(sum_bits=32))


def test_a_machine_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Machine().name = "other"


# Overrides


def test_a_bare_and_a_dotted_name_mean_the_same() -> None:
    bare, dotted = (
        load_machine("sparsetrain", ["groups=28"]),
        load_machine("sparsetrain", ["array.groups=28"]),
    )
    assert bare == dotted
    assert bare.array.groups == 28


def test_the_last_override_of_a_field_wins() -> None:
    assert load_machine("sparsetrain", ["banks=4", "buffer.banks=16"]).buffer.banks == 16


def test_an_override_beats_the_file(write) -> None:
    assert load_machine(write("buffer: {banks: 4}"), ["banks=16"]).buffer.banks == 16


def test_an_override_of_a_text_stays_a_text() -> None:
    assert load_machine("sparsetrain", ["name=2=1+1"]).name == "2=1+1"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("groups", "--set groups: must be KEY=VALUE, for example --set groups=28."),
        ("=3", "--set =3: must be KEY=VALUE, for example --set groups=28."),
        (
            "array=3",
            "--set array=3: 'array' is a section; set one of its fields: "
            "array.groups, array.clusters, array.pes_per_group, array.clock_mhz.",
        ),
        (
            "array.groups.x=3",
            "--set array.groups.x=3: unknown field 'array.groups.x'. Did you mean 'array.groups'?",
        ),
        (
            "gruops=28",
            "--set gruops=28: unknown field 'gruops'. Did you mean 'groups'? Known: accumulated_samples, ",
        ),
        ("groups=abc", "--set groups=abc: array.groups must be a whole number from 1 to 4096 (got 'abc')."),
        ("groups=" + "9" * 200, "--set groups=" + "9" * 200 + ": a number of 200 characters is too long."),
    ],
)
def test_what_a_wrong_override_gets(override: str, message: str) -> None:
    text = message_of("sparsetrain", override)
    assert text == message or (text.startswith(message) and not message.endswith("."))


def test_an_ambiguous_name_lists_what_it_could_mean() -> None:
    with pytest.raises(UserError) as caught:
        resolve_field("banks", ["buffer.banks", "dram.banks", "name"], "--set banks=3")
    assert str(caught.value) == "--set banks=3: 'banks' is ambiguous; write buffer.banks or dram.banks."


def test_the_bare_names_of_all_fields_are_unique() -> None:
    names = [row.name.rpartition(".")[2] for row in field_rows()]
    assert len(set(names)) == len(names)


# Files


def test_a_file_gives_what_it_says_and_defaults_for_the_rest(write) -> None:
    machine = load_machine(write("array:\n  groups: 28  # half\npolicy: {skip_zeros: false}\n", "half.yaml"))
    expected = load_machine("sparsetrain", ["groups=28", "skip_zeros=false", "name=half", "description="])
    assert machine == expected


def test_everything_wrong_with_a_file_is_said_at_once(write) -> None:
    path = write(
        "array:\n  group: 3\n  clusters: 0\npe: 3\nbuffer:\n  banks: [1]\npolicy: {skip_zeros: on}\n"
    )
    assert message_of(path).splitlines() == [
        "my.yaml:3:13: array.clusters must be a whole number from 1 to 4096 (got '0').",
        "my.yaml:2:3: unknown field of array 'group'. Did you mean 'groups'? "
        "Known: clock_mhz, clusters, groups, pes_per_group.",
        "my.yaml:4:5: pe must be a mapping of fields (got '3').",
        "my.yaml:6:10: buffer.banks must be a whole number from 1 to 1024 (got a list).",
        "my.yaml:7:22: policy.skip_zeros must be true or false (got 'on').",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "my.yaml: is empty; a machine description is a mapping of fields."),
        ("# nothing\n", "my.yaml: is empty; a machine description is a mapping of fields."),
        ("- 1\n- 2\n", "my.yaml:1:1: a machine description must be a mapping of fields."),
        ("56", "my.yaml:1:1: a machine description must be a mapping of fields."),
        (
            "pe:\n  row_slots: 2\n  row_slots: 3\n",
            "my.yaml:3:3: field 'row_slots' is given twice, first at my.yaml:2:3; keep one.",
        ),
        ("name: a\n---\nname: b\n", "my.yaml:2:1: a machine description is one YAML document."),
        ("name: a: b\n", "my.yaml:1:8: is not valid YAML: mapping values are not allowed here."),
        ("name: [a\n", "my.yaml:2:1: is not valid YAML: expected ',' or ']', but got '<stream end>'."),
        ("name: *other\n", "my.yaml:1:7: is not valid YAML: found undefined alias 'other'."),
        ("? [a]\n: 1\n", "my.yaml:1:3: the name of a field must be one word."),
        (
            "name: " + "[" * 5000,
            "my.yaml:1:38: is nested deeper than the 32 levels a machine description may have.",
        ),
        ("array: {groups: 1" + "0" * 500 + "}", "my.yaml:1:17: a number of 501 characters is too long."),
        (
            "name: &a [*a]\n",
            "my.yaml:1:7: the aliases of this file stand for too many values; write them out.",
        ),
    ],
)
def test_what_a_file_that_is_no_description_gets(write, text: str, message: str) -> None:
    assert message_of(write(text)) == message


def test_aliases_cannot_multiply_without_end(write) -> None:
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 20)]
    assert "stand for too many values" in message_of(write("\n".join(lines)))


def test_what_a_path_that_is_no_file_gets(write, tmp_path: Path) -> None:
    assert (
        message_of("nope.yaml") == "nope.yaml: there is no such file; give the path of a machine description."
    )
    assert message_of(tmp_path) == f"{tmp_path}: is not a file; give the path of a machine description."
    assert message_of(os.devnull) == f"{os.devnull}: is not a file; give the path of a machine description."
    Path("binary.yaml").write_bytes(b"name: \xff\xfe\x00")
    assert message_of("binary.yaml") == "binary.yaml: is not a machine description: byte 6 is not UTF-8 text."
    Path("big.yaml").write_bytes(b"#" * (MAX_BYTES + 1))
    assert (
        message_of("big.yaml")
        == "big.yaml: is larger than 1048576 bytes, too large for a machine description."
    )


def test_an_unknown_name_suggests_the_nearest() -> None:
    assert message_of("sparsetrian") == (
        "unknown machine (neither built in nor a file) 'sparsetrian'. "
        "Did you mean 'sparsetrain'? Known: sparsetrain, sparsetrain-tuned."
    )


def test_random_damage_to_a_description_never_gives_anything_but_a_user_error() -> None:
    import numpy as np

    text = export_yaml(Machine())
    random = np.random.default_rng(np.random.SeedSequence(2))
    for _ in range(150):
        at, length = int(random.integers(len(text))), int(random.integers(1, 6))
        damage = "".join(random.choice(list("[]{}:&*!|>'\"#%@`,-? \n\t0aé\x00"), length))
        try:
            tree = parse_yaml(text[:at] + damage + text[at + length :], "damaged.yaml", "machine description")
        except UserError:
            continue
        assert isinstance(tree.plain(), dict)


@pytest.mark.parametrize(
    "overrides",
    [
        [],
        ["kind=hbm2", "latency_ns=33.3", "operand_format=bf16", "skip_zeros=false"],
        ["name=yes", "description=a: b # c"],
        ["name=007", "description=  two  blanks and a very " + "long " * 100 + "line"],
    ],
)
def test_an_exported_machine_is_read_back_equal(write, overrides: list[str]) -> None:
    machine = load_machine("sparsetrain", overrides)
    assert load_machine(write(export_yaml(machine))) == machine
