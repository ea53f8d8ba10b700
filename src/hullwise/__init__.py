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
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# The same names once more, for type checkers and editors: a test compares the two.
if TYPE_CHECKING:
    from . import metrics as metrics
    from . import model as model
    from . import report as report
    from . import serve as serve
    from . import train as train
    from .design.campaign import Campaign as Campaign
    from .design.design_space import DesignSpace as DesignSpace
    from .design.suggest import suggest as suggest
    from .design.suggestions import Suggestions as Suggestions
    from .domain.change import ColumnChange as ColumnChange
    from .domain.change import SmallestChange as SmallestChange
    from .domain.domain import Domain as Domain
    from .domain.domain_file import load as load
    from .domain.domain_location import DomainLocation as DomainLocation
    from .domain.group_comparison import GroupComparison as GroupComparison
    from .domain.half_space_location import HalfSpaceLocation as HalfSpaceLocation
    from .domain.half_spaces import HalfSpaces as HalfSpaces
    from .domain.linear_rules import LinearRules as LinearRules
    from .domain.new_combinations import NewCombinations as NewCombinations
    from .domain.proofs import Proofs as Proofs
    from .domain.proofs import load_proofs as load_proofs
    from .errors import ClusterError as ClusterError
    from .errors import DataError as DataError
    from .errors import DataTypeError as DataTypeError
    from .errors import DataWarning as DataWarning
    from .errors import FileError as FileError
    from .errors import Hint as Hint
    from .errors import HullwiseError as HullwiseError
    from .errors import MemoryLimitError as MemoryLimitError
    from .errors import MissingDependencyError as MissingDependencyError
    from .errors import ModelError as ModelError
    from .errors import OutOfDomainError as OutOfDomainError
    from .geometry.bands import Reference as Reference
    from .geometry.change_bounds import ChangeBounds as ChangeBounds
    from .geometry.cloud import Cloud as Cloud
    from .geometry.cloud import Support as Support
    from .geometry.ellipsoid import Ellipsoid as Ellipsoid
    from .geometry.ellipsoid import smallest_ellipsoid as smallest_ellipsoid
    from .geometry.locate import locate as locate
    from .geometry.location import Location as Location
    from .geometry.location import Status as Status
    from .geometry.location import Verdict as Verdict
    from .geometry.locators import BoxLocator as BoxLocator
    from .geometry.locators import EllipsoidLocator as EllipsoidLocator
    from .geometry.locators import HullLocator as HullLocator
    from .geometry.locators import NeighbourLocator as NeighbourLocator
    from .geometry.row_selection import RowSelection as RowSelection
    from .io.cluster_rows import ClusterRows as ClusterRows
    from .io.numeric_table import NumericTable as NumericTable
    from .io.rows import Rows as Rows
    from .io.sql_query import SqlQuery as SqlQuery
    from .io.table_reader import read_table as read_table
    from .io.torch_rows import TorchRows as TorchRows
    from .metrics.recursive_feature_machine import RFMClassifier as RFMClassifier
    from .metrics.recursive_feature_machine import RFMRegressor as RFMRegressor
    from .model.dissect import Dissection as Dissection
    from .model.dissect import dissect as dissect
    from .model.properties.verify_property import verify_property as verify_property
    from .predict.box_mesh import BoxSplineRegressor as BoxSplineRegressor
    from .predict.box_mesh import MaxBoxRegressor as MaxBoxRegressor
    from .predict.delaunay import DelaunayRegressor as DelaunayRegressor
    from .predict.error_bound import ErrorBound as ErrorBound
    from .predict.error_bound import error_bound as error_bound
    from .predict.explanation import Explanation as Explanation
    from .predict.inverse_distance import InverseDistanceRegressor as InverseDistanceRegressor
    from .predict.kernel import KernelRegressor as KernelRegressor
    from .predict.kernel import KernelSupport as KernelSupport
    from .predict.linear_nd import LinearNDInterpolator as LinearNDInterpolator
    from .predict.linear_shepard import LinearShepardRegressor as LinearShepardRegressor
    from .predict.minimax import MinimaxRegressor as MinimaxRegressor
    from .predict.minimax_band import HardestTarget as HardestTarget
    from .predict.minimax_band import MinimaxBand as MinimaxBand
    from .predict.minimax_fits import MinimaxFits as MinimaxFits
    from .predict.minimax_fits import WeightStatus as WeightStatus
    from .predict.mixture import MixtureClassifier as MixtureClassifier
    from .predict.mixture import MixtureRegressor as MixtureRegressor
    from .predict.nearest import NearestRegressor as NearestRegressor
    from .predict.rbf_network import RBFNetworkClassifier as RBFNetworkClassifier
    from .predict.rbf_network import RBFNetworkRegressor as RBFNetworkRegressor
    from .predict.shepard import ShepardRegressor as ShepardRegressor
    from .predict.simplex_shape import SimplexShape as SimplexShape
    from .predict.simplex_shape import simplex_shape as simplex_shape
    from .predict.simplices import SimplexStatus as SimplexStatus
    from .predict.simplices import Simplices as Simplices
    from .predict.smoothness import Smoothness as Smoothness
    from .predict.smoothness import estimate_smoothness as estimate_smoothness
    from .predict.voronoi import VoronoiRegressor as VoronoiRegressor
    from .reliability.acceptance import AcceptanceRegion as AcceptanceRegion
    from .reliability.acceptance import acceptance_region as acceptance_region
    from .reliability.calibrated_classifier import CalibratedClassifier as CalibratedClassifier
    from .reliability.calibrated_classifier import ClassSets as ClassSets
    from .reliability.calibrated_regressor import CalibratedRegressor as CalibratedRegressor
    from .reliability.cross_validated import (
        cross_validated_error_profile as cross_validated_error_profile,
    )
    from .reliability.error_profile import ErrorProfile as ErrorProfile
    from .reliability.error_profile import error_profile as error_profile
    from .reliability.guarded import Guarded as Guarded
    from .reliability.guarded import GuardedPrediction as GuardedPrediction
    from .reliability.hull_detector import HullDetector as HullDetector
    from .reliability.method_comparison import MethodComparison as MethodComparison
    from .reliability.method_comparison import compare as compare
    from .reliability.prediction_band import Band as Band
    from .report.report import write_report as write_report
    from .watch.monitor import Monitor as Monitor
    from .watch.sensitivity import WatchSensitivity as WatchSensitivity
    from .watch.watch_result import WatchResult as WatchResult

