"""Recursive feature machines against xRFM's own, kernel ridge and gradient boosting.

    python benchmarks/rfm.py

800 training rows (diabetes 282), 1,000 test rows: friedman1 in 10 features without noise, a
polynomial of 2 turned directions in 50 and of 3 in 16 normal features, and diabetes. Each side
standardises the features. hullwise chooses step and ridge by 3 folds of the training rows; xRFM
(where the package is installed) is given a fifth of them for that. Kernel ridge: Laplace kernel,
ridge and width by 3 folds. R2 on the test rows and CPU seconds of fitting; medians of the seeds.

A second table has more rows than a kernel matrix can be held for (friedman1 in 20 features with
noise of standard deviation 1; one seed): hullwise then learns the metric from 5,000 rows and solves
for all of them by preconditioned conjugate gradients. xRFM gets up to --xrfm rows.
"""

from __future__ import annotations

import warnings
from functools import partial
from statistics import median
from typing import Any

import numpy as np
from _measure import clocked, parser, show
from sklearn.datasets import load_diabetes
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.kernel_ridge import KernelRidge
from sklearn.model_selection import GridSearchCV

MANY = ("rows", "method", "test R2", "fit, CPU s", "fit, wall s", "5,000 predictions, s")
HEAD = ("set", "method", "test R2", "fit, CPU s", "directions found")


def sets(seed: int) -> dict[str, tuple[Any, Any, int]]:
    rng = np.random.default_rng(seed)

    def turned(d: int) -> Any:
        return np.linalg.qr(rng.normal(size=(d, d)))[0]

    X = rng.uniform(size=(1800, 10))
    bent = 10 * np.sin(np.pi * X[:, 0] * X[:, 1]) + 20 * (X[:, 2] - 0.5) ** 2
    found = {"friedman1, d=10": (X, bent + 10 * X[:, 3] + 5 * X[:, 4], 800)}
    X = rng.normal(size=(1800, 50))
    U = X @ turned(50)[:, :2]
    found["rank 2, d=50"] = (X, U[:, 0] * U[:, 1] + U[:, 0] ** 2, 800)
    X = rng.normal(size=(1800, 16))
    U = X @ turned(16)[:, :3]
    found["rank 3, d=16"] = (X, U[:, 0] * U[:, 1] + U[:, 2] ** 2 + U[:, 0], 800)
    X, y = load_diabetes(return_X_y=True)
    order = rng.permutation(len(y))
    found["diabetes, d=10"] = (X[order], y[order], 282)
    return found


def effective(M: Any) -> float:
    """Effective dimension of a metric: (trace)^2 / trace of its square."""
    return float(np.trace(M) ** 2 / (M * M).sum())


def methods() -> dict[str, Any]:
    import hullwise as hw

    def ours(Z: Any, y: Any) -> Any:
        reg = hw.RFMRegressor().fit(Z, y)
        return reg.predict, effective(reg.metric_)

    def xrfm(Z: Any, y: Any) -> Any:
        import torch
        from xrfm import RFM  # type: ignore[import-not-found]

        t = torch.tensor(np.c_[Z, y], dtype=torch.float32)
        cut = len(t) * 4 // 5
        rfm = RFM("laplace", iters=5, bandwidth=10.0, device="cpu", verbose=False)
        parts = (t[:cut, :-1], t[:cut, -1:]), (t[cut:, :-1], t[cut:, -1:])
        rfm.fit(*parts, method="lstsq", reg=1e-3, verbose=False)

        def predict(Q: Any) -> Any:
            return np.asarray(rfm.predict(torch.tensor(Q, dtype=torch.float32))).ravel()

        return predict, float("nan")

    def ridge(Z: Any, y: Any) -> Any:
        grid = {"alpha": [1e-3, 1e-2, 1e-1, 1], "gamma": [0.003, 0.01, 0.03, 0.1]}
        return GridSearchCV(KernelRidge(kernel="laplacian"), grid, cv=3).fit(Z, y).predict, np.nan

    def boosting(Z: Any, y: Any) -> Any:
        return HistGradientBoostingRegressor(random_state=0).fit(Z, y).predict, np.nan

    return {"hullwise": ours, "xRFM": xrfm, "kernel ridge": ridge, "gradient boosting": boosting}


def many_rows(sizes: list[int], most: int) -> list[list[Any]]:
    lines = []
    for n in sizes:
        rng = np.random.default_rng(n)
        X = rng.uniform(size=(n + 5000, 20))
        y = 10 * np.sin(np.pi * X[:, 0] * X[:, 1]) + 20 * (X[:, 2] - 0.5) ** 2
        y = y + 10 * X[:, 3] + 5 * X[:, 4]
        Z, T = (X - 0.5) * np.sqrt(12), (y - y.mean()) / y.std()
        noisy = T + rng.normal(size=len(T)) / y.std()
        for name in ("hullwise", "xRFM", "gradient boosting"):
            if name == "xRFM" and n > most:
                continue
            try:
                done = clocked(partial(methods()[name], Z[:n], noisy[:n]))
            except ImportError:
                continue
            told = clocked(partial(done.result[0], Z[n:]))
            score = 1 - ((told.result - T[n:]) ** 2).mean() / T[n:].var()
            cells = f"{score:.4f}", f"{done.cpu:.0f}", f"{done.wall:.0f}", f"{told.wall:.1f}"
            lines.append([f"{n:,}", name, *cells])
    return lines


def main() -> None:
    p = parser(__doc__)
    p.add_argument("--seeds", type=int, default=3)
    p.add_argument("--rows", type=int, nargs="*", default=[20_000, 100_000])
    p.add_argument("--xrfm", type=int, default=20_000, help="most rows for xRFM")
    options = p.parse_args()
    warnings.simplefilter("ignore")
    found: dict[tuple[str, str], list[tuple[float, float, float]]] = {}
    missing: set[str] = set()
    for seed in range(options.seeds):
        for name, (X, y, n) in sets(seed).items():
            mean, spread = X[:n].mean(axis=0), X[:n].std(axis=0)
            Z, T = (X - mean) / spread, (y - y[:n].mean()) / y[:n].std()
            for method, fit in methods().items():
                try:
                    done = clocked(lambda fit=fit, Z=Z, T=T, n=n: fit(Z[:n], T[:n]))
                except ImportError:
                    missing.add(method)
                    continue
                predict, dimension = done.result
                gap = ((predict(Z[n:]) - T[n:]) ** 2).sum()
                score = 1 - gap / ((T[n:] - T[n:].mean()) ** 2).sum()
                found.setdefault((name, method), []).append((score, done.cpu, dimension))
    rows = []
    for (name, method), runs in found.items():
        score, cpu, dimension = (median(one) for one in zip(*runs, strict=True))
        found_text = "" if np.isnan(dimension) else f"{dimension:.1f}"
        rows.append([name, method, f"{score:.3f}", f"{cpu:.2f}", found_text])
    show(HEAD, rows, left=2)
    show(MANY, many_rows(options.rows, options.xrfm), left=2)
    print("Directions found: effective dimension of the learnt metric, (trace M)^2 / trace M^2.")
    if missing:
        print(f"Not installed, not run: {', '.join(sorted(missing))}.")


if __name__ == "__main__":
    main()
