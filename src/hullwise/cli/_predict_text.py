"""What `hullwise predict` says on the terminal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..report.words import plain, share
from ._both_text import print_directions
from ._text import (
    STYLES,
    add_count,
    counts_table,
    grid_of,
    indented,
    print_notes,
    rows_text,
    section,
    status_notes,
    table_of,
)

if TYPE_CHECKING:
    from .._core.types import Floats
    from ..metrics import Directions
    from ._input import Queries
    from ._predicted import Predicted

SHOWN = 8


@dataclass(frozen=True, eq=False)
class Answer:
    """Predictions of the rows that could be predicted, and what made them."""

    method: str
    metric_text: str
    columns: tuple[str, ...]
    n: int
    found: Predicted
    bounded: bool
    largest: float  # size of a training target
    known: NDArray[Any] | None  # NaN or "" where missing
    classes: NDArray[Any] | None
    labels: Any  # of the training rows, or None
    files: tuple[str, str]
    notes: tuple[str, ...]

    @property
    def shares(self) -> Floats:
        """(m, k) share of each class, sum 1."""
        value = self.found.value
        return np.asarray(value / value.sum(axis=1, keepdims=True))

    @property
    def prediction(self) -> NDArray[Any]:
        """(m,) number, or class with the largest share."""
        if self.classes is None:
            return self.found.value[:, 0]
        return np.asarray(self.classes[self.shares.argmax(axis=1)])

    @property
    def bound(self) -> Floats:
        """(m,)"""
        return self.found.bound[:, 0]

    def rows_of(self, b: int, most: int) -> str:
        """The heaviest training rows of prediction b, with their weights."""
        count = min(most, int(self.found.used[b]))
        rows, w = self.found.rows[b, :count], self.found.weights[b, :count]
        names = rows if self.labels is None else np.asarray(self.labels)[rows]
        told = [f"{plain(name, 40)} ({100 * x:.3g} %)" for name, x in zip(names, w, strict=True)]
        return ", ".join(told) + ", ..." * (int(self.found.used[b]) > count)


def print_answer(
    out: Console, answer: Answer, queries: Queries, directions: Directions | None = None
) -> None:
    """The whole answer, from the tables' sizes to the farthest rows."""
    _print_heading(out, answer, queries)
    if directions is not None:
        print_directions(out, directions)
    if len(answer.found):
        _print_predictions(out, answer)
        _print_verdicts(out, answer)
        if answer.known is not None:
            _print_errors(out, answer)
        _print_rows(out, answer, queries)
    else:
        out.print("\nNo row could be predicted.", style="bold")
    notes = list(answer.notes)
    if queries.reasons:
        have = "row has" if len(queries.reasons) == 1 else "rows have"
        notes.append(f"{len(queries.reasons):,} {have} missing or infinite values: not predicted.")
    notes += status_notes(answer.found.status, ("BOUNDARY", "STALLED", "LOOSE"))
    print_notes(out, notes)


def _print_heading(out: Console, answer: Answer, queries: Queries) -> None:
    d = len(answer.columns)
    names = ", ".join(plain(c, 20) for c in answer.columns[:6]) + (", ..." if d > 6 else "")
    missed = len(queries.reasons)
    kept = f" (and {missed:,} that could not be predicted)" if missed else ""
    grid = grid_of(
        ("training data", f"{answer.files[0]}: {rows_text(answer.n)}"),
        ("new rows", f"{answer.files[1]}: {rows_text(len(answer.found))}{kept}"),
        ("features", f"{d:,}: {names}"),
        ("method", f"{answer.method} (--method)"),
        ("distance", f"{answer.metric_text} (--metric)"),
    )
    out.print()
    out.print(grid)


def _print_predictions(out: Console, answer: Answer) -> None:
    section(out, "Predictions")
    if answer.classes is not None:
        table = table_of(
            ("class", {"overflow": "fold"}),
            ("rows", {"justify": "right"}),
            ("mean share", {"justify": "right"}),
        )
        for k, label in enumerate(answer.classes.tolist()):
            count = int((answer.prediction == label).sum())
            table.add_row(plain(label, 40), f"{count:,}", f"{answer.shares[:, k].mean():.3g}")
        indented(out, table)
        return
    table = table_of(*((name, {"justify": "right"}) for name in ("", *QUARTILES)))
    _add_quartiles(table, "prediction", answer.prediction)
    if answer.bounded:
        _add_quartiles(table, "bound", answer.bound)
    indented(out, table)


