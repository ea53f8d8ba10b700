"""One network drawn in one view, and what its readings need of it: points, codes, nearest walls.

Three kinds of coordinates meet here. A *point* (2,) is of the picture's plane; a *row* (d,) is what
the data set holds, a column each; the network's *inputs* (p,) are the row itself, or functions of
the point. The slice counts from the middle of the view.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .._core.types import Array, Floats, Ints, Mask
from ..model.curved_inputs import CurvedInputs
from ..model.network import Network
from ..model.slices import Slice
from .data_sets import DataSet

__all__ = ["Drawing", "draw", "outline_of_cells", "walls_of_edges"]

CHORDS_TRAINING, CHORDS_PAUSED = 16, 32  # of each curved input
MAX_DRAWN_REGIONS = 20_000


@dataclass(frozen=True, eq=False, repr=False)
class Drawing:
    """A network with the weights of one moment, and its regions in the view.

    Attributes
    ----------
    data : DataSet
    net : Network
        Of the functions of the inputs, or of the columns where the plane goes through more than
        two.
    inputs : CurvedInputs
    centre : ndarray (2,)
        The middle of the view, in the plane.
    slice : Slice
        Of `net`, or where inputs are curved of the network behind chords of them.
    n_pieces : int
        Chords of each curved input.
    """

    data: DataSet
    net: Network
    inputs: CurvedInputs
    centre: Floats
    slice: Slice
    n_pieces: int

    @property
    def is_curved(self) -> bool:
        """Whether the pieces in view are chords and not the network's own."""
        return self.data.is_plane and self.inputs.is_curved

    @property
    def n_chord_layers(self) -> int:
        """Layers of units in front of the network's own: walls that are not to be drawn."""
        return int(self.is_curved)

    @property
    def is_exact(self) -> bool:
        """Whether the cells in view are the network's own regions."""
        return not self.is_curved and not self.slice.partial

    @property
    def has_classes(self) -> bool:
        return self.data.n_classes > 0

    def rows(self, points: Floats) -> Floats:
        """Points (m, 2) of the plane as rows (m, d)."""
        if self.data.is_plane:
            return points
        return np.asarray(self.data.origin + points @ self.data.axes)

    def network_inputs(self, rows: Floats) -> Floats:
        """Rows (m, d) as the network takes them: (m, p)."""
        return self.inputs(rows) if self.data.is_plane else rows

    def outputs(self, rows: Floats) -> Floats:
        """The network itself, not its drawing, at rows (m, d): (m, n_outputs)."""
        return self.net(self.network_inputs(rows))

    def jacobians(self, rows: Floats) -> Floats:
        """Its derivatives (m, n_outputs, d) in the columns of rows (m, d)."""
        inner = self.net.model_jacobians(self.network_inputs(rows))
        return inner @ self.inputs.jacobians(rows) if self.data.is_plane else inner

    def classes(self, outputs: Floats) -> Ints:
        """The class (m,) of outputs (m, k): the largest, of one output whether it is above 0."""
        one = outputs.shape[1] == 1
        return np.asarray(outputs[:, 0] > 0 if one else outputs.argmax(axis=1), dtype=np.int64)

    def in_view(self, point: Floats) -> bool:
        return bool((np.abs(point - self.centre) <= self.slice.high).all())

    def border_distance(self, point: Floats) -> float:
        """How far a point (2,) is from the border of the view; negative outside."""
        return float((self.slice.high - np.abs(point - self.centre)).min())

    @cached_property
    def row_codes(self) -> Array:
        """Activation codes (n, n_units) of the training rows, of the network itself."""
        return self.net.codes(self.network_inputs(self.data.X))

    def same_region(self, code: Array) -> Mask:
        """Which training rows (n,) have this code (n_units,)."""
        return np.asarray((self.row_codes == code).all(axis=1))

    @cached_property
    def wall_edges(self) -> tuple[Floats, Ints, Ints]:
        """Segments (e, 2, 2) of the network's own walls, their layers and units (e,).

        Layers and units are counted from the network's own first one.
        """
        segments, layers, units = walls_of_edges(self.slice, self.n_chord_layers)
        return segments + self.centre, layers, units


def walls_of_edges(drawn: Slice, n_chord_layers: int) -> tuple[Floats, Ints, Ints]:
    """The edges of a slice (e, 2, 2) that are walls, their layers and units; chords left out."""
    layers = drawn.edge_layers - n_chord_layers
    own = np.flatnonzero((drawn.edge_layers >= 0) & (layers >= 0))
    chords = sum(layer.n_units for layer in drawn.net.layers[:n_chord_layers])
    return drawn.vertices[drawn.edges[own]], layers[own], drawn.edge_units[own] - chords


def draw(
    data: DataSet,
    net: Network,
    inputs: CurvedInputs,
    centre: Floats,
    half: Floats,
    n_pieces: int = CHORDS_PAUSED,
    max_regions: int = MAX_DRAWN_REGIONS,
) -> Drawing:
    """A network in the rectangle of the plane around `centre` (2,), `half` (2,) to each side."""
    if data.is_plane:
        drawn_net = inputs.network(net, centre - half, centre + half, n_pieces)
        drawn = drawn_net.slice(centre, np.eye(2), half, max_regions=max_regions)
    else:
        origin = data.origin + centre @ data.axes
        drawn = net.slice(origin, data.axes, half, max_regions=max_regions)
    return Drawing(data, net, inputs, centre, drawn, n_pieces)


def outline_of_cells(cut: Slice, chosen: Mask) -> Floats:
    """The edges (k, 2, 2) between chosen cells and others; not the view's border."""
    complex_ = cut.complex
    halves = complex_.edges
    sides = complex_.face[halves], complex_.face[complex_.twin[halves]]
    inner = (sides[0] >= 0) & (sides[1] >= 0)
    between = inner & (chosen[sides[0]] != chosen[sides[1]])
    ends = complex_.start[halves[between]], complex_.start[complex_.twin[halves[between]]]
    return np.stack([cut.vertices[ends[0]], cut.vertices[ends[1]]], axis=1)