# Interpolants: `hullwise predict --method` has the same names (box-spline for BoxSplineRegressor).
_INTERPOLANTS = {
    "DelaunayRegressor": "predict.delaunay",
    "VoronoiRegressor": "predict.voronoi",
    "BoxSplineRegressor": "predict.box_mesh",
    "MaxBoxRegressor": "predict.box_mesh",
    "ShepardRegressor": "predict.shepard",
    "LinearShepardRegressor": "predict.linear_shepard",
    "InverseDistanceRegressor": "predict.inverse_distance",
    "NearestRegressor": "predict.nearest",
    "KernelRegressor": "predict.kernel",
    "RBFNetworkRegressor": "predict.rbf_network",
    "MinimaxRegressor": "predict.minimax",
}

# Metrics that regressors learn from rows and targets, by the name that `metric=` takes.
_METRIC_LEARNERS = {
    "agop": "metrics.local_linear_fits.agop_of_rows",
    "curvature": "metrics.curvature_matrices.curvature_of_rows",
}

# Names are imported when first used: `hullwise --help` then loads nothing numeric.
_HOMES = {
    "Cloud": "geometry.cloud",
    "read_table": "io.table_reader",
    "NumericTable": "io.numeric_table",
    "Rows": "io.rows",
    "SqlQuery": "io.sql_query",
    "TorchRows": "io.torch_rows",
    "ClusterRows": "io.cluster_rows",
    "Support": "geometry.cloud",
    "Campaign": "design.campaign",
    "DesignSpace": "design.design_space",
    "suggest": "design.suggest",
    "Suggestions": "design.suggestions",
    "ColumnChange": "domain.change",
    "SmallestChange": "domain.change",
    "Domain": "domain.domain",
    "DomainLocation": "domain.domain_location",
    "GroupComparison": "domain.group_comparison",
    "NewCombinations": "domain.new_combinations",
    "HalfSpaceLocation": "domain.half_space_location",
    "HalfSpaces": "domain.half_spaces",
    "LinearRules": "domain.linear_rules",
    "load": "domain.domain_file",
    "Proofs": "domain.proofs",
    "load_proofs": "domain.proofs",
    "error_profile": "reliability.error_profile",
    "cross_validated_error_profile": "reliability.cross_validated",
    "ErrorProfile": "reliability.error_profile",
    "compare": "reliability.method_comparison",
    "MethodComparison": "reliability.method_comparison",
    "acceptance_region": "reliability.acceptance",
    "AcceptanceRegion": "reliability.acceptance",
    "CalibratedClassifier": "reliability.calibrated_classifier",
    "ClassSets": "reliability.calibrated_classifier",
    "HullDetector": "reliability.hull_detector",
    "Guarded": "reliability.guarded",
    "GuardedPrediction": "reliability.guarded",
    "locate": "geometry.locate",
    "Location": "geometry.location",
    "Reference": "geometry.bands",
    "ChangeBounds": "geometry.change_bounds",
    "Verdict": "geometry.location",
    "Status": "geometry.location",
    "Ellipsoid": "geometry.ellipsoid",
    "smallest_ellipsoid": "geometry.ellipsoid",
    "HullLocator": "geometry.locators",
    "EllipsoidLocator": "geometry.locators",
    "BoxLocator": "geometry.locators",
    "NeighbourLocator": "geometry.locators",
    "RowSelection": "geometry.row_selection",
    **_INTERPOLANTS,
    "LinearNDInterpolator": "predict.linear_nd",
    "KernelSupport": "predict.kernel",
    "RBFNetworkClassifier": "predict.rbf_network",
    "MixtureRegressor": "predict.mixture",
    "MixtureClassifier": "predict.mixture",
    "CalibratedRegressor": "reliability.calibrated_regressor",
    "Band": "reliability.prediction_band",
    "Explanation": "predict.explanation",
    "MinimaxFits": "predict.minimax_fits",
    "MinimaxBand": "predict.minimax_band",
    "HardestTarget": "predict.minimax_band",
    "WeightStatus": "predict.minimax_fits",
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
    "verify_property": "model.properties.verify_property",
    "RFMRegressor": "metrics.recursive_feature_machine",
    "RFMClassifier": "metrics.recursive_feature_machine",
    "write_report": "report.report",
    "Monitor": "watch.monitor",
    "WatchResult": "watch.watch_result",
    "WatchSensitivity": "watch.sensitivity",
    "DataError": "errors",
    "DataTypeError": "errors",
    "DataWarning": "errors",
    "FileError": "errors",
    "Hint": "errors",
    "HullwiseError": "errors",
    "MemoryLimitError": "errors",
    "MissingDependencyError": "errors",
    "ModelError": "errors",
    "OutOfDomainError": "errors",
    "ClusterError": "errors",
}
_ROOMS = ("metrics", "model", "report", "serve", "train")  # public modules

__all__ = [*_HOMES, "__version__"]


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return import_module(f"hullwise.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'hullwise' has no attribute {name!r}")
    return getattr(import_module(f"hullwise.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*__all__, *_ROOMS])
