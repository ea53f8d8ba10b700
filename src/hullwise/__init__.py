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
    "Cloud": "geometry.cloud",
    "Rows": "io.rows",
    "TorchRows": "io.torch_rows",
    "ClusterRows": "io.cluster_rows",
    "Support": "geometry.cloud",
    "locate": "geometry.locate",
    "Location": "geometry.location",
    "Reference": "geometry.bands",
    "Verdict": "geometry.location",
    "Status": "geometry.location",
    "Ellipsoid": "geometry.ellipsoid",
    "smallest_ellipsoid": "geometry.ellipsoid",
    "HullLocator": "geometry.locators",
    "EllipsoidLocator": "geometry.locators",
    "BoxLocator": "geometry.locators",
    "NeighbourLocator": "geometry.locators",
    "DelaunayRegressor": "predict.mesh_regressors",
    "VoronoiRegressor": "predict.mesh_regressors",
    "BoxSplineRegressor": "predict.mesh_regressors",
    "MaxBoxRegressor": "predict.mesh_regressors",
    "ShepardRegressor": "predict.distance_regressors",
    "LinearShepardRegressor": "predict.distance_regressors",
    "InverseDistanceRegressor": "predict.distance_regressors",
    "NearestRegressor": "predict.distance_regressors",
    "MixtureRegressor": "predict.mixture",
    "MixtureClassifier": "predict.mixture",
    "CalibratedRegressor": "predict.calibrated",
    "Band": "predict.prediction_band",
    "Explanation": "predict.explanation",
    "ErrorBound": "predict.error_bound",
    "error_bound": "predict.error_bound",
    "estimate_smoothness": "predict.smoothness",
    "Smoothness": "predict.smoothness",
    "simplex_shape": "predict.simplex_shape",
    "SimplexShape": "predict.simplex_shape",
    "Simplices": "predict.simplices",
    "SimplexStatus": "predict.simplices",
    "dissect": "model.dissect",
    "Dissection": "model.dissect",
    "RFMRegressor": "metrics.rfm",
    "RFMClassifier": "metrics.rfm",
    "write_report": "report.report",
    "DataError": "errors",
    "DataTypeError": "errors",
    "DataWarning": "errors",
    "FileError": "errors",
    "HullwiseError": "errors",
    "MemoryLimitError": "errors",
    "ModelError": "errors",
    "ClusterError": "errors",
}
_ROOMS = ("metrics", "model", "report")  # public modules

__all__ = [*_HOMES, "__version__"]


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return import_module(f"hullwise.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'hullwise' has no attribute {name!r}")
    return getattr(import_module(f"hullwise.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*__all__, *_ROOMS])
