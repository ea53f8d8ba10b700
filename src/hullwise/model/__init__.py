"""Networks as piecewise affine functions: read, region, partition, boundary, tree, guard."""

from __future__ import annotations

from importlib import import_module
from typing import Any

# Names are imported when first used: reading a table then loads nothing of networks.
_HOMES = {
    "read": "readers.read",
    "from_arrays": "arrays",
    "Network": "network",
    "DecisionDistance": "_decision",
    "Regions": "regions",
    "Slice": "plane",
    "Line": "line",
    "Facets": "_walls",
    "PowerCell": "dissect",
    "walls": "_walls",
    "NetworkTree": "trees.tree",
    "NeuralDecisionTree": "trees.ndt",
    "NeuralDecisionTreeClassifier": "trees.ndt",
    "to_tree": "trees.tree",
    "Guard": "guard",
    "GuardReport": "guard",
    "zaslavsky": "counts",
    "region_bounds": "counts",
    "RegionBounds": "counts",
    "local_complexity": "complexity",
    "LocalComplexity": "complexity",
    "region_spread": "spread",
    "Spread": "spread",
    "Occupancy": "spread",
    "ClassSplit": "spread",
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
