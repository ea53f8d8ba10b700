"""How often what is said of errors and distances is wrong, for many tables drawn anew.

    python benchmarks/reliability_rates.py --tables 200

Verdicts where distance and error are independent, and at the margin of "nothing"; limits of error
curves in all bins at once; regions of acceptance whose promise is broken; bands around a model and
sets of classes that miss. Distances and errors are Gaussian, heavy-tailed, clustered and tied.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from _measure import parser, show
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsRegressor

import hullwise as hw
from hullwise.reliability.error_curve import error_curve
from hullwise.reliability.error_verdict import judge_errors
from hullwise.reliability.learn_then_test import (
    betting_p_value,
    binomial_p_value,
    largest_threshold,
)

HEAD = ("what", "distances", "errors", "rows", "stated", "found", "standard error")
Draw = Callable[[np.random.Generator, int], Any]

DISTANCES: dict[str, Draw] = {
    "Gaussian": lambda rng, n: np.abs(rng.normal(size=n)),
    "heavy-tailed": lambda rng, n: np.abs(rng.standard_t(1.5, n)),
    "clustered": lambda rng, n: rng.choice([0.1, 0.5, 3.0], n) + 0.01 * rng.random(n),
    "60 % tied at 0": lambda rng, n: np.where(rng.random(n) < 0.6, 0.0, rng.random(n)),
}
ERRORS: dict[str, Draw] = {
    "normal": lambda rng, n: np.abs(rng.normal(size=n)),
    "t, 1.5 d.f.": lambda rng, n: np.abs(rng.standard_t(1.5, n)),
    "lognormal": lambda rng, n: rng.lognormal(size=n),
    "5 % wrong": lambda rng, n: (rng.random(n) < 0.05) * 1.0,
}
MEANS = {"normal": np.sqrt(2 / np.pi), "lognormal": np.exp(0.5), "5 % wrong": 0.05}


def line(what: str, d: str, e: str, n: int, stated: str, hits: list[bool]) -> tuple[Any, ...]:
    share = float(np.mean(hits))
    error = np.sqrt(max(share * (1 - share), 1 / len(hits)) / len(hits))
    return what, d, e, n, stated, f"{100 * share:.1f} %", f"{100 * error:.1f}"


def verdicts(tables: int) -> Iterator[tuple[Any, ...]]:
    for d, distances in DISTANCES.items():
        for e, errors in ERRORS.items():
            for n in (100, 400, 1500):
                words = []
                for seed in range(tables):
                    rng = np.random.default_rng(seed)
                    words.append(judge_errors(distances(rng, n), errors(rng, n)).word)
                said = [word in ("yes", "falls") for word in words]
                yield line("yes or falls, independent", d, e, n, "5 %", said)
    for n in (400, 1500):
        said = []
        for seed in range(tables):
            rng = np.random.default_rng(seed)
            x, z = rng.normal(size=(2, n))
            rho = 2 * np.sin(np.pi / 6 * 0.1)
            error = np.exp(rho * x + np.sqrt(1 - rho**2) * z)
            said.append(judge_errors(x, error).word == "nothing")
        yield line("nothing, at the margin", "Gaussian", "lognormal, rho .1", n, "5 %", said)


def grouped_verdicts(tables: int) -> Iterator[tuple[Any, ...]]:
    for n_groups in (30, 100):
        by_groups, by_rows = [], []
        for seed in range(tables):
            rng = np.random.default_rng(seed)
            group = np.repeat(np.arange(n_groups), 20)
            distance = rng.normal(size=n_groups)[group] + 0.3 * rng.normal(size=len(group))
            error = np.exp(rng.normal(size=n_groups)[group] + 0.3 * rng.normal(size=len(group)))
            by_groups.append(judge_errors(distance, error, group).word in ("yes", "falls"))
            by_rows.append(judge_errors(distance, error).word in ("yes", "falls"))
        where = f"{n_groups} groups"
        yield line(
            "yes or falls, by groups", where, "luck of groups", 20 * n_groups, "5 %", by_groups
        )
        yield line("the same by rows", where, "luck of groups", 20 * n_groups, "", by_rows)


def curves(tables: int) -> Iterator[tuple[Any, ...]]:
    for d in ("Gaussian", "heavy-tailed", "60 % tied at 0"):
        for e, mean in MEANS.items():
            for n in (200, 1000):
                hits = []
                for seed in range(tables):
                    rng = np.random.default_rng(seed)
                    curve = error_curve(DISTANCES[d](rng, n), ERRORS[e](rng, n), random_state=seed)
                    hits.append(bool(((curve.lower <= mean) & (mean <= curve.upper)).all()))
                yield line("all bins of a flat curve hold", d, e, n, "90 %", hits)


def regions(tables: int) -> Iterator[tuple[Any, ...]]:
    grid = np.linspace(0.05, 1.0, 20)
    risks = {
        "risk grows": (lambda d: 0.02 + 0.3 * d**2, 0.06),
        "flat, just above": (lambda d: np.full_like(d, 0.1), 0.0999),
        "jumps": (lambda d: np.where(d < 0.7, 0.03, 0.5), 0.06),
    }
    fine = np.linspace(0, 1, 4001)
    for name, (risk, limit) in risks.items():
        for n in (200, 500, 2000):
            for test, p_value in (("binomial", binomial_p_value), ("betting", betting_p_value)):
                broken = []
                for seed in range(tables):
                    rng = np.random.default_rng(seed)
                    d = rng.random(n)
                    loss = (rng.random(n) < risk(d)).astype(float)
                    t = largest_threshold(
                        d, loss, limit, p_value=p_value, error_probability=0.1, thresholds=grid
                    ).largest
                    broken.append(t > 0 and risk(fine[fine <= t]).mean() > limit)
                yield line(f"region broken, {test}", "uniform", name, n, "10 %", broken)


def bands(tables: int) -> Iterator[tuple[Any, ...]]:
    tails: dict[str, Draw] = {
        "Gaussian": lambda rng, n: rng.normal(size=(n, 3)),
        "t, 2 d.f.": lambda rng, n: rng.standard_t(2, size=(n, 3)),
        "clustered": lambda rng, n: rng.normal(size=(n, 3)) * 0.1 + rng.integers(0, 4, (n, 1)),
    }
    for name, draw in tails.items():
        hits, sets = [], []
        for seed in range(tables):
            rng = np.random.default_rng(seed)
            X = draw(rng, 81)
            y = np.arctan(X[:, 0]) + X[:, 1] / 3 + 0.3 * rng.standard_t(3, 81)
            band = hw.CalibratedRegressor(KNeighborsRegressor(3), coverage=0.8).fit(X[:80], y[:80])
            limits = band.band(X[80:])
            hits.append(bool(limits.lower[0] <= y[80] <= limits.upper[0]))
            labels = np.where(y + rng.logistic(size=81) > np.median(y), "high", "low")
            model = hw.CalibratedClassifier(LogisticRegression(), coverage=0.8)
            members = model.fit(X[:80], labels[:80]).sets(X[80:]).to_dict()["set"][0]
            sets.append(labels[80] in members)
        yield line("bands, split: covered", name, "t, 3 d.f.", 80, "80 %", hits)
        yield line("sets of classes: covered", name, "two classes", 80, "80 %", sets)


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--tables", type=int, default=200, help="drawn anew for each line")
    tables = arguments.parse_args().tables
    warnings.simplefilter("ignore")
    parts = (verdicts, grouped_verdicts, curves, regions, bands)
    show(HEAD, [row for part in parts for row in part(tables)], left=3)


if __name__ == "__main__":
    main()
