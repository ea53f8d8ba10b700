"""Which descents are run: every problem and method, at one rate and at each method's best."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._runs import Results, Task, fingerprint
from .._types import Array, Floats
from ..balestriero2021 import Images
from ._descents import ONE_RATE_METHODS, descend, methods_of
from ._problems import FORWARD_PROBLEMS, ForwardProblem, FunctionModel, NetworkModel, NetworkSize

DESCENT_FORM = 1  # of what a task computes: raised where results kept before are no longer right
SEARCH_SEED = 10_000  # of the descents that only choose a rate


@dataclass(frozen=True, eq=False)
class DescentGrid:
    """What is asked for."""

    problems: Sequence[str]
    images: Images
    size: NetworkSize
    seeds: int
    steps: int
    function_steps: int

    def tasks(self) -> list[Task]:
        """In the order of problems and methods: first what chooses a rate."""
        return [
            task
            for name in self.problems
            for method in methods_of(FORWARD_PROBLEMS[name])
            for task in self._tasks(FORWARD_PROBLEMS[name], method)
        ]

    def _tasks(self, problem: ForwardProblem, method: str) -> Iterator[Task]:
        name, steps = f"{problem.name}-{method}", self.steps_of(problem)
        search = max(steps // 2, 20)
        for rate in problem.rates:
            yield self._task(
                problem, method, f"{name}-search-{rate:g}", SEARCH_SEED, search, (rate,)
            )
        for seed in range(self.seeds):
            if method in ONE_RATE_METHODS:
                yield self._task(
                    problem, method, f"{name}-one-{seed}", seed, steps, (problem.own_rate,)
                )
            if problem.rates:
                yield self._task(problem, method, f"{name}-best-{seed}", seed, steps, problem.rates)

    def _task(
        self,
        problem: ForwardProblem,
        method: str,
        name: str,
        seed: int,
        steps: int,
        rates: tuple[float, ...],
    ) -> Task:
        pixels = (self.images.train, self.images.train_labels, self.size)
        about = (DESCENT_FORM, problem, method, seed, steps, rates, self.steps)
        key = fingerprint(*about, *(pixels if problem.is_network else ()))

        def work(results: Results) -> Mapping[str, Array]:
            rate = rates[0] if len(rates) == 1 else best_rate(results, problem, method)
            with one_thread() as torch:
                model: FunctionModel | NetworkModel
                if problem.is_network:
                    model = NetworkModel(torch, problem.name, self.images, self.size, seed, steps)
                else:
                    model = FunctionModel(torch, problem.name, seed)
                return descend(torch, model, method, rate, problem.decay, seed, steps)

        return Task(name, key, work)

    def steps_of(self, problem: ForwardProblem) -> int:
        """Steps of a descent."""
        return self.steps if problem.is_network else self.function_steps


@dataclass(frozen=True, eq=False)
class Descents:
    """The descents of one problem, method and kind of rate, over seeds."""

    results: tuple[Mapping[str, Array], ...]

    @property
    def rate(self) -> float:
        """The same for all seeds."""
        return float(self.results[0]["rate"])

    @property
    def losses(self) -> Floats:
        """(seeds, windows)."""
        return np.stack([result["losses"] for result in self.results])

    @property
    def seconds(self) -> Floats:
        """(seeds, windows) from the start."""
        return np.stack([result["seconds"] for result in self.results])

    @property
    def step_seconds(self) -> Floats:
        """(seeds,) the median of a step."""
        return np.array([float(result["step_seconds"]) for result in self.results])

    @property
    def accuracy(self) -> Floats:
        """(seeds,) on test images."""
        return np.array([float(result["test"][1]) for result in self.results])

    @property
    def final(self) -> Floats:
        """(seeds,) of the last window."""
        return self.losses[:, -1]

    def final_at(self, seconds: float) -> Floats:
        """(seeds,) the loss where so many seconds have passed; NaN before the first window."""
        return np.array(
            [
                np.interp(seconds, times, losses, left=np.nan)
                for times, losses in zip(self.seconds, self.losses)
            ]
        )


def descents(grid: DescentGrid, results: Results, problem: str, method: str, kind: str) -> Descents:
    """Those of a kind: "one" at the rate that all share, "best" at the method's own."""
    return Descents(
        tuple(results[f"{problem}-{method}-{kind}-{seed}"] for seed in range(grid.seeds))
    )


def best_rate(results: Results, problem: ForwardProblem, method: str) -> float:
    """Of the search, the rate with the lowest loss at its end."""

    def final(rate: float) -> float:
        loss = float(results[f"{problem.name}-{method}-search-{rate:g}"]["losses"][-1])
        return loss if np.isfinite(loss) else np.inf

    return min(problem.rates, key=final)


@contextmanager
def one_thread() -> Iterator[Any]:
    """Torch on one thread: the same sums on every machine, and times that can be compared."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield torch
    finally:
        torch.set_num_threads(threads)
