"""Notions of how far out a query is: each is a number, higher where a model should be wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hullwise import (
    Cloud,
    DelaunayRegressor,
    HullLocator,
    Location,
    NeighbourLocator,
    Status,
    Verdict,
    error_bound,
    locate,
    smallest_ellipsoid,
)
from hullwise.metrics import leading_metric
from hullwise.model import Guard, read

from .._types import Floats
from ._models import Fitted, ensemble_variance

LEADING_SHARE = 0.99  # share of the metric that the leading directions hold


@dataclass(frozen=True)
class Notion:
    """A notion: its name in tables, what it is, and whether a metric makes it another."""

    title: str
    text: str
    both: bool = True


NOTIONS: Mapping[str, Notion] = {
    "hull": Notion("hull", "distance to the convex hull of the training rows, 0 inside"),
    "neighbours": Notion("k-NN", "distance to the 5th nearest training row"),
    "spread": Notion(
        "spread",
        "sum w |x - z|^2 over the corners of the Delaunay simplex around the query (outside: "
        "around the nearest point of the hull), the error bound for unit smoothness; in the "
        "metric: of the data along its leading eigenvectors, those that hold 99 % of it, since a "
        "simplex must also enclose the query in all directions that do not matter",
    ),
    "box": Notion(
        "box",
        "share of the features outside their range; in the metric: of its eigenvectors, each "
        "counted by its eigenvalue",
    ),
    "ellipsoid": Notion(
        "ellipsoid",
        "how far out of the smallest enclosing ellipsoid; it is the same in every metric, so in "
        "the metric: of the data along the leading eigenvectors",
    ),
    "covariance": Notion(
        "covariance", "Mahalanobis distance from the mean; in the metric: likewise"
    ),
    "clips": Notion("clips", "neurons of the MLP whose input leaves its training range", False),
    "clip_excess": Notion("clip excess", "how far those inputs leave it, in widths", False),
    "ensemble": Notion("ensemble", "variance of five models on bootstrap samples", False),
    "doubt": Notion(
        "doubt", "1 minus the largest class share: the model's own; classes only", False
    ),
}
PLAIN_READINGS = tuple(f"{name}.plain" for name, notion in NOTIONS.items() if notion.both)
TASK_READINGS = tuple(f"{name}.task" for name, notion in NOTIONS.items() if notion.both)
MODEL_READINGS = tuple(name for name, notion in NOTIONS.items() if not notion.both)
READINGS = (*(r for pair in zip(PLAIN_READINGS, TASK_READINGS) for r in pair), *MODEL_READINGS)


def title(reading: str) -> str:
    """What a reading is called."""
    name, _, kind = reading.partition(".")
    return NOTIONS[name].title + {"task": ", task metric", "plain": ", plain"}.get(kind, "")


def geometric(cloud: Cloud, Q: Floats, metric: Floats | None) -> dict[str, Floats]:
    """Every notion of the data for queries Q (m, d), in a metric or plainly."""
    loc = locate(cloud, Q, metric=metric, reference=0)
    readings = {"hull": settled(loc), "neighbours": loc.neighbour_distance}
    if metric is None:
        return readings | {
            "spread": spread(cloud, Q),
            "box": 1 - loc.in_range_share,
            "ellipsoid": loc.ellipsoid_distance,
            "covariance": loc.mahalanobis,
        }
    return readings | _along(cloud, Q, metric)


def distances(cloud: Cloud, Q: Floats, metric: Floats | None) -> tuple[Floats, Floats]:
    """Hull distance and distance to the 5th nearest row only, (m,) each."""
    rows = cloud.rows.block(0, cloud.n)
    hull = HullLocator(metric=metric, reference=0).fit(rows)
    near = NeighbourLocator(n_neighbors=5, metric=metric).fit(rows)
    return -hull.score_samples(Q), near.neighbours(Q).distances[:, -1]


def settled(loc: Location) -> Floats:
    """The distance to rank a query by: 0 inside and on the boundary."""
    inside = (loc.verdict == Verdict.INSIDE) | (loc.status == Status.BOUNDARY)
    return np.where(inside, 0.0, loc.upper)


def spread(cloud: Cloud, Q: Floats) -> Floats:
    """sum w |x - z|^2 of the Delaunay weights, (m,)."""
    rows = cloud.rows.block(0, cloud.n)
    simplices = DelaunayRegressor(metric=None).fit(rows, np.zeros(cloud.n)).simplices(Q)
    return error_bound(simplices.weights, cloud, Q, smoothness=1.0, metric=None).moment


def _along(cloud: Cloud, Q: Floats, metric: Floats) -> dict[str, Floats]:
    """Box, simplex, ellipsoid and covariance of the data along the metric's eigenvectors."""
    from sklearn.covariance import EmpiricalCovariance

    values, vectors = np.linalg.eigh(metric)
    values = np.maximum(values, 0)
    Z = cloud.rows.block(0, cloud.n).astype(np.float64)
    A, B = Z @ vectors, Q @ vectors
    out = (A.min(axis=0) > B) | (A.max(axis=0) < B)
    looked = leading_metric(metric, np.ones(len(metric)), LEADING_SHARE)
    a, b = looked.image(Z), looked.image(Q)
    return {
        "box": out @ (values / values.sum()),
        "spread": spread(Cloud(a), b),
        "ellipsoid": smallest_ellipsoid(a).distance(b),
        "covariance": np.sqrt(EmpiricalCovariance().fit(a).mahalanobis(b)),
    }


def of_model(model: Fitted, Z: Floats, y: Floats, Q: Floats, seed: int) -> dict[str, Floats]:
    """What the model itself says: its ensemble, its doubt, and of a network its clips."""
    readings: dict[str, Any] = {"ensemble": ensemble_variance(model, Z, y, Q, seed)}
    if model.classes:
        readings["doubt"] = 1 - model.outputs(Q).max(axis=1)
    if model.name == "mlp":
        report = Guard(read(model.estimator)).fit(Z).report(Q)
        readings |= {"clips": report.clips, "clip_excess": report.excess}
    return {name: np.asarray(values, dtype=np.float64) for name, values in readings.items()}
