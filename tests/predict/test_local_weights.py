"""Voronoi, Shepard, inverse distance and nearest rows: by definition, exactly, and as published."""

from __future__ import annotations

import random
from fractions import Fraction
from functools import cache, partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hullwise as hw
from hullwise.geometry.cloud import Cloud
from hullwise.predict import _batching, inverse_distance
from hullwise.predict.inverse_distance import inverse_distance_weights
from hullwise.predict.linear_shepard import linear_shepard_weights, local_fits
from hullwise.predict.nearest import nearest_weights
from hullwise.predict.shepard import shepard_radii, shepard_weights
from hullwise.predict.voronoi import voronoi_weights
from hullwise.samples import load
from shared_data import SHARED

METHODS = {
    "voronoi": voronoi_weights,
    "shepard": shepard_weights,
    "linear": linear_shepard_weights,
    "inverse": inverse_distance_weights,
    "inverse-few": partial(inverse_distance_weights, power=3.5, n_neighbors=7),
    "nearest": nearest_weights,
}
every = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
on_rows = pytest.mark.parametrize(
    "method", [m for k, m in METHODS.items() if k != "nearest"], ids=[*METHODS][:-1]
)
RNG = np.random.default_rng(7)
X = RNG.normal(size=(80, 3))
Q = np.concatenate([RNG.normal(size=(40, 3)), RNG.normal(size=(20, 3)) * 4])
FULL = np.array([[2.0, 0.5, 0], [0.5, 1, 0.3], [0, 0.3, 3]])


def weigh(method, X, Q, metric=None, **options):
    """Dense weights of queries Q."""
    cloud = Cloud(X)
    W = method(cloud, np.array(Q, dtype=float), cloud.metric(metric), **options)
    assert W.has_sorted_indices
    assert np.isfinite(W.data).all()
    np.testing.assert_allclose(W.sum(axis=1), 1, atol=1e-11)
    return W.toarray()


# ---- second opinions ------------------------------------------------------------------------


def voronoi_by_definition(X, q):
    """Exact for whole numbers; rows are distinct."""
    points = [[Fraction(int(x)) for x in p] for p in X]
    z = [Fraction(int(x)) for x in q]
    weights = []
    for i, p in enumerate(points):
        largest = Fraction(0)
        for j, other in enumerate(points):
            if j != i:
                edge = [a - b for a, b in zip(other, p)]
                above = sum((a - b) * e for a, b, e in zip(z, p, edge))
                largest = max(largest, above / sum(e * e for e in edge))
        weights.append(max(Fraction(0), 1 - largest))
    return [w / sum(weights) for w in weights]


def gaps_to(X, q):
    return np.sqrt(np.square(X - q).sum(axis=1))


def shepard_by_definition(X, q, radii, few):
    """The weights, and whether some ball covers the query."""
    gap = gaps_to(X, q)
    w = np.zeros(len(X))
    if (gap == 0).any():
        w[gap == 0] = 1
    elif (gap < radii).any():
        there = gap < radii
        w[there] = ((radii - gap) / (radii * gap))[there] ** 2
    else:
        there = np.argsort(gap, kind="stable")[:few]
        w[there] = 1 / gap[there] ** 2
    return w / w.sum(), (gap < radii).any()


