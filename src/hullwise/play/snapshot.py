"""What a page sees at one moment: the network of one step, its slice, and the rows."""

from __future__ import annotations

from dataclasses import dataclass

from .._core.types import Floats
from ..model.network import Network
from ..model.slices import Slice
from .configuration import Configuration, Viewport
from .data_sets import DataSet
from .drawing import Drawing

__all__ = ["Snapshot"]


@dataclass(frozen=True, eq=False)
class Snapshot:
    """All that a reading may be made of; immutable, so that it belongs to one frame's weights.

    Attributes
    ----------
    frame, step : int
    configuration : Configuration
    drawing : Drawing
        The network of these weights and its regions in `view`.
    view : Viewport
    row_points : ndarray (n, 2)
        The rows as points of the plane.
    """

    frame: int
    step: int
    configuration: Configuration
    drawing: Drawing
    view: Viewport
    row_points: Floats

    @property
    def data(self) -> DataSet:
        return self.drawing.data

    @property
    def net(self) -> Network:
        """Of the network's own inputs: rows, or functions of them."""
        return self.drawing.net

    @property
    def picture(self) -> Slice:
        """The regions that are drawn; (u, v) of it are relative to the view's centre."""
        return self.drawing.slice
