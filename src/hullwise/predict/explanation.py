"""Which training rows make one prediction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .._core.types import Floats, Indices

if TYPE_CHECKING:
    from .interpolant import Interpolant

__all__ = ["Explanation"]


@dataclass(frozen=True, eq=False, repr=False)
class Explanation:
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
    >>> why.to_dict()["target"].tolist()
    [4.0, 0.0, 1.0]
    """

    prediction: float | Floats
    rows: Indices
    labels: NDArray[np.object_] | None
    weights: Floats
    targets: Floats
    distance: Floats
    difference: Floats
    columns: tuple[str, ...]

    def __repr__(self) -> str:
        names = self.rows if self.labels is None else self.labels
        first = ", ".join(f"{n} ({_percent(w)} %)" for n, w in zip(names[:5], self.weights[:5]))
        more = ", ..." if len(self.rows) > 5 else ""
        value = np.array2string(np.asarray(self.prediction), precision=4)
        return f"Explanation({value} from {len(self.rows)} rows: {first}{more})"

    def to_dict(self) -> dict[str, NDArray[Any]]:
        """One entry for each row: its name, weight, target, distance and differences."""
        table: dict[str, NDArray[Any]] = {
            "row": self.rows if self.labels is None else self.labels,
            "weight": self.weights,
        }
        if self.targets.ndim == 1:
            table["target"] = self.targets
        else:
            table |= {f"target {j}": self.targets[:, j] for j in range(self.targets.shape[1])}
        table["distance"] = self.distance
        return table | {f"{c} (row - query)": v for c, v in zip(self.columns, self.difference.T)}

    def to_frame(self) -> Any:
        """The same as a pandas DataFrame (pandas must be installed)."""
        import pandas as pd

        return pd.DataFrame(self.to_dict())


def _percent(weight: float) -> str:
    """Two digits, or a whole number where that says more (100, not 1e+02)."""
    value = 100 * weight
    return f"{value:.0f}" if abs(value) >= 99.5 else f"{value:.2g}"


def explain_prediction(regressor: Interpolant, q: Floats) -> Explanation:
    """The rows that `regressor` uses at q (1, d)."""
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
        None if labels is None else np.asarray(labels)[rows],
        w,
        targets,
        regressor.metric_.norm(difference),
        difference,
        cloud.names,
    )
