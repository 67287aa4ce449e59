"""Which modules of a model are layers of the machine, their names, and which models cannot be hooked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any

from sparsesim.capture.pytorch import load_torch
from workloads.errors import UserError, unknown_name

_FOREIGN = ("Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d", "Bilinear")
_LONGEST = 200


def checked_model(model: Any, purpose: str) -> Any:
    """The module to put hooks on: `model`, or what a DistributedDataParallel holds.

    purpose: what is called, for messages. UserError for what is no module, and for modules whose layers
    do not run one by one in this process, so that hooks would see nothing or half of it.
    """
    torch = load_torch()
    if not isinstance(model, torch.nn.Module):
        raise UserError(f"{purpose}: model must be a torch.nn.Module (got {type(model).__name__}).")
    if isinstance(model, torch.nn.parallel.DistributedDataParallel):
        model = model.module
    for name, module in model.named_modules():
        reason = _unhookable(torch, module)
        if reason is not None:
            where = f"its module {name!r}" if name else "the model"
            raise UserError(f"{purpose}: {where} {reason}.")
    return model


def _unhookable(torch: Any, module: Any) -> str | None:
    if isinstance(module, torch.nn.DataParallel):
        return "is a DataParallel, which runs copies of the layers in threads; give its .module, unwrapped"
    if isinstance(module, torch.jit.ScriptModule):
        return "is a ScriptModule, whose layers run without hooks; give the module it was made from"
    compiled = type(module).__name__ == "OptimizedModule" or getattr(module, "_compiled_call_impl", None)
    if compiled:
        return "is compiled (torch.compile), so its layers run without hooks; give and train it uncompiled"
    if isinstance(module, torch.nn.modules.lazy.LazyModuleMixin) and module.has_uninitialized_params():
        return "has no sizes yet (a lazy module); run one batch through the model first"
    return None


def layers_of(model: Any, skip: Sequence[str], purpose: str, foreign: bool = True) -> dict[str, Any]:
    """Convolutions (1-D, 2-D) and linear layers by name, in the order in which the model holds them.

    skip: names or patterns (`up*`) of layers to leave out. UserError for a pattern that fits none, for kinds
    of layers that a trace cannot hold (if `foreign`), and where nothing is left.
    """
    torch = load_torch()
    kinds = (torch.nn.Conv1d, torch.nn.Conv2d, torch.nn.Linear)
    others = tuple(getattr(torch.nn, kind) for kind in _FOREIGN) if foreign else ()
    found: dict[str, Any] = {}
    for name, module in _candidates(model, (*kinds, *others), skip, purpose):
        if not isinstance(module, kinds):
            raise UserError(
                f"{purpose}: layer {name!r} is a {type(module).__name__}, which a trace cannot hold; leave "
                f"it out with skip=[{name!r}]."
            )
        found[name] = module
    if not found:
        raise UserError(f"{purpose}: the model has no Conv1d, Conv2d or Linear that is not skipped.")
    return found


def _candidates(
    model: Any, kinds: tuple[Any, ...], skip: Sequence[str], purpose: str
) -> Iterator[tuple[str, Any]]:
    if isinstance(skip, str):
        raise UserError(f"{purpose}: skip must be a list of names; write [{skip!r}].")
    layers = [(_name(path, module), module) for path, module in model.named_modules()]
    layers = [(name, module) for name, module in layers if isinstance(module, kinds)]
    names = [name for name, _ in layers]
    for pattern in skip:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise unknown_name(f"layer in skip of {purpose}:", pattern, names)
    chosen = [(n, module) for n, module in layers if not any(fnmatchcase(n, pattern) for pattern in skip)]
    _check_names([name for name, _ in chosen], purpose)
    yield from chosen


def _name(path: str, module: Any) -> str:
    """The module's path, or its class if it is the whole model; '_' where a trace allows no such letter."""
    letters = path or type(module).__name__
    return "".join(c if c.isprintable() and not c.isspace() and c != "/" else "_" for c in letters)


def _check_names(names: Sequence[str], purpose: str) -> None:
    for name in names:
        if names.count(name) > 1 or len(name) > _LONGEST or re.search(r"@\d+$", name):
            raise UserError(
                f"{purpose}: the layer name {name!r} is not unique, longer than {_LONGEST} letters, or ends "
                f"like the name of a second use (@2); rename the module."
            )
