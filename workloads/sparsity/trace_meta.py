"""The description inside a trace (`meta`), checked: every required key, type, range and the geometry."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from workloads.errors import UserError

Size = Annotated[int, Field(ge=1, le=1 << 16)]
Padding = Annotated[int, Field(ge=0, le=1 << 16)]
Pair = tuple[Size, Size]
# One line without control characters: it is printed, drawn and becomes part of file names.
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^\P{C}*$")]
_ONE = (1, 1)


class _Meta(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow", strict=True, allow_inf_nan=False)


class TraceLayer(_Meta):
    """One recorded layer: name, kind and geometry; pairs are (height, width), a layer `fc` is 1 x 1.

    has_gta: whether dI is needed at all; None, as in traces without this field: in all layers but the first.
    """

    name: str = Field(min_length=1, max_length=200, pattern=r"^[^/\s\p{C}]+$")
    kind: Literal["conv", "fc"]
    in_channels: Size
    out_channels: Size
    in_size: Pair
    out_size: Pair
    kernel: Pair
    stride: Pair
    padding: tuple[Padding, Padding]
    dilation: Pair = _ONE
    groups: Size = 1
    input_is_relu: bool
    has_gta: bool | None = None

    @model_validator(mode="after")
    def _consistent(self) -> TraceLayer:
        self._check_output_size()
        self._check_groups()
        if self.kind == "fc" and (self.in_size, self.kernel, self.out_size) != (_ONE, _ONE, _ONE):
            raise ValueError("a layer of kind fc has in_size, out_size and kernel [1, 1]")
        return self

    def _check_output_size(self) -> None:
        geometry = zip(self.in_size, self.kernel, self.stride, self.padding, self.dilation, strict=True)
        expected = tuple((n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in geometry)
        if self.out_size != expected:
            raise ValueError(
                f"out_size is {list(self.out_size)}, but in_size, kernel, stride, padding and dilation "
                f"give {list(expected)}"
            )

    def _check_groups(self) -> None:
        if self.in_channels % self.groups or self.out_channels % self.groups:
            raise ValueError(
                f"groups is {self.groups}, which must divide in_channels {self.in_channels} "
                f"and out_channels {self.out_channels}"
            )


class Pruning(_Meta):
    """How gradients were pruned: the target rate p, the depth of the threshold FIFO, and which tensor."""

    p: float = Field(ge=0, lt=1)
    fifo: int = Field(ge=0)
    where: Literal["grad_output", "grad_input", "none"]


class TraceMeta(_Meta):
    """The trace: what was trained on what, `samples` recorded of a batch, and the layers in forward order."""

    format: Literal["sparsesim-trace"]
    version: Literal[1]
    network: Name
    dataset: Name
    batch: Size
    samples: Size
    pruning: Pruning
    step: int = Field(ge=0)
    source: str
    layers: tuple[TraceLayer, ...] = Field(min_length=1, max_length=10_000)

    @model_validator(mode="after")
    def _consistent(self) -> TraceMeta:
        if self.samples > self.batch:
            raise ValueError(f"samples is {self.samples}, more than the batch of {self.batch}")
        twice = [name for name, n in Counter(layer.name for layer in self.layers).items() if n > 1]
        if twice:
            raise ValueError(f"layers: the name {twice[0]!r} appears twice; every layer needs its own name")
        return self


def parse_meta(text: str, file: str) -> TraceMeta:
    """The checked description from JSON text; UserError names `file`, layer, field, expected, found."""
    try:
        return TraceMeta.model_validate_json(text)
    except ValidationError as error:
        raise UserError(_sentence(error, file)) from None


def check_meta(meta: Mapping[str, Any], file: str) -> TraceMeta:
    """The same check for a description that is not yet JSON, before it is written to `file`."""
    try:
        return TraceMeta.model_validate(dict(meta), strict=False)
    except ValidationError as error:
        raise UserError(_sentence(error, file)) from None


def _sentence(error: ValidationError, file: str) -> str:
    first, *more = error.errors(include_url=False)
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"])
    found = "" if first["type"] in ("missing", "value_error", "json_invalid") else _found(first["input"])
    rest = f" ({len(more)} more such errors)" if more else ""
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "string_pattern_mismatch":
        message = "a name has no control characters or line breaks, a layer's no blanks and no '/' either"
    return f"trace {file}: meta{where}: {message}{found}{rest}."


def _found(value: Any) -> str:
    text = repr(value)
    return f", found {text if len(text) <= 60 else text[:57] + '...'}"
