"""What `hullwise locate` says on the terminal: plain words, small tables, at most 100 columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from .console import bar

if TYPE_CHECKING:
    from ..geometry.location import Location

FARTHEST = 8
FEATURES = 8
STYLES = {
    "core": "green",
    "edge": "cyan",
    "beyond": "yellow",
    "far": "red",
    "unknown": "dim",
    "inside": "green",
    "outside": "yellow",
    "undecided": "dim",
}


@dataclass(frozen=True)
class Heading:
    """Where the tables came from, and what else a reader must know."""

    train: str
    query: str
    refused: int = 0  # rows of the query file that could not be located
    notes: tuple[str, ...] = ()
    counted: bool = True  # whether unnamed rows are rows of the file, counted from 0


def print_summary(out: Console, location: Location, heading: Heading) -> None:
    """The whole answer, from the tables' sizes to the farthest rows."""
    print_heading(out, location, heading)
    if len(location) == 0:
        out.print("\nNo row could be located.", style="bold")
        return
    if location.membership_only:
        _print_verdicts(out, location)
    else:
        _print_bands(out, location)
        _print_features(out, location)
        _print_farthest(out, location, heading.counted)
        print_definitions(out, location)
    print_remarks(out, location, heading)


def section(out: Console, title: str) -> None:
    out.print()
    out.print(Text(title, style="bold"))


def table_of(*columns: tuple[str, dict[str, Any]]) -> Table:
    table = Table(box=None, show_edge=False, pad_edge=False, padding=(0, 2, 0, 0))
    for title, options in columns:
        table.add_column(Text(title, style="dim"), **options)
    return table


def counts_table(first: str) -> Table:
    return table_of(
        (first, {"no_wrap": True}),
        ("rows", {"justify": "right", "no_wrap": True}),
        ("share", {"justify": "right", "no_wrap": True}),
        ("", {"width": 14, "no_wrap": True}),
        ("what it means", {}),
    )


def add_count(out: Console, table: Table, name: str, count: int, *, of: int, meaning: str) -> None:
    from ..report.words import share

    table.add_row(
        Text(name, style=f"bold {STYLES[name]}"),
        f"{count:,}",
        share(count, of),
        Text(bar(out, count / of), style=STYLES[name]),
        Text(meaning),
    )


def indented(out: Console, table: Any) -> None:
    out.print(Padding(table, (0, 0, 0, 2)))


def print_heading(
    out: Console, location: Location, heading: Heading, task: Location | None = None
) -> None:
    from ..report.words import plain

    d = len(location.columns)
    names = ", ".join(plain(c, 20) for c in location.columns[:6]) + (", ..." if d > 6 else "")
    kept = f" (and {heading.refused:,} that could not be located)" if heading.refused else ""
    lines = [
        ("training data", f"{heading.train}: {rows_text(location.n_train)}"),
        ("new rows", f"{heading.query}: {rows_text(len(location))}{kept}"),
        ("features", f"{d:,}: {names}"),
    ]
    if task is None:
        lines += [("distance", f"{location.metric_text} (--metric)")]
    else:
        lines += [
            ("plain distance", location.metric_text),
            ("what matters", f"{task.metric_text} (--metric)"),
        ]
    grid = grid_of(*lines)
    out.print()
    out.print(grid)


