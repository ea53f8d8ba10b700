"""What `hullwise dissect` says on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.text import Text

from ..predict.predictions import quartiles
from ..report.words import format_number, printable, share
from ._layout import RIGHT_ALIGNED, grid_of, indented, print_notes, rows_text, section, table_of
from ._predict_text import QUARTILES

if TYPE_CHECKING:
    from ..model.network_view import NetworkView
    from ._dissect import DissectData

NEAREST_ROWS = 5


def print_network(out: Console, view: NetworkView, data: DissectData) -> None:
    """The whole answer, from the network's size to the rows nearest a boundary."""
    _print_heading(out, view, data)
    _print_layers(out, view)
    if len(view.rows):
        _print_rows(out, view)
        _print_line(out, view)
        _print_nearest(out, view, data)
    else:
        out.print("\nNo row could be dissected.", style="bold")
    notes = [*data.notes, *view.notes]
    missed = len(data.queries.reasons)
    if missed:
        rows = "row has" if missed == 1 else "rows have"
        notes.append(f"{missed:,} {rows} missing or infinite values: not dissected.")
    if view.labels is not None and view.has_classes and view.known_classes is None:
        notes.append(
            "The target's values are no numbers of outputs: rows are not compared with the classes."
        )
    print_notes(out, notes)


def _print_heading(out: Console, view: NetworkView, data: DissectData) -> None:
    from pathlib import Path

    net, d = view.net, view.net.n_inputs
    names = ", ".join(printable(c, 20) for c in data.features[:6]) + (", ..." if d > 6 else "")
    size = (
        f"{net.n_units:,} units in {len(net.layers):,} layer{'s' * (len(net.layers) != 1)}, "
        f"{net.n_outputs:,} output{'s' * (net.n_outputs != 1)}"
    )
    missed = len(data.queries.reasons)
    refused = f" (and {missed:,} that could not be dissected)" if missed else ""
    lines = [
        ("network", f"{printable(net.source, 60)}: {size}"),
        ("rows", f"{printable(Path(data.path).name, 60)}: {rows_text(len(view.rows))}{refused}"),
        ("inputs", f"{d:,}: {names}"),
    ]
    if view.plane is not None:
        lines.append(("slice", view.plane.words))
    out.print()
    out.print(grid_of(*lines))


def _print_layers(out: Console, view: NetworkView) -> None:
    s, net = view.slice, view.net
    section(out, "Layer by layer")
    names = [printable(layer.name, 40) for layer in net.layers]
    heads: list[tuple[str, dict[str, Any]]] = [
        ("layer", {"overflow": "fold", "min_width": min(24, max(map(len, names), default=0))}),
        ("kind", {"no_wrap": True}),
        ("units", RIGHT_ALIGNED),
        *([("regions on the slice", {"justify": "right"})] if s is not None else []),
        ("rows whose nearest boundary it is", {"justify": "right", "max_width": 18}),
    ]
    table = table_of(*heads)
    for i, layer in enumerate(net.layers):
        counts: list[str] = []
        if s is not None:
            is_counted = i < len(s.n_regions_per_layer)
            counts = [f"{s.n_regions_per_layer[i]:,}" if is_counted else "not counted"]
        nearest = f"{int((view.rows.layer == i).sum()):,}"
        table.add_row(Text(names[i]), layer.kind, f"{layer.n_units:,}", *counts, nearest)
    indented(out, table)


def _print_rows(out: Console, view: NetworkView) -> None:
    rows, m = view.rows, len(view.rows)
    section(out, "The rows")
    shared, fullest = int((rows.rows_in_region > 1).sum()), int(rows.rows_in_region.max())
    lines = [
        ("regions they lie in", f"{rows.n_regions:,}"),
        (
            "in a region with others",
            f"{shared:,} ({share(shared, m)}); the fullest holds {fullest:,}",
        ),
    ]
    if view.n_correct is not None:
        lines.append(
            ("class as in the table", f"{view.n_correct:,} of {m:,} ({share(view.n_correct, m)})")
        )
    indented(out, grid_of(*lines))
    out.print()
    table = table_of(("", {"no_wrap": True}), *((name, RIGHT_ALIGNED) for name in QUARTILES))
    _add_quartiles(table, "distance to the nearest boundary", rows.distance)
    if view.has_classes:
        _add_quartiles(table, "margin of the class", rows.margin)
    else:
        _add_quartiles(table, "output", rows.outputs[:, 0])
    indented(out, table)


def _add_quartiles(table: Any, name: str, values: Any) -> None:
    cells = quartiles(values)
    table.add_row(name, *("none" if np.isinf(v) else f"{v:.3g}" for v in cells))


def _print_line(out: Console, view: NetworkView) -> None:
    l, ends = view.line, view.ends  # noqa: E741
    if l is None or ends is None:
        return
    a, b = (printable(view.name(i), 30) for i in ends)
    section(out, f"From row {a} to row {b}")
    crossed = len(l.decisions())
    often = {0: "nowhere", 1: "once", 2: "twice"}.get(crossed, f"{crossed:,} times")
    decided = f"; the class changes {often}" if view.has_classes else ""
    n = l.n_pieces
    out.print(
        f"  {n:,} straight piece{'s' * (n != 1)} on the way of {format_number(l.length)}{decided}"
    )


def _print_nearest(out: Console, view: NetworkView, data: DissectData) -> None:
    rows = view.rows
    section(out, "The rows nearest a boundary")
    result = "class" if view.has_classes else "output"
    table = table_of(
        ("row", {"max_width": 16, "overflow": "fold"}),
        ("distance", RIGHT_ALIGNED),
        ("unit", RIGHT_ALIGNED),
        ("layer", {"overflow": "fold"}),
        ("rows in its region", RIGHT_ALIGNED),
        (result, RIGHT_ALIGNED),
    )
    for i in np.argsort(rows.distance, kind="stable")[:NEAREST_ROWS].tolist():
        layer = int(rows.layer[i])
        none = layer < 0
        table.add_row(
            Text(printable(view.name(i), 40)),
            "none" if none else f"{rows.distance[i]:.3g}",
            "" if none else f"{rows.unit[i]}",
            Text("" if none else printable(view.net.layers[layer].name, 24)),
            f"{rows.rows_in_region[i]:,}",
            f"{rows.classes[i]}" if view.has_classes else f"{rows.outputs[i, 0]:.4g}",
        )
    indented(out, table)
    if data.queries.are_numbered:
        out.print("  Rows without a name are counted from 0, and so are units.")
