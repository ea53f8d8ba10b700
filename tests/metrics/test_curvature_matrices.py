"""The average absolute Hessian, of models and from rows."""

import numpy as np
import pytest

import hullwise as hw
from hullwise.errors import DataError, ModelError

SLOPE = np.array([3.0, -2.0, 0.5, 10.0])


def bent(X):
    return np.sin(2 * X[:, 0]) + 0.5 * (X[:, 1] + X[:, 2]) ** 2


def white(n, d, seed=0):
    """Rows of mean 0 and covariance 1, so that a rotation leaves every standard deviation at 1."""
    X = np.random.default_rng(seed).normal(size=(n, d))
    X -= X.mean(axis=0)
    values, V = np.linalg.eigh(X.T @ X / n)
    return X @ (V / np.sqrt(values)) @ V.T


def rotation(d, seed=1):
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(d, d)))[0]


def close(A, B, tolerance):
    np.testing.assert_allclose(A, B, rtol=0, atol=tolerance * np.abs(B).max())


def of_function(f):
    """The same matrix of a function and from its values at rows."""
    return [
        lambda X, change=lambda X: X: hw.metrics.curvature(lambda x: f(change(x)), X, ridge=0),
        lambda X, change=lambda X: X: hw.metrics.curvature_of_rows(X, f(change(X)), ridge=0),
    ]


@pytest.mark.parametrize("which", [0, 1])
def test_linear_functions_are_free(which):
    X = white(120, 4)
    plain = of_function(bent)[which](X)
    tilted = of_function(lambda X: bent(X) + X @ SLOPE + 7)[which](X)
    close(tilted, plain, 1e-5)


@pytest.mark.parametrize("which", [0, 1])
def test_translations_rotations_and_units_carry_over(which):
    X, R, unit = white(200, 4), rotation(4), 2.0 ** np.array([3, -4, 0, 10])
    metric = of_function(bent)[which]
    M = metric(X)
    close(metric(X + 5.0, lambda X: X - 5.0), M, 1e-5)
    # differences along other directions have another error
    close(metric(X @ R.T, lambda X: X @ R), R @ M @ R.T, 1e-5 if which else 1e-3)
    scaled = metric(X * unit, lambda X: X / unit)
    close(scaled * np.outer(unit, unit), M, 1e-6)


def test_a_quadratic_has_the_absolute_value_of_its_hessian():
    X = white(100, 3)
    H = np.array([[2.0, 1.0, 0.0], [1.0, -3.0, 0.0], [0.0, 0.0, 0.0]])
    values, V = np.linalg.eigh(H)
    expected = (V * np.abs(values)) @ V.T
    M = hw.metrics.curvature(lambda x: np.einsum("ni,ij,nj->n", x, H, x) / 2, X, ridge=0)
    np.testing.assert_allclose(M, expected, atol=1e-6)
    M = hw.metrics.curvature_of_rows(X, np.einsum("ni,ij,nj->n", X, H, X) / 2, ridge=0)
    close(M / np.trace(M), expected / np.trace(expected), 0.1)


def test_from_noisy_rows_it_is_near_that_of_the_function():
    rng = np.random.default_rng(0)
    X = rng.random((400, 10))

    def friedman(x):
        return (
            10 * np.sin(np.pi * x[:, 0] * x[:, 1])
            + 20 * (x[:, 2] - 0.5) ** 2
            + 10 * x[:, 3]
            + 5 * x[:, 4]
        )

    y = friedman(X)
    M = hw.metrics.curvature_of_rows(X, y + 0.1 * y.std() * rng.normal(size=400))
    true = hw.metrics.curvature(friedman, X)
    assert np.corrcoef(M.ravel(), true.ravel())[0, 1] > 0.98
    share = np.diag(M) / np.trace(M)
    assert share[:3].sum() > 0.85  # the two steepest features after them are linear
    agop = hw.metrics.agop_of_rows(X, y)
    assert agop[3, 3] > 0.2 * np.trace(agop)


