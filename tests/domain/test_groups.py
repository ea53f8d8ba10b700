"""Groups left out whole: rates over random effects, the chance of a group, notes, files."""

import numpy as np
import pandas as pd
import pytest

import hullwise as hw
from hullwise.domain.row_blocks import MAX_GROUPS_LEFT_OUT
from hullwise.errors import DataError

pytestmark = pytest.mark.filterwarnings("ignore::hullwise.errors.DataWarning")


def patients(rng, sizes, d=5, correlation=0.8, first=0):
    """Rows of groups of these sizes; `correlation` is that within a group."""
    own = np.repeat(np.arange(len(sizes)), sizes)
    centre = np.sqrt(correlation) * rng.normal(size=(len(sizes), d))
    rows = centre[own] + np.sqrt(1 - correlation) * rng.normal(size=(len(own), d))
    table = pd.DataFrame(rows, columns=[f"x{j}" for j in range(d)])
    return table.assign(patient=[f"p{first + g}" for g in own])


def share_of_groups(loc, table, names):
    """Share of a group's rows in these bands, the mean over groups."""
    return pd.Series(np.isin(loc.band, names)).groupby(table["patient"]).mean().mean()


@pytest.mark.parametrize(
    ("n_groups", "correlation", "tables"), [(20, 0.8, 24), (40, 0.8, 16), (40, 0.3, 12)]
)
def test_rates_of_new_groups(n_groups, correlation, tables):
    """By rows, 22 to 28 % would be out where patients are alike (docs/groups.md)."""
    out, far, group_out, chances, by_rows = [], [], [], [], []
    for seed in range(tables):
        rng = np.random.default_rng([seed, n_groups])
        train = patients(rng, rng.integers(3, 40, n_groups), correlation=correlation)
        new = patients(rng, rng.integers(3, 40, 10), correlation=correlation, first=1000)
        loc = hw.Domain(groups="patient", n_neighbors=1).fit(train).locate(new)
        groups = loc.groups()
        out.append(share_of_groups(loc, new, ("beyond", "far")))
        far.append(share_of_groups(loc, new, ("far",)))
        group_out.append((groups.p <= 0.05).mean())
        chances.append(loc.chance_by_distance())
        by_rows.append(groups.share_out_by_rows)
    for rate, bound in ((out, 0.05), (far, 1 / (n_groups + 1)), (group_out, 0.05)):
        error = np.std(rate) / np.sqrt(tables)
        assert np.mean(rate) - 3 * error <= 1.14 * bound
    assert np.mean(np.array(chances) <= 0.05) <= 0.3
    assert min(chances) > 0.001
    if correlation == 0.8:
        assert np.mean(by_rows) > 0.15
    assert np.mean(group_out) > 0.005


@pytest.mark.parametrize(("n_train", "n_new"), [(30, 3), (3, 30)])
def test_groups_of_other_sizes_are_compared_by_as_many_rows(n_train, n_new):
    group_out = []
    for seed in range(12):
        rng = np.random.default_rng([seed, n_train])
        train = patients(rng, np.full(40, n_train))
        new = patients(rng, np.full(15, n_new), first=1000)
        loc = hw.Domain(groups="patient", n_neighbors=1).fit(train).locate(new)
        group_out.append((loc.groups().p <= 0.05).mean())
    assert np.mean(group_out) - 3 * np.std(group_out) / np.sqrt(12) <= 0.057


