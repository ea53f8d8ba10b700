"""The results as parts of the study: charts of the errors, and the tables beside them."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

from hullwise.report.charts import Box, box_chart, box_statistics, histogram_chart, scatter_chart

from .._study import Chart, Part
from .._types import Floats
from . import _analytic as analytic
from . import _cdf as cdf
from . import _real as real
from ._analytic import ANALYTIC_DIMENSIONS, DESIGNS, NOISES, SPACING_LENGTHS, sizes
from ._cdf import INPUT_KINDS, critical_value
from ._models import STUDY_METHODS
from ._published import ANALYTIC, ERRORS, REJECTION_LEVELS, SPACING
from ._real import RANKED_METHODS, share_best
from ._results import Lux2021Results

SCATTER_POINTS = (500, 250, 100)  # of a scatter chart: the next smaller where a page is too large
Boxes = list[tuple[str, list[tuple[str, Box | None]]]]


def parts_of(results: Lux2021Results) -> tuple[Part, ...]:
    """The sets, the function-valued one, the analytic experiment, and the average."""
    parts = [_set_part(results, name) for name in results.held_out]
    parts += _function_parts(results)
    if "analytic" in results.parts:
        parts += _analytic_parts(results)
    if results.held_out:
        averages = real.averages(list(results.held_out.values()), results.published)
        parts.append(Part("All real-valued sets", "Means over the sets above.", (), (averages,)))
    return tuple(parts)


# ---- real-valued sets -------------------------------------------------------------------------


def _printed_box(figures: tuple[float, float, float, float, float]) -> Box:
    return Box(*figures, figures[4])


def _set_part(results: Lux2021Results, name: str) -> Part:
    one = results.held_out[name]
    published = results.published.get(name, {})
    return Part(
        one.data.title,
        f"{one.data.n:,} rows of {one.data.X.shape[1]} features.",
        (_error_boxes(results, name), *_scatters(results, name)),
        tuple(real.tables_of(one, published)),
        (("paper", "published"), ("here", "computed here")),
    )


def _error_boxes(results: Lux2021Results, name: str) -> Chart:
    one = results.held_out[name]
    data, log = one.data, name != "parkinsons"
    published = results.published.get(name, {})

    def paper(row: str) -> Box | None:
        return (
            box_statistics(published[row]) if row in published else _printed_box(ERRORS[name][row])
        )

    groups: Boxes = [("MARS", [("paper", paper("MARS"))])]
    for slug, method in one.methods.items():
        boxes = [] if method.row is None else [("paper", paper(method.row))]
        boxes.append(("here", box_statistics(one.errors[slug][data.printed])))
        groups.append((method.name, boxes))
    whiskers = "" if published else " The paper's whiskers are its printed minimum and maximum."
    svg = box_chart(
        groups, label=f"{data.title}: absolute errors", log=log, width=max(760, 78 * len(groups))
    )
    return Chart(
        svg,
        f"Absolute errors of {data.target}{', logarithmic' if log else ''}: quartiles, whiskers "
        f"within 3/2 of their distance, a dot at the largest (at the edge where it is beyond)."
        f"{whiskers}",
    )


def _scatters(results: Lux2021Results, name: str) -> list[Chart]:
    one = results.held_out[name]
    errors = {s: one.errors[s][one.data.printed] for s in RANKED_METHODS if s in one.methods}
    if not errors:
        return []
    shares = share_best(errors)
    best = sorted(shares, key=lambda slug: -shares[slug][1])[:3]
    log = name != "parkinsons"

    def drawn(max_points: int) -> str:
        return "".join(
            scatter_chart(
                one.data.y,
                one.predictions[slug],
                title=one.methods[slug].name,
                label=f"{one.methods[slug].name}: predicted against actual",
                log=log,
                max_points=max_points,
            )
            for slug in best
        )

    zeros = " Values of 0 or less are left out, as in the paper." if log else ""
    caption = (
        "Predicted (upwards) against actual, for the three methods that are nearest most often, "
        f"point by point; at most {SCATTER_POINTS[0]} rows.{zeros}"
    )
    first, *smaller = (drawn(count) for count in SCATTER_POINTS)
    return [Chart(first, caption, (*smaller, ""))]


# ---- the function-valued set ------------------------------------------------------------------


def _function_parts(results: Lux2021Results) -> list[Part]:
    if not results.distances:
        return []
    data, published = results.sets["hpc"], results.published.get("hpc", {})
    tables = cdf.tables_of(data, results.distances, published)
    times = cdf.time_table(data, tuple(results.methods), results.tasks)
    text = (
        "Each row has 150 measured throughputs. A prediction is the mixture of the training rows' "
        "empirical distributions, with the interpolant's weights; its error is the largest "
        "difference to the row's own distribution. (The paper joins the steps by a smooth curve "
        "first.)"
    )
    parts = []
    for number, kind in enumerate(results.distances):
        own = tuple(table for table in tables if table.name.startswith(f"hpc_{kind}_"))
        parts.append(
            Part(
                f"{data.title}, {INPUT_KINDS[kind]}",
                text if number == 0 else "The same rows.",
                _distance_charts(results.distances[kind], INPUT_KINDS[kind], published),
                own if number else (*own, times),
                (("paper", "published, other rows"), ("here", "computed here")),
            )
        )
    return parts


def _distance_charts(
    distances: Mapping[str, Floats], inputs: str, published: Mapping[str, Floats]
) -> tuple[Chart, ...]:
    groups: Boxes = []
    for slug, values in distances.items():
        row = STUDY_METHODS[slug].row or ""
        is_published = row in published
        paper = box_statistics(published[row]) if is_published else _printed_box(ERRORS["hpc"][row])
        groups.append(
            (STUDY_METHODS[slug].name, [("paper", paper), ("here", box_statistics(values))])
        )
    label = f"Kolmogorov-Smirnov distances, {inputs}"
    cuts = [critical_value(p, 150, 150) for p in REJECTION_LEVELS]
    counts = histogram_chart(
        {STUDY_METHODS[slug].name: values for slug, values in distances.items()}, cuts, label=label
    )
    return (
        Chart(box_chart(groups, label=label, log=False), label),
        Chart(counts, f"How many rows have which distance, {inputs}; lines at the limits of p."),
    )


# ---- the analytic experiment ------------------------------------------------------------------


def _analytic_parts(results: Lux2021Results) -> list[Part]:
    tables = analytic.tables_of(results.methods, results.full, results.tasks)
    errors, spacing = tables
    methods = [(s, results.methods[s].name) for s in ("delaunay", "mlp") if s in results.methods]
    return [
        Part(
            "The function cos |x|",
            "f(x) = cos |x| on the unit cube, in 2 and 20 dimensions, exact and with uniform noise "
            "of 10 %; well-spaced rows in growing numbers; 1,000 random points to predict.",
            tuple(
                _analytic_boxes(results, d, noise)
                for d, noise in product(ANALYTIC_DIMENSIONS, NOISES)
            ),
            (errors,),
            tuple(methods),
        ),
        Part(
            "Data spacing",
            "How far apart rows are, for well-spaced and for random rows.",
            tuple(
                _spacing_boxes(results, d, length)
                for d, length in product(ANALYTIC_DIMENSIONS, SPACING_LENGTHS)
            ),
            (spacing,),
            tuple(DESIGNS.items()),
        ),
    ]


def _analytic_boxes(results: Lux2021Results, d: int, noise: float) -> Chart:
    label = f"{d} dimensions, {'exact' if noise == 0 else 'with noise'}"
    groups: Boxes = []
    marks = {}
    for n in sizes(results.full):
        boxes: list[tuple[str, Box | None]] = []
        for slug, row in (("delaunay", "Delaunay"), ("mlp", "MLP")):
            result = results.tasks.get(f"analytic-{d}d-{n}-{noise:g}-{slug}")
            if result is None:
                continue
            boxes.append((slug, box_statistics(result["error"])))
            if n in ANALYTIC[d, noise, row]:
                marks[f"{n:,} rows", slug] = ANALYTIC[d, noise, row][n]
        groups.append((f"{n:,} rows", boxes))
    svg = box_chart(groups, label=label, log=True, marks=marks, height=240)
    return Chart(svg, f"{label}: absolute errors. Diamonds: published medians.")


def _spacing_boxes(results: Lux2021Results, d: int, length: str) -> Chart:
    groups: Boxes = []
    marks = {}
    for n in sizes(results.full):
        pair = {k: results.tasks.get(f"spacing-{d}d-{n}-{k}") for k in DESIGNS}
        boxes = [(k, box_statistics(v[length])) for k, v in pair.items() if v is not None]
        if len(boxes) < len(pair):
            continue
        groups.append((f"{n:,} rows", boxes))
        if n in SPACING[d, length]:
            marks[f"{n:,} rows", "fekete"] = SPACING[d, length][n]
    label = f"{d} dimensions: {length}"
    log = d == min(ANALYTIC_DIMENSIONS)
    svg = box_chart(groups, label=label, log=log, marks=marks, width=440, height=200)
    return Chart(svg, f"{label}. Diamonds: published medians.")