def test_models_are_differentiated_by_their_own_formula():
    from sklearn.kernel_ridge import KernelRidge
    from sklearn.linear_model import LinearRegression
    from sklearn.neural_network import MLPRegressor
    from sklearn.tree import DecisionTreeRegressor

    X = white(150, 3)
    y = bent(X)
    kernel = KernelRidge(kernel="rbf", gamma=0.1, alpha=1e-3).fit(X, y)
    by_formula = hw.metrics.curvature(kernel, X, ridge=0)
    by_values = hw.metrics.curvature(kernel.predict, X, ridge=0)
    close(by_values, by_formula, 1e-2)
    relu = MLPRegressor(
        hidden_layer_sizes=(30,), solver="lbfgs", max_iter=2000, random_state=0
    ).fit(X, y)
    tree = DecisionTreeRegressor(max_depth=6).fit(X, y)
    for model in (relu, tree):  # bends at the scale of the data
        M = hw.metrics.curvature(model, X)
        assert np.linalg.eigvalsh(M).min() > 0
    with pytest.raises(ModelError, match="does not change in any direction"):
        hw.metrics.curvature(LinearRegression().fit(X, y), X)


def test_outputs_add_up_and_a_step_may_be_chosen():
    X = white(100, 3)
    one, two = lambda x: x[:, 0] ** 2, lambda x: x[:, 1] ** 2
    both = hw.metrics.curvature(lambda x: np.column_stack([one(x), two(x)]), X, ridge=0)
    np.testing.assert_allclose(both, np.diag([2.0, 2.0, 0.0]), atol=1e-6)
    np.testing.assert_allclose(
        hw.metrics.curvature(one, X, ridge=0, step=0.5), np.diag([2.0, 0.0, 0.0]), atol=1e-9
    )
    with pytest.raises(DataError, match="step"):
        hw.metrics.curvature(one, X, step=-1.0)


def test_noise_around_a_linear_function_bends_nowhere():
    rng = np.random.default_rng(0)
    for n, d in ((60, 2), (300, 8)):
        X = rng.normal(size=(n, d))
        with pytest.raises(ModelError, match="bends in no direction"):
            hw.metrics.curvature_of_rows(X, X[:, 0] + rng.normal(size=n))
    with pytest.raises(ModelError, match="linear function"):
        hw.metrics.curvature_of_rows(X, X[:, 0])
    with pytest.raises(DataError, match="constant"):
        hw.metrics.curvature_of_rows(X, np.ones(len(X)))


def test_repeated_rows_constant_features_and_many_features():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=(80, 2)), np.ones(80)])
    X = np.vstack([X, X[:40]])
    M = hw.metrics.curvature_of_rows(X, X[:, 0] ** 2)
    assert M[0, 0] > 0.8 * np.trace(M)
    wide = rng.normal(size=(40, 60))
    y = wide[:, 0]
    try:
        M = hw.metrics.curvature_of_rows(wide, y)
    except ModelError:
        return
    assert np.isfinite(M).all()


def test_it_is_learnt_like_the_others():
    X = np.random.default_rng(0).normal(size=(300, 4))
    y = bent(X) + X @ SLOPE
    learnt = hw.metrics.learn_metric(X, y, method="curvature", target_name="price")
    assert "average absolute Hessian of a smooth fit of 'price'" in learnt.metric.text
    assert "of what a linear function leaves of 'price'" in learnt.notes[0]
    assert learnt.explained > 0.9
    assert learnt.matrix[3, 3] < 0.05 * np.trace(learnt.matrix)
    with pytest.raises(DataError, match="'y' bends in no direction"):
        hw.metrics.learn_metric(X, X @ SLOPE, method="curvature")
    net = hw.model.from_arrays([[[1.0, 0, 0, 0], [1.0, 1, 0, 0]], [[1.0, -2.0]]])
    M = hw.metrics.learn_metric(X, method="curvature", model=net).matrix
    assert abs(M[2:]).max() < 1e-9 < M[0, 0]
    learner = hw.metrics.MetricLearner.from_targets(X, y, method="curvature")
    assert learner.text == "absolute Hessian of a smooth fit"
    assert hw.locate(X, X[:2], metric=learner, reference=50).band.shape == (2,)
    labels = np.where(X[:, 0] ** 2 > 1, "out", "in")
    M = hw.metrics.learn_metric(X, labels, method="curvature").matrix
    assert M[0, 0] > 0.7 * np.trace(M)
