"""Given queries: the closed form of the minimax risk's fall, and the bound of the hull's."""

import numpy as np
import pytest
from scipy.optimize import nnls

import hullwise as hw
from hullwise.design.hull_distance import HullDistances
from hullwise.design.minimax_risk import BendingClass, risk_falls

CLASSES = [(2, (0.05, 1.0, 3.0)), (4, (0.3, 1.0, 2.0)), (7, (1.0, 1.0, 0.5))]


def cloud_of(n, d, seed=0):
    return np.random.default_rng(seed).random((n, d))


def resolved(own, X, Q):
    """Risks solved anew, each certified by weak duality over all rows."""
    fits = own.fits(X, Q)
    assert fits.verify(X).all()
    return fits.risk


@pytest.mark.parametrize(
    ("d", "own"), [(2, (0.05, 1.0, 3.0)), (4, (0.3, 1.0, 2.0)), (7, (1.0, 1.0, 0.5))]
)
def test_a_new_run_without_a_margin_changes_no_risk(d, own):
    """h <= 0: the optimum is what it was, proved for the old runs and the new ones alike."""
    X, Q, new = cloud_of(60, d), cloud_of(25, d, 1), cloud_of(12, d, 2)
    own = BendingClass(*own)
    fits = own.fits(X, Q)
    falls = risk_falls(fits, X, new)
    assert 0.02 < (falls == 0).mean() < 1
    for j in range(len(new)):
        unchanged = falls[:, j] == 0
        after = resolved(own, np.vstack([X, new[j]]), Q)
        np.testing.assert_allclose(after[unchanged], fits.risk[unchanged], rtol=1e-9)
        assert (after <= fits.risk * (1 + 1e-9)).all()


@pytest.mark.parametrize(
    ("d", "own"), [(2, (0.05, 1.0, 3.0)), (4, (0.3, 1.0, 2.0)), (7, (1.0, 1.0, 0.5))]
)
def test_the_fall_is_exact_where_the_same_runs_have_a_weight(d, own):
    X, Q, new = cloud_of(60, d), cloud_of(40, d, 1), cloud_of(12, d, 2)
    own = BendingClass(*own)
    fits = own.fits(X, Q)
    falls = risk_falls(fits, X, new)
    old = fits.weights.toarray() != 0
    n_exact = 0
    for j in range(len(new)):
        after = own.fits(np.vstack([X, new[j]]), Q)
        same = (after.weights.toarray()[:, :-1] != 0) == old
        exact = same.all(axis=1) & (falls[:, j] > 0)
        n_exact += exact.sum()
        # the unit of length is the root mean square of the rows, which changes: lam and rho with it
        np.testing.assert_allclose(fits.risk[exact] - after.risk[exact], falls[exact, j], rtol=1e-6)
    assert n_exact >= 10


@pytest.mark.parametrize("noise", [0.3, 1.0])
def test_the_falls_order_new_runs_as_the_truth_does(noise):
    """Where other runs take part the closed form is only near, and mostly too large."""
    X, Q, new = cloud_of(40, 6), cloud_of(150, 6, 1), cloud_of(10, 6, 2)
    own = BendingClass(noise, 1.0, 3.0)
    fits = own.fits(X, Q)
    falls = risk_falls(fits, X, new).sum(axis=0)
    truth = [(fits.risk - own.fits(np.vstack([X, x]), Q).risk).sum() for x in new]
    assert np.corrcoef(falls, truth)[0, 1] > 0.9
    assert ((falls / truth > 0.9) & (falls / truth < 2)).all()


def nearest_of_hull(X, q):
    """The distance of q to the hull of X by non-negative least squares: another algorithm."""
    big = 1e4
    A = np.vstack([X.T, big * np.ones(len(X))])
    w, _ = nnls(A, np.r_[q, big])
    return np.linalg.norm(X.T @ (w / w.sum()) - q)


