"""The metric a task induces: feature matrices and gradient outer products of a model."""

from .local_fits import agop_of_rows
from .metrics import agop, feature_agreement, local_agop, local_metric, nfm

__all__ = ["agop", "agop_of_rows", "feature_agreement", "local_agop", "local_metric", "nfm"]
