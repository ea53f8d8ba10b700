"""`hullwise predict`, from two files to the summary and the table."""

from __future__ import annotations

import contextlib
import sys
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._core.types import Floats
from ..errors import DataError, DataWarning, FileError, Hint, HullwiseError
from ..geometry.cloud import Cloud
from ..io.rows import ArrayRows
from ..io.table_reader import OpenTable, read_rows
from ..predict import interpolant_class
from ..predict.interpolant import Interpolant
from ..predict.mixture import MixtureClassifier
from ..predict.outlier_check import warn_of_outliers
from ..predict.smoothness import estimate_smoothness
from ..predict.warm_up import compile_regressor
from ..report.words import plain
from ._compiling import compile_kernels, timing_text, with_status
from ._input import Plan, Queries, open_tables, read_queries, repeated_ids
from ._metric import learn, write_metric
from ._output import check_outputs, metric_of, output_table, write_output
from ._predict_text import Answer, print_answer
from ._predicted import NAMED, Asked, predicted
from ._target import holds_numbers, target_labels
from .console import console, progress_bar
from .options import learns
from .status import Printer, print_nothing, print_status, raise_if_cancelled


def run(train: str, query: str, options: dict[str, Any]) -> None:
    """Do everything that the command says."""
    status = print_nothing if options["quiet"] else print_status
    check_outputs((train, query), (options["output"], options["save_metric"]), options["force"])
    start = perf_counter()
    first, second, pairs = open_tables(
        train, query, options, targets=[options["target"]], dropped=options["dropped"]
    )
    metric: Any = None if learns(options) else metric_of(options["metric"])
    data = _read(first, second, pairs, options)
    read = perf_counter() - start
    bound, method = options["bound"], options["method"]
    compiled = compile_kernels(
        status, lambda: compile_regressor(_regressor(method, None), bound=bound)
    )
    start = perf_counter()
    raise_if_cancelled()
    learnt = None
    if learns(options):
        learnt = with_status(status, lambda: learn(first, pairs, data.cloud, options))
        data = replace(data, notes=(*data.notes, *learnt.notes))
        metric = learnt.metric
        raise_if_cancelled()
    # a large table, or a search that ends early, runs kernels that no small table needs
    answer = with_status(status, lambda: _predict(data, metric, options, status))
    raise_if_cancelled()
    status(timing_text(read, compiled, perf_counter() - start, "predicted"))
    try:
        if options["output"] is not None:
            table = output_table(
                columns_of(answer), data.queries, pairs.query_id, verdict="undecided"
            )
            for line in write_output(table, options):
                status(line)
        if options["save_metric"] is not None and learnt is not None:
            status(write_metric(learnt, options["save_metric"], options["force"]))
    finally:  # the answer is worth seeing even where the disk is full
        if not options["quiet"]:
            out = console(sys.stderr if options["output"] == "-" else sys.stdout)
            print_answer(out, answer, data.queries, None if learnt is None else learnt.directions)
            out.file.flush()


@dataclass(frozen=True, eq=False)
class Data:
    """What was read: training rows, their targets, the queries, and what became of them."""

    cloud: Cloud
    y: NDArray[Any]
    queries: Queries
    known: NDArray[Any] | None  # (g,) targets of the queries, where their file has them
    files: tuple[str, str]
    notes: tuple[str, ...]


def _read(first: OpenTable, second: OpenTable, pairs: Plan, options: dict[str, Any]) -> Data:
    target, keep = options["target"], options["bad_rows"] == "keep"
    cloud, y = (_labelled if options["classes"] else _numbered)(first, target, pairs)
    queries = read_queries(second, pairs.query_features, pairs.query_id, keep, "predicted")
    notes = [*pairs.notes, *repeated_ids(cloud.labels, queries.ids)]
    known: NDArray[Any] | None = None
    if target in second.names and first.named == second.named:
        try:
            known = _known(second, target, pairs, options["classes"])[queries.located]
        except FileError as error:  # nothing of the prediction depends on it
            notes.append(f"Not compared with the target in {second.path}: {error.problem}.")
    files = Path(first.path).name, Path(second.path).name
    return Data(cloud, y, queries, known, files, tuple(notes))


def _numbered(table: OpenTable, target: str, pairs: Plan) -> tuple[Cloud, Floats]:
    """The training rows and a target of numbers."""
    try:
        found = read_rows(table, columns=[*pairs.features, target], id_column=pairs.train_id)
    except FileError as error:
        refused = error
        with contextlib.suppress(FileError):  # a file that cannot be read at all
            target_labels(table, target, pairs)
            if not holds_numbers(table, target):
                refused = refused.with_hint(Hint.CLASS_LABELS, repr(target))
        raise refused from None
    cloud = Cloud(ArrayRows(np.ascontiguousarray(found.values[:, :-1]), found.columns[:-1]))
    cloud.labels = found.ids
    return cloud, found.values[:, -1].astype(np.float64)


def _labelled(table: OpenTable, target: str, pairs: Plan) -> tuple[Cloud, NDArray[np.str_]]:
    """The training rows and a target of class labels, none of them missing."""
    found = read_rows(table, columns=pairs.features, id_column=pairs.train_id)
    cloud = Cloud(ArrayRows(found.values, found.columns))
    cloud.labels = found.ids
    labels = target_labels(table, target, pairs)
    missing = np.flatnonzero(labels == "")
    if len(missing):
        raise FileError(
            table.path,
            f"the target {target!r} is missing in {len(missing):,} "
            f"row{'s' * (len(missing) > 1)}, first in row {missing[0]} (counted from 0); nothing "
            "is filled in for you: drop those rows",
        )
    return cloud, labels


