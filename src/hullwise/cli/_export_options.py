"""What `hullwise export` was called with; nothing numeric is imported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import click

from ._option_groups import OutputOptions


@dataclass(frozen=True, kw_only=True)
class ExportOptions(OutputOptions):
    """`hullwise export`."""

    rules: str
    to: Literal["onnx", "sql", "json"] | None  # None: as the file's name ends
    precision: Literal["double", "single"]
    table: str
    pass_on: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.output is None:
            raise click.UsageError("name the file that is written: -o FILE")
        if self.to is None:
            object.__setattr__(self, "to", _language_of(self.output))
        if self.to == "onnx" and self.output == "-":
            raise click.BadParameter("a model is no text: name a file", param_hint="-o")
        if self.to != "onnx" and self.precision != "double":
            raise click.UsageError("--precision is of --to onnx")
        if self.to != "sql" and (self.pass_on or self.table != "new"):
            raise click.UsageError("--table and --pass-on are of --to sql")


def _language_of(output: str) -> str:
    """The language that a file's name ends with."""
    suffix = output.rpartition(".")[2].lower() if "." in output else ""
    if suffix not in ("onnx", "sql", "json"):
        raise click.UsageError(
            f"{output!r} names no language by its ending: --to onnx, sql or json"
        )
    return suffix
