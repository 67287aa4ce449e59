"""Rules between the fields of a machine description; each names the remedy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from sparsesim.machine.description import Machine


class BrokenRule(NamedTuple):
    """A rule that does not hold: the dotted names of the fields involved, and the sentence about them."""

    fields: tuple[str, ...]
    sentence: str


def broken_rules(machine: Machine) -> list[BrokenRule]:
    """Every rule between fields that `machine` breaks; its fields by themselves are legal."""
    return [broken for rule in _RULES for broken in rule(machine)]


def _clusters_divide_groups(machine: Machine) -> Iterator[BrokenRule]:
    groups, clusters = machine.array.groups, machine.array.clusters
    if groups % clusters:
        divisors = ", ".join(str(n) for n in range(1, groups + 1) if groups % n == 0)
        yield BrokenRule(
            ("array.groups", "array.clusters"),
            f"array.clusters must divide array.groups = {groups} (got {clusters}); "
            f"its divisors are {divisors}.",
        )


def _lines_hold_whole_words(machine: Machine) -> Iterator[BrokenRule]:
    line = machine.buffer.line_bits
    for field, bits in (("operand_bits", machine.data.operand_bits), ("sum_bits", machine.data.sum_bits)):
        if line % bits:
            multiples = [n for n in (line // bits * bits, (line // bits + 1) * bits) if n]
            yield BrokenRule(
                ("buffer.line_bits", f"data.{field}"),
                f"buffer.line_bits must be a multiple of data.{field} = {bits} (got {line}); "
                f"the nearest is {' or '.join(map(str, multiples))}.",
            )


def _banks_hold_a_line(machine: Machine) -> Iterator[BrokenRule]:
    buffer = machine.buffer
    lines = machine.buffer_bytes * 8 // buffer.line_bits
    if buffer.banks > lines:
        yield BrokenRule(
            ("buffer.banks", "buffer.kilobytes", "buffer.line_bits"),
            f"buffer.banks must be at most {lines}, the number of {buffer.line_bits}-bit lines in "
            f"{buffer.kilobytes} KB (got {buffer.banks}).",
        )


def _bf16_accumulates_in_32_bits(machine: Machine) -> Iterator[BrokenRule]:
    if machine.data.operand_format == "bf16" and machine.data.sum_bits != 32:
        yield BrokenRule(
            ("data.sum_bits", "data.operand_format"),
            f"data.sum_bits must be 32 where data.operand_format is bf16 (got {machine.data.sum_bits}); "
            "set data.operand_format to int16 for another width.",
        )


_RULES: tuple[Callable[[Machine], Iterator[BrokenRule]], ...] = (
    _clusters_divide_groups,
    _lines_hold_whole_words,
    _banks_hold_a_line,
    _bf16_accumulates_in_32_bits,
)
