"""The checker of empty spheres around suggested points; it shares no code with the search.

It measures from the definition of each role anew: circles by their chord, categories by equality.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from .._core.types import Mask

if TYPE_CHECKING:
    from .parameters import Parameter
    from .suggestions import Suggestions

SPHERE_CHECK_SHARE = 1e-9  # of the radius: what rounding may take from it


def verify_spheres(suggestions: Suggestions) -> Mask:
    """(n,) whether no run, and no point before it, is nearer than the distance of each point."""
    parameters = suggestions.space.parameters
    rows = [[float(cell) for cell in row] for row in suggestions.runs]
    verified = np.zeros(len(suggestions), dtype=bool)
    for i, point in enumerate(suggestions.values.tolist()):
        radius = float(suggestions.distance[i])
        least = min((_distance(parameters, point, row) for row in rows), default=math.nan)
        if math.isnan(radius) or math.isnan(least):
            verified[i] = math.isnan(radius) and not rows
        else:
            verified[i] = abs(least - radius) <= SPHERE_CHECK_SHARE * (1 + radius)
        rows.append(point)
    return verified


def _distance(parameters: tuple[Parameter, ...], one: list[float], two: list[float]) -> float:
    """Between two points, where each parameter spans its scale."""
    return math.hypot(*(_gap(p, x, y) for p, x, y in zip(parameters, one, two)))


def _gap(parameter: Parameter, x: float, y: float) -> float:
    match parameter.role:
        case "category":
            share = float(x != y)
        case "ordered":
            share = (x - y) / max(1, len(getattr(parameter, "levels", ())) - 1)
        case "periodic":
            share = math.sin(math.pi * (x - y) / float(getattr(parameter, "period", 1.0)))
        case "log":
            ends = math.log(parameter.high) - math.log(parameter.low)
            share = (math.log(x) - math.log(y)) / (ends or 1.0)
        case _:
            share = (x - y) / ((parameter.high - parameter.low) or 1.0)
    return abs(share) * parameter.scale
