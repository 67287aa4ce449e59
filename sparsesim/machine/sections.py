"""The sections of a machine description: every field with its unit, legal range and meaning.

The meaning of each field, to the cycle, is docs/microarchitecture.md; the descriptions here are what
`python -m sparsesim machines --fields` prints. 1 KB = 1024 bytes, 1 GB/s = 10^9 bytes a second.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

MemoryKind = Literal["lpddr4", "ddr4", "hbm2"]

# Peak bandwidth [10^9 bytes/s] and latency [ns] of a read from a closed row.
#   bandwidth: 64 pins x 3.2 Gb/s = 25.6 (LPDDR4-3200, DDR4-3200); 1024 pins x 2 Gb/s = 256 (one HBM2 stack).
#   latency = (tRCD + CL + tDQSCK + burst) tCK + 20 ns of memory controller and PHY:
#     LPDDR4-3200 (29 + 32 + 3 + 8) 0.625 = 45 ns   speed table of Ramulator, src/LPDDR4.h
#     DDR4-3200   (22 + 22 + 0 + 4) 0.63  = 30 ns   DRAMsim3, configs/DDR4_8Gb_x16_3200.ini
#     HBM2        (14 + 14 + 0 + 2) 1.0   = 30 ns   DRAMsim3, configs/HBM2_8Gb_x128.ini
#     20 ns: static front-end and back-end latency of gem5's memory controller (10 ns each).
MEMORY_DEFAULTS: dict[str, dict[str, float]] = {
    "lpddr4": {"bandwidth_gbytes_per_second": 25.6, "latency_ns": 65.0},
    "ddr4": {"bandwidth_gbytes_per_second": 25.6, "latency_ns": 50.0},
    "hbm2": {"bandwidth_gbytes_per_second": 256.0, "latency_ns": 50.0},
}


def _whole(default: int, low: int, high: int, unit: str, meaning: str) -> Any:
    return Field(default, ge=low, le=high, description=meaning, json_schema_extra={"unit": unit})


def _other(default: object, meaning: str, unit: str = "", **limits: float) -> Any:
    return Field(default, description=meaning, json_schema_extra={"unit": unit}, **limits)  # type: ignore[call-overload]


class Section(BaseModel):
    """Base of all sections: frozen, unknown fields refused, no silent conversion between types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class ArraySection(Section):
    """The PE array and its clock."""

    groups: int = _whole(56, 1, 4096, "PE groups", "PE groups of the whole machine; clusters must divide it.")
    clusters: int = _whole(
        7,
        1,
        4096,
        "clusters",
        "PE groups that listen to the same ch0 streams form one; it has one fetch unit.",
    )
    pes_per_group: int = _whole(
        3,
        1,
        64,
        "PEs",
        "Processing elements of a group; also the number of ch0 streams of a cluster.",
    )
    clock_mhz: float = _other(
        800.0,
        "Clock. Off-chip memory in cycles and leakage depend on it; on-chip cycles only where the mapper "
        "therefore chooses other tiles.",
        "MHz",
        ge=1,
        le=10000,
    )


class PeSection(Section):
    """One processing element."""

    macs_per_pe: int = _whole(
        1, 1, 64, "MACs", "Multiplier lanes: useful products of one ch0 entry retired per cycle."
    )
    row_slots: int = _whole(
        2, 1, 16, "slots", "Row operations a PE can hold; 2 lets the next arrive while one is executed."
    )
    row_slot_entries: int = _whole(
        64, 1, 64, "entries", "Entries of a slot: the most positions a ch0 row of a row operation may have."
    )
    reg1_words: int = _whole(
        64,
        1,
        64,
        "operand words",
        "Reg-1: each of its two ch1 vectors, a segment of I or dO with its mask, or kernel rows.",
    )
    reg2_words: int = _whole(
        64, 1, 64, "sums", "Reg-2, the partial sums of a row block or weight gradients, with their mask."
    )
    pipeline_cycles: int = _whole(
        3, 1, 64, "cycles", "Cycles from the last product of a job to the moment its sum can be drained."
    )


class PpuSection(Section):
    """The post-processing unit of a PE group."""

    words_per_cycle: int = _whole(
        4,
        1,
        64,
        "sums/cycle",
        "Sums a PPU drains, adds and post-processes per cycle; its lanes for other work.",
    )


class BufferSection(Section):
    """The global buffer."""

    kilobytes: int = _whole(386, 1, 65536, "KB", "Capacity of the global buffer, all banks together.")
    banks: int = _whole(4, 1, 1024, "banks", "Banks; each serves one line per cycle.")
    line_bits: int = _whole(
        128, 16, 1024, "bits", "Width of a line; a multiple of data.operand_bits and of data.sum_bits."
    )
    read_latency_cycles: int = _whole(
        2, 0, 64, "cycles", "Cycles from the end of a transfer to the slot being usable by the PEs."
    )


