"""`locate` in a metric against the same call without.

    python benchmarks/metric.py

Uniform rows in [0, 1]^d, queries uniform in [-.25, 1.25]^d, everything that `locate` says (500 rows
left out for the bands). Three calls of each shape: plain; with M = R'R for a random rotation R, the
same geometry, so that the difference is the change of coordinates and nothing else; and with a
metric that a task may have: the AGOP of a random function of 4 turned directions, whose hull is
another hull, with other work to do. *Passes*: how many times all rows were priced, for as many
queries as were still open; *priced*: rows times directions, against the plain call.

CPU seconds, medians; the calls run in turn, round after round, on one thread (--threads). The ratio
is the median of the ratios round by round.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from statistics import median
from typing import Any
from unittest import mock

import numpy as np
from _measure import clocked, met, parser, show, warm

SHAPES = ((800, 10, 500), (10_000, 20, 500), (100_000, 16, 500), (60_000, 100, 500))
HEAD = ("n", "d", "metric", "CPU, s", "ratio", "least and largest", "passes", "priced")
BAR = 1.2


def turned(d: int, rng: Any) -> Any:
    return np.linalg.qr(rng.normal(size=(d, d)))[0]


def metrics(X: Any, rng: Any) -> dict[str, Any]:
    """None, a full matrix of the same geometry, and one that a task could have."""
    import hullwise as hw

    d = X.shape[1]
    R, along = turned(d, rng), turned(d, rng)[:4]

    def function(x: Any) -> Any:
        u = (x - 0.5) @ along.T
        return np.sin(4 * u[:, 0]) + u[:, 1] ** 2 + u[:, 2] * u[:, 3]

    return {"none": None, "R'R": R.T @ R, "AGOP": hw.task.agop(function, X[:800])}


def counted(work: Callable[[], Any]) -> tuple[int, float]:
    """Passes over all rows, and rows times directions priced, of one call."""
    from hullwise.data import _rounds
    from hullwise.data._scan import price as real

    seen = []

    def price(view: Any, U: Any, *rest: Any, **more: Any) -> Any:
        seen.append(view.n * len(U))
        return real(view, U, *rest, **more)

    with mock.patch.object(_rounds, "price", price):
        work()
    return len(seen), float(sum(seen))


def measured(n: int, d: int, m: int, repeat: int) -> tuple[list[Any], float]:
    """The table's lines for one shape, and the ratio of the pure change of coordinates."""
    import hullwise as hw

    rng = np.random.default_rng(0)
    X, Q = rng.uniform(size=(n, d)), rng.uniform(-0.25, 1.25, size=(m, d))

    def call(metric: Any) -> Callable[[], Any]:
        return lambda: hw.locate(X, Q, metric=metric)

    works = {name: call(metric) for name, metric in metrics(X, rng).items()}
    work = {name: counted(one) for name, one in works.items()}
    runs: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(repeat):
        for name, one in works.items():
            gc.collect()
            runs[name].append(clocked(one).cpu)
    lines, ratio = [], {}
    for name, cpu in runs.items():
        each = [a / b for a, b in zip(cpu, runs["none"], strict=True)]
        ratio[name] = median(each)
        passes, priced = work[name]
        line = [f"{n:,}", d, name, f"{median(cpu):.3g}", f"{ratio[name]:.2f}"]
        spread = f"{min(each):.2f} to {max(each):.2f}"
        lines.append([*line, spread, passes, f"{priced / work['none'][1]:.2f}"])
    return lines, ratio["R'R"]


def main() -> None:
    p = parser(__doc__)
    p.add_argument("--repeat", type=int, default=5)
    p.add_argument("--shrink", type=int, default=1, help="divide n and the queries by this")
    p.add_argument("--threads", type=int, default=1)
    options = p.parse_args()
    from threadpoolctl import threadpool_limits

    warm()
    rows, ratios = [], []
    with threadpool_limits(options.threads):
        for n, d, m in SHAPES:
            shape = n // options.shrink, d, m // options.shrink
            lines, ratio = measured(*shape, options.repeat)
            rows += lines
            ratios.append(ratio)
    show(HEAD, rows, left=3)
    most = max(ratios)
    print(
        f"Target: at most {BAR:g} times, for the change of coordinates alone (R'R). "
        f"Largest: {most:.2f}. Met: {met(most <= BAR)}."
    )


if __name__ == "__main__":
    main()
