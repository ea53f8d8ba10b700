"""Bands of stated coverage, beside MAPIE: coverage and width at home, at the edge and beyond.

    pip install mapie && python benchmarks/calibration.py

The bundled tables are split at random, and Parkinson's also by patient; a known function is asked
at queries pushed outwards. Each split gives every method the same rows to fit on and the same to
calibrate with, each feature divided by its range. The first three methods share one fitted
Delaunay interpolant, so that only their bands differ: the calibrated geometric band, MAPIE's band
of one width, and MAPIE's band scaled by a forest fitted to the residuals. The fourth, quantile
regression with gradient boosting, is a predictor of its own. Stated coverage: 90 %.
"""

from __future__ import annotations

import logging
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from _measure import parser, show, warm

import hullwise as hw
from hullwise.predict.delaunay import DelaunayRegressor
from hullwise.reliability.calibrated_regressor import CalibratedRegressor
from hullwise.samples import load

COVERAGE = 0.9
PUSHES = (1.0, 1.25, 1.5, 2.0, 3.0)
HULLWISE = "hullwise, geometric"
HEAD = ("table", "method", "where", "queries", "covered", "median width", "mean width")


@dataclass(frozen=True)
class Split:
    """Rows to learn from and queries with their targets; `where` names the part each is in."""

    X: Any
    y: Any
    groups: Any
    Q: Any
    target: Any
    where: Any


def place(X: Any, Q: Any) -> Any:
    """Core, edge, or beyond all but a twentieth of the training rows, by distance to the hull."""
    band = hw.locate(X, Q, metric=None, reference=300).band
    return np.where(np.isin(band, ["core", "edge"]), band, "beyond")


def random_split(name: str, seed: int, rows: int) -> Split:
    sample = load(name)
    order = np.random.default_rng(seed).permutation(len(sample.X))[:rows]
    cut = len(order) // 5
    return _scaled(sample, order[cut:], order[:cut], None)


