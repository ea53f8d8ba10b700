"""What minimax linear weights say of each query, and the numbers that prove it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from .._core.foreign import own_errors
from .._core.options import check_fraction, check_nonnegative
from .._core.results import UNNAMED_ROWS, Column, RowNames, RowResult
from .._core.types import Floats, Indices
from ..errors import DataError
from ..geometry.cloud import Cloud
from ..geometry.metric import Metric
from .duplicates import UniqueRows
from .minimax_band import MinimaxBand, band_of_fits
from .targets import as_array

__all__ = ["MinimaxFits", "WeightStatus"]


class WeightStatus(Enum):
    """How the search for minimax weights ended; the value is a sentence.

    Examples
    --------
    >>> import numpy as np, hullwise as hw
    >>> X = np.linspace(0, 1, 20)[:, None]
    >>> reg = hw.MinimaxRegressor(noise=0.1, smoothness=4.0).fit(X, X[:, 0] ** 2)
    >>> [status.name for status in reg.local([[0.5], [1e9]]).status]
    ['OPTIMAL', 'REMOTE']
    """

    OPTIMAL = "no other weights have a smaller worst-case risk, up to 1e-9 of it"
    LOOSE = (
        "the search ended with a duality gap of more than 1e-9 (rounding): the weights are valid, "
        "but others may be better"
    )
    REMOTE = "so far from all rows that nothing is known: the mean of the targets answers"
    INTERPOLATED = "there is nearly no noise: the Delaunay simplex around the query answers"


@dataclass(frozen=True, eq=False)
class TargetClass:
    """The targets that weights are best for, and the units of their dual numbers.

    Attributes
    ----------
    metric : Metric
    unit : float
        Root mean square distance of the rows from their mean, in the metric.
    lam : float
        (noise / smoothness)^2, in units of length to the fourth.
    rho : float
        lipschitz / smoothness, in units of length; infinite where slopes are free.
    noise, smoothness, lipschitz : (k,)
        Of each target, in its own units and the metric's.
    """

    metric: Metric
    unit: float
    lam: float
    rho: float
    noise: Floats
    smoothness: Floats
    lipschitz: Floats


@dataclass(frozen=True, eq=False, repr=False)
class MinimaxFits(RowResult):
    """Minimax linear weights of m queries, and what follows from them.

    Attributes
    ----------
    value : (m,) or (m, k)
        The predictions.
    slope : (m, d) or (m, d, k)
        Slope of the ridge regression whose intercept the weighted average is, in the data's units.
    weights : (m, n) CSR
        On the training rows, of sum 1; signed. The prediction is their average moved to the mean
        of the targets by the share `pull`.
    pull : (m,)
        0 within the data, 1 where nothing is known.
    risk : (m,)
        Largest mean squared error of `weights` over all targets of the class, in units of the
        noise's variance.
    reach, moment : (m,)
        ``|sum w_i x_i - q|`` and ``sum |w_i| |x_i - q|^2`` in the metric.
    dual : (m, r + 2)
        The numbers a, b, c that prove that no other weights have less risk.
    gap : (m,)
        How much less it could be, at most, as a share.
    status : (m,) WeightStatus
    level : (k,)
        How far from their mean targets are, at most; infinite for no bound.

    ``fits[i]``, slices and masks pick queries; `to_dict` and `to_frame` give a table.

    Examples
    --------
    >>> import numpy as np, hullwise as hw
    >>> X = np.linspace(0, 1, 50)[:, None]
    >>> reg = hw.MinimaxRegressor(noise=0.1, smoothness=4.0).fit(X, X[:, 0] ** 2)
    >>> fits = reg.local([[0.5], [0.9]])
    >>> fits
    MinimaxFits(2 queries: 2 optimal; ...)
    >>> fits.verify(X)
    array([ True,  True])
    """

    value: Floats
    slope: Floats
    weights: csr_array
    pull: Floats
    risk: Floats
    reach: Floats
    moment: Floats
    dual: Floats
    gap: Floats
    status: NDArray[np.object_]
    queries: Floats
    target_class: TargetClass
    level: Floats
    unique: UniqueRows | None = None
    row_names: RowNames = UNNAMED_ROWS

    def __repr__(self) -> str:
        names = [status.name for status in self.status]
        counts = [(status.name.lower(), names.count(status.name)) for status in WeightStatus]
        parts = ", ".join(f"{count:,} {name}" for name, count in counts if count)
        rows = f"; median {np.median(self.n_rows):g} rows" if len(self) else ""
        return f"MinimaxFits({len(self):,} queries: {parts or 'none'}{rows})"

    @property
    def n_rows(self) -> Indices:
        """(m,) how many training rows have a weight."""
        return np.asarray(np.diff(self.weights.indptr), dtype=np.intp)

    @property
    def rows(self) -> list[Indices]:
        """The training rows with a weight, heaviest first, for each query."""
        W = self.weights
        spans = [slice(a, b) for a, b in zip(W.indptr[:-1], W.indptr[1:])]
        order = [np.lexsort((W.indices[s], -np.abs(W.data[s]))) for s in spans]
        return [W.indices[s][o].astype(np.intp) for s, o in zip(spans, order)]

    @property
    def shift(self) -> Floats:
        """lipschitz times reach: what it can cost that the rows do not average to the query."""
        finite = np.where(np.isfinite(self.target_class.lipschitz), self.target_class.lipschitz, 0)
        return self._each(finite, self.reach)

    @property
    def spread(self) -> Floats:
        """smoothness / 2 times moment: what it can cost that the rows are not at the query."""
        return self._each(self.target_class.smoothness / 2, self.moment)

    @property
    def noise(self) -> Floats:
        """noise times the root of the sum of squared weights: what the rows' own noise costs."""
        squares = csr_array(
            (np.square(self.weights.data), self.weights.indices, self.weights.indptr),
            shape=self.weights.shape,
        )
        return self._each(self.target_class.noise, np.sqrt(np.asarray(squares.sum(axis=1))))

    @own_errors("computing bands")
    def band(
        self, coverage: float = 0.9, *, of: str = "row", smoothness: Any = None
    ) -> MinimaxBand:
        """Bands from the noise and the bends, with nothing kept aside to calibrate them.

        Parameters
        ----------
        coverage : float
            Between 0 and 1.
        of : {"row", "mean"}
            For the target of a new row, noise and all; or for what it is on average there. For the
            mean the learnt smoothness counts twice: it is what predicts best, which is less than
            what is there.
        smoothness : float or (k,), optional
            How much the target bends at most, in the metric, where that is known. The band then
            covers the mean with a probability of at least `coverage` for every such target, if the
            noise is Gaussian and its size right.

        Returns
        -------
        MinimaxBand

        Notes
        -----
        Learnt constants make no promise: no data bound how much a target bends (Low 1997).
        `CalibratedRegressor` keeps rows aside and has one.
        """
        check_fraction("coverage", coverage, ends=False)
        if of not in ("row", "mean"):
            raise DataError(f"of={of!r}: expected 'row' or 'mean'.")
        bends = None
        if smoothness is not None:
            k = len(self.target_class.noise)
            values = np.atleast_1d(as_array(smoothness, "smoothness"))
            usable = values.dtype.kind in "iuf" and values.shape in ((1,), (k,))
            if not usable or not (np.isfinite(values) & (values >= 0)).all():
                raise DataError(
                    f"smoothness={smoothness!r}: expected a finite number of at least 0, or one "
                    "for each target."
                )
            bends = np.broadcast_to(values.astype(np.float64), (k,))
        return band_of_fits(self, float(coverage), of, bends)

    def _each(self, constants: Floats, values: Floats) -> Floats:
        """Constants (k,) times values (m,): (m,), or (m, k) for several targets."""
        with np.errstate(over="ignore", invalid="ignore"):
            product = values[:, None] * constants
        return product if self.value.ndim == 2 else product[:, 0]

    def _take(self, rows: Indices) -> MinimaxFits:
        names = ("value", "slope", "pull", "risk", "reach", "moment", "dual", "gap", "status")
        part = {name: getattr(self, name)[rows] for name in names}
        return replace(
            self,
            **part,
            weights=csr_array(self.weights[rows]),
            queries=self.queries[rows],
            row_names=self.row_names.take(rows),
        )

    def _columns(self) -> Mapping[str, Column]:
        columns: dict[str, Column] = {"status": [status.name for status in self.status]}
        for name in ("value", "noise", "shift", "spread"):
            values = getattr(self, name)
            if values.ndim == 1:
                columns[name] = values
            else:
                columns |= {f"{name} {k}": values[:, k] for k in range(values.shape[1])}
        columns |= {"risk": self.risk, "pull": self.pull, "rows": self.n_rows, "gap": self.gap}
        if self.slope.ndim == 2:
            columns |= {f"slope {j}": self.slope[:, j] for j in range(self.slope.shape[1])}
        return columns

    @own_errors("verifying weights")
    def verify(self, X: Any, *, tolerance: float = 1e-8, exact: bool = False) -> NDArray[np.bool_]:
        """Check from the rows X alone that no weights on them have less worst-case risk.

        By weak duality: any dual numbers give a lower bound on the risk of all weights, the weights
        themselves an upper bound. One pass over all rows, O(m n d), by code that shares nothing
        with the search.

        Parameters
        ----------
        X : (n, d) or Cloud
            The rows given to `fit`.
        tolerance : float
            How far apart the two bounds may be, as a share of the risk.
        exact : bool
            In rational numbers, for a few queries and some hundred rows: nothing is rounded.

        Returns
        -------
        (m,) bool
            False also where nothing is claimed (`WeightStatus.REMOTE`, `INTERPOLATED`).
        """
        from ._minimax_checker import verify_weights

        allowed = check_nonnegative("tolerance", tolerance)
        cloud = X if isinstance(X, Cloud) else Cloud(X, copy=False)
        n = self.weights.shape[1]
        if (cloud.n, cloud.d) != (n, self.queries.shape[1]):
            raise DataError(
                f"X has shape {(cloud.n, cloud.d)}: expected {(n, self.queries.shape[1])}, the "
                "rows given to fit."
            )
        return verify_weights(self, cloud.rows, allowed, exact)
