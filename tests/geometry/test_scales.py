"""A table times a power of two is the same table: verdicts, bands, brackets and what is refused."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from scipy.sparse import csr_array

import hullwise as hw
from oracle import in_hull, squared_distance

POWERS = [-1000, -600, -520, -300, 300, 520, 600, 1000]
ROOTS = {"vector": [1.0, 4.0, 0.25], "matrix": np.array([[2.0, 1, 0], [1, 3, 1], [0, 1, 2]])}
A = np.array([[3.0, 1.0, -2.0], [1e-4, 2e-4, 1e-4]])
ROOTS["agop"] = A.T @ A  # of rank 2, with one weak direction
METRICS = {None: None, "std": "std", "range": "range", **ROOTS}
SCALED_BY_UNITS = ("std", "range")


def table():
    rng = np.random.default_rng(0)
    X = rng.integers(-9, 10, (30, 3)).astype(float)
    Q = np.concatenate([X[:4], (X[4:10] + X[10:16]) / 2, rng.integers(-16, 17, (20, 3))])
    return X, Q


@pytest.mark.parametrize("power", POWERS)
@pytest.mark.parametrize("metric", METRICS)
def test_times_a_power_of_two(metric, power):
    X, Q = table()
    before = hw.locate(X, Q, metric=METRICS[metric])
    after = hw.locate(np.ldexp(X, power), np.ldexp(Q, power), metric=METRICS[metric])
    np.testing.assert_array_equal(after.verdict, before.verdict)
    np.testing.assert_array_equal(after.band, before.band)
    own = 0 if metric in SCALED_BY_UNITS else power
    for name in ("lower", "upper", "neighbour_distance"):
        expected = np.ldexp(getattr(before, name), own)
        np.testing.assert_allclose(getattr(after, name), expected, rtol=1e-9, atol=2.0**-1070)
    np.testing.assert_array_equal(after.nearest_rows, before.nearest_rows)
    assert after.verify(np.ldexp(X, power)).all()


@pytest.mark.parametrize("power", POWERS)
def test_brackets_hold_the_exact_distance(power):
    X, Q = table()
    found = hw.locate(np.ldexp(X, power), np.ldexp(Q, power), metric=None, reference=0)
    points, scale = [[Fraction(v) for v in x] for x in X[:12]], Fraction(2) ** power
    found = hw.locate(np.ldexp(X[:12], power), np.ldexp(Q, power), metric=None, reference=0)
    for b, q in enumerate(Q):
        query = [Fraction(v) for v in q]
        assert (found.verdict[b] == 1) == in_hull(points, query) or found.verdict[b] == 0
        truth = squared_distance(points, query) * scale**2
        assert Fraction(found.lower[b]) ** 2 <= truth <= Fraction(found.upper[b]) ** 2


@pytest.mark.parametrize("power", POWERS)
@pytest.mark.parametrize("metric", METRICS)
def test_false_claims_are_refused_at_every_scale(metric, power):
    X, Q = (np.ldexp(part, power) for part in table())
    loc = hw.locate(X, Q, metric=METRICS[metric], reference=0)
    outside = loc.verdict == -1
    hull = loc.hull
    nearer = replace(hull, lower=hull.lower / 8, upper=hull.lower / 4)
    farther = replace(hull, lower=hull.lower * 1.01, upper=hull.upper * 1.02)
    flipped = replace(hull, weights=csr_array(hull.weights.toarray()[:, ::-1]))
    for false in (nearer, farther, flipped):
        assert not replace(loc, hull=false).verify(X)[outside].any()


def test_a_tiny_distance_is_no_other_tiny_distance():
    s = 1e-170
    X = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]) * s
    loc = hw.locate(X, np.array([[3.0, 4.0], [2.0, 2.0]]) * s, metric=None, reference=0)
    claim = replace(loc.hull, lower=np.full(2, 1e-300), upper=np.full(2, 1.1e-300))
    assert not replace(loc, hull=claim).verify(X).any()


@pytest.mark.parametrize("far", [300, 700, 1000])
def test_queries_far_beyond_the_rows(far):
    X, Q = table()
    X, Q = np.ldexp(X, -far // 2), np.ldexp(Q[-20:] + 40.0, far // 2)
    loc = hw.locate(X, Q, metric=None)
    assert (loc.verdict == -1).all()
    assert loc.verify(X).all()
    assert (loc.neighbour_distance > 0).all()
