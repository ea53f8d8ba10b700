"""A network's partition, line walk and distances as SVG, drawn with classes only."""

from __future__ import annotations

import base64
import struct
import zlib
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from .._core.types import Floats, Ints
from ._partition_shapes import SHADES, class_outlines, density, nearness, shades, walls
from .charts import _Axis, _axis, _frame, _text, _tick

if TYPE_CHECKING:
    from ..model.line import Line
    from ..model.slices import Slice

WIDE = 1000  # of a drawing; all coordinates are whole
HELD = 1500  # points of a curve


@dataclass(frozen=True)
class Level:
    """How much of a plane is drawn; the next one is taken while the page is too large."""

    fills: bool
    walls: bool
    rows: int


PLAIN = 'fill="none" vector-effect="non-scaling-stroke"'

LEVELS = (
    Level(True, True, 3000),
    Level(False, True, 1500),
    Level(False, False, 1000),
    Level(False, False, 0),
)


class Drawing:
    """One slice as parts of SVG that several pictures share."""

    def __init__(self, s: Slice) -> None:
        self.s = s
        side = (s.high - s.low) * np.linalg.norm(s.axes, axis=1)
        ratio = float(side[1] / side[0])
        self.to_scale = 0.5 <= ratio <= 1.25
        self.walls = walls(s)
        self.high = round(WIDE * (ratio if self.to_scale else 0.75))

    def at(self, uv: Floats) -> Ints:
        """Whole coordinates of points of the plane, downwards."""
        share = (uv - self.s.low) / (self.s.high - self.s.low)
        share = np.stack([share[..., 0], 1 - share[..., 1]], axis=-1)
        return np.asarray(np.rint(share * [WIDE, self.high]), dtype=np.int64)

    def frame(self, content: str, label: str, kind: str) -> str:
        return (
            f'<svg class="{kind}" viewBox="0 0 {WIDE} {self.high}" role="img" '
            f'aria-label="{escape(label)}">{content}</svg>'
        )

    def wall_paths(self) -> str:
        """One path for each layer, to be used by its name: w0, w1, ..."""
        segments, layers = self.walls
        corners, out = self.at(segments), []
        for i in range(len(self.s.net.layers)):
            own = corners[layers == i]
            own = own[(own[:, 0] != own[:, 1]).any(axis=1)]
            out.append(f'<path id="w{i}" {PLAIN} d="{_strokes(own)}"/>')
        return "".join(out)

    def regions(self) -> str:
        """One path for each shade."""
        s = self.s
        halves, ends = s.complex.loops
        points = np.split(self.at(s.vertices[s.complex.start[halves]]), ends[:-1])
        shade = shades(s, SHADES)
        parts: list[list[str]] = [[] for _ in range(SHADES)]
        for k, polygon in zip(shade.tolist(), points, strict=True):
            parts[k].append(_outline(polygon))
        return "".join(f'<path class="r{k}" d="{"".join(d)}"/>' for k, d in enumerate(parts))

    def values(self, steps: int = 12) -> str:
        """The first output at the middle of each region, in steps of equal counts."""
        from matplotlib import colormaps
        from matplotlib.colors import to_hex

        s = self.s
        value = s.values[:, 0]
        cuts = np.unique(np.quantile(value, np.linspace(0, 1, steps + 1)[1:-1]))
        step = np.searchsorted(cuts, value)
        halves, ends = s.complex.loops
        points = np.split(self.at(s.vertices[s.complex.start[halves]]), ends[:-1])
        parts: list[list[str]] = [[] for _ in range(steps)]
        for k, polygon in zip(step.tolist(), points, strict=True):
            parts[k].append(_outline(polygon))
        colors = [to_hex(colormaps["viridis"](k / (steps - 1))) for k in range(steps)]
        return "".join(
            f'<path fill="{c}" stroke="{c}" d="{"".join(d)}"/>' for c, d in zip(colors, parts)
        )

    def gap(self, upto: int | None = None) -> float:
        """The mean distance between walls of layers 0 .. upto, as a share of the width."""
        segments, layers = self.walls
        corners = self.at(segments if upto is None else segments[layers <= upto]).astype(float)
        total = float(np.hypot(*(corners[:, 1] - corners[:, 0]).T).sum())
        return self.high / max(total, 1e-9)

    def classes(self) -> str:
        found = class_outlines(self.s)
        return "".join(
            f'<path class="k{k % 10}" d="{"".join(_outline(self.at(loop)) for loop in loops)}"/>'
            for k, loops in found.items()
        )

    def boundary(self) -> str:
        corners = self.at(self.s.decision_boundary())
        return f'<path id="db" class="db" {PLAIN} d="{_strokes(corners)}"/>'

    def heat(self) -> str:
        """Local complexity as an image that is the more opaque the more walls there are."""
        found = density(self.s, grid=160)[::-1]
        peak = float(np.quantile(found, 0.998)) or 1.0
        png = _png(np.round(np.clip(found / peak, 0, 1) * 15) * 17)
        data = base64.b64encode(png).decode("ascii")
        return (
            f'<image width="{WIDE}" height="{self.high}" preserveAspectRatio="none" '
            f'href="data:image/png;base64,{data}"/>'
        )

    def rows(self, X: Floats, colors: Ints, most: int) -> tuple[str, int, int]:
        """Dots by colour and distance from the plane; how many are drawn and how many there are."""
        uv, distance = self.s.coordinates(X)
        inside = np.flatnonzero(((uv >= self.s.low) & (uv <= self.s.high)).all(axis=1))
        some = np.linspace(0, len(inside) - 1, min(most, len(inside))).astype(int)
        pick = inside[np.unique(some)]
        near = nearness(distance[pick], float((self.s.high - self.s.low).max()))
        fade = np.where(near > 0.75, 0, np.where(near > 0.4, 1, 2))
        at, out = self.at(uv[pick]), []
        for level in (2, 1, 0):
            for k in np.unique(colors[pick]).tolist():
                own = at[(fade == level) & (colors[pick] == k)]
                if len(own):
                    dots = "".join(f"M{x} {y}h0" for x, y in own.tolist())
                    out.append(f'<path class="dot f{level} k{k % 10}" {PLAIN} d="{dots}"/>')
        rims = "".join(f"M{x} {y}h0" for x, y in at[fade == 0].tolist())
        return f'<path class="rim" {PLAIN} d="{rims}"/>{"".join(out)}', len(pick), len(inside)


