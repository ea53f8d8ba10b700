"""Balls in polytopes, the rows that bound them, projections: against HiGHS and known shapes."""

import itertools

import numpy as np
import pytest
from scipy.optimize import linprog, nnls

import hullwise as hw
from hullwise.model import _polytope
from hullwise.model._lp import UNDETERMINED
from hullwise.model._polytope import essential, interior
from hullwise.model._polytope_projection import nearest_point


def unit(G):
    return G / np.linalg.norm(G, axis=1, keepdims=True)


def by_removal(G, c, tol=1e-9):
    """From the last row to the first: gone if the others imply it, one HiGHS program each."""
    keep = np.ones(len(G), dtype=bool)
    for k in range(len(G) - 1, -1, -1):
        keep[k] = False
        A, b = np.vstack([-G[keep], -G[k]]), np.r_[c[keep], c[k] + 1]
        found = linprog(G[k], A_ub=A, b_ub=b, bounds=(None, None), method="highs")
        keep[k] = found.x is None or found.fun < -c[k] - tol
    return keep


def random_polytope(seed):
    rng = np.random.default_rng(seed)
    d, m = int(rng.integers(1, 9)), int(rng.integers(1, 50))
    G = rng.normal(size=(m, d))
    if seed % 3 == 0:
        G[:, max(1, d // 2) :] = 0
    if seed % 5 == 0:
        G = np.round(G * 2) + (np.abs(G).sum(axis=1) < 1e-9)[:, None]
        G[~G.any(axis=1), 0] = 1
    c = np.ones(m) if seed % 4 == 0 else rng.uniform(0.1, 1, m)
    return unit(G), c


def cube(d):
    return np.vstack([np.eye(d), -np.eye(d)]), np.ones(2 * d)


def cross(d):
    return np.array(list(itertools.product([-1.0, 1.0], repeat=d))), np.ones(2**d)


@pytest.mark.parametrize("seed", range(40))
def test_essential_is_what_removal_says(seed):
    G, c = random_polytope(seed)
    np.testing.assert_array_equal(essential(G, c, np.zeros(G.shape[1])), by_removal(G, c))


@pytest.mark.parametrize("seed", range(12))
def test_essential_does_not_depend_on_the_frame(seed):
    G, c = random_polytope(seed)
    d, rng = G.shape[1], np.random.default_rng(100 + seed)
    want = essential(G, c, np.zeros(d))
    Q, shift = np.linalg.qr(rng.normal(size=(d, d)))[0], rng.normal(size=d)
    scale = 2.0 ** rng.integers(-30, 30, len(G))
    moved = G @ Q
    np.testing.assert_array_equal(
        essential(moved * scale[:, None], (c - moved @ shift) * scale, shift), want
    )
    for size in (1e-9, 1e6):
        np.testing.assert_array_equal(essential(G, c * size, np.zeros(d)), want)
    order = rng.permutation(len(G))
    if len(np.unique(np.c_[G, c].round(9), axis=0)) == len(G):
        np.testing.assert_array_equal(essential(G[order], c[order], np.zeros(d)), want[order])


@pytest.mark.parametrize("shape", [cube(1), cube(7), cube(120), cross(3), cross(6)])
def test_every_facet_of_known_shapes(shape):
    G, c = shape
    d = G.shape[1]
    assert essential(G, c, np.zeros(d)).all()
    # rows that touch a vertex or an edge only are none
    touching = np.vstack([G, np.ones((1, d))])
    reach = -linprog(np.ones(d), A_ub=-G, b_ub=c, bounds=(None, None)).fun
    if d > 1 and len(G) < 3 * d:
        assert not essential(touching, np.r_[c, reach], np.zeros(d))[-1]
    # and of copies the first is kept
    twice = essential(np.vstack([G, 3 * G]), np.r_[c, 3 * c], np.zeros(d))
    assert twice[: len(G)].all()
    assert not twice[len(G) :].any()


def test_essential_in_a_box():
    G, c = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 1.0]]), np.array([5.0, 1.5, 2.5])
    box = (-np.ones(2), np.ones(2))
    assert essential(G, c, np.zeros(2), box).tolist() == [False, True, False]
    assert essential(np.eye(2), np.ones(2), np.zeros(2), box).tolist() == [False, False]


def test_rows_of_zeros_and_no_rows():
    assert essential(np.zeros((2, 3)), np.ones(2), np.zeros(3)).tolist() == [False, False]
    assert essential(np.zeros((0, 3)), np.zeros(0), np.zeros(3)).shape == (0,)
    centre, radius = interior(np.zeros((1, 2)), np.ones(1))
    assert radius == np.inf
    assert interior(np.zeros((1, 2)), -np.ones(1))[1] == -np.inf


