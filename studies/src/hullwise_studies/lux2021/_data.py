"""The data of the study, its folds and its scaling."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hullwise import read_table
from hullwise.errors import DataError, FileError
from hullwise.samples import load

from .._types import Floats, Indices

STUDY_FOLDS = 10
BUNDLED_SETS = ("forest_fires", "parkinsons")
PUBLISHED_ERRORS_FILE = "paper_abs_errors.npz"


@dataclass(frozen=True)
class StudySource:
    title: str
    file: str  # in the folder of the user
    key: str  # in the file of the published errors
    targets: int = 1  # last columns


STUDY_SETS = {
    "forest_fires": StudySource("Forest fires", "forest_fire.csv.gz", "forestfires"),
    "parkinsons": StudySource(
        "Parkinson's telemonitoring", "parkinsons.csv.gz", "parkinsons_updrs"
    ),
    "rainfall": StudySource("Rainfall in Sydney", "rainfall_sydney.csv.gz", "weatherAUS"),
    "credit_card": StudySource("Credit card transactions", "credit_card.csv.gz", "creditcard"),
    "hpc": StudySource("HPC throughput", "hpc_io_random_writers.csv.gz", "iozone_150", targets=150),
}
"""The paper's sets in its order; for the last one another test of the same kind stands in."""


@dataclass(frozen=True, eq=False)
class Split:
    """Which rows each fold learns from and which it predicts."""

    name: str
    folds: tuple[tuple[Indices, Indices], ...]


@dataclass(frozen=True, eq=False)
class StudySet:
    """A data set of the study.

    `y` is (n,), or (n, s) samples for the function-valued set.
    """

    name: str
    title: str
    X: Floats
    y: Floats
    columns: tuple[str, ...]
    target: str
    groups: Indices | None = None

    @property
    def n(self) -> int:
        return len(self.X)

    @property
    def printed(self) -> NDArray[np.bool_]:
        """Which rows the paper's tables are about, (n,)."""
        rows = np.ones(self.n, dtype=bool)
        if self.name == "forest_fires":
            # The published errors leave out the first fold: some method of the paper failed there.
            rows[self.split().folds[0][1]] = False
        return rows

    def split(self) -> Split:
        """The paper's ten folds: whole numbers shuffled by Python's generator, seed 0, and cut."""
        order = _shuffled(self.n)
        parts = [order[lo:hi] for lo, hi in _cuts(self.n)]
        rest = [np.concatenate([order[:lo], order[hi:]]) for lo, hi in _cuts(self.n)]
        return Split("rows", tuple(zip(rest, parts)))

    def split_by_group(self) -> Split:
        """Ten folds of nearly equal size that keep the rows of each group (patient) together."""
        if self.groups is None:
            raise DataError(f"{self.name} has no groups of rows to keep together.")
        from sklearn.model_selection import GroupKFold

        folds = GroupKFold(STUDY_FOLDS).split(self.X, groups=self.groups)
        return Split("groups", tuple((np.asarray(a), np.asarray(b)) for a, b in folds))


def _shuffled(n: int) -> Indices:
    order = list(range(n))
    random.Random(0).shuffle(order)
    return np.array(order, dtype=np.intp)


def _cuts(n: int) -> list[tuple[int, int]]:
    return [
        (int(0.5 + b * n / STUDY_FOLDS), int(0.5 + (b + 1) * n / STUDY_FOLDS))
        for b in range(STUDY_FOLDS)
    ]


def unit_cube(train: Floats, *others: Floats) -> tuple[Floats, ...]:
    """Rows scaled so that the training rows fill the unit cube, from the training rows alone."""
    low, high = train.min(axis=0), train.max(axis=0)
    width = np.where(high > low, high - low, 1.0)
    return tuple((X - low) / width for X in (train, *others))


def load_set(name: str, folder: Path | None) -> StudySet:
    """Read a set: from the user's folder, or a bundled one where there is no folder.

    Raises
    ------
    DataError
        For an unknown name, or a set that is not bundled, without a folder.
    FileError
        The folder lacks the file.
    """
    if name not in STUDY_SETS:
        raise DataError(f"no data set is called {name!r}: there are {', '.join(STUDY_SETS)}.")
    source = STUDY_SETS[name]
    if name in BUNDLED_SETS:
        sample = load(name)
        return StudySet(
            name, source.title, sample.X, sample.y, sample.columns, sample.target, sample.groups
        )
    if folder is None:
        raise DataError(
            f"{name} is not bundled: pass data= (--data), a folder that holds {source.file}."
        )
    return _from_folder(name, folder)


def _from_folder(name: str, folder: Path) -> StudySet:
    source = STUDY_SETS[name]
    path = folder / source.file
    if not path.is_file():
        raise FileError(str(path), f"is not there: {name} is read from it")
    table = read_table(path)
    values = table.values.astype(np.float64)
    d = values.shape[1] - source.targets
    if d < 1:
        raise FileError(
            str(path), f"has {values.shape[1]} columns: expected more than {source.targets}"
        )
    y = values[:, d:] if source.targets > 1 else values[:, d]
    target = table.columns[d] if source.targets == 1 else f"{source.targets} samples"
    X = np.ascontiguousarray(values[:, :d])
    return StudySet(name, source.title, X, y.copy(), table.columns[:d], target)


def in_folder(folder: Path | None) -> tuple[str, ...]:
    """The sets that can be read: the bundled ones and those of the folder."""
    in_it = (
        () if folder is None else [n for n, s in STUDY_SETS.items() if (folder / s.file).is_file()]
    )
    return tuple(n for n in STUDY_SETS if n in BUNDLED_SETS or n in in_it)


def published_errors(folder: Path | None, sets: Iterable[StudySet]) -> dict[str, dict[str, Floats]]:
    """The published error of every method at every row, where the folder has them.

    By set and by method as the tables call it, (n,), NaN where there is none. For the
    function-valued set they belong to other rows than those here.
    """
    if folder is None or not (folder / PUBLISHED_ERRORS_FILE).is_file():
        return {}
    published: dict[str, dict[str, Floats]] = {}
    with np.load(folder / PUBLISHED_ERRORS_FILE, allow_pickle=False) as stored:
        for one in sets:
            key = STUDY_SETS[one.name].key
            rows = stored[f"{key}__rows_used"] if f"{key}__rows_used" in stored.files else None
            names = [n for n in stored.files if n.startswith(f"{key}__") and "rows_used" not in n]
            published[one.name] = {_table_name(n): _at_rows(stored[n], rows, one) for n in names}
    return published


def _table_name(key: str) -> str:
    return key.split("__")[1].replace("BoxSplines", "BoxSpline")


def _at_rows(errors: Floats, rows: Indices | None, one: StudySet) -> Floats:
    if one.name == "hpc":
        return errors
    expected = one.n if rows is None else len(rows)
    if len(errors) != expected or (rows is not None and rows.max() >= one.n):
        raise DataError(
            f"{PUBLISHED_ERRORS_FILE} has {len(errors)} errors for {one.name}: expected "
            f"{expected}. Is it "
            "the file of the same data?"
        )
    full = np.full(one.n, np.nan)
    full[np.arange(len(errors)) if rows is None else rows] = errors
    return full
