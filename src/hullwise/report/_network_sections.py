"""The sections of a network's page."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np

from .._core.types import Ints
from .._core.wording import counted
from ..model.network_view import NetworkView
from ._network_charts import distance_chart, walk_chart
from ._slice_svg import DrawingDetail, SliceDrawing
from .words import format_number, printable, rows, share

LAYER_PICTURES = 12  # pictures of the partition after a layer
NEAREST_TO_WALL = 10
MOST_CURVES = 6
FILL_CAPTIONS = {
    "class": "Each colour is where one output is the largest (of one output: where it is above "
    "0). The thick line is the decision boundary, the thin ones the walls of the regions; "
    "within a region the network is one affine map. Dots are rows, by their own class where "
    "the table tells it.",
    "value": "Brighter regions have a larger output, in steps of equal counts, at the middle "
    "of each region. Dots are rows.",
    "layer": "Walls by the layer whose unit bends there. The first layer's are straight "
    "throughout; later ones bend where they meet earlier ones.",
    "region": "Every linear region in a shade that none of its neighbours has.",
    "heat": "Local complexity: the length of walls per area, in discs of 3 % of the picture. "
    "Where it is dark, the network changes its affine map most often.",
}


def headline(view: NetworkView, title: str) -> str:
    net, points = view.net, view.rows
    d, s = net.n_inputs, view.slice
    scope = (
        f"{counted(d, 'input')}, {counted(net.n_outputs, 'output')}, "
        f"{counted(net.n_units, 'unit')} in {counted(len(net.layers), 'layer')}, "
        f"from {printable(net.source, 60)}"
    )
    on = ""
    if s is not None:
        where = "of the input drawn below" if d == 2 else "of the slice drawn below"
        on = f"{counted(s.n_regions, 'linear region')} fill the part {where}. "
    lead = f"{on}The {rows(len(points))} lie in {counted(points.n_regions, 'region')}."
    alone = int((points.rows_in_region == 1).sum())
    cells = [
        ("regions drawn", "–" if s is None else f"{s.n_regions:,}", _of_layers(view)),
        ("with rows", f"{points.n_regions:,}", f"of {rows(len(points))}"),
        ("rows alone", share(alone, len(points)), "have a region to themselves"),
        ("nearest wall", _median(points.distance), "median distance, in input units"),
    ]
    if view.n_correct is not None:
        correct = share(view.n_correct, len(points)), f"{view.n_correct:,} of {rows(len(points))}"
        cells.append(("classes right", *correct))
    tally = "".join(
        f'<li><span class="name">{escape(name)}</span><b>{escape(value)}</b>'
        f'<span class="rule">{escape(rule)}</span></li>'
        for name, value, rule in cells
    )
    notes = "".join(f'<p class="note">{escape(note)}</p>' for note in view.notes)
    return (
        f'<header><h1><bdi>{escape(title)}</bdi><span class="scope">{escape(scope)}</span></h1>'
        f'<p class="lead">{escape(lead)}</p></header><ul class="tally">{tally}</ul>{notes}'
    )


def _of_layers(view: NetworkView) -> str:
    if view.slice is None:
        return "no slice was made"
    if view.slice.partial:
        return f"of the first {counted(len(view.slice.n_regions_per_layer), 'layer')}: partial"
    return "exact, none sampled"


def _median(distance: Any) -> str:
    if not len(distance):
        return "–"
    with np.errstate(invalid="ignore"):
        middle = float(np.median(distance))
    return format_number(middle) if np.isfinite(middle) else "none"


def sections(view: NetworkView, level: DrawingDetail, source: dict[str, str]) -> list[str]:
    parts = []
    if view.slice is not None:
        drawing = SliceDrawing(view.slice)
        parts += [_plane(view, drawing, level), _layers(view, drawing, level)]
    parts += [_table(view), _walk(view), _distances(view), _about(view, source)]
    return [part for part in parts if part]


def _section(title: str, *parts: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{''.join(parts)}</section>\n"


def _colors(view: NetworkView) -> tuple[Ints, list[tuple[int, str]]]:
    """A colour for each row, and what the colours mean."""
    names: list[str]
    if view.has_classes and view.known_classes is not None:
        own = view.known_classes
        names = [f"class {k}" for k in range(int(own.max(initial=0)) + 1)]
    elif view.labels is not None and view.has_classes:
        labels, own = np.unique(view.labels, return_inverse=True)
        # Which label is which output is not known: other colours than those of the classes.
        first = view.net.n_outputs
        names = [""] * first + [printable(v, 24) for v in labels.tolist()]
        own = own.ravel() + first
    elif view.has_classes:
        own = view.rows.classes
        names = [f"class {k}" for k in range(int(own.max(initial=0)) + 1)]
    else:
        return np.full(len(view.rows), 9), []
    kinds = np.unique(own).tolist()
    return np.asarray(own, dtype=np.int64), [(k, names[k]) for k in kinds]


def _plane(view: NetworkView, drawing: SliceDrawing, level: DrawingDetail) -> str:
    s, plane = drawing.s, view.plane
    assert plane is not None
    own, key = _colors(view)
    dots, drawn, inside = drawing.rows(view.X, own, level.rows) if level.rows else ("", 0, 0)
    decided = not s.partial and view.has_classes
    shared = drawing.wall_paths() if level.walls else ""
    shared += drawing.boundary() if decided else ""
    defs = (
        f'<svg class="defs" aria-hidden="true"><defs>{shared}<g id="rows">{dots}</g></defs></svg>'
    )
    buttons: list[str] = []
    panes: list[str] = []
    for kind, (name, fill) in _fills(view, drawing, level).items():
        chosen = "" if buttons else " checked"
        buttons.append(
            f'<input type="radio" name="view" id="v-{kind}"{chosen}>'
            f'<label for="v-{kind}">{name}</label>'
        )
        content = f'<g class="fill-of-{kind}">{fill}</g>' + _lines(view, drawing, kind, level)
        content += '<use href="#db" class="decided"/>' * decided
        content += '<use href="#rows"/>' * (kind in ("class", "value"))
        picture = drawing.frame(content, f"{counted(s.n_regions, 'region')}, {name}", "plane")
        panes.append(
            f'<figure class="pane of-{kind}">{_legend(view, kind, key)}{picture}'
            f"<figcaption>{escape(FILL_CAPTIONS[kind])}</figcaption></figure>"
        )
    text = plane.words
    if view.net.n_inputs > 2:
        text += f" Across: {plane.across[0]}; upwards: {plane.across[1]}."
    text += "" if drawing.to_scale else " The two sides are not to the same scale."
    return _section(
        "The partition",
        f"<p>{escape(text)}</p>",
        f'<div class="panes">{defs}{"".join(buttons)}{"".join(panes)}</div>',
        f'<p class="note">{escape(_drawn(view, level, drawn, inside))}</p>',
    )


def _fills(
    view: NetworkView, drawing: SliceDrawing, level: DrawingDetail
) -> dict[str, tuple[str, str]]:
    """The pictures of the plane: what each is called on its button, and what fills it."""
    fills = {}
    if view.has_classes and not drawing.s.partial:
        fills["class"] = "by class", drawing.classes()
    if not view.has_classes and level.fills:
        fills["value"] = "by output", drawing.values()
    if level.walls:
        fills["layer"] = "walls by layer", ""
    if level.fills:
        fills["region"] = "by region", drawing.regions()
    fills["heat"] = "local complexity", drawing.heat()
    return fills


def _lines(view: NetworkView, drawing: SliceDrawing, kind: str, level: DrawingDetail) -> str:
    if not level.walls:
        return ""
    thin = float(np.clip(120 * drawing.gap(), 0.15, 1.1))
    faint = {"class": 0.75, "heat": 0.4, "value": 0.5}.get(kind, 1)
    uses = "".join(
        f'<use href="#w{i}" class="{f"w{i}" if kind == "layer" else "wall"}"/>'
        for i in reversed(range(len(view.net.layers)))
    )
    weight = f'stroke-width="{thin:.2f}" stroke-opacity="{faint}"'
    return f'<g class="{kind}-walls" {weight}>{uses}</g>'


def _legend(view: NetworkView, kind: str, key: Sequence[tuple[int, str]]) -> str:
    if kind == "layer":
        entries = [(f"line w{i}", _layer_name(view, i)) for i in range(len(view.net.layers))][:12]
        shape = '<path d="M0 5H10"/>'
    elif kind in ("class", "value") and key:
        entries = [(f"k{k % 10}", text) for k, text in key][:12]
        shape = '<rect class="body" width="10" height="10" rx="5"/>'
    else:
        return ""
    marks = "".join(
        f'<span><svg class="sw {name}" viewBox="0 0 10 10" aria-hidden="true">{shape}</svg>'
        f"{escape(text)}</span>"
        for name, text in entries
    )
    return f'<p class="key">{marks}</p>'


def _layer_name(view: NetworkView, i: int) -> str:
    return printable(view.net.layers[i].name, 32)


def _drawn(view: NetworkView, level: DrawingDetail, drawn: int, inside: int) -> str:
    m, notes = len(view.rows), []
    if not level.fills:
        notes.append("The regions are too many to be filled one by one within a page of 1 MB.")
    if not level.walls:
        notes.append("Their walls are not drawn either: local complexity shows how dense they are.")
    if inside < m and level.rows:
        notes.append(f"{rows(m - inside)} of {m:,} fall beside the picture.")
    if drawn < inside:
        notes.append(f"{drawn:,} of {inside:,} rows are drawn, evenly picked.")
    if view.net.n_inputs > 2:
        notes.append(
            "Rows are projected on the plane, fainter the farther they are from it: the region "
            "under a dot is not the row's own."
        )
    notes.append("Positions are rounded to a thousandth of the width; counts are exact.")
    return " ".join(notes)


def _layers(view: NetworkView, drawing: SliceDrawing, level: DrawingDetail) -> str:
    s = drawing.s
    counts = s.n_regions_per_layer
    if len(counts) < 2 or not level.walls:
        return ""
    pick = np.unique(
        np.linspace(0, len(counts) - 1, min(LAYER_PICTURES, len(counts))).astype(int)
    ).tolist()
    figures = []
    for i in pick:
        thin = float(np.clip(35 * drawing.gap(i), 0.12, 0.9))
        uses = "".join(f'<use href="#w{j}" class="w{j}"/>' for j in range(i, -1, -1))
        uses = f'<g stroke-width="{thin:.2f}">{uses}</g>'
        last = i == len(counts) - 1 and not s.partial and view.has_classes
        content = uses + '<use href="#db" class="decided"/>' * last
        figures.append(
            f"<figure>{drawing.frame(content, f'after layer {i}', 'plane small')}"
            f"<figcaption>after <b><bdi>{escape(_layer_name(view, i))}</bdi></b>: "
            f"{counted(counts[i], 'region')}</figcaption></figure>"
        )
    left = "" if len(pick) == len(counts) else f" {len(pick)} of {len(counts)} layers are shown."
    return _section(
        "Layer by layer",
        "<p>Each layer cuts the regions of the layers before it along the zeros of its units."
        f"{left}</p>",
        f'<div class="smalls">{"".join(figures)}</div>',
    )


def _table(view: NetworkView) -> str:
    net, s, points = view.net, view.slice, view.rows
    head = ["layer", "kind", "units"]
    head += ["regions after it", "new"] if s is not None else []
    head += ["nearest boundary of"]
    body, before = [], 1
    for i, layer in enumerate(net.layers):
        cells = [printable(layer.name, 40), layer.kind, f"{layer.n_units:,}"]
        if s is not None:
            is_counted = i < len(s.n_regions_per_layer)
            after = s.n_regions_per_layer[i] if is_counted else 0
            cells += [f"{after:,}", f"+{after - before:,}"] if is_counted else ["not counted", ""]
            before = after if is_counted else before
        cells.append(rows(int((points.layer == i).sum())))
        body.append(cells)
    text = (
        "<p>Regions are activation patterns on the slice; the last column says in which layer the "
        "rows' nearest region boundary is.</p>"
    )
    return _section("The layers", text, html_table(head, body, names=2))


def html_table(head: Sequence[str], body: Sequence[Sequence[str]], names: int = 1) -> str:
    """Columns from `names` on are numbers."""
    kind = ["" if j < names else ' class="n"' for j in range(len(head))]
    top = "".join(f'<th scope="col"{kind[j]}>{escape(t)}</th>' for j, t in enumerate(head))
    lines = []
    for cells in body:
        tds = "".join(f"<td{kind[j]}><bdi>{escape(c)}</bdi></td>" for j, c in enumerate(cells) if j)
        lines.append(f'<tr><th scope="row"><bdi>{escape(cells[0])}</bdi></th>{tds}</tr>')
    return (
        f'<div class="scroll"><table><thead><tr>{top}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def _walk(view: NetworkView) -> str:
    l, ends = view.line, view.ends  # noqa: E741
    if l is None or ends is None:
        return ""
    spread = np.argsort(-np.ptp(l.values, axis=0), kind="stable")[:MOST_CURVES]
    chosen = sorted(spread.tolist())
    per_layer = np.bincount(l.layers, minlength=len(view.net.layers)).tolist()
    a, b = (printable(view.name(i), 40) for i in ends)
    crossed = len(l.decisions()) if view.has_classes else 0
    classes = f" It crosses the decision boundary {_times(crossed)}." if view.has_classes else ""
    text = (
        f"The straight way from row {a} to row {b}, {format_number(l.length)} long, passes "
        f"{counted(l.n_pieces, 'region')}: on each the outputs are straight lines.{classes}"
    )
    marks = "".join(
        f'<span><svg class="sw k{k % 10}" viewBox="0 0 10 10" aria-hidden="true">'
        f'<rect class="body" width="10" height="10"/></svg>output {k}</span>'
        for k in chosen
    )
    layers = ", ".join(
        f"{printable(view.net.layers[i].name, 24)} {n:,}" for i, n in enumerate(per_layer)
    )
    left = view.net.n_outputs - len(chosen)
    more = f" The {left:,} other outputs vary less and are left out." if left else ""
    dashed = " Dashed: the largest output changes." if view.has_classes else ""
    caption = f"Ticks are the breaks, by layer ({layers}).{dashed}{more}"
    chart = walk_chart(l, chosen, view.has_classes)
    return _section(
        "From one row to another",
        f"<p>{escape(text)}</p>",
        f'<p class="key">{marks}</p>',
        f'<figure class="chart"><div class="scroll">{chart}</div>'
        f"<figcaption>{escape(caption)}</figcaption></figure>",
    )


def _times(count: int) -> str:
    return {0: "nowhere", 1: "once", 2: "twice"}.get(count, f"{count:,} times")


def _distances(view: NetworkView) -> str:
    points = view.rows
    if not len(points):
        return ""
    on = int((points.distance == 0).sum())
    shared = int((points.rows_in_region > 1).sum())
    text = (
        "How far each row is from the nearest wall of its own region, in the units of the "
        "network's input: within that distance the network is one affine map. "
        + (
            f"{rows(shared)} share their region with another; the fullest holds "
            f"{rows(int(points.rows_in_region.max()))}."
            if shared
            else "No two rows share a region."
        )
    )
    if on:
        text += f" {rows(on)} lie exactly on a wall and are not in the picture."
    chart = distance_chart(points.distance)
    figure = (
        f'<figure class="chart"><div class="scroll">{chart}</div><figcaption>Rows by the distance '
        "to the nearest boundary, on a logarithmic scale.</figcaption></figure>"
    )
    order = np.argsort(points.distance, kind="stable")[:NEAREST_TO_WALL]
    head = ["row", "layer", "distance", "unit", "rows in its region"]
    head += ["class", "margin"] if view.has_classes else ["output"]
    body = []
    for i in order.tolist():
        layer = int(points.layer[i])
        cells = [
            printable(view.name(i), 40),
            "none" if layer < 0 else printable(view.net.layers[layer].name, 24),
            "none" if layer < 0 else format_number(float(points.distance[i])),
            "–" if layer < 0 else f"{int(points.unit[i]):,}",
            f"{int(points.rows_in_region[i]):,}",
        ]
        value = float(points.margin[i] if view.has_classes else points.outputs[i, 0])
        sign = "−" if value < 0 else ""
        cells += [f"{int(points.classes[i])}"] if view.has_classes else []
        body.append([*cells, sign + format_number(abs(value))])
    return _section(
        "How near the rows are to a boundary",
        f"<p>{escape(text)}</p>",
        figure * bool(chart),
        html_table(head, body, names=2),
        f'<p class="note">The {len(order)} rows nearest a boundary. Units are counted from 0 '
        "through all layers.</p>",
    )


def _about(view: NetworkView, source: dict[str, str]) -> str:
    outside = [f"Left out of the network: {one}" for one in view.net.output_activations]
    notes = "".join(f"<p>{escape(printable(text, 400))}</p>" for text in outside)
    lines = "".join(
        f"<dt>{escape(name)}</dt><dd><bdi>{escape(printable(text, 300))}</bdi></dd>"
        for name, text in source.items()
    )
    what = (
        "<p>Regions, outlines of classes, breaks and distances are computed from the network's "
        "weights in float64, none from samples. A slice shows the regions that meet its plane "
        "only: the network has more of them elsewhere. Local complexity is measured on a grid.</p>"
    )
    return _section("How this was made", what, notes, f"<dl>{lines}</dl>")
