"""Shapes of simplices against formulas of another kind; constants that data do not refute."""

from __future__ import annotations

import numpy as np
import pytest

import hullwise as hw
from known_functions import functions

# ---------------------------------------------------------------- simplices


def test_shape_of_random_simplices():
    rng = np.random.default_rng(0)
    for d, s in ((1, 2), (2, 3), (3, 4), (6, 7), (6, 3)):
        X = rng.normal(size=(s, d))
        W = rng.dirichlet(np.ones(s), 8)
        Q = rng.normal(size=(8, d))
        found = hw.simplex_shape(W, X, Q, metric=None)
        D = np.linalg.norm(X[:, None] - X[None], axis=2)
        np.testing.assert_allclose(found.longest_edge, D.max(), rtol=1e-12)
        for b in range(8):
            x0 = np.linalg.norm(X - W[b] @ X, axis=1).argmin()
            E = np.delete(X, x0, axis=0) - X[x0]
            least = np.linalg.svd(E)[1][-1]
            np.testing.assert_allclose(found.smallest_singular_value[b], least, rtol=1e-9)
        # Cayley and Menger: (2 R)^2 = - 2 det D2 / det [[0, 1], [1, D2]]
        border = np.ones((s + 1, s + 1))
        border[0, 0] = 0
        border[1:, 1:] = D**2
        radius = np.sqrt(-np.linalg.det(D**2) / (2 * np.linalg.det(border)))
        np.testing.assert_allclose(found.circumradius, radius, rtol=1e-7)
        near = np.linalg.norm(X[None] - Q[:, None], axis=2).min(axis=1)
        np.testing.assert_allclose(found.nearest, near, rtol=1e-12)
        assert (found.rows == s).all()


def test_shape_where_there_is_none():
    X = [[0.0, 0.0], [1.0, 1.0], [3.0, 3.0], [0.0, 1.0]]
    third = 1 / 3
    W = [[1.0, 0, 0, 0], [third, third, third, 0], [0.25] * 4, [0.5, 0, 0, 0.5]]
    found = hw.simplex_shape(W, X, [[0.0, 0.5]] * 4, metric=None)
    np.testing.assert_allclose(found.longest_edge, [0.0, np.sqrt(18), np.nan, 1.0], rtol=1e-12)
    np.testing.assert_allclose(found.smallest_singular_value, [np.nan, 0, np.nan, 1], rtol=1e-12)
    np.testing.assert_allclose(found.circumradius, [0.0, np.nan, np.nan, 0.5], rtol=1e-12)
    np.testing.assert_allclose(found.nearest, [0.5, 0.5, 0.5, 0.5], rtol=1e-12)
    assert found.rows.tolist() == [1, 3, 4, 2]


# ---------------------------------------------------------------- estimated constants


@pytest.mark.parametrize("d", [1, 2, 4])
def test_what_is_estimated_is_never_more_than_the_truth(d):
    X = np.random.default_rng(d).uniform(-1, 2, (300, d))
    for name, f, L, gamma in functions(d):
        found = hw.estimate_smoothness(X, f(X), metric=None)
        assert found.lipschitz <= L * (1 + 1e-9), name
        assert found.smoothness <= gamma * (1 + 1e-6) + 1e-9, name
        assert found.slope.shape == found.curvature.shape == found.rows.shape == (300,)
    if d < 3:
        assert hw.estimate_smoothness(X, 3 * X[:, 0] ** 2, metric=None).smoothness > 5.5
        assert hw.estimate_smoothness(X, np.sin(3 * X[:, 0]), metric=None).smoothness > 8.0


def test_the_sphere_is_seen_exactly():
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (400, 3))
    found = hw.estimate_smoothness(X, 2.5 * (X**2).sum(axis=1), metric=None)
    assert found.smoothness == pytest.approx(5.0, rel=1e-6)
    bent = np.r_[X, X.mean(axis=0)[None]]
    assert hw.estimate_smoothness(X, X @ [1.0, 2.0, 3.0], metric=None).smoothness < 1e-13
    assert len(hw.estimate_smoothness(bent, bent[:, 0], rows=40, metric=None).rows) == 40


