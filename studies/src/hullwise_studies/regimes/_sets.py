"""What is learnt and what is asked: data sets, and two ways to draw the queries.

*Random* queries come from where the training rows come from. *Shifted* ones do so by half; the
other half comes from elsewhere: new patients, rows beyond the 80 % quantile along a direction, or,
where the target is known, inputs out of their range, some that the target uses and some not.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hullwise.errors import DataError, FileError

from .._runs import existing_folder
from .._types import Floats

QUERY_SPLITS = ("random", "shifted")
FEWEST_TABLE_ROWS = 60  # rows of a table from which both training rows and queries can be drawn
SHARE_ELSEWHERE = 0.2  # share of the rows, or of the groups, that count as elsewhere


@dataclass(frozen=True, eq=False)
class Draw:
    """Training rows and queries of one seed, in units of the training rows.

    Z (n, d) and Q (m, d) are standardised by Z. `y` and `truth` are targets in standard deviations
    of y, or labels 0, 1, ... where `classes` is their number (0: numbers). `harmful` (m,) is 1
    where the query leaves the data in what the target uses, 0 where it leaves it in what it does
    not, -1 where neither or unknown.
    """

    Z: Floats
    y: Floats
    Q: Floats
    truth: Floats
    classes: int
    harmful: NDArray[np.int8]


@dataclass(frozen=True, eq=False)
class SourceRows:
    """A table: rows, target, what belongs together, and how many classes (0: numbers)."""

    X: Floats
    y: Floats
    groups: NDArray[np.intp] | None = None
    classes: int = 0


@dataclass(frozen=True, eq=False)
class DataSource:
    """A data set: what it is in words, and how it is read or made."""

    text: str
    read: Callable[[], SourceRows] | None = None
    make: Callable[[int, int, str, np.random.Generator], tuple[Any, ...]] | None = None

    @property
    def has_known_directions(self) -> bool:
        """Whether the directions that the target uses are known."""
        return self.make is not None


def _bundled(name: str) -> SourceRows:
    from hullwise.samples import load

    sample = load(name)
    y = np.log1p(sample.y) if name == "forest_fires" else sample.y
    return SourceRows(sample.X, y, sample.groups)


def _sklearn(name: str, classes: int = 0) -> SourceRows:
    from sklearn import datasets

    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    return SourceRows(
        np.asarray(X, dtype=np.float64), np.asarray(y, dtype=np.float64), None, classes
    )


def friedman1(X: Floats) -> Floats:
    """Friedman's first function, of the first five inputs."""
    first = 10 * np.sin(np.pi * X[:, 0] * X[:, 1]) + 20 * (X[:, 2] - 0.5) ** 2
    return np.asarray(first + 10 * X[:, 3] + 5 * X[:, 4])


