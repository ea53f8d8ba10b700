"""What a page's network is trained to make small: a loss on rows, and penalties."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from .._core.types import Array, Floats
from ..train.mixtures import mixup
from ..train.orthogonality import orthogonality_penalty
from ..train.tangent_derivatives import tangent_penalty
from ..train.tangents import local_tangents
from .configuration import Configuration
from .data_sets import DataSet

__all__ = ["Objective", "target_tensor"]

TANGENT_NEIGHBOURS = 10


class Objective:
    """Losses of outputs, and the loss of a batch with the penalties of a configuration."""

    def __init__(self, data: DataSet, features: Floats) -> None:
        self.data, self._features = data, features
        self._tangents: Any = None
        self._random = np.random.default_rng(0)

    def loss(self, outputs: Any, targets: Any) -> Any:
        """The mean over rows: squares, or the cross-entropy of classes."""
        if not self.data.n_classes:
            return nn.functional.mse_loss(outputs, targets)
        if self.data.n_classes <= 2:
            return nn.functional.binary_cross_entropy_with_logits(outputs, targets)
        return nn.functional.cross_entropy(outputs, targets)

    def accuracy(self, outputs: Any, targets: Any) -> float | None:
        """The share of right classes; None for values."""
        if not self.data.n_classes:
            return None
        if self.data.n_classes <= 2:
            right = (outputs > 0) == (targets > 0.5)
        else:
            right = outputs.argmax(1) == targets
        return float(right.double().mean())

    def batch_loss(
        self, module: Any, inputs: Any, targets: Any, rows: Any, configuration: Configuration
    ) -> Any:
        """The loss of a batch of rows with all penalties but weight decay, as something to train.

        Weight decay is the optimiser's.
        """
        penalties = configuration.penalties
        if penalties.mixup:
            inputs, targets = self._mixed(inputs, targets, penalties.mixup)
        total = self.loss(module(inputs), targets)
        if penalties.orthogonality and configuration.layers:
            total = total + penalties.orthogonality * orthogonality_penalty(module, layers="hidden")
        if penalties.tangent:
            method = "jvp" if configuration.gradient == "backpropagation" else "differences"
            along = self._tangents_of(rows)
            total = total + penalties.tangent * tangent_penalty(
                module, self._rows(rows), along, method=method
            )
        return total

    def _rows(self, rows: Any) -> Any:
        return torch.tensor(self._features[rows.numpy()], dtype=torch.float32)

    def _mixed(self, inputs: Any, targets: Any, alpha: float) -> tuple[Any, Any]:
        n_classes = self.data.n_classes if self.data.n_classes > 2 else None
        mixed = mixup(inputs, targets, random_state=self._random, alpha=alpha, n_classes=n_classes)
        return mixed.X, mixed.y

    def _tangents_of(self, rows: Any) -> Any:
        """Tangents (b, p) of rows of the batch, those of each class made from its own rows."""
        if self._tangents is None:
            self._tangents = torch.tensor(self._local_tangents(), dtype=torch.float32)
        return self._tangents[rows]

    def _local_tangents(self) -> Floats:
        X, data = self._features, self.data
        groups: Array = data.targets if data.n_classes else np.zeros(len(X), dtype=np.int64)
        tangents = np.zeros_like(X)
        for group in np.unique(groups):
            rows = np.flatnonzero(groups == group)
            n_neighbors = min(TANGENT_NEIGHBOURS, len(rows) - 1)
            if n_neighbors >= 1:
                tangents[rows] = local_tangents(X[rows], n_neighbors, metric=None)[:, 0]
        return tangents


def target_tensor(data: DataSet, targets: Array) -> Any:
    """Targets as the loss takes them."""
    if data.n_classes > 2:
        return torch.tensor(targets, dtype=torch.int64)
    return torch.tensor(targets, dtype=torch.float32)[:, None]
