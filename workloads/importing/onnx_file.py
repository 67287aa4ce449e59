"""The message in an ONNX file, checked as far as whatever reads on relies on it.

Nothing in a file is run, and no other file is opened: data outside the file are never read, wherever it says
they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workloads.errors import UserError
from workloads.importing.steps import MOST_STEPS

OLDEST_OPSET, NEWEST_OPSET = 7, 26
MOST_BYTES = 2**31 - 1  # of a protobuf message
_OWN_DOMAINS = ("", "ai.onnx")


@dataclass(frozen=True)
class OnnxFile:
    """A parsed file; model: its onnx.ModelProto."""

    path: Path
    model: Any
    opset: int


def onnx_package() -> Any:
    """The package onnx; UserError with the command that installs it."""
    try:
        import onnx  # noqa: PLC0415
        import onnx.shape_inference  # noqa: PLC0415
    except ImportError:
        raise UserError(
            "ONNX files are read with the package onnx, which is not installed: "
            "python -m pip install -e '.[onnx]'"
        ) from None
    return onnx


def open_onnx(path: Path) -> OnnxFile:
    """The file; UserError if it cannot be read, is no ONNX file, is too large, too old or too new."""
    model = _parsed(_content(path), path)
    versions = [entry.version for entry in model.opset_import if entry.domain in _OWN_DOMAINS]
    if not versions:
        raise UserError(f"{path}: is no ONNX file, or a damaged one: it names no version of its operators.")
    opset = int(versions[0])
    if not OLDEST_OPSET <= opset <= NEWEST_OPSET:
        raise UserError(
            f"{path}: uses opset {opset}; {OLDEST_OPSET} to {NEWEST_OPSET} can be read: export it with "
            f"opset_version=18, or convert it with onnx.version_converter."
        )
    if not 0 < len(model.graph.node) <= MOST_STEPS:
        raise UserError(f"{path}: holds {len(model.graph.node)} operators; 1 to {MOST_STEPS} can be read.")
    return OnnxFile(path, model, opset)


def _content(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise UserError(
                f"{path}: has {size} bytes, more than an ONNX file can; export it with external data: the "
                f"weights are then in another file, which is not needed here."
            )
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}.") from None


def _parsed(content: bytes, path: Path) -> Any:
    onnx = onnx_package()
    from google.protobuf.message import DecodeError  # noqa: PLC0415

    model = onnx.ModelProto()
    try:
        model.ParseFromString(content)
    except (DecodeError, RuntimeError, ValueError):
        raise UserError(f"{path}: is no ONNX file, or a damaged one: it is no protobuf message.") from None
    if not _is_text(model):
        raise UserError(f"{path}: is damaged: a name in it is no text in UTF-8.")
    return model


def _is_text(message: Any) -> bool:
    """Whether all names in a message are text; protobuf hands on those that are not as bytes."""
    for field, value in message.ListFields():
        values = [value] if isinstance(value, str | bytes) or hasattr(value, "ListFields") else value
        if field.type == field.TYPE_STRING and any(isinstance(one, bytes) for one in values):
            return False
        if field.type == field.TYPE_MESSAGE and not all(_is_text(one) for one in values):
            return False
    return True
