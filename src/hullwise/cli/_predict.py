"""`hullwise predict`, from two files to the summary and the table."""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from .._core.types import Array, Floats
from ..errors import DataWarning, FileError, Hint, HullwiseError
from ..geometry.cloud import Cloud
from ..io.rows import ArrayRows
from ..io.table_reader import OpenTable, read_rows
from ..predict import interpolant_class
from ..predict.mixture import MixtureClassifier
from ..predict.outlier_check import warn_of_outliers
from ..predict.predictions import HEAVIEST_ROWS, BoundConstants, bound_constants, explain_all
from ..predict.warm_up import compile_regressor
from ..report.words import printable
from ._choose_method import (
    MethodChoice,
    check_group,
    choose_method,
    fit_regressor,
    methods_to_compile,
)
from ._command_options import PredictOptions
from ._compiling import compile_kernels, timing_text, with_status
from ._metric import learn, read_metric, write_metric
from ._output import check_outputs, output_table, write_output
from ._predict_text import Answer, print_answer
from ._tables import (
    ColumnPairing,
    QueryRows,
    open_as,
    pair_columns,
    read_queries,
    repeated_ids,
)
from ._target import holds_numbers, read_labels
from .console import console, progress_bar
from .status import Printer, raise_if_cancelled


def run_predict(options: PredictOptions) -> None:
    """Do everything that the command says."""
    status = options.status
    check_outputs(options, (options.train, options.query), [options.save_metric])
    start = perf_counter()
    train, query = (open_as(path, options) for path in (options.train, options.query))
    check_group(train, options)
    pairing = pair_columns(train, query, options)
    metric: Any = None if options.is_learnt else read_metric(options.metric)
    data = _read(train, query, pairing, options)
    reading = perf_counter() - start
    compiled = methods_to_compile(options)
    compiling = compile_kernels(status, lambda: _compile(compiled, bound=options.bound))
    start = perf_counter()
    raise_if_cancelled()
    learnt = None
    if options.is_learnt:
        learnt = with_status(status, lambda: learn(options, train, data.cloud))
        data = replace(data, notes=(*data.notes, *learnt.notes))
        metric = learnt.metric
        raise_if_cancelled()
    choice = with_status(
        status, lambda: choose_method(data.cloud, data.y, data.groups, metric, options)
    )
    data = replace(data, notes=(*data.notes, *choice.notes))
    raise_if_cancelled()
    # a large table, or a search that ends early, runs kernels that no small table needs
    answer = with_status(status, lambda: _predict(data, metric, options, choice, status))
    raise_if_cancelled()
    status(timing_text(reading, compiling, perf_counter() - start, "predicted"))
    try:
        if options.output is not None:
            columns = answer_columns(answer)
            table = output_table(columns, data.queries, pairing.query_id, verdict="undecided")
            for line in write_output(table, options):
                status(line)
        if options.save_metric is not None and learnt is not None:
            status(write_metric(learnt, options.save_metric, options.force))
    finally:  # the answer is worth seeing even where the disk is full
        if not options.quiet:
            out = console(sys.stderr if options.output == "-" else sys.stdout)
            print_answer(out, answer, data.queries, None if learnt is None else learnt.directions)
            out.file.flush()


@dataclass(frozen=True, eq=False)
class PredictData:
    """What was read: training rows, their targets, the queries, and what became of them."""

    cloud: Cloud
    y: Array
    queries: QueryRows
    known: Mapping[str, Array]  # (g,) values of targets that the file of queries has
    groups: Array | None  # (n,) labels of the training rows' groups
    files: tuple[str, str]
    notes: tuple[str, ...]


