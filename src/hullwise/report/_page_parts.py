"""What every page is made of: sections, tables, marks of bands, bars. All of it without script."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ..geometry.bands import BAND_NAMES
from ._html import Child, Html, element, joined

LEAST_BAR_SHARE = 0.008  # of a bar: what is there is seen


def bdi(text: str) -> Html:
    """A name of a row or column, whichever way it is written."""
    return element("bdi", text)


def section(number: int, title: str, *content: Child) -> Html:
    """A part of the page under its heading."""
    name = f"s{number}"
    return element(
        "section", {"aria-labelledby": name}, element("h2", {"id": name}, title), *content
    )


def paragraph(text: Child, kind: str | None = None) -> Html:
    """A paragraph, or nothing."""
    return element("p", {"class": kind}, text) if text else Html("")


def mark(band: int, x: float, y: float, r: float) -> str:
    """The path of one mark for each band: the shape says what the colour says."""
    a, t = 1.2 * r, 0.45 * r
    if band == 0:
        return f"M{x - r:.4g},{y:.4g}a{r:g},{r:g} 0 1 0 {2 * r:g},0a{r:g},{r:g} 0 1 0 {-2 * r:g},0z"
    if band == 1:
        return f"M{x - r:.4g},{y - r:.4g}h{2 * r:g}v{2 * r:g}h{-2 * r:g}z"
    if band == 2:
        return f"M{x:.4g},{y - a:.4g}l{a:.4g},{a + r:.4g}h{-2 * a:.4g}z"
    if band == 3:
        b = 1.15 * a
        return f"M{x:.4g},{y - b:.4g}l{b:.4g},{b:.4g}l{-b:.4g},{b:.4g}l{-b:.4g},{-b:.4g}z"
    s = r - t
    return (
        f"M{x - r:.4g},{y - t:.4g}h{s:.3g}v{-s:.3g}h{2 * t:.3g}v{s:.3g}h{s:.3g}v{2 * t:.3g}"
        f"h{-s:.3g}v{s:.3g}h{-2 * t:.3g}v{-s:.3g}h{-s:.3g}z"
    )


def glyph(band: int) -> Html:
    """The mark of a band beside text."""
    shape = {"class": f"glyph fill-{BAND_NAMES[band]}", "viewBox": "-5 -5 10 10"}
    return element(
        "svg", {**shape, "aria-hidden": "true"}, element("path", {"d": mark(band, 0, 0, 4.4)})
    )


def chip(band: int) -> Html:
    """A band by its mark and name."""
    return element("span", glyph(band), BAND_NAMES[band])


def data_table(head: Sequence[str], body: Iterable[Sequence[str]], kind: str | None = None) -> Html:
    """A table whose first column names the rows and whose others are numbers."""
    return element(
        "table",
        {"class": kind},
        element(
            "thead",
            element(
                "tr",
                [
                    element("th", {"scope": "col", "class": "n" if j else None}, text)
                    for j, text in enumerate(head)
                ],
            ),
        ),
        element("tbody", [_table_row(line) for line in body]),
    )


def _table_row(line: Sequence[str]) -> Html:
    first, *rest = line
    return element(
        "tr",
        element("th", {"scope": "row"}, first),
        [element("td", {"class": "n"}, t) for t in rest],
    )


def text_table(head: Sequence[str], body: Sequence[Sequence[str]]) -> Html:
    """A table whose cells are texts, except where all of a column are numbers."""
    numeric = [
        j > 0 and all(line[j].replace(",", "").isdigit() for line in body) for j in range(len(head))
    ]
    kinds = [{"class": "n" if is_number else None} for is_number in numeric]
    titles = [element("th", {"scope": "col", **kind}, text) for kind, text in zip(kinds, head)]
    lines = []
    for first, *rest in body:
        cells = [element("td", kind, text) for kind, text in zip(kinds[1:], rest)]
        lines.append(element("tr", element("th", {"scope": "row"}, first), cells))
    return element(
        "table",
        {"class": "texts"},
        element("thead", element("tr", titles)),
        element("tbody", lines),
    )


def behind(title: str, content: Html) -> Html:
    """A table behind a figure, shown when it is opened."""
    scroll = {"class": "scroll", "tabindex": "0", "role": "region", "aria-label": title}
    return element("details", element("summary", title), element("div", scroll, content))


def percentage_bar(counts: Mapping[str, int], kind: str, height: int = 18) -> Html:
    """A bar divided by counts, as wide as its place; what is there has a width that is seen."""
    total = sum(counts.values())
    wide = {name: max(LEAST_BAR_SHARE, count / total) for name, count in counts.items() if count}
    whole, start = sum(wide.values()), 0.0
    pieces, cuts = [], []
    for name, share in wide.items():
        width = 100 * share / whole
        rect = {"x": f"{start:.3f}%", "width": f"{width:.3f}%", "height": height}
        pieces.append(element("rect", {"class": f"fill-{name}", **rect}))
        start += width
        cuts.append(element("line", {"class": "cut", **_upright(start, height)}))
    label = ", ".join(f"{name} {count:,}" for name, count in counts.items())
    outer = {"class": kind, "width": "100%", "height": height, "role": "img", "aria-label": label}
    return element("svg", outer, pieces, cuts[:-1])


def _upright(place: float, height: int) -> dict[str, object]:
    return {"x1": f"{place:.3f}%", "x2": f"{place:.3f}%", "y1": 0, "y2": height}


def meter(share: float) -> Html:
    """A thin bar under a number: how much of the whole it is."""
    bar = {"width": f"{100 * min(1.0, max(0.0, share)):.2f}%", "height": "3"}
    outer = {"class": "meter", "width": "100%", "height": "3", "aria-hidden": "true"}
    return element(
        "svg",
        outer,
        element("rect", {"class": "full", "width": "100%", "height": "3"}),
        element("rect", bar),
    )


def gauge(share: float, sign: int) -> Html:
    """A bar that leaves the middle to the left or to the right, a share of its half long."""
    length = 50 * min(1.0, max(0.02, share))
    start = 50 - length if sign < 0 else 50.0
    bar = {"x": f"{start:.2f}%", "y": 4, "width": f"{length:.2f}%", "height": 9}
    middle = {"class": "axis", "x1": "50%", "x2": "50%", "y1": 0, "y2": 17}
    return element(
        "svg", {"width": "100%", "height": 17}, element("rect", bar), element("line", middle)
    )


def half_bar(count: int, most: int, side: str) -> Html:
    """A count with its bar, from the right or from the left."""
    if not count:
        return Html("")
    length = 78 * count / most
    left = side == "left"
    bar = {"x": f"{100 - length if left else 0:.2f}%", "width": f"{length:.2f}%"}
    text = {
        "x": f"{100 - length if left else length:.2f}%",
        "dx": -6 if left else 6,
        "y": 13,
        "text-anchor": "end" if left else "start",
    }
    return element(
        "svg",
        {"width": "100%", "height": 18, "role": "img", "aria-label": f"{count:,}"},
        element("rect", {"class": "bar", "y": 3, "height": 12, **bar}),
        element("text", text, f"{count:,}"),
    )


def definition_list(pairs: Iterable[Sequence[str]]) -> Html:
    """Terms and what they mean."""
    return element("dl", [joined(element("dt", term), element("dd", text)) for term, text in pairs])
