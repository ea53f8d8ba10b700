"""`hullwise demo`: the main job on two bundled tables, or one of them as files to try it on."""

from __future__ import annotations

import gzip
import sys
from collections import Counter
from pathlib import Path
from time import perf_counter

import click
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ..geometry.cloud import Cloud
from ..geometry.locate import locate
from ..geometry.location import BANDS, Location
from ..geometry.warm_up import compile_locate
from ..io.atomic_write import output_path, whole_file
from ..io.rows import ArrayRows
from ..samples import Sample, load, network_paths, path
from ._compiling import compile_kernels
from ._text import STYLES, Heading, print_summary
from .console import console, progress_bar

HELD_OUT = 0.2
NEW_PATIENTS = 8
SEEN = 400


def run(report: str | None, force: bool) -> None:
    """Locate held-out forest fires, then new patients next to a random split."""
    if report is not None:
        output_path(report, force=force)
    compiled = compile_kernels(lambda text: click.echo(text, err=True), compile_locate)
    if compiled:
        click.echo(f"kernels compiled in {compiled:.1f} s (once per machine)", err=True)
    start = perf_counter()
    out = console(sys.stdout)
    rng = np.random.default_rng(0)
    fires = load("forest_fires")
    location = _held_out(fires, _random_rows(rng, len(fires.y), round(HELD_OUT * len(fires.y))))
    out.print()
    out.print(Text("1  Forest fires: a random fifth of the rows held out", style="bold underline"))
    heading = Heading("forest_fires, four fifths", "the held-out fifth")
    print_summary(out, location, heading)
    patients = _parkinsons(out, rng)
    seconds = perf_counter() - start
    if report is not None:
        from ..report.report import write_report

        write_report(patients, report, title="Eight new patients", force=force)
        click.echo(f"\nreport on the new patients written to {report}", err=True)
    _print_next(out, (fires, load("parkinsons")))
    click.echo(f"located in {seconds:.1f} s", err=True)


def write_files(folder: str, force: bool) -> None:
    """The forest fires as two files, the first 400 rows and the others; a network and its rows."""
    head, *rows = gzip.decompress(path("forest_fires").read_bytes()).splitlines(keepends=True)
    parts = {"seen.csv": rows[:SEEN], "new.csv": rows[SEEN:]}
    files = {name: b"".join([head, *part]) for name, part in parts.items()}
    files |= {one.name: one.read_bytes() for one in network_paths()}
    for name in files:
        output_path(Path(folder, name), force=force)
    for name, data in files.items():
        with whole_file(Path(folder, name), force=force) as stream:
            stream.write(data)
    told = [f"{Path(folder, name)} ({len(part)} rows)" for name, part in parts.items()]
    click.echo(f"written: {' and '.join(told)}", err=True)
    network, table = (Path(folder, one.name) for one in network_paths())
    click.echo(f"and for hullwise dissect: {network} and {table}", err=True)


def _random_rows(rng: np.random.Generator, n: int, m: int) -> NDArray[np.bool_]:
    held = np.zeros(n, dtype=bool)
    held[rng.choice(n, m, replace=False)] = True
    return held


def _held_out(sample: Sample, held: NDArray[np.bool_]) -> Location:
    cloud = Cloud(ArrayRows(sample.X[~held], sample.columns))
    with progress_bar(quiet=False) as progress:
        return locate(cloud, sample.X[held], metric="std", progress=progress)


def _parkinsons(out: Console, rng: np.random.Generator) -> Location:
    sample = load("parkinsons")
    assert sample.groups is not None
    chosen = rng.permutation(np.unique(sample.groups))[:NEW_PATIENTS]
    new = np.isin(sample.groups, chosen)
    drawn = _random_rows(rng, len(new), int(new.sum()))
    found = {
        "a random split": _held_out(sample, drawn),
        f"{NEW_PATIENTS} new patients": _held_out(sample, new),
    }
    out.print()
    title = "2  Parkinson's telemonitoring: what a random split hides"
    out.print(Text(title, style="bold underline"))
    out.print(
        f"\n{len(new):,} voice recordings of {len(np.unique(sample.groups))} patients. The same "
        f"number of rows ({int(new.sum()):,}) is held out twice: at random, and all those of "
        f"{NEW_PATIENTS} patients, as when a model meets new people.\n"
    )
    out.print(Padding(_bands_table(found), (0, 0, 0, 2)))
    shares = [100 * float(np.isin(loc.band, ("beyond", "far")).mean()) for loc in found.values()]
    out.print(
        f"\nBeyond or far: {shares[0]:.1f} % of the random rows, {shares[1]:.1f} % of the new "
        "patients' rows. A random split mixes each patient into both sides, so it says nothing "
        "about people the model has not met."
    )
    return found[f"{NEW_PATIENTS} new patients"]


def _bands_table(found: dict[str, Location]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(Text("held out", style="dim"), no_wrap=True)
    for title in ("rows", *BANDS, "beyond or far"):
        table.add_column(Text(title, style="dim"), justify="right", no_wrap=True)
    for name, location in found.items():
        counts, m = Counter(location.band.tolist()), len(location)
        out_there = (counts["beyond"] + counts["far"]) / m
        cells = [Text(f"{counts[b]:,}", style=STYLES[b]) for b in BANDS]
        table.add_row(name, f"{m:,}", *cells, Text(f"{100 * out_there:.1f} %", style="bold"))
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
