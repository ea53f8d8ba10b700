"""What `hullwise predict` says on the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..predict.predictions import Predictions, prediction_errors, quartiles
from ..report.sentences import status_sentences
from ..report.words import printable, share
from ._comparison_text import print_comparison
from ._layout import (
    RIGHT_ALIGNED,
    STYLES,
    add_count,
    counts_table,
    grid_of,
    indented,
    print_notes,
    rows_text,
    section,
    table_of,
)
from ._readings_text import print_directions

if TYPE_CHECKING:
    from .._core.types import Array, Floats
    from ..metrics import Directions
    from ..reliability.method_comparison import MethodComparison
    from ._tables import QueryRows

PREDICTED_ROWS = 8
PREDICTED_TARGETS = 3  # beside one another in the table of rows; the output has them all
QUARTILES = ("least", "25 %", "median", "75 %", "largest")


@dataclass(frozen=True, eq=False)
class Answer:
    """Predictions of the rows that could be predicted, and what made them."""

    method: str
    comparison: MethodComparison | None  # None where the method was named
    metric_text: str
    columns: tuple[str, ...]
    n: int
    targets: tuple[str, ...]
    predictions: Predictions
    bounded: bool
    largest: Floats  # (k,) size of each training target
    known: Mapping[str, Array]  # values of targets, NaN or "" where missing
    classes: Array | None
    labels: Any  # of the training rows, or None
    files: tuple[str, str]
    notes: tuple[str, ...]

    @property
    def shares(self) -> Floats:
        """(m, k) share of each class, sum 1."""
        value = self.predictions.value
        return np.asarray(value / value.sum(axis=1, keepdims=True))

    def prediction(self, target: int = 0) -> Array:
        """(m,) numbers of a target, or the classes with the largest share."""
        if self.classes is None:
            return self.predictions.value[:, target]
        return np.asarray(self.classes[self.shares.argmax(axis=1)])

    def heading(self, what: str, target: int) -> str:
        """`what`, of which target where there are several."""
        if len(self.targets) == 1:
            return what
        return f"{what} {printable(self.targets[target], 20)}"

    def rows_text(self, b: int, most: int) -> str:
        """The heaviest training rows of prediction b, with their weights."""
        n_used = int(self.predictions.n_used[b])
        count = min(most, n_used)
        rows, weights = self.predictions.rows[b, :count], self.predictions.weights[b, :count]
        names = rows if self.labels is None else np.asarray(self.labels)[rows]
        parts = [
            f"{printable(name, 40)} ({100 * weight:.3g} %)"
            for name, weight in zip(names, weights, strict=True)
        ]
        return ", ".join(parts) + ", ..." * (n_used > count)


def print_answer(
    out: Console, answer: Answer, queries: QueryRows, directions: Directions | None = None
) -> None:
    """The whole answer, from the tables' sizes to the farthest rows."""
    _print_heading(out, answer, queries)
    if directions is not None:
        print_directions(out, directions)
    if answer.comparison is not None:
        print_comparison(out, answer.comparison, answer.targets)
    if len(answer.predictions):
        _print_predictions(out, answer)
        _print_verdicts(out, answer)
        if answer.known:
            _print_errors(out, answer)
        _print_rows(out, answer, queries)
    else:
        out.print("\nNo row could be predicted.", style="bold")
    notes = list(answer.notes)
    if queries.reasons:
        notes += _refused_sentences(queries)
    notes += status_sentences(answer.predictions.status, ("BOUNDARY", "STALLED", "LOOSE"))
    print_notes(out, notes)


def _refused_sentences(queries: QueryRows) -> list[str]:
    """How many rows are not predicted, and why the first of them is not."""
    row, reason = min(queries.reasons.items())
    name = printable(row if queries.ids is None else queries.ids[row], 40)
    rows = "row is" if len(queries.reasons) == 1 else "rows are"
    text = reason.removeprefix("not predicted: ")
    return [f"{len(queries.reasons):,} {rows} not predicted; row {name}: {printable(text, 200)}."]


def _print_heading(out: Console, answer: Answer, queries: QueryRows) -> None:
    d = len(answer.columns)
    names = ", ".join(printable(c, 20) for c in answer.columns[:6]) + (", ..." if d > 6 else "")
    missed = len(queries.reasons)
    refused = f" (and {missed:,} that could not be predicted)" if missed else ""
    grid = grid_of(
        ("training data", f"{answer.files[0]}: {rows_text(answer.n)}"),
        ("new rows", f"{answer.files[1]}: {rows_text(len(answer.predictions))}{refused}"),
        ("features", f"{d:,}: {names}"),
        ("method", _method_text(answer)),
        ("distance", f"{answer.metric_text} (--metric)"),
    )
    out.print()
    out.print(grid)


def _method_text(answer: Answer) -> str:
    if answer.comparison is None:
        return f"{answer.method} (--method)"
    return f"{answer.method}: the least error of left-out rows (--method)"


