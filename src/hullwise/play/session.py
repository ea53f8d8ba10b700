"""One page: its configuration, its network in training, and what it is sent.

`receive` and `acknowledge` are called by the event loop, `advance` and everything else by the one
worker thread. Messages are applied between frames. There is no frame while nothing has changed, and
none while two are on their way: a page that does not draw costs nothing.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np
from scipy.spatial import ConvexHull, QhullError

from ..errors import HullwiseError
from ..model.readers.read import read
from .configuration import Configuration, ConfigurationError, Viewport, viewport
from .counts import occupied_regions
from .data_sets import DATA_SETS, DataSet, draw_data_set
from .frame import FrameHeader, pack_frame
from .history import WeightHistory
from .messages import Message, error_message
from .readings import CLEARING_KEYS, FRAME_READINGS, PAGE_READINGS
from .snapshot import Snapshot
from .training import Training

__all__ = ["Session"]

MAX_PICTURE_REGIONS = 20_000
FRAMES_IN_FLIGHT = 2
FRAME_SECONDS = 0.016
MAX_WAITING_MESSAGES = 200
COALESCED = {"view", "probe", "line", "unit", "scrub", "configure"}  # only the newest counts


class Session:
    """One page's network.

    Parameters
    ----------
    configuration : Configuration
    send : callable
        Given str (JSON) or bytes (a frame), from the worker's thread; returns at once.
    wake : callable
        Called when there may be work for `advance`.
    """

    def __init__(
        self,
        configuration: Configuration,
        send: Callable[[str | bytes], None],
        wake: Callable[[], None],
    ) -> None:
        self.configuration, self.send, self.wake = configuration, send, wake
        self.number = 0
        self.playing = False
        self.snapshot: Snapshot | None = None
        self._lock = threading.Lock()
        self._waiting: list[Message] = [{"type": "restart"}]
        self._in_flight: set[int] = set()
        self._frame = 0
        self._changed = False
        self._last_frame = -FRAME_SECONDS
        self._questions: dict[str, Message] = {}
        self._loss = float("nan")
        self._train_seconds = 0.0

    # ---- called by the event loop

    def receive(self, message: Message) -> bool:
        """Take a message of the page; False where too many are waiting."""
        kind = message["type"]
        with self._lock:
            if kind in COALESCED:
                self._waiting = [one for one in self._waiting if one["type"] != kind]
            self._waiting.append(message)
            accepted = len(self._waiting) <= MAX_WAITING_MESSAGES
        self.wake()
        return accepted

    def acknowledge(self, frame: Any) -> None:
        """The page has drawn a frame."""
        if isinstance(frame, int):
            with self._lock:
                self._in_flight.discard(frame)
            self.wake()

    # ---- called by the worker

    def seconds_until_due(self, now: float) -> float | None:
        """Until there is work, 0 for now, None for none that is known of."""
        with self._lock:
            if self._waiting:
                return 0.0
            if (self.playing or self._changed) and len(self._in_flight) < FRAMES_IN_FLIGHT:
                return max(0.0, self._last_frame + FRAME_SECONDS - now)
        return None

    def advance(self, now: float) -> None:
        """Apply what the page has sent; make a frame where one is due."""
        with self._lock:
            messages, self._waiting = self._waiting, []
        for message in messages:
            self._handle(message)
        if self.seconds_until_due(now) == 0.0:
            self._last_frame = now
            if self.playing:
                self._train(self.configuration.steps_per_frame)
            self._show()

    def _post(self, message: Message) -> None:
        self.send(json.dumps(message, allow_nan=False))

    def _handle(self, message: Message) -> None:
        kind = message["type"]
        try:
            if kind in PAGE_READINGS:
                self._keep_question(message)
            else:
                _HANDLERS[kind](self, message)
        except HullwiseError as error:
            self._post(error_message(error, kind))

    # ---- messages

    def _configure(self, message: Message) -> None:
        before, after = self.configuration, Configuration.from_json(message["configuration"])
        self.configuration = after
        if before.training_key() != after.training_key():
            self._restart(message)
            return
        self.training.configure(after)
        self.number += 1
        self._post_configuration()
        self._changed = True

    def _restart(self, _: Message) -> None:
        self.data = self._draw_data()
        self.training = Training(self.configuration, self.data, self.data.X)
        self.history = WeightHistory(len(self.training.weights()))
        self.history.record(0, self.training.weights())
        self.number += 1
        self._loss = float("nan")
        self._post_configuration()
        self._changed = True

    def _draw_data(self) -> DataSet:
        c = self.configuration
        if c.data not in DATA_SETS:
            raise ConfigurationError("data", c.data, f"one of {', '.join(DATA_SETS)} for now")
        return draw_data_set(c.data, c.rows, c.noise, c.seed)

    def _post_configuration(self) -> None:
        points = self.data.plane_points(self.data.X)
        self._post(
            {
                "type": "configuration",
                "number": self.number,
                "configuration": self.configuration.to_json(),
                "shortest": self.configuration.shortest(),
                "rows": {
                    "points": points.tolist(),
                    "targets": self.data.targets.tolist(),
                    "task": self.data.task,
                    "classes": self.data.n_classes,
                },
                "names": list(self.data.names),
                "labels": list(self.data.labels),
                "hull": _outline(points),
                "fit": fit_view(points, 1.0),
                "notes": [],
            }
        )

    def _set_playing(self, playing: bool) -> None:
        self.playing = playing
        self._post({"type": "status", "state": "playing" if playing else "paused", "sentence": ""})

    def _step(self, _: Message) -> None:
        self._set_playing(False)
        self._train(1)
        self._changed = True

    def _view(self, message: Message) -> None:
        view = viewport(message["view"])
        self.configuration = _with_view(self.configuration, view)
        self._changed = True

    def _keep_question(self, message: Message) -> None:
        kind = message["type"]
        if message[CLEARING_KEYS[kind]] is None:
            self._questions.pop(kind, None)
            return
        self._questions[kind] = message
        if not self.playing and not self._changed:
            self._answer(message)

    def _answer(self, message: Message) -> None:
        if self.snapshot is None:
            return
        kind = message["type"]
        try:
            answer = PAGE_READINGS[kind](self.snapshot, message)
        except HullwiseError as error:
            self._questions.pop(kind, None)
            self._post(error_message(error, kind))
            return
        self._post({"type": kind, "frame": self.snapshot.frame, **answer})

    # ---- training and frames

    def _train(self, steps: int) -> None:
        start = perf_counter()
        self._loss = self.training.run(steps)
        self.history.record(self.training.step, self.training.weights())
        self._train_seconds = perf_counter() - start

    def _view_in_use(self) -> Viewport:
        if self.configuration.view is not None:
            return self.configuration.view
        return viewport(fit_view(self.data.plane_points(self.data.X), 1.2))

    def _show(self) -> None:
        view = self._view_in_use()
        start = perf_counter()
        net = read(self.training.module)
        read_end = perf_counter()
        origin = self.data.origin + np.array(view.center) @ self.data.axes
        picture = net.slice(origin, self.data.axes, view.half, max_regions=MAX_PICTURE_REGIONS)
        slice_end = perf_counter()
        self._frame += 1
        loss = self._loss
        header = FrameHeader(self._frame, self.number, self.training.step, loss, view)
        frame = pack_frame(header, picture)
        pack_end = perf_counter()
        self.snapshot = Snapshot(
            self._frame, self.training.step, self.configuration, self.data, net, picture, view
        )
        self._changed = False
        with self._lock:
            self._in_flight.add(self._frame)
        times = (
            self._train_seconds, read_end - start, slice_end - read_end, pack_end - slice_end
        )  # fmt: skip
        self._post(self._numbers(dict(zip(("train", "read", "slice", "pack"), times, strict=True))))
        self.send(frame)
        for question in list(self._questions.values()):
            self._answer(question)

    def _numbers(self, seconds: dict[str, float]) -> Message:
        snapshot = self.snapshot
        assert snapshot is not None
        picture, data = snapshot.picture, self.data
        low, high = picture.low + snapshot.view.center, picture.high + snapshot.view.center
        points = data.plane_points(data.X)
        inside = ((points >= low) & (points <= high)).all(axis=1)
        labels = data.targets[inside] if data.n_classes else None
        occupied = occupied_regions(snapshot.net, data.X[inside], labels)
        losses = self.training.losses(data.new_X)
        message = {
            "type": "numbers",
            "frame": snapshot.frame,
            "configuration": self.number,
            "step": snapshot.step,
            "pieces": picture.n_regions,
            "partial": picture.partial,
            "curved": snapshot.is_curved,
            "pieces_with_rows": occupied.n_regions,
            "pieces_mixed": occupied.n_mixed,
            "pieces_by_layer": picture.n_regions_per_layer,
            "loss": _finite(losses.rows),
            "loss_new": _finite(losses.new_rows),
            "accuracy": _finite(losses.accuracy),
            "accuracy_new": _finite(losses.new_accuracy),
            "batch_loss": _finite(self._loss),
            "milliseconds": {key: round(1e3 * value, 2) for key, value in seconds.items()},
            "history": list(self.history.range or (0, 0)),
        }
        for reading in FRAME_READINGS:
            message |= reading(snapshot)
        return message


def _finite(value: float | None) -> float | None:
    return value if value is not None and np.isfinite(value) else None


def _with_view(configuration: Configuration, view: Viewport) -> Configuration:
    from dataclasses import replace

    return replace(configuration, view=view)


def fit_view(points: Any, factor: float) -> dict[str, Any]:
    """The bounding rectangle of points, its half sides times a factor; as JSON."""
    low, high = points.min(axis=0), points.max(axis=0)
    half = np.maximum((high - low) / 2, 1e-6 + 1e-6 * np.abs(high)) * factor
    return {"center": ((low + high) / 2).tolist(), "half": half.tolist()}


def _outline(points: Any) -> list[list[float]]:
    """The corners of the rows' convex hull, counter-clockwise; all rows where it is flat."""
    try:
        return np.asarray(points[ConvexHull(points).vertices]).tolist()  # type: ignore[no-any-return]
    except QhullError:
        ends = points[np.lexsort(points.T)[[0, -1]]]
        return np.asarray(ends).tolist()  # type: ignore[no-any-return]


_HANDLERS: dict[str, Callable[[Session, Message], None]] = {
    "configure": Session._configure,
    "restart": Session._restart,
    "play": lambda session, _: session._set_playing(True),
    "pause": lambda session, _: session._set_playing(False),
    "step": Session._step,
    "view": Session._view,
}
