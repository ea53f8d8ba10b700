"""What people would use instead, on the same tables: time for each row, and what it answers.

    python benchmarks/peers.py

A seeded random fifth of the bundled forest fires (12 features) and Parkinson's telemonitoring
(19 features) is held out and located against the rest, each feature divided by its standard
deviation. Times are wall clock for each held-out row, fitting included, after a run that is not
counted. Qhull's Delaunay triangulation grows too fast with the dimension: it gets the first four
columns that have at least 20 distinct values, and hullwise the same four in the line below it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from _measure import clocked, lp_verdicts, parser, repeated, show, warm
from scipy.spatial import Delaunay
from sklearn.neighbors import LocalOutlierFactor, NearestNeighbors

import hullwise as hw
from hullwise.geometry.hull import locate_in_hull
from hullwise.samples import NAMES, load

HEAD = (
    "table",
    "rows x features",
    "method",
    "answers",
    "ms a row",
    "rows asked",
    "inside",
    "same verdict",
)


def split(name: str) -> tuple[Any, Any]:
    sample = load(name)
    order = np.random.default_rng(0).permutation(len(sample.X))
    cut = len(order) // 5
    X, Q = sample.X[order[cut:]], sample.X[order[:cut]]
    unit = X.std(axis=0)
    unit[unit == 0] = 1.0
    return X / unit, Q / unit


def few(X: Any, Q: Any) -> tuple[Any, Any]:
    """The first four columns with at least 20 distinct values."""
    at = [j for j in range(X.shape[1]) if len(np.unique(X[:, j])) >= 20][:4]
    return np.ascontiguousarray(X[:, at]), np.ascontiguousarray(Q[:, at])


def hull(X: Any, Q: Any) -> Any:
    cloud = hw.Cloud(X, copy=False)
    return locate_in_hull(cloud, Q, cloud.metric(None))


def lof(X: Any, Q: Any) -> Any:
    return LocalOutlierFactor(novelty=True).fit(X).predict(Q)


def gaps(X: Any, Q: Any) -> Any:
    return NearestNeighbors(n_neighbors=5).fit(X).kneighbors(Q)[0][:, -1]


class Lines:
    """The lines of one table."""

    def __init__(self, name: str, X: Any, Q: Any, times: int) -> None:
        self.name, self.X, self.Q, self.times = name, X, Q, times
        self.rows: list[tuple[Any, ...]] = []
        self.verdict: Any = None

    def add(self, method: str, work: Any, answers: str, verdict: Any = None) -> None:
        work(self.X, self.Q)
        run = repeated(lambda: work(self.X, self.Q), self.times)
        self.put(method, 1e3 * run.wall / len(self.Q), answers, verdict and verdict(run.result))

    def put(self, method: str, each: float, answers: str, verdict: Any = None) -> None:
        size = f"{len(self.X):,} x {self.X.shape[1]}"
        inside, same, count = "", "", len(self.Q)
        if verdict is not None:
            count = len(verdict)
            inside = f"{(verdict == 1).mean():.3f}"
            same = f"{int((verdict == self.verdict[:count]).sum()):,} of {count:,}"
        cells = (f"{each:.3f}", f"{count:,}", inside, same)
        self.rows.append((self.name, size, method, answers, *cells))


def compare(name: str, peer: int, times: int) -> list[tuple[Any, ...]]:
    X, Q = split(name)
    lines = Lines(name, X, Q, times)
    member = lambda X, Q: hw.locate(X, Q, membership_only=True)  # noqa: E731
    lines.verdict = member(X, Q).verdict
    lines.add("hullwise, membership", member, "inside or outside, with a proof", _verdict)
    lines.add("hullwise, distances", hull, "the same, distance bracket, nearest point", _verdict)
    lines.add("hullwise, everything", hw.locate, "the same, bands and all columns", _verdict)
    lp = lp_verdicts(X, Q[:peer])
    lines.put("scipy `linprog`, HiGHS", 1e3 * lp.cpu, "inside or outside within 1e-7", lp.verdict)
    lines.add("sklearn `LocalOutlierFactor`", lof, "a score relative to the neighbours' density")
    lines.add("sklearn `NearestNeighbors`", gaps, "distance to the fifth nearest row")
    low = Lines(f"{name}, 4 features", *few(X, Q), times=1)
    low.verdict = member(low.X, low.Q).verdict
    qhull = clocked(lambda: Delaunay(low.X).find_simplex(low.Q))
    found = np.where(qhull.result >= 0, 1, -1)
    each = 1e3 * qhull.wall / len(low.Q)
    low.put("scipy `Delaunay.find_simplex`", each, "inside or outside, the simplex", found)
    low.add("hullwise, membership", member, "inside or outside, with a proof", _verdict)
    return lines.rows + low.rows


def _verdict(location: Any) -> Any:
    return location.verdict


def main() -> None:
    p = parser(__doc__)
    p.add_argument("--peer", type=int, default=100, help="rows for the linear program")
    p.add_argument("--repeat", type=int, default=3)
    args = p.parse_args()
    warm()
    rows = [row for name in NAMES for row in compare(name, args.peer, args.repeat)]
    show(HEAD, rows, left=4)
    print(
        "The last two methods say nothing about inside or outside, and the nearest neighbours "
        "nothing about\nwhich distance is usual. HiGHS, CPU time, was asked on the first "
        f"{args.peer} held-out rows only. A row\nthat one method leaves undecided, being on the "
        "boundary to within rounding, counts as different."
    )


if __name__ == "__main__":
    main()
