"""Kinds of options that several commands have: what is typed, how it is called, what becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import typer

from sparsesim.cli.texts import folder, number, whole


def option(
    *names: str,
    metavar: str,
    help: str,
    parser: Callable[[str], Any] | None = None,
    show_default: bool = False,
) -> typer.models.OptionInfo:
    """An option; names: if not the parameter's own. parser: of its text, raises typer.BadParameter.

    show_default: where the default says more than "nothing".
    """
    found: typer.models.OptionInfo = typer.Option(
        *names, metavar=metavar, help=help, parser=parser, show_default=show_default
    )
    return found


def whole_option(*names: str, help: str, show_default: bool = False) -> typer.models.OptionInfo:
    """An option that is a whole number."""
    return option(*names, metavar="N", help=help, parser=whole, show_default=show_default)


def number_option(
    *names: str, metavar: str, help: str, show_default: bool = False
) -> typer.models.OptionInfo:
    """An option that is a number."""
    return option(*names, metavar=metavar, help=help, parser=number, show_default=show_default)


def folder_option(*names: str, help: str) -> typer.models.OptionInfo:
    """An option that names a folder to write into."""
    return option(*names, metavar="DIR", help=help, parser=folder)
