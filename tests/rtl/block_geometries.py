"""The tables that tell PEs and fetch units of a column tile: taps, places of ch0 and of ch1 columns."""

from __future__ import annotations

from compiler.program import RowOperation
from sparsesim.stepper.operands import OsrcOperands, RowBlock
from tests.rtl.coordinates import block_taps, ch1_places, entry_place
from tests.rtl.machine_build import Build
from tests.rtl.ports import packed, tap_step
from tests.rtl.program_jobs import Jobs
from tests.rtl.stored_map import ColumnTile
from tests.rtl.tables import CH1_PLACES, PLACES, TAPS, DoesNotFitError, fitting


class BlockGeometries:
    """Numbers of the column tiles of a program, and their words of the three tables."""

    def __init__(self, jobs: Jobs, build: Build) -> None:
        self._jobs, self._build = jobs, build
        self._numbers: dict[ColumnTile, int] = {}
        self.tables: dict[int, list[int]] = {TAPS: [], PLACES: [], CH1_PLACES: []}
        self.ch0_columns: dict[ColumnTile, list[int]] = {}
        self.ch1_columns: dict[ColumnTile, list[int]] = {}
        for block in jobs.blocks:
            if tile_of(block) not in self._numbers:
                self._add(block)
        fitting(len(self._numbers), build.geometry_words + 1, "column tiles")

    def number(self, block: RowBlock) -> int:
        """Address in the tables."""
        return self._numbers[tile_of(block)]

    def _add(self, block: RowBlock) -> None:
        tile, operands = tile_of(block), self._jobs.operands
        self._numbers[tile] = len(self._numbers)
        self.ch0_columns[tile] = operands.ch0_columns(block)
        self.ch1_columns[tile] = operands.ch1_columns(block) if isinstance(operands, OsrcOperands) else []
        places = self._ch1_places(tile)
        self.tables[TAPS].append(self._taps(tile, places))
        self.tables[PLACES].append(self._entry_places(tile))
        self.tables[CH1_PLACES].append(self._packed_places(places))

    def _ch1_places(self, tile: ColumnTile) -> dict[int, int]:
        program = self._jobs.program
        if program.operation is not RowOperation.OSRC:
            return {}
        return ch1_places(program.geometry, program.ch0_pattern, self.ch1_columns[tile])

    def _taps(self, tile: ColumnTile, places: dict[int, int]) -> int:
        program, machine = self._jobs.program, self._build.machine
        taps = block_taps(program.geometry, program.operation, program.ch0_pattern, *tile, places)
        fitting(len(taps), machine.kernel_columns + 1, "kernel columns")
        for tap in taps:
            fitting(tap.residue, 1 << machine.residue_bits, "a residue")
        try:
            return tap_step(machine, 0, taps)["load_taps"]
        except ValueError as error:
            raise DoesNotFitError(str(error)) from error

    def _entry_places(self, tile: ColumnTile) -> int:
        program, machine = self._jobs.program, self._build.machine
        columns, half = self.ch0_columns[tile], 1 << (machine.column_bits - 1)
        fitting(len(columns), machine.row_slot_entries + 1, "positions of a ch0 row")
        fields = []
        for x in columns:
            column, residue = entry_place(program.geometry, program.ch0_pattern, tile[0], x)
            fitting(column + half, 2 * half, "column of an entry above the lowest")
            fields.append((column, machine.column_bits))
            fields.append((fitting(residue, 1 << machine.residue_bits, "a residue"), machine.residue_bits))
        return packed(fields)

    def _packed_places(self, places: dict[int, int]) -> int:
        """By position in the stored row, which is column order."""
        machine = self._build.machine
        fitting(len(places), machine.reg1_words + 1, "positions of a ch1 row")
        return packed((places[x], machine.reg1_address_bits) for x in sorted(places))


def tile_of(block: RowBlock) -> ColumnTile:
    """The column tile of a row block."""
    return block.column, block.width
