"""How steep and how curved a target is at least, from its values at the rows."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._core.caller import caller_stacklevel
from .._core.foreign import own_errors
from .._core.options import check_fraction, check_int
from .._core.results import UNNAMED_ROWS, Column, RowNames, TableResult
from .._core.rounding import UNIT_ROUNDOFF
from .._core.threads import single_threaded_blas
from .._core.types import Floats, Indices
from ..errors import DataError, DataWarning
from ..geometry.block_floats import row_norms
from ..geometry.cloud import Cloud
from ..geometry.metric import Metric
from ..geometry.neighbours import nearest_rows
from ..io.validation import check_target
from .duplicates import unique_rows
from .targets import as_array

__all__ = ["Smoothness", "estimate_smoothness"]

LAWSON_STEPS = 12  # reweighted fits: the bound grows with each, and hardly any more after these
LAWSON_WORK = (
    2e7  # neighbours d^2 times the number of fits: beyond about 80 features there are fewer
)
FIT_BATCH_NUMBERS = 1 << 21  # numbers of a batch of fits
DEPENDENT_COLUMN = 1e-10  # of a column's length: what those before leave of a dependent one


@dataclass(frozen=True, eq=False, repr=False)
class Smoothness(TableResult):
    """Lipschitz constants that a target has at least, as far as the looked-at rows show.

    Attributes
    ----------
    lipschitz : float or (k,)
        Of the target, in its units per distance; for k outputs one each.
    smoothness : float or (k,)
        Of its gradient. NaN where the rows are too few to tell.
    rows : (s,) intp
        The rows looked at, ascending.
    slope, curvature : (s,) or (s, k)
        What each of these rows shows; the two constants are the `quantile` of them.
    n_neighbors : int
        How many rows each was compared with.
    quantile : float
        1 for the largest.

    `to_dict` and `to_frame` give a table of the rows looked at.

    Examples
    --------
    >>> import hullwise as hw
    >>> X, y = [[0.0], [1.0], [2.0], [4.0]], [0.0, 1.0, 4.0, 16.0]
    >>> least = hw.estimate_smoothness(X, y, metric=None)
    >>> round(least.lipschitz, 6), round(least.smoothness, 6)       # of x^2 on these rows
    (6.0, 2.0)
    """

    lipschitz: float | Floats
    smoothness: float | Floats
    rows: Indices
    slope: Floats
    curvature: Floats
    n_neighbors: int
    quantile: float
    row_names: RowNames = UNNAMED_ROWS

    def plot(self, ax: Any = None) -> Any:
        """Draw the slopes and curvatures of the sampled rows; returns matplotlib axes."""
        from ..report.result_pictures import draw_smoothness

        return draw_smoothness(self, ax)

    def __repr__(self) -> str:
        at = "largest" if self.quantile == 1 else f"{self.quantile:g} quantile"
        return (
            f"Smoothness(lipschitz {_format_constant(self.lipschitz)}, "
            f"smoothness {_format_constant(self.smoothness)}: {at} of {len(self.rows)} rows "
            f"with {self.n_neighbors} neighbours each)"
        )

    def _columns(self) -> Mapping[str, Column]:
        """One entry for each row looked at; those of the k-th target end in its number."""
        columns: dict[str, Column] = {"row": self.rows}
        for name, values in (("slope", self.slope), ("curvature", self.curvature)):
            if values.ndim == 1:
                columns[name] = values
            else:
                columns |= {f"{name} {k}": values[:, k] for k in range(values.shape[1])}
        return columns


def _format_constant(value: float | Floats) -> str:
    return f"{value:.4g}" if np.ndim(value) == 0 else f"up to {np.max(value):.4g}"


@own_errors("estimating smoothness")
def estimate_smoothness(
    X: Any,
    y: Any,
    *,
    metric: Any = "std",
    rows: int = 500,
    n_neighbors: int | None = None,
    quantile: float = 1.0,
) -> Smoothness:
    """The least Lipschitz constants of a target and its gradient that the rows do not refute.

    Parameters
    ----------
    X : array (n, d), data frame, or Cloud
    y : (n,) or (n, k)
        Values of the target at the rows. Rows that are equal in every feature are averaged.
    metric : "std", "range", None, (d,) or (d, d)
        The metric in which the constants are stated: the one of the bound that they go into.
    rows : int
        How many rows, drawn evenly, are looked at.
    n_neighbors : int, optional
        How many nearest rows each is compared with, at least d + 1 to say anything about the
        gradient; 2 d + 2 if not given, with d the dimension of the flat of the rows.
    quantile : float
        1 takes the largest of what the rows show; less leaves out as many of the steepest, which
        noise makes too steep.

    Returns
    -------
    Smoothness

    Warns
    -----
    DataWarning
        Too few rows to tell a smoothness (it is NaN then), or equal rows with other targets.

    Raises
    ------
    DataError, DataTypeError
        Fewer than two distinct rows, targets that are not numbers, options out of range.

    Notes
    -----
    An estimate is no guarantee. Between the rows the target may be steeper and more curved than
    anywhere at them, and with many features a few neighbours see few directions: without noise
    both numbers are too small, if anything. With noise they are too large, the more the nearer
    the rows lie: two almost equal rows with different targets are as good as a cliff, so look at
    the quantiles of `slope` and `curvature`.

    Without noise each `slope` and `curvature` is a lower bound with a proof, up to rounding.
    Slopes are ``|y_i - y_j| / |x_i - x_j|``. If the gradient has Lipschitz constant gamma, then at
    row i some g has ``|y_j - y_i - <g, v_j>| <= gamma |v_j|^2 / 2`` for all its neighbours, v_j =
    x_j - x_i. Weights a_j with sum a_j v_j = 0 do away with g: ``gamma >= sum a_j (y_j - y_i) /
    (sum |a_j| |v_j|^2 / 2)``. The weights are the residuals of a least squares fit of the
    ``(y_j - y_i) / (|v_j|^2 / 2)``, refitted with more weight on the larger residuals (Lawson's
    algorithm for the best uniform fit), which lets the bound grow to the least gamma that these
    neighbours leave possible.

    O(rows n d) time for the neighbours, and O(rows neighbours d^2) for each of 12 fits (fewer
    beyond about 80 features, 2 at least; for hundreds of features ask for fewer rows).

    Examples
    --------
    >>> import numpy as np, hullwise as hw
    >>> X = np.random.default_rng(0).random((200, 2))
    >>> least = hw.estimate_smoothness(X, 3 * X[:, 0] ** 2, metric=None)
    >>> 5.0 < least.smoothness <= 6.0 and 5.0 < least.lipschitz <= 6.0
    True
    """
    share = check_fraction("quantile", quantile, ends=True)
    cloud, values, first = _distinct_values(X, y)
    metric_ = cloud.metric(metric)
    rank = min(metric_.rank, cloud.rank)
    k = 2 * rank + 2 if n_neighbors is None else check_int("n_neighbors", n_neighbors, 1)
    k = min(k, cloud.n - 1)
    sampled = cloud.sample(check_int("rows", rows, 1))
    slope, curvature = _slopes_and_curvatures(cloud, values, metric_, sampled, k)
    if np.isnan(curvature).all():
        warnings.warn(
            f"{k} neighbours of a row in {rank} dimensions: a linear function passes through "
            f"them all, so nothing is known about the smoothness. It takes at least {rank + 1} "
            f"neighbours; X has {cloud.n} distinct rows.",
            DataWarning,
            stacklevel=caller_stacklevel(),
        )
    shape = (-1, *np.shape(y)[1:])
    return Smoothness(
        _quantile(slope, share, shape),
        _quantile(curvature, share, shape),
        first[sampled],
        slope.reshape(shape),
        curvature.reshape(shape),
        k,
        share,
    )


def _distinct_values(X: Any, y: Any) -> tuple[Cloud, Floats, Indices]:
    """Distinct rows, their mean targets (n, k), and the first row of each."""
    cloud = X if isinstance(X, Cloud) else Cloud(X, copy=False)
    target = check_target(None if y is None else as_array(y), cloud.n)
    if target.dtype.kind not in "buif":
        raise DataError(f"y holds {target.dtype}: a smoothness is one of numbers.")
    values = target.astype(np.float64).reshape(cloud.n, -1)
    table = cloud.rows.block(0, cloud.n)
    unique = unique_rows(table)
    if len(unique.first) < cloud.n:
        differs = (values != values[unique.first[unique.inverse]]).any(axis=1)
        if differs.any():
            warnings.warn(
                f"{int(differs.sum())} row(s) of X repeat an earlier row with another target: "
                "these targets are averaged. No function has both, so y is noisy; see the "
                "quantiles.",
                DataWarning,
                stacklevel=caller_stacklevel(),
            )
        values = np.asarray(unique.averaging_matrix() @ values)
        cloud = Cloud(table[unique.first], columns=cloud.columns)
    if cloud.n < 2:
        raise DataError("X has one distinct row: it takes two to measure a slope.")
    return cloud, values, unique.first


def _quantile(values: Floats, at: float, shape: tuple[int, ...]) -> float | Floats:
    ascending = np.sort(np.where(np.isnan(values), -1.0, values), axis=0)
    last = max(0, int(np.ceil(at * len(ascending))) - 1)
    value = np.where(ascending[-1] < 0, np.nan, np.maximum(ascending[last], 0.0))
    return float(value[0]) if len(shape) == 1 else np.asarray(value)


def _slopes_and_curvatures(
    cloud: Cloud, y: Floats, metric: Metric, sampled: Indices, k: int
) -> tuple[Floats, Floats]:
    """Slope and curvature at each row looked at, (s, outputs) both."""
    slope, curvature = np.zeros((2, len(sampled), y.shape[1]))
    view = cloud.view_in(metric)
    exponent = view.frame.exponent
    each = max(1, FIT_BATCH_NUMBERS // (k * (view.rank + 4 * y.shape[1])))
    largest = np.abs(y).max(axis=0, initial=0.0)
    unit = np.where(largest > 0, np.frexp(largest)[1], 0)
    y = np.ldexp(y, -unit - 1)  # a difference of two cannot overflow
    for start in range(0, len(sampled), each):
        at = slice(start, min(start + each, len(sampled)))
        near = nearest_rows(cloud, cloud.take(sampled[at]), metric, k, exclude=sampled[at]).rows
        b = len(near)
        Z = view.take(np.concatenate([near.ravel(), sampled[at]]))
        V = Z[: b * k].reshape(b, k, -1) - Z[b * k :, None, :]
        own = y[sampled[at]][:, None, :]
        rise, doubt = y[near] - own, 4 * UNIT_ROUNDOFF * (np.abs(y[near]) + np.abs(own))
        with np.errstate(all="ignore"), single_threaded_blas():
            first, second, scale = _local_constants(V, rise, doubt)
            power = unit + 1 - exponent - scale[:, None]
            slope[at] = np.ldexp(first, power)
            curvature[at] = np.ldexp(second, power - exponent - scale[:, None])
    return slope, curvature


def _local_constants(
    V: Floats, rise: Floats, doubt: Floats
) -> tuple[Floats, Floats, NDArray[np.int32]]:
    """Slope and curvature (b, outputs) with distances in units of 2**scale, from differences V.

    `doubt` is what rounding of the targets may have added to each rise: it proves nothing.
    """
    b, k, r = V.shape
    scale = np.frexp(np.abs(V).max(axis=(1, 2), initial=0.0))[1].astype(np.int32)
    V = np.ldexp(V, -scale[:, None, None])
    far = row_norms(V.reshape(b * k, r)).reshape(b, k)
    distinct = far > 0
    cliff = (~distinct[:, :, None] & (rise != 0)).any(axis=1)
    safe = np.where(distinct, far, 1.0)[:, :, None]
    slope = (np.maximum(np.abs(rise) - doubt, 0.0) / safe).max(axis=1)
    # both sides divided by |v|^2 / 2: the residual is then a curvature
    target = np.where(distinct[:, :, None], 2 * rise / safe / safe, 0.0)
    noise = 2 * doubt / safe / safe
    # every residual counts alike, so lengths of columns do not matter: the rows' do
    columns = V / safe / (safe / safe.min(axis=1, keepdims=True))
    curvature = np.stack(
        [
            _least_curvature(columns, target[:, :, j], noise[:, :, j], distinct)
            for j in range(rise.shape[2])
        ],
        axis=1,
    )
    return np.where(cliff, np.inf, slope), np.where(cliff, np.inf, curvature), scale


def _least_curvature(A: Floats, t: Floats, noise: Floats, is_distinct: NDArray[np.bool_]) -> Floats:
    """Lower bound on min_g max_j |t_j - <A_j, g>| for each of b problems, NaN if it says nothing.

    The t_j are known up to `noise`.
    """
    weight = is_distinct / np.maximum(is_distinct.sum(axis=1, keepdims=True), 1)
    best = np.zeros(len(t))
    for step in range(int(np.clip(LAWSON_WORK / (A.shape[1] * A.shape[2] ** 2), 2, LAWSON_STEPS))):
        root = np.sqrt(weight)
        basis, freedom = _basis(A * root[:, :, None], (weight > 0).sum(axis=1))
        if step == 0:
            free = freedom
        b = root * t
        for _ in range(2):  # the second time takes out what rounding left of the first
            b = b - np.einsum("bkr,br->bk", basis, np.einsum("bkr,bk->br", basis, b))
        residual = np.where(root > 0, b / np.where(root > 0, root, 1.0), 0.0)
        grown = weight * np.abs(residual)
        size = grown.sum(axis=1)
        nonzero = size > 0
        size = np.where(nonzero, size, 1.0)
        # sum a_j t_j / sum |a_j| with a = weight * residual, which is orthogonal to A
        bound = (np.square(b).sum(axis=1) - (grown * noise).sum(axis=1)) / size
        best = np.where(nonzero, np.maximum(best, bound), best)
        weight = np.where(nonzero[:, None], grown / size[:, None], weight)
        weight = np.where(weight > 1e-14, weight, 0.0)
    return np.where(free > 0, best, np.nan)


def _basis(A: Floats, rows: Indices) -> tuple[Floats, Indices]:
    """Orthonormal columns that span those of A (b, k, r), and how many rows that leaves free."""
    size = np.sqrt(np.square(A).sum(axis=1))
    Q, R = np.linalg.qr(A)
    independent = (
        np.abs(np.diagonal(R, axis1=1, axis2=2)) > DEPENDENT_COLUMN * size[:, : R.shape[1]]
    )
    return Q * independent[:, None, :], rows - independent.sum(axis=1)