def test_a_point_that_is_not_inside():
    with pytest.raises(hw.DataError, match=r"row 1 has the distance -1"):
        essential(np.eye(2), np.zeros(2), np.array([1.0, -1.0]))
    with pytest.raises(hw.DataError, match="the box"):
        essential(np.eye(2), np.zeros(2), np.array([3.0, 1.0]), (np.zeros(2), np.ones(2)))


def test_many_dimensions_of_small_rank():
    """Rows as in a deep network: the later ones in the span of some of the first."""
    rng = np.random.default_rng(0)
    first = rng.normal(size=(40, 300))
    later = rng.normal(size=(60, 20)) @ first[:20]
    G, c = unit(np.vstack([first, later])), rng.uniform(0.1, 1, 100)
    want = np.ones(100, dtype=bool)
    some = np.r_[np.arange(20), np.arange(40, 100)]
    Y = np.linalg.qr(G[:20].T)[0]
    want[some] = by_removal(G[some] @ Y, c[some])
    np.testing.assert_array_equal(essential(G, c, np.zeros(300)), want)


@pytest.mark.parametrize("seed", range(30))
def test_the_ball_is_as_large_as_highs_finds(seed):
    G, c = random_polytope(seed)
    d, box = G.shape[1], (-np.ones(G.shape[1]) * 2, np.ones(G.shape[1]))
    centre, radius = interior(G, c, box)
    rows = np.vstack([G, np.eye(d), -np.eye(d)])
    offsets = np.r_[c, -box[0], box[1]]
    assert (rows @ centre + offsets).min() == pytest.approx(radius, rel=1e-9)
    found = _polytope.ball_by_highs(rows, offsets, 10.0)
    assert radius == pytest.approx(found[1], rel=1e-7)


@pytest.mark.parametrize("width", [1e-3, 1e-9, 1e-13])
def test_a_thin_polytope(width):
    G = np.vstack([np.eye(3), -np.eye(3)])
    c = np.array([0, 1, 1, width, 1, 1])
    centre, radius = interior(G, c)
    assert radius == pytest.approx(width / 2, rel=1e-6)
    assert essential(G, c, centre).all()


def test_empty_flat_and_unbounded():
    G = np.vstack([np.eye(2), -np.eye(2)])
    assert interior(G, np.array([-1.0, 0, 0.5, 1]))[1] == pytest.approx(-0.25)
    assert interior(G, np.array([0.0, 0, 0, 1]))[1] == pytest.approx(0, abs=1e-12)
    centre, radius = interior(np.eye(2), np.array([-3.0, 2.0]))
    assert radius == np.inf
    assert (centre > [3, -2]).all()


def test_highs_answers_where_the_dictionary_does_not_close(monkeypatch):
    G, c = random_polytope(7)
    want = essential(G, c, np.zeros(G.shape[1]))
    nothing = np.full(len(G), UNDETERMINED, np.int8)
    monkeypatch.setattr(_polytope, "essential_walls", lambda A, b, points: nothing[: len(A)].copy())
    monkeypatch.setattr(_polytope, "HIGHS_NUMBERS", 0)
    np.testing.assert_array_equal(essential(G, c, np.zeros(G.shape[1])), want)


@pytest.mark.parametrize("seed", range(40))
def test_the_nearest_point_has_its_certificate(seed):
    """It is inside, and the way to it is a positive combination of the rows that it touches."""
    rng = np.random.default_rng(seed)
    d, m = int(rng.integers(1, 9)), int(rng.integers(1, 40))
    G = unit(rng.normal(size=(m, d)))
    inside = rng.normal(size=d) * 3
    h = G @ inside - rng.exponential(size=m)
    if seed % 2:
        h[0] = G[0] @ inside
    fixed = 0 if seed % 2 else -1
    distance, u = nearest_point(G, h, fixed)
    size = max(distance, 1e-9)
    gaps = G @ u - h
    assert gaps.min() > -1e-9 * size
    touched = gaps < 1e-8 * size
    rows = G[touched] if fixed < 0 else np.vstack([G[touched], -G[0]])
    if fixed == 0:
        assert touched[0]
    assert distance == pytest.approx(np.linalg.norm(u))
    if distance:
        assert nnls(rows.T, u)[1] < 1e-7 * size
    assert nearest_point(G, h, fixed, distance * 0.9)[0] == np.inf or distance == 0


def test_no_nearest_point_of_nothing():
    assert nearest_point(np.array([[1.0, 0], [-1, 0]]), np.array([1.0, 0.5]))[0] == np.inf
