"""Verdicts at every scale against exact rational membership, and tampered claims: a long run.

python benchmarks/exact_run.py --seconds 600 --seed 0
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from time import monotonic

import numpy as np

import hullwise as hw

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from oracle import in_hull

METRICS = (None, "std", "range", "vector", "matrix")


def one_table(rng: np.random.Generator, counts: Counter[str]) -> None:
    """A table of small whole numbers at one scale: every verdict, and three false claims."""
    n, d = int(rng.integers(1, 10)), int(rng.integers(1, 4))
    X = rng.integers(-4, 5, (n, d)).astype(float)
    Q = np.concatenate([X[:2], (X[:3] + X[::-1][:3]) / 2, rng.integers(-6, 7, (6, d))])
    points = [[Fraction(v) for v in x] for x in X]
    truth = np.array([in_hull(points, [Fraction(v) for v in q]) for q in Q])
    kind = METRICS[int(rng.integers(len(METRICS)))]
    A = rng.integers(-2, 3, (d, d)).astype(float)
    metric = {"vector": rng.integers(1, 5, d), "matrix": A @ A.T + np.eye(d)}.get(str(kind), kind)
    power = int(rng.integers(-1000, 1001))
    X, Q = np.ldexp(X, power), np.ldexp(Q, power)
    loc = hw.locate(X, Q, metric=metric, reference=0, n_neighbors=1)
    counts["verdicts"] += len(Q)
    counts["undecided"] += int((loc.verdict == 0).sum())
    exact = np.array([status.name != "WITHIN" for status in loc.status])
    counts["false"] += int(
        (((loc.verdict == 1) & ~truth & exact) | ((loc.verdict == -1) & truth)).sum()
    )
    counts["unverified"] += int((~loc.verify(X, exact=True)).sum())
    outside, hull = loc.verdict == -1, loc.hull
    for false in (
        replace(hull, lower=hull.lower / 8, upper=hull.lower / 4),
        replace(hull, lower=hull.lower * 1.01, upper=hull.upper * 1.02),
        replace(hull, direction=-hull.direction),
    ):
        counts["tampered"] += int(outside.sum())
        counts["tampered accepted"] += int(replace(loc, hull=false).verify(X)[outside].sum())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    rng, counts = np.random.default_rng(options.seed), Counter[str]()
    end = monotonic() + options.seconds
    while monotonic() < end:
        one_table(rng, counts)
        counts["tables"] += 1
    print(dict(counts))


if __name__ == "__main__":
    main()
