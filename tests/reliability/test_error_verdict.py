"""Four words on whether errors go with distance, each with a simulated rate of being wrong."""

import numpy as np
import pytest

from hullwise.reliability.error_curve import error_curve
from hullwise.reliability.error_verdict import farthest_tenth, judge_errors, rank_correlation
from hullwise.reliability.risk_coverage import area_under_roc, share_saved, share_saved_limits


def words(draw, repetitions=60, **options):
    counts = {"yes": 0, "falls": 0, "nothing": 0, "cannot tell": 0}
    for i in range(repetitions):
        rng = np.random.default_rng(i)
        distance, error, *group = draw(rng)
        counts[judge_errors(distance, error, *group, random_state=i, **options).word] += 1
    return {word: count / repetitions for word, count in counts.items()}


def independent(n, errors):
    return lambda rng: (rng.random(n), errors(rng, n))


def normal(rng, n):
    return np.abs(rng.normal(size=n))


def heavy_tailed(rng, n):
    return np.abs(rng.standard_t(1.5, n))


def seldom_wrong(rng, n):
    return (rng.random(n) < 0.05) * 1.0


def tied(rng, n):
    return np.where(rng.random(n) < 0.6, 0.0, rng.random(n))


def clustered(rng, n):
    return rng.choice([0.1, 0.5, 3.0], n) + 0.01 * rng.random(n)


@pytest.mark.parametrize("distances", [np.random.Generator.random, tied, clustered])
@pytest.mark.parametrize("errors", [normal, heavy_tailed, seldom_wrong])
def test_yes_is_seldom_said_where_nothing_is(errors, distances):
    rates = words(lambda rng: (distances(rng, 400), errors(rng, 400)), 40)
    assert rates["yes"] <= 0.1  # stated .05, 60 repetitions
    assert rates["falls"] <= 0.1


def test_nothing_is_said_where_it_is_so_and_seldom_at_the_margin():
    assert words(independent(1500, normal), 40)["nothing"] > 0.85

    def at_the_margin(rng):
        x, z = rng.normal(size=(2, 1500))
        rho = 2 * np.sin(np.pi / 6 * 0.1)  # Spearman's .1
        return x, np.exp(rho * x + np.sqrt(1 - rho**2) * z)

    assert words(at_the_margin, 60)["nothing"] <= 0.1


def test_a_few_bad_rows_far_out_are_seen_although_the_ranks_do_not_show_them():
    def draw(rng):
        d = rng.random(1500)
        return d, normal(rng, 1500) * np.where(d > 0.95, 2.5, 1.0)

    assert words(draw, 20)["yes"] == 1.0


def test_errors_that_fall_are_named():
    def draw(rng):
        d = rng.random(1500)
        return d, normal(rng, 1500) * (2 - d)

    assert words(draw, 10)["falls"] == 1.0


def groups_with_luck(n_groups):
    def draw(rng):
        group = np.repeat(np.arange(n_groups), 20)
        distance = rng.normal(size=n_groups)[group] + 0.3 * rng.normal(size=len(group))
        error = np.exp(rng.normal(size=n_groups)[group] + 0.3 * rng.normal(size=len(group)))
        return distance, error, group

    return draw


def test_groups_are_judged_by_groups():
    by_groups = words(groups_with_luck(30), 40)
    assert by_groups["yes"] <= 0.125
    assert by_groups["falls"] == 0  # fewer than 100 groups cannot say it
    by_rows = words(lambda rng: groups_with_luck(30)(rng)[:2], 20)
    assert by_rows["yes"] + by_rows["falls"] > 0.5  # what a reading by rows would say


def test_sentences_are_these():
    rng = np.random.default_rng(0)
    d = rng.random(2000)
    assert judge_errors(d, normal(rng, 2000)).sentence == (
        "In this table distance says nothing about this model's error: rank correlation below 0.1, "
        "and the farthest tenth errs less than 1.5 times as much as the rest (95 %)."
    )
    few = judge_errors(d[:60], heavy_tailed(rng, 60)).sentence
    assert few.startswith("These 60 rows cannot tell: rank correlation ")
    assert "would." in few
    grows = judge_errors(d, normal(rng, 2000) * (1 + d)).sentence
    assert grows.startswith("The error grows with the distance: rank correlation 0.")


def test_the_standard_error_of_the_correlation_is_that_of_simulations():
    z, stated = [], []
    for i in range(300):
        rng = np.random.default_rng(i)
        x = rng.normal(size=200)
        y = np.exp(0.5 * x + rng.normal(size=200))
        rho, error = rank_correlation(x, y, np.arange(200))
        z.append(np.arctanh(rho))
        stated.append(error)
    assert np.mean(stated) == pytest.approx(np.std(z), rel=0.12)


def test_ties_at_zero_and_infinite_distances_are_ranked():
    rng = np.random.default_rng(0)
    d = np.concatenate([np.zeros(350), rng.random(40), np.full(10, np.inf)])
    error = np.abs(rng.normal(size=400)) * np.where(np.isinf(d), 8.0, 1.0)
    assert farthest_tenth(d).sum() == 40
    assert judge_errors(d, error).word == "yes"
    assert error_curve(d, error).rows.sum() == 400
    assert judge_errors(np.zeros(400), error).word == "cannot tell"


def continuous(rng, mean):
    return np.abs(rng.normal(size=len(mean))) * mean * np.sqrt(np.pi / 2)


def right_or_wrong(rng, mean):
    return (rng.random(len(mean)) < 0.2 * mean) / 0.2


@pytest.mark.parametrize("errors", [continuous, right_or_wrong])
@pytest.mark.parametrize("slope", [0.0, 1.0])
def test_all_bins_of_a_curve_hold_at_once_as_often_as_stated(errors, slope):
    covered = expected = 0
    for i in range(50):
        rng = np.random.default_rng(i)
        d = rng.random(400)
        curve = error_curve(d, errors(rng, 1 + slope * d), random_state=i)
        edges = np.concatenate([[0.0], curve.edges, [1.0]])
        means = 1 + slope * (edges[1:] + edges[:-1]) / 2
        covered += bool(((curve.lower <= means) & (means <= curve.upper)).all())
        fine = np.linspace(0, 1, 200)
        _, low, high = curve.expected(fine)
        expected += bool(((low <= 1 + slope * fine) & (1 + slope * fine <= high)).all())
    assert covered / 50 > 0.78  # stated .87 to .95
    assert expected / 50 > 0.78


def test_what_refusing_saves():
    rng = np.random.default_rng(0)
    d, error = rng.random(1000), rng.random(1000)
    assert abs(share_saved(d, error)) < 0.05
    assert share_saved(error, error) > 0.45
    low, high = share_saved_limits(d, error, np.arange(1000))
    assert low < 0 < high
    assert area_under_roc(np.array([1.0, 2.0, 3.0]), np.array([0.0, 0.0, 1.0])) == 1.0
    assert np.isnan(area_under_roc(d, np.zeros(1000)))
