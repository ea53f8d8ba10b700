"""`hullwise demo`: the main job on two bundled tables, or tables as files to try it on."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Mapping
from pathlib import Path
from time import perf_counter

import numpy as np
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ..domain.domain import Domain
from ..domain.domain_location import DomainLocation
from ..geometry.locate import locate
from ..geometry.location import BANDS, Location
from ..geometry.warm_up import compile_locate
from ..io.atomic_write import output_path, whole_file
from ..io.mixed_table import MixedTable, read_mixed
from ..samples import load, network_paths
from ..samples.held_out import (
    HeldOut,
    hold_out_groups,
    hold_out_rows,
    penguin_seasons,
    table_halves,
)
from ._command_options import DemoOptions
from ._compiling import compile_kernels
from ._domain_text import DomainHeading, print_domain_location
from ._layout import STYLES
from .console import console, progress_bar, require_standard_output
from .status import print_status

NEW_PATIENTS = 8
PENGUIN_TARGET = "species"
PENGUINS_CITATION = "penguins: Horst, Hill & Gorman (2020), palmerpenguins, CC0"


def run_demo(options: DemoOptions) -> None:
    """Write files, or locate a season of penguins, then new patients next to a random split."""
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
    title = "1  Penguins: a season to come, with a species that nobody has seen"
    out.print()
    out.print(Text(title, style="bold underline"))
    penguins = _print_penguins(out)
    _print_parkinsons(out, np.random.default_rng(0))
    seconds = perf_counter() - start
    if options.report is not None:
        from ..report.report import write_report

        write_report(penguins, options.report, title="Penguins of 2009", force=options.force)
        print_status(f"\nreport on the penguins written to {options.report}")
    _print_next(out)
    print_status(f"located in {seconds:.1f} s")


def _write_files(folder: str, force: bool) -> None:
    """The tables of the demo and of the pages, a network and its rows, and what to type next."""
    penguins, fires = penguin_seasons(), table_halves()
    files = {name: data for name, (data, _) in (penguins | fires).items()}
    files |= {one.name: one.read_bytes() for one in network_paths()}
    for name in files:
        output_path(Path(folder, name), force=force)
    for name, data in files.items():
        with whole_file(Path(folder, name), force=force) as stream:
            stream.write(data)
    seen, new = ([str(Path(folder, name)) for name in part] for part in (penguins, fires))
    counts = [[n for _, n in part.values()] for part in (penguins, fires)]
    print_status(f"written: {seen[0]} ({counts[0][0]} rows) and {seen[1]} ({counts[0][1]} rows),")
    print_status(f"of numbers {new[0]} ({counts[1][0]} rows) and {new[1]} ({counts[1][1]} rows),")
    network, table = (Path(folder, one.name) for one in network_paths())
    print_status(f"for hullwise dissect {network} and {table}. Try:")
    kept, where = (str(Path(folder, name)) for name in ("penguins.hull", "where.npz"))
    for command in (
        f"fit {seen[0]} --target {PENGUIN_TARGET} -o {kept}",
        f"locate {kept} {seen[1]} --proofs {where}",
        f"inspect {kept}",
        f"verify {kept} {where} --table {seen[0]}",
    ):
        print_status(f"  hullwise {command}")


def _print_penguins(out: Console) -> DomainLocation:
    """Where the penguins of a season stand among those of the seasons before, by species."""
    seen, new = (_rows_of(name, data) for name, (data, _) in penguin_seasons().items())
    out.print(
        f"\n{seen.n} penguins of two species and two seasons, as a model has seen them; {new.n} "
        "penguins of the next season, some of which are of a third species. The species is not "
        "told.\n"
    )
    with progress_bar(quiet=False) as progress:
        domain = Domain().fit(seen, target=PENGUIN_TARGET, progress=progress)
        location = domain.locate(new, progress=progress)
    species = np.array(new.column(PENGUIN_TARGET).cells.to_pylist(), dtype=object)
    print_domain_location(out, domain, location, DomainHeading("penguins 2007-08", "2009"))
    known = set(seen.column(PENGUIN_TARGET).cells.to_pylist())
    parts = {
        name if name in known else f"{name} (never seen)": location[species == name]
        for name in sorted(set(species.tolist()))
    }
    out.print("\nBy species, which hullwise was not told:\n")
    out.print(Padding(_bands_table(parts, "species"), (0, 0, 0, 2)))
    return location


def _rows_of(name: str, data: bytes) -> MixedTable:
    """A table of text in memory."""
    return read_mixed(list(csv.DictReader(io.StringIO(data.decode()))), name=name)


def _locate(held_out: HeldOut) -> Location:
    with progress_bar(quiet=False) as progress:
        return locate(held_out.training, held_out.queries, metric="std", progress=progress)


def _print_parkinsons(out: Console, rng: np.random.Generator) -> None:
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
    out.print(Padding(_bands_table(locations, "held out"), (0, 0, 0, 2)))
    shares = [100 * loc.summary().n_out / len(loc) for loc in locations.values()]
    out.print(
        f"\nBeyond or far: {shares[0]:.1f} % of the random rows, {shares[1]:.1f} % of the new "
        "patients' rows. A random split mixes each patient into both sides, so it says nothing "
        "about people the model has not met."
    )


def _bands_table(locations: Mapping[str, Location | DomainLocation], first: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(Text(first, style="dim"), no_wrap=True)
    for title in ("rows", *BANDS, "beyond or far"):
        table.add_column(Text(title, style="dim"), justify="right", no_wrap=True)
    for name, location in locations.items():
        summary = location.summary()
        cells = [Text(f"{summary.bands[b]:,}", style=STYLES[b]) for b in BANDS]
        share = Text(f"{100 * summary.n_out / summary.n_rows:.1f} %", style="bold")
        table.add_row(name, f"{summary.n_rows:,}", *cells, share)
    return table


def _print_next(out: Console) -> None:
    out.print()
    out.print(Text("The same on your own tables", style="bold underline"))
    out.print(
        "\n  hullwise locate train.csv new.csv --target COL\n"
        "  hullwise fit train.csv --target COL -o seen.hull      # once, then\n"
        "  hullwise locate seen.hull new.csv -o out.csv --report out.html\n"
        "  hullwise locate seen.hull new.csv --fail-on far       # in a pipeline\n",
        soft_wrap=True,
    )
    for text in (PENGUINS_CITATION, f"parkinsons: {load('parkinsons').licence}"):
        out.print(Text(text, style="dim"))
