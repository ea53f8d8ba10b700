"""Inputs of the report whose answers are known, for its tests."""

from __future__ import annotations

import json
import re

import numpy as np
from scipy.sparse import csr_array

import hullwise as hw
from hullwise._core.results import RowNames
from hullwise.geometry.bands import Reference, rank
from hullwise.geometry.comparison import Comparison
from hullwise.geometry.hull import HullResult
from hullwise.geometry.metric import Metric
from hullwise.geometry.neighbours import Neighbours
from hullwise.geometry.principal_plane import PrincipalPlane
from hullwise.geometry.training_summary import TrainingSummary

HOSTILE = (
    "<script>",
    "</script><script>alert(1)</script>",
    "<!--",
    "\"quoted\" & 'single'",
    "line\u2028break\u2029",
    "%%data%%",
    "\u202ereversed\u0000\ud800",
    "<img src=x onerror=document.documentElement.dataset.broken=1>",
)


def beside_box(queries):
    """Where queries stand against the unit cube."""
    residual = np.clip(queries, 0.0, 1.0) - queries
    with np.errstate(over="ignore"):
        distance = np.sqrt((residual**2).sum(axis=1))
    return {
        "queries": queries,
        "residual": residual,
        "lower": distance,
        "upper": distance,
        "verdict": np.where(distance > 0, -1, 1).astype(np.int8),
    }


def box_location(m=60, d=3, n=200, *, seed=0, spread=1.3, **changed):
    """Queries against the unit cube: its hull distance and nearest point are known exactly."""
    rng = np.random.default_rng(seed)
    queries = changed.pop("queries", rng.normal(0.5, 0.3 * spread, (m, d)))
    placed = beside_box(queries) | changed
    membership_only = changed.get("membership_only", False)
    distance, verdict = placed["upper"], placed["verdict"]
    reference = np.abs(rng.normal(0.0, 0.1, min(n, 200)))
    reference[:40] = 0.0
    reference = placed.get("reference", reference)
    metric = Metric(np.ones(d), None, None, placed.get("metric_text", "Euclidean"))
    off = placed.get("off_flat", np.zeros(m, dtype=bool))
    left_out = Reference(
        np.arange(len(reference)), reference, np.zeros(len(reference), bool), reference, metric, 3
    )
    band, percentile = rank(placed["lower"], distance, off, left_out)
    sample = placed.get("sample", rng.random((min(n, 2000), d)))
    axes = np.eye(max(d, 2))[:2, :d]
    plane = PrincipalPlane(axes, np.array([0.5, 0.25]), np.full(d, 0.5), np.ones(d), sample)
    return hw.Location(
        queries=queries,
        hull=HullResult(
            verdict=verdict,
            lower=placed["lower"],
            upper=distance,
            weights=csr_array((m, n)),
            direction=np.zeros((m, d)),
            nearest=queries + placed["residual"],
            residual=placed["residual"],
            status=np.array([STATUS[v] for v in verdict.tolist()], dtype=object),
        ),
        comparison=Comparison(
            band=np.asarray(placed.get("band", band), dtype=object),
            hull_percentile=placed.get("hull_percentile", percentile),
            ellipsoid_distance=placed.get("ellipsoid_distance", distance + 0.9),
            mahalanobis=np.where(off, np.inf, distance),
            neighbours=Neighbours(rng.integers(0, n, (m, 3)), np.ones((m, 3))),
            neighbour_percentile=placed.get("neighbour_percentile", percentile),
        ),
        training=TrainingSummary(
            n=n,
            columns=placed.get("columns", tuple(f"x{j}" for j in range(d))),
            minimum=placed.get("box_minimum", np.zeros(d)),
            maximum=placed.get("box_maximum", np.ones(d)),
            labels=placed.get("training_labels"),
            reference=left_out,
            plane=placed.get("plane", plane),
        ),
        metric=metric,
        tolerance=placed.get("tolerance", 1e-9),
        membership_only=membership_only,
        row_names=RowNames(placed.get("labels")),
    )


STATUS = {-1: hw.Status.OUTSIDE, 0: hw.Status.STALLED, 1: hw.Status.INSIDE}


def located(**options):
    rng = np.random.default_rng(3)
    training, queries = rng.normal(size=(300, 4)), 1.4 * rng.normal(size=(80, 4))
    queries[:3] = training[:3]
    return hw.locate(training, queries, **({"metric": None, "reference": 60} | options))


def content(page):
    """The data island of a page, read the way a browser does: up to the first closing tag."""
    island = re.search(r'<script type="application/json" id="data">(.*?)</script', page, re.S)
    return json.loads(island.group(1))


def _membership(location):
    m = len(location)
    return {
        "membership_only": True,
        "upper": np.full(m, np.inf),
        "residual": np.full(location.queries.shape, np.nan),
        "hull_percentile": np.full(m, np.nan),
        "band": np.full(m, "unknown"),
        "lower": location.lower / 2,
        "reference": np.empty(0),
        "ellipsoid_distance": np.full(m, np.nan),
        "neighbour_percentile": np.full(m, np.nan),
        "plane": None,
    }


CASES = {
    "no queries": lambda: box_location(m=0),
    "one query": lambda: box_location(m=1),
    "one training row": lambda: box_location(n=1, sample=np.zeros((1, 3))),
    "all inside": lambda: box_location(
        m=30,
        verdict=np.ones(30, dtype=np.int8),
        lower=np.zeros(30),
        upper=np.zeros(30),
        band=np.full(30, "core"),
        residual=np.zeros((30, 3)),
        reference=np.zeros(50),
    ),
    "all far": lambda: box_location(m=30, spread=1e6, band=np.full(30, "far")),
    "all equally far": lambda: box_location(
        m=5, lower=np.ones(5), upper=np.ones(5), verdict=np.full(5, -1), reference=np.ones(3)
    ),
    "no percentile": lambda: box_location(
        hull_percentile=np.full(60, np.nan),
        reference=np.empty(0),
        band=np.full(60, "unknown"),
        neighbour_percentile=np.full(60, np.nan),
    ),
    "membership only": lambda: box_location(**_membership(box_location())),
    "no extras": lambda: box_location(
        ellipsoid_distance=np.full(60, np.nan),
        neighbour_percentile=np.full(60, np.nan),
        plane=None,
    ),
    "one feature": lambda: box_location(d=1, spread=3),
    "a thousand features": lambda: box_location(m=200, d=1000, n=300),
    "huge scale": lambda: box_location(
        queries=np.full((60, 3), 1e300),
        residual=np.full((60, 3), -1e300),
        spread=1,
        upper=np.full(60, 1e300),
        lower=np.full(60, 1e300),
    ),
    "tiny scale": lambda: box_location(
        upper=np.full(60, 1e-300),
        lower=np.full(60, 1e-300),
        tolerance=0.0,
        reference=np.full(9, 1e-301),
        verdict=np.full(60, -1),
    ),
    "a location": lambda: located(),
    "a membership run": lambda: located(membership_only=True),
    "hostile names": lambda: box_location(
        d=len(HOSTILE),
        columns=HOSTILE,
        spread=3,
        metric_text=HOSTILE[1],
        labels=np.array([HOSTILE[i % len(HOSTILE)] for i in range(60)], dtype=object),
        training_labels=np.array([HOSTILE[i % len(HOSTILE)] for i in range(200)], dtype=object),
    ),
}
