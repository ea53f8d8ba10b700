"""Gaps that few rows have: one class together, each row in its own columns."""

import numpy as np
import pandas as pd
import pytest

import hullwise as hw

pytestmark = pytest.mark.filterwarnings("ignore::hullwise.errors.DataWarning")


def three_gaps(rng, n):
    """Gaps where another column is large: few rows have two of them."""
    rows = rng.normal(size=(n, 6))
    table = pd.DataFrame(rows, columns=[f"x{j}" for j in range(6)])
    for j in range(3):
        table.loc[rows[:, j + 3] > 1.3, f"x{j}"] = np.nan
    return table


@pytest.fixture(scope="module")
def train():
    return three_gaps(np.random.default_rng(0), 500)


def test_rare_gaps_are_compared_with_one_another(train):
    domain = hw.Domain().fit(train)
    lacking = train.isna().to_numpy()
    patterns = lacking @ [4, 2, 1, 0, 0, 0]
    rare = np.isin(patterns, [p for p, n in enumerate(np.bincount(patterns)) if 0 < n < 20])
    assert 10 <= rare.sum() < 20
    loc = domain.locate(train[rare][:1])
    pattern = loc.parts[0].pattern
    assert (pattern.alike, pattern.rare) == (False, True)
    reference = pattern.reference
    np.testing.assert_array_equal(np.sort(reference.rows), np.flatnonzero(rare))
    for place in (0, 4, 9):
        row = reference.rows[place]
        used = ~lacking[row]
        there = ~lacking[:, used].any(axis=1)
        there[row] = False
        others = train.loc[there, train.columns[used]]
        spread = train.drop(index=row).std(ddof=0).to_numpy()[used]
        own = train.loc[[row], train.columns[used]]
        one = hw.locate(others, own, metric=1 / np.square(spread), reference=0)
        distance = 0.0 if one.verdict[0] == 1 else one.upper[0]
        assert reference.hull[place] == pytest.approx(distance, rel=1e-5, abs=1e-9)
    assert "few training rows lack just that" in loc.status[0]
    assert loc.verify(train, exact=True).all()


def test_rates_of_rare_gaps():
    """Compared with all that have the rest, 20 % of these rows are out."""
    out, bound = [], []
    for seed in range(8):
        rng = np.random.default_rng([seed, 1])
        loc = hw.Domain(n_neighbors=1).fit(three_gaps(rng, 500)).locate(three_gaps(rng, 600))
        for part in loc.parts:
            if part.pattern.rare:
                r = len(part.pattern.reference)
                out += np.isin(part.location.band, ("beyond", "far")).tolist()
                bound += [np.ceil(r / 20) / (r + 1)] * len(part.rows)
    assert len(out) > 100
    assert np.mean(out) - 3 * np.std(out) / np.sqrt(len(out)) <= 1.14 * np.mean(bound)


def test_a_column_that_never_was_empty_is_compared_with_all(train):
    loc = hw.Domain().fit(train).locate(train[:2].assign(x5=np.nan))
    assert not any(part.pattern.alike or part.pattern.rare for part in loc.parts)
    assert "compared with training rows that have all the rest" in loc.status[0]


def test_rare_gaps_in_a_file(train, tmp_path):
    domain, new = hw.Domain().fit(train), three_gaps(np.random.default_rng(2), 200)
    before = domain.locate(new)
    domain.save(tmp_path / "seen.hull")
    after = hw.load(tmp_path / "seen.hull").locate(new)
    np.testing.assert_array_equal(before.hull_percentile, after.hull_percentile)
    assert before.status == after.status
