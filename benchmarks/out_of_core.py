"""Verdicts against a Parquet file larger than memory: time against bare reading, and memory.

    python benchmarks/out_of_core.py                     # writes 2 GB to a temporary folder
    python benchmarks/out_of_core.py --gigabytes 20

Gaussian float64 rows, which no codec makes smaller, in row groups of 122,880 rows with pyarrow's
default settings (snappy; a dictionary is tried for each column and given up) or without both
(`--plain`, the fastest to read). A tenth of the queries lies near the middle, the others outside.

A pass is counted wherever rows of the file are decoded, whatever for: one when the cloud is built,
one for each round of the solver, one more for each round to fetch the rows it proposes (rows of
Parquet cannot be had singly), those of the last proofs. Bare reading is pyarrow alone,
`read_row_group` by as many threads as there are processors, each with a handle of its own and
every second group; nothing is done with what was read. It is timed before and after.

The file's pages are dropped from the system's cache before each step (`posix_fadvise`); within a
step of several passes they may be found there again, as far as there is memory for them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from _measure import clocked, forget_peak, memory, met, parser, show, verified, warm

import hullwise as hw
from hullwise._core.threads import cpu_count
from hullwise.geometry.pricing import price
from hullwise.io.file_rows import ParquetRows

GROUP = 122_880
LIMIT = 2e9
PART = 4  # the product alone is timed on so much less and multiplied


def write(path: Path, n: int, d: int, plain: bool) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(0)
    names = [f"x{j}" for j in range(d)]
    schema = pa.schema([(c, pa.float64()) for c in names])
    options = {"compression": "none", "use_dictionary": False} if plain else {}
    with pq.ParquetWriter(path, schema, **options) as writer:
        for start in range(0, n, GROUP):
            columns = list(rng.standard_normal((d, min(GROUP, n - start))))
            writer.write_table(pa.table(columns, names=names), row_group_size=GROUP)


def drop(path: Path) -> None:
    """Let the system forget the file's pages."""
    if hasattr(os, "posix_fadvise"):
        with path.open("rb") as stream:
            os.fsync(stream.fileno())
            os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def bare(path: Path) -> None:
    """Read and decode every row group, and do nothing with it."""
    import pyarrow.parquet as pq

    metadata = pq.ParquetFile(path).metadata

    def read(first: int) -> None:
        file = pq.ParquetFile(path, metadata=metadata, pre_buffer=False)
        for g in range(first, file.num_row_groups, cpu_count()):
            file.read_row_group(g, use_threads=False)

    with ThreadPoolExecutor(cpu_count()) as pool:
        list(pool.map(read, range(cpu_count())))


class Counted:
    """Counts the rows that a `ParquetRows` decodes, and the CPU time its threads take for it."""

    def __init__(self, rows: ParquetRows) -> None:
        self.rows, self.cpu = Counter[str](), 0.0
        self.n = rows.n
        unit = rows._units

        def counting(what: str, work: Any) -> Any:
            def counted(g: int, *more: Any) -> Any:
                began = time.thread_time()
                values = work(g, *more)
                self.cpu += time.thread_time() - began
                self.rows[what] += unit.sizes[g]
                return values

            return counted

        unit.read, unit.take = counting("walk", unit.read), counting("take", unit.take)
        rows._groups._load = unit.read

    def passes(self, *kinds: str) -> float:
        return sum(self.rows[k] for k in kinds or self.rows) / self.n


class Still:
    """As many rows, but always the same ones: a pass over them costs no reading."""

    seekable, columns = True, None

    def __init__(self, values: Any, n: int) -> None:
        self.values, self.n, self.d, self.dtype = values, n, values.shape[1], values.dtype

    def block(self, start: int, stop: int) -> Any:
        low = start % (len(self.values) - (stop - start))
        return self.values[low : low + stop - start]

    def take(self, rows: Any) -> Any:
        return self.values[rows % len(self.values)]


