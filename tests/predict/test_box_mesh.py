"""Box meshes: the construction in exact arithmetic, what it promises, and recorded predictions."""

from __future__ import annotations

import random
from fractions import Fraction
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.utils.estimator_checks import parametrize_with_checks

from hullwise.errors import DataError, DataWarning
from hullwise.geometry.cloud import Cloud
from hullwise.predict import box_mesh
from hullwise.predict.box_mesh import (
    BoxSplineRegressor,
    MaxBoxRegressor,
    box_spline_mesh,
    box_weights,
    max_box_mesh,
)
from shared_data import SHARED

RNG = np.random.default_rng(5)
X = RNG.normal(size=(60, 4))
Q = RNG.normal(size=(40, 4)) * 1.5
FULL = np.array([[2.0, 0.5, 0, 0], [0.5, 1, 0, 0.25], [0, 0, 3, 0], [0, 0.25, 0, 1]])
METRICS = [None, "std", "range", np.array([1.0, 4, 0.3, 2]), FULL]
MESHES = [box_spline_mesh, max_box_mesh]
UNCOVERED = np.array([[68.0, 44, 61], [62, 40, 66], [69, 55, 73]]), np.array([[68.0, 35, 75]])

both = pytest.mark.parametrize("mesh_of", MESHES)
every_metric = pytest.mark.parametrize("metric", METRICS, ids=["none", "std", "range", "d", "dd"])


def weigh(mesh_of, X, Q, metric=None, **options):
    """Dense weights of queries Q."""
    cloud = Cloud(X)
    M = cloud.metric(metric)
    return box_weights(mesh_of(cloud, M), cloud, np.asarray(Q), M, **options).toarray()


# ---- a second opinion in exact arithmetic -------------------------------------------------


def inside(box, c, x):
    low, high = box
    return all(
        (high[k] is None or x[k] - c[k] < high[k]) and (low[k] is None or c[k] - x[k] < low[k])
        for k in range(len(c))
    )


def end_at(box, c, x):
    size = [abs(a - b) for a, b in zip(x, c)]
    k = size.index(max(size))
    box[1 if x[k] > c[k] else 0][k] = size[k]


def iterative_oracle(points):
    """Both boxes are looked at whenever a point comes in; boxes by the number of their point."""
    d, n = len(points[0]), len(points)
    columns = list(zip(*points))
    centre = [(min(c) + max(c)) / Fraction(2) for c in columns]
    order = sorted(range(n), key=lambda i: (squared(points[i], centre), i))
    box = {}
    for new in order:
        there = list(box)
        box[new] = ([None] * d, [None] * d)
        near = sorted(range(len(there)), key=lambda s: (squared(points[there[s]], points[new]), s))
        for old in (there[s] for s in near):
            if inside(box[old], points[old], points[new]):
                end_at(box[old], points[old], points[new])
            if inside(box[new], points[new], points[old]):
                end_at(box[new], points[new], points[old])
    return order, [box[i] for i in order]


def max_box_oracle(points):
    d, n = len(points[0]), len(points)
    made = []
    for c in points:
        box = ([None] * d, [None] * d)
        while True:
            held = [x for x in points if x != c and inside(box, c, x)]
            if not held:
                break
            end_at(box, c, min(held, key=lambda x: max(abs(a - b) for a, b in zip(x, c))))
        made.append(box)
    return list(range(n)), made


def squared(x, y):
    return sum((a - b) ** 2 for a, b in zip(x, y))


def oracle_weights(order, box, points, q, growing):
    values = [Fraction(0)] * len(points)
    for i, (low, high) in zip(order, box):
        c = points[i]
        if not inside((low, high), c, q):
            continue
        value, grown = Fraction(1), Fraction(1)
        for k in range(len(q)):
            width = (high if q[k] >= c[k] else low)[k]
            if width is not None:
                value *= 1 - abs(q[k] - c[k]) / width
            elif growing:
                grown *= 1 + abs(q[k] - c[k])
        values[i] = max(value * grown, Fraction(1, 2**26))
    total = sum(values)
    return [float(v / total) if total else 1 / len(points) for v in values]


ORACLES = dict(zip(MESHES, [iterative_oracle, max_box_oracle]))


