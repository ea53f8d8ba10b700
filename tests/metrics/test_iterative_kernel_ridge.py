"""Kernel ridge regression without the kernel matrix, against the matrix."""

from __future__ import annotations

import numpy as np
import pytest

import hullwise as hw
from hullwise.metrics import _iterative_kernel_ridge as iterative
from hullwise.metrics._iterative_kernel_ridge import Kernel, kernel_product, solve_kernel_ridge

KERNELS = [Kernel("laplace", 5.0), Kernel("laplace", 30.0), Kernel("gaussian", 3.0)]


def dense(Z, kernel):
    D = np.sqrt(((Z[:, None] - Z[None]) ** 2).sum(axis=2))
    return np.exp(-D / kernel.width if kernel.name == "laplace" else -(D**2) / 2 / kernel.width**2)


@pytest.fixture
def rows(monkeypatch):
    monkeypatch.setattr(iterative, "KERNEL_STRIP_ROWS", 128)  # several strips, the last one short
    monkeypatch.setattr(iterative, "KERNEL_BLOCK_ROWS", 48)  # blocks that cross the ends of strips
    rng = np.random.default_rng(0)
    Z = rng.normal(size=(500, 6))
    Z[100:130] = Z[:30]  # repeated rows: the kernel is singular
    return Z, np.column_stack([np.sin(Z[:, 0]) * Z[:, 1], Z[:, 2] + rng.normal(size=500)])


@pytest.mark.parametrize("kernel", KERNELS)
def test_blocks_give_the_product_of_the_whole(rows, kernel):
    Z, V = rows
    found = kernel_product(Z.astype(np.float32), kernel, V)
    np.testing.assert_allclose(found, dense(Z, kernel) @ V, atol=1e-3 * np.abs(V).mean())
    np.testing.assert_array_equal(found, kernel_product(Z.astype(np.float32), kernel, V))


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("ridge", [1e-2, 1.0])
def test_the_answer_solves_the_system(rows, kernel, ridge):
    Z, T = rows
    T = T - T.mean(axis=0)
    found = solve_kernel_ridge(Z, kernel, ridge, T, 0)
    assert found.residual <= iterative.RIDGE_RESIDUAL_TOLERANCE
    left = T - dense(Z, kernel) @ found.coefficients - ridge * found.coefficients
    assert (np.linalg.norm(left, axis=0) <= 3e-3 * np.linalg.norm(T, axis=0)).all()
    assert found.products < 60


def test_a_target_of_zero_needs_nothing(rows):
    found = solve_kernel_ridge(rows[0], KERNELS[0], 0.1, np.zeros((500, 1)), 0)
    assert not found.coefficients.any()


def test_many_rows_predict_as_the_held_matrix_does(monkeypatch):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(1200, 5))
    y = X[:, 0] * X[:, 1] + 0.1 * rng.normal(size=1200)
    Q = rng.normal(size=(300, 5))
    whole = hw.RFMRegressor(ridges=[0.1]).fit(X, y)
    monkeypatch.setattr(hw.RFMRegressor, "_max_dense_rows", 1000)
    monkeypatch.setattr("hullwise.metrics.recursive_feature_machine.METRIC_SAMPLE_ROWS", 800)
    many = hw.RFMRegressor(ridges=[0.1]).fit(X, y)
    truth = Q[:, 0] * Q[:, 1]
    gap = [((reg.predict(Q) - truth) ** 2).mean() for reg in (whole, many)]
    assert gap[1] < 1.5 * gap[0]
    # with its own metric, the held matrix gives its answer again
    Z, M, scale = many._fitted
    K = many._kernel(Z, Z, M)[0]
    dual = np.linalg.solve(K + 0.1 * np.eye(1200), (y - y.mean())[:, None])
    again = many._kernel((Q - X.mean(axis=0)) / scale, Z, M)[0] @ dual + y.mean()
    np.testing.assert_allclose(many.predict(Q), again[:, 0], atol=2e-3 * y.std())
    np.testing.assert_array_equal(
        many.predict(Q), hw.RFMRegressor(ridges=[0.1]).fit(X, y).predict(Q)
    )
