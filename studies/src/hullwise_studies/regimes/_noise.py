"""Seed of doubt: 240 useless inputs beside 16 useful ones, at several numbers of rows.

Half of the queries leave the data in the 16 inputs that the target uses, half in 16 of those that
it does not. A notion that is about the task tells the two apart; without a metric none can.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hullwise import Cloud
from hullwise.report.charts import Series, line_chart

from .._runs import Results, Task, fingerprint
from .._study import Chart, Part
from .._tables import Finding, Table
from .._types import Array, Floats
from . import _models
from ._grid import CACHE_VERSION, Grid, GridPart, quietly
from ._notions import distances
from ._ranking import cell
from ._scores import Interval, auroc, interval, spearman
from ._sets import Draw, friedman1, standardised

USEFUL_INPUTS, USELESS_INPUTS = 16, 240
NOISE_MODELS = ("mlp", "rfm", "boosting")  # models whose metrics are cheap enough at 256 inputs
SINGLE_THREAD_ROWS_OF_NOISE = 2000  # rows up to which one BLAS thread is the quickest
PASSING_AUROC = 0.8  # AUROC from which a notion is said to hold up


def target(X: Floats) -> Floats:
    """Friedman's first function of inputs 1 to 5, 6 to 10 and 11 to 15, and 5 times the 16th."""
    return friedman1(X) + friedman1(X[:, 5:]) + friedman1(X[:, 10:]) + 5 * X[:, 15]