def grid_of(*lines: tuple[str, str]) -> Table:
    """Names and what they are, in two columns."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, text in lines:
        grid.add_row(name, Text(text))
    return grid


def rows_text(count: int) -> str:
    return f"{count:,} row{'s' * (count != 1)}"


def _rules(location: Location) -> dict[str, str]:
    r = len(location.reference)
    if not r:
        return {"core": "inside the hull", "unknown": "no training rows to compare with"}
    return {
        "core": "no farther out than half of them",
        "edge": "farther out than half of them",
        "beyond": "farther out than 95 % of them",
        "far": f"farther out than all {r:,} of them" if r > 1 else "farther out than that one",
    }


def _print_bands(out: Console, location: Location) -> None:
    rules = _rules(location)
    r = len(location.reference)
    rows = "training rows left out in turn" if r > 1 else "training row left out"
    against = f", against {r:,} {rows}" if r else ""
    section(out, f"Where the new rows stand{against}")
    table = counts_table("band")
    counts = Counter(location.band.tolist())
    if counts["unknown"]:
        rules.setdefault("unknown", "the distance is not settled")
    for band, rule in rules.items():
        add_count(out, table, band, counts[band], of=len(location), meaning=rule)
    indented(out, table)
    out.print()
    if len(location.reference):
        out.print(Text(_expectation(location), style="bold"))
    print_off_flat(out, location)
    out.print(_hull_sentence(location))


def _expectation(location: Location) -> str:
    import numpy as np

    from ..geometry.location import BANDS
    from ..report.usual import expectation

    found = int(np.isin(location.band, BANDS[2:]).sum())
    return expectation(found, len(location), len(location.reference), location.chance())


def print_off_flat(out: Console, location: Location) -> None:
    from ..report.usual import off_flat_sentences

    for sentence in off_flat_sentences(location):
        out.print(Text(sentence, style="bold red"))


def _hull_sentence(location: Location) -> str:
    verdicts = Counter(location.verdict.tolist())
    text = (
        f"Inside the convex hull of the training rows: {verdicts[1]:,}; outside: {verdicts[-1]:,}"
    )
    if verdicts[0]:
        text += f"; on its boundary or undecided: {verdicts[0]:,}"
    if len(location.reference) and verdicts[-1] > 0.8 * len(location) > 0:
        text += (
            ". With many features nearly every row is outside, a training row left out too: "
            "act on the band, not on the verdict"
        )
    return text + "."


def _print_verdicts(out: Console, location: Location) -> None:
    section(out, "Where the new rows stand")
    meanings = {
        1: ("inside", "a weighted average of training rows; the weights prove it"),
        -1: ("outside", "a direction separates it from every training row"),
        0: ("undecided", "neither proof was found"),
    }
    table = counts_table("verdict")
    for verdict, (name, meaning) in meanings.items():
        count = int((location.verdict == verdict).sum())
        add_count(out, table, name, count, of=len(location), meaning=meaning)
    indented(out, table)


def leading(location: Location) -> Counter[tuple[str, bool]]:
    """How often each feature is among a row's three leading changes: (name, too high) to rows.

    A change counts where, as a share of its feature's range, it is at least a tenth of the row's
    largest.
    """
    width = dict(zip(location.columns, location.box_maximum - location.box_minimum))
    found: Counter[tuple[str, bool]] = Counter()
    for pushes in location.pushed_out_by(3):
        if not pushes:
            continue
        first, size = pushes[0]
        least = abs(size) / width[first] / 10 if width[first] > 0 else 0.0
        for name, amount in pushes:
            if width[name] <= 0 or abs(amount) / width[name] >= least:
                found[name, amount > 0] += 1
    return found


def _print_features(out: Console, location: Location) -> None:
    from ..report.words import plain

    found = leading(location)
    names = Counter({name: found[name, True] + found[name, False] for name, _ in found})
    if not names:
        return
    section(out, "The features most often responsible")
    table = table_of(
        ("feature", {"overflow": "fold"}),
        ("rows", {"justify": "right", "no_wrap": True}),
        ("too high", {"justify": "right", "no_wrap": True}),
        ("too low", {"justify": "right", "no_wrap": True}),
        ("", {"width": 14, "no_wrap": True}),
    )
    most = max(names.values())
    for name, count in names.most_common(FEATURES):
        table.add_row(
            Text(plain(name, 40)),
            f"{count:,}",
            f"{found[name, True]:,}",
            f"{found[name, False]:,}",
            Text(bar(out, count / most), style="blue"),
        )
    indented(out, table)
    hidden = len(names) - FEATURES
    verb = "feature is" if hidden == 1 else "features are"
    more = f" {hidden} more {verb} not shown." if hidden > 0 else ""
    out.print(f"  Rows outside where the feature is among the three leading changes.{more}")


def _print_farthest(out: Console, location: Location, counted: bool) -> None:
    import numpy as np

    from ..report.words import plain

    distance = np.where(location.verdict == 1, 0.0, location.upper)
    # a row off the flat ranks above all that are not, however short its way
    order = np.lexsort((-distance, ~location.off_flat))[:FARTHEST]
    order = order[(distance[order] > 0) & np.isfinite(distance[order])]
    if not len(order):
        return
    section(out, "The farthest rows, and the smallest change that would bring each inside")
    table = table_of(
        ("row", {"max_width": 16, "overflow": "fold"}),
        ("band", {"no_wrap": True}),
        ("distance", {"justify": "right", "no_wrap": True}),
        ("pct.", {"justify": "right", "no_wrap": True}),
        ("change", {}),
    )
    for b in order.tolist():
        label = b if location.labels is None else location.labels[b]
        rank = location.hull_percentile[b]
        table.add_row(
            Text(plain(label, 40)),
            Text(str(location.band[b]), style=STYLES[str(location.band[b])]),
            f"{distance[b]:.3g}",
            "" if np.isnan(rank) else f"{rank:.4g}",
            Text(_change(location, b)),
        )
    indented(out, table)
    ids = "Rows are counted from 0. " if counted else ""
    pct = "pct.: training rows, left out in turn, that are less far out, in percent."
    out.print(f"  {ids}{pct if len(location.reference) else ''}".rstrip())


def _change(location: Location, b: int, most: int = 3) -> str:
    import numpy as np

    from ..report.words import plain

    residual, query = location.residual[b], location.queries[b]
    width = location.box_maximum - location.box_minimum
    share = np.abs(residual) / np.where(width > 0, width, 1.0)
    order = [j for j in np.argsort(-share, kind="stable").tolist() if share[j] > 1e-9]
    parts = []
    for j in order[:most]:
        old, new = float(query[j]), float(query[j] + residual[j])
        digits = 3
        # Enough digits that the two values do not look the same.
        while digits < 12 and max(abs(old), abs(new)) > abs(new - old) * 10 ** (digits - 1):
            digits += 1
        parts.append(f"{plain(location.columns[j], 24)} {old:.{digits}g} to {new:.{digits}g}")
    more = len(order) - most
    return "; ".join(parts) + (f"; {more} smaller" if more > 0 else "")


def print_definitions(out: Console, location: Location) -> None:
    import numpy as np

    m = len(location)
    lines = [("every feature within its training range", int((location.in_range_share == 1).sum()))]
    if not np.isnan(location.ellipsoid_distance).all():
        lines.append(
            ("inside the smallest ellipsoid of the data", int(location.in_ellipsoid.sum()))
        )
    lines.append(("inside the convex hull of the data", int((location.verdict == 1).sum())))
    if not np.isnan(location.neighbour_percentile).all():
        near = int((location.neighbour_percentile <= 95).sum())
        k = location.nearest_rows.shape[1]
        near_rows = f"{k} nearest training rows" if k > 1 else "nearest training row"
        text = f"as near to its {near_rows} as 95 % of those"
        lines.append((text, near))
    section(out, 'Other definitions of "within the data", side by side')
    table = table_of(("definition", {}), ("rows", {"justify": "right", "no_wrap": True}))
    for text, count in lines:
        table.add_row(text, f"{count:,} of {m:,}")
    indented(out, table)


def print_remarks(out: Console, location: Location, heading: Heading) -> None:
    import numpy as np

    notes = list(heading.notes)
    if heading.refused:
        have = "row has" if heading.refused == 1 else "rows have"
        notes.append(f"{heading.refused:,} {have} missing or infinite values: not located.")
    notes += status_notes(location.status, ("BOUNDARY", "STALLED", "BUDGET"))
    if location.membership_only:
        notes.append("Membership only: no distances, bands or other definitions were computed.")
    elif np.isnan(location.ellipsoid_distance).all():
        notes.append("The smallest ellipsoid was not computed: the data are large.")
    r = len(location.reference)
    if 0 < r < location.n_train:
        notes.append(
            f"Bands rest on a seeded sample of {r:,} training rows, each left out in turn "
            "(--reference)."
        )
    print_notes(out, notes)


def status_notes(found: Iterable[Any], names: Sequence[str]) -> list[str]:
    """How often an answer ended in each of these ways, in the status's own words."""
    said = Counter(s for s in found if s.name in names)
    return [f"{count:,} row{'s' * (count > 1)}: {s.value}" for s, count in said.items()]


def print_notes(out: Console, notes: Sequence[str]) -> None:
    if notes:
        section(out, "Notes")
    for note in notes:
        out.print(Padding(Text(note), (0, 0, 0, 2)))
