"""The aids, each as a loss on a batch of training rows, and the training that all share.

Torch is imported by the functions: the study can then be listed without it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import hullwise as hw

from .._types import Floats
from ._draws import TrainingDraw, rows_of_each_class, shifted_images

HIDDEN_WIDTHS = (64, 16)
AID_BATCH_ROWS = 50
AID_LEARNING_RATE = 3e-3  # of Adam
TEACHERS = 5  # networks whose mean output is learnt from
LOCAL_PCA_ROWS, TANGENTS_OF_TABLE = 8, 2

BatchLoss = Callable[[Any, Any], Any]  # (network, numbers of training rows): loss


@dataclass(frozen=True, eq=False)
class Lesson:
    """What a loss is made of: the draw, its rows as tensors, and seeded random numbers."""

    draw: TrainingDraw
    X: Any
    y: Any
    steps: int
    seed: int
    rng: np.random.Generator

    def criterion(self, outputs: Any, targets: Any) -> Any:
        """Cross-entropy, or squares; a loss for each row."""
        from torch.nn import functional

        if self.draw.n_classes:
            return functional.cross_entropy(outputs, targets, reduction="none")
        return (outputs[:, 0] - targets).square()


@dataclass(frozen=True, eq=False)
class Aid:
    """A way to train: how its loss is made, and what it needs.

    `needs` is "images", "classes" or "" for any set. `kind` is "control" for what is no aid of
    this library, and "aid" else.
    """

    title: str
    loss: Callable[[Lesson], BatchLoss]
    kind: str = "aid"
    needs: str = ""
    dropout: float = 0.0
    decay: float = 0.0

    def suits(self, draw: TrainingDraw) -> bool:
        """Whether the set has what the aid needs."""
        return {"": True, "classes": draw.n_classes > 0, "images": draw.side > 0}[self.needs]


def new_network(draw: TrainingDraw, dropout: float = 0.0) -> Any:
    """A network with torch's own start, from torch's current seed."""
    from torch import nn

    layers: list[Any] = []
    width = draw.X.shape[1]
    for hidden in HIDDEN_WIDTHS:
        layers += [nn.Linear(width, hidden), nn.ReLU()]
        layers += [nn.Dropout(dropout)] if dropout else []
        width = hidden
    return nn.Sequential(*layers, nn.Linear(width, draw.n_outputs))


def trained_network(draw: TrainingDraw, aid: Aid, steps: int, seed: int) -> Any:
    """A network trained with an aid, at rest. All aids start, and take batches, alike."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = new_network(draw, aid.dropout)
        lesson = lesson_of(draw, steps, seed)
        loss = aid.loss(lesson)
        optimiser = torch.optim.AdamW(
            network.parameters(), lr=AID_LEARNING_RATE, weight_decay=aid.decay
        )
        batches = np.random.default_rng([seed, 1])
        for _ in range(steps):
            rows = torch.as_tensor(batches.integers(len(draw.X), size=AID_BATCH_ROWS))
            optimiser.zero_grad()
            loss(network, rows).backward()
            optimiser.step()
        return network.eval()


def lesson_of(draw: TrainingDraw, steps: int, seed: int) -> Lesson:
    """The rows of a draw as tensors."""
    import torch

    X = torch.as_tensor(draw.X, dtype=torch.float32)
    y = torch.as_tensor(draw.y, dtype=torch.long if draw.n_classes else torch.float32)
    return Lesson(draw, X, y, steps, seed, np.random.default_rng([seed, 2]))


# ---- losses ---------------------------------------------------------------------------------


def _no_aid(lesson: Lesson) -> BatchLoss:
    def loss(network: Any, rows: Any) -> Any:
        return lesson.criterion(network(lesson.X[rows]), lesson.y[rows]).mean()

    return loss


def _tangent(weight: float, tangents_of: Callable[[TrainingDraw], Floats]) -> Any:
    def prepare(lesson: Lesson) -> BatchLoss:
        import torch

        plain = _no_aid(lesson)
        tangents = torch.as_tensor(tangents_of(lesson.draw), dtype=torch.float32)

        def loss(network: Any, rows: Any) -> Any:
            penalty = hw.train.tangent_penalty(network, lesson.X[rows], tangents[rows])
            return plain(network, rows) + weight * penalty

        return loss

    return prepare


def shift_tangents(draw: TrainingDraw) -> Floats:
    """How images begin to move to the right and down, from shifts by one pixel."""

    def across(X: Floats, amount: float) -> Floats:
        return _moved(X, draw.side, 0, amount)

    def down(X: Floats, amount: float) -> Floats:
        return _moved(X, draw.side, 1, amount)

    both = [hw.train.transformation_tangents(move, draw.X, step=1.0) for move in (across, down)]
    return np.stack(both, axis=1)


