"""Combinations of levels that no training row holds: against a set of all of them."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest

import hullwise as hw
from hullwise.domain.level_combinations import _prefixes

pytestmark = pytest.mark.filterwarnings("ignore::hullwise.errors.DataWarning")


def mixed(rng, n, n_columns, n_levels, gaps=0.0):
    table = pd.DataFrame({"x": rng.normal(size=n)})
    for k in range(n_columns):
        share = rng.dirichlet(np.ones(n_levels))
        table[f"c{k}"] = rng.choice([f"v{i}" for i in range(n_levels)], n, p=share).astype(object)
        table.loc[rng.random(n) < gaps, f"c{k}"] = None
    return table


@pytest.mark.parametrize(("n_columns", "n_levels"), [(2, 6), (4, 5), (40, 3)])
@pytest.mark.parametrize("gaps", [0.0, 0.1])
def test_against_a_set_of_all_combinations(n_columns, n_levels, gaps):
    rng = np.random.default_rng([n_columns, n_levels])
    both = mixed(rng, 260, n_columns, n_levels, gaps)
    train, new = both[:200], both[200:].reset_index(drop=True)
    names = [f"c{k}" for k in range(n_columns)]
    loc = hw.Domain(categories=names).fit(train).locate(new)
    known = new.isna() | ~pd.DataFrame(loc.unseen[:, 1:], columns=names)
    result = loc.new_combinations()
    expected, pairs = set(), {}
    whole = {tuple(row) for row in train[names].dropna().to_numpy()}
    for i, row in new[names].iterrows():
        usable = [n for n in names if pd.notna(row[n]) and known[n][i]]
        if len(usable) == n_columns and tuple(row) not in whole:
            expected.add(i)
        for a, b in combinations(usable, 2):
            if not ((train[a] == row[a]) & (train[b] == row[b])).any():
                expected.add(i)
                pairs.setdefault((a, row[a], b, row[b]), []).append(i)
    assert result.rows.tolist() == sorted(expected)
    assert {
        (p.column, p.level, p.with_column, p.with_level): list(p.rows) for p in result.pairs
    } == (pairs)
    assert len(result.to_frame()) == len(pairs)


def test_it_is_counted_and_named_and_never_far():
    rng = np.random.default_rng(0)
    train = pd.DataFrame(
        {
            "age": rng.normal(size=400),
            "job": rng.choice(["1", "2", "3"], 400),
            "purpose": rng.choice(["car", "repairs", "tv"], 400),
        }
    )
    train.loc[(train["job"] == "3") & (train["purpose"] == "repairs"), "purpose"] = "car"
    domain = hw.Domain(categories=["job"]).fit(train)
    new = train[:30].assign(age=0.0)
    new.loc[17, ["job", "purpose"]] = ["3", "repairs"]
    loc = domain.locate(new)
    text = "1 of 30 new rows combine levels as no training row does: job '3' with purpose 'repairs'"
    assert any(note.startswith(f"{text} (row 17)") for note in loc.notes)
    assert loc.band[17] != "far"
    assert loc.verdict[17] == -1
    assert domain.locate(train[:30]).new_combinations().text == ""
    named = domain.locate(new.set_index(pd.Index([f"p{i}" for i in range(30)])))
    assert "(row p17)" in named.new_combinations().text


def test_three_levels_anew():
    levels = [(a, b, c) for a in "xy" for b in "uv" for c in "st" if (a, b, c) != ("y", "v", "t")]
    rows = [dict(zip("abc", row), n=float(i)) for row in levels for i in range(9)]
    loc = hw.Domain().fit(rows).locate([{"a": "y", "b": "v", "c": "t", "n": 1.0}] * 2)
    assert loc.new_combinations().text == (
        "2 of 2 new rows combine levels as no training row does; each level and each pair of "
        "levels was seen."
    )
    assert hw.Domain(drop=["b", "c"]).fit(rows).locate(rows[:2]).new_combinations() is None


def test_combinations_of_more_levels_than_a_whole_number_holds():
    codes = np.random.default_rng(0).integers(0, 50, (300, 30))
    prefixes = _prefixes(codes, np.full(30, 50))
    assert len(prefixes) > 2
    assert prefixes[-1][0] == 30
    assert len(prefixes[-1][1]) == len(np.unique(codes, axis=0))
