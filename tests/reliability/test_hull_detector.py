"""The detector keeps scikit-learn's convention, and the share it was told."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.utils.estimator_checks import parametrize_with_checks

import hullwise as hw
from hullwise.errors import DataError

X = np.random.default_rng(0).normal(size=(400, 6))


@pytest.mark.filterwarnings("ignore::hullwise.DataWarning")
@parametrize_with_checks([hw.HullDetector(), hw.HullDetector(metric="range", contamination=0.1)])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("contamination", ["auto", 0.1, 0.02])
def test_the_share_of_training_rows_is_the_one_asked_for(contamination):
    detector = hw.HullDetector(contamination=contamination)
    share = (detector.fit_predict(X) == -1).mean()
    assert share == pytest.approx(0.05 if contamination == "auto" else contamination, abs=0.003)


def test_training_rows_are_judged_by_leaving_them_out():
    detector = hw.HullDetector().fit(X)
    inside = hw.locate(X, X).lower
    assert (inside == 0).all()
    assert (detector.score_samples(X) < 0).mean() > 0.3
    assert detector.score_samples(X[:1] * 0.999)[0] >= detector.score_samples(X[:1])[0]


def test_rows_that_the_reference_lacks_are_measured_when_asked():
    small = hw.HullDetector(reference=50).fit(X)
    full = hw.HullDetector(reference=400).fit(X)
    assert np.corrcoef(small.score_samples(X), full.score_samples(X))[0, 1] > 0.99


def test_new_rows_drawn_alike_are_outliers_as_often_as_stated():
    rates = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        detector = hw.HullDetector().fit(rng.standard_t(3, size=(200, 5)))
        rates.append((detector.predict(rng.standard_t(3, size=(200, 5))) == -1).mean())
    assert np.mean(rates) == pytest.approx(0.05, abs=0.015)


def test_a_row_off_the_flat_is_below_all_others():
    flat = np.column_stack([X[:, :2], X[:, 0] + X[:, 1]])
    with pytest.warns(hw.DataWarning):
        detector = hw.HullDetector().fit(flat)
    off, far = detector.score_samples([[0.0, 0.0, 0.1], [9.0, 9.0, 18.0]])
    assert off < detector.offset_
    assert detector.predict([[0.0, 0.0, 0.1], [9.0, 9.0, 18.0]]).tolist() == [-1, -1]
    assert off < 0 > far


def test_it_is_searched_over_and_takes_frames():
    frame = pd.DataFrame(X, columns=list("abcdef"))
    detector = clone(hw.HullDetector()).fit(frame)
    assert detector.predict(frame[:5]).shape == (5,)
    search = GridSearchCV(
        hw.HullDetector(reference=50),
        {"metric": ["std", "range"]},
        scoring=lambda detector, X, y=None: detector.decision_function(X).mean(),
        cv=2,
    ).fit(X[:100])
    assert search.best_params_["metric"] in ("std", "range")


def test_options_are_checked():
    with pytest.raises(DataError, match="contamination='some'"):
        hw.HullDetector(contamination="some").fit(X)
    with pytest.raises(DataError, match="at most"):
        hw.HullDetector(contamination=0.7).fit(X)
