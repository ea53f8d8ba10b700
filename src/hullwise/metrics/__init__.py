"""The metric a task induces: feature matrices and gradient outer products of a model."""

from .directions import Directions, directions
from .feature_matrices import agop, feature_agreement, local_agop, local_metric, nfm
from .local_fits import agop_of_rows
from .local_locate import LocalLocation, local_locate
from .walk import Walk, walk

__all__ = [
    "Directions",
    "LocalLocation",
    "Walk",
    "agop",
    "agop_of_rows",
    "directions",
    "feature_agreement",
    "local_agop",
    "local_locate",
    "local_metric",
    "nfm",
    "walk",
]
