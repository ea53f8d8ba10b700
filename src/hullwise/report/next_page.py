"""The page of suggested runs: where they are among those there are, and why. No script."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .. import __version__
from .._core.types import Floats
from ._html import Html, element, joined
from ._page_parts import data_table, definition_list, paragraph, section
from .document import html_document, stylesheet, write_page
from .words import format_number, printable

if TYPE_CHECKING:
    from ..design.parameters import Parameter
    from ..design.suggestions import Suggestions

__all__ = ["render_next_page", "write_next_page"]

PANEL_SIZE = 360
PANEL_MARGIN = 34
DRAWN_PARAMETERS = 3
DOTS_DRAWN = 1500
NEXT_STYLE = """
.panels { display: flex; flex-wrap: wrap; gap: 1.2rem; }
.panels svg { max-width: 100%; height: auto; }
svg .space { fill: none; stroke: var(--dust); stroke-width: 1px; }
svg .candidate { fill: var(--dust); fill-opacity: .45; }
svg .run { fill: var(--ink); }
svg .pending { fill: none; stroke: var(--ink); stroke-width: 1.4px; }
svg .suggestion { fill: var(--far); }
svg text.number { fill: #fff; font-weight: 600; font-size: 10px; }
ol.reasons li { margin: 0 0 .5rem; max-width: 44rem; }
"""


def write_next_page(
    suggestions: Suggestions,
    path: str | os.PathLike[str],
    *,
    title: str | None = None,
    source: Mapping[str, str] | None = None,
    force: bool = False,
) -> Path:
    """Write suggested runs, where they are and why, as one HTML file without script.

    Parameters
    ----------
    suggestions : Suggestions
    path : path
    title : str, optional
    source : mapping of str to str, optional
        What else the page says of how it was made, such as the names of the files.
    force : bool
        Whether a file that is already there is replaced.

    Returns
    -------
    Path

    Raises
    ------
    FileError
        It cannot be written, or is there and `force` is false.

    Examples
    --------
    >>> import hullwise as hw, tempfile
    >>> new = hw.suggest(n=5, box={"a": (0, 1), "b": (0, 1)}, constraints="a + b <= 1")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     hw.report.write_next_page(new, f"{folder}/next.html").name
    'next.html'
    """
    page = render_next_page(suggestions, title=title, source=source)
    return write_page(page, path, force=force)


def render_next_page(
    suggestions: Suggestions,
    *,
    title: str | None = None,
    source: Mapping[str, str] | None = None,
) -> str:
    """The page as one string; see `write_next_page`."""
    heading = printable(title or "Where to run next", 120)
    n, runs = len(suggestions), len(suggestions.runs)
    lead = f"{n:,} point{'s' * (n != 1)} to run next, by {suggestions.criterion}."
    n_pending = int(suggestions.is_pending.sum())
    second = f"{runs - n_pending:,} runs so far, {n_pending:,} under way."
    parts = [element("h1", heading), paragraph(lead, "lead"), paragraph(second, "second")]
    parts += [
        section(1, "Where they are", _panels(suggestions)),
        section(2, "The points", _points(suggestions)),
        section(3, "Why", _reasons(suggestions)),
        section(4, "How this was computed", _how_computed(suggestions, source or {})),
    ]
    return html_document(heading, stylesheet(NEXT_STYLE), joined(*parts))


def _panels(suggestions: Suggestions) -> Html:
    parameters = suggestions.space.parameters
    shown = range(min(len(parameters), DRAWN_PARAMETERS))
    pairs = list(combinations(shown, 2)) or [(0, 0)]
    text = (
        "Small dots are allowed points that were chosen from, black dots are runs, rings are runs "
        "under way, numbers are the points to run next. "
    )
    if len(parameters) > DRAWN_PARAMETERS:
        text += f"The first {DRAWN_PARAMETERS} of {len(parameters)} parameters are drawn."
    panels = [space_svg(suggestions, i, j) for i, j in pairs]
    return element(
        "figure",
        element("div", {"class": "panels"}, joined(*panels)),
        element("figcaption", text),
    )


def space_svg(suggestions: Suggestions, i: int, j: int) -> Html:
    """Runs, candidates and suggestions over the parameters i (across) and j (up)."""
    rows = np.vstack([suggestions.runs, suggestions.values])
    parameters = suggestions.space.parameters
    across = PanelAxis.of(parameters[i], rows[:, i], PANEL_MARGIN, PANEL_SIZE - 12)
    up = PanelAxis.of(parameters[j], rows[:, j], PANEL_SIZE - PANEL_MARGIN, 12)

    def places(values: Floats) -> list[tuple[float, float]]:
        heights = up.pixels(values[:, j])
        if i == j:  # the only parameter: a strip
            heights = np.full(len(values), PANEL_SIZE / 2)
        return list(zip(across.pixels(values[:, i]).tolist(), heights.tolist()))

    (x0, x1), (y0, y1) = across.ends, up.ends
    box = {
        "x": f"{x0:.1f}",
        "y": f"{y1:.1f}",
        "width": f"{x1 - x0:.1f}",
        "height": f"{y0 - y1:.1f}",
    }
    parts = [element("rect", {"class": "space", **box})]
    step = max(1, len(suggestions.candidates) // DOTS_DRAWN)
    is_pending = suggestions.is_pending
    groups = (
        ("candidate", suggestions.candidates[::step], 1.3),
        ("run", suggestions.runs[~is_pending], 3.0),
        ("pending", suggestions.runs[is_pending], 3.2),
    )
    for kind, values, r in groups:
        parts += [_dot(kind, x, y, r) for x, y in places(values)]
    for number, (x, y) in enumerate(places(suggestions.values), start=1):
        label = {"class": "number", "x": f"{x:.1f}", "y": f"{y + 3.5:.1f}", "text-anchor": "middle"}
        parts += [_dot("suggestion", x, y, 8), element("text", label, str(number))]
    parts += _axis_texts(across, PANEL_SIZE - PANEL_MARGIN + 16, upright=False)
    if i != j:
        parts += _axis_texts(up, PANEL_MARGIN - 6, upright=True)
    size = {"viewBox": f"0 0 {PANEL_SIZE} {PANEL_SIZE}", "width": PANEL_SIZE, "height": PANEL_SIZE}
    text = f"Runs and suggestions over {across.parameter.name} and {up.parameter.name}"
    return element("svg", {**size, "role": "img", "aria-label": text}, joined(*parts))


@dataclass(frozen=True)
class PanelAxis:
    """A parameter along pixels; `low` and `high` are its places where the panel ends."""

    parameter: Parameter
    low: float
    high: float
    start: float
    stop: float

    @classmethod
    def of(cls, parameter: Parameter, values: Floats, start: float, stop: float) -> PanelAxis:
        """From its range, and some way on where runs are out of it."""
        places = parameter.unit(values)
        low, high = places.min(initial=0.0), places.max(initial=1.0)
        return cls(parameter, max(float(low), -1.0), min(float(high), 2.0), start, stop)

    def pixels(self, values: Floats) -> Floats:
        """Where values are drawn."""
        share = (self.parameter.unit(values) - self.low) / (self.high - self.low)
        return np.asarray(self.start + np.clip(share, 0, 1) * (self.stop - self.start))

    @property
    def ends(self) -> tuple[float, float]:
        """Where the range begins and ends."""
        places = [(place - self.low) / (self.high - self.low) for place in (0.0, 1.0)]
        first, last = (self.start + place * (self.stop - self.start) for place in places)
        return first, last


def _dot(kind: str, x: float, y: float, r: float) -> Html:
    return element("circle", {"class": kind, "cx": f"{x:.1f}", "cy": f"{y:.1f}", "r": r})


def _axis_texts(axis: PanelAxis, beside: float, *, upright: bool) -> list[Html]:
    """The ends of a parameter and its name between them."""
    parameter, ends = axis.parameter, axis.ends
    low, high = (printable(parameter.text(end), 12) for end in (parameter.low, parameter.high))
    name = printable(parameter.name, 24)
    texts = [(ends[0], low, "start"), (sum(ends) / 2, name, "middle"), (ends[1], high, "end")]
    parts = []
    for at, text, anchor in texts:
        moved = f"translate({beside:.1f},{at:.1f}) rotate(-90)"
        if not upright:
            moved = f"translate({at:.1f},{beside:.1f})"
        parts.append(element("text", {"transform": moved, "text-anchor": anchor}, text))
    return parts


def _points(suggestions: Suggestions) -> Html:
    parameters = suggestions.space.parameters
    head = ("", *(p.name for p in parameters), "distance", "nearest")
    lines = [
        (
            str(k + 1),
            *(printable(p.text(row[j]), 24) for j, p in enumerate(parameters)),
            format_number(suggestions.distance[k]) if suggestions.nearest[k] else "",
            printable(suggestions.nearest[k], 40) if suggestions.nearest[k] else "",
        )
        for k, row in enumerate(suggestions.values)
    ]
    scroll = {"class": "scroll", "tabindex": "0", "role": "region", "aria-label": "Points"}
    text = (
        "Distance is to the nearest run, where each parameter's range counts 1: no run is nearer."
    )
    return joined(element("div", scroll, data_table(head, lines)), paragraph(text, "note"))


def _reasons(suggestions: Suggestions) -> Html:
    items = [element("li", printable(text, 500)) for text in suggestions.why]
    notes = [paragraph(printable(note, 500), "note") for note in suggestions.notes]
    return joined(element("ol", {"class": "reasons"}, *items), *notes)


def _how_computed(suggestions: Suggestions, source: Mapping[str, str]) -> Html:
    space = suggestions.space
    texts = list(dict.fromkeys(relation.text for relation in space.relations))
    texts += [getattr(f, "__name__", "a function") for f in space.functions]
    pairs = [
        *((name, printable(text, 200)) for name, text in source.items()),
        *((p.name, p.describe()) for p in space.parameters),
        ("Constraints", printable("; ".join(texts), 400) if texts else "none"),
        ("Chosen from", f"{len(suggestions.candidates):,} allowed points"),
        ("hullwise", __version__),
    ]
    law = (
        "Points are chosen one after another; each counts as a run for those after it. Proved is "
        "that no run is within the distance of each point; nothing is proved of a model's error."
    )
    return joined(definition_list(pairs), paragraph(law, "note"))
