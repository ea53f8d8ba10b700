"""Straight lines below and above piecewise affine units, valid where their input lies in a range.

Zhang, Weng, Chen, Hsieh & Daniel (2018), *Efficient Neural Network Robustness Certification with
General Activation Functions* (CROWN), and Singh, Gehr, Püschel & Vechev (2019), *An Abstract Domain
for Certifying Neural Networks* (DeepPoly), for ReLU. Here for every unit of :class:`Pieces`: a
piecewise affine function lies above s z + t on [l, u] as soon as it does so at l, u and its knots,
so that for each slope s the best t is a minimum over these; of the slopes of the pieces and of the
chord the line is taken that is best in the middle of the range.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._core.types import Floats, Ints, Mask
from ._piecewise_layers import Largest, Pieces

LINE_ROUNDOFF = 2.0**-50  # of the magnitudes added up in a line's offset


@dataclass(frozen=True, eq=False)
class UnitLines:
    """Lines ``slope * z[source] + offset`` below and above each unit, all (B, o).

    `sources` names the entry of the layer's input that each line is about; None where unit i is a
    function of entry i. `low` and `high` bound the unit's output, `size` what is added up in a
    line.
    """

    lower_slope: Floats
    lower_offset: Floats
    upper_slope: Floats
    upper_offset: Floats
    low: Floats
    high: Floats
    size: Floats
    lower_source: Ints | None = None
    upper_source: Ints | None = None

    def gaps(self, low: Floats, high: Floats) -> Floats:
        """The largest distance (B, o) between a unit's two lines where its input is in a range."""
        slope = self.upper_slope - self.lower_slope
        offset = self.upper_offset - self.lower_offset
        return np.asarray(offset + np.maximum(slope * low, slope * high))


def unit_lines(units: Pieces | Largest, low: Floats, high: Floats) -> UnitLines:
    """Of a layer whose inputs (B, i) lie in [low, high]."""
    if isinstance(units, Largest):
        return _lines_of_maxima(units, low, high)
    return _lines_of_pieces(units, low, high)


def undecided(units: Pieces | Largest, low: Floats, high: Floats) -> Mask:
    """Entries (B, i) of a layer's input whose range leaves open on which piece a unit is."""
    if isinstance(units, Pieces):
        inside = (units.knots > low[:, None]) & (units.knots < high[:, None])
        return np.asarray(inside.any(axis=1))
    lows, highs = units.entries(low, -np.inf), units.entries(high, -np.inf)
    best = lows.max(axis=2, keepdims=True)
    contending = highs >= best
    open_ = contending & (contending.sum(axis=2, keepdims=True) > 1)
    out = np.zeros(low.shape, dtype=bool)
    rows = np.nonzero(open_)
    out[rows[0], units.groups[rows[1], rows[2]]] = True
    return out


def _lines_of_pieces(units: Pieces, low: Floats, high: Floats) -> UnitLines:
    knots = np.clip(units.knots, low[:, None], high[:, None])
    vertices = np.concatenate([low[:, None], knots, high[:, None]], axis=1)
    values = _at(units, vertices)
    rise, run = values[:, -1] - values[:, 0], high - low
    chord = np.divide(rise, run, out=np.zeros_like(run), where=run > 0)
    slopes = np.concatenate(
        [chord[:, None], np.broadcast_to(units.slopes, (len(low), *units.slopes.shape))], axis=1
    )
    middle = low + run / 2
    offsets = np.abs(units.offsets).max(axis=0)
    steepest = np.abs(units.slopes).max(axis=0)
    size = 2 * steepest * np.maximum(np.abs(low), np.abs(high)) + offsets
    slack = LINE_ROUNDOFF * size
    below = _best(slopes, vertices, values, middle, 1.0)
    above = _best(slopes, vertices, values, middle, -1.0)
    return UnitLines(
        below[0],
        below[1] - slack,
        above[0],
        above[1] + slack,
        values.min(axis=1) - slack,
        values.max(axis=1) + slack,
        size,
    )


def _at(units: Pieces, z: Floats) -> Floats:
    """The units' outputs (B, v, o) at inputs (B, v, o)."""
    place = (z[:, :, None] > units.knots).sum(axis=2)
    columns = np.arange(units.knots.shape[1])
    return np.asarray(units.slopes[place, columns] * z + units.offsets[place, columns])


def _best(
    slopes: Floats, vertices: Floats, values: Floats, middle: Floats, sign: float
) -> tuple[Floats, Floats]:
    """The line below (sign 1) or above (sign -1) the vertices that is best at `middle`."""
    offset = (sign * (values[:, None] - slopes[:, :, None] * vertices[:, None])).min(axis=2)
    height = sign * slopes * middle[:, None] + offset
    best = height.argmax(axis=1)[:, None]
    return (
        np.take_along_axis(slopes, best, axis=1)[:, 0],
        sign * np.take_along_axis(offset, best, axis=1)[:, 0],
    )


def _lines_of_maxima(units: Largest, low: Floats, high: Floats) -> UnitLines:
    """A maximum is at least its entry of the largest lower end, and at most the largest upper end.

    Where no other entry can be as large as one, it is that entry.
    """
    lows, highs = units.entries(low, -np.inf), units.entries(high, -np.inf)
    place = lows.argmax(axis=2)
    best = np.take_along_axis(lows, place[:, :, None], axis=2)[:, :, 0]
    others = highs.copy()
    np.put_along_axis(others, place[:, :, None], -np.inf, axis=2)
    decided = others.max(axis=2) <= best
    top = highs.max(axis=2)
    source = units.groups[np.arange(len(units.groups)), place]
    one, nothing = np.ones_like(best), np.zeros_like(best)
    size = np.maximum(np.abs(best), np.abs(top))
    return UnitLines(
        one,
        nothing,
        np.where(decided, 1.0, 0.0),
        np.where(decided, 0.0, top),
        best,
        top,
        size,
        source,
        source,
    )
