"""Labelled rows of the study, and seeded draws: rows to train on, and rows to be judged by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits

from .._types import Array, Floats, Indices
from ..balestriero2021 import Images

IMAGE_POOL_ROWS = 10_000  # of a set of images, from which draws are made


@dataclass(frozen=True)
class TrainingSize:
    """Of a draw and of its networks' training."""

    rows: int
    test_rows: int
    steps: int


@dataclass(frozen=True, eq=False)
class TrainingRows:
    """Rows of a set: classes as whole numbers, or numbers; `side` is that of square images."""

    X: Floats
    y: Array
    n_classes: int
    side: int = 0


@dataclass(frozen=True, eq=False)
class TrainingSource:
    """A set, what it is, and how its rows are had."""

    text: str
    read: Callable[[], TrainingRows]


@dataclass(frozen=True, eq=False)
class TrainingDraw:
    """Rows to train on (n, d) and test rows (m, d); `unit` is how far apart training rows are.

    That is the median distance of a row to the nearest other one.
    """

    X: Floats
    y: Array
    test_X: Floats
    test_y: Array
    n_classes: int
    side: int
    unit: float

    @property
    def n_outputs(self) -> int:
        """Logits, or one number."""
        return self.n_classes or 1


def _digit_rows() -> TrainingRows:
    bunch = load_digits()
    return TrainingRows(bunch.data / 16, bunch.target, 10, 8)


def _cancer_rows() -> TrainingRows:
    bunch = load_breast_cancer()
    return TrainingRows(bunch.data, bunch.target, 2)


def _diabetes_rows() -> TrainingRows:
    bunch = load_diabetes()
    return TrainingRows(bunch.data, bunch.target, 0)


TRAINING_SOURCES = {
    "digits": TrainingSource("scikit-learn's digits, 8 x 8 pixels, ten classes", _digit_rows),
    "breast_cancer": TrainingSource("a table of 30 features, two classes", _cancer_rows),
    "diabetes": TrainingSource("a table of 10 features, a number to predict", _diabetes_rows),
}


def image_rows_source(images: Images) -> TrainingSource:
    """A labelled set of images as a source."""

    def read() -> TrainingRows:
        pool = images.sample(IMAGE_POOL_ROWS, 1)
        assert pool.train_labels is not None
        height, width, channels = pool.shape
        flat = pool.train.reshape(len(pool.train), -1).astype(np.float64)
        side = height if height == width and channels == 1 else 0
        scale = 255 if pool.train.dtype == np.uint8 else 1
        return TrainingRows(flat / scale, pool.train_labels, images.classes, side)

    height, width, _ = images.shape
    text = f"images of {height} x {width} pixels from the folder, {images.classes} classes"
    return TrainingSource(text, read)


def draw_rows(rows: TrainingRows, size: TrainingSize, seed: int) -> TrainingDraw:
    """A seeded draw; columns of a table in standard deviations of its training rows."""
    n = min(size.rows, len(rows.X) // 2)
    order = np.random.default_rng([seed, len(rows.X)]).permutation(len(rows.X))
    train, test = order[:n], order[n : n + size.test_rows]
    X, test_X = rows.X[train], rows.X[test]
    if not rows.side:
        mean, spread = X.mean(axis=0), X.std(axis=0)
        spread[spread == 0] = 1.0
        X, test_X = (X - mean) / spread, (test_X - mean) / spread
    y, test_y = rows.y[train], rows.y[test]
    if not rows.n_classes:
        y, test_y = ((part - rows.y[train].mean()) / rows.y[train].std() for part in (y, test_y))
    return TrainingDraw(X, y, test_X, test_y, rows.n_classes, rows.side, _spacing(X))


def _spacing(X: Floats) -> float:
    """Median distance of a row to the nearest other one."""
    squares = (X**2).sum(axis=1)
    gaps = squares[:, None] + squares - 2 * X @ X.T
    np.fill_diagonal(gaps, np.inf)
    return float(np.sqrt(np.median(np.maximum(gaps.min(axis=1), 0.0))))


def shifted_images(X: Floats, side: int, rows: int, columns: int) -> Floats:
    """Square images moved by whole pixels; what comes in is 0."""
    images = X.reshape(-1, side, side)
    moved = np.zeros_like(images)
    to_rows, from_rows = _overlap(side, rows)
    to_columns, from_columns = _overlap(side, columns)
    moved[:, to_rows, to_columns] = images[:, from_rows, from_columns]
    return np.asarray(moved.reshape(X.shape))


def _overlap(side: int, by: int) -> tuple[slice, slice]:
    """Where pixels go, and where they come from."""
    return slice(max(by, 0), side + min(by, 0)), slice(max(-by, 0), side - max(by, 0))


def rows_of_each_class(draw: TrainingDraw) -> list[Indices]:
    """The training rows of each class; all together where there are none."""
    if not draw.n_classes:
        return [np.arange(len(draw.X))]
    return [np.flatnonzero(draw.y == label) for label in range(draw.n_classes)]