def _print_predictions(out: Console, answer: Answer) -> None:
    section(out, "Predictions")
    if answer.classes is not None:
        table = table_of(
            ("class", {"overflow": "fold"}),
            ("rows", {"justify": "right"}),
            ("mean share", {"justify": "right"}),
        )
        for k, label in enumerate(answer.classes.tolist()):
            count = int((answer.prediction() == label).sum())
            table.add_row(printable(label, 40), f"{count:,}", f"{answer.shares[:, k].mean():.3g}")
        indented(out, table)
        return
    table = table_of(*((name, {"justify": "right"}) for name in ("", *QUARTILES)))
    for k in range(len(answer.targets)):
        _add_quartiles(table, answer.heading("prediction", k), answer.prediction(k))
        if answer.bounded:
            _add_quartiles(table, answer.heading("bound", k), answer.predictions.bound[:, k])
    indented(out, table)


def _add_quartiles(table: Table, name: str, values: Floats) -> None:
    table.add_row(name, *(f"{value:.4g}" for value in quartiles(values)))


def _print_verdicts(out: Console, answer: Answer) -> None:
    section(out, "Where the new rows stand")
    table = counts_table("verdict")
    outside = (
        "the value at the nearest point of the hull"
        if answer.method == "delaunay"
        else "the training rows end before them"
    )
    meaning = {
        "inside": "of the convex hull of the training rows",
        "outside": f"of it: {outside}",
        "undecided": "on the hull's surface, up to rounding",
    }
    for word, text in meaning.items():
        count = int((answer.predictions.verdict == word).sum())
        if count or word != "undecided":
            add_count(out, table, word, count, of=len(answer.predictions), meaning=text)
    indented(out, table)


def _print_errors(out: Console, answer: Answer) -> None:
    if answer.classes is not None:
        (labels,) = answer.known.values()
        _print_correct(out, answer, labels)
        return
    for k, target in enumerate(answer.targets):
        if target in answer.known:
            _print_errors_of(out, answer, k)


def _print_errors_of(out: Console, answer: Answer, target: int) -> None:
    known = answer.known[answer.targets[target]]
    errors = prediction_errors(answer.predictions, known, float(answer.largest[target]), target)
    if errors is None:
        return
    section(out, f"Against the {answer.heading('target', target)} in the file of new rows")
    lines = [
        ("median absolute error", f"{errors.median:.4g}"),
        ("mean absolute error", f"{errors.mean:.4g}"),
    ]
    if not np.isnan(errors.r2):
        lines.append(("R2", f"{errors.r2:.3f}"))
    if answer.bounded:
        within = share(errors.n_within, errors.n_known)
        text = f"{errors.n_within:,} of {errors.n_known:,} ({within})"
        lines.append(("within their bound", text))
    indented(out, grid_of(*lines))


def _print_correct(out: Console, answer: Answer, known: Array) -> None:
    mask = known != ""
    if not mask.any():
        return
    right = int((known == answer.prediction())[mask].sum())
    total = int(mask.sum())
    section(out, "Against the labels in the file of new rows")
    out.print(f"  right: {right:,} of {total:,} ({share(right, total)})")
    unseen = int((~np.isin(known[mask], np.asarray(answer.classes))).sum())
    if unseen:
        verb = "is" if unseen == 1 else "are"
        out.print(f"  {unseen:,} of the labels {verb} not among those of the training rows")


def _print_rows(out: Console, answer: Answer, queries: QueryRows) -> None:
    """The rows farthest out, or with the largest bounds, and what made each prediction."""
    predictions = answer.predictions
    title, by = "The farthest rows", predictions.distance
    if not (by > 0).any():
        title = "The first rows"
        if answer.bounded:
            title, by = answer.heading("The largest bounds", 0), answer.predictions.bound[:, 0]
    order = np.argsort(-by, kind="stable")[:PREDICTED_ROWS]
    section(out, f"{title}, and the training rows that made each prediction")
    table = table_of(
        ("row", {"max_width": 16, "overflow": "fold"}),
        *_value_headings(answer),
        ("verdict", {"no_wrap": True}),
        ("distance", RIGHT_ALIGNED),
        ("rows used", {}),
    )
    labels = queries.labels
    for b in order.tolist():
        verdict = str(predictions.verdict[b])
        table.add_row(
            Text(printable(b if labels is None else labels[b], 40)),
            *_value_cells(answer, b),
            Text(verdict, style=STYLES[verdict]),
            f"{predictions.distance[b]:.3g}",
            Text(answer.rows_text(b, 3)),
        )
    indented(out, table)
    if queries.are_numbered or answer.labels is None:
        out.print("  Rows without a name are counted from 0.")


def _value_headings(answer: Answer) -> list[Any]:
    targets = range(min(len(answer.targets), PREDICTED_TARGETS))
    headings = [(answer.heading("prediction", k), RIGHT_ALIGNED) for k in targets]
    return (
        [*headings, ("bound", RIGHT_ALIGNED)]
        if answer.bounded and len(answer.targets) == 1
        else headings
    )


def _value_cells(answer: Answer, b: int) -> list[str]:
    if answer.classes is not None:
        return [printable(answer.prediction()[b], 20)]
    cells = [f"{value:.4g}" for value in answer.predictions.value[b, :PREDICTED_TARGETS]]
    if answer.bounded and len(answer.targets) == 1:
        cells.append(f"{answer.predictions.bound[b, 0]:.4g}")
    return cells
