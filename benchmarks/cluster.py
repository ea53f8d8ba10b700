"""Rows on a Dask cluster of two workers on this machine, against one array in memory.

    python benchmarks/cluster.py

Two worker processes of one thread each hold half of the rows; the array is scanned by two threads.
A pass asks 1,000 directions in float32, an empty round asks for a number only: what a round costs
beyond the work. Median of the repeats; wall seconds, since the workers are other processes.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from _measure import compile_first, parser, repeated, show

HEAD = ("rows", "what", "cluster, s", "one array, s", "ratio")


def count(rows: Any, start: int) -> int:
    return int(rows.n)


def main() -> None:
    p = parser(__doc__)
    p.add_argument("--n", type=int, nargs="+", default=[500_000, 5_000_000])
    p.add_argument("--d", type=int, default=20)
    p.add_argument("--repeat", type=int, default=7)
    options = p.parse_args()
    from distributed import Client, LocalCluster

    compile_first()
    quiet: dict[str, Any] = {"dashboard_address": None, "silence_logs": 50, "host": "127.0.0.1"}
    with (
        tempfile.TemporaryDirectory() as folder,
        LocalCluster(n_workers=2, threads_per_worker=1, processes=True, **quiet) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        lines = []
        for n in options.n:
            lines += measure(client, Path(folder) / "rows.npy", n, options.d, options.repeat)
        show(HEAD, lines, left=2)


def measure(client: Any, path: Path, n: int, d: int, times: int) -> list[tuple[Any, ...]]:
    import hullwise as hw
    from hullwise.geometry.pricing import price

    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, d), dtype=np.float32)
    np.save(path, X)
    U, Q = rng.normal(size=(1000, d)), 0.7 * rng.normal(size=(200, d))
    made = repeated(lambda: hw.ClusterRows(client, path), 1)
    rows = made.result
    clouds = hw.Cloud(rows), hw.Cloud(X, copy=False)
    views = [cloud.view_in(cloud.metric(None)) for cloud in clouds]
    U = views[0].float32_directions(U)

    def line(what: str, there: float, here: float | None) -> tuple[Any, ...]:
        cells = ("", "") if here is None else (f"{here:.3f}", f"{there / here:.2f}")
        return (f"{n:,}", what, f"{there:.3f}", *cells)

    empty = repeated(lambda: rows.ask(count), times)
    passes = [repeated(lambda view=view: price(view, U, single=True), times) for view in views]
    asked = rows.rounds
    located = [
        repeated(lambda cloud=cloud: hw.locate(cloud, Q, membership_only=True), 1)
        for cloud in clouds
    ]
    rounds = rows.rounds - asked
    there, here = (one.result for one in located)
    same = (there.verdict == here.verdict).all() and (there.lower == here.lower).all()
    return [
        line("workers read the file", made.wall, None),
        line("an empty round", empty.wall, None),
        line("a pass, 1,000 directions", passes[0].wall, passes[1].wall),
        line(
            f"membership of 200 queries, {rounds} rounds, "
            f"{'every bit the same' if same else 'DIFFERENT'}",
            located[0].wall,
            located[1].wall,
        ),
    ]


if __name__ == "__main__":
    main()
