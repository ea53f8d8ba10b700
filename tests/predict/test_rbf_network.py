"""Radial basis networks: the linear algebra by definition, gradients, limits, and weights."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from sklearn.linear_model import LinearRegression
from sklearn.utils.estimator_checks import parametrize_with_checks

import hullwise as hw
from hullwise.predict._basis_tuning import tuning_objective
from hullwise.predict._linear_smoother import LinearSmoother, Polynomial
from hullwise.predict._radial_basis import RadialBasis, center_widths, place_basis

RNG = np.random.default_rng(4)
X = RNG.normal(size=(80, 3))
Y = np.sin(2 * X[:, 0]) + X[:, 1] ** 2
Q = np.concatenate([RNG.normal(size=(20, 3)), RNG.normal(size=(10, 3)) * 4])
VARIANTS = [
    {},
    {"normalized": True},
    {"linear": True},
    {"normalized": True, "linear": True},
    {"centers": "mixture", "n_centers": 6},
    {"centers": "rows", "widths": "global"},
    {"widths": 1.5, "ridge": 0.01},
    {"width_factor": 3.0, "ridge": 0.0, "n_centers": 10},
    {"n_centers": 8, "fine_tuning": 20},
    {"n_centers": 6, "centers": "mixture", "fine_tuning": 5, "normalized": True},
]
variants = pytest.mark.parametrize("options", VARIANTS, ids=str)


@parametrize_with_checks(
    [
        hw.RBFNetworkClassifier(n_centers=12),
        hw.RBFNetworkRegressor(n_centers=6, centers="mixture", linear=True),
        hw.RBFNetworkRegressor(n_centers=6, normalized=True, linear=True, fine_tuning=3),
    ]
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def small(**options):
    return hw.RBFNetworkRegressor(**{"n_centers": 20, **options})


# ---- what it computes ------------------------------------------------------------------------


def bumps(Z, reg, normalized):
    """From the public attributes, in the data's own units and metric None."""
    square = np.square(Z[:, None] - reg.centers_).sum(axis=2) / np.square(reg.widths_)
    B = np.exp(-square / 2)
    return B / B.sum(axis=1, keepdims=True) if normalized else B


@pytest.mark.parametrize("linear", [False, True])
@pytest.mark.parametrize("normalized", [False, True])
def test_predictions_solve_the_penalised_least_squares(normalized, linear):
    reg = small(metric=None, normalized=normalized, linear=linear, ridge=0.05, width_factor=2.0)
    reg.fit(X, Y)
    B, Bq = bumps(X, reg, normalized), bumps(Q, reg, normalized)
    np.testing.assert_allclose(reg.activations(Q), Bq, atol=1e-12)
    P = np.hstack([np.ones((80, 1)), X] if linear else [np.ones((80, 1))])
    F = np.hstack([P, B])
    penalty = np.diag([0.0] * P.shape[1] + [0.05] * 20)
    coefficients = np.linalg.solve(F.T @ F + penalty, F.T @ Y)
    Pq = np.hstack([np.ones((30, 1)), Q] if linear else [np.ones((30, 1))])
    np.testing.assert_allclose(reg.predict(Q), np.hstack([Pq, Bq]) @ coefficients, atol=1e-9)


@variants
def test_weights_are_signed_with_sum_one_and_make_the_prediction(options):
    reg = small(**options).fit(X, Y)
    W = reg.weights(Q)
    np.testing.assert_allclose(W.sum(axis=1), 1, atol=1e-11)
    np.testing.assert_allclose(W @ Y, reg.predict(Q), atol=1e-10)
    assert W.data.min() < 0
    with pytest.raises(hw.DataError, match="signed"):
        reg.predict_quantile(Q)
    with pytest.raises(hw.DataError, match="gives negative weights"):
        hw.MixtureClassifier(small(**options)).fit(X, Y > 0).predict(Q)
    why = reg.explain(Q[0])
    assert why.prediction == pytest.approx(reg.predict(Q[:1])[0], abs=1e-10)
    assert (np.diff(np.abs(why.weights)) <= 0).all()


