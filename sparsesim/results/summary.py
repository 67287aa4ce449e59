"""The shape of summary.json as pydantic checks it, as far as a result is made again from it.

Keys that follow from others (ratios, totals of energy) are only required; `sparsesim.results.rebuild`
compares them with what they follow from. Leaves are strict: text is text, and a number is neither text nor
true nor false.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AllowInfNan, BaseModel, ConfigDict, Field, Strict

Text = Annotated[str, Strict()]
Number = Annotated[float, Strict(), AllowInfNan(False), Field(ge=0)]
Fraction = Annotated[Number, Field(le=1)]
Whole = Annotated[int, Strict(), Field(ge=0)]
Counting = Annotated[int, Strict(), Field(ge=1)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class Header(_Part):
    """What says that a file is a summary, and of which kind."""

    schema_name: Literal["sparsesim-result/1"] = Field(alias="schema")
    revision: Counting = 1


class AccountsPart(_Part):
    """One quantity in both accountings."""

    on_chip: Number
    with_dram: Number


class OnChipStages(_Part):
    """Cycles by stage, on chip."""

    forward: Number
    gta: Number
    gtw: Number


class AllStages(OnChipStages):
    """Cycles by stage of the whole step."""

    other: Number


class StagesPart(_Part):
    """Cycles by stage in both accountings."""

    on_chip: OnChipStages
    with_dram: AllStages


class CausesPart(_Part):
    """Cycles of the PE groups by cause."""

    busy: Number
    reject: Number
    imbalance: Number
    buffer: Number
    ppu: Number
    dispatch: Number
    dram: Number
    other: Number


class BytesPart(_Part):
    """Bytes moved."""

    dram_read: Number
    dram_write: Number
    buffer_read: Number
    buffer_write: Number


class ExtremesPart(_Part):
    """Low and high energy in pJ by component, in both accountings."""

    on_chip: dict[Text, tuple[Number, Number]]
    with_dram: dict[Text, tuple[Number, Number]]


class RangePart(_Part):
    """A number by its centre and its extremes."""

    low: Number
    centre: Number
    high: Number


class EnergyPart(_Part):
    """Energy in pJ: totals, and by component centre values and extremes."""

    on_chip: RangePart
    with_dram: RangePart
    by_component: dict[Text, Number]
    by_component_on_chip: dict[Text, Number]
    by_component_range: ExtremesPart


class MeasuresPart(_Part):
    """What layers and runs have in common."""

    cycles: AccountsPart
    useful_macs: Number
    dense_macs: Number
    pe_utilization: Number
    group_cycles: CausesPart
    bytes: BytesPart
    energy_pj: EnergyPart


class RunPart(MeasuresPart):
    """A RUN of the schema."""

    cycles_by_stage: StagesPart
    cycles_half_width: AccountsPart | None = None
    energy_half_width_pj: AccountsPart | None = None


class LayerPart(MeasuresPart):
    """A LAYER of the schema."""

    name: Text
    stage: Literal["forward", "gta", "gtw", "other"]
    run: Text
    index: Annotated[int, Strict(), Field(ge=-1)]
    computed_macs: Number
    lower_bound_cycles: Number
    lower_bound_cycles_with_dram: Number
    density: dict[Text, Fraction]


class ProfilePart(_Part):
    """Where the sparsity comes from."""

    name: Text
    kind: Literal["trace", "profile", "uniform", "dense"]
    source: Text
    transferred_from: Text | None = None


class EnginePart(_Part):
    """How much was simulated, in how many seconds."""

    simulated_cycles: Whole
    dense_macs: Whole
    row_operations: Whole
    seconds: Number


class OverTimePart(_Part):
    """Recorded densities of I by layer and epoch."""

    recorded_on: Text
    source: Text
    epochs: tuple[Whole, ...]
    layers: dict[Text, tuple[Fraction, ...]]


class Summary(_Part):
    """A summary of schema 1; numbers are finite and not negative."""

    network: Text
    dataset: Text
    batch: Counting
    samples: Counting
    seed: Whole
    machine: dict[Text, Any]
    profile: ProfilePart
    density_over_time: OverTimePart | None = None
    prune: Fraction | None = None
    energy_table: Text
    notes: tuple[Text, ...]
    runs: dict[Text, RunPart]
    speedup: dict[Text, dict[Text, Number]]
    energy_efficiency: dict[Text, dict[Text, Number]]
    speedup_half_width: dict[Text, AccountsPart] = {}
    energy_efficiency_half_width: dict[Text, AccountsPart] = {}
    layers: Annotated[tuple[LayerPart, ...], Field(min_length=1)]
    engine: EnginePart
    wall_seconds: Number


class Volatile(_Part):
    """The part of a manifest that differs between equal runs."""

    argv: list[Text]


class Manifest(_Part):
    """What is read of a manifest."""

    schema_name: Literal["sparsesim-manifest/1"] = Field(alias="schema")
    volatile: Volatile
