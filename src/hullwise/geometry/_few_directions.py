"""A pass for a few directions over rows in memory, as one kernel: what a single query needs.

A product for each group of rows, as a pass for many directions makes, would spend most of its time
on starting. The rows lie as columns, so that the sums of many rows grow side by side; each row's
sum is made in the same order, so equal rows get equal scores.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core.numba import inlined, jit
from .._core.types import Floats, Indices
from .scaled_view import ScaledView

FEW_DIRECTIONS = 8
FEW_PRODUCTS = 1 << 24  # beyond this a pass on several threads is sooner done
ROWS_AT_ONCE = 1024  # whose sums stay in the processor's nearest cache


def suits_kernel(view: ScaledView, count: int) -> bool:
    """Whether a pass for so many directions is made by a kernel."""
    return (
        view.in_memory
        and 0 < count <= FEW_DIRECTIONS
        and count * view.n * view.rank <= FEW_PRODUCTS
    )


def best_of_groups(
    view: ScaledView, U: Floats, starts: Indices, exclude: Indices | None
) -> tuple[Indices, Floats]:
    """The best row of each group and its score, (B, groups) both; groups begin at `starts`.

    The last of `starts` is the number of rows. A group of which no row may be seen has the row 0
    and the score -inf.
    """
    shape = (len(U), len(starts) - 1)
    winners, scores = np.zeros(shape, dtype=np.intp), np.full(shape, -np.inf)
    hidden = np.full(len(U), -1) if exclude is None else np.ascontiguousarray(exclude, np.intp)
    _best_of_groups(view.scaled_columns, U, starts, hidden, winners, scores, np.empty(ROWS_AT_ONCE))
    return winners, scores


def best_rows(view: ScaledView, U: Floats, h: float, k: int) -> tuple[Floats, Indices]:
    """The k largest <u, z> - h |z|^2 for each direction: values and rows, (B, k), best first."""
    values, rows = np.full((len(U), k), -np.inf), np.full((len(U), k), view.n, dtype=np.intp)
    columns = view.scaled_columns
    _best_rows(columns, view.squares, U, float(h), values, rows, np.empty(ROWS_AT_ONCE))
    return values, rows


@inlined
def _score_rows(columns: Any, u: Any, start: int, stop: int, scores: Any) -> None:
    """scores = <u, z> for the rows from start to stop."""
    for i in range(stop - start):
        scores[i] = u[0] * columns[0, start + i]
    for j in range(1, u.shape[0]):
        weight, column = u[j], columns[j]
        for i in range(stop - start):
            scores[i] += weight * column[start + i]


@jit
def _best_of_groups(
    columns: Any, U: Any, starts: Any, hidden: Any, winners: Any, best: Any, scores: Any
) -> None:
    for b in range(U.shape[0]):
        for g in range(starts.shape[0] - 1):
            for start in range(starts[g], starts[g + 1], ROWS_AT_ONCE):
                stop = start + ROWS_AT_ONCE
                if stop > starts[g + 1]:
                    stop = starts[g + 1]
                _score_rows(columns, U[b], start, stop, scores)
                if start <= hidden[b] < stop:
                    scores[hidden[b] - start] = -np.inf
                for i in range(stop - start):
                    if scores[i] > best[b, g]:
                        best[b, g], winners[b, g] = scores[i], start + i


@jit
def _best_rows(
    columns: Any, squares: Any, U: Any, h: float, values: Any, rows: Any, scores: Any
) -> None:
    n, k = columns.shape[1], values.shape[1]
    for b in range(U.shape[0]):
        for start in range(0, n, ROWS_AT_ONCE):
            stop = start + ROWS_AT_ONCE
            if stop > n:
                stop = n
            _score_rows(columns, U[b], start, stop, scores)
            for i in range(stop - start):
                score = scores[i] - h * squares[start + i]
                if score > values[b, k - 1]:
                    at = k - 1
                    while at > 0 and values[b, at - 1] < score:
                        values[b, at], rows[b, at] = values[b, at - 1], rows[b, at - 1]
                        at -= 1
                    values[b, at], rows[b, at] = score, start + i
