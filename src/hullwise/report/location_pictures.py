"""Pictures of where rows stand: distances of new rows beside those of training rows left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._core.types import Floats, Indices, Objects
from ..geometry.bands import BAND_NAMES, BANDS, BEYOND, EDGE
from ._matplotlib import (
    ink,
    label_axes,
    label_text,
    new_axes,
    new_figure,
    set_logarithmic,
    soft_ink,
)
from .notebook import BAND_FILLS
from .result_pictures import legend_of

if TYPE_CHECKING:
    from ..domain.domain_location import DomainLocation
    from ..domain.domain_summary import ColumnCount
    from ..domain.group_comparison import GroupComparison
    from ..geometry.location import Location
    from ..metrics.local_locate import LocalLocation

BAND_MARKERS = {"core": "o", "edge": "s", "beyond": "^", "far": "D", "unknown": "P"}
POINTS_OF_PICTURE = 2000  # points drawn; the farthest first
COLUMNS_OF_PICTURE = 10
GROUP_NAME_ROOM = (90, 20)  # pixels
HEAVY_TAIL = 8.0  # largest over median distance from which the axis bends


def draw_location(location: Location, ax: Any = None) -> Any:
    """Draw the share of rows within each distance: new rows, and training rows left out.

    Parameters
    ----------
    location : Location
    ax : matplotlib Axes, optional
        Where to draw; a new figure unless given.

    Returns
    -------
    matplotlib Axes
        New rows are marks of their bands; the line behind them is that of the training rows.
    """
    ax = new_axes((6.4, 3.8)) if ax is None else ax
    known = np.isfinite(location.distance) & ~location.off_flat
    distance = location.distance[known]
    reference = location.reference[np.isfinite(location.reference)]
    _bend_axis(ax, np.concatenate([distance, reference]))
    if len(reference):
        _training_line(ax, reference, f"{len(reference):,} training rows, each left out")
    _band_edges(ax, location.band_limits)
    _band_marks(ax, distance, location.band[known], len(location))
    n_off = int((location.off_flat & np.isfinite(location.distance)).sum())
    left_out = f"; {n_off:,} off the flat are not drawn" if n_off else ""
    title = f"{len(location):,} new rows{left_out}"
    label_axes(ax, f"distance to the hull ({_short(location.metric_text)})", "share of rows", title)
    _finish_shares(ax)
    return ax


def draw_percentiles(percentile: Floats, band: Objects, ax: Any = None, title: str = "") -> Any:
    """Draw the share of rows up to each percentile; rows like the training rows follow the line."""
    ax = new_axes((6.4, 3.8)) if ax is None else ax
    known = np.isfinite(percentile)
    ax.plot([0, 100], [0, 1], color=soft_ink(ax), lw=1.2, label="rows drawn like the training rows")
    _band_edges(ax, [EDGE, BEYOND, 100.0])
    _band_marks(ax, percentile[known], band[known], len(percentile))
    x = "farther out than so many % of the training rows left out"
    label_axes(ax, x, "share of rows", title or f"{len(percentile):,} new rows")
    ax.set_xlim(-2, 104)
    _finish_shares(ax)
    return ax


def draw_local_location(location: LocalLocation, ax: Any = None) -> Any:
    """Draw the percentiles of rows that were each located in a metric of their own."""
    return draw_percentiles(location.hull_percentile, location.band, ax)


def draw_domain_location(location: DomainLocation, ax: Any = None) -> Any:
    """Draw the percentiles of all rows, whatever their gaps, and the columns that push rows out.

    Parameters
    ----------
    location : DomainLocation
    ax : matplotlib Axes, optional
        Where to draw the percentiles, and then these alone; a new figure of both unless given.

    Returns
    -------
    matplotlib Axes
        That of the percentiles.
    """
    by_name = int(location.unseen.any(axis=1).sum())
    named = f"; {by_name:,} far by name" if by_name else ""
    title = f"{len(location):,} new rows{named}"
    if ax is not None:
        return draw_percentiles(location.hull_percentile, location.band, ax, title)
    figure = new_figure((10.5, 4.0))
    left, right = figure.subplots(1, 2, width_ratios=(1.25, 1))
    draw_percentiles(location.hull_percentile, location.band, left, title)
    draw_columns(location.summary().columns, right)
    figure.tight_layout(w_pad=2.5)
    return left


def draw_columns(columns: tuple[ColumnCount, ...], ax: Any = None) -> Any:
    """Draw how often each column is among the leading reasons of a row outside."""
    ax = new_axes((5.0, 3.8)) if ax is None else ax
    shown = columns[:COLUMNS_OF_PICTURE][::-1]
    places = np.arange(len(shown))
    low = np.array([column.too_low for column in shown])
    high = np.array([column.too_high + column.of_another_level for column in shown])
    ax.barh(places, -low, color=BAND_FILLS["edge"], label="too low")
    ax.barh(places, high, color=BAND_FILLS["core"], label="too high, or of another level")
    ax.axvline(0, color=soft_ink(ax), lw=0.8)
    names = [label_text(column.name, 24) for column in shown]
    ax.set_yticks(places, names)
    label_axes(ax, "rows outside", "", "columns that push rows out")
    ax.xaxis.set_major_formatter(lambda value, _: f"{abs(value):,.0f}")
    ax.xaxis.get_major_locator().set_params(integer=True)
    if len(shown):
        legend_of(ax, "lower right")
    return ax


def draw_groups(groups: GroupComparison, ax: Any = None) -> Any:
    """Draw each new group by its median distance and its p, among training groups left out."""
    ax = new_axes((6.4, 3.8)) if ax is None else ax
    known = np.isfinite(groups.p)
    for is_out, band, label in ((False, "core", "like training groups"), (True, "far", "out")):
        mask = known & (groups.is_out == is_out)
        if mask.any():
            marks = {"marker": BAND_MARKERS[band], "color": BAND_FILLS[band], "label": label}
            ax.scatter(groups.median_distance[mask], groups.p[mask], s=26, linewidths=0, **marks)
    if known.any():
        set_logarithmic(ax.yaxis)
    _name_groups(ax, groups, np.flatnonzero(known & groups.is_out))
    title = f"{int(known.sum()):,} new groups ({label_text(groups.column, 24)})"
    label_axes(ax, "median distance of its rows", "p", title)
    if known.any():
        legend_of(ax, "upper right")
    return ax


def _name_groups(ax: Any, groups: GroupComparison, numbers: Indices) -> None:
    """Names of groups beside their marks, where they do not touch another."""
    named = np.zeros((0, 2))
    for g in numbers[np.argsort(-groups.median_distance[numbers], kind="stable")]:
        place = (float(groups.median_distance[g]), float(groups.p[g]))
        pixels = ax.transData.transform(place)
        if (np.abs(named - pixels) < GROUP_NAME_ROOM).all(axis=1).any():
            continue
        named = np.vstack([named, pixels])
        text = label_text(groups.names[g], 18)
        ax.annotate(text, place, (5, 4), textcoords="offset points", fontsize=7, color=ink(ax))


def _short(text: str) -> str:
    return label_text(text, 80)


def _bend_axis(ax: Any, values: Floats) -> None:
    """An axis that holds 0 and is logarithmic farther out, where distances have a long tail."""
    positive, unit = values[values > 0], float(values.max(initial=0.0)) or 1.0
    if len(positive) and positive.max() > HEAVY_TAIL * np.median(positive):
        unit = float(np.median(positive))
        ax.set_xscale("symlog", linthresh=unit)
    ax.set_xlim(-0.03 * unit, 1.06 * (float(values.max(initial=0.0)) or 1.0))


def _training_line(ax: Any, reference: Floats, label: str) -> None:
    """The share of training rows within each distance, as steps."""
    ordered = np.sort(reference)
    share = np.arange(1, len(ordered) + 1) / len(ordered)
    ax.step(
        np.r_[0.0, ordered],
        np.r_[0.0, share],
        where="post",
        color=soft_ink(ax),
        lw=1.2,
        label=label,
    )


def _band_edges(ax: Any, limits: list[float] | None) -> None:
    """Where edge, beyond and far begin, with their names above the picture."""
    if limits is None:
        return
    for name, limit in zip(BANDS[1:], limits):
        ax.axvline(limit, color=BAND_FILLS[name], lw=0.9, ls=(0, (4, 3)))
    last = -np.inf
    for name, limit in zip(BANDS[1:], limits):
        place = float(ax.transData.transform((limit, 0))[0])
        if place - last > 34 * ax.figure.dpi / 72:  # names that would touch are left out
            ax.text(
                *(limit, 1.045, name),
                **{"transform": ax.get_xaxis_transform(), "fontsize": 7.5, "clip_on": False},
                **{"color": BAND_FILLS[name], "ha": "left", "va": "top"},
            )
            last = place


def _band_marks(ax: Any, values: Floats, band: Objects, total: int) -> None:
    """New rows in order, as marks of their bands."""
    order = np.argsort(values, kind="stable")
    share = np.empty(len(values))
    share[order] = np.arange(1, len(values) + 1) / max(1, total)
    drawn = _drawn(order)
    for name in BAND_NAMES:
        rows = drawn[band[drawn] == name]
        if len(rows):
            style = {"marker": BAND_MARKERS[name], "color": BAND_FILLS[name], "linewidths": 0}
            count = int((band == name).sum())
            label = f"{name} ({count:,})"
            ax.scatter(values[rows], share[rows], s=14, label=label, zorder=3, **style)


def _drawn(order: Indices) -> Indices:
    """The farthest rows, and evenly of the others where there are too many."""
    if len(order) <= POINTS_OF_PICTURE:
        return order
    far, rest = order[-POINTS_OF_PICTURE // 2 :], order[: -POINTS_OF_PICTURE // 2]
    even = np.linspace(0, len(rest) - 1, POINTS_OF_PICTURE // 2).round().astype(int)
    return np.concatenate([rest[even], far])


def _finish_shares(ax: Any) -> None:
    ax.set_title(ax.get_title(loc="left"), fontsize=10, loc="left", color=ink(ax), pad=16)
    ax.set_ylim(0, 1.06)
    ax.set_yticks([0, 0.25, 0.5, 0.75, 1.0], ["0", "25 %", "50 %", "75 %", "100 %"])
    legend_of(ax, "lower right")
