"""Tangents of tables and of transformations."""

from __future__ import annotations

import numpy as np
import pytest

import hullwise as hw


def circle(n: int = 60) -> np.ndarray:
    t = np.linspace(0, 2 * np.pi, n, endpoint=False)
    return np.stack([np.cos(t), np.sin(t)], axis=1)


def test_tangents_of_a_circle_are_at_right_angles_to_its_radii():
    X = circle()
    tangents = hw.train.local_tangents(X, 4, metric=None)[:, 0]
    assert np.abs((tangents * X).sum(axis=1)).max() < 1e-12  # by symmetry of the neighbours
    assert np.linalg.norm(tangents, axis=1) == pytest.approx(1.0, rel=1e-12)


def test_on_a_plane_two_tangents_span_it_and_a_third_is_zero():
    rng = np.random.default_rng(0)
    basis = rng.normal(size=(2, 5))
    X = rng.normal(size=(200, 2)) @ basis + 3.0
    tangents = hw.train.local_tangents(X, 8, 3)
    assert tangents.shape == (200, 3, 5)
    off = tangents[:, :2] - tangents[:, :2] @ np.linalg.pinv(basis) @ basis
    assert np.abs(off).max() < 1e-9
    assert not tangents[:, 2].any()


@pytest.mark.parametrize("metric", ["std", None, "range", np.array([4.0, 0.25, 1.0])])
def test_tangents_are_orthonormal_in_the_metric(metric):
    X = np.random.default_rng(1).normal(size=(80, 3)) * [1.0, 100.0, 0.01]
    tangents = hw.train.local_tangents(X, 6, 2, metric=metric)
    M = np.diag(
        {"std": 1 / X.var(axis=0), "range": 1 / np.ptp(X, axis=0) ** 2}.get(metric, np.ones(3))
        if metric is None or isinstance(metric, str)
        else metric
    )
    gram = tangents @ M @ tangents.transpose(0, 2, 1)
    assert np.abs(gram - np.eye(2)).max() < 1e-8


def test_units_of_features_do_not_matter_to_tangents_in_standard_deviations():
    X = np.random.default_rng(2).normal(size=(100, 3))
    units = np.array([1.0, 1000.0, 0.001])
    by_units = hw.train.local_tangents(X * units, 6, 2) / units
    plain = hw.train.local_tangents(X, 6, 2)
    same = np.abs((by_units * plain / X.var(axis=0)).sum(axis=2))
    assert same == pytest.approx(1.0, abs=1e-9)


def test_tangents_are_wanted_elsewhere_than_at_rows():
    X = circle(100)
    tangents = hw.train.local_tangents(X, 2, Q=[[1.1, 0.0]], metric=None)
    assert tangents.shape == (1, 1, 2)
    with pytest.raises(hw.DataError, match="3 features"):
        hw.train.local_tangents(X, 2, Q=[[1.0, 0.0, 0.0]])


def test_equal_rows_have_no_tangent():
    assert not hw.train.local_tangents(np.ones((5, 2)), 2, metric=None).any()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [((5, 1), "each has 4 others"), ((2, 3), "at most 2 directions"), ((0, 1), "at least 1")],
)
def test_numbers_that_do_not_fit_are_refused(arguments, words):
    with pytest.raises(hw.DataError, match=words):
        hw.train.local_tangents(np.random.default_rng(0).normal(size=(5, 2)), *arguments)


def test_neighbourhoods_in_blocks_give_the_same(monkeypatch):
    from hullwise.train import tangents

    X = np.random.default_rng(0).normal(size=(50, 3))
    whole = hw.train.local_tangents(X, 5, 2)
    monkeypatch.setattr(tangents, "LOCAL_PCA_NUMBERS", 1)
    assert np.array_equal(hw.train.local_tangents(X, 5, 2), whole)


def rotate(X, angle):
    return X * np.cos(angle) + X[:, ::-1] * np.array([-1.0, 1.0]) * np.sin(angle)


def test_the_tangent_of_a_rotation_of_an_array():
    X = np.random.default_rng(0).normal(size=(7, 2))
    tangents = hw.train.transformation_tangents(rotate, X, step=1e-4)
    assert np.abs(tangents - X[:, ::-1] * [-1.0, 1.0]).max() < 1e-7


@pytest.mark.parametrize(
    ("transform", "words"),
    [
        (lambda X, amount: X + 1 + amount, "by 0 moves X by up to 1"),
        (lambda X, amount: X[:2], "into shape"),
        (lambda X, amount: X * np.inf, "NaN or infinity"),
        ("rotate", "expected a callable"),
    ],
)
def test_transformations_without_a_tangent_are_refused(transform, words):
    with pytest.raises(hw.DataError, match=words), np.errstate(invalid="ignore"):
        hw.train.transformation_tangents(transform, np.arange(6.0).reshape(3, 2))


@pytest.mark.parametrize(
    ("options", "words"),
    [({"step": 0}, "step=0: expected"), ({"method": "exact"}, "'differences' or 'jvp'")],
)
def test_options_of_transformations(options, words):
    with pytest.raises(hw.DataError, match=words):
        hw.train.transformation_tangents(rotate, np.ones((3, 2)), **options)


@pytest.mark.parametrize("X", [np.ones(3), np.array([["a", "b"]]), [[1.0, np.nan]]])
def test_rows_of_a_transformation_are_finite_numbers(X):
    with pytest.raises(hw.DataError):
        hw.train.transformation_tangents(rotate, X)


def test_what_a_transformation_of_the_callers_raises_is_left_alone():
    with pytest.raises(ZeroDivisionError):
        hw.train.transformation_tangents(lambda X, amount: X * (1 / 0), np.ones((3, 2)))
