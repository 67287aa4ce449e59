"""Rules on the numbers of a program: ranges inside tensors, and what registers hold."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from compiler.ir.jobs import Blocks, JobTable, RowOperations
from compiler.ir.nodes import Load, Program, Store
from compiler.ir.operand_rows import OperandRows, ch0_columns, ch1_row_columns, map_size
from compiler.ir.unroll import IntArray, Iterations, evaluate_all
from compiler.ir.violations import Path, Violations, first_at
from compiler.program import RowOperation
from compiler.target import Target

# (wrong, sentence about the index-th): one rule over all iterations of a statement.
Rule = tuple[NDArray[np.bool_], Callable[[int], str]]


def check_target(program: Program, target: Target, found: Violations) -> None:
    """Array size and kernel row against the machine."""
    for name in ("groups_per_cluster", "pes_per_group"):
        demand, bound = getattr(program, name), getattr(target, name)
        if demand != bound:
            found.add(("array",), f"{name} {demand} is not the machine's {bound}")
    width = program.geometry.kernel[1]
    if program.operation is not RowOperation.OSRC and width > target.reg1_words:
        found.add(("conv",), f"a kernel row of {width} words exceeds reg1_words {target.reg1_words}")


def check_transfer(
    program: Program, path: Path, node: Load | Store, at: Iterations, found: Violations
) -> None:
    """Ranges of a transfer lie inside the two outer axes of its tensor."""
    shape = next(tensor.shape for tensor in program.tensors if tensor.name == node.tensor)
    for name, bounds, size in (("channels", node.channels, shape[0]), ("rows", node.rows, shape[1])):
        start, stop = evaluate_all(bounds.start, at), evaluate_all(bounds.stop, at)
        wrong = (stop < start) | (start < stop) & ((start < 0) | (stop > size))
        found.add_first(path, wrong, at, _range_sentence(name, start, stop, size), name)


def _range_sentence(name: str, start: IntArray, stop: IntArray, size: int) -> Callable[[int], str]:
    return lambda i: f"{name} [{start[i]}, {stop[i]}) leave [0, {size})"


def check_jobs(program: Program, table: JobTable, target: Target | None, found: Violations) -> None:
    """Channels, block and flags of every job."""
    rules = _channel_rules(program, table)
    if table.blocks is not None:
        rules += _block_rules(program, table.blocks)
        if target is not None:
            rules.append(
                _too_many(table.blocks.rows * table.blocks.width, target, "reg2_words", "block of {} sums")
            )
    for name in ("read_sums", "final"):
        rules.append(_flag_rule(name, getattr(table, name)))
    for wrong, sentence in rules:
        _add_jobs(table, wrong, sentence, found)


def _add_jobs(
    table: JobTable, wrong: NDArray[np.bool_], sentence: Callable[[int], str], found: Violations
) -> None:
    """One violation per job statement with jobs that are wrong: the first stands for all."""
    for number in np.unique(table.site[wrong]):
        first = int((wrong & (table.site == number)).argmax())
        site, iteration = table.place(first)
        found.add(site.path, sentence(first) + first_at(iteration))


def _flag_rule(name: str, flag: IntArray) -> Rule:
    return (flag < 0) | (flag > 1), lambda i: f"{name} {flag[i]} must be 0 or 1"


def _channel_rules(program: Program, table: JobTable) -> list[Rule]:
    start, count, groups = table.out_start, table.out_count, program.groups_per_cluster
    channels, per_group = program.out_channels
    last = start + count - 1
    return [
        (count < 1, lambda i: f"out_count {count[i]} must be at least 1"),
        (count > groups, lambda i: f"out_count {count[i]} exceeds groups_per_cluster {groups}"),
        (
            (start < 0) | (last >= channels),
            lambda i: f"out channels [{start[i]}, {last[i] + 1}) leave [0, {channels})",
        ),
        (
            (count > 0) & (start >= 0) & (last < channels) & (start // per_group != last // per_group),
            lambda i: f"out channels [{start[i]}, {last[i] + 1}) span several convolution groups",
        ),
    ]


def _block_rules(program: Program, blocks: Blocks) -> list[Rule]:
    (height, columns), phases = map_size(program), program.phases
    samples = program.operation is RowOperation.OSRC
    start = 0 if samples else blocks.phase
    last_row = start + program.row_step * (blocks.first + blocks.rows - 1)
    end = blocks.column + blocks.width
    phase = "phase, the sample," if samples else "phase"
    return [
        (
            (blocks.phase < 0) | (blocks.phase >= phases),
            lambda i: f"block {phase} {blocks.phase[i]} leaves [0, {phases})",
        ),
        (
            (blocks.rows < 1) | (blocks.width < 1),
            lambda i: f"block of {blocks.rows[i]} rows and {blocks.width[i]} columns is empty",
        ),
        (
            (blocks.first < 0) | (last_row >= height),
            lambda i: f"block rows [{blocks.first[i]}, +{blocks.rows[i]}) leave the map of {height} rows",
        ),
        (
            (blocks.column < 0) | (end > columns),
            lambda i: f"block columns [{blocks.column[i]}, {end[i]}) leave [0, {columns})",
        ),
    ]


def _too_many(demand: IntArray, target: Target, field: str, what: str) -> Rule:
    bound = getattr(target, field)
    return demand > bound, lambda i: f"{what.format(demand[i])} exceeds {field} {bound}"


class OperationCheck:
    """Rules on row operations, chunk by chunk."""

    def __init__(self, program: Program, table: JobTable, target: Target | None, found: Violations) -> None:
        self._program, self._table, self._target, self._found = program, table, target, found
        self._operand_rows = OperandRows(program)

    def __call__(self, operations: RowOperations) -> bool:
        """True if every operation of the chunk keeps the rules."""
        if not self._keeps(operations, "reference", self._reference_rules(operations)):
            return False
        blocks = self._blocks(operations)
        own = [] if operations.blocks is None else _block_rules(self._program, blocks)
        if not self._keeps(operations, "block", own):
            return False
        return self._keeps(operations, "row", self._row_rules(operations, blocks))

    def _keeps(self, operations: RowOperations, kind: str, rules: list[Rule]) -> bool:
        for number, (wrong, sentence) in enumerate(rules):
            rule = f"{kind} {number}"
            self._found.add_first(operations.path, wrong, operations.iterations, sentence, rule)
        return not any(np.any(wrong) for wrong, _ in rules)

    def _blocks(self, operations: RowOperations) -> Blocks:
        """The block of every operation: its own (OSRC) or that of its job."""
        blocks = operations.blocks if operations.blocks is not None else self._table.blocks
        assert blocks is not None, "structure rules give every operation a block"
        if operations.blocks is not None:
            return blocks
        job = operations.job
        return Blocks(
            blocks.phase[job], blocks.first[job], blocks.rows[job], blocks.column[job], blocks.width[job]
        )

    def _reference_rules(self, operations: RowOperations) -> list[Rule]:
        """Channel, kernel row and unit exist."""
        channel, kernel_row, unit = operations.channel, operations.kernel_row, operations.unit
        channels, per_group = self._program.reduction_channels
        _, out_per_group = self._program.out_channels
        height, pes = self._program.geometry.kernel[0], self._program.pes_per_group
        out_group = self._table.out_start[operations.job] // out_per_group
        inside = (channel >= 0) & (channel < channels)
        return [
            (~inside, lambda i: f"channel {channel[i]} leaves [0, {channels})"),
            (
                inside & (channel // per_group != out_group),
                lambda i: f"channel {channel[i]} is not of convolution group {out_group[i]} of its job",
            ),
            (
                (kernel_row < 0) | (kernel_row >= height),
                lambda i: f"kernel_row {kernel_row[i]} leaves [0, {height})",
            ),
            (unit >= pes, lambda i: f"unit {unit[i]} of the job exceeds pes_per_group {pes}"),
        ]

    def _row_rules(self, operations: RowOperations, blocks: Blocks) -> list[Rule]:
        """Some operand row exists, and what it takes fits the registers."""
        kernel_row = operations.kernel_row
        rows = self._operand_rows.count(blocks, kernel_row)
        rules: list[Rule] = []
        if self._program.operation is RowOperation.OSRC:
            rules.append(self._same_kernel_row(operations))
        else:
            text = "no operand row of kernel_row {} lies inside; it is not issued"
            rules.append((rows == 0, lambda i: text.format(kernel_row[i])))
        if self._target is None:
            return rules
        entries = rows * ch0_columns(self._program, blocks)
        rules.append(_too_many(entries, self._target, "row_slot_entries", "ch0 row of {} positions"))
        if self._program.operation is RowOperation.OSRC:
            words = rows * ch1_row_columns(self._program, blocks)
            operand = "dO" if self._program.ch0_pattern is RowOperation.SRC else "I"
            rules.append(
                _too_many(words, self._target, "reg1_words", f"ch1 vector of {{}} words of {operand}")
            )
            rules.append(self._accumulators(operations, self._target))
        return rules

    def _same_kernel_row(self, operations: RowOperations) -> Rule:
        _, first, which = self._units(operations)
        kernel_row = operations.kernel_row
        return (
            kernel_row != kernel_row[first][which],
            lambda i: f"kernel_row {kernel_row[i]} differs within unit {operations.unit[i]}",
        )

    def _accumulators(self, operations: RowOperations, target: Target) -> Rule:
        """Accumulators of a unit, its channels times Kw, against Reg-2."""
        number, _, which = self._units(operations)
        channels, _ = self._program.reduction_channels
        pairs = np.unique(which * channels + operations.channel)
        unit_channels = np.bincount(pairs // channels, minlength=number)
        demand = (unit_channels * self._program.geometry.kernel[1])[which]
        return _too_many(demand, target, "reg2_words", "unit of {} weight gradients")

    def _units(self, operations: RowOperations) -> tuple[int, IntArray, IntArray]:
        """Number of units, index of the first operation of each, unit number of every operation."""
        key = operations.job * self._program.pes_per_group + operations.unit
        units, first, which = np.unique(key, return_index=True, return_inverse=True)
        return len(units), first, which
