"""`hullwise watch`: counts batches, prints what the watch says, and writes it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from rich.text import Text

from ..geometry.bands import BAND_NAMES
from ..geometry.row_selection import RowSelection
from ..geometry.warm_up import compile_locate
from ..io.paths import display_path
from ..report.words import printable
from ..watch.history import require_history_file
from ..watch.monitor import Monitor
from ..watch.watch_result import WatchResult
from ._compiling import compile_kernels, with_status
from ._domain import read_domain, read_like_training
from ._layout import RIGHT_ALIGNED, grid_of, indented, rows_text, section, table_of
from ._output import check_outputs, write_output
from ._selection import print_selection
from ._watch_command import WatchOptions
from ._watch_files import write_watch_files
from .console import console
from .status import raise_if_cancelled, record_written

SCORES_SHOWN = 12
BATCHES_SHOWN = 5


def run_watch(options: WatchOptions) -> bool:
    """Count the batches and say what the watch says; whether --fail-on is met."""
    others = (options.report, options.summary, options.metrics, options.junit)
    check_outputs(options, (options.domain, *options.batches), others)
    if options.history is not None and not options.batches:
        require_history_file(options.history)
    domain = read_domain(options.domain)
    compile_kernels(options.status, compile_locate)
    holdout = None
    if options.holdout is not None:
        holdout = read_like_training(options.holdout, domain, options)
    monitor = with_status(
        options.status,
        lambda: Monitor(
            domain,
            options.alarm,
            watch=options.watch,
            holdout=holdout,
            history=options.history,
            random_state=options.random_state,
        ),
    )
    selections: list[tuple[str, RowSelection]] = []
    for path in options.batches:
        raise_if_cancelled()
        table = read_like_training(path, domain, options)
        name = Path(display_path(path)).name
        monitor.update(table, name=name)
        if options.fdr is not None and monitor.last_location is not None:
            selections.append((name, monitor.last_location.select(options.fdr)))
        options.status(f"{name}: {rows_text(table.n)} counted as batch {len(monitor.batches)}")
    result = monitor.result()
    written = _write(options, monitor, result)
    if not options.quiet:
        _print(options, result, selections)
    for line in written:
        options.status(line)
    return options.fail_on == "alarm" and result.alarmed


def _write(options: WatchOptions, monitor: Monitor, result: WatchResult) -> list[str]:
    written: list[str] = []
    if options.output is not None:
        written += write_output(result.to_dict(), options)
    if options.report is not None:
        from ..report.watch_page import write_watch_page

        source = {"Domain": display_path(options.domain)}
        write_watch_page(result, options.report, source=source, force=options.force)
        record_written(options.report)
        written.append(f"report written to {options.report}")
    written += write_watch_files(options, monitor.digest, result)
    return written


def _print(
    options: WatchOptions, result: WatchResult, selections: list[tuple[str, RowSelection]]
) -> None:
    out = console(sys.stderr if options.output == "-" else sys.stdout)
    out.print()
    rows = result.extent_text
    bad = result.n_not_located
    out.print(
        grid_of(
            ("domain", printable(display_path(options.domain), 60)),
            ("new rows", rows + (f" (of these, {bad:,} could not be located)" if bad else "")),
        )
    )
    out.print()
    out.print(Text(result.sentence, style="bold red" if result.alarmed else "bold"))
    if result.batch:
        _print_batches(out, result)
        _print_scores(out, result)
    for name, selection in selections:
        print_selection(out, selection, f" in {printable(name, 40)}")
    out.file.flush()


def _print_batches(out: Any, result: WatchResult) -> None:
    shown = list(enumerate(result.batches, start=1))[-BATCHES_SHOWN:]
    bands = [band for band in BAND_NAMES if any(b.bands.get(band) for _, b in shown)]
    title = "Batches" if len(shown) == result.batch else f"The last {len(shown)} batches"
    section(out, title)
    table = table_of(
        ("batch", RIGHT_ALIGNED),
        ("", {"overflow": "fold"}),
        ("rows", RIGHT_ALIGNED),
        *((band, RIGHT_ALIGNED) for band in bands),
        ("log10 evidence", RIGHT_ALIGNED),
    )
    for number, batch in shown:
        table.add_row(
            f"{number:,}",
            Text(printable(batch.name, 30)),
            f"{batch.n_rows:,}",
            *(f"{batch.bands.get(band, 0):,}" for band in bands),
            f"{result.log_statistics[number - 1] / np.log(10):.2f}",
        )
    indented(out, table)


def _print_scores(out: Any, result: WatchResult) -> None:
    section(out, "What is watched, the most evidence first")
    table = table_of(
        ("score", {"overflow": "fold"}),
        ("p", RIGHT_ALIGNED),
        ("p of all (Holm)", RIGHT_ALIGNED),
        ("after batch", RIGHT_ALIGNED),
        ("compared with", RIGHT_ALIGNED),
    )
    order = np.argsort(result.p_values / result.weight, kind="stable")
    adjusted = result.adjusted_p_values
    for k in order[:SCORES_SHOWN].tolist():
        table.add_row(
            Text(printable(str(result.name[k]), 44)),
            f"{result.p_values[k]:.2g}",
            f"{adjusted[k]:.2g}",
            f"{result.start[k]:,}",
            f"{result.n_reference[k]:,}",
        )
    indented(out, table)
    hidden = len(order) - SCORES_SHOWN
    if hidden > 0:
        indented(out, Text(f"... and {hidden:,} more scores"))
