"""P-values of rows and the false discovery rate of rows selected by them."""

from __future__ import annotations

import numpy as np
import pytest

import hullwise as hw
from hullwise.geometry.row_selection import select_rows


def false_discoveries(p_values, fdr, honest):
    selection = select_rows(p_values, fdr, n_reference=1, n_train=1)
    n = max(1, selection.n_selected)
    return selection.mask[honest].sum() / n, selection.mask[~honest].sum() / max(1, (~honest).sum())


def conformal(reference, scores):
    """Written down here once more."""
    return np.array([(1 + (reference >= s).sum()) / (len(reference) + 1) for s in scores])


def test_the_rate_holds_for_scores_that_share_a_reference():
    # Bates et al. 2023: 200 rows of which 30 are moved by 4 sd, one reference of 500 for all
    rng = np.random.default_rng(37)
    honest = np.arange(200) >= 30
    rates, powers = [], []
    for _ in range(400):
        reference, scores = rng.normal(size=500), rng.normal(size=200)
        scores[~honest] += 4
        rate, power = false_discoveries(conformal(reference, scores), 0.1, honest)
        rates.append(rate)
        powers.append(power)
    error = np.std(rates) / 20
    assert np.mean(rates) <= 0.1 * 170 / 200 + 3 * error
    assert np.mean(powers) > 0.8


def test_honest_batches_are_rarely_selected_from():
    rng = np.random.default_rng(41)
    every = np.ones(100, dtype=bool)
    some = [
        false_discoveries(conformal(rng.normal(size=2000), rng.normal(size=100)), 0.1, every)[0]
        for _ in range(400)
    ]
    assert np.mean(some) <= 0.1 + 3 * np.sqrt(0.09 / 400)
    assert np.mean(some) > 0.02  # the test can see a selection


def test_the_rate_holds_for_distances_of_real_left_out_rows():
    honest = np.arange(80) >= 16
    rates, powers = [], []
    for seed in range(40):
        rng = np.random.default_rng([43, seed])
        X, Q = rng.normal(size=(150, 3)), rng.normal(size=(80, 3))
        Q[~honest] += 5
        mask = hw.locate(X, Q, reference=150).select(fdr=0.2).mask
        rates.append(mask[honest].sum() / max(1, mask.sum()))
        powers.append(mask[~honest].mean())
    assert np.mean(rates) <= 0.2 * 64 / 80 + 3 * np.std(rates) / np.sqrt(40)
    assert np.mean(powers) > 0.9


def test_p_values_are_ranks_among_the_left_out_rows():
    rng = np.random.default_rng(5)
    X, Q = rng.normal(size=(120, 4)), 1.5 * rng.normal(size=(60, 4))
    loc = hw.locate(X, Q)
    np.testing.assert_allclose(loc.p_values, conformal(loc.reference, loc.distance))
    assert (loc.p_values[loc.band == "far"] == 1 / 121).all()
    assert (loc.p_values[loc.verdict == 1] == 1).all() or (loc.reference == 0).sum() < 120
    selection = loc.select(fdr=0.2)
    frame = selection.to_frame()
    assert list(frame) == ["p_value", "adjusted_p_value", "selected"]
    np.testing.assert_array_equal(frame["selected"], selection.adjusted_p_values <= 0.2)
    assert len(selection[:7]) == 7


def test_an_open_bracket_counts_by_its_lower_end():
    rng = np.random.default_rng(6)
    X, Q = rng.normal(size=(80, 3)), 2 * rng.normal(size=(30, 3))
    quick = hw.locate(X, Q, max_seconds=0.0, reference=hw.HullLocator().fit(X).reference_)
    full = hw.locate(X, Q)
    assert (quick.p_values >= full.p_values - 1e-12).all()


def test_what_it_takes_to_select_anything():
    rng = np.random.default_rng(7)
    X, Q = rng.normal(size=(99, 2)), rng.normal(size=(1000, 2))
    Q[:3] += 50
    selection = hw.locate(X, Q).select(fdr=0.1)
    assert not selection.mask.any()
    assert selection.n_far_needed == 100  # 1 / 100 <= .1 k / 1000
    assert selection.reference_needed(100) == 99
    assert selection.reference_needed() == 9999
    assert "at least 100 must be farther out than all of them" in selection.text
    assert "99 rows there are would not be enough for one alone" in selection.text
    Q[:100] += 50
    selection = hw.locate(X, Q).select(fdr=0.1)
    assert selection.n_selected >= 100
    assert "at most 10 % are like the training rows, on average" in selection.text


def test_refusals_and_rows_without_a_p_value():
    loc = hw.locate([[0.0], [1.0], [2.0]], [[0.5], [9.0]], reference=0)
    assert np.isnan(loc.p_values).all()
    assert loc.select().n_tested == 0
    assert "nothing was left out" in loc.select().text
    with pytest.raises(hw.DataError, match="fdr"):
        loc.select(fdr=1.5)
    kept = hw.locate([[0.0], [1.0], [2.0]], [[np.nan], [9.0]], bad_rows="keep")
    assert np.isnan(kept.p_values).tolist() == [True, False]
    assert not kept.select().mask[0]
