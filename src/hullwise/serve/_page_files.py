"""The page and its files, read once: no path of a request reaches the disk."""

from __future__ import annotations

from importlib.resources import files
from typing import NamedTuple

from ..report.document import stylesheet

PAGE_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


class PageFile(NamedTuple):
    """The bytes of a file, and what they are."""

    content: bytes
    media_type: str


def page_files() -> dict[str, PageFile]:
    """By name: what lies in the package's folder, and the style of the reports."""
    table = {"report.css": PageFile(stylesheet().encode(), PAGE_TYPES[".css"])}
    for one in files("hullwise.serve").joinpath("assets").iterdir():
        suffix = "." + one.name.rpartition(".")[2]
        if one.is_file() and suffix in PAGE_TYPES:
            table[one.name] = PageFile(one.read_bytes(), PAGE_TYPES[suffix])
    return table