@variants
def test_bounds_hold_for_signed_weights(options):
    f, gamma = lambda A: np.sin(A[:, 0]), 1.0
    reg = small(metric=None, **options).fit(X, f(X))
    b = reg.bound(Q, smoothness=gamma, lipschitz=1.0)
    W = reg.weights(Q).toarray()
    moment = (np.abs(W) * np.square(Q[:, None] - X).sum(axis=2)).sum(axis=1)
    np.testing.assert_allclose(b.moment, moment, rtol=1e-9)
    np.testing.assert_allclose(b.reach, np.linalg.norm(W @ X - Q, axis=1), atol=1e-5)
    assert (np.abs(reg.predict(Q) - f(Q)) <= b.total).all()
    if options.get("linear"):
        assert b.reach.max() < 1e-5  # rounding of weights of all sizes


def test_a_linear_term_reproduces_linear_functions_everywhere():
    slope = np.array([1.0, -2.0, 0.5])
    for metric in ("std", None, np.eye(3) + 0.5):
        reg = small(linear=True, metric=metric).fit(X, X @ slope + 4)
        far = np.concatenate([Q, Q * 1e6, Q * 1e100])
        np.testing.assert_allclose(reg.predict(far), far @ slope + 4, rtol=1e-8, atol=1e-9)
    wide = RNG.normal(size=(6, 20))
    reg = small(linear=True).fit(wide, wide[:, 0])
    np.testing.assert_allclose(reg.predict(wide), wide[:, 0], atol=1e-9)


def test_normalised_answers_are_averages_of_the_centres_values():
    reg = small(normalized=True, ridge=0.01).fit(X, Y)
    A = reg.activations(np.concatenate([Q, Q * 1e9]))
    assert np.isfinite(A).all()
    np.testing.assert_allclose(A.sum(axis=1), 1)
    values = np.linalg.lstsq(reg.activations(X), reg.predict(X), rcond=None)[0]
    np.testing.assert_allclose(A @ values, reg.predict(np.concatenate([Q, Q * 1e9])), atol=1e-6)


def test_far_from_all_centres_the_intercept_answers():
    reg = small(ridge=0.01, width_factor=1.0).fit(X, Y)
    far = np.array([[60.0, 0, 0], [0, 1e20, 0], [1e300, -1e300, 1e300]])
    assert reg.activations(far).max() < 1e-200
    predicted = reg.predict(far)
    assert np.ptp(predicted) == 0
    assert Y.min() < predicted[0] < Y.max()
    W = reg.weights(far)
    assert np.isfinite(W.data).all()
    np.testing.assert_allclose(W.sum(axis=1), 1, atol=1e-12)


# ---- centres and widths ----------------------------------------------------------------------


def test_centres_and_widths_by_rule():
    reg = small(metric=None, n_centers=5, width_factor=1.0, n_neighbors=3).fit(X, Y)
    D2 = np.square(reg.centers_[:, None] - reg.centers_).sum(axis=2)
    expected = np.sqrt(np.sort(D2, axis=1)[:, 1:4].mean(axis=1))
    np.testing.assert_allclose(reg.widths_, expected)
    reg = small(metric=None, n_centers=5, width_factor=1.0, widths="global").fit(X, Y)
    np.testing.assert_allclose(reg.widths_, np.sqrt(D2.max() / 10))
    reg = small(metric=None, n_centers=5, widths=0.7).fit(X, Y)
    np.testing.assert_allclose(reg.widths_, 0.7)
    assert reg.width_factor_ == 1.0
    owner = D2_to(X, reg.centers_).argmin(axis=1)
    means = [X[owner == c].mean(axis=0) for c in range(5)]
    np.testing.assert_allclose(reg.centers_, means)
    rows = small(centers="rows", n_centers=7).fit(X, Y).centers_
    assert all(np.isclose(X, row).all(axis=1).any() for row in rows)
    every = small(n_centers=500).fit(X, Y).centers_
    np.testing.assert_allclose(every, X)


def D2_to(A, B):
    return np.square(A[:, None] - B).sum(axis=2)


def test_a_mixture_has_the_shapes_of_its_components():
    long_one = RNG.normal(size=(200, 2)) * [3, 0.2]
    stretched = np.concatenate([long_one, RNG.normal(size=(200, 2)) + 20])
    options = {"n_centers": 2, "centers": "mixture", "width_factor": 1.0, "metric": None}
    reg = hw.RBFNetworkRegressor(**options).fit(stretched, stretched[:, 0])
    long = int(np.abs(reg.centers_).sum(axis=1).argmin())
    along = reg.activations(reg.centers_[long] + np.array([[3.0, 0.0], [0.0, 0.2], [0.0, 3.0]]))
    assert along[0, long] == pytest.approx(np.exp(-0.5), abs=0.1)
    assert along[1, long] == pytest.approx(np.exp(-0.5), abs=0.1)
    assert along[2, long] < 1e-20
    assert reg.widths_[long] == pytest.approx(np.sqrt((9 + 0.04) / 2), rel=0.2)


