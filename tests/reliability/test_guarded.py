"""A guarded model acts on rows that are out as it was told, and learns what it was answered."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.utils.estimator_checks import parametrize_with_checks

import hullwise as hw
from hullwise.errors import DataError, DataTypeError, OutOfDomainError

pytestmark = pytest.mark.filterwarnings("ignore::hullwise.errors.DataWarning")


def people(n, seed):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({"age": rng.normal(40, 10, n), "job": rng.choice(["nurse", "clerk"], n)})
    return table, np.asarray(table["age"] * 2 + (table["job"] == "nurse"))


def pipeline(last):
    encode = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["job"]), remainder="passthrough"
    )
    return make_pipeline(encode, last)


TRAIN, Y = people(300, 0)
NEW = pd.DataFrame({"age": [41.0, 300.0, 38.0], "job": ["nurse", "clerk", "baker"]})


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(
    [hw.Guarded(Ridge(), on_out="warn"), hw.Guarded(LogisticRegression(), on_out="warn")]
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def test_rows_that_are_out_get_no_prediction():
    guarded = hw.Guarded(pipeline(LinearRegression())).fit(TRAIN, Y)
    prediction = guarded.predict(NEW)
    assert prediction[0] == pytest.approx(83.0)
    assert np.isnan(prediction[1:]).all()
    result = guarded.predict_with_location(NEW)
    assert repr(result) == "GuardedPrediction(3 rows: 1 by the model, 2 not predicted)"
    assert result.source.tolist() == ["model", "none", "none"]
    assert "job 'baker' was never seen" in result.to_frame()["status"][2]
    assert result[1].is_out.tolist() == [True]


def test_an_error_names_the_rows_and_the_reason():
    guarded = hw.Guarded(pipeline(Ridge()), on_out="raise").fit(TRAIN, Y)
    with pytest.raises(OutOfDomainError, match=r"2 of 3 rows are out .* \(rows 1, 2\); row 1: far"):
        guarded.predict(NEW)
    with pytest.raises(
        OutOfDomainError, match=r"Out by: \w+ by [+-]\d.*\. Nothing is predicted\.$"
    ):
        guarded.predict(NEW[1:2])
    assert len(guarded.predict(NEW[:1])) == 1


def test_a_warning_goes_with_the_model_s_own_prediction():
    guarded = hw.Guarded(pipeline(LinearRegression()), on_out="warn").fit(TRAIN, Y)
    with pytest.warns(hw.DataWarning, match="2 of 3 rows are out"):
        prediction = guarded.predict(NEW)
    np.testing.assert_allclose(prediction, guarded.model_.predict(NEW))


def test_a_simulator_answers_and_the_model_learns_from_it():
    calls = []

    def simulate(rows):
        calls.append(len(rows))
        return np.asarray(rows["age"] * 2 + (rows["job"] == "nurse"))

    guarded = hw.Guarded(pipeline(LinearRegression()), on_out=simulate, learn=True).fit(TRAIN, Y)
    np.testing.assert_allclose(guarded.predict(NEW), [83.0, 600.0, 76.0], rtol=1e-6)
    assert calls == [2]
    guarded.refit()
    assert guarded.predict_with_location(NEW).source.tolist() == ["model"] * 3
    assert calls == [2]
    assert guarded.learnt_rows_ == []


def test_another_model_may_answer():
    mean = LinearRegression().fit(np.zeros((2, 2)), [7.0, 7.0])
    guarded = hw.Guarded(Ridge(), on_out=mean).fit(
        np.random.default_rng(0).random((50, 2)), range(50)
    )
    assert guarded.predict([[9.0, 9.0]]).tolist() == [7.0]


def test_classes_that_are_not_predicted_are_none():
    labels = np.where(Y > 80, "old", "young")
    guarded = hw.Guarded(pipeline(LogisticRegression(max_iter=1000))).fit(TRAIN, labels)
    assert guarded.predict(NEW).tolist() == ["old", None, None]
    shares = guarded.predict_proba(NEW)
    assert np.isnan(shares[1:]).all()
    assert shares[0].sum() == pytest.approx(1.0)
    assert guarded.classes_.tolist() == ["old", "young"]
    assert not hasattr(hw.Guarded(Ridge()), "predict_proba")
    assert guarded.score(TRAIN, labels) > 0.9


def test_clone_search_cross_validation_and_pickle():
    guarded = hw.Guarded(pipeline(Ridge()), hw.Domain(metric="range"), band="beyond")
    copy = clone(guarded)
    assert copy.domain is not guarded.domain
    assert copy.domain.metric == "range"
    assert cross_val_score(guarded, TRAIN, Y, cv=3).min() > 0.9
    search = GridSearchCV(guarded, {"model__ridge__alpha": [0.1, 10.0]}, cv=2).fit(TRAIN, Y)
    assert search.best_params_ == {"model__ridge__alpha": 0.1}
    fitted = guarded.fit(TRAIN, Y)
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.predict(NEW), fitted.predict(NEW))


def test_a_fitted_model_and_a_domain_from_a_file_are_enough(tmp_path):
    model = pipeline(LinearRegression()).fit(TRAIN, Y)
    hw.Domain().fit(TRAIN).save(tmp_path / "seen.hull")
    guarded = hw.Guarded(model, hw.load(tmp_path / "seen.hull"))
    assert guarded.predict(NEW)[0] == pytest.approx(83.0)
    from sklearn.exceptions import NotFittedError

    with pytest.raises(NotFittedError):
        hw.Guarded(model).predict(NEW)


def test_options_are_checked():
    with pytest.raises(DataError, match="band='core'"):
        hw.Guarded(Ridge(), band="core").fit(TRAIN[["age"]], Y)
    with pytest.raises(DataError, match="on_out='stop'"):
        hw.Guarded(Ridge(), on_out="stop").fit(TRAIN[["age"]], Y)
    with pytest.raises(DataTypeError, match="on_out is a float"):
        hw.Guarded(Ridge(), on_out=0.5).fit(TRAIN[["age"]], Y)
    with pytest.raises(DataTypeError, match="model is a OneHotEncoder"):
        hw.Guarded(OneHotEncoder()).fit(TRAIN[["age"]], Y)
    guarded = hw.Guarded(Ridge(), on_out=lambda rows: np.zeros(1)).fit(TRAIN[["age"]], Y)
    with pytest.raises(DataError, match="expected one answer for each"):
        guarded.predict(pd.DataFrame({"age": [900.0, 901.0]}))
    with pytest.raises(DataError, match="fit with learn=True"):
        guarded.refit()
