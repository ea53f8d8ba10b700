"""P-values and selection in a domain: levels never seen, gaps, groups, blocks of time."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import hullwise as hw

pytestmark = pytest.mark.filterwarnings("ignore::hullwise.errors.DataWarning")


def table(n, seed, n_levels=40):
    rng = np.random.default_rng([47, seed])
    level = rng.geometric(0.2, size=n).clip(max=n_levels)
    return pd.DataFrame({"a": rng.normal(size=n), "b": rng.normal(size=n), "shop": level})


def domain_of(rows, **options):
    return hw.Domain(categories=["shop"], **options).fit(rows)


def test_p_values_of_rows_like_the_training_rows_are_valid_with_new_levels():
    p_values = np.concatenate(
        [domain_of(table(60, k)).locate(table(30, 1000 + k)).p_values for k in range(25)]
    )
    for level in (0.02, 0.05, 0.1, 0.3):
        # rows of one table share its reference: 25 tables, and not 750 rows
        assert (p_values <= level).mean() <= level + 3 * np.sqrt(level / 25)


def test_a_level_never_seen_ranks_beyond_all_distances():
    rows = table(200, 0)
    loc = domain_of(rows).locate(
        [{"a": 0, "b": 0, "shop": 1}, {"a": 0, "b": 0, "shop": 77}, {"a": 9, "b": 9, "shop": 1}]
    )
    n_alone = int((rows["shop"].value_counts() == 1).sum())
    rate = n_alone / 201
    r = len(loc.parts[0].pattern.reference)
    np.testing.assert_allclose(loc.p_values[1:], [rate + 1 / 201, rate + (1 - rate) / (r + 1)])
    assert loc.p_values[0] > 0.3
    selection = loc.select(fdr=0.1)
    assert selection.reference_needed(3) == int(np.ceil((1 - rate) / (0.1 - rate))) - 1
    assert selection.reference_needed() is (
        None if rate >= 0.1 / 3 else selection.reference_needed()
    )


def test_gaps_and_rows_that_cannot_be_located():
    rows = table(200, 1)
    new = pd.DataFrame({"a": ["0.1", "x", "50"], "b": [None, 0.0, None], "shop": [1, 1, 1]})
    loc = domain_of(rows).locate(new, bad_rows="keep")
    assert np.isnan(loc.p_values).tolist() == [False, True, False]
    assert loc.p_values[2] < 0.06 < loc.p_values[0]


def groups(n, seed, first=0, shift=0.0, moved=()):
    rng = np.random.default_rng([53, seed])
    rows = []
    for g in range(first, first + n):
        centre = rng.normal(size=2) + shift * (g - first in moved)
        rows += [
            {"who": f"p{g}", "a": a, "b": b} for a, b in centre + 0.3 * rng.normal(size=(6, 2))
        ]
    return rows


def test_whole_groups_are_selected():
    domain = hw.Domain(groups="who").fit(groups(59, 0))
    loc = domain.locate(groups(8, 1, first=100, shift=9.0, moved=(0, 1)))
    selection = loc.select(fdr=0.1)
    assert selection.n_tested == 8
    assert selection.n_selected == 2
    assert selection.mask.tolist() == [True] * 12 + [False] * 36
    assert selection.least_p_value == 1 / 60
    assert "2 of 8 groups selected" in selection.text
    assert repr(selection) == "RowSelection(2 of 8 groups at a false discovery rate of 0.1)"


def test_groups_of_honest_tables_are_rarely_selected_and_rows_by_themselves_would_be():
    n_false = n_rows = 0
    for seed in range(20):
        loc = hw.Domain(groups="who").fit(groups(30, seed)).locate(groups(2, 100 + seed, first=90))
        n_false += loc.select(fdr=0.1).n_selected > 0
        alone = (
            hw.Domain(drop=["who"]).fit(groups(30, seed)).locate(groups(2, 100 + seed, first=90))
        )
        n_rows += alone.select(fdr=0.1).n_selected > 0
    assert n_false <= 20 * 0.1 + 3 * np.sqrt(20 * 0.09)
    assert n_rows > n_false


def test_refusals():
    domain = hw.Domain(groups="who").fit(groups(30, 0))
    known = domain.locate(groups(30, 0)[:6])
    assert known.select().n_tested == 0
    with pytest.raises(hw.DataError, match="which of them belong together"):
        domain.locate(2 * [{"a": 0.0, "b": 1.0}]).select()
    days = pd.date_range("2024-01-01", periods=90)
    rows = pd.DataFrame({"day": days, "a": np.sin(np.arange(90.0)), "b": np.arange(90) % 7})
    replay = hw.Domain(time="day").fit(rows).locate(rows[:3])
    assert np.isnan(replay.p_values).all()
    with pytest.raises(hw.DataError, match="compares each block"):
        replay.select()
