"""What a PPU writes, in integers: the arithmetic of results, without clocks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from workloads.sparsity.hardware_pruning import prune_words

Integers = npt.NDArray[np.int64]
SMALLEST_WORD, LARGEST_WORD = -32768, 32767


@dataclass(frozen=True)
class PpuMachine:
    """Parameters of design/ppu.sv, by their names there."""

    reg2_words: int = 64
    pes_per_group: int = 3
    ppu_words_per_cycle: int = 4
    operand_bits: int = 16
    sum_bits: int = 32
    line_bits: int = 128

    @property
    def result_words(self) -> int:
        return self.reg2_words * self.pes_per_group

    @property
    def sums_per_line(self) -> int:
        return self.line_bits // self.sum_bits

    def parameters(self) -> dict[str, object]:
        """For the simulator's command line."""
        return asdict(self)


@dataclass(frozen=True)
class Result:
    """Sums as they drain, earlier ones (none: not read), a mask (none: all words are written)."""

    sums: Integers
    earlier: Integers | None
    final: bool
    mask: npt.NDArray[np.bool_] | None
    relu: bool
    shift: int
    threshold: int | None

    @property
    def accumulators(self) -> int:
        return len(self.sums)

    def totals(self) -> Integers:
        """The sums with the earlier ones, in 32 bits."""
        totals = self.sums if self.earlier is None else self.sums + self.earlier
        wrapped: Integers = (totals + (1 << 31)) % (1 << 32) - (1 << 31)
        return wrapped

    def words(self) -> Integers:
        """The finished words before pruning."""
        whole: Integers = np.clip(self.totals() >> self.shift, SMALLEST_WORD, LARGEST_WORD)
        return np.maximum(whole, 0) if self.relu else whole


def lines_of(words: Iterable[int], bits: int, line_bits: int) -> list[int]:
    """Words side by side in lines, the first at the bottom; the last line is filled up with zeros."""
    fields = [int(word) % (1 << bits) for word in words]
    per_line = line_bits // bits
    return [
        sum(field << (bits * place) for place, field in enumerate(fields[at : at + per_line]))
        for at in range(0, len(fields), per_line)
    ]


@dataclass
class PpuModel:
    """A PPU between two results: the state of its random generator and its sum of magnitudes."""

    machine: PpuMachine
    state: int = 1
    abs_sum: int = 0

    def load_seed(self, seed: int) -> None:
        """As at the start of a program."""
        self.state, self.abs_sum = seed, 0

    def write(self, result: Result) -> list[int]:
        """The lines the PPU writes."""
        if not result.final:
            return lines_of(result.totals(), self.machine.sum_bits, self.machine.line_bits)
        return lines_of(self._image(result), self.machine.operand_bits, self.machine.line_bits)

    def _image(self, result: Result) -> list[int]:
        """Operand words of a finished result: those of the mask, then those whose mask bit is 1."""
        words = self._pruned(result)
        if result.mask is None:
            return [int(word) for word in words]
        mask_words = lines_of(result.mask, 1, self.machine.operand_bits)
        return [*mask_words, *(int(word) for word in words[result.mask])]

    def _pruned(self, result: Result) -> Integers:
        words = result.words()
        self.abs_sum += int(np.abs(words if result.mask is None else words[result.mask]).sum())
        if result.threshold is None:
            return words
        words, self.state = prune_words(words, result.threshold, self.state)
        return words
