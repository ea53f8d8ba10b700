"""The page of a watch: what it says, its evidence batch by batch, and each score. No script."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .. import __version__
from ..geometry.bands import BAND_NAMES
from ._distribution_svg import NARROW, WIDE
from ._html import Html, element, joined
from ._page_parts import bdi, behind, chip, data_table, definition_list, paragraph, section
from .document import html_document, stylesheet, write_page
from .words import printable

if TYPE_CHECKING:
    from ..watch.watch_result import WatchResult

__all__ = ["render_watch_page", "write_watch_page"]

EVIDENCE_HEIGHT = 240
BATCHES_LISTED = 200
POINTS_DRAWN = 1000
WATCH_STYLE = """
svg .alarm { stroke: var(--far); stroke-width: 1.5px; stroke-dasharray: 5 4; }
svg .since { stroke: var(--dust); stroke-width: 1px; stroke-dasharray: 2 3; }
svg text.alarm { fill: var(--far); stroke: none; font-weight: 600; }
.lead.alarmed { color: var(--far); }
"""


def write_watch_page(
    result: WatchResult,
    path: str | os.PathLike[str],
    *,
    title: str | None = None,
    source: Mapping[str, str] | None = None,
    force: bool = False,
) -> Path:
    """Write what a watch says as one HTML file without script.

    Parameters
    ----------
    result : WatchResult
        What `Monitor.update` or `Monitor.result` returned.
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
    >>> watch = hw.Monitor(hw.Domain().fit([{"a": i * i % 31, "b": i % 7} for i in range(31)]))
    >>> result = watch.update([{"a": i, "b": i % 7} for i in range(20)])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     hw.report.write_watch_page(result, f"{folder}/watch.html").name
    'watch.html'
    """
    return write_page(render_watch_page(result, title=title, source=source), path, force=force)


def render_watch_page(
    result: WatchResult,
    *,
    title: str | None = None,
    source: Mapping[str, str] | None = None,
) -> str:
    """The page as one string; see `write_watch_page`."""
    heading = printable(title or "A watch over new rows", 120)
    first, rest = _two_parts(result.sentence)
    kind = "lead alarmed" if result.alarmed else "lead"
    parts = [element("h1", heading), paragraph(first, kind), paragraph(rest, "second")]
    if result.batch:
        parts += [
            section(1, "Evidence that rows have changed", _evidence_figure(result)),
            section(2, "What is watched", _scores(result)),
            section(3, "Batch by batch", _batches(result)),
        ]
    parts.append(section(4, "How this was computed", _origin(result, source or {})))
    return html_document(heading, stylesheet(WATCH_STYLE), joined(*parts))


def _two_parts(sentence: str) -> tuple[str, str]:
    first, dot, rest = sentence.partition("). ")
    return (f"{first}{dot.strip()}", rest) if rest else (sentence, "")


def _evidence_figure(result: WatchResult) -> Html:
    text = (
        "The larger of weight times evidence over all scores, on a logarithmic scale. Above the "
        "dashed line the watch alarms; it stays alarmed. Evidence below 1 says nothing."
    )
    return element(
        "figure",
        {"class": "chart"},
        evidence_svg(result, WIDE),
        evidence_svg(result, NARROW),
        element("figcaption", text),
    )


def evidence_svg(result: WatchResult, width: int) -> Html:
    """The evidence after each batch, against the line at which the watch alarms."""
    small = width < WIDE
    left, right, top, bottom = 52, width - 12, 18, EVIDENCE_HEIGHT - 40
    values = np.asarray(result.log_statistics) / np.log(10)
    line = float(-np.log10(result.alarm))
    highest = max(1.15 * line, float(values.max()) * 1.05)
    lowest = min(0.0, float(values.min()))
    n = len(values)

    def x(batch: float) -> float:
        return left + (right - left) * (batch - 1) / max(n - 1, 1)

    def y(value: float) -> float:
        return bottom - (bottom - top) * (value - lowest) / (highest - lowest)

    parts: list[Html] = []
    for tick in sorted({0, int(highest)}):
        place = {"x1": left, "x2": right, "y1": y(tick), "y2": y(tick)}
        parts.append(element("line", {"class": "grid", **place}))
        label = {"x": left - 6, "y": y(tick) + 4, "text-anchor": "end"}
        parts.append(element("text", label, "1" if not tick else f"10^{tick}"))
    alarm = {"x1": left, "x2": right, "y1": y(line), "y2": y(line)}
    parts.append(element("line", {"class": "alarm", **alarm}))
    if result.alarmed and result.since is not None:
        at = x(min(result.since + 1, n))
        upright = {"x1": at, "x2": at, "y1": top, "y2": bottom}
        parts.append(element("line", {"class": "since", **upright}))
        anchor = "end" if at > (left + right) / 2 else "start"
        shift = -5 if anchor == "end" else 5
        beside = {"x": at + shift, "y": top + 12}
        parts.append(element("text", {**beside, "text-anchor": anchor}, "changed here?"))
    text = {"class": "alarm", "x": left + 6, "y": y(line) - 6}
    parts.append(element("text", text, f"alarm at {result.alarm:g}"))
    drawn = np.unique(np.linspace(0, n - 1, min(n, POINTS_DRAWN)).astype(int))
    path = "".join(
        f"{'L' if k else 'M'}{x(float(b) + 1):.4g},{y(float(values[b])):.4g}"
        for k, b in enumerate(drawn.tolist())
    )
    if n == 1:
        parts.append(element("circle", {"class": "train", "cx": x(1), "cy": y(values[0]), "r": 3}))
    parts.append(element("path", {"class": "curve", "d": path}))
    for batch in sorted({1, n}):
        place = {"x": x(batch), "y": bottom + 16}
        anchor = "start" if batch == 1 else "end"
        parts.append(element("text", {**place, "text-anchor": anchor}, f"{batch:,}"))
    axis = {"x": right, "y": bottom + 34, "text-anchor": "end", "class": "strong"}
    parts.append(element("text", axis, "batch"))
    outer = {
        "class": "narrow" if small else "wide",
        "viewBox": f"0 0 {width} {EVIDENCE_HEIGHT}",
        "width": width,
        "height": EVIDENCE_HEIGHT,
        "role": "img",
        "aria-label": "Evidence after each batch, and the line at which the watch alarms",
    }
    return element("svg", outer, joined(*parts))


def _scores(result: WatchResult) -> Html:
    order = np.argsort(result.p_values / result.weight, kind="stable").tolist()
    adjusted = result.adjusted_p_values
    lines = [
        (
            str(result.name[k]),
            f"{result.p_values[k]:.2g}",
            f"{adjusted[k]:.2g}",
            f"{result.start[k]:,}",
            f"{result.n_counted[k]:,}",
            f"{result.n_reference[k]:,}",
        )
        for k in order
    ]
    head = ("score", "p", "p of all (Holm)", "after batch", "counted", "compared with")
    text = (
        "The most evidence first. Each p holds at any time, for that score by itself; Holm's are "
        "for saying which scores changed: with the stated probability none of them is wrong."
    )
    scroll = {"class": "scroll", "tabindex": "0", "role": "region", "aria-label": "Scores"}
    return joined(paragraph(text, "note"), element("div", scroll, data_table(head, lines)))


def _batches(result: WatchResult) -> Html:
    bands = [name for name in BAND_NAMES if any(b.bands.get(name) for b in result.batches)]
    listed = list(enumerate(result.batches, start=1))[-BATCHES_LISTED:]
    lines = [
        (
            f"{number:,}",
            printable(batch.name, 60),
            f"{batch.n_rows:,}",
            *(f"{batch.bands.get(name, 0):,}" for name in bands),
            f"{result.log_statistics[number - 1] / np.log(10):.2f}",
        )
        for number, batch in reversed(listed)
    ]
    heads = [chip(BAND_NAMES.index(name)) for name in bands]
    head = element(
        "thead",
        element(
            "tr",
            [element("th", {"scope": "col"}, text) for text in ("batch", "name")],
            element("th", {"scope": "col", "class": "n"}, "rows"),
            [element("th", {"scope": "col", "class": "n"}, one) for one in heads],
            element("th", {"scope": "col", "class": "n"}, "log10 evidence"),
        ),
    )
    body = [
        element(
            "tr",
            element("th", {"scope": "row"}, line[0]),
            element("td", bdi(line[1])),
            [element("td", {"class": "n"}, cell) for cell in line[2:]],
        )
        for line in lines
    ]
    table = element("table", head, element("tbody", body))
    scroll = {"class": "scroll", "tabindex": "0", "role": "region", "aria-label": "Batches"}
    hidden = len(result.batches) - len(listed)
    note = f"The last {len(listed):,}; {hidden:,} earlier ones are not listed." if hidden else ""
    return joined(element("div", scroll, table), paragraph(note, "note"))


def _origin(result: WatchResult, source: Mapping[str, str]) -> Html:
    pairs = [
        *((name, printable(text, 200)) for name, text in source.items()),
        ("Batches, rows", f"{result.batch:,}, {result.n_rows:,}"),
        ("Rows not located", f"{result.n_not_located:,}"),
        ("hullwise", __version__),
    ]
    words = definition_list(pairs)
    law = (
        "Rows are counted between order statistics of reference scores. The counts of exchangeable "
        "rows have a known law although the reference is finite; the evidence is a mixture of "
        "likelihood ratios against it, which reaches 1/alarm with probability at most alarm, ever "
        "(Ville)."
    )
    return joined(words, behind("What the evidence is", paragraph(law)))
