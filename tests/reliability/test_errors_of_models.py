"""What scikit-learn says of a model is an error of this library, wherever it comes from."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge

import hullwise as hw

RNG = np.random.default_rng(79)
TEXT = pd.DataFrame({"a": RNG.normal(size=60), "site": np.where(RNG.random(60) < 0.5, "x", "y")})
Y = RNG.normal(size=60)


@pytest.mark.parametrize("estimator", [hw.CalibratedRegressor, hw.Guarded])
@pytest.mark.parametrize(
    ("model", "rows", "says"),
    [
        (Ridge(), TEXT, "could not convert string to float"),
        (Ridge(alpha=-1), TEXT[["a"]], "'alpha' parameter of Ridge"),
    ],
)
def test_fitting(estimator, model, rows, says):
    with pytest.raises(hw.HullwiseError, match=f"fitting the model failed: sklearn says .*{says}"):
        estimator(model).fit(rows, Y)


def test_predicting():
    calibrated = hw.CalibratedRegressor(Ridge()).fit(TEXT[["a"]], Y)
    with pytest.raises(hw.DataError, match=r"sklearn says .*feature names"):
        calibrated.predict(pd.DataFrame({"b": [1.0]}))
    guarded = hw.Guarded(Ridge()).fit(TEXT[["a"]], Y)
    with pytest.raises(hw.DataError, match="X has 60 rows, y has 5"):
        guarded.score(TEXT[["a"]], Y[:5])


def test_what_scikit_learn_looks_for_passes():
    with pytest.raises(NotFittedError):
        hw.CalibratedRegressor(Ridge()).predict([[1.0]])


class CountsGroups(RegressorMixin, BaseEstimator):
    """A regressor that leaves groups out while it learns."""

    def fit(self, X, y, groups=None):
        self.n_groups_ = 0 if groups is None else len(np.unique(groups))
        self.mean_ = float(np.mean(y))
        return self

    def predict(self, X):
        return np.full(len(X), self.mean_)


def test_groups_reach_every_model_that_takes_them():
    groups = np.repeat(np.arange(30), 2)
    model = hw.CalibratedRegressor(CountsGroups(), coverage=0.5)
    assert model.fit(TEXT[["a"]], Y, groups=groups).regressor_.n_groups_ > 10
    assert model.fit(TEXT[["a"]], Y).regressor_.n_groups_ == 0
