"""Shepard's weights: rows count by the inverse of their distance, within a radius of their own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from .._core.memory import check_memory
from .._core.threads import StopFlag, cpu_count, run_in_threads, single_threaded_blas
from .._core.types import Floats, Indices, Progress
from ..geometry.cloud import Cloud
from ..geometry.metric import Metric, row_norms
from ..geometry.neighbours import nearest_rows
from ..geometry.pricing import top_rows
from ..geometry.scaled_view import ScaledView
from ._batching import Batch, Scene, in_batches, scene
from ._shepard_kernels import COVERED, add_slopes, shepard

WIDER = 1.1  # the radius of a local fit, in distances to its farthest row (SHEPPACK)
DEPENDENT = 1e-10  # singular values of a fit below this times the largest count as zero
SHORT = 1e7  # work of one task with matrices: about a tenth of a second


def shepard_radii(cloud: Cloud, metric: Metric) -> Floats:
    """Distance of each row to its (d + 1)-th nearest other row, (n,), in the metric; O(n^2 d).

    d is the number of features, whatever the rank of the metric. With fewer than d + 2 rows the
    farthest other row is taken; a single row has radius 0.
    """
    if cloud.n == 1:
        return np.zeros(1)
    rows = np.arange(cloud.n)
    near = nearest_rows(cloud, cloud.take(rows), metric, cloud.d + 1, exclude=rows)
    return near.distances[:, -1].copy()


def shepard_weights(
    cloud: Cloud,
    Q: Floats,
    metric: Metric,
    progress: Progress | None = None,
    *,
    radii: Floats | None = None,
) -> csr_array:
    """Modified Shepard weights at queries Q (m, d): (m, n), of at least 0, each row sums to 1.

    With D_k the distance of the query to row k and R_k the row's radius (`shepard_radii`, worked
    out anew unless given), row k has the weight

        ((R_k - D_k)_+ / (R_k D_k))^2,

    divided by the sum of all weights (Lux et al. 2021, section 3.2). What the paper leaves open is
    as in its code: a row at the query takes all the weight (several share it equally); a query that
    no ball covers gets its d + 1 nearest rows (equal distances: the lowest) by 1 / D_k^2. So the
    weights jump where the query leaves the last ball. A query on a sphere, up to 8 roundings, is
    not in the ball.

    O(n d) for each query; memory O(n d) a thread.
    """
    if radii is None:
        radii = shepard_radii(cloud, metric)
    return _blend(scene(cloud, Q, metric), radii, cloud.d + 1, progress)[0]


def _blend(
    seen: Scene, radii: Floats, few: int, progress: Progress | None
) -> tuple[csr_array, Indices]:
    """Shepard weights for any radii, with `few` rows where no ball covers, and how each came."""
    (m, n), frame = (len(seen.queries), len(seen.rows)), seen.frame
    reach, how = np.ldexp(radii, -frame.exponent), np.zeros(m, dtype=np.intp)

    def some(first: int, last: int, stop: StopFlag) -> Batch:
        return shepard(*seen.arrays, reach, min(few, n), first, last, stop.flag, how)  # type: ignore[no-any-return]

    W = in_batches(some, (m, n), n * (2.0 * seen.rows.shape[1] + 16), progress)
    return W, how


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
    radii = np.minimum(near.distances[:, -1], view.frame.distance(_half_diameter(view)))
    return LocalFits(radii, near.rows)


def _half_diameter(view: ScaledView) -> Floats:
    """Half the largest distance between two rows, in the frame, as an array of one."""
    Z, each, most = view.scaled_rows, 4096, 0.0
    for start in range(0, view.n, each):
        part = Z[start : start + each]
        # the farthest row maximises |z|^2 - 2 <z, x>
        far = top_rows(view, -2 * part, -1.0, 1)[1][:, 0]
        most = max(most, float(row_norms(Z[far] - part).max()))
    return np.array([most / 2])


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
    seen, n = scene(cloud, Q, metric), cloud.n
    blend, how = _blend(seen, fits.radii, cloud.d + 1, progress)
    counts = np.where(how == COVERED, np.diff(blend.indptr), 0)
    if not fits.near.size or not counts.any():
        return blend
    used = np.unique(blend.indices[np.repeat(how == COVERED, np.diff(blend.indptr))])
    place = np.zeros(n, dtype=np.intp)
    place[used] = np.arange(len(used))
    tables = (place, fits.near, slope_operators(seen, fits.near, used), how)
    given = (blend.indptr, blend.indices, blend.data)

    def some(first: int, last: int, stop: StopFlag) -> Batch:
        return add_slopes(seen.rows, seen.queries, *given, *tables, first, last, stop.flag)  # type: ignore[no-any-return]

    work = n + float(counts.mean()) * fits.near.shape[1] * seen.rows.shape[1] * 2
    return in_batches(some, (len(Q), n), work, None)


def slope_operators(seen: Scene, near: Indices, used: Indices) -> Floats:
    """(u, r, k): for each row used, the linear map from y[near] - y_k to the slope a_k."""
    r, k = seen.rows.shape[1], near.shape[1]
    check_memory(8 * len(used) * r * k, f"local linear fits at {len(used):,} rows")
    made = np.zeros((len(used), r, k))
    each = int(np.clip(SHORT / (20 * k * r * min(k, r)), 1, 4096))

    def some(start: int, stop: StopFlag) -> None:
        if not stop.is_set():
            at = slice(start, start + each)
            rows = used[at]
            made[at] = _operators(seen.rows[near[rows]] - seen.rows[rows][:, None, :], seen.floor)

    with single_threaded_blas():
        run_in_threads(
            some, range(0, len(used), each), max(2, cpu_count()) if len(used) > each else 1
        )
    return made


def _operators(E: Floats, floor: float) -> Floats:
    """Slopes from differences: E (b, k, r) are those of the fitted rows from their own."""
    b, k, r = E.shape
    D = row_norms(E.reshape(b * k, r)).reshape(b, k)
    apart = floor < D
    safe = np.where(apart, D, 1.0)
    # each row of the fit divided by its distance: entries of about 1 whatever the scale
    size = np.where(apart, 1 - D / (WIDER * np.maximum(D.max(axis=1, keepdims=True), floor)), 0.0)
    A = E * (size / safe)[:, :, None]
    return np.linalg.pinv(A, rcond=DEPENDENT) * (size / safe)[:, None, :]
