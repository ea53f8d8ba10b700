"""`locate` in a metric against the same call without.

    python benchmarks/metric.py --data FOLDER       # with images of mnist.npz at the end
    python benchmarks/metric.py

Uniform rows in [0, 1]^d, queries uniform in [-.25, 1.25]^d, everything that `locate` says (500 rows
left out for the bands); with FOLDER also 20,000 float32 images, in the first two ways.

Calls of each shape: plain; with M = R'R for a random rotation R, the same geometry, so that the
difference is the change of coordinates and nothing else; with a metric that a task may have, L'L:
the AGOP of a function of 4 turned directions. Its hull is another hull, with other work to do; so
the plain call is also made on rows and queries that were mapped by L beforehand, the same hull
without a metric. *Passes*: how many times all rows were priced, for as many queries as were still
open; *priced*: rows times directions, against the plain call.

CPU seconds, medians; the calls run in turn, round after round, on one thread (--threads). The ratio
is the median of the ratios round by round.
"""

from __future__ import annotations

import gc
import warnings
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any
from unittest import mock

import numpy as np
from _measure import clocked, met, parser, read_mnist, show, warm

SHAPES = ((800, 10, 500), (10_000, 20, 500), (100_000, 16, 500), (60_000, 100, 500))
HEAD = ("n", "d", "metric", "CPU, s", "of none", "of the same hull", "passes", "priced")
PAIRS = {"R'R": "none", "AGOP": "none, mapped rows"}  # calls on one and the same hull
BAR = 1.2


def turned(d: int, rng: Any) -> Any:
    return np.linalg.qr(rng.normal(size=(d, d)))[0]


def uniform(n: int, d: int, m: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    return rng.uniform(size=(n, d)), rng.uniform(-0.25, 1.25, size=(m, d))


def calls(X: Any, Q: Any) -> dict[str, Callable[[], Any]]:
    """`locate` without a metric, in one of the same geometry, in a task's, on mapped rows."""
    import hullwise as hw

    rng, d = np.random.default_rng(1), X.shape[1]
    R, along = turned(d, rng), turned(d, rng)[:4]
    works: dict[str, Callable[[], Any]] = {
        "none": lambda: hw.locate(X, Q, metric=None),
        "R'R": lambda: hw.locate(X, Q, metric=R.T @ R),
    }
    if X.dtype == np.float32:
        return works

    def function(x: Any) -> Any:
        u = (x - 0.5) @ along.T
        return np.sin(4 * u[:, 0]) + u[:, 1] ** 2 + u[:, 2] * u[:, 3]

    M = hw.metrics.agop(function, X[:800])
    values, vectors = np.linalg.eigh(M)
    L = np.sqrt(values)[:, None] * vectors.T
    mapped = X @ L.T, Q @ L.T
    works["none, mapped rows"] = lambda: hw.locate(*mapped, metric=None)
    works["AGOP"] = lambda: hw.locate(X, Q, metric=M)
    return works


def counted(work: Callable[[], Any]) -> tuple[int, float]:
    """Passes over all rows, and rows times directions priced, of one call."""
    from hullwise.geometry import hull_projection
    from hullwise.geometry.pricing import price as real

    seen = []

    def price(view: Any, U: Any, *rest: Any, **more: Any) -> Any:
        seen.append(view.n * len(U))
        return real(view, U, *rest, **more)

    with mock.patch.object(hull_projection, "price", price):
        work()
    return len(seen), float(sum(seen))


def measured(X: Any, Q: Any, repeat: int) -> tuple[list[Any], list[float]]:
    """The table's lines for one table, and the two ratios of calls on one and the same hull."""
    works = calls(X, Q)
    work = {name: counted(one) for name, one in works.items()}
    runs: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(repeat):
        for name, one in works.items():
            gc.collect()
            runs[name].append(clocked(one).cpu)

    def ratios(name: str, base: str) -> list[float]:
        return [a / b for a, b in zip(runs[name], runs[base], strict=True)]

    lines, same = [], []
    for name, cpu in runs.items():
        passes, priced = work[name]
        line = [f"{len(X):,}", X.shape[1], name, f"{median(cpu):.3g}"]
        line += [f"{median(ratios(name, 'none')):.2f}", ""]
        if name in PAIRS:
            each = ratios(name, PAIRS[name])
            same.append(median(each))
            line[-1] = f"{same[-1]:.2f} ({min(each):.2f} to {max(each):.2f})"
        lines.append([*line, passes, f"{priced / work['none'][1]:.2f}"])
    return lines, same


def main() -> None:
    p = parser(__doc__)
    p.add_argument("--data", type=Path, metavar="FOLDER", help="folder of mnist.npz")
    p.add_argument("--repeat", type=int, default=5)
    p.add_argument("--shrink", type=int, default=1, help="divide n and the queries by this")
    p.add_argument("--threads", type=int, default=1)
    options = p.parse_args()
    from threadpoolctl import threadpool_limits

    import hullwise as hw

    warm()
    warnings.simplefilter("ignore", hw.DataWarning)  # some pixels are never used
    tables = [uniform(n // options.shrink, d, m // options.shrink) for n, d, m in SHAPES]
    if options.data is not None and (options.data / "mnist.npz").exists():
        images, asked = read_mnist(options.data)
        tables.append((images[: 20_000 // options.shrink], asked[: 300 // options.shrink]))
    rows: list[Any] = []
    ratios: list[float] = []
    with threadpool_limits(options.threads):
        for X, Q in tables:
            lines, same = measured(X, Q, options.repeat)
            rows += lines
            ratios += same
    show(HEAD, rows, left=3)
    most = max(ratios)
    print(
        f"Target: at most {BAR:g} times the call without a metric on the same hull. "
        f"Largest: {most:.2f}. Met: {met(most <= BAR)}."
    )


if __name__ == "__main__":
    main()
