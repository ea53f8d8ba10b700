"""Drawing: what `locate` found, and the regions of networks, for people to read."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .report import render_report, write_report

# The same names once more, for type checkers and editors: a test compares the two.
if TYPE_CHECKING:
    from . import charts as charts
    from .document import PAGE_SIZE_LIMIT as PAGE_SIZE_LIMIT
    from .document import check_page_path as check_page_path
    from .document import html_document as html_document
    from .document import stylesheet as stylesheet
    from .document import write_page as write_page
    from .network_report import write_network_report as write_network_report
    from .next_page import write_next_page as write_next_page
    from .partition import draw_layers as draw_layers
    from .partition import draw_line as draw_line
    from .partition import draw_slice as draw_slice
    from .surface_picture import draw_surface as draw_surface
    from .surface_picture import surface_svg as surface_svg
    from .surface_picture import write_surface_picture as write_surface_picture
    from .walk_pictures import draw_strip as draw_strip
    from .walk_pictures import draw_walk as draw_walk
    from .watch_page import write_watch_page as write_watch_page
    from .words import format_number as format_number

# Imported when first used: most of it is about networks, or for pages of others.
_HOMES = {
    "PAGE_SIZE_LIMIT": "document",
    "check_page_path": "document",
    "draw_layers": "partition",
    "draw_line": "partition",
    "draw_slice": "partition",
    "draw_strip": "walk_pictures",
    "draw_surface": "surface_picture",
    "draw_walk": "walk_pictures",
    "format_number": "words",
    "html_document": "document",
    "stylesheet": "document",
    "surface_svg": "surface_picture",
    "write_network_report": "network_report",
    "write_next_page": "next_page",
    "write_page": "document",
    "write_surface_picture": "surface_picture",
    "write_watch_page": "watch_page",
}

__all__ = [
    "PAGE_SIZE_LIMIT",
    "charts",
    "check_page_path",
    "draw_layers",
    "draw_line",
    "draw_slice",
    "draw_strip",
    "draw_surface",
    "draw_walk",
    "format_number",
    "html_document",
    "render_report",
    "stylesheet",
    "surface_svg",
    "write_network_report",
    "write_next_page",
    "write_page",
    "write_report",
    "write_surface_picture",
    "write_watch_page",
]


def __getattr__(name: str) -> Any:
    if name == "charts":
        return import_module("hullwise.report.charts")
    if name not in _HOMES:
        raise AttributeError(f"module 'hullwise.report' has no attribute {name!r}")
    return getattr(import_module(f"hullwise.report.{_HOMES[name]}"), name)
