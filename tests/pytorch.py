"""PyTorch in the tests: skipped where it is missing, unless SPARSESIM_REQUIRE_TORCH is set."""

from __future__ import annotations

import os
from typing import Any

import pytest

MISSING = "PyTorch is not installed (python -m pip install -e '.[capture]')"


def require_torch() -> Any:
    """The module `torch`; the test file is skipped, or fails where CI wants it, if it is missing."""
    if os.environ.get("SPARSESIM_REQUIRE_TORCH"):
        import torch
    else:
        torch = pytest.importorskip("torch", reason=MISSING)
    torch.set_num_threads(1)  # the models are tiny, and tests run side by side
    return torch