@pytest.mark.parametrize("d", [2, 4, 8])
def test_the_hull_comes_nearer_by_no_less_than_the_bound(d):
    X, Q, new = cloud_of(30, d), 1.4 * cloud_of(30, d, 1), 1.4 * cloud_of(8, d, 2)
    before = HullDistances.of(X, Q)
    falls = before.falls(new)
    assert (before.distance > 0).sum() > 5
    for j, x in enumerate(new):
        after = np.array([nearest_of_hull(np.vstack([X, x]), q) for q in Q])
        fall = before.distance - after
        assert (fall >= falls[:, j] - 1e-6).all()
        away = ((x - before.nearest) * (Q - before.nearest)).sum(axis=1) <= 0
        np.testing.assert_allclose(fall[away & (before.distance > 0)], 0, atol=1e-5)
        assert (falls[away, j] == 0).all()


# ---- suggestions with queries -------------------------------------------------------------------


def test_queries_are_the_candidates_and_their_risk_falls():
    X, Q = cloud_of(40, 3), 0.2 + 0.3 * cloud_of(80, 3, 1)
    y = np.sin(6 * X).sum(axis=1)
    new = hw.suggest(X, y, n=5, box=[(0, 1)] * 3, queries=Q)
    assert new.criterion == "risk"
    assert {tuple(p) for p in new.points} <= {tuple(q) for q in Q}
    assert (np.diff(new.level) < 0).all()
    np.testing.assert_allclose(new.gain, 1 - new.level[1:] / new.level[:-1])
    assert "minimax risk of 80 queries" in new.why[0]
    bend = hw.suggest(X, y, n=5, box=[(0, 1)] * 3, queries=Q, criterion="bend")
    assert {tuple(p) for p in bend.points} <= {tuple(q) for q in Q}


def test_risk_needs_no_targets_and_is_known_before_any():
    X, Q = cloud_of(20, 2), cloud_of(50, 2, 1)
    new = hw.suggest(X, n=3, box=[(0, 1)] * 2, queries=Q)
    assert new.criterion == "risk"
    own = BendingClass.learnt(X, np.zeros((20, 0)), Q)
    assert new.level[0] == pytest.approx(own.fits(X, Q).risk.mean())
    assert new.level[3] == pytest.approx(own.fits(np.vstack([X, new.points]), Q).risk.mean())


def test_risk_takes_the_best_candidate_by_the_closed_form():
    X, Q = cloud_of(30, 2), cloud_of(60, 2, 1)
    new = hw.suggest(X, n=1, box=[(0, 1)] * 2, queries=Q)
    own = BendingClass.learnt(X, np.zeros((30, 0)), Q)
    falls = risk_falls(own.fits(X, Q), X, Q).mean(axis=0)
    np.testing.assert_array_equal(new.points[0], Q[np.argmax(falls)])


def test_hull_lowers_the_distance_of_queries():
    X, Q = 0.5 * cloud_of(30, 4), cloud_of(60, 4, 1)
    new = hw.suggest(X, n=6, box=[(0, 1)] * 4, queries=Q, criterion="hull")
    assert (np.diff(new.level) < 0).all()
    assert new.level[-1] < 0.7 * new.level[0]
    mean = np.mean([nearest_of_hull(np.vstack([X, new.points]), q) for q in Q])
    assert new.level[-1] == pytest.approx(mean, abs=1e-5)
    fall = new.level[:-1] - new.level[1:]
    assert (fall >= new.score - 1e-9).all()


def test_queries_that_cannot_be_used_and_what_is_left():
    X, box = cloud_of(10, 2), [(0, 1)] * 2
    with pytest.raises(hw.DataError, match="needs queries"):
        hw.suggest(X, n=1, box=box, criterion="risk")
    with pytest.raises(hw.DataError, match="at least one run"):
        hw.suggest(n=1, box={"a": (0, 1)}, queries={"a": [0.5]}, criterion="risk")
    with pytest.raises(hw.DataError, match="query with an empty cell"):
        hw.suggest(X, n=1, box=box, queries=[[np.nan, 0.5]])
    with pytest.raises(hw.DataError, match="none of the 1 rows"):
        hw.suggest(X, n=1, box=box, queries=[[2.0, 0.5]])
    corners = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
    with pytest.raises(hw.DataError, match="nothing is left to suggest by 'hull'"):
        hw.suggest(corners, n=1, box=box, queries=[[0.5, 0.5]], criterion="hull")
    assert hw.suggest(n=2, box={"a": (0, 1)}, queries={"a": [0.2, 0.9]}).criterion == "fill"
    few = hw.suggest(X, n=5, box=box, queries=[[0.2, 0.5], [0.9, 0.5]])
    assert len(few) == 2
