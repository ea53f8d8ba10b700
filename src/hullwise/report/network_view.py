"""Everything that is said and drawn of a network on a table of rows, computed once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .._core.types import Floats, Ints, Progress
from ..errors import DataError
from ..model.slices import slice_plane
from ._network_rows import NetworkRows, rows_of
from ._views import Plane, far_pair, plane_of_rows, principal_plane, whole_plane

if TYPE_CHECKING:
    from ..model.line import Line
    from ..model.network import Network
    from ..model.slices import Slice

VIEW_REGIONS = 300_000  # of the slice
MANY = 20  # labels of more kinds than this are numbers


@dataclass(frozen=True, eq=False, repr=False)
class NetworkView:
    """A network at rows X (m, d), on a plane and along a line.

    `labels` are the rows' classes or numbers, `names` what the rows are called (numbers from 0
    where None). `classes` says whether the outputs are scores of classes. `ends` are the rows of
    the line. `notes` is what a reader must know besides.
    """

    net: Network
    X: Floats
    columns: tuple[str, ...]
    rows: NetworkRows
    labels: NDArray[Any] | None
    names: NDArray[Any] | None
    classes: bool
    slice: Slice | None
    plane: Plane | None
    line: Line | None
    ends: tuple[int, int] | None
    notes: tuple[str, ...]

    def name(self, row: int) -> str:
        return str(row if self.names is None else self.names[row])

    @property
    def known(self) -> Ints | None:
        """The labels as classes of the network, where they are whole numbers that name one."""
        if self.labels is None or not self.classes:
            return None
        return as_classes(self.labels, self.net)

    @property
    def right(self) -> int | None:
        """How many rows the network gives their class."""
        known = self.known
        return None if known is None else int((known == self.rows.classes).sum())


def look(
    net: Network,
    X: Any,
    *,
    columns: Sequence[str] | None = None,
    labels: Any = None,
    names: Any = None,
    plane: Any = "auto",
    line: Any = "auto",
    max_regions: int = VIEW_REGIONS,
    progress: Progress | None = None,
) -> NetworkView:
    """Compute everything of a `NetworkView`.

    `plane` is "auto" (all of the input where it has two numbers, else "pca"), "pca", three rows'
    numbers, or None; `line` is "auto", two rows' numbers, or None.
    """
    X = net.rows(X)
    labels = None if labels is None else np.asarray(labels)
    if labels is not None and len(labels) != len(X):
        raise DataError(f"labels are {len(labels)}, rows {len(X)}: one for each is needed")
    columns = tuple(columns or (f"x{j}" for j in range(net.n_inputs)))
    rows = rows_of(net, X, progress)
    classes = _holds_classes(net, labels)
    notes: list[str] = []
    called = list(range(len(X))) if names is None else list(names)
    where = _plane(net, X, plane, columns, called, notes)
    s = None
    if where is not None:
        s = slice_plane(
            net, where.origin, where.axes, where.half, max_regions=max_regions, progress=progress
        )
        if s.partial:
            notes.append(
                f"The slice is partial: more than {max_regions:,} regions come after layer "
                f"{len(s.n_regions_per_layer)} of {len(net.layers)}; the regions are those of the "
                "layers before."
            )
    if classes and net.n_outputs == 1:
        notes.append("Of the one output, class 1 is where it is above 0: a score, no probability.")
    ends, walk = _walk(net, X, line, rows, classes, called)
    return NetworkView(
        *(net, X, columns, rows, labels, names, classes, s, where, walk, ends, tuple(notes))
    )


def _walk(
    net: Network, X: Floats, asked: Any, rows: NetworkRows, classes: bool, called: list[Any]
) -> tuple[tuple[int, int] | None, Line | None]:
    if isinstance(asked, str):
        asked = far_pair(rows.outputs, rows.classes if classes else None)
        if asked is not None and (X[asked[0]] == X[asked[1]]).all():
            asked = None
    if asked is None:
        return None, None
    a, b = (int(v) for v in asked)
    if (X[a] == X[b]).all():
        raise DataError(
            f"rows {called[a]} and {called[b]} are the same point: there is no line between them"
        )
    return (a, b), net.along(X[a], X[b])


def _plane(
    net: Network, X: Floats, asked: Any, columns: Any, called: list[Any], notes: list[str]
) -> Plane | None:
    if asked is None:
        return None
    if not isinstance(asked, str):
        i, j, k = (int(v) for v in asked)
        return plane_of_rows(X[i], X[j], X[k], (str(called[i]), str(called[j]), str(called[k])))
    if asked == "auto" and (net.n_inputs < 2 or len(X) < 3):
        few = "the network has one input" if net.n_inputs < 2 else "there are fewer than three rows"
        notes.append(f"No slice: {few}.")
        return None
    if net.n_inputs < 2:
        raise DataError("the network has one input: there is no plane to slice")
    if asked == "auto" and net.n_inputs == 2:
        return whole_plane(X, (columns[0], columns[1]))
    try:
        return principal_plane(net, X)
    except DataError as error:
        if asked == "pca":
            raise
        notes.append(f"No slice: {error}.")
        return None


def as_classes(labels: NDArray[Any], net: Network) -> Ints | None:
    """Labels as the network's classes, None where they are not all whole numbers that name one."""
    try:
        numbers = labels.astype(np.float64)
    except (TypeError, ValueError):
        return None
    whole = np.isfinite(numbers).all() and (numbers == np.round(numbers)).all()
    most = max(2, net.n_outputs)
    if not whole or not len(numbers) or numbers.min() < 0 or numbers.max() >= most:
        return None
    return np.asarray(numbers, dtype=np.int64)


def _holds_classes(net: Network, labels: NDArray[Any] | None) -> bool:
    """Whether outputs are scores of classes: several, or one with two kinds of labels."""
    if labels is None:
        return net.n_outputs > 1
    kinds = len(np.unique(labels))
    numbers = labels.dtype.kind in "iufb"
    if net.n_outputs == 1:
        return kinds <= 2
    return not numbers or as_classes(labels, net) is not None or kinds <= MANY