@both
@settings(max_examples=120, deadline=None)
@given(st.data())
def test_exact_on_integers(mesh_of, data):
    """Small integers, so that ties of every kind abound."""
    d = data.draw(st.integers(1, 4))
    row = st.tuples(*[st.integers(0, 4)] * d)
    points = data.draw(st.lists(row, min_size=1, max_size=14, unique=True))
    queries = data.draw(st.lists(st.tuples(*[st.integers(-4, 20)] * d), min_size=1, max_size=5))
    growing = data.draw(st.booleans())
    points = [tuple(map(Fraction, p)) for p in points]
    queries = [tuple(Fraction(v, 4) for v in q) for q in queries]

    order, box = ORACLES[mesh_of](points)
    cloud = Cloud(np.array(points, dtype=float))
    metric = cloud.metric(None)
    mesh = mesh_of(cloud, metric)
    np.testing.assert_array_equal(mesh.order, order)
    scale = 2.0**mesh.exponent
    for side, widths in enumerate([mesh.lower, mesh.upper]):
        expected = [[np.inf if w is None else float(w) for w in b[side]] for b in box]
        np.testing.assert_array_equal(widths * scale, expected)
    W = box_weights(
        *(mesh, cloud, np.array(queries, dtype=float), metric),
        unbounded="growing" if growing else "flat",
    )
    expected = [oracle_weights(order, box, points, q, growing) for q in queries]
    np.testing.assert_allclose(W.toarray(), expected, rtol=0, atol=1e-14)


@both
def test_least_value_within_a_box(mesh_of):
    """Near a corner of a box the product falls to 2**-40; it counts as 2**-26."""
    rows = [(0, 0), (4, 1), (1, 8)]
    points = [tuple(map(Fraction, p)) for p in rows]
    order, box = ORACLES[mesh_of](points)
    near = Fraction(1, 2**20)
    c, widths = points[0], box[order.index(0)][1]
    assert widths == [4, 8]
    q = [c[0] + widths[0] * (1 - near), c[1] + widths[1] * (1 - near)]
    found = weigh(mesh_of, np.array(rows, dtype=float), np.array([q], dtype=float))[0]
    expected = oracle_weights(order, box, points, q, False)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert found[0] > 1e-9


# ---- what the meshes promise ------------------------------------------------------------------


@both
@every_metric
@pytest.mark.parametrize("unbounded", ["flat", "growing"])
def test_a_training_row_gets_itself(mesh_of, metric, unbounded):
    np.testing.assert_array_equal(weigh(mesh_of, X, X, metric, unbounded=unbounded), np.eye(60))
    W = weigh(mesh_of, X, Q, metric, unbounded=unbounded)
    assert (W >= 0).all()
    np.testing.assert_allclose(W.sum(axis=1), 1, rtol=1e-14)


@both
@every_metric
def test_no_box_holds_another_row(mesh_of, metric):
    cloud = Cloud(X)
    M = cloud.metric(metric)
    mesh = mesh_of(cloud, M)
    assert sorted(mesh.order) == list(range(60))
    lower, upper = mesh.lower * 2.0**mesh.exponent, mesh.upper * 2.0**mesh.exponent
    for b, row in enumerate(mesh.order):
        steps = M.image(np.delete(X, row, axis=0) - X[row])
        room = np.minimum(upper[b] - steps, lower[b] + steps).min(axis=1)
        assert room.max() <= 1e-14
        # every face has a row on it: no cut was for nothing
        ends = np.concatenate([steps, -steps], axis=1)
        for width, end in zip(np.concatenate([upper[b], lower[b]]), ends.T):
            assert width == np.inf or np.abs(end - width).min() <= 1e-14


def test_the_least_width_of_a_max_box_is_the_nearest_row():
    cloud = Cloud(X)
    mesh = max_box_mesh(cloud, cloud.metric(None))
    gap = np.abs(X[:, None] - X[None]).max(axis=2)
    np.fill_diagonal(gap, np.inf)
    least = np.minimum(mesh.lower, mesh.upper).min(axis=1) * 2.0**mesh.exponent
    np.testing.assert_array_equal(least, gap.min(axis=1))
    bounded = np.isfinite(mesh.lower).sum(axis=1) + np.isfinite(mesh.upper).sum(axis=1)
    assert (bounded <= 8).all()


@both
def test_one_feature_is_linear_interpolation(mesh_of):
    x, y = RNG.normal(size=30), RNG.normal(size=30)
    q = np.linspace(-4, 4, 400)
    order = np.argsort(x)
    found = weigh(mesh_of, x[:, None], q[:, None]) @ y
    np.testing.assert_allclose(found, np.interp(q, x[order], y[order]), atol=1e-6)


