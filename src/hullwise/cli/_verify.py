"""`hullwise verify`: proofs of where rows stand, checked long after."""

from __future__ import annotations

import sys

import numpy as np
from rich.text import Text

from ..domain.domain import Domain
from ..domain.proofs import Proofs, load_proofs
from ..io.mixed_table import MixedTable
from ..report.words import printable
from ._command_options import VerifyOptions
from ._compiling import with_status
from ._domain import read_domain, read_like_training
from ._layout import grid_of
from .console import console, require_standard_output

FAILED_PROOFS_NAMED = 10


def run_verify(options: VerifyOptions) -> bool:
    """Check every proof; whether some do not hold."""
    if not options.quiet:
        require_standard_output()
    domain = read_domain(options.domain)
    proofs = load_proofs(options.proofs)
    table, new = (_table(path, domain, options) for path in (options.table, options.new))
    holds = with_status(
        options.status, lambda: domain.verify(proofs, table, new=new, exact=options.exact)
    )
    failed = np.flatnonzero(~holds)
    if not options.quiet:
        _print_verified(options, proofs, len(holds) - len(failed))
    if len(failed):
        names = failed if proofs.labels is None else proofs.labels[failed]
        listed = ", ".join(printable(name, 40) for name in names[:FAILED_PROOFS_NAMED])
        more = ", ..." * (len(failed) > FAILED_PROOFS_NAMED)
        sys.stderr.write(f"proofs that do not hold: {len(failed):,} (rows {listed}{more})\n")
    return bool(len(failed))


def _table(path: str | None, domain: Domain, options: VerifyOptions) -> MixedTable | None:
    return None if path is None else read_like_training(path, domain, options)


def _print_verified(options: VerifyOptions, proofs: Proofs, n_hold: int) -> None:
    rows = (
        f"read from {options.table}"
        if options.table is not None
        else f"as {options.domain} keeps them (--table reads them again)"
    )
    new = "" if options.new is None else f", and is about the rows of {options.new}"
    how = "in whole numbers" if options.exact else "in float64 with its rounding bounded"
    out = console(sys.stdout)
    out.print()
    out.print(
        grid_of(
            ("proofs", f"{options.proofs}: {proofs!r}"),
            ("training rows", rows),
            ("judged", f"{how}, by code that shares nothing with the search"),
        )
    )
    text = f"{n_hold:,} of {len(proofs):,} rows: every claim holds{new}."
    out.print(Text(f"\n{text}", style="bold"))
    out.file.flush()
