"""What a program means, computed with real numbers: one row operation after the other.

The interpreter follows the nodes, not the machine program made of them: registers of every group and PE,
operations dealt to PE positions in turn, PPUs that add the registers up, partial sums that wait in `sums`.
Rounding and saturation of the operand format are not modelled; values keep the type of the operands.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compiler.ir.expressions import Expression, evaluate
from compiler.ir.nodes import Block, Job, Loop, Node, Ppu, Program, RowOp
from compiler.ir.taps import input_taps, output_taps
from compiler.ir.tensors import OPERANDS, RESULT, tensor_shape
from compiler.program import RowOperation
from workloads.errors import UserError

Environment = dict[str, int]
Array = NDArray[Any]


def interpret(program: Program, tensors: Mapping[str, Array]) -> dict[str, Array]:
    """Execute a program that `verify` accepts, for one sample (OSRC: for those it accumulates over).

    tensors: SRC: I (C, H, W) and W (F, C / groups, Kh, Kw); MSRC: dO (F, Ho, Wo), W and, where the program
    declares one, optionally mask (C, H, W), non-zero where dI is needed; OSRC: I (C, S * H, W) and dO
    (F, S * Ho, Wo), the maps of its S samples stacked by rows, and optionally sums (as W), the partial sums
    of earlier samples that a first job may read (0 if left out). Tensors that the operation does not use are
    ignored. Returns O, dI or dW, 0 where no row operation contributes, and
    `abs_sum`, the sum of absolute results, where a PPU accumulates it. UserError for a missing tensor,
    a wrong shape, and a mask the program does not declare.
    """
    machine = _Machine(program, _operands(program, tensors))
    machine.run(program.body, {})
    return machine.results()


def _operands(program: Program, tensors: Mapping[str, Array]) -> dict[str, Array]:
    """The tensors the program reads, checked."""
    names = list(OPERANDS[program.operation])
    if program.operation is RowOperation.MSRC and "mask" in tensors:
        if all(tensor.name != "mask" for tensor in program.tensors):
            raise UserError(
                f"{program.layer}/{program.stage}: the program declares no tensor 'mask'; leave it out."
            )
        names.append("mask")
    if program.operation is RowOperation.OSRC and "sums" in tensors:
        names.append("sums")
    for name in names:
        expected = tensor_shape("W" if name == "sums" else name, program.geometry, program.samples)
        if name not in tensors:
            raise UserError(
                f"{program.layer}/{program.stage}: tensor {name!r} of shape {expected} is missing."
            )
        if np.shape(tensors[name]) != expected:
            raise UserError(
                f"{program.layer}/{program.stage}: tensor {name!r} has shape {np.shape(tensors[name])}, "
                f"not {expected}."
            )
    return {name: np.asarray(tensors[name]) for name in names}


@dataclass(frozen=True)
class _BlockSlices:
    """A row block as slices of the output map of a sample (0 but for OSRC)."""

    sample: int
    rows: slice
    columns: slice


class _Machine:
    """State between jobs: the result, the partial sums, the sum of absolute results."""

    def __init__(self, program: Program, operands: dict[str, Array]) -> None:
        self._program = program
        self._operands = operands
        self._taps = _taps(program, operands)
        if program.operation is RowOperation.OSRC:
            self._gradients = _by_sample(operands["dO"], program.samples)
        shape = tensor_shape(RESULT[program.operation], program.geometry)
        self._dtype = np.result_type(*(operands[name] for name in OPERANDS[program.operation]))
        self._result = np.zeros(shape, self._dtype)
        self._sums = operands.get("sums", self._result).copy()
        self._abs_sum: Array | None = None

    def _error(self, what: str) -> UserError:
        return UserError(f"{self._program.layer}/{self._program.stage}: {what}; the verifier says where.")

    def results(self) -> dict[str, Array]:
        if self._program.operation is RowOperation.OSRC:
            return {"dW": self._sums}
        results = {RESULT[self._program.operation]: self._result}
        return results if self._abs_sum is None else results | {"abs_sum": self._abs_sum}

    def run(self, body: tuple[Node, ...], environment: Environment) -> None:
        for node in body:
            if isinstance(node, Loop):
                for inner in _iterations(node, environment):
                    self.run(node.body, inner)
            elif isinstance(node, Job):
                self._job(node, environment)

    def _job(self, job: Job, environment: Environment) -> None:
        if self._program.operation is RowOperation.OSRC:
            self._weight_gradient_job(job, environment)
        else:
            self._map_job(job, environment)

    def _map_job(self, job: Job, environment: Environment) -> None:
        """SRC and MSRC: Reg-2 of every (group, PE) holds the row block of the group's output channel."""
        if job.block is None:
            raise self._error("a job has no row block")
        start, count = evaluate(job.out_start, environment), evaluate(job.out_count, environment)
        block = _slices(job.block, self._program, environment)
        target = (slice(start, start + count), block.rows, block.columns)
        registers = np.zeros((self._program.pes_per_group, *self._result[target].shape), self._dtype)
        for i, (operation, inner) in enumerate(_row_operations(job.body, environment)):
            channel, kernel_row = evaluate(operation.channel, inner), evaluate(operation.kernel_row, inner)
            taps = self._taps[channel, block.rows, block.columns, kernel_row]
            weights = self._kernel_rows(target[0], channel, kernel_row)
            registers[i % len(registers)] += np.tensordot(weights, taps, axes=(1, 2))
        total = registers.sum(axis=0)
        if "mask" in self._operands:
            total = np.where(self._operands["mask"][target] != 0, total, 0)
        self._post_process(job, environment, target, total)

    def _kernel_rows(self, outputs: slice, channel: int, kernel_row: int) -> Array:
        """[groups, Kw]: the kernel row of each group's output channel and the reduction channel."""
        weights, per_group = self._operands["W"], self._program.geometry.in_channels_per_group
        if self._program.operation is RowOperation.SRC:
            return weights[outputs, channel % per_group, kernel_row]
        return weights[channel, _within_group(outputs, per_group), kernel_row]

    def _weight_gradient_job(self, job: Job, environment: Environment) -> None:
        """OSRC: the PE of a unit holds Kw accumulators for every (ch0 channel, kernel row) of it."""
        start, count = evaluate(job.out_start, environment), evaluate(job.out_count, environment)
        units = [
            (loop.body, inner)
            for loop in job.body
            if isinstance(loop, Loop)
            for inner in _iterations(loop, environment)
        ]
        if len(units) > self._program.pes_per_group:
            raise self._error(f"a job has {len(units)} units for {self._program.pes_per_group} PEs")
        channels = slice(start, start + count)
        for body, inner in units:
            registers = self._run_unit(body, inner, channels)
            for (channel, kernel_row), accumulators in registers.items():
                target = self._gradient_place(channels, channel, kernel_row)
                self._add_weight_gradients(job, environment, target, accumulators)

    def _gradient_place(self, outputs: slice, channel: int, kernel_row: int) -> tuple[Any, ...]:
        """Where in dW the accumulators [groups, Kw] of the groups' channels and a ch0 channel belong."""
        per_group = self._program.geometry.in_channels_per_group
        if self._program.ch0_pattern is RowOperation.SRC:
            return outputs, channel % per_group, kernel_row
        return channel, _within_group(outputs, per_group), kernel_row

    def _run_unit(
        self, body: tuple[Node, ...], environment: Environment, channels: slice
    ) -> dict[tuple[int, int], Array]:
        """[groups, Kw] accumulators of one PE position by (ch0 channel, kernel row)."""
        shape = (channels.stop - channels.start, self._program.geometry.kernel[1])
        registers: dict[tuple[int, int], Array] = {}
        for operation, inner in _row_operations(body, environment):
            if operation.block is None:
                raise self._error("an OSRC operation has no row block")
            channel, kernel_row = evaluate(operation.channel, inner), evaluate(operation.kernel_row, inner)
            block = _slices(operation.block, self._program, inner)
            accumulators = registers.setdefault((channel, kernel_row), np.zeros(shape, self._dtype))
            accumulators += self._row_products(channels, channel, kernel_row, block)
        return registers

    def _row_products(self, outputs: slice, channel: int, kernel_row: int, block: _BlockSlices) -> Array:
        """[groups, Kw]: what one OSRC operation adds, either operand being the broadcast one."""
        taps, gradients = self._taps, self._gradients
        place = block.sample, block.rows, block.columns
        if self._program.ch0_pattern is RowOperation.SRC:
            met = taps[(channel, *place, kernel_row)]
            return np.tensordot(gradients[(outputs, *place)], met, axes=((1, 2), (0, 1)))
        met = taps[(outputs, *place, kernel_row)]
        return np.tensordot(met, gradients[(channel, *place)], axes=((1, 2), (0, 1)))

    def _add_weight_gradients(self, job: Job, environment: Environment, target: Any, total: Array) -> None:
        """The PPU of OSRC: weight gradients leave as partial sums; what they are at the end is dW."""
        if evaluate(job.read_sums, environment):
            total = total + self._sums[target]
        self._sums[target] = total

    def _post_process(self, job: Job, environment: Environment, target: Any, total: Array) -> None:
        """The PPU of SRC and MSRC: earlier partial sums, then the next ones or the result."""
        if evaluate(job.read_sums, environment):
            total = total + self._sums[target]
        if not evaluate(job.final, environment):
            self._sums[target] = total
            return
        actions = [action for node in job.body if isinstance(node, Ppu) for action in node.actions]
        if "relu" in actions:
            total = np.maximum(total, 0)
        if "abs_sum" in actions:
            self._abs_sum = np.asarray((0 if self._abs_sum is None else self._abs_sum) + np.abs(total).sum())
        self._result[target] = total