def _friedman(d: int) -> Callable[[int, int, str, np.random.Generator], tuple[Any, ...]]:
    def make(n: int, m: int, split: str, rng: np.random.Generator) -> tuple[Any, ...]:
        X, Q = rng.uniform(size=(n, d)), rng.uniform(size=(m, d))
        harmful = np.full(m, -1, np.int8)
        if split == "shifted":
            harmful = (np.arange(m) < m // 2).astype(np.int8)
            for kind, columns in ((1, slice(0, 5)), (0, slice(5, 10))):
                at = np.flatnonzero(harmful == kind)
                Q[at, columns] = rng.uniform(-0.5, 1.5, size=(len(at), 5))
        return X, friedman1(X), Q, friedman1(Q), harmful

    return make


def _rotated(d: int, rank: int) -> Callable[[int, int, str, np.random.Generator], tuple[Any, ...]]:
    """A polynomial of `rank` turned directions; normal inputs."""

    def target(U: Floats) -> Floats:
        return U[:, 0] * U[:, 1] + (U[:, 2] ** 2 if rank == 3 else 0)

    def make(n: int, m: int, split: str, rng: np.random.Generator) -> tuple[Any, ...]:
        P = np.linalg.qr(rng.normal(size=(d, d)))[0][:, : 2 * rank]
        X, Q = rng.normal(size=(n, d)), rng.normal(size=(m, d))
        harmful = np.full(m, -1, np.int8)
        if split == "shifted":
            harmful = (np.arange(m) < m // 2).astype(np.int8)
            for kind, A in ((1, P[:, :rank]), (0, P[:, rank:])):
                at = np.flatnonzero(harmful == kind)
                Q[at] += 2 * (Q[at] @ A) @ A.T
        return X, target(X @ P), Q, target(Q @ P), harmful

    return make


SOURCES: Mapping[str, DataSource] = {
    "forest_fires": DataSource(
        "bundled; ln(1 + burnt area), as its authors do", lambda: _bundled("forest_fires")
    ),
    "parkinsons": DataSource(
        "bundled; shifted queries: half of recordings of patients not seen",
        lambda: _bundled("parkinsons"),
    ),
    "diabetes": DataSource("scikit-learn", lambda: _sklearn("diabetes")),
    "breast_cancer": DataSource("scikit-learn; 2 classes", lambda: _sklearn("breast_cancer", 2)),
    "wine": DataSource("scikit-learn; 3 classes", lambda: _sklearn("wine", 3)),
    "digits": DataSource("scikit-learn; 10 classes", lambda: _sklearn("digits", 10)),
    "friedman10": DataSource("Friedman's first function and 5 useless inputs", make=_friedman(10)),
    "friedman30": DataSource("Friedman's first function and 25 useless inputs", make=_friedman(30)),
    "rank2": DataSource("u v of two turned directions among 50", make=_rotated(50, 2)),
    "rank3": DataSource("u v + w^2 of three turned directions among 16", make=_rotated(16, 3)),
}
SHORT_FORM_SOURCES = tuple(name for name in SOURCES if name != "digits")


def sources(
    data: str | os.PathLike[str] | None, other_parts: Collection[str] = ()
) -> dict[str, DataSource]:
    """The sets above, and each .csv file of a folder, its last column the target."""
    sources = dict(SOURCES)
    source = existing_folder(data, "data")
    if source is None:
        return sources
    files = sorted(path for path in source.iterdir() if path.suffix.lower() == ".csv")
    if not files:
        raise FileError(str(data), "holds no .csv file; each is a set, its last column the target")
    for path in files:
        if path.stem in (*SOURCES, *other_parts):
            raise DataError(f"{path} has the name of a part that is there already; rename it.")
        sources[path.stem] = DataSource(f"{path.name}: its last column", _from(path))
    return sources


def _from(path: Path) -> Callable[[], SourceRows]:
    def read() -> SourceRows:
        from hullwise import read_table

        values = read_table(path).values.astype(np.float64)
        if values.shape[1] < 2:
            raise DataError(f"{path} has one column; give inputs and, last, the target.")
        if len(values) < FEWEST_TABLE_ROWS:
            raise DataError(f"{path} has {len(values)} rows; give at least {FEWEST_TABLE_ROWS}.")
        if np.ptp(values[:, -1]) == 0:
            raise DataError(f"the last column of {path}, the target, is constant.")
        return SourceRows(values[:, :-1], values[:, -1])

    return read


def draw(
    source: DataSource, rows: SourceRows | None, split: str, seed: int, n: int, m: int
) -> Draw:
    """At most n training rows and m queries, by the seed."""
    rng = np.random.default_rng([seed, QUERY_SPLITS.index(split)])
    if source.make is not None:
        X, y, Q, truth, harmful = source.make(n, m, split, rng)
        return standardised(X, y, Q, truth, 0, harmful)
    if rows is None:
        raise DataError("a set that is read needs its rows")
    train, queried = _rows_of(rows, split, rng, n, m)
    y, truth = rows.y[train], rows.y[queried]
    none = np.full(len(queried), -1, np.int8)
    return standardised(rows.X[train], y, rows.X[queried], truth, rows.classes, none)


def standardised(
    X: Floats, y: Floats, Q: Floats, truth: Floats, classes: int, harmful: Any
) -> Draw:
    """A draw from rows and targets in their own units."""
    mean, scale = X.mean(axis=0), X.std(axis=0)
    scale = np.where(scale > 1e-12 * np.abs(X).max(axis=0, initial=0), scale, 1.0)
    if not classes:
        size = y.std() if y.std() > 0 else 1.0
        y, truth = (y - y.mean()) / size, (truth - y.mean()) / size
    return Draw((X - mean) / scale, y, (Q - mean) / scale, truth, classes, harmful)


def _rows_of(
    rows: SourceRows, split: str, rng: np.random.Generator, n: int, m: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Which rows are learnt and which are asked."""
    total = len(rows.X)
    m = min(m, total // 4)
    order = rng.permutation(total)
    if split == "random":
        return order[m : m + n], order[:m]
    elsewhere = _elsewhere(rows, rng)
    far, near = order[elsewhere[order]], order[~elsewhere[order]]
    half = min(m // 2, len(far))
    return near[half : half + n], np.concatenate([far[:half], near[:half]])


def _elsewhere(rows: SourceRows, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Which rows count as far: those of some groups, else those beyond along a direction.

    The direction is drawn with the covariance of the inputs: mostly where they vary together.
    """
    if rows.groups is not None:
        names = np.unique(rows.groups)
        chosen = rng.choice(names, max(1, round(SHARE_ELSEWHERE * len(names))), replace=False)
        return np.isin(rows.groups, chosen)
    scale = rows.X.std(axis=0)
    Z = (rows.X - rows.X.mean(axis=0)) / np.where(scale > 0, scale, 1.0)
    along = Z @ (Z.T @ rng.normal(size=len(Z)))
    return np.asarray(along > np.quantile(along, 1 - SHARE_ELSEWHERE))
