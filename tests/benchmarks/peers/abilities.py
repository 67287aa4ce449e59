"""What each simulator does and does not, as its own documentation says it (README.md and docs of each)."""

from __future__ import annotations

_NO_RTL = "none in the package"
ABILITIES = (
    ("", "sparsesim", "SCALE-Sim 3.0.0", "ZigZag 3.9.1"),
    ("a cycle count is", "simulated, equal to stepping the machine", "simulated", "calculated by formulas"),
    (
        "training stages",
        "Forward, GTA, GTW",
        "no; a topology is a list of forward layers or matrix products",
        "no; an ONNX graph's Conv, MatMul, Gemm, or loops written by hand",
    ),
    (
        "dynamic unstructured sparsity",
        "yes: masks of I and dO, recorded or drawn",
        "no; only N:M of the weights, N <= M/2 (README_Sparsity.md)",
        "no",
    ),
    (
        "energy",
        "yes, a table with ranges",
        "not by itself; with Accelergy installed besides",
        "yes, from costs per access that are given, or CACTI's",
    ),
    ("RTL of the machine", "yes, with equal cycles (validation.md)", _NO_RTL, _NO_RTL),
    ("mapping", "tiles chosen by a mapper", "fixed by the dataflow", "searched, spatial and temporal"),
)
