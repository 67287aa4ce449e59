"""JSON files: written to be read by people too, read with sentences for what is wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workloads.errors import UserError

# Down to here every value has a line of its own: the cycles of a layer are one line.
_LEVELS = 3


def json_text(value: Mapping[str, Any]) -> str:
    """JSON with line breaks in the upper levels; ValueError for numbers that are not finite."""
    return _text(value, 0) + "\n"


def _text(value: Any, level: int) -> str:
    if level == _LEVELS or not value or not isinstance(value, Mapping | list):
        return json.dumps(value, allow_nan=False)
    indent = "\n" + "  " * (level + 1)
    if isinstance(value, list):
        if not isinstance(value[0], Mapping | list):
            return json.dumps(value, allow_nan=False)
        inside = [_text(entry, level + 1) for entry in value]
        return f"[{indent}{f',{indent}'.join(inside)}{indent[:-2]}]"
    inside = [f"{json.dumps(key)}: {_text(entry, level + 1)}" for key, entry in value.items()]
    return f"{{{indent}{f',{indent}'.join(inside)}{indent[:-2]}}}"


def read_json(path: Path) -> Any:
    """The value in a JSON file; UserError where it cannot be read, with line and column where it is no JSON.

    Parsed by the standard library, which takes file names that are not UTF-8 as it has written them.
    """
    try:
        return json.loads(path.read_bytes().decode("utf-8"))
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: is not valid JSON: byte {error.start} is not UTF-8 text.") from None
    except json.JSONDecodeError as error:
        raise UserError(f"{path}:{error.lineno}:{error.colno}: is not valid JSON: {error.msg}.") from None
    except RecursionError:
        raise UserError(f"{path}: is nested too deeply.") from None
    except ValueError:  # more digits than Python turns into a number
        raise UserError(f"{path}: has a number that is too long.") from None
