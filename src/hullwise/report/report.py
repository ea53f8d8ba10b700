"""The report: one self-contained HTML page that says where every row stands.

The page asks the network for nothing: its data, style and script are written into the file, and
a content security policy that names their hashes lets nothing else run, whatever a column or a
row is called.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import os
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import DataError
from ..geometry.bands import BAND_NAMES
from ..geometry.location import Location
from ..io.atomic_write import whole_file
from ._content import PageInput, page_content
from ._domain_content import domain_rows, rows_in_order
from ._domain_page import domain_page_body
from ._page import page_body
from ._page_parts import chip
from ._readings_content import check_same_rows
from .document import PAGE_SIZE_LIMIT
from .words import printable

if TYPE_CHECKING:
    from ..domain.domain_location import DomainLocation
    from ..reliability.error_profile import ErrorProfile

LISTED_ROWS = (5000, 2000, 500, 100, 0)
"""How many rows the table of a domain's page lists; the next smaller one is taken likewise."""
MAP_LIMITS = (3000, 1200, 400, 100, 0)
"""How many queries the map draws; the next smaller one is taken while the page is too large."""


def render_report(
    location: Location | DomainLocation,
    *,
    task: Location | None = None,
    errors: ErrorProfile | None = None,
    title: str | None = None,
    source: Mapping[str, str] | None = None,
) -> str:
    """Write the report as one string of HTML.

    Parameters
    ----------
    location : Location or DomainLocation
        What `locate` returned, for m queries in d dimensions, or `Domain.locate` for m rows of a
        table.
    task : Location, optional
        The same queries located in the metric of a task: the page then shows both readings side by
        side, out of the data and out of the data in what matters.
    errors : ErrorProfile, optional
        Of rows in the same domain: whether a model's error goes with distance. For a page of a
        table.
    title : str, optional
        Heading of the page.
    source : mapping of str to str, optional
        What else the page says of how it was made, such as the names of the files.

    Returns
    -------
    str
        A complete HTML document of at most 1,000,000 bytes in UTF-8, at any m and d. It makes no
        request to any other place. The same input gives the same page.

    Raises
    ------
    DataError
        If `task` is about other rows or features than `location`, or has no distances; or goes
        with the location of a domain, which has one reading.

    Notes
    -----
    The page reads without scripts; its script names rows on the map and makes tables of rows that
    can be searched and sorted. The page of a table says it in the table's own words: levels never
    seen, rows with gaps, each of the farthest rows column by column.

    O(m d) time, blockwise; beyond the location itself O(m) memory. The counts and the
    distribution use every row; the map draws at most 3,000 queries, the far ones first, and says
    so on the page.

    Examples
    --------
    >>> import hullwise as hw
    >>> from hullwise.report import render_report
    >>> location = hw.locate([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]], [[0.2, 0.2], [3.0, 0.0]])
    >>> page = render_report(location, title="Two rows")
    >>> "<title>Two rows</title>" in page, len(page) < 1_000_000
    (True, True)
    """
    heading = title or "Where the new rows stand"
    if isinstance(location, Location):
        if errors is not None:
            raise DataError("errors go with the location of a domain: Domain.locate gives one")
        return _page_of_location(location, task, heading, source or {})
    if task is not None:
        raise DataError("a domain has one reading: `task` goes with what hullwise.locate returned")
    return _page_of_domain(location, errors, heading, source or {})


def _page_of_location(
    location: Location, task: Location | None, title: str, source: Mapping[str, str]
) -> str:
    if task is not None:
        check_same_rows(location, task)
        task = _located(task)
    page_input = PageInput(_located(location), task, len(location.unusable))
    for limit in MAP_LIMITS:
        content = page_content(page_input, title=title, map_limit=limit, source=source)
        page = _fill(content, page_body(content))
        if len(page.encode("utf-8")) <= PAGE_SIZE_LIMIT:
            return page
    raise AssertionError("a report without a map exceeds its size limit")


def _page_of_domain(
    location: DomainLocation,
    errors: ErrorProfile | None,
    title: str,
    source: Mapping[str, str],
) -> str:
    shown, n_refused = printable(title, 120), len(location.unusable)
    if n_refused:
        location = location[[row for row in range(len(location)) if row not in location.unusable]]
    order = rows_in_order(location, location.summary().farthest)
    for limit in LISTED_ROWS:
        listed = order[:limit]
        content = {"title": shown, "rows": domain_rows(location, listed) if len(listed) else None}
        body = domain_page_body(location, shown, source, len(listed), n_refused, errors)
        page = _fill(content, body)
        if len(page.encode("utf-8")) <= PAGE_SIZE_LIMIT:
            return page
    raise AssertionError("a report without a table of rows exceeds its size limit")


def _located(location: Location) -> Location:
    """The rows that could be located: the page is about these."""
    return location[location.usable] if location.unusable else location


def write_report(
    location: Location | DomainLocation,
    path: str | os.PathLike[str],
    *,
    task: Location | None = None,
    errors: ErrorProfile | None = None,
    title: str | None = None,
    source: Mapping[str, str] | None = None,
    force: bool = False,
) -> Path:
    """Write the report to a file, whole or not at all.

    Parameters
    ----------
    location : Location or DomainLocation
        What `locate` returned.
    path : path
        The file to write; ``~`` is expanded.
    task : Location, optional
        The same queries located in the metric of a task: both readings are shown side by side.
    errors : ErrorProfile, optional
        Of rows in the same domain: whether a model's error goes with distance.
    title : str, optional
        Heading of the page.
    source : mapping of str to str, optional
        What else the page says of how it was made, such as the names of the files.
    force : bool
        Whether a file that is already there is replaced.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    DataError
        As `render_report`.
    FileError
        The file exists and `force` is false, or it cannot be written.

    Notes
    -----
    The page is written under a temporary name beside `path` and then renamed, so that no half
    page is ever seen. Cost as `render_report`.

    Examples
    --------
    >>> import hullwise as hw, tempfile
    >>> location = hw.locate([[0.0], [1.0]], [[0.5], [3.0]])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     hw.write_report(location, f"{folder}/report.html").name
    'report.html'
    """
    with whole_file(path, force=force) as stream:
        page = render_report(location, task=task, errors=errors, title=title, source=source)
        stream.write(page.encode("utf-8"))
    return Path(path).expanduser()


def _fill(content: Mapping[str, Any], body: str) -> str:
    """The page: its body, and the content for its script."""
    folder = resources.files("hullwise.report")
    template, style, script = (
        (folder / name).read_text(encoding="utf-8")
        for name in ("report.html", "report.css", "page.js")
    )
    script = f'"use strict";\n{script}'
    parts = {
        "title": html.escape(str(content["title"])),
        "policy": html.escape(
            f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; "
            "img-src data:; base-uri 'none'; form-action 'none'"
        ),
        "style": style,
        "body": body,
        "chips": "".join(chip(band) for band in range(len(BAND_NAMES))),
        "script": script,
        "data": _json(content),
    }
    # One pass over the template: what is put in is never searched for further marks.
    pieces = template.split("%%")
    return "".join(parts[piece] if odd % 2 else piece for odd, piece in enumerate(pieces))


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def _json(content: Mapping[str, Any]) -> str:
    """JSON that no HTML parser can mistake for markup."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
