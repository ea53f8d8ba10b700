"""Half-spaces that hold every training row: what is left of a domain where rows may not leave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from .._core.results import RecordResult, RowNames
from .._core.types import Floats, Indices, Mask
from ..errors import DataError
from ..geometry.bands import BANDS
from ..io.atomic_write import whole_file
from ..io.mixed_table import read_as
from ..table.columns import Column
from ._rule_features import RuleFeatures
from .half_space_location import HalfSpaceLocation

if TYPE_CHECKING:
    from .linear_rules import LinearRules

SHRINKAGE = 1 - 2.0**-40  # of bounds computed in float64: what rounding may add to them far out
LEAST_EXCESS = 1e-300  # of a row out of the box, however little
JUDGED_ROWS = 2048  # rows at a time


@dataclass(frozen=True, eq=False)
class EllipsoidRule:
    """An ellipsoid around the training rows that have all columns: |matrix f - centre| <= radius.

    Lengths of the matrix's images are at most those of the metric, so what |matrix f - centre|
    exceeds the radius by is a bound of the distance; the radius is the longest half axis.

    Attributes
    ----------
    matrix : (k, F) float64
    centre : (k,) float64
    radius : float
    """

    matrix: Floats
    centre: Floats
    radius: float


@dataclass(frozen=True, eq=False, repr=False)
class HalfSpaces(RecordResult):
    """Rules that every training row keeps: a box, levels, an ellipsoid and half-spaces.

    It holds no training row. A row that breaks a rule is *proved outside* the hull of the training
    rows, with a lower bound of its distance; of a row that breaks none nothing is known.
    `Domain.half_spaces` makes it, ``Domain.save(path, keep="half-spaces")`` and `save` write it,
    `hullwise.load` reads it, and `to_json`, `to_sql` and `to_onnx` give it to other languages.

    Attributes
    ----------
    features : RuleFeatures
        How cells become the F features that are weighed.
    minimum, maximum : (C,) float64
        The box of the columns that are numbers (in logarithms, ranks or days where a column is
        that), NaN elsewhere.
    ellipsoid : EllipsoidRule or None
    weights : (R, F) float64
        Each row is a half-space <w, f> <= offset, of length at most 1 in the metric; its numbers
        are float32 numbers. A column with no weight may be empty.
    offsets : (R,) float64
        The largest sums that training rows reach, rounded outward.
    gain : (R,) float64
        What each half-space adds to those before it: probes proved outside (docs/domain.md).
    n_probes : int
    band_columns : (P, C) bool
        Patterns of gaps whose bands are known: the columns that such rows have.
    band_limits : (P, 3) float64
        Distances beyond which a row of a pattern is edge, beyond and far.
    n_train : int
    metric_text : str
    gaps : tuple of str
        Texts that stand for a gap.
    csv_marks : (str, str) or None
        Separator and decimal mark of the text file of training rows.

    Notes
    -----
    Rules are numbered: the box or the levels of column j is rule j, the ellipsoid is rule C, and
    half-space k is rule C + 1 + k.

    Examples
    --------
    >>> import hullwise as hw
    >>> rows = [{"job": job, "age": age} for job in ("nurse", "clerk") for age in range(20, 60)]
    >>> rules = hw.Domain().fit(rows).half_spaces()
    >>> located = rules.locate([{"job": "nurse", "age": 41}, {"job": "clerk", "age": 95}])
    >>> located
    HalfSpaceLocation(2 rows: 1 proved outside, 1 not proved)
    >>> located.by[1]
    'age: no training row has more than 59, this row has 95'
    """

    features: RuleFeatures
    minimum: Floats
    maximum: Floats
    ellipsoid: EllipsoidRule | None
    weights: Floats
    offsets: Floats
    gain: Floats
    n_probes: int
    band_columns: Mask
    band_limits: Floats
    n_train: int
    metric_text: str
    gaps: tuple[str, ...] = ()
    csv_marks: tuple[str, str] | None = None

    def __repr__(self) -> str:
        return (
            f"HalfSpaces({len(self.columns)} columns, {len(self.weights)} half-spaces, "
            f"{'an' if self.ellipsoid else 'no'} ellipsoid; from {self.n_train:,} training rows)"
        )

    def __str__(self) -> str:
        width = max((len(column.name) for column in self.columns), default=0)
        lines = [f"  {c.name:<{width}}  {c.role:<9} {c.describe()}" for c in self.columns]
        return "\n".join([repr(self), *lines])

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns that are read."""
        return self.features.columns

    @cached_property
    def uses(self) -> Mask:
        """(R, C) the columns that each half-space weighs."""
        return self.features.uses(self.weights)

    @cached_property
    def box_root(self) -> Floats:
        """(C,) what takes a column that is a number to the metric's units; NaN elsewhere."""
        root = np.full(len(self.columns), np.nan)
        for j in np.flatnonzero(self.features.is_number):
            root[j] = self.features.root[self.features.coordinates.coordinates_of(int(j))][0]
        return root

    def locate(self, table: Any) -> HalfSpaceLocation:
        """Say which rows of a table are proved outside, how far at least, and by which rule.

        Columns are found by name, in any order; others are ignored.

        Raises
        ------
        DataError, FileError
            A column is missing, or a cell is not what its column is.

        Notes
        -----
        O(m R F) time.
        """
        mixed = read_as(table, self.gaps, self.csv_marks)
        encoded = self.features.coordinates.encode(mixed)
        values, unseen = encoded.values, encoded.unseen
        lower, rule = np.zeros(len(values)), np.full(len(values), -1, dtype=np.intp)
        for start in range(0, len(values), JUDGED_ROWS):
            at = slice(start, start + JUDGED_ROWS)
            lower[at], rule[at] = self.judge(values[at])
        outside = (rule >= 0) | unseen.any(axis=1)
        rule = np.where(unseen.any(axis=1), np.argmax(unseen, axis=1), rule)
        band = np.where(unseen.any(axis=1), BANDS[3], self._bands(values, unseen, lower))
        cells = self._cells(mixed)
        names = RowNames(mixed.labels, mixed.frame_library)
        return HalfSpaceLocation(
            self, outside, lower, rule, band.astype(object), unseen, values, cells, names
        )

    def locate_one(self, row: Mapping[str, Any]) -> HalfSpaceLocation:
        """The same of one row, a dictionary of cells."""
        if not isinstance(row, Mapping):
            raise DataError(
                f"expected one row as a dictionary of column names and cells, got a "
                f"{type(row).__name__}; locate takes tables."
            )
        names = (*self.features.coordinates.sources, *row)
        return self.locate([{name: row.get(name) for name in dict.fromkeys(names)}])

    def judge(self, values: Floats) -> tuple[Floats, Indices]:
        """(m,) lower bounds and the rules that prove them, -1 for none, of rows as coordinates.

        Levels never seen are not judged. Infinite numbers are out of the box.
        """
        F = self.features.features(values)
        usable = self.features.usable(F)
        F = np.where(usable[:, self.features.owner], F, 0.0)
        parts = [self._box_excess(values), np.zeros((len(values), 1))]
        if self.ellipsoid is not None:
            length = np.linalg.norm(F @ self.ellipsoid.matrix.T - self.ellipsoid.centre, axis=1)
            parts[1][:, 0] = np.where(usable.all(axis=1), length - self.ellipsoid.radius, 0.0)
        excess = F @ self.weights.T - self.offsets
        excess[(~usable).astype(np.float64) @ self.uses.T.astype(np.float64) > 0] = 0.0
        excesses = np.hstack([*parts, excess])
        rule = np.argmax(excesses, axis=1)
        best = excesses[np.arange(len(values)), rule]
        return np.maximum(best, 0.0) * SHRINKAGE, np.where(best > 0, rule, -1)

    def out_of_box(self, values: Floats) -> Mask:
        """(m, C) which numbers of rows given as coordinates are out of their column's range."""
        out = np.zeros((len(values), len(self.columns)), dtype=bool)
        for j in np.flatnonzero(self.features.is_number):
            x = self.features.numbers(values, int(j))
            out[:, j] = (x > self.maximum[j]) | (x < self.minimum[j])
        return out

    def _box_excess(self, values: Floats) -> Floats:
        """(m, C) how far each number is out of its column's range, in the metric's units."""
        out = self.out_of_box(values)
        excess = np.zeros(out.shape)
        for j in np.flatnonzero(self.features.is_number):
            x = self.features.numbers(values, int(j))
            root, low, high = self.box_root[j], self.minimum[j], self.maximum[j]
            with np.errstate(over="ignore", invalid="ignore"):
                amount = np.where(x > high, x * root - high * root, low * root - x * root)
            excess[:, j] = np.where(out[:, j], np.maximum(amount, LEAST_EXCESS), 0.0)
        return excess

    def _bands(self, values: Floats, unseen: Mask, lower: Floats) -> Any:
        """(m,) the band that each row is in at least: core where nothing is known."""
        filled = self.features.coordinates.filled(values)
        located_by = np.array([column.width > 0 for column in self.columns])
        filled &= ~unseen | ~located_by
        band = np.zeros(len(values), dtype=np.intp)
        for columns, limits in zip(self.band_columns, self.band_limits):
            alike = (filled == columns).all(axis=1)
            band[alike] = np.searchsorted(limits, lower[alike], side="left")
        return np.array(BANDS, dtype=object)[band]

    def _cells(self, table: Any) -> dict[str, Any]:
        """The labels of columns of levels, for texts."""
        from ..table.columns import LevelColumn

        return {
            column.name: table.column(column.source).labels(column.kind)
            for column in self.columns
            if isinstance(column, LevelColumn)
        }

    def to_json(self, path: str | PathLike[str] | None = None, *, force: bool = False) -> str:
        """The rules as JSON, for another language; docs/domain.md describes the format.

        Written to `path` where there is one.
        """
        import json

        from ._half_spaces_json import half_spaces_document

        text = json.dumps(half_spaces_document(self), ensure_ascii=False, allow_nan=False)
        return _written(text, path, force)

    def to_sql(
        self,
        path: str | PathLike[str] | None = None,
        *,
        dialect: str = "duckdb",
        table: str | Sequence[str] = "new",
        keep: Sequence[str] = (),
        force: bool = False,
    ) -> str:
        """The rules as one SELECT over a table, written to `path` where there is one.

        Its rows have the columns that are read and those of `keep` (an id), then `proved_outside`,
        `lower`, `band_at_least` and `rule`.

        Parameters
        ----------
        dialect : {"duckdb"}
        table : str or sequence of str
            The table's name, or schema and name.
        keep : sequence of str
            Columns of the table that are passed on.

        Notes
        -----
        Names and levels are quoted, whatever they hold. The cells are expected in their types:
        numbers as numbers, dates as dates or times in UTC. The logarithm of what has none is out
        of its column's range here, and an error in `locate`.
        """
        from ._half_spaces_sql import half_spaces_select

        return _written(half_spaces_select(self, dialect, table, keep), path, force)

    def to_onnx(
        self,
        path: str | PathLike[str],
        *,
        precision: Literal["double", "single"] = "double",
        force: bool = False,
    ) -> None:
        """Write the rules as an ONNX model (opset 15), for any runtime.

        One input (N, 1) for each column, called like it: numbers and booleans in the precision,
        NaN in gaps; text as strings without blanks around them, "" in gaps. Outputs (N, 1):
        `proved_outside`, `lower`, `band` (0 core, or nothing known, to 3 far) and `rule`. An output
        whose name a column has ends in "_".

        Parameters
        ----------
        precision : {"double", "single"}
            In "single" cells are float32, limits are moved out by their rounding, and no training
            row is proved outside either; a circle is used within four periods of 0.

        Raises
        ------
        MissingDependencyError
            The package onnx is not installed.
        DataError
            A column is of a date, or beyond float32 in "single".
        """
        from ._half_spaces_onnx import write_half_spaces_onnx

        write_half_spaces_onnx(self, path, precision, force=force)

    def linear(
        self,
        *,
        near: Mapping[str, Any] | None = None,
        n_half_spaces: int | None = None,
        fixed: Mapping[str, Any] | None = None,
    ) -> LinearRules:
        """The box and the half-spaces as linear constraints, for SciPy, BoTorch and other programs.

        Parameters
        ----------
        near : mapping of str to value, optional
            A row, such as an optimum: half-spaces come by their distance from it, the nearest one
            first, negative where it is outside.
        n_half_spaces : int, optional
            As many of them at most.
        fixed : mapping of str to value, optional
            Values of columns that do not change, such as a category.

        Raises
        ------
        DataError
            A column is neither a number nor fixed.

        Examples
        --------
        >>> import hullwise as hw
        >>> rows = [{"a": i % 10, "b": i % 10 + i % 3, "kind": "xy"[i % 2]} for i in range(60)]
        >>> rules = hw.Domain().fit(rows).half_spaces()
        >>> rules.linear(near={"a": 9, "b": 0}, n_half_spaces=2, fixed={"kind": "x"})
        LinearRules(2 variables, 2 half-spaces)
        """
        from .linear_rules import linear_rules

        return linear_rules(self, near, n_half_spaces, fixed or {})

    def save(self, path: str | PathLike[str], *, force: bool = False) -> None:
        """Write the rules to a file (`.hull`) that holds no training row; `hullwise.load` reads it.

        Raises
        ------
        FileError
            The file cannot be written, or exists and `force` is false.
        """
        from ._half_space_file import save_half_spaces

        save_half_spaces(self, path, force=force)


def _written(text: str, path: str | PathLike[str] | None, force: bool) -> str:
    if path is not None:
        with whole_file(path, force=force) as stream:
            stream.write(text.encode())
    return text
