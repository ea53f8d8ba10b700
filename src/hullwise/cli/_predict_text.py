"""What `hullwise predict` says on the terminal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from scipy.sparse import csr_array

from ..show._words import plain, share
from ._text import STYLES, add_count, counts_table, grid_of, indented, rows_text, section, table_of

if TYPE_CHECKING:
    from ..predict.bound import ErrorBound
    from ..rows._rows import Floats
    from ._input import Queries

SHOWN = 8


@dataclass(frozen=True, eq=False)
class Answer:
    """Predictions of the rows that could be predicted, and what made them."""

    method: str
    metric_text: str
    columns: tuple[str, ...]
    n: int
    prediction: NDArray[Any]
    weights: csr_array
    verdict: NDArray[np.str_]
    distance: Floats
    bound: ErrorBound | None
    known: NDArray[Any] | None
    classes: NDArray[Any] | None
    shares: Floats | None
    labels: Any  # of the training rows, or None
    files: tuple[str, ...]
    notes: tuple[str, ...]

    def rows_of(self, b: int, most: int) -> str:
        """The heaviest training rows of prediction b, with their weights."""
        span = slice(self.weights.indptr[b], self.weights.indptr[b + 1])
        rows, w = self.weights.indices[span], self.weights.data[span]
        order = np.lexsort((rows, -np.abs(w)))
        names = rows if self.labels is None else np.asarray(self.labels)[rows]
        told = [f"{plain(names[i], 40)} ({100 * w[i]:.3g} %)" for i in order[:most]]
        return ", ".join(told) + ", ..." * (len(order) > most)


def print_answer(out: Console, answer: Answer, queries: Queries) -> None:
    """The whole answer, from the tables' sizes to the farthest rows."""
    _print_heading(out, answer, queries)
    if not len(answer.prediction):
        out.print("\nNo row could be predicted.", style="bold")
        return
    _print_predictions(out, answer)
    _print_verdicts(out, answer)
    if answer.known is not None:
        _print_errors(out, answer)
    _print_rows(out, answer, queries)
    notes = list(answer.notes)
    if queries.reasons:
        have = "row has" if len(queries.reasons) == 1 else "rows have"
        notes.append(f"{len(queries.reasons):,} {have} missing or infinite values: not predicted.")
    if notes:
        section(out, "Notes")
        for note in notes:
            out.print(Padding(Text(note), (0, 0, 0, 2)))


def _print_heading(out: Console, answer: Answer, queries: Queries) -> None:
    d = len(answer.columns)
    names = ", ".join(plain(c, 20) for c in answer.columns[:6]) + (", ..." if d > 6 else "")
    missed = len(queries.reasons)
    kept = f" (and {missed:,} that could not be predicted)" if missed else ""
    grid = grid_of(
        ("training data", f"{answer.files[0]}: {rows_text(answer.n)}"),
        ("new rows", f"{answer.files[1]}: {rows_text(len(answer.prediction))}{kept}"),
        ("features", f"{d:,}: {names}"),
        ("method", f"{answer.method} (--method)"),
        ("distance", f"{answer.metric_text} (--metric)"),
    )
    out.print()
    out.print(grid)


def _print_predictions(out: Console, answer: Answer) -> None:
    section(out, "Predictions")
    if answer.classes is not None and answer.shares is not None:
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
    if answer.bound is not None:
        _add_quartiles(table, "bound", answer.bound.total)
    indented(out, table)


QUARTILES = ("least", "25 %", "median", "75 %", "largest")


def _add_quartiles(table: Table, name: str, values: Floats) -> None:
    cells = np.quantile(values, [0, 0.25, 0.5, 0.75, 1])
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
        count = int((answer.verdict == word).sum())
        if count or word != "undecided":
            add_count(out, table, word, count, of=len(answer.verdict), meaning=text)
    indented(out, table)


def _print_errors(out: Console, answer: Answer) -> None:
    known = answer.known
    assert known is not None
    if answer.classes is not None:
        right = int((known.astype(str) == answer.prediction).sum())
        section(out, "Against the labels in the file of new rows")
        out.print(f"  right: {right:,} of {len(known):,} ({share(right, len(known))})")
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
    if answer.bound is not None:
        within = int((error <= answer.bound.total[have]).sum())
        told = f"{within:,} of {len(error):,} ({share(within, len(error))})"
        lines.append(("within their bound", told))
    indented(out, grid_of(*lines))


def _print_rows(out: Console, answer: Answer, queries: Queries) -> None:
    """The rows that are farthest out, with the training rows behind each prediction."""
    order = np.argsort(-answer.distance, kind="stable")[:SHOWN]
    title = "The farthest rows" if (answer.distance[order] > 0).any() else "The first rows"
    section(out, f"{title}, and the training rows that made each prediction")
    table = table_of(
        ("row", {"max_width": 16, "overflow": "fold"}),
        ("prediction", {"justify": "right", "no_wrap": True}),
        ("verdict", {"no_wrap": True}),
        ("distance", {"justify": "right", "no_wrap": True}),
        ("rows used", {}),
    )
    labels = queries.labels
    for b in order.tolist():
        value = answer.prediction[b]
        verdict = str(answer.verdict[b])
        table.add_row(
            Text(plain(b if labels is None else labels[b], 40)),
            plain(value, 20) if answer.classes is not None else f"{value:.4g}",
            Text(verdict, style=STYLES[verdict]),
            f"{answer.distance[b]:.3g}",
            Text(answer.rows_of(b, 3)),
        )
    indented(out, table)
