"""The page of a location as HTML that needs no script, made of the content of `_content.py`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from ..geometry.bands import BAND_NAMES
from ._distribution_svg import distribution_figure
from ._html import Html, element, joined
from ._map_svg import map_figure_html, moved_to_border
from ._page_parts import (
    bdi,
    behind,
    chip,
    data_table,
    definition_list,
    gauge,
    half_bar,
    meter,
    paragraph,
    percentage_bar,
    section,
)
from ._readings_page import readings_section
from .words import NBSP, RAISED_DIGITS, format_number, share

Content = Mapping[str, Any]


def page_body(content: Content) -> Html:
    """Everything that stands in ``<main>``."""
    parts = [definitions_section, about_section]
    if not content["membershipOnly"]:
        parts = [distances_section, map_section, features_section, farthest_section, *parts]
    start = 0
    readings = []
    if content["task"] and not content["membershipOnly"]:
        readings, start = [readings_section(content)], 1
    sections = [part(content, number) for number, part in enumerate(parts, start)]
    return joined(header(content), readings, sections)


def header(content: Content) -> Html:
    """The sentences that matter, and how many rows are in each band."""
    top = content["headline"]
    lines = element(
        "header",
        element("h1", bdi(content["title"]), element("span", {"class": "scope"}, top["scope"])),
        paragraph(top["sentence"], "lead"),
        [paragraph(bdi(text), "lead") for text in top["warnings"]],
        paragraph(top["usual"], "second"),
        paragraph(top["second"], "second"),
    )
    more = ", by plain distance; both readings follow" if content["task"] else ""
    title = f"{top['bandTitle']}{more}."
    return joined(lines, bands_figure(top["bands"], title), paragraph(top["verdicts"], "note"))


def bands_figure(bands: list[dict[str, Any]], title: str) -> Html:
    """A bar of all rows by band, and the counts below it."""
    if not bands:
        return Html("")
    tally = [
        element(
            "li",
            element("span", {"class": "name"}, chip(BAND_NAMES.index(band["name"]))),
            element("b", f"{band['count']:,}", element("small", band["share"])),
            element("span", {"class": "rule"}, band["rule"]),
        )
        for band in bands
    ]
    strip = percentage_bar({band["name"]: band["count"] for band in bands}, "strip")
    return joined(paragraph(title, "note"), strip, element("ul", {"class": "tally"}, tally))


def distances_section(content: Content, number: int) -> Html:
    """How far out the rows are, against training rows left out."""
    title, data = "How far out the rows are", content["distribution"]
    if "missing" in data:
        return section(number, title, paragraph(data["missing"], "note"))
    numbers = behind("The numbers behind this figure", distribution_table(data))
    caption = element("figcaption", _distribution_caption(data))
    return section(number, title, element("figure", distribution_figure(data), caption, numbers))


def _distribution_caption(data: Content) -> str:
    text: str = (
        "Bars show shares of all rows of their kind; rows inside, at distance zero, have their own "
        f"column on a scale from 0 to 100{NBSP}%."
    )
    if data["trainingTotal"]:
        text = (
            "The training rows below are the yardstick: each was left out and measured against the "
            f"rest. {text}"
        )
    if data["undecided"]:
        text += f" The top of that column holds {data['undecided']:,} undecided."
    if data["offFlat"]:
        text += (
            f" The last bar, set apart from the distances, holds {data['offFlat']:,} far row"
            f"{'s' if data['offFlat'] > 1 else ''} off the flat that the training rows span."
        )
    return f"{text} The distance axis is logarithmic." if data["log"] else text


def distribution_table(data: Content) -> Html:
    """The counts of the figure."""
    used = [
        b
        for b in range(len(BAND_NAMES))
        if (b < 4 and data["trainingTotal"]) or data["inside"][b] or any(data["queries"][b])
    ]
    lines = [["inside", *(data["inside"][b] for b in used), data["trainingInside"]]]
    for i, (low, high) in enumerate(pairwise(data["edges"])):
        counts = [*(data["queries"][b][i] for b in used), data["training"][i]]
        if any(counts):
            lines.append([f"{format_number(low)} to {format_number(high)}", *counts])
    head = [data["measure"], *(BAND_NAMES[b] for b in used), "training rows"]
    return data_table(head, [[first, *map("{:,}".format, rest)] for first, *rest in lines])


def map_section(content: Content, number: int) -> Html:
    """Where the rows lie in the plane of the training rows' largest variance."""
    title, data = "Where they lie", content["map"]
    if not data:
        return section(number, title, paragraph(content["mapMissing"], "note"))
    moved = moved_to_border(data, data["views"][0])
    text = f"{_axes_text(data)}{data['drawn']}"
    if moved:
        where = "near the data are drawn on its border" if len(data["views"]) > 1 else "this frame"
        text += f" {moved:,} rows beyond the frame {where}."
    caption = element("figcaption", text)
    figure = element("figure", {"id": "map"}, map_figure_html(data), caption)
    return section(number, title, paragraph(data["hides"]), figure)