def test_the_best_uniform_fit_in_one_dimension_by_linear_programming():
    from scipy.optimize import linprog

    rng = np.random.default_rng(3)
    X, y = rng.random((12, 2)), rng.normal(size=12)
    found = hw.estimate_smoothness(X, y, n_neighbors=11, metric=None)
    for i in range(12):
        V, rise = np.delete(X, i, axis=0) - X[i], np.delete(y, i) - y[i]
        half = (V**2).sum(axis=1)[:, None] / 2
        A = np.r_[np.c_[-V, -half], np.c_[V, -half]]
        best = linprog([0, 0, 1], A, np.r_[-rise, rise], bounds=[(None, None)] * 2 + [(0, None)])
        assert found.curvature[i] <= best.fun * (1 + 1e-8)
        assert found.curvature[i] >= 0.8 * best.fun


def test_estimates_in_a_metric_scale_and_flat():
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 2, (200, 2))
    y = X[:, 0] ** 2 + X[:, 1]
    plain = hw.estimate_smoothness(X * [2.0, 3.0], y, metric=None)
    found = hw.estimate_smoothness(X, y, metric=[4.0, 9.0])
    assert found.smoothness == pytest.approx(plain.smoothness, rel=1e-9)
    assert found.lipschitz == pytest.approx(plain.lipschitz, rel=1e-9)
    for unit in (2.0**-400, 2.0**400):
        far = hw.estimate_smoothness(X * unit, y, metric=None)
        assert far.lipschitz * unit == pytest.approx(
            hw.estimate_smoothness(X, y, metric=None).lipschitz, rel=1e-12
        )
        far = hw.estimate_smoothness(X * unit, y * unit, metric=None)
        assert far.smoothness * unit == pytest.approx(
            hw.estimate_smoothness(X, y, metric=None).smoothness, rel=1e-9
        )
    flat = hw.estimate_smoothness(
        np.c_[X, X.sum(axis=1), np.ones(200)], (X**2).sum(axis=1), metric=None
    )
    assert flat.n_neighbors == 6
    assert 1.0 < flat.smoothness <= 2.0 * (1 + 1e-9)


def test_several_outputs_and_quantiles():
    X = np.random.default_rng(0).random((100, 2))
    Y = np.c_[X[:, 0] ** 2, 5 * X[:, 1] ** 2, np.ones(100)]
    found = hw.estimate_smoothness(X, Y, metric=None)
    for j in range(3):
        alone = hw.estimate_smoothness(X, Y[:, j], metric=None)
        assert found.smoothness[j] == alone.smoothness
        assert found.lipschitz[j] == alone.lipschitz
    assert found.smoothness[2] == found.lipschitz[2] == 0
    half = hw.estimate_smoothness(X, Y[:, 0], quantile=0.5, metric=None)
    assert half.smoothness == np.sort(half.curvature)[49]
    assert half.lipschitz == np.sort(half.slope)[49]
    assert "0.5 quantile of 100 rows with 6 neighbours" in repr(half)


def test_estimates_of_too_few_rows():
    with pytest.warns(hw.DataWarning, match="nothing is known about the smoothness"):
        found = hw.estimate_smoothness(np.eye(3), [1.0, 2.0, 4.0], metric=None)
    assert np.isnan(found.smoothness)
    assert found.lipschitz == pytest.approx(3 / np.sqrt(2))
    with pytest.raises(hw.DataError, match="one distinct row"):
        hw.estimate_smoothness([[1.0], [1.0]], [1.0, 1.0], metric=None)
    with pytest.raises(hw.DataError, match="quantile=2"):
        hw.estimate_smoothness(np.eye(3), [1.0, 2.0, 4.0], quantile=2, metric=None)
    with pytest.raises(hw.DataError, match="rows=0"):
        hw.estimate_smoothness(np.eye(3), [1.0, 2.0, 4.0], rows=0, metric=None)
    with pytest.raises(hw.DataError, match="numbers"):
        hw.estimate_smoothness(np.eye(3), ["a", "b", "c"], metric=None)


def test_rows_that_repeat():
    X, y = np.array([[0.0], [1.0], [2.0], [3.0], [1.0]]), np.array([0.0, 1.0, 2.0, 3.0, 1.0])
    assert hw.estimate_smoothness(X, y, metric=None).smoothness == 0
    y[4] = 2.0
    with pytest.warns(hw.DataWarning, match="1 row"):
        found = hw.estimate_smoothness(X, y, metric=None)
    assert found.smoothness > 0.5
    assert found.rows.tolist() == [0, 1, 2, 3]
    blind = hw.estimate_smoothness(np.c_[X[:4], [0.0, 1.0, 0.0, 1.0]], y[:4], metric=[0.0, 1.0])
    assert blind.lipschitz == blind.smoothness == np.inf
