"""Linear Shepard (LSHEP of SHEPPACK): a linear fit through each row, blended by Shepard weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from .._core.memory import check_memory
from .._core.threads import StopFlag, cpu_count, run_in_threads, single_threaded_blas
from .._core.types import Floats, Indices, Progress
from ..geometry.block_floats import row_norms
from ..geometry.cloud import Cloud
from ..geometry.metric import Metric
from ..geometry.neighbours import nearest_rows
from ..geometry.pricing import top_rows
from ..geometry.scaled_view import ScaledView
from ._batching import ScaledProblem, weigh_in_batches
from ._distance_kernels import WeightEntries
from ._shepard_kernels import COVERED, add_slopes
from .interpolant import Interpolant
from .shepard import blend

__all__ = ["LinearShepardRegressor", "LocalFits", "linear_shepard_weights", "local_fits"]

FIT_RADIUS_FACTOR = 1.1  # the radius of a local fit, in distances to its farthest row (SHEPPACK)
FIT_RANK_TOLERANCE = 1e-10  # singular values of a fit below this times the largest count as zero
FIT_TASK_WORK = 1e7  # work of one task with matrices: about a tenth of a second


@dataclass(frozen=True, eq=False)
class LocalFits:
    """Which rows the linear fit at each row uses, and the radius within which it counts.

    Attributes
    ----------
    radii : (n,)
        In the metric.
    near : (n, k) intp
        The fitted rows, nearest first.
    """

    radii: Floats
    near: Indices

    def __repr__(self) -> str:
        n, k = self.near.shape
        return f"LocalFits({n:,} rows, each fitted to {k} others)"


def local_fits(cloud: Cloud, metric: Metric) -> LocalFits:
    """The (3 d + 1) // 2 nearest other rows of each row, and its radius; O(n^2 d).

    The radius is the distance to the last of them, at most half the diameter of all rows. Where
    there are fewer other rows all of them are taken.
    """
    if cloud.n == 1:
        return LocalFits(np.zeros(1), np.zeros((1, 0), dtype=np.intp))
    rows = np.arange(cloud.n)
    near = nearest_rows(cloud, cloud.take(rows), metric, (3 * cloud.d + 1) // 2, exclude=rows)
    view = cloud.view_in(metric)
    half = view.frame.distance(np.array([_half_diameter(view)]))
    return LocalFits(np.minimum(near.distances[:, -1], half), near.rows)


def _half_diameter(view: ScaledView) -> float:
    """Half the largest distance between two rows, in the frame."""
    Z, each, largest = view.scaled_rows, 4096, 0.0
    for start in range(0, view.n, each):
        part = Z[start : start + each]
        # the farthest row maximises |z|^2 - 2 <z, x>
        farthest = top_rows(view, -2 * part, -1.0, 1)[1][:, 0]
        largest = max(largest, float(row_norms(Z[farthest] - part).max()))
    return largest / 2


def linear_shepard_weights(
    cloud: Cloud,
    Q: Floats,
    metric: Metric,
    progress: Progress | None = None,
    *,
    fits: LocalFits | None = None,
) -> csr_array:
    """Linear Shepard weights at queries Q (m, d): (m, n), signed, each row sums to 1.

    The prediction is the average of y_k + <a_k, q - x_k> with Shepard's weights (`shepard_weights`)
    but for the radii of `local_fits` (worked out anew unless given). The slope a_k minimises

        sum_i (1 / D_i - 1 / R)^2 (<a_k, x_i - x_k> - (y_i - y_k))^2

    over the rows i of the fit, at distances D_i from row k, with R 1.1 times the largest D_i; the
    solution of minimum norm in the metric where that leaves it open (singular values below 1e-10
    of the largest count as zero). A query that no ball
    covers gets its d + 1 nearest rows by 1 / D^2 and no slope. All of that is linear in y, hence
    weights. Rows between which the metric sees no distance are left out of each other's fit.

    That is LSHEP of SHEPPACK (Thacker et al. 2010, Algorithm 905) but for its bound on singular
    values, 2.2e-16 times the number of rows, with which nearly dependent rows give a slope made of
    rounding. Lux et al. (2021, section 3.3) used SHEPPACK; the errors they print could be
    reproduced neither from their formula nor with SHEPPACK.

    O(n d) for each query and O(d^3) for each row whose fit is used; memory of 12 d^2 bytes for
    each of these.
    """
    if fits is None:
        fits = local_fits(cloud, metric)
    problem, n = ScaledProblem.of(cloud, Q, metric), cloud.n
    shares, coverage = blend(problem, fits.radii, cloud.d + 1, progress)
    counts = np.where(coverage == COVERED, np.diff(shares.indptr), 0)
    if not fits.near.size or not counts.any():
        return shares
    used = np.unique(shares.indices[np.repeat(coverage == COVERED, np.diff(shares.indptr))])
    position = np.zeros(n, dtype=np.intp)
    position[used] = np.arange(len(used))
    slopes = (position, fits.near, slope_operators(problem, fits.near, used), coverage)
    blended = (shares.indptr, shares.indices, shares.data)
    Z, Zq = problem.rows, problem.queries

    def weigh(first: int, last: int, stop: StopFlag) -> WeightEntries:
        return add_slopes(Z, Zq, *blended, *slopes, first, last, stop.flag)

    work = n + float(counts.mean()) * fits.near.shape[1] * Z.shape[1] * 2
    return weigh_in_batches(weigh, (len(Q), n), work, None)


def slope_operators(problem: ScaledProblem, near: Indices, used: Indices) -> Floats:
    """(u, r, k): for each row used, the linear map from y[near] - y_k to the slope a_k."""
    r, k = problem.rows.shape[1], near.shape[1]
    check_memory(8 * len(used) * r * k, f"local linear fits at {len(used):,} rows")
    operators = np.zeros((len(used), r, k))
    each = int(np.clip(FIT_TASK_WORK / (20 * k * r * min(k, r)), 1, 4096))

    def fit_part(start: int, stop: StopFlag) -> None:
        if not stop.is_set():
            at = slice(start, start + each)
            rows = used[at]
            edges = problem.rows[near[rows]] - problem.rows[rows][:, None, :]
            operators[at] = _slope_operators(edges, problem.floor)

    with single_threaded_blas():
        run_in_threads(
            fit_part, range(0, len(used), each), max(2, cpu_count()) if len(used) > each else 1
        )
    return operators


def _slope_operators(edges: Floats, floor: float) -> Floats:
    """Pseudo-inverses of the weighted fits; edges (b, k, r) go from each row to its fitted ones."""
    b, k, r = edges.shape
    D = row_norms(edges.reshape(b * k, r)).reshape(b, k)
    apart = floor < D
    safe = np.where(apart, D, 1.0)
    # each row of the fit divided by its distance: entries of about 1 whatever the scale
    R = FIT_RADIUS_FACTOR * np.maximum(D.max(axis=1, keepdims=True), floor)
    size = np.where(apart, 1 - D / R, 0.0)
    A = edges * (size / safe)[:, :, None]
    return np.linalg.pinv(A, rcond=FIT_RANK_TOLERANCE) * (size / safe)[:, None, :]


class LinearShepardRegressor(Interpolant):
    """Linear Shepard: a linear fit through each row, blended by modified Shepard weights.

    Parameters
    ----------
    metric : "std", "range", None, (d,), (d, d) or function of (X, y)
        Of the distances; slopes that the rows leave open are of minimum norm in it.
    duplicates : {"mean", "raise"}
        What to do with rows that are equal but for the target.

    Attributes
    ----------
    cloud_ : Cloud
        The distinct training rows.
    fits_ : LocalFits
        Rows and radius of the fit at each of them.
    radii_ : (p,)
        The radii, in the metric.
    n_features_in_, feature_names_in_
        As usual.

    Notes
    -----
    A fit goes through its own row and takes the (3 d + 1) // 2 nearest others by weighted least
    squares; `hullwise.predict.linear_shepard.linear_shepard_weights` says it exactly. Predictions
    are linear in y, so they have weights with sum 1, but these may be negative: predictions may
    leave the range of the targets, there are no quantiles, and no bound for convex weights holds.
    Linear functions are reproduced wherever a ball covers the query and the fits have full rank.
    O(n^2 d) to fit, O(m n d) and O(d^3) for each fit used to predict.

    Source: LSHEP of Thacker, Zhang, Watson, Birch, Iyer, Berry, *Algorithm 905: SHEPPACK*, ACM
    Transactions on Mathematical Software 37, 2010; Lux, Watson, Chang, Hong, Cameron,
    *Interpolation of sparse high-dimensional data*, Numerical Algorithms 2021, section 3.3. The
    errors printed there for LSHEP could not be reproduced, neither from the formula nor with
    SHEPPACK.

    Examples
    --------
    >>> import hullwise as hw
    >>> X = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [0.4, 0.6]]
    >>> reg = hw.LinearShepardRegressor().fit(X, [1.0, 3.0, 4.0, 6.0, 3.6])     # 1 + 2 a + 3 b
    >>> reg.predict([[0.5, 0.5], [0.2, 0.1]]).round(12)
    array([3.5, 1.7])
    """

    fits_: LocalFits
    radii_: Floats

    def _learn(self, cloud: Cloud, metric: Metric) -> dict[str, Any]:
        fits = local_fits(cloud, metric)
        return {"fits_": fits, "radii_": fits.radii}

    def _weigh(self, Q: Floats, progress: Progress | None) -> csr_array:
        return linear_shepard_weights(self.cloud_, Q, self.metric_, progress, fits=self.fits_)
