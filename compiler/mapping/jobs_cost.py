"""From row operations to jobs and from jobs to tiles: how demands on PEs, ports and banks add up."""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence

from compiler.mapping.problem import Problem
from compiler.mapping.spread import slowest_of
from compiler.program import RowOperation
from compiler.target import Target

SMOOTH = 4


def together(pe: float, port: float, bank: float) -> tuple[float, str]:
    """Cycles of work that takes so many in the PEs, on the port and in the busiest bank, and what limits it.

    Two demands of like size hinder each other: a smooth maximum, with the exponent of a rough guess.
    """
    slowest = max(pe, port, bank)
    cycles = (pe**SMOOTH + port**SMOOTH + bank**SMOOTH) ** (1 / SMOOTH)
    return cycles, "pe" if slowest == pe else "port" if slowest == port else "bank"


def busiest_bank(problem: Problem, ch0_lines: float, ch1_lines: float) -> float:
    """Cycles of the busiest bank while every cluster reads these lines; C channels lie in at most C banks."""
    banks, g = problem.target.buffer_banks, problem.geometry
    ch0, ch1 = g.out_channels, g.in_channels
    if problem.ch0_pattern is RowOperation.SRC:
        ch0, ch1 = ch1, ch0
    return problem.target.clusters * (ch0_lines / min(banks, ch0) + ch1_lines / min(banks, ch1))


def with_results(problem: Problem, cost: float, bank: float, lines: float) -> float:
    """Cycles of a job of `cost` cycles whose groups write (and read) `lines` lines of results each.

    They are written while the next job runs, but over one write port and through the same banks (busy for
    `bank` cycles with what is fetched), and a job cannot overtake the writes of the one before.
    """
    written = problem.active_groups * lines
    in_banks = bank + written * problem.target.clusters / min(
        problem.target.buffer_banks, problem.out_channels
    )
    return max(cost, written, in_banks)


def overhead(target: Target, drained: float) -> float:
    """Cycles of a job that no row operation hides."""
    return target.pipeline_cycles + drained / target.ppu_words_per_cycle + target.read_latency_cycles + 2


def makespan(target: Target, costs: Sequence[float], repeats: int, deviation: float = 0.0) -> float:
    """Cycles for `repeats` jobs of each cost on the clusters: full rounds of the mean, half a spread at the
    end.

    deviation: standard deviation of the costs of like jobs. The tile waits for the slowest cluster: by the
    last job of each where the hand-out balances the earlier ones, by all of them where it is static.
    """
    count = len(costs) * repeats
    mean = sum([cost * repeats for cost in costs]) / count
    spread = max(costs) - mean
    rounds = -(-count // target.clusters)
    waiting = 0.0
    if deviation:
        each = 1.0 if target.job_handout_dynamic else math.sqrt(rounds)
        waiting = deviation * each * slowest_of(min(count, target.clusters))
    return rounds * mean + 0.5 * spread + waiting


def listed_makespan(target: Target, costs: Sequence[float]) -> float:
    """Cycles for jobs of unequal cost handed out in program order, dynamically or in turn."""
    free = [0.0] * target.clusters
    if not target.job_handout_dynamic:
        return max(sum(costs[k :: target.clusters]) for k in range(target.clusters))
    for cost in costs:
        heapq.heapreplace(free, free[0] + cost)
    return max(free)
