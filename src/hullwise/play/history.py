"""The weights of a training run as it went, thinned so that memory stays bounded."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["WeightHistory"]

HISTORY_ENTRIES = 500
HISTORY_BYTES = 2**24
FEWEST_ENTRIES = 4

Weights = NDArray[np.float32]


class WeightHistory:
    """Weights as float32 at some steps, from the first to the newest.

    When it is full every second entry goes, and from then on entries are twice as far apart: they
    stay evenly spread over the whole run. The newest step is always there.

    Examples
    --------
    >>> import numpy as np
    >>> history = WeightHistory(1)
    >>> for step in range(0, 5000, 5):
    ...     history.record(step, np.array([step]))
    >>> len(history) <= 500, history.range
    (True, (0, 4995))
    >>> step, weights = history.nearest(3333)
    >>> step, weights
    (3320, array([3320.], dtype=float32))
    """

    def __init__(self, n_weights: int) -> None:
        entries = min(HISTORY_ENTRIES, HISTORY_BYTES // (4 * max(1, n_weights)))
        self.capacity = max(FEWEST_ENTRIES, entries)
        self.interval = 1
        self._steps: list[int] = []
        self._weights: list[Weights] = []
        self._newest: tuple[int, Weights] | None = None

    def __len__(self) -> int:
        return len(self._steps) + (self._newest is not None)

    @property
    def range(self) -> tuple[int, int] | None:
        """The oldest and the newest step, None where there are none."""
        if not self._steps:
            return None
        return self._steps[0], self._steps[-1] if self._newest is None else self._newest[0]

    def record(self, step: int, weights: NDArray[Any]) -> None:
        """Add the weights of a step after all those before."""
        entry = step, np.array(weights, dtype=np.float32)
        if self._steps and step < self._steps[-1] + self.interval:
            self._newest = entry
            return
        self._newest = None
        self._steps.append(step)
        self._weights.append(entry[1])
        if len(self._steps) >= self.capacity:
            self._thin()

    def _thin(self) -> None:
        self._newest = None if len(self._steps) % 2 else (self._steps[-1], self._weights[-1])
        self._steps, self._weights = self._steps[::2], self._weights[::2]
        self.interval = self._steps[-1] - self._steps[-2]

    def nearest(self, step: int) -> tuple[int, Weights]:
        """The newest entry not after a step, or the first one."""
        if self._newest is not None and step >= self._newest[0]:
            return self._newest
        i = max(0, bisect_right(self._steps, step) - 1)
        return self._steps[i], self._weights[i]

    def spread(self, most: int) -> list[tuple[int, Weights]]:
        """At most so many entries, evenly spread, the first and the newest among them."""
        entries = list(zip(self._steps, self._weights, strict=True))
        entries += [] if self._newest is None else [self._newest]
        places = np.unique(np.linspace(0, len(entries) - 1, min(most, len(entries))).astype(int))
        return [entries[place] for place in places.tolist()]

    def forget_after(self, step: int) -> None:
        """Drop what came after a step, where training goes on from there."""
        n = max(1, bisect_right(self._steps, step))
        del self._steps[n:], self._weights[n:]
        if self._newest is not None and self._newest[0] > step:
            self._newest = None
