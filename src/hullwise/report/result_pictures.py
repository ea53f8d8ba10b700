"""Pictures of predictions, their reasons and errors, of metrics and of networks on rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ._matplotlib import ink, label_axes, label_text, new_axes, soft_ink
from .notebook import BAND_FILLS
from .words import format_number

if TYPE_CHECKING:
    from ..metrics.directions import Directions
    from ..model.complexity import LocalComplexity
    from ..model.guard import GuardReport
    from ..model.occupancy import RegionOccupancy
    from ..predict.error_bound import ErrorBound
    from ..predict.explanation import Explanation
    from ..predict.minimax_band import HardestTarget
    from ..predict.smoothness import Smoothness
    from ..reliability.prediction_band import Band

BARS_OF_PICTURE = 12
LARGEST_LINEAR_COUNT = 50
POINTS_OF_CURVE = 401
FIRST, SECOND, THIRD = BAND_FILLS["core"], BAND_FILLS["beyond"], BAND_FILLS["edge"]


def draw_band(band: Band, ax: Any = None) -> Any:
    """Draw predictions in their order, each with its band."""
    ax = new_axes((6.4, 3.8)) if ax is None else ax
    order = np.argsort(band.prediction, kind="stable")
    places = np.arange(len(order))
    low, high = band.lower[order], band.upper[order]
    label = f"band of {100 * band.coverage:g} %"
    ax.vlines(
        places,
        low,
        high,
        color=FIRST,
        lw=max(0.6, min(4.0, 200 / max(1, len(order)))),
        alpha=0.6,
        label=label,
    )
    ax.scatter(
        places,
        band.prediction[order],
        s=8,
        color=ink(ax),
        linewidths=0,
        zorder=3,
        label="prediction",
    )
    label_axes(ax, "queries, in the order of their predictions", "target", f"{len(band):,} queries")
    legend_of(ax, "upper left")
    return ax


def draw_hardest_target(hardest: HardestTarget, ax: Any = None) -> Any:
    """Draw a target along its steepest direction, the rows with weight at their places there."""
    ax = new_axes((6.4, 3.8)) if ax is None else ax
    metric, direction = hardest.target_class.metric, hardest.steepest
    places = metric.image(hardest.rows - hardest.query) @ direction
    reach = 1.2 * float(np.abs(places).max(initial=0.0)) or 1.0
    line = np.linspace(-reach, reach, POINTS_OF_CURVE)
    along = hardest.query + line[:, None] * metric.preimage(direction[None, :])
    ax.plot(line, hardest(along), color=FIRST, label="the target")
    values = hardest(hardest.rows)
    label = "training rows with weight"
    ax.scatter(places, values, s=9, color=ink(ax), linewidths=0, zorder=3, label=label)
    ax.axvline(0, color=soft_ink(ax), lw=0.8)
    at_query = format_number(float(hardest(hardest.query[None, :])[0]))
    title = f"{at_query} at the query, and least told by the rows"
    label_axes(ax, "distance from the query along the steepest slope", "target", title)
    legend_of(ax, "upper left")
    return ax


def draw_explanation(explanation: Explanation, ax: Any = None) -> Any:
    """Draw the training rows behind a prediction by their weights, the heaviest on top."""
    shown = slice(0, BARS_OF_PICTURE)
    weights = explanation.weights[shown][::-1]
    ax = new_axes((5.6, 0.9 + 0.3 * len(weights))) if ax is None else ax
    labels = explanation.rows if explanation.labels is None else explanation.labels
    names = [label_text(name, 24) for name in labels[shown]][::-1]
    places = np.arange(len(weights))
    colors = [FIRST if weight >= 0 else BAND_FILLS["far"] for weight in weights]
    ax.barh(places, weights, color=colors)
    targets = explanation.targets[shown][::-1]
    for place, weight, target in zip(places, weights, targets):
        text = format_number(float(target)) if np.ndim(target) == 0 else ""
        ax.annotate(f" {text}", (max(weight, 0.0), place), va="center", fontsize=8, color=ink(ax))
    ax.set_yticks(places, names)
    ax.margins(x=0.14)
    more = len(explanation.rows) - len(weights)
    hidden = f"; {more:,} more are not drawn" if more > 0 else ""
    value = np.array2string(np.asarray(explanation.prediction), precision=4)
    title = f"{value}: training rows and their targets{hidden}"
    label_axes(ax, "weight", "", title)
    return ax


def draw_error_bound(bound: ErrorBound, ax: Any = None) -> Any:
    """Draw the two parts of the error bound, queries in the order of the bound."""
    ax = new_axes((6.4, 3.8)) if ax is None else ax
    shift, spread = (
        part if part.ndim == 1 else part.max(axis=1) for part in (bound.shift, bound.spread)
    )
    order = np.argsort(shift + spread, kind="stable")
    places = np.arange(len(order))
    ax.fill_between(places, 0, spread[order], color=THIRD, step="mid", lw=0, label="spread")
    ax.fill_between(
        places,
        spread[order],
        (shift + spread)[order],
        color=SECOND,
        step="mid",
        lw=0,
        label="shift",
    )
    label_axes(ax, "queries, in the order of the bound", "error bound", f"{len(bound):,} queries")
    ax.set_ylim(bottom=0)
    legend_of(ax, "upper left")
    return ax


def draw_smoothness(smoothness: Smoothness, ax: Any = None) -> Any:
    """Draw the share of sampled rows up to each slope and curvature; the constants are lines."""
    ax = new_axes((6.4, 3.8)) if ax is None else ax
    parts = (
        ("slope", smoothness.slope, smoothness.lipschitz, FIRST),
        ("curvature", smoothness.curvature, smoothness.smoothness, SECOND),
    )
    for name, values, constant, color in parts:
        largest = np.sort(values if values.ndim == 1 else values.max(axis=1))
        share = np.arange(1, len(largest) + 1) / max(1, len(largest))
        constant_text = format_number(float(np.max(constant)))
        ax.step(
            largest,
            share,
            where="post",
            color=color,
            lw=1.4,
            label=f"{name} (estimate {constant_text})",
        )
        ax.axvline(float(np.max(constant)), color=color, lw=0.9, ls=(0, (4, 3)))
    label_axes(ax, "slope, curvature", "share of rows", f"{len(smoothness.rows):,} rows")
    ax.set_ylim(0, 1.03)
    ax.set_yticks([0, 0.25, 0.5, 0.75, 1.0], ["0", "25 %", "50 %", "75 %", "100 %"])
    legend_of(ax, "best")
    return ax


def draw_directions(directions: Directions, ax: Any = None) -> Any:
    """Draw what each direction of a metric counts for, with its features in words."""
    n = min(len(directions), BARS_OF_PICTURE)
    ax = new_axes((7.0, 0.9 + 0.34 * n)) if ax is None else ax
    places = np.arange(n)[::-1]
    ax.barh(places, directions.share[:n], color=FIRST, height=0.55)
    for place, share, i in zip(places, directions.share[:n], range(n)):
        text = f" {100 * share:.3g} %   {label_text(directions.text(i), 60)}"
        ax.annotate(text, (float(share), float(place)), va="center", fontsize=8, color=ink(ax))
    ax.set_yticks(places, [str(i + 1) for i in range(n)])
    ax.set_xlim(0, 2.2 * float(directions.share[:1].max(initial=0.01)))
    dimension = format_number(directions.effective_dimension, 3)
    label_axes(ax, "share of the metric", "direction", f"effective dimension {dimension}")
    return ax


def draw_occupancy(occupancy: RegionOccupancy, ax: Any = None) -> Any:
    """Draw how many training rows each region holds, the fullest first."""
    ax = new_axes((6.4, 3.8)) if ax is None else ax
    counts = occupancy.rows_per_region
    ax.step(np.arange(1, len(counts) + 1), counts, where="mid", color=FIRST, lw=1.4)
    ax.set_xscale("log")
    ax.yaxis.get_major_locator().set_params(integer=True)
    if counts.max(initial=0) > LARGEST_LINEAR_COUNT:
        ax.set_yscale("log")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    others = [one for one in (occupancy.test, *occupancy.off) if one is not None]
    shares = ", ".join(f"{o.name} {100 * o.training_share:.2g} %" for o in others)
    title = (
        f"{len(counts):,} regions; rows in them: {shares}" if shares else f"{len(counts):,} regions"
    )
    label_axes(ax, "regions, the fullest first", "training rows", title)
    return ax


def draw_complexity(complexity: LocalComplexity, ax: Any = None) -> Any:
    """Draw how many units of each layer change around the points: quartiles, and the mean."""
    ax = new_axes((6.4, 3.8)) if ax is None else ax
    places = np.arange(len(complexity.layers))
    if len(complexity):
        low, middle, high = np.percentile(complexity.counts, [25, 50, 75], axis=0)
        ax.bar(places, high - low, bottom=low, width=0.5, color=FIRST, alpha=0.6, label="quartiles")
        ax.hlines(middle, places - 0.25, places + 0.25, color=FIRST, lw=2, label="median")
        ax.scatter(places, complexity.mean, color=ink(ax), s=18, zorder=3, label="mean")
        legend_of(ax, "best")
    ax.set_xticks(places, [label_text(name, 12) for name in complexity.layers])
    label_axes(ax, "layer", "units that change", f"radius {format_number(complexity.radius)}")
    ax.set_ylim(bottom=0)
    return ax


def draw_guard(report: GuardReport, ax: Any = None) -> Any:
    """Draw how many neurons were clipped at each query, beside what a check of ranges says."""
    ax = new_axes((6.4, 3.8)) if ax is None else ax
    for refused, name, label in ((False, "core", "taken"), (True, "far", "refused")):
        mask = report.refused == refused
        if mask.any():
            style = {"color": BAND_FILLS[name], "marker": "D" if refused else "o", "label": label}
            ax.scatter(report.box_count[mask], report.clips[mask], s=20, linewidths=0, **style)
    if np.isfinite(report.threshold):
        ax.axhline(report.threshold, color=soft_ink(ax), lw=0.9, ls=(0, (4, 3)))
    label_axes(ax, "features out of their range", "neurons clipped", f"{len(report):,} queries")
    if len(report):
        legend_of(ax, "best")
    return ax


def legend_of(ax: Any, place: str) -> None:
    """A quiet legend in the colour of the text."""
    legend = ax.legend(loc=place, fontsize=7.5, frameon=False, handletextpad=0.4)
    for text in legend.get_texts():
        text.set_color(ink(ax))
