"""Numbers known from elsewhere: theory, Qhull, other people's solvers."""

from __future__ import annotations

from functools import cache
from itertools import product

import numpy as np
import pytest
from scipy.spatial import ConvexHull, Delaunay
from scipy.stats import binomtest

import hullwise as hw
from hullwise.geometry.hull import locate_in_hull
from shared_data import load_npz


@cache
# ---- theory -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("d", "n", "m", "probability"),
    [
        # expected facet numbers of Gaussian polytopes: Kabluchko and Zaporozhets 2020
        pytest.param(5, 10_000, 400, 0.9662, id="gaussian-5"),
        pytest.param(10, 10_000, 400, 0.6468, id="gaussian-10"),
        pytest.param(20, 10_000, 400, 0.0308, id="gaussian-20"),
        pytest.param(2, 11, 2000, 0.5, id="half-2"),
        pytest.param(3, 27, 2000, 0.5, id="half-3"),
        pytest.param(4, 63, 2000, 0.5, id="half-4"),
    ],
)
def test_share_of_gaussian_rows_inside(d, n, m, probability):
    """The share inside is binomial over clouds, nearly so over queries of one large cloud."""
    rng = np.random.default_rng([d, n])
    clouds = 1 if n == 10_000 else 100
    inside = 0
    for _ in range(clouds):
        X, Q = rng.normal(size=(n, d)), rng.normal(size=(m // clouds, d))
        location = hw.locate(X, Q, membership_only=True)
        assert (location.verdict != 0).all()
        inside += int((location.verdict == 1).sum())
    if clouds == 1:
        assert binomtest(inside, m, probability).pvalue > 1e-3
    else:
        # n rounded to a whole number and queries of one small cloud are not independent
        assert inside / m == pytest.approx(probability, abs=0.06)


def test_one_feature_is_outside_with_probability_two_over_n_plus_one():
    rng = np.random.default_rng(1)
    outside = 0
    for _ in range(800):
        X, Q = np.split(rng.normal(size=(20, 1)), [19])
        outside += int(hw.locate(X, Q, membership_only=True).verdict[0] < 0)
    assert binomtest(outside, 800, 2 / 20).pvalue > 1e-3


@pytest.mark.parametrize("d", [2, 5, 8])
def test_vertices_of_a_cube(d):
    """Every vertex is outside the hull of the others, at 1/sqrt(d) from it; all centres inside."""
    X = np.array(list(product([0.0, 1.0], repeat=d)))
    location = hw.locate(
        X, [np.full(d, 0.5), np.full(d, 1.0), np.full(d, 1.25)], metric=None, reference=len(X)
    )
    np.testing.assert_array_equal(location.verdict, [1, 1, -1])
    np.testing.assert_allclose(location.reference, 1 / np.sqrt(d), rtol=2e-6)
    np.testing.assert_allclose(location.upper[2], 0.25 * np.sqrt(d), rtol=1e-9)
    assert location.verify(X, exact=True).all()
    np.testing.assert_allclose(hw.smallest_ellipsoid(X).distance([np.full(d, 1.0)]), 1.0, rtol=1e-5)


@pytest.mark.parametrize("d", [3, 10, 40])
def test_distance_to_a_simplex(d):
    """(t, ..., t) is sqrt(d) (|t| - 1/d) from the cross-polytope."""
    X = np.vstack([np.eye(d), -np.eye(d)])
    Q = np.outer([0.0, 0.5 / d, 2.0 / d, 3.0, -3.0], np.ones(d))
    location = hw.locate(X, Q, metric=None, reference=0)
    np.testing.assert_array_equal(location.verdict, [1, 1, -1, -1, -1])
    expected = np.sqrt(d) * np.maximum(np.abs(Q[:, 0]) - 1 / d, 0)
    np.testing.assert_allclose(location.upper, expected, rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(location.lower, expected, rtol=1e-6, atol=1e-12)
    assert location.verify(X, exact=True).all()


def test_distance_to_a_ball():
    """Many points on a circle: the hull's distance from (r, 0) tends to r - 1."""
    angle = np.arange(4096) * (2 * np.pi / 4096)
    X = np.column_stack([np.cos(angle), np.sin(angle)])
    location = hw.locate(
        X, [[3.0, 0.0], [np.cos(1.0) * 2, np.sin(1.0) * 2], [0.99, 0.0]], metric=None
    )
    np.testing.assert_array_equal(location.verdict, [-1, -1, 1])
    np.testing.assert_allclose(location.upper[:2], [2.0, 1.0], rtol=1e-6)


# ---- Qhull --------------------------------------------------------------------------------


@pytest.mark.parametrize("d", [2, 3, 4])
def test_qhull_in_general_position(d):
    rng = np.random.default_rng(d)
    X, Q = rng.normal(size=(120, d)), rng.normal(size=(600, d)) * 1.3
    location = hw.locate(X, Q, metric=None, reference=0)
    signed = (ConvexHull(X).equations @ np.vstack([Q.T, np.ones(len(Q))])).max(axis=0)
    assert np.abs(signed).min() > 1e-9  # nothing here is a matter of rounding
    np.testing.assert_array_equal(location.verdict, np.where(signed < 0, 1, -1))
    np.testing.assert_array_equal(location.verdict == 1, Delaunay(X).find_simplex(Q) >= 0)
    # the nearest point lies on a facet, or farther than the highest facet plane says
    outside = location.verdict == -1
    assert (location.upper[outside] >= signed[outside] * (1 - 1e-9)).all()
    on_facet = np.isclose(location.upper[outside], signed[outside], rtol=1e-7)
    assert on_facet.any()
    assert set(location.weights[outside].indices) <= set(ConvexHull(X).vertices)


@pytest.mark.parametrize("d", [2, 3])
def test_vertices_are_the_rows_outside_the_others(d):
    X = np.random.default_rng(9).normal(size=(80, d))
    location = hw.locate(X, X[:1], metric=None, reference=len(X))
    vertices = np.flatnonzero(location.reference > 0)
    np.testing.assert_array_equal(vertices, np.sort(ConvexHull(X).vertices))


# ---- recorded answers ---------------------------------------------------------------------


def test_mnist_distances():
    """Distances of the first test images to the hull of 60,000 training images, pixel / 255."""
    images = load_npz("mnist.npz")
    recorded = load_npz("mnist_hull_distance_512.npz")["dist"][:32]
    cloud = hw.Cloud(images["X_train"].astype(np.float32), copy=False)
    found = locate_in_hull(cloud, images["X_test"][:32].astype(np.float64), cloud.metric(None))
    assert (found.verdict == -1).all()
    np.testing.assert_allclose(found.upper / 255, recorded, rtol=2e-6)
    np.testing.assert_allclose(found.lower / 255, recorded, rtol=2e-6)
    assert (found.lower <= found.upper).all()


@pytest.mark.parametrize("name", ["forest", "rain"])
def test_delaunaysparse_on_real_data(name):
    """Its tolerance is 1e-7; code 0 is inside, code 1 outside at distance rnorm."""
    data = load_npz(f"delaunay/real_{name}_fold1.npz")
    location = hw.locate(data["Xs"], data["Q"], metric=None, reference=0)
    known = np.isin(data["ierr"], [0, 1])
    assert known.mean() > 0.9
    np.testing.assert_array_equal(location.verdict[known] == 1, (data["ierr"] == 0)[known])
    outside = data["ierr"] == 1
    # a projection of theirs can be too far, ours is certified from both sides
    assert (location.lower[outside] <= data["rnorm"][outside] * (1 + 1e-6) + 1e-7).all()
    close = np.isclose(location.upper[outside], data["rnorm"][outside], rtol=1e-5, atol=1e-7)
    assert close.mean() > 0.9
    assert location.verify(data["Xs"], exact=True).all()


@pytest.mark.parametrize("name", ["n1000_d5", "n1000_d10", "n5000_d20"])
def test_delaunaysparse_on_uniform_data(name):
    data = load_npz(f"delaunay/uniform_{name}.npz")
    for kind in ("inside", "uniform"):
        location = hw.locate(data["X"], data[f"Q_{kind}"], membership_only=True)
        inside = data[f"ierr_{kind}"] == 0
        np.testing.assert_array_equal(location.verdict == 1, inside)
        if kind == "uniform" and (~inside).any():
            whole = hw.locate(
                data["X"], data["Q_uniform"][~inside], metric=None, reference=0, n_neighbors=1
            )
            distance = data["rnorm_uniform"][~inside]
            np.testing.assert_allclose(whole.upper, distance, rtol=1e-5, atol=1e-7)
