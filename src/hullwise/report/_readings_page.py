"""Two readings of each row on the page: plainly, and in what matters to a task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..geometry.bands import BAND_NAMES
from ._html import Html, element, joined
from ._page_parts import bdi, behind, chip, data_table, gauge, mark, meter, paragraph, section
from .words import format_number

READINGS_TICKS = (0, 0.3, 1, 3, *(10.0**k for k in range(1, 13)), 30)
READINGS_LEFT, READINGS_TOP = 58, 14
READINGS_SIDE = 460  # pixels of the square
TABLE_ROWS = 500

Content = Mapping[str, Any]


def readings_section(content: Content) -> Html:
    """What the two readings say, side by side."""
    task = content["task"]
    return section(
        0,
        "Out of the data, and out of it in what matters",
        paragraph(task["meaning"]),
        [paragraph(text, "note") for text in task["usual"]],
        _cross_table(task),
        _figure(task["chart"]) if task["chart"] else None,
        _directions(task["directions"]) if task["directions"] else None,
        _farthest_in_task(task["farthest"]) if task["farthest"] else None,
        paragraph("Distances in the sections below are plain ones.", "note after"),
    )


def _cross_table(task: Content) -> Html:
    """How many rows are in each band plainly and in each in what matters."""
    used, counts = task["used"], np.array(task["counts"])
    lines = [
        element(
            "tr",
            element("th", {"scope": "row"}, chip(b)),
            [
                element("td", {"class": "n same" if b == c else "n"}, f"{counts[b, c]:,}")
                for c in used
            ],
            element("td", {"class": "n"}, f"{counts[b].sum():,}"),
        )
        for b in used
    ]
    totals = element(
        "tr",
        element("th", {"scope": "row"}, "all"),
        [element("td", {"class": "n"}, f"{counts[:, c].sum():,}") for c in used],
        element("td", {"class": "n"}, f"{counts.sum():,}"),
    )
    across = {"scope": "colgroup", "colspan": len(used), "class": "n"}
    head = element(
        "thead",
        element(
            "tr",
            element("th", {"scope": "col"}, "plainly"),
            element("th", across, "in what matters"),
            element("th"),
        ),
        element(
            "tr",
            element("th"),
            [element("th", {"scope": "col", "class": "n"}, chip(b)) for b in used],
            element("th", {"scope": "col", "class": "n"}, "all"),
        ),
    )
    plain, matters = task["metrics"]
    caption = joined(
        "Rows by their band plainly (down) and in what matters (across). Plainly: ",
        *(bdi(plain), ". In what matters: ", bdi(matters), "."),
    )
    table = element("table", {"class": "cross"}, head, element("tbody", lines, totals))
    return element("figure", table, element("figcaption", caption))


@dataclass(frozen=True)
class ReadingsAxes:
    """Distances on axes that hold both 0 and the far ones: log(1 + v)."""

    ends: tuple[float, float]

    @classmethod
    def fit(cls, chart: Content) -> ReadingsAxes:
        reach = [max([2.0, *(v for v in chart[a] if v is not None)]) for a in ("x", "y")]
        return cls((1.15 * reach[0], 1.15 * reach[1]))

    def _scaled(self, value: float | None, axis: int) -> float:
        if value is None:  # off the flat: on the border
            return 1.0
        return float(0.97 * np.log1p(value) / np.log1p(self.ends[axis]))

    def x(self, value: float | None) -> float:
        return READINGS_LEFT + READINGS_SIDE * self._scaled(value, 0)

    def y(self, value: float | None) -> float:
        return READINGS_TOP + READINGS_SIDE * (1 - self._scaled(value, 1))


def readings_svg(chart: Content) -> Html:
    """Each row by its plain distance and its distance in what matters."""
    at, side = ReadingsAxes.fit(chart), READINGS_SIDE
    width, height = READINGS_LEFT + side + 16, READINGS_TOP + side + 46
    box = {"class": "box", "x": READINGS_LEFT, "y": READINGS_TOP, "width": side, "height": side}
    radius = 3 if len(chart["x"]) > 400 else 4.2
    order = sorted(range(len(chart["x"])), key=lambda i: chart["task"][i])
    outer = {
        "viewBox": f"0 0 {width} {height}",
        **{"width": width, "height": height, "role": "img"},
        "aria-label": "Each row by its plain distance, left to right, and its distance in what "
        "matters, upwards",
    }
    points = [_point(chart, at, i, radius) for i in order]
    return element("svg", outer, element("rect", box), _axes(chart, at), points)


def _point(chart: Content, at: ReadingsAxes, i: int, radius: float) -> Html:
    band, (x, y) = chart["task"][i], (chart["x"][i], chart["y"][i])
    title = (
        f"{chart['label'][i]}: plainly {BAND_NAMES[chart['plain'][i]]} ({_reading_text(x)}), "
        f"in what matters {BAND_NAMES[band]} ({_reading_text(y)})"
    )
    path = mark(band, at.x(x), at.y(y), radius)
    return element(
        "path", {"class": f"point fill-{BAND_NAMES[band]}", "d": path}, element("title", title)
    )


def _reading_text(value: float | None) -> str:
    return "off the flat" if value is None else format_number(value)


def _axes(chart: Content, at: ReadingsAxes) -> list[Html]:
    bottom, right = READINGS_TOP + READINGS_SIDE, READINGS_LEFT + READINGS_SIDE
    parts, last_x, last_y = [], -99.0, 1e9
    for value in sorted(READINGS_TICKS):
        x, y = at.x(value), at.y(value)
        if value <= at.ends[0] and x - last_x > 44:
            place = {"x": f"{x:.1f}", "y": bottom + 16, "text-anchor": "middle"}
            parts.append(element("text", place, format_number(value)))
            last_x = x
        if value <= at.ends[1] and last_y - y > 16:
            place = {"x": READINGS_LEFT - 7, "y": f"{y + 4:.1f}", "text-anchor": "end"}
            parts.append(element("text", place, format_number(value)))
            last_y = y
    upright, level = chart["yardsticks"]
    if upright:
        path = f"M{at.x(1):.1f},{READINGS_TOP}V{bottom}"
        parts.append(element("path", {"class": "limit", "d": path}))
    if level:
        path = f"M{READINGS_LEFT},{at.y(1):.1f}H{right}"
        parts.append(element("path", {"class": "limit", "d": path}))
    middle = {"text-anchor": "middle", "class": "strong"}
    x_name = {**middle, "x": READINGS_LEFT + READINGS_SIDE / 2, "y": bottom + 38}
    turned = f"translate(13 {READINGS_TOP + READINGS_SIDE / 2:g}) rotate(-90)"
    return [
        *parts,
        element("text", x_name, "distance, plainly"),
        element("text", {**middle, "transform": turned}, "distance in what matters"),
    ]


def _figure(chart: Content) -> Html:
    present = [chip(b) for b in range(len(BAND_NAMES)) if b in chart["task"]]
    unit = "Distances are in the units of each metric. "
    if all(chart["yardsticks"]):
        unit = (
            "1 is where the outermost 5 % of the training rows begin, each left out in turn (the "
            "lines): right of the upright line a row is out plainly, above the level one it is out "
            "in what matters. "
        )
    n_off = chart["offFlat"]
    verb = "are" if n_off > 1 else "is"
    off = f"{n_off:,} off the flat that the training rows span {verb} drawn on the border. "
    caption = (
        f"{unit}Marks are those of the band in what matters. The axes are those of "
        f"log(1 + distance). {off if n_off else ''}{chart['drawn']}"
    )
    many = len(chart["x"]) > TABLE_ROWS
    title = (
        f"The {TABLE_ROWS} rows farthest out in what matters"
        if many
        else "Both bands of every row drawn"
    )
    return element(
        "figure",
        element("div", {"class": "key"}, present),
        element("div", {"class": "chart"}, readings_svg(chart)),
        element("figcaption", caption),
        behind(title, _chart_table(chart)),
    )


def _chart_table(chart: Content) -> Html:
    far = [np.inf if v is None else v for v in chart["y"]]
    order = sorted(range(len(far)), key=lambda i: -far[i])[:TABLE_ROWS]
    head = ("row", "plainly", "in what matters", "distance plainly", "in what matters")
    lines = [
        (
            bdi(chart["label"][i]),
            chip(chart["plain"][i]),
            chip(chart["task"][i]),
            _reading_text(chart["x"][i]),
            _reading_text(chart["y"][i]),
        )
        for i in order
    ]
    return data_table(head, lines)


def _directions(directions: Content) -> Html:
    """The directions of the metric, the one that counts most first."""
    items = [_direction(item, place) for place, item in enumerate(directions["items"], 1)]
    return element(
        "figure",
        {"class": "directions"},
        element("h3", "What matters: the directions of the metric"),
        element("ol", {"class": "cards"}, items),
        element("figcaption", directions["note"]),
    )


def _direction(item: Content, place: int) -> Html:
    lines = [
        element(
            "tr",
            element("th", {"class": "of", "scope": "row"}, bdi(name)),
            element("td", {"class": "by"}, f"{'−' if w < 0 else '+'}{format_number(abs(w), 2)}"),
            element(
                "td", {"class": "gauge", "aria-hidden": "true"}, gauge(abs(w), -1 if w < 0 else 1)
            ),
        )
        for name, w in item["terms"]
    ]
    more = item["more"]
    text = f"and {more:,} more feature{'s' if more > 1 else ''}" if more else ""
    table = element(
        "table", {"aria-label": f"features of direction {place}"}, element("tbody", lines)
    )
    title = element("h3", f"{place}. {item['share']}")
    return element(
        "li",
        element("div", title, meter(item["part"])),
        element("div", table, paragraph(text, "quiet")),
    )


def _farthest_in_task(rows: list[dict[str, Any]]) -> Html:
    title = "The rows farthest out in what matters"
    head = ("row", "plainly", "in what matters", "percentiles", "too high (+) or low (−) by")
    body = [
        element(
            "tr",
            element("th", {"scope": "row"}, bdi(row["label"])),
            element("td", chip(row["plain"])),
            element("td", chip(row["task"])),
            element("td", " / ".join(filter(None, row["percentiles"]))),
            element("td", bdi(row["pushes"])),
        )
        for row in rows
    ]
    table = element(
        "table",
        {"class": "both"},
        element("thead", element("tr", [element("th", {"scope": "col"}, text) for text in head])),
        element("tbody", body),
    )
    caption = (
        "Percentiles: training rows, each left out in turn, that are less far out, plainly / in "
        "what matters. Features are ranked by their part of the distance in what matters; what "
        "hardly matters is left out."
    )
    scroll = {"class": "scroll", "tabindex": "0", "role": "region", "aria-label": title}
    return element(
        "figure",
        element("h3", title),
        element("div", scroll, table),
        element("figcaption", caption),
    )
