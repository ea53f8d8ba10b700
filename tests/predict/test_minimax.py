"""Minimax linear weights: their ends, their proofs, and what they do not depend on."""

from __future__ import annotations

import ast
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import nnls

import hullwise as hw
from hullwise.geometry import scaled_view
from hullwise.predict import _minimax_checker
from hullwise.predict._minimax_search import MinimaxProblem


def rows(n=200, d=3, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.uniform(size=(n, d))
    return X, np.sin(4 * X[:, 0]) + X[:, -1] ** 2, rng.uniform(size=(20, d)) * 0.6 + 0.2


def solve(X, Q, lam, rho):
    """Minimax weights of queries in the data's own standard deviations."""
    cloud = hw.Cloud(X)
    return MinimaxProblem.of(cloud, cloud.metric("std")).weigh(np.asarray(Q), lam, rho)


def test_a_general_solver_finds_no_better_weights():
    """Nonnegative least squares on 25 rows in two features, for a query outside the hull."""
    rng = np.random.default_rng(1)
    X, q, lam, rho = rng.uniform(size=(25, 2)), np.array([0.9, 1.1]), 0.01, 2.0
    solved = solve(X, [q], lam, rho)
    U = (X - q) / X.std(axis=0) / np.sqrt(2)
    half = np.square(U).sum(axis=1) / 2
    # weights are differences of v >= 0, whose sums bear the curvature; a heavy row: they sum to 1
    eye, heavy = np.eye(25), 1e6
    signed = np.vstack([eye, rho / np.sqrt(lam) * U.T, heavy * np.ones((1, 25))])
    unsigned = half[None] / np.sqrt(lam)
    A = np.vstack([np.hstack([signed, -signed]), np.hstack([unsigned, unsigned])])
    target = np.zeros(len(A))
    target[27] = heavy
    v, _ = nnls(A, target, maxiter=10_000)
    w = (v[:25] - v[25:]) / (v[:25] - v[25:]).sum()
    mean, curved = w @ U, np.abs(w) @ half
    risk = w @ w + curved**2 / lam + rho**2 * mean @ mean / lam
    assert solved.dual[0, 0] == pytest.approx(risk, rel=1e-7)
    assert solved.dual[0, 0] <= risk * (1 + 1e-12)


def test_without_noise_the_weights_are_those_of_delaunay():
    X, y, Q = rows()
    expected = hw.DelaunayRegressor().fit(X, y).predict(Q)
    errors = [np.abs(solve(X, Q, lam, np.inf).W @ y - expected).max() for lam in (1.0, 1e-2, 1e-7)]
    assert errors[0] > errors[1] >= errors[2]
    assert errors[2] < 1e-8
    reg = hw.MinimaxRegressor(noise=0.0, smoothness=1.0).fit(X, y)
    np.testing.assert_array_equal(reg.predict(Q), expected)
    fits = reg.local(Q)
    assert set(fits.status) == {hw.WeightStatus.INTERPOLATED}
    assert not fits.verify(X).any()


def test_without_bends_the_weights_are_those_of_least_squares():
    X, y, Q = rows()
    A = np.column_stack([np.ones(len(X)), X])
    expected = np.column_stack([np.ones(len(Q)), Q]) @ np.linalg.lstsq(A, y)[0]
    errors = [np.abs(solve(X, Q, lam, np.inf).W @ y - expected).max() for lam in (1e2, 1e4, 1e6)]
    assert errors[0] > 50 * errors[1] > 2500 * errors[2]
    reg = hw.MinimaxRegressor(noise=1.0, smoothness=0.0).fit(X, y)
    np.testing.assert_allclose(reg.predict(Q), expected, atol=1e-9)
    slope = reg.local(Q).slope
    np.testing.assert_allclose(slope, np.tile(np.linalg.lstsq(A, y)[0][1:], (20, 1)), atol=1e-6)


def tables():
    rng = np.random.default_rng(0)
    X = rng.uniform(size=(150, 4))
    yield "uniform", X
    yield "collinear", np.column_stack([X, X[:, 0] + X[:, 1], 2 * X[:, 2], np.ones(150)])
    yield "nearly collinear", np.column_stack([X, X[:, 0] + 1e-7 * rng.normal(size=150)])
    yield "grid", np.stack(np.meshgrid(*[np.arange(5.0)] * 3), -1).reshape(-1, 3)
    yield "more features than rows", rng.normal(size=(20, 40))
    yield "two scales", np.concatenate([X, 5 + 1e-4 * X])
    yield "categories", np.unique((rng.random((200, 6)) < 0.3) * 1.0, axis=0)


@pytest.mark.parametrize("name", [name for name, _ in tables()])
def test_the_gap_is_closed_whatever_the_table(name):
    """At queries within, at rows and outside, from hardly any noise to nearly least squares."""
    X, rng = dict(tables())[name], np.random.default_rng(1)
    Q = np.concatenate(
        [X[:10] * 0.7 + X[-10:] * 0.3, X[:5], X[:10] + np.ptp(X, axis=0) * rng.normal(size=(10, 1))]
    )
    for lam in (1e-5, 1e-4, 1e-2, 1.0, 1e6):
        for rho in (30.0, 0.2):
            solved = solve(X, Q, lam, rho)
            assert (solved.outcome == 0).all(), (lam, rho)
            assert (solved.gap <= 1e-9).all()
            np.testing.assert_allclose(solved.W.sum(axis=1), 1, atol=1e-12)


def test_the_checker_accepts_the_optimum_and_nothing_else():
    X, y, Q = rows(80)
    y = y + np.random.default_rng(0).normal(0, 0.1, len(y))
    for options in ({}, {"lipschitz": np.inf, "noise": 0.1, "smoothness": 3.0}):
        reg = hw.MinimaxRegressor(**options).fit(X, y)
        fits = reg.local(np.concatenate([Q[:6], Q[:2] + 1]))
        assert fits.verify(X).all()
        assert fits[:2].verify(X, exact=True).all()
        assert not replace(fits, dual=fits.dual * 1.001).verify(X).any()
        assert not replace(fits, risk=fits.risk * 1.001).verify(X).any()
        assert not replace(fits, moment=fits.moment * 1.001).verify(X).any()
        nearest = hw.NearestRegressor(n_neighbors=9).fit(X, y).weights(fits.queries)
        assert not replace(fits, weights=nearest).verify(X).any()
        assert not replace(fits[:2], weights=nearest[:2]).verify(X, exact=True).any()
        fewer = X.copy()
        fewer[0] = Q[0]  # a row at the query would help
        assert not fits[:1].verify(fewer)[0]
    with pytest.raises(hw.DataError, match="the rows given to fit"):
        fits.verify(X[:-1])


def test_the_checker_shares_no_code_with_the_search():
    tree = ast.parse(Path(_minimax_checker.__file__).read_text(encoding="utf-8"))
    sources = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    allowed = {"__future__", "fractions", "typing", "_core.types", "io.rows", "minimax_fits"}
    assert sources <= allowed


def test_copies_are_checked_as_one_row():
    X, y, Q = rows(60)
    with pytest.warns(hw.DataWarning):
        reg = hw.MinimaxRegressor().fit(np.concatenate([X, X[:9]]), np.append(y, y[:9] + 1))
    fits = reg.local(Q)
    assert fits.verify(np.concatenate([X, X[:9]])).all()
    assert fits[0].verify(np.concatenate([X, X[:9]]), exact=True).all()


@pytest.mark.parametrize("metric", [None, "std", "full"])
def test_powers_of_two_change_nothing(metric):
    """Of the features all at once, and of the target; and a shift of either changes digits only."""
    X, y, Q = rows(80)
    X, Q = np.round(X * 1024) / 1024, np.round(Q * 1024) / 1024
    metric = np.eye(3) + 0.3 if metric == "full" else metric
    reg = hw.MinimaxRegressor(metric=metric).fit(X, y)
    expected = reg.predict(Q)
    for power in (-500, -30, 3, 400):
        unit = 2.0**power
        scaled = hw.MinimaxRegressor(metric=metric).fit(X * unit, y * 2.0**-power)
        np.testing.assert_array_equal(scaled.predict(Q * unit), expected * 2.0**-power)
        assert scaled.noise_ == reg.noise_ * 2.0**-power
        assert scaled.lam_ == reg.lam_
    moved = hw.MinimaxRegressor(metric=metric).fit(X + 64, y - 7).predict(Q + 64)
    np.testing.assert_allclose(moved + 7, expected, atol=1e-9)


def test_a_file_and_rows_that_are_not_in_memory_give_the_same_weights(tmp_path, monkeypatch):
    X, _, Q = rows(3000, 4)
    np.save(tmp_path / "rows.npy", X)
    queries = np.concatenate([Q, Q[:4] * 3])
    for lam, rho in ((1e-3, 30.0), (1.0, 0.2), (1e3, 30.0), (1e-4, np.inf)):
        monkeypatch.setattr(scaled_view, "MAX_NUMBERS_IN_MEMORY", 1 << 22)
        expected = solve(X, queries, lam, rho)
        monkeypatch.setattr(scaled_view, "MAX_NUMBERS_IN_MEMORY", 0)
        solved = solve(tmp_path / "rows.npy", queries, lam, rho)
        np.testing.assert_allclose(solved.W.toarray(), expected.W.toarray(), atol=1e-10)
        np.testing.assert_allclose(solved.dual[:, 0], expected.dual[:, 0], rtol=1e-9)
        assert (solved.outcome == expected.outcome).all()


def test_far_from_all_rows_the_mean_answers():
    X, y, Q = rows()
    reg = hw.MinimaxRegressor(noise=0.1, smoothness=0.3).fit(X, y)
    far = Q[:5] + 10.0 ** np.arange(0, 13, 3)[:, None]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fits = reg.local(far)
        huge = reg.predict([[1e300, -1e300, 0.0]])
    assert (np.diff(fits.pull) >= 0).all()
    assert fits.status[-1] == hw.WeightStatus.REMOTE
    np.testing.assert_allclose([fits.value[-1], huge[0]], y.mean(), rtol=1e-9)
    np.testing.assert_allclose(reg.weights(far).sum(axis=1), 1, atol=1e-12)
    assert reg.local(Q).pull.max() == 0
    free = hw.MinimaxRegressor(noise=0.1, smoothness=0.3, level=None).fit(X, y).local(far[:2])
    assert free.pull.max() == 0


def test_noise_is_learnt_and_errors_are_less_than_those_of_interpolation():
    rng = np.random.default_rng(0)
    X, clean, _ = rows(400)
    y, Q = clean + rng.normal(0, 0.2, len(clean)), rng.uniform(size=(500, 3))
    truth = np.sin(4 * Q[:, 0]) + Q[:, -1] ** 2
    reg = hw.MinimaxRegressor().fit(X, y)
    assert reg.noise_ == pytest.approx(0.2, rel=0.2)
    interpolated = hw.DelaunayRegressor().fit(X, y).predict(Q)
    assert np.abs(reg.predict(Q) - truth).mean() < 0.65 * np.abs(interpolated - truth).mean()
    assert min(row["error"] for row in reg.table_) < 0.2
    assert len(reg.left_out_errors_) == len(reg.left_out_rows_) == 250


def test_groups_are_left_out_as_a_whole():
    """Rows of one group that are nearly equal say nothing of the noise between groups."""
    rng = np.random.default_rng(0)
    centre = rng.uniform(size=(40, 2))
    X = np.repeat(centre, 5, axis=0) + 1e-3 * rng.normal(size=(200, 2))
    y = np.repeat(rng.normal(size=40), 5) + 0.01 * rng.normal(size=200)
    groups = np.repeat(np.arange(40), 5)
    assert hw.MinimaxRegressor().fit(X, y).noise_ < 0.2
    assert hw.MinimaxRegressor().fit(X, y, groups=groups).noise_ > 0.5
    with pytest.raises(hw.DataError, match="there is one group only"):
        hw.MinimaxRegressor().fit(X, y, groups=np.zeros(200))


def test_targets_share_weights():
    X, y, Q = rows()
    both = np.column_stack([y, 5 - 3 * y])
    reg, alone = hw.MinimaxRegressor().fit(X, both), hw.MinimaxRegressor().fit(X, y)
    np.testing.assert_allclose(reg.noise_, [alone.noise_, 3 * alone.noise_], rtol=1e-9)
    fits = reg.local(Q)
    assert fits.slope.shape == (20, 3, 2)
    np.testing.assert_allclose(fits.value[:, 0], alone.predict(Q), atol=1e-9)
    assert fits.spread.shape == fits.noise.shape == (20, 2)
    hw.MinimaxRegressor(noise=[0.1, 0.2], smoothness=[1.0, 2.0]).fit(X, both)
    with pytest.raises(hw.DataError, match="share their weights"):
        hw.MinimaxRegressor(noise=0.1, smoothness=[1.0, 2.0]).fit(X, both)


def test_metrics_that_are_learnt_leave_the_row_out():
    rng = np.random.default_rng(0)
    X = rng.uniform(size=(150, 4))
    y = np.sin(6 * X[:, 0]) + 0.05 * rng.normal(size=150)
    seen = []

    def metric(rows, targets):
        seen.append(len(rows))
        return hw.metrics.agop_of_rows(rows, targets)

    reg = hw.MinimaxRegressor(metric=metric).fit(X, y)
    assert seen[0] == 150
    assert sum(150 - n for n in seen[1:]) == 150
    named = hw.MinimaxRegressor(metric="agop").fit(X, y)
    np.testing.assert_array_equal(named.predict(X[:5]), reg.predict(X[:5]))
    learner = hw.metrics.MetricLearner.from_targets(X, y)
    np.testing.assert_array_equal(
        hw.MinimaxRegressor(metric=learner).fit(X, y).predict(X[:5]), reg.predict(X[:5])
    )
    auto = hw.MinimaxRegressor(metric="auto").fit(X, y)
    assert {row["metric"] for row in auto.table_} >= {"std", "agop"}
    np.testing.assert_array_equal(
        hw.DelaunayRegressor(metric="agop").fit(X, y).predict(X[:5]), y[:5]
    )
    with pytest.raises(hw.DataError, match="name the metric"):
        hw.MinimaxRegressor(metric="auto", noise=1.0, smoothness=1.0).fit(X, y)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"noise": -1.0}, "noise=-1.0: expected a finite number of at least 0"),
        ({"smoothness": [1.0, 2.0]}, "one for each of 1 target"),
        ({"lipschitz": 2.0}, "lipschitz counts beside smoothness"),
        ({"noise": "much"}, "noise='much': expected a finite number"),
        ({"level": 0.0}, "level=0: expected more than 0"),
        ({"loss": "huber"}, "loss='huber': expected 'squared' or 'absolute'"),
        ({"metric": "mahalanobis"}, "metric='mahalanobis': expected"),
    ],
)
def test_options_that_cannot_be_used_are_named(options, message):
    X, y, _ = rows(30)
    with pytest.raises(hw.DataError, match=message):
        hw.MinimaxRegressor(**options).fit(X, y)