def linear_by_definition(X, y, q):
    """One least-squares solve after another, with targets: the prediction itself."""
    n, d = X.shape
    D = np.array([gaps_to(X, x) for x in X])
    k = min(n - 1, (3 * d + 1) // 2)
    near = [[int(i) for i in np.argsort(D[c], kind="stable") if i != c][:k] for c in range(n)]
    radii = np.minimum([D[c, near[c][-1]] for c in range(n)], D.max() / 2)
    w, covered = shepard_by_definition(X, q, radii, d + 1)
    if not covered:
        return w @ y
    total = 0.0
    for c in np.flatnonzero(w):
        gap = D[c, near[c]]
        size = 1 / gap - 1 / (1.1 * gap.max())
        E, f = (X[near[c]] - X[c]) * size[:, None], (y[near[c]] - y[c]) * size
        total += w[c] * (y[c] + np.linalg.lstsq(E, f, rcond=None)[0] @ (q - X[c]))
    return total


# ---- by definition --------------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_voronoi_is_exact_on_whole_numbers(data):
    d = data.draw(st.integers(1, 3))
    point = st.tuples(*[st.integers(-3, 3)] * d)
    points = data.draw(st.lists(point, min_size=1, max_size=14, unique=True))
    query = data.draw(st.tuples(*[st.integers(-5, 5)] * d))
    found = weigh(voronoi_weights, np.array(points, dtype=float), [query])[0]
    expected = voronoi_by_definition(points, query)
    np.testing.assert_allclose(found, [float(w) for w in expected], atol=1e-13)
    assert {i for i, w in enumerate(found) if w} == {i for i, w in enumerate(expected) if w}


@pytest.mark.parametrize(("n", "d"), [(500, 2), (700, 9), (300, 40)])
def test_voronoi_leaves_out_no_row(n, d):
    """Many rows and both sides of the search's early ends, against all pairs."""
    rng = np.random.default_rng([n, d])
    A, queries = rng.random((n, d)), rng.random((12, d)) * 1.4 - 0.2
    found = weigh(voronoi_weights, A, queries)
    for q, w in zip(queries, found):
        edges = A[None] - A[:, None]
        below = np.square(edges).sum(axis=2) + np.eye(n)
        ratio = np.einsum("id,ijd->ij", q - A, edges) / below
        expected = np.maximum(0, 1 - np.maximum(0, ratio.max(axis=1)))
        np.testing.assert_allclose(w, expected / expected.sum(), atol=1e-12)
        assert expected[np.argmin(gaps_to(A, q))] >= 0.5


@pytest.mark.parametrize(("n", "d"), [(80, 3), (60, 1), (4, 6), (2, 1)])
def test_shepard_is_its_formula(n, d):
    rng = np.random.default_rng([n, d])
    A, queries = rng.normal(size=(n, d)), rng.normal(size=(30, d)) * 2
    radii = [np.sort(gaps_to(A, x))[min(d + 1, n - 1)] for x in A]
    np.testing.assert_allclose(shepard_radii(Cloud(A), Cloud(A).metric(None)), radii)
    answers = [shepard_by_definition(A, q, np.array(radii), d + 1) for q in queries]
    np.testing.assert_allclose(
        weigh(shepard_weights, A, queries), [w for w, _ in answers], atol=1e-12
    )
    if n > 4:  # both of its cases have been seen
        assert {covered for _, covered in answers} == {True, False}


@pytest.mark.parametrize(("n", "d"), [(80, 3), (60, 1), (40, 8), (4, 6), (2, 1)])
def test_linear_shepard_is_its_formula(n, d):
    rng = np.random.default_rng([n, d])
    A, queries, y = rng.normal(size=(n, d)), rng.normal(size=(15, d)) * 1.5, rng.normal(size=n)
    expected = [linear_by_definition(A, y, q) for q in queries]
    found = weigh(linear_shepard_weights, A, queries)
    np.testing.assert_allclose(found @ y, expected, rtol=1e-9, atol=1e-9)


def test_linear_shepard_reproduces_linear_functions_where_a_ball_covers():
    slope = np.array([2.0, -1, 0.5])
    fits = local_fits(Cloud(X), Cloud(X).metric(None))
    W = weigh(linear_shepard_weights, X, Q, fits=fits)
    covered = np.array([(gaps_to(X, q) < fits.radii).any() for q in Q])
    assert 20 < covered.sum() < len(Q)
    np.testing.assert_allclose((W @ X)[covered], Q[covered], atol=1e-11)
    np.testing.assert_allclose((W @ (X @ slope + 3))[covered], (Q @ slope + 3)[covered], atol=1e-10)
    assert (W[covered] < 0).any()
    assert (W[~covered] >= 0).all()
    assert repr(fits) == "LocalFits(80 rows, each fitted to 5 others)"


@pytest.mark.parametrize("k", [None, 1, 7, 75, 200])
@pytest.mark.parametrize("power", [2.0, 0.5, 9.0])
def test_inverse_distance_is_its_formula(k, power):
    found = weigh(inverse_distance_weights, X, Q, power=power, n_neighbors=k)
    for q, w in zip(Q, found):
        gap = gaps_to(X, q)
        expected = np.where(gap <= np.sort(gap)[min(k or 80, 80) - 1], gap**-power, 0)
        np.testing.assert_allclose(w, expected / expected.sum(), atol=1e-13)


@pytest.mark.parametrize("k", [1, 5, 75, 200])
def test_nearest_rows_count_alike(k):
    found = weigh(nearest_weights, X, Q, n_neighbors=k)
    for q, w in zip(Q, found):
        rows = np.argsort(gaps_to(X, q), kind="stable")[:k]
        np.testing.assert_array_equal(w, np.isin(np.arange(80), rows) / min(k, 80))


def test_equal_distances_take_the_lowest_row():
    corners = np.array([[1.0, 1], [-1, 1], [1, -1], [-1, -1], [0, 0.5]])
    found = weigh(nearest_weights, corners, [[0, 0]], n_neighbors=3)
    np.testing.assert_array_equal(found, [[1 / 3, 1 / 3, 0, 0, 1 / 3]])
    # no ball covers: d + 1 = 3 of the four rows at distance 1
    square = np.array([[1.0, 0], [0, 1], [-1, 0], [0, -1]])
    spokes = np.concatenate([square, square * 1.001, square * 1.002, square * 1.003])
    found = weigh(shepard_weights, spokes, [[0, 0]])
    np.testing.assert_allclose(found[0], [1 / 3] * 3 + [0] * 13, atol=1e-15)


# ---- what must not matter -------------------------------------------------------------------


@every
@pytest.mark.parametrize("metric", [None, np.array([2.0, 1, 0.3]), FULL], ids=["none", "d", "dd"])
def test_batches_do_not_matter(method, metric, monkeypatch):
    whole = weigh(method, X, Q, metric)
    one = np.concatenate([weigh(method, X, q[None], metric) for q in Q])
    np.testing.assert_array_equal(whole, one)
    monkeypatch.setattr(_batching, "BATCH_WORK", 2.0)  # a task for each query, on threads
    calls = []
    cloud = Cloud(X)
    W = method(cloud, Q, cloud.metric(metric), lambda *call: calls.append(call))
    np.testing.assert_array_equal(W.toarray(), whole)
    assert calls == [(i + 1, len(Q), "queries") for i in range(len(Q))]


@every
@pytest.mark.parametrize("power", [-990, -300, 300, 980])
def test_scale_does_not_matter(method, power):
    found = weigh(method, np.ldexp(X, power), np.ldexp(Q, power))
    np.testing.assert_allclose(found, weigh(method, X, Q), rtol=1e-9, atol=1e-12)


@every
def test_moves_turns_and_order_do_not_matter(method):
    expected = weigh(method, X, Q)
    turn = np.linalg.qr(RNG.normal(size=(3, 3)))[0]
    for A, B in [(X + 1e4, Q + 1e4), (X @ turn, Q @ turn), (X * 1e300, Q * 1e300)]:
        np.testing.assert_allclose(weigh(method, A, B), expected, atol=1e-9)
    order = RNG.permutation(len(X))
    np.testing.assert_allclose(weigh(method, X[order], Q), expected[:, order], atol=1e-11)


@every
def test_a_metric_is_a_change_of_coordinates(method):
    L = np.linalg.cholesky(FULL).T
    expected = weigh(method, X @ L.T, Q @ L.T)
    np.testing.assert_allclose(weigh(method, X, Q, FULL), expected, atol=1e-9)
    root = np.array([1.0, 3, 0.2])
    np.testing.assert_allclose(
        weigh(method, X, Q, root**2), weigh(method, X * root, Q * root), atol=1e-9
    )


@every
def test_what_the_metric_does_not_see_does_not_matter(method):
    expected = weigh(method, X, Q, np.array([1.0, 2, 0]))
    other = Q.copy()
    other[:, 2] = -7
    np.testing.assert_array_equal(weigh(method, X, other, np.array([1.0, 2, 0])), expected)
    singular = weigh(method, X, other, np.diag([1.0, 2, 0]))
    np.testing.assert_allclose(singular, expected, atol=1e-9)


@every
def test_a_constant_column_does_not_matter(method):
    if method in (shepard_weights, linear_shepard_weights):
        pytest.skip("radii count features")
    found = weigh(method, np.column_stack([X, np.full(80, 3.0)]), np.column_stack([Q, [3.0] * 60]))
    np.testing.assert_allclose(found, weigh(method, X, Q), atol=1e-12)


# ---- where it is hard -----------------------------------------------------------------------


@on_rows
@pytest.mark.parametrize("metric", [None, "std", FULL], ids=["none", "std", "dd"])
def test_a_row_has_itself(method, metric):
    np.testing.assert_allclose(weigh(method, X, X, metric), np.eye(80), atol=1e-12)
    near = X + 1e-13 * RNG.normal(size=X.shape)
    np.testing.assert_allclose(weigh(method, X, near, metric), np.eye(80), atol=1e-4)


@every
@pytest.mark.parametrize("d", [1, 5])
def test_one_row(method, d):
    far = np.vander(np.arange(1.0, 5), d)
    np.testing.assert_array_equal(weigh(method, np.ones((1, d)), far), np.ones((4, 1)))


@every
def test_no_query(method):
    assert weigh(method, X, np.zeros((0, 3))).shape == (0, 80)


@every
@pytest.mark.parametrize("metric", [None, np.array([1.0, 0]), np.diag([1.0, 0])], ids=str)
def test_identical_rows_share(method, metric):
    """Rows between which there is no distance have the same weight."""
    A = np.array([[0.0, 1], [0, 1], [0, 1], [2, 1], [2, 1], [5, 3]])
    found = weigh(method, A, [[0, 1], [1, 1], [2, 1], [4, 2], [-3, 0]], metric)
    if method in (voronoi_weights, shepard_weights, inverse_distance_weights):  # no ties to break
        np.testing.assert_allclose(found[:, [1, 2, 4]], found[:, [0, 0, 3]], atol=1e-12)
    if method is voronoi_weights:  # a place has the weight of one row
        single = weigh(method, A[[0, 3, 5]], [[0, 1], [1, 1], [2, 1], [4, 2], [-3, 0]], metric)
        places = np.column_stack([found[:, :3].sum(1), found[:, 3:5].sum(1), found[:, 5]])
        np.testing.assert_allclose(places, single, atol=1e-12)


@every
def test_rows_all_alike(method):
    found = weigh(method, np.full((4, 2), 7.0), [[7.0, 7], [8, 9]])
    np.testing.assert_allclose(found[0], [0.25] * 4, atol=1e-12)
    balls = method in (shepard_weights, linear_shepard_weights)  # of no size: d + 1 rows
    np.testing.assert_allclose(found[1], [1 / 3] * 3 + [0] if balls else [0.25] * 4, atol=1e-12)


@every
def test_rows_far_closer_to_each_other_than_to_the_rest(method):
    """Distances whose squares are no numbers."""
    A = np.array([[0.0, 0], [1e-250, 0], [0, 1e-250], [1, 1], [-1, 1], [1, -1], [-1, -1]])
    found = weigh(method, A, [[0, 0], [3e-251, 0], [1e-250, 1e-250]])
    if method is not METHODS["nearest"]:
        np.testing.assert_allclose(found[0], np.eye(7)[0], atol=1e-12)
    if method in (voronoi_weights, METHODS["inverse"]):
        scaled = np.ldexp(A, 830)[:3]  # the far rows have no weight beside them
        expected = weigh(method, scaled, np.ldexp([[3e-251, 0], [1e-250, 1e-250]], 830))
        np.testing.assert_allclose(found[1:, :3], expected, atol=1e-9)


@every
@pytest.mark.parametrize("distance", [1e8, 1e100, 1e200, 1e307])
def test_queries_beyond_all_reach(method, distance):
    queries = distance * np.array([[1, 0, 0], [0.6, -0.8, 0]])
    found = weigh(method, X, queries)
    assert (found >= 0).all()
    if method is voronoi_weights and distance < 1e16:  # the row that is farthest that way
        np.testing.assert_array_equal(found.argmax(axis=1), (X @ queries.T).argmax(axis=0))
    if method is METHODS["inverse"]:
        np.testing.assert_allclose(found, 1 / 80, atol=1e-6)


def test_weights_that_do_not_fit_are_refused(monkeypatch):
    checked = []
    monkeypatch.setattr(
        inverse_distance, "check_memory", lambda size, what: checked.append((size, what))
    )
    weigh(inverse_distance_weights, X, Q)
    assert checked == [(32 * 60 * 80, "weights of 60 queries on 80 rows each")]


@pytest.mark.parametrize(
    ("regressor", "message"),
    [
        (hw.InverseDistanceRegressor(power=0), "power=0"),
        (hw.InverseDistanceRegressor(power=np.nan), "power=nan"),
        (hw.InverseDistanceRegressor(n_neighbors=0), "n_neighbors=0"),
        (hw.NearestRegressor(n_neighbors=2.5), "n_neighbors=2.5"),
        (hw.NearestRegressor(n_neighbors=None), "n_neighbors=None"),
    ],
)
def test_options_are_checked(regressor, message):
    with pytest.raises(hw.DataError, match=message):
        regressor.fit(X, X[:, 0])


# ---- as published ---------------------------------------------------------------------------


@cache
def recorded(name):
    path = SHARED / "lux" / name
    if not path.exists():
        pytest.skip(f"{name} is not there: set HULLWISE_SHARED to the folder that holds it")
    with np.load(path) as data:
        return dict(data)


def fold_of(X, b):
    """Training and test rows of fold b, scaled to 0..1 by the training rows."""
    n, order = len(X), list(range(len(X)))
    random.Random(0).shuffle(order)
    low, high = int(0.5 + b * n / 10), int(0.5 + (b + 1) * n / 10)
    test, train = order[low:high], order[:low] + order[high:]
    least, most = X[train].min(axis=0), X[train].max(axis=0)
    unit = np.where(most > least, most - least, 1)
    return train, test, (X[train] - least) / unit, (X[test] - least) / unit


PUBLISHED = {
    "Voronoi": (hw.VoronoiRegressor, 1e-11),
    "ShepMod": (hw.ShepardRegressor, 1e-12),
    "LSHEP_sheppack": (hw.LinearShepardRegressor, 1e-9),
}


@pytest.mark.parametrize("name", PUBLISHED)
@pytest.mark.parametrize(
    ("sample", "short", "paper", "folds"),
    [
        ("forest_fires", "forest", "forestfires", range(10)),
        ("parkinsons", "park", "parkinsons_updrs", [3]),
    ],
)
def test_recorded_predictions(name, sample, short, paper, folds):
    """Lux et al. 2021, tables 4 and 6; LSHEP as SHEPPACK has it, not as printed there."""
    table, (kind, relative) = load(sample), PUBLISHED[name]
    expected = recorded(f"cv10_pred_{short}.npz")[name]
    errors = recorded("paper_abs_errors.npz")
    rows = errors.get(f"{paper}__rows_used", np.arange(len(table.y)))
    printed = np.full(len(table.y), np.nan)
    if name != "LSHEP_sheppack":
        printed[rows] = errors[f"{paper}__{name}"]
    for b in folds:
        train, test, A, B = fold_of(table.X, b)
        found = kind(metric=None).fit(A, table.y[train]).predict(B)
        size = np.abs(table.y).max()
        np.testing.assert_allclose(found, expected[test], rtol=1e-9, atol=relative * size)
        there = ~np.isnan(printed[test])
        np.testing.assert_allclose(
            np.abs(found - table.y[test])[there], printed[test][there], atol=1e-9 * size
        )
