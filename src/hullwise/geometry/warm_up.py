"""Compile every kernel now, on a table of a few rows, so that no later call is slow for it.

Numba keeps what it compiles in a cache folder: beside this file, or in the user's own cache
folder where that cannot be written, or where NUMBA_CACHE_DIR says. Only the first run compiles.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np
from numba.core import event

X = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 2.0]])


def warm_up(work: Callable[[], Any], say: Callable[[], Any] | None = None) -> float:
    """Run `work`; seconds spent, 0.0 where the cache had every kernel it needs.

    `say` is called before the first kernel is compiled, and not at all if none has to be.
    """
    heard = _First(say)
    start = perf_counter()
    with event.install_listener("numba:compile", heard):
        work()
    return perf_counter() - start if heard.count else 0.0


def locate_once() -> None:
    """Everything that `locate` runs, on a table of a few rows."""
    from .locate import locate

    locate(X, X[:2] + 0.25, k=1, reference=2)


def predict_once(regressor: Any, *, bound: bool = False) -> None:
    """Everything that `hullwise predict` runs with this regressor, on a table of a few rows."""
    rows = np.random.default_rng(0).normal(size=(12, 2))
    regressor.fit(rows, rows[:, 0])
    for queries in (rows[:3] / 2, rows[:3] * 9):
        if hasattr(regressor, "simplices"):
            regressor.simplices(queries)
        else:
            from .hull import locate_in_hull

            regressor.weights(queries)
            locate_in_hull(regressor.cloud_, queries, regressor.metric_)
        if bound:
            regressor.bound(queries, smoothness=1.0)
    if bound:
        from ..predict.smoothness import estimate_smoothness

        estimate_smoothness(rows, rows[:, 0])


class _First(event.Listener):  # type: ignore[misc]
    """Hears when numba compiles something that its cache did not have."""

    def __init__(self, say: Callable[[], Any] | None) -> None:
        self.say, self.count = say, 0

    def on_start(self, _: Any) -> None:
        self.count += 1
        if self.count == 1 and self.say is not None:
            self.say()

    def on_end(self, _: Any) -> None:
        pass
