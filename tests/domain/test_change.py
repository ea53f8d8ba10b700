"""The smallest change of a row of a table: what it says holds when the changed row is located."""

import numpy as np
import pandas as pd
import pytest

import hullwise as hw
from hullwise.errors import DataError

pytestmark = pytest.mark.filterwarnings("ignore::hullwise.errors.DataWarning")


def people(n, seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "age": rng.normal(40, 10, n).round(),
            "pay": np.exp(rng.normal(3, 0.5, n)),
            "job": rng.choice(["nurse", "clerk", "smith"], n, p=[0.5, 0.3, 0.2]),
            "grade": rng.choice(["low", "middle", "high"], n),
            "hour": rng.integers(6, 12, n),
            "site": "north",
        }
    )


@pytest.fixture(scope="module")
def domain():
    return hw.Domain(
        periodic={"hour": 24}, log=["pay"], ordered={"grade": ["low", "middle", "high"]}
    ).fit(people(300))


USUAL = {"age": 40, "pay": 20.0, "job": "nurse", "grade": "middle", "hour": 9, "site": "north"}


def changed(row, change):
    return {**row, **change.values}


@pytest.mark.parametrize(
    "odd",
    [
        {"age": 95},
        {"pay": 4000.0},
        {"hour": 20},
        {"age": 80, "pay": 300.0},
        {"age": 90, "hour": 18, "grade": "high"},
        {"job": "pilot"},
        {"job": "pilot", "age": 90},
        {"site": "south"},
        {"site": "south", "age": 90},
    ],
)
def test_the_changed_row_is_edge_when_it_is_located(domain, odd):
    row = {**USUAL, **odd}
    loc = domain.locate_one(row)
    assert loc.band[0] in ("beyond", "far")
    change = loc.smallest_change(0)
    assert change.possible
    for one in change.changes:
        again = domain.locate_one(changed(row, one))
        assert again.band[0] == one.band
    assert change.best.band in ("core", "edge")
    assert str(change).startswith(f"{loc.band[0]}.")


def test_usual_rows_need_no_change(domain):
    change = domain.locate_one(USUAL).smallest_change(0)
    assert str(change).endswith("nothing has to change.")
    assert change.possible
    assert change.best is None


def test_what_is_fixed_stays(domain):
    loc = domain.locate_one({**USUAL, "age": 75, "pay": 200.0})
    change = loc.smallest_change(0, fixed=["age"])
    assert all("age" not in one.values for one in change.changes)
    alone = loc.smallest_change(0, fixed=["age", "job", "grade", "hour"])
    assert {name for one in alone.changes for name in one.values} <= {"pay"}
    far = domain.locate_one({**USUAL, "age": 200}).smallest_change(0, fixed=["age"])
    assert far.impossible
    assert not far.possible
    assert "what stays ('age') is too far out" in str(far)


def test_a_fixed_level_never_seen_cannot_be_helped(domain):
    change = domain.locate_one({**USUAL, "job": "pilot"}).smallest_change(0, fixed=["job"])
    assert change.impossible
    assert "'job' is fixed and holds what no training row holds" in str(change)


def test_a_column_that_does_not_exist(domain):
    loc = domain.locate_one({**USUAL, "age": 95})
    with pytest.raises(DataError, match="fixed: there is no column 'agee'; the columns are 'age'"):
        loc.smallest_change(0, fixed=["agee"])
    with pytest.raises(IndexError, match="there is no row 1"):
        loc.smallest_change(1)


def test_gaps_are_not_filled(domain):
    change = domain.locate_one({**USUAL, "age": 95, "pay": None}).smallest_change(0)
    assert all("pay" not in one.values for one in change.changes)
    assert change.possible
