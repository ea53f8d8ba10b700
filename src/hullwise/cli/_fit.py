"""`hullwise fit`: from a table to a domain in a file, and what every column was taken for."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

from rich.progress import Progress

from ..geometry.warm_up import compile_locate
from ._command_options import FitOptions
from ._compiling import compile_kernels, timing_text
from ._domain import fit_domain, new_domain, read_as_domain
from ._domain_text import print_domain
from ._output import check_files
from ._tables import open_as
from .console import console, progress_bar, require_standard_output
from .size_words import size_words
from .status import raise_if_cancelled, record_written


def run_fit(options: FitOptions) -> None:
    """Fit a domain, say what it holds, and keep it where the options name a file."""
    status = options.status
    if not options.quiet:
        require_standard_output()
    check_files((options.output, options.write_spec), (options.train,), force=options.force)
    start = perf_counter()
    opened = open_as(options.train, options)
    domain = new_domain(options, opened)
    table = read_as_domain(opened, domain)
    reading = perf_counter() - start
    compiling = compile_kernels(status, compile_locate)
    start = perf_counter()
    with progress_bar(options.quiet, left_out_bar) as progress:
        fit_domain(domain, table, options, progress)
        if options.output is not None:
            domain.measure_gaps(progress)
    raise_if_cancelled()
    status(timing_text(reading, compiling, perf_counter() - start, "fitted"))
    written = []
    if options.output is not None:
        domain.save(options.output, keep=options.keep, force=options.force)
        record_written(options.output)
        size = os.path.getsize(Path(options.output).expanduser())
        written.append(f"kept in {options.output} ({size_words(size)})")
    if options.write_spec is not None:
        domain.write_spec(options.write_spec, force=options.force)
        record_written(options.write_spec)
        written.append(f"columns written to {options.write_spec}")
    if not options.quiet:
        out = console(sys.stdout)
        print_domain(out, domain, Path(opened.path).name)
        out.file.flush()
    for line in written or ["nothing is kept: name a file with -o, such as -o seen.hull"]:
        status(line)


def left_out_bar(bars: Progress) -> Any:
    """A bar of training rows left out in turn."""
    task = bars.add_task("training rows left out", total=None)
    return lambda done, total, _: bars.update(task, completed=done, total=total)
