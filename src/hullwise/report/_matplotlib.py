"""Figures of matplotlib, which is an extra and imported only when something is drawn with it."""

from __future__ import annotations

from typing import Any

from ..errors import MissingDependencyError
from ._colors import SOFT


def new_figure(size: tuple[float, float]) -> Any:
    """A figure that no window shows and pyplot does not keep.

    Raises
    ------
    MissingDependencyError
        If matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingDependencyError(
            "drawing needs matplotlib, which is not installed: pip install 'hullwise[plot]'"
        ) from None
    figure = Figure(figsize=size, dpi=150)
    FigureCanvasAgg(figure)
    return figure


def new_axes(size: tuple[float, float] = (6.0, 6.0)) -> Any:
    """The axes of a new figure."""
    return new_figure(size).add_subplot()


def style_axes(ax: Any) -> None:
    """Quiet ticks and spines."""
    ax.tick_params(labelsize=8, colors=SOFT, length=3)
    for spine in ax.spines.values():
        spine.set_color("#a5a29a")
        spine.set_linewidth(0.7)
