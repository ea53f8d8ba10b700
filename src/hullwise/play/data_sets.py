"""The data sets of the page: rows drawn in the square |x|, |y| <= 1, classes or values.

Classes: spirals, xor, ring, gaussians, moons (two), three (three). Values: staircase, parabola.
`noise` is the standard deviation of what is added to the points of classes, or to the values.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from .._core.types import Array, Floats, Ints
from .column_units import ColumnUnits

__all__ = ["DATA_SETS", "DataSet", "data_set_of_points", "draw_data_set"]

MAX_LABELS = 3

Draw = Callable[[np.random.Generator, int, float], tuple[Floats, Array]]


@dataclass(frozen=True, eq=False)
class DataSet:
    """Rows to train on and new rows of the same kind.

    Attributes
    ----------
    X : ndarray (n, d)
        What the network is trained on: for the drawn sets the points of the plane themselves.
    targets : ndarray (n,)
        Classes 0, 1, ... (int64) or values (float64).
    new_X, new_targets : ndarray
        Rows that training does not see, maybe none.
    n_classes : int
        0 for values.
    origin, axes : ndarray (d,), (2, d)
        The plane of the picture: a point (u, v) of it is ``origin + u axes[0] + v axes[1]``.
    names : tuple of str
        Of the two axes.
    labels : tuple of str
        Of the classes.
    units : ColumnUnits or None
        Names and units of the columns of an own table.
    notes : tuple of str
        Sentences about what was left out, or is not as it looks.
    """

    X: Floats
    targets: Array
    new_X: Floats
    new_targets: Array
    n_classes: int
    origin: Floats = field(default_factory=lambda: np.zeros(2))
    axes: Floats = field(default_factory=lambda: np.eye(2))
    names: tuple[str, str] = ("x", "y")
    labels: tuple[str, ...] = ()
    units: ColumnUnits | None = None
    notes: tuple[str, ...] = ()

    @property
    def task(self) -> str:
        """ "classes" or "regression"."""
        return "classes" if self.n_classes else "regression"

    @property
    def n_outputs(self) -> int:
        """Of a network for it: one for values and for two classes."""
        return 1 if self.n_classes <= 2 else self.n_classes

    @property
    def is_plane(self) -> bool:
        """Whether the network's inputs are the plane's own coordinates."""
        return (
            self.X.shape[1] == 2 and np.array_equal(self.axes, np.eye(2)) and not any(self.origin)
        )

    def plane_points(self, X: Floats) -> Floats:
        """Rows (m, d) as points (m, 2) of the plane, each the nearest there."""
        if self.is_plane:
            return X
        return np.asarray(np.linalg.lstsq(self.axes.T, (X - self.origin).T, rcond=None)[0].T)


def _spiral_arms(
    rng: np.random.Generator, n: int, noise: float, arms: int, turns: float
) -> tuple[Floats, Array]:
    label = _labels(rng, n, arms)
    radius = np.sqrt(rng.uniform(0.02, 0.9, n))
    angle = 2 * np.pi * (turns * radius + label / arms)
    points = radius[:, None] * np.c_[np.cos(angle), np.sin(angle)]
    return points + noise * rng.normal(size=(n, 2)), label


def _labels(rng: np.random.Generator, n: int, classes: int) -> Ints:
    """Equally many of each class, to one row, in random order."""
    return np.asarray(rng.permutation(np.arange(n) % classes))


def draw_spirals(rng: np.random.Generator, n: int, noise: float) -> tuple[Floats, Array]:
    """Two spirals of one and a quarter turns."""
    return _spiral_arms(rng, n, noise, 2, 1.25)


def draw_three(rng: np.random.Generator, n: int, noise: float) -> tuple[Floats, Array]:
    """Three arms of half a turn."""
    return _spiral_arms(rng, n, noise, 3, 0.5)


def draw_xor(rng: np.random.Generator, n: int, noise: float) -> tuple[Floats, Array]:
    """Four squares; a class where x and y have one sign."""
    points = rng.uniform(0.05, 0.95, (n, 2)) * rng.choice([-1.0, 1.0], (n, 2))
    label = (points[:, 0] * points[:, 1] < 0).astype(np.int64)
    return points + noise * rng.normal(size=(n, 2)), label


def draw_ring(rng: np.random.Generator, n: int, noise: float) -> tuple[Floats, Array]:
    """A ring around a ball."""
    label = _labels(rng, n, 2)
    area = np.where(label == 0, rng.uniform(0, 0.4**2, n), rng.uniform(0.65**2, 0.95**2, n))
    angle = rng.uniform(0, 2 * np.pi, n)
    points = np.sqrt(area)[:, None] * np.c_[np.cos(angle), np.sin(angle)]
    return points + noise * rng.normal(size=(n, 2)), label


def draw_gaussians(rng: np.random.Generator, n: int, noise: float) -> tuple[Floats, Array]:
    """Two normal distributions, two and a half standard deviations from the line between them."""
    label = _labels(rng, n, 2)
    centre = np.where(label[:, None] == 0, [-0.4, -0.4], [0.4, 0.4])
    return centre + (0.22 + noise) * rng.normal(size=(n, 2)), label


def draw_moons(rng: np.random.Generator, n: int, noise: float) -> tuple[Floats, Array]:
    """Two half circles, each with an end in the other."""
    label = _labels(rng, n, 2)
    angle = rng.uniform(0, np.pi, n)
    upper = np.c_[np.cos(angle), np.sin(angle)]
    points = np.where(label[:, None] == 0, upper, [1.0, 0.5] - upper)
    return (points - [0.5, 0.25]) / 1.6 + noise * rng.normal(size=(n, 2)), label


def draw_staircase(rng: np.random.Generator, n: int, noise: float) -> tuple[Floats, Array]:
    """Four steps of x, whatever y is."""
    points = rng.uniform(-1, 1, (n, 2))
    steps = np.clip(np.floor(2 * (points[:, 0] + 1)), 0, 3)
    return points, steps / 1.5 - 1 + noise * rng.normal(size=n)


def draw_parabola(rng: np.random.Generator, n: int, noise: float) -> tuple[Floats, Array]:
    """The square of x, whatever y is."""
    points = rng.uniform(-1, 1, (n, 2))
    return points, points[:, 0] ** 2 + noise * rng.normal(size=n)


DATA_SETS: dict[str, tuple[Draw, int]] = {  # and the number of classes, 0 for values
    "spirals": (draw_spirals, 2),
    "xor": (draw_xor, 2),
    "ring": (draw_ring, 2),
    "gaussians": (draw_gaussians, 2),
    "moons": (draw_moons, 2),
    "three": (draw_three, 3),
    "staircase": (draw_staircase, 0),
    "parabola": (draw_parabola, 0),
}


def draw_data_set(name: str, n: int, noise: float, seed: int) -> DataSet:
    """The rows of a data set, and as many new ones; the same for the same arguments.

    Coordinates are numbers of float32, in which the network is trained.

    Examples
    --------
    >>> data = draw_data_set("xor", 100, 0.0, seed=0)
    >>> data.X.shape, data.new_X.shape, data.task
    ((100, 2), (100, 2), 'classes')
    """
    draw, n_classes = DATA_SETS[name]
    X, targets = draw(np.random.default_rng([seed, 0]), n, noise)
    new_X, new_targets = draw(np.random.default_rng([seed, 1]), n, noise)
    return DataSet(
        _rounded(X), targets, _rounded(new_X), new_targets, n_classes,
        labels=tuple(str(i) for i in range(n_classes)),
    )  # fmt: skip


def _rounded(X: Floats) -> Floats:
    return X.astype(np.float32).astype(np.float64)


def data_set_of_points(points: Floats, values: Floats) -> DataSet:
    """Rows drawn by hand: classes where all values are 0, 1, 2, else values.

    There are no new rows: nobody knows what they would be.

    Examples
    --------
    >>> import numpy as np
    >>> data_set_of_points(np.zeros((2, 2)), np.array([0.0, 1.0])).task
    'classes'
    """
    is_class = bool(np.isin(values, np.arange(MAX_LABELS)).all())
    n_classes = max(2, int(values.max(initial=0)) + 1) if is_class else 0
    targets = values.astype(np.int64) if is_class else values
    labels = tuple(str(i) for i in range(n_classes))
    nothing = np.zeros((0, 2)), targets[:0]
    return DataSet(_rounded(points), targets, *nothing, n_classes, labels=labels)
