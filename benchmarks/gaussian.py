"""Gaussian rows in few dimensions, and the hard cases: verdicts and times against HiGHS.

    python benchmarks/gaussian.py                    # n = 10,000 and, for hard cases, n = 60,000
    python benchmarks/gaussian.py --data FOLDER      # hard cases from FOLDER/mnist.npz instead

Gaussian: training rows and queries are independent draws from N(0, I). Hard cases: 9 to 40
dimensions and 60,000 rows, where queries lie near the boundary: centre patches of 3x3 to 6x6
pixels and 10 or 15 principal components of MNIST (float64, of the training images), or Gaussian
rows without `--data`. The LP is asked on the first queries of each table; where it and hullwise
differ, the certificate is judged in exact arithmetic and the row is listed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from _measure import (
    Clocked,
    lp_verdicts,
    met,
    parser,
    read_mnist,
    repeated,
    show,
    verified,
    warm,
)

import hullwise as hw
from hullwise.geometry.hull import locate_in_hull

HEAD = (
    "data",
    "n",
    "d",
    "inside",
    "undecided",
    "membership, ms a query",
    "CPU ms",
    "distances, ms a query",
    "CPU ms",
    "largest gap",
    "verified",
    "HiGHS, CPU ms a query",
    "LP queries",
    "differ",
    "ratio",
)
SAYS = {1: "inside", 0: "undecided", -1: "outside"}


def draws(n: int, m: int, dims: list[int]) -> Iterator[tuple[str, Any, Any]]:
    for d in dims:
        rng = np.random.default_rng(d)
        yield "Gaussian", rng.normal(size=(n, d)), rng.normal(size=(m, d))


def images(folder: Path, m: int) -> Iterator[tuple[str, Any, Any]]:
    X, Q = read_mnist(folder)
    Q = Q[:m]
    for side in (3, 4, 5, 6):
        at = slice((28 - side) // 2, (28 - side) // 2 + side)
        cut = [A.reshape(-1, 28, 28)[:, at, at].reshape(len(A), -1) for A in (X, Q)]
        yield f"patch {side}x{side}", *map(np.ascontiguousarray, cut)
    mean = X.mean(axis=0, dtype=np.float64)
    centred = X.astype(np.float64) - mean
    axes = np.linalg.eigh(centred.T @ centred)[1][:, ::-1]
    for k in (10, 15):
        yield f"{k} principal components", centred @ axes[:, :k], (Q - mean) @ axes[:, :k]


def distances(X: Any, Q: Any) -> Any:
    cloud = hw.Cloud(X, copy=False)
    return locate_in_hull(cloud, np.asarray(Q, dtype=np.float64), cloud.metric(None))


def measure(name: str, X: Any, Q: Any, peer: int, times: int) -> tuple[tuple[Any, ...], Any]:
    member = repeated(lambda: hw.locate(X, Q, membership_only=True), times)
    far = repeated(lambda: distances(X, Q), times)
    location, each = member.result, 1e3 / len(Q)
    right, checked = verified(location, X, len(Q))
    cells: list[Any] = [name, f"{len(X):,}", X.shape[1]]
    cells += [f"{(location.verdict == 1).mean():.4f}", int((location.verdict == 0).sum())]
    cells += [f"{member.wall * each:.3f}", f"{member.cpu * each:.3f}"]
    cells += [f"{far.wall * each:.3f}", f"{far.cpu * each:.3f}", f"{_gap(far):.0e}"]
    cells += [f"{right:,} of {checked:,}"]
    if not peer:
        return (*cells, "not run", 0, "", ""), []
    said = lp_verdicts(X, Q[:peer])
    differ = np.flatnonzero(said.verdict != location.verdict[:peer])
    cells += [f"{1e3 * said.cpu:.0f}", len(said.verdict), len(differ)]
    cells += [f"{1e3 * said.cpu / (member.cpu * each):,.0f}"]
    proofs = location[differ].verify(X, exact=True) if len(differ) else []
    listed = [
        (name, b, SAYS[int(location.verdict[b])], SAYS[int(said.verdict[b])], _judge(v, ok))
        for b, ok, v in zip(differ, proofs, location.verdict[differ])
    ]
    return tuple(cells), listed


def _gap(far: Clocked) -> float:
    """Largest upper - lower of the outside rows, relative to upper."""
    answer = far.result
    out = answer.verdict == -1
    return float(((answer.upper - answer.lower)[out] / answer.upper[out]).max(initial=0.0))


def _judge(verdict: int, ok: bool) -> str:
    if not ok:
        return "open: the certificate does not hold"
    return "hullwise, by its certificate" if verdict else "open: hullwise claims nothing"


def report(cases: Iterator[tuple[str, Any, Any]], peer: int, times: int) -> list[tuple[Any, ...]]:
    rows, differ = [], []
    for name, X, Q in cases:
        cells, listed = measure(name, X, Q, peer, times)
        rows.append(cells)
        differ += listed
    show(HEAD, rows)
    if differ:
        show(("data", "query", "hullwise", "HiGHS", "who is right"), differ, left=5)
    elif peer:
        print("hullwise and HiGHS agree on every query that both were asked.\n")
    return rows


def main() -> None:
    p = parser(__doc__)
    p.add_argument("--data", type=Path, metavar="FOLDER", help="folder of mnist.npz")
    p.add_argument("--n", type=int, default=10_000)
    p.add_argument("--m", type=int, default=1000)
    p.add_argument("--d", type=int, nargs="+", default=[5, 10, 20, 50])
    p.add_argument("--hard-n", type=int, default=60_000, help="0: no hard cases")
    p.add_argument("--peer", type=int, default=100, help="queries for HiGHS, Gaussian")
    p.add_argument("--hard-peer", type=int, default=10, help="queries for HiGHS, hard cases")
    p.add_argument("--repeat", type=int, default=3)
    args = p.parse_args()
    warm()
    print(f"{args.m:,} queries each; times are medians of {args.repeat} runs.\n")
    rows = report(draws(args.n, args.m, args.d), args.peer, args.repeat)
    most = max(float(row[5]) for row in rows)
    print(f"Target: at most 0.3 ms a query. Largest: {most:.3f} ms. Met: {met(most <= 0.3)}.\n")
    if args.hard_n:
        print("Hard cases.\n")
        if args.data:
            hard = images(args.data, args.m)
        else:
            hard = draws(args.hard_n, args.m, [9, 16, 25, 36, 40])
        report(hard, args.hard_peer, args.repeat)


if __name__ == "__main__":
    main()
