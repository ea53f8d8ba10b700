"""Kernel regression: by its formulas, in its limits, far away, and as attention."""

from __future__ import annotations

import numpy as np
import pytest

import hullwise as hw
from hullwise.predict import _bandwidths, _batching, interpolant
from hullwise.predict._bandwidths import SMOOTHING_KERNELS

RNG = np.random.default_rng(3)
X = RNG.normal(size=(90, 3))
Y = np.sin(2 * X[:, 0]) + X[:, 1] ** 2
Q = np.concatenate([RNG.normal(size=(30, 3)), RNG.normal(size=(10, 3)) * 3])
FULL = np.array([[2.0, 0.5, 0], [0.5, 1, 0.3], [0, 0.3, 3]])
DISTANCE_KERNELS = [name for name in SMOOTHING_KERNELS if name != "softmax"]
FORMULAS = {
    "gaussian": lambda u: np.exp(-u * u / 2),
    "epanechnikov": lambda u: np.maximum(0, 1 - u**2),
    "triangular": lambda u: np.maximum(0, 1 - u),
    "tricube": lambda u: np.maximum(0, 1 - u**3) ** 3,
}


def distances(A, B, metric=None):
    V = A[:, None] - B
    return np.sqrt(
        np.einsum("mni,ij,mnj->mn", V, np.eye(B.shape[1]) if metric is None else metric, V)
    )


def by_definition(kernel, D, h):
    """Weights from distances (m, n), and which queries have a row in reach."""
    K = FORMULAS[kernel](D / h)
    covered = K.sum(axis=1) > 0
    return K / np.where(covered, K.sum(axis=1), 1)[:, None], covered


@pytest.mark.parametrize("metric", [None, FULL], ids=["none", "matrix"])
@pytest.mark.parametrize("h", [0.4, 1.0, 5.0])
@pytest.mark.parametrize("kernel", DISTANCE_KERNELS)
def test_weights_are_the_formula(kernel, h, metric):
    reg = hw.KernelRegressor(kernel=kernel, bandwidth=h, metric=metric).fit(X, Y)
    D = distances(Q, X, metric)
    expected, covered = by_definition(kernel, D, h)
    W = reg.weights(Q).toarray()
    np.testing.assert_allclose(W[covered], expected[covered], atol=1e-12)
    nearest = W[~covered]
    assert (nearest[np.arange(len(nearest)), D[~covered].argmin(axis=1)] == 1).all()
    support = reg.support(Q)
    np.testing.assert_allclose(support.distance, D.min(axis=1))
    in_reach = D.min(axis=1) < 8.57 * h if kernel == "gaussian" else covered
    np.testing.assert_array_equal(support.in_reach, in_reach)
    np.testing.assert_allclose(support.effective_rows, 1 / np.square(W).sum(axis=1))
    np.testing.assert_array_equal(support.n_rows, (W > 0).sum(axis=1))


@pytest.mark.parametrize("kernel", DISTANCE_KERNELS)
def test_bandwidth_as_a_multiple_of_a_neighbours_distance(kernel):
    reg = hw.KernelRegressor(kernel=kernel, bandwidth=1.5, n_neighbors=7, metric=None).fit(X, Y)
    D = distances(Q, X)
    h = 1.5 * np.sort(D, axis=1)[:, 6]
    expected, _ = by_definition(kernel, D, h[:, None])
    np.testing.assert_allclose(reg.weights(Q).toarray(), expected, atol=1e-12)
    np.testing.assert_allclose(reg.support(Q).bandwidth, h)
    all_rows = hw.KernelRegressor(kernel=kernel, bandwidth=1.5, n_neighbors=500, metric=None)
    expected, _ = by_definition(kernel, D, 1.5 * D.max(axis=1)[:, None])
    np.testing.assert_allclose(all_rows.fit(X, Y).weights(Q).toarray(), expected, atol=1e-12)


