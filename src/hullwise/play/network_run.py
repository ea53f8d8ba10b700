"""A network of a page from its first weights on: trained, drawn, taken back to earlier steps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from time import perf_counter

import numpy as np

from .._core.types import Floats
from ..errors import HullwiseError
from ..model.curved_inputs import CurvedInputs
from ..model.live_slice import LiveSlice
from .configuration import Configuration, Viewport
from .data_sets import DataSet
from .drawing import CHORDS_PAUSED, CHORDS_TRAINING, draw
from .frame import FrameHeader, pack_frame
from .history import WeightHistory, Weights
from .loss_watch import LossWatch
from .numbers import FrameNumbers, Numbers, finite_or_none, fit_view
from .readings import FRAME_READINGS
from .snapshot import Snapshot
from .training import Training

__all__ = ["NetworkRun", "Picture"]


@dataclass(frozen=True, eq=False)
class Picture:
    """One frame: what it shows, its bytes, and the seconds each stage took."""

    snapshot: Snapshot
    frame: bytes
    configuration_number: int
    seconds: dict[str, float]


class NetworkRun:
    """Training, drawing and history of one configuration's network."""

    def __init__(self, configuration: Configuration, data: DataSet) -> None:
        self.inputs = CurvedInputs(configuration.inputs)
        self.configuration = configuration
        self._seconds = 0.0
        self._loss = float("nan")
        self._present: tuple[int, Weights] | None = None  # while an earlier step is shown
        self._set_rows(data)
        features = self._features(data.X), self._features(data.new_X)
        self.training = Training(configuration, data, *features)
        self._live = LiveSlice(self.training.module)
        weights = self.training.weights()
        self.history = WeightHistory(len(weights))
        self.history.record(0, weights)
        self._watch = LossWatch()
        self._numbers = FrameNumbers(self.training, self.fit)

    def _set_rows(self, data: DataSet) -> None:
        self.data = data
        self.row_points: Floats = data.plane_points(data.X)
        self.fit: Viewport = fit_view(self.row_points)

    def _features(self, X: Floats) -> Floats:
        if not self.data.is_plane:
            return X
        return self.inputs(X) if len(X) else np.zeros((0, len(self.inputs.names)))

    @property
    def has_enough_rows(self) -> bool:
        """To train on: a batch's own statistics need two."""
        return len(self.data.X) > (self.configuration.normalisation == "batch")

    def notes(self) -> list[str]:
        """What a user should know of this configuration."""
        notes = list(self.data.notes)
        widths = [layer.width for layer in self.configuration.layers]
        if self.configuration.residual and not any(a == b for a, b in pairwise(widths)):
            notes.append(
                "No layer has as many units as the one before: there is nowhere to add a layer's "
                "input to its output."
            )
        if self.data.is_plane and self.inputs.is_curved:
            notes.append(
                f"Curved inputs are drawn in {CHORDS_PAUSED} flat steps each ({CHORDS_TRAINING} "
                "while training): the cells are those of the steps, so they are not counted."
            )
        if not self.data.is_plane and self.configuration.inputs != ("x", "y"):
            notes.append(
                "The network takes the table's columns: inputs such as x² are for two inputs."
            )
        return notes

    def configure(self, configuration: Configuration) -> None:
        """Take over what may change while training goes on."""
        self.configuration = configuration
        self.training.configure(configuration)
        self._watch.restart()

    def replace_rows(self, data: DataSet) -> None:
        """Train on with other rows."""
        self._set_rows(data)
        self.training.set_rows(data, self._features(data.X), self._features(data.new_X))
        self._numbers = FrameNumbers(self.training, self.fit)
        self._watch.restart()

    # ---- training

    def train(self, steps: int) -> str | None:
        """Train; the sentence to say where the numbers left the range of floats."""
        start = perf_counter()
        self._loss = self.training.run(steps)
        weights = self.training.weights()
        if not (np.isfinite(self._loss) and np.isfinite(weights).all()):
            return self.step_back("the loss is no number any more")
        self.history.record(self.training.step, weights)
        self._seconds = perf_counter() - start
        return None

    def step_back(self, reason: str) -> str:
        """Return to the newest step before training diverged; the sentence that says so."""
        step, weights = self.history.nearest(self.training.step - 1)
        diverged = self.training.step
        self.history.forget_after(step)
        self.training.go_to(step, weights)
        return (
            f"Training diverged at step {diverged:,} with the rate {self.configuration.rate:g}: "
            f"{reason}. Shown is step {step:,}; lower the rate, or start over."
        )

    def flat_sentence(self) -> str | None:
        """Why training should pause, None where it should not."""
        losses = self._numbers.losses
        if losses is None:
            return None
        return self._watch.sentence(losses.step, losses.rows)

    # ---- time

    def scrub(self, step: int) -> None:
        """Show the newest recorded step that is not after this one."""
        if self._present is None:
            self._present = self.training.step, self.training.weights()
        if step >= self._present[0]:
            self.return_to_present()
        else:
            self.training.show(*self.history.nearest(step))

    def return_to_present(self) -> None:
        """Show the newest step again, if another one is shown."""
        if self._present is not None:
            self.training.show(*self._present)
            self._present = None

    def resume_here(self) -> bool:
        """Train on from the step that is shown; False where it is the newest anyway."""
        if self._present is None:
            return False
        self._present = None
        self.history.forget_after(self.training.step)
        self.training.renew_optimiser()
        self._watch.restart()
        return True

    # ---- frames

    def picture(
        self, frame: int, number: int, configuration: Configuration, view: Viewport
    ) -> Picture:
        """The network as it is, drawn in a view."""
        times = [perf_counter()]
        net = self._live.refresh()
        times.append(perf_counter())
        is_training = self._seconds > 0 and self._present is None
        n_pieces = CHORDS_TRAINING if is_training else CHORDS_PAUSED
        center, half = np.array(view.center), np.array(view.half)
        drawing = draw(self.data, net, self.inputs, center, half, n_pieces)
        times.append(perf_counter())
        step, loss = self.training.step, self._loss
        header = FrameHeader(frame, number, step, loss, view)
        data = pack_frame(header, drawing.slice, drawing.n_chord_layers)
        times.append(perf_counter())
        seconds = dict(zip(("read", "slice", "pack"), np.diff(times).tolist(), strict=True))
        seconds["train"], self._seconds = self._seconds, 0.0
        snapshot = Snapshot(frame, step, configuration, drawing, view, self.row_points)
        return Picture(snapshot, data, number, seconds)

    def recorded(
        self, configuration: Configuration, view: Viewport, most: int, most_bytes: int
    ) -> Iterator[tuple[Picture, Numbers]]:
        """Recorded steps, evenly spread, drawn in a view, with their numbers; at most so many.

        Afterwards the network is as it was.
        """
        present = self.training.step, self.training.weights()
        size = len(self.picture(0, 0, configuration, view).frame)
        numbers = FrameNumbers(self.training, self.fit)
        try:
            for k, entry in enumerate(self.history.spread(max(1, min(most, most_bytes // size)))):
                self.training.show(*entry)
                picture = self.picture(k, 0, configuration, view)
                yield picture, numbers.numbers(picture.snapshot, False)
        finally:
            self.training.show(*present)

    def numbers(self, picture: Picture, playing: bool) -> Numbers:
        """What is said beside a frame."""
        numbers = self._numbers.numbers(picture.snapshot, playing)
        numbers |= {
            "configuration": picture.configuration_number,
            "batch_loss": finite_or_none(self._loss),
            "milliseconds": {key: round(1e3 * s, 2) for key, s in picture.seconds.items()},
            "history": list(self.history.range or (0, 0)),
        }
        for reading in FRAME_READINGS:
            try:
                numbers |= reading(picture.snapshot)
            except HullwiseError as error:  # the picture stands without it
                numbers["note"] = str(error)
        return numbers
