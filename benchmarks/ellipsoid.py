"""Time of the smallest enclosing ellipsoid, against plain Khachiyan in the same run.

    python benchmarks/ellipsoid.py                    # n = 60,000 Gaussian rows, d = 10, 50, 200
    python benchmarks/ellipsoid.py --d 10 --peer-seconds 5

hullwise goes to a relative gap of 1e-6. Plain Khachiyan (coordinate ascent over all rows with
rank-one updates, no away steps) does not get there in any useful time: it is stopped at a gap of
1e-2 or when its seconds are over, and the column "peer gap" says how far it came. So the ratio,
CPU time of the peer over CPU time of hullwise, is in the peer's favour.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from _measure import clocked

from hullwise.geometry.cloud import Cloud
from hullwise.geometry.ellipsoid import smallest_ellipsoid


def khachiyan(X, gap_wanted: float, seconds: float) -> tuple[float, int]:
    """Relative gap reached by plain Khachiyan steps, and their number."""
    n, d = X.shape
    p = d + 1
    Z = np.c_[X, np.ones(n)]
    inverse = np.linalg.inv(Z.T @ Z / n)
    kappa = np.einsum("ij,jk,ik->i", Z, inverse, Z, optimize=True)
    start, steps = time.process_time(), 0
    while True:
        j = int(kappa.argmax())
        gap = kappa[j] / p - 1
        if gap <= gap_wanted or time.process_time() - start > seconds:
            return float(gap), steps
        beta = (kappa[j] - p) / (p * (kappa[j] - 1))
        g = inverse @ Z[j]
        t = beta / (1 - beta + beta * kappa[j])
        kappa = (kappa - t * np.square(Z @ g)) / (1 - beta)
        inverse = (inverse - t * np.outer(g, g)) / (1 - beta)
        steps += 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=60_000)
    parser.add_argument("--d", type=int, nargs="+", default=[10, 50, 200])
    parser.add_argument("--tolerance", type=float, default=1e-6)
    parser.add_argument("--peer-gap", type=float, default=1e-2)
    parser.add_argument("--peer-seconds", type=float, default=20.0)
    args = parser.parse_args()
    print("| n | d | seconds | CPU s | gap | support | verified | peer CPU s | peer gap | ratio |")
    print("|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
    for d in args.d:
        X = np.random.default_rng(0).normal(size=(args.n, d))
        cloud = Cloud(X, copy=False)
        run = clocked(lambda c=cloud: smallest_ellipsoid(c, tolerance=args.tolerance))
        E, wall, cpu = run.result, run.wall, run.cpu
        right = "yes" if E.verify(cloud) else "NO"
        plain = clocked(lambda X=X: khachiyan(X, args.peer_gap, args.peer_seconds))
        peer, peer_cpu = plain.result, plain.cpu
        print(
            f"| {args.n:,} | {d} | {wall:.3f} | {cpu:.3f} | {E.gap:.1e} | {len(E.support):,} "
            f"| {right} | {peer_cpu:.2f} | {peer[0]:.1e} | {peer_cpu / cpu:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
