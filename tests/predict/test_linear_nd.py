"""The drop-in for SciPy's LinearNDInterpolator: its call, its values, and what it refuses."""

import pickle

import numpy as np
import pytest
from scipy.interpolate import LinearNDInterpolator as SciPyInterpolator
from scipy.spatial import Delaunay

import hullwise as hw


def scattered(n, d, m, seed=0):
    rng = np.random.default_rng([seed, n, d])
    X = rng.normal(size=(n, d))
    return X, np.sin(X).sum(axis=1), rng.normal(size=(m, d))


@pytest.mark.parametrize(("d", "n"), [(2, 30), (2, 400), (3, 300), (4, 120)])
@pytest.mark.parametrize("triangulation", [None, False])
def test_random_points_give_scipys_values(d, n, triangulation):
    X, y, Q = scattered(n, d, 200)
    expected = SciPyInterpolator(X, y)(Q)
    interp = hw.LinearNDInterpolator(X, y, triangulation=triangulation)
    assert (interp.tri is None) == (triangulation is False)
    np.testing.assert_allclose(interp(Q), expected, rtol=1e-9, atol=1e-9)
    assert interp.verify(Q).all()


@pytest.mark.parametrize("rescale", [False, True])
def test_other_units_and_offsets_give_scipys_values(rescale):
    X, y, Q = scattered(300, 3, 200)
    unit, offset = np.array([1e3, 1.0, 1e-3]), np.array([5e5, 0.0, 2.0])
    X, Q = X * unit + offset, Q * unit + offset
    expected = SciPyInterpolator(X, y, rescale=rescale)(Q)
    np.testing.assert_allclose(
        hw.LinearNDInterpolator(X, y, rescale=rescale)(Q), expected, rtol=1e-7, atol=1e-7
    )


@pytest.mark.parametrize("d", [2, 3, 4])
def test_a_grid_is_interpolated_in_one_of_its_triangulations(d):
    axes = [np.arange(4.0)] * d
    X = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, d)
    y = np.square(X).sum(axis=1)
    Q = np.random.default_rng(d).uniform(0, 3, size=(300, d))
    interp = hw.LinearNDInterpolator(X, y)
    value = interp(Q)
    # every valid simplex lies in one cell, and interpolates a sum of squares alike
    low = np.floor(Q)
    cell = np.square(low).sum(axis=1) + ((2 * low + 1) * (Q - low)).sum(axis=1)
    np.testing.assert_allclose(value, cell, rtol=1e-12)
    assert interp.verify(Q).all()
    on_grid = interp(X)  # corners and faces of the hull are inside
    np.testing.assert_allclose(on_grid, y, rtol=1e-12, atol=1e-12)


def test_a_grids_other_values_are_scipys_own_choice_of_diagonals():
    X = np.stack(np.meshgrid(np.arange(12.0), np.arange(12.0)), axis=-1).reshape(-1, 2)
    y = np.random.default_rng(0).normal(size=len(X))
    Q = np.random.default_rng(1).uniform(0, 11, size=(2000, 2))
    np.testing.assert_allclose(
        hw.LinearNDInterpolator(X, y)(Q), SciPyInterpolator(X, y)(Q), rtol=1e-9, atol=1e-9
    )


def test_answers_do_not_depend_on_what_is_asked_with_them():
    X = np.stack(np.meshgrid(np.arange(6.0), np.arange(6.0)), axis=-1).reshape(-1, 2)
    y = np.random.default_rng(0).normal(size=len(X))
    Q = np.random.default_rng(1).uniform(-1, 6, size=(50, 2))
    for outside in ("nan", "project", "linear"):
        together = hw.LinearNDInterpolator(X, y, outside=outside)(Q)
        alone = [hw.LinearNDInterpolator(X, y, outside=outside)(q)[0] for q in Q]
        np.testing.assert_allclose(together, alone, rtol=1e-12)


def test_the_shapes_of_a_call_are_scipys():
    X, y, _ = scattered(60, 2, 0)
    values = np.stack([y, 2 * y, y**2, y, y, y], axis=1).reshape(60, 3, 2)
    x = np.linspace(-0.4, 0.4, 5)
    calls = [
        (0.1, 0.2),
        ((0.1, 0.2),),
        ([0.1, 0.2],),
        (x, x[:3, None]),
        ((x, 0.1),),
        (np.zeros((4, 3, 2)),),
        (np.zeros((0, 2)),),
        ([0.1, 0.2, 0.3, -0.1],),
    ]
    for V in (y, values, values + 1j * values[::-1], y > 0, y.astype(np.float32)):
        ours, theirs = hw.LinearNDInterpolator(X, V), SciPyInterpolator(X, V)
        for call in calls:
            value, expected = ours(*call), theirs(*call)
            assert value.shape == expected.shape
            assert value.dtype == expected.dtype
            np.testing.assert_allclose(value, expected, rtol=1e-12, atol=1e-12)


