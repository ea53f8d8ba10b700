"""How rows occupy regions: which are used, shared, mixed, and which layer tells classes apart.

Two rows are in one cell *up to layer l* if they have the same code there; the cells up to the last
layer are the regions. Each layer splits cells of the layer before it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._core.options import check_int
from .._core.results import RecordResult
from .._core.types import Floats, Ints
from ..errors import DataError
from ._arguments import border, check_network
from ._piecewise_layers import Codes
from .network import Network

CODE_HASH = np.dtype([("high", "<u8"), ("low", "<u8")])  # 128 bits of a code


@dataclass(frozen=True, repr=False)
class RowOccupancy(RecordResult):
    """The regions that some rows fall into.

    Attributes
    ----------
    name : str
        Of the rows: train, test, ...
    n_rows, n_regions : int
    n_cells_per_layer : tuple of int
        Distinct codes up to each layer; the last is `n_regions`.
    training_share : float
        The share of the rows in a region that holds a training row (for training rows: another
        one). NaN where there are no rows.
    training_share_per_layer : tuple of float
        The same for the cells up to each layer.

    Examples
    --------
    >>> import hullwise as hw
    >>> net = hw.model.from_arrays([[[1, 0], [0, 1]], [[1, -1]], [[1]]])
    >>> X, y = [[1, 2], [2, 1], [1, 3], [-1, 1]], [0, 1, 0, 1]
    >>> occupancy = hw.model.region_occupancy(net, X, X_test=[[3, 4], [-1, -1]], y=y)
    >>> occupancy.test
    RowOccupancy(test: 2 rows in 2 regions, 50 % with training rows)
    """

    name: str
    n_rows: int
    n_regions: int
    n_cells_per_layer: tuple[int, ...]
    training_share: float
    training_share_per_layer: tuple[float, ...]

    def __repr__(self) -> str:
        return (
            f"RowOccupancy({self.name}: {self.n_rows:,} rows in {self.n_regions:,} regions, "
            f"{100 * self.training_share:.3g} % with training rows)"
        )


@dataclass(frozen=True, eq=False, repr=False)
class ClassSplit(RecordResult):
    """Where the network tells training rows of different classes apart.

    Attributes
    ----------
    n_pairs : int
        Pairs of training rows of different classes.
    split_at : tuple of int
        How many of them first differ in code at each layer.
    never : int
        How many lie in one region.
    mixed_cells, mixed_rows : tuple of int
        Cells up to each layer that hold more than one class, and the rows in them.
    mixed_regions : ndarray
        The regions, as numbered in `RegionOccupancy.train_region`, that hold more than one class.

    Examples
    --------
    >>> import hullwise as hw
    >>> net = hw.model.from_arrays([[[1, 0], [0, 1]], [[1, -1]], [[1]]])
    >>> X, y = [[1, 2], [2, 1], [1, 3], [-1, 1]], [0, 1, 0, 1]
    >>> occupancy = hw.model.region_occupancy(net, X, X_test=[[3, 4], [-1, -1]], y=y)
    >>> occupancy.classes
    ClassSplit(4 pairs of classes, split at layers (2, 2), 0 never; 0 mixed regions)
    """

    n_pairs: int
    split_at: tuple[int, ...]
    never: int
    mixed_cells: tuple[int, ...]
    mixed_rows: tuple[int, ...]
    mixed_regions: Ints

    def __repr__(self) -> str:
        return (
            f"ClassSplit({self.n_pairs:,} pairs of classes, split at layers {self.split_at}, "
            f"{self.never:,} never; {len(self.mixed_regions):,} mixed regions)"
        )


@dataclass(frozen=True, eq=False, repr=False)
class RegionOccupancy(RecordResult):
    """How rows spread over regions; made by `region_occupancy`.

    Attributes
    ----------
    train : RowOccupancy
    test : RowOccupancy or None
    off : tuple of RowOccupancy
        Rows off the data: those given, or uniform in the box and with shuffled columns.
    layers : tuple of str
    train_region : ndarray (n,)
        The region of each training row, numbered from the fullest.
    rows_per_region : ndarray (n_regions,)
        Training rows in each, the fullest first.
    classes : ClassSplit or None
        None without `y`.

    Examples
    --------
    >>> import hullwise as hw
    >>> net = hw.model.from_arrays([[[1, 0], [0, 1]], [[1, -1]], [[1]]])
    >>> X, y = [[1, 2], [2, 1], [1, 3], [-1, 1]], [0, 1, 0, 1]
    >>> occupancy = hw.model.region_occupancy(net, X, X_test=[[3, 4], [-1, -1]], y=y)
    >>> occupancy.rows_per_region
    array([2, 1, 1])
    """

    train: RowOccupancy
    test: RowOccupancy | None
    off: tuple[RowOccupancy, ...]
    layers: tuple[str, ...]
    train_region: Ints
    rows_per_region: Ints
    classes: ClassSplit | None

    def plot(self, ax: Any = None) -> Any:
        """Draw how many training rows each region holds; returns matplotlib axes."""
        from ..report.result_pictures import draw_occupancy

        return draw_occupancy(self, ax)

    def __repr__(self) -> str:
        others = [one for one in (self.test, *self.off) if one is not None]
        shares = "".join(f", {100 * o.training_share:.3g} % of {o.name} rows there" for o in others)
        mixed = "" if self.classes is None else f", {len(self.classes.mixed_regions):,} mixed"
        return (
            f"RegionOccupancy({self.train.n_rows:,} training rows in {self.train.n_regions:,} "
            f"regions{mixed}{shares})"
        )


@border("finding the regions of rows")
def region_occupancy(
    net: Network,
    X_train: Any,
    X_test: Any = None,
    X_off: Any = None,
    y: Any = None,
    *,
    random_state: int = 0,
) -> RegionOccupancy:
    """Which regions training rows, test rows and rows off the data fall into.

    Parameters
    ----------
    net : Network
    X_train : array-like (n, d)
    X_test : array-like, optional
        Rows held out.
    X_off : array-like, optional
        Rows off the data. None: as many as X_train uniform in its box ("uniform"), and X_train
        with each column shuffled by itself ("shuffled").
    y : array-like (n,), optional
        Classes of the training rows.
    random_state : int, default=0
        Of the rows made up.

    Returns
    -------
    RegionOccupancy

    Raises
    ------
    DataError
        If rows do not fit, there are none to train on, or y has another length.

    Notes
    -----
    Only regions that hold one of the rows are counted, so a count says as much of the number of
    rows as of the network; compare counts of equally many rows. Pairs of classes are counted
    exactly, from the cells and not pair by pair. Codes are compared by 128 bits of their hash:
    two different ones are taken for one with a chance below m^2 / 10^38.

    Cost: a forward pass for each row and a hash of its code; O(m log m) for each layer.

    Source: reading rows of equal code as one cluster, layer by layer, is Balestriero & Baraniuk
    (2018), A Spline Theory of Deep Learning; the counts are ours.

    Examples
    --------
    >>> import hullwise as hw
    >>> from hullwise.model import region_occupancy
    >>> net = hw.model.from_arrays([[[1, 0], [0, 1]], [[1, -1]], [[1]]])
    >>> X = [[1, 2], [2, 1], [1, 3], [-1, 1]]
    >>> occupancy = region_occupancy(net, X, X_test=[[3, 4], [-1, -1]], y=[0, 1, 0, 1])
    >>> occupancy.train.n_regions, occupancy.test.training_share
    (3, 0.5)
    >>> occupancy.classes.split_at
    (2, 2)
    """
    X = check_network(net, "region_occupancy").rows(X_train, "X_train")
    random_state = check_int("random_state", random_state, 0)
    if not len(X):
        raise DataError("X_train has no rows")
    labels = None if y is None else _labels(y, len(X))
    sets = {"train": X}
    if X_test is not None:
        sets["test"] = net.rows(X_test, "X_test")
    off = _off_data_rows(X, random_state) if X_off is None else {"off": net.rows(X_off, "X_off")}
    sets |= off
    keys = np.concatenate([_keys(net, rows) for rows in sets.values()])
    cells = [np.unique(column, return_inverse=True)[1] for column in keys.T]
    ends = np.cumsum([len(rows) for rows in sets.values()])[:-1]
    by_set = dict(zip(sets, zip(*(np.split(c, ends) for c in cells), strict=True), strict=True))
    train = by_set["train"]
    occupancies = {name: _occupancy(name, own, train) for name, own in by_set.items()}
    _, region, counts = np.unique(train[-1], return_inverse=True, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    region = np.argsort(order)[region]
    return RegionOccupancy(
        train=occupancies["train"],
        test=occupancies.get("test"),
        off=tuple(occupancies[name] for name in off),
        layers=tuple(layer.name for layer in net.layers),
        train_region=region,
        rows_per_region=counts[order],
        classes=None if labels is None else _class_split(train, region, labels),
    )


def _labels(y: Any, n: int) -> Ints:
    try:
        labels = np.asarray(y)
    except ValueError:
        raise DataError("y is no list of classes: its entries have unlike lengths") from None
    if labels.shape != (n,):
        raise DataError(f"y has shape {labels.shape} for {n:,} training rows; give one class each")
    try:
        return np.asarray(np.unique(labels, return_inverse=True)[1])
    except TypeError:
        raise DataError("y holds classes of unlike types, which cannot be sorted") from None


def _off_data_rows(X: Floats, random_state: int) -> dict[str, Floats]:
    rng = np.random.default_rng(random_state)
    uniform = rng.uniform(X.min(axis=0), X.max(axis=0), size=X.shape)
    return {"uniform": uniform, "shuffled": rng.permuted(X, axis=0)}


def _keys(net: Network, X: Floats) -> Any:
    """Hashes (m, max(1, n_layers)) of the codes of rows up to each layer."""
    L = max(1, len(net.layers))
    out = np.zeros((len(X), L), dtype=CODE_HASH)
    for rows in net.blocks(len(X)):
        parts = [np.ascontiguousarray(part) for part in net.split(net.codes(X[rows]))]
        digests = b"".join(_chained(parts)) if parts else b""
        if digests:
            out[rows] = np.frombuffer(digests, dtype=CODE_HASH).reshape(-1, L)
    return out


def _chained(parts: list[Codes]) -> Iterator[bytes]:
    """For each row and layer the hash of the row's code up to there."""
    for codes in zip(*parts, strict=True):
        digest = blake2b(digest_size=CODE_HASH.itemsize)
        for code in codes:
            digest.update(code.tobytes())
            yield digest.digest()


