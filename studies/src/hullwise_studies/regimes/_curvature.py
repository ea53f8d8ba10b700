"""Distance that counts slopes, or distance that counts bends.

A predictor that reproduces linear functions is wrong where the target bends, and may be right far
away along a direction in which it is linear. One that averages is wrong along every slope. So the
metric of the gradients should track the errors of the latter, that of the Hessians those of the
former.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hullwise import Cloud, MinimaxRegressor, NearestRegressor
from hullwise.metrics import agop_of_rows, curvature_of_rows

from .._runs import Results, Task, fingerprint
from .._study import Part
from .._tables import Finding, Table
from .._types import Array, Floats
from ._grid import CACHE_VERSION, Grid, GridPart, quietly
from ._notions import distances
from ._scores import auroc, interval, spearman
from ._sets import Draw, standardised

BEND_INPUTS = 4
BEND_METRICS = ("plain", "AGOP", "curvature")
BEND_TITLES = {
    "minimax": "minimax weights (reproduce linear functions)",
    "nearest": "mean of the 5 nearest rows",
}


def bending(n: int, m: int, seed: int) -> Draw:
    """y = sin(4 x1) + 2 x2 of four inputs; half of the queries leave x1's range, half x2's."""
    rng = np.random.default_rng([seed, BEND_INPUTS])
    X, Q = rng.uniform(size=(n, BEND_INPUTS)), rng.uniform(size=(m, BEND_INPUTS))
    harmful = (np.arange(m) < m // 2).astype(np.int8)
    leaves = np.where(harmful == 1, 0, 1)
    beyond = rng.uniform(0, 0.5, size=m)
    Q[np.arange(m), leaves] = np.where(rng.random(m) < 0.5, -beyond, 1 + beyond)
    return standardised(X, _bend(X), Q, _bend(Q), 0, harmful)


def _bend(X: Floats) -> Floats:
    return np.asarray(np.sin(4 * X[:, 0]) + 2 * X[:, 1])


def curvature_tasks(grid: Grid) -> list[Task]:
    """One for each seed."""
    n, m = grid.size.rows, grid.size.queries // 2

    def task(seed: int) -> Task:
        def work(_: Results) -> Mapping[str, Array]:
            with quietly():
                return bend_readings(bending(n, m, seed))

        return Task(f"bends-{seed}", fingerprint(CACHE_VERSION, "bends", n, m, seed), work)

    return [task(seed) for seed in range(grid.seeds)]


def bend_readings(drawn: Draw) -> dict[str, Array]:
    """Errors of two predictors, and distances to the 5th nearest row in three metrics."""
    Z, y, Q = drawn.Z, drawn.y, drawn.Q
    predictors = {
        "minimax": MinimaxRegressor(metric=None),
        "nearest": NearestRegressor(n_neighbors=5, metric=None),
    }
    readings: dict[str, Array] = {"harmful": drawn.harmful}
    for name, predictor in predictors.items():
        readings[f"{name}.error"] = np.abs(drawn.truth - predictor.fit(Z, y).predict(Q))
    metrics = {"plain": None, "AGOP": agop_of_rows(Z, y), "curvature": curvature_of_rows(Z, y)}
    for name, metric in metrics.items():
        readings[name] = distances(Cloud(Z), Q, metric)[1]
    return readings


def curvature_part(grid: Grid, results: Results) -> tuple[Part, list[Finding]]:
    """Its table and finding."""
    seeds = [results[f"bends-{seed}"] for seed in range(grid.seeds)]
    rows: list[tuple[object, ...]] = []
    means: dict[tuple[str, str], float] = {}
    for name, title in BEND_TITLES.items():
        for metric in BEND_METRICS:
            tracked = interval(np.array([spearman(r[metric], r[f"{name}.error"]) for r in seeds]))
            leaves = interval(np.array([auroc(r[metric], r["harmful"] == 1) for r in seeds]))
            means[name, metric] = tracked.mean
            rows.append((title, metric, tracked.mean, tracked.half, leaves.mean, leaves.half))
    table = Table(
        "curvature",
        "Distances that count slopes or bends",
        ("predictor", "metric", "Spearman", "± Spearman", "leaves x1", "± leaves x1"),
        tuple(rows),
        "y = sin(4 x1) + 2 x2 of four inputs, half of the queries outside in x1, half in x2. "
        "Spearman: of the distance to the 5th nearest row with the error. leaves x1: AUROC of the "
        "distance for queries that leave the input along which the target bends. AGOP and "
        "curvature: agop_of_rows and curvature_of_rows. ±: half of the 95 % t-interval over seeds.",
        keys=2,
    )
    lines = [
        f"{title}: {', '.join(f'{metric} {means[name, metric]:.2f}' for metric in BEND_METRICS)}"
        for name, title in BEND_TITLES.items()
    ]
    finding = Finding(
        "Distances that count slopes or bends",
        f"Spearman of the distance to the 5th nearest row with the error: {'; '.join(lines)}.",
    )
    text = (
        "What reproduces linear functions is wrong where a target bends; what averages is wrong "
        "along every slope. So which distance tracks the error should depend on the predictor."
    )
    return Part("Slopes or bends", text, (), (table,)), [finding]


STUDY_PARTS = (
    GridPart(
        "curvature", "distance that counts slopes, or bends", 4, curvature_tasks, curvature_part
    ),
)
