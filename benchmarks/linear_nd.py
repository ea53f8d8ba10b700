"""hullwise's LinearNDInterpolator against SciPy's: the same call in one process, as ratios.

    python benchmarks/linear_nd.py                       # d = 2 to 4, 100,000 queries
    python benchmarks/linear_nd.py --queries 1000000 --d 2

Uniform points in the unit cube. Queries at random places of the cube shrunk by 5 % ("random"), the
same in the order of a grid's rows ("in order"), and random ones of the cube grown by 20 %
("beyond", 31 % and more of them outside). Both sides build and answer, SciPy with one BLAS thread,
which is its best case: more only spin. CPU seconds; each the best of the repeats.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from _measure import clocked, parser, show
from scipy.interpolate import LinearNDInterpolator
from threadpoolctl import threadpool_limits

import hullwise as hw

HEAD = (
    "d",
    "n",
    "queries",
    "scipy, s",
    "hullwise, s",
    "scipy / hullwise",
    "its queries only",
    "same value",
    "left to the search",
)


def scene(n: int, d: int, m: int, kind: str) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng([n, d])
    X, Q = rng.random((n, d)), rng.random((m, d))
    if kind == "in order":
        side = int(np.ceil(m ** (1 / d)))
        axes = [np.linspace(0, 1, side)] * d
        Q = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, d)[:m]
    grown = 1.2 if kind == "beyond" else 0.95
    return X, np.cos(3 * X).sum(axis=1), 0.5 + grown * (Q - 0.5)


def side(make: Any, X: Any, y: Any, Q: Any, repeats: int) -> tuple[float, float, Any]:
    """CPU seconds of all, of the queries alone, and the values."""
    best, queries, values = np.inf, np.inf, None
    for _ in range(repeats):
        built = clocked(lambda: make(X, y))
        asked = clocked(lambda built=built: built.result(Q))
        best, queries = min(best, built.cpu + asked.cpu), min(queries, asked.cpu)
        values = asked.result
    return best, queries, values


def line(n: int, d: int, m: int, kind: str, repeats: int) -> tuple[Any, ...]:
    X, y, Q = scene(n, d, m, kind)
    with threadpool_limits(1, user_api="blas"):
        theirs = side(LinearNDInterpolator, X, y, Q, repeats)
    ours = side(hw.LinearNDInterpolator, X, y, Q, repeats)
    same = np.isclose(theirs[2], ours[2], rtol=1e-9, atol=1e-9, equal_nan=True)
    interp = hw.LinearNDInterpolator(X, y)
    located = interp._triangulation.locate(Q)
    return (
        d,
        f"{n:,}",
        f"{len(Q):,} {kind}",
        f"{theirs[0]:.2f}",
        f"{ours[0]:.2f}",
        f"{theirs[0] / ours[0]:.2f}",
        f"{theirs[1] / ours[1]:.2f}",
        f"{int(same.sum()):,} of {len(Q):,}",
        int((~located.inside & ~located.outside).sum()),
    )


def main() -> None:
    p = parser(__doc__)
    p.add_argument("--queries", type=int, default=100_000)
    p.add_argument("--d", type=int, nargs="+", default=[2, 3, 4])
    p.add_argument("--repeats", type=int, default=3)
    args = p.parse_args()
    sizes = {2: [1000, 10_000, 100_000], 3: [1000, 10_000, 50_000], 4: [1000, 5000]}
    rows = []
    hw.LinearNDInterpolator(np.random.default_rng(0).random((30, 2)), np.zeros(30))(
        np.zeros((9, 2))
    )
    for d in args.d:
        for n in sizes[d]:
            for kind in ("random", "in order", "beyond"):
                rows.append(line(n, d, args.queries, kind, args.repeats))
    show(HEAD, rows)


if __name__ == "__main__":
    main()
