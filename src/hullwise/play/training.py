"""A training run of a page's network: steps of an optimiser on batches of the rows."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from .._core.types import Floats
from ..train.forward_training import accumulate_forward_gradient
from .configuration import Configuration
from .data_sets import DataSet
from .networks import build_network, set_dropout
from .objective import Objective, target_tensor

__all__ = ["Losses", "Training"]

LONGEST_RUN_SECONDS = 1.0


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

    Parameters
    ----------
    configuration : Configuration
    data : DataSet
    features, new_features : ndarray (n, p), (m, p)
        What the network takes: functions of the rows of `data`, and of its new rows.
    """

    def __init__(
        self, configuration: Configuration, data: DataSet, features: Floats, new_features: Floats
    ) -> None:
        self.step = 0
        self.module = build_network(configuration, features.shape[1], data.n_outputs)
        self.module.eval()
        self.set_rows(data, features, new_features)
        self._random = torch.Generator().manual_seed(configuration.seed)
        self._global_random = self._random.get_state()
        self.configuration = configuration
        self.renew_optimiser()

    def set_rows(self, data: DataSet, features: Floats, new_features: Floats) -> None:
        """Train with these rows from now on."""
        self.data = data
        self._inputs = torch.tensor(features, dtype=torch.float32)
        self._targets = target_tensor(data, data.targets)
        self._new_inputs = torch.tensor(new_features, dtype=torch.float32)
        self._new_targets = target_tensor(data, data.new_targets)
        self._objective = Objective(data, features)

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
            self.module.parameters(), lr=self.configuration.rate, weight_decay=decay, fused=True
        )

    def run(self, steps: int) -> float:
        """Train for so many steps; the mean loss of their batches, penalties included.

        Fewer where they take longer than `LONGEST_RUN_SECONDS`: a page is not to stand still.
        """
        self.module.train()
        total, n_taken, end = 0.0, 0, perf_counter() + LONGEST_RUN_SECONDS
        try:
            with torch.random.fork_rng(devices=[]):  # dropout draws from torch's own stream
                torch.set_rng_state(self._global_random)
                while n_taken < steps and (n_taken == 0 or perf_counter() < end):
                    total += self._take_step()
                    n_taken += 1
                self._global_random = torch.get_rng_state()
        finally:
            self.module.eval()
        self.step += n_taken
        return total / n_taken

    def _take_step(self) -> float:
        n = len(self._inputs)
        batch = torch.randint(0, n, (min(n, self.configuration.batch),), generator=self._random)
        inputs, targets = self._inputs[batch], self._targets[batch]

        def loss_of(module: Any) -> Any:
            return self._objective.batch_loss(module, inputs, targets, batch, self.configuration)

        self._optimiser.zero_grad()
        if self.configuration.gradient == "forward":
            value = accumulate_forward_gradient(loss_of, self.module, self._random).value
        else:
            loss = loss_of(self.module)
            loss.backward()
            value = float(loss.detach())
        self._optimiser.step()
        return value

    def losses(self) -> Losses:
        """Of the network at rest, on all rows and on the new ones: a forward pass for each."""
        with torch.no_grad():
            rows, accuracy = self._at_rest(self._inputs, self._targets)
            if not len(self._new_inputs):
                return Losses(self.step, rows, None, accuracy, None)
            new_rows, new_accuracy = self._at_rest(self._new_inputs, self._new_targets)
        return Losses(self.step, rows, new_rows, accuracy, new_accuracy)

    def _at_rest(self, inputs: Any, targets: Any) -> tuple[float, float | None]:
        outputs = self.module(inputs)
        loss = float(self._objective.loss(outputs, targets))
        return loss, self._objective.accuracy(outputs, targets)

    def outputs(self) -> Floats:
        """At the rows: (n, n_outputs)."""
        with torch.no_grad():
            return np.asarray(self.module(self._inputs).double().numpy())

    def weights(self) -> NDArray[np.float32]:
        """All parameters and running statistics, one after another."""
        parts = [t.detach().reshape(-1).float() for t in self._tensors()]
        return np.asarray(torch.cat(parts).numpy())

    def go_to(self, step: int, weights: NDArray[np.float32]) -> None:
        """Be at an earlier step, with a fresh optimiser."""
        self.show(step, weights)
        self.renew_optimiser()

    def show(self, step: int, weights: NDArray[np.float32]) -> None:
        """Put back what `weights` returned at a step."""
        self.step = step
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
