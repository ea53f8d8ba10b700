"""Rows with a model's errors, and their distances by every notion on offer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .._core.foreign import own_errors
from .._core.types import Floats, Indices, Mask, Objects
from ..domain.domain import Domain
from ..domain.domain_location import DomainLocation
from ..domain.pattern_location import PatternLocation
from ..errors import DataError
from ..geometry.bands import BAND_NAMES
from ..geometry.comparison import ellipsoid_distances
from ..geometry.optional_parts import OptionalParts
from ..geometry.verdict import Verdict
from ..io.mixed_column import ColumnKind, MixedColumn
from ..io.mixed_table import MixedTable
from ..model.network import Network
from .binned_means import group_codes

DISTANCE_NOTIONS = ("hull", "neighbours", "ellipsoid")
Values = str | Sequence[Any] | Any  # a column's name, or the values themselves


@dataclass(frozen=True, eq=False)
class ScoredRows:
    """Rows that the model has not seen: errors, distances, bands.

    Attributes
    ----------
    error : (m,) float64
        |truth - prediction|; 1 for a wrong class and 0 for a right one; for several outputs the
        root mean square over outputs, each divided by the standard deviation of its truth.
    is_classes : bool
    band : (m,) object
    distances : dict of str to (m,) float64
        By notion; infinite for a row with a level never seen, which ranks above all.
    peers : dict of str to (m,) float64
        Other measures of doubt, such as an ensemble's spread.
    group : (m,) int or None
        Rows that were drawn together.
    notes : tuple of str
    location : DomainLocation or None
        Where the rows stand; None for rows of several folds.
    """

    error: Floats
    is_classes: bool
    band: Objects
    distances: dict[str, Floats]
    peers: dict[str, Floats]
    group: Indices | None
    notes: tuple[str, ...] = ()
    location: DomainLocation | None = None

    def __len__(self) -> int:
        return len(self.error)

    @property
    def groups_or_rows(self) -> Indices:
        """(m,) the group of each row; its own number where rows are independent."""
        return np.arange(len(self)) if self.group is None else self.group

    def take(self, rows: Mask) -> ScoredRows:
        """Some of the rows."""
        return replace(
            self,
            error=self.error[rows],
            band=self.band[rows],
            distances={name: values[rows] for name, values in self.distances.items()},
            peers={name: values[rows] for name, values in self.peers.items()},
            group=None if self.group is None else group_codes(self.group[rows], int(rows.sum())),
            location=None if self.location is None else self.location[rows],
        )

    @classmethod
    def concatenated(cls, parts: Sequence[ScoredRows], group: Indices | None) -> ScoredRows:
        """Rows of several folds, one after another; what one fold lacks is left out."""
        shared = [name for name in parts[0].distances if all(name in p.distances for p in parts)]
        peers = [name for name in parts[0].peers if all(name in p.peers for p in parts)]
        return cls(
            np.concatenate([part.error for part in parts]),
            parts[0].is_classes,
            np.concatenate([part.band for part in parts]),
            {name: np.concatenate([part.distances[name] for part in parts]) for name in shared},
            {name: np.concatenate([part.peers[name] for part in parts]) for name in peers},
            group,
            tuple(dict.fromkeys(note for part in parts for note in part.notes)),
        )


def score_rows(
    domain: Domain,
    table: Any,
    truth: Values,
    prediction: Values,
    *,
    groups: Values | None = None,
    classes: bool | None = None,
    task: Domain | None = None,
    peers: Mapping[str, Any] | None = None,
) -> ScoredRows:
    """Locate the rows of a table and take the errors of a model's predictions for them.

    Parameters
    ----------
    domain : Domain
        Fitted on the model's training rows.
    table : path, data frame, array or list of dictionaries
        Rows that the model has not seen.
    truth, prediction : str, sequence of str, array (m,) or (m, k)
        Columns of the table, or values. A prediction may also be a fitted model with `predict`, or
        a `hullwise.model.Network` of the domain's columns.
    groups : str or array (m,), optional
        Rows that were drawn together; the domain's groups unless given.
    classes : bool, optional
        Whether truth and prediction are class labels; text is, numbers are not unless told.
    task : Domain, optional
        The same training rows in a metric of the task: its distances are notions too.
    peers : dict of str to array (m,), optional
        Other measures of doubt.

    Raises
    ------
    DataError
        Lengths differ, a cell is empty, or labels meet numbers.
    """
    mixed = domain.read_table(table)
    location = domain.locate(mixed)
    if isinstance(prediction, Network):
        prediction = _network_predictions(prediction, mixed, domain, truth)
    elif hasattr(prediction, "predict"):
        prediction = predictions_of(prediction, mixed, domain)
    error, is_classes = _errors(mixed, truth, prediction, classes)
    names = domain.fitted_.column_with("group") if groups is None else groups
    group = None if names is None else _labels(mixed, names, "groups")
    distances = distances_of(location)
    if task is not None:
        in_task = distances_of(task.locate(mixed))
        distances |= {f"{name} in the task's metric": d for name, d in in_task.items()}
    scored = ScoredRows(
        error,
        is_classes,
        location.band,
        distances,
        {name: _as_numbers(name, values, len(mixed)) for name, values in (peers or {}).items()},
        None if group is None else group_codes(group, len(mixed)),
        location.notes,
        location,
    )
    known = location.band != "unknown"
    if known.all():
        return scored
    note = f"{int((~known).sum()):,} of {len(known):,} rows have no band and are left out"
    return replace(scored.take(known), notes=(*scored.notes, note))


def distances_of(location: DomainLocation) -> dict[str, Floats]:
    """The distances of m rows by each notion that was computed; 0 inside, infinite by name."""
    distances: dict[str, Floats] = {}
    unseen = location.unseen.any(axis=1)
    for notion in DISTANCE_NOTIONS:
        distance = np.full(len(location), np.inf)
        for part in location.parts:
            here = part.location
            if notion == "hull":
                distance[part.rows] = np.where(here.verdict == Verdict.INSIDE, 0.0, here.upper)
            elif notion == "neighbours":
                distance[part.rows] = here.neighbour_distance
            else:
                distance[part.rows] = _ellipsoid_distances(part)
        distance[unseen] = np.inf
        if not np.isnan(distance).any():
            distances[notion] = distance
    return distances


def _network_predictions(
    network: Network, table: MixedTable, domain: Domain, truth: Values
) -> Floats:
    """Outputs of a network; the number of the largest where there is one truth for several."""
    sources = domain.fitted_.coordinates.sources
    inputs = np.column_stack([table.column(name).numbers() for name in sources])
    outputs = network.model_outputs(inputs)
    n_truths = len(truth) if isinstance(truth, list | tuple) else np.ndim(truth) or 1
    if outputs.shape[1] > 1 and n_truths == 1:
        return np.asarray(outputs.argmax(axis=1), dtype=np.float64)
    return outputs


def _ellipsoid_distances(part: PatternLocation) -> Floats:
    """Distances in the smallest ellipsoid of a part's training rows; NaN where it is not had."""
    cloud, queries = part.pattern.cloud, part.location.queries
    return OptionalParts().compute(
        "the smallest ellipsoid was",
        lambda: ellipsoid_distances(cloud, queries),
        np.full(len(queries), np.nan),
    )


