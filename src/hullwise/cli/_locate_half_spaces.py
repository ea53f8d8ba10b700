"""`hullwise locate` against rules in place of rows: what half-spaces prove of new rows."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import click
import numpy as np
from rich.console import Console
from rich.text import Text

from ..domain.half_space_location import HalfSpaceLocation
from ..domain.half_spaces import HalfSpaces
from ..geometry.bands import BANDS
from ..io.mixed_table import mixed_table
from ..io.table_reader import OpenTable
from ..report.words import printable
from ._command_options import LocateOptions
from ._fail_on import FailingRows
from ._junit import write_junit
from ._layout import RIGHT_ALIGNED, STYLES, grid_of, indented, rows_text, section, table_of
from ._output import named_cells, write_output
from .console import console
from .status import record_written

RULES_LISTED = 8
NEEDS_ROWS = ("--proofs", "--report", "--summary")


def locate_by_rules(options: LocateOptions, rules: HalfSpaces, query: OpenTable) -> bool:
    """Say which rows are proved outside, and by which rule; whether --fail-on is met."""
    _refuse_what_needs_rows(options)
    table = mixed_table(query, rules.gaps)
    if query.kind == ".jsonl":  # a name that no row has is a gap in each
        table = table.with_gaps(rules.features.coordinates.sources)
    location = rules.locate(table)
    failing = _failing(location, options)
    written: list[str] = []
    try:
        if options.output is not None:
            cells = named_cells(location.to_dict(), location.labels, options.id_column)
            written += write_output(cells, options)
        if options.junit is not None and failing is not None:
            names = Path(options.train).name, Path(query.path).name
            status = location.status
            written.append(
                write_junit(
                    options.junit,
                    failing,
                    lambda row: status[row],
                    train=names[0],
                    query=names[1],
                    force=options.force,
                )
            )
            record_written(options.junit)
    finally:
        if not options.quiet:
            out = console(sys.stderr if options.output == "-" else sys.stdout)
            _print_rules(out, rules, location, options, Path(query.path).name)
            out.file.flush()
    for line in written:
        options.status(line)
    return failing is not None and failing.report()


def _refuse_what_needs_rows(options: LocateOptions) -> None:
    needed = [option for option in NEEDS_ROWS if options.files[option] is not None]
    needed += ["--explain"] * bool(options.explain) + ["--verify"] * options.verify
    needed += ["--fdr"] * (options.fdr is not None)
    if needed:
        raise click.UsageError(
            f"{options.train} keeps half-spaces in place of rows: {needed[0]} needs the rows "
            "(hullwise fit --keep rows)"
        )


def _failing(location: HalfSpaceLocation, options: LocateOptions) -> FailingRows | None:
    if options.fail_on is None:
        return None
    nothing = np.zeros(len(location), dtype=bool)
    names = np.arange(len(location)) if location.labels is None else location.labels
    meets = location.at_least(options.fail_on)
    return FailingRows(options.fail_on, meets, nothing, nothing, names, options.allow, ", proved")


def _print_rules(
    out: Console,
    rules: HalfSpaces,
    location: HalfSpaceLocation,
    options: LocateOptions,
    query: str,
) -> None:
    n, m = int(location.proved_outside.sum()), len(location)
    out.print()
    out.print(
        grid_of(
            ("rules", f"{Path(options.train).name}: {rules!r}"),
            ("new rows", f"{query}: {rows_text(m)}"),
            ("distance", rules.metric_text),
        )
    )
    section(out, "What the rules prove of the new rows")
    table = table_of(("in this band at least", {"no_wrap": True}), ("rows", RIGHT_ALIGNED))
    counts = Counter(location.band_at_least.tolist())
    for band in BANDS:
        text = f"{band} (nothing is proved, or no more than that)" if band == "core" else band
        table.add_row(Text(text, style=STYLES[band]), f"{counts[band]:,}")
    indented(out, table)
    out.print(Text(f"\n{n:,} of {rows_text(m)} proved outside; of the others nothing is known."))
    farthest = np.argsort(-location.lower, kind="stable")
    farthest = farthest[location.proved_outside[farthest]][:RULES_LISTED].tolist()
    if farthest:
        section(out, "The farthest rows, and the rule that proves each outside")
        listed = table_of(
            ("row", {"max_width": 16, "overflow": "fold"}),
            ("at least", {"no_wrap": True}),
            ("distance", RIGHT_ALIGNED),
            ("rule", {}),
        )
        texts = location[farthest].by
        for row, text in zip(farthest, texts):
            label = row if location.labels is None else location.labels[row]
            band = str(location.band_at_least[row])
            listed.add_row(
                Text(printable(label, 40)),
                Text(band, style=STYLES[band]),
                f"{location.lower[row]:.3g}",
                Text(printable(text, 300)),
            )
        indented(out, listed)
