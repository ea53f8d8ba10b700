"""The four real-valued sets: runs, and the paper's tables with those computed here beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from .._runs import Results, Task, fingerprint
from .._tables import Row, Table, beside, over
from .._types import Array, Floats
from ._data import Split, StudySet, unit_cube
from ._models import Method
from ._published import AVERAGES, ERRORS, FOLD_ROWS, PAPER_METHODS, SHARES_AND_TIMES

PRINTED_DIGITS, PRINTED_SHARE = ".2e", ".1f"  # of errors, and of shares in percent
QUARTILE_NAMES = ("min", "25th", "50th", "75th", "max")
RANKED_METHODS = ("svr", "mlp", "delaunay", "shepmod", "lshep", "voronoi", "boxspline")
"""One method for each row of the paper, among which the best is sought."""


@dataclass(frozen=True, eq=False)
class HeldOutErrors:
    """What the methods answered on the held-out rows of one set.

    `errors` and `predictions` are by method (n,), `shift` (n,) how far the weighted rows' average
    is from the query, `seconds` (folds, 2) to fit and to predict.
    """

    data: StudySet
    methods: Mapping[str, Method]
    predictions: Mapping[str, Floats]
    shift: Mapping[str, Floats]
    seconds: Mapping[str, Floats]

    @property
    def errors(self) -> dict[str, Floats]:
        return {slug: np.abs(p - self.data.y) for slug, p in self.predictions.items()}


def tasks_of(data: StudySet, split: Split, methods: Mapping[str, Method]) -> list[Task]:
    """One task for each fold and method."""
    warm: set[str] = set()
    name = f"{data.name}-{split.name}"
    whole = fingerprint(data.X, data.y)

    def work(b: int, method: Method) -> Callable[[Results], dict[str, Array]]:
        def do(_: Results) -> dict[str, Array]:
            train, test = split.folds[b]
            A, B = unit_cube(data.X[train], data.X[test])
            y = data.y[train]
            if method.compiled and method.slug not in warm:
                few = 4 * data.X.shape[1]
                method.run(A[:few], y[:few], B[:2])
                warm.add(method.slug)
            return method.run(A, y, B)

        return do

    return [
        Task(
            f"{name}-{b}-{slug}",
            fingerprint(whole, *split.folds[b], slug, method.settings),
            work(b, method),
        )
        for b in range(len(split.folds))
        for slug, method in methods.items()
    ]


def held_out_of(
    data: StudySet, split: Split, methods: Mapping[str, Method], results: Results
) -> HeldOutErrors:
    """The folds' answers, put together in the order of the rows."""
    predictions, shift, seconds = {}, {}, {}
    for slug in methods:
        parts = [results[f"{data.name}-{split.name}-{b}-{slug}"] for b in range(len(split.folds))]
        predictions[slug] = _joined(data.n, split, [p["prediction"] for p in parts])
        if all("shift" in p for p in parts):
            shift[slug] = _joined(data.n, split, [p["shift"] for p in parts])
        seconds[slug] = np.array([[p["fit"], p["predict"]] for p in parts], dtype=np.float64)
    return HeldOutErrors(data, methods, predictions, shift, seconds)


def _joined(n: int, split: Split, parts: list[Array]) -> Floats:
    whole = np.full(n, np.nan)
    for (_, test), part in zip(split.folds, parts):
        whole[test] = part
    return whole


def quartiles(errors: Floats) -> tuple[float, ...]:
    """Minimum, quartiles and maximum, linear between order statistics."""
    return tuple(float(v) for v in np.percentile(errors, [0, 25, 50, 75, 100]))


