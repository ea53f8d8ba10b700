"""Whatever is put in: an answer, or an error of this library that says what was wrong."""

from __future__ import annotations

import contextlib
import datetime
import warnings
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
from sklearn.exceptions import NotFittedError

import hullwise as hw
from hullwise.predict import INTERPOLANT_METHODS, interpolant_class

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 2))
Y = X[:, 0]
Q = RNG.normal(size=(5, 2))
CIRCULAR: list = []
CIRCULAR.append(CIRCULAR)
TABLES = {
    "none": None,
    "text": "abc",
    "number": 3,
    "dict": {"a": [1, 2]},
    "set": {1, 2},
    "bytes": b"ab",
    "function": len,
    "generator": (i for i in range(3)),
    "ragged": [[1, 2], [3]],
    "circular": CIRCULAR,
    "empty": [],
    "no rows": np.zeros((0, 2)),
    "no columns": np.zeros((3, 0)),
    "cube": np.zeros((2, 2, 2)),
    "flat": [1.0, 2.0],
    "wide": RNG.normal(size=(40, 3)),
    "one row": X[:1],
    "constant": np.ones((40, 2)),
    "nan": np.where(np.eye(40, 2) > 0, np.nan, X),
    "infinite": np.where(np.eye(40, 2) > 0, np.inf, X),
    "largest": np.full((40, 2), 1.7e308) * np.sign(X),
    "subnormal": X * 1e-320,
    "text array": np.array([["1", "2"]] * 40),
    "words": np.array([[1, "a"]] * 40, object),
    "numbers as objects": X.astype(object),
    "decimals": [[Decimal(1), 2]] * 40,
    "too large": [[10**400, 1]] * 40,
    "complex": X + 1j,
    "bool": X > 0,
    "uint64": np.full((40, 2), 2**63, np.uint64),
    "float16": X.astype(np.float16),
    "long double": X.astype(np.longdouble),
    "records": np.zeros(40, dtype=[("a", float), ("b", float)]),
    "times": np.zeros((40, 2), "M8[s]"),
    "durations": np.zeros((40, 2), "m8[s]"),
    "masked": np.ma.array(X, mask=X > 1),
    "sparse": scipy.sparse.csr_array(X),
    "frame": pd.DataFrame(X),
    "copies of a name": pd.DataFrame(X, columns=["a", "a"]),
    "dates": pd.DataFrame({"a": pd.date_range("2020", periods=40), "b": Y}),
    "categories": pd.DataFrame({"a": pd.Categorical(list("ab") * 20), "b": Y}),
    "polars": pl.DataFrame(X),
    "lazy": pl.DataFrame(X).lazy(),
    "series": pd.Series(Y),
}
TARGETS = TABLES | {
    "short": Y[:-1],
    "column": Y[:, None],
    "two": X,
    "labels": list("ab") * 20,
    "mixed": [1, "a"] * 20,
    "nothing": [None] * 40,
    "missing": pd.Series([pd.NA] * 40),
    "datetimes": [datetime.datetime(2020, 1, 1)] * 40,
    "a number": np.array(1.0),
    "enormous": Y * 1e307,
}
NUMBERS = [
    *(None, -1, 0, 1, 0.5, np.nan, np.inf, "2", [2], [0.1, 0.2], 1j, True, object()),
    *(1e308, 1e-320, 10**30, 10**400, np.array([1.0, 2.0]), np.array(3), [[1, 2], [3]]),
]
WORDS = [None, 3, "x", ["mean"], np.array(["flat", "x"]), object()]
METRICS = [
    *("no", 3, b"std", True, object(), {"a": 1}, [1.0], [np.nan, 1], [-1, 1], [0, 0], [1j, 1]),
    *([["a", "b"], ["c", "d"]], [[1, 2], [3, 4]], [[1], [2, 3]], np.full((2, 2), np.inf)),
    *(-np.eye(2), np.eye(3), np.zeros((2, 2)), ["1", "2"], [1e308, 1e308], [1e-320, 1e-320]),
    *(lambda rows, targets: None, lambda rows, targets: "no", lambda rows, targets: np.eye(5)),
]
OPTIONS = {
    "metric": METRICS,
    "duplicates": WORDS,
    "unbounded": WORDS,
    "kernel": WORDS,
    "bandwidth": [*WORDS, *NUMBERS],
    "n_centers": NUMBERS,
    "centers": WORDS,
    "widths": [*WORDS, *NUMBERS],
    "width_factor": [*WORDS, *NUMBERS],
    "ridge": [*WORDS, *NUMBERS],
    "normalized": NUMBERS,
    "linear": NUMBERS,
    "fine_tuning": NUMBERS,
    "random_state": NUMBERS,
    "power": NUMBERS,
    "level": NUMBERS,
    "lipschitz": NUMBERS,
    "loss": WORDS,
    "noise": NUMBERS,
    "smoothness": NUMBERS,
    "n_neighbors": NUMBERS,
}
KINDS = [interpolant_class(method) for method in INTERPOLANT_METHODS]


