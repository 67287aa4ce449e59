"""PyTorch, imported when it is needed: it takes a second, and nothing else in the project wants it."""

from __future__ import annotations

import importlib
from typing import Any

from workloads.errors import UserError


def load_torch() -> Any:
    """The module `torch`; UserError with the command that installs it where it is missing."""
    try:
        return importlib.import_module("torch")
    except ImportError as error:
        raise UserError(
            f"sparsesim.capture needs PyTorch, which cannot be imported ({error}); "
            f"install it with: python -m pip install -e '.[capture]'."
        ) from None
