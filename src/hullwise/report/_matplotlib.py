"""Figures of matplotlib, which is an extra and imported only when something is drawn with it."""

from __future__ import annotations

from typing import Any

from ..errors import MissingDependencyError
from ._colors import INK, SOFT
from .words import printable


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


def is_dark(ax: Any) -> bool:
    """Whether axes have dark paper, as in the style dark_background."""
    from matplotlib.colors import to_rgb

    return sum(to_rgb(ax.get_facecolor())) < 1.5


def ink(ax: Any) -> str:
    """The colour of what matters most on this paper."""
    return "#eceae4" if is_dark(ax) else INK


def soft_ink(ax: Any) -> str:
    """The colour of what stands behind."""
    return "#a9adb2" if is_dark(ax) else SOFT


def label_text(name: object, limit: int = 24) -> str:
    """A name as one short line that matplotlib does not take for mathematics."""
    return printable(name, limit).replace("$", r"\$")


def label_axes(ax: Any, x: str, y: str, title: str = "") -> None:
    """Names of both axes, and a title at the left."""
    style_axes(ax)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    ax.set_xlabel(x, fontsize=9, color=soft_ink(ax))
    ax.set_ylabel(y, fontsize=9, color=soft_ink(ax))
    ax.set_title(title, fontsize=10, loc="left", color=ink(ax))


def set_logarithmic(axis: Any) -> None:
    """A logarithmic axis with names at powers of ten, and at 2 and 5 of them where it is short."""
    from matplotlib.ticker import FuncFormatter, NullFormatter

    getattr(axis.axes, f"set_{axis.axis_name}scale")("log")
    low, high = axis.get_view_interval()
    is_short = 0 < low < high < 100 * low
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(FuncFormatter(_name_of_2_or_5) if is_short else NullFormatter())


def _name_of_2_or_5(value: float, _: Any) -> str:
    return f"{value:g}" if f"{value:.0e}"[0] in "25" else ""


def style_axes(ax: Any) -> None:
    """Quiet ticks and spines."""
    ax.tick_params(which="both", labelsize=8, colors=soft_ink(ax))
    ax.tick_params(length=3)
    for spine in ax.spines.values():
        spine.set_color("#a5a29a")
        spine.set_linewidth(0.7)
