"""How finely a network cuts its input space around points, and how many walls lie between two."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._core.options import check_int
from .._core.results import UNNAMED_ROWS, Column, RecordResult, RowNames, RowResult
from .._core.types import Floats, Indices, Ints
from ..errors import DataError
from ..io.validation import table_row_names
from ._arguments import border, check_network, check_positive
from .network import Network

MAX_DIRECTIONS = 25  # of a sampled neighbourhood, at most


@dataclass(frozen=True, eq=False, repr=False)
class LocalComplexity(RowResult):
    """Units that change within a neighbourhood of each point; made by `local_complexity`.

    Attributes
    ----------
    counts : ndarray (m, n_layers)
        Units of each layer that change.
    radius : float
    directions : ndarray (P, d)
        Orthonormal; the neighbourhood is the hull of ``x + radius v`` and ``x - radius v``.
    exact : bool
    layers : tuple of str
        Names of the layers.

    Examples
    --------
    >>> import hullwise as hw
    >>> net = hw.model.from_arrays([[[1.0], [1.0]], [[1.0, 1.0]]], [[0.0, -5.0], [0.0]])
    >>> complexity = hw.model.local_complexity(net, [[0.5], [9.0]], radius=1.0)
    >>> complexity
    LocalComplexity(sampled, 2 points, radius 1, 1 direction: 0.5 per layer on average)
    >>> complexity.total
    array([1, 0])
    """

    counts: Ints
    radius: float
    directions: Floats
    exact: bool
    layers: tuple[str, ...]
    row_names: RowNames = UNNAMED_ROWS

    def __len__(self) -> int:
        return len(self.counts)

    def _take(self, rows: Indices) -> LocalComplexity:
        return replace(self, counts=self.counts[rows], row_names=self.row_names.take(rows))

    def _columns(self) -> Mapping[str, Column]:
        layers = {f"units_{name}": self.counts[:, i] for i, name in enumerate(self.layers)}
        return {"total": self.total, **layers}

    @property
    def total(self) -> Ints:
        """Over all layers: (m,)."""
        return np.asarray(self.counts.sum(axis=1))

    @property
    def mean(self) -> Floats:
        """Over the points: (n_layers,)."""
        return np.asarray(self.counts.mean(axis=0))

    def plot(self, ax: Any = None) -> Any:
        """Draw the units of each layer that change; returns matplotlib axes."""
        from ..report.result_pictures import draw_complexity

        return draw_complexity(self, ax)

    def __repr__(self) -> str:
        m, P = len(self.counts), len(self.directions)
        layers = ", ".join(f"{value:.4g}" for value in self.mean) if m else "no points"
        return (
            f"LocalComplexity({'exact' if self.exact else 'sampled'}, {_counted(m, 'point')}, "
            f"radius {self.radius:g}, {_counted(P, 'direction')}: {layers} per layer on average)"
        )


@border("counting units around points")
def local_complexity(
    net: Network,
    X: Any,
    radius: float,
    n_directions: int | None = None,
    *,
    random_state: int = 0,
    exact: bool = False,
) -> LocalComplexity:
    """How many units change around each point: the density of the network's walls there.

    Parameters
    ----------
    net : Network
    X : array-like (m, d)
        The points.
    radius : float
        Of the neighbourhood, in the units of the input.
    n_directions : int, optional
        P orthonormal directions, the same for all points; at most d. None: the lesser of d and 25,
        of d and 2 where `exact`.
    random_state : int, default=0
        Of the directions.
    exact : bool, default=False
        Count every unit that changes anywhere in the neighbourhood, by `Network.slice` (P = 2) or
        `Network.along` (P = 1), and not only those that differ between its 2 P corners.

    Returns
    -------
    LocalComplexity

    Raises
    ------
    DataError
        If the radius is not positive, there are more directions than inputs, or `exact` is asked
        for in more than two directions.

    Notes
    -----
    A unit counts if it is on different pieces at two corners of the cross-polytope, the hull of
    ``x +- radius v``. This is exact for the first layer, whose walls are hyperplanes. Walls of
    deeper layers are bent and may pass between the corners: the count is a lower bound. On a
    network 2-32-32-32 at random weights, radius .5 and 400 points, it finds 100, 98 and 95 % of the
    units layer by layer. In d > P dimensions both counts are of the slice that the directions span,
    not of a ball.

    Cost: 2 P forward passes for each point; exact: a slice or line for each.

    Source: Humayun, Balestriero & Baraniuk (2024), Deep Networks Always Grok and Here is Why, after
    their code; that all points share the directions, and their default number, are our choice.

    Examples
    --------
    >>> import hullwise as hw
    >>> from hullwise.model import local_complexity
    >>> net = hw.model.from_arrays([[[1, 0], [0, 1], [1, 1]], [[1, 1, 1]]], [[0, 0, -5], [0]])
    >>> local_complexity(net, [[0.1, 0.1], [0.1, 3.0]], radius=1.0).counts.ravel()
    array([2, 1])
    """
    check_network(net, "local_complexity")
    names, X = table_row_names(X), net.rows(X)
    d = net.n_inputs
    radius = check_positive("radius", radius, "a positive length in the units of the input")
    random_state = check_int("random_state", random_state, 0)
    P = min(d, 2 if exact else MAX_DIRECTIONS)
    P = P if n_directions is None else check_int("n_directions", n_directions, 1)
    if not 1 <= P <= d:
        raise DataError(f"n_directions is {P}; it is at least 1 and at most the {d} inputs")
    if exact and P > 2:
        raise DataError(
            f"exact counts take 1 or 2 directions and were asked for in {P}; "
            f"leave n_directions out, or sample with exact=False"
        )
    frame = np.linalg.qr(np.random.default_rng(random_state).normal(size=(d, P)))[0].T
    count = _count_exactly if exact else _count_at_corners
    layers = tuple(layer.name for layer in net.layers)
    counts = count(net, X, radius * frame)
    return LocalComplexity(counts, float(radius), frame, exact, layers, names)


def _count_at_corners(net: Network, X: Floats, arms: Floats) -> Ints:
    corners = np.concatenate([arms, -arms])
    out = np.zeros((len(X), len(net.layers)), dtype=np.int64)
    for rows in net.blocks(len(X), len(corners)):
        block = X[rows, None] + corners
        codes = net.codes(block.reshape(-1, net.n_inputs)).reshape(*block.shape[:2], -1)
        out[rows] = _per_layer(net, (codes != codes[:, :1]).any(axis=1))
    return out


def _count_exactly(net: Network, X: Floats, arms: Floats) -> Ints:
    changes = []
    for x in X:
        if len(arms) == 1:
            codes = net.along(x - arms[0], x + arms[0]).codes
        else:  # the square with the four corners x +- arms
            axes = np.stack([arms[0] + arms[1], arms[0] - arms[1]]) / 2
            codes = net.slice(x, axes, 1.0).codes
        changes.append((codes != codes[:1]).any(axis=0))
    return _per_layer(net, np.array(changes).reshape(len(X), net.n_units))


def _per_layer(net: Network, flags: NDArray[np.bool_]) -> Ints:
    """Flags (m, n_units) counted by layer: (m, n_layers)."""
    parts = [flags[:, layer.columns].sum(axis=1) for layer in net.layers]
    return np.stack(parts, axis=1) if parts else np.zeros((len(flags), 0), dtype=np.int64)


@dataclass(frozen=True, eq=False, repr=False)
class VQDistance(RecordResult):
    """How far apart the codes of two points are; made by `vq_distance`.

    `total` (m,) is the share of all units that are on different pieces, `per_layer`
    (m, n_layers) that of each layer. For two single points, a float and (n_layers,).

    Examples
    --------
    >>> import hullwise as hw
    >>> net = hw.model.from_arrays([[[1, 0], [0, 1]], [[1, -1]], [[1]]])
    >>> hw.model.vq_distance(net, [1, 2], [[2, 1], [1, 3]])
    VQDistance(2 pairs, 0.1667 on average)
    """

    total: Any
    per_layer: Floats

    def __repr__(self) -> str:
        if np.ndim(self.total):
            mean = f"{np.mean(self.total):.4g} on average" if len(self.total) else "none"
            return f"VQDistance({_counted(len(self.total), 'pair')}, {mean})"
        layers = ", ".join(f"{value:.4g}" for value in self.per_layer)
        return f"VQDistance({self.total:.4g}; per layer {layers})"


@border("comparing codes")
def vq_distance(net: Network, x0: Any, x1: Any) -> VQDistance:
    """The share of units that are on different pieces at x0 and x1, in all and by layer.

    0 says that both lie in one region (where the network is one affine map); it is a distance
    between regions, not between points.

    Parameters
    ----------
    net : Network
    x0, x1 : array-like (d,) or (m, d)
        Two points, or pairs of rows; a single one is paired with every row of the other.

    Returns
    -------
    VQDistance

    Raises
    ------
    DataError
        If both have rows and not equally many.

    Notes
    -----
    Cost: a forward pass for each row. A maximum (pooling) counts as one unit. Source: Balestriero
    & Baraniuk (2018), A Spline Theory of Deep Learning, who read a layer's code as vector
    quantisation; which norm they take we did not check.

    Examples
    --------
    >>> import hullwise as hw
    >>> from hullwise.model import vq_distance
    >>> net = hw.model.from_arrays([[[1, 0], [0, 1]], [[1, -1]], [[1]]])
    >>> vq_distance(net, [1, 2], [2, 1])
    VQDistance(0.3333; per layer 0, 1)
    """
    check_network(net, "vq_distance")
    rows = [net.rows(x0, "x0"), net.rows(x1, "x1")]
    single = all(np.shape(x) in ((net.n_inputs,), net.input_shape) for x in (x0, x1))
    m, n = map(len, rows)
    if m != n and 1 not in (m, n):
        raise DataError(f"x0 has {m:,} rows and x1 has {n:,}; give pairs, or one against many")
    differ = net.codes(rows[0]) != net.codes(rows[1])
    sizes = np.array([layer.n_units for layer in net.layers])
    per_layer = _per_layer(net, differ) / sizes
    total = differ.mean(axis=1) if net.n_units else np.zeros(len(differ))
    return VQDistance(float(total[0]), per_layer[0]) if single else VQDistance(total, per_layer)


def _counted(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}"