def share_best(errors: Mapping[str, Floats]) -> dict[str, tuple[float, float]]:
    """In percent, how often each method has the least error: sorted, and point by point.

    Sorted: each method's errors are put in ascending order first, so that the k-th smallest of
    one method meets the k-th smallest of another, whichever points they belong to. Methods that
    tie for the least count alike, so a column may add up to more than 100.
    """
    E = np.array(list(errors.values()))
    columns = []
    for table in (np.sort(E, axis=1), E):
        columns.append(100 * (table == table.min(axis=0)).mean(axis=1))
    return {slug: (float(columns[0][k]), float(columns[1][k])) for k, slug in enumerate(errors)}


def equal(here: Floats, there: Floats, y: Floats) -> Array:
    """Which errors are the published ones: to 1e-6 of them, or 1e-9 of the target's deviation."""
    return np.asarray(np.abs(here - there) <= np.maximum(1e-6 * there, 1e-9 * y.std()))


def tables_of(held_out: HeldOutErrors, published: Mapping[str, Floats]) -> list[Table]:
    """Quartiles, shares and times of one set, and how many errors are equal."""
    tables = [_error_table(held_out), _share_table(held_out, published), _time_table(held_out)]
    if published:
        tables.append(_equal_table(held_out, published))
    return tables


def _error_table(held_out: HeldOutErrors) -> Table:
    data, printed = held_out.data, ERRORS[held_out.data.name]
    rows: list[Row] = [("MARS", *beside(printed["MARS"], None, printed=PRINTED_DIGITS))]
    for slug, method in held_out.methods.items():
        errors = held_out.errors[slug][data.printed]
        there = printed[method.row] if method.row else (None,) * 5
        rows.append((method.name, *beside(there, quartiles(errors), printed=PRINTED_DIGITS)))
    of_rows = f"the {int(data.printed.sum()):,} rows of the paper's table" * bool(
        not data.printed.all()
    )
    return Table(
        f"{data.name}_errors",
        f"{data.title}: absolute errors",
        ("method", *compared(QUARTILE_NAMES, "difference")),
        tuple(rows),
        f"Of {of_rows or f'all {data.n:,} rows'}, each predicted once, from the other nine folds. "
        "Differences are of figures with three digits, as printed.",
    )


def compared(names: tuple[str, ...], last: str) -> tuple[str, ...]:
    return tuple(f"{name} | {part}" for name in names for part in ("paper", "here", last))


def _ranked(held_out: HeldOutErrors, published: Mapping[str, Floats]) -> dict[str, Floats]:
    """Errors among which the best is sought, by row of the paper; published ones fill the gaps."""
    at = held_out.data.printed
    here = {
        held_out.methods[s].row: held_out.errors[s][at]
        for s in RANKED_METHODS
        if s in held_out.methods
    }
    return {
        name: here[name] if name in here else published[name][at]
        for name in PAPER_METHODS
        if name in here or name in published
    }


def _share_table(held_out: HeldOutErrors, published: Mapping[str, Floats]) -> Table:
    data, printed = held_out.data, SHARES_AND_TIMES[held_out.data.name]
    errors = _ranked(held_out, published)
    here = share_best(errors) if errors else {}
    there = share_best({m: published[m][data.printed] for m in PAPER_METHODS}) if published else {}
    rows = []
    for name in PAPER_METHODS:
        a, b = here.get(name, (None, None)), there.get(name, (None, None))
        rows.append((name, *_shares(printed[name][0], a[0]), *_shares(b[1], a[1])))
    ran = {
        held_out.methods[s].row: held_out.methods[s].name
        for s in RANKED_METHODS
        if s in held_out.methods
    }
    filled = ", ".join(name for name in errors if name not in ran)
    note = f"those here among {', '.join(ran.get(name, name) for name in errors) or 'none'}."
    if published:
        note += " Point by point, the paper's are computed from its published errors"
        note += f", which also stand for {filled} here." * bool(filled) or "."
    return Table(
        f"{data.name}_best",
        f"{data.title}: share of points with the least error, %",
        ("method", *compared(("sorted", "point by point"), "difference")),
        tuple(rows),
        "Sorted is the paper's column \"% best\". The paper's shares are among all eight methods, "
        + note,
    )