@pytest.mark.parametrize("kernel", DISTANCE_KERNELS)
def test_the_ends_of_the_bandwidth(kernel):
    least = hw.KernelRegressor(kernel=kernel, bandwidth=1e-9).fit(X, Y)
    nearest = hw.NearestRegressor(n_neighbors=1).fit(X, Y)
    np.testing.assert_array_equal(least.predict(Q), nearest.predict(Q))
    np.testing.assert_array_equal(least.predict(X), Y)
    for large in (1e9, 1e300):
        mean = hw.KernelRegressor(kernel=kernel, bandwidth=large).fit(X, Y)
        np.testing.assert_allclose(mean.weights(Q).toarray(), 1 / 90, rtol=1e-7)


def test_softmax_attention_is_the_gaussian_kernel_for_keys_of_one_length():
    """exp(-|q - x|^2 / 2h^2) = exp(<q, x> / h^2) exp(-|q|^2 / 2h^2) exp(-|x|^2 / 2h^2)."""
    keys = X / np.linalg.norm(X, axis=1, keepdims=True)
    for h in (0.05, 0.3, 1.0, 8.0):
        options = {"bandwidth": h, "metric": None}
        attention = hw.KernelRegressor(kernel="softmax", **options).fit(keys, Y)
        smooth = hw.KernelRegressor(kernel="gaussian", **options).fit(keys, Y)
        A, G = attention.weights(Q).toarray(), smooth.weights(Q).toarray()
        np.testing.assert_allclose(A, G, rtol=1e-9 / h**2, atol=1e-15)
        scores = Q @ keys.T / h**2
        expected = np.exp(scores - scores.max(axis=1, keepdims=True))
        np.testing.assert_allclose(A, expected / expected.sum(axis=1, keepdims=True), atol=1e-10)


def test_softmax_has_its_origin_in_the_data():
    scores = Q @ FULL @ X.T / 4
    expected = np.exp(scores - scores.max(axis=1, keepdims=True))
    expected /= expected.sum(axis=1, keepdims=True)
    reg = hw.KernelRegressor(kernel="softmax", bandwidth=2.0, metric=FULL).fit(X, Y)
    np.testing.assert_allclose(reg.weights(Q).toarray(), expected, atol=1e-12)
    assert reg.support(Q).in_reach.all()
    moved = hw.KernelRegressor(kernel="softmax", bandwidth=2.0, metric=FULL).fit(X + 3, Y)
    np.testing.assert_allclose(moved.weights(Q).toarray(), expected, atol=1e-12)  # keys: no matter
    assert abs(moved.weights(Q + 3).toarray() - expected).max() > 0.1  # queries: it does


# ---- the bandwidth ---------------------------------------------------------------------------


def left_out_error(kernel, D, h, group, y):
    total = 0.0
    for i in range(len(y)):
        others = np.flatnonzero(group != group[i])
        w, covered = by_definition(kernel, D[i : i + 1, others], h)
        predicted = w[0] @ y[others] if covered else y[others[D[i, others].argmin()]]
        total += (predicted - y[i]) ** 2
    return total / len(y) / y.var()


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("kernel", DISTANCE_KERNELS)
def test_errors_are_those_of_leaving_out(kernel, grouped):
    group = np.arange(90) // 6 if grouped else np.arange(90)
    reg = hw.KernelRegressor(kernel=kernel).fit(X, Y, groups=group if grouped else None)
    D = distances(X / X.std(axis=0), X / X.std(axis=0))
    expected = [left_out_error(kernel, D, h, group, Y) for h in reg.bandwidths_]
    np.testing.assert_allclose(reg.cv_errors_, expected, rtol=1e-9)
    assert reg.bandwidth_ == reg.bandwidths_[reg.cv_errors_.argmin()]
    assert reg.cv_errors_.min() < reg.cv_errors_[0]
    assert reg.cv_errors_.min() < reg.cv_errors_[-1]


