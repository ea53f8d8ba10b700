"""The smallest change of a row of a table: what it says holds when the changed row is located."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import hullwise as hw
from hullwise.errors import DataError
from shared_data import shared_path

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
    assert change.verify()
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


def table(name, n, fixed):
    rows = pd.read_csv(shared_path(f"tables/{name}.csv.gz"))
    rows = rows.iloc[np.random.default_rng(0).permutation(len(rows))]
    loc = hw.Domain().fit(rows[:n]).locate(rows[n:])
    out = np.flatnonzero(np.isin(loc.band, ("beyond", "far")))[:8]
    return [loc.smallest_change(int(i), fixed=fixed) for i in out]


@pytest.mark.parametrize(
    ("name", "n", "fixed"),
    [
        ("german_credit", 600, ["age", "sex"]),
        ("wage", 1000, ["age", "race", "year", "wage", "logwage"]),
        ("hitters", 180, ["Years"]),
    ],
)
def test_real_tables(name, n, fixed):
    changes = table(name, n, fixed)
    assert all(change.verify() for change in changes)
    together = [c.together for c in changes if c.together is not None and c.together.possible]
    for one in together:
        assert one.lower <= one.upper <= one.lower * (1 + 1e-6)
    if name == "wage":  # no number is left: levels only
        assert not together
        assert sum(bool(c.levels) for c in changes) >= 4
    else:
        assert len(together) == len(changes)
        fewest = [len(c.sparse.values) for c in changes]
        assert np.median(fewest) <= 2
        ratio = [c.sparse.upper / c.together.upper for c in changes]
        assert 1 - 1e-6 <= min(ratio) <= max(ratio) < 4
    if name == "hitters":
        assert np.median([len(c.together.amounts) for c in changes]) > 8


def test_a_proof_that_is_spoilt_is_seen(domain):
    change = domain.locate_one({**USUAL, "age": 95}).smallest_change(0)
    assert change.verify(exact=True)
    wrong = replace(change, together=replace(change.together, lower=1.1 * change.together.lower))
    assert not wrong.verify()


def test_units_order_and_offset_of_the_table_do_not_matter():
    train, row = people(300), {**USUAL, "age": 90, "pay": 300.0}
    declared = {"ordered": {"grade": ["low", "middle", "high"]}, "numbers": ["age"]}

    def change(table, row):
        return hw.Domain(**declared).fit(table).locate_one(row).smallest_change(0)

    first = change(train, row)
    moved = train.sample(frac=1, random_state=1)[train.columns[::-1]]
    again = change(moved.assign(pay=moved.pay * 64), {**row, "pay": 300.0 * 64})
    assert {c.columns for c in first.alone} == {c.columns for c in again.alone}
    assert again.together.upper == pytest.approx(first.together.upper, rel=1e-6)
    assert again.together.amounts["pay"] == pytest.approx(64 * first.together.amounts["pay"])
    assert again.text.split(":")[0] == first.text.split(":")[0]


def test_whole_numbers_are_the_least_that_are_enough(domain):
    """A column alone: one step less is beyond, and the sentence says so."""
    row = {**USUAL, "age": 95}
    change = domain.locate_one(row).smallest_change(0)
    (age,) = (c for c in change.alone if c.columns == ("age",))
    assert age.is_least
    one_less = domain.locate_one({**row, "age": age.values["age"] + 1})
    assert one_less.band[0] == "beyond"
    assert f"age alone, by {age.amounts['age']:.0f} (95 to {age.values['age']})" in str(change)


def test_a_circle_is_kept_to():
    train = people(300)
    domain = hw.Domain(periodic={"hour": 24}, drop=["pay", "grade"]).fit(train)
    row = {"age": 40, "job": "nurse", "hour": 20, "site": "north"}
    change = domain.locate_one(row).smallest_change(0, fixed=["age", "job"])
    (hour,) = change.alone
    assert change.verify()
    assert hour.lower <= hour.upper <= hour.cost * (1 + 1e-9)
    new = hour.values["hour"]
    assert domain.locate_one({**row, "hour": new}).band[0] == "edge"
    grid = np.arange(new, 20, 0.25)[2:]  # nearer places on the circle are not enough
    assert not np.isin(
        domain.locate([{**row, "hour": h} for h in grid]).band, ("core", "edge")
    ).any()
    assert hour.amounts["hour"] == pytest.approx(new - 20)


def test_rows_off_the_flat_come_back_to_the_hull():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 200))
    domain = hw.Domain().fit(pd.DataFrame({"a": a, "b": b, "total": a + b}))
    loc = domain.locate_one({"a": 0.1, "b": 0.2, "total": 2.0})
    assert loc.band[0] == "far"
    change = loc.smallest_change(0)
    assert change.best.band in ("core", "edge")
    assert change.verify()
    assert change.best.values["total"] == pytest.approx(0.3)


def test_a_metric_with_directions():
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(rng.normal(size=(300, 3)), columns=["width", "length", "note"])
    rows.loc[rng.random(300) < 0.2, "length"] = None
    rows["area"] = rows.width * rows.length.fillna(0.0)
    domain = hw.Domain(metric="agop").fit(rows, target="area")
    for row in ({"width": 6.0, "length": 0.0, "note": 0.0}, {"width": 9.0, "note": 1.0}):
        loc = domain.locate_one(row)
        assert loc.band[0] in ("beyond", "far")
        change = loc.smallest_change(0)
        assert change.verify()
        assert change.best.band in ("core", "edge")
        assert domain.locate_one({**row, **change.best.values}).band[0] == change.best.band
        assert loc.smallest_change(0, fixed=["width"]).verify()


def test_coordinates_of_a_transformer():
    from sklearn.compose import ColumnTransformer
    from sklearn.decomposition import PCA
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    train = people(300)
    scaled = ColumnTransformer(
        [
            ("n", StandardScaler(), ["age", "pay"]),
            ("c", OneHotEncoder(handle_unknown="ignore"), ["job"]),
        ]
    ).fit(train)
    domain = hw.Domain(transformer=scaled).fit(train)
    for odd in ({"age": 95}, {"job": "pilot"}):
        row = {**USUAL, **odd}
        change = domain.locate_one(row).smallest_change(0)
        assert change.verify()
        assert domain.locate_one({**row, **change.best.values}).band[0] == change.best.band
    mixed = make_pipeline(
        ColumnTransformer([("n", make_pipeline(StandardScaler(), PCA(2)), ["age", "pay"])])
    ).fit(train)
    loc = hw.Domain(transformer=mixed).fit(train).locate_one({**USUAL, "age": 95})
    assert loc.smallest_change(0).possible
    assert loc.smallest_change(0, fixed=["pay"]).impossible  # both outputs depend on it


def test_segments_have_their_own_levels_and_limits():
    rng = np.random.default_rng(0)
    n = 300
    site = np.array(["north", "south"])[(np.arange(n) % 3 == 0).astype(int)]
    job = np.where(site == "north", rng.choice(["nurse", "clerk"], n), rng.choice(["nurse"], n))
    size = rng.normal(size=n) * np.where(site == "north", 1, 5)
    domain = hw.Domain(by="site").fit(pd.DataFrame({"site": site, "job": job, "size": size}))
    row = {"site": "south", "job": "clerk", "size": 0.0}
    change = domain.locate_one(row).smallest_change(0)
    assert [c.values for c in change.changes] == [{"job": "nurse"}]
    assert "job 'clerk' must change: never seen in training rows of site 'south'" in str(change)
    assert domain.locate_one({**row, "job": "nurse"}).band[0] in ("core", "edge")
    for own_site, scale in (("north", 1), ("south", 5)):
        row = {"site": own_site, "job": "nurse", "size": 50.0}
        change = domain.locate_one(row).smallest_change(0)
        assert change.verify()
        assert change.best.values["size"] < 5 * scale
        band = domain.locate_one({**row, **change.best.values}).band[0]
        assert band == change.best.band == "core"  # rows left out lie in the hull: so must this one
    change = domain.locate_one({"site": "east", "job": "nurse", "size": 0.0}).smallest_change(0)
    assert change.best.values["site"] in ("north", "south")
    assert change.possible


def test_groups_have_a_limit_of_their_own():
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(
        [
            {"patient": p, "a": c[0] + e[0], "b": c[1] + e[1]}
            for p in range(40)
            for c in [rng.normal(size=2)]
            for e in 0.3 * rng.normal(size=(6, 2))
        ]
    )
    loc = hw.Domain(groups="patient").fit(rows).locate_one({"patient": 99, "a": 6.0, "b": 0.0})
    change = loc.smallest_change(0, fixed=["b"])
    assert change.verify()
    assert change.best.band in ("core", "edge")


def test_a_row_of_which_only_the_level_is_new():
    domain = hw.Domain().fit([{"job": job, "age": None} for job in ("nurse", "clerk") * 30])
    change = domain.locate_one({"job": "pilot"}).smallest_change(0)
    assert [c.values for c in change.changes] == [{"job": "clerk"}, {"job": "nurse"}]


def test_rows_far_beyond_keep_their_digits(domain):
    for age in (1e6, 1e12, 1e30):
        row = {**USUAL, "age": age}
        change = domain.locate_one(row).smallest_change(0)
        assert change.verify()
        assert [c.columns for c in change.alone] == [("age",)]
        assert domain.locate_one({**row, **change.best.values}).band[0] == change.best.band
    assert "no change is known" in str(
        domain.locate_one({**USUAL, "age": 1e300}).smallest_change(0)
    )


def test_what_is_not_sought_is_said(domain):
    nothing = hw.Domain(reference=0).fit(people(50))
    text = str(nothing.locate_one({**USUAL, "age": 95}).smallest_change(0))
    assert text == "unknown: no training row was left out, so no distance is known to be usual."
    text = str(domain.locate_one(dict.fromkeys(USUAL)).smallest_change(0))
    assert text.startswith("not located")
