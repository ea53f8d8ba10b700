"""Time against the number of rows, queries and dimensions, with fitted exponents.

    python benchmarks/growth.py
    python benchmarks/growth.py --repeat 5

Gaussian rows and queries. One of n, m, d varies while the others stay; the exponent is the slope
of log(seconds) against log(what varies), by least squares: 1 is linear. "Distances" are brackets
closed to 1e-6 relative, without bands and other definitions. All include building the cloud.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from _measure import parser, repeated, show, warm

import hullwise as hw
from hullwise.geometry.hull import locate_in_hull

SIZES = {
    "n": [2_500, 5_000, 10_000, 20_000, 40_000, 80_000],
    "m": [250, 500, 1_000, 2_000, 4_000],
    "d": [5, 10, 20, 40, 80, 160],
}


def membership(X: Any, Q: Any) -> Any:
    return hw.locate(X, Q, membership_only=True)


def distances(X: Any, Q: Any) -> Any:
    cloud = hw.Cloud(X, copy=False)
    return locate_in_hull(cloud, Q, cloud.metric(None))


def measure(n: int, m: int, d: int, times: int) -> tuple[float, float, float, float, float]:
    """Wall and CPU seconds for both questions, and the share inside."""
    rng = np.random.default_rng(d)
    X, Q = rng.normal(size=(n, d)), rng.normal(size=(m, d))
    a, b = repeated(lambda: membership(X, Q), times), repeated(lambda: distances(X, Q), times)
    return a.wall, a.cpu, b.wall, b.cpu, float((a.result.verdict == 1).mean())


def main() -> None:
    p = parser(__doc__)
    p.add_argument("--n", type=int, default=10_000)
    p.add_argument("--m", type=int, default=1000)
    p.add_argument("--d", type=int, default=20)
    p.add_argument("--shrink", type=int, default=1, help="divide n and m by this, to try it out")
    p.add_argument("--repeat", type=int, default=3)
    args = p.parse_args()
    warm()
    base = {"n": args.n // args.shrink, "m": args.m // args.shrink, "d": args.d}
    rows, slopes = [], []
    for name, sizes in SIZES.items():
        sizes = [s if name == "d" else s // args.shrink for s in sizes]
        times = np.array([measure(**{**base, name: s}, times=args.repeat) for s in sizes])
        for size, (a, a_cpu, b, b_cpu, inside) in zip(sizes, times):
            case = {**base, name: size}
            cells = [f"{case[key]:,}" for key in ("n", "m", "d")]
            seconds = [f"{x:.3f}" for x in (a, a_cpu, b, b_cpu)]
            rows.append((name, *cells, f"{inside:.3f}", *seconds))
        fit = [np.polyfit(np.log(sizes), np.log(times[:, k]), 1)[0] for k in range(4)]
        slopes.append((name, f"{sizes[0]:,} to {sizes[-1]:,}", *(f"{s:.2f}" for s in fit)))
    named = ("membership, s", "CPU s", "distances, s", "CPU s")
    show(("varies", "n", "m", "d", "inside", *named), rows)
    print("Fitted exponents:\n")
    show(("varies", "range", "membership", "its CPU", "distances", "its CPU"), slopes, left=2)


if __name__ == "__main__":
    main()
