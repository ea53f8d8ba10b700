"""The page of a domain's location as HTML that needs no script, in the table's own words."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..domain.group_comparison import GroupComparison
from ..geometry.bands import BAND_NAMES
from ._content import GLOSSARY, installed_version
from ._distribution_svg import distribution_figure
from ._domain_cards import farthest_rows
from ._domain_content import domain_band_codes, percentile_distribution
from ._errors_page import errors_section
from ._figures import FAR_CODE
from ._html import Html, element, joined
from ._page import bands_figure, distribution_table
from ._page_parts import (
    bdi,
    behind,
    data_table,
    definition_list,
    half_bar,
    paragraph,
    section,
    text_table,
)
from .domain_sentences import (
    column_lines,
    domain_band_meanings,
    domain_band_title,
    domain_expectations,
    rare_sentence,
)
from .sentences import hull_sentence
from .words import format_number, is_or_are, printable, rows, share, training

if TYPE_CHECKING:
    from ..domain.domain_location import DomainLocation
    from ..domain.domain_summary import DomainSummary, LevelCount
    from ..domain.new_combinations import NewCombinations
    from ..reliability.error_profile import ErrorProfile

BARS_OF_PAGE = 15
LEVELS_OF_PAGE = 30
GAPS_OF_PAGE = 20
WHAT_THEY_LACK = {(True, False): " that lack the same", (False, True): " with such rare gaps"}
GROUPS_OF_PAGE = 50
COLUMNS_OF_PAGE = 300
DOMAIN_TERMS = (
    ("mixture", "a weighted average of training rows; of a category, shares of its levels"),
    ("never seen", "a level that no training row has: such a row is far, by name"),
    ("located without", "a cell is empty: the distance is the least over all ways to fill it"),
)


def domain_page_body(
    location: DomainLocation,
    title: str,
    source: Mapping[str, str],
    n_listed: int,
    n_refused: int = 0,
    errors: ErrorProfile | None = None,
) -> Html:
    """Everything that stands in ``<main>``; the table of `n_listed` rows is the script's.

    `n_refused` rows could not be located, and are not in `location`.
    """
    summary = location.summary()
    groups = location.groups()
    combinations = location.new_combinations() if location.new_rows is not None else None
    parts = [
        _distances(location),
        None if errors is None else errors_section(errors),
        _leading_columns(summary),
        _never_seen(summary),
        _combinations(combinations) if combinations is not None else None,
        _gaps(summary),
        _groups(groups) if groups is not None else None,
        _segments(location),
        farthest_rows(location, summary),
        _all_rows(summary, n_listed),
        _columns(location),
        _about(location, summary, source, "" if combinations is None else combinations.text),
    ]
    filled = [part for part in parts if part is not None]
    sections = [section(number, *part) for number, part in enumerate(filled)]
    verb = "holds" if n_refused == 1 else "hold"
    refused = f"{rows(n_refused)} {verb} a cell that cannot be read: not located."
    warning = paragraph(refused, "second") if n_refused else None
    return joined(_header(location, summary, groups, title), warning, sections)


SectionParts = Sequence[Any]  # a title and what stands under it


def lead_sentence(summary: DomainSummary) -> str:
    """The one sentence of the page."""
    m = summary.n_rows
    if not m:
        return "There are no rows to place."
    near = summary.bands["core"] + summary.bands["edge"]
    return (
        f"{near:,} of {rows(m)} ({share(near, m)}) {is_or_are(near)} no farther from the training "
        "data than its own rows are, the outermost 5 % of them left aside."
    )


def _header(
    location: DomainLocation,
    summary: DomainSummary,
    groups: GroupComparison | None,
    title: str,
) -> Html:
    n_columns = len(location.coordinates.columns)
    scope = f"{rows(summary.n_rows)} against {training(summary.n_train)}, {n_columns:,} columns"
    meanings = domain_band_meanings(summary, location)
    if summary.n_unseen:
        meanings["far"] = meanings.get("far", "") + ", or holds what was never seen"
    bands = [
        {
            "name": band,
            "count": summary.bands[band],
            "share": share(summary.bands[band], summary.n_rows),
            "rule": meaning,
        }
        for band, meaning in meanings.items()
        if summary.bands[band] or band != "unknown"
    ]
    texts = domain_expectations(summary) if groups is None else [groups.text]
    lines = element(
        "header",
        element("h1", bdi(title), element("span", {"class": "scope"}, scope)),
        paragraph(lead_sentence(summary), "lead"),
        [paragraph(bdi(text), "second") for text in texts],
        paragraph(bdi(rare_sentence(summary)), "second") if rare_sentence(summary) else None,
    )
    figure = (
        bands_figure(bands, f"{domain_band_title(summary, location)}.") if summary.n_rows else None
    )
    return joined(lines, figure, paragraph(hull_sentence(summary), "note"))


def _distances(location: DomainLocation) -> SectionParts:
    title = "How far out the rows are"
    if not len(location):
        return title, paragraph("There are no rows to show.", "note")
    data = percentile_distribution(location)
    caption = (
        "How many of the training rows that were left out are nearer, in percent: each row is "
        "ranked among those with the same gaps, so that all rows compare. Bars show shares of all "
        "rows of their kind; rows that are far have a bar of their own at the right, rows inside "
        "the hull a column of their own at the left."
    )
    if data["undecided"]:
        caption += f" The top of that column holds {data['undecided']:,} undecided or not located."
    figure = element(
        "figure",
        distribution_figure(data),
        element("figcaption", caption),
        behind("The numbers behind this figure", distribution_table(data)),
    )
    return title, figure


def _leading_columns(summary: DomainSummary) -> SectionParts:
    shown = summary.columns[:BARS_OF_PAGE]
    title = "What pushes rows out"
    if not shown:
        return title, paragraph("No column pushes any row out.", "note")
    more = len(summary.columns) - len(shown)
    hidden = f" {more:,} more column{' is' if more == 1 else 's are'} not shown." if more else ""
    note = f"Rows outside where the column is among the three leading reasons.{hidden}"
    most = max(max(c.too_low, c.too_high + c.of_another_level) for c in shown)
    head = ("column", "rows where it is too low", "too high, or of another level")
    body = [
        element(
            "tr",
            element("th", {"scope": "row"}, bdi(printable(column.name))),
            element("td", half_bar(column.too_low, most, "left")),
            element("td", half_bar(column.too_high + column.of_another_level, most, "right")),
        )
        for column in shown
    ]
    table = element(
        "table",
        {"class": "push"},
        element("thead", element("tr", [element("th", {"scope": "col"}, text) for text in head])),
        element("tbody", body),
    )
    return title, paragraph(note, "note"), element("figure", table)


def _never_seen(summary: DomainSummary) -> SectionParts | None:
    if not summary.unseen and not summary.rare:
        return None
    tables: list[Html] = []
    if summary.unseen:
        n, expected = summary.n_unseen, format_number(summary.expected_unseen, 2)
        text = f"{rows(n)} {is_or_are(n)} far by name; about {expected} would be by chance."
        head = ("column", "never seen", "new rows")
        tables += [
            paragraph(text),
            element("figure", text_table(head, _level_lines(summary.unseen))),
        ]
    if summary.rare:
        rare = zip(_level_lines(summary.rare), summary.rare)
        lines = [(*line, f"{one.training_rows:,}") for line, one in rare]
        names = ("column", "rare level", "new rows beyond or far", "training rows")
        tables.append(element("figure", text_table(names, lines)))
    return "Levels never seen, and rare ones", *tables


def _combinations(combinations: NewCombinations) -> SectionParts | None:
    """Pairs of levels that no training row holds together."""
    if not combinations.text:
        return None
    lines = [
        (
            bdi(f"{printable(pair.column, 40)} {printable(pair.level, 40)!r}"),
            bdi(f"{printable(pair.with_column, 40)} {printable(pair.with_level, 40)!r}"),
            f"{len(pair.rows):,}",
        )
        for pair in combinations.pairs[:LEVELS_OF_PAGE]
    ]
    more = len(combinations) - len(lines)
    return (
        "Levels never seen together",
        paragraph(bdi(printable(combinations.text, 600))),
        paragraph("None of them makes a row far: it is ranked by its distance.", "note"),
        element("figure", text_table(("level", "with", "new rows"), lines)) if lines else None,
        paragraph(f"and {more:,} more pairs", "note") if more > 0 else None,
    )


def _level_lines(levels: Sequence[LevelCount]) -> list[tuple[Html, Html, str]]:
    return [
        (bdi(printable(one.column, 40)), bdi(printable(one.level)), f"{one.rows:,}")
        for one in levels[:LEVELS_OF_PAGE]
    ]


def _gaps(summary: DomainSummary) -> SectionParts | None:
    if not summary.gaps:
        return None
    head = ("located without", "new rows", "compared with", "training rows with the rest")
    lines = [
        (
            bdi(", ".join(printable(name, 40) for name in gap.without)),
            f"{gap.rows:,}",
            f"{gap.n_reference:,}{WHAT_THEY_LACK.get((gap.is_alike, gap.is_rare), '')}",
            f"{gap.training_rows:,}",
        )
        for gap in summary.gaps[:GAPS_OF_PAGE]
    ]
    note = (
        "A row is located in the columns that it has: its distance is the least over all ways to "
        "fill the gaps, so that no filling brings it nearer."
    )
    more = len(summary.gaps) - len(lines)
    last = paragraph(f"and {more:,} more patterns of gaps", "note") if more > 0 else None
    return "Rows with gaps", paragraph(note), element("figure", text_table(head, lines)), last


def _groups(groups: GroupComparison) -> SectionParts:
    order = np.argsort(np.nan_to_num(groups.p, nan=2.0), kind="stable")[:GROUPS_OF_PAGE]
    head = (printable(groups.column, 40), "rows", "median distance", "p", "rows beyond or far")
    lines = [
        (
            bdi(printable(groups.names[g])),
            f"{groups.rows[g]:,}",
            format_number(float(groups.median_distance[g])),
            format_number(float(groups.p[g]), 2) if np.isfinite(groups.p[g]) else "–",
            share(round(groups.share_out[g] * groups.rows[g]), int(groups.rows[g])),
        )
        for g in order.tolist()
    ]
    table = element("figure", data_table(head, lines))
    return "New groups, the farthest first", paragraph(bdi(groups.text)), table


def _segments(location: DomainLocation) -> SectionParts | None:
    """How many rows of each segment are in each band."""
    segmented = location.segmented
    if segmented is None or not len(location):
        return None
    names, place = np.unique(segmented.names.astype(str), return_inverse=True)
    codes = domain_band_codes(location)
    counts = np.zeros((len(names), len(BAND_NAMES)), dtype=np.int64)
    np.add.at(counts, (place, codes), 1)
    used = [b for b in range(len(BAND_NAMES)) if b < FAR_CODE + 1 or counts[:, b].any()]
    order = np.argsort(-counts.sum(axis=1), kind="stable")[:GROUPS_OF_PAGE].tolist()
    lines = [
        (bdi(printable(names[i])), f"{counts[i].sum():,}", *(f"{counts[i, b]:,}" for b in used))
        for i in order
    ]
    table = text_table(("located among", "new rows", *(BAND_NAMES[b] for b in used)), lines)
    note = "Every row is located among the training rows of its own segment, and ranked there."
    n_nearest = int(segmented.is_nearest.sum())
    if n_nearest:
        note += f" {rows(n_nearest)} of a segment never seen: located in the nearest one."
    more = len(names) - len(order)
    last = paragraph(f"and {more:,} more segments", "note") if more > 0 else None
    return "Segments", paragraph(note), element("figure", table), last


def _all_rows(summary: DomainSummary, n_listed: int) -> SectionParts | None:
    if not n_listed:
        return None
    text = "Every row, the farthest first"
    if n_listed < summary.n_rows:
        text = f"{n_listed:,} of {rows(summary.n_rows)}, the farthest first"
    text += "; the name of a row opens it, column by column."
    absent = element(
        "noscript", paragraph("This table needs its script: the other parts do not.", "note")
    )
    return "The rows", paragraph(text, "note"), absent, element("div", {"id": "rows"})


def _columns(location: DomainLocation) -> SectionParts:
    head = ("column", "taken for", "as", "why")
    fitted = None if location.new_rows is None else location.new_rows.fitted
    lines = (
        [(c.name, c.role, c.describe(), c.reason) for c in location.coordinates.columns]
        if fitted is None
        else column_lines(fitted)
    )
    shown = [
        (bdi(printable(name)), role, bdi(printable(text, 140) if text else ""), why)
        for name, role, text, why in lines[:COLUMNS_OF_PAGE]
    ]
    more = len(lines) - len(shown)
    last = paragraph(f"and {more:,} more columns", "note") if more > 0 else Html("")
    notes = [paragraph(bdi(text), "note") for text in (fitted.notes if fitted else ())]
    figure = element("figure", text_table(head, shown))
    return "What every column was taken for", figure, last, *notes


def _about(
    location: DomainLocation, summary: DomainSummary, source: Mapping[str, str], shown: str
) -> SectionParts:
    """How the page was made; the note that is `shown` in a section of its own is left out."""
    lines = [(printable(name, 40), printable(text, 400)) for name, text in source.items()]
    lines += [
        ("Training data", f"{training(summary.n_train)}."),
        ("Metric", printable(location.metric_text, 300)),
        ("Yardstick", f"Up to {training(summary.n_reference)} left out for each pattern of gaps."),
        (
            "Versions",
            f"hullwise {installed_version('hullwise')}, numpy {np.__version__}, "
            f"Python {platform.python_version()}.",
        ),
        (
            "To verify",
            "location.verify(table) checks every row from the training table alone, by code that "
            "shares nothing with the solver; exact=True uses whole numbers.",
        ),
    ]
    return (
        "How this was made",
        [paragraph(bdi(str(text)), "note") for text in location.notes if text != shown],
        definition_list(lines),
        element("h2", {"class": "small"}, "Words"),
        definition_list([*GLOSSARY[:8], *DOMAIN_TERMS]),
    )
