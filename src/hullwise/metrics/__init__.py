"""The metric a task induces: feature matrices and gradient outer products of a model."""

from .curvature_matrices import curvature, curvature_of_rows
from .directions import Directions, directions, leading_metric
from .feature_matrices import agop, feature_agreement, local_agop, local_metric, nfm
from .learnt_metric import LearntMetric, learn_metric
from .local_linear_fits import agop_of_rows
from .local_locate import LocalLocation, local_locate
from .metric_learner import MetricLearner
from .variance_explained import variance_explained
from .walk import Walk, walk

__all__ = [
    "Directions",
    "LearntMetric",
    "LocalLocation",
    "MetricLearner",
    "Walk",
    "agop",
    "agop_of_rows",
    "curvature",
    "curvature_of_rows",
    "directions",
    "feature_agreement",
    "leading_metric",
    "learn_metric",
    "local_agop",
    "local_locate",
    "local_metric",
    "nfm",
    "variance_explained",
    "walk",
]
