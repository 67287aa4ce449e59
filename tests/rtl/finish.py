"""What the PPUs make of sums: finished results, pruned, under their masks, as words and lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compiler.program import RowOperation
from tests.rtl.machine_build import Build
from tests.rtl.ports import packed
from tests.rtl.program_jobs import Jobs, ProgramJob
from workloads.sparsity.hardware_pruning import prune_words

Integers = NDArray[np.int64]
SEED_STEP = 0x9E3779B9


@dataclass(frozen=True)
class Options:
    """What the PPUs do to finished results.

    relu: Forward only, besides what the IR says. prune: GTA only. shift: 0..31, right. threshold: 1..65535
    where pruned. seed: of the random numbers, 32 bits.
    """

    relu: bool = False
    prune: bool = False
    shift: int = 0
    threshold: int = 0
    seed: int = 0


def wrapped(values: NDArray[np.integer], bits: int) -> Integers:
    """Two's complements of `bits` bits."""
    half = 1 << (bits - 1)
    return np.asarray((values.astype(np.int64) + half) % (1 << bits) - half)


def finished(sums: Integers, options: Options, build: Build) -> Integers:
    """Sums as operand words: shifted, saturated, ReLU; not yet pruned."""
    half = 1 << (build.machine.operand_bits - 1)
    words = np.clip(sums >> options.shift, -half, half - 1)
    return np.asarray(np.maximum(words, 0) if options.relu else words)


def group_seed(seed: int, group: int) -> int:
    """Random state of a PPU at the start; group: counted over the whole machine."""
    mixed = (seed + SEED_STEP * (group + 1)) % (1 << 32)
    return mixed or 1


def masked_words(words: Integers, mask: NDArray[np.bool_], operand_bits: int) -> list[int]:
    """A finished result under its mask: the mask, then the words it keeps."""
    bits = [int(bit) for bit in mask]
    masks = [
        packed((bit, 1) for bit in bits[at : at + operand_bits]) for at in range(0, len(bits), operand_bits)
    ]
    return masks + [int(word) for word in words[mask]]


def unmasked_words(stored: list[int], count: int, operand_bits: int) -> list[int]:
    """The words of a result of which `masked_words` made `stored`; 0 where the mask is."""
    masks = -(-count // operand_bits)
    bits = [stored[n // operand_bits] >> n % operand_bits & 1 for n in range(count)]
    kept = iter(stored[masks:])
    return [next(kept) if bit else 0 for bit in bits]


class Finisher:
    """The finished results of a program, in the order in which the PPUs make them."""

    def __init__(self, jobs: Jobs, sums: Integers, options: Options, build: Build) -> None:
        self._jobs, self._sums, self._options, self._build = jobs, sums, options, build
        self.abs_sum = 0
        self._states = [
            group_seed(options.seed, group) for group in range(build.clusters * build.groups_per_cluster)
        ]
        self._check()

    def _check(self) -> None:
        program, options = self._jobs.program, self._options
        if not 0 <= options.shift < 1 << 5:
            raise ValueError(f"shift is {options.shift}, not within 0..31")
        if options.relu and program.operation is not RowOperation.SRC:
            raise ValueError("ReLU is for Forward only")
        if not options.prune:
            return
        if program.operation is not RowOperation.MSRC or not 0 < options.threshold < 1 << 16:
            raise ValueError("pruning is for GTA only, with a threshold within 1..65535")
        if program.target.job_handout_dynamic and program.target.clusters > 1:
            raise ValueError("dynamic hand-out of jobs to several clusters leaves open which PPU prunes what")

    def results(self) -> Iterator[tuple[ProgramJob, int, Integers]]:
        """(job, channel, its finished words) of SRC and MSRC; `abs_sum` counts what has been yielded."""
        for of_tile in self._jobs.by_tile:
            for place, job in enumerate(of_tile):
                for group, channel in enumerate(job.out if job.final else ()):
                    words = self._words(job, channel)
                    self.abs_sum += int(np.abs(words).sum())
                    cluster = place % self._build.clusters
                    yield job, channel, self._pruned(words, cluster * self._build.groups_per_cluster + group)

    def _words(self, job: ProgramJob, channel: int) -> Integers:
        return finished(self._sums[self._jobs.elements(job, channel)], self._options, self._build)

    def _pruned(self, words: Integers, ppu: int) -> Integers:
        if not self._options.prune:
            return words
        pruned, self._states[ppu] = prune_words(words, self._options.threshold, self._states[ppu])
        return np.asarray(pruned, np.int64)
