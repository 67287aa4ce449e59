"""The name of a layer from an ONNX file: that of the module it was, where the exporter left a trace.

torch.onnx leaves three: the names of weights (`layer1.0.conv1.weight`), scopes in the metadata of nodes
(since its exporter is torch.export), and node names that are paths (`/layer1/layer1.0/conv1/Conv`, before).
"""

from __future__ import annotations

import re

from workloads.importing.onnx_graph import OnnxNode

_SCOPES, _CLASSES = "pkg.torch.onnx.name_scopes", "pkg.torch.onnx.class_hierarchy"
_QUOTED = re.compile(r"'([^']*)'")
_WEIGHT = ".weight"
_INVENTED = "onnx::"  # names the exporter made up
_FOLDED = re.compile(r"onnx::Conv_\d+")
_WITH_WEIGHTS = ("Conv", "ConvTranspose", "Gemm", "BatchNormalization")
_MOST_METADATA = 10_000  # characters


def layer_name(node: OnnxNode) -> str:
    """The best name there is; not unique, and not free of odd characters."""
    weight = node.inputs[1] if len(node.inputs) > 1 else ""
    if weight.endswith(_WEIGHT) and not weight.startswith(_INVENTED):
        return weight.removesuffix(_WEIGHT)
    return _scope(node) or _path(node) or node.name or f"{node.operator}.{node.index}"


def folded_batch_norm(node: OnnxNode) -> str | None:
    """The name of the batch-norm that the exporter folded into this convolution; None if it did not.

    torch.onnx says so: by the class of the module the node stands for, or, before that was kept, by the names
    of weight and bias, which are new tensors'. (Where weight_norm computes the weight, only that is new.)
    """
    classes = _listed(node, _CLASSES)
    if any(".batchnorm.BatchNorm" in name for name in classes):
        scopes = _listed(node, _SCOPES)
        return scopes[-2] if len(scopes) > 1 and scopes[-2] else f"{layer_name(node)}.batch_norm"
    if len(node.inputs) > 2 and all(_FOLDED.fullmatch(name) for name in node.inputs[1:3]):
        return f"{layer_name(node)}.batch_norm"
    return None


def _listed(node: OnnxNode, key: str) -> list[str]:
    """The names in a Python list that metadata hold as text."""
    return _QUOTED.findall(node.metadata.get(key, "")[:_MOST_METADATA])


def _scope(node: OnnxNode) -> str:
    """The module path; for a function call inside a module, with the name of the call behind it."""
    scopes, classes = _listed(node, _SCOPES), _listed(node, _CLASSES)
    if len(scopes) < 2:
        return ""
    module = classes[-2] if len(classes) == len(scopes) else ""
    is_layer = module.startswith("torch.nn.modules.") and ".container." not in module
    return scopes[-2] if is_layer and scopes[-2] else ".".join(scopes[-2:]).strip(".")


def _path(node: OnnxNode) -> str:
    """`/layer1/layer1.0/conv1/Conv` -> `layer1.0.conv1`; a call that is no module keeps its name."""
    if not node.name.startswith("/"):
        return ""
    *scopes, call = node.name.strip("/").split("/")
    nested = [*scopes, ""][1:]
    # Of layer2/layer2.0/downsample/downsample.0 the second and fourth say what those before them say, too.
    path = ".".join(a for a, b in zip(scopes, nested, strict=True) if not b.startswith(f"{a}."))
    last = path.rsplit(".", 1)[-1]
    is_layer = last.isdigit() or last.rstrip("0123456789_").lower().endswith(node.operator.lower())
    if path and (is_layer or node.operator in _WITH_WEIGHTS):
        return path
    return f"{path}.{call.lower()}".strip(".")
