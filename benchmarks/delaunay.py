"""Delaunay weights against recorded answers and times of DelaunaySparse.

    python benchmarks/delaunay.py --data FOLDER       # FOLDER/delaunay/*.npz
    python benchmarks/delaunay.py --data FOLDER --repeat 5

Each file holds rows X, queries Q (one or more lots), and what DelaunaySparse (Chang, Watson, Lux,
Butt, Cameron, Hong, ACM TOMS 2020) answered: corners, weights, whether the query is outside, and
its CPU seconds for each query. Timed is `weights(Q)` of one lot in one call, in a process that may
use one processor. Agreement: for a query inside the same corners and weights to 1e-8; for one
outside the same rows with weight above 1e-9 and weights to 1e-8.
"""

from __future__ import annotations

import os
from pathlib import Path
from statistics import geometric_mean
from typing import Any

import numpy as np
from _measure import met, parser, repeated, show, warm_interpolants

NAMES = ("DelaunayRegressor",)
HEAD = (
    "set",
    "n",
    "d",
    "queries",
    "inside",
    "DelaunaySparse, CPU ms a query",
    "hullwise, CPU ms a query",
    "ratio",
    "with fit",
    "same",
    "largest difference",
)


def lots(data: Any) -> list[str]:
    """The suffixes of the lots of queries in a file."""
    return sorted(key[len("Q") :] for key in data if key.startswith("Q"))


def agreement(reg: Any, Q: Any, recorded: tuple[Any, Any, Any]) -> tuple[int, float]:
    """How many queries have the recorded answer, and the largest difference of a weight."""
    corners, weights, code = recorded
    found, same, most = reg.simplices(Q), 0, 0.0
    W = reg.weights(Q).toarray()
    for b in range(len(Q)):
        expected = np.zeros(W.shape[1])
        expected[corners[b]] = np.maximum(weights[b], 0.0)
        apart = float(np.abs(W[b] - expected).max())
        if code[b] == 0:
            rows = set(found.corners[b].tolist()) == set(corners[b].tolist())
        else:
            rows = set(np.flatnonzero(W[b] > 1e-9)) == set(np.flatnonzero(expected > 1e-9))
        same += rows and apart <= 1e-8
        most = max(most, apart)
    return same, most


def measure(path: Path, times: int) -> list[tuple[Any, ...]]:
    """One line of the table for each lot of a file, and its ratio."""
    import hullwise as hw

    with np.load(path) as file:
        data = dict(file)
    X, lines = data["X"] if "X" in data else data["Xs"], []
    for lot in lots(data):
        Q = data["Q" + lot]
        theirs = 1e3 * float(data["cpu" + lot].mean())
        fresh = repeated(
            lambda Q=Q: hw.DelaunayRegressor(metric=None).fit(X, X[:, 0]).weights(Q), times
        )
        reg = hw.DelaunayRegressor(metric=None).fit(X, X[:, 0])
        reg.weights(Q)
        ours = 1e3 * repeated(lambda reg=reg, Q=Q: reg.weights(Q), times).cpu / len(Q)
        recorded = data["simp" + lot], data["w" + lot], data["ierr" + lot]
        same, most = agreement(reg, Q, recorded)
        cells = (
            f"{path.stem}{lot.replace('_', ', ')}",
            f"{len(X):,}",
            X.shape[1],
            len(Q),
            int((recorded[2] == 0).sum()),
            f"{theirs:.3f}",
            f"{ours:.3f}",
            f"{theirs / ours:.1f}",
            f"{theirs * len(Q) / (1e3 * fresh.cpu):.1f}",
            f"{same} of {len(Q)}",
            f"{most:.0e}",
        )
        lines.append((cells, theirs / ours, same == len(Q)))
    return lines


def main() -> None:
    p = parser(__doc__)
    p.add_argument("--data", type=Path, metavar="FOLDER", required=True)
    p.add_argument("--repeat", type=int, default=51)
    args = p.parse_args()
    paths = sorted((args.data / "delaunay").glob("*.npz"))
    if not paths:
        raise SystemExit(f"{args.data / 'delaunay'} holds no .npz file.")
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    warm_interpolants(NAMES)
    lines = [line for path in paths for line in measure(path, args.repeat)]
    show(HEAD, [cells for cells, _, _ in lines])
    mean, least = geometric_mean(r for _, r, _ in lines), min(r for _, r, _ in lines)
    print(f"Times are medians of {args.repeat} calls; a call answers all queries of a set. ")
    print('"With fit" counts checking and preparing the rows too, for these few queries.\n')
    print(f"Target: geometric mean of the ratios at least 30. It is {mean:.1f}. ", end="")
    print(f"Met: {met(mean >= 30)}.")
    print(f"Target: no ratio below 8. Least: {least:.1f}. Met: {met(least >= 8)}.")
    print(f"Target: every query the same. Met: {met(all(same for _, _, same in lines))}.")


if __name__ == "__main__":
    main()
