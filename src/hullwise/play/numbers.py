"""The numbers that belong to a frame: pieces, rows on them, losses.

Keys of the message "numbers":

frame, configuration, step
    What they belong to.
pieces, pieces_with_rows, pieces_mixed
    Regions in view; regions that hold rows in view; those that hold rows of more than one class
    (null for values). pieces is null where inputs are curved: the picture's polygons are then those
    of chords, and no regions. partial: the view has more than `MAX_DRAWN_REGIONS`, counted are
    those of the first layers.
pieces_by_layer
    Regions after each layer on a fixed rectangle around the data, whatever the view, at
    pieces_step; null where curved.
loss, loss_new, accuracy, accuracy_new
    At rest (no dropout, no mixup), on the rows and on new ones, at loss_step; null for none.
batch_loss
    The mean loss of the batches since the last frame, penalties included.
scale
    Low and high value for height: of the outputs at the rows all but 2 % at each end.
milliseconds
    train, read, slice, pack.
history
    The oldest and the newest step that can be scrubbed to.
note
    Only where a reading of `readings.FRAME_READINGS` had no answer: why.

What is not in every frame (losses, pieces_by_layer) takes at most a tenth of the time; a frame
while nothing moves has all of it. Readings of `readings.FRAME_READINGS` add their own keys.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

import numpy as np

from .configuration import Viewport
from .counts import occupied_regions
from .drawing import draw
from .snapshot import Snapshot
from .training import Losses, Training

__all__ = ["FrameNumbers", "fit_view"]

SHARE_OF_TIME = 0.1
SCALE_QUANTILE = 0.02
FIT_MARGIN = 1.2
SMALLEST_FIT = 1e-6

Numbers = dict[str, Any]


class CostLimit:
    """Lets something be done as often as it takes no more than `SHARE_OF_TIME`."""

    def __init__(self) -> None:
        self._next = 0.0

    @property
    def is_due(self) -> bool:
        return perf_counter() >= self._next

    @contextmanager
    def measure(self) -> Iterator[None]:
        """Around what is limited."""
        start = perf_counter()
        yield
        end = perf_counter()
        self._next = end + (end - start) / SHARE_OF_TIME


class FrameNumbers:
    """Makes the numbers of frames of one training run."""

    def __init__(self, training: Training, fit: Viewport) -> None:
        self._training, self._fit = training, fit
        self._loss_limit, self._piece_limit = CostLimit(), CostLimit()
        self.losses: Losses | None = None
        self._pieces: tuple[int, list[int]] | None = None
        self._scale: list[float] | None = None

    def numbers(self, snapshot: Snapshot, playing: bool) -> Numbers:
        """All that is known of a snapshot."""
        return {
            "frame": snapshot.frame,
            "step": snapshot.step,
            **self._view_numbers(snapshot),
            **self._piece_numbers(snapshot, playing),
            **self._loss_numbers(snapshot, playing),
        }

    def _view_numbers(self, snapshot: Snapshot) -> Numbers:
        data, drawing = snapshot.data, snapshot.drawing
        offsets = np.abs(snapshot.row_points - snapshot.view.center)
        inside = (offsets <= snapshot.view.half).all(axis=1)
        labels = data.targets[inside] if data.n_classes else None
        occupied = occupied_regions(drawing.row_codes[inside], labels)
        return {
            "pieces": None if drawing.is_curved else snapshot.picture.n_regions,
            "partial": snapshot.picture.partial,
            "curved": drawing.is_curved,
            "pieces_with_rows": occupied.n_regions,
            "pieces_mixed": occupied.n_mixed,
        }

    def _piece_numbers(self, snapshot: Snapshot, playing: bool) -> Numbers:
        if snapshot.drawing.is_curved:
            return {"pieces_by_layer": None, "pieces_step": snapshot.step}
        is_new = self._pieces is None or self._pieces[0] != snapshot.step
        if is_new and (self._piece_limit.is_due or not playing):
            with self._piece_limit.measure():
                self._pieces = snapshot.step, self._count_pieces(snapshot)
        step, counts = self._pieces or (snapshot.step, None)
        return {"pieces_by_layer": counts, "pieces_step": step}

    def _count_pieces(self, snapshot: Snapshot) -> list[int]:
        if snapshot.view == self._fit:
            return snapshot.picture.n_regions_per_layer
        center, half = np.array(self._fit.center), np.array(self._fit.half)
        drawing = draw(snapshot.data, snapshot.net, snapshot.drawing.inputs, center, half)
        return drawing.slice.n_regions_per_layer

    def _loss_numbers(self, snapshot: Snapshot, playing: bool) -> Numbers:
        if len(snapshot.data.X) and (self._loss_limit.is_due or not playing):
            with self._loss_limit.measure():
                self.losses = self._training.losses()
                low_high = np.quantile(
                    self._training.outputs(), [SCALE_QUANTILE, 1 - SCALE_QUANTILE]
                )
                self._scale = low_high.tolist()
        losses = self.losses
        if losses is None:
            return dict.fromkeys(("loss", "loss_new", "accuracy", "accuracy_new", "scale"))
        return {
            "loss": finite_or_none(losses.rows),
            "loss_new": finite_or_none(losses.new_rows),
            "accuracy": losses.accuracy,
            "accuracy_new": losses.new_accuracy,
            "loss_step": losses.step,
            "scale": self._scale,
        }


def finite_or_none(value: float | None) -> float | None:
    """JSON has no NaN."""
    return value if value is not None and np.isfinite(value) else None


def fit_view(points: Any) -> Viewport:
    """The bounding rectangle of points (n, 2) with a margin; the unit square's for none."""
    return Viewport(*_rectangle(points, FIT_MARGIN))


def bounding_rectangle(points: Any) -> Numbers:
    """That of points (n, 2) without a margin, as JSON."""
    center, half = _rectangle(points, 1.0)
    return {"center": list(center), "half": list(half)}


def _rectangle(points: Any, factor: float) -> tuple[tuple[float, float], tuple[float, float]]:
    if not len(points):
        points = np.array([[-1.0, -1.0], [1.0, 1.0]])
    low, high = points.min(axis=0), points.max(axis=0)
    center = (low + high) / 2
    size = SMALLEST_FIT * (1 + np.abs(center))
    half = factor * np.maximum((high - low) / 2, size)
    return (float(center[0]), float(center[1])), (float(half[0]), float(half[1]))