def _read(
    train: OpenTable, query: OpenTable, pairing: ColumnPairing, options: PredictOptions
) -> PredictData:
    read_training = _read_labelled if options.classes else _read_numeric
    cloud, y = read_training(train, options.target, pairing)
    queries = read_queries(
        query, pairing.query_features, pairing.query_id, options, participle="predicted"
    )
    notes = [*pairing.notes, *repeated_ids(cloud.labels, queries.ids)]
    groups = None
    if options.group is not None:
        groups = read_labels(train, options.group, _feature_of(train, pairing))
    known: dict[str, Array] = {}
    for target in options.target:
        if target in query.names and train.named == query.named:
            try:
                known[target] = _read_known(query, target, pairing, options.classes)[queries.usable]
            except FileError as error:  # nothing of the prediction depends on it
                notes.append(f"Not compared with the target in {query.path}: {error.problem}.")
    files = Path(train.path).name, Path(query.path).name
    return PredictData(cloud, y, queries, known, groups, files, tuple(notes))


def _read_numeric(
    table: OpenTable, targets: Sequence[str], pairing: ColumnPairing
) -> tuple[Cloud, Floats]:
    """The training rows and their targets of numbers, (n,) or (n, k)."""
    d = len(pairing.features)
    try:
        rows = read_rows(table, columns=[*pairing.features, *targets], id_column=pairing.train_id)
    except FileError as error:
        raise _with_class_hint(error, table, targets, pairing) from None
    cloud = Cloud(ArrayRows(np.ascontiguousarray(rows.values[:, :d]), rows.columns[:d]))
    cloud.labels = rows.ids
    y = rows.values[:, d:].astype(np.float64)
    return cloud, y[:, 0] if len(targets) == 1 else y


def _with_class_hint(
    error: FileError, table: OpenTable, targets: Sequence[str], pairing: ColumnPairing
) -> FileError:
    """What to do where a target is text, but for a file that cannot be read at all."""
    with contextlib.suppress(FileError):
        for target in targets:
            read_labels(table, target, _feature_of(table, pairing))
            if not holds_numbers(table, [target]):
                return error.with_hint(Hint.CLASS_LABELS, repr(target))
    return error


def _read_labelled(
    table: OpenTable, targets: Sequence[str], pairing: ColumnPairing
) -> tuple[Cloud, Array]:
    """The training rows and a target of class labels, none of them missing."""
    (target,) = targets
    rows = read_rows(table, columns=pairing.features, id_column=pairing.train_id)
    cloud = Cloud(ArrayRows(rows.values, rows.columns))
    cloud.labels = rows.ids
    labels = read_labels(table, target, _feature_of(table, pairing))
    missing = np.flatnonzero(labels == "")
    if len(missing):
        raise FileError(
            table.path,
            f"the target {target!r} is missing in {len(missing):,} "
            f"row{'s' * (len(missing) > 1)}, first in row {missing[0]} (counted from 0); nothing "
            "is filled in for you: drop those rows",
        )
    return cloud, labels


def _feature_of(table: OpenTable, pairing: ColumnPairing) -> str:
    return next(c for c in pairing.features if c in table.names)


def _read_known(table: OpenTable, target: str, pairing: ColumnPairing, classes: bool) -> Array:
    if classes:
        return read_labels(table, target, _feature_of(table, pairing))
    return read_rows(table, columns=[target], bad_rows="keep").values[:, 0].astype(np.float64)


def _compile(methods: Sequence[str], bound: bool) -> None:
    for method in methods:
        compile_regressor(interpolant_class(method)(), bound=bound)


def _predict(
    data: PredictData,
    metric: Any,
    options: PredictOptions,
    choice: MethodChoice,
    status: Printer,
) -> Answer:
    regressor = interpolant_class(choice.method)(metric=metric)
    rows = data.cloud.rows.block(0, data.cloud.n)
    classes: Array | None = None
    data.cloud.warn_if_flat()
    warn_of_outliers(rows, data.cloud.names)
    with warnings.catch_warnings():  # all is said of these with the columns' own names
        warnings.filterwarnings("ignore", r"feature 'x\d+' (has values near|is )", DataWarning)
        if options.classes:
            model = MixtureClassifier(regressor).fit(rows, data.y)
            regressor, classes = model.interpolant_, model.classes_
        else:
            fit_regressor(regressor, rows, data.y, data.groups)
    queries = data.queries.values.astype(np.float64)
    constants, notes = None, (*data.notes, *regressor.remarks(queries))
    if options.bound:
        constants = bound_constants(
            regressor, smoothness=options.smoothness, lipschitz=options.lipschitz
        )
        notes = (*notes, _constants_note(constants, options.target, data.files[0]))
    with progress_bar(options.quiet) as progress:
        predictions = explain_all(
            regressor,
            queries,
            constants=constants,
            training_rows=rows if options.verify else None,
            progress=progress,
        )
    answer = Answer(
        method=choice.method,
        comparison=choice.comparison,
        metric_text=data.cloud.metric(metric).text,
        columns=data.cloud.names,
        n=data.cloud.n,
        predictions=predictions,
        bounded=options.bound,
        targets=options.target,
        largest=np.atleast_1d(np.abs(regressor.y_).max(axis=0)),
        known=data.known,
        classes=classes,
        labels=data.cloud.labels,
        files=data.files,
        notes=notes,
    )
    if options.verify:
        _refuse_unverified(answer, data.queries, status)
    return answer


