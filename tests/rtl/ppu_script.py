"""Random results of a PPU, and the cycles in which it gets and writes them.

Whatever is not valid in a cycle is random: the job between two jobs, an index without its strobe, a line that
was not read, words and mask bits beyond the result.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from tests.rtl.ppu_model import Integers, PpuMachine, PpuModel, Result, lines_of
from tests.rtl.script import Cycle

DENSITIES = (0.0, 0.1, 0.3, 0.5, 0.9, 1.0)
THRESHOLDS = (1, 2, 32767, 32768, 65535)
SUMS = (-(1 << 31), (1 << 31) - 1, -1, 0, 1, -32768, -32769, 32767, 32768)
RESULTS_PER_SEED = 100


def bits(count: int, rng: np.random.Generator) -> int:
    """So many random bits."""
    return int.from_bytes(rng.bytes((count + 7) // 8), "little") % (1 << count)


def _random_sums(count: int, rng: np.random.Generator) -> Integers:
    """Sums of one size up to all 32 bits, some of them at a limit."""
    size = int(rng.integers(1, 32))
    sums = rng.integers(-(1 << size), 1 << size, count)
    at_limit = rng.random(count) < rng.choice((0.0, 0.1, 1.0), p=(0.6, 0.3, 0.1))
    return np.where(at_limit, rng.choice(SUMS, count), sums)


def _random_threshold(result: Result, rng: np.random.Generator) -> int:
    """At a limit, of any size, or near the words of the result."""
    kind = rng.integers(4)
    if kind == 0:
        return int(rng.choice(THRESHOLDS))
    if kind == 1:
        return int(rng.integers(1, 1 << int(rng.integers(1, 17))))
    largest = int(np.abs(result.words()).max())
    return int(np.clip(largest if kind == 2 else rng.integers(2 * largest + 1), 1, 65535))


def random_result(machine: PpuMachine, rng: np.random.Generator) -> Result:
    """A result of any length the register holds; masked ones no longer than Reg-2."""
    masked = rng.random() < 0.5
    limit = machine.result_words if not masked and rng.random() < 0.2 else machine.reg2_words
    count = int(rng.choice((1, limit, int(rng.integers(1, limit + 1))), p=(0.1, 0.1, 0.8)))
    result = Result(
        sums=_random_sums(count, rng),
        earlier=_random_sums(count, rng) if rng.random() < 0.5 else None,
        final=bool(rng.random() < 0.8),
        mask=rng.random(count) < rng.choice(DENSITIES) if masked else None,
        relu=bool(rng.random() < 0.3),
        shift=int(rng.integers(32)) if rng.random() < 0.5 else int(rng.integers(6)),
        threshold=None,
    )
    if rng.random() < 0.4:
        return result
    return Result(**{**vars(result), "threshold": _random_threshold(result, rng)})


@dataclass
class PpuScript:
    """Cycles of random results behind each other, and the results."""

    machine: PpuMachine
    rng: np.random.Generator
    cycles: list[Cycle] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._model = PpuModel(self.machine)

    def play(self, results: int) -> None:
        """So many random results, with seeds in between."""
        for number in range(results):
            if number % RESULTS_PER_SEED == 0:
                self._load_seed()
            self._idle({})
            result = random_result(self.machine, self.rng)
            self.results.append(result)
            self._play_result(result)
        self.cycles.append(Cycle({}, {"abs_sum": self._model.abs_sum}))

    def _load_seed(self) -> None:
        seed = int(self.rng.integers(1, 1 << 32))
        self._model.load_seed(seed)
        self.cycles.append(Cycle({"seed_load": 1, "seed": seed}))

    def _idle(self, outputs: dict[str, int]) -> None:
        """A few cycles, often none; with outputs the job stays, without it becomes anything."""
        for number in range(max(0, int(self.rng.integers(-3, 4)))):
            job = self._any_job() if number == 0 and not outputs else {}
            self.cycles.append(Cycle({**self._noise(), **job}, outputs))

    def _noise(self) -> dict[str, int]:
        """What stands on the ports of drain and burst when nothing is valid there."""
        machine, rng = self.machine, self.rng
        index_bits = machine.result_words.bit_length()
        return {
            "seed": bits(32, rng),
            "drain_index": bits(index_bits, rng),
            "drained": bits(machine.ppu_words_per_cycle * machine.sum_bits, rng),
            "line_index": bits(index_bits, rng),
            "sums_line": bits(machine.line_bits, rng),
        }

    def _any_job(self) -> dict[str, int]:
        job = self._job(random_result(self.machine, self.rng))
        return {name: value for name, value in job.items() if self.rng.random() < 0.5}

    def _job(self, result: Result) -> dict[str, int]:
        mask = bits(self.machine.reg2_words, self.rng)
        if result.mask is not None:
            beyond = mask >> result.accumulators << result.accumulators
            mask = beyond | sum(1 << place for place in np.flatnonzero(result.mask).tolist())
        return {
            "accumulators": result.accumulators,
            "read_sums": int(result.earlier is not None),
            "final_result": int(result.final),
            "masked": int(result.mask is not None),
            "relu": int(result.relu),
            "prune": int(result.threshold is not None),
            "shift": result.shift,
            "threshold": result.threshold or bits(16, self.rng),
            "mask": mask,
        }

    def _play_result(self, result: Result) -> None:
        abs_sum = self._model.abs_sum
        written = self._model.write(result)
        sums_lines = 0 if result.earlier is None else -(-result.accumulators // self.machine.sums_per_line)
        sizes = {"lines": sums_lines + len(written), "sums_lines": sums_lines}
        drain = [Cycle({**self._noise(), **inputs}) for inputs in self._drain(result)]
        drain[0] = Cycle({**drain[0].inputs, **self._job(result)}, {**sizes, "abs_sum": abs_sum})
        self.cycles.extend(drain)
        self._idle(sizes)
        for index, inputs in enumerate(self._burst(result, sums_lines, len(written))):
            outputs = {**sizes, "reading": int(index < sums_lines)}
            if index >= sums_lines:
                outputs["write_line"] = written[index - sums_lines]
            self.cycles.append(Cycle({**self._noise(), **inputs}, outputs))

    def _drain(self, result: Result) -> Iterator[dict[str, int]]:
        lines = lines_of(
            result.sums, self.machine.sum_bits, self.machine.ppu_words_per_cycle * self.machine.sum_bits
        )
        for index, line in enumerate(lines):
            yield {"drain": 1, "drain_index": index, "drained": line}

    def _burst(self, result: Result, sums_lines: int, written: int) -> Iterator[dict[str, int]]:
        """Line after line; what a line of sums held comes one later, with anything behind the last sum."""
        machine = self.machine
        earlier: list[int] = [] if result.earlier is None else result.earlier.tolist()
        padding = [bits(machine.sum_bits, self.rng) for _ in range(-len(earlier) % machine.sums_per_line)]
        lines = lines_of([*earlier, *padding], machine.sum_bits, machine.line_bits)
        for index in range(sums_lines + written):
            arriving = {"sums_line": lines[index - 1]} if 1 <= index <= sums_lines else {}
            yield {"transfer": 1, "line_index": index, **arriving}