def test_centres_are_in_the_datas_units_whatever_the_metric():
    for metric in ("std", "range", np.array([[2.0, 0.5, 0], [0.5, 1, 0.3], [0, 0.3, 3]])):
        reg = small(n_centers=4, metric=metric).fit(X + 10, Y)
        assert (np.abs(reg.centers_ - 10) < 4).all()
        np.testing.assert_allclose(reg.activations(reg.centers_).diagonal(), 1)


# ---- the choice of ridge and widths ----------------------------------------------------------


def smoother(linear=False, n_centers=12):
    basis = place_basis(X, "kmeans", n_centers, "nearest", 2, 0).scaled(2.0)
    P = Polynomial.of(X, linear).values(X)
    return LinearSmoother(P, basis.values(X))


@pytest.mark.parametrize("linear", [False, True])
@pytest.mark.parametrize("ridge", [0.0, 1e-3, 1.0])
def test_left_out_errors_are_those_of_refits(ridge, linear):
    """With the centres given: one by one, and group by group, small and large."""
    s, targets = smoother(linear), np.column_stack([Y, X[:, 2] ** 3])
    p = s.P.shape[1]
    F, penalty = np.hstack([s.P, s.B]), np.diag([0.0] * p + [ridge] * s.B.shape[1])

    def refit_error(members):
        total = 0.0
        for rows in members:
            rest = np.setdiff1d(np.arange(80), rows)
            A = F[rest].T @ F[rest] + penalty
            coefficients = np.linalg.solve(A, F[rest].T @ targets[rest])
            total += np.square(F[rows] @ coefficients - targets[rows]).sum()
        return total / 80 / 2

    for size in (1, 4, 40):
        members = np.split(np.arange(80), 80 // size)
        expected = refit_error(members)
        assert s.grouped_error(targets, ridge, members) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("ridge", [1e-3, 1.0])
def test_generalised_cross_validation_is_its_formula(ridge):
    s = smoother()
    F, penalty = np.hstack([np.ones((80, 1)), s.B]), np.diag([0.0] + [ridge] * 12)
    H = F @ np.linalg.solve(F.T @ F + penalty, F.T)
    free = 80 - np.trace(H)
    expected = 80 * np.square(Y - H @ Y).sum() / free**2
    assert s.generalised_error(Y[:, None], ridge) == pytest.approx(expected, rel=1e-9)
    assert s.degrees_of_freedom(ridge) == pytest.approx(np.trace(H))


def test_generalised_cross_validation_is_leaving_one_out_where_all_rows_are_alike():
    angle = np.arange(24) * 2 * np.pi / 24
    ring = np.column_stack([np.cos(angle), np.sin(angle)])
    basis = RadialBasis(ring, np.full(24, 0.8), False)
    s = LinearSmoother(Polynomial.of(ring, False).values(ring), basis.values(ring))
    targets = np.abs(angle - 2)[:, None]
    for ridge in (1e-3, 1.0):
        left_out = s.grouped_error(targets, ridge, list(np.arange(24)[:, None]))
        assert s.generalised_error(targets, ridge) == pytest.approx(left_out, rel=1e-9)


def test_noise_is_smoothed_away():
    noise = np.random.default_rng(0).normal(size=200)
    A = np.random.default_rng(1).normal(size=(200, 3))
    reg = hw.RBFNetworkRegressor().fit(A, noise)
    assert reg.predict(A).std() < 0.6 * noise.std()
    assert reg.cv_error_ > 0.8


def test_groups_keep_near_copies_from_choosing():
    near = np.repeat(X, 3, axis=0) + 1e-3 * RNG.normal(size=(240, 3))
    noisy, group = np.repeat(RNG.normal(size=80), 3), np.repeat(np.arange(80), 3)
    alone = hw.RBFNetworkRegressor(n_centers=79).fit(near, noisy)
    grouped = hw.RBFNetworkRegressor(n_centers=79).fit(near, noisy, groups=group)
    assert alone.cv_error_ < 0.5 < 0.9 < grouped.cv_error_
    assert grouped.predict(near).std() < 0.5 * alone.predict(near).std()


def test_one_group_is_refused():
    with pytest.raises(hw.DataError, match="one group"):
        small().fit(X, Y, groups=np.zeros(80))


# ---- fine-tuning -----------------------------------------------------------------------------


@pytest.mark.parametrize("normalized", [False, True])
@pytest.mark.parametrize("shaped", [False, True])
def test_gradients_against_finite_differences(normalized, shaped):
    centers = X[:5]
    shapes = np.linalg.cholesky(np.eye(3) + 0.3 * np.ones((5, 3, 3))) if shaped else None
    basis = RadialBasis(centers, center_widths(X, centers, "nearest", 2), normalized, shapes)
    P, targets = Polynomial.of(X, True).values(X), np.column_stack([Y, X[:, 2]])

    def objective(theta):
        moved = RadialBasis(theta[5:].reshape(5, 3), np.exp(theta[:5]), normalized, shapes)
        return tuning_objective(moved, X, P, targets, 0.1)[0]

    theta = np.concatenate([np.log(basis.widths), centers.ravel()])
    _, by_center, by_width = tuning_objective(basis, X, P, targets, 0.1)
    expected = approx_fprime(theta, objective, 1e-6)
    np.testing.assert_allclose(np.concatenate([by_width, by_center.ravel()]), expected, atol=2e-6)


def test_fine_tuning_fits_better_and_its_weights_hold_at_its_centres():
    before, after = (small(n_centers=6, ridge=1e-3, fine_tuning=k).fit(X, Y) for k in (0, 40))
    assert after.score(X, Y) > before.score(X, Y) + 0.02
    assert abs(after.centers_ - before.centers_).max() > 0.01
    np.testing.assert_allclose(after.weights(Q) @ Y, after.predict(Q), atol=1e-10)
    other = small(n_centers=6, ridge=1e-3, fine_tuning=40).fit(X, X[:, 2] ** 3)
    assert abs(other.weights(Q) - after.weights(Q)).max() > 1e-3  # learnt from y
    fixed = small(n_centers=6, ridge=1e-3, width_factor=1.0)
    untouched = abs(fixed.fit(X, Y).weights(Q) - fixed.fit(X, Y * 2 + X[:, 0]).weights(Q)).max()
    assert untouched == 0  # centres, widths and ridge that know nothing of y


# ---- tables of any shape ---------------------------------------------------------------------


@pytest.mark.parametrize("metric", [None, "std"])
@pytest.mark.parametrize("power", [-900, -300, 300, 900])
def test_scales(metric, power):
    scale = 2.0**power
    expected = small(metric=metric, normalized=True, linear=True).fit(X, Y)
    scaled = small(metric=metric, normalized=True, linear=True).fit(X * scale, Y)
    np.testing.assert_array_equal(scaled.predict(Q * scale), expected.predict(Q))
    unit = scale if metric is None else 1.0
    np.testing.assert_array_equal(scaled.widths_, expected.widths_ * unit)
    np.testing.assert_allclose(scaled.centers_, expected.centers_ * scale, rtol=1e-12)


@pytest.mark.parametrize("options", [{}, {"normalized": True}, {"linear": True}], ids=str)
def test_moves_and_turns(options):
    turn = np.linalg.qr(RNG.normal(size=(3, 3)))[0]
    reg = small(metric=None, centers="rows", **options).fit(X, Y)
    moved = small(metric=None, centers="rows", **options).fit(X @ turn + 1000, Y)
    np.testing.assert_allclose(moved.predict(Q @ turn + 1000), reg.predict(Q), atol=1e-6)


def test_rows_in_any_order():
    order = RNG.permutation(80)
    options = {"n_centers": 500, "ridge": 0.01}  # every row is a centre
    reg = hw.RBFNetworkRegressor(**options).fit(X, Y)
    mixed = hw.RBFNetworkRegressor(**options).fit(X[order], Y[order])
    np.testing.assert_allclose(mixed.predict(Q), reg.predict(Q), atol=1e-9)


@variants
def test_queries_in_any_parts(options, monkeypatch):
    reg = small(**options).fit(X, Y)
    whole, W = reg.predict(Q), reg.weights(Q)
    for name in ("PREDICTION_BATCH", "LEAST_BATCH", "BATCH_WEIGHTS"):
        monkeypatch.setattr(f"hullwise.predict.interpolant.{name}", 3)
    np.testing.assert_allclose(reg.predict(Q), whole, atol=1e-12)
    np.testing.assert_allclose(reg.weights(Q[3:4]).toarray(), W[[3]].toarray(), atol=1e-12)
    assert reg.predict(Q[:0]).shape == (0,)
    assert reg.activations(Q[:0]).shape[0] == 0


@variants
def test_tables_that_say_little(options):
    for A in (X[:1], X[:2], np.ones((5, 3)), RNG.normal(size=(6, 30)), np.c_[X, np.ones(80)]):
        target = np.arange(float(len(A)))
        reg = small(**options)
        if len(np.unique(A, axis=0)) < len(A):
            with pytest.warns(hw.DataWarning, match="averaged"):
                reg.fit(A, target)
        else:
            reg.fit(A, target)
        predicted = reg.predict(np.concatenate([A, A + 7]))
        assert np.isfinite(predicted).all()
        np.testing.assert_allclose(reg.weights(A).sum(axis=1), 1, atol=1e-9)
    constant = small(**options).fit(X, np.full(80, 2.5)).predict(Q)
    np.testing.assert_allclose(constant, 2.5, atol=1e-9)


def test_a_metric_that_does_not_see_everything():
    reg = small(metric=[1.0, 0.0, 1.0]).fit(X, Y)
    blind = Q + np.array([0, 100.0, 0])
    np.testing.assert_allclose(reg.predict(blind), reg.predict(Q), atol=1e-12)


def test_weights_that_do_not_fit_are_refused_and_predictions_made(monkeypatch):
    reg = small().fit(X, Y)
    expected = reg.predict(Q)
    monkeypatch.setattr("hullwise._core.memory.available_memory", lambda: 10_000)
    with pytest.raises(hw.MemoryLimitError, match="weights of 30 queries"):
        reg.weights(Q)
    np.testing.assert_array_equal(reg.predict(Q), expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"centers": "median"}, "centers='median': expected one of 'kmeans', 'mixture', 'rows'"),
        ({"widths": "far"}, "widths='far': expected 'nearest' or 'global', or a number"),
        ({"widths": 0}, "widths=0: expected more than 0"),
        ({"width_factor": -1}, "width_factor=-1: expected a finite number"),
        ({"ridge": "gcv"}, "ridge='gcv': expected 'cv', or a number"),
        ({"normalized": "yes"}, "normalized='yes': expected True or False"),
        ({"n_centers": 0}, "n_centers=0: expected a whole number"),
        ({"fine_tuning": 1.5}, "fine_tuning=1.5: expected a whole number"),
    ],
)
def test_options_are_checked(options, message):
    with pytest.raises(hw.DataError, match=message):
        hw.RBFNetworkRegressor(**options).fit(X, Y)
    with pytest.raises(hw.DataError, match=message):
        hw.RBFNetworkClassifier(**options).fit(X, Y > 0)