def _shares(a: float | None, b: float | None) -> Row:
    return beside((a,), (b,), printed=PRINTED_SHARE)


def _time_table(held_out: HeldOutErrors) -> Table:
    data, printed = held_out.data, SHARES_AND_TIMES[held_out.data.name]
    rows = []
    for slug, method in held_out.methods.items():
        fit, predict = map(float, np.median(held_out.seconds[slug], axis=0))
        each = predict / (data.n / len(held_out.seconds[slug]))
        there = printed[method.row][1:] if method.row else (None,) * 3
        rows.append((method.name, *over(there, (fit, each, predict))))
    train, test = FOLD_ROWS[data.name]
    return Table(
        f"{data.name}_times",
        f"{data.title}: seconds, median of the folds",
        ("method", *compared(("fit", "one query", "whole fold"), "paper / here")),
        tuple(rows),
        f"A fold fits on about {train:,} rows and predicts {test:,}. The paper predicts one query "
        "at a time on one core; here a fold's queries go in one call, on all cores.",
    )


def _equal_table(held_out: HeldOutErrors, published: Mapping[str, Floats]) -> Table:
    data, rows = held_out.data, []
    for slug, method in held_out.methods.items():
        if method.row is None or method.row not in published:
            continue
        there = published[method.row]
        at = np.isfinite(there)
        here = held_out.errors[slug]
        same = equal(here[at], there[at], data.y)
        count, total = int(same.sum()), int(at.sum())
        apart = float(np.abs(here - there)[at].max())
        rows.append((method.name, method.row, total, count, 100 * count / total, apart))
    return Table(
        f"{data.name}_equal",
        f"{data.title}: points whose error equals the published one",
        ("method", "row of the paper", "points", "equal", "share, %", "largest difference"),
        tuple(rows),
        "Equal: to 1e-6 of the published error, or 1e-9 of the target's standard deviation.",
    )


def averages(
    each_held_out: list[HeldOutErrors], published: Mapping[str, Mapping[str, Floats]]
) -> Table:
    """The paper's summary over the real-valued sets, for those that ran."""
    names = [held_out.data.name for held_out in each_held_out]
    shares, times = [], []
    for held_out in each_held_out:
        errors = _ranked(held_out, published.get(held_out.data.name, {}))
        shares.append(share_best(errors) if errors else {})
        times.append({s: np.median(v, axis=0) for s, v in held_out.seconds.items()})
    rows = []
    for name in PAPER_METHODS:
        slug = name.lower()
        there: list[float | None] = [
            float(np.mean([SHARES_AND_TIMES[n][name][k] for n in names])) for k in (0, 1, 2)
        ]
        here: list[float | None] = [None] * 3
        point: float | None = None
        if all(slug in h.methods for h in each_held_out):
            each = [
                t[slug][1] / (h.data.n / len(h.seconds[slug])) for t, h in zip(times, each_held_out)
            ]
            here = [
                float(np.mean([s[name][0] for s in shares])),
                float(np.mean([t[slug][0] for t in times])),
                float(np.mean(each)),
            ]
            point = float(np.mean([s[name][1] for s in shares]))
        rows.append(
            (
                name,
                AVERAGES[name][0] if len(names) == 4 else None,
                *beside(there[:1], here[:1], printed=PRINTED_SHARE),
                point,
                *over(there[1:], here[1:]),
            )
        )
    columns = (
        "method",
        "% best, printed",
        *compared(("% best, sorted",), "difference"),
        "% best, point by point",
        *compared(("seconds to fit", "seconds for one query"), "paper / here"),
    )
    title = f"Averages over {', '.join(h.data.title for h in each_held_out)}"
    note = "Sets count alike. The paper's columns are averages of its tables of the same sets."
    return Table("averages", title, columns, tuple(rows), note)
