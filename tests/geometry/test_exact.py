"""Thousands of small tables, most of them degenerate, against exact rational arithmetic."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hullwise as hw
import oracle
from hullwise.geometry import _certificates, _score_blocks, pricing, scaled_view
from hullwise.geometry.verdict import Status

pytestmark = pytest.mark.filterwarnings("ignore::hullwise.DataWarning")

CLOUDS, QUERIES = 32, 12


def lattice(rng, d, n):
    return rng.integers(-3, 4, (n, d))


def tight(rng, d, n):
    """So few places that duplicates and points on faces are the rule."""
    return rng.integers(0, 2, (n, d)) * rng.integers(1, 3)


def collinear(rng, d, n):
    step = rng.integers(-2, 3, d)
    return rng.integers(-2, 3, d) + np.outer(rng.integers(-3, 4, n), step)


def flat(rng, d, n):
    """On a plane, or lower, however many features there are."""
    return rng.integers(-2, 3, (n, min(2, d))) @ rng.integers(-1, 2, (min(2, d), d))


def cospherical(rng, d, n):
    """Signed permutations of one vector: all on one sphere."""
    base = rng.integers(0, 4, d)
    return np.array([rng.permutation(base) * rng.choice([-1, 1], d) for _ in range(n)])


def scaled(rng, d, n):
    """Small numbers far from zero, each feature in another unit: all floats exact."""
    units = 2.0 ** rng.integers(-4, 5, d)
    return (rng.integers(-2, 3, (n, d)) + 1000.0) * units


FAMILIES = [lattice, tight, collinear, flat, cospherical, scaled]


def questions(rng, X, m):
    """Queries that are exact floats: corners, dyadic mixtures, and both carried a little out."""
    n, d = X.shape
    out = []
    for i in range(m):
        some = rng.integers(0, n, 1 << int(rng.integers(0, 4)))
        mixture = X[some].astype(float).mean(axis=0)
        kind = i % 6
        if kind == 0:
            mixture = rng.integers(X.min() - 1, X.max() + 2, d).astype(float)
        elif kind == 1:
            mixture = X[some[0]].astype(float)
        elif kind == 2:
            mixture = mixture + 2.0 ** -int(rng.integers(0, 16)) * rng.integers(-1, 2, d)
        elif kind == 3:
            mixture = 2 * mixture - X[some[0]]
        out.append(mixture)
    return np.array(out)


def assert_exact(X, Q, location):
    """Everything claimed, compared with the truth as rationals."""
    points = X.tolist()
    for b, query in enumerate(Q.tolist()):
        truth, _ = oracle.nearest(points, query)
        said = f"\nX = {points}\nq = {query}\n{location.status[b]}"
        assert int(location.verdict[b]) == (1 if truth == 0 else -1), f"distance^2 {truth}{said}"
        lower, upper = float(location.lower[b]), float(location.upper[b])
        assert Fraction(lower) ** 2 <= truth <= Fraction(upper) ** 2, f"{lower} {upper}{said}"
        if truth:
            assert upper - lower <= 1e-6 * upper, f"open bracket {lower} {upper}{said}"
        else:
            assert upper <= 1e-12 * (1 + np.abs(X).max()), f"loose upper bound {upper}{said}"
    assert location.verify(X, exact=True).all()


def assert_verdicts(X, Q, location):
    for b, query in enumerate(Q.tolist()):
        expected = 1 if oracle.in_hull(X.tolist(), query) else -1
        assert int(location.verdict[b]) == expected, (X.tolist(), query, location.status[b])
    assert location.verify(X, exact=True).all()


@pytest.mark.parametrize("d", [1, 2, 3, 4])
@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.__name__)
def test_small_integer_draws(family, d):
    rng = np.random.default_rng([d, FAMILIES.index(family)])
    for _ in range(CLOUDS):
        X = family(rng, d, int(rng.integers(1, 10)))
        Q = questions(rng, X, QUERIES)
        location = hw.locate(X, Q, metric=None, reference=0, n_neighbors=1)
        assert_exact(X, Q, location)
        quick = hw.locate(X, Q, membership_only=True)
        np.testing.assert_array_equal(quick.verdict, location.verdict)
        assert quick.verify(X, exact=True).all()


@pytest.mark.parametrize("d", [2, 3, 4])
@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.__name__)
def test_rows_in_blocks_priced_in_float32_first(family, d, monkeypatch):
    """What large data goes through, on data small enough for rationals; many rows tie here."""
    monkeypatch.setattr(scaled_view, "MAX_NUMBERS_IN_MEMORY", 0)
    for module in (pricing, _score_blocks):
        monkeypatch.setattr(module, "BLOCK_ROWS", 4)
    monkeypatch.setattr(pricing, "N_PROPOSALS", 3)
    rng = np.random.default_rng([d, FAMILIES.index(family), 1])
    for _ in range(8):
        X = family(rng, d, int(rng.integers(8, 24)))
        Q = questions(rng, X, QUERIES)
        assert_exact(X, Q, hw.locate(X, Q, metric=None, reference=0, n_neighbors=1))
        quick = hw.locate(X, Q, membership_only=True)
        assert_verdicts(X, Q, quick)


# Found here once: a row on the supporting plane stayed with weight 1e-19, and blocked the way.
STALLED = [
    (
        [[1, 0, 1], [0, 0, 1], [1, 1, 0], [0, 0, 0], [1, 1, 1], [0, 1, 1], [0, 1, 0]],
        [0.49609375, 0.99609375, -0.00390625],
    ),
    (
        [
            *([1, 0, 1], [0, 0, 1], [1, 1, 0], [0, 0, 0], [1, 1, 0], [1, 1, 1], [1, 1, 0]),
            *([1, 1, 1], [0, 1, 1], [1, 1, 1], [0, 0, 1], [1, 1, 0], [1, 0, 1], [0, 1, 0]),
            *([1, 1, 0], [0, 0, 0], [0, 1, 0], [0, 0, 0], [0, 1, 0], [0, 1, 0], [1, 1, 1]),
        ],
        [0.49609375, 0.99609375, -0.00390625],
    ),
    (
        [
            *([2, -1, 1, 1], [3, 0, -1, -2], [1, 3, -2, 0], [2, 0, 0, 1], [3, 1, 1, 1]),
            *([3, -1, 1, 2], [-1, -2, -3, 2], [3, -1, 1, 3]),
        ],
        [3.00390625, -0.00390625, 0.99609375, 1.99609375],
    ),
]


@pytest.mark.parametrize(("X", "q"), STALLED)
def test_degenerate_steps_do_not_end_the_walk(X, q):
    X, Q = np.array(X), np.array([q])
    assert_exact(X, Q, hw.locate(X, Q, metric=None, reference=0, n_neighbors=1))


@given(data=st.data())
@settings(max_examples=120, derandomize=True, deadline=None)
def test_draws_that_hypothesis_makes_worse(data):
    d = data.draw(st.integers(1, 3))
    number = st.integers(-2, 2)
    row = st.lists(number, min_size=d, max_size=d)
    X = np.array(data.draw(st.lists(row, min_size=1, max_size=6)))
    some = data.draw(st.lists(st.sampled_from(range(len(X))), min_size=4, max_size=4))
    Q = np.array([X[some].mean(axis=0), X[some[:2]].mean(axis=0), data.draw(row)])
    assert_exact(X, Q, hw.locate(X, Q, metric=None, reference=0, n_neighbors=1))


def test_one_table_many_queries():
    """Queries share passes and proposals: one batch must not blur them."""
    rng = np.random.default_rng(5)
    X = rng.integers(-4, 5, (9, 3))
    Q = questions(rng, X, 240)
    assert_exact(X, Q, hw.locate(X, Q, metric=None, reference=0, n_neighbors=1))


@pytest.mark.parametrize("d", [1, 2, 3, 4])
def test_leave_one_out_distances_are_exact(d):
    rng = np.random.default_rng(d)
    for _ in range(12):
        X = rng.integers(-2, 3, (int(rng.integers(2, 8)), d))
        found = hw.locate(X, X[:1], metric=None).reference
        for i, distance in enumerate(found):
            truth, _ = oracle.nearest(np.delete(X, i, axis=0).tolist(), X[i].tolist())
            assert abs(distance - float(truth) ** 0.5) <= 2e-6 * distance, (X.tolist(), i)


def test_the_oracles_agree():
    """The walk, the simplex method and the list of all faces are three ways to one number."""
    rng = np.random.default_rng(1)
    for _ in range(40):
        d, n = int(rng.integers(1, 4)), int(rng.integers(1, 6))
        points, query = rng.integers(-2, 3, (n, d)).tolist(), rng.integers(-2, 3, d).tolist()
        truth, weights = oracle.nearest(points, query)
        assert truth == oracle.squared_distance(points, query)
        assert (truth == 0) == oracle.in_hull(points, query)
        support = [points[i] for i in weights]
        gap = [a - b for a, b in zip(oracle.combination(support, weights.values()), query)]
        assert sum(g * g for g in gap) == truth


def test_rows_of_a_category_are_proved_inside_without_exact_arithmetic(monkeypatch):
    """A level holds on all rows of a support, which is a simplex in the other features."""
    rng = np.random.default_rng(5)
    levels = np.eye(3)

    def table(n, width):
        return np.hstack([width * rng.normal(size=(n, 3)), levels[rng.integers(0, 3, n)]])

    X, Q = table(400, 1.0), table(60, 0.5)
    checked = []
    monkeypatch.setattr(
        _certificates, "is_convex_combination", lambda rows, q: checked.append(q) or False
    )
    loc = hw.locate(X, Q, reference=0)
    inside = loc.verdict == 1
    assert inside.sum() > 40
    assert not checked
    assert (loc.hull.status[inside] == Status.INSIDE).all()
    assert loc.verify(X, exact=True).all()
