"""One page: its configuration, its network in training, and what it is sent.

`receive` and `acknowledge` are called by the event loop, everything else by the one worker thread.
Messages are applied between frames. There is no frame while nothing has changed, and none while two
are on their way: a page that does not draw costs nothing.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ..errors import DataError, HullwiseError
from ..geometry.plane_outline import outline
from .answers import new_rows_answer
from .configuration import Configuration, ConfigurationError, viewport
from .curse import hull_shares
from .data_sets import DATA_SETS, DataSet, data_set_of_points, draw_data_set
from .exports import export
from .messages import Message, drawn_rows, error_message, step_number
from .network_run import NetworkRun
from .numbers import bounding_rectangle
from .own_rows import own_data_set
from .own_table import OwnTable, read_own_table
from .readings import CLEARING_KEYS, PAGE_READINGS
from .snapshot import Snapshot

__all__ = ["Session"]

FRAMES_IN_FLIGHT = 2
FRAME_SECONDS = 0.016
MAX_WAITING_MESSAGES = 200
LONGEST_SENTENCE = 300
TOO_FEW_ROWS = "There are too few rows to train on: draw some first."
COALESCED = {
    "view",
    "probe",
    "line",
    "unit",
    "features",
    "scrub",
    "configure",
    "rows",
}  # the newest counts


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
        self.state, self.sentence = "paused", ""
        self.snapshot: Snapshot | None = None
        self.run: NetworkRun | None = None
        self._own_rows: dict[str, DataSet] = {}
        self._table: OwnTable | None = None
        self._lock = threading.Lock()
        self._waiting: list[Message] = [{"type": "restart"}]
        self._in_flight: set[int] = set()
        self.frame_number = 0
        self._changed = False
        self._last_frame = -FRAME_SECONDS
        self._questions: dict[str, Message] = {}

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
        """The page has drawn a frame or dropped it, and all before."""
        if isinstance(frame, int):
            with self._lock:
                self._in_flight = {one for one in self._in_flight if one > frame}
            self.wake()

    # ---- called by the worker

    @property
    def is_playing(self) -> bool:
        return self.state == "playing"

    def seconds_until_due(self, now: float) -> float | None:
        """Until there is work, 0 for now, None for none that is known of."""
        with self._lock:
            if self._waiting:
                return 0.0
            if (self.is_playing or self._changed) and len(self._in_flight) < FRAMES_IN_FLIGHT:
                return max(0.0, self._last_frame + FRAME_SECONDS - now)
        return None

    def advance(self, now: float) -> None:
        """Apply what the page has sent; make a frame where one is due."""
        with self._lock:
            messages, self._waiting = self._waiting, []
        for message in messages:
            self._handle(message)
        if self.run is not None and self.seconds_until_due(now) == 0.0:
            self._last_frame = now
            if self.is_playing and not self.run.has_enough_rows:
                self._set_state("paused", TOO_FEW_ROWS)
            if self.is_playing:
                self._train(self.run, self.configuration.steps_per_frame)
            self._show(self.run)

    def recover(self, error: Exception) -> None:
        """Be ready for the next message after a fault of ours."""
        with self._lock:
            self._in_flight.clear()
        self._changed = False
        self._questions.clear()
        text = f"internal error, please report: {type(error).__name__}: {error}"
        self.post({"type": "error", "sentence": text[:LONGEST_SENTENCE], "where": None})
        self._set_state("paused")

    def post(self, message: Message) -> None:
        """Send an object."""
        self.send(json.dumps(message, allow_nan=False))

    def post_status(self, state: str, sentence: str = "") -> None:
        """Say how things stand."""
        self.post({"type": "status", "state": state, "sentence": sentence})

    def post_state(self) -> None:
        """Say again how training stands."""
        self.post_status(self.state, self.sentence)

    def _set_state(self, state: str, sentence: str = "") -> None:
        self.state, self.sentence = state, sentence
        self.post_state()

    def _handle(self, message: Message) -> None:
        kind = message["type"]
        try:
            if kind in PAGE_READINGS:
                self._keep_question(message)
            elif kind in HANDLERS:
                HANDLERS[kind](self, message)
            else:
                raise DataError(f"this server cannot answer {kind!r}")
        except HullwiseError as error:
            self.post(error_message(error, kind))

    # ---- messages

    def configure(self, message: Message) -> None:
        """Take over a configuration; rows and training start over where they have to."""
        before, after = self.configuration, Configuration.from_json(message["configuration"])
        if self.run is None or before.training_key() != after.training_key():
            self._start(after)
            return
        self.configuration = after
        self.run.configure(after)
        self._post_configuration(self.run)

    def restart(self, _: Message) -> None:
        """Draw the weights again."""
        self._start(self.configuration)

    def _start(self, configuration: Configuration) -> None:
        run = NetworkRun(configuration, self._data_set(configuration))
        self.configuration, self.run = configuration, run
        if self.state in ("flat", "diverged"):  # what stopped itself goes on with something new
            self._set_state("playing" if self.state == "flat" else "paused")
        self._post_configuration(run)

    def _data_set(self, c: Configuration) -> DataSet:
        before = self.configuration
        if self.run is not None and c.data in DATA_SETS and c.data_key() == before.data_key():
            return self.run.data
        if c.data in DATA_SETS:
            return draw_data_set(c.data, c.rows, c.noise, c.seed)
        if c.data == "drawn":
            return self._own_rows.setdefault(
                "drawn", data_set_of_points(np.zeros((0, 2)), np.zeros(0))
            )
        if c.data not in self._own_rows:
            raise ConfigurationError("data", c.data, "a table first: open a CSV file")
        return self._own_rows[c.data]

    def _post_configuration(self, run: NetworkRun) -> None:
        self.number += 1
        self._changed = True
        data, points = run.data, run.row_points
        self.post(
            {
                "type": "configuration",
                "number": self.number,
                "configuration": self.configuration.to_json(),
                "shortest": self.configuration.shortest(),
                "rows": {
                    "points": points.tolist(),
                    "targets": data.targets.tolist(),
                    "task": data.task,
                    "classes": data.n_classes,
                },
                "names": list(data.names),
                "labels": list(data.labels),
                "units": None if data.units is None else data.units.to_json(data.axes),
                "hull": outline(points).tolist() if len(points) else [],
                "fit": bounding_rectangle(points),
                "notes": run.notes(),
            }
        )

    def set_rows(self, message: Message) -> None:
        """Rows drawn by hand; the network goes on with them where its outputs still fit."""
        data = data_set_of_points(*drawn_rows(message["points"]))
        self._own_rows["drawn"] = data
        if self.configuration.data != "drawn" or self.run is None:
            return
        if data.n_outputs == self.run.data.n_outputs and data.task == self.run.data.task:
            self.run.replace_rows(data)
            self._post_configuration(self.run)
        else:
            self._start(self.configuration)

    def open_table(self, message: Message) -> None:
        """A table of the user's own: its columns, or once these are chosen its rows."""
        if message["csv"] is not None:
            self._table = read_own_table(message["csv"])
        if self._table is None:
            raise DataError("there is no table yet: open a CSV file")
        choice = message.get("columns")
        if choice is None:
            self.post({"type": "table", **self._table.describe()})
            return
        before = self._own_rows.get("own")
        self._own_rows["own"] = own_data_set(self._table, self._table.choice(choice))
        try:
            self._start(replace(self.configuration, data="own", view=None))
        except HullwiseError:
            self._own_rows.pop("own")
            if before is not None:
                self._own_rows["own"] = before
            raise

    def show_new_rows(self, _: Message) -> None:
        """New rows with their bands, once."""
        if self.run is not None:
            answer = new_rows_answer(self.run.data)
            self.post({"type": "new_rows", "configuration": self.number, **answer})

    def export(self, message: Message) -> None:
        """A file of what is shown."""
        if self.run is not None:
            self.post({"type": "file", **export(self.run, self.configuration, message["what"])})

    def show_curse(self, _: Message) -> None:
        """How the share inside the hull falls with the dimension, once."""
        self.post({"type": "curse", **hull_shares()})

    def play(self, _: Message) -> None:
        """Train on, from the newest step."""
        run = self._trainable_run()
        run.return_to_present()
        self._set_state("playing")

    def pause(self, _: Message) -> None:
        """Train no more."""
        self._set_state("paused")
        self._changed = True

    def step(self, _: Message) -> None:
        """Train once."""
        run = self._trainable_run()
        run.return_to_present()
        self._set_state("paused")
        self._train(run, 1)
        self._changed = True

    def _trainable_run(self) -> NetworkRun:
        if self.run is None or not self.run.has_enough_rows:
            raise DataError(TOO_FEW_ROWS)
        return self.run

    def scrub(self, message: Message) -> None:
        """Show the network as it was."""
        if self.run is not None:
            self.run.scrub(step_number(message["step"]))
            self._set_state("paused")
            self._changed = True

    def resume(self, _: Message) -> None:
        """Train on from what is shown."""
        run = self._trainable_run()
        if run.resume_here():
            step = run.training.step
            self._set_state(
                "playing", f"Training goes on from step {step:,}, its optimiser afresh."
            )
        else:
            self._set_state("playing")

    def set_view(self, message: Message) -> None:
        """Look at another part of the plane."""
        self.configuration = replace(self.configuration, view=viewport(message["view"]))
        self._changed = True

    def _keep_question(self, message: Message) -> None:
        kind = message["type"]
        if message[CLEARING_KEYS[kind]] is None:
            self._questions.pop(kind, None)
            self.post({"type": kind, "frame": None})
            return
        self._questions[kind] = message
        if not self.is_playing and not self._changed:
            self._answer(message)

    def _answer(self, message: Message) -> None:
        kind = message["type"]
        if self.snapshot is None:
            return
        try:
            answer = PAGE_READINGS[kind](self.snapshot, message)
        except HullwiseError as error:
            self._questions.pop(kind, None)
            self.post(error_message(error, kind))
            return
        self.post({"type": kind, "frame": self.snapshot.frame, **answer})

    # ---- training and frames

    def _train(self, run: NetworkRun, steps: int) -> None:
        if sentence := run.train(steps):
            self._set_state("diverged", sentence)

    def _show(self, run: NetworkRun) -> None:
        self._changed = False
        self.frame_number += 1
        try:
            view = self.configuration.view or run.fit
            picture = run.picture(self.frame_number, self.number, self.configuration, view)
        except HullwiseError as error:
            if self.is_playing:
                self._set_state("diverged", run.step_back(str(error)))
                self._changed = True
            else:
                self.post(error_message(error, "view"))
            return
        self.snapshot = picture.snapshot
        with self._lock:
            self._in_flight.add(self.frame_number)
        self.post({"type": "numbers", **run.numbers(picture, self.is_playing)})
        self.send(picture.frame)
        for question in list(self._questions.values()):
            self._answer(question)
        if self.is_playing and (sentence := run.flat_sentence()):
            self._set_state("flat", sentence)
            self._changed = True


HANDLERS: dict[str, Callable[[Session, Message], None]] = {
    "configure": Session.configure,
    "restart": Session.restart,
    "play": Session.play,
    "pause": Session.pause,
    "step": Session.step,
    "view": Session.set_view,
    "scrub": Session.scrub,
    "resume": Session.resume,
    "rows": Session.set_rows,
    "table": Session.open_table,
    "new_rows": Session.show_new_rows,
    "export": Session.export,
    "curse": Session.show_curse,
}
