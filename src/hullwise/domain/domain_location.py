"""Where the rows of a table stand in a domain, in the table's own words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from .._core.results import UNNAMED_ROWS, Column, RowNames, RowResult, row_numbers
from .._core.types import Array, Floats, Indices, Mask, Objects
from ..errors import DataError
from ..geometry.bands import BANDS
from ..geometry.row_selection import RowSelection
from ..geometry.verdict import Verdict
from ..io.mixed_table import read_as
from ..table.coordinates import Coordinates
from ._chances import chance_by_distance, chance_by_name
from ._p_values import p_values_of_rows, select_in_domain
from ._reasons import column_changes, ranked_changes
from ._row_sentences import row_sentences
from .column_comparisons import ColumnComparison, compare_columns
from .domain_summary import DomainSummary, summarize_domain
from .group_comparison import GroupComparison, chance_of_groups, compare_groups
from .new_combinations import NewCombinations, new_combinations
from .new_rows import NewRows
from .pattern_location import PatternLocation
from .proofs import Proofs, verify_proofs
from .row_blocks import GroupedRows
from .row_segments import SegmentedRows

if TYPE_CHECKING:
    from .change import SmallestChange


@dataclass(frozen=True, eq=False, repr=False)
class DomainLocation(RowResult):
    """Where each of m rows of a table stands against the training rows of a domain.

    Attributes
    ----------
    parts : tuple of PatternLocation
        The rows by the gaps they have; a row that could not be located is in none.
    unseen : (m, C) bool
        Columns that hold a level never seen, or differ from a constant.
    filled : (m, C) bool
        Columns that were used.
    cells : (m, C) object
        The labels of unseen levels, None elsewhere.
    unseen_rate : float
        Share of honest rows with some level never seen (Good 1953).
    n_train : int
        Training rows.
    metric_text : str
        The metric in words.
    grouped : GroupedRows or None
        Which rows belong together, where the domain leaves whole groups out.
    segmented : SegmentedRows or None
        The segment that each row was located in, where the domain has segments.
    unusable : mapping of int to str
        Rows that hold a cell which cannot be read, and why.

    Examples
    --------
    >>> import hullwise as hw
    >>> rows = [{"job": job, "age": age} for job in ("nurse", "clerk") for age in range(20, 60)]
    >>> new = [{"job": "clerk", "age": None}, {"job": "clerk", "age": 95}]
    >>> loc = hw.Domain().fit(rows).locate(new)
    >>> loc
    DomainLocation(2 rows: 1 core, 1 far)
    >>> loc.located_without(0), loc.pushed_out_by()[1]
    (['age'], [('age', 36.0)])
    """

    parts: tuple[PatternLocation, ...]
    unseen: Mask
    filled: Mask
    cells: Objects
    coordinates: Coordinates
    training_labels: Objects | None
    unseen_rate: float
    notes: tuple[str, ...] = ()
    row_names: RowNames = UNNAMED_ROWS
    n_train: int = 0
    metric_text: str = ""
    new_rows: NewRows | None = None
    grouped: GroupedRows | None = None
    segmented: SegmentedRows | None = None
    unusable: Mapping[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.unseen)

    def plot(self, ax: Any = None) -> Any:
        """Draw the percentiles of all rows, and the columns that push rows out."""
        from ..report.location_pictures import draw_domain_location

        return draw_domain_location(self, ax)

    def __repr__(self) -> str:
        counts = {band: int((self.band == band).sum()) for band in (*BANDS, "unknown")}
        bands = ", ".join(f"{count} {band}" for band, count in counts.items() if count)
        rows = "row" if len(self) == 1 else "rows"
        return f"DomainLocation({len(self)} {rows}: {bands or 'no rows'})"

    def _scattered(self, read: Any, fill: Any, dtype: Any) -> Any:
        values = np.full(len(self), fill, dtype=dtype)
        for part in self.parts:
            values[part.rows] = read(part.location)
        return values

    @property
    def verdict(self) -> Array:
        """(m,) -1 outside, 0 undecided, 1 inside; a level never seen is outside."""
        verdict = self._scattered(lambda loc: loc.verdict, 0, np.int8)
        return np.where(self.unseen.any(axis=1), np.int8(Verdict.OUTSIDE), verdict)

    @property
    def lower(self) -> Floats:
        """(m,) certified lower bound of the distance, in the columns that were used."""
        return np.asarray(self._scattered(lambda loc: loc.lower, 0.0, np.float64))

    @property
    def upper(self) -> Floats:
        """(m,) certified upper bound of the distance, in the columns that were used."""
        return np.asarray(self._scattered(lambda loc: loc.upper, np.inf, np.float64))

    @property
    def hull_percentile(self) -> Floats:
        """(m,) percentile of the distance among those of rows left out."""
        return np.asarray(self._scattered(lambda loc: loc.hull_percentile, np.nan, np.float64))

    @property
    def distance_band(self) -> Objects:
        """(m,) the band by distance alone, in the columns that were used."""
        return np.asarray(self._scattered(lambda loc: loc.band, "unknown", object))

    @property
    def band(self) -> Objects:
        """(m,) core, edge, beyond, far or unknown; a level never seen is far, by name."""
        return np.where(self.unseen.any(axis=1), "far", self.distance_band)

    @property
    def nearest_rows(self) -> list[list[Any]]:
        """For each row the nearest training rows: their ids, or numbers from 0."""
        out: list[list[Any]] = [[] for _ in range(len(self))]
        for part in self.parts:
            for row, near in zip(part.rows, part.location.nearest_rows):
                numbers = part.pattern.rows[near]
                labels = self.training_labels
                out[row] = numbers.tolist() if labels is None else labels[numbers].tolist()
        return out

    def located_without(self, row: int) -> list[str]:
        """The columns that are empty in a row, or hold a level never seen."""
        if row in self.unusable:
            return []
        columns = self.coordinates.columns
        return [c.name for c, used in zip(columns, self.filled[row]) if not used]

    def pushed_out_by(self, k: int = 5) -> list[list[tuple[str, float]]]:
        """For each row the columns that push it out, most responsible first, (name, amount).

        The amount is what would have to change: in the column's own units (positive means too high)
        for numbers and circles, and for a category the share of rows of other levels that the
        nearest mixture of training rows holds. Columns are ranked by their part of the squared
        distance.
        """
        out: list[list[tuple[str, float]]] = [[] for _ in range(len(self))]
        names = [column.name for column in self.coordinates.columns]
        for part in self.parts:
            shares, amounts = column_changes(self.coordinates, part)
            for row, changes in zip(part.rows, ranked_changes(shares, amounts, names, k)):
                out[row] = changes
        return out

    def smallest_change(self, row: int, *, fixed: Sequence[str] = ()) -> SmallestChange:
        """What brings a row back to the edge band, or the proof that nothing does.

        Numbers change little by little, levels as wholes; columns that the row lacks stay empty.

        Parameters
        ----------
        row : int
            Its number among the rows of this location, from 0.
        fixed : sequence of str
            Columns that stay as they are.

        Returns
        -------
        SmallestChange
            The least change of all numbers together, of each alone, of the fewest, and the levels
            that would be enough, each with proved bounds; `text` says it in words.

        Raises
        ------
        DataError
            `fixed` names a column that does not exist, or the metric has directions of its own.
        IndexError
            There is no such row.

        Notes
        -----
        About 10 searches of nearest points, O(n D) each, for every set of columns that is tried:
        every column, every pair where no column alone is enough, every level.

        Examples
        --------
        >>> import hullwise as hw
        >>> rows = [{"job": job, "age": age} for job in ("nurse", "clerk") for age in range(20, 60)]
        >>> loc = hw.Domain().fit(rows).locate([{"job": "clerk", "age": 95}])
        >>> change = loc.smallest_change(0)
        >>> print(change)
        far. age alone, by -35 (95 to 60): 3.032 sd, the least (proved); no other number alone ...
        >>> change.best.values, change.best.band
        ({'age': 60}, 'edge')
        >>> print(loc.smallest_change(0, fixed=["age"]))
        far: no change of the other columns is enough (proved): what stays ('age') is too far out.
        """
        from .change_of_row import smallest_change_of_row

        return smallest_change_of_row(self, row, fixed)

    def at_least(self, condition: str) -> Mask:
        """(m,) whether a row is in this band or a worse one; an open row counts as the worst.

        Parameters
        ----------
        condition : {"core", "edge", "beyond", "far", "outside"}
            A band; or "outside" for rows outside the hull, and those of which it is not known
            although they do not lie on its boundary.

        Examples
        --------
        >>> import hullwise as hw
        >>> rows = [{"job": job, "age": age} for job in ("nurse", "clerk") for age in range(60)]
        >>> loc = hw.Domain().fit(rows).locate([{"job": "nurse", "age": 7}, {"job": "smith"}])
        >>> loc.at_least("far")
        array([False,  True])
        """
        if condition == "outside":
            mask = np.ones(len(self), dtype=bool)
            for part in self.parts:
                mask[part.rows] = part.location.at_least(condition)
            return np.asarray(mask | self.unseen.any(axis=1))
        if condition not in BANDS:
            raise DataError(f"condition={condition!r}: expected one of {', '.join(BANDS)}, outside")
        return np.isin(self.band, [*BANDS[BANDS.index(condition) :], "unknown"])

    @property
    def status(self) -> list[str]:
        """(m,) a sentence for each row: how its answer came about."""
        return row_sentences(self)

    def chance(self) -> float:
        """Probability that rows drawn like the training rows are out as often as these.

        By distance: beyond or far, each pattern of gaps against its own rows left out. By name:
        rows with a level never seen, against a negative binomial count, as the rate at which levels
        go on being new (Good 1953) is itself an estimate. The smaller of the two, doubled
        (Bonferroni).

        Where whole groups were left out, groups are counted and never rows: see `groups`. NaN where
        it is not known which rows belong together, or rows follow one another in time.
        """
        chances = [
            chance
            for chance in (self.chance_by_distance(), self.chance_by_name())
            if chance == chance
        ]
        return min(1.0, 2 * min(chances)) if len(chances) > 1 else (chances or [float("nan")])[0]

    @property
    def is_replay(self) -> bool:
        """Whether the rows left out were compared with earlier ones, in blocks of time."""
        blocks = None if self.new_rows is None else self.new_rows.fitted.blocks
        return blocks is not None and blocks.forward

    def chance_by_distance(self) -> float:
        """That so many rows, or groups, are out by distance; NaN without a reference."""
        if self.is_replay:
            return float("nan")
        if self.grouped is not None:
            groups = compare_groups(self, by_rows=False)
            return float("nan") if groups is None else chance_of_groups(groups)
        return chance_by_distance(self.parts)

    def chance_by_name(self) -> float:
        """That so many rows, or groups, hold a level never seen."""
        by_name, m = self.unseen.any(axis=1), len(self)
        if self.is_replay:
            return float("nan")
        if self.grouped is None:
            if any(part.pattern.reference.groups is not None for part in self.parts):
                return float("nan")  # which rows belong together is not known
            return chance_by_name(int(by_name.sum()), m, self.unseen_rate, self._n_compared())
        codes = self.grouped.codes
        n_unseen, m = len(np.unique(codes[by_name])), len(np.unique(codes))
        return chance_by_name(n_unseen, m, self.unseen_rate, self._n_compared())

    def _n_compared(self) -> int:
        """Training rows, or groups, of the segments that these rows are in."""
        if self.new_rows is None:
            return self.n_train
        subsets = self.new_rows.fitted.subsets
        if self.segmented is not None:
            subsets = tuple(subsets[s] for s in np.unique(self.segmented.segment).tolist())
        return sum(
            len(subset) if subset.blocks is None else len(np.unique(subset.blocks.codes))
            for subset in subsets
        )

    @property
    def p_values(self) -> Floats:
        """(m,) probability that a row like the training rows is as far out (conformal p-values).

        As the bands rank: a level never seen lies beyond all distances. NaN for rows that could not
        be located, without a reference, and in blocks of time. Where whole groups were left out: of
        a random row of a new group.

        Examples
        --------
        >>> import hullwise as hw
        >>> rows = [{"job": job, "age": age} for job in ("nurse", "clerk") for age in range(60)]
        >>> loc = hw.Domain().fit(rows).locate([{"job": "nurse", "age": 50}, {"job": "smith"}])
        >>> loc.p_values.round(3)
        array([1.   , 0.008])
        """
        return p_values_of_rows(self)

    def select(self, fdr: float = 0.1) -> RowSelection:
        """The rows that are not like the training rows, at a false discovery rate.

        Parameters
        ----------
        fdr : float, default=0.1
            Of rows selected, the share that may be like the training rows, on average. Where whole
            groups were left out, new groups are selected, each with all of its rows.

        Returns
        -------
        RowSelection
            `mask`, `rows`, the adjusted p-values, and as `text` what was selected, or what size of
            reference it would take.

        Raises
        ------
        DataError
            Rows are in blocks of time, or it is not known which of them belong together.

        Examples
        --------
        >>> import hullwise as hw
        >>> rows = [{"job": job, "age": age} for job in ("nurse", "clerk") for age in range(60)]
        >>> hw.Domain().fit(rows).locate([{"job": "nurse", "age": 99}, {"job": "clerk"}]).select()
        RowSelection(1 of 2 rows at a false discovery rate of 0.1)
        """
        return select_in_domain(self, fdr)

    def groups(self) -> GroupComparison | None:
        """How far out each new group is, among training groups left out whole; None without groups.

        A `GroupComparison`: a table of groups with their rows, median distance, p and share out,
        and its sentence as `text`. Costs leaving out 200 rows one by one, for the comparison.
        """
        return compare_groups(self)

    def compare_columns(self, row: int) -> tuple[ColumnComparison, ...]:
        """One row column by column: its own cell, the nearest mixture's, and the training rows'.

        Parameters
        ----------
        row : int
            Its number, from 0.

        Examples
        --------
        >>> import hullwise as hw
        >>> rows = [{"job": job, "age": age} for job in ("nurse", "clerk") for age in range(60)]
        >>> loc = hw.Domain().fit(rows).locate([{"job": "nurse", "age": 80}])
        >>> for column in loc.compare_columns(0):
        ...     print(column.name, column.value, column.nearest, "|", column.training)
        job nurse  | 60 of 120 rows
        age 80 59 | 0 to 59
        """
        return compare_columns(self, int(row_numbers(row, len(self))[0]))

    def summary(self) -> DomainSummary:
        """Counts of bands, levels never seen, gaps and leading columns; the farthest rows.

        Examples
        --------
        >>> import hullwise as hw
        >>> rows = [{"job": job, "age": age} for job in ("nurse", "clerk") for age in range(60)]
        >>> loc = hw.Domain().fit(rows).locate([{"job": "nurse", "age": 80}])
        >>> loc.summary().columns
        (ColumnCount(name='age', role='number', too_high=1, too_low=0, of_another_level=0),)
        """
        return summarize_domain(self)

    def _repr_html_(self) -> str:
        from ..report.domain_view import domain_location_view

        return domain_location_view(self)

    def list_columns(self) -> dict[str, Column]:
        """The columns of the table, with lists of (column, amount), of columns and of rows."""
        lacking = [self.located_without(i) for i in range(len(self))]
        return self._columns_with(self.pushed_out_by(), lacking, self.nearest_rows)

    def new_combinations(self) -> NewCombinations | None:
        """The rows that combine levels of categories as no training row does, pairs first.

        A `NewCombinations`: a table of pairs, and a sentence as `text`. None of them makes a row
        far: it is ranked by distance, like any other. None for fewer than two categories, and where
        there are too many levels (4,000, or training rows times their square above 2e10).
        """
        return new_combinations(self)

    def _take(self, rows: Indices) -> DomainLocation:
        parts = []
        for part in self.parts:
            places = {int(row): place for place, row in enumerate(part.rows)}
            picked = [(i, places[int(row)]) for i, row in enumerate(rows) if int(row) in places]
            if picked:
                new, old = (np.array(side, dtype=np.intp) for side in zip(*picked))
                parts.append(PatternLocation(new, part.pattern, part.location[old]))
        return replace(
            self,
            parts=tuple(parts),
            unseen=self.unseen[rows],
            filled=self.filled[rows],
            cells=self.cells[rows],
            row_names=self.row_names.take(rows),
            new_rows=None if self.new_rows is None else self.new_rows.take(rows),
            grouped=None if self.grouped is None else self.grouped.take(rows),
            segmented=None if self.segmented is None else self.segmented.take(rows),
            unusable={
                i: self.unusable[row] for i, row in enumerate(rows.tolist()) if row in self.unusable
            },
        )

    def verify(self, table: Any = None, *, exact: bool = False) -> Mask:
        """Check every claim of every row anew, from the training table itself.

        A level never seen, by a set of the levels of the training rows; the columns that a row is
        located by; the mixture, the direction, the bracket and the verdict, in those columns (and
        so for every way to fill the others); the band, by the distances of rows left out.

        Parameters
        ----------
        table : path, data frame, pyarrow.Table, array or list of dictionaries, optional
            The training table. Its cells are read again and become coordinates by other code.
            Without it the rows that the domain keeps are trusted to be those of the table.
        exact : bool
            Judge everything in whole numbers; otherwise only what float64 with its rounding bound
            leaves open.

        Returns
        -------
        (m,) bool

        Raises
        ------
        DataError, FileError
            The table cannot be read, or is not the one that the domain was fitted on.

        Notes
        -----
        Numbers, levels and dates are exact. Logarithms and circles are rounded: a stored coordinate
        is accepted within 2^-50 of its value (for a circle, 2^-47 of the radius and turn), and is
        exact from then on. O(m n D); shares no code with what it checks.

        Examples
        --------
        >>> import hullwise as hw
        >>> rows = [{"job": job, "age": age} for job in ("nurse", "clerk") for age in range(60)]
        >>> loc = hw.Domain().fit(rows).locate([{"job": "nurse", "age": 80}, {"job": "smith"}])
        >>> loc.verify(rows, exact=True)
        array([ True,  True])
        """
        assert self.new_rows is not None
        fitted, gaps = self.new_rows.fitted, self.new_rows.table.gaps
        training = None if table is None else read_as(table, gaps, fitted.csv_marks)
        return verify_proofs(fitted, Proofs.of(self), training, exact=exact)

    def save_proofs(self, path: str | PathLike[str], *, force: bool = False) -> None:
        """Write what is claimed of each row, and why, to a file that `Domain.verify` checks.

        Arrays and JSON in a zip: `numpy.load` opens it as well. It holds the cells of the rows in
        the columns that the domain uses, and no training row.

        Raises
        ------
        FileError
            The file cannot be written, or exists and `force` is false.

        Examples
        --------
        >>> import tempfile, hullwise as hw
        >>> rows = [{"job": job, "age": age} for job in ("nurse", "clerk") for age in range(60)]
        >>> domain = hw.Domain().fit(rows)
        >>> path = tempfile.mkdtemp() + "/where.npz"
        >>> domain.locate([{"job": "nurse", "age": 80}]).save_proofs(path)
        >>> domain.verify(path, rows)
        array([ True])
        """
        from ._proof_file import write_proofs

        write_proofs(Proofs.of(self), path, force=force)

    def _columns(self) -> dict[str, Column]:
        return self._columns_with(
            ["; ".join(f"{n} {amount:+.4g}" for n, amount in row) for row in self.pushed_out_by()],
            [", ".join(self.located_without(i)) for i in range(len(self))],
            ["; ".join(map(str, near)) for near in self.nearest_rows],
        )

    def _columns_with(self, pushes: Column, lacking: Column, nearest: Column) -> dict[str, Column]:
        names = {-1: "outside", 0: "undecided", 1: "inside"}
        return {
            "verdict": [names[int(v)] for v in self.verdict],
            "band": self.band,
            "hull_percentile": self.hull_percentile,
            "lower": self.lower,
            "upper": self.upper,
            "pushed_out_by": pushes,
            "located_without": lacking,
            "nearest_rows": nearest,
            **({} if self.segmented is None else {"segment": self.segmented.names}),
            "status": self.status,
        }
