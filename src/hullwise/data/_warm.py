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


def warm_up(say: Callable[[], Any] | None = None) -> float:
    """Run every kernel once; seconds spent on compiling, 0.0 where the cache had them all.

    `say` is called before the first kernel is compiled, and not at all if none has to be.
    """
    from .locate import locate

    heard = _First(say)
    X = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 2.0]])
    start = perf_counter()
    with event.install_listener("numba:compile", heard):
        locate(X, X[:2] + 0.25, k=1, reference=2)
    return perf_counter() - start if heard.count else 0.0


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
