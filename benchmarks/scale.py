"""Delaunay weights among a million rows: time, passes over the data and peak memory.

    python benchmarks/scale.py                        # n = 1,000,000, d = 20, 1,000 queries
    python benchmarks/scale.py --n 100000 --m 100

Gaussian and uniform rows, as float64 and as float32, queries of the same distribution. Each case
runs in a process of its own. A pass prices every row for all queries that are still open; peak
memory is what fitting and asking gained at most over what the process held with the data and all
modules loaded. Afterwards every query is asked for its simplex, and `Simplices.verify` checks it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import numpy as np
from _measure import MIB, clocked, forget_peak, memory, parser, show, warm_interpolants

HEAD = (
    "rows",
    "type",
    "data, MB",
    "inside",
    "fit, s",
    "weights, wall s",
    "CPU s",
    "passes",
    "passes a query",
    "peak, MB",
    "peak / data",
    "verified",
)


def count_passes() -> list[int]:
    """A list that grows by the number of queries at every pass over the data."""
    from hullwise.geometry import pricing

    passes: list[int] = []
    scan = pricing._scan

    def counted(view: Any, directions: Any, *rest: Any) -> None:
        passes.append(len(directions))
        scan(view, directions, *rest)

    pricing._scan = counted
    return passes


def rows_of(kind: str, n: int, d: int, seed: int, dtype: str) -> Any:
    rng = np.random.default_rng(seed)
    draw = rng.standard_normal if kind == "Gaussian" else rng.random
    return draw((n, d), dtype=np.dtype(dtype).type)


def measure(kind: str, dtype: str, n: int, d: int, m: int) -> None:
    """One case, in a process of its own: prints the cells of its line."""
    import hullwise as hw

    warm_interpolants(["DelaunayRegressor"])
    X, Q = rows_of(kind, n, d, 0, dtype), rows_of(kind, m, d, 1, dtype)
    y = X[:, 0].astype(np.float64)
    passes = count_passes()
    forget_peak()
    before = memory("VmRSS")
    fitted = clocked(lambda: hw.DelaunayRegressor(metric=None).fit(X, y))
    told = clocked(lambda: fitted.result.weights(Q))
    peak, seen = memory("VmHWM") - before, passes.copy()
    away = np.abs(told.result @ X - Q).max(axis=1)
    right = fitted.result.simplices(Q).verify(X)
    cells = (
        kind,
        dtype,
        f"{X.nbytes / MIB:.0f}",
        f"{(away < 1e-9).mean():.3f}",
        f"{fitted.wall:.2f}",
        f"{told.wall:.1f}",
        f"{told.cpu:.1f}",
        len(seen),
        f"{sum(seen) / m:.1f}",
        f"{peak / MIB:.0f}",
        f"{peak / X.nbytes:.2f}",
        f"{int(right.sum()):,} of {m:,}",
    )
    print(json.dumps(cells))


def main() -> None:
    p = parser(__doc__)
    p.add_argument("--n", type=int, default=1_000_000)
    p.add_argument("--d", type=int, default=20)
    p.add_argument("--m", type=int, default=1000)
    p.add_argument("--kind", nargs="+", choices=["Gaussian", "uniform"])
    p.add_argument("--type", nargs="+", choices=["float64", "float32"])
    p.add_argument("--case", nargs=2, help="for the processes themselves")
    args = p.parse_args()
    if args.case:
        measure(*args.case, args.n, args.d, args.m)
        return
    lines = []
    for kind in args.kind or ("Gaussian", "uniform"):
        for dtype in args.type or ("float64", "float32"):
            sizes = [f"--{key}={getattr(args, key)}" for key in ("n", "d", "m")]
            command = [sys.executable, __file__, *sizes, "--case", kind, dtype]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            lines.append(json.loads(done.stdout))
    print(f"{args.n:,} rows of {args.d} features, {args.m:,} queries.\n")
    show(HEAD, lines, left=2)


if __name__ == "__main__":
    main()
