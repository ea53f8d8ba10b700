"""The orthogonality penalty by its weight: angles, errors, and the number of regions."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

import hullwise as hw
from hullwise.report.charts import Series, line_chart

from .._runs import Results, Task
from .._study import Chart, Part
from .._tables import Finding, Row, Table
from .._types import Array, Floats
from ..regimes._scores import interval
from ._aid_grid import AidGrid, one_thread
from ._aids import orthogonality_aid, trained_network
from ._measures import measures_of

SWEPT_WEIGHTS = (0.0, 0.03, 0.3, 3.0)
SWEPT_LAYERS = ("last", "hidden")
SWEPT_MEASURES = {
    "error": ("error", 3),
    "last": ("cos² last", 3),
    "hidden": ("cos² hidden", 3),
    "pieces": ("regions of a plane", 0),
    "regions": ("regions with rows", 3),
    "complexity": ("complexity", 1),
}


def swept_sets(grid: AidGrid) -> list[str]:
    """Sets with classes: a single output has no angles."""
    return [name for name in grid.sources if grid.rows[name].n_classes]


def _cases(grid: AidGrid) -> list[tuple[str, str, float]]:
    return [
        (name, layers, weight)
        for name in swept_sets(grid)
        for layers in SWEPT_LAYERS
        for weight in SWEPT_WEIGHTS
    ]


def sweep_tasks(grid: AidGrid) -> list[Task]:
    """One for each set, choice of layers, weight and seed; without weight the layers are one."""
    tasks = {}
    for case in _cases(grid):
        for seed in range(grid.seeds):
            task = _sweep_task(grid, *case, seed)
            tasks[task.name] = task
    return list(tasks.values())


def _sweep_name(name: str, layers: str, weight: float, seed: int) -> str:
    return f"orthogonality-{name}-{layers if weight else 'none'}-{weight:g}-{seed}"


def _sweep_task(grid: AidGrid, name: str, layers: str, weight: float, seed: int) -> Task:
    def work(_: Results) -> Mapping[str, Array]:
        draw = grid.draw(name, seed)
        with one_thread():
            aid = orthogonality_aid(weight, layers)
            network = trained_network(draw, aid, grid.size.steps, seed)
            measures = measures_of(network, draw)
            for which in SWEPT_LAYERS:
                penalty = hw.train.orthogonality_penalty(network, layers=which)
                n_layers = 1 if which == "last" else 2
                measures[which] = np.array(float(penalty.detach()) / n_layers)
        return measures

    title = _sweep_name(name, layers, weight, seed)
    return Task(title, grid.key(name, title), work)


def sweep_part(grid: AidGrid, results: Results) -> tuple[Part, list[Finding]]:
    """Its table, chart and finding."""
    values = {
        case: {
            measure: np.array(
                [float(results[_sweep_name(*case, seed)][measure]) for seed in range(grid.seeds)]
            )
            for measure in SWEPT_MEASURES
        }
        for case in _cases(grid)
    }
    rows = [_sweep_row(values, case) for case in values]
    columns = ["set", "layers", "weight"]
    for title, _ in SWEPT_MEASURES.values():
        columns += [f"{title} | mean", f"{title} | change", f"{title} | ±"]
    table = Table(
        "orthogonality",
        "The penalty's weight, and what follows",
        tuple(columns),
        tuple(rows),
        "cos²: mean over the pairs of rows of a layer; hidden is the mean of the two hidden "
        "layers. change: from weight 0, pair by pair; ±: half of its 95 % t-interval over seeds.",
        keys=3,
    )
    text = (
        "Balestriero and Baraniuk propose to make the templates of the last layer orthogonal. The "
        "same penalty on the hidden layers turns the hyperplanes apart at which units change "
        "their piece, and so has a say in how many regions there are."
    )
    charts = (_sweep_chart(grid, values),) if swept_sets(grid) else ()
    part = Part("Orthogonality and the number of regions", text, charts, (table,))
    return part, [_sweep_finding(grid, values)]


SweepValues = Mapping[tuple[str, str, float], Mapping[str, Floats]]


def _sweep_row(values: SweepValues, case: tuple[str, str, float]) -> Row:
    name, layers, weight = case
    cells: list[object] = [name, layers, f"{weight:g}"]
    for measure, (_, places) in SWEPT_MEASURES.items():
        own = values[case][measure]
        change = interval(own - values[name, layers, 0.0][measure])
        cells.append(_number(float(own.mean()), places))
        cells += [
            _number(v, places) if weight and np.isfinite(v) else None
            for v in (change.mean, change.half)
        ]
    return tuple(cells)


def _number(value: float, places: int) -> float:
    return round(value) if places == 0 else round(value, places) + 0.0


def _sweep_chart(grid: AidGrid, values: SweepValues) -> Chart:
    weights = SWEPT_WEIGHTS[1:]
    lines = []
    for name in swept_sets(grid):
        for layers in SWEPT_LAYERS:
            share = [
                float(
                    np.mean(values[name, layers, w]["pieces"] / values[name, layers, 0.0]["pieces"])
                )
                for w in weights
            ]
            lines.append(Series(f"{name}, {layers}", weights, share))
    svg = line_chart(
        lines,
        label="Regions of a plane by the weight of the orthogonality penalty",
        x_label="weight",
        y_label="regions, of those without penalty",
        log=(True, False),
    )
    return Chart(svg, "Regions of a plane through three training rows, of those without penalty.")


def _sweep_finding(grid: AidGrid, values: SweepValues) -> Finding:
    sentences = []
    for name in swept_sets(grid):
        for layers in SWEPT_LAYERS:
            base, most = values[name, layers, 0.0], values[name, layers, SWEPT_WEIGHTS[-1]]
            sentences.append(
                f"{name}, {layers} layer{'s' if layers == 'hidden' else ''} at weight "
                f"{SWEPT_WEIGHTS[-1]:g}: mean cos² {base[layers].mean():.3f} to "
                f"{most[layers].mean():.3f}, regions of a plane "
                f"{_changed(base['pieces'], most['pieces'], 0)}, error "
                f"{_changed(base['error'], most['error'], 3)}."
            )
    return Finding("Orthogonality and the number of regions", " ".join(sentences))


def _changed(before: Floats, after: Floats, places: int) -> str:
    """A mean, and what is added to it, with its interval."""
    change = interval(after - before)
    half = f" ± {change.half:.{places}f}" if np.isfinite(change.half) else ""
    added = f"{change.mean:+.{places}f}".replace("-", "−")
    return f"{before.mean():.{places}f} {added}{half}"
