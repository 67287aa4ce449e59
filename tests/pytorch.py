"""PyTorch in the tests: skipped where it is missing, unless SPARSESIM_REQUIRE_TORCH is set."""

from __future__ import annotations

import importlib
import os
from typing import Any

import pytest

MISSING = "PyTorch is not installed (python -m pip install -e '.[capture]')"


def require_torch() -> Any:
    """The module `torch`; the test file is skipped, or fails where CI wants it, if it is missing."""
    torch = require("torch", MISSING)
    torch.set_num_threads(1)  # the models are tiny, and tests run side by side
    return torch


def require(module: str, missing: str | None = None) -> Any:
    """A module of PyTorch's company, by the same rule."""
    if os.environ.get("SPARSESIM_REQUIRE_TORCH"):
        return importlib.import_module(module)
    return pytest.importorskip(module, reason=missing)
