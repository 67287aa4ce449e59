"""What each simulator does and does not, as its own documentation and papers say it."""

from __future__ import annotations

ABILITIES = (
    ("", "sparsesim", "SCALE-Sim 3.0.0", "ZigZag 3.9.1"),
    (
        "what a cycle count is",
        "simulated, equal to stepping the machine",
        "simulated",
        "estimated by formulas",
    ),
    (
        "training stages",
        "Forward, GTA, GTW",
        "no: layers of a topology; backward passes only if written as further products",
        "no: layers of an inference graph",
    ),
    (
        "dynamic unstructured sparsity",
        "masks of I, dO and ReLU, recorded or drawn",
        "no; N:M of weights, N <= M/2 (README_Sparsity.md)",
        "no",
    ),
    (
        "energy",
        "yes, a table with ranges",
        "through Accelergy, installed besides (README_accelergy.md)",
        "yes, energy per access given or from CACTI",
    ),
    (
        "RTL",
        "of this machine, with equal cycles (docs/validation.md)",
        "{scalesim_rtl}",
        "{zigzag_rtl}",
    ),
    ("mapping", "tiles chosen by a mapper", "fixed by the dataflow", "searched, spatial and temporal"),
)