def _strokes(corners: Ints) -> str:
    """Segments (k, 2, 2) as one path."""
    step = corners[:, 1] - corners[:, 0]
    return "".join(
        f"M{x} {y}l{a}{_pair(b)}" for (x, y), (a, b) in zip(corners[:, 0].tolist(), step.tolist())
    )


def _pair(value: int) -> str:
    return f" {value}" if value >= 0 else str(value)


def _outline(points: Ints) -> str:
    """A closed outline; "" where nothing of it is left in whole coordinates."""
    step = np.diff(points, axis=0)
    moved = [(a, b) for a, b in step.tolist() if a or b]
    if len(moved) < 2:
        return ""
    body = "".join(f"{a}{_pair(b)}" if i == 0 or a < 0 else f" {a}{_pair(b)}"
                   for i, (a, b) in enumerate(moved))  # fmt: skip
    return f"M{points[0, 0]} {points[0, 1]}l{body}z"


def _png(alpha: Floats) -> bytes:
    """Grey levels as the opacity of one colour: a palette of sixteen steps."""
    high, wide = alpha.shape
    pixels = (alpha / 17).astype(np.uint8)
    rows = b"".join(b"\0" + line.tobytes() for line in pixels)

    def chunk(kind: bytes, data: bytes) -> bytes:
        whole = kind + data
        return struct.pack(">I", len(data)) + whole + struct.pack(">I", zlib.crc32(whole))

    head = struct.pack(">IIBBBBB", wide, high, 8, 3, 0, 0, 0)
    colors = bytes(v for k in range(16) for v in (226 - 4 * k, 128 - 6 * k, 40 - k))
    steps = bytes(min(255, int(255 * (k / 15) ** 0.8)) for k in range(16))
    parts = (b"IHDR", head), (b"PLTE", colors), (b"tRNS", steps), (b"IDAT", zlib.compress(rows, 9))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*p) for p in parts) + chunk(b"IEND", b"")


