"""What a calibrated regressor says of each query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._core.types import Floats
from ..geometry.location_columns import frame_of

__all__ = ["Band"]


@dataclass(frozen=True, eq=False, repr=False)
class Band:
    """Predictions of m queries and the band around each.

    Attributes
    ----------
    prediction, lower, upper : (m,)
        In the target's units.
    scale : (m,)
        The error scale u of each query; the half width is `factor` times that.
    reach : (m,)
        Distance from the query to the weighted average of its rows, in the metric.
    moment : (m,)
        Weighted average of the squared distances of its rows.
    coverage : float
        Stated coverage of the band.
    labels : (m,) object or None
        Names of the queries, where their table had some.

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
    labels: NDArray[np.object_] | None

    @property
    def width(self) -> Floats:
        """upper - lower, (m,)."""
        return self.upper - self.lower

    def __len__(self) -> int:
        return len(self.prediction)

    def __repr__(self) -> str:
        middle = f"{np.median(self.width):.3g}" if len(self) else "unknown"
        return f"Band({len(self)} queries, coverage {self.coverage:g}, median width {middle})"

    def to_dict(self) -> dict[str, Floats]:
        """One entry for each column: prediction, lower, upper, scale, reach, moment."""
        names = ("prediction", "lower", "upper", "scale", "reach", "moment")
        return {name: getattr(self, name) for name in names}

    def to_frame(self) -> Any:
        """One row per query: a pandas DataFrame, or polars or pyarrow where pandas is missing."""
        return frame_of(self.to_dict(), self.labels)