@both
def test_where_no_box_is(mesh_of):
    np.testing.assert_array_equal(weigh(mesh_of, *UNCOVERED), np.full((1, 3), 1 / 3))
    exact = [tuple(map(Fraction, map(int, x))) for x in UNCOVERED[0]]
    order, box = ORACLES[mesh_of](exact)
    q = tuple(map(int, UNCOVERED[1][0]))
    assert not any(inside(b, exact[i], q) for i, b in zip(order, box))


@both
@every_metric
def test_every_batch_gives_the_same_bits(mesh_of, metric, monkeypatch):
    whole = weigh(mesh_of, X, Q, metric)
    seen = []
    monkeypatch.setattr(box_mesh, "BASIS_VALUES", 1)
    monkeypatch.setattr(box_mesh, "MESH_TASK", 1)
    np.testing.assert_array_equal(
        weigh(mesh_of, X, Q, metric, progress=lambda *at: seen.append(at)), whole
    )
    assert [s[0] for s in seen] == sorted({s[0] for s in seen})
    assert seen[-1] == (40, 40, "queries")
    one = np.concatenate([weigh(mesh_of, X, q[None], metric) for q in Q])
    np.testing.assert_array_equal(one, whole)
    assert weigh(mesh_of, X, Q[:0], metric).shape == (0, 60)


# ---- what leaves the weights as they are -----------------------------------------------------


@both
def test_shift_scale_and_reflection_keep_every_bit(mesh_of):
    rows, queries = RNG.integers(-50, 50, (40, 3)) * 1.0, RNG.integers(-90, 90, (30, 3)) * 0.5
    W = weigh(mesh_of, rows, queries)
    for change in (
        lambda V: V + np.array([1e8, -7, 3e6]),
        lambda V: V * 2.0**-900,
        lambda V: V * 2.0**900,
        lambda V: -V,
    ):
        np.testing.assert_array_equal(weigh(mesh_of, change(rows), change(queries)), W)


@both
def test_units_of_features(mesh_of):
    """Each feature's unit counts with metric=None, and does not with "range"."""
    unit = np.array([2.0**-40, 1, 2.0**30, 2.0**7])
    W = weigh(mesh_of, X, Q, "range")
    np.testing.assert_array_equal(weigh(mesh_of, X * unit, Q * unit, "range"), W)
    assert np.abs(weigh(mesh_of, X * unit, Q * unit) - weigh(mesh_of, X, Q)).max() > 0.1
    root = np.array([2.0, 1, 0.5, 4])
    np.testing.assert_array_equal(weigh(mesh_of, X, Q, root**2), weigh(mesh_of, X * root, Q * root))


@both
def test_order_of_rows_and_features(mesh_of):
    W = weigh(mesh_of, X, Q)
    rows, features = RNG.permutation(60), RNG.permutation(4)
    np.testing.assert_allclose(weigh(mesh_of, X[rows], Q), W[:, rows], rtol=1e-13)
    moved = weigh(mesh_of, X[:, features], Q[:, features])
    np.testing.assert_allclose(moved, W, rtol=1e-12)


def test_full_metric_turns_the_boxes():
    """On the axes of its factor a full metric is the plain one."""
    values, vectors = np.linalg.eigh(FULL)
    L = np.sqrt(values)[:, None] * vectors.T
    for mesh_of in MESHES:
        turned = weigh(mesh_of, X @ L.T, Q @ L.T)
        np.testing.assert_allclose(weigh(mesh_of, X, Q, FULL), turned, atol=1e-12)


# ---- awkward rows -------------------------------------------------------------------------------


@both
@pytest.mark.parametrize("factor", [1e300, 1e-300])
def test_extreme_scales(mesh_of, factor):
    np.testing.assert_allclose(
        weigh(mesh_of, X * factor, Q * factor), weigh(mesh_of, X, Q), atol=1e-12
    )


@both
@pytest.mark.parametrize("unbounded", ["flat", "growing"])
@pytest.mark.parametrize("scale", [1.0, 1e-200])
def test_far_queries(mesh_of, unbounded, scale):
    far = np.array([[1.0, 2, 3, 4], [-1, 1, 0, 0]]) * np.array([[1e300], [1.7e308]])
    for metric in (None, FULL):
        W = weigh(mesh_of, X * scale, far, metric, unbounded=unbounded)
        assert (W >= 0).all()
        np.testing.assert_allclose(W.sum(axis=1), 1, rtol=1e-12)


