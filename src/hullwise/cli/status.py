"""What a command says while it runs, and what Ctrl-C leaves behind; nothing numeric is imported."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import click

__all__ = [
    "CANCELLED",
    "IS_QUIET",
    "OUTPUT_WRITTEN",
    "Printer",
    "print_nothing",
    "print_status",
    "raise_if_cancelled",
    "record_written",
]

CANCELLED = "hullwise.cancelled"
IS_QUIET = "hullwise.quiet"
OUTPUT_WRITTEN = "hullwise.written"
Printer = Callable[[str], Any]


def print_status(text: str) -> None:
    """A line on standard error, without users and passwords of URLs."""
    click.echo(
        re.sub(r"(\w+://)[^\s/]*@", r"\1", re.sub(r"(\w+://[^\s?]*)\?\S+", r"\1", text)), err=True
    )


def print_nothing(_: str) -> None:
    """The same under --quiet."""


def record_written(what: str) -> None:
    """Note what Ctrl-C would leave behind from now on, for the program to say."""
    if (ctx := click.get_current_context(silent=True)) is not None:
        ctx.meta[OUTPUT_WRITTEN] = what


def raise_if_cancelled() -> None:
    """Stop for a Ctrl-C that a library lost."""
    if click.get_current_context().meta.get(CANCELLED):
        raise KeyboardInterrupt