@own_errors("predicting with the model")
def predictions_of(model: Any, table: MixedTable, domain: Domain) -> Any:
    """What a fitted model predicts for the rows of a table."""
    return model.predict(model_input(model, table, domain))


def model_input(model: Any, table: MixedTable, domain: Domain) -> Any:
    """The columns that a model takes, as it takes them: a frame of its names, or an array.

    A model that was fitted without names gets the domain's columns as an array of numbers.
    """
    names = getattr(model, "feature_names_in_", None)
    if names is not None:
        lacking = [name for name in names if name not in table.names]
        if lacking:
            raise DataError(
                f"{table.source} lacks the column {lacking[0]!r}, which the model was fitted with."
            )
    sources = list(domain.fitted_.coordinates.sources) if names is None else list(names)
    if names is None:
        return np.column_stack([table.column(name).numbers() for name in sources])
    if table.native is not None and hasattr(table.native, "columns"):
        return table.native[sources]
    return table.arrow.select(sources).to_pandas()


def _errors(
    table: MixedTable, truth: Values, prediction: Values, classes: bool | None
) -> tuple[Floats, bool]:
    targets = _columns(table, truth, "truth")
    answers = _columns(table, prediction, "prediction")
    if len(targets) != len(answers):
        raise DataError(
            f"{len(targets)} columns of truth and {len(answers)} of predictions: expected as many."
        )
    text = any(column.kind in (ColumnKind.TEXT, ColumnKind.BOOLEAN) for column in targets)
    is_classes = text if classes is None else classes
    numbers = [column.kind is ColumnKind.NUMBER for column in (*targets, *answers)]
    if is_classes and classes is None and len(set(numbers)) > 1:
        raise DataError(
            "truth and prediction are labels in one and numbers in the other: expected both of one "
            "kind, or classes=True where numbers are labels."
        )
    if is_classes:
        wrong = [_labels_differ(*pair) for pair in zip(targets, answers)]
        return np.mean(wrong, axis=0), True
    errors = []
    for target, answer in zip(targets, answers):
        y, p = (_complete(column) for column in (target, answer))
        unit = float(y.std()) or 1.0 if len(targets) > 1 else 1.0
        errors.append(np.abs(y - p) / unit)
    return np.sqrt(np.mean(np.square(errors), axis=0)) if len(errors) > 1 else errors[0], False


