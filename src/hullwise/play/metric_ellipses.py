"""The metric that the network induces, as ellipses of the plane: W'W, AGOP, and J'J at points.

An ellipse is where ``v' M v`` is the same: along its short axis the network changes most. J'J of
one output has one direction only, so its ellipses are slivers across the gradient; their long axis
ends at half the grid's spacing.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core.types import Floats
from ..errors import DataError, HullwiseError
from ..metrics.feature_matrices import add_ridge, agop, local_metric, nfm
from .drawing import Drawing

__all__ = ["METRIC_KINDS", "metric_ellipses", "plane_metrics", "task_metric"]

METRIC_KINDS = ("nfm", "agop", "local")
ELLIPSES_PER_SIDE = 12
TASK_RIDGE = 1e-6
GLOBAL_ELLIPSE_SHARE = 0.25  # long half axis of the one ellipse, of the view's half width


def task_metric(drawing: Drawing) -> Floats:
    """The AGOP (d, d) of the network over its training rows: the metric in which hulls are asked.

    Exactly `hullwise.metrics.agop`; with curved inputs of the network's derivatives in x and y.
    """
    rows = drawing.data.X
    if not drawing.is_curved and drawing.inputs.names == ("x", "y"):
        return agop(drawing.net, rows, ridge=TASK_RIDGE)
    flat = drawing.jacobians(rows).reshape(-1, rows.shape[1])
    return add_ridge(flat.T @ flat / len(rows), TASK_RIDGE, "model", rows.std(axis=0))


def plane_metrics(drawing: Drawing, kind: str, points: Floats) -> Floats:
    """The metric restricted to the plane at points (m, 2): (m, 2, 2).

    nfm: W'W of the first layer; agop: over the training rows, the same everywhere; local: J'J at
    the point. Behind curved inputs W'W is that of the functions of x and y, which bend, so that
    it too differs from point to point.
    """
    rows = drawing.rows(points)
    d = rows.shape[1]
    if kind == "nfm":
        inner = _pulled_back(drawing, nfm(drawing.net), rows)
    elif kind == "agop":
        inner = np.broadcast_to(task_metric(drawing), (len(points), d, d))
    elif drawing.is_curved or drawing.net.n_inputs != d:
        J = drawing.jacobians(rows)
        inner = J.transpose(0, 2, 1) @ J
    else:
        inner = local_metric(drawing.net, rows, ridge=0.0)
    axes = drawing.data.axes
    return np.asarray(axes @ inner @ axes.T)


def _pulled_back(drawing: Drawing, M: Floats, rows: Floats) -> Floats:
    """A metric (p, p) of the network's inputs as one of the columns, at rows (m, d)."""
    if not drawing.data.is_plane:
        return np.broadcast_to(M, (len(rows), *M.shape))
    D = drawing.inputs.jacobians(rows)
    return np.asarray(D.transpose(0, 2, 1) @ M @ D)


def metric_ellipses(drawing: Drawing, kind: str, n_side: int = ELLIPSES_PER_SIDE) -> dict[str, Any]:
    """Ellipses of a metric on a grid of the view, or one where it is the same everywhere.

    Raises
    ------
    DataError
        For an unknown kind.

    Notes
    -----
    `points` (m, 2) and `axes` (m, 2, 2), the long half axis first, in the plane's coordinates.
    Lengths are of one scale for the whole picture: the median ellipse's short half axis is a
    quarter of the spacing, unless that makes it longer than the long one may be; longer half axes
    end at half the spacing, and where nothing changes at all the ellipse is a circle. Cost of 144
    points: .2 to 1 ms.
    """
    if kind not in METRIC_KINDS:
        raise DataError(f"there is no metric {kind!r}; expected one of {', '.join(METRIC_KINDS)}")
    is_constant = kind == "agop" or (kind == "nfm" and not drawing.is_curved)
    points, longest = _grid(drawing, 1 if is_constant else n_side)
    if is_constant:
        longest *= GLOBAL_ELLIPSE_SHARE
    try:
        metrics = plane_metrics(drawing, kind, points)
    except HullwiseError as error:  # a network that does not change anywhere has none
        return {"kind": kind, "points": [], "axes": [], "notes": [str(error)]}
    return {
        "kind": kind,
        "points": points,
        "axes": ellipse_axes(metrics, longest, 0.5 * longest),
        "notes": [],
    }


def _grid(drawing: Drawing, n_side: int) -> tuple[Floats, float]:
    """Points (m, 2) on a square grid of the view, and half their spacing."""
    half = drawing.slice.high
    spacing = 2 * float(half.max()) / n_side
    sides = [np.arange(max(1, round(2 * h / spacing))) for h in half]
    x, y = (c - h + (2 * i + 1) * h / len(i) for c, h, i in zip(drawing.centre, half, sides))
    return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2), spacing / 2


def ellipse_axes(metrics: Floats, longest: float, typical: float) -> Floats:
    """Half axes (m, 2, 2) of ``v' M v = c``, the long one first, for one c.

    The median of the short ones is `typical`, none is longer than `longest`.
    """
    values, vectors = np.linalg.eigh(metrics)  # the short half axis has the large eigenvalue
    roots = np.sqrt(np.maximum(values, 0.0))
    changing = roots[:, 1] > 0
    scale = typical * float(np.median(roots[changing, 1])) if changing.any() else 1.0
    lengths = np.full(roots.shape, longest)
    np.divide(scale, roots, out=lengths, where=roots * longest > scale)
    return np.asarray(vectors.transpose(0, 2, 1) * lengths[:, :, None])
