"""Networks as piecewise affine functions: read, region, partition, boundary, tree, guard."""

from __future__ import annotations

from importlib import import_module
from typing import Any

# Names are imported when first used: reading a table then loads nothing of networks.
_HOMES = {
    "read": "readers.read",
    "from_arrays": "arrays",
    "Network": "network",
    "DecisionDistance": "_decision_boundary",
    "Regions": "regions",
    "Slice": "slices",
    "Line": "line",
    "Facets": "region_walls",
    "PowerCell": "dissect",
    "walls": "region_walls",
    "NetworkTree": "trees.tree",
    "NeuralDecisionTree": "trees.ndt",
    "NeuralDecisionTreeClassifier": "trees.ndt",
    "to_tree": "trees.tree",
    "Guard": "guard",
    "GuardReport": "guard",
    "zaslavsky": "region_counts",
    "region_bounds": "region_counts",
    "RegionBounds": "region_counts",
    "local_complexity": "complexity",
    "LocalComplexity": "complexity",
    "region_spread": "occupancy",
    "Spread": "occupancy",
    "Occupancy": "occupancy",
    "ClassSplit": "occupancy",
    "vq_distance": "complexity",
    "VQDistance": "complexity",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'hullwise.model' has no attribute {name!r}")
    return getattr(import_module(f"hullwise.model.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
