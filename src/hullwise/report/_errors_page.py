"""The part of a page on errors against distance: sentences, a curve, tables. No script."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..geometry.bands import BANDS
from ._distribution_svg import NARROW, WIDE
from ._html import Html, element, joined
from ._page_parts import behind, chip, paragraph, text_table
from .words import format_number, limits_text

if TYPE_CHECKING:
    from ..reliability.error_curve import ErrorCurve
    from ..reliability.error_profile import ErrorProfile

CURVE_HEIGHT = 210


def errors_section(profile: ErrorProfile) -> Sequence[Any]:
    """A title, and what stands under it."""
    curve = profile.notions[0].curve
    figure = element(
        "figure",
        {"class": "chart"},
        curve_svg(curve, WIDE),
        curve_svg(curve, NARROW),
        element("figcaption", _caption(profile)),
    )
    return (
        "Does the error go with the distance?",
        paragraph(profile.sentence),
        figure,
        element("figure", _band_table(profile)),
        behind("By each notion of distance", _notion_table(profile)),
    )


def _caption(profile: ErrorProfile) -> str:
    level = 100 * profile.notions[0].curve.level
    what = "Share of wrong classes" if profile.is_classes else "Mean error"
    return (
        f"{what} by the {profile.notions[0].name} distance, rows in bins of about equal size, over "
        f"{profile.n_rows:,} rows that the model had not seen. The bars hold for all bins at once "
        f"({level:.0f} %); the line is the nearest curve that only grows."
    )


def _band_table(profile: ErrorProfile) -> Html:
    means = profile.by_band
    lines = [
        (
            chip(band),
            f"{int(means.rows[band]):,}",
            format_number(float(means.mean[band])),
            limits_text(float(means.lower[band]), float(means.upper[band])),
        )
        for band in range(len(BANDS))
        if means.rows[band]
    ]
    what = "share wrong" if profile.is_classes else "mean error"
    return text_table(("band", "rows", what, f"{100 * means.level:.0f} % limits"), lines)


def _notion_table(profile: ErrorProfile) -> Html:
    head = ("by", "does the error grow?", "rank correlation", "farthest tenth to rest", "saved")
    lines = []
    for notion in profile.notions:
        verdict = notion.verdict
        lines.append(
            (
                notion.name,
                verdict.word,
                f"{verdict.correlation:.2f} ({limits_text(*verdict.correlation_limits)})",
                f"{format_number(verdict.ratio, 2)} ({limits_text(*verdict.ratio_limits)})",
                f"{notion.saved + 0.0:.2f} ({limits_text(*notion.saved_limits)})",
            )
        )
    return text_table(head, lines)


def curve_svg(curve: ErrorCurve, width: int) -> Html:
    """Mean error by distance: a bar of limits for each bin, and the monotone curve."""
    small = width < WIDE
    left, right, top, bottom = 52, width - 8, 12, CURVE_HEIGHT - 40
    edges = np.concatenate([[0.0], curve.edges[np.isfinite(curve.edges)]])
    last = edges[-1] + max(float(np.median(np.diff(edges))) if len(edges) > 1 else 1.0, 1e-300)
    edges = np.append(edges, last)[: len(curve.rows) + 1]
    if len(edges) < len(curve.rows) + 1:
        edges = np.append(edges, edges[-1] * 1.05)
    highest = float(np.nanmax(np.where(np.isfinite(curve.upper), curve.upper, curve.mean))) or 1.0

    def x(value: float) -> float:
        return left + (right - left) * value / float(edges[-1])

    def y(value: float) -> float:
        return bottom - (bottom - top) * min(value, highest) / highest

    parts: list[Html] = []
    for tick in (0.0, highest / 2, highest):
        line = {"class": "grid", "x1": left, "x2": right, "y1": y(tick), "y2": y(tick)}
        parts.append(element("line", line))
        text = {"x": left - 6, "y": y(tick) + 4, "text-anchor": "end"}
        parts.append(element("text", text, format_number(tick, 2)))
    path = ""
    for k in range(len(curve.rows)):
        start, end = x(float(edges[k])), x(float(edges[k + 1]))
        low, high = float(curve.lower[k]), float(curve.upper[k])
        bar = {"x": start + 0.5, "width": max(end - start - 1, 0.5), "y": y(high)}
        parts.append(
            element("rect", {"class": "limits", **bar, "height": max(y(low) - y(high), 1.0)})
        )
        mean = y(float(curve.mean[k]))
        parts.append(
            element(
                "line", {"class": "axis", "x1": start + 1, "x2": end - 1, "y1": mean, "y2": mean}
            )
        )
        level = y(float(curve.monotone[k]))
        path += f"{'L' if path else 'M'}{start:.4g},{level:.4g}L{end:.4g},{level:.4g}"
    parts.append(element("path", {"class": "curve", "d": path}))
    for value in (0.0, float(edges[-1]) / 2, float(edges[-1])):
        place = {"x": x(value), "y": bottom + 16}
        anchor = "start" if value == 0 else "end" if value == edges[-1] else "middle"
        parts.append(element("text", {**place, "text-anchor": anchor}, format_number(value, 2)))
    axis = {"x": right, "y": bottom + 34, "text-anchor": "end", "class": "strong"}
    parts.append(element("text", axis, "distance"))
    outer = {
        "class": "narrow" if small else "wide",
        "viewBox": f"0 0 {width} {CURVE_HEIGHT}",
        "width": width,
        "height": CURVE_HEIGHT,
        "role": "img",
        "aria-label": "Mean error by distance, with limits",
    }
    return element("svg", outer, joined(*parts))
