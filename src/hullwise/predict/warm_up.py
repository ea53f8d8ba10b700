"""A small run of a regressor, for its kernels."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..geometry.hull import locate_in_hull
from . import INTERPOLANT_METHODS, interpolant_class
from .smoothness import estimate_smoothness


def compile_regressors() -> None:
    """Run every interpolant of `hullwise predict`, and its bounds where it has some."""
    for method in INTERPOLANT_METHODS:
        regressor = interpolant_class(method)()
        compile_regressor(regressor, bound=hasattr(regressor, "bound"))


def compile_regressor(regressor: Any, *, bound: bool = False) -> None:
    """Run all that `hullwise predict` runs with this regressor, on a table of a few rows."""
    X = np.random.default_rng(0).normal(size=(12, 2))
    regressor.fit(X, X[:, 0])
    for queries in (X[:3] / 2, X[:3] * 9):
        if hasattr(regressor, "simplices"):
            regressor.simplices(queries)
        else:
            regressor.weights(queries)
            locate_in_hull(regressor.cloud_, queries, regressor.metric_)
        if bound:
            regressor.bound(queries, smoothness=1.0)
    if bound:
        estimate_smoothness(X, X[:, 0])
