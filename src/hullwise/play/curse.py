"""The share of new rows inside the hull of the rows seen, by the number of features."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from ..geometry.locate import locate
from ..geometry.verdict import Verdict

__all__ = ["hull_shares"]

DIMENSIONS = (1, 2, 3, 4, 6, 8, 10, 12, 16)
TRAINING_ROWS, NEW_ROWS = 500, 300


@lru_cache(maxsize=1)
def hull_shares() -> dict[str, Any]:
    """Of 300 new rows, by dimension; both tables are standard normal, and every verdict proved."""
    rng = np.random.default_rng(0)
    shares = []
    for d in DIMENSIONS:
        X, Q = rng.normal(size=(TRAINING_ROWS, d)), rng.normal(size=(NEW_ROWS, d))
        verdict = locate(X, Q, metric=None, reference=0).verdict
        shares.append(float((verdict == Verdict.INSIDE).mean()))
    return {"dimensions": list(DIMENSIONS), "shares": shares, "n": TRAINING_ROWS, "m": NEW_ROWS}
