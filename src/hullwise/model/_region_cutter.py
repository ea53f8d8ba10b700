"""Cutting a rectangle of a plane by all layers, piece by piece.

A *piece* is some polygons with the network's values at their corners, between two layers. One that
would need more working memory than there is for it is divided, and its parts are cut one after
another through all layers, so that memory grows with what is finished only. A polygon that many
walls cross is cut by some of them first, then divided. Nothing is judged by the piece that it is
in: what counts as zero is laid down before the first division (`LayerValues.part`).

In the main thread a long cut runs in a thread beside it, so that Ctrl-C is heard; short ones, and
those of other threads, run where they are called.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from threading import current_thread, main_thread
from typing import Any

import numpy as np

from .._core.threads import StopFlag, run_in_threads
from .._core.types import Floats, Ints, Mask, Progress
from ..errors import StoppedError
from ._complex_parts import crossing_counts, group_faces, split_complex
from ._layer_cuts import LayerCut, cut_layer
from ._layer_values import LayerValues
from ._layer_walls import LayerWalls, layer_walls
from ._packed_codes import PackedCodes, pack_codes, used_levels
from ._piecewise_layers import Pieces, Units
from ._wall_sides import vertex_sides
from .network import Network
from .planar_complex import RECTANGLE_CORNERS, Complex, TooManyFaces, cut, rectangle

SHORT_CUT_REGIONS = 20_000  # regions before a layer; up to twice as many behind it take some 10 ms
FIRST_WALLS = 64  # of a polygon that all at once would cut in too many
ROW_COPIES = 3  # of a vertex' values while a layer is cut: before, behind it, and in the cut
CUT_ROW_BYTES = 400  # what a cut needs for a vertex, its edges and its polygon
PROGRESS_STEPS = 1000  # of work that was divided


class RegionLimit(Exception):
    """More than `max_regions` regions after a layer."""

    def __init__(self, layer: int) -> None:
        self.layer = layer


@dataclass(eq=False)
class Piece:
    """Polygons that are cut by the first `layer` layers; `share` is their part of all work.

    root: while they are cut by the walls of a layer in several passes, the polygons before it.
    """

    complex: Complex
    values: LayerValues
    owned: Mask
    share: float
    levels: tuple[PackedCodes, ...] = ()
    layer: int = 0
    has_input: bool = False  # of the next units
    root: Ints | None = None

    @property
    def n_fixed(self) -> int:
        return len(self.owned)


@dataclass(frozen=True, eq=False)
class CutPiece:
    """Regions of the whole network: outer half-edges name tags (`_complex_parts`)."""

    complex: Complex
    levels: tuple[PackedCodes, ...]
    owned: Mask
    outputs: Floats
    output_errors: Floats

    @property
    def nbytes(self) -> int:
        arrays = self.complex.xy, self.complex.halves, self.complex.first, self.outputs
        return sum(one.nbytes for one in arrays) + sum(one.nbytes for one in self.levels)


@dataclass(eq=False)
class RegionCutter:
    """The pieces of all regions in a rectangle, one after another.

    n_layers: how many are cut. After each layer n_regions[layer] regions are there so far.
    """

    net: Network
    origin: Floats
    axes: Floats
    half: Floats
    n_layers: int
    max_regions: int
    work_bytes: int
    stop: StopFlag
    progress: Progress | None = None
    n_regions: list[int] = field(default_factory=list)
    is_divided: bool = False
    _pending: list[Piece] = field(default_factory=list)
    _next_tag: int = 0
    _done: float = 0.0

    def __post_init__(self) -> None:
        complex_ = rectangle(-self.half, self.half)
        values = LayerValues(self.net, self.origin + complex_.xy @ self.axes)
        self.n_regions = [0] * self.n_layers
        self._pending = [Piece(complex_, values, np.ones(RECTANGLE_CORNERS, np.bool_), 1.0)]

    def pieces(self) -> Iterator[CutPiece]:
        """All pieces.

        Raises
        ------
        RegionLimit
            If more than `max_regions` regions come after a layer.
        StoppedError
            If `stop` was set.
        """
        while self._pending:
            piece = self._pending.pop()
            while piece.layer < self.n_layers:
                parts = self._cut_next(piece)
                if parts:
                    self._pending += parts[::-1]
                    break
            else:
                if not self.n_layers:
                    self._raise_if_stopped(0)
                yield self._finished(piece)

    def _cut_next(self, piece: Piece) -> list[Piece]:
        """Cut a piece by walls of its next layer, or divide it: then its parts."""
        layer = self.net.layers[piece.layer]
        self._report(piece)
        if not piece.has_input:
            piece.values.advance()
            piece.has_input = True
        units: Any = self.net.nodes[layer.node].op
        plan = self._plan(piece, units)
        if plan is None:
            self._cut_all_walls(piece, units)
        elif isinstance(plan, LayerWalls):
            if not self._cut_by(piece, plan, layer.start):
                self._cut_all_walls(piece, units)  # rounding left no chord of these
        else:
            return self._divide(piece, plan)
        return []

    def _plan(self, piece: Piece, units: Units) -> LayerWalls | Floats | None:
        """What to do with a piece: cut it by all walls (None), by some, or divide it.

        To divide it are given the rows of values that each polygon will need, in shares of what
        there is room for.
        """
        complex_, values = piece.complex, piece.values
        walls = layer_walls(units, values.range, values.noise)
        n = len(walls.levels)
        row_bytes = 8 * (ROW_COPIES * values.row_numbers + 3 * len(walls.entries)) + CUT_ROW_BYTES
        room = max(1.0, self.work_bytes / row_bytes)  # vertices
        most = complex_.n_faces * float(_cells_of_chords(np.full(1, float(n)))[0])
        if len(complex_.xy) + most <= room or not n:
            return None
        above, below, folds = vertex_sides(
            values.z, walls.ends, walls.entries, walls.levels, walls.tolerances(values.noise)
        )
        counts = crossing_counts(
            above, below, folds, complex_.first, complex_.after, complex_.start
        )
        cells = _cells_of_chords(counts.astype(np.float64))
        if len(complex_.xy) + cells.sum() <= room:
            return None
        if complex_.n_faces > 1:
            return np.asarray((cells + len(complex_.xy) / complex_.n_faces) / room)
        few = int(min(FIRST_WALLS, max(1.0, 2 * room**0.5)))
        if not isinstance(units, Pieces) or counts[0] <= 2 * few:
            return None
        z, entries, levels = values.z, walls.entries, walls.levels
        tolerance = walls.tolerances(values.noise)
        low, high = z.min(axis=0)[entries], z.max(axis=0)[entries]
        passing = np.flatnonzero((high > levels + tolerance) & (low < levels - tolerance))[:few]
        one_each = np.arange(len(passing) + 1)
        return LayerWalls(one_each, entries[passing], levels[passing], walls.units[passing])

    def _divide(self, piece: Piece, needed: Floats) -> list[Piece]:
        complex_, self.is_divided = piece.complex, True
        n_groups = int(min(np.ceil(needed.sum()), complex_.n_faces))
        corners = complex_.xy[complex_.start[complex_.first]]
        labels = group_faces(corners, needed, max(2, n_groups))
        parts, self._next_tag = split_complex(complex_, piece.owned, labels, self._next_tag)
        out = []
        for part in parts:
            before, root = part.faces, None
            if piece.root is not None:
                before, root = np.unique(piece.root[part.faces], return_inverse=True)
            out.append(
                Piece(
                    complex=part.complex,
                    values=piece.values.part(part.vertices),
                    owned=part.owned,
                    share=piece.share * float(needed[part.faces].sum() / needed.sum()),
                    levels=used_levels(piece.levels, before),
                    layer=piece.layer,
                    has_input=True,
                    root=root,
                )
            )
        return out

    def _cut_by(self, piece: Piece, walls: LayerWalls, start: int) -> bool:
        """Cut by some walls of a layer; whether there are more polygons."""
        values = piece.values
        tolerances = walls.tolerances(values.noise)
        limit = self._regions_left(piece.layer)
        try:
            new = cut(
                *(piece.complex, values.z, walls, tolerances, walls.units + start),
                *(limit, self.stop.flag),
            )
        except TooManyFaces:
            self._raise_if_stopped(piece.layer)
            raise RegionLimit(piece.layer) from None
        is_cut = new.complex.n_faces > piece.complex.n_faces
        values.extend(new.a, new.b, new.t)
        piece.root = new.root if piece.root is None else piece.root[new.root]
        piece.complex = new.complex
        return is_cut

    def _cut_all_walls(self, piece: Piece, units: Units) -> None:
        i, values = piece.layer, piece.values
        layer = self.net.layers[i]
        try:
            step = _cut_interruptibly(
                *(piece.complex, units, values, layer.start, piece.n_fixed),
                *(self._regions_left(i), self.stop),
            )
        except TooManyFaces:
            self._raise_if_stopped(i)
            raise RegionLimit(i) from None
        self._raise_if_stopped(i)
        if step.new is not None:
            values.extend(step.new.a, step.new.b, step.new.t)
        if step.vertices is not None:
            values.keep(step.vertices)
        values.bend()
        root = step.codes.root if piece.root is None else piece.root[step.codes.root]
        packed = pack_codes(units, step.codes.codes, root, self.n_regions[i])
        piece.complex, piece.levels = step.complex, (*piece.levels, packed)
        piece.root, piece.has_input, piece.layer = None, False, i + 1
        self.n_regions[i] += len(packed)
        self._done += piece.share / self.n_layers

    def _regions_left(self, layer: int) -> int:
        return self.max_regions - self.n_regions[layer]

    def _raise_if_stopped(self, layer: int) -> None:
        if self.stop.is_set():
            of = len(self.net.layers)
            raise StoppedError(f"the slice was stopped in layer {min(layer + 1, of)} of {of}")

    def _report(self, piece: Piece) -> None:
        if self.progress is None:
            return
        if not self.is_divided:
            n = piece.complex.n_faces
            self.progress(piece.layer, len(self.net.layers), f"{n:,} regions")
        else:
            done = min(int(PROGRESS_STEPS * self._done), PROGRESS_STEPS)
            self.progress(done, PROGRESS_STEPS, f"{self.n_regions[-1]:,} regions")

    def _finished(self, piece: Piece) -> CutPiece:
        values = piece.values
        if self.n_layers < len(self.net.layers):  # not cut by the rest: their values at the corners
            values = LayerValues(self.net, self.origin + piece.complex.xy @ self.axes)
            for _ in self.net.layers:
                values.advance()
                values.bend()
        outputs, errors = values.finish()
        return CutPiece(piece.complex, piece.levels, piece.owned, outputs, errors)


def _cells_of_chords(n: Floats) -> Floats:
    """About how many cells n walls make of a polygon; half of all pairs meet in it."""
    return np.asarray(1 + n + n * (n - 1) / 4)


def _cut_interruptibly(
    old: Complex,
    units: Units,
    values: LayerValues,
    start: int,
    n_fixed: int,
    max_regions: int,
    stop: StopFlag,
) -> LayerCut:
    """`cut_layer` such that Ctrl-C is heard, which the main thread does between steps of Python.

    There only what is short is done at once, the rest in a thread of its own.
    """
    inputs = old, units, values.z, values.range, values.noise, start, n_fixed
    if current_thread() is not main_thread():
        return cut_layer(*inputs, max_regions, stop)
    if old.n_faces < SHORT_CUT_REGIONS:
        few = min(max_regions, 2 * SHORT_CUT_REGIONS)
        try:
            return cut_layer(*inputs, few, stop)
        except TooManyFaces:
            if few == max_regions or stop.is_set():
                raise
    results: list[LayerCut] = []

    def task(_: None, stop: StopFlag) -> None:
        with np.errstate(over="raise", invalid="raise"):  # the caller's settings are not this one's
            results.append(cut_layer(*inputs, max_regions, stop))

    run_in_threads(task, [None], 2, stop)
    return results[0]