def _known(table: OpenTable, target: str, pairs: Plan, classes: bool) -> NDArray[Any]:
    if classes:
        return target_labels(table, target, pairs)
    return read_rows(table, columns=[target], bad_rows="keep").values[:, 0].astype(np.float64)


def _regressor(method: str, metric: Any) -> Interpolant:
    return interpolant_class(method)(metric=metric)


def _predict(data: Data, metric: Any, options: dict[str, Any], status: Printer) -> Answer:
    regressor = _regressor(options["method"], metric)
    rows = data.cloud.rows.block(0, data.cloud.n)
    classes: NDArray[Any] | None = None
    data.cloud.warn_if_flat()
    warn_of_outliers(rows, data.cloud.names)
    with warnings.catch_warnings():  # all is said of these with the columns' own names
        warnings.filterwarnings("ignore", r"feature 'x\d+' (has values near|is )", DataWarning)
        if options["classes"]:
            model = MixtureClassifier(regressor).fit(rows, data.y)
            regressor, classes = model.interpolant_, model.classes_
        else:
            regressor.fit(rows, data.y)
    constants, notes = None, data.notes
    if options["bound"]:
        gamma, slope, told = _constants(regressor, rows, options, data.files[0])
        constants, notes = (gamma, slope), (*notes, told)
    asked = Asked(constants, rows if options["verify"] else None)
    with progress_bar(options["quiet"]) as progress:
        found = predicted(regressor, data.queries.values.astype(np.float64), asked, progress)
    answer = Answer(
        method=options["method"],
        metric_text=data.cloud.metric(metric).text,
        columns=data.cloud.names,
        n=data.cloud.n,
        found=found,
        bounded=options["bound"],
        largest=float(np.abs(regressor.y_).max()),
        known=data.known,
        classes=classes,
        labels=data.cloud.labels,
        files=data.files,
        notes=notes,
    )
    if options["verify"]:
        _refuse_unproved(answer, data.queries, status)
    return answer


def _refuse_unproved(answer: Answer, queries: Queries, status: Printer) -> None:
    holds = answer.found.holds
    loose = np.array([s.name == "LOOSE" for s in answer.found.status], dtype=bool)
    not_claimed = f", {int(loose.sum()):,} claim none" if loose.any() else ""
    status(f"simplices verified: {int((holds & ~loose).sum()):,} of {len(holds):,}{not_claimed}")
    if not holds.all():
        b = int(np.argmin(holds))
        name = b if queries.labels is None else queries.labels[b]
        raise HullwiseError(
            f"simplices that do not hold: {int((~holds).sum())}, the first in row "
            f"{plain(name, 40)}; nothing was written. Please report this."
        )


def _constants(
    regressor: Interpolant, rows: NDArray[Any], options: dict[str, Any], train: str
) -> tuple[float, float, str]:
    """Smoothness and Lipschitz constant of the bound, and where they come from.

    Raises
    ------
    FileError
        The training rows do not say what is not given: no bound is better than a wrong one.
    """
    given = {name: options[name] for name in ("smoothness", "lipschitz")}
    missing = [name for name, value in given.items() if value is None]
    if not missing:
        return (*given.values(), "The constants of the bound are those given.")
    with warnings.catch_warnings(), contextlib.suppress(DataError):  # what they say is said here
        warnings.simplefilter("ignore", DataWarning)
        found = estimate_smoothness(rows, regressor.y_, metric=regressor.metric)
        given |= {name: float(getattr(found, name)) for name in missing}
    open_ones = [n for n in missing if given[n] is None or not np.isfinite(given[n])]
    if open_ones:
        wanted = " and ".join(f"--{name}" for name in open_ones)
        raise FileError(
            train,
            f"its rows are too few, or too near one another, to estimate {' and '.join(open_ones)}"
            f" for --bound: give {wanted}, or leave out --bound",
        )
    gamma, slope = given["smoothness"], given["lipschitz"]
    return (
        gamma,
        slope,
        f"The bound rests on {' and '.join(missing)} estimated from the training rows "
        f"(smoothness {gamma:.4g}, lipschitz {slope:.4g}): an estimate is no guarantee, and "
        "noise in the target makes it large.",
    )


def columns_of(answer: Answer) -> dict[str, Any]:
    """The columns of the output after the row's name, one entry for each predicted row."""
    found = answer.found
    columns: dict[str, Any] = {"prediction": answer.prediction}
    if answer.classes is not None:
        columns |= {f"share {c}": answer.shares[:, k] for k, c in enumerate(answer.classes)}
    if answer.bounded:
        names = ("bound", "bound_shift", "bound_spread", "bound_reach")
        columns |= dict(zip(names, found.bound.T, strict=True))
    columns |= {"verdict": found.verdict, "distance": found.distance, "rows_used": found.used}
    columns["rows"] = [answer.rows_of(b, NAMED) for b in range(len(found))]
    if answer.known is not None:
        columns["known"] = answer.known
    return columns | {"status": [s.value for s in found.status]}
