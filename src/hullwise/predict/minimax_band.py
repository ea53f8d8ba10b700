"""Bands from noise, bends and weights alone, and the target that they are widest for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .._core.results import UNNAMED_ROWS, RecordResult, RowNames, RowResult
from .._core.types import Floats, Indices

if TYPE_CHECKING:
    from .minimax_fits import MinimaxFits, TargetClass

__all__ = ["HardestTarget", "MinimaxBand"]

MEAN_FACTOR = 2.0  # times the learnt smoothness, in bands for the mean
LARGE_BIAS = 30.0  # times the standard error: a folded normal is a normal there


@dataclass(frozen=True, eq=False, repr=False)
class MinimaxBand(RowResult):
    """Bands of m queries, for targets that bend at most `smoothness`.

    Attributes
    ----------
    prediction, lower, upper : (m,), or (m, k) for several targets
    bias : (m,) or (m, k)
        Largest error of the weights over targets that bend so much.
    error : (m,) or (m, k)
        Standard error: that of the rows' noise, and for a new row its own noise too.
    coverage : float
    of : str
        "row" for the target of a new row, "mean" for what it is on average.
    smoothness : (k,)
        How much targets bend at most, in the metric.

    ``band[i]``, slices and masks pick queries; `to_dict` and `to_frame` give a table.

    Examples
    --------
    >>> import numpy as np, hullwise as hw
    >>> X = np.linspace(0, 1, 50)[:, None]
    >>> reg = hw.MinimaxRegressor(noise=0.1, smoothness=0.2).fit(X, X[:, 0] ** 2)
    >>> reg.local([[0.5]]).band(0.9)
    MinimaxBand(1 queries, 0.9 of the rows if the target bends at most 0.2; median width 0.34)
    """

    prediction: Floats
    lower: Floats
    upper: Floats
    bias: Floats
    error: Floats
    coverage: float
    of: str
    smoothness: Floats
    row_names: RowNames = UNNAMED_ROWS

    @property
    def width(self) -> Floats:
        """upper - lower, (m,) or (m, k)."""
        return self.upper - self.lower

    def plot(self, ax: Any = None) -> Any:
        """Draw the predictions in their order, each with its band; returns matplotlib axes."""
        from ..report.result_pictures import draw_band

        drawn: Any = self  # the same columns as any band
        return draw_band(drawn, ax)

    def __repr__(self) -> str:
        middle = f"{np.median(self.width):.3g}" if len(self) else "unknown"
        bends = ", ".join(f"{value:.3g}" for value in self.smoothness)
        what = "rows" if self.of == "row" else "means"
        return (
            f"MinimaxBand({len(self)} queries, {self.coverage:g} of the {what} if the target "
            f"bends at most {bends}; median width {middle})"
        )

    def _take(self, rows: Indices) -> MinimaxBand:
        names = ("prediction", "lower", "upper", "bias", "error")
        part = {name: getattr(self, name)[rows] for name in names}
        return replace(self, **part, row_names=self.row_names.take(rows))

    def _columns(self) -> Mapping[str, Floats]:
        columns: dict[str, Floats] = {}
        for name in ("prediction", "lower", "upper", "bias", "error"):
            values = getattr(self, name)
            if values.ndim == 1:
                columns[name] = values
            else:
                columns |= {f"{name}_{k}": values[:, k] for k in range(values.shape[1])}
        return columns


def band_of_fits(
    fits: MinimaxFits, coverage: float, of: str, smoothness: Floats | None
) -> MinimaxBand:
    """Half width se cv(bias / se), cv the quantile of |N(ratio, 1)| (Armstrong, Kolesar 2018)."""
    own = fits.target_class
    bends = own.smoothness * (MEAN_FACTOR if of == "mean" else 1.0)
    bends = bends if smoothness is None else smoothness
    single = fits.value.ndim == 1
    share = 1 - fits.pull[:, None]
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        reach = 0.0 if np.isinf(own.rho) else own.rho * own.unit * fits.reach[:, None]
        bias = np.abs(bends) * np.hypot(fits.moment[:, None] / 2, reach)
        level = np.where(fits.pull[:, None] > 0, fits.pull[:, None] * fits.level, 0.0)
        bias = np.hypot(np.where(share > 0, share * bias, 0.0), level)
        squares = np.nan_to_num(fits.noise.reshape(len(fits), -1))
        error = np.hypot(share * squares, own.noise if of == "row" else 0.0)
        half = np.where(error > 0, error * folded_quantile(coverage, bias / error), bias)
    half[np.isnan(half)] = np.inf
    value = fits.value.reshape(half.shape)

    def shaped(part: Floats) -> Floats:
        return part[:, 0] if single else part

    return MinimaxBand(
        shaped(value),
        shaped(value - half),
        shaped(value + half),
        shaped(bias),
        shaped(np.asarray(error)),
        coverage,
        of,
        bends,
        fits.row_names,
    )


def folded_quantile(coverage: float, ratio: Floats) -> Floats:
    """The quantile of |N(ratio, 1)|."""
    from scipy.stats import ncx2, norm

    small = np.minimum(np.nan_to_num(ratio, nan=0.0, posinf=LARGE_BIAS), LARGE_BIAS)
    exact = np.sqrt(ncx2.ppf(coverage, 1, np.maximum(small, 1e-8) ** 2))
    return np.asarray(np.where(ratio > LARGE_BIAS, ratio + norm.ppf(coverage), exact))


@dataclass(frozen=True, eq=False)
class HardestTarget(RecordResult):
    """The target of the class that is largest at a query while the rows show least of it.

    A function of rows (n, d) that gives (n,) values: ``s (|a + b'u| - c |u|^2 / 2)_+``, s the sign
    of ``a + b'u``, which is 0 at every row without a weight. No estimator tells it from 0 by more
    than the risk allows: that is why no weights are better.

    Attributes
    ----------
    query : (d,)
    dual : (r + 2,)
    size : float
        What the dual numbers are multiplied by, in the target's units.
    rows : (k, d)
        The training rows with a weight: it is not 0 there.

    Examples
    --------
    >>> import numpy as np, hullwise as hw
    >>> X = np.linspace(0, 1, 50)[:, None]
    >>> reg = hw.MinimaxRegressor(noise=0.1, smoothness=0.2).fit(X, X[:, 0] ** 2)
    >>> hardest = reg.hardest_target([0.5])
    >>> hardest
    HardestTarget(1-dimensional, size 0.855)
    >>> bool(hardest([[0.5]])[0] > hardest([[0.6]])[0] > 0), hardest([[9.0]]) == 0
    (True, array([ True]))
    """

    query: Floats
    dual: Floats
    size: float
    target_class: TargetClass
    rows: Floats

    @property
    def steepest(self) -> Floats:
        """(r,) unit vector, in the metric, along which it rises fastest at the query."""
        slope = self.dual[1:-1] * np.sign(self.dual[0])
        length = float(np.sqrt(slope @ slope))
        return np.asarray(slope / length if length > 0 else np.eye(len(slope))[0])

    def plot(self, ax: Any = None) -> Any:
        """Draw it along its steepest direction, with the rows that weigh; matplotlib axes."""
        from ..report.result_pictures import draw_hardest_target

        return draw_hardest_target(self, ax)

    def __repr__(self) -> str:
        return f"HardestTarget({len(self.query)}-dimensional, size {self.size:.3g})"

    def __call__(self, X: Any) -> Floats:
        own = self.target_class
        rows = np.asarray(X, dtype=np.float64).reshape(-1, len(self.query))
        U = own.metric.image(rows - self.query) / own.unit
        line = self.dual[0] + U @ self.dual[1:-1]
        bump = np.maximum(np.abs(line) - self.dual[-1] * np.square(U).sum(axis=1) / 2, 0.0)
        return np.asarray(self.size * np.sign(line) * bump)


def hardest_target(fits: MinimaxFits, target: int, rows: Floats) -> HardestTarget:
    """That of the first query of some fits, for one of the targets; `rows` (n, d) are trained on.

    Its bend and slope, (c, |b|) times the size, are on the edge of the class.
    """
    own, dual = fits.target_class, fits.dual[0]
    smoothness = own.smoothness[target] * own.unit**2
    length = float(np.sqrt(dual[1:-1] @ dual[1:-1]))
    slope = 0.0 if np.isinf(own.rho) else length / own.rho
    size = smoothness / float(np.hypot(dual[-1], slope))
    hardest = HardestTarget(fits.queries[0], dual, size, own, rows[:0])
    return replace(hardest, rows=rows[hardest(rows) != 0])