def survives(call, *args, **options):
    """The call answers, or refuses in our words (or scikit-learn's, where it checks)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with contextlib.suppress(hw.HullwiseError, NotFittedError):
            call(*args, **options)


def wrapped(name):
    reg = hw.VoronoiRegressor()
    if name == "calibrated":
        return hw.CalibratedRegressor(reg)
    return (hw.MixtureRegressor if name == "mixture" else hw.MixtureClassifier)(reg)


@pytest.mark.parametrize("kind", KINDS)
def test_tables_and_targets_of_any_kind(kind):
    fitted = kind().fit(X, Y)
    for table in TABLES.values():
        survives(kind().fit, table, Y)
        survives(fitted.predict, table)
        survives(fitted.explain, table)
        survives(fitted.bound, table, smoothness=1.0)
    for target in TARGETS.values():
        survives(kind().fit, X, target)
        survives(fitted.bound, Q, smoothness=target)
        survives(fitted.bound, Q, smoothness=1.0, lipschitz=target)
        survives(fitted.predict_quantile, Q, target)


@pytest.mark.parametrize("kind", KINDS)
def test_options_of_any_kind(kind):
    for name in kind().get_params():
        for value in OPTIONS[name]:
            survives(lambda name=name, value=value: kind(**{name: value}).fit(X, Y).predict(Q))


@pytest.mark.parametrize("name", ["calibrated", "mixture", "classifier"])
def test_what_wraps_an_interpolant(name):
    labels = Y > 0 if name == "classifier" else Y
    fitted = wrapped(name).fit(X, labels)
    methods = ("predict", "weights", "explain", "band", "predict_proba", "predict_quantile")
    for table in TABLES.values():
        survives(wrapped(name).fit, table, labels)
        for method in methods:
            if hasattr(fitted, method):
                survives(getattr(fitted, method), table)
    for target in TARGETS.values():
        survives(wrapped(name).fit, X, target)
        for method in ("ks", "predict_cdf"):
            if hasattr(fitted, method):
                survives(getattr(fitted, method), Q, target)


def test_options_of_a_band():
    for name in ("coverage", "calibration", "random_state", "regressor", "method", "n_folds"):
        for value in NUMBERS:
            options = {"regressor": hw.VoronoiRegressor(), name: value}
            survives(lambda o=options: hw.CalibratedRegressor(**o).fit(X, Y).band(Q))
    for groups in TARGETS.values():
        survives(wrapped("calibrated").fit, X, Y, groups=groups)


@pytest.mark.parametrize("call", [hw.error_bound, hw.simplex_shape], ids=lambda c: c.__name__)
def test_weights_of_any_kind(call):
    options = {"smoothness": 1.0} if call is hw.error_bound else {}
    W = hw.VoronoiRegressor().fit(X, Y).weights(Q)
    for table in TABLES.values():
        survives(call, table, X, Q, **options)
        survives(call, W, table, Q, **options)
        survives(call, W, X, table, **options)
    for weights in (2 * W, -W, W * np.nan, W[:, :3], W.tocoo(), W * 1j, W > 0, np.eye(5, 40)):
        survives(call, weights, X, Q, **options)
    for metric in METRICS:
        survives(call, W, X, Q, metric=metric, **options)


def test_estimates_and_proofs():
    simplices = hw.DelaunayRegressor().fit(X, Y).simplices(Q)
    for table in TABLES.values():
        survives(hw.estimate_smoothness, table, Y)
        survives(simplices.verify, table)
    for target in TARGETS.values():
        survives(hw.estimate_smoothness, X, target)
    for value in NUMBERS:
        survives(simplices.verify, X, tolerance=value)
        for name in ("rows", "n_neighbors", "quantile"):
            survives(hw.estimate_smoothness, X, Y, **{name: value})
    for metric in METRICS:
        survives(hw.estimate_smoothness, X, Y, metric=metric)


SCORED = {
    "numbers": (hw.DelaunayRegressor(), Y),
    "band": (hw.CalibratedRegressor(hw.VoronoiRegressor()), Y),
    "mixture": (hw.MixtureRegressor(hw.VoronoiRegressor()), Y),
    "classes": (hw.MixtureClassifier(hw.VoronoiRegressor()), Y > 0),
}


@pytest.mark.parametrize("name", SCORED)
def test_scores_of_targets_of_any_kind(name):
    model, target = SCORED[name]
    model.fit(X, target)
    for other in TARGETS.values():
        # scikit-learn has its own words where two arrays do not fit
        with contextlib.suppress(ValueError):
            survives(model.score, X, other)


def test_a_warning_points_at_the_line_that_called():
    twice = np.concatenate([X, X[:1]])
    with pytest.warns(hw.DataWarning, match="averaged") as seen:
        hw.VoronoiRegressor().fit(twice, np.append(Y, 9.0))
    assert seen[0].filename == __file__
    with pytest.warns(hw.DataWarning, match="averaged") as seen:
        hw.estimate_smoothness(twice, np.append(Y, 9.0))
    assert seen[0].filename == __file__
