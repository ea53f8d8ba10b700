"""Directions of a metric: closed forms, and the same answer in any units."""

import numpy as np
import pytest

import hullwise as hw
from hullwise.errors import DataError
from hullwise.metrics.variance_explained import variance_explained


@pytest.fixture(scope="module")
def rows():
    return np.random.default_rng(0).normal(size=(300, 4)) @ np.diag([1.0, 20.0, 3.0, 1e-5])


def standardised(X):
    return (X - X.mean(axis=0)) / X.std(axis=0)


def test_one_direction_is_found_with_its_features(rows):
    v = np.array([0.8, 0.0, -0.6, 0.0]) / rows.std(axis=0)
    found = hw.metrics.directions(4 * np.outer(v, v), rows, columns=["a", "b", "c", "d"])
    assert len(found) == 1
    assert found.eigenvalues == pytest.approx([4.0])
    assert found.share.tolist() == [1.0]
    assert found.vectors == pytest.approx(np.array([[0.8, 0, -0.6, 0]]), abs=1e-12)
    assert found.effective_dimension == pytest.approx(1.0)
    assert found.feature_share == pytest.approx([0.64, 0, 0.36, 0], abs=1e-12)
    assert found.text(0) == "0.80 a - 0.60 c"
    assert repr(found) == "Directions(effective dimension 1.00 of 4; 0.80 a - 0.60 c)"


def test_all_directions_alike_count_as_many_as_there_are(rows):
    found = hw.metrics.directions("std", rows)
    assert found.effective_dimension == pytest.approx(4.0)
    assert found.share == pytest.approx([0.25] * 4)
    weights = np.array([1.0, 4.0, 0.0, 9.0])
    found = hw.metrics.directions(weights, standardised(rows))
    assert found.eigenvalues == pytest.approx([9, 4, 1])
    assert found.effective_dimension == pytest.approx(14**2 / (81 + 16 + 1))
    assert [found.text(i) for i in range(3)] == ["1.00 x3", "1.00 x1", "1.00 x0"]


def test_units_of_the_features_do_not_count(rows):
    A = np.random.default_rng(1).normal(size=(4, 4))
    M = A @ A.T / np.outer(rows.std(axis=0), rows.std(axis=0))
    units = np.array([1e6, 1.0, 1e-9, 25.4])
    one = hw.metrics.directions(M, rows)
    other = hw.metrics.directions(M / np.outer(units, units), rows * units + 7)
    assert other.eigenvalues == pytest.approx(one.eigenvalues, rel=1e-8)
    assert other.vectors == pytest.approx(one.vectors, abs=1e-6)
    rebuilt = (one.vectors.T * one.eigenvalues) @ one.vectors
    assert rebuilt == pytest.approx(M * np.outer(rows.std(axis=0), rows.std(axis=0)), rel=1e-9)


def test_signs_and_order_are_fixed(rows):
    A = np.random.default_rng(2).normal(size=(4, 4))
    found = hw.metrics.directions(A @ A.T, standardised(rows))
    largest = np.abs(found.vectors).argmax(axis=1)
    assert (found.vectors[np.arange(len(found)), largest] > 0).all()
    assert (np.diff(found.eigenvalues) <= 0).all()
    assert found.vectors @ found.vectors.T == pytest.approx(np.eye(len(found)), abs=1e-12)
    assert found.share.sum() == pytest.approx(1.0)


def test_a_constant_feature_weighs_nothing(rows):
    X = rows.copy()
    X[:, 1] = 5.0
    found = hw.metrics.directions(np.eye(4), X)
    assert len(found) == 3
    assert not found.vectors[:, 1].any()
    with pytest.raises(DataError, match="constant over the training rows"):
        hw.metrics.directions([0.0, 1.0, 0.0, 0.0], X)


def test_a_direction_names_at_most_five_features():
    X = standardised(np.random.default_rng(0).normal(size=(60, 40)))
    v = np.full(40, 1.0)
    v[:3], v[39] = [5.0, -4.0, 3.0], 1e-4
    found = hw.metrics.directions(np.outer(v, v), X)
    assert [name for name, _ in found.terms(0)][:3] == ["x0", "x1", "x2"]
    assert len(found.terms(0)) == 5
    assert found.more(0) == 34  # not the one of weight 1e-5
    assert found.text(0).endswith("+ 34 more")
    assert found.text(0).startswith(f"{5 / np.linalg.norm(v):.2f} x0 - ")


def test_the_metric_of_a_location_and_frames_are_taken(rows):
    location = hw.locate(rows, rows[:2], metric=np.diag([1.0, 0.5, 2.0, 0.1]))
    from_location = hw.metrics.directions(location.metric, hw.Cloud(rows))
    assert from_location.eigenvalues == pytest.approx(
        hw.metrics.directions(np.array([1.0, 0.5, 2.0, 0.1]), rows).eigenvalues
    )
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(rows, columns=["a", "b", "share", "d"])
    table = hw.metrics.directions("std", frame).to_frame()
    assert list(table.columns) == [
        *("eigenvalue", "share", "direction", "a", "b", "weight of share", "d")
    ]
    assert len(table) == 4


def test_what_cannot_be_a_metric_is_refused(rows):
    with pytest.raises(DataError, match="shape"):
        hw.metrics.directions(np.eye(3), rows)
    with pytest.raises(DataError, match="2 names"):
        hw.metrics.directions(np.eye(4), rows, columns=["a", "b"])
    with pytest.raises(DataError, match="eigenvalue"):
        hw.metrics.directions(-np.eye(4), rows)


def test_held_out_rows_tell_a_task_from_noise():
    rng = np.random.default_rng(0)
    Z = rng.normal(size=(500, 8))
    task, plain = variance_explained(hw.metrics.agop_of_rows, Z, Z[:, :1] + Z[:, 1:2])
    assert task > 0.9 > plain
    noise, _ = variance_explained(lambda Z, T: np.eye(8), Z, rng.normal(size=(500, 1)))
    assert noise < 0.1
    assert np.isnan(variance_explained(lambda Z, T: np.eye(8), Z[:20], Z[:20, :1])).all()
