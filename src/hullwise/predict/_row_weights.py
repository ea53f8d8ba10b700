"""Weights on rows, checked, and the differences between the weighted rows and their queries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_array, issparse

from .._core.results import RowNames
from .._core.types import Floats, Indices
from ..errors import DataError
from ..geometry.cloud import Cloud
from ..geometry.scaling import Frame
from ..io.validation import check_columns, check_rows
from .targets import as_array

DIFFERENCES_AT_ONCE = 1 << 20  # differences held at once


@dataclass(frozen=True, eq=False)
class WeightedRows:
    """Weights W (m, n) on the rows of a cloud, and the queries Q (m, d) they belong to.

    `frame` maps differences to coordinates in which the metric is Euclidean; every query keeps its
    own entries together, so that a query's numbers do not depend on its neighbours in the batch.
    """

    W: csr_array
    cloud: Cloud
    Q: Floats
    frame: Frame
    row_names: RowNames

    def counts(self) -> Indices:
        """Number of rows with a weight, (m,)."""
        return np.asarray(np.diff(self.W.indptr), dtype=np.intp)

    def query_of(self, first: int, last: int) -> Indices:
        """The query of each of the entries first to last of W."""
        own = np.searchsorted(self.W.indptr, np.arange(first, last), side="right") - 1
        return own.astype(np.intp)

    def spans(self) -> Iterator[tuple[int, int]]:
        """Ranges of entries of W: whole queries, or pieces of one that is too long."""
        each = max(1, DIFFERENCES_AT_ONCE // max(self.cloud.d, self.frame.rank))
        ends, start = self.W.indptr, 0
        while start < len(ends) - 1:
            stop = int(np.searchsorted(ends, int(ends[start]) + each, side="right")) - 1
            if stop > start:
                yield int(ends[start]), int(ends[stop])
            else:
                stop = start + 1
                for first in range(int(ends[start]), int(ends[stop]), each):
                    yield first, min(first + each, int(ends[stop]))
            start = stop

    def rows(self, entries: Indices | slice) -> Floats:
        """The rows that the entries weigh, in the data's own units, (e, d)."""
        rows, at = np.unique(self.W.indices[entries], return_inverse=True)
        return self.cloud.take(rows)[at.reshape(-1)]

    def image(self, X: Floats, origin: Floats) -> tuple[Floats, Floats]:
        """x - origin in the frame, (e, r), and the sizes of what was added up to make its entries.

        Each feature is subtracted in the data's own units: nothing cancels that the data have not
        lost, however far they are from zero.
        """
        if self.frame.is_prescaled:
            X, origin = X * self.frame.prescale, origin * self.frame.prescale
        V = (X - origin) * self.frame.factor
        if self.frame.matrix is None:
            return V, V
        return V @ self.frame.matrix, np.abs(V) @ np.abs(self.frame.matrix)


def weighted_rows(W: Any, X: Any, Q: Any, metric: Any) -> WeightedRows:
    """Check weights, rows and queries against each other.

    Raises
    ------
    DataError, DataTypeError
        Rows or queries that cannot be used, shapes that do not agree, weights that are not finite
        numbers or do not sum to 1, naming the row.
    """
    cloud = X if isinstance(X, Cloud) else Cloud(X, copy=False)
    queries = check_rows(Q, name="Q", allow_empty=True)
    if queries.columns is not None and cloud.columns is not None:
        check_columns(queries.columns, cloud.columns, name="Q")
    values = queries.values.astype(np.float64)
    if values.shape[1] != cloud.d:
        raise DataError(f"Q has {values.shape[1]} features, X has {cloud.d}: they must agree.")
    weights = check_weights(W, len(values), cloud.n)
    frame = cloud.frame(cloud.metric(metric))
    return WeightedRows(weights, cloud, values, frame, queries.row_names)


def check_weights(W: Any, m: int, n: int) -> csr_array:
    """W as float64 CSR (m, n) without zeros, indices sorted, each row divided by its sum."""
    if not issparse(W):
        W = as_array(W, "W")
    if W.dtype.kind not in "buif":
        raise DataError(f"W holds {W.dtype}: weights are real numbers.")
    if W.shape != (m, n):
        raise DataError(
            f"W has shape {W.shape}: expected ({m}, {n}), one row of weights for each query and "
            "one column for each row of X."
        )
    allowed = 1e-9 if W.dtype.kind != "f" else max(1e-9, 64 * float(np.finfo(W.dtype).eps))
    weights = csr_array(W, dtype=np.float64, copy=True)
    weights.sum_duplicates()
    weights.eliminate_zeros()
    not_finite = ~np.isfinite(weights.data)
    if not_finite.any():
        row = int(np.searchsorted(weights.indptr, int(not_finite.argmax()), side="right")) - 1
        raise DataError(f"W holds NaN or infinity, first in row {row} (counted from 0).")
    with np.errstate(over="ignore", invalid="ignore"):
        sums, sizes = weights.sum(axis=1), abs(weights).sum(axis=1)
        wrong = ~(np.abs(sums - 1) <= np.clip(allowed * sizes, allowed, 1e-3))
    if wrong.any():
        row = int(wrong.argmax())
        raise DataError(
            f"row {row} of W sums to {sums[row]:.6g} (counted from 0; {int(wrong.sum())} such "
            "row(s)): weights must sum to 1. Divide each row by its sum if the prediction is "
            "such an average."
        )
    weights.data /= np.repeat(sums, np.diff(weights.indptr))
    return weights
