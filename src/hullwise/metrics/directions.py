"""The directions of a metric: along which changes of the rows count, and along how many.

In standardised units S M S, with S the features' standard deviations, the eigenvectors are steps
whose entries are standard deviations of the features, and the eigenvalues what such a step of
length 1 counts for (squared).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._core.options import check_fraction
from .._core.results import UNNAMED_ROWS, Column, RowNames, TableResult
from .._core.types import Floats
from ..errors import DataError
from ..geometry.cloud import Cloud
from ..geometry.metric import Metric

MAX_NAMED_FEATURES = 5
TEXT_WEIGHT_SHARE = 0.9  # of the squared weight
EIGENVALUE_FLOOR = 1e-14


@dataclass(frozen=True, eq=False)
class Directions(TableResult):
    """Eigenvectors of a metric in standardised units, the one that counts most first.

    Attributes
    ----------
    eigenvalues : (r,) float64
        Of S M S, descending, all positive: the squared length in the metric of a step of one
        standard deviation along the direction.
    share : (r,) float64
        Each eigenvalue as a share of their sum.
    vectors : (r, d) float64
        Unit vectors: a step along one changes feature j by ``vectors[i, j]`` of its standard
        deviations. The largest entry of each is positive. 0 for a feature that is constant.
    feature_share : (d,) float64
        Each feature's share of the trace: what it counts for by itself.
    columns : tuple of str
        Names of the d features.

    Examples
    --------
    >>> import numpy as np, hullwise as hw
    >>> X = np.random.default_rng(0).normal(size=(500, 3))
    >>> M = np.outer([0.8, -0.6, 0.0], [0.8, -0.6, 0.0])
    >>> found = hw.metrics.directions(M, X / X.std(axis=0), columns=["temp", "wind", "rain"])
    >>> found
    Directions(effective dimension 1.00 of 3; 0.80 temp - 0.60 wind)
    """

    eigenvalues: Floats
    share: Floats
    vectors: Floats
    feature_share: Floats
    columns: tuple[str, ...]
    row_names: RowNames = UNNAMED_ROWS

    def __len__(self) -> int:
        return len(self.eigenvalues)

    def plot(self, ax: Any = None) -> Any:
        """Draw what each direction counts for; returns matplotlib axes."""
        from ..report.result_pictures import draw_directions

        return draw_directions(self, ax)

    def __repr__(self) -> str:
        return (
            f"Directions(effective dimension {self.effective_dimension:.2f} of "
            f"{len(self.columns)}; {self.text(0)})"
        )

    @property
    def effective_dimension(self) -> float:
        """The participation ratio (sum of the eigenvalues)^2 / (sum of their squares).

        1 where one direction is all that counts, r where r directions count alike.
        """
        return float(1.0 / np.square(self.share).sum())

    def terms(self, i: int, most: int = MAX_NAMED_FEATURES) -> list[tuple[str, float]]:
        """The features that make up direction i, (name, weight), the largest first.

        As many as hold 90 % of the squared weight, at most `most`.
        """
        v = self.vectors[i]
        order = np.argsort(-np.abs(v), kind="stable")
        cumulative = np.cumsum(np.square(v[order]))
        count = min(most, int(np.searchsorted(cumulative, TEXT_WEIGHT_SHARE - 1e-12)) + 1)
        return [(self.columns[j], float(v[j])) for j in order[:count].tolist()]

    def more(self, i: int, most: int = MAX_NAMED_FEATURES) -> int:
        """How many further features have a weight of at least 0.005 in direction i."""
        return max(0, int((np.abs(self.vectors[i]) >= 0.005).sum()) - len(self.terms(i, most)))

    def text(self, i: int, most: int = MAX_NAMED_FEATURES) -> str:
        """Direction i in words, such as ``0.92 temperature - 0.31 wind + 7 more``."""
        text = ""
        for name, weight in self.terms(i, most):
            sign = "- " if weight < 0 else "+ "
            text += f" {sign}{abs(weight):.2f} {name}" if text else f"{weight:.2f} {name}"
        more = self.more(i, most)
        return f"{text} + {more} more" if more else text

    def _columns(self) -> Mapping[str, Column]:
        columns: dict[str, Column] = {
            "eigenvalue": self.eigenvalues,
            "share": self.share,
            "direction": [self.text(i) for i in range(len(self))],
        }
        for j, name in enumerate(self.columns):
            columns[name if name not in columns else f"weight of {name}"] = self.vectors[:, j]
        return columns


def directions(
    M: ArrayLike | Metric | None, X: Any, *, columns: Sequence[str] | None = None
) -> Directions:
    """The directions in which a metric counts changes, in the features' standard deviations.

    A metric's own eigenvectors depend on units: a feature in millimetres counts a millionth of what
    it does in metres. Measured in standard deviations over the training rows they do not.

    Parameters
    ----------
    M : (d, d) or (d,) array, None, "std" or "range"
        As the `metric` of :func:`hullwise.locate`; ``location.metric`` too.
    X : array-like (n, d), data frame or Cloud
        The training rows: only their standard deviations are used. A constant feature has none, so
        it weighs 0: nothing that was seen varies along it.
    columns : sequence of str, optional
        Names of the features; by default those of X.

    Returns
    -------
    Directions

    Raises
    ------
    DataError
        If M is no metric of d features, or sees only features that are constant in X.

    Notes
    -----
    O(n d + d^3). The effective dimension is the participation ratio (tr A)^2 / tr A^2 of A = S M S.

    Examples
    --------
    >>> import numpy as np, hullwise as hw
    >>> X = np.random.default_rng(0).normal(size=(500, 3)) * [1.0, 1000.0, 1.0]
    >>> M = hw.metrics.agop(lambda x: x[:, 0] + x[:, 1] / 500, X, ridge=0)
    >>> print(hw.metrics.directions(M, X).text(0))
    0.89 x1 + 0.46 x0
    """
    cloud = X if isinstance(X, Cloud) else Cloud(X, copy=False)
    names = tuple(cloud.names if columns is None else map(str, columns))
    if len(names) != cloud.d:
        raise DataError(f"columns holds {len(names)} names; X has {cloud.d} features.")
    spectral = _spectral_directions(_standardised(M, cloud), names)
    return replace(spectral, row_names=RowNames(frame_library=cloud.frame_library))


def directions_from_spread(metric: Metric, spread: Floats, names: Sequence[str]) -> Directions:
    """The same from standard deviations alone, 0 for constant features."""
    return _spectral_directions(_standardised_metric(metric, spread), tuple(names))


def _spectral_directions(A: Floats, names: tuple[str, ...]) -> Directions:
    """The directions of S M S."""
    trace = float(np.trace(A))
    if not trace > 0:
        raise DataError(
            "the metric gives weight only to features that are constant over the training rows: "
            "it has no direction in which they differ."
        )
    values, vectors = np.linalg.eigh(A / trace)
    values, vectors = values[::-1], vectors[:, ::-1].T
    keep = values > EIGENVALUE_FLOOR * values[0]
    values, vectors = values[keep], vectors[keep]
    largest = vectors[np.arange(len(vectors)), np.abs(vectors).argmax(axis=1)]
    # 0.0 is added so that no entry is -0.0
    vectors = vectors * np.sign(largest)[:, None] + 0.0
    return Directions(values * trace, values / values.sum(), vectors, np.diag(A) / trace, names)


def leading_metric(M: ArrayLike, spread: Floats, share: float, text: str = "") -> Metric:
    """The directions that hold a share of a metric, and no others.

    Rows that are inside in all that matters can then be proved inside. Units of very different
    sizes, which would hide small eigenvalues of M itself, do no harm.

    Parameters
    ----------
    M : array-like (d, d)
        Symmetric, positive semidefinite.
    spread : (d,) float64
        Units, such as the standard deviations of the features (``cloud.spread``), all positive.
    share : float
        Of the sum of the eigenvalues of S M S, with S the units: above 0, at most 1.
    text : str
        What the metric is, for people.

    Returns
    -------
    Metric
        Of as many directions as hold the share, for ``metric=`` of :func:`hullwise.locate`.

    Raises
    ------
    DataError
        M or `spread` has another shape, a unit is not positive, the share is not above 0 and at
        most 1, or M sees no direction at all.

    Notes
    -----
    O(d^3).

    Examples
    --------
    >>> import numpy as np, hullwise as hw
    >>> metric = hw.metrics.leading_metric(np.diag([4.0, 1.0, 1e-6]), np.ones(3), 0.99)
    >>> metric.rank
    2
    """
    A, spread = _checked_form(M, spread)
    if not check_fraction("share", share, ends=True):
        raise DataError("share=0: expected a number above 0, and at most 1.")
    A = A * np.outer(spread, spread)
    values, vectors = np.linalg.eigh((A + A.T) / 2)
    values, vectors = np.maximum(values[::-1], 0.0), vectors[:, ::-1]
    cumulative = np.cumsum(values)
    if not cumulative[-1] > 0:
        raise DataError("M sees no direction: all of its eigenvalues are 0.")
    values, vectors = values[values > 0], vectors[:, values > 0]
    r = int(np.searchsorted(cumulative, share * cumulative[-1])) + 1
    size, basis = np.sqrt(values[:r]), vectors[:, :r]
    factor = size[:, None] * basis.T / spread
    words = f"{text}; its {r} leading direction{'s' * (r > 1)}" if r < len(A) else text
    return Metric(np.ones(len(A)), factor, spread[:, None] * (basis / size), words)


def _checked_form(M: ArrayLike, spread: ArrayLike) -> tuple[Floats, Floats]:
    """A square matrix of finite numbers and a positive unit for each of its columns."""
    A, units = np.asarray(M, dtype=np.float64), np.asarray(spread, dtype=np.float64)
    if A.ndim != 2 or A.shape[0] != A.shape[1] or not np.isfinite(A).all():
        raise DataError(f"M has shape {A.shape}: expected a square matrix of finite numbers.")
    if units.shape != (len(A),):
        raise DataError(f"spread has shape {units.shape}: expected ({len(A)},), one a feature.")
    bad = np.flatnonzero(~(np.isfinite(units) & (units > 0)))
    if bad.size:
        raise DataError(
            f"spread[{bad[0]}] is {units[bad[0]]:g}: units are positive. A feature that never "
            "moves has none: leave it out, or give it a unit of its own."
        )
    return A, units


def _standardised(M: ArrayLike | Metric | None, cloud: Cloud) -> Floats:
    """S M S, with S the standard deviations."""
    form = cloud.metric(M)  # checks it
    if M is None or isinstance(M, Metric | str) or form.factor is None:
        return _standardised_metric(form, cloud.spread)
    matrix = np.asarray(M, dtype=np.float64)
    return np.asarray((matrix + matrix.T) / 2 * np.outer(cloud.spread, cloud.spread))


def _standardised_metric(metric: Metric, spread: Floats) -> Floats:
    R = np.diag(metric.root * spread) if metric.factor is None else metric.factor * spread
    return np.asarray(R.T @ R)