def test_one_row_constant_targets_and_constant_features():
    for X in ([[1.0, 2.0]], [[1.0, 1.0]] * 1, np.ones((1, 3))):
        reg = hw.MinimaxRegressor().fit(X, [3.0])
        assert reg.predict(np.zeros((2, len(X[0])))).tolist() == [3.0, 3.0]
    X, _, Q = rows(30)
    reg = hw.MinimaxRegressor().fit(np.column_stack([X, np.ones(30)]), np.full(30, 2.5))
    np.testing.assert_allclose(reg.predict(np.column_stack([Q, np.zeros(20)])), 2.5, atol=1e-12)


def test_fits_are_a_table():
    X, y, Q = rows(60)
    fits = hw.MinimaxRegressor().fit(X, y).local(Q)
    assert len(fits) == 20
    assert repr(fits).startswith("MinimaxFits(20 queries: 20 optimal; median ")
    columns = fits[:3].to_dict()
    assert columns["status"] == ["OPTIMAL"] * 3
    assert {"value", "noise", "shift", "spread", "risk", "rows", "gap", "slope 2"} <= set(columns)
    assert fits.rows[0][0] == np.abs(fits.weights[[0]].toarray()).argmax()
    assert len(fits.to_frame()) == 20


def noisy(n, seed):
    """Rows, targets with noise of a tenth of their spread, and queries within and to the side."""
    rng = np.random.default_rng(seed)
    X, Q = rng.uniform(size=(n, 2)), rng.uniform(size=(200, 2))
    side = np.column_stack([rng.uniform(1.05, 1.3, 200), rng.uniform(size=200)])

    def target(Z):
        return np.sin(4 * Z[:, 0]) + Z[:, 1] ** 2

    parts = [X, Q, side]
    return [(Z, target(Z), target(Z) + 0.1 * rng.normal(size=len(Z))) for Z in parts]


