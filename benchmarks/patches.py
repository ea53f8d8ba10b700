"""The patch figure of the study balestriero2021: every test image, every size, every verdict.

    python benchmarks/patches.py --data FOLDER             # FOLDER holds mnist.npz, or other images
    python benchmarks/patches.py --data FOLDER --all       # all certificates checked again

Test images in the convex hull of the training images, by centre patches up to the whole image.
The time of a size includes the cloud and the search, not reading the file. The check by other code
is timed on its own.
"""

from __future__ import annotations

from pathlib import Path

from _measure import clocked, compile_first, met, parser, show, verified, warm

import hullwise as hw
from hullwise_studies import balestriero2021
from hullwise_studies.balestriero2021._pixels import PIXEL_VIEWS, sizes_of
from hullwise_studies.balestriero2021._shares import equal_rows

HEAD = (
    *("side", "d", "inside", "outside", "undecided", "equal to a training row"),
    *("wall s", "CPU s", "verified", "CPU s to verify"),
)


def main() -> None:
    p = parser(__doc__)
    p.add_argument("--data", type=Path, required=True, metavar="FOLDER")
    p.add_argument("--view", choices=list(PIXEL_VIEWS), default="centre patch")
    p.add_argument("--sizes", type=int, nargs="+")
    p.add_argument("--verify", type=int, default=200)
    p.add_argument("--all", action="store_true", help="check every certificate again")
    args = p.parse_args()
    compile_first()
    warm()
    one = balestriero2021.read_images(args.data)[0]
    see = PIXEL_VIEWS[args.view]
    print(f"{one!r}, {args.view}.\n")
    rows, wall, cpu, checks, undecided, wrong = [], 0.0, 0.0, 0.0, 0, 0
    for size in args.sizes or sizes_of(one.shape):
        X, Q = see(one.train, size), see(one.test, size)
        run = clocked(lambda X=X, Q=Q: hw.locate(X, Q, membership_only=True))
        count = len(Q) if args.all else args.verify
        check = clocked(lambda X=X, run=run, count=count: verified(run.result, X, count))
        right, checked = check.result
        v = run.result.verdict
        sides = [int((v == s).sum()) for s in (1, -1, 0)]
        equal = int(equal_rows(X, Q).sum())
        times = (f"{run.wall:.1f}", f"{run.cpu:.1f}", f"{right} of {checked}", f"{check.cpu:.1f}")
        rows.append((size, X.shape[1], *sides, equal, *times))
        print(*rows[-1], flush=True)
        wall, cpu, checks = wall + run.wall, cpu + run.cpu, checks + check.cpu
        undecided, wrong = undecided + sides[2], wrong + checked - right
    print()
    show(HEAD, rows, left=0)
    print(f"Wall {wall:.0f} s, CPU {cpu:.0f} s; check {checks:.0f} CPU s.")
    print(f"Target: every verdict certified, {undecided} are not. Met: {met(undecided == 0)}.")
    print(f"Target: within 300 s. Met: {met(wall <= 300)}. Certificates refused: {wrong}.\n")


if __name__ == "__main__":
    main()
