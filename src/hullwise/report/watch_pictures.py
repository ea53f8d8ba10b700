"""The picture of a watch: its evidence after each batch, against the line at which it alarms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ._matplotlib import ink, label_axes, new_axes, soft_ink
from .notebook import BAND_FILLS
from .result_pictures import legend_of

if TYPE_CHECKING:
    from ..watch.watch_result import WatchResult


def draw_watch_result(result: WatchResult, ax: Any = None) -> Any:
    """Draw the evidence for a change after each batch; above the line the watch alarms."""
    ax = new_axes((6.4, 3.4)) if ax is None else ax
    batches = np.arange(1, len(result.log_statistics) + 1)
    evidence = np.asarray(result.log_statistics) / np.log(10)
    line = -np.log10(result.alarm)
    ax.axhline(line, color=BAND_FILLS["far"], lw=1.4, ls="--", label=f"alarm at {result.alarm:g}")
    ax.plot(batches, evidence, color=ink(ax), lw=1.6, label="evidence")
    if result.alarmed and result.first_alarm is not None:
        first = result.first_alarm
        ax.plot(first, evidence[first - 1], "o", color=BAND_FILLS["far"], ms=7, label="first alarm")
        ax.axvline((result.since or 0) + 0.5, color=soft_ink(ax), lw=1.0, ls=":", label="since")
    label_axes(ax, "batch", "log10 of the evidence", f"{result.n_rows:,} rows")
    legend_of(ax, "upper left")
    return ax
