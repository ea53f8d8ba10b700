"""Predictions with all that is to be said of each: rows used, verdict, distance, error bound."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from .._core.results import RecordResult
from .._core.types import Array, Floats, Indices, Mask, Progress
from ..errors import DataError, DataWarning
from ..geometry.hull import HullResult, locate_in_hull
from ..geometry.verdict import Verdict
from .delaunay import DelaunayRegressor
from .error_bound import error_bound
from .interpolant import PREDICTION_BATCH, Interpolant, dense_batch_rows
from .simplices import SimplexStatus, Simplices
from .smoothness import estimate_smoothness

__all__ = [
    "BoundConstants",
    "PredictionErrors",
    "Predictions",
    "bound_constants",
    "explain_all",
    "prediction_errors",
    "quartiles",
]

HEAVIEST_ROWS = 5  # rows named for each prediction


@dataclass(frozen=True, eq=False)
class Predictions(RecordResult):
    """What an interpolant says at each of m queries, and what made it.

    Attributes
    ----------
    value : (m, k) float64
        One column for each target, or a share of each class.
    n_used : (m,) int
        How many training rows have a weight.
    rows, weights : (m, 5)
        The heaviest of them, heaviest first, padded with -1, and their weights.
    verdict : (m,) str
        inside, outside or undecided, of the convex hull of the training rows.
    distance : (m,) float64
        To the hull, in the regressor's metric.
    status : (m,) object
        Members of `SimplexStatus` or `Status`.
    bound : (m, k) float64
        Error bound of each target, the sum of the next two; NaN where no constants were given.
    shift, spread : (m, k) float64
        Its parts, as in `ErrorBound`.
    reach : (m,) float64
        From the query to the weighted average of its rows; NaN where no constants were given.
    verified : (m,) bool
        Whether the simplex passed the check, or there was none to check.
    """

    value: Floats
    n_used: Indices
    rows: Indices
    weights: Floats
    verdict: NDArray[np.str_]
    distance: Floats
    status: NDArray[np.object_]
    bound: Floats
    shift: Floats
    spread: Floats
    reach: Floats
    verified: Mask

    def __len__(self) -> int:
        return len(self.n_used)

    def __repr__(self) -> str:
        inside = int((self.verdict == "inside").sum())
        return f"Predictions({len(self)} queries: {inside} inside)"


def explain_all(
    regressor: Interpolant,
    Q: Floats,
    *,
    constants: BoundConstants | None = None,
    training_rows: Array | None = None,
    progress: Progress | None = None,
) -> Predictions:
    """Predictions of a fitted interpolant at Q (m, d), some thousand rows at a time; m may be 0.

    Parameters
    ----------
    regressor : Interpolant
    Q : (m, d) float64
    constants : BoundConstants, optional
        Those of the error bound.
    training_rows : (n, d), optional
        The training rows, to verify Delaunay simplices against.
    progress : callable, optional
        Called with (done, total, what).

    Examples
    --------
    >>> import numpy as np, hullwise as hw
    >>> from hullwise.predict.predictions import bound_constants, explain_all
    >>> reg = hw.DelaunayRegressor(metric=None).fit([[0.0], [1.0], [3.0]], [0.0, 1.0, 9.0])
    >>> constants = bound_constants(reg, smoothness=[2.0], lipschitz=[0.0])
    >>> predictions = explain_all(reg, np.array([[0.5], [4.0]]), constants=constants)
    >>> predictions
    Predictions(2 queries: 1 inside)
    >>> predictions.value[:, 0], predictions.n_used, predictions.distance
    (array([0.5, 9. ]), array([2, 1]), array([0., 1.]))
    """
    batch = PREDICTION_BATCH
    if not isinstance(regressor, DelaunayRegressor):
        batch = dense_batch_rows(regressor.cloud_.n)
    parts = [_no_predictions(regressor)]
    for start in range(0, len(Q), batch):
        advanced = _advanced(progress, start, len(Q))
        queries = Q[start : start + batch]
        parts.append(_explain_batch(regressor, queries, constants, training_rows, advanced))
    names = [f.name for f in fields(Predictions)]
    return Predictions(**{n: np.concatenate([getattr(p, n) for p in parts]) for n in names})


def _no_predictions(regressor: Interpolant) -> Predictions:
    k = 1 if regressor.y_.ndim == 1 else regressor.y_.shape[1]
    return Predictions(
        value=np.zeros((0, k)),
        n_used=np.zeros(0, np.intp),
        rows=np.zeros((0, HEAVIEST_ROWS), np.intp),
        weights=np.zeros((0, HEAVIEST_ROWS)),
        verdict=np.zeros(0, "<U9"),
        distance=np.zeros(0),
        status=np.zeros(0, object),
        bound=np.zeros((0, k)),
        shift=np.zeros((0, k)),
        spread=np.zeros((0, k)),
        reach=np.zeros(0),
        verified=np.zeros(0, bool),
    )


def _advanced(progress: Progress | None, start: int, total: int) -> Progress | None:
    """The callback for a batch that begins at `start`."""
    if progress is None:
        return None
    return lambda count, _, what: progress(start + count, total, what)


def _explain_batch(
    regressor: Interpolant,
    Q: Floats,
    constants: BoundConstants | None,
    training_rows: Array | None,
    progress: Progress | None,
) -> Predictions:
    verified = np.ones(len(Q), dtype=bool)
    if isinstance(regressor, DelaunayRegressor):
        simplices = regressor.simplices(Q, progress=progress)
        unique = regressor.unique_rows_
        W = simplices.weights if unique is None else csr_array(simplices.weights[:, unique.first])
        position = _position_of_simplices(regressor, simplices)
        if training_rows is not None:
            claims_none = simplices.status == SimplexStatus.LOOSE
            verified = simplices.verify(training_rows) | claims_none
    else:
        W = regressor.unique_row_weights(Q, progress)
        hull = locate_in_hull(regressor.cloud_, Q, regressor.metric_, progress=progress)
        position = _position_of_hull(hull)
    shared = regressor.share_among_copies(W)
    value = np.asarray(shared @ regressor.y_).reshape(len(Q), -1)
    n_used, (rows, weights) = np.diff(shared.indptr), _heaviest(shared)
    unknown = np.full(value.shape, np.nan)
    bound = (unknown, unknown, unknown, np.full(len(Q), np.nan))
    if constants is not None:
        b = error_bound(
            *(W, regressor.cloud_, Q),
            smoothness=constants.smoothness,
            lipschitz=constants.lipschitz,
            metric=regressor.metric_,
        )
        bound = (b.total, b.shift, b.spread, b.reach)
    return Predictions(value, n_used, rows, weights, *position, *bound, verified)


Position = tuple[NDArray[np.str_], Floats, NDArray[np.object_]]  # verdict, distance, status


def _position_of_hull(hull: HullResult) -> Position:
    words = [Verdict(v).name.lower() for v in hull.verdict.tolist()]
    return np.array(words, dtype="<U9"), hull.ranked_distance, hull.status


def _position_of_simplices(regressor: Interpolant, simplices: Simplices) -> Position:
    """A simplex says where its query lies, unless the search for it ended early."""
    inside = simplices.status == SimplexStatus.INSIDE
    verdict = np.where(inside, "inside", "outside").astype("<U9")
    distance = simplices.distance.copy()
    loose = simplices.status == SimplexStatus.LOOSE
    if loose.any():
        hull = locate_in_hull(regressor.cloud_, simplices.queries[loose], regressor.metric_)
        verdict[loose], distance[loose], _ = _position_of_hull(hull)
    return verdict, distance, simplices.status


def _heaviest(W: csr_array) -> tuple[Indices, Floats]:
    """The heaviest rows of each query and their weights, heaviest first."""
    rows = np.full((W.shape[0], HEAVIEST_ROWS), -1, dtype=np.intp)
    weights = np.zeros((W.shape[0], HEAVIEST_ROWS))
    for b in range(W.shape[0]):
        span = slice(W.indptr[b], W.indptr[b + 1])
        order = np.lexsort((W.indices[span], -np.abs(W.data[span])))[:HEAVIEST_ROWS]
        rows[b, : len(order)] = W.indices[span][order]
        weights[b, : len(order)] = W.data[span][order]
    return rows, weights


@dataclass(frozen=True)
class PredictionErrors:
    """Errors of predictions whose targets are known.

    Attributes
    ----------
    n_known : int
        How many targets are known.
    median, mean : float
        Absolute errors.
    r2 : float
        1 less the squared errors over those of the mean; NaN where the known targets are equal.
    n_within : int
        How many errors are within their bound, rounding allowed for; 0 without bounds.
    """

    n_known: int
    median: float
    mean: float
    r2: float
    n_within: int


def prediction_errors(
    predictions: Predictions, known: Floats, largest: float, target: int = 0
) -> PredictionErrors | None:
    """Errors against known values (m,) of a target, NaN where missing; None where all are.

    `largest` is its largest size in training: it measures the rounding that a bound does not
    cover.
    """
    mask = np.isfinite(known)
    if not mask.any():
        return None
    error = np.abs(predictions.value[:, target] - known)[mask]
    spread = float(np.square(known[mask] - known[mask].mean()).sum())
    # a sum of k products is rounded k + 1 times
    rounding = (predictions.n_used[mask] + 1) * 2.0**-53 * largest
    within = error <= predictions.bound[mask, target] + rounding
    return PredictionErrors(
        n_known=int(mask.sum()),
        median=float(np.median(error)),
        mean=float(error.mean()),
        r2=1 - float(np.square(error).sum()) / spread if spread > 0 else float("nan"),
        n_within=int(within.sum()),
    )


def quartiles(values: Any) -> Floats:
    """Least, 25 %, median, 75 % and largest; inf where a quartile lies towards an infinite one."""
    with np.errstate(invalid="ignore"):
        cells = np.quantile(values, [0, 0.25, 0.5, 0.75, 1])
    return np.asarray(np.where(np.isnan(cells), np.inf, cells))


@dataclass(frozen=True, eq=False)
class BoundConstants:
    """Constants of an error bound, (k,) each for k targets, and which of them are estimates."""

    smoothness: Floats
    lipschitz: Floats
    estimated: tuple[str, ...]

    @property
    def unknown(self) -> tuple[str, ...]:
        """Those that the training rows do not tell: no bound is better than a wrong one."""
        values = {"smoothness": self.smoothness, "lipschitz": self.lipschitz}
        return tuple(name for name, value in values.items() if not np.isfinite(value).all())


def bound_constants(
    regressor: Interpolant, *, smoothness: Sequence[float] = (), lipschitz: Sequence[float] = ()
) -> BoundConstants:
    """The constants of a fitted interpolant's bound, estimated from its rows where not named.

    One number holds for all targets, else there is one for each.
    """
    k = 1 if regressor.y_.ndim == 1 else regressor.y_.shape[1]
    named = {"smoothness": smoothness, "lipschitz": lipschitz}
    values = {name: np.full(k, np.nan) for name in named}
    for name, numbers in named.items():
        if len(numbers) not in (0, 1, k):
            raise DataError(f"{name} has {len(numbers)} values: expected one, or {k}.")
        if len(numbers):
            values[name][:] = numbers
    missing = tuple(name for name, numbers in named.items() if not len(numbers))
    if missing:
        with warnings.catch_warnings(), suppress(DataError):  # who asks words what is unknown
            warnings.simplefilter("ignore", DataWarning)
            y = regressor.y_
            if regressor.averaging_ is not None:
                y = np.asarray(regressor.averaging_ @ y)
            estimate = estimate_smoothness(regressor.cloud_, y, metric=regressor.metric_)
            values |= {name: np.atleast_1d(getattr(estimate, name)) for name in missing}
    return BoundConstants(values["smoothness"], values["lipschitz"], missing)
