"""Rows of the bundled tables held out: at random, whole groups, and a season to come."""

from __future__ import annotations

import gzip
from dataclasses import dataclass

import numpy as np

from .._core.types import Floats, Mask
from ..errors import DataError
from ..geometry.cloud import Cloud
from ..io.rows import ArrayRows
from . import Sample, path

__all__ = ["HeldOut", "hold_out_groups", "hold_out_rows", "penguin_seasons", "table_halves"]

SEEN_ROWS = 400  # of the forest fires


@dataclass(frozen=True, eq=False)
class HeldOut:
    """A bundled table in two parts.

    Attributes
    ----------
    sample : Sample
    mask : (n,) bool
        The rows held out.
    """

    sample: Sample
    mask: Mask

    def __repr__(self) -> str:
        return f"HeldOut({int(self.mask.sum()):,} of {len(self.mask):,} rows, {self.sample.name})"

    @property
    def training(self) -> Cloud:
        """The rows that were not held out."""
        return Cloud(ArrayRows(self.sample.X[~self.mask], self.sample.columns))

    @property
    def queries(self) -> Floats:
        """The rows held out."""
        return self.sample.X[self.mask]


def hold_out_rows(sample: Sample, m: int, rng: np.random.Generator) -> HeldOut:
    """m rows of a table, drawn at random.

    Examples
    --------
    >>> import numpy as np
    >>> from hullwise.samples import load
    >>> hold_out_rows(load("forest_fires"), 100, np.random.default_rng(0))
    HeldOut(100 of 504 rows, forest_fires)
    """
    mask = np.zeros(len(sample.y), dtype=bool)
    mask[rng.choice(len(mask), m, replace=False)] = True
    return HeldOut(sample, mask)


def hold_out_groups(sample: Sample, n_groups: int, rng: np.random.Generator) -> HeldOut:
    """All rows of some groups of a table, such as those of a few patients.

    Examples
    --------
    >>> import numpy as np
    >>> from hullwise.samples import load
    >>> hold_out_groups(load("parkinsons"), 8, np.random.default_rng(0)).mask.shape
    (5875,)
    """
    if sample.groups is None:
        raise DataError(f"the table {sample.name!r} has no groups")
    groups = rng.permutation(np.unique(sample.groups))[:n_groups]
    return HeldOut(sample, np.isin(sample.groups, groups))


def table_halves() -> dict[str, tuple[bytes, int]]:
    """The forest fires as two CSV files, the first 400 rows and the others: text and rows."""
    head, *rows = gzip.decompress(path("forest_fires").read_bytes()).splitlines(keepends=True)
    parts = {"seen.csv": rows[:SEEN_ROWS], "new.csv": rows[SEEN_ROWS:]}
    return {name: (b"".join([head, *part]), len(part)) for name, part in parts.items()}


def penguin_seasons() -> dict[str, tuple[bytes, int]]:
    """The penguins of 2007 and 2008 without one species, and those of 2009: text and rows.

    The first file holds Adelie and Gentoo penguins, as a classifier of the two would learn from;
    the second all penguins of the next season, Chinstrap among them. The year is left out.

    Examples
    --------
    >>> from hullwise.samples.held_out import penguin_seasons
    >>> {name: n for name, (_, n) in penguin_seasons().items()}
    {'penguins_seen.csv': 180, 'penguins_new.csv': 120}
    """
    head, *rows = gzip.decompress(path("penguins").read_bytes()).decode().splitlines()
    names = head.split(",")
    year, species = names.index("year"), names.index("species")
    cells = [row.split(",") for row in rows]
    parts = {
        "penguins_seen.csv": [c for c in cells if c[year] < "2009" and c[species] != "Chinstrap"],
        "penguins_new.csv": [c for c in cells if c[year] == "2009"],
    }
    return {name: (_csv_without([names, *part], year), len(part)) for name, part in parts.items()}


def _csv_without(cells: list[list[str]], column: int) -> bytes:
    """The lines of a table less one column."""
    lines = [",".join(c for j, c in enumerate(row) if j != column) for row in cells]
    return ("\n".join(lines) + "\n").encode()
