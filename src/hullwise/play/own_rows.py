"""The rows of an own table on a plane, with sentences about what was left out.

Coordinates are standardised for training; `units` of the choice says in which the page names them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .._core.types import Array, Floats, Indices, Mask
from ..errors import DataError
from ..geometry.cloud import Cloud
from ..geometry.principal_plane import principal_plane
from ..io.coercion import format_names
from ..io.mixed_column import MixedColumn
from ..io.mixed_table import MixedTable
from .column_units import ColumnUnits
from .data_sets import DataSet
from .own_table import MAX_OWN_CLASSES, MAX_OWN_ROWS, TABLE_NAME, OwnTable, TableChoice, labels_of

__all__ = ["own_data_set"]

OWN_SAMPLE_SEED = 0
PROJECTED_ROWS_NOTE = (
    "Rows and the outline of their hull are drawn as shadows on it; the probe reads all columns."
)


def own_data_set(own: OwnTable, choice: TableChoice) -> DataSet:
    """The rows of a choice; its notes say what was left out or is not as it looks.

    Raises
    ------
    DataError
        Where too few complete rows are left, or a column of the plane never changes.
    """
    if choice.inputs == "plane" and not isinstance(choice.plane, str):
        choice = replace(choice, features=choice.plane)  # gaps elsewhere cost no row
    table, notes = own.table, list[str]()
    values = _numbers(table, choice.features)
    target = None if choice.target is None else table.column(choice.target)
    complete: Mask = np.asarray(~np.isnan(values).any(axis=1))
    if target is not None:
        complete &= ~target.empty
    _note_gaps(table, complete, choice, notes)
    rows, others = _sampled(np.flatnonzero(complete), notes)
    encode = _target_encoder(target, choice, rows, notes)
    features, values = _varying(choice, values, rows, notes)
    centre, scale = values[rows].mean(axis=0), values[rows].std(axis=0)
    Z = (values - centre) / scale
    plane = _plane_axes(choice, features, Z[rows])
    units = ColumnUnits(features, centre, scale, choice.units == "own")
    in_plane = _in_plane(choice, plane, units)
    X, new_X = (_float32(in_plane.project(Z[part])) for part in (rows, others))
    return DataSet(
        X, encode.targets[rows], new_X, encode.targets[others], encode.n_classes,
        origin=np.zeros(in_plane.axes.shape[1]), axes=in_plane.axes,
        names=plane.names, labels=encode.labels, units=in_plane.units,
        notes=(*notes, *in_plane.notes),
    )  # fmt: skip


def _numbers(table: MixedTable, names: tuple[str, ...]) -> Floats:
    return np.column_stack([table.column(name).numbers() for name in names])


def _note_gaps(table: MixedTable, complete: Mask, choice: TableChoice, notes: list[str]) -> None:
    n_complete = int(complete.sum())
    missing = table.n - n_complete
    used = [*choice.features, *([choice.target] if choice.target else [])]
    gappy = [name for name in used if table.column(name).empty.any()]
    if n_complete < 2:
        raise DataError(
            f"{n_complete} of {table.n:,} rows have a value in every column that is "
            f"used; gaps are in {format_names(gappy)}: choose columns without gaps"
            if gappy
            else f"{TABLE_NAME} has {table.n} row: a picture takes two or more"
        )
    if missing:
        notes.append(
            f"{missing:,} of {table.n:,} rows lack a value in {format_names(gappy, 3)} and are "
            "left out; nothing is filled in."
        )
    if choice.target is None:
        notes.append("No column is predicted: all rows are one class.")


def _sampled(complete: Indices, notes: list[str]) -> tuple[Indices, Indices]:
    """At most `MAX_OWN_ROWS` rows to train on, and as many of the others as new rows."""
    if len(complete) <= MAX_OWN_ROWS:
        return complete, complete[:0]
    order = np.random.default_rng(OWN_SAMPLE_SEED).permutation(complete)
    others = order[MAX_OWN_ROWS : 2 * MAX_OWN_ROWS]
    left_out = len(complete) - MAX_OWN_ROWS - len(others)
    rest = f", {left_out:,} are not used" if left_out else ""
    notes.append(
        f"{len(complete):,} rows are more than the {MAX_OWN_ROWS:,} that a page takes: a sample "
        f"(seed {OWN_SAMPLE_SEED}) is trained on, {len(others):,} others are new rows{rest}."
    )
    return np.sort(order[:MAX_OWN_ROWS]), np.sort(others)


@dataclass(frozen=True, eq=False)
class _Target:
    targets: Array
    n_classes: int
    labels: tuple[str, ...]


def _target_encoder(
    column: MixedColumn | None, choice: TableChoice, rows: Indices, notes: list[str]
) -> _Target:
    """Targets of all rows: values, or classes by how many rows they have."""
    if column is None:
        return _Target(np.zeros(int(rows.max()) + 1, dtype=np.int64), 2, ("row", "none"))
    if choice.task == "regression":
        return _Target(_standardised(column.numbers(), choice, rows, notes), 0, ())
    words = np.array(labels_of(column), dtype=object)
    names, counts = np.unique(words[rows].astype(str), return_counts=True)
    names = names[np.argsort(-counts, kind="stable")]
    if len(names) > MAX_OWN_CLASSES:
        others = len(names) - MAX_OWN_CLASSES + 1
        notes.append(
            f"{choice.target!r} has {len(names):,} classes; the picture tells {MAX_OWN_CLASSES} "
            f"apart, so the {others:,} with the fewest rows are one, 'others'."
        )
        names = np.array([*names[: MAX_OWN_CLASSES - 1], "others"])
    names = np.sort(names) if "others" not in names else names
    place = {name: i for i, name in enumerate(names.tolist())}
    targets = np.array([place.get(str(word), len(names) - 1) for word in words], dtype=np.int64)
    labels = tuple(map(str, names))
    if len(labels) == 1:
        notes.append(f"All rows have one class, {labels[0]!r}.")
        labels = (*labels, "none")
    return _Target(targets, len(labels), labels)


def _standardised(values: Floats, choice: TableChoice, rows: Indices, notes: list[str]) -> Floats:
    """Values in standard deviations from their mean over the rows."""
    mean, spread = float(values[rows].mean()), float(values[rows].std())
    if not spread > 0:
        raise DataError(f"column {choice.target!r} is {mean:.6g} in all rows: nothing to predict")
    notes.append(
        f"{choice.target!r} is predicted in standard deviations: 0 is {mean:.4g}, one is "
        f"{spread:.4g}."
    )
    return (values - mean) / spread


def _varying(
    choice: TableChoice, values: Floats, rows: Indices, notes: list[str]
) -> tuple[tuple[str, ...], Floats]:
    """The features that are not the same in all rows."""
    varies = values[rows].std(axis=0) > 0
    constant = [name for name, own in zip(choice.features, varies, strict=True) if not own]
    axes = () if isinstance(choice.plane, str) else choice.plane
    for name in constant:
        if name in axes:
            raise DataError(f"column {name!r} is the same in all rows: it spans no plane")
    if constant:
        notes.append(f"The same in all rows, and left out: {format_names(constant)}.")
    if varies.sum() < 2:
        raise DataError("fewer than two columns differ between rows: they span no plane")
    return tuple(np.array(choice.features)[varies].tolist()), values[:, varies]


@dataclass(frozen=True, eq=False)
class _Plane:
    axes: Floats  # (2, d), orthonormal
    names: tuple[str, str]
    share: Floats  # (2,) of the variance


def _plane_axes(choice: TableChoice, features: tuple[str, ...], Z: Floats) -> _Plane:
    if isinstance(choice.plane, str):
        principal = principal_plane(Cloud(Z))
        if not principal.axes[1].any():
            raise DataError("the columns are one and the same up to their units: there is no plane")
        names = tuple(
            f"{word} principal direction ({share:.0%})"
            for word, share in zip(("first", "second"), principal.share, strict=True)
        )
        return _Plane(principal.axes, (names[0], names[1]), principal.share)
    places = [features.index(name) for name in choice.plane]
    share = np.full(2, 1 / len(features))
    return _Plane(np.eye(len(features))[places], choice.plane, share)


@dataclass(frozen=True, eq=False)
class _InPlane:
    """How standardised features (m, d) become what the network takes, and what is said of it."""

    project: Any
    axes: Floats
    units: ColumnUnits
    notes: list[str]


def _in_plane(choice: TableChoice, plane: _Plane, units: ColumnUnits) -> _InPlane:
    d = len(units.names)
    if choice.inputs == "all" and d > 2:
        others = d - 2 if plane.names[0] in units.names else 0
        note = (
            f"The network takes all {d} columns; the picture is the plane through their means, "
            f"on which the other {others} stay at the mean."
            if others
            else f"The network takes all {d} columns; the picture is the plane through their means "
            "along the two directions in which they spread most."
        )
        return _InPlane(lambda Z: Z, plane.axes, units, [note, PROJECTED_ROWS_NOTE])
    if plane.names[0] in units.names:
        places = [units.names.index(name) for name in plane.names]
        own = ColumnUnits(plane.names, units.centre[places], units.scale[places], units.is_own)
        return _InPlane(lambda Z: Z[:, places], np.eye(2), own, [])
    own = ColumnUnits(plane.names, np.zeros(2), np.ones(2), False)
    note = "The network takes the two principal directions, of columns in standard deviations."
    return _InPlane(lambda Z: Z @ plane.axes.T, np.eye(2), own, [note])


def _float32(X: Floats) -> Floats:
    """Numbers of float32, in which the network is trained."""
    return np.asarray(X.astype(np.float32).astype(np.float64))
