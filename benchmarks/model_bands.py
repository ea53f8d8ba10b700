"""Bands around a forest, beside MAPIE and crepes: coverage at home, of groups, and off the data.

    pip install mapie crepes && python benchmarks/model_bands.py

Friedman's function with ten features: the model sees rows whose first five features are below .75
and is asked new ones at home (the same rule) and off the data (one of the five above). Parkinson's
by patient: a fifth of the patients are new; the worst-covered of them counts too. Every method gets
the same forest settings, rows and random numbers. Stated coverage: 90 %.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from _measure import parser, show
from sklearn.base import clone
from sklearn.datasets import make_friedman1
from sklearn.ensemble import RandomForestRegressor

import hullwise as hw
from hullwise.samples import load

COVERAGE = 0.9
HEAD = ("table", "method", "where", "rows", "covered", "worst group", "median width")
Limits = tuple[Any, Any]


def forest() -> Any:
    return RandomForestRegressor(100, min_samples_leaf=2, random_state=0)


def hullwise_bands(method: str) -> Callable[..., Limits]:
    def fit_and_ask(X: Any, y: Any, groups: Any, Q: Any) -> Limits:
        model = hw.CalibratedRegressor(forest(), method=method, n_folds=5).fit(X, y, groups=groups)
        band = model.band(Q)
        return band.lower, band.upper

    return fit_and_ask


def halves(X: Any, groups: Any) -> tuple[Any, Any]:
    """Three quarters of the rows (or groups) to fit on, a quarter to calibrate with."""
    rng = np.random.default_rng(0)
    code = np.arange(len(X)) if groups is None else np.unique(groups, return_inverse=True)[1]
    picked = rng.permutation(code.max() + 1)[: (code.max() + 1) // 4]
    held_out = np.isin(code, picked)
    return ~held_out, held_out


def mapie_split(X: Any, y: Any, groups: Any, Q: Any) -> Limits:
    from mapie.regression import SplitConformalRegressor

    train, held_out = halves(X, groups)
    model = forest().fit(X[train], y[train])
    band = SplitConformalRegressor(model, confidence_level=COVERAGE, prefit=True)
    _, limits = band.conformalize(X[held_out], y[held_out]).predict_interval(Q)
    return limits[:, 0, 0], limits[:, 1, 0]


def mapie_cv(X: Any, y: Any, groups: Any, Q: Any) -> Limits:
    from mapie.regression import CrossConformalRegressor

    band = CrossConformalRegressor(forest(), confidence_level=COVERAGE, method="plus", cv=5)
    _, limits = band.fit_conformalize(X, y).predict_interval(Q)
    return limits[:, 0, 0], limits[:, 1, 0]


def crepes_neighbours(X: Any, y: Any, groups: Any, Q: Any) -> Limits:
    from crepes import WrapRegressor
    from crepes.extras import DifficultyEstimator

    train, held_out = halves(X, groups)
    model = WrapRegressor(clone(forest()))
    model.fit(X[train], y[train])
    difficulty = DifficultyEstimator()
    difficulty.fit(X=X[train], scaler=True)
    model.calibrate(X[held_out], y[held_out], de=difficulty)
    limits = model.predict_int(Q, confidence=COVERAGE)
    return limits[:, 0], limits[:, 1]


METHODS = {
    "hullwise, split": hullwise_bands("split"),
    "hullwise, CV+": hullwise_bands("cv+"),
    "MAPIE, split": mapie_split,
    "MAPIE, CV+": mapie_cv,
    "crepes, neighbours": crepes_neighbours,
}


def friedman(seed: int) -> tuple[Any, ...]:
    X, y = make_friedman1(3000, noise=1.0, random_state=seed)
    home = (X[:, :5] < 0.75).all(axis=1)
    train = np.flatnonzero(home)[:400]
    rest = np.setdiff1d(np.arange(3000), train)
    where = np.where(home[rest], "home", "off the data")
    return "friedman1", X[train], y[train], None, X[rest], y[rest], where, None


def patients(seed: int) -> tuple[Any, ...]:
    sample = load("parkinsons")
    groups = np.asarray(sample.groups)
    names = np.random.default_rng(seed).permutation(np.unique(groups))
    new = np.isin(groups, names[: len(names) // 5])
    order = np.random.default_rng(seed).permutation(np.flatnonzero(~new))[:1500]
    where = np.full(int(new.sum()), "new patients")
    y = np.asarray(sample.y, dtype=float)
    return (
        "parkinsons",
        sample.X[order],
        y[order],
        groups[order],
        sample.X[new],
        y[new],
        where,
        (groups[new]),
    )


def rows_of(task: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    name, X, y, groups, Q, target, where, new_groups = task
    lines = []
    for method, fit_and_ask in METHODS.items():
        lower, upper = fit_and_ask(X, y, groups, Q)
        hit = (lower <= target) & (target <= upper)
        for place in np.unique(where):
            here = where == place
            worst = np.nan
            if new_groups is not None:
                worst = min(hit[new_groups == g].mean() for g in np.unique(new_groups))
            width = np.median((upper - lower)[here])
            lines.append((name, method, place, here.sum(), hit[here].mean(), worst, width))
    return lines


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--splits", type=int, default=5, help="tables drawn anew")
    splits = arguments.parse_args().splits
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    lines = [
        line
        for seed in range(splits)
        for task in (friedman, patients)
        for line in rows_of(task(seed))
    ]
    keys = list(dict.fromkeys(line[:3] for line in lines))
    table = []
    for key in keys:
        mine = [line for line in lines if line[:3] == key]
        rows = sum(int(line[3]) for line in mine)
        covered, worst, width = (np.mean([line[j] for line in mine]) for j in (4, 5, 6))
        worst_text = "" if np.isnan(worst) else f"{100 * worst:.0f} %"
        table.append((*key, f"{rows:,}", f"{100 * covered:.1f} %", worst_text, f"{width:.3g}"))
    show(HEAD, table, left=3)


if __name__ == "__main__":
    main()
