"""Everything that is said and drawn of a network on a table of rows, computed once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .._core.types import Floats, Ints, Progress
from ..errors import DataError
from ._slicing import slice_plane
from .network_rows import NetworkRows, network_rows
from .view_planes import ViewPlane, far_pair, plane_of_rows, principal_plane, whole_plane

if TYPE_CHECKING:
    from .line import Line
    from .network import Network
    from .slices import Slice

VIEW_REGIONS = 300_000  # of the slice
MOST_CLASS_LABELS = 20  # labels of more kinds than this are numbers


@dataclass(frozen=True, eq=False, repr=False)
class NetworkView:
    """A network at rows X (m, d), on a plane and along a line.

    `labels` are the rows' classes or numbers, `names` what the rows are called (numbers from 0
    where None). `has_classes` says whether the outputs are scores of classes. `ends` are the rows
    of the line. `notes` is what a reader must know besides.
    """

    net: Network
    X: Floats
    columns: tuple[str, ...]
    rows: NetworkRows
    labels: NDArray[Any] | None
    names: NDArray[Any] | None
    has_classes: bool
    slice: Slice | None
    plane: ViewPlane | None
    line: Line | None
    ends: tuple[int, int] | None
    notes: tuple[str, ...]

    def name(self, row: int) -> str:
        """What a row is called."""
        return str(row if self.names is None else self.names[row])

    @property
    def known_classes(self) -> Ints | None:
        """The labels as classes of the network, where they are whole numbers that name one."""
        if self.labels is None or not self.has_classes:
            return None
        return labels_as_classes(self.labels, self.net)

    @property
    def n_correct(self) -> int | None:
        """How many rows the network gives their class."""
        known = self.known_classes
        return None if known is None else int((known == self.rows.classes).sum())


def view_network(
    net: Network,
    X: Any,
    *,
    columns: Sequence[str] | None = None,
    labels: Any = None,
    names: Any = None,
    plane: Any = "auto",
    line: Any = "auto",
    max_regions: int = VIEW_REGIONS,
    max_memory: Any = None,
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
    rows = network_rows(net, X, progress)
    has_classes = _has_classes(net, labels)
    notes: list[str] = []
    row_names = list(range(len(X))) if names is None else list(names)
    view_plane = _choose_plane(net, X, plane, columns, row_names, notes)
    section = None
    if view_plane is not None:
        section = slice_plane(
            *(net, view_plane.origin, view_plane.axes, view_plane.half),
            max_regions=max_regions,
            max_memory=max_memory,
            progress=progress,
        )
        if section.partial:
            notes.append(
                f"The slice is partial: more than {max_regions:,} regions come after layer "
                f"{len(section.n_regions_per_layer)} of {len(net.layers)}; the regions are those "
                "of the layers before."
            )
    if has_classes and net.n_outputs == 1:
        notes.append("Of the one output, class 1 is where it is above 0: a score, no probability.")
    ends = _choose_ends(X, line, rows, has_classes, row_names)
    return NetworkView(
        net=net,
        X=X,
        columns=columns,
        rows=rows,
        labels=labels,
        names=names,
        has_classes=has_classes,
        slice=section,
        plane=view_plane,
        line=None if ends is None else net.along(X[ends[0]], X[ends[1]]),
        ends=ends,
        notes=tuple(notes),
    )


def _choose_ends(
    X: Floats, line: Any, rows: NetworkRows, has_classes: bool, row_names: list[Any]
) -> tuple[int, int] | None:
    """The rows that the line joins."""
    if isinstance(line, str):
        pair = far_pair(rows.outputs, rows.classes if has_classes else None)
        return None if pair is None or (X[pair[0]] == X[pair[1]]).all() else pair
    if line is None:
        return None
    a, b = (int(row) for row in line)
    if (X[a] == X[b]).all():
        raise DataError(
            f"rows {row_names[a]} and {row_names[b]} are the same point: there is no line between "
            "them"
        )
    return a, b


def _choose_plane(
    net: Network, X: Floats, plane: Any, columns: Any, row_names: list[Any], notes: list[str]
) -> ViewPlane | None:
    """The plane of the slice; a note where there is none for "auto"."""
    if plane is None:
        return None
    if not isinstance(plane, str):
        i, j, k = (int(row) for row in plane)
        names = str(row_names[i]), str(row_names[j]), str(row_names[k])
        return plane_of_rows(X[i], X[j], X[k], names)
    if plane == "auto" and (net.n_inputs < 2 or len(X) < 3):
        few = "the network has one input" if net.n_inputs < 2 else "there are fewer than three rows"
        notes.append(f"No slice: {few}.")
        return None
    if net.n_inputs < 2:
        raise DataError("the network has one input: there is no plane to slice")
    if plane == "auto" and net.n_inputs == 2:
        return whole_plane(X, (columns[0], columns[1]))
    try:
        return principal_plane(net, X)
    except DataError as error:
        if plane == "pca":
            raise
        notes.append(f"No slice: {error}.")
        return None


def labels_as_classes(labels: NDArray[Any], net: Network) -> Ints | None:
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


def _has_classes(net: Network, labels: NDArray[Any] | None) -> bool:
    """Whether outputs are scores of classes: several, or one with two kinds of labels."""
    if labels is None:
        return net.n_outputs > 1
    kinds = len(np.unique(labels))
    if net.n_outputs == 1:
        return kinds <= 2
    numbers = labels.dtype.kind in "iufb"
    is_class = not numbers or labels_as_classes(labels, net) is not None
    return is_class or kinds <= MOST_CLASS_LABELS
