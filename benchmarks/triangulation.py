"""Delaunay interpolation against scipy's LinearNDInterpolator, where that can run.

    python benchmarks/triangulation.py                # d = 2 to 6; n = 1,000, 10,000, 100,000
    python benchmarks/triangulation.py --n 1000 --d 2 3 --seconds 20

Uniform rows in the unit cube, 1,000 queries in its inner part, 0.2 to 0.8 along each axis. Each
side runs in a process of its own, under a limit of time and of memory. The first answer is
building (fitting) and one query; then all queries come in one call. Peak memory is what the
process gained at most over what it held with the data and all modules loaded.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from _measure import MIB, clocked, forget_peak, memory, parser, show, warm_interpolants

QUERIES = 1000
HEAD = (
    "d",
    "n",
    "first answer, s: scipy",
    "hullwise",
    "ms a query: scipy",
    "hullwise",
    "peak, MB: scipy",
    "hullwise",
    "same value",
    "all in all scipy is faster",
)


@dataclass(frozen=True)
class Side:
    """CPU seconds of the first answer and of each further one, peak bytes, and the values."""

    first: float
    each: float
    peak: float
    values: Any


def scene(n: int, d: int) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng([n, d])
    X = rng.random((n, d))
    return X, np.cos(3 * X).sum(axis=1), 0.2 + 0.6 * rng.random((QUERIES, d))


def maker(who: str) -> Any:
    """What builds an interpolant from (X, y), all its code loaded."""
    if who == "scipy":
        from scipy.interpolate import LinearNDInterpolator

        return LinearNDInterpolator
    import hullwise as hw

    warm_interpolants(["DelaunayRegressor"])
    return lambda X, y: hw.DelaunayRegressor(metric=None).fit(X, y).predict


def measure(who: str, n: int, d: int, gigabytes: float, out: str) -> None:
    """One side, in a process of its own: prints its numbers and writes its values to `out`."""
    make, (X, y, Q) = maker(who), scene(n, d)
    with suppress(ImportError):
        import resource

        used = memory("VmSize")
        resource.setrlimit(resource.RLIMIT_AS, (int(used + gigabytes * 2**30),) * 2)
    forget_peak()
    before = memory("VmRSS")
    built: list[Any] = []

    def first() -> Any:
        built.append(make(X, y))
        return built[0](Q[:1])

    start = clocked(first)
    rest = clocked(lambda: built[0](Q))
    np.save(out, rest.result)
    print(json.dumps([start.cpu, rest.cpu / QUERIES, memory("VmHWM") - before]))


def asked(who: str, n: int, d: int, seconds: float, gigabytes: float) -> Side | str:
    """One side's numbers, or why there are none."""
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / "values.npy")
        case = [who, str(n), str(d), str(gigabytes), out]
        command = [sys.executable, __file__, "--side", *case]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=seconds)
        except subprocess.TimeoutExpired:
            return f"over {seconds:.0f} s"
        if done.returncode:
            words = done.stderr.lower()
            if "memory" in words or "alloc" in words or done.returncode < 0:
                return f"over {gigabytes:.0f} GB"
            raise SystemExit(done.stderr)
        return Side(*json.loads(done.stdout), np.load(out))


def line(n: int, d: int, seconds: float, gigabytes: float, gone: str) -> tuple[Any, ...]:
    """One line of the table; `gone` says why scipy need not be asked any more."""
    a = gone or asked("scipy", n, d, seconds, gigabytes)
    b = asked("hullwise", n, d, seconds, gigabytes)
    if isinstance(b, str):
        raise SystemExit(f"hullwise, n={n}, d={d}: {b}")
    ours = f"{b.first:.3f}", f"{1e3 * b.each:.4f}", f"{b.peak / MIB:.0f}"
    if isinstance(a, str):
        return d, f"{n:,}", a, ours[0], "", ours[1], "", ours[2], "", "not run"
    close = np.abs(a.values - b.values) <= 1e-9
    if a.first <= b.first:
        wins = "always" if a.each <= b.each else "for few queries"
    else:
        wins = "never"
        if a.each < b.each:
            wins = f"from {(a.first - b.first) / (b.each - a.each):,.0f} queries"
    theirs = f"{a.first:.3f}", f"{1e3 * a.each:.4f}", f"{a.peak / MIB:.0f}"
    pairs = [cell for pair in zip(theirs, ours) for cell in pair]
    return d, f"{n:,}", *pairs, f"{int(close.sum()):,} of {QUERIES:,}", wins


def main() -> None:
    p = parser(__doc__)
    p.add_argument("--n", type=int, nargs="+", default=[1000, 10_000, 100_000])
    p.add_argument("--d", type=int, nargs="+", default=[2, 3, 4, 5, 6])
    p.add_argument("--seconds", type=float, default=120.0, help="limit of a process")
    p.add_argument("--gigabytes", type=float, default=8.0, help="limit of a process")
    p.add_argument("--side", nargs=5, help="for the processes themselves")
    args = p.parse_args()
    if args.side:
        who, n, d, gigabytes, out = args.side
        measure(who, int(n), int(d), float(gigabytes), out)
        return
    rows = []
    for d in args.d:
        gone = ""  # where one triangulation did not fit, a larger one will not
        for n in sorted(args.n):
            rows.append(line(n, d, args.seconds, args.gigabytes, gone))
            gone = "not tried" if rows[-1][-1] == "not run" else gone
    show(HEAD, rows)
    print(f"CPU times, {QUERIES:,} queries. A process had {args.seconds:.0f} s and ", end="")
    print(f"{args.gigabytes:.0f} GB. The last column counts the first answer and the queries.")


if __name__ == "__main__":
    main()
