"""Sets x splits x models x seeds: each cell a task, its errors and readings, then its scores."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from hullwise import Cloud
from hullwise.errors import DataWarning

from .._runs import Results, Task, fingerprint
from .._study import Part
from .._tables import Finding
from .._threads import single_threaded_blas
from .._types import Array, Floats
from . import _models, _notions
from ._scores import CURVE_BINS, auroc, curve, spearman, worst
from ._sets import QUERY_SPLITS, DataSource, Draw, SourceRows, draw

CACHE_VERSION = 1  # of what a task computes: raised where results kept before are no longer right


@dataclass(frozen=True)
class GridSize:
    """How much is computed."""

    rows: int
    queries: int
    noise: tuple[int, ...]  # rows of the part on noise inputs
    manifold: int  # rows of the part on a flat


SHORT_SIZE = GridSize(500, 200, (200, 800, 1600), 300)
FULL_SIZE = GridSize(2000, 500, (200, 400, 800, 1600, 3200, 6400), 1000)


@dataclass(frozen=True, eq=False)
class Grid:
    """What is asked for: sets with their rows, models, seeds."""

    sources: Mapping[str, DataSource]
    rows: Mapping[str, SourceRows | None]
    models: Sequence[str]
    seeds: int
    size: GridSize

    def draw(self, name: str, split: str, seed: int) -> Draw:
        """Training rows and queries."""
        source = self.sources[name]
        return draw(source, self.rows[name], split, seed, self.size.rows, self.size.queries)

    def tasks(self) -> list[Task]:
        """One for what all models share at a seed, one for each model."""
        tasks = []
        for name in self.sources:
            for split in QUERY_SPLITS:
                for seed in range(self.seeds):
                    tasks += self._tasks(name, split, seed)
        return tasks

    def _tasks(self, name: str, split: str, seed: int) -> list[Task]:
        rows = self.rows[name]
        what = (rows.X, rows.y) if rows is not None else ()
        about = (CACHE_VERSION, name, split, seed, self.size.rows, self.size.queries, *what)

        def model_free(_: Results) -> Mapping[str, Array]:
            return plain_readings(self.draw(name, split, seed))

        def one(model: str) -> Task:
            def work(_: Results) -> Mapping[str, Array]:
                return model_readings(self.draw(name, split, seed), model, seed)

            return Task(f"{name}-{split}-{seed}-{model}", fingerprint(*about, model), work)

        first = Task(f"{name}-{split}-{seed}", fingerprint(*about), model_free)
        return [first, *(one(model) for model in self.models)]


@dataclass(frozen=True)
class GridPart:
    """A part beside the grid that the study finds by itself: a module's `STUDY_PARTS`.

    `order` is its place on the page; `tasks` and `part` get a grid without sets.
    """

    name: str
    text: str
    order: int
    tasks: Callable[[Grid], list[Task]]
    part: Callable[[Grid, Results], tuple[Part, list[Finding]]]


@contextmanager
def quietly(*, one_thread: bool = True) -> Any:
    """Flat tables and networks stopped at their last epoch are no news here.

    One thread: the work is small, and threads that wait for each other take longer than one alone.
    """
    from sklearn.exceptions import ConvergenceWarning

    with (
        single_threaded_blas() if one_thread else nullcontext(),
        threadpool_limits(1 if one_thread else None, user_api="openmp"),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore", DataWarning)
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def plain_readings(draw: Draw) -> dict[str, Array]:
    """The readings that no model enters."""
    with quietly():
        readings = _notions.geometric(Cloud(draw.Z), draw.Q, None)
    return {f"{name}.plain": values for name, values in readings.items()} | {
        "harmful": draw.harmful
    }


def model_readings(draw: Draw, name: str, seed: int) -> dict[str, Array]:
    """Errors of a model, and the readings that it enters."""
    with quietly():
        model = _models.fit(name, draw.Z, draw.y, draw.classes, seed)
        error = model.error(draw.Q, draw.truth)
        metric = _models.metric_of(model, draw.Z, draw.y)
        readings: dict[str, Floats] = {}
        if metric is not None:
            near = _notions.geometric(Cloud(draw.Z), draw.Q, metric)
            readings = {f"{key}.task": values for key, values in near.items()}
        readings |= _notions.of_model(model, draw.Z, draw.y, draw.Q, seed)
    return {"error": error, **readings}


@dataclass(frozen=True, eq=False)
class ReadingScores:
    """Scores of one reading: one entry for each seed, NaN where it does not exist."""

    spearman: Floats  # (seeds,)
    auroc: Floats  # (seeds,) for the worst tenth of the errors
    curve: Floats  # (seeds, BINS)
    harmful: Floats  # (seeds,) AUROC, harmful against harmless


Key = tuple[str, str, str, str]  # set, split, model, reading


def scores_of(grid: Grid, results: Results) -> dict[Key, ReadingScores]:
    """Every reading's scores; where a model has no metric, its readings are the plain ones."""
    scores: dict[Key, ReadingScores] = {}
    for name in grid.sources:
        for split in QUERY_SPLITS:
            for model in grid.models:
                seeds = [_seed_scores(results, name, split, s, model) for s in range(grid.seeds)]
                for reading in _notions.READINGS:
                    if any(reading in one for one in seeds):
                        lines = [one.get(reading, NO_SCORES) for one in seeds]
                        columns = [np.array(part) for part in zip(*lines)]
                        scores[name, split, model, reading] = ReadingScores(*columns)
    return scores


