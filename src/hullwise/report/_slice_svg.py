"""A slice of a network's partition as SVG, drawn with classes only."""

from __future__ import annotations

import base64
import struct
import zlib
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from .._core.types import Floats, Ints
from ..model.slice_shapes import class_outlines, straight_walls, wall_density
from ._colors import VIRIDIS, scale_color
from ._shading import N_SHADES, region_shades, row_opacity

if TYPE_CHECKING:
    from ..model.slices import Slice

SLICE_WIDTH = 1000  # of a drawing; all coordinates are whole


@dataclass(frozen=True)
class DrawingDetail:
    """How much of a plane is drawn; the next one is taken while the page is too large."""

    fills: bool
    walls: bool
    rows: int


STROKE_ATTRIBUTES = 'fill="none" vector-effect="non-scaling-stroke"'

DRAWING_DETAILS = (
    DrawingDetail(True, True, 3000),
    DrawingDetail(False, True, 1500),
    DrawingDetail(False, False, 1000),
    DrawingDetail(False, False, 0),
)


class SliceDrawing:
    """One slice as parts of SVG that several pictures share."""

    def __init__(self, s: Slice) -> None:
        self.s = s
        side = (s.high - s.low) * np.linalg.norm(s.axes, axis=1)
        ratio = float(side[1] / side[0])
        self.to_scale = 0.5 <= ratio <= 1.25
        self.walls = straight_walls(s)
        self.high = round(SLICE_WIDTH * (ratio if self.to_scale else 0.75))

    def at(self, uv: Floats) -> Ints:
        """Whole coordinates of points of the plane, downwards."""
        share = (uv - self.s.low) / (self.s.high - self.s.low)
        share = np.stack([share[..., 0], 1 - share[..., 1]], axis=-1)
        return np.asarray(np.rint(share * [SLICE_WIDTH, self.high]), dtype=np.int64)

    def frame(self, content: str, label: str, kind: str) -> str:
        return (
            f'<svg class="{kind}" viewBox="0 0 {SLICE_WIDTH} {self.high}" role="img" '
            f'aria-label="{escape(label)}">{content}</svg>'
        )

    def wall_paths(self) -> str:
        """One path for each layer, to be used by its name: w0, w1, ..."""
        segments, layers = self.walls
        corners, out = self.at(segments), []
        for i in range(len(self.s.net.layers)):
            own = corners[layers == i]
            own = own[(own[:, 0] != own[:, 1]).any(axis=1)]
            out.append(f'<path id="w{i}" {STROKE_ATTRIBUTES} d="{_strokes(own)}"/>')
        return "".join(out)

    def regions(self) -> str:
        """One path for each shade."""
        s = self.s
        halves, ends = s.complex.loops
        points = np.split(self.at(s.vertices[s.complex.start[halves]]), ends[:-1])
        shade = region_shades(s, N_SHADES)
        parts: list[list[str]] = [[] for _ in range(N_SHADES)]
        for k, polygon in zip(shade.tolist(), points, strict=True):
            parts[k].append(_outline(polygon))
        return "".join(f'<path class="r{k}" d="{"".join(d)}"/>' for k, d in enumerate(parts))

    def values(self, steps: int = 12) -> str:
        """The first output at the middle of each region, in steps of equal counts."""
        s = self.s
        value = s.values[:, 0]
        cuts = np.unique(np.quantile(value, np.linspace(0, 1, steps + 1)[1:-1]))
        step = np.searchsorted(cuts, value)
        halves, ends = s.complex.loops
        points = np.split(self.at(s.vertices[s.complex.start[halves]]), ends[:-1])
        parts: list[list[str]] = [[] for _ in range(steps)]
        for k, polygon in zip(step.tolist(), points, strict=True):
            parts[k].append(_outline(polygon))
        colors = [scale_color(VIRIDIS, k / (steps - 1)) for k in range(steps)]
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
        outlines = class_outlines(self.s)
        return "".join(
            f'<path class="k{k % 10}" d="{"".join(_outline(self.at(loop)) for loop in loops)}"/>'
            for k, loops in outlines.items()
        )

    def boundary(self) -> str:
        corners = self.at(self.s.decision_boundary())
        return f'<path id="db" class="db" {STROKE_ATTRIBUTES} d="{_strokes(corners)}"/>'

    def heat(self) -> str:
        """Local complexity as an image that is the more opaque the more walls there are."""
        density = wall_density(self.s, grid=160)[::-1]
        peak = float(np.quantile(density, 0.998)) or 1.0
        png = _png(np.round(np.clip(density / peak, 0, 1) * 15) * 17)
        data = base64.b64encode(png).decode("ascii")
        return (
            f'<image width="{SLICE_WIDTH}" height="{self.high}" preserveAspectRatio="none" '
            f'href="data:image/png;base64,{data}"/>'
        )

    def rows(self, X: Floats, colors: Ints, most: int) -> tuple[str, int, int]:
        """Dots by colour and distance from the plane; how many are drawn and how many there are."""
        uv, distance = self.s.coordinates(X)
        inside = np.flatnonzero(((uv >= self.s.low) & (uv <= self.s.high)).all(axis=1))
        evenly = np.linspace(0, len(inside) - 1, min(most, len(inside))).astype(int)
        pick = inside[np.unique(evenly)]
        near = row_opacity(distance[pick], float((self.s.high - self.s.low).max()))
        fade = np.where(near > 0.75, 0, np.where(near > 0.4, 1, 2))
        at, out = self.at(uv[pick]), []
        for level in (2, 1, 0):
            for k in np.unique(colors[pick]).tolist():
                own = at[(fade == level) & (colors[pick] == k)]
                if len(own):
                    dots = "".join(f"M{x} {y}h0" for x, y in own.tolist())
                    out.append(
                        f'<path class="dot f{level} k{k % 10}" {STROKE_ATTRIBUTES} d="{dots}"/>'
                    )
        rims = "".join(f"M{x} {y}h0" for x, y in at[fade == 0].tolist())
        return (
            f'<path class="rim" {STROKE_ATTRIBUTES} d="{rims}"/>{"".join(out)}',
            len(pick),
            len(inside),
        )


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
