"""Drawing: what `locate` found, and the regions of networks, for people to read."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .report import render_report, write_report

# The same names once more, for type checkers and editors: a test compares the two.
if TYPE_CHECKING:
    from .network_report import write_network_report as write_network_report
    from .partition import draw_layers as draw_layers
    from .partition import draw_line as draw_line
    from .partition import draw_slice as draw_slice
    from .walk_pictures import draw_strip as draw_strip
    from .walk_pictures import draw_walk as draw_walk

# What is about networks is imported when first used.
_HOMES = {
    "draw_layers": "partition",
    "draw_line": "partition",
    "draw_slice": "partition",
    "draw_strip": "walk_pictures",
    "draw_walk": "walk_pictures",
    "write_network_report": "network_report",
}

__all__ = [
    "draw_layers",
    "draw_line",
    "draw_slice",
    "draw_strip",
    "draw_walk",
    "render_report",
    "write_network_report",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'hullwise.report' has no attribute {name!r}")
    return getattr(import_module(f"hullwise.report.{_HOMES[name]}"), name)
