"""The rows as the solvers see them: in coordinates in which the metric is plain distance."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import replace
from functools import cached_property, partial

import numpy as np

from .._core.types import Array, Floats, Indices
from ..io.rows import Answer, ArrayRows, Rows, ask
from ._longest_first import LONGEST_FIRST_ROWS, RowsByLength
from ._row_tiles import RowTiles
from .block_floats import row_norms
from .scaling import Frame, identity_frame

SAMPLE_RUNS = 16  # places of the source from which a sample is taken
LONGEST_SHARE = 3  # one row of so many, the longest, is searched first
MAX_NUMBERS_IN_MEMORY = 1 << 22  # a smaller cloud keeps its scaled rows (32 MiB)
TILED_ROWS = 1 << 12  # a smaller cloud is not worth the tiles


class ScaledView:
    """The rows of a source, seen in a frame: what the solvers talk to.

    `reach` and `largest` (d,) bound |x - shift| and |x| of every row, feature by feature, in units
    of the frame's `prescale`. Where the second is not much more than the first, float32 rows are
    multiplied as they are stored: <u, z> = <u f, x> - <u f, shift>, and no row is ever copied.
    """

    def __init__(self, source: Rows, frame: Frame, reach: Floats, largest: Floats) -> None:
        self.source, self.frame = source, frame
        self.n, self.rank = source.n, frame.rank
        self.in_memory = source.n * frame.rank <= MAX_NUMBERS_IN_MEMORY
        is_short = frame.fits_float32 and source.dtype == np.float32 and not self.in_memory
        self.multiplies_stored_rows = is_short and not _is_offset(frame, reach, largest)
        self.prefers_float32 = not self.in_memory  # for passes that decide nothing
        self._reach, self._largest = reach, largest
        self._sample: tuple[ScaledView, Indices] | None = None

    def ask(self, question: Callable[[ScaledView, int], Answer]) -> list[Answer]:
        """What each part of the rows answers, seen in this frame, in their order."""
        if self.in_memory:
            return [question(self, 0)]
        without_rows = copy(self)  # they are already where the question goes
        del without_rows.source
        without_rows._sample = None
        return ask(self.source, partial(_ask_part, without_rows, question))

    @cached_property
    def scaled_rows(self) -> Floats:
        """All framed rows of a small cloud."""
        return np.ascontiguousarray(self.frame.map(self.source.block(0, self.n)))

    @cached_property
    def scaled_columns(self) -> Floats:
        """(r, n) the same rows as columns, for kernels that look at many rows side by side."""
        return np.ascontiguousarray(self.scaled_rows.T)

    @cached_property
    def squares(self) -> Floats:
        """(n,) squared lengths of the rows of a small cloud."""
        return np.asarray(np.einsum("ij,ij->i", self.scaled_rows, self.scaled_rows))

    @property
    def looks_at_longest_first(self) -> bool:
        """Whether a pass for many directions takes the rows by their lengths."""
        return self.in_memory and self.n >= LONGEST_FIRST_ROWS

    @cached_property
    def rows_by_length(self) -> RowsByLength:
        """The rows of a small cloud, the longest first."""
        return RowsByLength.of(self.scaled_rows)

    @property
    def is_tiled(self) -> bool:
        """Whether float32 passes over the rows are made by the kernels of tiles."""
        return self.in_memory and self.n >= TILED_ROWS

    @cached_property
    def row_tiles(self) -> RowTiles:
        """The rows of a small cloud, in float32, as tiles."""
        return RowTiles.of(self.scaled_rows)

    @cached_property
    def longest_rows(self) -> tuple[ScaledView, Indices]:
        """The longest third of a small cloud, which is likely to bound it, and their numbers."""
        rows = np.sort(self.rows_by_length.order[: self.n // LONGEST_SHARE])
        Z = self.scaled_rows[rows]
        reach = np.abs(Z).max(axis=0)
        view = ScaledView(ArrayRows(Z), identity_frame(self.rank), reach, reach)
        return view.in_float32, rows

    @cached_property
    def in_float32(self) -> ScaledView:
        """The same rows, rounded wherever a pass may be single."""
        view = copy(self)
        view.prefers_float32 = True
        return view

    @cached_property
    def float32_rows(self) -> Array:
        """The framed rows of a small cloud, rounded."""
        return self.scaled_rows.astype(np.float32)

    def sample(self, size: int) -> tuple[ScaledView, Indices]:
        """About `size` rows, from 16 places, as a view of their own, and their numbers; kept."""
        if self._sample is None:
            run = size // SAMPLE_RUNS
            first = np.linspace(0, self.n - run, SAMPLE_RUNS).astype(np.intp)
            Z = np.concatenate([self.block(int(a), int(a) + run, False) for a in first])
            reach = np.abs(Z).max(axis=0)
            frame = identity_frame(self.rank)
            rows = (first[:, None] + np.arange(run)).ravel()
            self._sample = ScaledView(ArrayRows(Z), frame, reach, reach), rows
        return self._sample

    def folds_matrix(self, count: int, h: float) -> bool:
        """Whether a pass takes its directions through the metric's matrix instead of the rows.

        <u, y L'> = <u L, y>: the same scores, and rows are not mapped anew in every pass. Mapped
        rows have fewer coordinates where the metric sees few: then it depends on how many ask.
        """
        if self.in_memory or self.frame.matrix is None or h:
            return False
        d, r = self.frame.matrix.shape
        return bool(count * d < r * (count + d))

    @cached_property
    def diagonal_frame(self) -> Frame:
        """The frame without the metric's matrix."""
        return replace(self.frame, matrix=None)

    def on_device(self, single: bool) -> bool:
        """Whether the rows are multiplied where they are, by torch."""
        multiplies = getattr(self.source, "multiplies", None)
        return multiplies is not None and not self.in_memory and bool(multiplies(single))

    def block(self, start: int, stop: int, single: bool, folded: bool = False) -> Array:
        if self.in_memory:
            is_short = single and self.prefers_float32
            return (self.float32_rows if is_short else self.scaled_rows)[start:stop]
        rows = self.source.block(start, stop)
        if single and self.multiplies_stored_rows:
            return rows
        frame = self.diagonal_frame if folded else self.frame
        return frame.map_float32(rows) if single else frame.map(rows)

    def take(self, rows: Indices) -> Floats:
        return self.scaled_rows[rows] if self.in_memory else self.frame.map(self.source.take(rows))

    def float32_directions(self, U: Floats) -> Floats:
        """The directions nearest to U that a float32 pass multiplies exactly as they are."""
        if self.multiplies_stored_rows:
            return np.asarray((U * self.frame.factor).astype(np.float32) / self.frame.factor)
        return U.astype(np.float32).astype(np.float64)

    def operands(self, U: Floats, single: bool, h: float = 0.0) -> tuple[Array, Floats]:
        """What a block is multiplied with for directions U, and what to take off every score."""
        if self.frame.matrix is not None and self.folds_matrix(len(U), h):
            U = U @ self.frame.matrix.T
        elif single and self.multiplies_stored_rows:
            D = np.ascontiguousarray(U * self.frame.factor, dtype=np.float32)
            return D, D.astype(np.float64) @ self.frame.shift
        dtype = np.float32 if single and self.prefers_float32 else np.float64
        return np.ascontiguousarray(U, dtype=dtype), np.zeros(len(U))

    def rounding_bound(self, U: Floats, single: bool) -> Floats:
        """Bound on the error of every computed <u, z>, for each row u of U.

        Every summation order obeys |error| <= gamma_k sum_j |u_j| |z_j| with k terms (Higham,
        Accuracy and Stability, section 3.1); eight more roundings cover the frame itself. A
        metric's matrix adds d terms, whether the rows go through it or the directions.
        """
        single = single and self.prefers_float32
        terms = 8 + self.rank + (0 if self.frame.matrix is None else len(self.frame.shift))
        unit = 2.0**-24 if single else 2.0**-53
        gamma = terms * unit / (1 - terms * unit)
        if single:
            gamma += getattr(self.source, "coarse", 0.0)
        size = self._largest if single and self.multiplies_stored_rows else self._reach
        size = size * np.abs(self.frame.factor)
        if self.frame.matrix is not None:
            size = size @ np.abs(self.frame.matrix)
        tiny = terms * (1e-37 if single else 1e-300)
        return np.asarray(gamma * (np.abs(U) @ size) * (1 + 1e-12) + tiny)


def _is_offset(frame: Frame, reach: Floats, largest: Floats) -> bool:
    """Whether the rows are farther from zero than they are from each other."""
    sizes = np.stack([largest, reach]) * frame.factor
    size, spread = row_norms(sizes)
    return bool(size / 4 > spread)


def _ask_part(
    view: ScaledView, question: Callable[[ScaledView, int], Answer], rows: Rows, start: int
) -> Answer:
    """A question put to a part of the rows: how it is looked at is as for the whole."""
    part = copy(view)
    part.source, part.n = rows, rows.n
    return question(part, start)
