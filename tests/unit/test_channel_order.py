"""Are channels dealt by density as measured on other samples, and does that do what it is for?"""

from __future__ import annotations

from dataclasses import replace
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from compiler.geometry import ConvGeometry
from compiler.program import Stage, StageProgram
from compiler.target import DENSITY_ORDER, NATURAL_ORDER
from sparsesim.api import simulate
from sparsesim.engine.channel_order import by_density, orders_channels, renumbered
from sparsesim.engine.channels import channels_of
from sparsesim.engine.check import check_stage
from sparsesim.engine.kernels.layout import IMBALANCE
from sparsesim.engine.source import ProfileSource, TraceSource
from sparsesim.engine.stage import run_stage
from sparsesim.engine.traffic import tile_transfers
from sparsesim.machine.fields import field_rows
from sparsesim.request import make_request
from sparsesim.simulation import request_workload
from tests.builders import ONE_PE, layer_program
from workloads.errors import UserError
from workloads.sparsity.masks import LayerMasks
from workloads.sparsity.trace import Trace, load_trace

TRACE = Path(str(resources.files("workloads"))) / "data" / "traces" / "alexnet_32_p0.9.npz"
CLUSTER_OF_TWO = replace(ONE_PE, groups_per_cluster=2, channel_order=DENSITY_ORDER)
WIDTH = 16
LAYER = ConvGeometry(4, 1, (1, WIDTH), (1, 3), padding=(0, 1))
# In their own order every cluster of two has one full and one empty channel.
FULL = np.array([True, False, True, False])


def two_classes() -> LayerMasks:
    """I is full or empty by channel, dO is full."""
    inputs = np.zeros((4, 1, WIDTH), bool)
    inputs[FULL] = True
    return LayerMasks(inputs, np.ones((1, 1, WIDTH), bool), inputs)


def ordered(program: StageProgram, masks: LayerMasks) -> LayerMasks:
    return renumbered(masks, program, channels_of([masks]))


def test_the_densest_come_first_within_each_convolution_group() -> None:
    densities = np.array([0.1, 0.3, 0.3, 0.9, 0.2, 0.5])
    assert by_density(densities, 1).tolist() == [3, 5, 1, 2, 4, 0]
    assert by_density(densities, 2).tolist() == [1, 2, 0, 3, 5, 4]


def test_like_channels_do_not_wait_for_each_other() -> None:
    """Two jobs of two channels. Cycles of docs/microarchitecture.md, by hand:

    dispatch 4; two mask items of 2; the row: header, 3 lines of dO and 1 of kernel rows; latency 2: PEs
    start at 15. A full channel costs 3 products an entry and 2 at both ends: 46; an empty one 16 rejects.
    After each job 3 cycles of pipeline and 4 of drain. At last dI is written, 3 lines of a full channel and 1
    of an empty one, and the tile ends 16 cycles later.
    """
    start, full, empty, drain, switch = 15, 3 * WIDTH - 2, WIDTH, 3 + 4, 16
    program = layer_program(LAYER, Stage.GTA, CLUSTER_OF_TWO)
    mixed = run_stage(program, two_classes())
    alike = run_stage(program, ordered(program, two_classes()))
    # Mixed: the empty channel was written long before the full one.
    assert mixed.cycles == start + 2 * (full + drain) + 3 + switch
    assert alike.cycles == start + (full + drain) + (empty + drain) + 2 + switch
    assert mixed.states[..., IMBALANCE].sum() == 48
    assert alike.states[..., IMBALANCE].sum() == 1


@pytest.mark.parametrize(("stage", "broadcast"), [(Stage.GTA, "dO"), (Stage.GTW, "dO"), (Stage.GTW, "I")])
def test_an_order_changes_no_result(stage: Stage, broadcast: str) -> None:
    """Channels keep their convolution group, and the machine computes the layer with them renumbered."""
    rng = np.random.default_rng(2)
    geometry = ConvGeometry(6, 6, (5, 6), (3, 3), padding=(1, 1), groups=2)
    program = layer_program(geometry, stage, CLUSTER_OF_TWO, broadcast=broadcast)
    inputs, grads = (rng.random((6, 5, 6)) < rng.random((6, 1, 1)) for _ in range(2))
    changed = ordered(program, LayerMasks(inputs, grads, inputs))
    check_stage(program, changed)
    before, after = (grads, changed.grad_output) if broadcast == "I" else (inputs, changed.input)
    for group in (slice(0, 3), slice(3, 6)):
        assert (before[group] != after[group]).any()
        assert sorted(map(bytes, before[group])) == sorted(map(bytes, after[group]))


