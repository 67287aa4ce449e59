"""Makes the files of this folder: five networks of torchvision as torch.onnx exports them, without weights,
and their layers as PyTorch runs them.

    python -m pip install torch torchvision onnx onnxscript
    python tests/golden/networks/make.py

NAME.EXPORTER.onnx.xz: by the exporter that stands on TorchScript ("script", in training mode and, as
"folded", for inference) and by the one that stands on torch.export ("dynamo"). NAME.csv: name, (C, H, W) of
input and output, and multiply-accumulates of every convolution and linear layer, by forward hooks.
"""

from __future__ import annotations

import csv
import lzma
import sys
import tempfile
import warnings
from math import prod
from pathlib import Path
from typing import Any

import onnx
import torch
from torchvision import models

HERE = Path(__file__).parent
KEPT_METADATA = ("pkg.torch.onnx.name_scopes", "pkg.torch.onnx.class_hierarchy")
KEPT_ELEMENTS = 64
NETWORKS: dict[str, dict[str, Any]] = {
    "squeezenet1_1": {},
    "googlenet": {"init_weights": False, "aux_logits": False},
    "densenet121": {},
    "mobilenet_v2": {},
    "efficientnet_b0": {},
}


def main() -> None:
    warnings.simplefilter("ignore")
    for name, options in NETWORKS.items():
        model = getattr(models, name)(weights=None, **options)
        write_layers(model, HERE / f"{name}.csv")
        for exporter in ("script", "folded", "dynamo"):
            content = without_weights(exported(model, exporter))
            (HERE / f"{name}.{exporter}.onnx.xz").write_bytes(lzma.compress(content, preset=9))


def exported(model: Any, exporter: str) -> Any:
    """The network as an onnx.ModelProto, for batches of any size."""
    image = torch.randn(2, 3, 224, 224)
    training = exporter == "script"
    model.train(training)
    mode = torch.onnx.TrainingMode.TRAINING if training else torch.onnx.TrainingMode.EVAL
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.onnx")
        if exporter == "dynamo":
            torch.onnx.export(model, (image,), path, dynamo=True, external_data=False, verbose=False)
        else:
            names: dict[str, Any] = {"input_names": ["image"], "dynamic_axes": {"image": {0: "batch"}}}
            torch.onnx.export(model, (image,), path, dynamo=False, training=mode, **names)
        return onnx.load(path)


def without_weights(model: Any) -> bytes:
    """The file without what only training or a reader of the source needs: values, stack traces, comments."""
    for tensor in model.graph.initializer:
        if prod(tensor.dims) > KEPT_ELEMENTS:
            tensor.ClearField("raw_data")
    for node in model.graph.node:
        node.ClearField("doc_string")
        kept = [(entry.key, entry.value) for entry in node.metadata_props if entry.key in KEPT_METADATA]
        del node.metadata_props[:]
        for key, value in kept:
            node.metadata_props.add(key=key, value=value)
    for message in (
        *model.graph.value_info,
        *model.graph.input,
        *model.graph.output,
        *model.graph.initializer,
    ):
        del message.metadata_props[:]
    del model.graph.value_info[:], model.graph.metadata_props[:], model.metadata_props[:]
    content: bytes = model.SerializeToString()
    return content


def write_layers(model: Any, path: Path) -> None:
    rows: list[list[Any]] = []

    def record(name: str) -> Any:
        def hook(module: Any, inputs: Any, output: Any) -> None:
            macs = module.weight.numel() * prod(output.shape[2:])
            rows.append([name, shape(inputs[0]), shape(output), macs])

        return hook

    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Conv2d | torch.nn.Linear):
            module.register_forward_hook(record(name))
    with torch.no_grad():
        model.eval()(torch.randn(1, 3, 224, 224))
    for module in model.modules():
        module._forward_hooks.clear()
    parameters = sum(p.numel() for p in model.parameters())
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["layer", "input", "output", "macs"])
        writer.writerows(rows)
        writer.writerow(["parameters", "", "", parameters])


def shape(tensor: Any) -> str:
    channels, *size = tensor.shape[1:]
    return "x".join(map(str, (channels, *(size or (1, 1)))))


if __name__ == "__main__":
    sys.exit(main())
