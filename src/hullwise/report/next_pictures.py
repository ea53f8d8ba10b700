"""The picture of suggested runs over two parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import DataError
from ..io.coercion import format_names
from ._matplotlib import ink, label_axes, new_axes, soft_ink
from .notebook import BAND_FILLS
from .result_pictures import legend_of

if TYPE_CHECKING:
    from ..design.suggestions import Suggestions


def draw_suggestions(
    suggestions: Suggestions, ax: Any = None, parameters: tuple[str, str] | None = None
) -> Any:
    """Draw candidates, runs, pending runs and numbered suggestions."""
    space = suggestions.space
    names = space.names[:2] if parameters is None else tuple(parameters)
    unknown = [name for name in names if name not in space.names]
    if unknown or len(names) not in (1, 2):
        raise DataError(
            f"parameters={parameters!r}: expected two of {format_names(list(space.names))}."
        )
    i, j = space.names.index(names[0]), space.names.index(names[-1])
    ax = new_axes((5.2, 5.0)) if ax is None else ax
    groups = (
        (suggestions.candidates, soft_ink(ax), {"s": 3, "alpha": 0.35}, "allowed"),
        (suggestions.runs[~suggestions.is_pending], ink(ax), {"s": 18}, "runs"),
        (
            suggestions.runs[suggestions.is_pending],
            ink(ax),
            {"s": 22, "facecolors": "none"},
            "pending",
        ),
    )
    for values, colour, options, label in groups:
        if len(values):
            kind = "edgecolors" if "facecolors" in options else "color"
            ax.scatter(
                values[:, i], _heights(values, i, j), label=label, **{kind: colour}, **options
            )
    heights = _heights(suggestions.values, i, j)
    ax.scatter(
        suggestions.values[:, i], heights, s=110, color=BAND_FILLS["far"], label="to run next"
    )
    for k, (x, y) in enumerate(zip(suggestions.values[:, i], heights), start=1):
        ax.annotate(str(k), (x, y), ha="center", va="center", color="white", fontsize=7)
    for axis, parameter in ((ax.xaxis, space.parameters[i]), (ax.yaxis, space.parameters[j])):
        levels = getattr(parameter, "levels", None)
        if levels is not None:
            axis.set_ticks(range(len(levels)), labels=levels)
        if parameter.role == "log":
            (ax.set_xscale if axis is ax.xaxis else ax.set_yscale)("log")
    label_axes(ax, names[0], names[-1] if i != j else "", f"{len(suggestions)} points")
    legend_of(ax, "upper left")
    return ax


def _heights(values: Any, i: int, j: int) -> Any:
    return values[:, j] if i != j else np.zeros(len(values))
