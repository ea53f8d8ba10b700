"""A threshold with a guarantee: violated no more often than is stated, whatever the losses."""

import numpy as np
import pytest

from hullwise.reliability.learn_then_test import (
    betting_p_value,
    binomial_p_value,
    box_plot_threshold,
    fallback_procedure,
    largest_threshold,
    t_p_value,
)

GRID = np.linspace(0.05, 1.0, 20)


def violations(risk, n, limit, p_value=binomial_p_value, draw=None, repetitions=150, grid=GRID):
    """Share of simulated tables whose region has a mean loss above the limit, and the share
    accepted on average. `risk(d)` is the mean loss at distance d, distances are uniform."""
    rng = np.random.default_rng(0)
    fine = np.linspace(0, 1, 4001)
    mean_up_to = np.cumsum(risk(fine)) / np.arange(1, len(fine) + 1)
    wrong, accepted = 0, []
    for _ in range(repetitions):
        d = rng.random(n)
        loss = (rng.random(n) < risk(d)).astype(float) if draw is None else draw(rng, risk(d))
        region = largest_threshold(
            d, loss, limit, p_value=p_value, error_probability=0.1, thresholds=grid
        )
        t = region.largest
        accepted.append(max(t, 0.0))
        wrong += t > 0 and np.interp(t, fine, mean_up_to) > limit
    return wrong / repetitions, np.mean(accepted)


@pytest.mark.parametrize(
    ("risk", "limit"),
    [
        (lambda d: 0.02 + 0.3 * d**2, 0.06),
        (lambda d: np.full_like(d, 0.1), 0.0999),  # nothing is safe, by a hair
        (lambda d: np.where(d < 0.7, 0.03, 0.5), 0.06),
        (lambda d: np.where(d < 0.2, 0.2, 0.02), 0.07),  # near rows are the bad ones
    ],
    ids=["grows", "flat just above", "jumps", "near rows bad"],
)
@pytest.mark.parametrize("grid", [GRID, None], ids=["fixed thresholds", "own thresholds"])
def test_a_region_is_wrong_no_more_often_than_stated(risk, limit, grid):
    rate, _ = violations(risk, 500, limit, grid=grid)
    assert rate <= 0.1


@pytest.mark.parametrize("share_inside", [0.6, 0.95])
def test_tied_distances_do_no_harm(share_inside):
    """Most rows are inside the hull, at distance 0; their risk is just above the limit."""
    rng = np.random.default_rng(3)
    wrong = 0
    for _ in range(150):
        d = np.where(rng.random(400) < share_inside, 0.0, rng.random(400))
        loss = (rng.random(400) < np.where(d == 0, 0.101, 0.3)).astype(float)
        region = largest_threshold(
            d, loss, 0.1, p_value=binomial_p_value, error_probability=0.1, thresholds=[0.0, *GRID]
        )
        wrong += region.largest >= 0
    assert wrong / 150 <= 0.1


def test_a_region_is_worth_having():
    _, accepted = violations(lambda d: 0.02 + 0.3 * d**2, 2000, 0.06, repetitions=40)
    assert accepted > 0.35  # the largest safe region is .63
    _, accepted = violations(lambda d: np.where(d < 0.7, 0.03, 0.5), 2000, 0.06, repetitions=40)
    assert accepted > 0.6  # of .75


def test_accepting_by_the_mean_of_the_rows_fails_half_of_the_time():
    """What the guarantee is there for, and that this simulation can see a failure."""
    rate, _ = violations(
        lambda d: 0.02 + 0.3 * d**2, 500, 0.06, lambda loss, a: 0.0 if loss.mean() <= a else 1.0
    )
    assert rate > 0.3


def test_bounded_losses_are_bet_against():
    def draw(rng, mean):
        return rng.beta(2 * mean, 2 * (1 - mean))

    rate, accepted = violations(
        lambda d: 0.05 + 0.4 * d**2, 500, 0.12, betting_p_value, draw, repetitions=60
    )
    assert rate <= 0.1
    assert accepted > 0.2  # of .72


def test_groups_are_what_counts():
    """Rows of a group share their luck: by rows the promise is broken, by groups it holds."""
    rng = np.random.default_rng(1)
    by_rows = by_groups = 0
    for _ in range(60):
        group = np.repeat(np.arange(40), 20)
        bad = rng.random(40) < 0.15
        loss = (rng.random(800) < np.where(bad, 0.9, 0.02)[group]).astype(float)
        limit = 0.15 * 0.9 + 0.85 * 0.02 - 0.01  # nothing is safe
        d = rng.random(800)
        common = {"error_probability": 0.1, "thresholds": GRID}
        by_rows += largest_threshold(d, loss, limit, p_value=binomial_p_value, **common).largest > 0
        by_groups += (
            largest_threshold(
                d, loss, limit, p_value=betting_p_value, group=group, **common
            ).largest
            > 0
        )
    assert by_groups <= 6
    assert by_rows > 12


def test_p_values_are_what_they_say():
    assert binomial_p_value(np.zeros(65), 0.06) == pytest.approx(0.94**65)
    assert t_p_value(np.full(5, 0.1), 0.2) == 0.0
    assert t_p_value(np.full(5, 0.3), 0.2) == 1.0
    rng = np.random.default_rng(0)
    p = [betting_p_value((rng.random(100) < 0.2).astype(float), 0.2) for _ in range(300)]
    assert np.mean(np.array(p) <= 0.1) <= 0.1
    assert betting_p_value(np.zeros(200), 0.1) < 0.01


def test_the_fallback_procedure_hands_on_what_it_proves():
    p = np.array([0.02, 0.02, 0.9, 0.01, 0.9, 0.001])
    np.testing.assert_array_equal(
        fallback_procedure(p, 0.1), [True, True, False, False, False, True]
    )
    assert not fallback_procedure(np.ones(20), 0.1).any()


def test_the_box_plot_threshold_is_the_largest_that_is_no_outlier():
    assert box_plot_threshold(np.array([0.0, 1.0, 2.0, 3.0, 100.0])) == 3.0