def _moved(X: Floats, side: int, axis: int, amount: float) -> Floats:
    by = (0, round(amount)) if axis == 0 else (round(amount), 0)
    return shifted_images(X, side, *by)


def table_tangents(draw: TrainingDraw) -> Floats:
    """Leading directions of each row's nearest rows, of its own class where there are classes."""
    n, d = draw.X.shape
    tangents = np.zeros((n, TANGENTS_OF_TABLE, d))
    for rows in rows_of_each_class(draw):
        k = min(LOCAL_PCA_ROWS, len(rows) - 1)
        if k >= TANGENTS_OF_TABLE:
            tangents[rows] = hw.train.local_tangents(
                draw.X[rows], k, TANGENTS_OF_TABLE, metric=None
            )
    return tangents


def _mixup(alpha: float, within_class: bool = False) -> Any:
    def prepare(lesson: Lesson) -> BatchLoss:
        def loss(network: Any, rows: Any) -> Any:
            mixed = hw.train.mixup(
                lesson.X[rows],
                lesson.y[rows],
                alpha=alpha,
                per_row=True,
                within_class=within_class,
                n_classes=lesson.draw.n_classes or None,
                random_state=lesson.rng,
            )
            return mixed.loss(lesson.criterion, network(mixed.X))

        return loss

    return prepare


def _distilled(lesson: Lesson) -> BatchLoss:
    draw = lesson.draw
    starts = [1000 * (lesson.seed + 1) + teacher for teacher in range(TEACHERS)]
    teachers = [trained_network(draw, AIDS["none"], lesson.steps, start) for start in starts]
    outputs = [hw.train.teacher_outputs(teacher, lesson.X) for teacher in teachers]
    soft = sum(outputs[1:], outputs[0]) / TEACHERS
    task = "classification" if draw.n_classes else "regression"

    def loss(network: Any, rows: Any) -> Any:
        targets = lesson.y[rows] if draw.n_classes else lesson.y[rows, None]
        return hw.train.distillation_loss(
            network(lesson.X[rows]), soft[rows], targets, task=task, hard_weight=0.1
        )

    return loss


def _orthogonality(weight: float, layers: str) -> Any:
    def prepare(lesson: Lesson) -> BatchLoss:
        plain = _no_aid(lesson)

        def loss(network: Any, rows: Any) -> Any:
            penalty = hw.train.orthogonality_penalty(network, layers=layers)
            return plain(network, rows) + weight * penalty

        return loss

    return prepare


def orthogonality_aid(weight: float, layers: str) -> Aid:
    """The penalty of some layers with a weight."""
    return Aid(f"orthogonality {weight:g}, {layers}", _orthogonality(weight, layers))


def _shifted(lesson: Lesson) -> BatchLoss:
    """Images moved by at most a pixel in each direction, drawn anew for each batch."""
    import torch

    def loss(network: Any, rows: Any) -> Any:
        by = lesson.rng.integers(-1, 2, size=2)
        moved = shifted_images(lesson.draw.X[rows.numpy()], lesson.draw.side, *map(int, by))
        X = torch.as_tensor(moved, dtype=torch.float32)
        return lesson.criterion(network(X), lesson.y[rows]).mean()

    return loss


AIDS: dict[str, Aid] = {
    "none": Aid("no aid", _no_aid, "control"),
    "decay-weak": Aid("weight decay .1", _no_aid, "control", decay=0.1),
    "decay": Aid("weight decay 1", _no_aid, "control", decay=1.0),
    "dropout-weak": Aid("dropout .2", _no_aid, "control", dropout=0.2),
    "dropout": Aid("dropout .5", _no_aid, "control", dropout=0.5),
    "shifted": Aid("images shifted at random", _shifted, "control", "images"),
    "tangent-weak": Aid("tangents of shifts, .001", _tangent(1e-3, shift_tangents), needs="images"),
    "tangent": Aid("tangents of shifts, .01", _tangent(1e-2, shift_tangents), needs="images"),
    "local-weak": Aid("tangents of local PCA, .001", _tangent(1e-3, table_tangents)),
    "local": Aid("tangents of local PCA, .01", _tangent(1e-2, table_tangents)),
    "mixup-weak": Aid("mixup, alpha .2", _mixup(0.2)),
    "mixup": Aid("mixup, alpha 1", _mixup(1.0)),
    "mixup-class": Aid("mixup within classes, alpha 1", _mixup(1.0, True), needs="classes"),
    "distilled": Aid("distilled from five networks", _distilled),
    "orthogonal-last": Aid(
        "orthogonality, last layer, .1", _orthogonality(0.1, "last"), needs="classes"
    ),
    "orthogonal": Aid("orthogonality, all layers, .1", _orthogonality(0.1, "all")),
}
"""Every way to train, by name."""
