"""The first command on a fresh machine: when it first says something, and what compiling costs.

    python benchmarks/first_command.py

Each command runs in a process of its own with an empty folder for compiled kernels
(NUMBA_CACHE_DIR), and then a second time with that folder filled. "First line" is the time from
starting the process to the first line on the terminal; the seconds for compiling and locating
are those that the command itself prints. The tables are the bundled ones; `locate` reads four
fifths of the forest fires as training rows and the last fifth as new rows, from CSV files.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from _measure import met, parser, show

from hullwise.samples import load

NOTHING = "none"


def said(pattern: str, text: str) -> str:
    found = re.search(pattern + r" in ([\d.]+) s", text)
    return found.group(1) if found else NOTHING


def run(command: list[str], cache: str) -> tuple[float, float, str]:
    """Seconds to the first line, seconds in all, and everything that was printed."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": cache, "COLUMNS": "100"}
    start = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-m", "hullwise", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        first = time.perf_counter() - start
        text = line + process.stdout.read()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n{text}")
    return first, time.perf_counter() - start, text


def measure(command: list[str], name: str) -> list[tuple[Any, ...]]:
    rows = []
    with TemporaryDirectory() as cache:
        for which in ("first", "second"):
            first, whole, text = run(command, cache)
            compiled, located = said("compiled", text), said("located", text)
            rows.append((name, which, f"{first:.2f}", compiled, located, f"{whole:.1f}"))
    return rows


def write_tables(folder: Path) -> list[str]:
    """Forest fires as two CSV files: the command line's arguments."""
    fires = load("forest_fires")
    cut = len(fires.X) * 4 // 5
    for name, rows in (("train.csv", fires.X[:cut]), ("new.csv", fires.X[cut:])):
        lines = [",".join(fires.columns), *(",".join(map(repr, r.tolist())) for r in rows)]
        (folder / name).write_text("\n".join(lines) + "\n")
    return [str(folder / "train.csv"), str(folder / "new.csv")]


def main() -> None:
    p = parser(__doc__)
    p.parse_args()
    with TemporaryDirectory() as folder:
        rows = measure(["demo"], "`hullwise demo`")
        rows += measure(["locate", *write_tables(Path(folder))], "`hullwise locate`")
    show(
        ("command", "run", "first line, s", "compiling, s", "locating, s", "whole, s"), rows, left=2
    )
    late = max(float(row[2]) for row in rows)
    again = [row[3] for row in rows if row[1] == "second"]
    print(f"Target: the first line within 1 s. Latest: {late:.2f} s. Met: {met(late <= 1)}.")
    print(
        "Target: no compiling in a second run. "
        f"Met: {met(all(seconds == NOTHING for seconds in again))}."
    )


if __name__ == "__main__":
    main()
