"""`hullwise demo`: the main job on two bundled tables, or one of them as files to try it on."""

from __future__ import annotations

import sys
from pathlib import Path
from time import perf_counter

import numpy as np
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ..geometry.locate import locate
from ..geometry.location import BANDS, Location
from ..geometry.warm_up import compile_locate
from ..io.atomic_write import output_path, whole_file
from ..samples import Sample, load, network_paths
from ..samples.held_out import HeldOut, hold_out_groups, hold_out_rows, table_halves
from ._command_options import DemoOptions
from ._compiling import compile_kernels
from ._layout import STYLES
from ._summary_text import Heading, print_summary
from .console import console, progress_bar, require_standard_output
from .status import print_status

FIRES_SHARE = 0.2  # held out
NEW_PATIENTS = 8


def run_demo(options: DemoOptions) -> None:
    """Write files, or locate held-out forest fires, then new patients next to a random split."""
    if options.write is not None:
        _write_files(options.write, options.force)
        return
    require_standard_output()
    if options.report is not None:
        output_path(options.report, force=options.force)
    compiling = compile_kernels(print_status, compile_locate)
    if compiling:
        print_status(f"kernels compiled in {compiling:.1f} s (once per machine)")
    start = perf_counter()
    out = console(sys.stdout)
    rng = np.random.default_rng(0)
    fires = load("forest_fires")
    location = _locate(hold_out_rows(fires, round(FIRES_SHARE * len(fires.y)), rng))
    out.print()
    out.print(Text("1  Forest fires: a random fifth of the rows held out", style="bold underline"))
    heading = Heading("forest_fires, four fifths", "the held-out fifth")
    print_summary(out, location, heading)
    patients = _print_parkinsons(out, rng)
    seconds = perf_counter() - start
    if options.report is not None:
        from ..report.report import write_report

        write_report(patients, options.report, title="Eight new patients", force=options.force)
        print_status(f"\nreport on the new patients written to {options.report}")
    _print_next(out, (fires, load("parkinsons")))
    print_status(f"located in {seconds:.1f} s")


def _write_files(folder: str, force: bool) -> None:
    """The forest fires as two files, the first 400 rows and the others; a network and its rows."""
    halves = table_halves()
    files = {name: data for name, (data, _) in halves.items()}
    files |= {one.name: one.read_bytes() for one in network_paths()}
    for name in files:
        output_path(Path(folder, name), force=force)
    for name, data in files.items():
        with whole_file(Path(folder, name), force=force) as stream:
            stream.write(data)
    texts = [f"{Path(folder, name)} ({n} rows)" for name, (_, n) in halves.items()]
    print_status(f"written: {' and '.join(texts)}")
    network, table = (Path(folder, one.name) for one in network_paths())
    print_status(f"and for hullwise dissect: {network} and {table}")


def _locate(held_out: HeldOut) -> Location:
    with progress_bar(quiet=False) as progress:
        return locate(held_out.training, held_out.queries, metric="std", progress=progress)


def _print_parkinsons(out: Console, rng: np.random.Generator) -> Location:
    sample = load("parkinsons")
    assert sample.groups is not None
    new = hold_out_groups(sample, NEW_PATIENTS, rng)
    count = int(new.mask.sum())
    drawn = hold_out_rows(sample, count, rng)
    patients = f"{NEW_PATIENTS} new patients"
    locations = {"a random split": _locate(drawn), patients: _locate(new)}
    out.print()
    title = "2  Parkinson's telemonitoring: what a random split hides"
    out.print(Text(title, style="bold underline"))
    out.print(
        f"\n{len(sample.y):,} voice recordings of {len(np.unique(sample.groups))} patients. The "
        f"same number of rows ({count:,}) is held out twice: at random, and all those of "
        f"{NEW_PATIENTS} patients, as when a model meets new people.\n"
    )
    out.print(Padding(_bands_table(locations), (0, 0, 0, 2)))
    shares = [100 * loc.summary().n_out / len(loc) for loc in locations.values()]
    out.print(
        f"\nBeyond or far: {shares[0]:.1f} % of the random rows, {shares[1]:.1f} % of the new "
        "patients' rows. A random split mixes each patient into both sides, so it says nothing "
        "about people the model has not met."
    )
    return locations[patients]


def _bands_table(locations: dict[str, Location]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(Text("held out", style="dim"), no_wrap=True)
    for title in ("rows", *BANDS, "beyond or far"):
        table.add_column(Text(title, style="dim"), justify="right", no_wrap=True)
    for name, location in locations.items():
        summary = location.summary()
        cells = [Text(f"{summary.bands[b]:,}", style=STYLES[b]) for b in BANDS]
        share = Text(f"{100 * summary.n_out / summary.n_rows:.1f} %", style="bold")
        table.add_row(name, f"{summary.n_rows:,}", *cells, share)
    return table


def _print_next(out: Console, samples: tuple[Sample, ...]) -> None:
    out.print()
    out.print(Text("The same on your own tables", style="bold underline"))
    out.print(
        "\n  hullwise locate train.csv new.csv --target COL\n"
        "  hullwise locate train.csv new.csv --target COL -o out.csv --report out.html\n"
        "  hullwise locate train.csv new.csv --target COL --fail-on far   # in a pipeline\n",
        soft_wrap=True,
    )
    for sample in samples:
        out.print(Text(f"{sample.name}: {sample.licence}", style="dim"))
