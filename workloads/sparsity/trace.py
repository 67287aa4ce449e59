"""Traces: the recorded masks of a real training step (format 1, one NumPy .npz file)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from workloads.errors import UserError, unknown_name
from workloads.sparsity.archive import Archive, ArrayHeader
from workloads.sparsity.masks import BoolArray, LayerMasks
from workloads.sparsity.trace_meta import TraceLayer, TraceMeta, check_meta, parse_meta

_MASKS = ("input", "grad_output", "grad_input_mask")
_OPTIONAL = "grad_input_mask"
_VALUES = (
    "input_values",
    "weight_values",
    "grad_output_values",
    "output_values",
    "grad_input_values",
    "grad_weight_values",
)


class Trace:
    """A checked trace. Masks and values are read from the file when they are asked for, and only those."""

    def __init__(self, meta: TraceMeta, archive: Archive):
        self.meta = meta
        self._archive = archive
        self._by_name = {layer.name: layer for layer in meta.layers}

    @property
    def path(self) -> Path:
        """The file this trace was read from."""
        return self._archive.path

    @property
    def layers(self) -> tuple[TraceLayer, ...]:
        """The recorded layers in forward order."""
        return self.meta.layers

    def layer(self, name: str) -> TraceLayer:
        """The layer called `name`; UserError with the nearest name when there is none."""
        if name not in self._by_name:
            raise unknown_name(f"layer of trace {self.path}", name, self._by_name)
        return self._by_name[name]

    def all_samples(self, name: str, key: str) -> BoolArray | None:
        """Mask `key` (input, grad_output, grad_input_mask) of every sample, bool [N, channels, H, W].

        None for a grad_input_mask that was not recorded: dI is needed everywhere.
        """
        return self._bits(name, key, 0, self.meta.samples)

    def has_mask(self, name: str) -> bool:
        """Whether a grad_input_mask of the layer was recorded; without one dI is needed everywhere."""
        return f"{name}/{_OPTIONAL}" in self._archive.headers

    def masks(self, name: str, sample: int) -> LayerMasks:
        """Masks of one recorded sample, 0 <= sample < meta.samples; [C, H, W] and [F, Ho, Wo]."""
        self._check_samples([sample])
        return self._masks(name, sample, sample + 1, 0)

    def fc_masks(self, name: str, samples: Sequence[int]) -> LayerMasks:
        """Masks of a fully connected layer with the chosen samples as columns: [C, 1, N] and [F, 1, N]."""
        if self.layer(name).kind != "fc":
            raise UserError(f"trace {self.path}: layer {name!r} is no fc layer, so it has no columns.")
        self._check_samples(samples)
        first = min(samples)
        found = self._masks(name, first, max(samples) + 1, [sample - first for sample in samples])
        needed = found.grad_input_mask
        return LayerMasks(
            _columns(found.input),
            _columns(found.grad_output),
            None if needed is None else _columns(needed),
        )

    def values(self, name: str, key: str) -> npt.NDArray[np.float32] | None:
        """Optional values such as `input_values`, float32, samples first; None if not recorded."""
        layer = self.layer(name)
        if key not in _VALUES:
            raise unknown_name("recorded values", key, _VALUES)
        entry = f"{name}/{key}"
        if entry not in self._archive.headers:
            return None
        array = self._archive.read([entry])[entry]
        if not np.isfinite(array).all():
            raise UserError(f"trace {self.path}: {entry}: expected finite values in layer {layer.name!r}.")
        return array

    def _masks(self, name: str, first: int, stop: int, chosen: int | Sequence[int]) -> LayerMasks:
        """The `chosen` of the samples [first, stop); all of these are read."""
        inputs, grads, needed = (self._bits(name, key, first, stop) for key in _MASKS)
        assert inputs is not None and grads is not None  # _check_entries has seen them
        return LayerMasks(inputs[chosen], grads[chosen], None if needed is None else needed[chosen])

    def _bits(self, name: str, key: str, first: int, stop: int) -> BoolArray | None:
        """Samples [first, stop) of a mask, bool [samples, channels, H, W]; None if it was not recorded."""
        width = _shape(self.layer(name), key, 1)[-1]
        entry = f"{name}/{key}"
        if entry not in self._archive.headers:
            return None
        return np.unpackbits(self._archive.rows(entry, first, stop), axis=-1, count=width).view(np.bool_)

    def _check_samples(self, samples: Sequence[int]) -> None:
        if not samples:
            raise UserError(f"trace {self.path}: no sample asked for; it has {self.meta.samples}.")
        for sample in samples:
            if not 0 <= sample < self.meta.samples:
                last = self.meta.samples - 1
                raise UserError(f"trace {self.path}: it has no sample {sample}, only 0 to {last}.")


def load_trace(path: str | Path) -> Trace:
    """Checks a trace completely; UserError for whatever is wrong.

    All masks are read once, a MiB at a time, for their checksums and padding; none stays in memory. Of values
    only the headers are read.
    """
    archive = Archive(Path(path))
    meta = parse_meta(archive.read_text("meta"), str(path))
    _check_entries(archive, meta)
    for layer in meta.layers:
        for key in _MASKS:
            if f"{layer.name}/{key}" in archive.headers:
                _check_bits(archive, layer, key)
    return Trace(meta, archive)


def write_trace(
    path: str | Path,
    meta: Mapping[str, Any],
    arrays: Mapping[str, npt.NDArray[Any]],
    *,
    compressed: bool = True,
) -> None:
    """Writes a trace. `arrays` maps `NAME/key` to a bool mask, to a packed one (uint8), or to float values.

    Not `compressed`, a file is larger, but one of its samples is found without unpacking those before it. The
    file appears complete or not at all. UserError if `meta` or an array contradicts the format.
    """
    file = Path(path)
    checked = check_meta(meta, str(path))
    contents: dict[str, Any] = {"meta": np.array(checked.model_dump_json())}
    for name, array in arrays.items():
        contents[name] = _stored(array)
    unfinished = file.with_name(file.name + ".unfinished")
    try:
        with unfinished.open("wb") as stream:
            (np.savez_compressed if compressed else np.savez)(stream, allow_pickle=False, **contents)
        _check_entries(Archive(unfinished), checked)
        unfinished.replace(file)
    except OSError as error:
        raise UserError(f"trace {path}: cannot be written: {error.strerror or error}.") from None
    finally:
        unfinished.unlink(missing_ok=True)


def _stored(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """An array as it lies in the file."""
    if array.dtype == np.bool_:
        return np.packbits(array, axis=-1)
    return array if array.dtype == np.uint8 else np.asarray(array, dtype=np.float32)


def _shape(layer: TraceLayer, key: str, samples: int) -> tuple[int, ...]:
    """Unpacked shape of an array of a layer."""
    inputs = (samples, layer.in_channels, *layer.in_size)
    outputs = (samples, layer.out_channels, *layer.out_size)
    weights = (layer.out_channels, layer.in_channels // layer.groups, *layer.kernel)
    shapes = {"input": inputs, "grad_input": inputs, "grad_input_mask": inputs, "output": outputs}
    shapes |= {"grad_output": outputs, "weight": weights, "grad_weight": weights}
    return shapes[key.removesuffix("_values")]


def _expected_headers(meta: TraceMeta) -> dict[str, ArrayHeader]:
    expected = {}
    for layer in meta.layers:
        for key in (*_MASKS, *_VALUES):
            shape = _shape(layer, key, meta.samples)
            bits = key in _MASKS
            stored = (*shape[:-1], -(-shape[-1] // 8)) if bits else shape
            expected[f"{layer.name}/{key}"] = ArrayHeader(np.dtype("u1" if bits else "f4"), stored)
    return expected


def _check_entries(archive: Archive, meta: TraceMeta) -> None:
    """Every array is expected, has the right dtype and shape, and no required one is missing."""
    expected = _expected_headers(meta)
    for name, header in archive.headers.items():
        if name == "meta":
            continue
        if name not in expected:
            raise UserError(f"trace {archive.path}: {name}: not a key of format 1 of a layer in meta.")
        if header != expected[name]:
            raise UserError(f"trace {archive.path}: {name}: expected {expected[name]}, found {header}.")
    for layer in meta.layers:
        for key in ("input", "grad_output"):
            if f"{layer.name}/{key}" not in archive.headers:
                raise UserError(f"trace {archive.path}: layer {layer.name!r}: the array {key!r} is missing.")


def _check_bits(archive: Archive, layer: TraceLayer, key: str) -> None:
    """The checksum of a mask, and zeros in its padding bits."""
    width = _shape(layer, key, 1)[-1]
    padding = 0xFF >> width % 8 if width % 8 else 0
    for piece in archive.pieces(f"{layer.name}/{key}"):
        if padding and np.any(piece[:, -1] & padding):
            raise UserError(
                f"trace {archive.path}: layer {layer.name!r}: expected zeros in the padding bits behind "
                f"column {width - 1} of a mask, found ones."
            )


def _columns(masks: BoolArray) -> BoolArray:
    """Maps of one position, bool [N, C, 1, 1], as the columns of one row, [C, 1, N]."""
    return np.ascontiguousarray(masks[:, :, :, 0].transpose(1, 2, 0))
