"""Jobs, row operations and units as words of their tables."""

from __future__ import annotations

from sparsesim.stepper.operands import RowBlock
from tests.rtl.block_geometries import BlockGeometries, tile_of
from tests.rtl.layout import Layout, met_rows, out_range
from tests.rtl.program_jobs import ProgramJob, Unit
from tests.rtl.tables import JOB, ROWOP, UNIT, Neighbours, fitting, pack

Fields = dict[str, int]


class Instructions:
    """The three tables of a program; a run of words that several jobs need stands in them once."""

    def __init__(self, layout: Layout, geometries: BlockGeometries) -> None:
        self._layout, self._geometries, self._jobs = layout, geometries, layout.jobs
        self._banks = layout.build.buffer_banks
        self._rowops, self._units = Neighbours(), Neighbours()
        words = [self._job(job) for job in self._jobs.jobs]
        self.tables = {JOB: words, ROWOP: self._rowops.words, UNIT: self._units.words}

    def _job(self, job: ProgramJob) -> int:
        own = self._osrc(job) if self._jobs.is_osrc else self._reduction(job)
        return pack(JOB, **self._result(job), **own)

    def _result(self, job: ProgramJob) -> Fields:
        fields = {
            "out_count": len(job.out),
            "out_bank": job.out.start % self._banks,
            "out_row": job.out.start // self._banks,
            "accumulators": self._jobs.accumulators(job),
            "read_sums": job.read_sums,
            "final": job.final,
        }
        layout, key = self._layout, self._jobs.key(job)
        homes = {"sums": layout.sums, "result": layout.results, "mask": layout.masks}
        if self._jobs.is_osrc:
            homes["result"] = layout.sums
        for name, some in homes.items():
            if key in some:
                fields |= {f"{name}_address": some.address(key), f"{name}_stride": some.stride}
        return fields

    def _reduction(self, job: ProgramJob) -> Fields:
        """SRC, MSRC."""
        layout, number = self._layout, job.blocks[0]
        lines = layout.kernel_row_lines(job.out)
        kernel_rows = self._jobs.issued_kernel_rows(number)
        rowops = tuple(self._map_rowop(number, kernel_row, lines) for kernel_row in kernel_rows)
        items = self._jobs.operands.has_masks or (rowops and job.reduce)
        return {
            "rowop_start": self._rowops.start_of(rowops),
            "rowop_count": len(rowops),
            "reduce_count": len(job.reduce),
            "reduce_bank": job.reduce.start % self._banks,
            "reduce_row": job.reduce.start // self._banks,
            "pointer_base": layout.ch0.pointer_base(job.reduce.start),
            "pointer_stride": layout.ch0.pointer_stride,
            "weight_address": layout.weights.address(out_range(job)),
            "weight_stride": layout.weights.stride,
            "geometry": self._geometries.number(self._jobs.blocks[number]),
            "no_items": int(not items),
        }

    def _map_rowop(self, number: int, kernel_row: int, kernel_row_lines: int) -> int:
        block, width = self._jobs.blocks[number], self._jobs.blocks[number].width
        fields = {"row_words": width, "weight_offset": kernel_row * kernel_row_lines}
        met = met_rows(self._jobs, block, kernel_row)
        if met is not None:
            fields["row_base"] = block.row_numbers().index(met[1].first) * width
        return self._rowop(block, kernel_row, fields)

    def _rowop(self, block: RowBlock, kernel_row: int, fields: Fields) -> int:
        fields["geometry"] = self._geometries.number(block)
        fields["positions"] = len(self._geometries.ch0_columns[tile_of(block)])
        met = met_rows(self._jobs, block, kernel_row)
        if met is not None:
            ch0 = met[0]
            fields["rows"] = ch0.count
            fields["pointer_offset"] = self._layout.ch0.pointer_offset(ch0.sample, ch0.tile, ch0.first)
        self._check_sizes(fields)
        return pack(ROWOP, **fields)

    def _check_sizes(self, fields: Fields) -> None:
        machine, rows = self._layout.build.machine, fields.get("rows", 0)
        fitting(rows * fields["positions"], machine.row_slot_entries + 1, "entries of a slot")
        last = fields.get("row_base", 0) + max(rows - 1, 0) * fields["row_words"]
        fitting(last, 1 << machine.reg2_address_bits, "base of an entry's row")

    def _osrc(self, job: ProgramJob) -> Fields:
        ch1 = self._layout.ch1
        assert ch1 is not None
        units, drain_start, items = [], 0, 0
        for unit in job.units:
            fields = self._unit(job, unit) | {"drain_start": drain_start}
            units.append(pack(UNIT, **fields))
            drain_start += len(unit.channels) * self._jobs.program.geometry.kernel[1]
            items += fields["rowop_count"]
        return {
            "unit_start": self._units.start_of(tuple(units)),
            "unit_count": fitting(len(units), self._layout.build.pes_per_group + 1, "units of a job"),
            "ch1_pointer_base": ch1.pointer_base(job.out.start),
            "ch1_pointer_stride": ch1.pointer_stride,
            "no_items": int(items == 0),
        }

    def _unit(self, job: ProgramJob, unit: Unit) -> Fields:
        blocks = [b for b in job.blocks if unit.kernel_row in self._jobs.issued_kernel_rows(b)]
        rowops = tuple(self._gradient_rowop(self._jobs.blocks[b], unit.kernel_row) for b in blocks)
        first = unit.channels.start
        return {
            "rowop_start": self._rowops.start_of(rowops),
            "rowop_count": len(rowops),
            "channel_count": len(unit.channels),
            "channel_bank": first % self._banks,
            "channel_row": first // self._banks,
            "pointer_base": self._layout.ch0.pointer_base(first),
            "pointer_stride": self._layout.ch0.pointer_stride,
        }

    def _gradient_rowop(self, block: RowBlock, kernel_row: int) -> int:
        met = met_rows(self._jobs, block, kernel_row)
        assert met is not None and self._layout.ch1 is not None
        columns = len(self._geometries.ch1_columns[tile_of(block)])
        fitting(met[1].count * columns, self._layout.build.machine.reg1_words + 1, "words of the ch1 rows")
        offset = self._layout.ch1.pointer_offset(met[1].sample, met[1].tile, met[1].first)
        fields = {"row_words": columns, "ch1_positions": columns, "ch1_pointer_offset": offset}
        return self._rowop(block, kernel_row, fields)
