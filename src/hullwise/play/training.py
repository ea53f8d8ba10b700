"""A training run of a page's network: steps of an optimiser on batches of the rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from .._core.types import Array, Floats
from .configuration import Configuration
from .data_sets import DataSet
from .networks import build_network, set_dropout

__all__ = ["Losses", "Training"]


@dataclass(frozen=True)
class Losses:
    """Mean losses of the network at rest, on the rows and on new ones (None without any).

    `accuracy` is the share of right classes, None for values.
    """

    step: int
    rows: float
    new_rows: float | None
    accuracy: float | None
    new_accuracy: float | None


class Training:
    """The module, its optimiser and its own stream of random numbers.

    The same configuration and data give the same run, whatever runs beside it.
    """

    def __init__(self, configuration: Configuration, data: DataSet, features: Floats) -> None:
        self.data, self.step = data, 0
        self.module = build_network(configuration, features.shape[1], data.n_outputs)
        self._inputs = torch.tensor(features, dtype=torch.float32)
        self._targets = _target_tensor(data, data.targets)
        self._random = torch.Generator().manual_seed(configuration.seed)
        self._dropout_state = self._random.get_state()
        self.configuration = configuration
        self.renew_optimiser()

    def configure(self, configuration: Configuration) -> None:
        """Take over what may change while training goes on: optimiser, rate, batch, penalties."""
        before, self.configuration = self.configuration, configuration
        set_dropout(self.module, configuration.dropout)
        if _optimiser_key(before) != _optimiser_key(configuration):
            self.renew_optimiser()

    def renew_optimiser(self) -> None:
        """A fresh optimiser, which knows nothing of steps before."""
        kind = torch.optim.Adam if self.configuration.optimiser == "adam" else torch.optim.SGD
        decay = self.configuration.penalties.weight_decay
        self._optimiser: Any = kind(
            self.module.parameters(), lr=self.configuration.rate, weight_decay=decay
        )

    def run(self, steps: int) -> float:
        """Train for so many steps; the mean loss of their batches."""
        self.module.train()
        total = 0.0
        with torch.random.fork_rng(devices=[]):
            torch.set_rng_state(self._dropout_state)
            for _ in range(steps):
                total += self._take_step()
            self._dropout_state = torch.get_rng_state()
        self.module.eval()
        self.step += steps
        return total / steps

    def _take_step(self) -> float:
        n = len(self._inputs)
        batch = torch.randint(0, n, (min(n, self.configuration.batch),), generator=self._random)
        self._optimiser.zero_grad()
        loss = self._loss(self.module(self._inputs[batch]), self._targets[batch])
        loss.backward()
        self._optimiser.step()
        return float(loss.detach())

    def _loss(self, outputs: Any, targets: Any) -> Any:
        if not self.data.n_classes:
            return nn.functional.mse_loss(outputs, targets)
        if self.data.n_classes <= 2:
            return nn.functional.binary_cross_entropy_with_logits(outputs, targets)
        return nn.functional.cross_entropy(outputs, targets)

    def losses(self, new_features: Floats) -> Losses:
        """Of the network at rest, on all rows and on the new ones.

        Cost: one forward pass for each row.
        """
        with torch.no_grad():
            rows, accuracy = self._at_rest(self._inputs, self._targets)
            if not len(new_features):
                return Losses(self.step, rows, None, accuracy, None)
            new = torch.tensor(new_features, dtype=torch.float32)
            targets = _target_tensor(self.data, self.data.new_targets)
            new_rows, new_accuracy = self._at_rest(new, targets)
        return Losses(self.step, rows, new_rows, accuracy, new_accuracy)

    def _at_rest(self, inputs: Any, targets: Any) -> tuple[float, float | None]:
        outputs = self.module(inputs)
        loss = float(self._loss(outputs, targets))
        if not self.data.n_classes:
            return loss, None
        if self.data.n_classes <= 2:
            right = (outputs > 0) == (targets > 0.5)
        else:
            right = outputs.argmax(1) == targets
        return loss, float(right.double().mean())

    def outputs(self) -> Floats:
        """At the rows: (n, n_outputs)."""
        with torch.no_grad():
            return np.asarray(self.module(self._inputs).double().numpy())

    def weights(self) -> NDArray[np.float32]:
        """All parameters and running statistics, one after another."""
        with torch.no_grad():
            parts = [t.detach().reshape(-1).float() for t in self._tensors()]
            return np.asarray(torch.cat(parts).numpy())

    def load_weights(self, weights: NDArray[np.float32]) -> None:
        """Put back what `weights` returned."""
        with torch.no_grad():
            flat, start = torch.tensor(weights), 0
            for tensor in self._tensors():
                end = start + tensor.numel()
                tensor.copy_(flat[start:end].reshape(tensor.shape))
                start = end

    def _tensors(self) -> list[Any]:
        return list(self.module.state_dict().values())


def _optimiser_key(configuration: Configuration) -> tuple[Any, ...]:
    return configuration.optimiser, configuration.rate, configuration.penalties.weight_decay


def _target_tensor(data: DataSet, targets: Array) -> Any:
    if data.n_classes > 2:
        return torch.tensor(targets, dtype=torch.int64)
    return torch.tensor(targets, dtype=torch.float32)[:, None]
