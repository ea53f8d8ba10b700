"""`hullwise errors`: whether a model's error goes with the distance of its rows."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from ..domain.domain import Domain
from ..geometry.bands import BANDS
from ..geometry.warm_up import compile_locate
from ..io.mixed_table import MixedTable
from ..io.paths import display_path
from ..reliability.acceptance import AcceptanceRegion, region_in
from ..reliability.error_profile import ErrorProfile, profile_of
from ..reliability.scored_rows import ScoredRows, score_rows
from ..report.words import format_number, limits_text, printable
from ._command_options import ErrorsOptions
from ._compiling import compile_kernels, with_status
from ._domain import read_domain, read_like_training
from ._layout import (
    RIGHT_ALIGNED,
    STYLES,
    grid_of,
    indented,
    print_notes,
    rows_text,
    section,
    table_of,
)
from ._network import read_network
from ._output import check_outputs, write_output
from .console import console
from .status import raise_if_cancelled, record_written


def run_errors(options: ErrorsOptions) -> None:
    """Locate the rows, take the errors, judge, and write what was asked for."""
    check_outputs(options, (options.domain, options.table), (options.report,))
    domain = read_domain(options.domain)
    table = read_like_training(options.table, domain, options)
    compile_kernels(options.status, compile_locate)
    scored = with_status(options.status, lambda: _score(options, domain, table))
    raise_if_cancelled()
    profile = profile_of(scored, n_bins=options.bins)
    region = _region(options, domain, scored)
    written: list[str] = []
    if options.output is not None:
        written += write_output(profile.to_dict(), options)
    if options.report is not None:
        _write_page(options, profile)
        written.append(f"report written to {options.report}")
    if not options.quiet:
        out = console(sys.stderr if options.output == "-" else sys.stdout)
        print_profile(out, profile, region, f"{Path(options.table).name}")
        out.file.flush()
    for line in written:
        options.status(line)


def _score(options: ErrorsOptions, domain: Domain, table: MixedTable) -> ScoredRows:
    prediction: Any = list(options.prediction)
    if options.model is not None:
        prediction = read_network(options)
    return score_rows(
        domain,
        table,
        list(options.truth),
        prediction,
        groups=options.group,
        classes=True if options.classes else None,
        peers={name: table.column(name).numbers() for name in options.peer},
    )


def _region(options: ErrorsOptions, domain: Domain, scored: ScoredRows) -> AcceptanceRegion | None:
    if options.at_most is None:
        return None
    return region_in(
        domain,
        scored,
        options.notion,
        at_most=options.at_most,
        tolerance=options.tolerance,
        confidence=options.confidence,
    )


def _write_page(options: ErrorsOptions, profile: ErrorProfile) -> None:
    from ..report.report import write_report

    assert options.report is not None
    assert profile.location is not None
    source = {
        "Domain": display_path(options.domain),
        "File of rows with the truth": display_path(options.table),
    }
    title = f"Errors against distance: {Path(display_path(options.table)).name}"
    write_report(
        profile.location,
        options.report,
        errors=profile,
        title=title,
        source=source,
        force=options.force,
    )
    record_written(options.report)


def print_profile(
    out: Console, profile: ErrorProfile, region: AcceptanceRegion | None, name: str
) -> None:
    """The sentence first, then bands, notions and the region of acceptance."""
    what = "share of wrong classes" if profile.is_classes else "mean error"
    groups = f" in {profile.n_groups:,} groups" if profile.n_groups else ""
    out.print()
    out.print(
        grid_of(
            ("rows", f"{rows_text(profile.n_rows)} of {printable(name, 60)}{groups}"),
            (what, format_number(profile.mean_error)),
        )
    )
    out.print()
    out.print(Text(profile.sentence, style="bold"))
    _print_bands(out, profile)
    _print_notions(out, profile)
    if region is not None:
        section(out, "Where the model may be used")
        indented(out, Text(region.sentence))
        indented(out, Text(region.comparison_sentence))
    print_notes(out, profile.notes)


def _print_bands(out: Console, profile: ErrorProfile) -> None:
    means = profile.by_band
    section(out, f"Error by band; all limits hold at once ({100 * means.level:.0f} %)")
    table = table_of(
        ("band", {"no_wrap": True}),
        ("rows", RIGHT_ALIGNED),
        ("error", RIGHT_ALIGNED),
        ("limits", {"no_wrap": True}),
    )
    for k, band in enumerate(BANDS):
        if means.rows[k]:
            table.add_row(
                Text(band, style=f"bold {STYLES[band]}"),
                f"{int(means.rows[k]):,}",
                format_number(float(means.mean[k])),
                limits_text(float(means.lower[k]), float(means.upper[k])),
            )
    indented(out, table)


def _print_notions(out: Console, profile: ErrorProfile) -> None:
    section(out, "Does the error grow with it?")
    table = table_of(
        ("by", {"overflow": "fold"}),
        ("", {"no_wrap": True}),
        ("rank correlation", {"no_wrap": True}),
        ("farthest tenth", {"no_wrap": True}),
        ("saved", RIGHT_ALIGNED),
    )
    for notion in profile.notions:
        verdict = notion.verdict
        table.add_row(
            Text(printable(notion.name, 40)),
            Text(verdict.word, style="bold" if verdict.word == "yes" else ""),
            f"{verdict.correlation:.2f} ({limits_text(*verdict.correlation_limits)})",
            f"{format_number(verdict.ratio, 2)} ({limits_text(*verdict.ratio_limits)})",
            f"{round(notion.saved, 2) + 0.0:.2f}",
        )
    indented(out, table)