def _axes_text(data: Content) -> str:
    if data["flat"]:
        return "Left to right: the one direction there is; the height of a point means nothing. "
    if len(data["shares"]) < 2:
        return ""
    first, second = (share(round(1e6 * part), 1_000_000) for part in data["shares"][:2])
    return (
        f"Left to right: the training rows’ first principal direction ({first} of their variance); "
        f"bottom to top: the second ({second}). "
    )


def features_section(content: Content, number: int) -> Html:
    """How often each feature pushes a row out, and which way."""
    items = content["features"]["items"]
    most = max([1, *(max(item["high"], item["low"]) for item in items)])
    head = ("feature", "rows where it is too low", "too high")
    lines = [
        element(
            "tr",
            element("th", {"scope": "row"}, bdi(item["name"])),
            element("td", half_bar(item["low"], most, "left")),
            element("td", half_bar(item["high"], most, "right")),
        )
        for item in items
    ]
    table = element(
        "table",
        {"class": "push"},
        element("thead", element("tr", [element("th", {"scope": "col"}, text) for text in head])),
        element("tbody", lines),
    )
    note = paragraph(content["features"]["note"], "note")
    return section(number, "What pushes rows out", note, element("figure", table) if items else "")


def farthest_section(content: Content, number: int) -> Html:
    """The farthest rows, each with the smallest change that brings it into the data."""
    cards = content["farthest"]["rows"]
    title = f"The {len(cards)} farthest rows" if len(cards) > 1 else "The farthest rows"
    bars = " Bars compare the changes of one row as parts of the training range."
    has_bars = any(card["changes"] for card in cards)
    note = joined(
        content["farthest"]["note"],
        element("span", {"class": "bars-note"}, bars) if has_bars else None,
    )
    items = [_card(card, place) for place, card in enumerate(cards, 1)]
    return section(
        number,
        title,
        paragraph(note, "note"),
        element("ol", {"class": "cards"}, items) if cards else "",
    )


def _card(card: Content, place: int) -> Html:
    nearest = card["nearest"]
    who = f"nearest training row{'s' if len(nearest) > 1 else ''}: "
    about = element(
        "div",
        element("h3", bdi(f"{place}. {card['label']}")),
        paragraph(
            joined(chip(card["band"]), f", {distance_text(card['lower'], card['upper'])} outside"),
            "quiet",
        ),
        paragraph(card["percentile"], "quiet"),
        paragraph(joined(who, bdi(", ".join(nearest))), "quiet") if nearest else None,
    )
    if not card["changes"]:
        return element("li", about)
    most = max(change["share"] or 0.0 for change in card["changes"])
    lines = element("tbody", [_change_row(change, most) for change in card["changes"]])
    more = card["more"]
    text = f"and {more:,} smaller change{'s' if more > 1 else ''}" if more > 0 else ""
    table = element("table", {"aria-label": "smallest change to come inside"}, lines)
    return element("li", about, element("div", table, paragraph(text, "quiet")))


def _change_row(change: Content, most: float) -> Html:
    values, by = route(change["from"], change["by"])
    part = change["share"]
    length = 1.0 if part is None else part / most if most else 0.0
    title = "constant in the training rows"
    if part is not None:
        size = f"{format_number(100 * part, 2)}{NBSP}%" if part > 10 else _share_of_range(part)
        title = f"{size} of the training range"
    return element(
        "tr",
        {"title": title},
        element("th", {"class": "of", "scope": "row"}, bdi(change["name"])),
        element("td", {"class": "by"}, by),
        element(
            "td",
            {"class": "gauge", "aria-hidden": "true"},
            gauge(length, -1 if change["by"] < 0 else 1),
        ),
        element("td", {"class": "route"}, values),
    )


