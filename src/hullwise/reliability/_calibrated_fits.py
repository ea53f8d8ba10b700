"""A regressor fitted on some rows, with what its errors may grow with at new ones.

An interpolant has the reach and the moment of its weights; any other regressor the distances of
the query to the hull of its training rows and to their nearest.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from sklearn.base import clone
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import has_fit_parameter

from .._core.foreign import own_errors
from .._core.types import Array, Floats, Indices
from ..domain.domain import Domain
from ..errors import DataWarning
from ..io.validation import LabelledArray, check_rows
from ..predict.duplicates import unique_rows
from ..predict.error_bound import error_bound
from ..predict.interpolant import PREDICTION_BATCH, Interpolant
from ..predict.outlier_check import warn_of_outliers
from ._calibration_scale import LEAST_SHARE

DISTANCE_SHARE = 0.4  # least share of each distance in the width of bands around any regressor
RADIUS_ROWS = 1000  # rows that serve for the spread of the data, at most


@dataclass(frozen=True, eq=False)
class Terms:
    """What the error may grow with at each of m rows: two distances, or reach and moment."""

    prediction: Floats  # (m, k)
    reach: Floats  # (m,)
    moment: Floats  # (m,)
    scale: Floats | None = None  # (m,) where the regressor knows how its errors grow


class CalibratedFit(Protocol):
    """A regressor fitted on some rows of a table."""

    @property
    def model(self) -> Any:
        """The fitted regressor."""
        ...

    def terms(self, Q: Any) -> Terms:
        """Predictions at rows Q, and what their errors may grow with."""
        ...

    @property
    def radius(self) -> float:
        """How far the training rows spread, in the unit of reach."""
        ...


class CalibrationTable(Protocol):
    """Training rows that a regressor is fitted on, some of them left out."""

    n: int
    least_share: float
    group: Indices | None

    def take(self, rows: Indices) -> Any:
        """Some of the rows, as the regressor takes them."""
        ...

    def fit(self, y: Floats, rows: Indices) -> CalibratedFit:
        """The regressor, fitted on these rows and targets (n, k) alone."""
        ...


# ---- interpolants -----------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class InterpolantFit:
    """A fitted interpolant: errors go with the reach and the moment of its weights."""

    model: Interpolant

    def terms(self, Q: Any) -> Terms:
        values = check_rows(Q, allow_empty=True).values.astype(np.float64)
        starts = range(0, max(1, len(values)), PREDICTION_BATCH)
        batches = [values[start : start + PREDICTION_BATCH] for start in starts]
        parts = [self._batch(batch) for batch in batches]
        prediction, reach, moment = (np.concatenate(part) for part in zip(*parts))
        if not self.has_own_scale:
            return Terms(prediction, reach, moment)
        model: Any = self.model
        scale = np.concatenate([model.error_scale(batch) for batch in batches])
        return Terms(prediction, reach, moment, scale)

    @property
    def has_own_scale(self) -> bool:
        """Whether the interpolant says how its errors grow, as one with noise does."""
        return hasattr(self.model, "error_scale")

    def _batch(self, Q: Floats) -> tuple[Floats, Floats, Floats]:
        model = self.model
        W = model.unique_row_weights(Q)
        bound = error_bound(W, model.cloud_, Q, smoothness=0.0, metric=model.metric_)
        prediction = np.asarray(model.share_among_copies(W) @ model.y_)
        return (
            prediction if prediction.ndim == 2 else prediction[:, None],
            bound.reach,
            bound.moment,
        )

    @property
    def radius(self) -> float:
        cloud = self.model.cloud_
        rows = cloud.take(cloud.sample(RADIUS_ROWS))
        return float(np.median(self.model.metric_.norm(rows - cloud.mean)))


class InterpolantTable:
    """Rows for an interpolant, checked once, with the numbers of the whole table."""

    least_share = LEAST_SHARE

    def __init__(self, interpolant: Interpolant, checked: LabelledArray, y: Floats) -> None:
        self.interpolant, self.checked, self.n = interpolant, checked, len(checked.values)
        self.group: Indices | None = None  # (n,) for interpolants that leave groups out to learn
        warn_of_outliers(
            checked.values, checked.columns or [f"x{j}" for j in range(checked.values.shape[1])]
        )
        unique = unique_rows(checked.values)
        if len(unique.first) < self.n:
            interpolant.check_duplicates(y[:, 0] if y.shape[1] == 1 else y, unique)

    def take(self, rows: Indices) -> Any:
        return with_columns(self.checked.values[rows], self.checked.columns)

    def fit(self, y: Floats, rows: Indices) -> InterpolantFit:
        target = y[rows, 0] if y.shape[1] == 1 else y[rows]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataWarning)  # said before, about the whole table
            model, own = clone(self.interpolant), {}
            if self.group is not None and has_fit_parameter(model, "groups"):
                own = {"groups": self.group[rows]}
            return InterpolantFit(model.fit(self.take(rows), target, **own))


def with_columns(values: Array, columns: tuple[str, ...] | None) -> Any:
    """A table with the names that the rows came with."""
    if columns is None:
        return values
    import pyarrow as pa

    return pa.table({name: values[:, j] for j, name in enumerate(columns)})


# ---- any other regressor ----------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class ModelFit:
    """Any fitted regressor, and the domain of its training rows.

    Errors go with the distance to the hull and the distance to the fifth nearest training row.
    """

    model: Any
    domain: Domain

    def terms(self, Q: Any) -> Terms:
        with own_errors("predicting with the model"):
            prediction = np.asarray(self.model.predict(Q), dtype=np.float64)
        location = self.domain.locate(Q)
        m = len(location)
        hull, neighbours = np.full(m, np.inf), np.full(m, np.inf)
        for part in location.parts:
            here = part.location
            hull[part.rows] = np.where(here.verdict == 1, 0.0, here.upper)
            neighbours[part.rows] = here.neighbour_distance
        hull[location.unseen.any(axis=1)] = np.inf
        columns = prediction if prediction.ndim == 2 else prediction[:, None]
        return Terms(columns, hull, 2 * neighbours)

    @property
    def radius(self) -> float:
        return 0.0  # the least share of a distance is not capped


class ModelTable:
    """A table as a regressor takes it: an array, or a frame of any library."""

    least_share = DISTANCE_SHARE

    def __init__(self, regressor: Any, domain: Domain, X: Any) -> None:
        self.regressor, self.domain, self.X = regressor, domain, X
        self.n = int(X.shape[0])
        self.group: Indices | None = None  # (n,) for models that leave groups out to learn

    def take(self, rows: Indices) -> Any:
        return _safe_indexing(self.X, rows)

    def fit(self, y: Floats, rows: Indices) -> ModelFit:
        table, target = self.take(rows), y[rows, 0] if y.shape[1] == 1 else y[rows]
        with own_errors("fitting the model"):
            model, own = clone(self.regressor), {}
            if self.group is not None and has_fit_parameter(model, "groups"):
                own = {"groups": self.group[rows]}
            model.fit(table, target, **own)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataWarning)
            return ModelFit(model, self.domain.unfitted().fit(table))
