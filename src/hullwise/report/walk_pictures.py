"""Pictures of a walk: what happens along it, and its points as images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import DataError
from ._colors import CLASSES
from ._matplotlib import ink, new_axes, new_figure, soft_ink, style_axes

if TYPE_CHECKING:
    from ..metrics.walk import Walk

OUT = CLASSES[3]


def draw_walk(walk: Walk, ax: Any = None, *, outputs: Any = None, names: Any = None) -> Any:
    """Draw the network's outputs along a walk and, below them, the distance from the hull.

    Parameters
    ----------
    walk : Walk
    ax : matplotlib Axes, optional
        Where to draw; a new figure unless given. It is divided where there are outputs.
    outputs : list of int, optional
        Which outputs; the ten that vary most unless given.
    names : list of str, optional
        Names of all outputs, for the legend.

    Returns
    -------
    matplotlib Axes
        That of the distance. The part of the path outside the hull is tinted; ticks above it are
        crossings into another affine region.

    Examples
    --------
    >>> import hullwise as hw
    >>> net = hw.model.from_arrays([[[2.0], [2.0]], [[1.0, -2.0]]], [[0.0, -1.0], [0.0]])
    >>> walk = hw.metrics.walk([[-1.0], [1.0]], 0, [2.0], model=net)
    >>> hw.report.draw_walk(walk).get_xlabel()
    'share of the length'
    >>> walk.outside.round(3), walk.n_regions
    (array([[0.667, 1.   ]]), 3)
    """
    both = walk.values is not None
    ax = new_axes((7.0, 3.8 if both else 2.2)) if ax is None else ax
    top = None
    if both:
        from mpl_toolkits.axes_grid1 import make_axes_locatable  # type: ignore[import-untyped]

        top = make_axes_locatable(ax).append_axes("top", size="140%", pad=0.12, sharex=ax)
        _outputs(top, walk, outputs, names)
        _crossings(top, walk)
        top.tick_params(labelbottom=False)
    panels: list[Any] = [ax] if top is None else [ax, top]
    for one in panels:
        for low, high in walk.outside:
            one.axvspan(low, high, color=OUT, alpha=0.1, lw=0, zorder=0)
    ax.fill_between(walk.position, walk.lower, color=OUT, alpha=0.35, lw=0)
    ax.plot(walk.position, walk.lower, color=OUT, lw=1.4)
    ax.axvline(0.5, color=soft_ink(ax), lw=0.8, ls=(0, (4, 3)))
    ax.set_xlim(0, 1)
    ax.set_ylim(0, max(1.1 * float(walk.lower.max()), 1e-12 + 0.05 * walk.length_euclidean))
    ax.set_xlabel("share of the length", fontsize=9, color=soft_ink(ax))
    ax.set_ylabel("distance\noutside", fontsize=9, color=soft_ink(ax))
    style_axes(ax)
    (ax if top is None else top).set_title(_title(walk), fontsize=10, color=ink(ax), loc="left")
    return ax


def draw_strip(
    walk: Walk,
    shape: tuple[int, int],
    count: int = 9,
    *,
    nearest: Any = None,
    figure: Any = None,
) -> Any:
    """Draw points of a walk as images in a row, all on one scale of grey.

    Parameters
    ----------
    walk : Walk
    shape : (int, int) or (int, int, 3)
        Of an image; its size must be the number of features.
    count : int
        How many points, equally far apart along the walk.
    nearest : array (n, d), optional
        The training rows: a second line of images shows the one nearest to each point, and their
        range is that of the greys.
    figure : matplotlib Figure, optional
        Where to draw; a new one unless given.

    Returns
    -------
    matplotlib Figure

    Examples
    --------
    >>> import hullwise as hw
    >>> walk = hw.metrics.walk([[0.0, 0.0, 0.0, 1.0], [1.0, 0.0, 0.0, 0.0]], 0, 1)
    >>> len(hw.report.draw_strip(walk, (2, 2), count=5).axes)
    5
    """
    d = walk.points.shape[1]
    if int(np.prod(shape)) != d or len(shape) not in (2, 3):
        raise DataError(f"shape {tuple(shape)} has {int(np.prod(shape))} numbers, a row has {d}")
    if count < 2:
        raise DataError(f"count is {count}; give at least 2")
    position = np.linspace(0, 1, count)
    images = [walk.at(position)]
    if nearest is not None:
        rows = np.asarray(nearest, dtype=np.float64)
        gaps = np.stack([np.square(rows - x).sum(axis=1) for x in images[0]])
        images.append(rows[gaps.argmin(axis=1)])
    figure = new_figure((0.85 * count, 0.95 * len(images) + 0.25)) if figure is None else figure
    axes = figure.subplots(len(images), count, squeeze=False)
    low, high = float(np.min(images[-1])), float(np.max(images[-1]))
    starts, stops = walk.outside[:, :1], walk.outside[:, 1:]
    outside: Any = ((starts <= position) & (position <= stops)).any(axis=0)
    for i, points in enumerate(images):
        for k, ax in enumerate(axes[i]):
            picture = points[k].reshape(shape)
            if len(shape) == 3:
                picture = np.clip((picture - low) / max(high - low, 1e-300), 0, 1)
            ax.imshow(picture, cmap="gray_r", vmin=low, vmax=high)
            ax.set_xticks([])
            ax.set_yticks([])
            hue = OUT if i == 0 and outside[k] else "#a5a29a"
            for spine in ax.spines.values():
                spine.set_color(hue)
                spine.set_linewidth(1.4 if hue == OUT else 0.6)
    figure.suptitle(_title(walk), fontsize=9, color=ink(axes[0][0]), x=0.01, ha="left")
    height = figure.bbox.height / figure.dpi  # a part of a figure will do too
    figure.subplots_adjust(left=0.01, right=0.99, bottom=0.02, top=1 - 0.28 / height)
    return figure


def _outputs(ax: Any, walk: Walk, outputs: Any, names: Any) -> None:
    values = np.asarray(walk.values)
    most = np.sort(np.argsort(-np.ptp(values, axis=0), kind="stable")[:10])
    chosen = most if outputs is None else np.atleast_1d(np.asarray(outputs, dtype=np.intp))
    if not set(chosen.tolist()) <= set(range(values.shape[1])):
        raise DataError(f"outputs name {chosen.tolist()} of {values.shape[1]} outputs")
    for k in chosen.tolist():
        label = str(names[k]) if names is not None else f"output {k}"
        ax.plot(walk.position, values[:, k], color=CLASSES[k % 10], lw=1.6, label=label, zorder=3)
    if len(chosen) > 1:
        beside = {"loc": "upper left", "bbox_to_anchor": (1.01, 1)}
        ax.legend(fontsize=7, frameon=False, borderaxespad=0, handlelength=1.2, **beside)
    ax.set_ylabel("outputs", fontsize=9, color=soft_ink(ax))
    ax.axvline(0.5, color=soft_ink(ax), lw=0.8, ls=(0, (4, 3)))
    style_axes(ax)


def _crossings(ax: Any, walk: Walk) -> None:
    """Ticks at the foot of the outputs."""
    at = np.asarray(walk.crossings)
    if not len(at):
        return
    low, high = ax.get_ylim()
    ax.set_ylim(low - 0.1 * (high - low), high)
    lw = float(np.clip(150 / len(at), 0.3, 1.2))
    ax.vlines(at, 0.0, 0.06, transform=ax.get_xaxis_transform(), color=ink(ax), lw=lw)


def _title(walk: Walk) -> str:
    n = walk.n_regions
    pieces = "" if n is None else f", {n:,} region{'s' * (n != 1)}"
    return f"{walk.kind}: length {walk.length:.3g}, {walk.outside_text}{pieces}, {walk.verdict}"
