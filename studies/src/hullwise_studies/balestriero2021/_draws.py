"""Shares over clouds of training rows drawn anew, with several queries to each.

The number of clouds is planned from the exact probability so that the standard error stays below
the target; what is reported is the error measured between clouds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np

from hullwise.report.charts import Series, line_chart

from .._runs import Task, fingerprint
from .._types import Array
from ._plan import Settings
from ._shares import ask, within_clouds

STANDARD_ERROR_TARGETS = {False: 0.01, True: 0.005}
FEWEST_CLOUDS = 16
CHEAP_CLOUD_ROWS = 30_000  # samples up to which more clouds cost little
Draw = Callable[[np.random.Generator, int, int], tuple[Array, Array]]


@dataclass(frozen=True)
class Design:
    """How many clouds, and how many queries to each."""

    clouds: int
    queries: int


def design(N: int, p: float, target: float) -> Design:
    """Clouds and queries for a standard error of 0.64 `target` at probability p.

    Between clouds of N samples the share varies with a variance of about p(1-p) 0.6/N (measured at
    d = 2 to 5, where it is largest). The error found is itself uncertain, by 18 % with 16 clouds
    and 13 % with 32, and the largest of many settings is to stay below the target: hence 0.64.
    """
    spread = max(p * (1 - p), 0.02)
    goal = (0.64 * target) ** 2 / spread
    clouds = FEWEST_CLOUDS if N > CHEAP_CLOUD_ROWS else 2 * FEWEST_CLOUDS
    most = min(max(N, 50), 2000)  # queries beyond N to a cloud would be wasted
    room = goal * clouds - 0.6 / N
    if room * most >= 1:
        return Design(clouds, max(50, ceil(1 / room)))
    return Design(ceil((1 / most + 0.6 / N) / goal), most)


def shares(draw: Draw, N: int, plan: Design, settings: Settings, *more: int) -> dict[str, Array]:
    """The share of each cloud, with undecided queries and verified certificates counted."""
    inside, undecided, checked = [], 0, np.zeros(2, dtype=int)
    each = None if settings.verify is None else ceil(settings.verify / plan.clouds)
    for number in range(plan.clouds):
        rng = np.random.default_rng([settings.random_state, N, *more, number])
        answer = ask(*draw(rng, N, plan.queries), each, number, compare=False)
        inside.append((answer["verdict"] == 1).mean())
        undecided += int((answer["verdict"] == 0).sum())
        checked += answer["verified"]
    return {
        "shares": np.array(inside),
        "queries": np.array(plan.queries),
        "undecided": np.array(undecided),
        "verified": checked,
    }


def drawn(
    name: str, draw: Draw, N: int, p: float, settings: Settings, target: float, *more: int
) -> Task:
    plan = design(N, p, target)
    key = fingerprint(name, N, more, plan, settings.random_state, settings.verify)
    return Task(name, key, lambda _: shares(draw, N, plan, settings, *more))


MONTE_CARLO_COLUMNS = (
    *("Monte Carlo | share inside", "Monte Carlo | standard error", "Monte Carlo | clouds"),
    *("Monte Carlo | queries", "Monte Carlo | undecided", "Monte Carlo | verified"),
)


def cells(answer: dict[str, Array]) -> tuple[Any, ...]:
    mean, error = within_clouds(answer["shares"])
    clouds = len(answer["shares"])
    checked, accepted = map(int, answer["verified"])
    queries = clouds * int(answer["queries"])
    return (mean, error, clouds, queries, int(answer["undecided"]), f"{accepted:,} of {checked:,}")


def apart(answer: dict[str, Array], truth: float) -> float:
    """Difference to the exact probability in standard errors, at least the binomial ones."""
    mean, error = within_clouds(answer["shares"])
    trials = len(answer["shares"]) * int(answer["queries"])
    least = np.sqrt(truth * (1 - truth) / trials)
    scale = max(error if np.isfinite(error) else 0.0, float(least))
    return 0.0 if mean == truth else (mean - truth) / scale


def by_samples(series: Sequence[Series], label: str, x_label: str) -> str:
    return line_chart(
        series, label=label, x_label=x_label, y_label="share inside", log=(True, False)
    )


def band(values: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    """Two standard errors below and above each mean, within [0, 1]."""
    low, high = ([min(max(m + s * 2 * e, 0.0), 1.0) for m, e in values] for s in (-1, 1))
    return low, high