def noise_draw(n: int, m: int, seed: int) -> Draw:
    """n uniform rows; m queries, the first half out of range in what is useful."""
    rng = np.random.default_rng([seed, n])
    X, Q = (
        rng.uniform(size=(n, USEFUL_INPUTS + USELESS_INPUTS)),
        rng.uniform(size=(m, USEFUL_INPUTS + USELESS_INPUTS)),
    )
    harmful = (np.arange(m) < m // 2).astype(np.int8)
    for kind, start in ((1, 0), (0, USEFUL_INPUTS)):
        at = np.flatnonzero(harmful == kind)
        Q[at, start : start + USEFUL_INPUTS] = rng.uniform(-0.5, 1.5, size=(len(at), USEFUL_INPUTS))
    return standardised(X, target(X), Q, target(Q), 0, harmful)


def models(grid: Grid) -> tuple[str, ...]:
    """Those asked here."""
    return tuple(m for m in NOISE_MODELS if m in grid.models) or (grid.models[0],)


def noise_tasks(grid: Grid) -> list[Task]:
    """One for each number of rows, seed and model, and one without a model."""
    noise_tasks = []
    for n in grid.size.noise:
        for seed in range(grid.seeds):
            noise_tasks += [
                _noise_task(n, grid.size.queries, seed, model) for model in ("", *models(grid))
            ]
    return noise_tasks


def _noise_task(n: int, m: int, seed: int, model: str) -> Task:
    def work(_: Results) -> Mapping[str, Array]:
        draw = noise_draw(n, m, seed)
        with quietly(one_thread=n <= SINGLE_THREAD_ROWS_OF_NOISE):
            return noise_readings(draw, model, seed)

    name = f"noise-{n}-{seed}" + (f"-{model}" if model else "")
    return Task(name, fingerprint(CACHE_VERSION, "noise", n, m, seed, model), work)


def noise_readings(draw: Draw, name: str, seed: int) -> dict[str, Array]:
    """Hull and neighbour distance, plain or in a model's metric, with that model's errors."""
    metric = None
    readings: dict[str, Array] = {"harmful": draw.harmful}
    if name:
        model = _models.fit(name, draw.Z, draw.y, draw.classes, seed)
        readings["error"] = model.error(draw.Q, draw.truth)
        metric = _models.metric_of(model, draw.Z, draw.y)
    hull, near = distances(Cloud(draw.Z), draw.Q, metric)
    return readings | {"hull": hull, "neighbours": near}


def noise_part(grid: Grid, results: Results) -> tuple[Part, list[Finding]]:
    """Its chart, table and finding."""
    names = models(grid)
    rows, intervals = [], {}
    for n in grid.size.noise:
        row: list[object] = [n]
        for model in ("", *names):
            cells = [_noise_scores(grid, results, n, s, model) for s in range(grid.seeds)]
            each = [interval(np.array(values)) for values in zip(*cells)]
            intervals[n, model] = each[0]
            for one in each:
                row += [cell(one.mean), cell(one.half)]
        rows.append(tuple(row))
    columns = ["rows"]
    for model in ("plain", *(f"metric of {_models.MODEL_TITLES[m]}" for m in names)):
        scores = ("hull", "k-NN") if model == "plain" else ("hull", "k-NN", "error, plain", "error")
        for score in scores:
            columns += [f"{model} | {score}", f"{model} | ± {score}"]
    table = Table(
        "noise",
        "16 useful and 240 useless inputs: harmful against harmless shift",
        tuple(columns),
        tuple(rows),
        "hull, k-NN: AUROC of harmful against harmless shift. error: Spearman of the hull distance "
        "in the metric with the model's error; error, plain: of the plain one. ±: half of the "
        "95 % t-interval over seeds.",
    )
    text = (
        "The target uses 16 of 256 inputs. Half of the queries leave the range of those, half the "
        "range of 16 others: plain distances cannot tell the two, and half of all pairs are in the "
        "right order by chance."
    )
    return Part("Useless inputs", text, (_noise_chart(grid, intervals),), (table,)), [
        _noise_finding(grid, intervals)
    ]


def _noise_scores(grid: Grid, results: Results, n: int, seed: int, model: str) -> list[float]:
    name = f"noise-{n}-{seed}"
    shared = results[name]
    harmful = shared["harmful"] == 1
    if not model:
        return [auroc(shared[key], harmful) for key in ("hull", "neighbours")]
    own = results[f"{name}-{model}"]
    return [
        *(auroc(own[key], harmful) for key in ("hull", "neighbours")),
        spearman(shared["hull"], own["error"]),
        spearman(own["hull"], own["error"]),
    ]


def _noise_chart(grid: Grid, intervals: Mapping[tuple[int, str], Interval]) -> Chart:
    sizes = grid.size.noise
    series = []
    for model in ("", *models(grid)):
        one = [intervals[n, model] for n in sizes]
        name = f"metric of {_models.MODEL_TITLES[model]}" if model else "plain"
        y, low, high = ([getattr(i, k) for i in one] for k in ("mean", "low", "high"))
        series.append(Series(name, list(sizes), y, low, high))
    svg = line_chart(
        series,
        label="AUROC of harmful against harmless shift by number of training rows",
        x_label="training rows",
        y_label="AUROC, hull distance",
        log=(True, False),
    )
    return Chart(svg, "Harmful against harmless shift among 256 inputs; bands: 95 % over seeds.")


def _noise_finding(grid: Grid, intervals: Mapping[tuple[int, str], Interval]) -> Finding:
    sizes, lines = grid.size.noise, []
    for model in models(grid):
        holds = [intervals[n, model].mean >= PASSING_AUROC for n in sizes]
        first = next((n for k, n in enumerate(sizes) if all(holds[k:])), None)
        ends = f"({intervals[sizes[0], model].mean:.2f} at {sizes[0]:,} rows, "
        ends += f"{intervals[sizes[-1], model].mean:.2f} at {sizes[-1]:,})"
        when = f"from {first:,} rows on" if first is not None else "at none of these sizes"
        lines.append(f"{_models.MODEL_TITLES[model]} {when} {ends}")
    plain_auroc = intervals[sizes[-1], ""].mean
    text = (
        f"AUROC of at least {PASSING_AUROC:g} for harmful against harmless shift, by the hull "
        "distance in "
        f"the metric of: {'; '.join(lines)}. The plain distance: {plain_auroc:.2f} at "
        f"{sizes[-1]:,} rows."
    )
    return Finding("240 useless inputs beside 16 useful ones", text)


STUDY_PARTS = (
    GridPart("noise", "240 useless inputs beside 16 useful ones", 1, noise_tasks, noise_part),
)
