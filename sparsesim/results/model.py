"""The result of a simulation: typed, frozen, and the same names as the JSON summary (schema 1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sparsesim.energy import Range
from sparsesim.machine import Machine
from sparsesim.results.interval import FloatArray
from sparsesim.results.parts import Accounts, Measures, added, ratio
from workloads.sparsity.over_time import DensityOverTime

if TYPE_CHECKING:
    import pandas

SCHEMA = "sparsesim-result/1"
DENSE = "dense"


@dataclass(frozen=True)
class LayerResult(Measures):
    """One layer and stage in one run.

    stage: "forward", "gta", "gtw" or "other" (batch-norm, pooling, weight update ...: no cycles on chip).
    index: place of the layer in forward order, -1 for stage "other". run: "dense", "natural", "pruned" or
    "recorded".
    computed_macs: products the engine executed; must equal useful_macs.
    lower_bound_cycles: no machine of these sizes can be faster: work over multipliers, bytes over bandwidth
    of the buffer and, with_dram, of the memory. density: fractions of non-zeros ("input", "grad_output") and
    of positions where dI is needed ("grad_input_mask"); empty for "other". pe_utilization: useful_macs /
    (on-chip cycles x PEs x macs_per_pe).
    cycles_of_groups: float64[groups, len(ON_CHIP_CAUSES)], read-only: group_cycles of every PE group by
    itself; each row adds up to cycles.on_chip. None for stage "other", and in a study, which keeps the sum
    over the groups only.
    """

    name: str
    stage: str
    run: str
    index: int
    computed_macs: float
    lower_bound_cycles: Accounts
    density: Mapping[str, float]
    pe_utilization: float
    cycles_of_groups: FloatArray | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class RunResult(Measures):
    """All layers of one run; cycles_by_stage: by stage, adding up to `cycles` ("other" has none on chip).

    pe_utilization: useful_macs / (on-chip cycles x PEs x macs_per_pe), 0 to 1.
    cycles_half_width, energy_half_width_pj: half of the 95 % confidence interval of the mean; None for a
    single sample.
    """

    name: str
    cycles_by_stage: Mapping[str, Accounts]
    pe_utilization: float
    cycles_half_width: Accounts | None = None
    energy_half_width_pj: Accounts | None = None


@dataclass(frozen=True)
class ProfileSource:
    """Where the sparsity comes from. kind: "trace", "profile", "uniform" or "dense".

    transferred_from: None where it was recorded on this network and data set, else what it was recorded on.
    """

    name: str
    kind: str
    source: str
    transferred_from: str | None = None


@dataclass(frozen=True)
class EngineSpeed:
    """Totals over all runs and samples: cycles simulated (on chip), dense-equivalent MACs, row operations."""

    simulated_cycles: int
    dense_macs: int
    row_operations: int
    seconds: float


@dataclass(frozen=True)
class Result:
    """One training step on one machine: every run, every layer and stage.

    All cycles, counts, bytes and energies are per sample, the mean over the `samples` simulated. runs and
    layers are in the order of simulation; the first run is "dense". Ratios have the dense baseline above:
    dense cycles / cycles, dense energy / energy. density_over_time: of a profile whose densities of I were
    recorded over a training run, else None.
    """

    network: str
    dataset: str
    batch: int
    samples: int
    seed: int
    machine: Machine
    profile: ProfileSource
    runs: Mapping[str, RunResult]
    layers: tuple[LayerResult, ...]
    engine: EngineSpeed
    wall_seconds: float
    prune: float | None = None
    energy_table: str = ""
    notes: tuple[str, ...] = ()
    speedup_half_width: Mapping[str, Accounts] = field(default_factory=dict)
    energy_efficiency_half_width: Mapping[str, Accounts] = field(default_factory=dict)
    density_over_time: DensityOverTime | None = field(default=None, repr=False)

    @property
    def compared(self) -> tuple[str, ...]:
        """The runs that are compared with the dense baseline."""
        return tuple(name for name in self.runs if name != DENSE)

    @property
    def speedup(self) -> dict[str, Accounts]:
        """Dense cycles over cycles, by run."""
        dense = self.runs[DENSE].cycles
        return {name: dense.over(self.runs[name].cycles) for name in self.compared}

    @property
    def energy_efficiency(self) -> dict[str, Accounts]:
        """Dense energy over energy, by run; centre values."""
        ranges = self.energy_efficiency_range
        return {
            name: Accounts(accounts["on_chip"].centre, accounts["with_dram"].centre)
            for name, accounts in ranges.items()
        }

    @property
    def energy_efficiency_range(self) -> dict[str, dict[str, Range]]:
        """Dense energy over energy by run and accounting, each column of the energy table by itself.

        nan where a table charges nothing for a run.
        """
        dense = self.runs[DENSE].energy_pj
        return {
            name: {
                "on_chip": _ratio(dense.on_chip, self.runs[name].energy_pj.on_chip),
                "with_dram": _ratio(dense.with_dram, self.runs[name].energy_pj.with_dram),
            }
            for name in self.compared
        }

    @property
    def has_other_work(self) -> bool:
        """Whether anything outside the convolutions and FC layers was simulated; a trace has nothing."""
        return any(layer.stage == "other" for layer in self.layers)

    @property
    def work_ratio(self) -> dict[str, float]:
        """Dense MACs over useful MACs, by run: the speedup if both machines were fully utilised."""
        return {
            name: ratio(self.runs[name].dense_macs, self.runs[name].useful_macs) for name in self.compared
        }

    def layer_names(self) -> tuple[str, ...]:
        """The convolutions and FC layers in forward order."""
        found = {layer.name: layer.index for layer in self.layers if layer.stage != "other"}
        return tuple(sorted(found, key=found.__getitem__))

    def of_run(self, run: str) -> dict[tuple[str, str], LayerResult]:
        """The layers of one run by (name, stage)."""
        return {(layer.name, layer.stage): layer for layer in self.layers if layer.run == run}

    def whole_layers(self, run: str) -> dict[str, Measures]:
        """Forward, GTA and GTW of every convolution and FC layer together, in forward order."""
        return {
            name: added(
                layer
                for layer in self.layers
                if layer.run == run and layer.name == name and layer.stage != "other"
            )
            for name in self.layer_names()
        }

    def to_dict(self) -> dict[str, Any]:
        """The summary of schema 1, made of what JSON knows; every number is finite."""
        from sparsesim.results.document import document  # noqa: PLC0415

        return document(self)

    def to_dataframe(self) -> pandas.DataFrame:
        """One row per layer, stage and run; units are in the column names."""
        import pandas  # noqa: PLC0415

        from sparsesim.results.frame import columns  # noqa: PLC0415

        return pandas.DataFrame(columns(self))


def _ratio(dense: Range, other: Range) -> Range:
    return Range(*(ratio(one, by) for one, by in zip(dense, other, strict=True)))
