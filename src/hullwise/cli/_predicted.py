"""What `hullwise predict` finds for each new row, some thousand rows at a time."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from .._core.types import Floats, Indices, Progress
from ..geometry.hull import HullResult, locate_in_hull
from ..geometry.verdict import Verdict
from ..predict.delaunay import DelaunayRegressor
from ..predict.error_bound import error_bound
from ..predict.interpolant import PREDICTION_BATCH, Interpolant
from ..predict.simplices import SimplexStatus, Simplices

NAMED = 5  # rows named for each prediction
FEWEST = 64  # queries at once
HELD = 1 << 24  # weights at once, where every training row may have one


@dataclass(frozen=True, eq=False)
class Predicted:
    """One entry for each of m queries."""

    value: Floats  # (m, k): k = 1, or one share for each class
    used: Indices  # (m,) how many training rows
    rows: Indices  # (m, NAMED) the heaviest of them, padded with -1
    weights: Floats  # (m, NAMED)
    verdict: NDArray[np.str_]  # (m,)
    distance: Floats  # (m,) to the hull, in the metric
    status: NDArray[np.object_]  # (m,) SimplexStatus or Status
    bound: Floats  # (m, 4) total, shift, spread, reach; NaN where none was asked for
    holds: NDArray[np.bool_]  # (m,) whether the simplex was verified, or need not be

    def __len__(self) -> int:
        return len(self.used)


@dataclass(frozen=True)
class Asked:
    """What is computed besides predictions and verdicts."""

    constants: tuple[float, float] | None  # smoothness and lipschitz of the bound
    checked: NDArray[Any] | None  # training rows to verify simplices against


def predicted(
    regressor: Interpolant, Q: Floats, asked: Asked, progress: Progress | None
) -> Predicted:
    """Predictions at Q (m, d), m may be 0, by a fitted regressor."""
    each = PREDICTION_BATCH
    if not isinstance(regressor, DelaunayRegressor):
        each = int(np.clip(HELD // regressor.cloud_.n, FEWEST, PREDICTION_BATCH))
    parts = [_none(regressor)]
    for start in range(0, len(Q), each):
        said = _ahead(progress, start, len(Q))
        parts.append(_some(regressor, Q[start : start + each], asked, said))
    names = [f.name for f in fields(Predicted)]
    return Predicted(**{n: np.concatenate([getattr(p, n) for p in parts]) for n in names})


def _none(regressor: Interpolant) -> Predicted:
    k = 1 if regressor.y_.ndim == 1 else regressor.y_.shape[1]
    whole, none = np.zeros(0, np.intp), np.zeros(0)
    rows, word, name = np.zeros((0, NAMED), np.intp), np.zeros(0, "<U9"), np.zeros(0, object)
    wide = np.zeros((0, k)), np.zeros((0, NAMED)), np.zeros((0, 4))
    return Predicted(wide[0], whole, rows, wide[1], word, none, name, wide[2], np.zeros(0, bool))


def _ahead(progress: Progress | None, start: int, total: int) -> Progress | None:
    if progress is None:
        return None
    return lambda done, _, what: progress(start + done, total, what)


def _some(regressor: Interpolant, Q: Floats, asked: Asked, progress: Progress | None) -> Predicted:
    holds = np.ones(len(Q), dtype=bool)
    if isinstance(regressor, DelaunayRegressor):
        found = regressor.simplices(Q, progress=progress)
        unique = regressor.unique_rows_
        W = found.weights if unique is None else csr_array(found.weights[:, unique.first])
        place = _of_simplices(regressor, found)
        if asked.checked is not None:
            holds = found.verify(asked.checked) | (found.status == SimplexStatus.LOOSE)
    else:
        W = regressor.unique_row_weights(Q, progress)
        place = _of_hull(locate_in_hull(regressor.cloud_, Q, regressor.metric_, progress=progress))
    rows = regressor.share_among_copies(W)
    value = np.asarray(rows @ regressor.y_).reshape(len(Q), -1)
    bound = np.full((len(Q), 4), np.nan)
    if asked.constants is not None:
        gamma, slope = asked.constants
        b = error_bound(
            *(W, regressor.cloud_, Q), smoothness=gamma, lipschitz=slope, metric=regressor.metric_
        )
        bound = np.stack([b.total, b.shift, b.spread, b.reach], axis=1)
    heaviest, (verdict, distance, status) = _heaviest(rows), place
    used = np.diff(rows.indptr)
    return Predicted(value, used, *heaviest, verdict, distance, status, bound, holds)


Place = tuple[NDArray[np.str_], Floats, NDArray[np.object_]]


def _of_hull(hull: HullResult) -> Place:
    words = [Verdict(v).name.lower() for v in hull.verdict.tolist()]
    return np.array(words, dtype="<U9"), hull.ranked_distance, hull.status


def _of_simplices(regressor: Interpolant, found: Simplices) -> Place:
    """A simplex says where its query lies, unless the search for it ended early."""
    inside = found.status == SimplexStatus.INSIDE
    verdict, distance = np.where(inside, "inside", "outside").astype("<U9"), found.distance.copy()
    loose = found.status == SimplexStatus.LOOSE
    if loose.any():
        ask = regressor.cloud_, found.queries[loose], regressor.metric_
        verdict[loose], distance[loose], _ = _of_hull(locate_in_hull(*ask))
    return verdict, distance, found.status


def _heaviest(W: csr_array) -> tuple[Indices, Floats]:
    """The NAMED heaviest rows of each query and their weights, heaviest first."""
    rows = np.full((W.shape[0], NAMED), -1, dtype=np.intp)
    weights = np.zeros((W.shape[0], NAMED))
    for b in range(W.shape[0]):
        span = slice(W.indptr[b], W.indptr[b + 1])
        order = np.lexsort((W.indices[span], -np.abs(W.data[span])))[:NAMED]
        rows[b, : len(order)] = W.indices[span][order]
        weights[b, : len(order)] = W.data[span][order]
    return rows, weights
