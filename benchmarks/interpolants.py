"""Every interpolant on Parkinson's telemonitoring, in the ten folds of Lux et al. 2021.

    python benchmarks/interpolants.py
    python benchmarks/interpolants.py --method DelaunayRegressor --folds 2

The bundled table, 5,875 rows of 19 features, scaled to the unit cube by each fold's training rows;
every row is predicted once. Beside the times are those that the paper prints for one fold (fit of
5,288 rows and approximation of 587, on an i7-3770 with Fortran), times ten.
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np
from _measure import INTERPOLANTS, clocked, met, parser, show, warm_interpolants

import hullwise as hw
from hullwise.samples import load

# the paper's name, seconds to fit, seconds to approximate one fold (table best-parkinsons)
PRINTED = {
    "DelaunayRegressor": ("Delaunay", 2.47, 720.0),
    "VoronoiRegressor": ("Voronoi", 2.77, 16.1),
    "BoxSplineRegressor": ("BoxSpline", 1.26, 0.377),
    "ShepardRegressor": ("ShepMod", 1.13, 0.107),
    "LinearShepardRegressor": ("LSHEP", 2.39, 0.0845),
}
TARGETS = {"DelaunayRegressor": 30.0, "VoronoiRegressor": 15.0}
HEAD = (
    "interpolant",
    "fit, s",
    "predict, s",
    "total, s",
    "CPU s",
    "median absolute error",
    "printed: name",
    "fit, s",
    "approximation, s",
)


def folds(n: int) -> list[tuple[Any, Any]]:
    """Training and test rows of the paper's folds, in its order."""
    order = list(range(n))
    random.Random(0).shuffle(order)
    edges = [int(0.5 + b * n / 10) for b in range(11)]
    parts = [(order[: edges[b]] + order[edges[b + 1] :], order[a]) for b, a in _spans(edges)]
    return [(np.array(train), np.array(test)) for train, test in parts]


def _spans(edges: list[int]) -> list[tuple[int, slice]]:
    return [(b, slice(edges[b], edges[b + 1])) for b in range(len(edges) - 1)]


def measure(name: str, X: Any, y: Any, parts: list[tuple[Any, Any]]) -> tuple[Any, ...]:
    """One line of the table, and the wall seconds in all."""
    fit = predict = cpu = 0.0
    errors = []
    for train, test in parts:
        low, high = X[train].min(axis=0), X[train].max(axis=0)
        S = (X - low) / np.where(high > low, high - low, 1.0)
        made = clocked(
            lambda S=S, train=train: getattr(hw, name)(metric=None).fit(S[train], y[train])
        )
        told = clocked(lambda S=S, test=test, reg=made.result: reg.predict(S[test]))
        fit, predict, cpu = fit + made.wall, predict + told.wall, cpu + made.cpu + told.cpu
        errors.append(np.abs(told.result - y[test]))
    median = np.median(np.concatenate(errors))
    times = f"{fit:.2f}", f"{predict:.2f}", f"{fit + predict:.2f}", f"{cpu:.2f}"
    printed: tuple[str, ...] = ("", "", "")
    if name in PRINTED:
        label, *seconds = PRINTED[name]
        printed = label, *(f"{len(parts) * s:,.1f}" for s in seconds)
    return (f"`{name}`", *times, f"{median:.3f}", *printed), fit + predict


def main() -> None:
    p = parser(__doc__)
    p.add_argument("--method", nargs="+", choices=INTERPOLANTS, default=list(INTERPOLANTS))
    p.add_argument("--folds", type=int, default=10, help="only the first few, to try it out")
    args = p.parse_args()
    warm_interpolants(args.method)
    table = load("parkinsons")
    parts = folds(len(table.X))[: args.folds]
    lines = {name: measure(name, table.X, table.y, parts) for name in args.method}
    show(HEAD, [cells for cells, _ in lines.values()])
    print(f"{len(parts)} folds, {sum(len(test) for _, test in parts):,} queries; ", end="")
    print("times without CPU in the head are wall times.\n")
    for name, target in TARGETS.items():
        if name in lines:
            took = lines[name][1]
            print(f"Target: {name} within {target:.0f} s. Met: {met(took <= target)}.")


if __name__ == "__main__":
    main()
