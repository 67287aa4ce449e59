"""Proof that a program computes everything exactly once.

Every contribution a result needs gets a random 64-bit number; what the row operations add up, modulo
2^64, must be the sum of all of them. A missing or doubled contribution changes the count; an exchanged one
leaves the count and changes the sum (it would go unseen once in 2^64). The numbers come from a fixed seed.
Arrays hold both at once: [0] counts, [1] sums.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from compiler.ir.jobs import JobTable, RowOperations
from compiler.ir.nodes import Loop, Node, Program, Store
from compiler.ir.operand_rows import rows_that_meet
from compiler.ir.order import check_gradients_of_tiles
from compiler.ir.tensors import RESULT
from compiler.ir.unroll import IntArray
from compiler.ir.violations import Violations, first_at
from compiler.program import RowOperation

U64Array = NDArray[np.uint64]

_UNTOUCHED, _PARTIAL, _FINISHED = 0, 1, 2
_RUNNING = ("is not touched", "has partial sums", "is finished")


def _weights(shape: tuple[int, ...]) -> U64Array:
    """uint64[2, *shape]: ones, and random numbers."""
    random = np.random.default_rng(np.random.SeedSequence(0))
    numbers = random.integers(0, 2**64, shape, dtype=np.uint64)
    return np.stack([np.ones_like(numbers), numbers])


class MapCoverage:
    """SRC and MSRC: every position of O or dI gets every (reduction channel, kernel row) that meets it."""

    def __init__(self, program: Program, table: JobTable) -> None:
        geometry = program.geometry
        forward = program.operation is RowOperation.SRC
        self._program, self._table = program, table
        self._meets = rows_that_meet(program)
        reduction = geometry.in_channels if forward else geometry.out_channels
        self._weights = _weights((reduction, geometry.kernel[0]))
        channels = geometry.out_channels if forward else geometry.in_channels
        size = geometry.out_size if forward else geometry.in_size
        self._given = np.zeros((2, len(table), geometry.kernel[0]), np.uint64)
        self._covered = np.zeros((2, channels, *size), np.uint64)
        self._state = np.zeros((channels, *size), np.int8)

    def add(self, operations: RowOperations) -> None:
        """Note the row operations of a chunk that passed the bounds."""
        for given, weights in zip(self._given, self._weights, strict=True):
            values = weights[operations.channel, operations.kernel_row]
            np.add.at(given, (operations.job, operations.kernel_row), values)

    def check(self, found: Violations) -> None:
        """Run the jobs over the map, then compare with what every position needs."""
        for job in range(len(self._table)):
            self._run(job, found)
        wanted = self._wanted()
        needed = np.broadcast_to(wanted[0] > 0, self._state.shape)
        name = RESULT[self._program.operation]
        self._report(needed & (self._state != _FINISHED), "is not finished by any job", name, found)
        self._report(needed & (self._covered[0] != wanted[0]), "", name, found, wanted)
        exchanged = (self._covered[0] == wanted[0]) & (self._covered[1] != wanted[1])
        self._report(exchanged, "gets some row operations twice and others never", name, found)

    def _run(self, job: int, found: Violations) -> None:
        table = self._table
        channels, rows, columns = table.result(job, self._program.row_step)
        given = self._meets[rows].astype(np.uint64) @ self._given[:, job, :, None]
        self._covered[:, channels, rows, columns] += given[:, None]
        state = self._state[channels, rows, columns]
        expected = _PARTIAL if table.read_sums[job] else _UNTOUCHED
        if np.any(state != expected):
            actual = _RUNNING[int(state[state != expected][0])]
            site, iteration = table.place(job)
            what = f"read_sums is {table.read_sums[job]}, but the block {actual}"
            found.add(site.path, what + first_at(iteration), what)
        state[...] = _FINISHED if table.final[job] else _PARTIAL

    def _wanted(self) -> U64Array:
        """uint64[2, channels, rows, 1]: what every position of a row needs."""
        groups = self._program.geometry.groups
        per_group = self._weights.reshape(2, groups, -1, self._weights.shape[2]).sum(axis=2, dtype=np.uint64)
        rows = per_group @ self._meets.T.astype(np.uint64)
        return np.repeat(rows, self._state.shape[0] // groups, axis=1)[..., None]

    def _report(
        self,
        wrong: NDArray[np.bool_],
        what: str,
        name: str,
        found: Violations,
        wanted: U64Array | None = None,
    ) -> None:
        places = np.argwhere(wrong)
        if not len(places):
            return
        c, y, x = places[0].tolist()
        if wanted is not None:
            what = f"gets {self._covered[0, c, y, x]} row operations of {wanted[0, c, y, 0]}"
        more = f" (and {len(places) - 1} more positions)" if len(places) > 1 else ""
        found.add((name,), f"{name}[{c}, {y}, {x}] {what}{more}")


class WeightCoverage:
    """OSRC: every element of dW gets every position of dO, of every sample, that meets I by its kernel row.

    Where several samples share the store of dW, its partial sums exist before the program begins.
    """

    def __init__(self, program: Program, table: JobTable) -> None:
        self._program, self._table = program, table
        self._across_f = program.ch0_pattern is RowOperation.SRC
        self._earlier_samples = any(store.share > 1 for store in _stores(program.body))
        meets = rows_that_meet(program).T[:, None, :, None].astype(np.uint64)
        weights = _weights((program.samples, *program.geometry.out_size))
        by_kernel_row = weights[:, None] * meets  # [2, Kh, samples, Ho, Wo]
        before = by_kernel_row.cumsum(axis=3, dtype=np.uint64).cumsum(axis=4, dtype=np.uint64)
        self._before = np.pad(before, ((0, 0), (0, 0), (0, 0), (1, 0), (1, 0)))
        self._wanted = self._before[..., -1, -1].sum(axis=2, dtype=np.uint64)

    def segments(self) -> list[tuple[int, IntArray]]:
        """(first channel, jobs in program order) of every range of output channels that jobs treat alike."""
        start, stop = self._table.out_start, self._table.out_start + self._table.out_count
        edges = np.unique(np.concatenate([[0, self._program.out_channels[0]], start, stop]))
        by_start = np.argsort(start, kind="stable")
        longest = int(self._table.out_count.max(initial=0))
        segments = []
        for edge in edges[:-1].tolist():
            low, high = np.searchsorted(start[by_start], [edge - longest + 1, edge + 1])
            near = by_start[low:high]
            segments.append((edge, np.sort(near[stop[near] > edge])))
        return segments

    def check(self, channel: int, operations: list[RowOperations], found: Violations) -> None:
        """Compare what the jobs of one segment add up with what its elements need."""
        per_group = self._program.reduction_channels[1]
        size = (self._program.geometry.kernel[0], per_group)
        first = channel // self._program.out_channels[1] * per_group
        covered = np.zeros((2, *size), np.uint64)
        for part in operations:
            for which, values in enumerate(self._given(part)):
                np.add.at(covered[which], (part.kernel_row, part.channel - first), values)
        wanted = np.broadcast_to(self._wanted[:, :, None], covered.shape)
        if not np.array_equal(covered, wanted):
            self._report(channel, first, covered, wanted, found)
        self._check_order(channel, operations, found)

    def _given(self, part: RowOperations) -> U64Array:
        """uint64[2, n]: numbers of the rectangle of dO that each operation works on."""
        assert part.blocks is not None, "structure rules give every OSRC operation a block"
        top, left = part.blocks.first, part.blocks.column
        bottom, right = top + part.blocks.rows, left + part.blocks.width
        before, h, s = self._before, part.kernel_row, part.blocks.phase
        upper = before[:, h, s, top, right] - before[:, h, s, top, left]
        given: U64Array = before[:, h, s, bottom, right] - before[:, h, s, bottom, left] - upper
        return given

    def _report(
        self, channel: int, first: int, covered: U64Array, wanted: U64Array, found: Violations
    ) -> None:
        wrong = np.argwhere((covered != wanted).any(axis=0))
        h, a = wrong[0].tolist()
        what = f"gets {covered[0, h, a]} positions of dO of {wanted[0, h, a]}"
        if covered[0, h, a] == wanted[0, h, a]:
            what = "gets some positions of dO twice and others never"
        element = h * self._program.reduction_channels[0] + first + a
        more = f" (and {len(wrong) - 1} more kernel rows)" if len(wrong) > 1 else ""
        found.add(("dW",), f"{self._name(channel, element)} {what}{more}", "contributions")

    def _name(self, channel: int, element: int) -> str:
        """dW[f, c, kh], c within the convolution group. element: kernel row x ch0 channels + ch0 channel."""
        kernel_row, ch0_channel = divmod(element, self._program.reduction_channels[0])
        f, c = (channel, ch0_channel) if self._across_f else (ch0_channel, channel)
        return f"dW[{f}, {c % self._program.geometry.in_channels_per_group}, {kernel_row}]"

    def _check_order(self, channel: int, parts: list[RowOperations], found: Violations) -> None:
        """Sums are never overwritten, read before they exist or are written, or held twice in a job."""
        if not sum(len(part.job) for part in parts):
            return
        pes = self._program.pes_per_group
        holders = np.unique(np.concatenate([self._holder_key(part) for part in parts]))
        element, job = np.divmod(np.unique(holders // pes), len(self._table))
        if len(element) != len(holders):
            what = f"two units of a job hold the same elements of {self._part_of(channel)}"
            found.add(("dW",), what, "two units")
        repeated = np.concatenate([[False], element[1:] == element[:-1]])
        again, new = np.flatnonzero(repeated), job[~repeated]
        reads, final = self._table.read_sums == 1, self._table.final == 1
        self._order_rule(channel, job[again], ~reads[job[again]], "overwrites partial sums of", found)
        self._order_rule(channel, job[again], final[job[again - 1]], "adds to the finished", found)
        name = partial(self._name, channel)
        check_gradients_of_tiles(self._table, element, job, again, name, found)
        begun = (np.searchsorted(np.flatnonzero(~reads), new) > 0) | self._earlier_samples
        self._order_rule(channel, new, reads[new] & ~begun, "reads partial sums that nobody wrote, of", found)

    def _holder_key(self, part: RowOperations) -> IntArray:
        """(kernel row, ch0 channel, job, unit) of every operation as one number that sorts in this order."""
        element = part.kernel_row * self._program.reduction_channels[0] + part.channel
        return (element * len(self._table) + part.job) * self._program.pes_per_group + part.unit

    def _order_rule(
        self, channel: int, jobs: IntArray, wrong: NDArray[np.bool_], what: str, found: Violations
    ) -> None:
        if wrong.any():
            site, iteration = self._table.place(int(jobs[wrong.argmax()]))
            found.add(site.path, f"{what} {self._part_of(channel)}{first_at(iteration)}", what)

    def _part_of(self, channel: int) -> str:
        return f"dW of {'output' if self._across_f else 'input'} channel {channel}"


def _stores(body: tuple[Node, ...]) -> Iterator[Store]:
    for node in body:
        if isinstance(node, Store):
            yield node
        elif isinstance(node, Loop):
            yield from _stores(node.body)
