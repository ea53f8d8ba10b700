"""hullwise: the geometry of prediction.

For every row a model is asked about: is it inside the data the model has seen, how far out, in
which features, and how sure is that. Every answer carries a proof.

>>> import hullwise as hw
>>> loc = hw.locate([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]], [[0.2, 0.3], [1.0, 1.0]])
>>> loc
Location(2 queries: 1 inside, 1 outside, 0 undecided; 2 core)
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

# Names are imported when first used: `hullwise --help` then loads nothing numeric.
_HOMES = {
    "Cloud": "data.cloud",
    "Rows": "rows._rows",
    "TorchRows": "rows._torch",
    "ClusterRows": "rows.cluster",
    "Support": "data.cloud",
    "locate": "data.locate",
    "Location": "data.location",
    "Reference": "data.bands",
    "Verdict": "data.location",
    "Status": "data.location",
    "Ellipsoid": "data.ellipsoid",
    "smallest_ellipsoid": "data.ellipsoid",
    "HullLocator": "data.estimators",
    "EllipsoidLocator": "data.estimators",
    "BoxLocator": "data.estimators",
    "NeighbourLocator": "data.estimators",
    "DelaunayRegressor": "predict.regressors",
    "VoronoiRegressor": "predict.regressors",
    "BoxSplineRegressor": "predict.regressors",
    "MaxBoxRegressor": "predict.regressors",
    "ShepardRegressor": "predict.distance_regressors",
    "LinearShepardRegressor": "predict.distance_regressors",
    "InverseDistanceRegressor": "predict.distance_regressors",
    "NearestRegressor": "predict.distance_regressors",
    "MixtureRegressor": "predict.mixture",
    "MixtureClassifier": "predict.mixture",
    "CalibratedRegressor": "predict.calibrated",
    "Band": "predict.band",
    "Explanation": "predict.explain",
    "ErrorBound": "predict.bound",
    "error_bound": "predict.bound",
    "estimate_smoothness": "predict.smoothness",
    "Smoothness": "predict.smoothness",
    "simplex_shape": "predict.simplex",
    "SimplexShape": "predict.simplex",
    "Simplices": "predict.simplices",
    "SimplexStatus": "predict.simplices",
    "dissect": "model.dissect",
    "Dissection": "model.dissect",
    "RFMRegressor": "task.rfm",
    "RFMClassifier": "task.rfm",
    "write_report": "show.report",
    "DataError": "errors",
    "DataTypeError": "errors",
    "DataWarning": "errors",
    "FileError": "errors",
    "HullwiseError": "errors",
    "MemoryLimitError": "errors",
    "ModelError": "errors",
    "ClusterError": "errors",
}
_ROOMS = ("model", "show", "task")  # public modules

__all__ = [*_HOMES, "__version__"]


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return import_module(f"hullwise.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'hullwise' has no attribute {name!r}")
    return getattr(import_module(f"hullwise.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*__all__, *_ROOMS])
