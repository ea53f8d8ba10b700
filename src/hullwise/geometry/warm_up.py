"""A small run of `locate`, for its kernels."""

from __future__ import annotations

import numpy as np

WARM_UP_ROWS = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 2.0]])


def compile_locate() -> None:
    """Run all that `locate` runs, on a table of a few rows."""
    from .locate import locate

    locate(WARM_UP_ROWS, WARM_UP_ROWS[:2] + 0.25, metric=None, n_neighbors=1, reference=2)
