"""Charts of a network's page as SVG: outputs along a walk, and distances to the boundary."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .._core.types import Floats
from ._svg import Axis, fit_axis, grid_line, inner_ticks, svg_document, svg_text

if TYPE_CHECKING:
    from ..model.line import Line

WALK_CURVE_POINTS = 1500


def walk_chart(l: Line, chosen: list[int], decisions: bool) -> str:  # noqa: E741
    """Outputs along the walk, and below them a row of marks for each layer."""
    width, left, right, top = 620.0, 52.0, 10.0, 10.0
    each, n = 15.0, len(l.net.layers)
    base = 250.0
    height = base + 12 + each * n + 30
    values = l.values[:, chosen]
    along = Axis(0.0, 1.0, left, width - right, False)
    low, high = float(values.min()), float(values.max())
    down = fit_axis([low, high], base, top, False)
    down = Axis(low - 0.03 * (high - low), down.high, base, top, False) if high > low else down
    parts = [grid_line(down, v, left, width - right) for v in inner_ticks(down)]
    if decisions:
        cuts = "".join(f"M{along.at(float(t)):.1f},{top:g}V{base:g}" for t in l.decisions())
        parts.append(f'<path class="cut" d="{cuts}"/>')
    shares = l.knots if len(l.knots) <= WALK_CURVE_POINTS else np.linspace(0, 1, WALK_CURVE_POINTS)
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
        parts.append(svg_text(left - 6, y + each - 5, f"layer {i}", "end"))
    for value in (0, 0.2, 0.4, 0.6, 0.8, 1):
        parts.append(svg_text(along.at(value), height - 16, f"{value:g}", "middle"))
    parts.append(svg_text(left, height - 2, "share of the way", "start"))
    label = f"Outputs along the walk: {l.n_pieces} straight pieces"
    return svg_document(width, height, label, parts)


def distance_chart(distance: Floats, bins: int = 36) -> str:
    """Counts of positive finite distances on a logarithmic axis, with the median."""
    width, left, right, base = 620.0, 52.0, 10.0, 150.0
    positive = distance[np.isfinite(distance) & (distance > 0)]
    if not len(positive):
        return ""
    low, high = float(np.log10(np.quantile(positive, 0.002))), float(np.log10(positive.max()))
    low, high = (low - 0.5, high + 0.5) if high - low < 0.3 else (low, high)
    edges = np.linspace(low, high, bins + 1)
    counts = np.histogram(np.clip(np.log10(positive), low, high), edges)[0]
    along = Axis(low, high, left, width - right, False)
    down = fit_axis([1.15 * float(counts.max())], base, 12, False)
    parts = [grid_line(down, v, left, width - right) for v in down.ticks() if v == int(v)]
    for k, count in enumerate(counts.tolist()):
        if count:
            x, x1, y = along.at(edges[k]), along.at(edges[k + 1]), down.at(count)
            parts.append(
                f'<rect class="col" x="{x + 0.6:.1f}" y="{y:.1f}" width="{x1 - x - 1.2:.1f}" '
                f'height="{base - y:.1f}"/>'
            )
    middle = float(np.log10(np.median(positive)))
    parts.append(f'<path class="cut" d="M{along.at(middle):.1f},{base:g}V8"/>')
    parts.append(svg_text(along.at(middle) + 5, 18, f"median {10**middle:.3g}", "start", "strong"))
    for power in range(int(np.ceil(low)), int(np.floor(high)) + 1):
        parts.append(svg_text(along.at(power), base + 16, f"{10.0**power:g}", "middle"))
    label = f"Distances to the nearest boundary, median {10**middle:.3g}"
    return svg_document(width, base + 24, label, parts)
