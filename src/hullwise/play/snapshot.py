"""What a page sees at one moment: the network of one step, its slice, and the rows."""

from __future__ import annotations

from dataclasses import dataclass

from ..model.network import Network
from ..model.slices import Slice
from .configuration import Configuration, Viewport
from .data_sets import DataSet

__all__ = ["Snapshot"]


@dataclass(frozen=True, eq=False)
class Snapshot:
    """All that a reading may be made of; immutable, so that it belongs to one frame's weights.

    Attributes
    ----------
    frame, step : int
    configuration : Configuration
    data : DataSet
    net : Network
        Of the plane's points where ``data.is_plane``, else of rows (m, d).
    picture : Slice
        Its regions in `view`; (u, v) of it are relative to the view's centre.
    view : Viewport
    is_curved : bool
        Whether inputs are curved, so that `net` is an approximation by flat steps.
    """

    frame: int
    step: int
    configuration: Configuration
    data: DataSet
    net: Network
    picture: Slice
    view: Viewport
    is_curved: bool = False
