"""Pictures of errors: how a model's error goes with distance, and how wrong a simplex can be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..geometry.bands import BANDS
from ._matplotlib import ink, label_axes, new_axes, new_figure, set_logarithmic, soft_ink
from .notebook import BAND_FILLS
from .result_pictures import legend_of

if TYPE_CHECKING:
    from ..model.dissect import Dissection
    from ..predict.simplex_shape import SimplexShape
    from ..reliability.binned_means import BinnedMeans
    from ..reliability.error_curve import ErrorCurve
    from ..reliability.error_profile import ErrorProfile


def draw_error_curve(curve: ErrorCurve, ax: Any = None, name: str = "distance") -> Any:
    """Draw the mean error of rows in bins of distance, and the nearest curve that only grows."""
    ax = new_axes((6.4, 3.8)) if ax is None else ax
    edges = np.asarray(curve.edges, dtype=np.float64)
    last = edges[-1] + (edges[-1] - edges[-2] if len(edges) > 1 else 1.0) if len(edges) else 1.0
    ends = np.concatenate([[0.0], edges, [last]])
    middle = (ends[1:] + ends[:-1]) / 2
    ax.stairs(
        curve.monotone,
        ends,
        **{"baseline": None, "color": soft_ink(ax), "lw": 1.2, "label": "the nearest that grows"},
    )
    label = f"mean error, limits of {100 * curve.level:g} %"
    ax.vlines(middle, curve.lower, curve.upper, color=BAND_FILLS["core"], lw=1.6, alpha=0.7)
    ax.scatter(middle, curve.mean, s=22, color=BAND_FILLS["core"], zorder=3, label=label)
    label_axes(ax, name, "error", f"{int(curve.rows.sum()):,} rows")
    ax.set_ylim(bottom=0)
    ax.set_xlim(left=0)
    legend_of(ax, "upper left")
    return ax


def draw_error_profile(profile: ErrorProfile, ax: Any = None) -> Any:
    """Draw the error by distance and by band; on axes of one's own the first of these alone."""
    first = profile.notions[0]
    name = f"distance ({first.name})"
    if ax is not None:
        return draw_error_curve(first.curve, ax, name)
    left, right = new_figure((9.5, 3.8)).subplots(1, 2, width_ratios=(1.6, 1))
    draw_error_curve(first.curve, left, name)
    _draw_bands(profile.by_band, right)
    left.figure.tight_layout(w_pad=2.0)
    return left


def _draw_bands(means: BinnedMeans, ax: Any) -> None:
    """The mean error of each band that has rows, with its limits."""
    for place, band in enumerate(BANDS):
        if not means.rows[place]:
            continue
        ax.bar(place, means.mean[place], width=0.6, color=BAND_FILLS[band])
        if np.isfinite(means.lower[place]) and np.isfinite(means.upper[place]):
            ax.vlines(place, means.lower[place], means.upper[place], color=ink(ax), lw=1.2)
    rows = [f"{band}\n{count:,}" for band, count in zip(BANDS, means.rows.tolist())]
    ax.set_xticks(range(len(BANDS)), rows)
    label_axes(ax, "", "mean error", "by band, with the rows")


def draw_simplex_shape(shape: SimplexShape, ax: Any = None) -> Any:
    """Draw the simplices around queries: their longest edge against their smallest width."""
    ax = new_axes((6.4, 3.8)) if ax is None else ax
    known = np.isfinite(shape.longest_edge) & (shape.smallest_singular_value > 0)
    width, edge = shape.smallest_singular_value[known], shape.longest_edge[known]
    ax.scatter(width, edge, s=18, color=BAND_FILLS["core"], linewidths=0)
    if known.any():
        set_logarithmic(ax.xaxis)
        set_logarithmic(ax.yaxis)
    missing = len(shape) - int(known.sum())
    more = f"; {missing:,} without a simplex" if missing else ""
    label_axes(ax, "smallest singular value", "longest edge", f"{len(shape):,} queries{more}")
    return ax


def draw_dissection(dissection: Dissection, ax: Any = None) -> Any:
    """Draw the share of points up to each distance from the nearest wall."""
    ax = new_axes((6.4, 3.8)) if ax is None else ax
    distance = np.sort(np.atleast_1d(dissection.boundary_distance))
    finite = distance[np.isfinite(distance)]
    share = np.arange(1, len(finite) + 1) / max(1, len(distance))
    ax.step(finite, share, where="post", color=BAND_FILLS["core"], lw=1.4)
    if len(finite) and finite[0] > 0:
        set_logarithmic(ax.xaxis)
    ax.set_ylim(0, 1.03)
    ax.set_yticks([0, 0.25, 0.5, 0.75, 1.0], ["0", "25 %", "50 %", "75 %", "100 %"])
    title = f"{len(distance):,} point{'' if len(distance) == 1 else 's'}"
    label_axes(ax, "distance to the nearest wall", "share of points", title)
    return ax