@both
def test_a_constant_feature_is_not_seen(mesh_of):
    still, off = np.insert(X, 2, 7.0, axis=1), np.insert(Q, 2, 9.0, axis=1)
    np.testing.assert_array_equal(weigh(mesh_of, still, off), weigh(mesh_of, X, Q))


@both
def test_places_the_metric_cannot_tell_apart(mesh_of):
    """A feature of weight 0: rows equal but for it share one box and its weight."""
    rows = np.array([[0.0, 5], [1, 3], [0, 2], [4, 4], [1, 9], [0, 0]])
    W = weigh(mesh_of, rows, [[0.25, 100], [0, 0], [4, -3]], [1.0, 0.0])
    expected = [[0.25, 0.125, 0.25, 0, 0.125, 0.25], [1 / 3, 0, 1 / 3, 0, 0, 1 / 3]]
    np.testing.assert_allclose(W, [*expected, [0, 0, 0, 1, 0, 0]], atol=1e-6)
    np.testing.assert_allclose(W.sum(axis=1), 1)


@pytest.mark.parametrize("regressor", [BoxSplineRegressor, MaxBoxRegressor])
def test_regressors(regressor):
    y = X[:, 0] * 3
    reg = regressor(metric="std").fit(X, y)
    np.testing.assert_array_equal(reg.predict(X), y)
    np.testing.assert_array_equal(reg.weights(Q) @ y, reg.predict(Q))
    assert reg.predict(Q).min() >= y.min()
    assert reg.predict(Q).max() <= y.max()
    assert repr(reg.mesh_).startswith("BoxMesh(60 boxes, 4 axes, ")
    np.testing.assert_array_equal(regressor().fit(X[:1], y[:1]).predict(Q), np.full(40, y[0]))
    with pytest.warns(DataWarning, match="averaged"):
        twice = regressor().fit(np.repeat(X, 2, axis=0), np.repeat(y, 2) + np.tile([0.0, 1], 60))
    np.testing.assert_allclose(twice.predict(Q), regressor().fit(X, y + 0.5).predict(Q))
    with pytest.raises(DataError, match="unbounded='open'"):
        regressor(unbounded="open").fit(X, y)


@pytest.mark.filterwarnings("ignore::hullwise.errors.DataWarning")
@parametrize_with_checks([BoxSplineRegressor(), MaxBoxRegressor()])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


# ---- recorded predictions -----------------------------------------------------------------------

SETS = {
    "forest": ("forest_fire", 10),
    "rain": ("rainfall_sydney", 2),
    "park": ("parkinsons", 1),
    "credit": ("credit_card", 1),
}


@cache
def recorded(name):
    """Rows, targets and recorded predictions of a set of the 2021 paper."""
    table = SHARED / "lux" / f"{SETS[name][0]}.csv.gz"
    stored = SHARED / "lux" / f"cv10_pred_{name}.npz"
    if not (table.exists() and stored.exists()):
        pytest.skip(f"{table.name} is not there: set HULLWISE_SHARED to the folder that holds it")
    rows = np.loadtxt(table, delimiter=",", skiprows=1)
    with np.load(stored) as data:
        return rows[:, :-1], rows[:, -1], dict(data)


def folds(n, count):
    """(train, test) of the paper's first folds."""
    order = list(range(n))
    random.Random(0).shuffle(order)
    for b in range(count):
        low, high = int(0.5 + b * n / 10), int(0.5 + (b + 1) * n / 10)
        yield np.array(order[:low] + order[high:]), np.array(order[low:high])


@pytest.mark.parametrize("name", SETS)
def test_recorded_predictions(name):
    rows, y, stored = recorded(name)
    for train, test in folds(len(rows), SETS[name][1]):
        low, high = rows[train].min(axis=0), rows[train].max(axis=0)
        unit = np.where(high > low, high - low, 1)
        A, B = (rows[train] - low) / unit, (rows[test] - low) / unit
        reg = BoxSplineRegressor(metric=None).fit(A, y[train])
        allowed = 1e-13 * np.abs(y).max()
        found = reg.predict(B)
        np.testing.assert_allclose(found, stored["BoxSpline_correct_flat"][test], atol=allowed)
        growing = reg.set_params(unbounded="growing").weights(B)
        matching = stored["BoxSpline_correct"][test]
        np.testing.assert_allclose(growing @ y[train], matching, atol=allowed)
        if name != "forest":  # there, rows tie in their distance from the centre
            published = growing[:, reg.order_] @ y[train]
            original = stored["BoxSpline_as_published"][test]
            np.testing.assert_allclose(published, original, atol=allowed)
