"""What cannot be mapped, said so that the reader knows what to change."""

from __future__ import annotations

from workloads.errors import UserError


class MappingError(UserError):
    """A layer that does not fit a machine: demand, bound, gap, and the parameter that would make it fit."""


def does_not_fit(what: str, demand: int, bound: int, unit: str, parameter: str, remedy: str) -> MappingError:
    """The error for a demand above its bound; `parameter` names the machine field that sets the bound."""
    return MappingError(
        f"cannot be mapped: {what} would take {demand} {unit}, the machine has {bound} "
        f"({demand - bound} too few). {remedy} (parameter {parameter})."
    )
