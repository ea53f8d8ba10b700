"""The rates that docs/bands.md states, by simulation over small and heavy-tailed tables.

`benchmarks/band_rates.py` does the same over ten distributions and all sizes. A rate fails here if
it is above 1.14 times its bound by more than three standard errors over tables.
"""

import numpy as np
import pytest

import hullwise as hw
from hullwise.geometry.left_out import metric_for, rows_left_out

pytestmark = pytest.mark.filterwarnings("ignore::hullwise.errors.DataWarning")
NEW_ROWS = 20


def lognormal(rng, n, d):
    return np.exp(2 * rng.normal(size=(n, d)))


def gaussian(rng, n, d):
    return rng.normal(size=(n, d))


def student(rng, n, d):
    return rng.standard_t(1.5, (n, d))


def rates(draw, n, d, metric, tables, reference=500):
    """Share of new rows far, and beyond or far, over tables, and every table's chance."""
    far, out, chances, r = [], [], [], 0
    for seed in range(tables):
        rng = np.random.default_rng([seed, n, d])
        rows = draw(rng, n + NEW_ROWS, d)
        X, Q = rows[:n], rows[n:]
        learnt = metric(X, rng) if callable(metric) else metric
        loc = hw.locate(X, Q, metric=learnt, n_neighbors=1, reference=reference)
        r = len(loc.reference)
        far.append(np.mean(loc.band == "far"))
        out.append(np.mean(np.isin(loc.band, ("beyond", "far"))))
        chances.append(loc.chance())
    return np.array(far), np.array(out), np.array(chances), r


def check(far, out, r):
    for rate, bound in ((far, 1 / (r + 1)), (out, np.ceil(r / 20) / (r + 1))):
        error = rate.std() / np.sqrt(len(rate))
        assert rate.mean() - 3 * error <= 1.14 * bound


@pytest.mark.parametrize("metric", ["std", "range"])
@pytest.mark.parametrize(
    ("draw", "n", "d", "tables"),
    [
        (lognormal, 15, 30, 100),
        (lognormal, 40, 30, 80),
        (gaussian, 15, 30, 100),
        (student, 60, 10, 60),
    ],
)
def test_few_rows_are_measured_in_units_of_the_others(draw, n, d, metric, tables):
    """Before: 61 % of honest rows far where 6 % were stated."""
    far, out, chances, r = rates(draw, n, d, metric, tables)
    assert r == n
    check(far, out, r)
    assert np.mean(chances <= 0.001) <= 0.03
    assert np.mean(chances <= 0.05) <= 0.15


@pytest.mark.parametrize("metric", ["std", "range"])
def test_from_twice_as_many_rows_on_units_come_from_the_others(metric):
    far, out, chances, r = rates(lognormal, 200, 20, metric, 40, reference=100)
    assert r == 100
    check(far, out, r)
    assert np.mean(chances <= 0.001) == 0


@pytest.mark.parametrize("learner", ["from_targets", "from_rfm"])
def test_metrics_that_are_learnt(learner):
    """A target that is noise: what is learnt is learnt from nothing but these rows."""

    def learnt(X, rng):
        y = rng.normal(size=len(X))
        if learner == "from_targets":
            return hw.metrics.MetricLearner.from_targets(X, y, ridge=1e-3)
        return hw.metrics.MetricLearner.from_rfm(hw.RFMRegressor(iterations=1), X, y)

    far, out, _, r = rates(student, 80, 6, learnt, 30, reference=40)
    check(far, out, r)


def test_the_metric_in_force_knows_nothing_of_the_rows_left_out():
    X = np.exp(2 * np.random.default_rng(0).normal(size=(300, 4)))
    rows = rows_left_out(hw.Cloud(X), 100)
    changed = X.copy()
    changed[rows] *= np.linspace(1, 50, 100)[:, None]
    for name in ("std", "range"):
        one, other = (metric_for(hw.Cloud(T), name, rows) for T in (X, changed))
        np.testing.assert_array_equal(one.root, other.root)
        assert "200 rows not left out" in one.text
    locator = hw.HullLocator(reference=100).fit(X)
    np.testing.assert_array_equal(locator.metric_.root, metric_for(hw.Cloud(X), "std", rows).root)
    loc, again = locator.locate(X[:5]), hw.locate(X, X[:5], reference=100)
    np.testing.assert_array_equal(loc.upper, again.upper)
    np.testing.assert_array_equal(loc.hull_percentile, again.hull_percentile)