NO_SCORES: tuple[float, float, Floats, float] = (
    np.nan,
    np.nan,
    np.full(CURVE_BINS, np.nan),
    np.nan,
)


def _seed_scores(
    results: Results, name: str, split: str, seed: int, model: str
) -> dict[str, tuple[float, float, Floats, float]]:
    """Scores of one cell by reading."""
    shared = results[f"{name}-{split}-{seed}"]
    own = results[f"{name}-{split}-{seed}-{model}"]
    error, harmful = own["error"], shared["harmful"]
    bad, moved = worst(error), harmful >= 0
    scores = {}
    for reading in _notions.READINGS:
        values = shared.get(reading, own.get(reading))
        if values is None and reading.endswith(".task"):
            values = shared[reading.replace(".task", ".plain")]
        if values is None:
            continue
        harm = auroc(values[moved], harmful[moved] == 1) if moved.any() else float("nan")
        scores[reading] = (
            spearman(values, error),
            auroc(values, bad),
            curve(values, error),
            harm,
        )
    return scores


CellCounts = dict[tuple[str, str], int]  # cells of (set, model)


def without_metric(grid: Grid, results: Results) -> CellCounts:
    """How many cells had no metric."""
    return _count_cells(grid, results, lambda shared, own: "hull.task" not in own)


def plain_metric(grid: Grid, results: Results) -> CellCounts:
    """In how many cells the metric is the plain one, up to a factor: RFM that took no step."""

    def is_plain(shared: Mapping[str, Array], own: Mapping[str, Array]) -> bool:
        if "neighbours.task" not in own:
            return False
        near, base = own["neighbours.task"], shared["neighbours.plain"]
        return bool(np.allclose(near * base.sum(), base * near.sum(), rtol=1e-6))

    return _count_cells(grid, results, is_plain)


def _count_cells(
    grid: Grid,
    results: Results,
    holds: Callable[[Mapping[str, Array], Mapping[str, Array]], bool],
) -> CellCounts:
    counts: CellCounts = {}
    for name in grid.sources:
        for split in QUERY_SPLITS:
            for seed in range(grid.seeds):
                shared = results[f"{name}-{split}-{seed}"]
                for model in grid.models:
                    if holds(shared, results[f"{name}-{split}-{seed}-{model}"]):
                        counts[name, model] = counts.get((name, model), 0) + 1
    return counts
