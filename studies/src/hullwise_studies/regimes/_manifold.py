"""Seed of doubt: data on a flat of 4 dimensions among 100, and queries that leave the flat.

In the flat a hull of 4 dimensions is full of queries; the least noise off it and no query is inside
any more. A model trained on the flat has not seen what lies off it, so its metric hardly sees it
either: right where the target does not change there, blind where it does.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hullwise import Cloud, locate
from hullwise.metrics import leading_metric

from .._runs import Results, Task, fingerprint
from .._study import Part
from .._tables import Finding, Table
from .._types import Array, Floats
from . import _models
from ._grid import CACHE_VERSION, Grid, GridPart, quietly
from ._notions import LEADING_SHARE, settled
from ._ranking import cell
from ._scores import Interval, auroc, interval, spearman
from ._sets import Draw, standardised

FLAT_DIMENSION, FLAT_AMBIENT = 4, 100
FLAT_NOISE = (0.0, 1e-6, 1e-2, 1e-1)  # length of the training rows' own way off the flat
FARTHEST_OFF_FLAT = (
    2.0  # the longest way of a query off the flat; the flat's data are a cube of side 2
)
FLAT_MODELS = ("kernel_ridge", "rfm", "mlp")
OTHER_TARGET_SLOPE = 2.0  # slope of the second target off the flat


def flat_draw(n: int, m: int, noise: float, seed: int) -> tuple[Draw, Floats]:
    """Rows and queries, the second half of them off the flat; and another target's values.

    `truth` of the draw is that of a target which does not change off the flat; the second array is
    that of one which does. They agree at the training rows up to their noise.
    """
    rng = np.random.default_rng([seed, FLAT_NOISE.index(noise)])
    basis = np.linalg.qr(rng.normal(size=(FLAT_AMBIENT, FLAT_AMBIENT)))[0]
    U = rng.uniform(-1, 1, size=(n + m, FLAT_DIMENSION))
    way = rng.normal(size=(n + m, FLAT_AMBIENT - FLAT_DIMENSION))
    way *= noise / np.linalg.norm(way, axis=1, keepdims=True)
    harmful = (np.arange(m) >= m // 2).astype(np.int8)
    at = n + np.flatnonzero(harmful == 1)
    step = rng.normal(size=(len(at), FLAT_AMBIENT - FLAT_DIMENSION))
    length = rng.uniform(0, FARTHEST_OFF_FLAT, size=(len(at), 1))
    way[at] += length * step / np.linalg.norm(step, axis=1, keepdims=True)
    X = U @ basis[:, :FLAT_DIMENSION].T + way @ basis[:, FLAT_DIMENSION:].T
    y = np.sin(2 * U[:, 0]) + U[:, 1] * U[:, 2] + U[:, 3] ** 2
    draw = standardised(X[:n], y[:n], X[n:], y[n:], 0, harmful)
    # off the flat it grows with the way along one of the directions that no row shows
    other = (
        y[n:]
        + OTHER_TARGET_SLOPE * np.sqrt(FLAT_AMBIENT - FLAT_DIMENSION) * way[n:, 0]
        - y[:n].mean()
    ) / y[:n].std()
    return draw, np.asarray(other)


def models(grid: Grid) -> tuple[str, ...]:
    """Those asked here."""
    return tuple(m for m in FLAT_MODELS if m in grid.models) or (grid.models[0],)


def flat_tasks(grid: Grid) -> list[Task]:
    """One for each noise and seed."""
    return [_flat_task(grid, noise, seed) for noise in FLAT_NOISE for seed in range(grid.seeds)]


def _flat_task(grid: Grid, noise: float, seed: int) -> Task:
    n, m, names = grid.size.manifold, grid.size.queries, models(grid)

    def work(_: Results) -> Mapping[str, Array]:
        with quietly():
            return flat_readings(*flat_draw(n, m, noise, seed), names, seed)

    key = fingerprint(CACHE_VERSION, "manifold", n, m, noise, seed, names)
    return Task(f"manifold-{noise:g}-{seed}", key, work)


def flat_readings(draw: Draw, other: Floats, names: tuple[str, ...], seed: int) -> dict[str, Array]:
    """Distances and verdicts, plain and in each model's metric; errors for both targets."""
    cloud = Cloud(draw.Z)
    loc = locate(cloud, draw.Q, metric=None, reference=0)
    readings = {"harmful": draw.harmful, "hull": settled(loc), "inside": loc.verdict == 1}
    for name in names:
        model = _models.fit(name, draw.Z, draw.y, 0, seed)
        metric = _models.metric_of(model, draw.Z, draw.y)
        readings[f"same.{name}"] = model.error(draw.Q, draw.truth)
        readings[f"other.{name}"] = model.error(draw.Q, other)
        loc = locate(cloud, draw.Q, metric=metric, reference=0)
        readings[f"hull.{name}"] = settled(loc)
        Z, Q = draw.Z, draw.Q
        if metric is not None:
            directions = leading_metric(metric, np.ones(len(metric)), LEADING_SHARE)
            Z, Q = directions.image(Z), directions.image(Q)
        readings[f"inside.{name}"] = locate(Z, Q, membership_only=True).verdict == 1
        readings[f"rank.{name}"] = np.array([Z.shape[1]])
    return readings