def _refuse_unverified(answer: Answer, queries: QueryRows, status: Printer) -> None:
    verified = answer.predictions.verified
    loose = np.array([s.name == "LOOSE" for s in answer.predictions.status], dtype=bool)
    not_claimed = f", {int(loose.sum()):,} claim none" if loose.any() else ""
    status(
        f"simplices verified: {int((verified & ~loose).sum()):,} of {len(verified):,}{not_claimed}"
    )
    if not verified.all():
        b = int(np.argmin(verified))
        name = b if queries.labels is None else queries.labels[b]
        raise HullwiseError(
            f"simplices that do not hold: {int((~verified).sum())}, the first in row "
            f"{printable(name, 40)}; nothing was written. Please report this."
        )


def _constants_note(constants: BoundConstants, targets: Sequence[str], train: str) -> str:
    """Where the constants of the bound come from.

    Raises
    ------
    FileError
        The training rows do not tell a constant that no option names.
    """
    if constants.unknown:
        names = " and ".join(constants.unknown)
        options = " and ".join(f"--{name}" for name in constants.unknown)
        raise FileError(
            train,
            f"its rows are too few, or too near one another, to estimate {names} for --bound: "
            f"give {options}, or leave out --bound",
        )
    if not constants.estimated:
        return "The constants of the bound are those given."
    pairs = [
        f"smoothness {smoothness:.4g}, lipschitz {lipschitz:.4g}"
        for smoothness, lipschitz in zip(constants.smoothness, constants.lipschitz, strict=True)
    ]
    if len(targets) > 1:
        pairs = [f"{printable(name, 40)}: {pair}" for name, pair in zip(targets, pairs)]
    return (
        f"The bound rests on {' and '.join(constants.estimated)} estimated from the training rows "
        f"({'; '.join(pairs)}): an estimate is no guarantee, and noise in the target makes it "
        "large."
    )


def answer_columns(answer: Answer) -> dict[str, Any]:
    """The columns of the output after the row's name, one entry for each predicted row.

    With several targets those of each end in its name.
    """
    predictions = answer.predictions
    columns: dict[str, Any] = {}
    for k, target in enumerate(answer.targets):
        name = f" {target}" if len(answer.targets) > 1 else ""
        columns[f"prediction{name}"] = answer.prediction(k)
        if answer.bounded:
            columns[f"bound{name}"] = predictions.bound[:, k]
            columns[f"bound_shift{name}"] = predictions.shift[:, k]
            columns[f"bound_spread{name}"] = predictions.spread[:, k]
    if answer.classes is not None:
        columns |= {f"share {c}": answer.shares[:, k] for k, c in enumerate(answer.classes)}
    if answer.bounded:
        columns["bound_reach"] = predictions.reach
    columns |= {
        "verdict": predictions.verdict,
        "distance": predictions.distance,
        "rows_used": predictions.n_used,
        "rows": [answer.rows_text(b, HEAVIEST_ROWS) for b in range(len(predictions))],
    }
    for target, known in answer.known.items():
        columns[f"known {target}" if len(answer.targets) > 1 else "known"] = known
    return columns | {"status": [s.value for s in predictions.status]}
