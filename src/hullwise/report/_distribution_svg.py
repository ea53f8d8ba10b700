"""How far out rows are, as SVG: new rows above the axis, training rows left out below it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ..geometry.bands import BAND_NAMES
from ._html import Html, element, joined
from .words import NBSP, format_number, share

WIDE, NARROW = 752, 348  # pixels: a page, and a telephone
LETTER_WIDTH = 7


@dataclass(frozen=True)
class DistributionLayout:
    """Where things go: the column of rows inside at the left, distances to the right of it."""

    data: Mapping[str, Any]
    width: int

    @property
    def is_small(self) -> bool:
        return self.width < 520

    @property
    def tall(self) -> int:
        """Height of either half."""
        return 130 if self.is_small else 170

    @property
    def has_training(self) -> bool:
        return bool(self.data["trainingTotal"] > 0)

    @property
    def left(self) -> int:
        return 44 if self.is_small else 56

    @property
    def column(self) -> int:
        """Width of the column of rows inside."""
        return 34 if self.is_small else 46

    top = 46

    @property
    def axis(self) -> int:
        return self.top + self.tall

    @property
    def under(self) -> int:
        """Where the lower half begins."""
        return self.axis + 42

    @property
    def x0(self) -> int:
        return self.left + self.column + (40 if self.is_small else 56)

    @property
    def x1(self) -> int:
        return self.width - 6

    @property
    def height(self) -> int:
        return self.under + self.tall + 26 if self.has_training else self.under

    @property
    def most(self) -> float:
        """The largest share of a bin."""
        data = self.data
        rows = np.sum(data["queries"], axis=0) / max(1, data["total"])
        training = np.array(data["training"]) / max(1, data["trainingTotal"])
        return max(1e-9, float(rows.max(initial=0.0)), float(training.max(initial=0.0)))

    @property
    def scale(self) -> float:
        """Pixels of a share."""
        return self.tall / (self.most * 1.06)

    def at(self, value: float) -> float:
        """The place of a distance on the axis."""
        first, last = self.data["edges"][0], self.data["edges"][-1]
        if self.data["log"]:
            part = np.log(max(value, first) / first) / np.log(last / first)
        else:
            part = (value - first) / (last - first)
        return self.x0 + (self.x1 - self.x0) * min(1.0, max(0.0, float(part)))


def distribution_svg(data: Mapping[str, Any], width: int) -> Html:
    """The figure that `_figures.distribution` holds; both kinds of rows as shares of their kind."""
    at = DistributionLayout(data, width)
    title = "your rows outside" + ("" if at.is_small else f", by {data['measure']}")
    parts = [
        *_grid(at),
        *_bars(at),
        *_inside_column(at),
        *_axis(at),
        _text(at.x0, at.top - 30, title, "start", "strong"),
    ]
    if at.has_training:
        text = "training rows, left out" if at.is_small else data["trainingText"]
        parts.append(_text(at.x0, at.under + at.tall + 16, text, "start", "strong"))
    outer = {
        "class": "narrow" if at.is_small else "wide",
        "viewBox": f"0 0 {width} {at.height}",
        "width": width,
        "height": at.height,
        "role": "img",
        "aria-label": "Histogram of distances to the hull: your rows above, training rows below",
    }
    return element("svg", outer, parts)


def _text(x: float, y: float, text: str, anchor: str, kind: str | None = None) -> Html:
    place = {"x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": anchor, "class": kind}
    return element("text", place, text)


def _rect(kind: str, x: float, width: float, y: float, height: float, title: str = "") -> Html:
    shown = element("title", title) if title else None
    sizes = {"x": f"{x:.1f}", "width": f"{width:.1f}", "y": f"{y:.1f}", "height": f"{height:.1f}"}
    return element("rect", {"class": kind, **sizes}, shown)


def _line(kind: str, x1: float, x2: float, y1: float, y2: float) -> Html:
    return element("path", {"class": kind, "d": f"M{x1:.1f},{y1:.1f}L{x2:.1f},{y2:.1f}"})


def _halves(at: DistributionLayout) -> list[tuple[int, int]]:
    """Where either half begins, and which way it grows."""
    return [(at.axis, -1), (at.under, 1)] if at.has_training else [(at.axis, -1)]


def _grid(at: DistributionLayout) -> list[Html]:
    parts = []
    for value in round_ticks(0, at.most, 2 if at.is_small else 3)[1:]:
        for base, sign in _halves(at):
            y = base + sign * value * at.scale
            parts.append(_line("grid", at.x0, at.x1, y, y))
            percent = f"{format_number(100 * value)}{NBSP}%"
            parts.append(_text(at.x0 - 6, y + 4, percent, "end"))
    return parts


def _bars(at: DistributionLayout) -> list[Html]:
    data, parts = at.data, []
    edges = data["edges"]
    for i, (low, high) in enumerate(pairwise(edges)):
        x, width = at.at(low), max(0.5, at.at(high) - at.at(low) - 1)
        reach = f"{format_number(low)} to {format_number(high)}"
        y = float(at.axis)
        for band, counts in enumerate(data["queries"]):
            if counts[i]:
                size = max(0.8, counts[i] / data["total"] * at.scale)
                y -= size
                title = f"{counts[i]} of your rows, {BAND_NAMES[band]}: {reach}"
                parts.append(_rect(f"fill-{BAND_NAMES[band]}", x, width, y, size, title))
        if data["training"][i]:
            size = max(0.8, data["training"][i] / data["trainingTotal"] * at.scale)
            title = f"{data['training'][i]} training rows: {reach}"
            parts.append(_rect("train", x, width, at.under, size, title))
    return parts


def _inside_column(at: DistributionLayout) -> list[Html]:
    """Rows at distance zero, on a scale of their own from 0 to 100 %."""
    data, middle = at.data, at.left + at.column / 2
    counts = [(n, f"fill-{BAND_NAMES[b]}") for b, n in enumerate(data["inside"])]
    inside = share(sum(data["inside"]), max(1, data["total"]))
    parts = [
        *_stack(at, at.axis, -1, [*counts, (data["undecided"], "fill-unknown")], data["total"]),
        _text(at.left - 6, at.axis - at.tall + 10, f"100{NBSP}%", "end"),
        _text(at.left - 6, at.axis + 1, "0", "end"),
        _text(middle, at.axis + 18, "inside", "middle", "strong"),
        _text(middle, at.axis - at.tall - 6, inside, "middle", "strong"),
    ]
    if at.has_training:
        total, inside_count = data["trainingTotal"], data["trainingInside"]
        parts += _stack(at, at.under, 1, [(inside_count, "train")], total)
        text = share(inside_count, total)
        parts.append(_text(middle, at.under + at.tall + 16, text, "middle", "strong"))
    return parts


def _stack(
    at: DistributionLayout, base: float, sign: int, counts: Sequence[tuple[int, str]], total: int
) -> list[Html]:
    start = base if sign > 0 else base - at.tall
    parts = [_rect("box", at.left, at.column, start, at.tall)]
    for count, kind in counts:
        if count:
            size = max(1.0, count / total * at.tall)
            parts.append(_rect(kind, at.left, at.column, base - size if sign < 0 else base, size))
            base += sign * size
    return parts


def _axis(at: DistributionLayout) -> list[Html]:
    data, parts = at.data, []
    for name, start, end in data["segments"]:
        x, width = at.at(start), at.at(end) - at.at(start)
        if width < 1:
            continue
        parts.append(_rect(f"fill-{name}", x, max(1.0, width - 1.5), at.axis + 2, 4))
        if start > 0:
            parts.append(_line("grid", x - 0.75, x - 0.75, at.top, at.axis))
        if width > len(name) * LETTER_WIDTH:
            parts.append(_text(x + width / 2, at.top - 8, name, "middle"))
    for value in _axis_ticks(at):
        x = at.at(value)
        parts.append(_line("axis", x, x, at.axis + 6, at.axis + 11))
        text = format_number(value)
        parts.append(_text(min(x, at.x1 - 8), at.axis + 24, text, "middle"))
    return [*parts, _line("axis", at.x0, at.x1, at.axis + 1, at.axis + 1)]


def _axis_ticks(at: DistributionLayout) -> list[float]:
    """Round distances, as many as have room."""
    count, edges = (4 if at.is_small else 8), at.data["edges"]
    if at.data["log"]:
        return logarithmic_ticks(edges[0], edges[-1], count)
    return round_ticks(edges[0], edges[-1], count)


def round_ticks(low: float, high: float, count: int) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten, about so many.

    Examples
    --------
    >>> round_ticks(0.0, 1.0, 4)
    [0.0, 0.5, 1.0]
    """
    raw = (high - low) / count
    unit = 10.0 ** np.floor(np.log10(raw))
    step = next((float(k * unit) for k in (1, 2, 5) if k * unit >= raw), float(10 * unit))
    first, last = int(np.ceil(low / step - 1e-9)), int(np.floor(high / step * (1 + 1e-9)))
    return [k * step for k in range(first, last + 1)]


def logarithmic_ticks(low: float, high: float, count: int) -> list[float]:
    """Powers of ten, at most about so many, or 1, 2 and 5 times them where these are few."""
    first = int(np.ceil(np.log10(low) - 1e-9))
    last = int(np.floor(np.log10(high) + 1e-9))
    step = max(1, -(-(last - first + 1) // count))
    powers = [10.0**k for k in range(first, last + 1, step)]
    if len(powers) >= 3:
        return powers
    dense = [m * 10.0**k for k in range(first - 1, last + 2) for m in (1, 2, 5)]
    return [v for v in dense if low * 0.999 <= v <= high * 1.001]


def distribution_figure(data: Mapping[str, Any]) -> Html:
    """The figure at the width of a page and of a telephone; the place shows the one that fits."""
    charts = joined(*(distribution_svg(data, width) for width in (WIDE, NARROW)))
    return element("div", {"class": "chart"}, charts)
