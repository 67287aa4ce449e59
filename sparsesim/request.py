"""What one simulation is asked for, checked before anything is computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import Any

from sparsesim.energy import default_table, load_energy
from sparsesim.energy.overrides import PREFIX, with_overrides
from sparsesim.energy.table import EnergyTable
from sparsesim.machine import Machine, load_machine
from sparsesim.own_network import own_network
from workloads.errors import UserError, unknown_name
from workloads.layers import Shape
from workloads.network import Network
from workloads.sparsity.curve import check_pruning
from workloads.sparsity.transfer import ACTIVATIONS, NEAREST

DEFAULT_MACHINE, DEFAULT_NETWORK, DEFAULT_DATASET = "sparsetrain", "resnet18", "imagenet"
DEFAULT_BATCH, DEFAULT_PRUNE, DEFAULT_ACTIVATIONS = 32, 0.9, NEAREST
MOST_SAMPLES = 4096  # of --batch and --samples
MOST_SEED = 2**63 - 1
MOST_SIZE = 1 << 16  # of a size of --input-shape


@dataclass(frozen=True)
class Density:
    """Independent zeros at the same density in every layer: fractions of non-zeros of I and of dO, 0..1."""

    input: float
    grad_output: float


@dataclass(frozen=True)
class Load:
    """What is trained, and how sparse it is: all of a request that no machine has a part in.

    network, dataset: None where a trace may say it. own: the network, where it is the caller's. samples: None
    for all that a trace has. prune: None with a trace or a density. activations: None where no profile of a
    built-in network is used. The fields as in `sparsesim.simulate`.
    """

    network: str | None
    dataset: str | None
    batch: int
    samples: int | None
    prune: float | None
    seed: int
    trace: Path | None
    density: Density | None
    own: Network | None = None
    activations: str | None = None


@dataclass(frozen=True)
class Request:
    """One training step on one machine, with the energies of one table; all defaults filled in."""

    load: Load
    machine: Machine
    table: EnergyTable


def make_request(
    network: Any = None,
    dataset: Any = None,
    *,
    machine: str | Path | Machine = DEFAULT_MACHINE,
    overrides: Sequence[str] = (),
    batch: int = DEFAULT_BATCH,
    samples: int | None = None,
    prune: float | None = None,
    seed: int = 0,
    trace: str | Path | None = None,
    energy: str | Path | None = None,
    density: tuple[float, float] | None = None,
    input_shape: Shape | None = None,
    activations: str | None = None,
) -> Request:
    """The request that the arguments of `sparsesim.simulate` make; UserError for what cannot be used."""
    of_energy, of_machine = _sorted_overrides(overrides)
    described = _described(machine, of_machine)
    check_count("batch", batch, MOST_SAMPLES)
    if samples is not None:
        check_count("samples", samples, MOST_SAMPLES)
    check_whole("seed", seed, 0, MOST_SEED, "from 0 to 2^63 - 1")
    table = with_overrides(load_energy(energy) if energy is not None else default_table(), of_energy)
    path = None if trace is None else Path(trace)
    uniform = _checked_density(density)
    own = own_network(network, dataset, _checked_shape(input_shape))
    if own is not None:
        network, dataset = own.name, own.dataset
    load = Load(
        network=network if path else network or DEFAULT_NETWORK,
        dataset=dataset if path else dataset or DEFAULT_DATASET,
        batch=batch,
        samples=samples if path else samples or 1,
        prune=_checked_pruning(prune, path, uniform),
        seed=seed,
        trace=path,
        density=uniform,
        own=own,
        activations=_checked_activations(activations, path, uniform, own),
    )
    return Request(load, described, table)


def check_whole(name: str, value: int, least: int, most: int, words: str) -> None:
    """UserError unless `value`, given as option `name`, is a whole number from `least` to `most`."""
    whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not (whole and least <= value <= most):
        raise UserError(f"--{name} must be {words} (got {value!r}).")


def check_count(name: str, value: int, most: int) -> None:
    """UserError unless `value`, given as option `name`, is a whole number from 1 to `most`."""
    check_whole(name, value, 1, most, f"a whole number from 1 to {most}")


def _sorted_overrides(overrides: Sequence[str]) -> tuple[list[str], list[str]]:
    """Overrides of the energy table, and those of the machine."""
    if isinstance(overrides, str):
        raise UserError(f"overrides must be a list of KEY=VALUE; write [{overrides!r}].")
    of_energy = [text for text in overrides if text.lstrip().startswith(PREFIX)]
    return of_energy, [text for text in overrides if text not in of_energy]


def _described(machine: str | Path | Machine, overrides: Sequence[str]) -> Machine:
    """The machine; UserError for overrides that would be without effect."""
    if isinstance(machine, str | Path):
        return load_machine(machine, overrides)
    if not isinstance(machine, Machine):
        raise UserError(f"machine must be a name, a file or a Machine (got {type(machine).__name__}).")
    if overrides:
        raise UserError(
            "overrides change a machine that is read; this one is a Machine already: change that."
        )
    return machine


def _checked_density(density: tuple[float, float] | None) -> Density | None:
    if density is None:
        return None
    for name, value in zip(("input", "grad-output"), density, strict=True):
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not (number and 0 <= value <= 1):
            raise UserError(f"--density-{name} must be a number from 0 to 1 (got {value!r}).")
    return Density(float(density[0]), float(density[1]))


def _checked_shape(shape: Shape | None) -> Shape | None:
    if shape is None:
        return None
    numbers = tuple(shape) if isinstance(shape, Sequence) and not isinstance(shape, str) else ()
    if len(numbers) != 3:
        raise UserError(f"--input-shape must be C,H,W, e.g. 3,224,224 (got {shape!r}).")
    for number in numbers:
        check_count("input-shape", number, MOST_SIZE)
    return numbers[0], numbers[1], numbers[2]


def _checked_pruning(prune: float | None, trace: Path | None, density: Density | None) -> float | None:
    given = [
        words
        for words, value in (("prune", prune), ("trace", trace), ("density", density))
        if value is not None
    ]
    if len(given) > 1:
        raise UserError(
            f"{given[0]} and {given[1]} contradict each other: a trace is simulated as it was recorded, "
            f"and densities that are given leave nothing to prune; keep one."
        )
    if given and prune is None:
        return None
    prune = DEFAULT_PRUNE if prune is None else prune
    check_pruning(prune)
    return prune


def _checked_activations(
    activations: str | None, trace: Path | None, density: Density | None, own: Network | None
) -> str | None:
    """Where densities of I come from; UserError where they come from elsewhere anyway."""
    others = (
        ("a trace", trace, "it is simulated as it was recorded"),
        ("density", density, "it is that of every layer"),
        ("a network of one's own", own, "its sparsity follows from the place of each layer"),
    )
    for words, value, reason in others:
        if value is not None and activations is not None:
            raise UserError(
                f"activations {activations!r} and {words} contradict each other: {reason}; "
                f"leave activations out."
            )
        if value is not None:
            return None
    if activations is not None and activations not in ACTIVATIONS:
        raise unknown_name("activations", str(activations), ACTIVATIONS)
    return activations or DEFAULT_ACTIVATIONS