def test_only_where_a_group_has_work_of_its_own() -> None:
    masks = two_classes()
    for stage, is_ordered in ((Stage.FORWARD, False), (Stage.GTA, True), (Stage.GTW, True)):
        assert orders_channels(layer_program(LAYER, stage, CLUSTER_OF_TWO), masks) is is_ordered
    natural = replace(CLUSTER_OF_TWO, channel_order=NATURAL_ORDER)
    assert not orders_channels(layer_program(LAYER, Stage.GTA, natural), masks)
    everywhere = LayerMasks(masks.input, masks.grad_output, None)
    assert not orders_channels(layer_program(LAYER, Stage.GTA, CLUSTER_OF_TWO), everywhere)


def test_the_numbers_of_the_channels_are_charged() -> None:
    """Four channels, a word of 2 bytes each, read for what is loaded and for what is stored."""
    with_list = layer_program(LAYER, Stage.GTA, CLUSTER_OF_TWO)
    without = layer_program(LAYER, Stage.GTA, replace(CLUSTER_OF_TWO, channel_order=NATURAL_ORDER))
    masks = two_classes()
    assert tile_transfers(with_list, masks)[0][0] == tile_transfers(without, masks)[0][0] + 2 * 4 * 2


class _OneSampleChanged(Trace):
    """A trace of which one sample reads as all ones."""

    def __init__(self, trace: Trace, changed: int) -> None:
        self.__dict__.update(trace.__dict__)
        self._changed = changed

    def masks(self, name: str, sample: int) -> LayerMasks:
        found = super().masks(name, sample)
        if sample != self._changed:
            return found
        ones = np.ones_like(found.input)
        return LayerMasks(ones, np.ones_like(found.grad_output), ones)


def test_the_order_of_a_trace_does_not_depend_on_what_is_simulated() -> None:
    """The sample that is simulated is replaced: only the order for another sample may change."""
    trace, layer = load_trace(TRACE), "features.6"
    recorded = TraceSource(trace, 8, frozenset())
    changed = TraceSource(_OneSampleChanged(trace, 3), 8, frozenset())

    def measured(source: TraceSource, simulated: range) -> bytes:
        found = source.channel_densities(layer, 0.0, simulated)
        assert found is not None
        return found.input.tobytes()

    for simulated in (range(3, 4), range(0, 4)):
        assert measured(recorded, simulated) == measured(changed, simulated)
    assert measured(recorded, range(4, 8)) != measured(changed, range(4, 8))


def test_the_order_of_a_profile_is_measured_on_samples_that_no_run_simulates() -> None:
    source = request_workload(make_request("alexnet", "cifar10")).source
    assert isinstance(source, ProfileSource)
    asked: list[int] = []

    class Watched(ProfileSource):
        def masks(self, layer: str, pruning: float, sample: int) -> LayerMasks:
            asked.append(sample)
            return super().masks(layer, pruning, sample)

    watched = Watched(source.profile, source.seed)
    found = watched.channel_densities("features.6", 0.9, range(4))
    assert found is not None
    assert min(asked) > 4096  # the most samples of a run
    # What persists of a channel's level shows in the simulated sample, too.
    simulated = channels_of([watched.masks("features.6", 0.9, sample) for sample in range(4)])
    assert np.corrcoef(found.input, simulated.input)[0, 1] > 0.3


def test_columns_are_measured_on_recorded_samples_that_are_no_columns() -> None:
    trace, layer = load_trace(TRACE), "classifier.4"
    assert TraceSource(trace, 8, frozenset({layer})).channel_densities(layer, 0.0, range(1)) is None
    found = TraceSource(trace, 6, frozenset({layer})).channel_densities(layer, 0.0, range(1))
    others = trace.fc_masks(layer, range(6, 8))
    assert found is not None
    assert found.input.tolist() == others.input.mean(axis=(1, 2)).tolist()


def test_a_trace_without_another_sample_is_refused() -> None:
    trace = load_trace(TRACE)
    source = TraceSource(trace, 8, frozenset())
    with pytest.raises(UserError, match="all 8 of the trace are simulated in one job; record more samples"):
        source.channel_densities("features.6", 0.0, range(8))


@pytest.mark.slow
def test_a_whole_step_has_the_same_products_and_computes_what_it_should() -> None:
    natural, density = (
        simulate(trace=TRACE, samples=1, check=True, overrides=[f"channel_order={order}"])
        for order in ("natural", "density")
    )
    assert density.runs["dense"].cycles == natural.runs["dense"].cycles
    one, other = natural.runs["recorded"], density.runs["recorded"]
    assert one.useful_macs == other.useful_macs
    assert one.cycles_by_stage["forward"] == other.cycles_by_stage["forward"]
    assert one.cycles_by_stage["gtw"] != other.cycles_by_stage["gtw"]


def test_the_field_is_documented() -> None:
    row = next(row for row in field_rows() if row.name == "policy.channel_order")
    assert row.default == "natural"
    assert "density" in row.legal
