"""Small runs of `locate`, for its kernels."""

from __future__ import annotations

import numpy as np

WARM_UP_ROWS = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 2.0]])


def compile_locate() -> None:
    """Run all that `locate` runs, on a table of a few rows."""
    from .locate import locate

    locate(WARM_UP_ROWS, WARM_UP_ROWS[:2] + 0.25, metric=None, n_neighbors=1, reference=2)


def compile_large_locate() -> None:
    """The same, and what only clouds of thousands of rows need."""
    from ._row_tiles import RowTiles

    compile_locate()
    tiles, level = RowTiles.of(WARM_UP_ROWS), np.zeros(len(WARM_UP_ROWS))
    tiles.best_of_groups(WARM_UP_ROWS, 1)
    tiles.top(WARM_UP_ROWS, 1)
    tiles.at_least(WARM_UP_ROWS[1:], level[1:], 1)
