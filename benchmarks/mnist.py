"""MNIST: 10,000 test images against 60,000 training images in 784 dimensions.

    python benchmarks/mnist.py --data FOLDER             # FOLDER holds mnist.npz
    python benchmarks/mnist.py --data FOLDER --peer 0    # without the linear programs

`mnist.npz` has X_train (60000, 784) and X_test (10000, 784), uint8; both are used as float32,
pixel / 255. First table: membership only, in a process that has done nothing before but read the
data, so its first run loads the compiled kernels too. Second table: distances with brackets
closed to 1e-6 relative, for the first images, compared with `mnist_hull_distance_512.npz` where
that lies in the folder. No time includes reading the file; every time but that of "hull alone"
includes building the cloud.
"""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import Any
from warnings import catch_warnings, simplefilter

import numpy as np
from _measure import (
    clocked,
    compile_first,
    lp_verdicts,
    memory,
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

MB = 1e6
KEYS = ("what", "measured", "target", "met")


def membership(X: Any, Q: Any, args: Any, bare: float) -> None:
    read = memory("VmHWM")
    first = clocked(lambda: hw.locate(X, Q, membership_only=True))
    peak, location = memory("VmHWM"), first.result
    m, certified = len(Q), int((location.verdict != 0).sum())
    right, checked = verified(location, X, args.verify)
    inside = int((location.verdict == 1).sum())
    del location
    runs = [(first.wall, first.cpu)]
    for _ in range(args.repeat - 1):
        again = repeated(lambda: hw.locate(X, Q, membership_only=True), 1)
        runs.append((again.wall, again.cpu))
        del again
    wall, cpu = (median(column) for column in zip(*runs))
    data = X.nbytes
    rows = [
        (f"wall seconds, median of {len(runs)}", f"{wall:.2f}", "10", met(wall <= 10)),
        ("wall seconds of each run", ", ".join(f"{w:.2f}" for w, _ in runs), "", ""),
        (f"CPU seconds, median of {len(runs)}", f"{cpu:.2f}", "", ""),
        ("certified", f"{certified:,} of {m:,} ({inside:,} inside)", "all", met(certified == m)),
        (
            "random rows that `verify` accepts",
            f"{right} of {checked}",
            "all",
            met(right == checked),
        ),
        ("peak memory, MB", f"{peak / MB:.0f}", "", ""),
        (
            f"peak memory / training data ({data / MB:.0f} MB)",
            f"{peak / data:.2f}",
            "< 2.5",
            met(peak < 2.5 * data),
        ),
        ("of it: interpreter and imports, MB", f"{bare / MB:.0f}", "", ""),
        ("of it: test images, MB", f"{Q.nbytes / MB:.0f}", "", ""),
        ("peak before the first call, MB", f"{read / MB:.0f}", "", ""),
    ]
    if args.peer:
        rows += against_lp(X, Q[: args.peer], cpu / m)
    show(KEYS, rows)


def against_lp(X: Any, Q: Any, ours: float) -> list[tuple[str, str, str, str]]:
    peer = lp_verdicts(X, Q)
    said = f"{int((peer.verdict == -1).sum())} outside, {int((peer.verdict == 1).sum())} inside"
    ratio = peer.cpu / ours
    return [
        (f"HiGHS feasibility, CPU s a query ({len(Q)} queries: {said})", f"{peer.cpu:.1f}", "", ""),
        ("hullwise, CPU ms a query", f"{1e3 * ours:.2f}", "", ""),
        ("ratio", f"{ratio:,.0f}", "8,000", met(ratio >= 8000)),
    ]


def distances(X: Any, Q: Any, args: Any) -> None:
    cloud = hw.Cloud(X, copy=False)
    metric = cloud.metric(None)
    values = Q.astype(np.float64)
    hull = repeated(lambda: locate_in_hull(cloud, values, metric), args.repeat)
    with catch_warnings():
        simplefilter("ignore", hw.DataWarning)  # unused pixels: 784 features, rank 712
        full = clocked(lambda: hw.locate(X, Q, metric=None, reference=0))
    answer, m = full.result, len(Q)
    gap = float(((answer.upper - answer.lower) / answer.upper).max())
    right, checked = verified(answer, X, args.verify)
    each = 1e3 * hull.cpu / m
    rows = [
        (
            f"hull alone, CPU ms a query, median of {args.repeat}",
            f"{each:.1f}",
            "20",
            met(each <= 20),
        ),
        ("hull alone, wall ms a query", f"{1e3 * hull.wall / m:.1f}", "", ""),
        ("`locate(X, Q, reference=0)`, CPU ms a query", f"{1e3 * full.cpu / m:.1f}", "", ""),
        ("largest relative gap of a bracket", f"{gap:.1e}", "1e-6", met(gap <= 1e-6)),
        (
            "random rows that `verify` accepts",
            f"{right} of {checked}",
            "all",
            met(right == checked),
        ),
        (
            "distance: least, median, largest",
            ", ".join(f"{q:.3f}" for q in np.quantile(answer.upper, (0, 0.5, 1))),
            "",
            "",
        ),
    ]
    known = args.data / "mnist_hull_distance_512.npz"
    if known.exists():
        with np.load(known) as file:
            truth = file["dist"][:m]
        far = float(np.abs(answer.upper[: len(truth)] / truth - 1).max())
        rows.append(
            (
                f"largest relative difference to {len(truth)} known",
                f"{far:.1e}",
                "1e-6",
                met(far <= 1e-6),
            )
        )
    show(KEYS, rows)
    print(
        "`locate` with reference=0 also counts: the cloud, the rank of the training rows, the five "
        "nearest\nrows of each image in float64, Mahalanobis distances and the plane of the map."
    )


def main() -> None:
    p = parser(__doc__)
    p.add_argument("--data", type=Path, required=True, metavar="FOLDER")
    p.add_argument("--m", type=int, default=10_000, help="test images for membership")
    p.add_argument("--distances", type=int, default=1000, help="test images for distances")
    p.add_argument("--peer", type=int, default=2, help="queries for the linear program, 14 s each")
    p.add_argument("--verify", type=int, default=200)
    p.add_argument("--repeat", type=int, default=3)
    args = p.parse_args()
    compile_first()
    assert callable(hw.locate)  # its modules are imported when it is first named
    bare = memory("VmRSS")
    X, Q = read_mnist(args.data)
    print(f"Membership: {min(args.m, len(Q)):,} images against {len(X):,}.\n")
    membership(X, Q[: args.m], args, bare)
    if args.distances:
        warm()
        print(f"Distances: the first {args.distances:,} images.\n")
        distances(X, Q[: args.distances], args)


if __name__ == "__main__":
    main()
