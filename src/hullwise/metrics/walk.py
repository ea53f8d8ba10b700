"""walk: a path from one row to another, and what it crosses on the way.

Straight, through a latent space, or a geodesic of a metric; each with its length, the part of it
outside the hull of the data, the affine regions of a network it crosses, and whether it fades (the
middle is a mixture of the ends) or morphs (the middle is like some row).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np

from .._core.options import check_int, check_nonnegative
from .._core.results import UNNAMED_ROWS, Column, RowNames, TableResult
from .._core.types import Floats, Ints, Progress
from ..errors import DataError
from ..geometry.block_floats import row_norms
from ..geometry.cloud import Cloud
from ..geometry.queries import read_queries
from ..io.validation import check_memory
from ..model.network import Network
from ._geodesics import at_positions, geodesic, straight_path
from ._latent_paths import latent_path
from ._path_crossings import (
    lengths_and_positions,
    midpoint_neighbours,
    outside_intervals,
    region_crossings,
)
from ._path_lengths import piece_lengths
from ._path_metrics import ConstantMetric, read_path_metric, weighted_by_data

WALK_KINDS = ("straight", "latent", "geodesic")


@dataclass(frozen=True, eq=False, repr=False)
class Walk(TableResult):
    """A path between two points, made by `walk`; `hullwise.report.draw_walk` draws it.

    Attributes
    ----------
    kind : str
        straight, latent or geodesic.
    points : ndarray (t, d)
        Points of the path; between them it is straight.
    position : ndarray (t,)
        Their places as shares of the length, from 0 to 1.
    length, length_euclidean : float
        In the metric, and in the data's own units.
    straight_length : float
        Of the segment from a to b, in the metric.
    graph_length : float
        Of the best path from row to row, in the metric; NaN unless a graph was searched.
    lower, upper : ndarray (t,)
        Certified bracket of each point's distance to the hull of the rows, in the metric if it is
        the same everywhere, else in the data's own units; `lower` is positive outside only.
    outside : ndarray (k, 2)
        Intervals of `position` where the path is outside the hull, certified but for at most 1e-4
        at each place where two of them meet.
    fades : bool
        Whether the midpoint is closer to the average of the ends than to any row.
    to_average, to_row : float
        Those two distances, in the units of `lower`.
    nearest_row : int
        The row nearest to the midpoint.
    end_gaps : ndarray (2,)
        How far the path's ends are from a and from b, in the units of `lower`: 0 but for a decoder
        that does not give back what was encoded.
    latent : ndarray (t, q) or None
        The points in the latent space.
    values : ndarray (t, n_outputs) or None
        The network at the points.
    crossings, changed : ndarray (c,) or None
        Positions where the network's activation code changes, and how many units change there.
    metric_text : str
        The metric of the length in words.
    notes : tuple of str
        How the path was found.
    columns : tuple of str
        Names of the features.

    Examples
    --------
    >>> import hullwise as hw
    >>> walk = hw.metrics.walk([[0.0, 0.0], [3.0, 4.0], [9.0, 0.0]], 0, 1, metric=None)
    >>> walk
    Walk(straight, length 5, 0% outside, fades)
    >>> walk.length, walk.nearest_row, walk.to_row
    (5.0, 0, 2.5)
    """

    kind: str
    points: Floats
    position: Floats
    length: float
    length_euclidean: float
    straight_length: float
    graph_length: float
    lower: Floats
    upper: Floats
    outside: Floats
    fades: bool
    to_average: float
    to_row: float
    nearest_row: int
    end_gaps: Floats
    latent: Floats | None
    values: Floats | None
    crossings: Floats | None
    changed: Ints | None
    metric_text: str
    notes: tuple[str, ...]
    columns: tuple[str, ...]
    row_names: RowNames = UNNAMED_ROWS

    def __len__(self) -> int:
        return len(self.points)

    @property
    def outside_share(self) -> float:
        """Share of the length that is outside the hull."""
        return float(min(1.0, np.diff(self.outside, axis=1).sum()))

    @property
    def largest_out(self) -> float:
        """The largest certified distance from the hull at any of the points."""
        return float(self.lower.max())

    @property
    def outside_text(self) -> str:
        """The part outside in words: how much, and by how far at most."""
        share = self.outside_share
        percent = "<1%" if 0 < share < 0.01 else f"{share:.0%}"
        return f"{percent} outside" + (f" by up to {self.largest_out:.2g}" if share else "")

    @property
    def verdict(self) -> str:
        """fades or morphs."""
        return "fades" if self.fades else "morphs"

    @property
    def midpoint(self) -> Floats:
        """The point (d,) halfway along the length."""
        return np.asarray(self.at(0.5)[0])

    @property
    def n_regions(self) -> int | None:
        """How many affine pieces of the network the path goes through, one entered twice twice."""
        return None if self.crossings is None else len(self.crossings) + 1

    def at(self, position: Any) -> Floats:
        """Points (k, d) of the path at positions (k,) between 0 and 1."""
        shares = np.atleast_1d(np.asarray(position, dtype=np.float64))
        return at_positions(self.points, self.position, shares)

    def _columns(self) -> Mapping[str, Column]:
        out: dict[str, Column] = {
            "position": self.position,
            "lower": self.lower,
            "upper": self.upper,
        }
        if self.values is not None:
            out |= {f"output_{j}": v for j, v in enumerate(self.values.T)}
        if self.latent is not None:
            out |= {f"z{j}": v for j, v in enumerate(self.latent.T)}
        for name, x in zip(self.columns, self.points.T, strict=True):
            out[f"feature {name}" if name in out else name] = x
        return out

    def plot(self, ax: Any = None, **options: Any) -> Any:
        """Draw it; see :func:`hullwise.report.draw_walk`."""
        from ..report.walk_pictures import draw_walk

        return draw_walk(self, ax, **options)

    def __repr__(self) -> str:
        n = self.n_regions
        pieces = "" if n is None else f", {n:,} region{'s' * (n != 1)}"
        text = f"{self.kind}, length {self.length:.4g}, {self.outside_text}{pieces}"
        return f"Walk({text}, {self.verdict})"


def walk(
    X: Any,
    a: Any,
    b: Any,
    kind: str = "straight",
    metric: Any = "std",
    *,
    steps: int = 32,
    model: Any = None,
    encoder: Any = None,
    decoder: Any = None,
    n_neighbors: int = 10,
    stay_near: float = 0.0,
    progress: Progress | None = None,
) -> Walk:
    """A path from a to b, its length, and how much of it is outside the data.

    Parameters
    ----------
    X : array-like (n, d), data frame, path or Cloud
        The training rows.
    a, b : int or array-like (d,)
        The ends: numbers of rows, counted from 0, or points.
    kind : "straight", "latent" or "geodesic"
        The segment; the decoded segment between the encoded ends; the shortest path in `metric`.
    metric : "std", "range", None, (d,), (d, d), function, or model
        What length is. The first five are the same everywhere, as for `locate`. A function of
        points (m, d) that gives matrices (m, d, d) is a metric which differs from place to place.
        A network, torch module, fitted estimator, or function that gives outputs (m,) or (m, k),
        stands for the pullback J'J of it, plus 1e-6 of its mean eigenvalue.
    steps : int
        Pieces of the path (a path through rows that no refinement made shorter can have more).
    model : Network, or anything :func:`hullwise.model.read` takes, optional
        Whose affine regions to count, exactly, along each piece.
    encoder, decoder : function, or object with transform and inverse_transform, optional
        For "latent": rows (m, d) to (m, q) and back. One object may do both; torch modules are
        called as they are.
    n_neighbors : int
        For "geodesic": nearest rows that each row is joined to.
    stay_near : float
        For "geodesic": how much longer a step is away from the rows. The metric is multiplied by
        ``1 + stay_near * max(0, r²/g² - 1)``: r² the mean squared distance to the 5 nearest rows,
        g² its median among the rows. 0: not at all.
    progress : callable, optional
        Called as ``progress(done, total, what)``.

    Returns
    -------
    Walk

    Raises
    ------
    DataError
        For row numbers that are not there, points of another size or not finite, a metric that is
        not positive semidefinite, and decoders that give NaN or another shape.
    ModelError
        For models that cannot be read or differentiated.

    Notes
    -----
    The hull is convex: a piece of the path with both ends inside is inside, and one on the outer
    side of a separating plane is outside. Only pieces that are neither are halved, so `outside` is
    certified to 1e-4 of the length. A segment between two rows is inside.

    A geodesic is sought first as the shortest path (Dijkstra) over the graph of nearest rows, its
    edges measured in the metric. Then the energy ``sum |x[i+1] - x[i]|²`` is minimised (L-BFGS)
    from that path and from the segment. The shortest of the four is returned: never longer than the
    segment or the graph's path, but there may be a shorter one still. Where a metric comes from a
    model, pass the model and not a function of its J'J: then a step is as long as the change of its
    outputs, which needs no derivative of J and no care at kinks. The geodesic of a pulled back
    metric: Arvanitidis, Hansen & Hauberg [1]_.

    Cost: the hull, as `locate` with `steps` queries, and membership of about 10 points for each
    crossing of it. A geodesic: O(n² d) at most for the neighbours, n `n_neighbors` lengths in the
    graph, then twice up to 200 iterations, for a model three times as many; each takes Jacobians at
    16 `steps` points, for a function at least 2 d `steps` matrices (a minute for d = 64), and with
    `stay_near` the distances of `steps` points to all rows.

    References
    ----------
    .. [1] G. Arvanitidis, L. K. Hansen, S. Hauberg, "Latent space oddity: on the curvature of deep
       generative models", ICLR 2018.

    Examples
    --------
    >>> import numpy as np
    >>> import hullwise as hw
    >>> turn = np.linspace(0, np.pi, 10)
    >>> X = np.c_[np.cos(turn), np.sin(turn)]                # a half circle
    >>> hw.metrics.walk(X, 0, 9, metric=None)                 # its diameter
    Walk(straight, length 2, 0% outside, fades)
    >>> hw.metrics.walk(X, 0, 9, "latent", None,              # its angle
    ...              encoder=lambda x: np.arctan2(x[:, 1:], x[:, :1]),
    ...              decoder=lambda z: np.c_[np.cos(z), np.sin(z)])
    Walk(latent, length 3.14, 97% outside by up to 0.015, morphs)
    >>> M = lambda x: np.eye(2) / x[:, 1, None, None] ** 2   # the hyperbolic half plane
    >>> points = np.random.default_rng(0).uniform(0.5, 2, (200, 2))
    >>> hw.metrics.walk(points, [0.6, 1.0], [1.6, 1.0], "geodesic", M).length    # arcosh(1.5)
    0.9624...
    """
    if kind not in WALK_KINDS:
        raise DataError(f"kind={kind!r}: expected one of {', '.join(map(repr, WALK_KINDS))}")
    if kind != "latent" and (encoder is not None or decoder is not None):
        raise DataError(f"an encoder or decoder is for kind='latent', not for kind={kind!r}")
    cloud = X if isinstance(X, Cloud) else Cloud(X, copy=False)
    check_int("steps", steps, 1)
    check_int("n_neighbors", n_neighbors, 1)
    net = None if model is None else _network(model, cloud.d)
    ends = np.concatenate([_end(cloud, a, "a"), _end(cloud, b, "b")])
    path_metric = read_path_metric(metric, cloud, ends)
    units = path_metric.metric if isinstance(path_metric, ConstantMetric) else cloud.metric(None)
    latent: Floats | None = None
    notes: tuple[str, ...] = ()
    graph_length = float("nan")
    if kind == "latent":
        points, latent = latent_path(ends, steps, encoder, decoder)
    elif kind == "straight" or (ends[0] == ends[1]).all():
        points = straight_path(ends[0], ends[1], steps)
    elif path_metric.constant and check_nonnegative("stay_near", stay_near) == 0:
        points = straight_path(ends[0], ends[1], steps)
        notes = ("the metric is the same everywhere, so the geodesic is the straight line",)
    else:
        rows = _distinct_rows(cloud)
        path_metric = weighted_by_data(path_metric, rows, units, stay_near)
        search = geodesic(path_metric, ends, rows, units, n_neighbors, steps, progress)
        points, graph_length, notes = search.points, search.graph_length, search.notes
    sizes, position = lengths_and_positions(path_metric, points)
    both_rows = kind != "latent" and isinstance(a, Integral) and isinstance(b, Integral)
    hull = outside_intervals(cloud, points, position, units, both_rows, progress)
    values, crossings, changed = region_crossings(net, points, position)
    direct = straight_path(ends[0], ends[1], steps)
    return Walk(
        kind=kind,
        points=points,
        position=position,
        length=float(sizes.sum()),
        length_euclidean=float(row_norms(np.diff(points, axis=0)).sum()),
        straight_length=float(piece_lengths(path_metric, direct).sum()),
        graph_length=graph_length,
        lower=hull.lower,
        upper=hull.upper,
        outside=hull.intervals,
        **midpoint_neighbours(cloud, points, position, units),
        end_gaps=units.norm(points[[0, -1]] - ends),
        latent=latent,
        values=values,
        crossings=crossings,
        changed=changed,
        metric_text=path_metric.text,
        notes=notes,
        columns=cloud.names,
        row_names=RowNames(frame_library=cloud.frame_library),
    )


def _end(cloud: Cloud, end: Any, name: str) -> Floats:
    """One end as a row (1, d)."""
    if isinstance(end, Integral) and not isinstance(end, bool):
        if not 0 <= int(end) < cloud.n:
            raise DataError(f"{name}={end}: X has {cloud.n} rows, counted from 0")
        return np.asarray(cloud.take([int(end)]), dtype=np.float64)
    if not hasattr(end, "columns"):
        shape = np.shape(end)
        if shape not in ((cloud.d,), (1, cloud.d)) or isinstance(end, str):
            raise DataError(
                f"{name} has shape {shape}: expected the number of a row (a whole number) or a "
                f"point of {cloud.d} numbers"
            )
        end = np.asarray(end).reshape(1, cloud.d)
    values = np.asarray(read_queries(cloud, end).values, dtype=np.float64)
    if len(values) != 1:
        raise DataError(f"{name} has {len(values)} rows: expected one")
    return values


def _network(model: Any, d: int) -> Network:
    from ..model.readers.read import read

    net = read(model)
    if net.n_inputs != d:
        raise DataError(f"the model takes {net.n_inputs} inputs, but X has {d} features")
    return net


def _distinct_rows(cloud: Cloud) -> Floats:
    check_memory(16 * cloud.n * cloud.d, "X as float64, twice")
    return np.unique(cloud.take(np.arange(cloud.n)), axis=0)
