"""A night's batch: a million rows against a kept domain of 100,000 rows and 20 columns.

    python benchmarks/night_batch.py
    python benchmarks/night_batch.py --rows 100000

Training rows are standard normal, new rows 1.2 times as wide: nearly all of them lie outside the
hull, and no column tells rows apart better than another, which is the hardest case for a search.
A process of its own loads the file of the domain, reads the Parquet file of new rows in batches of
100,000, locates each, and appends bands, distances, reasons, nearest rows and sentences to another
Parquet file. CPU seconds are those of all threads.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from _measure import compile_first, met, parser, show

N_TRAINING, N_COLUMNS, BATCH_ROWS = 100_000, 20, 100_000
TARGET_SECONDS, TARGET_BYTES = 120.0, 2e9
NAMES = [f"c{j}" for j in range(N_COLUMNS)]


def write_rows(path: Path, n: int, scale: float, seed: int) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng, writer = np.random.default_rng(seed), None
    for start in range(0, n, BATCH_ROWS):
        X = scale * rng.normal(size=(min(BATCH_ROWS, n - start), N_COLUMNS))
        table = pa.table(dict(zip(NAMES, X.T)))
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    assert writer is not None
    writer.close()


def locate_batches(domain: str, new: str, out: str) -> None:
    """The work itself, which prints its wall seconds, CPU seconds and peak bytes."""
    import pyarrow.parquet as pq

    import hullwise as hw

    start, cpu = time.perf_counter(), time.process_time()
    seen, writer = hw.load(domain), None
    for batch in pq.ParquetFile(new).iter_batches(BATCH_ROWS):
        answer = seen.locate(batch).to_frame()
        writer = writer or pq.ParquetWriter(out, answer.schema)
        writer.write_table(answer.cast(writer.schema))
    assert writer is not None
    writer.close()
    peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(time.perf_counter() - start, time.process_time() - cpu, peak)


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--rows", type=int, default=1_000_000)
    options.add_argument("--locate", nargs=3, help="domain, new rows, answer: the measured process")
    given = options.parse_args()
    if given.locate:
        locate_batches(*given.locate)
        return
    import hullwise as hw

    compile_first()
    with TemporaryDirectory() as folder:
        train, new = Path(folder, "train.parquet"), Path(folder, "new.parquet")
        write_rows(train, N_TRAINING, 1.0, 0)
        write_rows(new, given.rows, 1.2, 1)
        seen = Path(folder, "seen.hull")
        hw.Domain().fit(train).save(seen)
        line = [sys.executable, __file__, "--locate", str(seen), str(new), folder + "/out.parquet"]
        done = subprocess.run(line, check=True, capture_output=True, text=True)
        wall, cpu, peak = map(float, done.stdout.split())
    goal = TARGET_SECONDS * given.rows / 1e6
    show(
        ["rows", "s", "CPU s", "CPU ms a row", "within", "peak MB", "within 2 GB"],
        [
            [
                f"{given.rows:,}",
                f"{wall:.0f}",
                f"{cpu:.0f}",
                f"{1000 * cpu / given.rows:.3f}",
                f"{goal:.0f} s: {met(wall <= goal)}",
                f"{peak / 1e6:.0f}",
                met(peak <= TARGET_BYTES),
            ]
        ],
        left=0,
    )


if __name__ == "__main__":
    main()
