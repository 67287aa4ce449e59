"""Do the tables and the memory image say what the program says? Executed without the design."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from compiler.program import BLOCK_ROWS, JOB_OUT_COUNT, JOB_READ_SUMS, RowOperation, StageProgram
from sparsesim.engine.stage import run_stage
from sparsesim.stepper import TileCounts, step_tile
from sparsesim.stepper.dma import Schedule, transfer_order
from tests.rtl.assemble import assemble
from tests.rtl.dense_convolution import plain_results
from tests.rtl.layers import Case, random_build, random_case
from tests.rtl.table_reader import TableReader
from tests.rtl.tables import DMA, JOB, REGISTERS, TILE, DoesNotFitError, unpack

CASES = 200
COUNTED = (
    "headers", "operations", "empty_operations", "lines_read", "lines_sums_read", "lines_written",
    "ch0_entries_delivered", "ch1_words_delivered", "drained_words", "result_words", "useful_products",
    "entries",
)  # fmt: skip


@cache
def _case(seed: int) -> Case:
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    return random_case(rng, random_build(rng))


def _read(case: Case, eager: bool) -> TableReader:
    assembled = case.assembled
    reader = TableReader(assembled.tables, assembled.memory, case.build, eager)
    reader.run()
    return reader


@pytest.mark.parametrize("part", range(4))
def test_executing_the_tables_gives_the_memory_that_is_expected(part: int) -> None:
    for seed in range(part, CASES, 4):
        case = _case(seed)
        for eager in (True, False):
            reader = _read(case, eager)
            assert reader.memory == case.assembled.expected, seed
            assert reader.abs_sum == case.assembled.abs_sum, seed


@pytest.mark.parametrize("part", range(4))
def test_the_tables_fetch_and_write_what_the_stepper_counts(part: int) -> None:
    for seed in range(part, CASES, 4):
        case = _case(seed)
        for tile, counts in enumerate(_read(case, False).counts):
            stepped = step_tile(case.program, tile, case.masks)
            assert _counted(stepped) == {name: counts[name] for name in COUNTED}, (seed, tile)


def _counted(counts: TileCounts) -> dict[str, int]:
    return {name: int(getattr(counts, name)) for name in COUNTED}


def test_what_is_expected_is_the_convolution() -> None:
    """Without IR, interpreter or layout: the definition, finished here; where nothing else comes in."""
    compared = 0
    for case in map(_case, range(CASES)):
        program, options = case.program, case.options
        if program.samples > 1 or "sums" in case.tensors or options.prune:
            continue
        (exact,) = plain_results(program, case.tensors).values()
        sums = (exact + (1 << 31)) % (1 << 32) - (1 << 31)
        if program.operation is not RowOperation.OSRC:
            sums = np.clip(sums >> options.shift, -(1 << 15), (1 << 15) - 1)
        if unpack(REGISTERS, case.assembled.tables[REGISTERS][0])["relu"]:
            sums = np.maximum(sums, 0)
        np.testing.assert_array_equal(case.assembled.decode_result(case.assembled.expected), sums)
        compared += 1
    assert compared > CASES // 2


def test_the_descriptors_make_the_schedule_of_the_stepper() -> None:
    """Transfers in the order of the table, each after the tiles it names, and tiles after theirs."""
    for case in map(_case, range(CASES)):
        lengths = run_stage(case.program, case.masks).tile_cycles
        schedule = Schedule(lengths, transfer_order(case.assembled.transfers, case.target))
        schedule.run()
        assert schedule.cycle == _end(case, lengths) == case.cycles


def _end(case: Case, lengths: tuple[int, ...]) -> int:
    """Last clock of the program by the tables of tiles and transfers."""
    descriptors = [unpack(DMA, word) for word in case.assembled.tables[DMA]]
    ended, done, channel, at = [0], [0], 0, 0
    for tile, length in zip(case.assembled.tables[TILE], lengths, strict=True):
        needed = unpack(TILE, tile)["descriptors_needed"]
        while at < len(descriptors) and (at < needed or descriptors[at]["after_tiles"] < len(ended)):
            at, channel = _transfer(
                case, descriptors, at, max(channel, ended[descriptors[at]["after_tiles"]])
            )
            done += [channel] * (at + 1 - len(done))
        ended.append(max(ended[-1], done[needed]) + length)
    while at < len(descriptors):
        at, channel = _transfer(case, descriptors, at, max(channel, ended[descriptors[at]["after_tiles"]]))
    return max(ended[-1], channel)


def _transfer(case: Case, descriptors: list[dict[str, int]], at: int, start: int) -> tuple[int, int]:
    """The descriptor behind a transfer that begins with number `at`, and the cycle of its end."""
    assert descriptors[at]["first"]
    lines = descriptors[at]["lines"]
    at += 1
    while at < len(descriptors) and not descriptors[at]["first"]:
        lines += descriptors[at]["lines"]
        at += 1
    cycles = -(-lines * case.build.line_bytes // case.dram_bytes_per_cycle)
    return at, start + case.target.dram_latency_cycles + int(cycles)


def test_the_cases_reach_what_they_are_meant_to() -> None:
    reached = Counter(feature for seed in range(CASES) for feature in _features(_case(seed)))
    few = {name: reached[name] for name in FEATURES if reached[name] < CASES // 50}
    assert not few


FEATURES = (
    "SRC", "MSRC", "OSRC dO", "OSRC I", "compiled", "by hand", "pruned", "masked", "relu", "dense", "samples",
    "sums", "chunks", "convolution groups", "several tiles", "a job without items", "inactive groups",
    "idle clusters", "saturated", "column tiles", "several rows", "phases", "load of nothing",
    "store of nothing",
)  # fmt: skip


def _features(case: Case) -> Iterator[str]:
    yield from _program_features(case.program)
    assembled, operation = case.assembled, case.program.operation
    registers = unpack(REGISTERS, assembled.tables[REGISTERS][0])
    present = {
        "compiled": case.ir is not None,
        "by hand": case.ir is None,
        "pruned": registers["prune"],
        "masked": registers["has_masks"],
        "relu": registers["relu"],
        "dense": registers["dense"],
        "sums": "sums" in case.tensors,
        "a job without items": any(unpack(JOB, word)["no_items"] for word in assembled.tables[JOB]),
        "load of nothing": any(load == 0 for load, _ in assembled.transfers),
        "store of nothing": any(store == 0 for _, store in assembled.transfers),
        "saturated": operation is not RowOperation.OSRC
        and (abs(assembled.decode_result(assembled.expected)) >= (1 << 15) - 1).any(),
    }
    yield from (name for name, value in present.items() if value)


def _program_features(program: StageProgram) -> Iterator[str]:
    is_osrc = program.operation is RowOperation.OSRC
    yield f"OSRC {program.broadcast}" if is_osrc else program.operation.value
    target, geometry = program.target, program.geometry
    present = {
        "samples": program.samples > 1,
        "chunks": not is_osrc and program.jobs[:, JOB_READ_SUMS].any(),
        "convolution groups": geometry.groups > 1,
        "several tiles": len(program.tiles) > 2,
        "inactive groups": (program.jobs[:, JOB_OUT_COUNT] < target.groups_per_cluster).any(),
        "idle clusters": len(program.jobs) < target.clusters,
        "column tiles": len({(row[3], row[4]) for row in program.row_blocks.tolist()}) > 1,
        "several rows": (program.row_blocks[:, BLOCK_ROWS] > 1).any(),
        "phases": geometry.stride[0] > 1,
    }
    yield from (name for name, value in present.items() if value)


def test_a_layer_the_build_was_not_made_for_is_refused() -> None:
    case = next(case for case in map(_case, range(CASES)) if case.assembled.lines_used > 8)
    small = replace(case.build, bank_lines=case.assembled.lines_used - 1)
    results = None if case.ir is not None else plain_results(case.program, case.tensors)
    with pytest.raises(DoesNotFitError, match="lines of a bank"):
        assemble(case.program, case.ir, case.tensors, small, case.options, results)


def test_pruning_needs_to_know_which_ppu_makes_which_result() -> None:
    cases = (case for case in map(_case, range(CASES)) if case.options.prune and case.target.clusters > 1)
    case = next(case for case in cases if case.ir is not None)
    program = replace(case.program, target=replace(case.target, job_handout_dynamic=True))
    with pytest.raises(ValueError, match="dynamic hand-out"):
        assemble(program, case.ir, case.tensors, case.build, case.options)
