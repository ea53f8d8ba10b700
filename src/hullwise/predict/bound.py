"""One error bound for every predictor whose prediction is a weighted sum of training targets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..rows._rows import Floats


@dataclass(frozen=True, eq=False, repr=False)
class ErrorBound:
    """TODO."""

    shift: Floats
    spread: Floats


def error_bound(W: Any, X: Any, Q: Any, *, smoothness: float, lipschitz: float = 0.0, metric: Any = None) -> ErrorBound:
    raise NotImplementedError
