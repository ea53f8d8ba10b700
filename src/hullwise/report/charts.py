"""Charts as SVG, drawn with classes only: colours are the page's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .._core.types import Floats
from ._svg import (
    Axis,
    fit_axis,
    fit_x_axis,
    format_tick,
    svg_document,
    svg_text,
)

__all__ = [
    "Box",
    "Series",
    "box_chart",
    "box_statistics",
    "histogram_chart",
    "line_chart",
    "scatter_chart",
]

LEFT, RIGHT, TOP, BOTTOM = 58.0, 10.0, 12.0, 34.0  # margins


@dataclass(frozen=True)
class Box:
    """A box: whiskers, quartiles, median; `top` is the largest value, drawn as a dot.

    Attributes
    ----------
    low, q1, median, q3, high, top : float

    Examples
    --------
    >>> import numpy as np
    >>> from hullwise.report.charts import box_statistics
    >>> box_statistics(np.array([1.0, 2.0, 3.0, 4.0, 90.0]))
    Box(low=1.0, q1=2.0, median=3.0, q3=4.0, high=4.0, top=90.0)
    """

    low: float
    q1: float
    median: float
    q3: float
    high: float
    top: float


def box_statistics(values: Floats) -> Box | None:
    """The box of finite values; None where there are none.

    Parameters
    ----------
    values : (n,) float64

    Returns
    -------
    Box or None
        Its whiskers end at the last value within 3/2 of the distance between the quartiles.

    Examples
    --------
    >>> import numpy as np
    >>> from hullwise.report.charts import box_statistics
    >>> box_statistics(np.arange(5.0)).q3
    3.0
    """
    values = values[np.isfinite(values)]
    if not len(values):
        return None
    q1, median, q3 = np.percentile(values, [25, 50, 75])
    reach = 1.5 * (q3 - q1)
    within = values[(values >= q1 - reach) & (values <= q3 + reach)]
    return Box(*(float(v) for v in (within.min(), q1, median, q3, within.max(), values.max())))


def _across(axis: Axis, width: float) -> list[str]:
    """Grid lines with their values."""
    parts = []
    for value in axis.ticks():
        y = axis.at(value)
        parts.append(f'<path class="grid" d="M{LEFT:g},{y:.1f}H{width - RIGHT:g}"/>')
        parts.append(svg_text(LEFT - 6, y + 4, format_tick(value), "end"))
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
    """Boxes side by side for each group, as SVG.

    Parameters
    ----------
    groups : sequence of (name, sequence of (class, Box or None))
        The class names the style of a box in the page.
    label : str
        What the picture shows, for those who cannot see it.
    log : bool
        Whether the axis is logarithmic.
    marks : mapping of (name, class) to float, optional
        Single values beside the boxes, drawn as diamonds.
    width, height : float

    Returns
    -------
    str

    Examples
    --------
    >>> import numpy as np
    >>> from hullwise.report import charts
    >>> box = charts.box_statistics(np.arange(5.0))
    >>> charts.box_chart([("all", [("s0", box)])], label="a box", log=False)[:4]
    '<svg'
    """
    marks = marks or {}
    boxes = [b for _, some in groups for _, b in some if b is not None]
    values = [v for b in boxes for v in (b.low, b.q1, b.median, b.q3, b.high, b.top)]
    if not log:  # one far value must not press all boxes flat: its dot stays at the edge
        values = [v for b in boxes for v in (b.low, min(b.high, b.q3 + 3 * (b.q3 - b.q1)))]
    axis = fit_axis([*values, *marks.values()], height - BOTTOM, TOP, log)
    parts = _across(axis, width)
    room = (width - LEFT - RIGHT) / max(1, len(groups))
    for number, (name, some) in enumerate(groups):
        left = LEFT + number * room
        for row, line in enumerate(_two_lines(name)):
            parts.append(svg_text(left + room / 2, height - BOTTOM + 15 + 13 * row, line, "middle"))
        thick = min(26.0, 0.8 * room / max(1, len(some)))
        for k, (kind, box) in enumerate(some):
            x = left + room / 2 + (k - (len(some) - 1) / 2) * thick * 1.12
            if box is not None:
                parts.append(_box(box, x, thick * 0.84, kind, axis))
            if (name, kind) in marks:
                parts.append(_diamond(x, axis.at(marks[name, kind])))
    return svg_document(width, height, label, parts)


def _two_lines(name: str) -> list[str]:
    if len(name) <= 12 or " " not in name:
        return [name]
    cut = min((i for i, c in enumerate(name) if c == " "), key=lambda i: abs(i - len(name) / 2))
    return [name[:cut], name[cut + 1 :]]


def _box(box: Box, x: float, thick: float, kind: str, axis: Axis) -> str:
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


def scatter_chart(
    truth: Floats, predicted: Floats, *, title: str, label: str, log: bool, max_points: int = 500
) -> str:
    """Predicted against actual values, as SVG.

    Parameters
    ----------
    truth, predicted : (n,) float64
    title : str
        Above the picture.
    label : str
        What it shows, for those who cannot see it.
    log : bool
        Whether both axes are logarithmic; values of at most 0 are then left out.
    max_points : int
        Points drawn, evenly picked from the rows in order.

    Returns
    -------
    str

    Examples
    --------
    >>> import numpy as np
    >>> from hullwise.report.charts import scatter_chart
    >>> x = np.arange(5.0)
    >>> scatter_chart(x, x, title="exact", label="a line", log=False)[:4]
    '<svg'
    """
    width, height = 262.0, 250.0
    pick = np.unique(
        np.linspace(0, len(truth) - 1, min(max_points, len(truth))).round().astype(int)
    )
    t, g = truth[pick], predicted[pick]
    if log:
        positive = (t > 0) & (g > 0)
        t, g = t[positive], g[positive]
    both = [*map(float, t), *map(float, g)]
    down = fit_axis(both, height - BOTTOM, TOP + 8, log)
    along = Axis(down.low, down.high, LEFT, width - 2 * RIGHT, log)
    parts = _across(down, width)
    for value in along.ticks()[:: 2 if len(along.ticks()) > 5 else 1]:
        parts.append(svg_text(along.at(value), height - BOTTOM + 15, format_tick(value), "middle"))
    parts.append(
        f'<path class="axis" d="M{LEFT:g},{height - BOTTOM:g}L{width - 2 * RIGHT:g},{TOP + 8:g}"/>'
    )
    dots = "".join(f"M{along.at(a):.0f},{down.at(b):.0f}h0" for a, b in zip(t, g))
    parts.append(f'<path class="dots" d="{dots}"/>')
    parts.append(svg_text(LEFT, TOP, title, "start", "strong"))
    return svg_document(width, height, label, parts)


def histogram_chart(
    series: Mapping[str, Floats], cuts: Sequence[float], *, label: str, bins: int = 40
) -> str:
    """Counts of values in [0, 1] as one outline for each series, as SVG.

    Parameters
    ----------
    series : mapping of name to (n,) float64
    cuts : sequence of float
        Where upright lines stand.
    label : str
        What the picture shows, for those who cannot see it.
    bins : int

    Returns
    -------
    str

    Examples
    --------
    >>> import numpy as np
    >>> from hullwise.report.charts import histogram_chart
    >>> histogram_chart({"even": np.linspace(0, 1, 9)}, [0.5], label="even")[:4]
    '<svg'
    """
    width, height = 760.0, 110.0
    parts, edges = [], np.linspace(0, 1, bins + 1)
    most = max((int(np.histogram(v, edges)[0].max()) for v in series.values()), default=1)
    along = Axis(0.0, 1.0, LEFT, width - RIGHT, False)
    for number, (name, values) in enumerate(series.items()):
        base = TOP + (number + 1) * height - 20
        counts = np.histogram(values, edges)[0]
        steps = "".join(
            f"L{along.at(float(edges[k])):.1f},{base - c / most * (height - 30):.1f}"
            f"H{along.at(float(edges[k + 1])):.1f}"
            for k, c in enumerate(counts)
        )
        parts.append(f'<path class="hill" d="M{LEFT:g},{base:.1f}{steps}V{base:.1f}z"/>')
        parts.append(svg_text(LEFT + 2, base - height + 34, name, "start", "strong"))
        for cut in cuts:
            parts.append(
                f'<path class="cut" d="M{along.at(cut):.1f},{base:.1f}v{-(height - 26):.1f}"/>'
            )
        for value in (0, 0.2, 0.4, 0.6, 0.8, 1):
            parts.append(svg_text(along.at(value), base + 14, f"{value:g}", "middle"))
    return svg_document(width, TOP + len(series) * height, label, parts)


@dataclass(frozen=True, eq=False)
class Series:
    """Points of a line in the order of x.

    Attributes
    ----------
    name : str
        Stands at the end of the line; "" for none.
    x, y : sequence of float
        NaN in y leaves a gap.
    low, high : sequence of float, optional
        A band around the line.
    kind : str
        Classes of the page's style; the next colour unless given.
    dashed : bool
        For what was not measured.

    Examples
    --------
    >>> from hullwise.report.charts import Series, line_chart
    >>> line = Series("squares", [0, 1, 2], [0, 1, 4])
    >>> line_chart([line], label="squares", x_label="n", y_label="n²")[:4]
    '<svg'
    """

    name: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] | None = None
    high: Sequence[float] | None = None
    kind: str = ""
    dashed: bool = False


def line_chart(
    series: Sequence[Series],
    *,
    label: str,
    x_label: str,
    y_label: str,
    log: tuple[bool, bool] = (False, False),
    width: float = 760,
    height: float = 320,
) -> str:
    """Lines with their names at their ends, as SVG.

    Parameters
    ----------
    series : sequence of Series
    label : str
        What the picture shows, for those who cannot see it.
    x_label, y_label : str
        Names of the axes.
    log : (bool, bool)
        Which axes are logarithmic, x and y.
    width, height : float

    Returns
    -------
    str

    Examples
    --------
    >>> from hullwise.report.charts import Series, line_chart
    >>> line_chart([Series("", [1, 10], [3, 2])], label="falls", x_label="x", y_label="y")[:4]
    '<svg'
    """
    room = 150.0  # for the names
    xs = [float(v) for s in series for v in s.x]
    ys = [float(v) for s in series for part in (s.y, s.low, s.high) for v in part or ()]
    along = fit_x_axis(xs, LEFT, width - room, log[0])
    axis = fit_axis(ys, height - BOTTOM - 8, TOP + 14, log[1])
    parts = [
        f'<path class="grid" d="M{LEFT:g},{axis.at(v):.1f}H{width - room:g}"/>'
        + svg_text(LEFT - 6, axis.at(v) + 4, format_tick(v), "end")
        for v in axis.ticks()
    ]
    ticks = along.ticks()
    parts += [svg_text(along.at(v), height - BOTTOM + 8, format_tick(v), "middle") for v in ticks]
    parts.append(svg_text((LEFT + width - room) / 2, height - 6, x_label, "middle"))
    parts.append(svg_text(4, TOP, y_label, "start"))
    ends = []
    for number, one in enumerate(series):
        kind = one.kind or f"tint s{number % 8}"
        parts.append(f'<g class="{kind}">{_band(one, along, axis)}{_line(one, along, axis)}</g>')
        known = [k for k, v in enumerate(one.y) if np.isfinite(v)]
        if known and one.name:
            ends.append((axis.at(float(one.y[known[-1]])), one.name, kind))
    parts += _names(ends, width - room + 8, TOP + 14, height - BOTTOM)
    return svg_document(width, height, label, parts)


def _line(one: Series, along: Axis, axis: Axis) -> str:
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


def _band(one: Series, along: Axis, axis: Axis) -> str:
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
        + svg_text(x + 8, places[i] + 4, name, "start")
        for i, (_, name, kind) in enumerate(ends)
    ]
