"""The partition of a network as matplotlib axes: a slice, its layers one after another, a line.

Figures are made without pyplot: nothing is left open and no window comes up. Show one with
``ax.figure`` in a notebook, or ``ax.figure.savefig("slice.png")``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._core.types import Floats
from ..errors import DataError
from ..model.slice_shapes import class_outlines, fan_triangles, straight_walls, wall_density
from ._colors import CLASSES, INK, REGIONS, label_colors, layer_colors
from ._matplotlib import ink, new_axes, new_figure, soft_ink, style_axes
from ._shading import N_SHADES, region_shades, row_opacity

if TYPE_CHECKING:
    from ..model.line import Line
    from ..model.slices import Slice

__all__ = ["draw_layers", "draw_line", "draw_slice"]

COLORS = ("region", "class", "complexity", "layer", "value")
WALLS = {"region": "#ffffff", "class": "#6f757c", "complexity": INK, "value": "#ffffff"}
FAINT = {"region": 0.9, "class": 0.75, "complexity": 0.45, "value": 0.45, "layer": 1.0}
TINT = 0.27  # of a class's colour, over white


def draw_slice(
    s: Slice,
    ax: Any = None,
    color: str = "region",
    *,
    data: Any = None,
    labels: Any = None,
    decision: bool = True,
    upto: int | None = None,
) -> Any:
    """Draw the regions of a network on a plane.

    Parameters
    ----------
    s : Slice
        What `Network.slice` returned.
    ax : matplotlib Axes, optional
        Where to draw; a new figure unless given.
    color : "region", "class", "complexity", "layer" or "value"
        Each region in a shade that its neighbours do not have; the plane tinted by the class that
        wins (the largest output; of one output whether it is above 0), exactly along the decision
        boundary; local complexity, which is the length of region walls per area within discs of
        3 % of the picture; the walls by the layer of their unit; the first output.
    data : array-like (m, d), optional
        Rows to project on the plane, fainter the farther from it (half as strong at the median
        distance). Those that fall beside the rectangle are left out.
    labels : array-like (m,), optional
        Their classes, or numbers, as colours. Whole numbers 0 .. n_outputs - 1 take the colours of
        the network's classes.
    decision : bool
        Whether the decision boundary is drawn.
    upto : int, optional
        Draw the walls of layers 0 .. upto only.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    DataError
        If `color` is unknown, or data do not fit the network or the labels.

    Notes
    -----
    Cost: O(n_regions); about a second for 30,000 regions. The outlines of classes are exact, none
    is sampled. Local complexity: Humayun, Balestriero & Baraniuk (2024), Deep Networks Always Grok
    and Here is Why, count the walls near a point; here their length within a disc is measured.

    Examples
    --------
    >>> import hullwise as hw
    >>> net = hw.model.from_arrays([[[1, 0], [0, 1], [1, 1]], [[1, 1, 1]]], [[0, 0, 0], [-0.5]])
    >>> ax = net.slice([0, 0], [[1, 0], [0, 1]]).plot(color="class")
    >>> ax.get_title()
    '6 regions'
    """
    if color not in COLORS:
        raise DataError(f"color is {color!r}: expected one of {', '.join(COLORS)}")
    ax = new_axes() if ax is None else ax
    if color in ("region", "value") and upto is None:
        _fill(ax, s, color)
    elif color == "class":
        _tint(ax, s)
    elif color == "complexity":
        _heat(ax, s)
    _walls(ax, s, color, upto)
    if decision and color != "value" and not s.partial and s.net.n_outputs:
        _boundary(ax, s)
    if data is not None:
        _rows(ax, s, data, labels)
    _finish(ax, s)
    return ax


def draw_layers(
    s: Slice,
    *,
    color: str = "layer",
    data: Any = None,
    labels: Any = None,
    columns: int = 4,
) -> Any:
    """The partition after each layer, side by side: a matplotlib Figure.

    Parameters
    ----------
    s : Slice
    color : "layer" or "class"
    data, labels : array-like, optional
        As in :func:`draw_slice`.
    columns : int
        Pictures in a row.

    Returns
    -------
    matplotlib Figure

    Notes
    -----
    Cost: O(n_regions) for each layer.

    Examples
    --------
    >>> import hullwise as hw
    >>> net = hw.model.from_arrays([[[1, 0], [0, 1]], [[1, 1], [1, -1]], [[1, 1]]])
    >>> figure = hw.report.draw_layers(net.slice([0.3, 0.2], [[1, 0], [0, 1]]))
    >>> [ax.get_title() for ax in figure.axes]
    ['after relu0: 4 regions', 'after relu1: 5 regions']
    """
    if color not in ("layer", "class"):
        raise DataError(f"color is {color!r}: expected layer or class")
    counts = s.n_regions_per_layer
    across = max(1, min(columns, len(counts)))
    down = max(1, -(-len(counts) // across))
    figure = new_figure((3.3 * across, 3.45 * down))
    for i, count in enumerate(counts):
        ax = figure.add_subplot(down, across, i + 1)
        last = i == len(counts) - 1
        draw_slice(s, ax, color, data=data, labels=labels, decision=last, upto=i)
        ax.set_title(f"after {s.net.layers[i].name}: {_regions(count)}", fontsize=9)
        ax.set_xticks([])
        ax.set_yticks([])
    figure.tight_layout()
    return figure


def draw_line(
    l: Line,  # noqa: E741
    ax: Any = None,
    *,
    outputs: Any = None,
    names: Any = None,
) -> Any:
    """Draw the outputs along a segment, with every break marked by its layer.

    Parameters
    ----------
    l : Line
        What `Network.along` returned.
    ax : matplotlib Axes, optional
        Where to draw; a new figure unless given.
    outputs : list of int, optional
        Which outputs; the ten that vary most unless given.
    names : list of str, optional
        Names of all outputs, for the legend.

    Returns
    -------
    matplotlib Axes
        The outputs above, and below them one row of marks for each layer: where its units change.

    Notes
    -----
    Cost: O(n_pieces n_outputs). Between two marks every line is straight, exactly.

    Examples
    --------
    >>> import hullwise as hw
    >>> net = hw.model.from_arrays([[[2.0], [2.0]], [[1.0, -2.0]]], [[0.0, -1.0], [0.0]])
    >>> net.along([-1.0], [1.0]).plot().get_title(loc="left")
    '3 pieces, 2 breaks'
    """
    ax = new_axes((7.0, 3.6)) if ax is None else ax
    spread = np.ptp(l.values, axis=0)
    most = np.sort(np.argsort(-spread, kind="stable")[:10])
    chosen = most if outputs is None else np.atleast_1d(np.asarray(outputs, dtype=np.intp))
    if not set(chosen.tolist()) <= set(range(l.values.shape[1])):
        raise DataError(f"outputs name {chosen.tolist()} of {l.values.shape[1]} outputs")
    for k in chosen.tolist():
        label = str(names[k]) if names is not None else f"output {k}"
        ax.plot(l.knots, l.values[:, k], color=CLASSES[k % 10], lw=1.6, label=label, zorder=3)
    _layer_marks(ax, l)
    for t in l.decisions():
        ax.axvline(t, color=ink(ax), lw=0.9, ls=(0, (4, 2)), zorder=2)
    if len(chosen) > 1:
        above = {"loc": "lower right", "bbox_to_anchor": (1, 1), "ncols": min(5, len(chosen))}
        ax.legend(fontsize=7, frameon=False, borderaxespad=0, handlelength=1.2, **above)
    n = l.n_pieces
    text = f"{n:,} piece{'s' * (n != 1)}, {n - 1:,} break{'s' * (n != 2)}"
    ax.set_title(text, fontsize=10, color=ink(ax), loc="left")
    ax.set_xlim(0, 1)
    ax.set_xlabel("share of the way", fontsize=9, color=soft_ink(ax))
    style_axes(ax)
    return ax


def _layer_marks(ax: Any, l: Line) -> None:  # noqa: E741
    """One row of marks for each layer, under the outputs."""
    if not len(l.breaks):
        return
    colors, n = layer_colors(len(l.net.layers)), len(l.net.layers)
    each = min(0.06, 0.4 / n)
    low, high = ax.get_ylim()
    ax.set_ylim(low - (high - low) * (each * n + 0.02), high)
    for i in range(n):
        at = l.breaks[l.layers == i]
        top = each * (n - i)
        lw = float(np.clip(150 / max(1, len(at)), 0.3, 1.2))
        options = {"transform": ax.get_xaxis_transform(), "color": colors[i], "lw": lw}
        ax.vlines(at, top - 0.85 * each, top, **options)


def _fill(ax: Any, s: Slice, color: str) -> None:
    from matplotlib.collections import PolyCollection

    if color == "value":  # affine on every triangle, and continuous
        options = {"shading": "gouraud", "cmap": "viridis", "zorder": 1}
        ax.tripcolor(*s.vertices.T, fan_triangles(s), s.outputs[:, 0], **options)
        return
    paint = np.array(REGIONS)[region_shades(s, N_SHADES)]
    filled = PolyCollection(s.polygons, facecolors=paint, edgecolors=paint, zorder=1)
    filled.set_linewidth(0.2)  # over the hair between neighbours
    ax.add_collection(filled)


def _tint(ax: Any, s: Slice) -> None:
    from matplotlib.colors import to_rgb
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    if s.partial:
        raise DataError("the slice is partial: the classes within its regions are not known")
    for k, loops in class_outlines(s).items():
        corners = np.concatenate([np.vstack([loop, loop[:1]]) for loop in loops])
        codes = np.full(len(corners), Path.LINETO)
        ends = np.cumsum([len(loop) + 1 for loop in loops])
        codes[ends - 1] = Path.CLOSEPOLY
        codes[np.r_[0, ends[:-1]]] = Path.MOVETO
        tint = tuple(1 - TINT * (1 - c) for c in to_rgb(CLASSES[k % 10]))
        ax.add_patch(PathPatch(Path(corners, codes), facecolor=tint, lw=0, zorder=1))


def _heat(ax: Any, s: Slice) -> None:
    extent = (s.low[0], s.high[0], s.low[1], s.high[1])
    options = {"origin": "lower", "extent": extent, "interpolation": "bilinear", "zorder": 1}
    image = ax.imshow(wall_density(s), cmap="YlOrRd", aspect="auto", **options)
    bar = ax.figure.colorbar(image, ax=ax, shrink=0.75, pad=0.02)
    bar.set_label("length of walls per area", fontsize=8, color=soft_ink(ax))
    bar.ax.tick_params(labelsize=7)
    bar.outline.set_visible(False)


def _walls(ax: Any, s: Slice, color: str, upto: int | None) -> None:
    from matplotlib.collections import LineCollection

    segments, layers = straight_walls(s)
    if upto is not None:
        segments, layers = segments[layers <= upto], layers[layers <= upto]
    gap = _gap(ax, s, segments)
    width = float(np.clip(0.13 * gap, 0.12, 1.0))  # so that crowded pictures stay clear
    # Later layers below: the first layer's straight lines lead the eye.
    order = np.argsort(-layers, kind="stable")
    segments, layers = segments[order], layers[order]
    if color == "layer":
        paint: Any = np.array(layer_colors(len(s.net.layers)))[layers]
    else:
        paint = WALLS[color]
    alpha = FAINT[color] * float(np.clip(gap / 3, 0.3, 1.0))
    lines = LineCollection(list(segments), colors=paint, linewidths=width, alpha=alpha, zorder=2)
    lines.set_capstyle("round")
    ax.add_collection(lines)


def _gap(ax: Any, s: Slice, segments: Floats) -> float:
    """The mean distance between walls, in points."""
    side = s.high - s.low
    box = ax.get_position()
    inches = np.array(ax.figure.get_size_inches()) * [box.width, box.height]
    points = 72 * float(inches.min()) / float(side.max())
    total = float(np.hypot(*(segments[:, 1] - segments[:, 0]).T).sum())
    return float(side.prod()) / max(total, 1e-300) * points


def _boundary(ax: Any, s: Slice) -> None:
    from matplotlib.collections import LineCollection

    lines = LineCollection(list(s.decision_boundary()), colors=INK, linewidths=1.8, zorder=4)
    lines.set_capstyle("round")
    ax.add_collection(lines)


def _rows(ax: Any, s: Slice, data: Any, labels: Any) -> None:
    from matplotlib.colors import to_rgba_array

    uv, distance = s.coordinates(data)
    if labels is not None and len(labels) != len(uv):
        raise DataError(f"labels are {len(labels)}, rows of data {len(uv)}: one for each is needed")
    inside = ((uv >= s.low) & (uv <= s.high)).all(axis=1)
    order = np.flatnonzero(inside)[np.argsort(-distance[inside], kind="stable")]
    if labels is None:
        paint = to_rgba_array([INK] * len(order))
    else:
        paint = to_rgba_array(label_colors(np.asarray(labels), s.net.n_outputs))[order]
    paint[:, 3] = np.maximum(0.12, row_opacity(distance[order], float((s.high - s.low).max())))
    size = float(np.clip(4000 / max(1, len(order)), 5, 16))
    ax.scatter(*uv[order].T, s=size, c=paint, linewidths=0.5, edgecolors=_rims(paint), zorder=5)


def _rims(paint: Floats) -> Floats:
    """White rims, as faint as the dots."""
    return np.asarray(np.c_[np.ones((len(paint), 3)), paint[:, 3]])


def _finish(ax: Any, s: Slice) -> None:
    ax.set_xlim(s.low[0], s.high[0])
    ax.set_ylim(s.low[1], s.high[1])
    gram = s.axes @ s.axes.T
    square = bool((np.abs(gram - gram[0, 0] * np.eye(2)) <= 1e-6 * gram[0, 0]).all())
    ax.set_aspect("equal" if square else "auto")
    part = f", the first {len(s.n_regions_per_layer)} layers only" if s.partial else ""
    ax.set_title(f"{_regions(s.n_regions)}{part}", fontsize=10, color=ink(ax))
    style_axes(ax)


def _regions(count: int) -> str:
    return f"{count:,} region{'s' * (count != 1)}"
