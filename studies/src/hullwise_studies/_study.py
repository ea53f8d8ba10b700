"""What a study found: parts with their charts and tables, findings, and what ran."""

from __future__ import annotations

import os
from dataclasses import dataclass
from html import escape
from pathlib import Path

from hullwise import __version__
from hullwise.errors import FileError

from . import _page
from ._page import figure, findings_section, html_table, section
from ._tables import Finding, Table

__all__ = ["Chart", "Part", "Study", "folder", "page", "write_page"]


@dataclass(frozen=True, eq=False)
class Chart:
    """A picture as SVG (of `_svg`), and what it shows."""

    svg: str
    caption: str


@dataclass(frozen=True, eq=False)
class Part:
    """One question of a study: a heading, a paragraph, charts and tables."""

    title: str
    text: str
    charts: tuple[Chart, ...] = ()
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True, eq=False, repr=False)
class Study:
    """All that a study computed.

    Attributes
    ----------
    name, title, lead : str
        What it is called on the command line, its heading, and its first sentence.
    parts : tuple of Part
    findings : tuple of Finding
        What stands out, in words computed from the results.
    about : tuple of (str, str)
        What ran, and how: terms and their explanations.
    """

    name: str
    title: str
    lead: str
    parts: tuple[Part, ...]
    findings: tuple[Finding, ...] = ()
    about: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        return f"Study({self.name}: {len(self.parts)} parts, {len(self.tables)} tables)"

    @property
    def tables(self) -> dict[str, Table]:
        """Every table, those of findings too, by name."""
        found = [t for part in self.parts for t in part.tables]
        found += [f.table for f in self.findings if f.table is not None]
        return {table.name: table for table in found}


def page(study: Study) -> str:
    """The study as one HTML page that loads nothing else."""
    body = [
        f'<h1>{escape(study.title)}</h1><p class="lead">{escape(study.lead)}</p>'
        f"<p>This page was computed by hullwise {escape(__version__)}. What ran, and how, is said "
        "at the end.</p>"
    ]
    for part in study.parts:
        charts = "".join(figure(chart.svg, chart.caption) for chart in part.charts)
        tables = "".join(html_table(table) for table in part.tables)
        body.append(section(part.title, f"<p>{escape(part.text)}</p>", charts, tables))
    body.append(findings_section("Findings", study.findings))
    items = "".join(f"<dt>{escape(a)}</dt><dd>{escape(b)}</dd>" for a, b in study.about)
    body.append(section("What ran", f"<dl>{items}</dl>") if items else "")
    return _page.page(study.title, body)


def write_page(study: Study, path: str | os.PathLike[str], *, force: bool = False) -> Path:
    """Write the page of a study, whole or not at all.

    Raises
    ------
    FileError
        The file exists and `force` is false, or it cannot be written.
    """
    from hullwise.io.atomic_write import whole_file

    with whole_file(path, force=force) as stream:
        stream.write(page(study).encode("utf-8"))
    return Path(path).expanduser()


def folder(path: str | os.PathLike[str] | None, name: str) -> Path | None:
    """The folder of the option `name`, which must be there."""
    if path is None:
        return None
    found = Path(path).expanduser()
    if not found.is_dir():
        raise FileError(str(path), f"is no folder; {name}= (--{name}) names one")
    return found
