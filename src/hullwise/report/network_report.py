"""The page of a network: one self-contained HTML file without script.

Text, tables and pictures are written into the file, and a content security policy that names its
style's hash lets nothing else in, whatever a column or a row is called.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from .. import __version__
from ..model.network_view import VIEW_REGIONS, NetworkView, view_network
from ._colors import layer_colors
from ._network_sections import headline, sections
from ._slice_svg import DRAWING_DETAILS
from .document import PAGE_SIZE_LIMIT, html_document, stylesheet, write_page
from .words import printable

__all__ = ["render_network_report", "write_network_report"]


def render_network_report(
    view: NetworkView,
    *,
    title: str | None = None,
    source: Mapping[str, str] | None = None,
) -> str:
    """The page as one string of at most 1,000,000 bytes in UTF-8; see `write_network_report`."""
    heading = printable(title or "The regions of a network", 120)
    for level in DRAWING_DETAILS:
        page = _page(view, heading, dict(source or {}), level)
        if len(page.encode("utf-8")) <= PAGE_SIZE_LIMIT:
            return page
    raise AssertionError("a page without pictures of the plane exceeds its size limit")


def write_network_report(
    net: Any,
    X: Any,
    path: str | os.PathLike[str],
    *,
    labels: Any = None,
    columns: Any = None,
    names: Any = None,
    plane: Any = "auto",
    line: Any = "auto",
    max_regions: int = VIEW_REGIONS,
    max_memory: Any = None,
    title: str | None = None,
    source: Mapping[str, str] | None = None,
    force: bool = False,
) -> Path:
    """Write a page that shows a network's regions at the rows of a table.

    Parameters
    ----------
    net : Network or anything :func:`hullwise.model.read` takes
    X : array-like (m, d)
        The rows.
    path : path
        The file to write; ``~`` is expanded.
    labels : array-like (m,), optional
        Classes or numbers of the rows. Whole numbers 0 .. n_outputs - 1 are compared with the
        largest output.
    columns, names : list of str, optional
        What the inputs and the rows are called.
    plane : "auto", "pca", three row numbers, or None
        The slice: all of the input where it is two numbers, otherwise along the rows' principal
        directions; or through three rows.
    line : "auto", two row numbers, or None
        The walk: between two rows of different classes unless given.
    max_regions : int, default=300,000
        With more regions the slice is partial, and the page says so.
    max_memory : int or str, optional
        Bytes that the slice may take, or text such as "2 GB"; all that is free unless given.
    title : str, optional
        Heading of the page.
    source : mapping of str to str, optional
        What else the page says of how it was made.
    force : bool
        Whether a file that is already there is replaced.

    Returns
    -------
    Path
        The file written: at most 1,000,000 bytes, whatever the size. Where all regions would not
        fit, less is drawn, and the page says what.

    Raises
    ------
    DataError
        If the rows do not fit the network.
    FileError
        If the file exists and `force` is false, or it cannot be written.

    Notes
    -----
    Cost: of the slice, and for each row a forward pass, its boundary distance and one backward
    pass for each output.

    Examples
    --------
    >>> import hullwise as hw, tempfile
    >>> net = hw.model.from_arrays([[[1, 0], [0, 1], [1, 1]], [[1, 1, 1]]], [[0, 0, 0], [-0.5]])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     X = [[0.0, 1.0], [1.0, -1.0], [-1.0, 0.3]]
    ...     hw.report.write_network_report(net, X, f"{folder}/net.html").name
    'net.html'
    """
    from ..model import Network, read

    if not isinstance(net, Network):
        net = read(net)
    view = view_network(
        net,
        X,
        columns=columns,
        labels=labels,
        names=names,
        plane=plane,
        line=line,
        max_regions=max_regions,
        max_memory=max_memory,
    )
    return write_view(view, path, title=title, source=source, force=force)


def write_view(
    view: NetworkView,
    path: str | os.PathLike[str],
    *,
    title: str | None,
    source: Mapping[str, str] | None,
    force: bool,
) -> Path:
    """Write the page of what was already computed, whole or not at all."""
    return write_page(render_network_report(view, title=title, source=source), path, force=force)


def _page(view: NetworkView, title: str, source: dict[str, str], level: Any) -> str:
    own = (resources.files("hullwise.report") / "network.css").read_text(encoding="utf-8")
    style = stylesheet(own + _layer_style(len(view.net.layers)))
    origin = {"Made by": f"hullwise {__version__}"} | source
    body = headline(view, title) + "".join(sections(view, level, origin))
    return html_document(title, style, body)


def _layer_style(count: int) -> str:
    """The colours of layers, w0, w1, ...: the first stands out most, on light paper and on dark."""
    light = "".join(f".w{i}{{stroke:{c}}}" for i, c in enumerate(layer_colors(count)))
    dark = "".join(f".w{i}{{stroke:{c}}}" for i, c in enumerate(layer_colors(count, dark=True)))
    return f"{light}@media screen and (prefers-color-scheme:dark){{{dark}}}"
