"""How often the bands of `CalibratedRegressor` cover, for many tables drawn anew.

    python benchmarks/band_coverage.py --tables 200

A new row from the same population lies in its band with a probability of
ceil((c + 1) coverage) / (c + 1) with c calibration rows, or more where scores are equal: at least
the stated one, as an average over tables, splits and new rows. Each line draws its tables from one
population and asks some new rows of each; the standard error is that between tables. `z` is the
distance of the covered share from that probability in standard errors: below -3 in any line the
promise would be broken.

The last lines show what the split is for: a metric learnt from all rows beforehand, those that
calibrate included, keeps no promise; the same function of rows and targets given as `metric=` is
called with the rows that are fitted alone.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from _measure import parser, show

import hullwise as hw

HEAD = ("rows", "metric", "method", "n", "d", "stated", "due", "covered", "standard error", "z")

DRAW: dict[str, Callable[[Any, tuple[int, int]], Any]] = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "uniform": lambda rng, shape: rng.uniform(size=shape),
    "lognormal 1": lambda rng, shape: rng.lognormal(0, 1, shape),
    "lognormal 2": lambda rng, shape: rng.lognormal(0, 2, shape),
    "t 3": lambda rng, shape: rng.standard_t(3, shape),
    "t 1": lambda rng, shape: rng.standard_t(1, shape),
    "exponential": lambda rng, shape: rng.exponential(size=shape),
    "whole numbers": lambda rng, shape: rng.integers(0, 4, shape).astype(float),
    "two clusters": lambda rng, shape: (
        rng.normal(size=shape) + 20.0 * rng.integers(0, 2, (shape[0], 1))
    ),
    "one in fifty": lambda rng, shape: (
        rng.normal(size=shape) * np.where(rng.uniform(size=(shape[0], 1)) < 0.02, 1000, 1)
    ),
}


@dataclass(frozen=True)
class Setting:
    """A population, what is fitted to it, and the coverage stated."""

    rows: str
    metric: Any
    method: str
    n: int
    d: int
    coverage: float
    calibration: float

    @property
    def due(self) -> float:
        """The coverage where no two scores are equal."""
        scores = int(np.ceil(self.calibration * self.n)) + 1
        return float(np.ceil(scores * self.coverage - 1e-9) / scores)


def target(rng: Any, X: Any) -> Any:
    """Curved in two features, with noise that grows with one and has heavy tails."""
    z = np.arctan(X[:, 0])
    return np.sin(3 * z) + np.arctan(X[:, -1]) ** 2 + (0.05 + z**2) * rng.standard_t(4, len(X))


def learnt(X: Any, y: Any) -> Any:
    """What matters to the target; ranges where nothing does."""
    try:
        return hw.metrics.agop_of_rows(X, y)
    except hw.ModelError:
        return "range"


def covered(setting: Setting, seed: int, queries: int) -> float:
    """The share of new rows in their bands, for one table."""
    rng = np.random.default_rng([seed, setting.n, setting.d])
    X = DRAW[setting.rows](rng, (setting.n + queries, setting.d))
    y = target(rng, X)
    train, new = slice(setting.n), slice(setting.n, None)
    metric = setting.metric
    if metric == "agop of all":
        metric = learnt(X[train], y[train])
    elif metric == "agop":
        metric = learnt
    elif metric == "weights":
        metric = np.linspace(0.1, 3, setting.d)
    model = hw.CalibratedRegressor(
        getattr(hw, f"{setting.method}Regressor")(metric=metric),
        coverage=setting.coverage,
        calibration=setting.calibration,
        random_state=seed,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", hw.DataWarning)
        band = model.fit(X[train], y[train]).band(X[new])
    return float(((band.lower <= y[new]) & (y[new] <= band.upper)).mean())


def settings() -> list[Setting]:
    """Every population with every metric, each method at least once, n from 20 to 2,000."""
    sizes = [(20, 1), (20, 30), (40, 5), (100, 20), (300, 3), (2000, 10)]
    methods = ("Nearest", "Delaunay", "Voronoi", "Shepard", "BoxSpline", "InverseDistance")
    lines = []
    for a, rows in enumerate(DRAW):
        for b, metric in enumerate(("std", "range", None, "weights")):
            n, d = sizes[(a + b) % len(sizes)]
            coverage = 0.8 if n < 100 else 0.9
            method = methods[(a + 2 * b) % len(methods)]
            lines.append(Setting(rows, metric, method, n, d, coverage, 0.5 if n < 100 else 0.25))
    for rows in ("normal", "lognormal 2", "t 3"):
        for n, d in ((60, 5), (200, 8)):
            lines.append(Setting(rows, "agop", "Nearest", n, d, 0.8, 0.4))
    lines.append(Setting("normal", "agop of all", "Nearest", 60, 20, 0.8, 0.4))
    lines.append(Setting("normal", "agop", "Nearest", 60, 20, 0.8, 0.4))
    return lines


def simulate(setting: Setting, tables: int, queries: int = 40) -> tuple[float, float]:
    """Covered share and its standard error."""
    shares = [covered(setting, seed, queries) for seed in range(tables)]
    return float(np.mean(shares)), float(np.std(shares, ddof=1) / np.sqrt(tables))


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--tables", type=int, default=200, help="drawn for each line")
    tables = arguments.parse_args().tables
    lines = []
    for setting in settings():
        share, error = simulate(setting, tables if setting.n <= 300 else max(20, tables // 5))
        z = (share - setting.due) / max(error, 1e-9)
        lines.append(
            (
                *(setting.rows, str(setting.metric), setting.method, setting.n, setting.d),
                *(f"{setting.coverage:.2f}", f"{setting.due:.3f}"),
                *(f"{share:.3f}", f"{error:.3f}", f"{z:+.1f}"),
            )
        )
    show(HEAD, lines)


if __name__ == "__main__":
    main()