FLAT_MEASURES = ("on", "off", "told", "same", "other")


def _flat_scores(readings: Mapping[str, Array], reading: str, model: str) -> list[float]:
    """Shares inside on and off the flat, AUROC off against on, Spearman with the two errors."""
    end = f".{reading}" if reading else ""
    off = readings["harmful"] == 1
    inside, hull = readings[f"inside{end}"], readings[f"hull{end}"]
    return [
        float(inside[~off].mean()),
        float(inside[off].mean()),
        auroc(hull, off),
        spearman(hull, readings[f"same.{model}"]),
        spearman(hull, readings[f"other.{model}"]),
    ]


def flat_part(grid: Grid, results: Results) -> tuple[Part, list[Finding]]:
    """Its table and finding."""
    rows, scores = [], {}
    for noise in FLAT_NOISE:
        seeds = [results[f"manifold-{noise:g}-{s}"] for s in range(grid.seeds)]
        for model in models(grid):
            for reading in ("", model):
                each = np.array([_flat_scores(one, reading, model) for one in seeds])
                means = [interval(column) for column in each.T]
                scores[noise, model, reading] = dict(zip(FLAT_MEASURES, means))
                metric = "task" if reading else "plain"
                cells = [cell(v) for one in means for v in (one.mean, one.half)]
                rows.append((noise, _models.MODEL_TITLES[model], metric, *cells))
    heads = (
        *("inside | on the flat", "inside | ± on", "inside | off it", "inside | ± off"),
        *("off against on | AUROC", "off against on | ±"),
        *("error, target same off it | Spearman", "error, target same off it | ±"),
        *("error, target changes off it | Spearman", "error, target changes off it | ±"),
    )
    table = Table(
        "manifold",
        "A flat of 4 dimensions among 100",
        ("noise", "model", "metric", *heads),
        tuple(rows),
        "noise: how far training rows lie off the flat, whose data fill a cube of side 2; "
        f"queries leave it by up to {FARTHEST_OFF_FLAT:g}. inside: share of the queries in the "
        "hull, in the "
        "metric: along its leading directions. Spearman of the hull distance with the error of "
        "the model. ±: half of the 95 % t-interval over seeds.",
        keys=3,
    )
    text = (
        "Rows on a flat of 4 dimensions, turned into 100. Half of the queries lie on it as the "
        "rows do, half leave it. Two targets agree on the flat: one does not change off it, the "
        "other does, where no row says so."
    )
    return Part("A flat of data", text, (), (table,)), [_flat_finding(grid, scores)]


def _flat_finding(
    grid: Grid, scores: Mapping[tuple[float, str, str], Mapping[str, Interval]]
) -> Finding:
    model = models(grid)[0]

    def mean(noise: float, reading: str, what: str) -> float:
        return float(scores[noise, model, reading][what].mean)

    exact, noisy = FLAT_NOISE[0], FLAT_NOISE[1]
    name = _models.MODEL_TITLES[model]
    apart, same, other = (
        f"{mean(noisy, '', what):.2f} plain and {mean(noisy, model, what):.2f} in the metric"
        for what in ("told", "same", "other")
    )
    text = (
        f"On an exact flat {mean(exact, '', 'on'):.0%} of the queries on it are inside the hull, "
        f"with noise of {noisy:g} {mean(noisy, '', 'on'):.0%}; along the leading directions of the "
        f"metric of {name} {mean(exact, model, 'on'):.0%} and {mean(noisy, model, 'on'):.0%}, but "
        f"there {mean(noisy, model, 'off'):.0%} of those off the flat count as inside too. AUROC "
        f"of the hull distance, off the flat against on it: {apart}. Spearman with the error where "
        f"the target is the same off the flat: {same}; where it changes: {other}. A metric learnt "
        "on the flat cannot know what matters off it."
    )
    return Finding("A flat of 4 dimensions among 100", text)


STUDY_PARTS = (
    GridPart("manifold", "data on a flat of 4 dimensions among 100", 2, flat_tasks, flat_part),
)