def _taps(program: Program, operands: Mapping[str, Array]) -> Array:
    """Views of compiler.ir.taps; of OSRC [C, samples, Ho, Wo, Kh, Kw]: every sample has its own padding."""
    if program.operation is RowOperation.MSRC:
        return output_taps(operands["dO"], program.geometry)
    if program.operation is RowOperation.SRC:
        return input_taps(operands["I"], program.geometry)
    inputs = _by_sample(operands["I"], program.samples)
    taps = input_taps(inputs.reshape(-1, *inputs.shape[2:]), program.geometry)
    return taps.reshape(*inputs.shape[:2], *taps.shape[1:])


def _by_sample(values: Array, samples: int) -> Array:
    """[channels, samples * rows, columns] -> [channels, samples, rows, columns]."""
    return values.reshape(len(values), samples, -1, values.shape[2])


def _within_group(channels: slice, per_group: int) -> slice:
    """Channels of one convolution group, counted from the group's first."""
    offset = channels.start - channels.start % per_group
    return slice(channels.start - offset, channels.stop - offset)


def _iterations(loop: Loop, environment: Environment) -> Iterator[Environment]:
    """The environment of every iteration whose condition holds."""
    bounds = (evaluate(bound, environment) for bound in (loop.start, loop.stop, loop.step))
    for value in range(*bounds):
        inner = {**environment, loop.variable: value}
        if loop.where is None or evaluate(loop.where, inner):
            yield inner


def _row_operations(body: tuple[Node, ...], environment: Environment) -> Iterator[tuple[RowOp, Environment]]:
    """The row operations of a body in program order."""
    for node in body:
        if isinstance(node, RowOp):
            yield node, environment
        elif isinstance(node, Loop):
            for inner in _iterations(node, environment):
                yield from _row_operations(node.body, inner)


def _slices(block: Block, program: Program, environment: Environment) -> _BlockSlices:
    def value(expression: Expression) -> int:
        return evaluate(expression, environment)

    phase, step = value(block.phase), program.row_step
    sample, offset = (phase, 0) if program.operation is RowOperation.OSRC else (0, phase)
    first = offset + step * value(block.first)
    columns = slice(value(block.column), value(block.column) + value(block.width))
    return _BlockSlices(sample, slice(first, first + step * value(block.rows), step), columns)
