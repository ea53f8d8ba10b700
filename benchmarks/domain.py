"""A kept domain: one row at a time, a batch, opening its file, fitting, compiling.

    python benchmarks/domain.py
    python benchmarks/domain.py --large 10000000      # also rows of Parquet, and a file of 1 GB

Numbers are standard normal, new rows 1.2 times as wide. One row at a time: a dictionary to
`Domain.locate_one`, an array (1, d) to scikit-learn's IsolationForest (`score_samples`) and
NearestNeighbors (5 neighbours), all at their defaults with one job. CPU seconds of all threads, in
one process, the three in turn; medians, the 99th percentile, and the ratio of medians. The batch
has 1,000 rows; its bands are not compared here: these three say different things.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from _measure import MIB, clocked, forget_peak, memory, met, parser, repeated, show, warm

SHAPES = ((1_000, 10, 2.0), (5_000, 20, 5.0), (100_000, 10, 15.0))  # and the target, ms
N_ONE_BY_ONE, N_BATCH, N_WARM_UP = 300, 1_000, 20
N_LARGE_COLUMNS = 13  # of ten million rows: 1 GB
ONE_HOT_SIZES = (5, 8, 5, 16, 7, 14, 6, 5, 2, 5, 5, 5, 36, 4)  # 123 columns
COMPILE = """
import time, numpy
import hullwise.geometry.locate
from hullwise.geometry.warm_up import compile_locate
start = time.process_time()
compile_locate()
print(time.process_time() - start)
"""


def seconds_of_each(work: Callable[[Any], Any], items: list[Any]) -> Any:
    """CPU seconds of each call, after a few that are not counted."""
    for item in items[:N_WARM_UP]:
        work(item)
    seconds = []
    for item in items:
        start = time.process_time()
        work(item)
        seconds.append(time.process_time() - start)
    return np.array(seconds)


def peers(X: Any) -> dict[str, Callable[[Any], Any]]:
    from sklearn.ensemble import IsolationForest
    from sklearn.neighbors import NearestNeighbors

    forest = IsolationForest(random_state=0).fit(X)
    neighbours = NearestNeighbors(n_neighbors=5).fit(X)
    return {"IsolationForest": forest.score_samples, "NearestNeighbors": neighbours.kneighbors}


def one_shape(n: int, d: int) -> tuple[list[list[Any]], float, float]:
    """Lines for one row at a time and a batch; median and 99th percentile of `locate_one`, ms."""
    import hullwise as hw

    rng = np.random.default_rng([n, d])
    names = [f"x{j}" for j in range(d)]
    X = rng.normal(size=(n, d))
    Q = 1.2 * rng.normal(size=(N_BATCH, d))
    domain = hw.Domain().fit(_table(names, X))
    records = [dict(zip(names, q.tolist(), strict=True)) for q in Q[:N_ONE_BY_ONE]]
    works = peers(X)
    one = {"locate_one": seconds_of_each(domain.locate_one, records)}
    for name, work in works.items():
        one[name] = seconds_of_each(work, [q[None] for q in Q[:N_ONE_BY_ONE]])
    domain.locate(_table(names, Q[:2]))
    batch = {"locate_one": repeated(lambda: domain.locate(_table(names, Q)), 3).cpu}
    batch |= {name: repeated(lambda w=work: w(Q), 3).cpu for name, work in works.items()}
    own, own_batch = float(np.median(one["locate_one"])), batch["locate_one"]
    lines = [
        [
            f"{n:,} x {d}",
            "hullwise" if name == "locate_one" else name,
            f"{1e3 * float(np.median(seconds)):.2f}",
            f"{1e3 * float(np.quantile(seconds, 0.99)):.2f}",
            f"{own / float(np.median(seconds)):.2f}",
            f"{1e3 * batch[name] / N_BATCH:.3f}",
            f"{own_batch / batch[name]:.2f}",
        ]
        for name, seconds in one.items()
    ]
    return lines, 1e3 * own, 1e3 * float(np.quantile(one["locate_one"], 0.99))


def _table(names: list[str], X: Any) -> Any:
    import pyarrow as pa

    return pa.table(dict(zip(names, X.T, strict=True)))


def one_row() -> None:
    lines, targets = [], []
    for n, d, most in SHAPES:
        own, median, late = one_shape(n, d)
        lines += own
        targets.append(
            f"Target at {n:,} x {d}: median within {most:g} ms. It is {median:.2f}. Met: "
            f"{met(median <= most)}. 99th percentile within 3 medians: {late / median:.2f}. Met: "
            f"{met(late <= 3 * median)}."
        )
    head = ("rows", "what", "one row, ms", "99th, ms", "ratio", "a row of 1,000, ms", "ratio")
    show(head, lines, left=2)
    print("The ratios are hullwise's CPU time divided by that of each.\n")
    print("\n".join(targets) + "\n")


def compiling() -> None:
    with TemporaryDirectory() as cache:
        run = subprocess.run(
            [sys.executable, "-c", COMPILE],
            env={**os.environ, "NUMBA_CACHE_DIR": cache},
            capture_output=True,
            text=True,
            check=True,
        )
    cpu = float(run.stdout)
    print(
        f"Target: compiling what locate needs within 6 s of CPU. {cpu:.1f}. Met: {met(cpu <= 6)}."
    )


def one_hot(n: int = 12_000) -> Any:
    """Fourteen categories as 123 columns of 0 and 1."""
    import pyarrow as pa

    rng = np.random.default_rng(0)
    columns = {}
    for k, size in enumerate(ONE_HOT_SIZES):
        level = rng.choice(size, n, p=rng.dirichlet(np.full(size, 0.7)))
        columns |= {f"c{k}_{j}": (level == j).astype(np.int64) for j in range(size)}
    return pa.table(columns)


def fitting() -> None:
    import hullwise as hw

    table = one_hot()
    hw.Domain(reference=5).fit(table.slice(0, 200))
    cpu = repeated(lambda: hw.Domain().fit(table), 3).cpu
    print(f"Target: 12,000 x 123 fitted within 3 s of CPU. {cpu:.2f}. Met: {met(cpu <= 3)}.")


def write_parquet(path: Path, n: int, d: int) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng, names = np.random.default_rng(0), [f"x{j}" for j in range(d)]
    schema = pa.schema([(name, pa.float64()) for name in names])
    with pq.ParquetWriter(path, schema) as writer:
        for start in range(0, n, 1 << 20):
            X = rng.normal(size=(min(1 << 20, n - start), d))
            writer.write_table(_table(names, X))


def large(n: int) -> None:
    """Rows of Parquet fitted and located, and the file of what was fitted opened."""
    import hullwise as hw

    with TemporaryDirectory() as folder:
        path = Path(folder) / "rows.parquet"
        write_parquet(path, n, N_LARGE_COLUMNS)
        rng = np.random.default_rng(1)
        Q = 1.2 * rng.normal(size=(N_BATCH, N_LARGE_COLUMNS))
        new = _table([f"x{j}" for j in range(N_LARGE_COLUMNS)], Q)
        before = memory("VmRSS")
        forget_peak()
        fit = clocked(lambda: hw.Domain().fit(path))
        fit_peak = memory("VmHWM") - before
        forget_peak()
        located = clocked(lambda: fit.result.locate(new))
        peak = memory("VmHWM") - before
        kept = Path(folder) / "rows.hull"
        fit.result.save(kept)
        size = kept.stat().st_size
        opened = repeated(lambda: hw.load(kept), 9)
        rows = [
            [f"fit {n:,} x {N_LARGE_COLUMNS}", f"{fit.cpu:.1f}", f"{fit_peak / MIB:,.0f}"],
            [f"locate {N_BATCH:,} rows", f"{located.cpu:.1f}", f"{peak / MIB:,.0f}"],
        ]
        show(("what", "CPU, s", "peak beyond the start, MiB"), rows)
        most = max(opened.wall, opened.cpu)
        print(
            f"Target: a file of {size / 1e9:.2f} GB opened within .1 s. {1e3 * most:.1f} ms. Met: "
            f"{met(most <= 0.1)}."
        )


def main() -> None:
    p = parser(__doc__)
    p.add_argument("--large", type=int, metavar="ROWS", help="rows of a Parquet file, as well")
    options = p.parse_args()
    warnings.simplefilter("ignore")
    warm()
    one_row()
    compiling()
    fitting()
    if options.large:
        large(options.large)


if __name__ == "__main__":
    main()