# ---- classes ---------------------------------------------------------------------------------


def test_classes_and_their_shares():
    inside = np.where(np.hypot(X[:, 0], X[:, 1]) < 1, "in", "out")
    clf = hw.RBFNetworkClassifier(n_centers=30).fit(X, inside)
    shares = clf.predict_proba(Q)
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    assert (shares >= 0).all()
    assert clf.score(X, inside) > 0.9
    raw = clf.weights(Q) @ (inside == "in")
    np.testing.assert_allclose(clf.regressor_.predict(Q)[:, 0], raw, atol=1e-10)
    assert clf.explain(Q[0]).targets.shape[1] == 2
    grouped = hw.RBFNetworkClassifier(n_centers=30).fit(X, inside, groups=np.arange(80) // 4)
    assert grouped.regressor_.cv_error_ != clf.regressor_.cv_error_


def test_a_better_fit_than_a_plane_and_nothing_missing_is_guessed():
    assert small().fit(X, Y).score(X, Y) > LinearRegression().fit(X, Y).score(X, Y) + 0.3
    with pytest.raises(hw.DataError, match="NaN"):
        small().fit(np.where(np.eye(80, 3) > 0, np.nan, X), Y)
    with pytest.raises(hw.DataError, match="NaN"):
        small().fit(X, Y).predict([[np.nan, 0, 0]])
