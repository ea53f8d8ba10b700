"""Blocks of time: each against the rows before it; a replay without a theorem."""

import numpy as np
import pandas as pd
import pytest

import hullwise as hw
from hullwise.domain.row_blocks import blocks_of_time
from hullwise.errors import DataError
from hullwise.io.mixed_column import ColumnKind

pytestmark = pytest.mark.filterwarnings("ignore::hullwise.errors.DataWarning")


def days(rng, n, drift=0.0, first=0):
    when = np.arange(first, first + n)
    x = rng.normal(size=(n, 3)) + drift * when[:, None] / 400
    dates = pd.Timestamp("2020-01-01") + pd.to_timedelta(when, unit="D")
    return pd.DataFrame(x, columns=["x", "y", "z"]).assign(date=dates)


def share_out(loc):
    return np.isin(loc.band, ("beyond", "far")).mean()


def test_each_block_is_compared_with_the_rows_before_it():
    train = days(np.random.default_rng(0), 400)
    domain = hw.Domain(time="date").fit(train.sample(frac=1, random_state=0, ignore_index=True))
    blocks = domain.fitted_.blocks
    assert (blocks.forward, len(blocks)) == (True, 11)
    np.testing.assert_array_equal(np.bincount(blocks.codes), [200, *[20] * 10])
    pattern = domain.fitted_.pattern(domain.fitted_.every_column)
    reference = pattern.reference
    assert len(reference) == 200
    assert reference.groups is None
    values = domain.fitted_.values
    for place in range(0, 200, 37):
        row = reference.rows[place]
        earlier = blocks.codes < blocks.codes[row]
        loc = hw.locate(values[earlier], values[row][None], metric="std", reference=0)
        distance = 0.0 if loc.verdict[0] == 1 else loc.upper[0]
        assert reference.hull[place] == pytest.approx(distance, rel=1e-5, abs=1e-9)


def test_what_drifts_is_as_usual_as_it_was():
    shuffled, forward, steady = [], [], []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        train, new = days(rng, 400, 1.0), days(rng, 60, 1.0, first=400)
        forward.append(share_out(hw.Domain(time="date").fit(train).locate(new)))
        shuffled.append(share_out(hw.Domain().fit(train).locate(new)))
        loc = hw.Domain(time="date").fit(days(rng, 400)).locate(days(rng, 200, first=400))
        steady.append(share_out(loc))
    assert np.mean(forward) < np.mean(shuffled) - 0.02
    assert 0.005 < np.mean(steady) < 0.08


def test_it_is_said_to_be_a_replay_and_there_is_no_chance(tmp_path):
    rng = np.random.default_rng(1)
    train, new = days(rng, 200), days(rng, 30, first=200)
    domain = hw.Domain(time="date").fit(train)
    assert any("no theorem says what will: there is no chance()" in n for n in domain.fitted_.notes)
    loc = domain.locate(new)
    assert np.isnan([loc.chance(), loc.chance_by_distance(), loc.chance_by_name()]).all()
    assert np.isnan(loc.summary().expected_out)
    assert loc.groups() is None
    assert loc.verify(train).all()
    domain.save(tmp_path / "seen.hull")
    after = hw.load(tmp_path / "seen.hull").locate(new.assign(z=np.nan))
    np.testing.assert_array_equal(
        after.hull_percentile, domain.locate(new.assign(z=np.nan)).hull_percentile
    )
    assert np.isnan(after.chance())
    assert domain.locate(new.drop(columns="date")).band.tolist() == loc.band.tolist()


def test_equal_times_are_one_block():
    codes = blocks_of_time(np.repeat(np.arange(30.0), 10), "day", ColumnKind.NUMBER).codes
    assert all(len(set(codes[10 * day : 10 * day + 10].tolist())) == 1 for day in range(30))
    assert (np.diff(codes) >= 0).all()


@pytest.mark.parametrize(
    ("settings", "change", "says"),
    [
        ({"time": "date"}, {"date": None}, "is empty"),
        ({"time": "date"}, {"date": "2020-01-01"}, "all rows are of one time"),
        ({"time": "date", "groups": "x"}, {}, "by one column of groups, or one of times"),
        ({"time": "kind"}, {"kind": "a"}, "no number"),
    ],
)
def test_what_cannot_be_is_refused(settings, change, says):
    table = days(np.random.default_rng(0), 50).assign(**change)
    with pytest.raises(DataError, match=says):
        hw.Domain(**settings).fit(table)
