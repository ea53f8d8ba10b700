"""Which training rows make one prediction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .._core.results import UNNAMED_ROWS, Column, RowNames, TableResult, frame_of
from .._core.types import Floats, Indices

if TYPE_CHECKING:
    from ..io.validation import LabelledArray
    from .interpolant import Interpolant

__all__ = ["Explanation"]


@dataclass(frozen=True, eq=False, repr=False)
class Explanation(TableResult):
    """The rows behind one prediction, heaviest first.

    Attributes
    ----------
    prediction : float or (k,)
        ``weights @ targets``.
    rows : (s,) intp
        Training rows with a weight, by number from 0.
    labels : (s,) object or None
        Their labels, where the training table had some.
    weights : (s,)
        Their weights; the sum is 1.
    targets : (s,) or (s, k)
        Their targets.
    distance : (s,)
        How far each is from the query, in the metric.
    difference : (s, d)
        Row minus query, in the data's own units.
    columns : tuple of str
        Names of the d features.

    Examples
    --------
    >>> import hullwise as hw
    >>> X, y = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]], [0.0, 1.0, 4.0]
    >>> why = hw.DelaunayRegressor(metric=None).fit(X, y).explain([0.25, 0.5])
    >>> why
    Explanation(2.25 from 3 rows: 2 (50 %), 0 (25 %), 1 (25 %))
    >>> why.to_dict()["target"]
    [4.0, 0.0, 1.0]
    """

    prediction: float | Floats
    rows: Indices
    weights: Floats
    targets: Floats
    distance: Floats
    difference: Floats
    columns: tuple[str, ...]
    row_names: RowNames = UNNAMED_ROWS

    def plot(self, ax: Any = None) -> Any:
        """Draw the training rows by their weights; returns matplotlib axes."""
        from ..report.result_pictures import draw_explanation

        return draw_explanation(self, ax)

    def __repr__(self) -> str:
        names = self.rows if self.labels is None else self.labels
        first = ", ".join(f"{n} ({_percent(w)} %)" for n, w in zip(names[:5], self.weights[:5]))
        more = ", ..." if len(self.rows) > 5 else ""
        value = np.array2string(np.asarray(self.prediction), precision=4)
        return f"Explanation({value} from {len(self.rows)} rows: {first}{more})"

    def _columns(self) -> Mapping[str, Column]:
        """One entry for each row: its name, weight, target, distance and differences."""
        columns: dict[str, Column] = {
            "row": self.rows if self.labels is None else self.labels,
            "weight": self.weights,
        }
        if self.targets.ndim == 1:
            columns["target"] = self.targets
        else:
            columns |= {f"target {j}": self.targets[:, j] for j in range(self.targets.shape[1])}
        columns["distance"] = self.distance
        return columns | {f"{c} (row - query)": v for c, v in zip(self.columns, self.difference.T)}

    def to_frame(self) -> Any:
        """The same as a data frame, in the library that the query came in (see `to_dict`)."""
        return frame_of(self._columns(), RowNames(None, self.row_names.frame_library))


def _percent(weight: float) -> str:
    """Two digits, or a whole number where that says more (100, not 1e+02)."""
    value = 100 * weight
    return f"{value:.0f}" if abs(value) >= 99.5 else f"{value:.2g}"


def explain_prediction(regressor: Interpolant, query: LabelledArray) -> Explanation:
    """The rows that `regressor` uses at a query of one row."""
    q = query.values.astype(np.float64)
    W = regressor.row_weights(q)  # not `weights`, which would miss the names that q came with
    order = np.lexsort((W.indices, -np.abs(W.data)))
    rows, w = W.indices[order].astype(np.intp), W.data[order]
    cloud, targets = regressor.cloud_, regressor.y_[rows]
    unique = regressor.unique_rows_
    difference = cloud.take(rows if unique is None else unique.inverse[rows]) - q
    labels = regressor.labels_
    prediction = w @ targets
    return Explanation(
        float(prediction) if targets.ndim == 1 else np.asarray(prediction),
        rows,
        w,
        targets,
        regressor.metric_.norm(difference),
        difference,
        cloud.names,
        RowNames(None if labels is None else np.asarray(labels)[rows], query.frame_library),
    )
