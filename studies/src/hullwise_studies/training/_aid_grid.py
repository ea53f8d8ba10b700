"""Sets x aids x seeds: a task for each, and the differences from no aid."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from .._runs import Results, Task, fingerprint
from .._threads import single_threaded_blas
from .._types import Array, Floats
from ..regimes._scores import Interval, interval
from ._aids import AIDS, trained_network
from ._draws import TrainingDraw, TrainingRows, TrainingSize, TrainingSource, draw_rows
from ._measures import measures_of

TRAINING_CACHE = 1  # raised where results kept before are no longer right
NO_AID = "none"


@dataclass(frozen=True, eq=False)
class AidGrid:
    """What is computed: sets, aids, seeds and sizes."""

    sources: Mapping[str, TrainingSource]
    rows: Mapping[str, TrainingRows]
    aids: tuple[str, ...]
    seeds: int
    size: TrainingSize

    def draw(self, name: str, seed: int) -> TrainingDraw:
        """The rows of a set and seed: the same for every aid."""
        return draw_rows(self.rows[name], self.size, seed)

    def key(self, name: str, *parts: object) -> str:
        """What a result of a set depends on."""
        rows = self.rows[name]
        return fingerprint(TRAINING_CACHE, name, rows.X, rows.y, self.size, *parts)

    def cases(self) -> list[tuple[str, str]]:
        """(set, aid) for every aid that suits the set."""
        return [
            (name, aid)
            for name in self.sources
            for aid in self.aids
            if AIDS[aid].suits(self.draw(name, 0))
        ]

    def tasks(self) -> list[Task]:
        """One for each set, aid and seed."""
        return [self._task(*case, seed) for case in self.cases() for seed in range(self.seeds)]

    def _task(self, name: str, aid: str, seed: int) -> Task:
        def work(_: Results) -> Mapping[str, Array]:
            draw = self.draw(name, seed)
            with one_thread():
                network = trained_network(draw, AIDS[aid], self.size.steps, seed)
                return measures_of(network, draw)

        return Task(task_name(name, aid, seed), self.key(name, "aid", aid, seed), work)


def task_name(name: str, aid: str, seed: int) -> str:
    """Of a network of the grid."""
    return f"training-{name}-{aid}-{seed}"


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch and BLAS on one thread: the networks are small, and sums come out the same."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with single_threaded_blas():
            yield
    finally:
        torch.set_num_threads(threads)


@dataclass(frozen=True, eq=False)
class AidScores:
    """Every measure of every network of one set: by aid and measure (seeds,)."""

    name: str
    values: Mapping[str, Mapping[str, Floats]]

    def mean(self, aid: str, measure: str) -> Interval:
        """Over seeds."""
        return interval(self.values[aid][measure])

    def change(self, aid: str, measure: str) -> Interval:
        """What the aid adds to no aid, pair by pair: the same rows, start and batches."""
        return interval(self.values[aid][measure] - self.values[NO_AID][measure])


def scores_by_set(grid: AidGrid, results: Results) -> list[AidScores]:
    """The results of the grid, set by set."""
    scores = []
    for name in grid.sources:
        aids = [aid for set_name, aid in grid.cases() if set_name == name]
        values = {}
        for aid in aids:
            each = [results[task_name(name, aid, seed)] for seed in range(grid.seeds)]
            values[aid] = {key: np.array([float(one[key]) for one in each]) for key in each[0]}
        scores.append(AidScores(name, values))
    return scores
