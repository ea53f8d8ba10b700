"""Inputs of the report whose answers are known, for its tests."""

from __future__ import annotations

import json
import re

import numpy as np

import hullwise as hw
from hullwise.report import ReportInput

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
    distance = np.sqrt((residual**2).sum(axis=1))
    return {
        "queries": queries,
        "residual": residual,
        "lower": distance,
        "upper": distance,
        "verdict": np.where(distance > 0, -1, 1).astype(np.int8),
    }


def box_input(m=60, d=3, n=200, *, seed=0, spread=1.3, **changed):
    """Queries against the unit cube: its hull distance and nearest point are known exactly."""
    rng = np.random.default_rng(seed)
    queries = rng.normal(0.5, 0.3 * spread, (m, d))
    placed = beside_box(queries)
    distance = placed["lower"]
    reference = np.abs(rng.normal(0.0, 0.1, min(n, 200)))
    reference[:40] = 0.0
    percentile = np.searchsorted(np.sort(reference), distance) / len(reference) * 100
    limits = (0.05, 0.2, 0.5)
    names = np.array(["core", "edge", "beyond", "far"])
    sample = rng.random((min(n, 2000), d))
    axes = np.zeros((2, d))
    axes[0, 0] = 1.0
    if d > 1:
        axes[1, 1] = 1.0
    given = {
        **placed,
        "band": names[np.searchsorted(limits, distance)],
        "hull_percentile": percentile,
        "columns": tuple(f"x{j}" for j in range(d)),
        "box_minimum": np.zeros(d),
        "box_maximum": np.ones(d),
        "reference": reference,
        "n_train": n,
        "metric_text": "Euclidean",
        "tolerance": 1e-9,
        "in_range_share": ((queries >= 0) & (queries <= 1)).mean(axis=1),
        "in_ellipsoid": distance < 0.1,
        "neighbour_percentile": percentile,
        "nearest_rows": rng.integers(0, n, (m, 3)),
        "sample": sample,
        "axes": axes,
        "axes_share": np.array([0.5, 0.25]),
        "centre": np.full(d, 0.5),
        "column_scale": np.ones(d),
        "band_limits": limits,
    }
    return ReportInput(**(given | changed))


def located(**options):
    rng = np.random.default_rng(3)
    training, queries = rng.normal(size=(300, 4)), 1.4 * rng.normal(size=(80, 4))
    queries[:3] = training[:3]
    return hw.locate(training, queries, **({"metric": None, "reference": 60} | options))


def content(page):
    """The data island of a page, read the way a browser does: up to the first closing tag."""
    island = re.search(r'<script type="application/json" id="data">(.*?)</script', page, re.S)
    return json.loads(island.group(1))


def _membership(given):
    m = len(given.verdict)
    return {
        "membership_only": True,
        "upper": np.full(m, np.inf),
        "residual": None,
        "hull_percentile": np.full(m, np.nan),
        "band": np.full(m, "unknown"),
        "lower": given.lower / 2,
        "reference": np.empty(0),
        "band_limits": None,
    }


CASES = {
    "no queries": lambda: box_input(m=0),
    "one query": lambda: box_input(m=1),
    "one training row": lambda: box_input(n=1, sample=np.zeros((1, 3))),
    "all inside": lambda: box_input(
        m=30,
        verdict=np.ones(30, dtype=np.int8),
        lower=np.zeros(30),
        upper=np.zeros(30),
        band=np.full(30, "core"),
        residual=np.zeros((30, 3)),
        reference=np.zeros(50),
    ),
    "all far": lambda: box_input(m=30, spread=1e6, band=np.full(30, "far")),
    "all equally far": lambda: box_input(
        m=5, lower=np.ones(5), upper=np.ones(5), verdict=np.full(5, -1), reference=np.ones(3)
    ),
    "no percentile": lambda: box_input(
        hull_percentile=np.full(60, np.nan),
        reference=np.empty(0),
        band_limits=None,
        band=np.full(60, "unknown"),
        neighbour_percentile=np.full(60, np.nan),
    ),
    "membership only": lambda: box_input(**_membership(box_input())),
    "no extras": lambda: box_input(
        in_range_share=None,
        in_ellipsoid=None,
        neighbour_percentile=None,
        nearest_rows=None,
        sample=None,
        axes=None,
        centre=None,
        column_scale=None,
        axes_share=None,
        residual=None,
    ),
    "one feature": lambda: box_input(d=1, spread=3),
    "a thousand features": lambda: box_input(m=200, d=1000, n=300),
    "huge scale": lambda: box_input(
        queries=np.full((60, 3), 1e300),
        residual=np.full((60, 3), -1e300),
        spread=1,
        column_scale=np.full(3, 1e-300),
        upper=np.full(60, 1e300),
        lower=np.full(60, 1e300),
    ),
    "tiny scale": lambda: box_input(
        upper=np.full(60, 1e-300),
        lower=np.full(60, 1e-300),
        tolerance=0.0,
        reference=np.full(9, 1e-301),
        verdict=np.full(60, -1),
        band_limits=None,
    ),
    "a location": lambda: ReportInput.from_location(located()),
    "a membership run": lambda: ReportInput.from_location(located(membership_only=True)),
    "hostile names": lambda: box_input(
        d=len(HOSTILE),
        columns=HOSTILE,
        spread=3,
        metric_text=HOSTILE[1],
        labels=np.array([HOSTILE[i % len(HOSTILE)] for i in range(60)], dtype=object),
        training_labels=np.array([HOSTILE[i % len(HOSTILE)] for i in range(200)], dtype=object),
        band_rules={"far": HOSTILE[0]},
    ),
}
