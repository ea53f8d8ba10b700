"""The picture of one row: how far out it is, beside training rows that were left out, as SVG."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .._core.types import Floats
from ..geometry.bands import BAND_NAMES, BANDS, band_limits
from ._distribution_svg import LETTER_WIDTH, NARROW, WIDE
from ._html import Html, element, joined
from ._page_parts import mark
from .row_explanation import part_of_row, row_title
from .words import NBSP

if TYPE_CHECKING:
    from ..domain.domain_location import DomainLocation

__all__ = ["row_figure"]

MOST_DOTS = 100
DOT_ROOM = 7.0  # pixels from dot to dot
DOTS_ABREAST = 6  # of rows inside
STACK_HEIGHT = 98.0
MARK_RADIUS = 6.5


@dataclass(frozen=True)
class RowPicture:
    """What is drawn: distances of rows left out, one row's own, and where its band begins.

    Attributes
    ----------
    reference : (r,) float64
        Distances of training rows left out; infinite where one left the flat of the others.
    own : float
        The row's; infinite where it leaves the flat.
    band : str
    limits : list of float or None
        Past which rows are edge, beyond and far.
    title : str
    """

    reference: Floats
    own: float
    band: str
    limits: list[float] | None
    title: str

    @classmethod
    def of(cls, location: DomainLocation, row: int) -> RowPicture | None:
        """That of a row; None where it was not located or compared with nothing."""
        place = part_of_row(location, row)
        if place is None or not len(place[0].pattern.reference):
            return None
        part, number = place
        usual = part.pattern.reference
        one = part.location[[number]]
        own = float(one.upper[0] if np.isfinite(one.upper[0]) else one.lower[0])
        own = np.inf if bool(one.off_flat[0]) else own
        finite = usual.hull[~usual.off]
        limits = band_limits(usual.hull[:0], part.location.band[:0], usual.hull, usual.weights)
        return cls(
            np.where(usual.off, np.inf, usual.hull),
            0.0 if one.verdict[0] > 0 else own,
            str(location.distance_band[row]),
            limits if len(finite) == len(usual.hull) else None,
            row_title(location, row),
        )


@dataclass(frozen=True)
class RowLayout:
    """Where things go: rows inside at the left, distances to the right, on a bent axis."""

    picture: RowPicture
    width: int

    @property
    def block(self) -> float:
        """Width of the block of rows inside."""
        return DOTS_ABREAST * DOT_ROOM

    top = 24.0

    @property
    def axis(self) -> float:
        return self.top + STACK_HEIGHT + 12

    @property
    def height(self) -> float:
        return self.axis + 46

    @property
    def x0(self) -> float:
        return self.block + (26 if self.width < 520 else 40)

    @property
    def x1(self) -> float:
        return self.width - 14.0

    @property
    def largest(self) -> float:
        """The largest distance that has a place of its own."""
        values = np.append(self.picture.reference, self.picture.own)
        return float(values[np.isfinite(values)].max(initial=0.0)) or 1.0

    @property
    def unit(self) -> float:
        """Where the axis begins to bend."""
        reference = self.picture.reference
        outside = reference[(reference > 0) & np.isfinite(reference)]
        return float(np.median(outside)) if len(outside) else self.largest

    def at(self, distance: float) -> float:
        """The place of a distance."""
        if not np.isfinite(distance):
            return self.x1
        share = np.arcsinh(distance / self.unit) / np.arcsinh(1.04 * self.largest / self.unit)
        return self.x0 + (self.x1 - self.x0) * float(share)


def row_figure(location: DomainLocation, row: int) -> Html:
    """The picture at the width of a page and of a telephone; "" where there is nothing to draw."""
    picture = RowPicture.of(location, row)
    if picture is None:
        return Html("")
    charts = joined(*(_row_svg(RowLayout(picture, width)) for width in (WIDE, NARROW)))
    return element("div", {"class": "chart row-picture"}, charts)


def _row_svg(at: RowLayout) -> Html:
    outer = {
        "xmlns": "http://www.w3.org/2000/svg",
        "class": "narrow" if at.width < 520 else "wide",
        "viewBox": f"0 0 {at.width} {at.height:g}",
        "width": at.width,
        "height": f"{at.height:g}",
        "role": "img",
        "aria-label": f"{at.picture.title} The dots are training rows, each left out in turn.",
    }
    return element("svg", outer, _inside(at), _dots(at), _bands(at), _own(at))


def _text(x: float, y: float, text: str, anchor: str, kind: str | None = None) -> Html:
    place = {"x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": anchor, "class": kind}
    return element("text", place, text)


def _dot(x: float, y: float) -> str:
    return f"M{x:.1f},{y:.1f}h0"


def _counts(at: RowLayout) -> tuple[int, int]:
    """Dots of rows inside and outside: one for each row, or for each hundredth of them."""
    reference = at.picture.reference
    n_dots = min(MOST_DOTS, len(reference))
    n_inside = round(n_dots * float((reference <= 0).mean()))
    return n_inside, n_dots - n_inside


def _inside(at: RowLayout) -> list[Html]:
    n_inside, _ = _counts(at)
    places = [divmod(k, DOTS_ABREAST) for k in range(n_inside)]
    dots = "".join(
        _dot(DOT_ROOM * (column + 0.5), at.axis - DOT_ROOM * (line + 0.8))
        for line, column in places
    )
    share = f"{100 * float((at.picture.reference <= 0).mean()):.0f}{NBSP}%"
    return [
        element("path", {"class": "axis", "d": f"M0,{at.axis:.1f}H{at.block:.1f}"}),
        element("path", {"class": "left-out", "d": dots}),
        _text(at.block / 2, at.axis + 20, "inside", "middle"),
        _text(at.block / 2, at.axis + 36, share, "middle"),
    ]


def _dots(at: RowLayout) -> list[Html]:
    """Hundredths of the training rows outside, each at its distance, stacked."""
    reference = at.picture.reference
    outside, (_, n_dots) = np.sort(reference[reference > 0]), _counts(at)
    stacks: Counter[int] = Counter()
    path = ""
    if len(outside) and n_dots:
        ranks = (np.arange(n_dots) + 0.5) / n_dots * len(outside)
        bins = [round((at.at(d) - at.x0) / DOT_ROOM) for d in outside[ranks.astype(int)].tolist()]
        highest = max(Counter(bins).values())
        rise = min(DOT_ROOM, STACK_HEIGHT / highest)
        for place in bins:
            y = at.axis - DOT_ROOM * 0.3 - rise * (stacks[place] + 0.5)
            path += _dot(at.x0 + place * DOT_ROOM, y)
            stacks[place] += 1
    return [
        element("path", {"class": "axis", "d": f"M{at.x0:.1f},{at.axis:.1f}H{at.x1:.1f}"}),
        element("path", {"class": "left-out", "d": path}),
    ]


def _bands(at: RowLayout) -> list[Html]:
    """Where each band lies, under the axis."""
    if at.picture.limits is None:
        return [_text(at.x1, at.axis + 20, "distance", "end")]
    ends = [at.x0, *(at.at(limit) for limit in at.picture.limits), at.x1]
    parts, last = [], -np.inf
    for name, start, end in zip(BANDS, ends, ends[1:]):
        if end - start < 1:
            continue
        sizes = {"x": f"{start:.1f}", "y": f"{at.axis + 3:.1f}", "width": f"{end - start - 1:.1f}"}
        parts.append(element("rect", {"class": f"fill-{name}", **sizes, "height": "4"}))
        if end - start > len(name) * LETTER_WIDTH and start > last:
            parts.append(_text((start + end) / 2, at.axis + 22, name, "middle"))
            last = end - 4
    return parts


def _own(at: RowLayout) -> list[Html]:
    """The row itself, with a line to its place."""
    is_inside = at.picture.own <= 0
    x = at.block / 2 if is_inside else at.at(at.picture.own)
    band = at.picture.band if at.picture.band in BAND_NAMES else "unknown"
    y = at.top - 4
    anchor = "start" if x < 60 else "end" if x > at.width - 60 else "middle"
    shift = {"start": x - MARK_RADIUS, "end": x + MARK_RADIUS, "middle": x}[anchor]
    shape = mark(BAND_NAMES.index(band), x, y + 10, MARK_RADIUS)
    line = f"M{x:.1f},{y + 18:.1f}V{at.axis:.1f}"
    return [
        element("path", {"class": "own-line", "d": line}),
        element("path", {"class": f"own fill-{band}", "d": shape}),
        _text(shift, y - 6, "this row", anchor, "strong"),
    ]