def main() -> None:
    p = parser(__doc__)
    p.add_argument("--gigabytes", type=float, default=2.0, help="of decoded numbers")
    p.add_argument("--d", type=int, default=50)
    p.add_argument("--m", type=int, default=1000)
    p.add_argument("--plain", action="store_true", help="no compression, no dictionary")
    p.add_argument("--folder", type=Path, help="where to write, if not to a temporary folder")
    p.add_argument("--keep", action="store_true", help="leave the file there; it is used again")
    p.add_argument("--write", type=Path, help="write this file and end")
    args = p.parse_args()
    n = int(args.gigabytes * 1e9 / (8 * args.d))
    if args.write:
        write(args.write, n, args.d, args.plain)
        return
    with tempfile.TemporaryDirectory() as own:
        folder = args.folder or Path(own)
        kind = "plain" if args.plain else "snappy"
        path = folder / f"rows_{args.gigabytes:g}_{args.d}_{kind}.parquet"
        free = shutil.disk_usage(folder).free
        if not path.exists() and free < 1.5e9 * args.gigabytes:
            raise SystemExit(f"{folder} has {free / 1e9:.0f} GB free: too little.")
        try:
            if not path.exists():  # in another process: its memory is not ours
                command = [sys.executable, __file__, "--write", str(path)]
                command += ["--gigabytes", str(args.gigabytes), "--d", str(args.d)]
                subprocess.run(command + ["--plain"] * args.plain, check=True)
            measure(path, args.m)
        finally:
            if not args.keep:
                path.unlink(missing_ok=True)


def measure(path: Path, m: int) -> None:
    warm()
    load = os.getloadavg()[0]
    drop(path)
    first = clocked(lambda: bare(path))
    drop(path)
    forget_peak()
    rows = ParquetRows(path)
    n, d = rows.n, rows.d
    rng = np.random.default_rng(1)
    Q = rng.standard_normal((m, d))
    Q[: m // 10] *= 0.3
    Q[m // 10 :] *= 1.5
    count = Counted(rows)
    steps = []

    def step(what: str, work: Any, product: str = "") -> Any:
        before = count.cpu, count.passes("walk"), count.passes("take")
        run = clocked(work)
        walked, taken = count.passes("walk") - before[1], count.passes("take") - before[2]
        cells = (f"{walked:.2f}", f"{taken:.2f}", f"{run.wall:.1f}", f"{run.cpu:.1f}")
        steps.append((what, *cells, f"{count.cpu - before[0]:.1f}"))
        return run

    opened = step("build the cloud", lambda: hw.Cloud(rows))
    cloud = opened.result
    drop(path)
    found = step("verdicts", lambda: hw.locate(cloud, Q, membership_only=True))
    peak = memory("VmHWM")
    verdict = found.result.verdict
    passes, took = count.passes(), opened.wall + found.wall
    drop(path)
    second = clocked(lambda: bare(path))
    size, reading = 8e-9 * n * d, (first.wall + second.wall) / 2
    print(
        f"{n:,} rows of {d} features, {size:.1f} GB of float64 in {rows.n_groups} row groups; the "
        f"file has {path.stat().st_size / 1e9:.1f} GB. {m:,} queries: {(verdict > 0).sum():,} "
        f"inside, {(verdict < 0).sum():,} outside, {(verdict == 0).sum():,} undecided. "
        f"{cpu_count()} threads; load average before: {load:.1f}.\n"
    )
    head = ("step", "passes in order", "for single rows", "wall, s", "CPU, s", "of it decoding")
    show(head, steps)
    still = hw.Cloud(Still(rows.block(0, min(GROUP, n)), n // PART))
    view = still.view_in(still.metric(None))
    product = clocked(lambda: price(view, Q, None, True))
    ratio = took / (passes * reading)
    work, least = opened.cpu + found.cpu, passes * (first.cpu + second.cpu) / 2
    show(
        ("what", "measured", "target", "met"),
        [
            ("bare reading before, wall s (CPU s)", f"{first.wall:.1f} ({first.cpu:.1f})", "", ""),
            ("bare reading after, wall s (CPU s)", f"{second.wall:.1f} ({second.cpu:.1f})", "", ""),
            (
                f"one product with all {m:,} queries, rows that need no reading, wall s (CPU s)",
                f"{PART * product.wall:.1f} ({PART * product.cpu:.1f})",
                "",
                "",
            ),
            ("passes", f"{passes:.2f}", "", ""),
            ("all passes / as many bare readings", f"{ratio:.2f}", "1.5", met(ratio <= 1.5)),
            ("the same in CPU time", f"{work / least:.2f}", "", ""),
            ("peak memory (VmHWM), MB", f"{peak / 1e6:.0f}", "2,000", met(peak < LIMIT)),
        ],
    )
    right, asked = verified(found.result, cloud, 50)
    print(f"Random queries whose proofs `verify` accepts: {right} of {asked}.")


if __name__ == "__main__":
    main()
