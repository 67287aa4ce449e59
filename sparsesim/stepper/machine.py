"""The machine, one clock per `tick()`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from compiler.program import StageProgram
from compiler.target import Target
from sparsesim.stepper.bank import Bank
from sparsesim.stepper.cluster import Cluster
from sparsesim.stepper.controller import Controller
from sparsesim.stepper.counters import DISPATCH, STATE_NAMES, ProgramCounts, TileCounts
from sparsesim.stepper.dma import Schedule, transfer_order
from sparsesim.stepper.jobs import JobDecoder
from sparsesim.stepper.operands import Masks
from workloads.errors import UserError


class Machine:
    """All blocks at the start of a tile."""

    def __init__(self, program: StageProgram, tile_index: int, masks: Masks) -> None:
        target = program.target
        _check_steppable(target)
        shape = (target.groups, target.pes_per_group, len(STATE_NAMES))
        self.counts = TileCounts(np.zeros(shape, np.int64))
        self._cycle = 0
        self._tile_switch_cycles = 0 if target.free_controller else target.tile_switch_cycles
        self._banks = [Bank(one_at_a_time=not target.free_banks) for _ in range(target.buffer_banks)]
        self._clusters = [Cluster(k, target, self._banks, self.counts) for k in range(target.clusters)]
        decoder = JobDecoder(program, masks)
        self._controller = Controller(program.tiles[tile_index], target, decoder, self._clusters, self.counts)

    def run(self) -> TileCounts:
        """Step until every result of the tile is written, then let the controller switch."""
        while not self._complete():
            self.tick()
        self.counts.cycles = self._cycle + self._tile_switch_cycles
        self.counts.pe_states[:, :, DISPATCH] += self._tile_switch_cycles
        return self.counts

    def _complete(self) -> bool:
        return self._controller.none_left and all(cluster.jobs.all_written() for cluster in self._clusters)

    def tick(self) -> None:
        """One clock cycle: what each block does in it, then the clock edge."""
        self._controller.tick(self._cycle)
        self._finish_jobs()
        self._take_write_requests()
        self._read_headers()
        self._grant_banks()
        self._step_pes()
        self._clock_edge()

    def _finish_jobs(self) -> None:
        for cluster in self._clusters:
            cluster.finish_jobs(self._cycle)

    def _take_write_requests(self) -> None:
        for cluster in self._clusters:
            cluster.write_port.tick(self._cycle)

    def _read_headers(self) -> None:
        for cluster in self._clusters:
            cluster.fetch_unit.tick(self._cycle)

    def _grant_banks(self) -> None:
        for bank in self._banks:
            bank.grant(self._cycle)

    def _step_pes(self) -> None:
        for cluster in self._clusters:
            cluster.step_pes(self._cycle)

    def _clock_edge(self) -> None:
        """What took this cycle is over; its effects are seen from the next one on."""
        for cluster in self._clusters:
            cluster.drain(self._cycle + 1)
        self._cycle += 1
        for bank in self._banks:
            bank.transfer()
            bank.clock_edge(self._cycle)
        for cluster in self._clusters:
            cluster.clock_edge(self._cycle)
        self._controller.clock_edge()


def step_tile(program: StageProgram, tile_index: int, masks: Masks) -> TileCounts:
    """Counters of one tile of a program on the masks of one sample.

    masks: bool arrays of the shapes of program.geometry. The DMA is not part of it: see step_program.
    Raises UserError if a mask has another shape, IndexError if there is no such tile.
    """
    _check_shapes(program, masks)
    return Machine(program, tile_index, masks).run()


def step_program(
    program: StageProgram, masks: Masks, transfers: Sequence[tuple[float, float]]
) -> ProgramCounts:
    """Counters of all tiles and of the DMA schedule.

    transfers: (load bytes, store bytes) per tile, at least 0; fractions are shares of transfers that serve
    several samples. Raises UserError if their number or a sign is wrong.
    """
    _check_transfers(program, transfers)
    tiles = tuple(step_tile(program, i, masks) for i in range(len(program.tiles)))
    schedule = Schedule([tile.cycles for tile in tiles], transfer_order(transfers, program.target))
    schedule.run()
    return ProgramCounts(
        tiles=tiles,
        on_chip_cycles=sum(tile.cycles for tile in tiles),
        with_dram_cycles=schedule.cycle,
        dram_cycles=schedule.dram_cycles,
        dma_busy_cycles=schedule.dma_busy_cycles,
    )


def _check_steppable(target: Target) -> None:
    """What takes no time at all happens between two clocks, which nothing here can show."""
    if target.free_transfers or target.free_ppus:
        raise UserError(
            "ideal.free_transfers and ideal.free_ppus cannot be stepped: what they free takes less than a "
            "clock; the engine has them."
        )


def _check_shapes(program: StageProgram, masks: Masks) -> None:
    geometry, layer = program.geometry, program.layer
    (height, width), (out_height, out_width) = geometry.in_size, geometry.out_size
    input_shape = (geometry.in_channels, program.samples * height, width)
    output_shape = (geometry.out_channels, program.samples * out_height, out_width)
    for name, mask, shape in (
        ("input", masks.input, input_shape),
        ("grad_output", masks.grad_output, output_shape),
        ("grad_input_mask", masks.grad_input_mask, input_shape),
    ):
        if mask is not None and mask.shape != shape:
            raise UserError(f"mask {name!r} of layer {layer!r} must have shape {shape}, not {mask.shape}.")


def _check_transfers(program: StageProgram, transfers: Sequence[tuple[float, float]]) -> None:
    if len(transfers) != len(program.tiles):
        raise UserError(
            f"transfers of layer {program.layer!r} must be one pair of bytes per tile: "
            f"{len(program.tiles)} tiles, {len(transfers)} pairs."
        )
    for tile, pair in enumerate(transfers):
        if min(pair) < 0:
            raise UserError(
                f"transfers of layer {program.layer!r}, tile {tile}: bytes must be >= 0, not {min(pair)}."
            )
