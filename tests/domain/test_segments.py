"""A domain for each segment: rates, levels never seen at a site, small and new sites, files."""

import numpy as np
import pandas as pd
import pytest

import hullwise as hw
from hullwise.errors import DataError

pytestmark = pytest.mark.filterwarnings("ignore::hullwise.errors.DataWarning")
SITES = {"A": 0.0, "B": 6.0, "C": -5.0}


def measured(rng, n, sites="ABC"):
    """Sites that measure in their own units, with jobs of their own."""
    site = rng.choice(list(sites), n)
    scale = np.where(site == "B", 3.0, 1.0)
    centre = np.array([SITES.get(name, 0.0) for name in site])
    job = np.where(site == "C", "smith", rng.choice(["nurse", "clerk"], n))
    x = centre[:, None] + scale[:, None] * rng.normal(size=(n, 3))
    return pd.DataFrame(x, columns=["x", "y", "z"]).assign(job=job, site=site)


@pytest.fixture(scope="module")
def train():
    return measured(np.random.default_rng(0), 900)


@pytest.fixture(scope="module")
def domain(train):
    return hw.Domain(by="site").fit(train)


def test_rates_hold_in_every_segment(train):
    out = {site: [] for site in SITES}
    for seed in range(12):
        rng = np.random.default_rng([seed, 1])
        train, new = measured(rng, 240), measured(rng, 300)
        loc = hw.Domain(by="site", n_neighbors=1).fit(train).locate(new)
        assert loc.chance() > 0.001
        for site in SITES:
            of_site = (new["site"] == site).to_numpy()
            out[site].append(np.isin(loc.band, ("beyond", "far"))[of_site].mean())
    for rates in out.values():
        error = np.std(rates) / np.sqrt(len(rates))
        assert np.mean(rates) - 3 * error <= 1.14 * 0.0625  # 5 of 81: r is about 80
        assert np.mean(rates) > 0.015


def test_a_row_of_another_site_is_far(domain):
    rows = measured(np.random.default_rng(2), 200, "A")
    moved = domain.locate(rows.assign(site="B"))
    assert np.isin(moved.band, ("beyond", "far")).mean() > 0.2
    assert np.isin(domain.locate(rows).band, ("beyond", "far")).mean() < 0.15
    whole = hw.Domain(drop=["site"]).fit(measured(np.random.default_rng(0), 900)).locate(rows)
    assert np.isin(whole.band, ("beyond", "far")).mean() < 0.05


def test_each_segment_has_units_hull_and_left_out_rows_of_its_own(domain, train):
    assert domain.fitted_.segments.names == ("site 'A'", "site 'B'", "site 'C'")
    for segment, site in enumerate("ABC"):
        rows = np.flatnonzero(train["site"] == site)
        pattern = domain.fitted_.pattern(domain.fitted_.every_column, segment=segment)
        np.testing.assert_array_equal(pattern.rows, rows)
        spread = train.loc[rows, ["x", "y", "z"]].std(ddof=0)
        np.testing.assert_allclose(1 / pattern.reference.metric.root[:3], spread, 1e-9)
        near = domain.locate(train.iloc[rows[:5]].reset_index(drop=True)).nearest_rows
        assert {train["site"][r] for numbers in near for r in numbers} == {site}


def test_a_level_never_seen_at_a_site_is_far_by_name(domain, train):
    row = measured(np.random.default_rng(3), 1, "A").assign(job="smith")
    loc = domain.locate(row)
    assert loc.band[0] == "far"
    assert loc.distance_band[0] in ("core", "edge")
    assert (
        "job 'smith' was never seen in training rows of site 'A', and is elsewhere" in loc.status[0]
    )
    assert loc.status[0].endswith("Located in site 'A'.")
    assert loc.to_dict()["segment"] == ["site 'A'"]
    assert loc.verify(train, exact=True).all()


def test_a_site_never_seen_is_far_by_name_and_located_in_the_nearest(domain, train):
    rows = measured(np.random.default_rng(4), 60, "ABC")
    loc = domain.locate(rows.assign(site="D"))
    assert (loc.band == "far").all()
    names = np.array([f"site {site!r}" for site in rows["site"]])
    assert (loc.segmented.names == names).mean() > 0.9
    assert "site 'D' was never seen in 900 training rows (3 levels)" in loc.status[0]
    assert "Located in the nearest, site" in loc.status[0]
    assert loc.chance_by_name() < 1e-6
    assert loc.verify(train).all()
    empty = domain.locate(rows[:3].assign(site=None))
    assert "site '(empty)' was never seen" in empty.status[0] or (empty.band == "far").all()