def _occupancy(name: str, own: tuple[Ints, ...], train: tuple[Ints, ...]) -> RowOccupancy:
    """Of rows in cells `own`, one array for each layer."""
    cells, shares = [], []
    for here, there in zip(own, train, strict=True):
        holds = np.bincount(there, minlength=int(max(here.max(initial=0), there.max())) + 1)
        at_least = 2 if own is train else 1
        cells.append(len(np.unique(here)))
        shares.append(float((holds[here] >= at_least).mean()) if len(here) else float("nan"))
    return RowOccupancy(name, len(own[0]), cells[-1], tuple(cells), shares[-1], tuple(shares))


def _class_split(train: tuple[Ints, ...], region: Ints, labels: Ints) -> ClassSplit:
    n, classes = len(labels), int(labels.max()) + 1
    together = [_unlike_pairs(np.zeros(n, dtype=np.int64), labels, classes)]
    mixed_cells, mixed_rows = [], []
    for cell in train:
        together.append(_unlike_pairs(cell, labels, classes))
        mixed = _mixed(cell, labels, classes)
        mixed_cells.append(int(mixed.sum()))
        mixed_rows.append(int(mixed[cell].sum()))
    return ClassSplit(
        n_pairs=together[0],
        split_at=tuple(a - b for a, b in itertools.pairwise(together)),
        never=together[-1],
        mixed_cells=tuple(mixed_cells),
        mixed_rows=tuple(mixed_rows),
        mixed_regions=np.flatnonzero(_mixed(region, labels, classes)),
    )


def _unlike_pairs(cell: Ints, labels: Ints, classes: int) -> int:
    """Pairs of rows in one cell and of different classes."""

    def pairs(groups: Ints) -> int:
        counts = np.unique(groups, return_counts=True)[1]
        return int((counts * (counts - 1) // 2).sum())

    return pairs(cell) - pairs(cell * classes + labels)


def _mixed(cell: Ints, labels: Ints, classes: int) -> NDArray[np.bool_]:
    """Whether each cell holds more than one class."""
    groups = np.unique(cell * classes + labels) // classes
    return np.bincount(groups, minlength=int(cell.max()) + 1) > 1
