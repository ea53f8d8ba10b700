"""Charts as SVG, drawn with classes only: colours are the page's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from .._core.types import Floats

__all__ = ["Box", "Series", "box_chart", "box_of", "histogram", "lines", "scatter"]

LEFT, RIGHT, TOP, BOTTOM = 58.0, 10.0, 12.0, 34.0
LEAST = 1e-16


@dataclass(frozen=True)
class Box:
    """A box: whiskers, quartiles, median; `top` is the largest value, drawn as a dot."""

    low: float
    q1: float
    median: float
    q3: float
    high: float
    top: float


def box_of(values: Floats) -> Box | None:
    """Whiskers end at the last value within 3/2 of the distance between the quartiles."""
    values = values[np.isfinite(values)]
    if not len(values):
        return None
    q1, median, q3 = np.percentile(values, [25, 50, 75])
    reach = 1.5 * (q3 - q1)
    within = values[(values >= q1 - reach) & (values <= q3 + reach)]
    return Box(*(float(v) for v in (within.min(), q1, median, q3, within.max(), values.max())))


@dataclass(frozen=True)
class _Axis:
    """Values to pixels; on a logarithmic axis all below its end lie on the end."""

    low: float
    high: float
    start: float
    end: float
    log: bool

    def at(self, value: float) -> float:
        low, high, v = self.low, self.high, value
        if self.log:
            low, high, v = (float(np.log10(x)) for x in (low, high, max(value, low)))
        share = min(max((v - low) / (high - low), 0.0), 1.0)
        return self.start + share * (self.end - self.start)

    def ticks(self) -> list[float]:
        if self.log:
            first, last = int(np.ceil(np.log10(self.low))), int(np.floor(np.log10(self.high)))
            every = max(1, -(-(last - first) // 7))
            return [10.0**k for k in range(first, last + 1, every)]
        raw = (self.high - self.low) / 5
        unit = 10.0 ** np.floor(np.log10(raw))
        step = next(float(unit * k) for k in (1, 2, 5, 10) if unit * k >= raw * 0.999)
        first, last = int(np.ceil(self.low / step - 1e-9)), int(np.floor(self.high / step + 1e-9))
        return [k * step for k in range(first, last + 1)]


def _axis(values: Sequence[float], start: float, end: float, log: bool) -> _Axis:
    found = [v for v in values if np.isfinite(v) and (v > LEAST or not log)]
    low, high = (min(found), max(found)) if found else (0.1, 1.0)
    if log:
        low, high = 10.0 ** np.floor(np.log10(low)), 10.0 ** np.ceil(np.log10(high))
        low = max(low, high * 1e-8)
        return _Axis(low, high if high > low else low * 10, start, end, True)
    low = min(low, 0.0)
    return _Axis(low, high + 0.04 * (high - low) if high > low else low + 1, start, end, False)


def _tick(value: float) -> str:
    return f"{value:g}".replace("e-0", "e-").replace("e+0", "e")


def _frame(width: float, height: float, label: str, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" '
        f'role="img" aria-label="{escape(label)}">{"".join(parts)}</svg>'
    )


def _text(x: float, y: float, text: str, anchor: str, name: str = "") -> str:
    shown = f' class="{name}"' if name else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{shown}>{escape(text)}</text>'


def _across(axis: _Axis, width: float) -> list[str]:
    """Grid lines with their values."""
    parts = []
    for value in axis.ticks():
        y = axis.at(value)
        parts.append(f'<path class="grid" d="M{LEFT:g},{y:.1f}H{width - RIGHT:g}"/>')
        parts.append(_text(LEFT - 6, y + 4, _tick(value), "end"))
    return parts


def box_chart(
    groups: Sequence[tuple[str, Sequence[tuple[str, Box | None]]]],
    *,
    label: str,
    log: bool,
    marks: Mapping[tuple[str, str], float] | None = None,
    width: float = 760,
    height: float = 300,
) -> str:
    """Boxes side by side for each group; each box is (its class, its numbers).

    `marks` are single values beside the boxes, by group and class, drawn as a diamond.
    """
    marks = marks or {}
    boxes = [b for _, some in groups for _, b in some if b is not None]
    values = [v for b in boxes for v in (b.low, b.q1, b.median, b.q3, b.high, b.top)]
    if not log:  # one far value must not press all boxes flat: its dot stays at the edge
        values = [v for b in boxes for v in (b.low, min(b.high, b.q3 + 3 * (b.q3 - b.q1)))]
    axis = _axis([*values, *marks.values()], height - BOTTOM, TOP, log)
    parts = _across(axis, width)
    room = (width - LEFT - RIGHT) / max(1, len(groups))
    for number, (name, some) in enumerate(groups):
        left = LEFT + number * room
        for row, line in enumerate(_two_lines(name)):
            parts.append(_text(left + room / 2, height - BOTTOM + 15 + 13 * row, line, "middle"))
        thick = min(26.0, 0.8 * room / max(1, len(some)))
        for k, (kind, box) in enumerate(some):
            x = left + room / 2 + (k - (len(some) - 1) / 2) * thick * 1.12
            if box is not None:
                parts.append(_box(box, x, thick * 0.84, kind, axis))
            if (name, kind) in marks:
                parts.append(_diamond(x, axis.at(marks[name, kind])))
    return _frame(width, height, label, parts)


def _two_lines(name: str) -> list[str]:
    if len(name) <= 12 or " " not in name:
        return [name]
    cut = min((i for i, c in enumerate(name) if c == " "), key=lambda i: abs(i - len(name) / 2))
    return [name[:cut], name[cut + 1 :]]


def _box(box: Box, x: float, thick: float, kind: str, axis: _Axis) -> str:
    low, q1, median, q3, high, top = (
        axis.at(v) for v in (box.low, box.q1, box.median, box.q3, box.high, box.top)
    )
    a, h = x - thick / 2, max(1.0, q1 - q3)
    return (
        f'<g class="{kind}"><path class="line" d="M{x:.1f},{low:.1f}V{q1:.1f}M{x:.1f},{q3:.1f}'
        f'V{high:.1f}"/><rect class="body" x="{a:.1f}" y="{q3:.1f}" width="{thick:.1f}" '
        f'height="{h:.1f}"/><path class="median" d="M{a:.1f},{median:.1f}h{thick:.1f}"/>'
        f'<circle class="body" cx="{x:.1f}" cy="{top:.1f}" r="1.8"/></g>'
    )


def _diamond(x: float, y: float) -> str:
    return f'<path class="mark" d="M{x - 4:.1f},{y:.1f}l4,-4l4,4l-4,4z"/>'


def scatter(
    truth: Floats, guess: Floats, *, title: str, label: str, log: bool, most: int = 500
) -> str:
    """Predicted against actual, at most `most` points, evenly picked from the rows in order."""
    width, height = 262.0, 250.0
    pick = np.unique(np.linspace(0, len(truth) - 1, min(most, len(truth))).round().astype(int))
    t, g = truth[pick], guess[pick]
    if log:
        kept = (t > 0) & (g > 0)
        t, g = t[kept], g[kept]
    both = [*map(float, t), *map(float, g)]
    down = _axis(both, height - BOTTOM, TOP + 8, log)
    along = _Axis(down.low, down.high, LEFT, width - 2 * RIGHT, log)
    parts = _across(down, width)
    for value in along.ticks()[:: 2 if len(along.ticks()) > 5 else 1]:
        parts.append(_text(along.at(value), height - BOTTOM + 15, _tick(value), "middle"))
    parts.append(
        f'<path class="axis" d="M{LEFT:g},{height - BOTTOM:g}L{width - 2 * RIGHT:g},{TOP + 8:g}"/>'
    )
    dots = "".join(f"M{along.at(a):.0f},{down.at(b):.0f}h0" for a, b in zip(t, g))
    parts.append(f'<path class="dots" d="{dots}"/>')
    parts.append(_text(LEFT, TOP, title, "start", "strong"))
    return _frame(width, height, label, parts)


def histogram(
    series: Mapping[str, Floats], cuts: Sequence[float], *, label: str, bins: int = 40
) -> str:
    """Counts of values in [0, 1] as one outline for each series, with upright lines at `cuts`."""
    width, height = 760.0, 110.0
    parts, edges = [], np.linspace(0, 1, bins + 1)
    most = max((int(np.histogram(v, edges)[0].max()) for v in series.values()), default=1)
    along = _Axis(0.0, 1.0, LEFT, width - RIGHT, False)
    for number, (name, values) in enumerate(series.items()):
        base = TOP + (number + 1) * height - 20
        counts = np.histogram(values, edges)[0]
        steps = "".join(
            f"L{along.at(float(edges[k])):.1f},{base - c / most * (height - 30):.1f}"
            f"H{along.at(float(edges[k + 1])):.1f}"
            for k, c in enumerate(counts)
        )
        parts.append(f'<path class="hill" d="M{LEFT:g},{base:.1f}{steps}V{base:.1f}z"/>')
        parts.append(_text(LEFT + 2, base - height + 34, name, "start", "strong"))
        for cut in cuts:
            parts.append(
                f'<path class="cut" d="M{along.at(cut):.1f},{base:.1f}v{-(height - 26):.1f}"/>'
            )
        for value in (0, 0.2, 0.4, 0.6, 0.8, 1):
            parts.append(_text(along.at(value), base + 14, f"{value:g}", "middle"))
    return _frame(width, TOP + len(series) * height, label, parts)


@dataclass(frozen=True, eq=False)
class Series:
    """Points of a line in the order of x, with a band or None; NaN leaves a gap.

    `kind` names classes of page.css, the next colour unless told; `dashed` is for what was not
    measured.
    """

    name: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] | None = None
    high: Sequence[float] | None = None
    kind: str = ""
    dashed: bool = False


def lines(
    series: Sequence[Series],
    *,
    label: str,
    across: str,
    up: str,
    log: tuple[bool, bool] = (False, False),
    width: float = 760,
    height: float = 320,
) -> str:
    """Lines with their names at their ends; `across` and `up` name the axes, `log` says which."""
    room = 150.0  # for the names
    xs = [float(v) for s in series for v in s.x]
    ys = [float(v) for s in series for part in (s.y, s.low, s.high) for v in part or ()]
    along = _across_axis(xs, LEFT, width - room, log[0])
    axis = _axis(ys, height - BOTTOM - 8, TOP + 14, log[1])
    parts = [
        f'<path class="grid" d="M{LEFT:g},{axis.at(v):.1f}H{width - room:g}"/>'
        + _text(LEFT - 6, axis.at(v) + 4, _tick(v), "end")
        for v in axis.ticks()
    ]
    ticks = along.ticks()
    parts += [_text(along.at(v), height - BOTTOM + 8, _tick(v), "middle") for v in ticks]
    parts.append(_text((LEFT + width - room) / 2, height - 6, across, "middle"))
    parts.append(_text(4, TOP, up, "start"))
    ends = []
    for number, one in enumerate(series):
        kind = one.kind or f"tint s{number % 8}"
        parts.append(f'<g class="{kind}">{_band(one, along, axis)}{_line(one, along, axis)}</g>')
        known = [k for k, v in enumerate(one.y) if np.isfinite(v)]
        if known and one.name:
            ends.append((axis.at(float(one.y[known[-1]])), one.name, kind))
    parts += _names(ends, width - room + 8, TOP + 14, height - BOTTOM)
    return _frame(width, height, label, parts)


def _across_axis(values: Sequence[float], start: float, end: float, log: bool) -> _Axis:
    """As `_axis`, but a linear one need not begin at 0."""
    if log:
        return _axis(values, start, end, True)
    found = [v for v in values if np.isfinite(v)]
    low, high = (min(found), max(found)) if found else (0.0, 1.0)
    return _Axis(low, high if high > low else low + 1, start, end, False)


def _line(one: Series, along: _Axis, axis: _Axis) -> str:
    """The line and a dot at each point."""
    path, dots, pen = [], [], "M"
    for x, y in zip(one.x, one.y):
        if not np.isfinite(y):
            pen = "M"
            continue
        path.append(f"{pen}{along.at(float(x)):.1f},{axis.at(float(y)):.1f}")
        dots.append(f"M{along.at(float(x)):.1f},{axis.at(float(y)):.1f}h0")
        pen = "L"
    if one.dashed:
        return f'<path class="line dashed" d="{"".join(path)}"/>'
    return f'<path class="line" d="{"".join(path)}"/><path class="point" d="{"".join(dots)}"/>'


def _band(one: Series, along: _Axis, axis: _Axis) -> str:
    if one.low is None or one.high is None:
        return ""
    known = [
        (along.at(float(x)), axis.at(float(a)), axis.at(float(b)))
        for x, a, b in zip(one.x, one.low, one.high)
        if np.isfinite(a) and np.isfinite(b)
    ]
    if len(known) < 2:
        return ""
    up = "L".join(f"{x:.1f},{b:.1f}" for x, _, b in known)
    down = "L".join(f"{x:.1f},{a:.1f}" for x, a, _ in reversed(known))
    return f'<path class="hill" d="M{up}L{down}z"/>'


def _names(
    ends: Sequence[tuple[float, str, str]], x: float, top: float, bottom: float
) -> list[str]:
    """Names beside the ends of their lines, moved apart where they would touch."""
    order = sorted(range(len(ends)), key=lambda i: ends[i][0])
    places, last = {}, top - 14
    for i in order:
        last = max(ends[i][0], last + 14)
        places[i] = last
    limit = bottom
    for i in reversed(order):
        places[i] = min(places[i], limit)
        limit = places[i] - 14
    return [
        f'<g class="{kind}"><circle class="body" cx="{x:.1f}" cy="{places[i]:.1f}" r="3.5"/></g>'
        + _text(x + 8, places[i] + 4, name, "start")
        for i, (_, name, kind) in enumerate(ends)
    ]