def test_p_of_a_group_is_its_rank_by_the_median():
    rng = np.random.default_rng(0)
    train, new = patients(rng, np.full(25, 9)), patients(rng, np.full(4, 9), first=99)
    new.loc[new["patient"] == "p101", "x0"] += 9.0
    domain = hw.Domain(groups="patient").fit(train)
    loc = domain.locate(new)
    reference = domain.fitted_.pattern(domain.fitted_.every_column).reference
    usual = np.array([np.median(reference.hull[reference.groups == g]) for g in range(25)])
    distance = pd.Series(np.where(loc.verdict == 1, 0, loc.upper))
    for name, own in distance.groupby(new["patient"]):
        place = loc.groups().names.tolist().index(name)
        p = (1 + (usual >= own.median()).sum()) / 26
        assert loc.groups().p[place] == pytest.approx(p)
    frame = loc.groups().to_frame()
    assert frame["p"][frame["patient"] == "p101"].item() == pytest.approx(1 / 26)
    assert frame["share_out"][frame["patient"] == "p101"].item() == 1
    text = loc.groups().text
    assert text.startswith(
        "4 new patients, compared with 25 left out whole: 1 of them out (p of the farthest: 0.038)."
    )
    assert "By rows, as if they were independent" in text


def test_one_row_of_a_patient_and_rows_of_patients_unknown():
    rng = np.random.default_rng(1)
    train, new = patients(rng, np.full(30, 6)), patients(rng, np.full(5, 6), first=99)
    domain = hw.Domain(groups="patient").fit(train)
    one = domain.locate_one({**new.iloc[0].drop("patient").to_dict(), "x1": 50.0})
    assert one.chance() == pytest.approx(2 / 31) or one.chance() == pytest.approx(1 / 31)
    without = domain.locate(new.drop(columns="patient"))
    assert np.isnan(without.chance())
    assert without.groups() is None
    assert any("which new rows belong together is not known" in note for note in without.notes)
    known = domain.locate(pd.concat([train[:6], new[:6]], ignore_index=True))
    assert np.isnan(known.groups().p[0])
    assert known.groups().p[1] > 0
    assert any("1 of 2 groups (patient) are in the training rows too" in n for n in known.notes)


def test_few_groups_have_no_beyond_and_it_is_said():
    rng = np.random.default_rng(2)
    train, new = patients(rng, np.full(12, 10)), patients(rng, np.full(8, 10), first=99)
    domain = hw.Domain(groups="patient").fit(train)
    assert any(
        "12 groups (patient): no row is 'beyond'" in note and "at most 1 of 13" in note
        for note in domain.fitted_.notes
    )
    assert "beyond" not in domain.locate(new.assign(x0=np.linspace(0, 9, 80))).band
    with pytest.raises(DataError, match="all rows are of one group"):
        hw.Domain(groups="patient").fit(train.assign(patient="p"))


def test_of_many_groups_some_are_left_out_and_the_others_give_the_units():
    rng = np.random.default_rng(3)
    train = patients(rng, rng.integers(1, 4, 2 * MAX_GROUPS_LEFT_OUT + 50), d=3)
    domain = hw.Domain(groups="patient").fit(train)
    reference = domain.fitted_.pattern(domain.fitted_.every_column).reference
    assert reference.n_groups == MAX_GROUPS_LEFT_OUT
    assert domain.fitted_.units.own_ratio is None
    left_out = train["patient"].isin(train["patient"].iloc[reference.rows])
    np.testing.assert_allclose(
        1 / domain.fitted_.units.root, train.loc[~left_out, ["x0", "x1", "x2"]].std(ddof=0), 1e-9
    )
    changed = train.copy()
    changed.loc[left_out, "x0"] *= 3.0
    again = hw.Domain(groups="patient").fit(changed)
    np.testing.assert_array_equal(again.fitted_.units.root, domain.fitted_.units.root)
    assert any("200 of 450 groups" in note for note in domain.fitted_.notes)


def test_rows_with_gaps_are_compared_with_groups_that_have_the_same():
    rng = np.random.default_rng(4)
    train, new = patients(rng, np.full(60, 8)), patients(rng, np.full(10, 8), first=99)
    for table in (train, new):
        table.loc[table["x0"] < 0, "x1"] = np.nan
    loc = hw.Domain(groups="patient").fit(train).locate(new)
    assert {part.pattern.alike for part in loc.parts} == {True}
    gap = next(part for part in loc.parts if not part.pattern.columns.all())
    assert gap.pattern.reference.n_groups >= 20
    assert loc.chance() > 0.001


