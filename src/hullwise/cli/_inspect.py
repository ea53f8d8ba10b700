"""`hullwise inspect`: what a domain in a file holds."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from ..domain.domain import Domain
from ..domain.domain_contents import domain_contents
from ..domain.domain_file import load, maker_of
from ..domain.half_spaces import HalfSpaces
from ..io.paths import readable_path
from ..report.domain_sentences import GAP_RULES
from ..report.words import printable, printable_names
from ._command_options import InspectOptions
from ._domain_text import note_texts, print_columns
from ._layout import RIGHT_ALIGNED, grid_of, indented, print_notes, rows_text, section, table_of
from .console import console, require_standard_output
from .size_words import size_words

PATTERNS_LISTED = 10
LEVELS_LISTED = 12
HASH_LETTERS = 16


def run_inspect(options: InspectOptions) -> None:
    """Read a domain and say what it holds, in words or as JSON."""
    require_standard_output()
    domain = load(options.domain)
    if isinstance(domain, HalfSpaces):
        _print_rules_kept(domain, options)
        return
    size = os.path.getsize(readable_path(options.domain))
    contents = {
        "file": options.domain,
        "bytes": size,
        "made_by": maker_of(options.domain),
        **domain_contents(domain),
    }
    out = console(sys.stdout)
    if options.json:
        sys.stdout.write(json.dumps(contents, ensure_ascii=False, indent=1) + "\n")
        sys.stdout.flush()
        return
    _print_contents(out, domain, contents)
    out.file.flush()


def _print_rules_kept(rules: HalfSpaces, options: InspectOptions) -> None:
    """What a file holds that keeps rules in place of rows."""
    size = os.path.getsize(readable_path(options.domain))
    columns = [(column.name, column.role, column.describe()) for column in rules.columns]
    if options.json:
        document = {
            "file": options.domain,
            "bytes": size,
            "made_by": maker_of(options.domain),
            "n_rows": rules.n_train,
            "n_half_spaces": len(rules.weights),
            "columns": [dict(zip(("name", "role", "description"), c)) for c in columns],
        }
        sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=1) + "\n")
        return
    out = console(sys.stdout)
    out.print()
    out.print(
        grid_of(
            ("file", f"{options.domain}: {size_words(size)}, {maker_of(options.domain)}"),
            ("rules", repr(rules)),
            ("rows", "none is kept: the file says of a row that it is outside, or nothing"),
            ("distance", rules.metric_text),
        )
    )
    section(out, "The columns")
    table = table_of(("column", {"overflow": "fold"}), ("taken for", {}), ("as", {}))
    for cells in columns:
        table.add_row(*(Text(printable(cell, 120)) for cell in cells))
    indented(out, table)
    out.file.flush()


def _print_contents(out: Console, domain: Domain, contents: Mapping[str, Any]) -> None:
    fitted = domain.fitted_
    out.print()
    out.print(
        grid_of(
            ("file", f"{contents['file']}: {size_words(contents['bytes'])}, {contents['made_by']}"),
            ("training data", f"{rows_text(len(fitted))}, each kept as its coordinates"),
            ("their table", f"sha256 {fitted.digest[:HASH_LETTERS]}... of its cells"),
            ("distance", fitted.metric_text),
            ("gaps", GAP_RULES[domain.missing]),
            ("a new row's", f"{domain.n_neighbors} nearest training rows are listed"),
        )
    )
    print_columns(out, domain)
    _print_levels(out, contents)
    _print_patterns(out, contents)
    print_notes(out, note_texts(fitted.notes))


def _print_levels(out: Console, contents: Mapping[str, Any]) -> None:
    columns = [c for c in contents["columns"] if len(c.get("levels", ())) > 1]
    if not columns:
        return
    section(out, "Levels, and the training rows that hold each")
    table = table_of(("column", {"overflow": "fold"}), ("levels", {}))
    names = printable_names((c["name"] for c in columns), 40)
    for column in columns:
        counts = sorted(column["levels"].items(), key=lambda item: -item[1])
        if column["role"] == "ordered":
            counts = list(column["levels"].items())
        text = ", ".join(f"{printable(name, 40)} {n:,}" for name, n in counts[:LEVELS_LISTED])
        more = len(counts) - LEVELS_LISTED
        table.add_row(names[column["name"]], Text(text + f" and {more:,} more" * (more > 0)))
    indented(out, table)


def _print_patterns(out: Console, contents: Mapping[str, Any]) -> None:
    section(out, "Gaps of the training rows, and how many of them were left out in turn")
    table = table_of(("without", {}), ("rows", RIGHT_ALIGNED), ("left out", RIGHT_ALIGNED))
    for pattern in contents["gaps"][:PATTERNS_LISTED]:
        without = ", ".join(printable(name, 30) for name in pattern["without"]) or "(no gap)"
        size = pattern["n_reference"]
        left_out = "measured when needed" if size is None else f"{size:,}"
        table.add_row(Text(without), f"{pattern['rows']:,}", left_out)
    more = len(contents["gaps"]) - PATTERNS_LISTED
    indented(out, table)
    if more > 0:
        out.print(f"  {more:,} more patterns.")