@pytest.mark.parametrize(
    ("sizes", "names", "note"),
    [
        ({"a": 12, "b": 15}, "site 'a', 'b' together", "one another's, pooled"),
        ({"a": 7}, "all training rows", "located among all training rows"),
    ],
)
def test_small_segments(sizes, names, note):
    rng = np.random.default_rng(5)
    small = [measured(rng, n, "A").assign(site=name) for name, n in sizes.items()]
    train = pd.concat([measured(rng, 300), *small], ignore_index=True)
    domain = hw.Domain(by="site").fit(train)
    loc = domain.locate(small[0])
    assert set(loc.segmented.names) == {names}
    assert any(note in text and "'a' (" in text for text in domain.fitted_.notes)
    n_rows = len(loc.parts[0].pattern.rows)
    assert n_rows == (sum(sizes.values()) if len(sizes) > 1 else len(train))
    assert loc.verify(train).all()


def test_segments_of_groups(tmp_path):
    rng = np.random.default_rng(6)
    table = measured(rng, 900).sort_values("site", ignore_index=True)
    table["batch"] = np.arange(900) // 6
    new = measured(rng, 90).assign(batch=np.arange(90) // 6 + 1000)
    domain = hw.Domain(by="site", groups="batch").fit(table)
    for segment in range(3):
        reference = domain.fitted_.pattern(domain.fitted_.every_column, segment=segment).reference
        assert 40 <= reference.n_groups <= 60
    few = hw.Domain(by="site", groups="batch").fit(table[::2].assign(batch=lambda t: t.batch // 4))
    assert any("groups (batch) in site 'A' (" in note for note in few.fitted_.notes)
    loc = domain.locate(new)
    assert len(loc.groups()) == 15
    assert loc.chance() > 0.001
    domain.save(tmp_path / "seen.hull")
    after = hw.load(tmp_path / "seen.hull").locate(new)
    assert after.groups().text == loc.groups().text
    assert after.status == loc.status


def test_a_kept_domain_of_segments_answers_the_same(domain, train, tmp_path):
    new = measured(np.random.default_rng(7), 80)
    new.loc[::5, "x"] = np.nan
    new.loc[3, "site"] = "D"
    loc = domain.locate(new)
    domain.save(tmp_path / "seen.hull")
    again = hw.load(tmp_path / "seen.hull")
    assert str(again) == str(domain)
    assert "site  segment   a domain for each of 3: A, B, C" in str(domain)
    after = again.locate(new)
    assert after.status == loc.status
    assert after.chance() == loc.chance()
    loc.save_proofs(tmp_path / "where.npz")
    assert again.verify(tmp_path / "where.npz", train, new=new, exact=True).all()
    domain.write_spec(tmp_path / "columns.toml")
    third = hw.Domain(columns_from=tmp_path / "columns.toml").fit(train).locate(new)
    assert third.status == loc.status
    np.testing.assert_array_equal(loc[[5, 3]].segmented.names, loc.segmented.names[[5, 3]])
    with pytest.raises(DataError, match="half-spaces are of all training rows together"):
        domain.half_spaces()


def test_a_proof_of_another_segment_is_refused(domain, train):
    from dataclasses import replace

    from hullwise.domain.proofs import Proofs, verify_proofs

    new = measured(np.random.default_rng(8), 30)
    proofs = Proofs.of(domain.locate(new))
    moved = tuple(replace(part, segment=(part.segment + 1) % 3) for part in proofs.parts)
    assert not verify_proofs(
        domain.fitted_, replace(proofs, parts=moved), domain.read_table(train)
    ).any()


def test_bands_of_segments_are_said_to_be_of_each_segment():
    from hullwise.report import render_report

    rng = np.random.default_rng(0)
    rows = [{"age": float(rng.normal()), "site": "ab"[i % 2]} for i in range(120)]
    location = hw.Domain(by="site").fit(rows).locate(rows[:10])
    page = render_report(location)
    assert "each against rows of its own segment left out in turn" in page
    assert "farther out than all of them" in page


def test_a_row_that_its_own_segment_says_nothing_of_is_proved_to_be_so():
    rng = np.random.default_rng(0)
    site = np.array(["a", "b"] * 30)
    x, y = rng.normal(size=60), rng.normal(size=60)
    y[site == "b"] = np.nan  # never measured there
    table = pd.DataFrame({"site": site, "x": x, "y": y})
    domain = hw.Domain(by="site").fit(table)
    new = pd.DataFrame({"site": ["a", "b", "b"], "x": [0.0, 0.0, np.nan], "y": [0.0, 0.0, 1.0]})
    location = domain.locate(new)
    assert location.band.tolist()[1:] == ["unknown", "unknown"]
    assert location.verify(table).all()
