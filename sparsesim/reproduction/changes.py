"""Single changes of the machine, of the data and of the energy accounting: which of them reach what was
published, and which do not.

Each is simulated by itself, everything else as described. None was chosen for what it gives.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sparsesim.study.point import Scalar


@dataclass(frozen=True)
class Change:
    """key: unique. group: what it is about. label: the change in a few words. quick: also in a quick run."""

    key: str
    group: str
    label: str
    settings: Mapping[str, Scalar]
    quick: bool = False


AS_DESCRIBED = Change("as-described", "machine", "as described", {}, quick=True)

BROADCAST, BALANCE, SKIPPING = "who shares a stream", "balance", "what is skipped"
ARRAY, BUFFER, OTHER_PARTS = "arrangement of the PEs", "buffer", "PPU, controller, formats"
DATA, ENERGY = "data", "energy accounting"

_WIDE = {"buffer.banks": 8, "buffer.line_bits": 256}
_WIDER = {"buffer.banks": 16, "buffer.line_bits": 512}
_BOTH_OFF = {"policy.mask_skipping": False, "policy.input_skipping": False}

CHANGES = (
    AS_DESCRIBED,
    Change("clusters-1", BROADCAST, "one cluster: rows broadcast to all 56 groups", {"array.clusters": 1}),
    Change("clusters-14", BROADCAST, "14 clusters of 4 groups", {"array.clusters": 14}),
    Change("clusters-28", BROADCAST, "28 clusters of 2 groups", {"array.clusters": 28}),
    Change(
        "clusters-56", BROADCAST, "separate streams for all 56 groups", {"array.clusters": 56}, quick=True
    ),
    Change("broadcast-dO", BROADCAST, "GTW always broadcasts dO", {"mapping.gtw_broadcast": "dO"}),
    Change("broadcast-I", BROADCAST, "GTW always broadcasts I", {"mapping.gtw_broadcast": "I"}),
    Change("row-slots-4", BALANCE, "4 row slots", {"pe.row_slots": 4}),
    Change("row-slots-8", BALANCE, "8 row slots", {"pe.row_slots": 8}),
    Change("rows-dynamic", BALANCE, "rows to the stream that asks first", {"policy.row_handout": "dynamic"}),
    Change("jobs-static", BALANCE, "jobs to the clusters in turn", {"policy.job_handout": "static"}),
    Change(
        "channel-order",
        BALANCE,
        "channels grouped by density",
        {"policy.channel_order": "density"},
        quick=True,
    ),
    Change("no-mask-skipping", SKIPPING, "no mask skipping in GTA", {"policy.mask_skipping": False}),
    Change(
        "no-input-skipping", SKIPPING, "no skipping of ch1 zeros in GTW", {"policy.input_skipping": False}
    ),
    Change("no-skipping", SKIPPING, "neither: only ch0 is sparse", _BOTH_OFF, quick=True),
    Change(
        "12x14-groups",
        ARRAY,
        "12 x 14: 12 clusters of 14 groups of one PE",
        {"array.groups": 168, "array.clusters": 12, "array.pes_per_group": 1},
        quick=True,
    ),
    Change(
        "14x12-pes",
        ARRAY,
        "14 groups of 12 PEs in 2 clusters",
        {"array.groups": 14, "array.clusters": 2, "array.pes_per_group": 12},
    ),
    Change("macs-3", ARRAY, "3 MACs per PE, as many PEs", {"pe.macs_per_pe": 3}),
    Change(
        "macs-3-same",
        ARRAY,
        "3 MACs per PE, one PE per group: as many MACs",
        {"pe.macs_per_pe": 3, "array.pes_per_group": 1},
        quick=True,
    ),
    Change("banks-8", BUFFER, "8 banks", {"buffer.banks": 8}),
    Change("banks-8-256", BUFFER, "8 banks, lines of 256 bits", _WIDE, quick=True),
    Change("banks-16-512", BUFFER, "16 banks, lines of 512 bits", _WIDER),
    Change(
        "banks-16-512-4mb",
        BUFFER,
        "16 banks, lines of 512 bits, 4 MB",
        {**_WIDER, "buffer.kilobytes": 4096},
        quick=True,
    ),
    Change(
        "all-streams-4mb",
        BUFFER,
        "the same, and separate streams for all groups",
        {**_WIDER, "buffer.kilobytes": 4096, "array.clusters": 56},
    ),
    Change("ppu-16", OTHER_PARTS, "PPUs of 16 sums a cycle", {"ppu.words_per_cycle": 16}),
    Change("dispatch-64", OTHER_PARTS, "64 cycles to dispatch a job", {"controller.dispatch_cycles": 64}),
    Change("offset", OTHER_PARTS, "rows stored with offsets, not bit masks", {"data.row_format": "offset"}),
    Change(
        "accumulate-1", OTHER_PARTS, "weight gradients written per sample", {"policy.accumulated_samples": 1}
    ),
    Change("hbm2", OTHER_PARTS, "HBM2 instead of LPDDR4", {"memory.kind": "hbm2"}, quick=True),
    Change("here", DATA, "I as in this project's training runs", {"activations": "here"}),
    Change("imagenet", DATA, "I as on ImageNet, everywhere", {"activations": "imagenet"}, quick=True),
    Change("netlist", ENERGY, "logic as large as a netlist", {"energy.logic.area_overhead": 2.27}),
    Change("clock-low", ENERGY, "clock and control at the low end", {"energy.control.clock_ratio": 0.2}),
    Change("clock-high", ENERGY, "clock and control at the high end", {"energy.control.clock_ratio": 0.5}),
)


def changes(quick: bool) -> tuple[Change, ...]:
    """All of them, or those of a quick run."""
    return tuple(change for change in CHANGES if change.quick or not quick)
