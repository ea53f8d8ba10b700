"""One error bound for every predictor whose prediction is a weighted sum of training targets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

from .._core.foreign import own_errors
from .._core.results import UNNAMED_ROWS, Column, RowNames, RowResult
from .._core.rounding import UNIT_ROUNDOFF
from .._core.types import Floats, Indices
from ..errors import DataError
from ..geometry.block_floats import row_norms
from ._row_weights import WeightedRows, weighted_rows
from .simplex_shape import theorem_terms
from .targets import as_array

__all__ = ["ErrorBound", "error_bound"]


@dataclass(frozen=True, eq=False, repr=False)
class ErrorBound(RowResult):
    """How far m predictions can be from the true values, in the units of the target.

    Attributes
    ----------
    shift : (m,), or (m, k) for k targets
        ``lipschitz * reach``: what it can cost that the weighted rows do not average to the query.
        Zero up to rounding for Delaunay inside the hull.
    spread : (m,) or (m, k)
        ``smoothness / 2 * moment``: what it can cost that the rows are not at the query.
    theorem1 : (m,) or (m, k)
        The bound of Lux et al. (2021), Theorem 1, where the weighted rows average to, plus
        `shift`. NaN where the rows are no simplex: more than d + 1, or affinely dependent.
    reach : (m,)
        ``|sum w_i x_i - q|`` in the metric.
    moment : (m,)
        ``sum |w_i| |x_i - q|^2`` in the metric.
    noise : (m,) or (m, k), or None
        Standard deviation that the noise of the rows gives the prediction, where an interpolant
        knows it: the root of the sum of squared weights times that of a row. It is no part of
        `total`, which bounds the error that would be there without noise.
    labels : (m,) object or None
        Labels of the queries, where they had some.

    ``bound[i]``, slices and masks pick queries; `to_dict` and `to_frame` give a table.

    Examples
    --------
    >>> import hullwise as hw
    >>> b = hw.error_bound([[0.5, 0.5]], [[0.0], [2.0]], [[1.0]], smoothness=2.0, metric=None)
    >>> b.spread.round(12), b.total.round(12)
    (array([1.]), array([1.]))
    """

    shift: Floats
    spread: Floats
    theorem1: Floats
    reach: Floats
    moment: Floats
    row_names: RowNames = UNNAMED_ROWS
    noise: Floats | None = None

    @property
    def total(self) -> Floats:
        """``shift + spread``, (m,) or (m, k): no prediction is further from the truth."""
        return upward(self.shift + self.spread)

    def plot(self, ax: Any = None) -> Any:
        """Draw the two parts of the bound; returns matplotlib axes."""
        from ..report.result_pictures import draw_error_bound

        return draw_error_bound(self, ax)

    def __repr__(self) -> str:
        m = len(self.shift)
        total = self.total
        if not m:
            return "ErrorBound(0 queries)"
        return (
            f"ErrorBound({m} {'query' if m == 1 else 'queries'}: total up to {total.max():.4g}, "
            f"median {np.median(total):.4g}; shift up to {self.shift.max():.4g}, "
            f"spread up to {self.spread.max():.4g})"
        )

    def _take(self, rows: Indices) -> ErrorBound:
        return ErrorBound(
            self.shift[rows],
            self.spread[rows],
            self.theorem1[rows],
            self.reach[rows],
            self.moment[rows],
            self.row_names.take(rows),
            None if self.noise is None else self.noise[rows],
        )

    def _columns(self) -> Mapping[str, Column]:
        """Those of the k-th target end in its number."""
        columns: dict[str, Column] = {}
        terms = ("total", "shift", "spread", "theorem1")
        for name in terms if self.noise is None else (*terms, "noise"):
            values = getattr(self, name)
            if values.ndim == 1:
                columns[name] = values
            else:
                columns |= {f"{name} {k}": values[:, k] for k in range(values.shape[1])}
        return columns | {"reach": self.reach, "moment": self.moment}


@own_errors("bounding errors")
def error_bound(
    W: Any,
    X: Any,
    Q: Any,
    *,
    smoothness: ArrayLike,
    lipschitz: ArrayLike = 0.0,
    metric: Any = "std",
) -> ErrorBound:
    """Bound the error of predictions ``W @ f(X)`` at queries Q, whatever made the weights.

    Parameters
    ----------
    W : sparse matrix or array (m, n)
        One row of weights for each query, with sum 1: those of an interpolant, of k nearest
        rows, of the leaves of a forest. They may be signed.
    X : array (n, d), data frame, or Cloud
        The rows that the weights belong to.
    Q : array or data frame (m, d)
    smoothness : float or (k,)
        Lipschitz constant of the gradient of f: ``|f'(x) - f'(y)| <= smoothness |x - y|``. For k
        targets one each.
    lipschitz : float or (k,)
        Lipschitz constant of f itself. Where the weighted rows do not average to the query, the
        default of 0 leaves `shift` out: then `total` bounds nothing, look at `reach`.
    metric : "std", "range", None, (d,) or (d, d)
        The metric in which both constants are stated.

    Returns
    -------
    ErrorBound

    Raises
    ------
    DataError, DataTypeError
        A row of weights that does not sum to 1 (within 1e-9 of the sum of their sizes, more for
        weights stored in float32, and 0.001 at most), shapes that do not agree, rows or queries
        that cannot be used, constants that are negative or not finite.

    Notes
    -----
    For weights w that sum to 1, f with the two constants on a convex set that holds the rows and
    the query q::

        |f(q) - sum w_i f(x_i)| <= L |sum w_i x_i - q| + (gamma / 2) sum |w_i| |x_i - q|^2

    Expand every f(x_i) about q: the linear terms add up to <f'(q), sum w_i x_i - q>, at most the
    *shift*, and each remainder is at most ``(gamma / 2) |x_i - q|^2``, which gives the *spread*.
    For w >= 0 it is attained by ``f = (gamma / 2) |x - q|^2``. Among convex weights that average
    to q, those of Delaunay make the spread smallest. Outside the hull one may expand about
    p = sum w_i x_i instead, if f has the constants between p and q too: for w >= 0 that takes
    ``smoothness / 2 * reach**2`` off the total.

    Theorem 1 (Lux et al. 2021): where the rows are the vertices of a simplex of dimension k, with
    p = sum w_i x_i, x_0 the vertex nearest to p, h its longest edge and s the smallest singular
    value of the edges from it::

        |f(p) - prediction| <= (gamma / 2) |p - x_0|^2 + sqrt(k) gamma h^2 / (2 s) |p - x_0|

    The paper has k = d; for fewer rows it holds as well in the flat of
    the simplex. At a query inside its simplex it is never below the spread.

    Everything is rounded upward, in proportion to the number of weights, so the numbers are
    bounds too; the exact weights are those given divided by their sum. What ``W @ y`` rounds, and
    noise in y, is not included.

    O(nnz d) time; theorem1 takes O(m d^3) where the rows are simplices. Memory beyond the data:
    O(nnz + m d) and about 50 MB.

    Examples
    --------
    >>> import numpy as np, hullwise as hw
    >>> X, W = np.array([[0.0], [1.0], [4.0]]), np.array([[0.5, 0.5, 0.0], [0.0, 0.5, 0.5]])
    >>> b = hw.error_bound(W, X, [[0.5], [2.0]], smoothness=2.0, lipschitz=3.0, metric=None)
    >>> b
    ErrorBound(2 queries: total up to 4, median 2.125; shift up to 1.5, spread up to 2.5)
    >>> b.total.round(9)
    array([0.25, 4.  ])
    """
    gamma, slope = _check_constants(smoothness, lipschitz)
    weighted = weighted_rows(W, X, Q, metric)
    with np.errstate(all="ignore"):
        exponent = weighted.frame.exponent
        first, second = _scaled_sums(weighted)
        shift = _in_units(*_times(first, slope), exponent)
        spread = _in_units(*_times(second, gamma / 2), 2 * exponent)
        paper = _in_units(*_times(theorem_terms(weighted), gamma / 2), 2 * exponent)
        return ErrorBound(
            shift,
            spread,
            upward(paper + shift),
            _in_units(*first, exponent),
            _in_units(*second, 2 * exponent),
            weighted.row_names,
        )


def _check_constants(smoothness: Any, lipschitz: Any) -> tuple[Floats, Floats]:
    """The two constants, both () or both (k,), finite and at least 0."""
    constants = {"smoothness": smoothness, "lipschitz": lipschitz}
    checked = []
    for name, constant in constants.items():
        value = as_array(constant, name)
        usable = value.dtype.kind in "iuf" and value.ndim <= 1 and value.size > 0
        if not usable or not (np.isfinite(value) & (value >= 0)).all():
            raise DataError(
                f"{name}={constant!r}: expected a finite number of at least 0, or one for each "
                "target."
            )
        checked.append(value.astype(np.float64))
    if checked[0].ndim and checked[1].ndim and len(checked[0]) != len(checked[1]):
        raise DataError(
            f"smoothness has {len(checked[0])} entries and lipschitz {len(checked[1])}: expected "
            "one each for every target."
        )
    gamma, slope = np.broadcast_arrays(*checked)
    return gamma, slope


Scaled = tuple[Floats, NDArray[np.intp]]  # mantissas and exponents of two


def upward(values: Floats) -> Floats:
    """A few units in the last place more than values of at least 0; zero stays zero."""
    with np.errstate(over="ignore", under="ignore"):
        more = np.nextafter(values * (1 + 4 * UNIT_ROUNDOFF), np.inf)
    return np.where(values == 0, 0.0, more)


def _times(value: Scaled, factor: Floats) -> Scaled:
    """Values (m,) times a factor, () or (k,), with their own exponents: nothing overflows halfway.

    The product is (m,) or (m, k).
    """
    mantissa, exponent = np.frexp(factor)
    if factor.ndim == 0:
        return value[0] * mantissa, value[1] + int(exponent)
    return value[0][:, None] * mantissa, value[1][:, None] + exponent.astype(np.intp)


def _in_units(mantissa: Floats, exponent: NDArray[np.intp], more: int) -> Floats:
    least = np.ldexp(mantissa, np.clip(exponent + more, -5000, 5000).astype(np.int32))
    return np.where(mantissa == 0, 0.0, upward(np.where(least == 0, 5e-324, least)))


def _scaled_sums(weighted: WeightedRows) -> tuple[Scaled, Scaled]:
    """|sum w_i (x_i - q)| and sum |w_i| |x_i - q|^2 in the frame, rounded upward."""
    mean, size, uncancelled = _mean_differences(weighted)
    W = weighted.W
    largest = np.maximum.reduceat(uncancelled, W.indptr[:-1])
    unit = np.where((largest > 0) & np.isfinite(largest), np.frexp(largest)[1], 0)
    each = np.repeat(unit, weighted.counts())
    size, uncancelled = np.ldexp(size, -each), np.ldexp(uncancelled, -each)
    weight = csr_array((np.abs(W.data), np.arange(W.nnz), W.indptr), shape=(len(largest), W.nnz))
    # k terms, r coordinates, and a dozen roundings on the way to each term (Higham, 3.1)
    terms = weighted.counts() + weighted.cloud.d + weighted.frame.rank + 12.0
    rounding = terms * UNIT_ROUNDOFF * np.maximum(1.0, weight @ np.ones(W.nnz)) * 1.01
    size += np.repeat(rounding, weighted.counts()) * uncancelled
    first = weight @ uncancelled
    reach = row_norms(np.ldexp(mean, -unit[:, None])) * (1 + rounding) + rounding * first * 1.01
    second = (weight @ np.square(size)) * (1 + rounding) + 2.0**-1000
    nonzero = largest > 0
    exponent = unit.astype(np.intp)
    return (
        (np.where(nonzero, _nan_as_infinity(reach), 0.0), exponent),
        (np.where(nonzero, _nan_as_infinity(second), 0.0), 2 * exponent),
    )


def _nan_as_infinity(values: Floats) -> Floats:
    """Where a difference overflowed there is no number to give but infinity."""
    return np.where(np.isnan(values), np.inf, values)


def _mean_differences(weighted: WeightedRows) -> tuple[Floats, Floats, Floats]:
    """sum w_i v_i (m, r), |v_i| (nnz,) and |v_i| before anything cancelled, v_i = x_i - q."""
    W = weighted.W
    mean = np.zeros((len(weighted.Q), weighted.frame.rank))
    size, uncancelled = np.zeros(W.nnz), np.zeros(W.nnz)
    for first, last in weighted.spans():
        queries = weighted.query_of(first, last)
        Z, sizes = weighted.image(weighted.rows(slice(first, last)), weighted.Q[queries])
        size[first:last] = row_norms(Z)
        uncancelled[first:last] = size[first:last] if sizes is Z else row_norms(sizes)
        a, b = int(queries[0]), int(queries[-1]) + 1
        ends = np.clip(W.indptr[a : b + 1], first, last) - first
        part = csr_array((W.data[first:last], np.arange(last - first), ends), (b - a, last - first))
        mean[a:b] += part @ Z
    return mean, size, uncancelled
