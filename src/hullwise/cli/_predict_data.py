"""The two tables of `hullwise predict`: training rows with their targets, and new rows."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .._core.types import Array
from .._core.wording import counted
from ..domain.complete_rows import CompleteRows, complete_rows, complete_training_rows
from ..domain.domain import Domain
from ..errors import DataError, DataWarning, FileError, Hint
from ..geometry.cloud import Cloud
from ..io.mixed_column import ColumnKind
from ..io.mixed_table import MixedTable, mixed_table
from ..io.rows import ArrayRows
from ..io.table_reader import OpenTable, read_ids, read_rows
from ._command_options import PredictOptions
from ._tables import ColumnPairing, QueryRows, cloud_of, read_queries, repeated_ids
from ._target import holds_numbers, read_labels


@dataclass(frozen=True, eq=False)
class PredictData:
    """What was read: training rows, their targets, the queries, and what became of them."""

    cloud: Cloud
    columns: tuple[str, ...]  # the features
    metric: Any  # of the cloud's coordinates
    metric_text: str | None  # where the metric does not say it itself
    y: Array
    queries: QueryRows
    known: Mapping[str, Array]  # (g,) values of targets that the file of queries has
    groups: Array | None  # (n,) labels of the training rows' groups
    files: tuple[str, str]
    notes: tuple[str, ...]


def read_predict_data(
    train: OpenTable,
    query: OpenTable,
    pairing: ColumnPairing,
    metric: Any,
    options: PredictOptions,
) -> PredictData:
    """Read both tables: as numbers where the features are, else as a domain reads columns."""
    y = _read_target(train, options)
    columns, metric_text, notes = pairing.features, None, pairing.notes
    try:
        rows = read_rows(train, columns=pairing.features, id_column=pairing.train_id)
        cloud = cloud_of(rows, pairing.features)
    except FileError:
        table = mixed_table(train)
        if pairing.features != pairing.query_features or _are_numbers(table, pairing.features):
            raise
        domain = _fit_columns(table, pairing, metric)
        columns = tuple(column.name for column in domain.fitted_.coordinates.columns)
        notes = (*notes, *_notes_on_columns(domain))
        cloud = _cloud_of_domain(domain, train, pairing)
        if metric is None or isinstance(metric, str):
            metric_text = domain.fitted_.metric_text
            metric = np.square(domain.fitted_.units.root)
        queries = _read_queries_of(domain, query, pairing, options)
    else:
        queries = read_queries(
            query, pairing.query_features, pairing.query_id, options, participle="predicted"
        )
    notes = (*notes, *repeated_ids(cloud.labels, queries.ids))
    groups = None if options.group is None else read_labels(train, options.group)
    known: dict[str, Array] = {}
    for target in options.target:
        if target in query.names and train.named == query.named:
            try:
                known[target] = _read_known(query, target, options.classes)[queries.usable]
            except FileError as error:  # nothing of the prediction depends on it
                text = f"Not compared with the target in {query.path}: {error.problem}."
                notes = (*notes, text)
    files = Path(train.path).name, Path(query.path).name
    return PredictData(cloud, columns, metric, metric_text, y, queries, known, groups, files, notes)


def _read_target(table: OpenTable, options: PredictOptions) -> Array:
    """The targets: numbers (n,) or (n, k), or the labels of one, none of them missing."""
    if options.classes:
        return _read_class_labels(table, options.target[0])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataWarning)  # a target may count the rows
            y = read_rows(table, columns=options.target).values.astype(np.float64)
    except FileError as error:
        raise _with_class_hint(error, table, options.target) from None
    return y[:, 0] if y.shape[1] == 1 else y


def _with_class_hint(error: FileError, table: OpenTable, targets: Sequence[str]) -> FileError:
    """What to do where a target is text, but for a file that cannot be read at all."""
    with contextlib.suppress(FileError):
        for target in targets:
            read_labels(table, target)
            if not holds_numbers(table, [target]):
                return error.with_hint(Hint.CLASS_LABELS, repr(target))
    return error


def _read_class_labels(table: OpenTable, target: str) -> Array:
    labels = read_labels(table, target)
    missing = np.flatnonzero(labels == "")
    if len(missing):
        raise FileError(
            table.path,
            f"the target {target!r} is missing in {counted(len(missing), 'row')}, first in row "
            f"{missing[0]} (counted from 0); nothing is filled in for you: drop those rows",
        )
    return labels


def _read_known(table: OpenTable, target: str, classes: bool) -> Array:
    if classes:
        return read_labels(table, target)
    return read_rows(table, columns=[target], bad_rows="keep").values[:, 0].astype(np.float64)


# ---- columns that are not all numbers -----------------------------------------------------------


def _are_numbers(table: MixedTable, features: Sequence[str]) -> bool:
    """Whether features are numbers, some of which cannot be used."""
    return all(
        table.column(name).kind in (ColumnKind.NUMBER, ColumnKind.EMPTY) for name in features
    )


def _fit_columns(table: MixedTable, pairing: ColumnPairing, metric: Any) -> Domain:
    """A domain of the features, for what its columns become."""
    used = {*pairing.features, pairing.train_id}
    domain = Domain(
        drop=[name for name in table.names if name not in used],
        metric=metric if metric is None or isinstance(metric, str) else "std",
        reference=0,
    )
    return domain.fit(table, id=pairing.train_id)


def _notes_on_columns(domain: Domain) -> list[str]:
    """Which columns are no numbers, and which give nothing to predict by."""
    fitted = domain.fitted_
    roles = [f"{c.name} ({c.role})" for c in fitted.coordinates.columns if c.role != "number"]
    unused = [f"{c.name}: {c.reason}" for c in fitted.unused if c.reason != "declared"]
    notes = [f"Read as hullwise fit reads columns: {', '.join(roles)}."]
    return notes + [f"Not used: {'; '.join(unused)}."] * bool(unused)


def _cloud_of_domain(domain: Domain, train: OpenTable, pairing: ColumnPairing) -> Cloud:
    try:
        values = complete_training_rows(domain.fitted_)
    except DataError as error:
        raise error.in_file(train.path) from None
    cloud = Cloud(ArrayRows(values, domain.fitted_.coordinates.names))
    cloud.labels = None if pairing.train_id is None else domain.fitted_.labels
    return cloud


def _read_queries_of(
    domain: Domain, query: OpenTable, pairing: ColumnPairing, options: PredictOptions
) -> QueryRows:
    """The new rows; those with a level never seen are not predicted, whatever --bad-rows says."""
    table = mixed_table(query)
    rows = complete_rows(domain.fitted_, table)
    if rows.gaps and options.bad_rows == "refuse":
        raise _refused_gaps(rows, table)
    reasons = {row: f"not predicted: {why}" for row, why in (rows.gaps | rows.unseen).items()}
    ids = None if pairing.query_id is None else read_ids(query, pairing.query_id)
    return QueryRows(rows.values, rows.mask, reasons, ids)


def _refused_gaps(rows: CompleteRows, query: MixedTable) -> FileError:
    row, why = min(rows.gaps.items())
    place = query.place(row).removeprefix(f"{query.source}: ")
    more = f"; {len(rows.gaps):,} rows cannot be predicted" if len(rows.gaps) > 1 else ""
    error = FileError(query.source, f"{place}: {why}{more}; nothing is filled in for you")
    return error.with_hint(Hint.KEEP_BAD_ROWS, "predicted")
