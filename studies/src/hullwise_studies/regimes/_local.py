"""Seed of doubt: one metric for all places, or one for each query.

The target follows input 2 where input 1 is below one half, and input 3 where it is above: which
direction matters depends on the place. Half of the queries leave the data in the input that matters
where they are, half in the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hullwise import Cloud
from hullwise.metrics import local_agop, local_locate, local_metric
from hullwise.model import read

from .._runs import Results, Task, fingerprint
from .._study import Part
from .._tables import Finding, Table
from .._types import Array, Floats
from . import _models
from ._grid import CACHE_VERSION, Grid, GridPart, quietly
from ._models import TASK_METRIC_RIDGE
from ._notions import distances
from ._ranking import cell
from ._scores import Interval, auroc, interval, spearman, worst
from ._sets import SOURCES, Draw, SourceRows, draw, standardised

LOCAL_MODELS = ("rfm", "boosting", "mlp")
LOCAL_SETS = (
    ("friedman10", "shifted"),
    ("diabetes", "random"),
)  # sets of the grid, for the last model
LOCAL_METRICS = ("plain", "static", "local AGOP", "pullback")
SWITCHING_INPUTS, LOCAL_NEIGHBOURS = 10, 50


def switching(n: int, m: int, seed: int) -> Draw:
    """y = sin(4 x2) where x1 < 1/2, else sin(4 x3); queries leave the range of x2 or of x3."""
    rng = np.random.default_rng([seed, SWITCHING_INPUTS])
    X, Q = rng.uniform(size=(n, SWITCHING_INPUTS)), rng.uniform(size=(m, SWITCHING_INPUTS))
    harmful = (np.arange(m) < m // 2).astype(np.int8)
    uses = np.where(Q[:, 0] < 0.5, 1, 2)
    leaves = np.where(harmful == 1, uses, 3 - uses)
    beyond = rng.uniform(0, 0.5, size=m)
    Q[np.arange(m), leaves] = np.where(rng.random(m) < 0.5, -beyond, 1 + beyond)
    return standardised(X, _switch(X), Q, _switch(Q), 0, harmful)


def _switch(X: Floats) -> Floats:
    return np.asarray(np.where(X[:, 0] < 0.5, np.sin(4 * X[:, 1]), np.sin(4 * X[:, 2])))


def cases(grid: Grid) -> list[tuple[str, str]]:
    """(set, model), the switching target first."""
    names = tuple(m for m in LOCAL_MODELS if m in grid.models) or (grid.models[0],)
    return [("switch", m) for m in names] + [(name, names[-1]) for name, _ in LOCAL_SETS]


def local_tasks(grid: Grid) -> list[Task]:
    """One for each case and seed."""
    return [_local_task(grid, *case, seed) for case in cases(grid) for seed in range(grid.seeds)]


def _local_task(grid: Grid, name: str, model: str, seed: int) -> Task:
    n, m = grid.size.rows, grid.size.queries // 2

    def work(_: Results) -> Mapping[str, Array]:
        if name == "switch":
            drawn = switching(n, m, seed)
        else:
            source = SOURCES[name]
            rows: SourceRows | None = None if source.read is None else source.read()
            drawn = draw(source, rows, dict(LOCAL_SETS)[name], seed, n, m)
        with quietly():
            return local_readings(drawn, model, seed)

    key = fingerprint(CACHE_VERSION, "local", name, n, m, model, seed)
    return Task(f"local-{name}-{model}-{seed}", key, work)


def local_readings(drawn: Draw, name: str, seed: int) -> dict[str, Array]:
    """Errors, and hull and neighbour distances in each of the metrics."""
    model = _models.fit(name, drawn.Z, drawn.y, drawn.classes, seed)
    readings: dict[str, Array] = {
        "harmful": drawn.harmful,
        "error": model.error(drawn.Q, drawn.truth),
    }
    cloud = Cloud(drawn.Z)
    for metric, values in _metrics(model, drawn).items():
        if values is None or values.ndim == 2:
            hull, near = distances(cloud, drawn.Q, values)
        else:
            own = local_locate(cloud, drawn.Q, values, reference=0)
            hull = np.where(own.verdict == 1, 0.0, own.upper)
            near = own.neighbour_distance[:, -1]
        readings |= {f"{metric}.hull": hull, f"{metric}.k-NN": near}
    return readings


def _metrics(model: _models.Fitted, drawn: Draw) -> dict[str, Floats | None]:
    """None, one matrix for all queries, or one for each; the latter in units of the output.

    What all directions keep is taken from the static metric: a model may be flat in places.
    """
    Z, Q = drawn.Z, drawn.Q
    d = Z.shape[1]
    static = _models.metric_of(model, Z, drawn.y)
    smooth: Any = read(model.estimator) if model.name == "mlp" else model.estimator
    least = TASK_METRIC_RIDGE * (d if static is None else float(np.trace(static))) / d * np.eye(d)
    near = np.stack([_near(smooth, q, Z, d) for q in Q]) + least
    pullback = local_metric(smooth, Q, scale=Z) + least
    return {"plain": None, "static": static, "local AGOP": near, "pullback": pullback}


def _near(model: Any, q: Floats, Z: Floats, d: int) -> Floats:
    from hullwise.errors import ModelError

    try:
        return local_agop(model, q, Z, n_neighbors=LOCAL_NEIGHBOURS)
    except ModelError:  # flat near q
        return np.zeros((d, d))


def local_part(grid: Grid, results: Results) -> tuple[Part, list[Finding]]:
    """Its table and finding."""
    rows: list[tuple[object, ...]] = []
    scores: dict[tuple[str, str, str], tuple[Floats, Floats]] = {}
    for name, model in cases(grid):
        seeds = [results[f"local-{name}-{model}-{s}"] for s in range(grid.seeds)]
        for distance in ("hull", "k-NN"):
            for metric in LOCAL_METRICS:
                each = np.array([_local_scores(one, f"{metric}.{distance}") for one in seeds])
                if distance == "hull":
                    scores[name, model, metric] = each[:, 0], each[:, 2]
                cells = [cell(v) for i in map(interval, each.T) for v in (i.mean, i.half)]
                rows.append((name, _models.MODEL_TITLES[model], distance, metric, *cells))
    table = Table(
        "local",
        "One metric for all queries, or one for each",
        (
            *("set", "model", "distance", "metric", "Spearman", "± Spearman"),
            *("worst tenth", "± worst", "harmful", "± harmful"),
        ),
        tuple(rows),
        "switch: sin(4 x2) where x1 < 1/2, else sin(4 x3). static: the model's AGOP (RFM's own "
        f"metric). local AGOP: over the {LOCAL_NEIGHBOURS} training rows nearest to the query. "
        "pullback: J'J "
        "at the query itself. worst tenth, harmful: AUROC. ±: half of the 95 % t-interval over "
        "seeds.",
        keys=4,
    )
    text = (
        "Where the direction that matters depends on the place, a metric of each query's own "
        "should tell more than the average over all places. Its gradient is taken where the model "
        "extrapolates (pullback), or at the training rows nearby (local AGOP)."
    )
    return Part("Local against static metrics", text, (), (table,)), [_local_finding(grid, scores)]


def _local_scores(readings: Mapping[str, Array], key: str) -> list[float]:
    harmful, error = readings["harmful"], readings["error"]
    moved = harmful >= 0
    harm = auroc(readings[key][moved], harmful[moved] == 1) if moved.any() else float("nan")
    return [spearman(readings[key], error), auroc(readings[key], worst(error)), harm]


def _local_finding(
    grid: Grid, scores: Mapping[tuple[str, str, str], tuple[Floats, Floats]]
) -> Finding:
    lines = []
    for name, model in cases(grid):
        pairs = [[interval(v) for v in scores[name, model, metric]] for metric in LOCAL_METRICS[1:]]
        line = f"{name}, {_models.MODEL_TITLES[model]}: {_three([a for a, _ in pairs])}"
        if all(np.isfinite(b.mean) for _, b in pairs):
            line += f", AUROC of harmful {_three([b for _, b in pairs])}"
        lines.append(line)
    text = (
        "Spearman of the hull distance with the error in the static metric, the local AGOP and the "
        f"pullback at the query: {'; '.join(lines)}."
    )
    return Finding("Local against static metrics", text)


def _three(each: Sequence[Interval]) -> str:
    return ", ".join(
        f"{one.mean:.2f}" + (f" ± {one.half:.2f}" if np.isfinite(one.half) else "") for one in each
    )


STUDY_PARTS = (
    GridPart(
        "local", "one metric for all places, or one for each query", 3, local_tasks, local_part
    ),
)
