"""The metric a task induces: feature matrices and gradient outer products of a model."""

from ._directions import Directions, directions
from .local import LocalLocation, local_locate
from .local_fits import agop_of_rows
from .metrics import agop, feature_agreement, local_agop, local_metric, nfm
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
