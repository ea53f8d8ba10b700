"""The metric a task induces: feature matrices and gradient outer products of a model."""

from .metrics import agop, feature_agreement, local_agop, local_metric, nfm

__all__ = ["agop", "feature_agreement", "local_agop", "local_metric", "nfm"]
