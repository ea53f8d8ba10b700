"""What `locate` says where the metric is that of a task: two readings of each row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console
from rich.text import Text

from ..geometry.bands import BAND_NAMES
from ..geometry.readings import cross_bands, pushes_in_metric
from ..report.sentences import (
    READINGS_MEANING,
    band_title,
    dimension_sentence,
    readings_expectations,
    readings_sentence,
)
from ..report.words import printable, printable_names, share
from ._layout import RIGHT_ALIGNED, STYLES, indented, section, table_of
from ._summary_text import (
    FARTHEST_ROWS,
    Heading,
    print_definitions,
    print_heading,
    print_off_flat,
    print_remarks,
)
from .console import bar

if TYPE_CHECKING:
    from ..geometry.location import Location
    from ..metrics import Directions

LEADING_DIRECTIONS = 5
NEGLIGIBLE_SHARE = 0.005  # of the metric: directions below it are not listed
PUSHES_LISTED = 3


def print_readings(
    out: Console, plain: Location, task: Location, directions: Directions, heading: Heading
) -> None:
    """The whole answer, from the tables' sizes to the rows farthest out in what matters."""
    print_heading(out, plain, heading, task)
    if len(plain) == 0:
        out.print("\nNo row could be located.", style="bold")
        print_directions(out, directions)
        print_remarks(out, plain, heading)
        return
    _print_cross(out, plain, task)
    print_directions(out, directions)
    _print_farthest(out, plain, task, heading.are_numbered)
    print_definitions(out, plain, plain.summary())
    print_remarks(out, plain, heading)


def _print_cross(out: Console, plain: Location, task: Location) -> None:
    r = len(plain.reference)
    section(out, band_title(plain.summary()))
    counts = cross_bands(plain, task)
    totals = counts.sum(axis=0) + counts.sum(axis=1)
    used = [i for i, band in enumerate(BAND_NAMES) if totals[i] or _always(band, r)]
    table = table_of(
        ("plainly", {"no_wrap": True}),
        ("rows", RIGHT_ALIGNED),
        ("in what matters:", {"no_wrap": True}),
        *((BAND_NAMES[i], RIGHT_ALIGNED) for i in used),
    )
    for i in used:
        total = int(counts[i].sum())
        table.add_row(
            Text(BAND_NAMES[i], style=f"bold {STYLES[BAND_NAMES[i]]}"),
            f"{total:,}",
            Text(bar(out, total / len(plain)), style=STYLES[BAND_NAMES[i]]),
            *(f"{counts[i, j]:,}" for j in used),
        )
    table.add_row("all", f"{len(plain):,}", "", *(f"{counts[:, j].sum():,}" for j in used))
    indented(out, table)
    out.print()
    out.print(Text(readings_sentence(plain, task), style="bold"))
    for text in readings_expectations(plain, task):
        out.print(Text(text))
    print_off_flat(out, task)
    inside = (int((one.verdict == 1).sum()) for one in (plain, task))
    out.print("Inside the hull of the training rows: {:,}; in what matters: {:,}.".format(*inside))
    out.print(Text(READINGS_MEANING, style="dim"))


def _always(band: str, r: int) -> bool:
    return band == "core" or (band != "unknown" and r > 0)


def print_directions(out: Console, directions: Directions) -> None:
    """The directions that count, by the features that make them up."""
    section(out, "What matters: the directions of the metric")
    table = table_of(
        ("share", RIGHT_ALIGNED),
        ("", {"width": 14, "no_wrap": True}),
        ("standard deviations of", {}),
    )
    for i in range(min(LEADING_DIRECTIONS, len(directions))):
        if i and directions.share[i] < NEGLIGIBLE_SHARE:
            break
        table.add_row(
            _percent(float(directions.share[i])),
            Text(bar(out, float(directions.share[i])), style="blue"),
            Text(printable(directions.text(i), 200)),
        )
    indented(out, table)
    out.print(f"  {dimension_sentence(directions)}")


def _percent(value: float) -> str:
    return share(round(1e6 * value), 1_000_000)


def _print_farthest(out: Console, plain: Location, task: Location, are_numbered: bool) -> None:
    order = task.summary().farthest[:FARTHEST_ROWS]
    if not len(order):
        return
    section(out, "The rows farthest out in what matters, and what pushes them out")
    table = table_of(
        ("row", {"max_width": 16, "overflow": "fold"}),
        ("plainly", {"no_wrap": True}),
        ("matters", {"no_wrap": True}),
        ("distance", RIGHT_ALIGNED),
        ("pct.", RIGHT_ALIGNED),
        ("too high (+) or low (-) by", {}),
    )
    names = printable_names(task.columns, 24)
    pushes = pushes_in_metric(task[order], PUSHES_LISTED)
    for b, pushing in zip(order.tolist(), pushes, strict=True):
        rank = task.hull_percentile[b]
        table.add_row(
            Text(printable(b if task.labels is None else task.labels[b], 40)),
            *(Text(str(x.band[b]), style=STYLES[str(x.band[b])]) for x in (plain, task)),
            f"{task.upper[b]:.3g}",
            "" if np.isnan(rank) else f"{rank:.4g}",
            Text("; ".join(f"{names[name]} {amount:+.3g}" for name, amount in pushing)),
        )
    indented(out, table)
    ids = "Rows are counted from 0. " if are_numbered else ""
    pct = "pct.: training rows, left out in turn, less far out in what matters, in percent."
    out.print(f"  {ids}{pct if len(task.reference) else ''}".rstrip())
