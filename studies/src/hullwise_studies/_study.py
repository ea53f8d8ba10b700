"""A study: parts with their charts and tables, findings, and what ran; the same for all studies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ._tables import Finding, Table

__all__ = ["Chart", "Part", "Study"]


@dataclass(frozen=True, eq=False)
class Chart:
    """A picture as SVG, of `hullwise.report.charts`, and what it shows.

    Attributes
    ----------
    svg : str
        One picture, or several that stand side by side.
    caption : str
    smaller : tuple of str
        The same with ever fewer points, for a page that would be too large.
    """

    svg: str
    caption: str
    smaller: tuple[str, ...] = ()

    def drawn(self, level: int) -> str:
        """The picture, or where `level` is above 0 a smaller one."""
        return (self.svg, *self.smaller)[min(level, len(self.smaller))]


@dataclass(frozen=True, eq=False)
class Part:
    """One question of a study.

    Attributes
    ----------
    title, text : str
        A heading and a paragraph.
    charts : tuple of Chart
    tables : tuple of Table
    legend : tuple of (str, str)
        Classes of the style and what they stand for, where charts do not say it themselves.
    """

    title: str
    text: str
    charts: tuple[Chart, ...] = ()
    tables: tuple[Table, ...] = ()
    legend: tuple[tuple[str, str], ...] = ()


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
    notes : tuple of str
        What a reader must know of this run, sentence by sentence.
    findings_title : str
        The heading above the findings.
    results : object
        What the study computed besides, for those who go on; its module says what it is.
    """

    name: str
    title: str
    lead: str
    parts: tuple[Part, ...]
    findings: tuple[Finding, ...] = ()
    about: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    findings_title: str = "Findings"
    results: Any = None

    def __repr__(self) -> str:
        return f"Study({self.name}: {len(self.parts)} parts, {len(self.tables)} tables)"

    @property
    def tables(self) -> dict[str, Table]:
        """Every table, those of findings too, by name."""
        tables = [table for part in self.parts for table in part.tables]
        tables += [finding.table for finding in self.findings if finding.table is not None]
        return {table.name: table for table in tables}
