"""The study as one HTML page without script: text, tables, and charts as inline SVG."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from itertools import product
from typing import TYPE_CHECKING

from hullwise import __version__
from hullwise.report.charts import Box, box_chart, box_statistics, histogram_chart, scatter_chart

from .. import _page as shared
from .._page import figure, findings_section, html_table, legend, section
from ._analytic import DESIGNS, DIMENSIONS, LENGTHS, NOISES, sizes
from ._cdf import INPUTS, critical_value
from ._data import SETS
from ._models import METHODS
from ._published import ANALYTIC, ERRORS, REJECTION_LEVELS, SPACING
from ._real import RANKED, share_best

if TYPE_CHECKING:
    from . import Study

__all__ = ["page"]

SIZE_LIMIT = 1_000_000
POINTS = (500, 250, 100, 0)
"""How many points a scatter plot shows; the next smaller is taken while the page is too large."""


def page(study: Study) -> str:
    """The page as a string of at most 1,000,000 bytes in UTF-8."""
    for most in POINTS:
        text = _page(study, most)
        if len(text.encode("utf-8")) <= SIZE_LIMIT:
            return text
    raise AssertionError("the page without scatter plots exceeds its size limit")


def _page(study: Study, most: int) -> str:
    title = "Interpolation of sparse high-dimensional data, computed again"
    body = [_opening(study)]
    for name in study.held:
        body.append(_set_section(study, name, most))
    if study.distances:
        body.append(_function_section(study))
    if "analytic" in study.parts:
        body.append(_analytic_section(study))
    body += [
        _summary_section(study),
        findings_section("What differs from the paper, and why", study.findings),
        _how(study),
    ]
    return shared.page(title, body)


def _opening(study: Study) -> str:
    names = [SETS[p].title if p in SETS else "the function cos |x|" for p in study.parts]
    length = "at the paper's sizes" if study.full else "in the short form"
    missing = [SETS[p].title for p in SETS if p not in study.parts]
    left = f" Not run: {', '.join(missing)}." if missing else ""
    return (
        "<h1>Lux, Watson, Chang, Hong, Cameron: Interpolation of sparse high-dimensional data, "
        "Numerical Algorithms 2021</h1>"
        '<p class="lead">Published figures, the same figures computed here, and their '
        "difference.</p>"
        f"<p>This page was computed by hullwise {escape(__version__)} {length}, on "
        f"{escape(', '.join(names))}.{escape(left)} What ran, and how, is said at the end; what "
        "differs from the paper, and why, before it.</p>"
    )


def _tables(study: Study, *names: str) -> str:
    return "".join(html_table(study.tables[n]) for n in names if n in study.tables)


def _printed_box(stats: tuple[float, float, float, float, float]) -> Box:
    return Box(stats[0], stats[1], stats[2], stats[3], stats[4], stats[4])


def _set_section(study: Study, name: str, most: int) -> str:
    held = study.held[name]
    data, log = held.data, name != "parkinsons"
    there = study.published.get(name, {})
    mars = box_statistics(there["MARS"]) if "MARS" in there else _printed_box(ERRORS[name]["MARS"])
    groups: list[tuple[str, list[tuple[str, Box | None]]]] = [("MARS", [("paper", mars)])]
    for slug, method in held.methods.items():
        some: list[tuple[str, Box | None]] = []
        if method.row is not None:
            published = there.get(method.row)
            known = _printed_box(ERRORS[name][method.row])
            some.append(("paper", known if published is None else box_statistics(published)))
        some.append(("here", box_statistics(held.errors[slug][data.printed])))
        groups.append((method.name, some))
    whiskers = "" if there else " The paper's whiskers are its printed minimum and maximum."
    chart = box_chart(
        groups, label=f"{data.title}: absolute errors", log=log, width=max(760, 78 * len(groups))
    )
    caption = (
        f"Absolute errors of {data.target}{', logarithmic' if log else ''}: quartiles, whiskers "
        f"within 3/2 of their distance, a dot at the largest (at the edge where it is beyond)."
        f"{whiskers}"
    )
    names = [f"{name}_{kind}" for kind in ("errors", "best", "equal", "times")]
    return section(
        data.title,
        f"<p>{data.n:,} rows of {data.X.shape[1]} features.</p>",
        legend([("paper", "published"), ("here", "computed here")]),
        figure(chart, caption),
        _scatters(study, name, most),
        _tables(study, *names),
    )


def _scatters(study: Study, name: str, most: int) -> str:
    held = study.held[name]
    errors = {s: held.errors[s][held.data.printed] for s in RANKED if s in held.methods}
    if not errors or not most:
        return ""
    shares = share_best(errors)
    best = sorted(shares, key=lambda s: -shares[s][1])[:3]
    log = name != "parkinsons"
    plots = "".join(
        scatter_chart(
            held.data.y,
            held.predictions[s],
            title=held.methods[s].name,
            label=f"{held.methods[s].name}: predicted against actual",
            log=log,
            max_points=most,
        )
        for s in best
    )
    zeros = " Values of 0 or less are left out, as in the paper." if log else ""
    caption = (
        "Predicted (upwards) against actual, for the three methods that are nearest most often, "
        f"point by point; at most {most} rows.{zeros}"
    )
    return (
        f'<figure class="chart"><div class="plots">{plots}</div>'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def _function_section(study: Study) -> str:
    parts = []
    cuts = [critical_value(p, 150, 150) for p in REJECTION_LEVELS]
    there = study.published.get("hpc", {})
    for kind, found in study.distances.items():
        groups = []
        for slug, ks in found.items():
            row = METHODS[slug].row or ""
            known = box_statistics(there[row]) if row in there else _printed_box(ERRORS["hpc"][row])
            boxes: list[tuple[str, Box | None]] = [("paper", known), ("here", box_statistics(ks))]
            groups.append((METHODS[slug].name, boxes))
        label = f"Kolmogorov-Smirnov distances, {INPUTS[kind]}"
        parts.append(figure(box_chart(groups, label=label, log=False), label))
        series = {METHODS[s].name: v for s, v in found.items()}
        caption = f"How many rows have which distance, {INPUTS[kind]}; lines at the limits of p."
        parts.append(figure(histogram_chart(series, cuts, label=label), caption))
        parts.append(_tables(study, *(f"hpc_{kind}_{t}" for t in ("ks", "best", "rejected"))))
    text = (
        "<p>Each row has 150 measured throughputs. A prediction is the mixture of the "
        "training rows' empirical distributions, with the interpolant's weights; its error is the "
        "largest difference to the row's own distribution. (The paper joins the steps by a smooth "
        "curve first.)</p>"
    )
    key = legend([("paper", "published, other rows"), ("here", "computed here")])
    return section(SETS["hpc"].title, text, key, *parts, _tables(study, "hpc_times"))


def _analytic_section(study: Study) -> str:
    parts = [
        "<p>f(x) = cos |x| on the unit cube, in 2 and 20 dimensions, exact and with uniform noise "
        "of 10 %; well-spaced rows in growing numbers; 1,000 random points to predict.</p>",
        legend([(s, study.methods[s].name) for s in ("delaunay", "mlp") if s in study.methods]),
    ]
    for d, noise in product(DIMENSIONS, NOISES):
        label = f"{d} dimensions, {'exact' if noise == 0 else 'with noise'}"
        groups, marks = [], {}
        for n in sizes(study.full):
            some: list[tuple[str, Box | None]] = []
            for slug, row in (("delaunay", "Delaunay"), ("mlp", "MLP")):
                kept = study.results.get(f"analytic-{d}d-{n}-{noise:g}-{slug}")
                if kept is not None:
                    some.append((slug, box_statistics(kept["error"])))
                    if n in ANALYTIC[d, noise, row]:
                        marks[f"{n:,} rows", slug] = ANALYTIC[d, noise, row][n]
            groups.append((f"{n:,} rows", some))
        chart = box_chart(groups, label=label, log=True, marks=marks, height=240)
        parts.append(figure(chart, f"{label}: absolute errors. Diamonds: published medians."))
    parts.append(_tables(study, "analytic"))
    return section("The function cos |x|", *parts, _spacing(study))


def _spacing(study: Study) -> str:
    if "spacing" not in study.tables:
        return ""
    parts = []
    for d, length in product(DIMENSIONS, LENGTHS):
        groups, marks = [], {}
        for n in sizes(study.full):
            kept = {k: study.results.get(f"spacing-{d}d-{n}-{k}") for k in DESIGNS}
            if any(v is None for v in kept.values()):
                continue
            groups.append(
                (
                    f"{n:,} rows",
                    [(k, box_statistics(v[length])) for k, v in kept.items() if v is not None],
                )
            )
            if n in SPACING[d, length]:
                marks[f"{n:,} rows", "fekete"] = SPACING[d, length][n]
        label = f"{d} dimensions: {length}"
        log = d == min(DIMENSIONS)
        chart = box_chart(groups, label=label, log=log, marks=marks, width=440, height=200)
        parts.append(figure(chart, f"{label}. Diamonds: published medians."))
    key = legend([("fekete", DESIGNS["fekete"]), ("random", DESIGNS["random"])])
    return (
        f'<h2 class="small">Data spacing</h2>{key}<div class="plots">{"".join(parts)}</div>'
        f"{_tables(study, 'spacing')}"
    )


def _summary_section(study: Study) -> str:
    return section("All real-valued sets", _tables(study, "averages")) * bool(study.held)


def _how(study: Study) -> str:
    about: Mapping[str, str] = {m.name: m.settings for m in study.methods.values()}
    items = "".join(f"<dt>{escape(n)}</dt><dd>{escape(t)}</dd>" for n, t in about.items())
    left = [m.name for s, m in METHODS.items() if s not in study.methods]
    text = (
        "Ten folds: a shuffle of the row numbers by Python's generator with seed 0, cut in ten. "
        "Features are scaled to [0, 1] on the training rows of each fold. Rows that repeat in "
        "every feature with another target are averaged by the interpolants. "
    )
    if left:
        text += f"Left out on this run: {', '.join(left)}. "
    if not study.full:
        text += (
            "Short form: the MLP takes 2,000 of the paper's 100,000 steps and the analytic "
            "experiment ends at 512 of 8,192 rows; --full runs all."
        )
    sets = (
        "Forest fires: Cortez and Morais 2007, UCI, doi 10.24432/C5D88D. Parkinson's: Tsanas and "
        "Little 2009, UCI, doi 10.24432/C5ZS3N. Both CC BY 4.0."
    )
    return section(
        "What ran", f"<p>{escape(text)}</p><dl>{items}</dl>", f'<p class="note">{sets}</p>'
    )
