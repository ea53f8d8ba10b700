"""What ends the making of a complex early, and who hears how far it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import monotonic

from ..._core.threads import StopFlag
from ..._core.types import Progress
from ...errors import StoppedError


class TimeIsUp(Exception):
    """A layer that would end after `max_seconds`."""


@dataclass(eq=False)
class BuildLimits:
    """Limits of a complex in the making; `check` raises where one is reached."""

    max_regions: int
    max_seconds: float | None
    progress: Progress | None
    stop: StopFlag
    start: float = field(default_factory=monotonic)
    layer: int = 0
    n_layers: int = 0
    layer_start: float = 0.0  # seconds after the start

    def begin_layer(self, layer: int, n_layers: int, n_cells: int) -> None:
        """A layer begins."""
        self.layer, self.n_layers, self.layer_start = layer, n_layers, monotonic() - self.start
        self.check(n_cells)

    def check(self, n_cells: int) -> None:
        """Called now and then with the cells that there are.

        The layers before have to be cut once more where one is given up: time for that is left.

        Raises
        ------
        StoppedError
            `stop` was set.
        TimeIsUp
            No time is left.
        """
        if self.stop.is_set():
            raise StoppedError(
                f"the complex was stopped in layer {self.layer + 1} of {self.n_layers}"
            )
        spent = monotonic() - self.start + self.layer_start
        if self.max_seconds is not None and spent > self.max_seconds:
            raise TimeIsUp
        if self.progress is not None:
            self.progress(self.layer, self.n_layers, f"{n_cells:,} regions")