def test_points_may_be_a_tuple_or_a_triangulation():
    X, y, Q = scattered(80, 2, 50)
    expected = SciPyInterpolator(X, y)(Q)
    for points in ((X[:, 0], X[:, 1]), X.tolist(), Delaunay(X)):
        np.testing.assert_allclose(hw.LinearNDInterpolator(points, y)(Q), expected, atol=1e-12)


@pytest.mark.parametrize("fill", [np.nan, 7.0, -np.inf])
def test_fill_value_stands_for_what_is_outside_or_no_number(fill):
    X, y, _ = scattered(40, 2, 0)
    Q = [[0.0, 0.0], [99.0, 0.0], [np.nan, 0.0], [np.inf, 0.0]]
    expected = SciPyInterpolator(X, y, fill)(Q)
    np.testing.assert_allclose(hw.LinearNDInterpolator(X, y, fill)(Q), expected)
    complex_values = hw.LinearNDInterpolator(X, y * 1j, 3 - 1j)
    assert complex_values(99.0, 0.0) == 3 - 1j


def test_a_missing_value_makes_its_neighbours_missing():
    X, y, Q = scattered(60, 2, 400)
    y[5] = np.nan
    np.testing.assert_array_equal(
        np.isnan(hw.LinearNDInterpolator(X, y)(Q)), np.isnan(SciPyInterpolator(X, y)(Q))
    )


def test_equal_points_are_one_with_their_mean_value():
    X, y, Q = scattered(50, 2, 60)
    repeated, again = np.vstack([X, X[:7]]), np.concatenate([y, y[:7]])
    expected = SciPyInterpolator(X, y)(Q)
    np.testing.assert_allclose(hw.LinearNDInterpolator(repeated, again)(Q), expected, atol=1e-12)
    np.testing.assert_allclose(
        hw.LinearNDInterpolator(Delaunay(repeated), again)(Q), expected, atol=1e-12
    )
    again[50:] += 2.0
    with pytest.warns(hw.DataWarning, match="7 point.*point 50 .as point 0"):
        interp = hw.LinearNDInterpolator(repeated, again)
    assert interp(X[0])[0] == pytest.approx(y[0] + 1)
    W = interp.weights(X[:1])
    assert W.shape == (1, 57)
    np.testing.assert_array_equal(W.indices, [0, 50])


def test_one_dimension():
    x = np.array([3.0, 0.0, 1.0, 1.0, 7.0])
    y = np.array([1.0, 4.0, 2.0, 2.0, -1.0])
    q = np.linspace(-1, 8, 50)
    order = np.argsort(x, kind="stable")
    expected = np.interp(q, x[order], y[order], left=np.nan, right=np.nan)
    interp = hw.LinearNDInterpolator(x, y)
    np.testing.assert_allclose(interp(q), expected, atol=1e-12)
    np.testing.assert_allclose(
        hw.LinearNDInterpolator(x, y, outside="project")(q), np.interp(q, x[order], y[order])
    )
    assert hw.LinearNDInterpolator(x, y, outside="linear")(9.0) == pytest.approx(-2.0)
    assert interp.verify(q).all()


@pytest.mark.parametrize("d", [1, 2, 3, 6])
@pytest.mark.parametrize("outside", ["nan", "project", "linear"])
def test_linear_functions_are_reproduced(d, outside):
    X, _, Q = scattered(60, d, 80, seed=1)
    slope = np.arange(1.0, d + 1)
    interp = hw.LinearNDInterpolator(X, X @ slope - 2, outside=outside)
    inside = ~np.isnan(hw.LinearNDInterpolator(X, X @ slope)(Q * 1.5))
    value, expected = interp(Q * 1.5), Q * 1.5 @ slope - 2
    np.testing.assert_allclose(value[inside], expected[inside], rtol=1e-9, atol=1e-9)
    assert not inside.all()
    if outside == "linear":
        np.testing.assert_allclose(value, expected, rtol=1e-7, atol=1e-7)
    elif outside == "nan":
        assert np.isnan(value[~inside]).all()
    else:
        assert np.isfinite(value).all()


@pytest.mark.parametrize("d", [2, 5])
def test_outside_is_what_the_nearest_point_of_the_hull_has(d):
    X, y, Q = scattered(70, d, 60, seed=2)
    reg = hw.DelaunayRegressor(metric=None).fit(X, y)
    interp = hw.LinearNDInterpolator(X, y, outside="project")
    np.testing.assert_allclose(interp(Q * 2), reg.predict(Q * 2), rtol=1e-8, atol=1e-8)
    nearest = reg.simplices(Q * 2)
    outside = nearest.distance > 0
    assert outside.any()
    # the linear piece meets the hull with the value that is there
    on_hull = hw.LinearNDInterpolator(X, y, outside="linear")(
        nearest.nearest[outside] + 1e-9 * (Q * 2 - nearest.nearest)[outside]
    )
    np.testing.assert_allclose(on_hull, interp(Q * 2)[outside], atol=1e-3)