QUARTILES = ("least", "25 %", "median", "75 %", "largest")


def _add_quartiles(table: Table, name: str, values: Floats) -> None:
    with np.errstate(invalid="ignore"):
        cells = np.quantile(values, [0, 0.25, 0.5, 0.75, 1])
    cells[np.isnan(cells)] = np.inf  # towards a bound that is infinite
    table.add_row(name, *(f"{v:.4g}" for v in cells))


def _print_verdicts(out: Console, answer: Answer) -> None:
    section(out, "Where the new rows stand")
    table = counts_table("verdict")
    outside = (
        "the value at the nearest point of the hull"
        if answer.method == "delaunay"
        else "the training rows end before them"
    )
    meaning = {
        "inside": "an average of training rows",
        "outside": f"of the convex hull of the training rows: {outside}",
        "undecided": "on the hull's surface, up to rounding",
    }
    for word, text in meaning.items():
        count = int((answer.found.verdict == word).sum())
        if count or word != "undecided":
            add_count(out, table, word, count, of=len(answer.found), meaning=text)
    indented(out, table)


def _print_errors(out: Console, answer: Answer) -> None:
    known = answer.known
    assert known is not None
    if answer.classes is not None:
        _print_right(out, answer, known)
        return
    have = np.isfinite(known)
    if not have.any():
        return
    error = np.abs(answer.prediction - known)[have]
    section(out, "Against the target in the file of new rows")
    lines = [
        ("median absolute error", f"{np.median(error):.4g}"),
        ("mean absolute error", f"{error.mean():.4g}"),
    ]
    spread = float(np.square(known[have] - known[have].mean()).sum())
    if spread > 0:
        lines.append(("R2", f"{1 - float(np.square(error).sum()) / spread:.3f}"))
    if answer.bounded:
        # a sum of k products is rounded k + 1 times
        rounding = (answer.found.used[have] + 1) * 2.0**-53 * answer.largest
        within = int((error <= answer.bound[have] + rounding).sum())
        told = f"{within:,} of {len(error):,} ({share(within, len(error))})"
        lines.append(("within their bound", told))
    indented(out, grid_of(*lines))


def _print_right(out: Console, answer: Answer, known: NDArray[Any]) -> None:
    have = known != ""
    if not have.any():
        return
    right = int((known == answer.prediction)[have].sum())
    total = int(have.sum())
    section(out, "Against the labels in the file of new rows")
    out.print(f"  right: {right:,} of {total:,} ({share(right, total)})")
    unseen = int((~np.isin(known[have], np.asarray(answer.classes))).sum())
    if unseen:
        verb = "is" if unseen == 1 else "are"
        out.print(f"  {unseen:,} of the labels {verb} not among those of the training rows")


def _print_rows(out: Console, answer: Answer, queries: Queries) -> None:
    """The rows farthest out, or with the largest bounds, and what made each prediction."""
    found = answer.found
    title, by = "The farthest rows", found.distance
    if not (by > 0).any():
        title = "The first rows"
        if answer.bounded:
            title, by = "The largest bounds", answer.bound
    order = np.argsort(-by, kind="stable")[:SHOWN]
    section(out, f"{title}, and the training rows that made each prediction")
    right: dict[str, Any] = {"justify": "right", "no_wrap": True}
    table = table_of(
        ("row", {"max_width": 16, "overflow": "fold"}),
        ("prediction", right),
        *([("bound", right)] if answer.bounded else []),
        ("verdict", {"no_wrap": True}),
        ("distance", right),
        ("rows used", {}),
    )
    labels, prediction = queries.labels, answer.prediction
    for b in order.tolist():
        value, verdict = prediction[b], str(found.verdict[b])
        table.add_row(
            Text(plain(b if labels is None else labels[b], 40)),
            plain(value, 20) if answer.classes is not None else f"{value:.4g}",
            *([f"{answer.bound[b]:.4g}"] if answer.bounded else []),
            Text(verdict, style=STYLES[verdict]),
            f"{found.distance[b]:.3g}",
            Text(answer.rows_of(b, 3)),
        )
    indented(out, table)
    if queries.counted or answer.labels is None:
        out.print("  Rows without a name are counted from 0.")