def test_a_level_that_one_group_alone_has_is_no_distance():
    rng = np.random.default_rng(5)
    train, new = patients(rng, np.full(30, 5)), patients(rng, np.full(6, 5), first=99)
    train["device"] = np.where(train["patient"] == "p3", "old", rng.choice(["a", "b"], len(train)))
    new["device"] = "a"
    new.loc[:4, "device"] = "new"
    domain = hw.Domain(groups="patient").fit(train)
    reference = domain.fitted_.pattern(domain.fitted_.every_column).reference
    assert reference.n_groups == 29
    assert not reference.off.any()
    loc = domain.locate(new)
    assert loc.unseen_rate == pytest.approx(2 / 31)
    assert (loc.band[:5] == "far").all()
    assert loc.chance_by_name() == pytest.approx(1 - (31 / 37) ** 2)


def test_a_kept_domain_of_groups_answers_the_same(tmp_path):
    rng = np.random.default_rng(6)
    train, new = patients(rng, np.full(25, 6)), patients(rng, np.full(5, 6), first=20)
    train.loc[::7, "x2"] = np.nan
    domain = hw.Domain(groups="patient").fit(train, progress=lambda *_: None)
    domain.save(tmp_path / "seen.hull")
    again = hw.load(tmp_path / "seen.hull")
    for table in (new, new.assign(x2=np.nan)):
        before, after = domain.locate(table), again.locate(table)
        np.testing.assert_array_equal(before.hull_percentile, after.hull_percentile)
        assert before.groups().text == after.groups().text
        assert before.chance() == after.chance()
        assert after.verify(train, exact=True).all()
    domain.locate(new).save_proofs(tmp_path / "where.npz")
    assert again.verify(tmp_path / "where.npz", train, new=new).all()
    picked = domain.locate(new)[[0, 1, 20]]
    assert len(picked.groups()) == 2
    domain.write_spec(tmp_path / "columns.toml")
    assert 'patient = "group"' in (tmp_path / "columns.toml").read_text()
    third = hw.Domain(columns_from=tmp_path / "columns.toml").fit(train).locate(new)
    np.testing.assert_array_equal(third.band, domain.locate(new).band)


@pytest.mark.parametrize(("name", "hinted"), [("subject#", True), ("weight", False)])
def test_a_hint_where_rows_of_one_id_are_near_copies(name, hinted):
    rng = np.random.default_rng(7)
    table = patients(rng, np.full(40, 12), correlation=0.95)
    table[name] = table.pop("patient").str[1:].astype(int)
    notes = hw.Domain().fit(table).fitted_.notes
    assert any(f"rows of one {name!r} are near-copies" in note for note in notes) == hinted
    independent = patients(rng, np.full(40, 12), correlation=0.0).rename(columns={"patient": name})
    assert not any("near-copies" in note for note in hw.Domain().fit(independent).fitted_.notes)
    assert not any("near-copies" in n for n in hw.Domain(groups=name).fit(table).fitted_.notes)


def test_patients_of_the_bundled_recordings():
    """By rows, many of these honest rows would be beyond or far."""
    from hullwise.samples import load

    sample = load("parkinsons")
    table = pd.DataFrame(sample.X, columns=sample.columns).assign(patient=sample.groups)[::2]
    new = np.random.default_rng(0).permutation(np.unique(sample.groups))[:8]
    is_new = table["patient"].isin(new)
    train = table[~is_new].reset_index(drop=True)
    loc = hw.Domain(groups="patient").fit(train).locate(table[is_new].reset_index(drop=True))
    assert np.isin(loc.band, ("beyond", "far")).mean() < 0.05
    assert loc.chance() > 0.05
    assert loc.groups().share_out_by_rows > 0.1
    assert any("'patient' are near-copies" in note for note in hw.Domain().fit(train).fitted_.notes)
