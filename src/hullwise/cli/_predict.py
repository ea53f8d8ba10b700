"""`hullwise predict`, from two files to the summary and the table."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from .. import predict as methods
from ..data._verdict import Verdict
from ..data._warm import predict_once
from ..data.cloud import Cloud
from ..data.hull import locate_in_hull
from ..errors import FileError, HullwiseError
from ..predict._interpolant import Interpolant
from ..predict.bound import ErrorBound
from ..predict.mixture import MixtureClassifier
from ..predict.regressors import DelaunayRegressor
from ..predict.simplices import SimplexStatus
from ..predict.smoothness import estimate_smoothness
from ..rows._rows import ArrayRows, Floats
from ..rows._table import OpenTable, open_table, read_rows
from ..rows._values import some
from ..rows._write import write_table
from ._console import console
from ._input import Plan, Queries, plan, read_queries
from ._predict_text import Answer, print_answer
from ._run import (
    WRITTEN,
    Say,
    aloud,
    check_outputs,
    compile_kernels,
    metric_of,
    obey_stop,
    progress_bar,
    quiet,
    times,
)

NAMED = 5  # rows named for each prediction


def run(train: str, query: str, options: dict[str, Any]) -> None:
    """Do everything that the command says."""
    say = quiet if options["quiet"] else aloud
    check_outputs((train, query), (options["output"],), options["force"])
    start = perf_counter()
    reading = {k: options[k] for k in ("sep", "decimal")} | {"header": not options["no_header"]}
    first, second = open_table(train, **reading), open_table(query, **reading)
    pairs = plan(
        first,
        second,
        targets=(options["target"], *options["dropped"]),
        id_column=options["id_column"],
        columns=options["columns"],
    )
    metric = metric_of(options["metric"])
    data = _read(first, second, pairs, options)
    read = perf_counter() - start
    compiled = compile_kernels(say, lambda: predict_once(_regressor(options["method"], None)))
    start = perf_counter()
    obey_stop()
    answer = _predict(data, metric, options, say)
    obey_stop()
    say(times(read, compiled, perf_counter() - start, "predicted"))
    names = tuple(Path(file.path).name for file in (first, second))
    answer = replace(answer, files=names, notes=(*pairs.notes, *answer.notes))
    try:
        if options["output"] is not None:
            table = rows_table(answer, data.queries, pairs.query_id)
            write_table(table, options["output"], force=options["force"])
            if options["output"] != "-":
                click.get_current_context().meta[WRITTEN] = options["output"]
                say(f"{len(data.queries.located):,} rows written to {options['output']}")
    finally:  # the answer is worth seeing even where the disk is full
        if not options["quiet"]:
            out = console(sys.stderr if options["output"] == "-" else sys.stdout)
            print_answer(out, answer, data.queries)
            out.file.flush()


@dataclass(frozen=True, eq=False)
class Data:
    """What was read: training rows, their targets, the queries, and what became of them."""

    cloud: Cloud
    y: NDArray[Any]
    queries: Queries
    known: NDArray[Any] | None  # (g,) targets of the queries, where their file has them


def _read(first: OpenTable, second: OpenTable, pairs: Plan, options: dict[str, Any]) -> Data:
    target, classes = options["target"], options["classes"]
    table = read_rows(first, columns=pairs.features, id_column=pairs.train_id)
    cloud = Cloud(ArrayRows(table.values, table.columns))
    cloud.labels = table.ids
    y = _labels(first, target, pairs) if classes else _numbers(first, target, pairs)
    queries = read_queries(
        second, pairs.query_features, pairs.query_id, options["bad_rows"] == "keep"
    )
    known: NDArray[Any] | None = None
    if target in second.names and second.named:
        if classes:
            known = _labels(second, target, pairs)[queries.located]
        else:
            values = read_rows(second, columns=[target], bad_rows="keep").values[:, 0]
            known = values.astype(np.float64)[queries.located]
    return Data(cloud, y, queries, known)


def _numbers(table: OpenTable, target: str, pairs: Plan) -> Floats:
    try:
        return read_rows(table, columns=[target]).values[:, 0].astype(np.float64)
    except FileError as error:
        hint = "; if the target holds class labels, say so with --classes"
        raise FileError(error.path, f"{error.problem}{hint}") from None


def _labels(table: OpenTable, target: str, pairs: Plan) -> NDArray[np.object_]:
    ids = read_rows(table, columns=pairs.features[:1], id_column=target, bad_rows="keep").ids
    if ids is None:
        raise FileError(table.path, f"has no class labels in {some([target])}")
    return ids


def _regressor(method: str, metric: Any) -> Interpolant:
    kinds: dict[str, str] = {
        "delaunay": "regressors.DelaunayRegressor",
        "voronoi": "regressors.VoronoiRegressor",
        "box-spline": "regressors.BoxSplineRegressor",
        "max-box": "regressors.MaxBoxRegressor",
        "shepard": "distance_regressors.ShepardRegressor",
        "linear-shepard": "distance_regressors.LinearShepardRegressor",
        "inverse-distance": "distance_regressors.InverseDistanceRegressor",
        "nearest": "distance_regressors.NearestRegressor",
    }
    from importlib import import_module

    module, name = kinds[method].split(".")
    made = getattr(import_module(f"{methods.__name__}.{module}"), name)(metric=metric)
    return made  # type: ignore[no-any-return]


def _predict(data: Data, metric: Any, options: dict[str, Any], say: Say) -> Answer:
    chosen = data.cloud.metric(metric)
    regressor = _regressor(options["method"], metric)
    rows = data.cloud.rows.block(0, data.cloud.n)
    classes, shares = None, None
    if options["classes"]:
        model = MixtureClassifier(regressor).fit(rows, data.y.astype(str))
        regressor, classes = model.interpolant_, model.classes_
    else:
        regressor.fit(rows, data.y)
    Q = data.queries.values.astype(np.float64)
    with progress_bar(options["quiet"]) as progress:
        W = regressor.weights(Q, progress=progress)
        prediction: NDArray[Any] = W @ regressor.y_
        if classes is not None:
            shares = prediction
            prediction = classes[shares.argmax(axis=1)]
        verdict, distance = _where(regressor, rows if options["verify"] else None, Q, say)
    bound, notes = None, []
    if options["bound"]:
        bound, note = _bound(regressor, rows, Q, options)
        notes.append(note)
    return Answer(
        options["method"],
        chosen.text,
        data.cloud.names,
        data.cloud.n,
        prediction,
        W,
        verdict,
        distance,
        bound,
        data.known,
        classes,
        shares,
        data.cloud.labels,
        ("", ""),
        tuple(notes),
    )


def _where(
    regressor: Interpolant, checked: Any, Q: Floats, say: Say
) -> tuple[NDArray[np.str_], Floats]:
    """Inside or outside the hull of the training rows, and how far, in the metric.

    `checked` are the training rows against which simplices are verified, or None.
    """
    if isinstance(regressor, DelaunayRegressor):
        found = regressor.simplices(Q)
        if checked is not None:
            good = found.verify(checked)
            say(f"simplices verified: {int(good.sum()):,} of {len(good):,}")
            loose = np.array([s is SimplexStatus.LOOSE for s in found.status], dtype=bool)
            if not (good | loose).all():
                raise HullwiseError(
                    f"simplices that do not hold: {int((~good).sum())}, the first in row "
                    f"{int(np.argmin(good | loose))}; nothing was written. Please report this."
                )
        inside = np.array([s is SimplexStatus.INSIDE for s in found.status], dtype=bool)
        return np.where(inside | (found.distance == 0), "inside", "outside"), found.distance
    hull = locate_in_hull(regressor.cloud_, Q, regressor.metric_)
    words = [Verdict(v).name.lower() for v in hull.verdict.tolist()]
    return np.array(words, dtype=str), hull.settled


def _bound(
    regressor: Interpolant, rows: NDArray[Any], Q: Floats, options: dict[str, Any]
) -> tuple[ErrorBound, str]:
    gamma, slope = options["smoothness"], options["lipschitz"]
    told = "The constants of the bound are those given."
    if gamma is None or slope is None:
        found = estimate_smoothness(rows, regressor.y_, metric=regressor.metric)
        guessed = [n for n, v in (("smoothness", gamma), ("lipschitz", slope)) if v is None]
        gamma = float(np.nan_to_num(found.smoothness)) if gamma is None else gamma
        slope = float(found.lipschitz) if slope is None else slope
        told = (
            f"The bound rests on {' and '.join(guessed)} estimated from the training rows "
            f"(smoothness {gamma:.4g}, lipschitz {slope:.4g}): an estimate is no guarantee, and "
            "noise in the target makes it large."
        )
    return regressor.bound(Q, smoothness=gamma, lipschitz=slope), told


def rows_table(answer: Answer, queries: Queries, id_name: str | None) -> dict[str, Any]:
    """The columns of the output, one entry for each row of the query file."""
    m = len(queries.located)
    names = np.arange(m) if queries.ids is None else queries.ids
    columns: dict[str, Any] = {"prediction": answer.prediction.tolist()}
    if answer.classes is not None and answer.shares is not None:
        for k, label in enumerate(answer.classes.tolist()):
            columns[f"share {label}"] = answer.shares[:, k].tolist()
    if answer.bound is not None:
        b = answer.bound
        columns |= {"bound": b.total.tolist(), "bound_shift": b.shift.tolist()}
        columns |= {"bound_spread": b.spread.tolist()}
    columns["verdict"] = answer.verdict.tolist()
    columns["distance"] = answer.distance.tolist()
    columns["rows_used"] = np.diff(answer.weights.indptr).tolist()
    columns["rows"] = [answer.rows_of(b, NAMED) for b in range(len(answer.prediction))]
    if answer.known is not None:
        columns["known"] = answer.known.tolist()
    first = id_name if id_name is not None and id_name not in columns else "row"
    table: dict[str, Any] = {first: names}
    where = np.flatnonzero(queries.located).tolist()
    for name, column in columns.items():
        cells: list[Any] = [None] * m
        for row, value in zip(where, column, strict=True):
            cells[row] = None if isinstance(value, float) and np.isnan(value) else value
        table[name] = cells
    for row, reason in queries.reasons.items():
        table["verdict"][row] = reason.replace("not located", "not predicted")
    return table
