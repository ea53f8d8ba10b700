"""Interpolants and regressors made of weights on training rows, and how wrong they can be.

Nothing numeric is imported here: the command line reads the names of its methods from this file.
"""

from __future__ import annotations

import re
from importlib import import_module
from typing import TYPE_CHECKING

from .. import _INTERPOLANTS

if TYPE_CHECKING:
    from .interpolant import Interpolant

# "box-spline": "BoxSplineRegressor", "rbf-network": "RBFNetworkRegressor", ...
WORD_BEGINS = r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])"
INTERPOLANT_METHODS = {
    re.sub(WORD_BEGINS, "-", name.removesuffix("Regressor")).lower(): name for name in _INTERPOLANTS
}


def interpolant_class(method: str) -> type[Interpolant]:
    """The class of an interpolant by its name on the command line."""
    name = INTERPOLANT_METHODS[method]
    kind: type[Interpolant] = getattr(import_module(f"hullwise.{_INTERPOLANTS[name]}"), name)
    return kind
