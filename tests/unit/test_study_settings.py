"""Settings of studies: are all known, by which names, and is it true what each is said to change?"""

from __future__ import annotations

from pathlib import Path

import pytest

from sparsesim.machine import Machine, export_yaml, load_machine
from sparsesim.study.legal import check_value
from sparsesim.study.resolve import text_of
from sparsesim.study.settings import (
    OWN,
    canonical,
    energy_settings,
    kind_of,
    machine_fields,
    simulation_settings,
    sparse_settings,
)
from sparsesim.workload import accumulated_samples
from workloads.errors import UserError


def test_every_setting_is_known_by_its_canonical_name() -> None:
    names = [*OWN, *machine_fields(), "energy.wire.transfer", "energy.wire.transfer.low"]
    assert [canonical(name, "here") for name in names] == names


def test_short_names_that_are_ambiguous_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    fields = ("array.groups", "other.groups")
    monkeypatch.setattr("sparsesim.study.settings.machine_fields", lambda: fields)
    with pytest.raises(UserError, match=r"'groups' is ambiguous; write array\.groups or other\.groups"):
        canonical("groups", "here")


def default_of(name: str) -> object:
    value: object = Machine()
    for part in name.split("."):
        value = getattr(value, part)
    return value


@pytest.mark.parametrize("name", machine_fields())
def test_the_default_of_a_field_is_legal_and_keeps_its_type(name: str) -> None:
    default = default_of(name)
    checked = check_value(name, default, "here")
    assert (checked, type(checked)) == (default, type(default))
    kinds = {"text": str, "whole": int, "number": float, "boolean": bool}
    assert kinds[kind_of(name)] is type(default)


CHANGED: dict[str, object] = {
    "array.groups": 7,
    "array.clusters": 8,
    "memory.kind": "ddr4",
    "data.operand_bits": None,  # 16 is the only one
    "data.operand_format": "bf16",
    "data.row_format": "offset",
    "policy.row_handout": "dynamic",
    "policy.job_handout": "static",
    "mapping.stays": "weights",
    "policy.channel_order": "density",
    "mapping.gtw_broadcast": "I",
    "buffer.line_bits": 256,
    "data.sum_bits": 64,
    "policy.accumulated_samples": 1,
    "pe.row_slot_entries": 32,
    "pe.reg1_words": 32,
    "pe.reg2_words": 32,
}


def changed(name: str) -> object:
    default = default_of(name)
    if name in CHANGED:
        return CHANGED[name]
    return not default if isinstance(default, bool) else default + 1  # type: ignore[operator]


def consumed_by_engine(*overrides: str, dense: bool) -> tuple[object, ...]:
    machine = load_machine("sparsetrain", overrides)
    seen = machine.dense_baseline() if dense else machine
    return seen.to_target(), accumulated_samples(machine, 32)


@pytest.mark.parametrize("name", [name for name in machine_fields() if changed(name) is not None])
def test_a_field_changes_the_runs_it_is_said_to_change(name: str) -> None:
    override = f"{name}={text_of(changed(name))}"  # type: ignore[arg-type]
    differs = {
        dense: consumed_by_engine(override, dense=dense) != consumed_by_engine(dense=dense)
        for dense in (False, True)
    }
    assert differs[False] == (name in simulation_settings([name]))
    assert differs[True] == (name in simulation_settings([name]) - sparse_settings([name]))


def test_the_kind_of_memory_is_energy_alone_beside_bandwidth_and_latency() -> None:
    beside = ["memory.kind", "memory.latency_ns", "memory.bandwidth_gbytes_per_second"]
    assert energy_settings(beside) == {"memory.kind"}
    assert energy_settings(beside[:2]) == frozenset()
    given = ("latency_ns=40", "bandwidth_gbytes_per_second=20")
    targets = {load_machine("sparsetrain", [*given, f"kind={kind}"]).to_target() for kind in ("ddr4", "hbm2")}
    assert len(targets) == 1


def test_energy_tables_and_rows_change_no_simulation() -> None:
    names = ["energy", "energy.wire.transfer", "energy.sram.leak.low", "prune", "array.groups"]
    assert energy_settings(names) == set(names[:3])
    assert simulation_settings(names) == set(names[3:])


def test_samples_of_a_trace_change_dense_runs_too() -> None:
    assert sparse_settings(["samples", "seed"]) == {"samples", "seed"}
    assert sparse_settings(["samples", "trace"]) == frozenset()


def test_a_file_of_a_machine_is_known_by_its_whole_path(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_text(export_yaml(load_machine("sparsetrain", ["groups=14"])))
    assert check_value("machine", "m.yaml", "here", tmp_path) == str(path)