class ControllerSection(Section):
    """The controller."""

    dispatch_cycles: int = _whole(
        4, 1, 1024, "cycles", "Cycles the controller takes to hand one job to one cluster."
    )
    tile_switch_cycles: int = _whole(16, 0, 65536, "cycles", "Cycles from the end of a tile to the next.")


class MemorySection(Section):
    """The off-chip memory; bandwidth and latency default to those of the kind."""

    kind: MemoryKind = _other(
        "lpddr4", "Kind of memory; decides the energy per bit and the defaults of the other fields."
    )
    bandwidth_gbytes_per_second: float = _other(
        25.6,
        "Peak bandwidth. Default: lpddr4 and ddr4 25.6 (64 bit, 3200 MT/s), hbm2 256 (one stack).",
        "GB/s",
        ge=0.001,
        le=100000,
    )
    latency_ns: float = _other(
        65.0,
        "From a request to its first data: closed row, controller. Default: lpddr4 65, ddr4 50, hbm2 50.",
        "ns",
        ge=0,
        le=100000,
    )

    @model_validator(mode="before")
    @classmethod
    def _defaults_of_kind(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        kind = given.get("kind", "lpddr4")
        return {**MEMORY_DEFAULTS.get(kind if isinstance(kind, str) else "", {}), **given}


class DataSection(Section):
    """Number formats and the format of stored rows."""

    operand_bits: Literal[16] = _other(16, "Bits of an operand word (int16 and bf16 both have 16).", "bits")
    operand_format: Literal["int16", "bf16"] = _other(
        "int16", "Format of operands; decides the energy and area of a MAC."
    )
    sum_bits: Literal[16, 32, 64] = _other(32, "Bits of a partial sum; bf16 accumulates in 32 bits.", "bits")
    row_format: Literal["bitmask", "offset"] = _other(
        "bitmask",
        "Compressed rows in the buffer: one bit per position, or an offset beside every value. "
        "Without effect where policy.skip_zeros is false: rows are then stored whole.",
    )


class PolicySection(Section):
    """What is skipped, and how work is handed out."""

    skip_zeros: bool = _other(
        True, "Rows are stored compressed; zeros of ch0 are neither fetched nor looked at."
    )
    mask_skipping: bool = _other(True, "GTA: products for positions whose ReLU mask is 0 are not computed.")
    input_skipping: bool = _other(True, "GTW: products with a zero of the ch1 operand are not computed.")
    row_handout: Literal["static", "dynamic"] = _other(
        "static", "Row operations of a job go to the streams in turn, or to the stream that asks first."
    )
    job_handout: Literal["static", "dynamic"] = _other(
        "dynamic", "Jobs of a tile go to the clusters in turn, or to the cluster that asks first."
    )
    accumulated_samples: Literal[1, 2, 4, 8, 16, 32] = _other(
        4, "GTW: a job may accumulate weight gradients over up to this many samples before they are written."
    )
    channel_order: Literal["natural", "density"] = _other(
        "natural",
        "GTA, GTW: channels across the groups are dealt to jobs by number, or by their density as measured "
        "on other samples, so that like ones share a cluster.",
    )


class IdealSection(Section):
    """Limits that are taken away, to see what they cost: docs/microarchitecture.md, section 11.

    The compiler does not look at them, so the program stays that of the machine as it is. No such machine can
    be built.
    """

    free_banks: bool = _other(False, "A bank serves any number of bursts at once: nothing waits for a bank.")
    free_transfers: bool = _other(
        False,
        "Row pointers, rows, masks, kernel rows, sums and results move in no time: as if banks and ports had "
        "no limit.",
    )
    free_ppus: bool = _other(
        False, "Pipelines are empty at once, and a PPU drains and finishes results in no time."
    )
    free_controller: bool = _other(False, "Jobs are dispatched and tiles are switched in no time.")


class MappingSection(Section):
    """What the compiler shall prefer; done wherever it fits, "auto" leaves the choice to its estimates."""

    stays: Literal["auto", "weights", "inputs", "outputs"] = _other(
        "auto",
        "Forward and GTA: what stays in the buffer while the rest is streamed. outputs: partial sums.",
    )
    gtw_broadcast: Literal["auto", "dO", "I"] = _other(
        "auto", "GTW: the operand that all groups of a cluster receive on ch0; the other is private to each."
    )
