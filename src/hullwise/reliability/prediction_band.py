"""What a calibrated regressor says of each query."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._core.results import UNNAMED_ROWS, RowNames, RowResult
from .._core.types import Floats, Indices

__all__ = ["Band"]


@dataclass(frozen=True, eq=False, repr=False)
class Band(RowResult):
    """Predictions of m queries and the band around each.

    Attributes
    ----------
    prediction, lower, upper : (m,), or (m, k) for several targets
        In the target's units.
    scale : (m,) or (m, k)
        The error scale u of each query; the half width is `factor` times that.
    reach : (m,)
        Of an interpolant: distance from the query to the weighted average of its rows, in the
        metric. Else: distance to the hull of the training rows.
    moment : (m,)
        Of an interpolant: weighted average of the squared distances of its rows. Else: twice the
        distance to the fifth nearest training row.
    coverage : float
        Stated coverage of the band.
    labels : (m,) object or None
        Names of the queries, where their table had some.

    ``band[i]``, slices and masks pick queries; `to_dict` and `to_frame` give a table.

    Examples
    --------
    >>> import numpy as np, hullwise as hw
    >>> X = np.linspace(0, 1, 80)[:, None]
    >>> band = hw.CalibratedRegressor(hw.DelaunayRegressor()).fit(X, X[:, 0] ** 2).band([[0.5]])
    >>> band
    Band(1 queries, coverage 0.9, median width 0.000...)
    >>> list(band.to_dict())
    ['prediction', 'lower', 'upper', 'scale', 'reach', 'moment']
    """

    prediction: Floats
    lower: Floats
    upper: Floats
    scale: Floats
    reach: Floats
    moment: Floats
    coverage: float
    row_names: RowNames = UNNAMED_ROWS

    @property
    def width(self) -> Floats:
        """upper - lower, (m,)."""
        return self.upper - self.lower

    def plot(self, ax: Any = None) -> Any:
        """Draw the predictions in their order, each with its band; returns matplotlib axes."""
        from ..report.result_pictures import draw_band

        return draw_band(self, ax)

    def __repr__(self) -> str:
        middle = f"{np.median(self.width):.3g}" if len(self) else "unknown"
        return f"Band({len(self)} queries, coverage {self.coverage:g}, median width {middle})"

    def _take(self, rows: Indices) -> Band:
        return Band(
            self.prediction[rows],
            self.lower[rows],
            self.upper[rows],
            self.scale[rows],
            self.reach[rows],
            self.moment[rows],
            self.coverage,
            self.row_names.take(rows),
        )

    def _columns(self) -> Mapping[str, Floats]:
        columns = {
            "prediction": self.prediction,
            "lower": self.lower,
            "upper": self.upper,
            "scale": self.scale,
        }
        if self.prediction.ndim == 2:
            columns = {
                f"{name}_{j}": values[:, j]
                for j in range(self.prediction.shape[1])
                for name, values in columns.items()
            }
        return {**columns, "reach": self.reach, "moment": self.moment}
