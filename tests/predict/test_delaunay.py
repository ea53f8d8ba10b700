"""Delaunay weights: exact least spread, recorded simplices, proofs, and degenerate geometry."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from scipy.spatial import Delaunay

import hullwise as hw
import oracle
from hullwise.geometry import scaled_view
from shared_data import SHARED

RECORDED = SHARED / "delaunay"


def least_spread(points, query):
    """min sum w |x - p|^2 over convex weights with mean p, the projection of the query; exactly."""
    _, weights = oracle.nearest(points, query)
    p = oracle.combination([points[i] for i in weights], list(weights.values()))
    best = None
    for k in range(1, len(p) + 2):
        for face in combinations(points, k):
            w = oracle._project(face, p)
            if w is None or min(w) < 0 or oracle.combination(face, w) != p:
                continue
            spread = sum(a * sum((c - b) ** 2 for c, b in zip(x, p)) for a, x in zip(w, face))
            best = spread if best is None else min(best, spread)
    return p, best


def claimed(reg, rows, query):
    W = reg.weights([query])
    p = W @ rows
    return p[0], float(W.data @ np.square(rows[W.indices] - p).sum(axis=1)), W


@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("seed", range(8))
def test_least_spread_on_small_integers(d, seed):
    """Ties, duplicates, flats and cospherical rows are the rule here."""
    rng = np.random.default_rng(seed)
    X = rng.integers(-2, 3, (8, d)).astype(float)
    if seed % 4 == 3 and d > 1:
        X[:, -1] = X[:, 0]  # a flat
    reg = hw.DelaunayRegressor(metric=None).fit(X, X[:, 0])
    points = [tuple(int(v) for v in x) for x in np.unique(X, axis=0)]
    for query in rng.integers(-3, 4, (12, d)):
        p, spread = least_spread(points, tuple(int(v) for v in query))
        got, found, W = claimed(reg, X, query.astype(float))
        assert abs(W.sum() - 1) < 1e-14
        assert (W.data > 0).all()
        np.testing.assert_allclose(got, [float(v) for v in p], atol=1e-13)
        assert found == pytest.approx(float(spread), rel=1e-12, abs=1e-12)


def integer_sphere(corners):
    """Centre and squared radius of the sphere through d + 1 integer points, exactly."""
    d = len(corners[0])
    base = corners[0]
    A = [[Fraction(2 * (c[j] - base[j])) for j in range(d)] for c in corners[1:]]
    b = [Fraction(sum(c[j] ** 2 - base[j] ** 2 for j in range(d))) for c in corners[1:]]
    for c in range(d):
        pivot = next(i for i in range(c, d) if A[i][c])
        A[c], A[pivot], b[c], b[pivot] = A[pivot], A[c], b[pivot], b[c]
        for i in range(d):
            if i != c and A[i][c]:
                f = A[i][c] / A[c][c]
                A[i] = [x - f * y for x, y in zip(A[i], A[c])]
                b[i] -= f * b[c]
    centre = [b[j] / A[j][j] for j in range(d)]
    return centre, sum((c - Fraction(x)) ** 2 for c, x in zip(centre, base))


@pytest.mark.parametrize("d", [2, 4, 6])
def test_spheres_are_empty_exactly(d):
    rng = np.random.default_rng(d)
    X = rng.integers(-50, 51, (200, d))
    reg = hw.DelaunayRegressor(metric=None).fit(X, X[:, 0])
    found = reg.simplices(rng.integers(-20, 21, (20, d)) * 0.5)
    inside = 0
    for corners, status in zip(found.corners, found.status):
        if status is not hw.SimplexStatus.INSIDE or (corners < 0).any():
            continue
        inside += 1
        centre, radius2 = integer_sphere([[int(v) for v in X[i]] for i in corners])
        for x in X:
            assert sum((Fraction(int(v)) - c) ** 2 for v, c in zip(x, centre)) >= radius2
    assert inside > 5


@pytest.mark.parametrize(("n", "d"), [(60, 2), (200, 3), (150, 5)])
def test_agrees_with_a_triangulation(n, d):
    rng = np.random.default_rng(n)
    X, Q = rng.normal(size=(n, d)), rng.normal(size=(200, d)) * 0.7
    mesh = Delaunay(X)
    at = mesh.find_simplex(Q)
    W = hw.DelaunayRegressor(metric=None).fit(X, X[:, 0]).weights(Q)
    for b in np.flatnonzero(at >= 0):
        T = mesh.transform[at[b]]
        part = T[:d] @ (Q[b] - T[d])
        expected = np.zeros(n)
        expected[mesh.simplices[at[b]]] = [*part, 1 - part.sum()]
        np.testing.assert_allclose(W[[b]].toarray()[0], expected, atol=1e-9)
    assert (at >= 0).sum() > 20


@pytest.mark.skipif(not RECORDED.exists(), reason="recorded simplices are not in the repository")
@pytest.mark.parametrize("path", sorted(RECORDED.glob("*.npz")), ids=lambda p: p.stem)
def test_recorded_simplices(path):
    """DelaunaySparse: inside the same corners, outside the same rows with weight."""
    data = np.load(path)
    names = [""] if "Q" in data else ["_inside", "_uniform"]
    X = data["Xs"] if "Q" in data else data["X"]
    reg = hw.DelaunayRegressor(metric=None).fit(X, X[:, 0])
    for name in names:
        Q = data["Q" + name]
        found = reg.simplices(Q)
        assert found.verify(X).all()
        for b in range(len(Q)):
            corners, w = data["simp" + name][b], data["w" + name][b]
            row = found.weights[[b]]
            if data["ierr" + name][b] == 0:
                assert found.status[b] is hw.SimplexStatus.INSIDE
                assert set(found.corners[b]) == set(corners)
            else:
                assert found.status[b] is hw.SimplexStatus.OUTSIDE
                assert set(row.indices[row.data > 1e-9]) == set(corners[w > 1e-9])
                assert found.distance[b] == pytest.approx(data["rnorm" + name][b], rel=1e-9)
            expected = np.zeros(len(X))
            expected[corners] = np.maximum(w, 0)
            np.testing.assert_allclose(row.toarray()[0], expected, atol=1e-8)


def cases():
    rng = np.random.default_rng(3)
    grid = np.stack(np.meshgrid(*[np.arange(4.0)] * 3), axis=-1).reshape(-1, 3)
    angle = 2 * np.pi * np.arange(16) / 16
    circle = np.column_stack([np.cos(angle), np.sin(angle)])
    line = np.outer(np.arange(9.0), [1.0, 2.0, -1.0]) + 5
    sums = rng.normal(size=(60, 4))
    sums = np.column_stack([sums, sums[:, 0] + sums[:, 1]])
    simplex = rng.dirichlet(np.ones(5), 80)
    binary = rng.integers(0, 2, (50, 7)).astype(float)
    thin = rng.normal(size=(80, 4))
    thin[:, 3] = thin[:, :3].sum(axis=1) + 1e-9 * rng.normal(size=80)
    repeated = rng.integers(0, 3, (200, 3)).astype(float)
    near = np.repeat(rng.normal(size=(30, 3)), 2, axis=0)
    near[1::2] += 1e-15
    wide = rng.normal(size=(12, 300))
    return {
        "grid": grid,
        "circle": circle,
        "line": line,
        "sums": sums,
        "probabilities": simplex,
        "binary": binary,
        "thin": thin,
        "repeated": repeated,
        "near": near,
        "wide": wide,
        "one": np.array([[1.0, 2.0]]),
        "same": np.ones((5, 3)),
        "two": np.array([[0.0, 0.0, 1.0], [1.0, 1.0, 1.0]]),
        "constant": np.column_stack([rng.normal(size=(40, 2)), np.full(40, 3.0)]),
        "interval": rng.normal(size=(30, 1)),
    }


@pytest.mark.parametrize("name", cases())
@pytest.mark.parametrize("scale", [1.0, 2.0**-900, 2.0**900])
def test_valid_answers_on_degenerate_rows(name, scale):
    X = cases()[name]
    n, d = X.shape
    rng = np.random.default_rng(0)
    mixed = rng.dirichlet(np.ones(n), 6) @ X
    edge = (X[rng.integers(n, size=4)] + X[rng.integers(n, size=4)]) / 2
    far = X.mean(axis=0) + rng.normal(size=(4, d)) * 10
    Q = np.concatenate([mixed, edge, X[:4], far, X.mean(axis=0) + (far - X.mean(axis=0)) * 1e6])
    reg = hw.DelaunayRegressor(metric=None).fit(X * scale, X[:, 0])
    found = reg.simplices(Q * scale)
    assert all(s is not hw.SimplexStatus.LOOSE for s in found.status)
    assert found.verify(X * scale).all()
    width = np.ptp(X, axis=0).max() + 1e-300
    inside = len(mixed) + len(edge) + min(n, 4)
    assert (found.distance[:inside] <= 1e-12 * width * scale).all()
    np.testing.assert_allclose(reg.predict(X[:4] * scale), X[:4, 0], atol=1e-12 * width)
    linear = X @ np.arange(1.0, d + 1)
    reg.fit(X * scale, linear)
    expected = Q[:inside] @ np.arange(1.0, d + 1)
    allowed = 1e-11 * (np.abs(linear).max() + 1)
    np.testing.assert_allclose(reg.predict(Q[:inside] * scale), expected, atol=allowed)


def test_offset_costs_its_own_digits_only():
    rng = np.random.default_rng(0)
    X, Q = rng.normal(size=(100, 3)), rng.normal(size=(20, 3)) * 0.5
    near = hw.DelaunayRegressor(metric=None).fit(X, X[:, 0]).predict(Q)
    far = hw.DelaunayRegressor(metric=None).fit(X + 2.0**30, X[:, 0]).predict(Q + 2.0**30)
    np.testing.assert_allclose(far, near, atol=1e-5)


def transformed():
    rng = np.random.default_rng(1)
    X, Q = rng.normal(size=(120, 5)), rng.normal(size=(40, 5))
    R = np.linalg.qr(rng.normal(size=(5, 5)))[0]
    order = rng.permutation(120)
    yield "rotated", X, Q, X @ R, Q @ R, np.arange(120)
    yield "translated", X, Q, X + 4.0, Q + 4.0, np.arange(120)
    yield "scaled", X, Q, X * 2.0**40, Q * 2.0**40, np.arange(120)
    yield "permuted", X, Q, X[order], Q, order
    yield "doubled", X, Q, np.concatenate([X, X]), Q, np.tile(np.arange(120), 2)


@pytest.mark.parametrize("case", list(transformed()), ids=lambda c: c[0])
def test_transformed_rows_give_the_same_weights(case):
    _, X, Q, X2, Q2, origin = case
    W = hw.DelaunayRegressor(metric=None).fit(X, X[:, 0]).weights(Q).toarray()
    W2 = hw.DelaunayRegressor(metric=None).fit(X2, X2[:, 0]).weights(Q2).toarray()
    back = np.zeros(W.shape)
    for column, row in enumerate(origin):
        back[:, row] += W2[:, column]
    np.testing.assert_allclose(back, W, atol=1e-10)


def test_same_answer_one_by_one():
    rng = np.random.default_rng(2)
    X, Q = rng.integers(0, 4, (90, 3)).astype(float), rng.uniform(-1, 4, (30, 3))
    reg = hw.DelaunayRegressor(metric=None).fit(X, X[:, 1])
    one = np.concatenate([reg.weights(q[None]).toarray() for q in Q])
    np.testing.assert_array_equal(one, reg.weights(Q).toarray())


@pytest.mark.parametrize("name", ["gaussian", "grid", "sums", "binary", "wide"])
def test_whole_passes_find_what_the_kernel_finds(name, monkeypatch):
    """Clouds of more than four million numbers go another way: the same spread, the same proof."""
    rng = np.random.default_rng(4)
    X = rng.normal(size=(2500, 8)) if name == "gaussian" else cases()[name]
    Q = np.concatenate([rng.dirichlet(np.ones(len(X)), 8) @ X, rng.normal(size=(20, X.shape[1]))])
    small = hw.DelaunayRegressor(metric=None).fit(X, X[:, 0]).simplices(Q)
    monkeypatch.setattr(scaled_view, "MAX_NUMBERS_IN_MEMORY", 0)
    reg = hw.DelaunayRegressor(metric=None).fit(X, X[:, 0])
    large = reg.simplices(Q)
    assert large.verify(X).all()
    assert [s.name for s in large.status] == [s.name for s in small.status]
    np.testing.assert_allclose(large.distance, small.distance, atol=1e-12)

    def spreads(found):
        return [w @ np.square(X[i] - p).sum(axis=1) for w, i, p in supports(found)]

    np.testing.assert_allclose(spreads(large), spreads(small), rtol=1e-9, atol=1e-12)


def supports(found):
    W = found.weights
    for b, p in enumerate(found.nearest):
        span = slice(W.indptr[b], W.indptr[b + 1])
        yield W.data[span], W.indices[span], p


METRICS = {
    "std": "std",
    "diagonal": np.array([1.0, 4.0, 0.25]),
    "blind": np.array([1.0, 0.0, 2.0]),
    "full": np.array([[2.0, 0.5, 0.0], [0.5, 1.0, 0.2], [0.0, 0.2, 3.0]]),
    "rank two": np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
}


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_is_a_change_of_coordinates(name):
    rng = np.random.default_rng(5)
    X, Q = rng.normal(size=(150, 3)), rng.normal(size=(30, 3)) * 1.3
    reg = hw.DelaunayRegressor(metric=METRICS[name]).fit(X, X[:, 0])
    found = reg.simplices(Q)
    assert found.verify(X).all()
    L = reg.cloud_.metric(METRICS[name]).image(np.eye(3)).T
    seen = hw.DelaunayRegressor(metric=None).fit(X @ L.T, X[:, 0])
    np.testing.assert_allclose(found.weights.toarray(), seen.weights(Q @ L.T).toarray(), atol=1e-9)


def test_wrong_claims_fail():
    rng = np.random.default_rng(6)
    X, Q = rng.normal(size=(80, 3)), np.array([[0.1, 0.2, 0.0], [5.0, 0.0, 0.0]])
    reg = hw.DelaunayRegressor(metric=None).fit(X, X[:, 0])
    found = reg.simplices(Q)
    assert found.verify(X).all()
    bad = found.weights.copy()
    bad.data[0] += 1e-6
    assert list(replace(found, weights=bad).verify(X)) == [False, True]
    assert not replace(found, centre=found.centre + 0.01).verify(X)[0]
    assert not replace(found, nearest=found.nearest + 1e-6).verify(X).any()
    closer = X.copy()
    closer[5] = found.centre[0]  # a row in the first sphere
    assert not replace(found).verify(closer)[0]
    beyond = X.copy()
    beyond[5] = [4.0, 0.0, 0.0]  # a row beyond the plane of the second
    assert not found.verify(beyond)[1]


def test_a_far_query_keeps_the_projection():
    X = np.random.default_rng(7).normal(size=(100, 4))
    found = hw.DelaunayRegressor(metric=None).fit(X, X[:, 0]).simplices(np.full((1, 4), 1e6))
    assert found.status[0] is hw.SimplexStatus.OUTSIDE
    assert found.verify(X).all()
