"""Rows off the flat say which relation of the training rows they break, in the table's columns."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import hullwise as hw
from hullwise.report import render_report
from hullwise.report.sentences import off_flat_sentences, remarks

pytestmark = pytest.mark.filterwarnings("ignore::hullwise.errors.DataWarning")


@pytest.fixture(scope="module")
def table():
    """Two one-hot groups, a column that is the sum of two others, and a constant."""
    rng = np.random.default_rng(0)
    airport = pd.Categorical(rng.choice(["ATL", "BOS", "CHI", "DEN"], 200))
    carrier = pd.Categorical(rng.choice(["AA", "UA"], 200))
    X = pd.concat(
        [pd.get_dummies(airport, prefix="dest"), pd.get_dummies(carrier, prefix="by")], axis=1
    ).astype(float)
    X["a"], X["b"] = rng.normal(size=200).round(2), (100 * rng.normal(size=200)).round()
    X["c"], X["k"] = X.a + X.b, 7.0
    return X


def changed(table, **values):
    row = table.iloc[:1].reset_index(drop=True)
    return row.assign(**{name: row[name] * 0 + value for name, value in values.items()})


AIRPORTS = ["dest_ATL", "dest_BOS", "dest_CHI", "dest_DEN"]


def test_relations_are_those_of_the_table(table):
    location = hw.locate(table, table.iloc[:1], reference=20)
    texts = {relation.text(location.columns) for relation in location.training.relations}
    assert texts == {
        "dest_ATL, dest_BOS, ... always sum to 1",
        "by_AA, by_UA always sum to 1",
        "c = a + b",
    }
    for relation in location.training.relations:
        assert relation.breaks(table.to_numpy()).max() <= 1


def test_an_unknown_category_is_named(table):
    row = changed(table, **dict.fromkeys(AIRPORTS, 0.0))
    location = hw.locate(table, row, reference=20)
    reason = "dest_ATL, dest_BOS, ... always sum to 1"
    assert f"{reason}; here 0." in location.to_dict()["status"][0]
    assert location.pushed_out_by()[0][0] == (f"{reason}, off by", pytest.approx(-1))
    assert location.to_dict()["pushed_out_by"][0].startswith(f"{reason}, off by -1; ")
    (sentence,) = off_flat_sentences(location)
    assert sentence == f"{reason}; 1 new row breaks that: far, whatever the distance."
    assert sentence in render_report(location)


def test_a_broken_sum_says_by_how_much(table):
    row = changed(table, c=float(table.c[0]) + 3)
    location = hw.locate(table, row, reference=20)
    assert "c = a + b; here off by 3." in location.to_dict()["status"][0]
    assert location.pushed_out_by()[0][0] == ("c = a + b, off by", pytest.approx(3))
    assert off_flat_sentences(location)[0].startswith("c = a + b in the training rows; 1 new row")


def test_a_constant_that_moves_is_named(table):
    location = hw.locate(table, changed(table, k=8.0), reference=20)
    assert "k is always 7; here 8." in location.to_dict()["status"][0]


def test_several_reasons_are_all_given(table):
    location = hw.locate(table, changed(table, by_AA=1.0, by_UA=1.0, k=8.0), reference=20)
    status = location.to_dict()["status"][0]
    assert "k is always 7; here 8. by_AA, by_UA always sum to 1; here 2." in status


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_coefficients_that_are_no_whole_numbers(scale):
    rng = np.random.default_rng(1)
    a, b = scale * rng.normal(size=100), rng.normal(size=100)
    X = pd.DataFrame({"a": a, "b": b, "c": 0.25 * a / scale - 2.5 * b + 4})
    row = X.iloc[:1].assign(c=X.c[0] + 1)
    location = hw.locate(X, row, reference=0)
    (relation,) = location.training.relations
    values = X.to_numpy()[:, relation.columns] @ relation.coefficients
    np.testing.assert_allclose(values, relation.constant, rtol=1e-9, atol=1e-9 * scale)
    assert "= " in location.status_texts()[0]


def test_too_few_rows_have_no_relations():
    rng = np.random.default_rng(2)
    location = hw.locate(rng.normal(size=(5, 20)), rng.normal(size=(2, 20)), reference=0)
    assert location.off_flat.all()
    assert location.training.relations == ()
    assert "it breaks a linear relation" in location.status_texts()[0]


def test_usual_rows_out_of_range_are_counted_and_say_so():
    rng = np.random.default_rng(3)
    X = pd.DataFrame(rng.normal(size=(60, 8)), columns=list("abcdefgh"))
    Q = X.sample(5, random_state=0).reset_index(drop=True) * 0.1
    Q.loc[0, "d"] = X.d.max() + 0.05
    location = hw.locate(X, Q)
    assert location.band[0] in ("core", "edge")
    assert location.summary().n_usual_out_of_range == 1
    assert "out of range: d +0.05." in location.to_dict()["status"][0]
    note = "1 row is core or edge although a feature is out of its training range"
    assert any(text.startswith(note) for text in remarks(location, location.summary()))
    assert all("out of range" not in text for text in location.to_dict()["status"][1:])


def test_amounts_below_a_billionth_of_the_range_are_shown_as_0():
    X = np.random.default_rng(4).uniform(-1, 1, size=(80, 2))
    X[0, 0] = X[:, 0].max()
    from hullwise.geometry.location_summary import smallest_change

    location = hw.locate(X, [[1.2e-16, 5.0], [X[0, 0] + 1e-13, 0.0]], reference=0)
    values = {name: old for name, old, _ in smallest_change(location, 0)}
    assert values.get("x0", 0.0) == 0.0
    assert location.to_dict()["out_of_range"][1] == "x0 +0"