def test_attention_is_left_out_as_it_weighs():
    reg = hw.KernelRegressor(kernel="softmax", metric=None).fit(X + 1, Y)
    S = (X + 1) @ (X + 1).T
    for h, error in zip(reg.bandwidths_, reg.cv_errors_):
        K = S / h**2
        np.fill_diagonal(K, -np.inf)
        K = np.exp(K - K.max(axis=1, keepdims=True))
        assert np.mean((K @ Y / K.sum(axis=1) - Y) ** 2) / Y.var() == pytest.approx(error, rel=1e-9)


def test_groups_keep_what_is_nearly_copied_from_choosing_the_bandwidth():
    near = np.repeat(X, 2, axis=0) + 1e-6 * RNG.normal(size=(180, 3))
    noisy = np.repeat(Y + RNG.normal(size=90), 2)
    alone = hw.KernelRegressor().fit(near, noisy)
    grouped = hw.KernelRegressor().fit(near, noisy, groups=np.repeat(np.arange(90), 2))
    assert alone.bandwidth_ < 0.1 < grouped.bandwidth_
    assert alone.cv_errors_.min() < 1e-6


def test_a_place_that_groups_share_leaves_with_all_of_them():
    twice, group = np.concatenate([X, X[:5]]), np.concatenate([np.arange(90) // 6, np.full(5, 9)])
    reg = hw.KernelRegressor()
    with pytest.warns(hw.DataWarning, match="averaged"):
        reg.fit(twice, np.concatenate([Y, Y[:5] + 1.0]), groups=group)
    assert np.isfinite(reg.cv_errors_).all()
    y = np.concatenate([Y[:5] + 0.5, Y[5:]])
    D = distances(X / X.std(axis=0), X / X.std(axis=0))
    own = [{g} | ({9} if i < 5 else set()) for i, g in enumerate(np.arange(90) // 6)]
    total = 0.0
    for i in range(90):
        others = [j for j in range(90) if not own[i] & own[j]]
        w, _ = by_definition("gaussian", D[i : i + 1, others], reg.bandwidth_)
        total += (w[0] @ y[others] - y[i]) ** 2
    assert total / 90 / y.var() == pytest.approx(reg.cv_errors_.min(), rel=1e-9)


def test_one_group_leaves_nothing_to_predict_from():
    with pytest.raises(hw.DataError, match="there is one group only"):
        hw.KernelRegressor().fit(X, Y, groups=np.zeros(90))
    hw.KernelRegressor(bandwidth=1.0).fit(X, Y, groups=np.zeros(90))
    with pytest.raises(hw.DataError, match="groups has shape"):
        hw.KernelRegressor().fit(X, Y, groups=[1, 2])


@pytest.mark.parametrize("kernel", SMOOTHING_KERNELS)
def test_rules_of_thumb(kernel):
    scale = np.array([2.0, 2.0, 2.0])
    n, d = X.shape
    ratio = {"epanechnikov": np.sqrt(7), "gaussian": 1.0, "softmax": 1.0}
    for rule, count in (("scott", n), ("silverman", n * (d + 2) / 4)):
        reg = hw.KernelRegressor(kernel=kernel, bandwidth=rule, metric=None).fit(X * scale, Y)
        sigma = np.sqrt((X * scale).var(axis=0).mean())
        if kernel in ratio:
            expected = sigma * count ** (-1 / (d + 4)) * ratio[kernel]
            assert reg.bandwidth_ == pytest.approx(expected, rel=1e-12)
        std = hw.KernelRegressor(kernel=kernel, bandwidth=rule).fit(X, Y)
        assert std.bandwidth_ * sigma == pytest.approx(reg.bandwidth_, rel=1e-12)
        assert reg.bandwidths_ is None


def test_kernels_of_one_bandwidth_rule_have_one_variance():
    """By sampling the radial densities on a grid: sqrt(variance) times the ratio is 1."""
    r = np.linspace(0, 1, 200_001)
    for name in ("epanechnikov", "triangular", "tricube"):
        for d in (1, 2, 5):
            K = FORMULAS[name](r)
            variance = (r ** (d + 1) * K).sum() / (r ** (d - 1) * K).sum() / d
            assert SMOOTHING_KERNELS[name].spread_ratio(d) ** 2 * variance == pytest.approx(
                1, rel=1e-4
            )


# ---- far away, and at the ends of float64 ----------------------------------------------------


def test_far_away_the_nearest_rows_answer():
    reg = hw.KernelRegressor(bandwidth=0.2).fit(X, Y)
    U = RNG.normal(size=(20, 3))
    for reach in (10.0, 1e4, 1e9, 1e15, 1e100, 1e300):
        W = reg.weights(U * reach)
        assert np.isfinite(W.data).all()
        best = (X / np.square(X.std(axis=0)) @ U.T).argmax(axis=0)
        if reach > 1e4:
            np.testing.assert_array_equal(W.toarray().argmax(axis=1), best)
            assert (np.diff(W.indptr) == 1).all()
    support = reg.support(U * 1e9)
    assert not support.in_reach.any()
    assert repr(support) == "KernelSupport(20 queries: 20 out of reach; median 1 effective rows)"


def test_a_wide_kernel_is_right_at_any_distance():
    """At q = t u with h^2 = t the weights tend to exp(<u, x>), whatever t."""
    u = np.array([0.5, -0.25, 1.0])
    expected = np.exp(X @ u - (X @ u).max())
    expected /= expected.sum()
    for power in (60, 200, 900):
        reg = hw.KernelRegressor(bandwidth=2.0 ** (power / 2), metric=None).fit(X, Y)
        W = reg.weights(u[None] * 2.0**power).toarray()[0]
        np.testing.assert_allclose(W, expected, rtol=1e-9)


@pytest.mark.parametrize("kernel", SMOOTHING_KERNELS)
@pytest.mark.parametrize("power", [-1000, -300, 300, 1000])
def test_scales(kernel, power):
    """Times a power of two, in the data's own units: the bandwidth moves along, weights stay."""
    scale = 2.0**power
    expected = hw.KernelRegressor(kernel=kernel, metric=None).fit(X, Y)
    scaled = hw.KernelRegressor(kernel=kernel, metric=None).fit(X * scale, Y * 2.0**-power)
    assert scaled.bandwidth_ == expected.bandwidth_ * scale
    np.testing.assert_array_equal(scaled.bandwidths_, expected.bandwidths_ * scale)
    assert abs(scaled.weights(Q * scale) - expected.weights(Q)).max() == 0


@pytest.mark.parametrize("kernel", SMOOTHING_KERNELS)
def test_rows_in_any_order_and_parts(kernel, monkeypatch):
    reg = hw.KernelRegressor(kernel=kernel).fit(X, Y)
    order = RNG.permutation(90)
    mixed = hw.KernelRegressor(kernel=kernel).fit(X[order], Y[order])
    assert mixed.bandwidth_ == pytest.approx(reg.bandwidth_, rel=1e-12)
    np.testing.assert_allclose(mixed.predict(Q), reg.predict(Q), atol=1e-12)
    one_by_one = np.concatenate([reg.predict(q[None]) for q in Q])
    np.testing.assert_array_equal(one_by_one, reg.predict(Q))
    monkeypatch.setattr(_batching, "BATCH_WORK", 2000)
    monkeypatch.setattr(_bandwidths, "BATCH_WORK", 2000)
    for name in ("PREDICTION_BATCH", "LEAST_BATCH", "BATCH_WEIGHTS"):
        monkeypatch.setattr(interpolant, name, 3)
    again = hw.KernelRegressor(kernel=kernel).fit(X, Y)
    assert again.bandwidth_ == reg.bandwidth_
    np.testing.assert_array_equal(again.predict(Q), reg.predict(Q))
    assert list(again.support(Q).n_rows) == list(reg.support(Q).n_rows)


@pytest.mark.parametrize("kernel", DISTANCE_KERNELS)
def test_moves_and_turns(kernel):
    turn = np.linalg.qr(RNG.normal(size=(3, 3)))[0]
    reg = hw.KernelRegressor(kernel=kernel, metric=None).fit(X, Y)
    moved = hw.KernelRegressor(kernel=kernel, metric=None).fit(X @ turn + 1000, Y)
    np.testing.assert_allclose(moved.predict(Q @ turn + 1000), reg.predict(Q), atol=1e-8)


# ---- ties, copies, many columns --------------------------------------------------------------


@pytest.mark.parametrize("kernel", DISTANCE_KERNELS)
def test_equally_near_rows_share(kernel):
    corners = np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1], [9, 9]])
    for h in (1e-12, 1e-3, 0.9):
        reg = hw.KernelRegressor(kernel=kernel, bandwidth=h, metric=None).fit(
            corners, np.arange(5.0)
        )
        W = reg.weights([[0.0, 0.0]]).toarray()[0]
        np.testing.assert_allclose(W[:4], 0.25, atol=1e-6)
        assert W[0] == W[1] == W[2] == W[3]


def test_copies_count_once_or_each():
    A, y = [[0.0], [0.0], [0.0], [2.0]], [1.0, 2.0, 3.0, 10.0]
    with pytest.warns(hw.DataWarning, match="averaged"):
        once = hw.KernelRegressor(bandwidth=1.0, metric=None).fit(A, y)
    each = hw.KernelRegressor(bandwidth=1.0, metric=None, duplicates="count").fit(A, y)
    assert once.predict([[1.0]]) == pytest.approx((2 + 10) / 2)
    assert each.predict([[1.0]]) == pytest.approx((1 + 2 + 3 + 10) / 4)
    np.testing.assert_allclose(each.weights([[1.0]]).toarray(), 0.25)
    assert each.support([[1.0]]).effective_rows == pytest.approx(4)
    with pytest.raises(hw.DataError, match=r"'mean' or 'count' or 'raise'"):
        hw.KernelRegressor(duplicates="all").fit(A, y)
    with pytest.raises(hw.DataError, match=r"expected 'mean' or 'raise'"):
        hw.VoronoiRegressor(duplicates="count").fit(A, y)


def test_no_copy_predicts_another_one():
    """A row leaves with its copies: else the least bandwidth would always win."""
    A, y = np.repeat(X, 2, axis=0), np.repeat(Y + RNG.normal(size=90), 2)
    each = hw.KernelRegressor(duplicates="count").fit(A, y)
    once = hw.KernelRegressor().fit(A, y)
    assert each.bandwidth_ == pytest.approx(once.bandwidth_)
    np.testing.assert_allclose(each.cv_errors_, once.cv_errors_)


def test_more_columns_than_rows_constant_columns_and_targets():
    A = RNG.normal(size=(8, 40))
    A[:, 3] = 5.0
    reg = hw.KernelRegressor().fit(A, np.arange(8.0))
    assert np.isfinite(reg.predict(A + 1)).all()
    constant = hw.KernelRegressor().fit(A, np.full(8, 3.5)).predict(A * 7)
    np.testing.assert_allclose(constant, 3.5, rtol=1e-15)
    same = hw.KernelRegressor(metric=[0.0, 1.0]).fit([[0.0, 1.0], [1.0, 1.0]], [0.0, 1.0])
    np.testing.assert_array_equal(same.predict([[7.0, 1.0]]), [0.5])


def test_the_largest_bandwidth_is_chosen_where_the_target_is_noise():
    noise = np.random.default_rng(5).normal(size=400)
    A = np.random.default_rng(6).normal(size=(400, 2))
    assert hw.KernelRegressor().fit(A, noise).bandwidth_ > 1.0


def test_few_of_many_rows_are_left_out(monkeypatch):
    monkeypatch.setattr(_bandwidths, "BANDWIDTH_ROWS", 30)
    reg = hw.KernelRegressor().fit(X, Y)
    rows = np.unique(np.linspace(0, 89, 30).astype(int))
    D = distances(X / X.std(axis=0), X / X.std(axis=0))
    D[np.diag_indices(90)] = np.inf
    w, _ = by_definition("gaussian", D[rows], reg.bandwidth_)
    error = np.square(w @ Y - Y[rows]).mean() / Y.var()
    assert reg.cv_errors_.min() == pytest.approx(error, rel=1e-9)


# ---- what the house gives for free -----------------------------------------------------------


def test_bound_explanation_and_location():
    reg = hw.KernelRegressor(metric=None, bandwidth=0.5).fit(X, X[:, 0] ** 2)
    b = reg.bound(Q, smoothness=2.0, lipschitz=2 * np.abs(np.r_[X, Q]).max())
    assert (np.abs(reg.predict(Q) - Q[:, 0] ** 2) <= b.total).all()
    why = reg.explain(Q[0])
    assert why.prediction == pytest.approx(reg.predict(Q[:1])[0])
    assert hw.locate(reg.cloud_, Q, metric=reg.metric_, reference=0).verdict.shape == (40,)


def test_class_shares_and_quantiles():
    model = hw.MixtureClassifier(hw.KernelRegressor()).fit(X, Y > 1)
    shares = model.predict_proba(Q)
    W = model.interpolant_.weights(Q)
    np.testing.assert_allclose(shares[:, 1], W @ (Y > 1), atol=1e-12)
    median = hw.KernelRegressor().fit(X, Y).predict_quantile(Q)
    assert set(median) <= set(Y)


def test_weights_that_do_not_fit_are_refused(monkeypatch):
    monkeypatch.setattr("hullwise._core.memory.available_memory", lambda: 10_000)
    monkeypatch.setattr("hullwise.predict.kernel.BATCH_WEIGHTS", 100)
    reg = hw.KernelRegressor(bandwidth=5.0).fit(X, Y)
    with pytest.raises(hw.MemoryLimitError, match=r"weights of 40 queries on about 90 rows each"):
        reg.weights(Q)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kernel": "cosine"}, r"kernel='cosine': expected one of 'gaussian', "),
        ({"bandwidth": 0}, "bandwidth=0: expected more than 0"),
        ({"bandwidth": -1.0}, "expected a finite number"),
        ({"bandwidth": "cv"}, "bandwidth='cv': expected 'leave-one-out', 'scott', 'silverman'"),
        ({"bandwidth": "scott", "n_neighbors": 3}, "is a length"),
        ({"kernel": "softmax", "n_neighbors": 3}, "is about distances"),
        ({"n_neighbors": 0}, "n_neighbors=0: expected a whole number"),
    ],
)
def test_options_are_checked(options, message):
    with pytest.raises(hw.DataError, match=message):
        hw.KernelRegressor(**options).fit(X, Y)


def test_nothing_missing_is_guessed():
    with pytest.raises(hw.DataError, match="NaN"):
        hw.KernelRegressor().fit(np.where(np.eye(90, 3) > 0, np.nan, X), Y)
    with pytest.raises(hw.DataError, match="NaN"):
        hw.KernelRegressor().fit(X, np.where(np.arange(90) == 4, np.nan, Y))
    with pytest.raises(hw.DataError, match="NaN"):
        hw.KernelRegressor().fit(X, Y).predict([[0.0, np.nan, 0.0]])


def test_support_as_a_table():
    import pandas as pd

    frame = pd.DataFrame(X, columns=list("abc"))
    reg = hw.KernelRegressor(kernel="tricube", bandwidth=0.5).fit(frame, Y)
    queries = pd.DataFrame(Q, columns=list("abc"), index=[f"q{i}" for i in range(40)])
    table = reg.support(queries).to_frame()
    assert list(table.columns) == ["n_rows", "effective_rows", "bandwidth", "distance", "in_reach"]
    assert list(table.index[:2]) == ["q0", "q1"]
    assert len(reg.support(queries[:0])) == 0
    assert reg.support(queries)[3:5].n_rows.shape == (2,)