def line_chart(l: Line, chosen: list[int], decisions: bool) -> str:  # noqa: E741
    """Outputs along the walk, and below them a row of marks for each layer."""
    width, left, right, top = 620.0, 52.0, 10.0, 10.0
    each, n = 15.0, len(l.net.layers)
    base = 250.0
    height = base + 12 + each * n + 30
    values = l.values[:, chosen]
    along = _Axis(0.0, 1.0, left, width - right, False)
    low, high = float(values.min()), float(values.max())
    down = _axis([low, high], base, top, False)
    down = _Axis(low - 0.03 * (high - low), down.high, base, top, False) if high > low else down
    parts = [_grid_line(down, v, left, width - right) for v in _ticks(down)]
    if decisions:
        cuts = "".join(f"M{along.at(float(t)):.1f},{top:g}V{base:g}" for t in l.decisions())
        parts.append(f'<path class="cut" d="{cuts}"/>')
    shares = l.knots if len(l.knots) <= HELD else np.linspace(0, 1, HELD)
    for k, column in zip(chosen, l.at(shares).T[chosen], strict=True):
        spots = " ".join(
            f"{along.at(float(t)):.1f},{down.at(float(v)):.1f}" for t, v in zip(shares, column)
        )
        parts.append(f'<polyline class="curve k{k % 10}" points="{spots}"/>')
    for i in range(n):
        y = base + 12 + each * i
        places = np.unique([round(along.at(float(t)), 1) for t in l.breaks[l.layers == i]])
        ticks = "".join(f"M{x:.1f},{y:.1f}v{each - 4:g}" for x in places)
        parts.append(f'<path class="grid" d="M{left:g},{y + each - 4:.1f}H{width - right:g}"/>')
        parts.append(f'<path class="tick w{i}" d="{ticks}"/>')
        parts.append(_text(left - 6, y + each - 5, f"layer {i}", "end"))
    for value in (0, 0.2, 0.4, 0.6, 0.8, 1):
        parts.append(_text(along.at(value), height - 16, f"{value:g}", "middle"))
    parts.append(_text(left, height - 2, "share of the way", "start"))
    label = f"Outputs along the walk: {l.n_pieces} straight pieces"
    return _frame(width, height, label, parts)


def _ticks(axis: _Axis) -> list[float]:
    return [v for v in axis.ticks() if axis.low <= v <= axis.high]


def _grid_line(axis: _Axis, value: float, left: float, right: float) -> str:
    y = axis.at(value)
    text = _text(left - 6, y + 4, _tick(round(value, 12)), "end")
    return f'<path class="grid" d="M{left:g},{y:.1f}H{right:g}"/>{text}'


def distance_chart(distance: Floats, bins: int = 36) -> str:
    """Counts of positive finite distances on a logarithmic axis, with the median."""
    width, left, right, base = 620.0, 52.0, 10.0, 150.0
    found = distance[np.isfinite(distance) & (distance > 0)]
    if not len(found):
        return ""
    low, high = float(np.log10(np.quantile(found, 0.002))), float(np.log10(found.max()))
    low, high = (low - 0.5, high + 0.5) if high - low < 0.3 else (low, high)
    edges = np.linspace(low, high, bins + 1)
    counts = np.histogram(np.clip(np.log10(found), low, high), edges)[0]
    along = _Axis(low, high, left, width - right, False)
    down = _axis([1.15 * float(counts.max())], base, 12, False)
    parts = [_grid_line(down, v, left, width - right) for v in down.ticks() if v == int(v)]
    for k, count in enumerate(counts.tolist()):
        if count:
            x, x1, y = along.at(edges[k]), along.at(edges[k + 1]), down.at(count)
            parts.append(
                f'<rect class="col" x="{x + 0.6:.1f}" y="{y:.1f}" width="{x1 - x - 1.2:.1f}" '
                f'height="{base - y:.1f}"/>'
            )
    middle = float(np.log10(np.median(found)))
    parts.append(f'<path class="cut" d="M{along.at(middle):.1f},{base:g}V8"/>')
    parts.append(_text(along.at(middle) + 5, 18, f"median {10**middle:.3g}", "start", "strong"))
    for power in range(int(np.ceil(low)), int(np.floor(high)) + 1):
        parts.append(_text(along.at(power), base + 16, f"{10.0**power:g}", "middle"))
    label = f"Distances to the nearest boundary, median {10**middle:.3g}"
    return _frame(width, base + 24, label, parts)
