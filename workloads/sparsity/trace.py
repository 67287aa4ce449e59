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
    """A checked trace. All masks are in memory (packed); values are read when asked for."""

    def __init__(self, meta: TraceMeta, archive: Archive, packed: Mapping[str, npt.NDArray[np.uint8]]):
        self.meta = meta
        self._archive = archive
        self._packed = dict(packed)
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
        packed = self._packed.get(f"{name}/{key}")
        return None if packed is None else _unpack(packed, _shape(self.layer(name), key, 1)[-1])

    def has_mask(self, name: str) -> bool:
        """Whether a grad_input_mask of the layer was recorded; without one dI is needed everywhere."""
        return f"{name}/{_OPTIONAL}" in self._packed

    def masks(self, name: str, sample: int) -> LayerMasks:
        """Masks of one recorded sample, 0 <= sample < meta.samples; [C, H, W] and [F, Ho, Wo]."""
        self._check_samples([sample])
        width = self.layer(name).in_size[1]
        out_width = self.layer(name).out_size[1]
        needed = self._packed.get(f"{name}/{_OPTIONAL}")
        return LayerMasks(
            _unpack(self._packed[f"{name}/input"][sample], width),
            _unpack(self._packed[f"{name}/grad_output"][sample], out_width),
            None if needed is None else _unpack(needed[sample], width),
        )

    def fc_masks(self, name: str, samples: Sequence[int]) -> LayerMasks:
        """Masks of a fully connected layer with the chosen samples as columns: [C, 1, N] and [F, 1, N]."""
        if self.layer(name).kind != "fc":
            raise UserError(f"trace {self.path}: layer {name!r} is no fc layer, so it has no columns.")
        self._check_samples(samples)
        chosen = [self.masks(name, sample) for sample in samples]
        needed = [masks.grad_input_mask for masks in chosen if masks.grad_input_mask is not None]
        return LayerMasks(
            np.concatenate([masks.input for masks in chosen], axis=2),
            np.concatenate([masks.grad_output for masks in chosen], axis=2),
            np.concatenate(needed, axis=2) if needed else None,
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

    def _check_samples(self, samples: Sequence[int]) -> None:
        if not samples:
            raise UserError(f"trace {self.path}: no sample asked for; it has {self.meta.samples}.")
        for sample in samples:
            if not 0 <= sample < self.meta.samples:
                last = self.meta.samples - 1
                raise UserError(f"trace {self.path}: it has no sample {sample}, only 0 to {last}.")


def load_trace(path: str | Path) -> Trace:
    """Reads and checks a trace completely (values: their headers); UserError for whatever is wrong."""
    archive = Archive(Path(path))
    meta = parse_meta(archive.read_text("meta"), str(path))
    _check_entries(archive, meta)
    names = [f"{layer.name}/{key}" for layer in meta.layers for key in _MASKS]
    packed = archive.read(name for name in names if name in archive.headers)
    for layer in meta.layers:
        for key in _MASKS:
            _check_padding(packed.get(f"{layer.name}/{key}"), _shape(layer, key, 1)[-1], archive, layer.name)
    return Trace(meta, archive, packed)


def write_trace(path: str | Path, meta: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Writes a trace. `arrays` maps `NAME/key` to an unpacked bool mask or to float values.

    The file appears complete or not at all. UserError if `meta` or an array contradicts the format.
    """
    file = Path(path)
    checked = check_meta(meta, str(path))
    contents: dict[str, Any] = {"meta": np.array(checked.model_dump_json())}
    for name, array in arrays.items():
        packed = array.dtype == np.bool_
        contents[name] = np.packbits(array, axis=-1) if packed else np.asarray(array, dtype=np.float32)
    unfinished = file.with_name(file.name + ".unfinished")
    try:
        with unfinished.open("wb") as stream:
            np.savez_compressed(stream, allow_pickle=False, **contents)
        _check_entries(Archive(unfinished), checked)
        unfinished.replace(file)
    except OSError as error:
        raise UserError(f"trace {path}: cannot be written: {error.strerror or error}.") from None
    finally:
        unfinished.unlink(missing_ok=True)


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


def _check_padding(packed: npt.NDArray[np.uint8] | None, width: int, archive: Archive, layer: str) -> None:
    used = width % 8
    if packed is not None and used and np.any(packed[..., -1] & (0xFF >> used)):
        raise UserError(
            f"trace {archive.path}: layer {layer!r}: expected zeros in the padding bits behind "
            f"column {width - 1} of a mask, found ones."
        )


def _unpack(packed: npt.NDArray[np.uint8], width: int) -> BoolArray:
    return np.unpackbits(packed, axis=-1, count=width).view(np.bool_)
