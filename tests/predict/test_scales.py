"""Rows times a power of two: the same weights, and every length and proof moves along."""

from __future__ import annotations

import numpy as np
import pytest

import hullwise as hw
from hullwise.predict import INTERPOLANT_METHODS, interpolant_class

SHEAR = np.array([[1.0, 0.5, 0.0], [0.0, 1.0, 0.25], [0.5, 0.0, 2.0]])
METRICS = {
    "none": None,
    "std": "std",
    "range": "range",
    "weights": np.array([4.0, 1.0, 0.25]),
    "matrix": SHEAR.T @ SHEAR,
    "rank two": SHEAR[:2].T @ SHEAR[:2],
}
POWERS = [-1000, -600, -300, 300, 600, 1000]


def few_bits(values):
    """So that nothing is lost among the subnormal numbers."""
    return np.round(values * 2**12) / 2**12


def table():
    rng = np.random.default_rng(0)
    X = few_bits(rng.normal(size=(40, 3)))
    mixed = few_bits(rng.dirichlet(np.ones(40), 8) @ X)
    Q = np.concatenate([mixed, few_bits(rng.normal(size=(12, 3)) * 20), X[:3]])
    return X, few_bits(rng.normal(size=40)), Q


@pytest.mark.parametrize("power", POWERS)
@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("method", INTERPOLANT_METHODS)
def test_weights_are_the_same(method, metric, power):
    X, y, Q = table()
    scale, kind = 2.0**power, interpolant_class(method)
    expected = kind(metric=METRICS[metric]).fit(X, y)
    scaled = kind(metric=METRICS[metric]).fit(X * scale, y)
    assert abs(scaled.weights(Q * scale) - expected.weights(Q)).max() == 0
    np.testing.assert_array_equal(scaled.predict(Q * scale), expected.predict(Q))


@pytest.mark.parametrize("power", POWERS)
@pytest.mark.parametrize("metric", METRICS)
def test_simplices_and_their_proofs_move_along(metric, power):
    X, y, Q = table()
    scale = 2.0**power
    unit = 1.0 if metric in ("std", "range") else scale  # of a distance
    expected = hw.DelaunayRegressor(metric=METRICS[metric]).fit(X, y).simplices(Q)
    scaled = hw.DelaunayRegressor(metric=METRICS[metric]).fit(X * scale, y).simplices(Q * scale)
    assert expected.verify(X).all()
    assert scaled.verify(X * scale).all()
    np.testing.assert_array_equal(scaled.corners, expected.corners)
    np.testing.assert_array_equal(scaled.status, expected.status)
    np.testing.assert_array_equal(scaled.distance, expected.distance * unit)
    np.testing.assert_array_equal(scaled.nearest, expected.nearest * scale)
    np.testing.assert_array_equal(scaled.centre, expected.centre * scale)


@pytest.mark.parametrize("metric", ["std", "range"])
@pytest.mark.parametrize("method", INTERPOLANT_METHODS)
def test_features_of_very_different_units(method, metric):
    X, y, Q = table()
    units, kind = np.ldexp(1.0, [400, -20, -500]), interpolant_class(method)
    expected, scaled = kind(metric=metric).fit(X, y), kind(metric=metric).fit(X * units, y)
    assert abs(scaled.weights(Q * units) - expected.weights(Q)).max() <= 1e-12
    if method == "delaunay":
        assert scaled.simplices(Q * units).verify(X * units).all()


CLAIMS = ["corners", "weights", "nearest", "distance", "centre", "inside", "outside"]


@pytest.mark.parametrize("power", [-1000, 0, 1000])
@pytest.mark.parametrize("metric", ["none", "std", "matrix"])
@pytest.mark.parametrize("claim", CLAIMS)
def test_a_wrong_claim_fails_at_any_scale(claim, metric, power):
    X, y, Q = table()
    scale = 2.0**power
    result = hw.DelaunayRegressor(metric=METRICS[metric]).fit(X * scale, y).simplices(Q * scale)
    b = int(np.argmax(result.distance))
    inside = int(np.argmin(result.distance))
    if claim == "corners":
        result.corners[b] = result.corners[inside]
    elif claim == "weights":
        b = inside
        at = slice(*result.weights.indptr[b : b + 2])
        result.weights.data[at] = np.roll(result.weights.data[at], 1)
    elif claim == "nearest":
        result.nearest[b] += (result.queries[b] - result.nearest[b]) * 1e-3
    elif claim == "distance":
        result.distance[b] *= 1 + 1e-6
    elif claim == "centre":
        b = inside
        result.centre[b] = result.queries[b] + (result.centre[b] - result.queries[b]) * 0.9
    elif claim == "inside":
        result.status[b] = hw.SimplexStatus.INSIDE
    else:
        b = inside
        result.status[b] = hw.SimplexStatus.OUTSIDE
    holds = result.verify(X * scale)
    assert not holds[b]
    assert holds.sum() == len(Q) - 1