def test_weights_make_the_values():
    X, y, Q = scattered(70, 3, 60, seed=3)
    for outside in ("project", "linear"):
        interp = hw.LinearNDInterpolator(X, y, outside=outside)
        W = interp.weights(Q)
        np.testing.assert_allclose(W @ y, interp(Q), rtol=1e-10)
        np.testing.assert_allclose(W.sum(axis=1), 1)
    W = hw.LinearNDInterpolator(X, y).weights(Q)
    np.testing.assert_array_equal(W.sum(axis=1) == 0, np.isnan(interp.__class__(X, y)(Q)))


def test_points_on_a_flat_are_interpolated_within_it():
    rng = np.random.default_rng(0)
    plane = rng.normal(size=(40, 2))
    X = plane @ rng.normal(size=(2, 3))
    y = plane @ [1.0, 2.0]
    interp = hw.LinearNDInterpolator(X, y)
    assert interp.tri is None
    q = X[:3].mean(axis=0)
    assert interp(q)[0] == pytest.approx(y[:3].mean())
    assert np.isnan(interp(q + 1.0)[0])
    off = hw.LinearNDInterpolator(X, y, outside="linear")
    assert np.isfinite(off(q + 1.0)).all()


def test_thin_simplices_are_searched_not_believed():
    rng = np.random.default_rng(0)
    x = np.linspace(0, 1, 40)
    X = np.vstack([np.column_stack([x, 1e-9 * rng.normal(size=40)]), [[0.5, 1.0], [0.5, -1.0]]])
    y = X @ [1.0, 3.0]
    Q = rng.uniform([0.3, -0.3], [0.7, 0.3], size=(200, 2))
    interp = hw.LinearNDInterpolator(X, y)
    np.testing.assert_allclose(interp(Q), Q @ [1.0, 3.0], atol=1e-6)


def test_values_may_be_set_anew():
    X, y, Q = scattered(70, 2, 60)
    interp = hw.LinearNDInterpolator(X, y)
    interp.values = np.column_stack([y, -y])
    np.testing.assert_allclose(interp(Q), SciPyInterpolator(X, np.column_stack([y, -y]))(Q))
    again = pickle.loads(pickle.dumps(interp))
    np.testing.assert_array_equal(again(Q), interp(Q))


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda X, y: hw.LinearNDInterpolator(X, y[:3]), "3 values of 40 points"),
        (lambda X, y: hw.LinearNDInterpolator(X, 3.0), "one number as values"),
        (lambda X, y: hw.LinearNDInterpolator(X[:0], y[:0]), r"points have shape \(0, 2\)"),
        (lambda X, y: hw.LinearNDInterpolator(X.reshape(20, 2, 2), y), "points have shape"),
        (lambda X, y: hw.LinearNDInterpolator(np.where(X > 1, np.nan, X), y), "hold nan in row"),
        (lambda X, y: hw.LinearNDInterpolator(X, y, "a"), "could not convert"),
        (lambda X, y: hw.LinearNDInterpolator(X, ["a"] * 40), "could not convert"),
        (lambda X, y: hw.LinearNDInterpolator(X, y, outside="clip"), "outside='clip'"),
        (lambda X, y: hw.LinearNDInterpolator(X, y, 0.0, outside="linear"), "is for outside='nan'"),
        (lambda X, y: hw.LinearNDInterpolator(Delaunay(X), y, rescale=True), "as they are"),
        (lambda X, y: hw.LinearNDInterpolator(X, y)(1, 2, 3), "3 coordinates and points have 2"),
        (lambda X, y: hw.LinearNDInterpolator(X, y)([1.0, 2.0, 3.0]), "no queries in 2"),
        (lambda X, y: hw.LinearNDInterpolator(X, y)(X[:3, 0], X[:2, 0]), "do not broadcast"),
        (lambda X, y: hw.LinearNDInterpolator(X, y)(), "No coordinates"),
    ],
)
def test_bad_input_is_a_value_error_that_says_why(make, text):
    X, y, _ = scattered(40, 2, 0)
    with pytest.raises(ValueError, match=text):
        make(X, y)


def test_a_complex_fill_for_real_values_is_a_type_error():
    X, y, _ = scattered(40, 2, 0)
    with pytest.raises(TypeError, match="expected a real number"):
        hw.LinearNDInterpolator(X, y, 1j)
