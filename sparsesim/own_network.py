"""A network of one's own: which arguments mean one, and reading it."""

from __future__ import annotations

import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

from workloads.catalog import NETWORKS
from workloads.errors import UserError
from workloads.layers import Shape
from workloads.network import Network

_PICKLES = (".pt", ".pth", ".pt2", ".pkl", ".bin", ".ckpt", ".h5", ".keras", ".tflite", ".pb")
_READ = (".onnx", ".csv")
_TRACE = ".npz"


def is_file_name(network: object) -> bool:
    """Whether a network is given as a file: a Path, or text that ends or looks like one."""
    if isinstance(network, Path):
        return True
    if not isinstance(network, str) or network in NETWORKS:
        return False
    return Path(network).suffix.lower() in (*_READ, *_PICKLES, _TRACE) or "/" in network or "\\" in network


def is_module(network: object) -> bool:
    """Whether it is a module of PyTorch; PyTorch is not imported to find out."""
    torch: Any = sys.modules.get("torch")
    return torch is not None and isinstance(network, torch.nn.Module)


def own_network(network: Any, example: Any, input_shape: Shape | None) -> Network | None:
    """The network that a caller brings, None where `network` is the name of one that is built in (or None).

    network: a Network, a file (ONNX, SCALE-Sim topology) or a torch.nn.Module; example: for a module a batch
    to call it with, else None or a data set that does not belong here. input_shape: see `read_onnx`.
    UserError for everything that cannot be read or does not fit together.
    """
    if is_module(network):
        from workloads.importing.torch_module import read_module  # noqa: PLC0415

        _refuse_shape(input_shape, "a module is exported with its example input")
        return read_module(network, example)
    found = _read(network, input_shape)
    if found is not None and example is not None:
        raise UserError(
            f"--dataset {example} says nothing of a network of one's own, which has the size of its image; "
            f"leave it out."
        )
    return found


def _read(network: Any, input_shape: Shape | None) -> Network | None:
    if isinstance(network, Network):
        _refuse_shape(input_shape, "this network has its shapes")
        return network
    if is_file_name(network):
        return read_file(Path(network), input_shape)
    if network is not None and not isinstance(network, str):
        raise UserError(
            f"network must be a name, a file, a Network or a torch.nn.Module (got {type(network).__name__})."
        )
    _refuse_shape(input_shape, "built-in networks have the shape of their data set (--dataset)")
    return None


def _refuse_shape(input_shape: Shape | None, why: str) -> None:
    if input_shape is not None:
        raise UserError(f"--input-shape is for ONNX files: {why}; leave it out.")


def read_file(path: Path, input_shape: Shape | None) -> Network:
    """The network in a file, kept until the file changes."""
    suffix = path.suffix.lower()
    if suffix in _PICKLES:
        raise UserError(
            f"{path}: {suffix} files are not read (they may run code); export the network with "
            f"torch.onnx.export and run the .onnx file, or call sparsesim.simulate(module, example_input)."
        )
    if suffix == _TRACE:
        raise UserError(f"{path}: looks like a trace, which is no network; give it as --trace {path}.")
    if suffix not in _READ:
        raise UserError(f"{path}: a network must be an .onnx file or a SCALE-Sim topology, .csv.")
    try:
        found = path.stat()
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}.") from None
    if not path.is_file():
        raise UserError(f"{path}: is no file.")
    return _known(path, input_shape, found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=4)
def _known(path: Path, input_shape: Shape | None, modified_ns: int, size_bytes: int) -> Network:
    del modified_ns, size_bytes
    if path.suffix.lower() == ".onnx":
        from workloads.importing.onnx_network import read_onnx  # noqa: PLC0415

        return read_onnx(path, input_shape)
    from workloads.importing.scalesim import read_topology  # noqa: PLC0415

    _refuse_shape(input_shape, "a topology has the shapes of its layers")
    return read_topology(path)
