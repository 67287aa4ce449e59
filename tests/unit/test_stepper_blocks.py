"""Does each block of the stepper, alone, do what the microarchitecture says? Banks, storage, items, DMA."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from compiler.geometry import ConvGeometry
from compiler.program import Stage
from sparsesim.stepper.bank import FETCH_PORT, WRITE_PORT, Bank, Request
from sparsesim.stepper.dma import DmaTransfer, Schedule, transfer_order
from sparsesim.stepper.items import Ch1Item
from sparsesim.stepper.jobs import JobDecoder
from sparsesim.stepper.storage import fetch_lines, lines_touched, row_words
from tests.builders import ONE_PE, full_masks, layer_program


class TestBank:
    def test_first_come_first_served_with_fetches_first(self) -> None:
        order: list[str] = []

        class Port:
            def __init__(self, name: str) -> None:
                self.name = name

            def burst_ended(self, cycle: int) -> None:
                order.append(f"{self.name}@{cycle}")

        bank = Bank()
        for appears_at, port, cluster, lines, name in (
            (0, WRITE_PORT, 0, 2, "write 0"),
            (0, FETCH_PORT, 1, 3, "fetch 1"),
            (0, FETCH_PORT, 0, 1, "fetch 0"),
            (1, FETCH_PORT, 2, 1, "fetch 2, a cycle later"),
        ):
            bank.request(Request(appears_at, port, cluster, lines, Port(name)))
        for cycle in range(8):
            bank.grant(cycle)
            bank.transfer()
            bank.clock_edge(cycle + 1)
        assert order == ["fetch 0@1", "fetch 1@4", "write 0@6", "fetch 2, a cycle later@7"]

    def test_request_is_not_granted_before_it_appears(self) -> None:
        class Port:
            ended_at = -1

            def burst_ended(self, cycle: int) -> None:
                self.ended_at = cycle

        bank, port = Bank(), Port()
        bank.request(Request(2, FETCH_PORT, 0, 1, port))
        for cycle in range(4):
            bank.grant(cycle)
            bank.transfer()
            bank.clock_edge(cycle + 1)
        assert port.ended_at == 3


class TestStorage:
    @pytest.mark.parametrize(
        ("row_format", "positions", "nonzeros", "words"),
        [
            ("bitmask", 16, 0, 1),
            ("bitmask", 17, 5, 2 + 5),
            ("offset", 64, 0, 0),
            ("offset", 64, 3, 5),  # 3 x (16 + 6) = 66 bits
            ("offset", 1, 1, 1),
            ("dense", 9, 2, 9),
        ],
    )
    def test_words_of_a_row(self, row_format: str, positions: int, nonzeros: int, words: int) -> None:
        assert row_words(replace(ONE_PE, row_format=row_format), positions, nonzeros) == words

    @pytest.mark.parametrize(
        ("first", "end", "lines"), [(0, 0, 0), (5, 5, 0), (0, 8, 1), (7, 9, 2), (8, 16, 1), (3, 20, 3)]
    )
    def test_lines_of_a_word_range(self, first: int, end: int, lines: int) -> None:
        assert lines_touched(first, end, 8) == lines

    def test_rows_of_a_phase_follow_each_other(self) -> None:
        # Rows 0, 2, 4 of a stride-2 phase, 6 dense words each: row 2 is words [6, 12), lines 0 and 1.
        dense = replace(ONE_PE, row_format="dense", skip_zeros=False)
        plane = np.ones((5, 6), bool)
        assert fetch_lines(dense, plane, [2], range(6), row_step=2) == 2
        assert fetch_lines(dense, plane, [1], range(6), row_step=2) == 1
        assert fetch_lines(dense, plane, [2, 4], range(6), row_step=2) == 3
        assert fetch_lines(dense, plane, [], range(6), row_step=2) == 0


class TestUnitItems:
    """OSRC: in which order does a stream fetch ch1 items (c) and operations (o)?"""

    @pytest.mark.parametrize(
        ("channels", "filters", "order"),
        [(3, 2, "cccococcoo"), (1, 3, "cocooooo")],
    )
    def test_next_block_is_loaded_between_operations(self, channels: int, filters: int, order: str) -> None:
        geometry = ConvGeometry(channels, filters, (2, 4), (1, 1))
        assert self.order(geometry) == [order]

    def test_blocks_in_the_padding_are_left_out(self) -> None:
        # Output rows 0, 1, 2 meet input rows -1, 0, 1 through kernel row 0, and 1, 2, 3 through kernel row 2.
        geometry = ConvGeometry(1, 1, (3, 4), (3, 1), padding=(1, 0))
        assert self.order(geometry) == ["coco", "cococo", "coco"]

    @staticmethod
    def order(geometry: ConvGeometry) -> list[str]:
        target = replace(ONE_PE, groups_per_cluster=3, pes_per_group=geometry.kernel[0])
        program = layer_program(geometry, Stage.GTW, target)
        queues = JobDecoder(program, full_masks(geometry)).decode(0).queues
        return ["".join("c" if isinstance(item, Ch1Item) else "o" for item in queue) for queue in queues]


class TestDma:
    def test_order_of_transfers(self) -> None:
        order = transfer_order([(32, 32), (32, 32), (64, 0)], ONE_PE)
        assert [(t.is_store, t.tile) for t in order] == [
            (False, 0), (False, 1), (True, 0), (False, 2), (True, 1), (True, 2),
        ]  # fmt: skip
        assert [t.cycles for t in order] == [81, 81, 81, 82, 81, 0]

    @pytest.mark.parametrize(
        ("tiles", "loads", "stores", "end", "dram"),
        [
            # load 0 [0, 5), tile [5, 15), store [15, 18).
            ([10], [5], [3], 18, 8),
            # Compute-bound: loads [0, 5), [5, 10), tiles [5, 15), [15, 25), stores [15, 18), [25, 28).
            ([10, 10], [5, 5], [3, 3], 28, 8),
            # Memory-bound: loads [0, 20), [20, 40); tile 0 [20, 30), store 0 [40, 46), load 2 [46, 66),
            # tile 1 [40, 50), store 1 [66, 72), tile 2 [66, 76), store 2 [76, 82).
            ([10, 10, 10], [20, 20, 20], [6, 6, 6], 82, 52),
            # A store of no bytes still keeps load 2 from overwriting tile 0 before it ends:
            # loads [0, 1), [1, 2), tile 0 [1, 11), load 2 [11, 31), tile 1 [11, 21), tile 2 [31, 41).
            ([10, 10, 10], [1, 1, 20], [0, 0, 0], 41, 11),
            ([10, 10], [0, 0], [0, 0], 20, 0),
        ],
    )  # fmt: skip
    def test_schedule(
        self, tiles: list[int], loads: list[int], stores: list[int], end: int, dram: int
    ) -> None:
        one_byte_a_cycle = replace(ONE_PE, dram_latency_cycles=0, dram_bytes_per_cycle=1.0)
        schedule = Schedule(tiles, transfer_order(list(zip(loads, stores, strict=True)), one_byte_a_cycle))
        schedule.run()
        assert (schedule.cycle, schedule.dram_cycles) == (end, dram)
        assert schedule.dma_busy_cycles == sum(loads) + sum(stores)

    def test_no_tiles_take_no_time(self) -> None:
        schedule = Schedule([], list[DmaTransfer]())
        schedule.run()
        assert schedule.cycle == 0
