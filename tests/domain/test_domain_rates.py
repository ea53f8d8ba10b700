"""The rates that docs/domain.md states, by simulation: mixed tables, gaps, levels never seen.

`benchmarks/domain_rates.py` does the same at more sizes. A rate fails here if it is above 1.14
times its bound by more than three standard errors over tables.
"""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import betabinom

import hullwise as hw
from hullwise.domain._chances import chance_by_name

pytestmark = pytest.mark.filterwarnings("ignore::hullwise.errors.DataWarning")


def over_bounds(loc, rows):
    """Far, and beyond or far, by distance, over what is stated for each of these rows (a mask)."""
    n_far = n_out = far = out = 0.0
    for part in loc.parts:
        r, chosen = len(part.pattern.reference), rows[part.rows]
        band = part.location.band[chosen]
        n_far += (band == "far").sum()
        n_out += np.isin(band, ("beyond", "far")).sum()
        far += chosen.sum() / (r + 1)
        out += chosen.sum() * np.ceil(r / 20) / (r + 1)
    return n_far / far, n_out / out


def check(rates):
    rates = np.array(rates)
    error = rates.std(axis=0) / np.sqrt(len(rates))
    assert (rates.mean(axis=0) - 3 * error <= 1.14).all()


def mixed(rng, n):
    job = rng.choice(["nurse", "clerk", "smith", "cook"], n, p=[0.5, 0.3, 0.15, 0.05])
    table = pd.DataFrame(np.exp(2 * rng.normal(size=(n, 3))), columns=["x", "y", "z"])
    return table.assign(job=job, flag=rng.random(n) < 0.03, hour=rng.integers(0, 24, n))


@pytest.mark.parametrize(("n", "tables"), [(60, 20), (300, 10)])
def test_mixed_tables(n, tables):
    rates, chances = [], []
    for seed in range(tables):
        table = mixed(np.random.default_rng([seed, n]), n + 60)
        domain = hw.Domain(periodic={"hour": 24}, n_neighbors=1).fit(table[:n])
        loc = domain.locate(table[n:].reset_index(drop=True))
        rates.append(over_bounds(loc, np.ones(60, dtype=bool)))
        chances.append(loc.chance())
    check(rates)
    assert np.mean(np.array(chances) <= 0.05) <= 0.2
    assert min(chances) > 0.001


@pytest.mark.parametrize("mechanism", ["MCAR", "MAR", "MNAR"])
@pytest.mark.parametrize("correlation", [0.0, 0.7])
def test_rows_with_gaps_whatever_made_them(mechanism, correlation):
    """Complete rows only would call up to 32 % of the rows with gaps out where gaps depend."""
    rates, complete = [], []
    for seed in range(5):
        rng = np.random.default_rng([seed, int(10 * correlation)])
        common = rng.normal(size=(800, 1))
        rows = np.sqrt(correlation) * common
        rows = rows + np.sqrt(1 - correlation) * rng.normal(size=(800, 6))
        table = pd.DataFrame(rows, columns=[f"x{j}" for j in range(6)])
        for j in range(3):
            cause = {"MCAR": rng.random(800), "MAR": rows[:, j + 3], "MNAR": rows[:, j]}[mechanism]
            table.loc[cause > np.quantile(cause, 0.85), f"x{j}"] = np.nan
        train, new = table[:600], table[600:].reset_index(drop=True)
        has_gaps = new.isna().any(axis=1).to_numpy()
        loc = hw.Domain(n_neighbors=1).fit(train).locate(new)
        rates.append(over_bounds(loc, has_gaps))
        if mechanism == "MAR":
            loc = hw.Domain(missing="rows", n_neighbors=1).fit(train).locate(new)
            complete.append(np.isin(loc.band, ("beyond", "far"))[has_gaps].mean())
    check(rates)
    assert not complete or np.mean(complete) > 0.12


def test_levels_go_on_being_new_at_the_stated_rate():
    share, rates, chances = [], [], []
    frequency = 1 / np.arange(1, 100) ** 2
    for seed in range(20):
        rng = np.random.default_rng(seed)
        level = rng.choice(99, 300, p=frequency / frequency.sum())
        table = pd.DataFrame({"x": rng.normal(size=300), "model": [f"m{k}" for k in level]})
        domain = hw.Domain(categories=["model"], n_neighbors=1, reference=0).fit(table[:200])
        loc = domain.locate(table[200:].reset_index(drop=True))
        share.append(loc.unseen.any(axis=1).mean())
        rates.append(loc.unseen_rate)
        chances.append(loc.chance_by_name())
    error = np.std(share) / np.sqrt(len(share))
    assert np.mean(share) - 3 * error <= np.mean(rates)
    assert np.mean(share) > 0.5 * np.mean(rates)
    assert np.mean(np.array(chances) <= 0.05) <= 0.2
    assert np.min(chances) > 0.001


@pytest.mark.parametrize(("n", "m"), [(560, 240), (240, 560), (560, 20)])
def test_few_levels_of_their_own_make_no_chance_sure(n, m):
    rng = np.random.default_rng(0)
    frequency = 1 / np.arange(1, 21) ** 2.5
    level = rng.choice(20, (2000, n + m), p=frequency / frequency.sum())
    chances = []
    for row in level:
        counts = np.bincount(row[:n], minlength=20)
        rate = ((counts == 1).sum() + 1) / (n + 1)
        chances.append(chance_by_name(int((counts[row[n:]] == 0).sum()), m, rate, n))
    for alpha in (0.05, 0.01, 0.001):
        error = np.sqrt(alpha / len(level))
        assert np.mean(np.array(chances) <= alpha) <= alpha + 3 * error
    assert chance_by_name(20, m, 1 / (n + 1), n) < 1e-3


def test_rows_with_rare_gaps_are_counted_together():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(1200, 8))
    rows[rng.random(rows.shape) < 0.45] = np.nan
    table = pd.DataFrame(rows, columns=list("abcdefgh"))
    new = table[600:].reset_index(drop=True)
    loc = hw.Domain(n_neighbors=1).fit(table[:600]).locate(new)
    assert all(part.pattern.rare for part in loc.parts)
    assert len(loc.parts) > 100
    m = sum(len(part.rows) for part in loc.parts)
    r = len(loc.parts[0].pattern.reference)
    c = 1 + int(np.floor(0.95 * r))
    n_out = int(np.isin(loc.band, ("beyond", "far")).sum())
    chance = betabinom.sf(n_out - 1, m, r - c + 1, c)
    assert loc.chance_by_distance() == pytest.approx(chance)
