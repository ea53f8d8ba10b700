"""The table of methods that `hullwise predict` compares, and what to think of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console
from rich.text import Text

from ..report.words import printable
from ._layout import RIGHT_ALIGNED, indented, rows_text, section, table_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..reliability.method_comparison import MethodComparison

COMPARED_TARGETS = 3  # beside one another


def print_comparison(out: Console, comparison: MethodComparison, targets: Sequence[str]) -> None:
    """Each method with its left-out error, the best first, and notes below."""
    section(out, "Methods, by the error of training rows left out in turn")
    names = [printable(name, 20) for name in targets[:COMPARED_TARGETS]]
    headings = ["wrong"] if comparison.wrong is not None else []
    if comparison.wrong is None:
        headings = ["error"] if len(names) == 1 else [f"error {name}" for name in names]
        headings += ["over the folds", "median"] if len(names) == 1 else ["all / spread"]
    else:
        headings.append("error of shares")
    table = table_of(("method", {}), *((name, RIGHT_ALIGNED) for name in [*headings, "seconds"]))
    for i in np.argsort(comparison.score, kind="stable").tolist():
        if np.isfinite(comparison.score[i]):
            table.add_row(comparison.methods[i], *_cells(comparison, i))
    indented(out, table)
    for line in _comments(comparison):
        indented(out, Text(line))


def _cells(comparison: MethodComparison, i: int) -> list[str]:
    seconds = f"{comparison.seconds[i]:.1f}"
    if comparison.wrong is not None:
        return [f"{100 * comparison.wrong[i]:.1f} %", f"{comparison.score[i]:.3g}", seconds]
    errors = [f"{value:.4g}" for value in comparison.error[i, :COMPARED_TARGETS]]
    if len(errors) > 1:
        return [*errors, f"{comparison.score[i]:.3f}", seconds]
    spread, median = comparison.spread[i, 0], comparison.median_error[i, 0]
    return [*errors, f"+- {spread:.2g}", f"{median:.4g}", seconds]


def _comments(comparison: MethodComparison) -> list[str]:
    best, constant = comparison.best, comparison.methods[-1]
    i, n_folds = comparison.methods.index(best), comparison.fold_score.shape[1]
    groups = comparison.n_groups
    of_groups = f" in {groups:,} groups" if groups < comparison.n_rows else ""
    lines = [
        f"{best} has the least error over {n_folds} folds of {rows_text(comparison.n_rows)}"
        f"{of_groups} and is taken; --method takes another."
    ]
    equals = [
        name
        for name, is_as_good in zip(comparison.methods[:-1], comparison.as_good)
        if is_as_good and name != best
    ]
    if equals:
        lines.append(f"Not worse by more than the folds can tell: {', '.join(equals)}.")
    corrected = comparison.corrected_score
    if comparison.error.shape[1] == 1 and comparison.wrong is None:
        expected = f"{corrected * comparison.scale[0]:.4g}, not {comparison.error[i, 0]:.4g}"
    else:
        expected = f"{corrected:.3g}, not {comparison.score[i]:.3g}"
    if f"{corrected:.3g}" != f"{comparison.score[i]:.3g}":
        lines.append(f"The least of several errors is too small: expect about {expected}.")
    if not comparison.beats_constant:
        lines.append(
            f"No method beats the {constant}, which looks at no feature: "
            "the features may say nothing of the target."
        )
    lines += [f"{name} could not be used: {text}" for name, text in comparison.failures.items()]
    return lines
