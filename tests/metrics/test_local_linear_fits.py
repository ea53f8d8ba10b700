"""The AGOP of a target known at rows only, against targets whose gradients are known."""

from __future__ import annotations

import numpy as np
import pytest

import hullwise as hw
from hullwise.errors import DataError


def share(M, P):
    """How much of a metric lies in the span of orthonormal columns P."""
    return np.trace(P.T @ M @ P) / np.trace(M)


@pytest.mark.parametrize(("d", "r"), [(50, 2), (16, 3)])
def test_turned_directions_are_found_among_many(d, r):
    rng = np.random.default_rng(d)
    P = np.linalg.qr(rng.normal(size=(d, d)))[0][:, :r]
    X = rng.normal(size=(800, d))
    U = X @ P
    y = U[:, 0] * U[:, 1] + (U[:, 2] ** 2 if r == 3 else 0)
    assert share(hw.metrics.agop_of_rows(X, y), P) > 0.99


def test_a_linear_target_gives_its_own_outer_product():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 4)) * [1, 10, 1e-3, 1e6]
    slope = np.array([1.0, 0.2, -1e3, 0.0])
    y = X @ slope
    M = hw.metrics.agop_of_rows(X, y, ridge=0) * y.var()
    s = X.std(axis=0)
    found, expected = M * np.outer(s, s), np.outer(slope * s, slope * s)
    # the fits are shrunk: directions are right, and the size is a little low
    assert 0.5 < np.trace(found) / np.trace(expected) <= 1.05
    np.testing.assert_allclose(found / np.trace(found), expected / np.trace(expected), atol=0.01)


def test_units_rows_and_offsets_do_not_matter():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(300, 3))
    y = np.sin(2 * X[:, 0]) + X[:, 1]
    M = hw.metrics.agop_of_rows(X, y)
    scaled = hw.metrics.agop_of_rows(X * [1, 4, 0.25] + [0, 8, 1], 2 * y + 1)
    np.testing.assert_allclose(
        scaled * np.outer([1, 4, 0.25], [1, 4, 0.25]), M, atol=1e-5 * np.trace(M)
    )
    again = hw.metrics.agop_of_rows(X, np.column_stack([y, y]))
    np.testing.assert_allclose(again, 2 * M, rtol=1e-9)


def test_noise_adds_no_directions():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(400, 10))
    P = np.eye(10)[:, :1]
    y = X[:, 0] + 0.5 * rng.normal(size=400)
    assert share(hw.metrics.agop_of_rows(X, y), P) > 0.94


@pytest.mark.parametrize("n", [2, 3, 5, 11])
def test_few_rows_and_duplicates_are_no_error(n):
    rng = np.random.default_rng(n)
    X = np.repeat(rng.normal(size=(n, 6)), 2, axis=0)
    X[:, 5] = 3.0
    y = np.repeat(np.arange(n, dtype=float), 2)
    M = hw.metrics.agop_of_rows(X, y)
    assert np.isfinite(M).all()
    assert np.linalg.eigvalsh(M)[0] > 0


def test_what_cannot_be_used_is_named():
    X = np.random.default_rng(0).normal(size=(20, 2))
    with pytest.raises(DataError, match="constant"):
        hw.metrics.agop_of_rows(X, np.ones(20))
    with pytest.raises(DataError, match="20"):
        hw.metrics.agop_of_rows(X, np.arange(19.0))
    with pytest.raises(DataError, match="n_neighbors"):
        hw.metrics.agop_of_rows(X, np.arange(20.0), n_neighbors=1)
