"""Rows in a file: time and memory of a cloud that is never held whole.

    python benchmarks/file.py                      # writes 2 GB to a temporary folder
    python benchmarks/file.py --n 1000000

Gaussian float32 rows in a `.npy` file, Gaussian queries. Anonymous memory is what the process
itself holds; pages of the file that the system keeps cached come and go beside it.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from _measure import clocked, parser, show, warm

import hullwise as hw
from hullwise.geometry.hull import locate_in_hull

STEP = 500_000


def anonymous() -> float:
    """Anonymous memory of this process in MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1e3


def write(path: Path, n: int, d: int) -> None:
    rng = np.random.default_rng(0)
    rows = np.lib.format.open_memmap(path, "w+", np.float32, (n, d))
    for start in range(0, n, STEP):
        stop = min(start + STEP, n)
        rows[start:stop] = rng.standard_normal((stop - start, d), dtype=np.float32)


def main() -> None:
    p = parser(__doc__)
    p.add_argument("--n", type=int, default=10_000_000)
    p.add_argument("--d", type=int, default=50)
    p.add_argument("--m", type=int, default=200)
    args = p.parse_args()
    warm()
    Q = np.random.default_rng(1).standard_normal((args.m, args.d), dtype=np.float32)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.npy"
        write(path, args.n, args.d)
        before = anonymous()
        opened = clocked(lambda: hw.Cloud(path))
        cloud = opened.result
        inside = clocked(lambda: hw.locate(cloud, Q, membership_only=True))
        whole = clocked(lambda: locate_in_hull(cloud, Q, cloud.metric(None)))
        after = anonymous()
    gap = (whole.result.upper - whole.result.lower) / whole.result.upper
    closed = float(np.max(gap[whole.result.verdict == -1], initial=0.0))
    size = 4e-9 * args.n * args.d
    print(f"{args.n:,} rows of {args.d} features, {size:.1f} GB; {args.m} queries.\n")
    show(
        ("step", "wall, s", "CPU, s"),
        [
            (
                "open: range, mean and finiteness of every feature",
                f"{opened.wall:.1f}",
                f"{opened.cpu:.1f}",
            ),
            ("verdicts", f"{inside.wall:.1f}", f"{inside.cpu:.1f}"),
            ("distances", f"{whole.wall:.1f}", f"{whole.cpu:.1f}"),
        ],
    )
    print(
        f"Largest relative gap of a bracket: {closed:.0e}. Anonymous memory grew from "
        f"{before:.0f} to {after:.0f} MB."
    )


if __name__ == "__main__":
    main()