def test_bands_cover_rows_within_and_to_the_side_and_means_with_twice_the_bend():
    shares = {"row": [], "side": [], "mean": [], "once": [], "calibrated": []}
    for seed in range(6):
        (X, _, y), (Q, mean, new), (side, _, new_side) = noisy(200, seed)
        reg = hw.MinimaxRegressor().fit(X, y)
        fits = reg.local(Q)
        band, far = fits.band(), reg.local(side).band()
        of_mean = fits.band(of="mean")
        once = fits.band(of="mean", smoothness=reg.smoothness_)
        calibrated = hw.CalibratedRegressor(hw.MinimaxRegressor()).fit(X, y).band(Q)
        for name, one, truth in (
            ("row", band, new),
            ("side", far, new_side),
            ("mean", of_mean, mean),
            ("once", once, mean),
            ("calibrated", calibrated, new),
        ):
            shares[name].append(np.mean((one.lower <= truth) & (truth <= one.upper)))
        assert np.median(far.width) > 1.2 * np.median(band.width)
        assert (of_mean.width > once.width).all()
    covered = {name: np.mean(values) for name, values in shares.items()}
    assert 0.86 < covered["row"] < 0.97
    assert covered["side"] > 0.8
    assert covered["mean"] > max(0.9, covered["once"])
    assert 0.86 < covered["calibrated"] < 0.99


