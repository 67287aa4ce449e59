"""Cells of a synthesized netlist: flip-flops, and gates counted in NAND2.

Gates are counted by the transistors of static CMOS (as `stat -tech cmos` of Yosys does), four to a NAND2. A
flip-flop has 24, 6 NAND2. One with a synchronous set or reset has an OR or AND in front of it. An enable is
clock gating, which costs no gate; `Cells.enabled` says how many flip-flops that is said of.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

TRANSISTORS = {
    "NOT": 2, "NAND": 4, "NOR": 4, "AND": 6, "OR": 6, "ANDNOT": 6, "ORNOT": 6, "XOR": 12, "XNOR": 12,
    "MUX": 12, "NMUX": 10, "AOI3": 6, "OAI3": 6, "AOI4": 8, "OAI4": 8,
}  # fmt: skip
FLIP_FLOPS = ("DFF", "DFFE", "SDFF", "SDFFE", "SDFFCE")
TRANSISTORS_PER_NAND2 = 4
NAND2_PER_FLIP_FLOP = 6


@dataclass(frozen=True)
class Cells:
    """Flip-flops, those of them with an enable, and gates in NAND2."""

    flip_flops: int = 0
    enabled: int = 0
    nand2: float = 0.0

    def __add__(self, other: Cells) -> Cells:
        return Cells(
            self.flip_flops + other.flip_flops, self.enabled + other.enabled, self.nand2 + other.nand2
        )

    def __mul__(self, count: int) -> Cells:
        return Cells(self.flip_flops * count, self.enabled * count, self.nand2 * count)

    def um2(self, flip_flop_um2: float) -> float:
        """Area in um2 at that of a flip-flop."""
        return flip_flop_um2 * (self.flip_flops + self.nand2 / NAND2_PER_FLIP_FLOP)


def cells_of(kind: str) -> Cells:
    """One cell of Yosys' gate library, such as `$_NAND_` or `$_SDFFE_PP0P_`; ValueError for any other."""
    name = kind.removeprefix("$_").split("_")[0]
    if kind.startswith("$_") and name in TRANSISTORS:
        return Cells(nand2=TRANSISTORS[name] / TRANSISTORS_PER_NAND2)
    if kind.startswith("$_") and name in FLIP_FLOPS:
        reset = TRANSISTORS["AND"] / TRANSISTORS_PER_NAND2 if name.startswith("S") else 0.0
        return Cells(flip_flops=1, enabled=int(name.endswith("E")), nand2=reset)
    raise ValueError(f"cell {kind} has no size: neither a gate nor a flip-flop of tests/rtl/cells.py")


def plain_name(module: str) -> str:
    r"""`\reg2`, `$paramod$<digest>\reg2` and `$paramod\reg2\reg2_words=...` are all reg2."""
    return module.removeprefix("$paramod").split("\\")[1]


def _plain_kinds(cells: Mapping[str, Mapping[str, int]], plain: Mapping[str, str]) -> dict[str, int]:
    return {plain.get(kind, kind): count for kind, count in cells["num_cells_by_type"].items()}


@dataclass(frozen=True)
class Netlist:
    """Counts of the cells of every module by its plain name; an instance is a cell whose kind is a module."""

    modules: Mapping[str, Mapping[str, int]]

    @classmethod
    def from_report(cls, report: Mapping[str, Mapping[str, Mapping[str, int]]]) -> Netlist:
        """From the `modules` of `stat -json`; ValueError where a module has two sets of parameters."""
        plain = {name: plain_name(name) for name in report}
        if twice := [name for name, count in Counter(plain.values()).items() if count > 1]:
            raise ValueError(f"modules {', '.join(twice)} are there with different parameters")
        return cls({plain[name]: _plain_kinds(cells, plain) for name, cells in report.items()})

    def own(self, module: str) -> Cells:
        """Cells of a module without those of the modules below it."""
        kinds = self.modules[module].items()
        return sum((cells_of(kind) * n for kind, n in kinds if kind not in self.modules), Cells())

    def total(self, module: str) -> Cells:
        """Cells of a module and all below it."""
        return sum((self.own(name) * n for name, n in self.instances(module).items()), Cells())

    def instances(self, module: str) -> Counter[str]:
        """How often each module is there in one instance of this one, itself included."""
        found = Counter([module])
        for kind, count in self.modules[module].items():
            if kind in self.modules:
                found.update({name: count * n for name, n in self.instances(kind).items()})
        return found
