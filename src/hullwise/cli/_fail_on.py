"""`--fail-on`: which rows meet its condition, and whether these are more than `--allow` permits."""

from __future__ import annotations

from dataclasses import dataclass

import click
import numpy as np

from .._core.results import scatter
from .._core.types import Array, Mask
from ..domain.domain_location import DomainLocation
from ..geometry.location import Location
from ..report.words import printable
from ._command_options import LocateOptions
from ._tables import QueryRows

FAILED_NAMES = 10  # rows that are named


@dataclass(frozen=True, eq=False)
class FailingRows:
    """The rows of a table that meet a condition, one entry for each row of the file.

    Attributes
    ----------
    condition : str
        A band, which stands for the worse ones too, or "outside".
    meets : (m,) bool
        Rows in it, or open.
    is_open : (m,) bool
        Rows of which it is not known.
    refused : (m,) bool
        Rows that could not be located.
    names : (m,)
    allowed : float
        Percent of the rows.
    """

    condition: str
    meets: Mask
    is_open: Mask
    refused: Mask
    names: Array
    allowed: float
    where: str = ""  # which reading it is about

    @property
    def is_met(self) -> bool:
        """Whether more rows are than may be."""
        m, count = len(self.meets), int((self.meets | self.refused).sum())
        return bool(m) and 100 * count > self.allowed * m

    @property
    def kind(self) -> str:
        """The condition in words."""
        is_last = self.condition in ("far", "outside")
        return (self.condition if is_last else f"{self.condition} or worse") + self.where

    def text(self) -> str:
        """How many rows meet it, and which."""
        names = self.names[self.meets]
        count, refused = len(names), int(self.refused.sum())
        listed = ", ".join(printable(name, 40) for name in names[:FAILED_NAMES])
        listed += ", ..." * (count > FAILED_NAMES)
        parts = []
        if count:
            noun = "row is" if count == 1 else "rows are"
            or_open = " or open" * bool((self.meets & self.is_open).any())
            parts.append(f"{count:,} {noun} {self.kind}{or_open} (row{'s' * (count > 1)} {listed})")
        if refused:
            parts.append(f"{refused:,} could not be located")
        share = f"; {self.allowed:g} % of {len(self.meets):,} allowed" if self.allowed else ""
        return f"--fail-on {self.condition}: {', '.join(parts) or 'no row'}{share}"

    def report(self) -> bool:
        """Say on standard error why the condition is met; whether it is."""
        if self.is_met:
            click.echo(self.text(), err=True)
        return self.is_met


def failing_rows(
    location: Location, queries: QueryRows, options: LocateOptions
) -> FailingRows | None:
    """The rows that meet --fail-on, where it is there."""
    condition = options.fail_on
    if condition is None:
        return None
    return FailingRows(
        condition,
        scatter(location.at_least(condition), queries.usable, False),
        scatter(_open(location, condition), queries.usable, False),
        ~queries.usable,
        np.arange(len(queries.usable)) if queries.ids is None else queries.ids,
        options.allow,
        " in what matters" * options.is_learnt,
    )


def failing_domain_rows(location: DomainLocation, options: LocateOptions) -> FailingRows | None:
    """The same of rows in a domain."""
    condition = options.fail_on
    if condition is None:
        return None
    refused = np.zeros(len(location), dtype=bool)
    refused[list(location.unusable)] = True
    return FailingRows(
        condition,
        location.at_least(condition) & ~refused,
        _open(location, condition),
        refused,
        np.arange(len(location)) if location.labels is None else location.labels,
        options.allow,
    )


def _open(location: Location | DomainLocation, condition: str) -> Mask:
    is_open = location.verdict == 0 if condition == "outside" else location.band == "unknown"
    return np.asarray(is_open)
