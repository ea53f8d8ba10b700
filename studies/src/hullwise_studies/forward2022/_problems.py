"""What is minimised: two functions of two numbers, and three networks on images of digits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._types import Array
from ..balestriero2021 import Images

BATCH_ROWS = 64


@dataclass(frozen=True)
class ForwardProblem:
    """A problem of the study: its rates, and what it makes for a seed."""

    name: str
    text: str
    is_network: bool
    own_rate: float  # the same for all methods
    rates: tuple[float, ...]  # of which each method takes its best
    decay: float  # the rate after i steps is rate exp(-decay i)


@dataclass(frozen=True)
class NetworkSize:
    """How wide the networks are, and how many images they see."""

    hidden: int
    channels: int
    convolutions: int
    train: int
    test: int


SMALL_NETWORKS = NetworkSize(256, 8, 2, 10_000, 2_000)
PAPER_NETWORKS = NetworkSize(1024, 64, 4, 60_000, 10_000)

NETWORK_RATES = (2e-3, 6e-3, 2e-2, 6e-2, 2e-1)
FORWARD_PROBLEMS = {
    problem.name: problem
    for problem in (
        ForwardProblem("beale", "Beale's function of two numbers", False, 0.01, (), 0.0),
        ForwardProblem("rosenbrock", "Rosenbrock's function of two numbers", False, 5e-4, (), 0.0),
        ForwardProblem(
            "logistic", "Logistic regression on images", True, 2e-4, NETWORK_RATES, 1e-4
        ),
        ForwardProblem("mlp", "A network of three layers", True, 2e-4, NETWORK_RATES, 1e-4),
        ForwardProblem("cnn", "A convolutional network", True, 2e-4, NETWORK_RATES, 1e-4),
    )
}


class FunctionModel:
    """A point in the plane that goes downhill, each seed from another start."""

    def __init__(self, torch: Any, name: str, seed: int) -> None:
        start = {"beale": (1.0, 1.0), "rosenbrock": (-1.0, 0.0)}[name]
        move = np.random.default_rng(seed).normal(scale=0.2, size=2)
        point = torch.tensor(np.add(start, move))

        class Point(torch.nn.Module):  # type: ignore[misc]
            def __init__(self) -> None:
                super().__init__()
                self.point = torch.nn.Parameter(point)

        self.module = Point()
        self.function = {"beale": _beale, "rosenbrock": _rosenbrock}[name]

    def loss(self, step: int, *, rows: bool = False) -> Callable[[Any], Any]:
        """The function, the same in every step."""
        return lambda module: self.function(*module.point)

    def test(self) -> tuple[float, float]:
        """The function's value; there is no share of right answers."""
        return float(self.function(*self.module.point.detach())), np.nan


def _beale(x: Any, y: Any) -> Any:
    return (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2


def _rosenbrock(x: Any, y: Any) -> Any:
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


class NetworkModel:
    """A network, and the batches that it sees: the same for every method at a seed."""

    def __init__(
        self, torch: Any, name: str, images: Images, size: NetworkSize, seed: int, steps: int
    ) -> None:
        self.torch = torch
        self.X, self.Q = (_scaled(torch, part) for part in (images.train, images.test))
        self.y, self.t = (
            torch.from_numpy(np.asarray(labels, dtype=np.int64))
            for labels in (images.train_labels, images.test_labels)
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.module = _network(torch, name, images, size)
        rng = np.random.default_rng(seed)
        self.batches = rng.integers(0, len(self.X), size=(steps, BATCH_ROWS))

    def loss(self, step: int, *, rows: bool = False) -> Callable[[Any], Any]:
        """The cross-entropy of a batch, or of each of its rows."""
        batch = self.torch.from_numpy(self.batches[step])
        X, y = self.X[batch], self.y[batch]
        reduction = "none" if rows else "mean"
        entropy = self.torch.nn.functional.cross_entropy
        return lambda module: entropy(module(X), y, reduction=reduction)

    def test(self) -> tuple[float, float]:
        """Cross-entropy and share of right answers on test images."""
        with self.torch.no_grad():
            outputs = self.torch.cat([self.module(part) for part in self.Q.split(500)])
            loss = self.torch.nn.functional.cross_entropy(outputs, self.t)
        return float(loss), float((outputs.argmax(dim=1) == self.t).double().mean())


def _scaled(torch: Any, pixels: Array) -> Any:
    """Images (n, c, h, w) with values from 0 to 1."""
    values = np.moveaxis(np.asarray(pixels, dtype=np.float32), 3, 1)
    return torch.from_numpy(np.ascontiguousarray(values / max(float(values.max()), 1.0)))


def _network(torch: Any, name: str, images: Images, size: NetworkSize) -> Any:
    nn = torch.nn
    height, width, channels = images.shape
    n = height * width * channels
    if name == "logistic":
        return nn.Sequential(nn.Flatten(), nn.Linear(n, images.classes))
    hidden = size.hidden
    if name == "mlp":
        return nn.Sequential(
            nn.Flatten(),
            nn.Linear(n, hidden),
            nn.ReLU(),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Linear(hidden, images.classes),
        )
    layers: list[Any] = []
    for number in range(size.convolutions):
        before = size.channels if number else channels
        layers += [nn.Conv2d(before, size.channels, 3, padding=1), nn.ReLU()]
        if number % 2:
            layers.append(nn.MaxPool2d(2))
            height, width = height // 2, width // 2
    n = size.channels * height * width
    return nn.Sequential(
        *layers,
        nn.Flatten(),
        nn.Linear(n, hidden),
        nn.ReLU(),
        nn.Linear(hidden, images.classes),
    )
