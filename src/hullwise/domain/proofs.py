"""Proofs: what is claimed of each row of a table, with all that a checker needs to judge it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array

from .._core.foreign import own_errors
from .._core.results import RecordResult
from .._core.types import Array, Floats, Indices, Mask, Objects
from ..errors import DataError
from ..geometry.verdict import Status, Verdict
from ..io.mixed_table import MixedTable
from ._band_checker import CLAIMED_BANDS, BandClaims, bands_hold, off_flat_holds
from ._cells_of_outputs import cells_of
from ._checked_cells import TableCells
from ._checked_rows import CheckedColumns, CheckedRows
from ._checked_training import training_rows
from ._metric_checker import metric_agrees
from ._proof_checker import HullClaims, hull_claims_hold
from ._segment_checker import in_segment, own_segments, rows_of_segment, segment_holds

if TYPE_CHECKING:
    from ..geometry.bands import Reference
    from .domain_location import DomainLocation
    from .fitted_table import FittedTable
    from .pattern_location import PatternLocation

REFERENCE_WIDTH = 2e-6  # of a distance: two references this near are the same one measured twice
UNIT_AGREEMENT = 1e-9  # of a unit: so near are those of one domain on two machines


@dataclass(frozen=True, eq=False)
class PartProofs:
    """The claims of rows that are located by the same columns.

    Attributes
    ----------
    rows : (p,) int
        The rows of the table that these are.
    used : (C,) bool
        Columns that were used.
    hull : HullClaims
    bands : BandClaims
    segment : int
        The segment of the training rows that they were located among.
    """

    rows: Indices
    used: Mask
    hull: HullClaims
    bands: BandClaims
    segment: int = 0


@dataclass(frozen=True, eq=False, repr=False)
class Proofs(RecordResult):
    """What is claimed of each of m rows against the training rows of a domain, and why.

    Attributes
    ----------
    training : mapping
        "rows" and "sha256" of the training table.
    columns : tuple of mapping
        What each column of the domain is.
    cells : TableCells
        The cells of the m rows.
    rounded : (m, D) float64
        Their coordinates that are logarithms, on circles or outputs, NaN elsewhere.
    unseen : (m, C) bool
        Cells that hold a level of no training row.
    verdict, band : (m,) int
        The answers; a band is a place in `CLAIMED_BANDS`.
    parts : tuple of PartProofs
    unusable : (m,) bool
        Rows with cells that cannot be read, of which nothing is claimed.
    labels : (m,) object or None
        Names of the rows.

    Examples
    --------
    >>> import tempfile, hullwise as hw
    >>> rows = [{"job": job, "age": age} for job in ("nurse", "clerk") for age in range(20, 60)]
    >>> domain = hw.Domain().fit(rows)
    >>> new = [{"job": "clerk", "age": 30}, {"job": "clerk", "age": 95}]
    >>> path = tempfile.mkdtemp() + "/where.npz"
    >>> domain.locate(new).save_proofs(path)
    >>> hw.load_proofs(path)
    Proofs(2 rows against 80 training rows)
    >>> domain.verify(path, rows, new=new, exact=True)
    array([ True,  True])
    """

    training: Mapping[str, Any]
    columns: tuple[Mapping[str, Any], ...]
    cells: TableCells
    rounded: Floats
    unseen: Mask
    verdict: Array
    band: Array
    parts: tuple[PartProofs, ...]
    unusable: Mask
    labels: Objects | None = None

    def __len__(self) -> int:
        return len(self.unseen)

    def __repr__(self) -> str:
        rows = "row" if len(self) == 1 else "rows"
        return f"Proofs({len(self):,} {rows} against {self.training['rows']:,} training rows)"

    @property
    def transformed(self) -> bool:
        """Whether the cells are outputs of a transformer."""
        return any(c["role"] in ("output", "levels") or "outputs" in c for c in self.columns)

    @classmethod
    def of(cls, location: DomainLocation) -> Proofs:
        """The claims of a location."""
        new = location.new_rows
        assert new is not None
        fitted = new.fitted
        columns = tuple(column.to_json() for column in fitted.coordinates.columns)
        cells = cells_of(fitted.coordinates, new.table).take(new.rows)
        layout = CheckedColumns(columns)
        rounded = np.full((len(location), len(layout.owner)), np.nan)
        for part in location.parts:
            at = part.pattern.coordinates
            rounded[np.ix_(part.rows, at)] = part.location.queries
        rounded[:, ~layout.is_rounded] = np.nan
        return cls(
            {"rows": len(fitted), "sha256": fitted.digest},
            columns,
            cells,
            rounded,
            location.unseen,
            np.asarray(location.verdict, dtype=np.int8),
            _band_numbers(location.band),
            tuple(_part_proofs(part, len(fitted)) for part in location.parts),
            np.isin(np.arange(len(location)), list(location.unusable)),
            location.row_names.labels,
        )


def _band_numbers(bands: Any) -> Array:
    return np.array([CLAIMED_BANDS.index(str(band)) for band in bands], dtype=np.int8)


def _part_proofs(part: PatternLocation, n: int) -> PartProofs:
    location, pattern = part.location, part.pattern
    weights = location.weights
    of_all = csr_array(
        (weights.data, pattern.rows[weights.indices], weights.indptr), shape=(len(part.rows), n)
    )
    metric, reference = location.metric, location.training.reference
    hull = HullClaims(
        tuple(np.flatnonzero(pattern.columns).tolist()),
        metric.root,
        metric.factor,
        location.lower,
        location.upper,
        location.verdict,
        np.array([status is Status.INSIDE for status in location.status], dtype=bool),
        location.tolerance,
        location.direction.astype(np.float64),
        of_all,
    )
    off = np.where(np.isnan(location.mahalanobis), -1, np.isinf(location.mahalanobis))
    bands = BandClaims(
        _band_numbers(location.band),
        location.hull_percentile,
        off.astype(np.int8),
        np.array([status is Status.BOUNDARY for status in location.status], dtype=bool),
        reference.hull,
        reference.off,
        reference.negligible,
        reference.groups,
    )
    return PartProofs(part.rows, pattern.columns, hull, bands, pattern.segment)


def verify_proofs(
    fitted: FittedTable,
    proofs: Proofs,
    table: MixedTable | None = None,
    *,
    new: MixedTable | None = None,
    exact: bool = False,
) -> Mask:
    """(m,) whether all claims of each row hold; see `Domain.verify`."""
    with own_errors("verifying proofs"):
        _check_identity(fitted, proofs)
        training = training_rows(fitted, table)
        queries, wrong = training.layout.rows(proofs.cells, proofs.rounded)
        queries = _by_segments(fitted, proofs, training, queries)
        holds = _names_and_answers_hold(fitted, proofs, training, queries)
        if new is not None:
            holds &= _same_cells(new, fitted, proofs)
        for part in proofs.parts:
            holds[part.rows] &= ~wrong[part.rows].any(axis=1)
            holds[part.rows] &= _part_holds(fitted, part, training, queries.take(part.rows), exact)
        return holds


def _check_identity(fitted: FittedTable, proofs: Proofs) -> None:
    columns = tuple(column.to_json() for column in fitted.coordinates.columns)
    if proofs.training.get("sha256") != fitted.digest or proofs.columns != columns:
        raise DataError(
            "the proofs are of a domain that was fitted on another table, or on other columns: "
            f"{proofs.training['rows']} rows (sha256 {str(proofs.training['sha256'])[:12]}...), "
            f"not {len(fitted)} ({fitted.digest[:12]}...)."
        )


def _same_cells(new: MixedTable, fitted: FittedTable, proofs: Proofs) -> Mask:
    """Whether the proofs are about these rows."""
    mixed = new.tolerant()
    cells = cells_of(fitted.coordinates, mixed)
    if len(cells) != len(proofs):
        raise DataError(
            f"{mixed.source} has {len(cells):,} rows, and there are proofs of {len(proofs):,}."
        )
    outputs = np.array([column["role"] == "output" for column in proofs.columns], dtype=bool)
    unusable = np.isin(np.arange(len(cells)), list(mixed.faults or {}))
    return np.asarray(proofs.cells.same_rows(cells, outputs) & (unusable == proofs.unusable))


def _segments(fitted: FittedTable) -> Mapping[str, Any] | None:
    return None if fitted.segments is None else fitted.segments.to_json()


def _by_segments(
    fitted: FittedTable, proofs: Proofs, training: CheckedRows, queries: CheckedRows
) -> CheckedRows:
    """The rows, in which a level that their segment lacks is one never seen."""
    segments = _segments(fitted)
    if segments is None:
        return queries
    codes = queries.codes.copy()
    for part in proofs.parts:
        own = training.take(rows_of_segment(segments, part.segment, training))
        codes[part.rows] = in_segment(queries.take(part.rows), own).codes
    return replace(queries, codes=codes)


def _names_and_answers_hold(
    fitted: FittedTable, proofs: Proofs, training: CheckedRows, queries: CheckedRows
) -> Mask:
    """Levels never seen, the columns each row is located by, and what answers follow."""
    holds = (queries.never_seen == proofs.unseen).all(axis=1)
    by_name = proofs.unseen.any(axis=1)
    verdict = np.zeros(len(proofs), dtype=np.int8)
    band = np.full(len(proofs), CLAIMED_BANDS.index("unknown"), dtype=np.int8)
    located = np.zeros(len(proofs), dtype=bool)
    for part in proofs.parts:
        located[part.rows] = True
        verdict[part.rows], band[part.rows] = part.hull.verdict, part.bands.band
        holds[part.rows] &= (queries.present[part.rows] == part.used).all(axis=1)
        holds[part.rows] &= segment_holds(_segments(fitted), part.segment, queries.take(part.rows))
    holds &= ~(located & proofs.unusable)
    segments = _segments(fitted)
    own = own_segments(segments, queries)
    for b in np.flatnonzero(~located & ~proofs.unusable):
        columns = np.flatnonzero(queries.present[b])
        among = rows_of_segment(segments, int(own[b]), training)
        n_rows = int(training.present[np.ix_(among, columns)].all(axis=1).sum())
        seen = training.layout.widths[columns].any() and _metric_sees(fitted, queries.present[b])
        holds[b] &= n_rows < 2 or not seen
    verdict[by_name], band[by_name] = Verdict.OUTSIDE, CLAIMED_BANDS.index("far")
    return np.asarray(holds & (verdict == proofs.verdict) & (band == proofs.band))


def _metric_sees(fitted: FittedTable, used: Mask) -> bool:
    """Whether fillings of the other columns leave any distance in these."""
    whole = None if fitted.directions is None else fitted.directions.metric
    places = np.flatnonzero(used[fitted.coordinates.owner])
    if whole is None or whole.factor is None:
        return whole is None or bool(whole.root[places].any())
    return not metric_agrees(np.zeros((len(places), len(places))), whole.factor, places)


def _part_holds(
    fitted: FittedTable, part: PartProofs, training: CheckedRows, queries: CheckedRows, exact: bool
) -> Mask:
    is_infinite = np.isinf(queries.numbers).any(axis=1)
    holds = np.asarray((queries.present == part.used).all(axis=1) & ~is_infinite)
    if not holds.any() or not 0 <= part.segment < len(fitted.subsets):
        return np.zeros(len(part.rows), dtype=bool)  # before a reference is measured for nothing
    pattern = fitted.pattern(part.used, segment=part.segment)
    if pattern is None or not (
        _same_reference(pattern.reference, part) and _same_metric(fitted, part)
    ):
        return np.zeros(len(part.rows), dtype=bool)
    located = np.flatnonzero(holds)
    hull, bands, queries = part.hull.take(located), part.bands.take(located), queries.take(located)
    among = rows_of_segment(_segments(fitted), part.segment, training)
    rows = among[training.present[np.ix_(among, np.flatnonzero(part.used))].all(axis=1)]
    holds[located] = (
        hull_claims_hold(hull, training, rows, queries, exact)
        & bands_hold(bands, hull.lower, hull.upper, hull.verdict)
        & off_flat_holds(bands.off, hull.columns, training.take(rows), queries)
    )
    return holds


def _same_metric(fitted: FittedTable, part: PartProofs) -> bool:
    """Whether the metric is that of the domain, among the coordinates that are there."""
    places, claimed = np.flatnonzero(part.used[fitted.coordinates.owner]), part.hull
    whole = None if fitted.directions is None else fitted.directions.metric
    if whole is not None and whole.factor is not None:
        factor = np.diag(claimed.root) if claimed.factor is None else claimed.factor
        return metric_agrees(factor.T @ factor, whole.factor, places)
    root = fitted.subsets[part.segment].units.root if whole is None else whole.root
    return claimed.factor is None and np.allclose(
        claimed.root, root[places], rtol=UNIT_AGREEMENT, atol=0
    )


def _same_reference(reference: Reference, part: PartProofs) -> bool:
    """Whether the distances of rows left out are those of the domain."""
    return bool(
        len(reference) == len(part.bands.reference)
        and np.array_equal(reference.off, part.bands.reference_off)
        and np.allclose(reference.hull, part.bands.reference, rtol=REFERENCE_WIDTH, atol=1e-12)
        and np.isclose(reference.negligible, part.bands.negligible, rtol=REFERENCE_WIDTH)
        and _same_groups(reference.groups, part.bands.groups)
    )


def _same_groups(own: Indices | None, other: Array | None) -> bool:
    if own is None or other is None:
        return own is other
    return np.array_equal(own, other)


def load_proofs(path: str | PathLike[str]) -> Proofs:
    """Read proofs that `DomainLocation.save_proofs` wrote.

    Parameters
    ----------
    path : str or path
        A file (`.npz`).

    Raises
    ------
    FileError
        It cannot be read, is damaged, or is of a newer version.

    Examples
    --------
    >>> import tempfile, hullwise as hw
    >>> path = tempfile.mkdtemp() + "/where.npz"
    >>> rows = [{"age": age} for age in range(0, 100, 2)]
    >>> hw.Domain().fit(rows).locate([{"age": 120}]).save_proofs(path)
    >>> proofs = hw.load_proofs(path)
    >>> proofs, proofs.parts[0].hull.lower.round(3)
    (Proofs(1 row against 50 training rows), array([0.762]))
    """
    from ._proof_file import read_proofs

    return read_proofs(path)
