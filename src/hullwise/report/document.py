"""A page that loads nothing else: its style is in it, and only that style is allowed."""

from __future__ import annotations

import base64
import hashlib
import os
from html import escape
from importlib import resources
from pathlib import Path

from ..io.atomic_write import output_path, whole_file

__all__ = ["PAGE_SIZE_LIMIT", "check_page_path", "html_document", "stylesheet", "write_page"]

PAGE_SIZE_LIMIT = 1_000_000
"""Bytes that a page may have, whatever it shows."""


def html_document(title: str, style: str, body: str) -> str:
    """HTML without script, which loads nothing.

    Parameters
    ----------
    title : str
        Plain text.
    style : str
        CSS, such as `stylesheet()`.
    body : str
        HTML that stands in ``<main>``.

    Returns
    -------
    str

    Examples
    --------
    >>> import hullwise as hw
    >>> page = hw.report.html_document("Numbers", hw.report.stylesheet(), "<p>1 < 2</p>")
    >>> "<title>Numbers</title>" in page, "default-src" in page
    (True, True)
    """
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii")
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; "
        "form-action 'none'"
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f'<meta name="generator" content="hullwise">\n<title>{escape(title)}</title>\n'
        f'<link rel="icon" href="data:,">\n<style>{style}</style>\n</head>\n<body>\n'
        f"<main>\n{body}</main>\n</body>\n</html>\n"
    )


def stylesheet(more: str = "") -> str:
    """The CSS of the report: type, tables, and the colours of `hullwise.report.charts`.

    Parameters
    ----------
    more : str
        CSS that is added at the end.

    Returns
    -------
    str

    Examples
    --------
    >>> import hullwise as hw
    >>> "--core" in hw.report.stylesheet("table { color: var(--core); }")
    True
    """
    own = resources.files("hullwise.report") / "report.css"
    return own.read_text(encoding="utf-8") + more


def check_page_path(path: str | os.PathLike[str], *, force: bool = False) -> Path:
    """Where `write_page` would write, checked before a long computation and not after it.

    Parameters
    ----------
    path : path
    force : bool
        Whether a file that is already there may be replaced.

    Returns
    -------
    Path

    Raises
    ------
    FileError
        It is a folder, lies in none, or exists and `force` is false.

    Examples
    --------
    >>> import hullwise as hw, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     hw.report.check_page_path(f"{folder}/page.html").name
    'page.html'
    """
    return output_path(path, force=force)


def write_page(page: str, path: str | os.PathLike[str], *, force: bool = False) -> Path:
    """Write a page to a file, whole or not at all.

    Parameters
    ----------
    page : str
    path : path
        The file to write; ``~`` is expanded.
    force : bool
        Whether a file that is already there is replaced.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    FileError
        The file exists and `force` is false, or it cannot be written.

    Examples
    --------
    >>> import hullwise as hw, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     hw.report.write_page("<p>text</p>", f"{folder}/page.html").name
    'page.html'
    """
    with whole_file(path, force=force) as stream:
        stream.write(page.encode("utf-8"))
    return Path(path).expanduser()