def _columns(table: MixedTable, values: Values, what: str) -> list[MixedColumn]:
    """Columns of the table by name, or given values as columns."""
    if isinstance(values, str):
        return [_named(table, values, what)]
    if isinstance(values, Sequence) and values and all(isinstance(v, str) for v in values):
        names = [str(name) for name in values]
        if len(names) != len(table) or all(name in table.names for name in names):
            return [_named(table, name, what) for name in names]
    import pyarrow as pa

    array = np.asarray(values)
    if array.ndim not in (1, 2) or len(array) != len(table):
        raise DataError(
            f"{what} has shape {array.shape}, and the table {len(table):,} rows: expected as many."
        )
    blocks = array[:, None] if array.ndim == 1 else array
    return [
        MixedColumn(what, pa.chunked_array([pa.array(blocks[:, j].tolist())]), ".", table.place)
        for j in range(blocks.shape[1])
    ]


def _named(table: MixedTable, name: str, what: str) -> MixedColumn:
    if name not in table.names:
        raise DataError(
            f"{table.source} lacks the column {name!r} of {what}; it has "
            f"{', '.join(map(repr, table.names))}."
        )
    return table.column(name)


def _labels(table: MixedTable, values: Values, what: str) -> Objects:
    (column,) = _columns(table, values, what)
    labels = column.labels(column.kind)
    if labels.null_count:
        raise DataError(f"{what}: {labels.null_count} of {len(table)} rows have none.")
    return np.array(labels.to_pylist(), dtype=object)


def _labels_differ(truth: MixedColumn, prediction: MixedColumn) -> Floats:
    for column in (truth, prediction):
        if column.empty.any():
            raise DataError(
                f"{column.place(int(np.argmax(column.empty)))}, column {column.name!r} is empty: "
                "expected a class in every row."
            )
    y, p = (column.labels(truth.kind).to_pylist() for column in (truth, prediction))
    return np.array([a != b for a, b in zip(y, p)], dtype=np.float64)


def _complete(column: MixedColumn) -> Floats:
    values = column.numbers()
    gaps = np.isnan(values)
    if gaps.any():
        raise DataError(
            f"{column.place(int(np.argmax(gaps)))}, column {column.name!r} is empty: expected a "
            "number in every row."
        )
    return values


def _as_numbers(name: str, values: Any, m: int) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    if array.shape != (m,) or np.isnan(array).any():
        raise DataError(
            f"peers[{name!r}] has shape {array.shape}: expected a number for each of {m:,} rows."
        )
    return array


def bands_of(scored: ScoredRows) -> Indices:
    """(m,) number of each row's band among core, edge, beyond and far."""
    return np.array([BAND_NAMES.index(band) for band in scored.band], dtype=np.intp)
