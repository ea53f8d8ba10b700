"""How often rows drawn like the training rows are beyond or far, beside what is stated.

    python benchmarks/band_rates.py --tables 200

For each size and metric, tables are drawn from ten distributions, `--tables` from each, with 20 new
rows to each table. The share of new rows that are far, and beyond or far, is divided by its stated
bound, 1 / (r + 1) and ceil(r / 20) / (r + 1): 1 is the bound. Given are the mean over all ten, its
standard error over tables, and the largest of the ten with its own; then the share of tables whose
`chance()` is at most .05 and .001. Metrics learnt from rows ("agop") know nothing of the rows left
out where there are twice as many others, and all rows below.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from _measure import parser, show

import hullwise as hw

Rows = np.ndarray[Any, np.dtype[np.float64]]
Draw = Callable[[np.random.Generator, int, int], Rows]
NEW_ROWS = 20


def _clusters(rng: np.random.Generator, n: int, d: int) -> Rows:
    return rng.normal(size=(n, d)) + 8 * rng.integers(0, 3, (n, 1))


def _correlated(rng: np.random.Generator, n: int, d: int) -> Rows:
    rows = rng.normal(size=(n, d))
    for j in range(1, d):
        rows[:, j] = 0.9 * rows[:, j - 1] + np.sqrt(1 - 0.81) * rows[:, j]
    return rows


def _mixed_scales(rng: np.random.Generator, n: int, d: int) -> Rows:
    return rng.standard_t(3, (n, d)) * 10.0 ** np.linspace(-6, 6, d)


def _rare_flags(rng: np.random.Generator, n: int, d: int) -> Rows:
    rows = rng.normal(size=(n, d))
    rows[:, : max(1, d // 3)] = rng.random((n, max(1, d // 3))) < 0.05
    return rows


DISTRIBUTIONS: dict[str, Draw] = {
    "Gaussian": lambda rng, n, d: rng.normal(size=(n, d)),
    "uniform": lambda rng, n, d: rng.random((n, d)),
    "lognormal 1": lambda rng, n, d: np.exp(rng.normal(size=(n, d))),
    "lognormal 2": lambda rng, n, d: np.exp(2 * rng.normal(size=(n, d))),
    "t, 1.5 d.f.": lambda rng, n, d: rng.standard_t(1.5, (n, d)),
    "Poisson 2": lambda rng, n, d: rng.poisson(2.0, (n, d)).astype(float),
    "three clusters": _clusters,
    "correlated .9": _correlated,
    "mixed scales": _mixed_scales,
    "rare flags": _rare_flags,
}
SIZES = ((10, 5), (15, 30), (40, 3), (40, 30), (100, 20), (300, 10), (1000, 5), (2000, 10))
HEAD = (
    *("n x d", "metric", "far", "error", "largest far", "out", "error", "largest out"),
    *("chance at most .05", "at most .001"),
)


def metric_argument(kind: str, X: Rows, rng: np.random.Generator) -> Any:
    """The `metric` argument: none, a named one, or one learnt from a target."""
    if kind != "agop":
        return None if kind == "none" else kind
    y = X[:, -1] + 0.2 * X[:, -1].std() * rng.normal(size=len(X))
    return hw.metrics.MetricLearner.from_targets(X, y, ridge=1e-3)


def measured(name: str, n: int, d: int, kind: str, seeds: range) -> Rows:
    """(tables, 3) rates of far and of beyond or far over their bounds, and chance()."""
    rates = []
    for seed in seeds:
        rng = np.random.default_rng([seed, n, d, list(DISTRIBUTIONS).index(name)])
        rows = DISTRIBUTIONS[name](rng, n + NEW_ROWS, d)
        X, Q = rows[:n], rows[n:]
        loc = hw.locate(X, Q, metric=metric_argument(kind, X, rng), n_neighbors=1)
        r = len(loc.reference)
        far = np.mean(loc.band == "far") * (r + 1)
        out = np.mean(np.isin(loc.band, ("beyond", "far"))) * (r + 1) / np.ceil(r / 20)
        rates.append((far, out, loc.chance()))
    return np.array(rates)


def line(n: int, d: int, kind: str, seeds: range) -> list[str]:
    """One line of the table: all distributions of one size, in one metric."""
    parts = [measured(name, n, d, kind, seeds) for name in DISTRIBUTIONS]
    together = np.concatenate(parts)
    cells = [f"{n} x {d}", kind]
    for j in (0, 1):
        means = [part[:, j].mean() for part in parts]
        worst = int(np.argmax(means))
        error, its = (T[:, j].std() / np.sqrt(len(T)) for T in (together, parts[worst]))
        name = list(DISTRIBUTIONS)[worst]
        cells += [f"{together[:, j].mean():.2f}", f"{error:.2f}"]
        cells.append(f"{means[worst]:.2f} ± {its:.2f} ({name})")
    chances = together[:, 2]
    return [*cells, f"{np.mean(chances <= 0.05):.3f}", f"{np.mean(chances <= 0.001):.4f}"]


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--tables", type=int, default=200, help="from each distribution")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--metric", nargs="*", default=["none", "std", "range", "agop"])
    arguments = options.parse_args()
    warnings.simplefilter("ignore")
    seeds = range(arguments.seed, arguments.seed + arguments.tables)
    lines = [
        line(n, d, kind, seeds)
        for n, d in SIZES
        for kind in arguments.metric
        if kind != "agop" or (n >= 40 and d <= 20)
    ]
    show(HEAD, lines, left=2)


if __name__ == "__main__":
    main()
