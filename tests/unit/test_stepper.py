"""Does the stepper do what docs/microarchitecture.md says? Cycle counts here are computed by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from compiler.geometry import ConvGeometry
from compiler.program import JOB_FINAL, JOB_READ_SUMS, Stage, StageProgram
from compiler.target import Target
from sparsesim.stepper import (
    BUFFER,
    BUSY,
    DISPATCH,
    IMBALANCE,
    PPU,
    REJECT,
    TileCounts,
    step_program,
    step_tile,
)
from sparsesim.stepper.machine import Machine
from tests.builders import (
    ONE_PE,
    SampleMasks,
    brute_force_products,
    full_masks,
    layer_program,
    random_layer,
    random_machine,
    random_masks,
)
from workloads.errors import UserError

DENSE = replace(ONE_PE, row_format="dense", skip_zeros=False, mask_skipping=False, input_skipping=False)


def row_layer(in_channels: int = 1, out_channels: int = 1, kernel: int = 1) -> ConvGeometry:
    """One row of four columns; the kernel keeps the width."""
    return ConvGeometry(in_channels, out_channels, (1, 4), (1, kernel), padding=(0, kernel // 2))


def step_full(geometry: ConvGeometry, stage: Stage, target: Target, **sizes: int) -> TileCounts:
    return step_tile(layer_program(geometry, stage, target, **sizes), 0, full_masks(geometry))


def states(counts: TileCounts, group: int = 0, pe: int = 0) -> dict[int, int]:
    return {state: int(n) for state, n in enumerate(counts.pe_states[group, pe]) if n}


def first_busy_cycle(program: StageProgram, masks: SampleMasks, group: int = 0) -> int:
    """The cycle in which a PE of the group executes its first entry."""
    machine = Machine(program, 0, masks)
    for cycle in range(1000):
        machine.tick()
        if machine.counts.pe_states[group, :, [BUSY, REJECT]].any():
            return cycle
    raise AssertionError("the group never executes anything")


class TestOneOperation:
    """One PE, one dense 1x1 SRC operation of four entries.

    dispatched 4 = header; request and grant 5; 1 line of ch0 and 1 of W: transfer [5, 7); arrival 7 + 2 = 9;
    entries [9, 13); flush of 3: drain of 4 words at 4 a cycle [16, 17); 4 words = 1 line written [17, 18).
    """

    def test_every_cycle_has_its_place(self) -> None:
        counts = step_full(row_layer(), Stage.FORWARD, DENSE)
        assert counts.cycles == 18 + 16
        assert states(counts) == {DISPATCH: 4 + 16, BUFFER: 9 - 4, BUSY: 4, PPU: 18 - 13}

    def test_counters(self) -> None:
        counts = step_full(row_layer(), Stage.FORWARD, DENSE)
        assert (counts.useful_products, counts.entries, counts.ch0_entries_delivered) == (4, 4, 4)
        assert (counts.headers, counts.operations, counts.empty_operations, counts.jobs) == (1, 1, 0, 1)
        assert (counts.lines_read, counts.lines_sums_read, counts.lines_written) == (2, 0, 1)
        assert (counts.ch1_words_delivered, counts.drained_words, counts.result_words) == (1, 4, 4)

    @pytest.mark.parametrize("latency", [0, 1, 2, 7])
    def test_row_arrives_exactly_a_latency_after_its_last_line(self, latency: int) -> None:
        target = replace(DENSE, read_latency_cycles=latency)
        program = layer_program(row_layer(), Stage.FORWARD, target)
        assert first_busy_cycle(program, full_masks(program.geometry)) == 7 + latency

    @pytest.mark.parametrize("dispatch", [0, 1, 5])
    def test_header_is_read_in_the_cycle_of_the_dispatch(self, dispatch: int) -> None:
        counts = step_full(row_layer(), Stage.FORWARD, replace(DENSE, dispatch_cycles=dispatch))
        assert counts.cycles == dispatch + 14 + 16

    @pytest.mark.parametrize(("words_per_cycle", "drain"), [(1, 4), (3, 2), (8, 1)])
    def test_drain_takes_whole_cycles(self, words_per_cycle: int, drain: int) -> None:
        counts = step_full(row_layer(), Stage.FORWARD, replace(DENSE, ppu_words_per_cycle=words_per_cycle))
        assert counts.cycles == 17 + drain + 16
        assert states(counts)[PPU] == 4 + drain

    @pytest.mark.parametrize(("latency", "drain"), [(0, 10), (4, 10), (5, 11), (9, 15)])
    def test_a_drain_waits_for_the_mask(self, latency: int, drain: int) -> None:
        """Mask: header 4, transfer [5, 6), arrival 6 + latency. Empty row: header 6, so E = 7; 7 + 3 = 10."""
        target, geometry = replace(ONE_PE, read_latency_cycles=latency), row_layer()
        full, nothing = np.ones((1, 1, 4), np.bool_), np.zeros((1, 1, 4), np.bool_)
        counts = step_tile(layer_program(geometry, Stage.GTA, target), 0, SampleMasks(full, nothing, full))
        # One cycle of drain, one line written.
        assert counts.cycles == drain + 2 + 16
        assert states(counts)[PPU] == drain + 2 - 7

    @pytest.mark.parametrize(("lanes", "cycles"), [(1, 10), (2, 6), (3, 4)])
    def test_lanes_share_an_entry_but_not_two(self, lanes: int, cycles: int) -> None:
        # 3 taps, padding 1: the 4 columns are good for 2, 3, 3, 2 products.
        counts = step_full(row_layer(kernel=3), Stage.FORWARD, replace(DENSE, macs_per_pe=lanes))
        assert states(counts)[BUSY] == cycles
        assert counts.useful_products == 10

    def test_partial_sums_are_read_and_written_in_one_burst(self) -> None:
        program = layer_program(row_layer(), Stage.FORWARD, DENSE)
        jobs = program.jobs.copy()
        jobs[0, JOB_READ_SUMS], jobs[0, JOB_FINAL] = 1, 0
        counts = step_tile(replace(program, jobs=jobs), 0, full_masks(program.geometry))
        # 4 sums of 32 bits fill one line of 128 bits, each way: written [17, 19).
        assert (counts.lines_sums_read, counts.lines_written, counts.cycles) == (1, 1, 19 + 16)


class TestSlots:
    """Two operations (channels 0 and 1) of four entries on one PE."""

    def test_one_slot_waits_for_the_row_before(self) -> None:
        counts = step_full(row_layer(2), Stage.FORWARD, replace(DENSE, row_slots=1))
        # Operation 0 as above [9, 13). Header of 1 at 13, transfer [14, 16), arrival 18, entries [18, 22).
        assert counts.cycles == 22 + 3 + 1 + 1 + 16
        assert states(counts)[BUFFER] == 5 + 5

    def test_two_slots_hide_the_fetch(self) -> None:
        counts = step_full(row_layer(2), Stage.FORWARD, DENSE)
        # Header of 1 at 7, transfer [8, 10), arrival 12 < 13: entries [13, 17).
        assert counts.cycles == 17 + 3 + 1 + 1 + 16
        assert states(counts)[BUFFER] == 5

    def test_slow_group_holds_the_slot_of_a_fast_one(self) -> None:
        """MSRC, K = 3: group 0 needs all of dI (2, 3, 3, 2 cycles a row), group 1 nothing (4 rejects)."""
        geometry = row_layer(in_channels=2, out_channels=2, kernel=3)
        masks = full_masks(geometry)
        needed = np.stack([np.ones((1, 4), bool), np.zeros((1, 4), bool)])
        target = replace(ONE_PE, groups_per_cluster=2, row_slots=1, row_format="offset")
        program = layer_program(geometry, Stage.GTA, target)
        counts = step_tile(program, 0, replace(masks, grad_input_mask=needed))
        # Masks: headers 4 and 6, transfers [5, 6) and [7, 8). Operation 0: header 8, a row of
        # ceil(4 x 18 / 16) = 5 words: 1 line, 2 x 3 words of W: 1 line; transfer [9, 11), arrival 13;
        # entries [13, 23) and [13, 17). Operation 1: slot free at 23, transfer [24, 26), arrival 28;
        # entries [28, 38) and [28, 32). Fetched at 26.
        # Done: 38 and 32. Drains [41, 42) and [35, 36). Group 1 writes ceil(4 / 16) + 0 = 1 word [36, 37),
        # group 0 1 + 4 words = 1 line [42, 43).
        assert counts.cycles == 43 + 16
        assert states(counts, group=0) == {DISPATCH: 20, BUFFER: 9 + 5, BUSY: 20, PPU: 5}
        # Group 1: held [17, 23), own wait [23, 28), ppu [32, 37), then nothing more to do until 43.
        assert states(counts, group=1) == {DISPATCH: 20, BUFFER: 9 + 5, REJECT: 8, IMBALANCE: 6 + 6, PPU: 5}
        assert (counts.useful_products, counts.entries, counts.headers) == (20, 16, 4)
        assert (counts.lines_read, counts.result_words) == (1 + 1 + 2 + 2, 5 + 1)

    def test_empty_row_costs_a_header_and_no_slot(self) -> None:
        geometry = row_layer(2)
        masks = full_masks(geometry)
        masks.input[0] = False
        target = replace(ONE_PE, row_slots=1)
        counts = step_tile(layer_program(geometry, Stage.FORWARD, target), 0, masks)
        # Empty header 4; header 5, transfer [6, 8), arrival 10, entries [10, 14), drain [17, 18), written 19.
        assert counts.cycles == 19 + 16
        assert (counts.operations, counts.empty_operations, counts.headers) == (1, 1, 2)


class TestStreams:
    """Three operations on two streams of one group."""

    def test_static_hand_out_deals_in_turn(self) -> None:
        counts = step_full(row_layer(3), Stage.FORWARD, replace(DENSE, pes_per_group=2))
        assert states(counts, pe=0)[BUSY] == 8
        assert states(counts, pe=1)[BUSY] == 4

    def test_longest_ready_stream_is_served_first(self) -> None:
        counts = step_full(row_layer(3), Stage.FORWARD, replace(DENSE, pes_per_group=2))
        # Headers: stream 0 at 4, stream 1 (ready since 4) at 7, stream 0 (ready since 7) at 10.
        # Entries: stream 0 [9, 13); stream 1: transfer [8, 10), arrival 12, [12, 16);
        # stream 0 again: transfer [11, 13), arrival 15, [15, 19).
        assert counts.cycles == 19 + 3 + 1 + 1 + 16
        assert states(counts, pe=0)[BUFFER] == 5 + 2
        # Stream 1 has nothing more until the group is done at 19.
        assert states(counts, pe=1) == {DISPATCH: 20, BUFFER: 8, BUSY: 4, IMBALANCE: 3, PPU: 5}

    def test_dynamic_hand_out_spares_the_stream_whose_slot_is_held(self) -> None:
        """Six rows of one entry, but the second has 32: stream 1 asked for row 3 when row 1 left the port."""
        geometry = ConvGeometry(6, 1, (1, 32), (1, 1))
        masks = full_masks(geometry)
        masks.input[:, :, 1:] = False
        masks.input[1] = True
        target = replace(ONE_PE, pes_per_group=2, row_slots=1)
        static = layer_program(geometry, Stage.FORWARD, target)
        dynamic = layer_program(geometry, Stage.FORWARD, replace(target, row_handout_dynamic=True))
        assert step_tile(static, 0, masks).pe_states[0, :, BUSY].tolist() == [3, 32 + 2]
        # Row 1 arrives after 10 and holds the slot until 42; stream 0 is through with 2, 4 and 5 long before.
        assert step_tile(dynamic, 0, masks).pe_states[0, :, BUSY].tolist() == [4, 32 + 1]


class TestClusters:
    """Two clusters of one PE."""

    TWO = replace(DENSE, clusters=2)

    def test_dispatches_follow_each_other(self) -> None:
        counts = step_full(row_layer(1, 2), Stage.FORWARD, self.TWO)
        # Cluster 1 is dispatched at 8 and reads bank 0 when cluster 0 is long past it.
        assert counts.cycles == 8 + 14 + 16
        assert states(counts, group=0)[DISPATCH] == 4 + 16
        assert states(counts, group=1)[DISPATCH] == 8 + 16
        assert counts.jobs == 2

    def test_lower_cluster_gets_the_bank_first(self) -> None:
        target = replace(self.TWO, dispatch_cycles=0)
        program = layer_program(row_layer(1, 2), Stage.FORWARD, target)
        masks = full_masks(program.geometry)
        # Both requests stand at bank 0 in cycle 1; grants at 1 and 3, 2 lines each, arrival 2 later.
        assert first_busy_cycle(program, masks, group=0) == 5
        assert first_busy_cycle(program, masks, group=1) == 7

    def test_other_bank_is_granted_at_once(self) -> None:
        # Depthwise: the second job reads channel 1, in another bank unless there is only one.
        geometry = replace(row_layer(2, 2), groups=2)
        target = replace(self.TWO, dispatch_cycles=0)
        for banks, cycle in ((1, 7), (2, 5)):
            program = layer_program(geometry, Stage.FORWARD, replace(target, buffer_banks=banks))
            assert first_busy_cycle(program, full_masks(geometry), group=1) == cycle

    def test_cluster_without_job_is_imbalance(self) -> None:
        counts = step_full(row_layer(), Stage.FORWARD, self.TWO)
        assert states(counts, group=1) == {IMBALANCE: 18, DISPATCH: 16}

    def test_dynamic_hand_out_gives_the_job_to_who_asks_first(self) -> None:
        """Three depthwise jobs of 32, 4 and 4 entries; lines of 4 words."""
        geometry = ConvGeometry(3, 3, (1, 32), (1, 1), groups=3)
        masks = full_masks(geometry)
        masks.input[1:, :, 4:] = False
        target = replace(ONE_PE, clusters=2, words_per_line=4)
        # Dispatched 4 and 8. Rows of 2 + 32 and 2 + 4 words, 9 and 2 lines, 1 line of W: fetched 15 and 12,
        # so cluster 1 asks first. Static: job 2 is cluster 0's.
        dynamic = step_tile(layer_program(geometry, Stage.FORWARD, target), 0, masks)
        assert dynamic.pe_states[:, 0, BUSY].tolist() == [32, 4 + 4]
        target = replace(target, job_handout_dynamic=False)
        static = step_tile(layer_program(geometry, Stage.FORWARD, target), 0, masks)
        assert static.pe_states[:, 0, BUSY].tolist() == [32 + 4, 4]


class TestResults:
    """PPU, write port, jobs in flight."""

    def test_write_port_serves_one_group_at_a_time(self) -> None:
        counts = step_full(row_layer(1, 2), Stage.FORWARD, replace(DENSE, groups_per_cluster=2))
        # Both request at 17 for different banks: [17, 18) and [18, 19).
        assert counts.cycles == 19 + 16
        assert states(counts, group=0)[PPU] == 5
        assert states(counts, group=0)[IMBALANCE] == 1
        assert states(counts, group=1)[PPU] == 6

    def test_inactive_group_waits_for_the_others(self) -> None:
        counts = step_full(row_layer(), Stage.FORWARD, replace(DENSE, groups_per_cluster=2))
        assert states(counts, group=1) == {DISPATCH: 20, IMBALANCE: 14}
        assert counts.ch0_entries_delivered == 4

    def test_next_job_is_fetched_while_one_runs(self) -> None:
        counts = step_full(row_layer(1, 2), Stage.FORWARD, DENSE)
        # Job 1: asked 7, dispatched 11, transfer [12, 14), arrival 16; its PE waits for the drain until 17.
        # Entries [17, 21), drain [24, 25), written 26.
        assert counts.cycles == 26 + 16
        assert states(counts) == {DISPATCH: 20, BUFFER: 5, BUSY: 8, PPU: 4 + 5}

    def test_third_job_waits_for_the_first_result(self) -> None:
        target = replace(DENSE, ppu_words_per_cycle=1, dispatch_cycles=8)
        counts = step_full(row_layer(1, 3), Stage.FORWARD, target)
        # Job 0: dispatched 8, [13, 17), drain [20, 24), written 25. Job 1: asked 11, dispatched 19, transfer
        # [20, 22), [24, 28), drain [31, 35), written 36. Job 2: fetched 22, but asked 25: dispatched 33,
        # transfer [34, 36), arrival 38, [38, 42), drain [45, 49), written 50.
        assert counts.cycles == 50 + 16
        assert states(counts) == {DISPATCH: 8 + 16, BUFFER: 5 + 3, BUSY: 12, PPU: 7 + 7 + 8}

    def test_group_without_channel_in_the_last_job(self) -> None:
        counts = step_full(row_layer(1, 3), Stage.FORWARD, replace(DENSE, groups_per_cluster=2))
        # Job 0 (both groups): [9, 13), drains [16, 17), written 18 and 19. Job 1 (group 0): asked 7,
        # dispatched 11, arrival 16, [17, 21), drain [24, 25), written 26. No third job, asked for at 19.
        assert counts.cycles == 26 + 16
        assert states(counts, group=0) == {DISPATCH: 20, BUFFER: 5, BUSY: 8, PPU: 4 + 5}
        assert states(counts, group=1) == {DISPATCH: 20, BUFFER: 5, BUSY: 4, PPU: 6, IMBALANCE: 26 - 19}

    def test_msrc_row_with_padding_meets_every_tap_inside(self) -> None:
        geometry = ConvGeometry(1, 1, (3, 4), (3, 3), padding=(1, 1))
        counts = step_full(geometry, Stage.GTA, ONE_PE, rows=3)
        assert counts.useful_products == geometry.dense_macs
        assert counts.operations == 3

    def test_osrc_unit_fetches_rows_of_the_input_once_for_all_channels(self) -> None:
        geometry = row_layer(1, 3)
        counts = step_full(geometry, Stage.GTW, DENSE)
        # ch1: header 4, 1 line [5, 6). Operations: headers 6, 8 (two slots), transfers [7, 8) and [9, 10);
        # arrivals 10 and 12; entries [10, 14), [14, 18). Third: slot free at 14, transfer [15, 16),
        # arrival 18, [18, 22). Drain of 3 words [25, 26), 3 x 32 bits = 1 line, written 27.
        assert counts.cycles == 27 + 16
        assert (counts.headers, counts.operations, counts.lines_read) == (4, 3, 4)
        assert (counts.ch1_words_delivered, counts.drained_words, counts.lines_written) == (4, 3, 1)

    def test_osrc_vector_of_the_block_two_before_must_be_free(self) -> None:
        counts = step_full(ConvGeometry(1, 1, (3, 4), (1, 1)), Stage.GTW, DENSE)
        # Blocks of one row. Headers: ch1 0 at 4, operation 0 at 6, ch1 1 at 8, operation 1 at 10; entries
        # [10, 14) and [14, 18). ch1 2 waits for operation 0: header 14, transfer [15, 16); operation 2:
        # header 16, arrival 20, [20, 24). Drain of 1 word [27, 28), written 29.
        assert counts.cycles == 29 + 16
        assert states(counts) == {DISPATCH: 20, BUFFER: 6 + 2, BUSY: 12, PPU: 5}

    def test_osrc_ch1_without_values_is_a_header(self) -> None:
        geometry = row_layer(1, 1)
        masks = full_masks(geometry)
        masks.input[:] = False
        counts = step_tile(layer_program(geometry, Stage.GTW, ONE_PE), 0, masks)
        # ch1 header 4; operation: header 5, 1 + 4 words = 1 line [6, 7), arrival 9, 4 rejects [9, 13).
        assert counts.cycles == 18 + 16
        assert states(counts)[REJECT] == 4
        assert counts.ch1_words_delivered == 0

    def test_osrc_that_broadcasts_the_input_reads_it_as_src_does(self) -> None:
        geometry = ConvGeometry(1, 1, (1, 5), (1, 3), stride=(1, 2))
        program = layer_program(geometry, Stage.GTW, DENSE, broadcast="I")
        counts = step_tile(program, 0, full_masks(geometry))
        # ch1: header 4, the 2 columns of dO in 1 line [5, 6). Operation: header 6, the 5 columns of I in
        # 1 line [7, 8), arrival 10; only the middle column meets both columns of dO: [10, 16).
        # Drain of 3 words [19, 20), 3 x 32 bits = 1 line, written 21.
        assert counts.cycles == 21 + 16
        assert (counts.entries, counts.useful_products) == (5, 6)
        assert (counts.ch1_words_delivered, counts.drained_words, counts.lines_written) == (2, 3, 1)

    @pytest.mark.parametrize("seed", range(8))
    def test_without_a_kernel_the_two_forms_of_osrc_are_mirror_images(self, seed: int) -> None:
        """1x1, stride 1: exchanging I and dO exchanges the forms, and nothing else."""
        rng = np.random.default_rng(seed)
        target, geometry = random_machine(rng), ConvGeometry(5, 3, (4, 6), (1, 1))
        masks = random_masks(geometry, rng)
        mirrored = replace(geometry, in_channels=3, out_channels=5)
        sizes = {"rows": int(rng.integers(1, 4)), "columns": int(rng.integers(2, 7)), "chunk": 2}
        one = step_tile(layer_program(geometry, Stage.GTW, target, **sizes), 0, masks)
        program = layer_program(mirrored, Stage.GTW, target, broadcast="I", **sizes)
        other = step_tile(program, 0, SampleMasks(masks.grad_output, masks.input))
        assert np.array_equal(one.pe_states, other.pe_states)
        assert replace(one, pe_states=other.pe_states) == other


class TestProgram:
    def test_program_is_its_tiles_and_the_schedule(self) -> None:
        geometry = row_layer(1, 4)
        program = layer_program(geometry, Stage.FORWARD, DENSE, tiles=2)
        masks = full_masks(geometry)
        counts = step_program(program, masks, [(320, 0), (0, 64)])
        tile = step_tile(program, 0, masks).cycles
        assert [t.cycles for t in counts.tiles] == [tile, tile]
        assert counts.on_chip_cycles == 2 * tile
        # Load 0: 80 + 10; store 1: 80 + 2; nothing overlaps.
        assert counts.with_dram_cycles == 90 + 2 * tile + 82
        assert counts.dram_cycles == counts.with_dram_cycles - counts.on_chip_cycles


class TestErrors:
    def test_mask_of_another_shape(self) -> None:
        geometry = row_layer(2)
        masks = replace(full_masks(geometry), input=np.ones((2, 1, 5), bool))
        with pytest.raises(
            UserError, match=r"'input' of layer 'layer' must have shape \(2, 1, 4\), not \(2, 1, 5\)"
        ):
            step_tile(layer_program(geometry, Stage.FORWARD, ONE_PE), 0, masks)

    def test_transfers_of_another_number_of_tiles(self) -> None:
        program = layer_program(row_layer(), Stage.FORWARD, ONE_PE)
        with pytest.raises(UserError, match="1 tiles, 2 pairs"):
            step_program(program, full_masks(program.geometry), [(0, 0), (0, 0)])

    def test_negative_bytes(self) -> None:
        program = layer_program(row_layer(), Stage.FORWARD, ONE_PE)
        with pytest.raises(UserError, match="tile 0: bytes must be >= 0, not -1"):
            step_program(program, full_masks(program.geometry), [(0, -1)])


@pytest.mark.parametrize(
    ("stage", "broadcast"),
    [(Stage.FORWARD, "dO"), (Stage.GTA, "dO"), (Stage.GTW, "dO"), (Stage.GTW, "I")],
)
@pytest.mark.parametrize("seed", range(16))
class TestRandomMachines:
    """Any small machine, layer and masks."""

    def draw(self, stage: Stage, broadcast: str, seed: int) -> tuple[StageProgram, SampleMasks]:
        rng = np.random.default_rng([seed, 7])
        target, geometry = random_machine(rng), random_layer(rng)
        sizes = {"rows": int(rng.integers(1, 4)), "columns": int(rng.integers(1, 6))}
        chunk = int(rng.integers(1, 3))
        program = layer_program(geometry, stage, target, chunk=chunk, broadcast=broadcast, **sizes)
        return program, random_masks(geometry, rng, density=float(rng.choice([0.2, 0.6])))

    def test_states_add_up_to_the_cycles_of_every_pe(self, stage: Stage, broadcast: str, seed: int) -> None:
        program, masks = self.draw(stage, broadcast, seed)
        counts = step_tile(program, 0, masks)
        assert (counts.pe_states.sum(axis=2) == counts.cycles).all()

    def test_products_are_those_of_the_layer(self, stage: Stage, broadcast: str, seed: int) -> None:
        program, masks = self.draw(stage, broadcast, seed)
        target = program.target
        ch0, ch1 = target.skip_zeros, target.input_skipping if stage is Stage.GTW else target.skip_zeros
        inputs_count, gradients_count = (ch0, ch1) if broadcast == "I" else (ch1, ch0)
        seen = SampleMasks(
            masks.input if inputs_count else np.ones_like(masks.input),
            masks.grad_output if gradients_count else np.ones_like(masks.grad_output),
            masks.grad_input_mask if target.mask_skipping else None,
        )
        expected = brute_force_products(program.geometry, stage, seen)
        assert step_tile(program, 0, masks).useful_products == expected

    def test_every_delivered_entry_is_processed(self, stage: Stage, broadcast: str, seed: int) -> None:
        program, masks = self.draw(stage, broadcast, seed)
        counts = step_tile(program, 0, masks)
        assert counts.entries == counts.ch0_entries_delivered
        assert counts.jobs == len(program.jobs)
        rejects = counts.pe_states[:, :, REJECT].sum()
        lanes = program.target.macs_per_pe
        busy = counts.pe_states[:, :, BUSY].sum()
        assert counts.entries - rejects <= busy
        assert busy <= counts.useful_products <= lanes * busy
