"""Where to run next: hullwise's criteria beside random and Sobol points, Latin hypercubes, Gaussian
processes and `adaptive`, judged by surrogates of several kinds.

    python benchmarks/next.py                       # box and queries, one seed
    python benchmarks/next.py --seeds 3 --parts box

Runs at an optimised Latin hypercube, common to all methods of a seed, then batches chosen from 600
scrambled Sobol points. `lhs` is a new Latin hypercube of the full size, as if it had been known.
GP criteria refit their hyperparameters before each batch and condition on points chosen within it.
What is reported is the error on 2,000 new points, relative to random runs (with queries: to runs
drawn from them) on the same function and seed, as a geometric mean. Functions: those of the
surrogate literature with 2 to 10 parameters, scaled to the unit cube.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections import defaultdict
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
from _measure import show
from scipy.stats import qmc
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

import hullwise as hw

N_CANDIDATES, N_REFERENCE, N_TEST = 600, 300, 2000
Function = Callable[[Any], Any]


def scaled(low: Any, high: Any, function: Function) -> tuple[int, Function]:
    low, high = np.array(low, float), np.array(high, float)
    return len(low), lambda U: function((low + U * (high - low)).T)


def borehole(x: Any) -> Any:
    rw, r, tu, hu, tl, hl, length, kw = x
    log = np.log(r / rw)
    return 2 * np.pi * tu * (hu - hl) / (log * (1 + tu / tl) + 2 * length * tu / (rw**2 * kw))


def wing(x: Any) -> Any:
    area, fuel, aspect, sweep, q, taper, thickness, load, weight, paint = x
    cosine = np.cos(np.radians(sweep))
    first = 0.036 * area**0.758 * fuel**0.0035 * (aspect / cosine**2) ** 0.6 * q**0.006
    return (
        first * taper**0.04 * (100 * thickness / cosine) ** -0.3 * (load * weight) ** 0.49
        + area * paint
    )


def otl(x: Any) -> Any:
    rb1, rb2, rf, rc1, rc2, beta = x
    gain = beta * (rc2 + 9)
    base = 12 * rb2 / (rb1 + rb2)
    return ((base + 0.74) * gain + 11.35 * rf + 0.74 * rf * gain / rc1) / (gain + rf)


def branin(x: Any) -> Any:
    a, b = x[:2]
    root = b - 5.1 / (4 * np.pi**2) * a**2 + 5 / np.pi * a - 6
    return root**2 + 10 * (1 - 1 / (8 * np.pi)) * np.cos(a) + 10


HARTMANN_A = np.array(
    [[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8],
     [17, 8, 0.05, 10, 0.1, 14]]
)  # fmt: skip
HARTMANN_P = 1e-4 * np.array(
    [[1312, 1696, 5569, 124, 8283, 5886], [2329, 4135, 8307, 3736, 1004, 9991],
     [2348, 1451, 3522, 2883, 3047, 6650], [4047, 8828, 8732, 5743, 1091, 381]]
)  # fmt: skip


def hartmann(x: Any) -> Any:
    inner = (HARTMANN_A * (x.T[:, None] - HARTMANN_P) ** 2).sum(axis=2)
    return -np.exp(-inner) @ np.array([1.0, 1.2, 3.0, 3.2])


def friedman(x: Any) -> Any:
    return 10 * np.sin(np.pi * x[0] * x[1]) + 20 * (x[2] - 0.5) ** 2 + 10 * x[3] + 5 * x[4]


def ripple(x: Any) -> Any:
    r = np.linalg.norm(x.T - [0.35, 0.55, 0.45], axis=1)
    return np.sin(14 * r) / (1 + 10 * r)


FUNCTIONS: dict[str, tuple[int, Function]] = {
    "borehole": scaled(
        [0.05, 100, 63070, 990, 63.1, 700, 1120, 9855],
        [0.15, 50000, 115600, 1110, 116, 820, 1680, 12045],
        borehole,
    ),
    "wing": scaled(
        [150, 220, 6, -10, 16, 0.5, 0.08, 2.5, 1700, 0.025],
        [200, 300, 10, 10, 45, 1, 0.18, 6, 2500, 0.08],
        wing,
    ),
    "otl": scaled([50, 25, 0.5, 1.2, 0.25, 50], [150, 70, 3, 2.5, 1.2, 300], otl),
    "hartmann": scaled([0] * 6, [1] * 6, hartmann),
    "branin+4": scaled([-5, 0, 0, 0, 0, 0], [10, 15, 1, 1, 1, 1], branin),
    "friedman1": scaled([0] * 10, [1] * 10, friedman),
    "ripple3": scaled([0] * 3, [1] * 3, ripple),
    "branin2": scaled([-5, 0], [10, 15], branin),
}
BOX_FUNCTIONS = ("borehole", "wing", "otl", "hartmann", "branin+4", "friedman1", "ripple3")
PLANE_FUNCTIONS = ("branin2", "ripple3")
QUERY_FUNCTIONS = ("borehole", "hartmann", "otl")


# ---- judges ------------------------------------------------------------------------------------


def gaussian_process(X: Any, y: Any, seed: int) -> GaussianProcessRegressor:
    kernel = ConstantKernel(1.0, (1e-3, 1e4)) * Matern(
        np.ones(X.shape[1]), (0.05, 50.0), nu=2.5
    ) + WhiteKernel(1e-6, (1e-9, 1.0))
    model = GaussianProcessRegressor(
        kernel, normalize_y=True, n_restarts_optimizer=1, random_state=seed
    )
    return model.fit(X, y)


def judges(X: Any, y: Any, seed: int) -> dict[str, Any]:
    return {
        "GP": gaussian_process(X, y, seed),
        "RFM": hw.RFMRegressor().fit(X, y),
        "minimax": hw.MinimaxRegressor(metric=None).fit(X, y),
        "local linear": hw.LinearShepardRegressor().fit(X, y),
    }


# ---- ways to choose ----------------------------------------------------------------------------


def sobol(d: int, n: int, seed: int) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return qmc.Sobol(d, rng=np.random.default_rng(seed)).random(n)


def hypercube(d: int, n: int, seed: int) -> Any:
    rng = np.random.default_rng(seed)
    return qmc.LatinHypercube(d, optimization="random-cd", rng=rng).random(n)


def gp_batch(X: Any, y: Any, n: int, candidates: Any, queries: Any, *, imse: bool) -> Any:
    """Greedy batch of largest variance, or of the largest fall of the mean variance of queries."""
    model = gaussian_process(X, y, 0)
    every = np.vstack([candidates, queries])
    kernel = model.kernel_.k1
    noise = model.kernel_.k2.noise_level
    solved = np.linalg.solve(
        kernel(X) + (noise + 1e-10) * np.eye(len(X)), np.column_stack([kernel(X, every)])
    )
    covariance = kernel(every) - kernel(every, X) @ solved
    m, rows = len(candidates), []
    for _ in range(n):
        variance = np.maximum(np.diag(covariance)[:m], 0) + noise
        score = np.square(covariance[:m, m:]).sum(axis=1) / variance if imse else variance.copy()
        score[rows] = -np.inf
        best = int(np.argmax(score))
        rows.append(best)
        column = covariance[:, best]
        covariance = covariance - np.outer(column, column) / variance[best]
    return candidates[rows]


def adaptive_points(function: Function, X: Any, y: Any, n: int) -> Any:
    import adaptive

    d = X.shape[1]
    learner = adaptive.LearnerND(lambda x: None, bounds=[(0, 1)] * d)
    for x, value in zip(X, y):
        learner.tell(tuple(x), value)
    new: list[Any] = []
    while len(new) < n:
        (point,), _ = learner.ask(1)
        learner.tell(point, float(function(np.array([point]))[0]))
        new.append(point)
    return np.array(new)


def chosen(
    method: str, X: Any, f: Function, sizes: tuple[int, int], batch: int, seed: int, Q: Any = None
) -> tuple[Any, float]:
    """The runs that a method ends with, and its CPU seconds a point."""
    start, total = sizes
    d, started = X.shape[1], time.process_time()
    rng = np.random.default_rng([seed, 7])
    n = total - start
    if method == "random":
        new = rng.random((n, d))
    elif method == "drawn from queries":
        new = Q[rng.permutation(len(Q))[:n]]
    elif method == "Sobol":
        new = sobol(d, n, seed + 100)
    elif method == "lhs":
        return hypercube(d, total, seed + 200), 0.0
    elif method == "adaptive":
        new = adaptive_points(f, X, f(X), n)
    else:
        runs = X
        while len(runs) < total:
            count = min(batch, total - len(runs))
            runs = np.vstack([runs, next_batch(method, runs, f(runs), count, seed, Q)])
        new = runs[start:]
    took = time.process_time() - started
    return np.vstack([X, new]), took / n


def next_batch(method: str, X: Any, y: Any, n: int, seed: int, Q: Any) -> Any:
    d = X.shape[1]
    shown = None if Q is None else Q[:N_CANDIDATES]
    if method.startswith("GP"):
        candidates = sobol(d, N_CANDIDATES, 1000 * seed + len(X)) if shown is None else shown
        reference = sobol(d, N_REFERENCE, seed + 31) if Q is None else Q[:N_REFERENCE]
        return gp_batch(X, y, n, candidates, reference, imse=method == "GP IMSE")
    options = {"criterion": method, "n_candidates": N_CANDIDATES, "random_state": seed}
    return hw.suggest(X, y, n, box=[(0, 1)] * d, queries=shown, **options).points


# ---- what is measured --------------------------------------------------------------------------


def errors(X: Any, f: Function, tests: Any, seed: int) -> dict[str, float]:
    truth = f(tests)
    return {
        name: float(np.sqrt(np.mean((model.predict(tests) - truth) ** 2)) / truth.std())
        for name, model in judges(X, f(X), seed).items()
    }


def queries_of(name: str, d: int, seed: int) -> Any:
    rng = np.random.default_rng([seed, 11])
    if name == "hartmann":
        centre = np.array([0.20169, 0.150011, 0.476874, 0.275332, 0.311652, 0.6573])
        return np.clip(centre + 0.2 * (2 * rng.random((N_TEST, d)) - 1), 0, 1)
    return 0.5 + 0.4 * rng.random((N_TEST, d))


def run_part(
    title: str,
    names: tuple[str, ...],
    methods: tuple[str, ...],
    sizes: tuple[int, int],
    batch: int,
    seeds: int,
    *,
    with_queries: bool = False,
) -> None:
    table: dict[str, dict[tuple[str, int], dict[str, float]]] = defaultdict(dict)
    seconds: dict[str, list[float]] = defaultdict(list)
    for name in names:
        d, f = FUNCTIONS[name]
        for seed in range(seeds):
            X = hypercube(d, sizes[0], seed)
            Q = queries_of(name, d, seed) if with_queries else None
            tests = np.random.default_rng([seed, 13]).random((N_TEST, d)) if Q is None else Q
            for method in methods:
                runs, took = chosen(method, X, f, sizes, batch, seed, Q)
                seconds[method].append(took)
                table[method][name, seed] = errors(runs, f, tests, seed)
    report(title, methods, table, seconds)


def report(title: str, methods: tuple[str, ...], table: Any, seconds: Any) -> None:
    base = table[methods[0]]
    kinds = list(next(iter(base.values())))
    lines = []
    for method in methods:
        ratios = {
            kind: np.array([np.log(table[method][key][kind] / base[key][kind]) for key in base])
            for kind in kinds
        }
        mean = np.mean([ratios[kind] for kind in kinds], axis=0)
        error = np.std(mean, ddof=1) / np.sqrt(len(mean)) if len(mean) > 1 else np.nan
        lines.append(
            (
                method,
                *(f"{np.exp(ratios[kind].mean()):.2f}" for kind in kinds),
                f"{np.exp(mean.mean()):.2f}",
                f"{np.exp(mean.mean()) * error:.2f}",
                f"{(mean < 0).sum()} of {len(mean)}",
                f"{1000 * np.mean(seconds[method]):.1f}",
            )
        )
    print(f"\n{title}\n")
    show(("method", *kinds, "all judges", "s.e.", "better", "CPU ms a point"), lines)
    names = list(dict.fromkeys(name for name, _ in base))
    rows = []
    for method in methods:
        per = [
            np.mean(
                [np.log(table[method][key][k] / base[key][k]) for key in base if key[0] == name
                 for k in kinds]
            )
            for name in names
        ]  # fmt: skip
        rows.append((method, *(f"{np.exp(v):.2f}" for v in per)))
    print("\nAll judges, by function:\n")
    show(("method", *names), rows)


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--parts", nargs="+", default=["box", "plane", "queries"])
    p.add_argument("--seeds", type=int, default=1)
    p.add_argument("--total", type=int, default=160, help="runs at the end, in the box")
    args = p.parse_args()
    warnings.simplefilter("ignore")
    common = ("random", "Sobol", "lhs", "fill", "bend", "GP variance", "GP IMSE")
    if "box" in args.parts:
        title = f"40 to {args.total} runs in batches of 10, {args.seeds} seed(s)"
        run_part(title, BOX_FUNCTIONS, common, (40, args.total), 10, args.seeds)
    if "plane" in args.parts:
        title = f"2 and 3 parameters, 20 to 80 runs in batches of 10, {args.seeds} seed(s)"
        methods = (*common, "adaptive") if find_spec("adaptive") else common
        run_part(title, PLANE_FUNCTIONS, methods, (20, 80), 10, args.seeds)
    if "queries" in args.parts:
        title = f"2,000 queries, 600 shown, 40 to 100 runs in batches of 10, {args.seeds} seed(s)"
        methods = ("drawn from queries", "random", "risk", "bend", "fill", "GP IMSE")
        run_part(title, QUERY_FUNCTIONS, methods, (40, 100), 10, args.seeds, with_queries=True)


if __name__ == "__main__":
    main()
