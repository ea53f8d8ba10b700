"""Metrics with directions over the coordinates of a table, and what is left of them in gaps.

In a metric |v|^2 = v' M v a row with gaps is as near to a point as its best filling. With o the
coordinates that it has and m those that it lacks, the least over fillings f is

    min_f |(v_o, f)|^2 = v_o' S v_o,    S = M_oo - M_om M_mm^+ M_mo,

the Schur complement (a generalised one where M_mm is singular: M is positive semidefinite, so the
columns of M_mo lie in the range of M_mm, and any filling outside of it changes nothing). The block
M_oo would give a larger number, which bounds nothing: a filling may come nearer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._core.types import Array, Floats, Indices
from ..errors import DataError, Hint
from ..geometry.left_out import MetricOfRows
from ..geometry.metric import Metric, metric_array, parse_metric
from ..geometry.units import UnitKind
from ..io.mixed_column import ColumnKind
from ..io.mixed_table import MixedTable
from ..metrics import learn_metric
from ..table.columns import CategoryColumn
from ..table.coordinates import Coordinates

TARGET_METRICS = ("agop", "curvature", "rfm")
MISSING_RANGE = 1e-15  # of the largest: directions of lacking columns that a filling may move in
SCHUR_RANK = 1e-12  # of the whole metric: directions that a filling leaves no more than this of


@dataclass(frozen=True, eq=False)
class CoordinateMetric:
    """A metric of all D coordinates, fixed or learnt.

    Attributes
    ----------
    metric : Metric
    notes : tuple of str
        What the metric is worth, where it was learnt.
    """

    metric: Metric
    notes: tuple[str, ...] = ()

    def among(self, places: Indices) -> Metric | None:
        """The metric of rows that have these coordinates only: the least over all fillings.

        None where fillings can make up for any difference. O(r^2 D) for a metric of r directions.
        """
        metric = self.metric
        d = len(metric.root) if metric.factor is None else metric.factor.shape[1]
        if len(places) == d:
            return metric
        text = f"{metric.text}; the least over all ways to fill the gaps"
        if metric.factor is None:
            root = metric.root[places]
            return Metric(root, None, None, text) if root.any() else None
        return _schur_complement(metric.factor, places, text)

    def to_arrays(self) -> dict[str, Floats]:
        """What a file keeps of it, beside its words."""
        if self.metric.factor is None or self.metric.inverse is None:
            return {"metric.root": self.metric.root}
        return {"metric.factor": self.metric.factor, "metric.inverse": self.metric.inverse}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any], text: str, d: int) -> CoordinateMetric:
        """The metric that `to_arrays` gave, of d coordinates.

        Raises
        ------
        ValueError
            The arrays are no such metric.
        """
        root, factor, inverse = np.ones(d), None, None
        if "metric.root" in arrays:
            root = np.asarray(arrays["metric.root"], np.float64)
        else:
            factor = np.asarray(arrays["metric.factor"], np.float64)
            inverse = np.asarray(arrays["metric.inverse"], np.float64)
            if factor.ndim != 2 or factor.shape[1] != d or inverse.shape != factor.shape[::-1]:
                raise ValueError(f"a metric of {factor.shape} for {d} coordinates")
        parts = [part for part in (root, factor, inverse) if part is not None]
        if root.shape != (d,) or not all(np.isfinite(part).all() for part in parts):
            raise ValueError(f"a metric of {root.shape} for {d} coordinates")
        return cls(Metric(root, factor, inverse, text))


def _schur_complement(factor: Floats, places: Indices, text: str) -> Metric | None:
    """S = R'R with R = (I - Q Q') L_o, where M = L'L and Q spans the columns of L_m.

    Projecting the factor loses no digits, as a difference of matrices would. Directions that are
    cut off make S smaller, never larger: what is bounded stays bounded.
    """
    lacking = np.setdiff1d(np.arange(factor.shape[1]), places)
    own, missing = factor[:, places], factor[:, lacking]
    sizes = np.linalg.norm(missing, axis=0)
    left, strength, _ = np.linalg.svd(missing[:, sizes > 0] / sizes[sizes > 0], full_matrices=False)
    span = left[:, strength > MISSING_RANGE * strength.max(initial=0.0)]
    rest = own - span @ (span.T @ own)
    rest -= span @ (span.T @ rest)  # once more: to the last digit
    unit = np.linalg.norm(own, axis=0)
    unit[unit == 0] = 1.0
    _, size, right = np.linalg.svd(rest / unit, full_matrices=False)
    is_left = size > SCHUR_RANK
    if not is_left.any():
        return None
    size, right = size[is_left], right[is_left]
    inverse = right.T / size / unit[:, None]
    return Metric(np.ones(len(places)), size[:, None] * right * unit, inverse, text)


def coordinate_metric(
    metric: Any,
    coordinates: Coordinates,
    values: Floats,
    learnt_from: Indices,
    left_out: Indices,
    target: tuple[Array, str, bool] | None,
) -> CoordinateMetric:
    """What `Domain(metric=...)` means where it is no unit, for training rows (n, D).

    Parameters
    ----------
    metric : "agop", "curvature", "rfm", MetricLearner, Metric, (D,) or (D, D)
        An array may have one entry for each level instead of D.
    learnt_from : (r,) int
        Complete rows that are never left out.
    left_out : (s,) int
        All others.
    target : (values, name, whether they are classes) or None

    Raises
    ------
    DataError
        There is nothing to learn from, or the metric does not fit the coordinates.
    """
    if isinstance(metric, str):
        if target is None:
            raise DataError(f"metric={metric!r} is learnt from a target", hint=Hint.NAME_TARGET)
        labels, name, is_class = target
        known = learnt_from[~_is_empty(labels[learnt_from])]
        if len(known) <= values.shape[1]:
            raise DataError(
                f"metric={metric!r}: only {len(known)} training rows have all columns and the "
                f"target and are not left out; more than {values.shape[1]} coordinates are needed. "
                "Use missing='columns', fewer columns or a smaller reference."
            )
        method: Any = metric
        y = labels[known].astype(str) if is_class else labels[known].astype(np.float64)
        learnt = learn_metric(
            np.ascontiguousarray(values[known]), y, method=method, target_name=name
        )
        return CoordinateMetric(learnt.metric, learnt.notes)
    if isinstance(metric, MetricOfRows):
        if metric.n != len(values):
            raise DataError(
                f"the metric is learnt from {metric.n} rows, the domain has {len(values)}."
            )
        spares = 0 < len(left_out) <= metric.n // 2
        matrix: Any = metric.without(left_out) if spares else metric.from_all()
        return CoordinateMetric(_as_metric(matrix, coordinates, metric.text))
    if isinstance(metric, Metric):
        d = len(metric.root) if metric.factor is None else metric.factor.shape[1]
        if d != values.shape[1]:
            raise DataError(f"the metric has {d} features, the domain {values.shape[1]}.")
        return CoordinateMetric(metric)
    return CoordinateMetric(_as_metric(metric, coordinates, ""))


def _as_metric(metric: ArrayLike, coordinates: Coordinates, text: str) -> Metric:
    d = len(coordinates.owner)
    array = metric_array(metric)
    basis = indicator_basis(coordinates)
    if array.shape[:1] == basis.shape[:1] != (d,):
        # one entry for each level: the same metric in simplex coordinates
        array = basis.T @ (np.diag(array) if array.ndim == 1 else array) @ basis
    if array.shape not in ((d,), (d, d)):
        raise DataError(
            f"metric has shape {array.shape}: expected ({d},) or ({d}, {d}), the coordinates "
            f"{', '.join(coordinates.names[:8])}{', ...' * (d > 8)}."
        )
    parsed = parse_metric(array, np.ones(d), np.ones(d))
    return Metric(parsed.root, parsed.factor, parsed.inverse, text or parsed.text)


def indicator_basis(coordinates: Coordinates) -> Floats:
    """(I, D) how coordinates move the columns of `Coordinates.indicators`."""
    blocks = [
        column.vertices if isinstance(column, CategoryColumn) else np.eye(column.width)
        for column in coordinates.columns
    ]
    basis = np.zeros((sum(len(block) for block in blocks), len(coordinates.owner)))
    row = column_at = 0
    for block in blocks:
        basis[row : row + block.shape[0], column_at : column_at + block.shape[1]] = block
        row, column_at = row + block.shape[0], column_at + block.shape[1]
    return basis


def read_target(table: MixedTable, name: str) -> tuple[Array, str, bool]:
    """A column of targets (n,): numbers, NaN where empty, or the labels of classes, None there."""
    cells = table.column(name)
    if cells.kind is ColumnKind.NUMBER:
        return cells.numbers(), name, False
    if cells.kind is ColumnKind.EMPTY:
        raise DataError(f"the target {name!r} is empty in all training rows.")
    bad = cells.bad_number()
    if bad is not None:
        raise DataError(
            f"{cells.place(bad[0])}, the target {name!r} holds {bad[1]!r}, which is no number; "
            f"{100 * bad[2]:.3g} % of its cells are."
        )
    labels = cells.labels(cells.kind).to_pylist()
    return np.array([*labels, None], dtype=object)[:-1], name, True


def _is_empty(labels: Array) -> Any:
    if labels.dtype == object:
        return np.array([label is None for label in labels], dtype=bool)
    return np.isnan(labels)


def is_unit(metric: Any) -> bool:
    """Whether a metric only divides each number by its unit."""
    return metric is None or (isinstance(metric, str) and metric in ("std", "range"))


def check_domain_metric(metric: Any) -> None:
    """DataError for what no domain can take as its metric."""
    if not isinstance(metric, str) or metric in ("std", "range", *TARGET_METRICS):
        return
    raise DataError(
        f"metric={metric!r}: expected 'std', 'range' or None, 'agop', 'curvature' or 'rfm' "
        "(learnt from the target), a MetricLearner, or an array of weights or a matrix over the "
        "coordinates."
    )


def unit_kind(metric: Any) -> UnitKind | None:
    """In which units numbers count where no direction is learnt."""
    return metric if is_unit(metric) else None
