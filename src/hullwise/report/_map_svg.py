"""The map of the data as SVG: sampled training rows, their outline, and new rows by band."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..geometry.bands import BAND_NAMES
from ._html import Html, element
from ._page_parts import chip, mark

MAP_WIDTH = 752
MAP_PADDING = 14
DRAWING_ORDER = (4, 0, 1, 2, 3)  # of bands: far rows end on top


@dataclass(frozen=True)
class MapLayout:
    """From coordinates of the map to pixels: (u, v) = (cx + kx x, cy - ky y)."""

    kx: float
    cx: float
    ky: float
    cy: float
    height: float
    margin: float  # rows farther out than this from the border are drawn on it

    @classmethod
    def fit(cls, frame: Sequence[float], is_line: bool, n_rows: int) -> MapLayout:
        """One scale for both directions, except where one of them means nothing."""
        inner = MAP_WIDTH - 2 * MAP_PADDING
        (a0, a1), (b0, b1) = _grown(*frame[:2]), _grown(*frame[2:])
        height = 150.0
        if not is_line:
            height = min(max(inner * (b1 - b0) / (a1 - a0), 0.45 * inner), 0.72 * inner)
        kx, ky = inner / (a1 - a0), height / (b1 - b0)
        if not is_line:
            kx = ky = min(kx, ky)
        cx = MAP_WIDTH / 2 - kx * (a0 + a1) / 2
        cy = MAP_PADDING + height / 2 + ky * (b0 + b1) / 2
        return cls(kx, cx, ky, cy, round(height + 2 * MAP_PADDING), mark_radius(n_rows) + 3)

    def place(self, x: float, y: float) -> tuple[float, float]:
        return self.cx + self.kx * x, self.cy - self.ky * y

    def place_within(self, x: float, y: float) -> tuple[float, float]:
        """The same, on the border where it is beyond."""
        u, v = self.place(x, y)
        low = self.margin
        return min(MAP_WIDTH - low, max(low, u)), min(self.height - low, max(low, v))


def mark_radius(n_rows: int) -> float:
    """Of so many marks."""
    return 2.6 if n_rows > 1500 else 3.2 if n_rows > 400 else 4.2


def _grown(low: float, high: float) -> tuple[float, float]:
    room = 0.04 * (high - low)
    return (low - room, high + room) if high > low else (low - 1, high + 1)


def map_svg(data: Mapping[str, Any], frame: Sequence[float], kind: str) -> Html:
    """One frame of the map; its layout is in an attribute, for the script that names rows."""
    at = MapLayout.fit(frame, data["flat"], len(data["x"]))
    corners = "L".join("{:.1f},{:.1f}".format(*at.place(*corner)) for corner in data["outline"])
    rim = f"M{corners}z" if len(data["outline"]) > 1 else ""
    outer = {
        "class": kind,
        "viewBox": f"0 0 {MAP_WIDTH} {at.height:g}",
        "width": MAP_WIDTH,
        "height": f"{at.height:g}",
        "role": "img",
        "aria-label": "Map of the rows",
        "data-layout": f"{at.kx:.9g} {at.cx:.9g} {at.ky:.9g} {at.cy:.9g} {at.margin:g}",
    }
    return element(
        "svg",
        outer,
        element("rect", {"class": "box", "width": MAP_WIDTH, "height": f"{at.height:g}"}),
        element("path", {"class": "hull", "d": rim}),
        element("path", {"class": "dots", "d": _training_dots(data, at)}),
        element("path", {"class": "rim", "d": rim}),
        _rows_by_band(data, at),
    )


def _training_dots(data: Mapping[str, Any], at: MapLayout) -> str:
    places = (at.place(x, y) for x, y in zip(*data["training"]))
    return "".join(
        f"M{u:.1f},{v:.1f}h0" for u, v in places if 0 < u < MAP_WIDTH and 0 < v < at.height
    )


def _rows_by_band(data: Mapping[str, Any], at: MapLayout) -> list[Html]:
    radius = mark_radius(len(data["x"]))
    paths = [""] * len(BAND_NAMES)
    for x, y, band in zip(data["x"], data["y"], data["band"]):
        paths[band] += mark(band, *at.place_within(x, y), radius)
    return [
        element("path", {"class": f"points fill-{BAND_NAMES[band]}", "d": paths[band]})
        for band in DRAWING_ORDER
        if paths[band]
    ]


def moved_to_border(data: Mapping[str, Any], frame: Sequence[float]) -> int:
    """How many rows lie beyond a frame."""
    at = MapLayout.fit(frame, data["flat"], len(data["x"]))
    pairs = ((at.place(x, y), at.place_within(x, y)) for x, y in zip(data["x"], data["y"]))
    return sum(abs(u - p) > 1 or abs(v - q) > 1 for (u, v), (p, q) in pairs)


def map_figure_html(data: Mapping[str, Any]) -> Html:
    """The map with its key, and a choice between two frames that needs no script."""
    views = data["views"]
    present = [chip(band) for band in range(len(BAND_NAMES)) if band in data["band"]]
    dot = element("circle", {"class": "train", "r": "3"})
    training = element(
        "svg", {"class": "glyph", "viewBox": "-5 -5 10 10", "aria-hidden": "true"}, dot
    )
    names = [*present, element("span", training, "training rows")]
    if len(views) == 1:
        key = element("div", {"class": "key"}, names)
        return element("div", {"class": "map chart"}, key, map_svg(data, views[0], "near"))
    buttons = [
        element(
            "input", {"type": "radio", "name": "frame", "id": f"frame-{name}", "checked": is_first}
        )
        for name, is_first in (("near", True), ("all", False))
    ]
    labels = [
        element("label", {"for": f"frame-{name}"}, label)
        for name, label in (("near", "Near the data"), ("all", "All rows"))
    ]
    key = element("div", {"class": "key"}, names, element("span", {"class": "choice"}, labels))
    pictures = [map_svg(data, view, name) for view, name in zip(views, ("near", "all"))]
    return element("div", {"class": "map chart"}, buttons, key, pictures)