def _share_of_range(part: float) -> str:
    return share(round(1e9 * part), 1_000_000_000) if part < 1 else f"{100 * part:.0f}{NBSP}%"


def distance_text(lower: float | None, upper: float | None) -> str:
    """A distance by its bracket.

    Examples
    --------
    >>> distance_text(1.0, 2.0), distance_text(None, None), distance_text(0.5, None)
    ('1 to 2', 'unknown', 'more than 0.5')
    """
    if upper is None:
        return f"more than {format_number(lower)}" if lower else "unknown"
    if lower is None:
        return f"at most {format_number(upper)}"
    if upper - lower <= 1e-3 * upper:
        return format_number(upper, 4)
    return f"{format_number(lower)} to {format_number(upper)}"


def route(old: float, by: float) -> tuple[str, str]:
    """ "old → new" and the signed change, with the decimals that show the change.

    Examples
    --------
    >>> route(95.0, -36.0), route(1.25, 0.003)
    (('95 → 59', '−36'), ('1.2500 → 1.2530', '+0.0030'))
    """
    power = math.floor(math.log10(abs(by)))
    size = max(abs(old), abs(old + by))
    sign = "−" if by < 0 else "+"
    if power < -9 or size >= 1e9:
        digits = min(15, max(3, math.floor(math.log10(size or 1)) - power + 2))
        pair = f"{format_number(old, digits)} → {format_number(old + by, digits)}"
        return pair, sign + format_number(abs(by))
    if size < 1e-3:
        shift = math.floor(math.log10(size))
        unit, k = f"{NBSP}×{NBSP}10{str(shift).translate(RAISED_DIGITS)}", 10.0**-shift
        places = max(0, 1 - power + shift)
        pair = f"({_fixed(old * k, places)} → {_fixed((old + by) * k, places)}){unit}"
        return pair, sign + _fixed(abs(by) * k, places) + unit
    places = max(0, 1 - power)
    return f"{_fixed(old, places)} → {_fixed(old + by, places)}", sign + _fixed(abs(by), places)


def _fixed(value: float, places: int) -> str:
    """So many decimals; what is shown as 0 has no sign."""
    text = f"{value:,.{places}f}"
    shows_zero = not text.strip("-0.")
    return text.removeprefix("-") if shows_zero else text.replace("-", "−")


def definitions_section(content: Content, number: int) -> Html:
    """How many rows of each band other definitions call in."""
    columns, lines = content["definitions"]["columns"], content["definitions"]["table"]
    head = [element("th", {"scope": "col"}, text) for text in ("band", "rows", *columns)]
    body = [
        element(
            "tr",
            element("th", {"scope": "row"}, "all" if line["band"] is None else chip(line["band"])),
            element("td", {"class": "of", "data-name": "rows"}, f"{line['total']:,}"),
            [
                _share_cell(count, line["total"], name)
                for count, name in zip(line["counts"], columns, strict=True)
            ],
        )
        for line in lines
    ]
    caption = "How many rows of each band each definition calls in."
    figure = element(
        "figure",
        element(
            "table",
            {"class": "agree"},
            element("thead", element("tr", head)),
            element("tbody", body),
        ),
        element("figcaption", caption),
    )
    note = paragraph(content["definitions"]["note"])
    return section(number, "What other definitions say", note, figure if lines else "")


def _share_cell(count: int, total: int, name: str) -> Html:
    part = element("small", share(count, total))
    return element("td", {"data-name": name}, f"{count:,} ", part, meter(count / total))


def about_section(content: Content, number: int) -> Html:
    """How the page was made, and what its words mean."""
    return section(
        number,
        "How this was made",
        [paragraph(bdi(text), "note") for text in content["notes"]],
        definition_list(content["about"]),
        element("h2", {"class": "small"}, "Words"),
        definition_list(content["glossary"]),
    )
