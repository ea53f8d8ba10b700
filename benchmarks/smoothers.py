"""Kernel regression and radial basis networks against interpolants, k nearest rows and RFM.

    python benchmarks/smoothers.py
    python benchmarks/smoothers.py --sets diabetes --methods "k nearest" kernel

Cross-validated error of every row predicted once from other folds (5; Parkinson's by patient, whole
patients left out; elsewhere by row), features in standard deviations. All that is chosen (k,
bandwidth, ridge, widths) is chosen from the training rows of the fold alone, by patients too where
the method can leave groups out; RFM cannot. The target of forest fires is log(1 + area).

Error is the root mean square over the target's standard deviation: about 1 is the mean of the
target. Intervals of 95 % are percentiles of 2,000 samples of the rows (patients) with replacement.
"against k nearest" is the ratio of the mean squared errors on the same samples: an interval below
1 says that the method is better than k nearest rows on this table, one that holds 1 says nothing.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from _measure import parser, show
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_wine,
    make_friedman1,
)
from sklearn.model_selection import GridSearchCV, GroupKFold

import hullwise as hw
from hullwise.samples import load

FOLDS = 5
SAMPLES = 2000
NEIGHBOURS = {"n_neighbors": [1, 2, 3, 5, 8, 12, 20, 30, 50, 80]}
HEAD = ("table", "method", "error", "95 %", "MSE against k nearest", "95 %")
CLASS_HEAD = ("table", "method", "wrong, %", "95 %", "minus k nearest", "95 %")


@dataclass(frozen=True, eq=False)
class Problem:
    X: Any
    y: Any
    groups: Any  # (n,): rows that are left out together


def problems() -> dict[str, Callable[[], Problem]]:
    def rows(X: Any, y: Any) -> Problem:
        return Problem(X, y, np.arange(len(y)))

    def fires() -> Problem:
        table = load("forest_fires")
        return rows(table.X, np.log1p(table.y))

    def parkinsons() -> Problem:
        table = load("parkinsons")
        return Problem(table.X, table.y, table.groups)

    return {
        "forest fires": fires,
        "parkinsons": parkinsons,
        "diabetes": lambda: rows(*load_diabetes(return_X_y=True)),
        "friedman1": lambda: rows(*make_friedman1(600, 10, noise=1.0, random_state=0)),
        "wine": lambda: rows(*load_wine(return_X_y=True)),
        "breast cancer": lambda: rows(*load_breast_cancer(return_X_y=True)),
        "digits": lambda: rows(*load_digits(return_X_y=True)),
    }


CLASSES = ("wine", "breast cancer", "digits")
Method = Callable[[Any, Any, Any], Any]  # X, y, groups -> something with predict


def grouped(model: Any) -> Method:
    return lambda X, y, groups: model.fit(X, y, groups)


def plain(model: Any) -> Method:
    return lambda X, y, groups: model.fit(X, y)


def searched(model: Any, grid: dict[str, Any]) -> Method:
    def fit(X: Any, y: Any, groups: Any) -> Any:
        folds = GroupKFold(FOLDS, shuffle=True, random_state=1)
        scoring = "accuracy" if hasattr(model, "predict_proba") else "neg_mean_squared_error"
        return GridSearchCV(model, grid, cv=folds, scoring=scoring).fit(X, y, groups=groups)

    return fit


def softmax(X: Any, y: Any, groups: Any) -> Any:
    """Attention over standardised rows: inner products about their mean."""
    mean, scale = X.mean(axis=0), np.where(X.std(axis=0) > 0, X.std(axis=0), 1.0)
    reg = hw.KernelRegressor(kernel="softmax", metric=None).fit((X - mean) / scale, y, groups)

    class Standardised:
        def predict(self, Q: Any) -> Any:
            return reg.predict((Q - mean) / scale)

    return Standardised()


def regressors() -> dict[str, Method]:
    agop = hw.metrics.agop_of_rows
    return {
        "k nearest": searched(hw.NearestRegressor(), NEIGHBOURS),
        "Delaunay": plain(hw.DelaunayRegressor()),
        "kernel": grouped(hw.KernelRegressor()),
        "kernel, Epanechnikov": grouped(hw.KernelRegressor(kernel="epanechnikov")),
        "kernel, Scott's rule": grouped(hw.KernelRegressor(bandwidth="scott")),
        "kernel, 10th neighbour": grouped(hw.KernelRegressor(n_neighbors=10)),
        "kernel, softmax": softmax,
        "kernel, AGOP metric": grouped(hw.KernelRegressor(metric=agop)),
        "RBF": grouped(hw.RBFNetworkRegressor()),
        "RBF, normalised": grouped(hw.RBFNetworkRegressor(normalized=True)),
        "RBF, linear term": grouped(hw.RBFNetworkRegressor(linear=True)),
        "RBF, mixture of 20": grouped(hw.RBFNetworkRegressor(centers="mixture", n_centers=20)),
        "RBF, 20 fine-tuned": grouped(hw.RBFNetworkRegressor(n_centers=20, fine_tuning=30)),
        "RBF, 20 as placed": grouped(hw.RBFNetworkRegressor(n_centers=20)),
        "RFM": plain(hw.RFMRegressor()),
    }


def classifiers() -> dict[str, Method]:
    nearest = hw.MixtureClassifier(hw.NearestRegressor())
    neighbours = {f"interpolant__{name}": values for name, values in NEIGHBOURS.items()}
    return {
        "k nearest": searched(nearest, neighbours),
        "Delaunay": plain(hw.MixtureClassifier(hw.DelaunayRegressor())),
        "kernel": plain(hw.MixtureClassifier(hw.KernelRegressor())),
        "RBF": grouped(hw.RBFNetworkClassifier()),
        "RBF, linear term": grouped(hw.RBFNetworkClassifier(linear=True)),
        "RFM": plain(hw.RFMClassifier()),
    }


def losses(problem: Problem, fit: Method, is_class: bool) -> Any:
    """Squared errors, or wrong labels, of all rows, each predicted from the other folds."""
    loss = np.zeros(len(problem.y))
    folds = GroupKFold(FOLDS, shuffle=True, random_state=0)
    for train, test in folds.split(problem.X, problem.y, problem.groups):
        model = fit(problem.X[train], problem.y[train], problem.groups[train])
        predicted = model.predict(problem.X[test])
        wrong = predicted != problem.y[test] if is_class else (predicted - problem.y[test]) ** 2
        loss[test] = wrong
    return loss


def resampled(loss: Any, groups: Any, others: Any) -> tuple[Any, Any]:
    """Mean loss of 2,000 samples of groups, of this method and of another one on the same."""
    _, code = np.unique(groups, return_inverse=True)
    size, rng = np.bincount(code), np.random.default_rng(0)
    sums = [np.bincount(code, weights=values) for values in (loss, others)]
    draws = rng.multinomial(len(size), np.full(len(size), 1 / len(size)), size=SAMPLES)
    return draws @ sums[0] / (draws @ size), draws @ sums[1] / (draws @ size)


def interval(values: Any, digits: int) -> str:
    low, high = np.quantile(values, [0.025, 0.975])
    return f"{low:.{digits}f} to {high:.{digits}f}"


def lines(name: str, problem: Problem, chosen: list[str] | None) -> list[tuple[str, ...]]:
    is_class, table = name in CLASSES, []
    methods = classifiers() if is_class else regressors()
    reference = None
    for label, fit in methods.items():
        if chosen is not None and label not in (*chosen, "k nearest"):
            continue
        loss = losses(problem, fit, is_class)
        reference = loss if reference is None else reference
        own, other = resampled(loss, problem.groups, reference)
        if is_class:
            cells = f"{100 * loss.mean():.1f}", interval(100 * own, 1)
            against = (
                f"{100 * (loss.mean() - reference.mean()):+.1f}",
                interval(100 * (own - other), 1),
            )
        else:
            spread = problem.y.std()
            cells = f"{np.sqrt(loss.mean()) / spread:.3f}", interval(np.sqrt(own) / spread, 3)
            against = f"{loss.mean() / reference.mean():.2f}", interval(own / other, 2)
        if label == "k nearest":
            against = "", ""
        table.append((name, label, *cells, *against))
        print("  ".join(table[-1]), file=sys.stderr, flush=True)
    return table


def main() -> None:
    p = parser(__doc__)
    p.add_argument("--sets", nargs="+", choices=list(problems()), default=list(problems()))
    p.add_argument("--methods", nargs="+", help="besides k nearest; all unless told")
    args = p.parse_args()
    warnings.simplefilter("ignore", hw.DataWarning)
    tables = {name: lines(name, problems()[name](), args.methods) for name in args.sets}
    for head, is_class in ((HEAD, False), (CLASS_HEAD, True)):
        cells = [
            line for name in args.sets if (name in CLASSES) is is_class for line in tables[name]
        ]
        if cells:
            show(head, cells)


if __name__ == "__main__":
    main()
