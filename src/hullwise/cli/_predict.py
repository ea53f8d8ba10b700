"""`hullwise predict`, from two files to the summary and the table."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from dataclasses import replace
from time import perf_counter
from typing import Any

import numpy as np

from .._core.types import Array
from ..errors import DataWarning, FileError, HullwiseError
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
from ._predict_data import PredictData, read_predict_data
from ._predict_text import Answer, print_answer
from ._tables import QueryRows, open_as, pair_columns
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
    data = read_predict_data(train, query, pairing, metric, options)
    reading = perf_counter() - start
    compiled = methods_to_compile(options)
    compiling = compile_kernels(status, lambda: _compile(compiled, bound=options.bound))
    start = perf_counter()
    raise_if_cancelled()
    learnt = None
    if options.is_learnt:
        learnt = with_status(status, lambda: learn(options, train, data.cloud))
        notes = (*data.notes, *learnt.notes)
        data = replace(data, metric=learnt.metric, metric_text=None, notes=notes)
        raise_if_cancelled()
    choice = with_status(
        status, lambda: choose_method(data.cloud, data.y, data.groups, data.metric, options)
    )
    data = replace(data, notes=(*data.notes, *choice.notes))
    raise_if_cancelled()
    # a large table, or a search that ends early, runs kernels that no small table needs
    answer = with_status(status, lambda: _predict(data, options, choice, status))
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


def _compile(methods: Sequence[str], bound: bool) -> None:
    for method in methods:
        compile_regressor(interpolant_class(method)(), bound=bound)


def _predict(
    data: PredictData,
    options: PredictOptions,
    choice: MethodChoice,
    status: Printer,
) -> Answer:
    regressor = interpolant_class(choice.method)(metric=data.metric)
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
        metric_text=data.metric_text or data.cloud.metric(data.metric).text,
        columns=data.columns,
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