def patient_split(seed: int, rows: int) -> Split:
    """A fifth of the patients are new."""
    sample = load("parkinsons")
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(sample.X))[:rows]
    new = rng.permutation(np.unique(sample.groups))[: len(np.unique(sample.groups)) // 5]
    asked = np.isin(sample.groups[order], new)
    return _scaled(sample, order[~asked], order[asked], sample.groups[order[~asked]])


def _scaled(sample: Any, train: Any, asked: Any, groups: Any) -> Split:
    X, Q = sample.X[train], sample.X[asked]
    unit = np.ptp(X, axis=0)
    unit[unit == 0] = 1.0
    X, Q = X / unit, Q / unit
    return Split(X, sample.y[train], groups, Q, sample.y[asked], place(X, Q))


def friedman(X: Any) -> Any:
    return (
        10 * np.sin(np.pi * X[:, 0] * X[:, 1])
        + 20 * (X[:, 2] - 0.5) ** 2
        + 10 * X[:, 3]
        + 5 * X[:, 4]
    )


def pushed_split(seed: int, rows: int) -> Split:
    """Friedman's first function with noise; queries moved away from the centre of the cube."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(size=(rows, 5))
    y = friedman(X) + rng.normal(size=rows)
    Q = rng.uniform(size=(500, 5))
    push = rng.choice(PUSHES, 500)
    Q = 0.5 + (Q - 0.5) * push[:, None]
    where = np.array([f"pushed x {p:g}" for p in push])
    return Split(X, y, None, Q, friedman(Q) + rng.normal(size=500), where)


def bands(split: Split, seed: int) -> dict[str, tuple[Any, Any]]:
    """(lower, upper) at the queries by each method."""
    share = 0.25 if split.groups is None else 1 / 3
    model = CalibratedRegressor(
        DelaunayRegressor(metric=None), coverage=COVERAGE, calibration=share, random_state=seed
    )
    model.fit(split.X, split.y, groups=split.groups)
    own = model.band(split.Q)
    found = {HULLWISE: (own.lower, own.upper)}
    try:
        import mapie  # noqa: F401
    except ImportError:
        return found
    fit, held = model.training_rows_, model.calibration_rows_
    found["MAPIE, one width"] = _split_band(model, split, held, "absolute")
    from mapie.conformity_scores import ResidualNormalisedScore
    from sklearn.ensemble import RandomForestRegressor

    forest = RandomForestRegressor(min_samples_leaf=5, random_state=seed)
    score = ResidualNormalisedScore(forest, random_state=seed)
    found["MAPIE, residual forest"] = _split_band(model, split, held, score)
    found["MAPIE, boosted quantiles"] = _quantile_band(split, fit, held, seed)
    return found


def _split_band(model: Any, split: Split, held: Any, score: Any) -> tuple[Any, Any]:
    from mapie.regression import SplitConformalRegressor

    peer = SplitConformalRegressor(
        model.regressor_, confidence_level=COVERAGE, conformity_score=score, prefit=True
    )
    peer.conformalize(split.X[held], split.y[held])
    _, interval = peer.predict_interval(split.Q)
    return interval[:, 0, 0], interval[:, 1, 0]


def _quantile_band(split: Split, fit: Any, held: Any, seed: int) -> tuple[Any, Any]:
    from mapie.regression import ConformalizedQuantileRegressor
    from sklearn.ensemble import GradientBoostingRegressor

    booster = GradientBoostingRegressor(loss="quantile", alpha=0.5, random_state=seed)
    peer = ConformalizedQuantileRegressor(booster, confidence_level=COVERAGE)
    peer.fit(split.X[fit], split.y[fit]).conformalize(split.X[held], split.y[held])
    _, interval = peer.predict_interval(split.Q)
    return interval[:, 0, 0], interval[:, 1, 0]


def compare(name: str, splits: list[Split], parts: tuple[str, ...]) -> list[tuple[Any, ...]]:
    """Lines of the table: each method, all over and in each part."""
    hit: dict[str, list[Any]] = {}
    width: dict[str, list[Any]] = {}
    for seed, split in enumerate(splits):
        for method, (lower, upper) in bands(split, seed).items():
            inside = (lower <= split.target) & (split.target <= upper)
            hit.setdefault(method, []).append(inside)
            width.setdefault(method, []).append(upper - lower)
    where = np.concatenate([s.where for s in splits])
    lines = []
    for part in parts:
        at = np.ones(len(where), dtype=bool) if part == "all" else where == part
        for method in hit:
            covered, wide = np.concatenate(hit[method])[at], np.concatenate(width[method])[at]
            numbers = (f"{at.sum():,}", f"{100 * covered.mean():.1f} %") if at.any() else ("0", "")
            sizes = (f"{np.median(wide):.3g}", f"{wide.mean():.3g}") if at.any() else ("", "")
            lines.append((name, method, part, *numbers, *sizes))
    return lines


def main() -> None:
    p = parser(__doc__)
    p.add_argument("--splits", type=int, default=10)
    p.add_argument("--rows", type=int, default=2000, help="rows taken of a table, at most")
    args = p.parse_args()
    logging.disable(logging.INFO)  # MAPIE logs where lower and upper quantiles cross
    warnings.simplefilter("ignore")  # flat data and repeated rows are known here
    warm()
    seeds = range(args.splits)
    at_home = ("all", "core", "edge", "beyond")
    lines = []
    for name in ("forest_fires", "parkinsons"):
        splits = [random_split(name, s, args.rows) for s in seeds]
        lines += compare(name, splits, at_home)
    lines += compare(
        "parkinsons, new patients", [patient_split(s, args.rows) for s in seeds], at_home
    )
    rows = min(args.rows, 1000)
    pushed = tuple(f"pushed x {p:g}" for p in PUSHES)
    lines += compare("friedman1", [pushed_split(s, rows) for s in seeds], pushed)
    show(HEAD, lines, left=3)
    if all(line[1] == HULLWISE for line in lines):
        print("MAPIE is not installed (pip install mapie): only the band of hullwise was made.\n")
    print(
        f"{args.splits} splits of at most {args.rows:,} rows, a fifth asked; a quarter of the "
        "rest, or a third of its patients, calibrates.\nWhere: by the distance to the hull of the "
        "training rows, among those of left-out training rows: core below the median,\nedge below "
        "the 95th percentile, beyond above. The statement of 90 % is about `all` of the random "
        "splits, on average\nover splits, and for hullwise about new patients too; no method "
        "states anything for a part or for queries pushed outwards."
    )


if __name__ == "__main__":
    main()