def test_bands_say_what_they_hold_for():
    X, y, Q = rows(60)
    fits = hw.MinimaxRegressor().fit(X, np.column_stack([y, 2 * y])).local(Q)
    band = fits.band(0.8, of="mean", smoothness=[3.0, 6.0])
    assert repr(band).endswith("bends at most 3, 6; median width " + repr(band).split()[-1])
    assert band.lower.shape == (20, 2)
    np.testing.assert_allclose(band.width[:, 1], 2 * band.width[:, 0], rtol=1e-9)
    assert {"prediction_0", "upper_1"} <= set(band[:2].to_dict())
    for options, message in (
        ({"coverage": 1.0}, "coverage=1.0: expected a number between 0 and 1"),
        ({"of": "rows"}, "of='rows': expected 'row' or 'mean'"),
        ({"smoothness": -1.0}, "smoothness=-1.0: expected a finite number"),
    ):
        with pytest.raises(hw.DataError, match=message):
            fits.band(**options)


def test_the_hardest_target_is_in_the_class_and_costs_what_the_risk_says():
    """Its error under the weights is the bias, and its values at the rows are the weights."""
    X, y, Q = rows(80)
    reg = hw.MinimaxRegressor(noise=0.1, smoothness=0.5, lipschitz=2.0).fit(X, y)
    fits, hardest = reg.local(Q[:1]), reg.hardest_target(Q[0])
    own, at_rows = fits.target_class, hardest(X)
    W = fits.weights.toarray()[0]
    np.testing.assert_allclose(at_rows / at_rows.sum(), W, atol=1e-9)
    U = (X - Q[0]) / X.std(axis=0)
    line = hardest.size * (hardest.dual[0] + U / own.unit @ hardest.dual[1:-1])
    bend = hardest.size * hardest.dual[-1] / own.unit**2
    slope = hardest.size * np.linalg.norm(hardest.dual[1:-1]) / own.unit
    assert (np.abs(at_rows - line) <= bend / 2 * np.square(U).sum(axis=1) + 1e-9).all()
    assert np.hypot(bend / reg.smoothness_, slope / reg.lipschitz_) == pytest.approx(1)
    bias = W @ at_rows - hardest(Q[:1])[0]
    np.testing.assert_array_equal(hardest.rows, X[W != 0])
    squares = np.square(np.hypot(fits.shift, fits.spread))
    assert bias**2 == pytest.approx(squares[0], rel=1e-6)
    assert fits.risk[0] == pytest.approx((fits.noise[0] ** 2 + squares[0]) / 0.01, rel=1e-6)
    with pytest.raises(hw.DataError, match="so far from all rows"):
        reg.hardest_target([1e9, 0, 0])


def test_the_bound_has_the_noise_as_a_third_term():
    X, y, Q = rows(60)
    reg = hw.MinimaxRegressor(noise=0.1, smoothness=0.5, lipschitz=2.0).fit(X, y)
    bound, fits = reg.bound(Q), reg.local(Q)
    np.testing.assert_allclose(bound.spread, fits.spread, rtol=1e-9)
    np.testing.assert_allclose(bound.shift, fits.shift, rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(bound.noise, fits.noise, rtol=1e-9)
    np.testing.assert_allclose(bound.total, bound.shift + bound.spread)
    assert bound[:2].to_dict()["noise"] == bound.noise[:2].tolist()
    other = reg.bound(Q, smoothness=1.0, lipschitz=0.0, noise=0.2)
    np.testing.assert_allclose(other.spread, 2 * bound.spread)
    np.testing.assert_allclose(other.noise, 2 * bound.noise)
    both = hw.MinimaxRegressor().fit(X, np.column_stack([y, y])).bound(Q)
    assert both.noise.shape == both.spread.shape == (20, 2)
    assert hw.DelaunayRegressor().fit(X, y).bound(Q, smoothness=1.0).noise is None
