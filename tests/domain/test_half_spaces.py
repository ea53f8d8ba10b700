"""Half-spaces: what they prove is true, how much they prove, and that they hold no training row."""

import re

import numpy as np
import pandas as pd
import pytest

import hullwise as hw
from hullwise.errors import DataError, FileError
from shared_data import shared_path

pytestmark = pytest.mark.filterwarnings("ignore::hullwise.errors.DataWarning")
RANKS = {"core": 0, "edge": 1, "beyond": 2, "far": 3, "unknown": 4}
TABLES = ("penguins", "titanic", "german_credit", "wage", "bikeshare", "hitters")


def people(n, seed=0, gaps=0.0):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "age": rng.normal(40, 10, n).round(),
            "pay": np.exp(rng.normal(3, 0.5, n)),
            "job": rng.choice(["nurse", "clerk", "smith"], n, p=[0.5, 0.3, 0.2]),
            "member": rng.random(n) < 0.3,
            "grade": rng.choice(["low", "mid", "high"], n),
            "hour": rng.integers(0, 24, n),
            "site": "north",
        }
    )
    for name in ("age", "job", "hour"):
        table[name] = table[name].astype(object)
        table.loc[rng.random(n) < gaps, name] = None
    return table


def people_domain(**options):
    return hw.Domain(
        log=["pay"], periodic={"hour": 24}, ordered={"grade": ["low", "mid", "high"]}, **options
    )


def moved(table, seed):
    """Rows of a table with cells of other rows, and numbers moved out."""
    rng = np.random.default_rng(seed)
    out = table.copy()
    for name in table.columns:
        mask = rng.random(len(out)) < 0.2
        out.loc[mask, name] = table[name].sample(frac=1, random_state=seed).to_numpy()[mask]
        if table[name].dtype.kind in "if":
            mask = rng.random(len(out)) < 0.1
            out[name] = out[name].astype(float)
            out.loc[mask, name] += rng.uniform(1, 4, int(mask.sum())) * table[name].std()
    return out


@pytest.fixture(scope="module")
def domain():
    return people_domain().fit(people(400, gaps=0.1))


@pytest.fixture(scope="module")
def rules(domain):
    return domain.half_spaces(n_directions=200)


def assert_sound(rules, domain, table):
    """Nothing that is proved contradicts the hull itself."""
    proved, located = rules.locate(table), domain.locate(table)
    assert not (proved.proved_outside & (located.verdict == 1)).any()
    assert (proved.lower <= located.upper * (1 + 1e-6) + 1e-12).all()
    ranks = [np.array([RANKS[b] for b in band]) for band in (proved.band_at_least, located.band)]
    assert (ranks[0] <= ranks[1]).all()
    return proved, located


def test_no_training_row_is_proved_outside(rules, domain):
    located = rules.locate(people(400, gaps=0.1))
    assert not located.proved_outside.any()
    assert (located.lower == 0).all()
    assert (located.rule == -1).all()
    assert set(located.by) == {""}
    assert_sound(rules, domain, people(300, seed=1, gaps=0.2))


def test_mixtures_of_rows_of_one_kind_are_never_proved_outside(rules):
    table, rng = people(400, gaps=0.1), np.random.default_rng(0)
    kinds = table.dropna().groupby(["job", "member", "grade", "hour"])
    rows = []
    for _, same in kinds:
        weights = rng.dirichlet(np.full(len(same), 0.3), 5)
        mixtures = pd.DataFrame([same.iloc[0]] * 5).reset_index(drop=True)
        mixtures["age"] = weights @ same["age"].astype(float)
        mixtures["pay"] = 10 ** (weights @ np.log10(same["pay"]))
        rows.append(mixtures)
    assert not rules.locate(pd.concat(rows, ignore_index=True)).proved_outside.any()


@pytest.mark.parametrize("name", TABLES)
def test_shared_tables(name):
    """Sound against the hull, and every far row is proved outside, most of them with a band."""
    table = pd.read_csv(shared_path(f"tables/{name}.csv.gz"))
    table = table.sample(min(len(table), 1500), random_state=0).reset_index(drop=True)
    n = int(0.7 * len(table))
    domain = hw.Domain(reference=200).fit(table[:n])
    rules = domain.half_spaces(n_directions=250)
    assert not rules.locate(table[:n]).proved_outside.any()
    assert_sound(rules, domain, table[n:].reset_index(drop=True))
    proved, located = assert_sound(rules, domain, moved(table[n:].reset_index(drop=True), 1))
    far, out = located.band == "far", np.isin(located.band, ("beyond", "far"))
    assert proved.proved_outside[far].mean() > 0.97
    assert proved.proved_outside[out].mean() > 0.9
    assert proved.at_least("beyond")[far].mean() > 0.4


def test_rules_in_words(rules):
    row = people(400, gaps=0.1).dropna().iloc[0].to_dict()
    text = rules.locate_one({**row, "job": "pilot"}).status[0]
    assert text == "proved outside: job 'pilot' was never seen in 400 training rows (3 levels)."
    old = rules.locate_one({**row, "age": 120})
    assert old.by[0].startswith("age: no training row has more than ")
    assert "this row has 120;" in old.by[0]
    assert (old.band_at_least[0], old.verdict[0]) == ("far", -1)
    south = rules.locate_one({**row, "site": "south"})
    assert "site was always 'north', not 'south'" in south.by[0]
    inside = rules.locate_one(row)
    assert inside.status[0].startswith("not proved outside")
    located = rules.locate(moved(people(300, seed=4), 5))
    by = next(by for by, k in zip(located.by, located.rule) if k > len(rules.columns))
    assert "no training row has more than" in by


def test_a_rule_in_words_adds_up_to_its_bound():
    """What the sentence says is the distance: both sums differ by the lower bound."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=400)
    rules = hw.Domain().fit(pd.DataFrame({"a": x, "b": x + 0.1 * rng.normal(size=400)}))
    located = rules.half_spaces(n_directions=50).locate(pd.DataFrame({"a": [1.0], "b": [-1.0]}))
    most, has = re.search(r"more than (\S+), this row has at least (\S+)", located.by[0]).groups()
    assert float(has) - float(most) == pytest.approx(located.lower[0], abs=2e-3)


def test_gaps(rules, domain):
    """A row with a gap is judged by the half-spaces that do not weigh its column."""
    row = {"age": 40, "pay": 20.0, "job": "nurse", "member": True, "grade": "low", "hour": 3}
    row["site"] = "north"
    assert not rules.locate_one({**row, "age": None, "job": None}).proved_outside[0]
    far = rules.locate_one({**row, "age": None, "pay": 1e9})
    assert far.proved_outside[0]
    assert far.lower[0] <= domain.locate_one({**row, "age": None, "pay": 1e9}).upper[0]
    nothing = rules.locate_one(dict.fromkeys(row))
    assert not nothing.proved_outside[0]
    assert nothing.band_at_least[0] == "core"
    uses = rules.uses[~rules.uses[:, 0]]
    assert uses.any()  # half-spaces for rows without an age


def test_offset_rounding(domain, rules):
    rounded = domain.half_spaces(n_directions=50, offset_rounding=0.25)
    assert np.allclose(rounded.offsets / 0.25, np.rint(rounded.offsets / 0.25))
    assert rounded.maximum[0] >= rules.maximum[0]
    assert not rounded.locate(people(400, gaps=0.1)).proved_outside.any()
    with pytest.raises(DataError, match="offset_rounding"):
        domain.half_spaces(offset_rounding=-1)
    none = domain.half_spaces(n_directions=0)
    assert len(none.weights) == 0
    assert none.locate_one({**people(1).iloc[0].to_dict(), "age": 200.0}).proved_outside[0]


def test_the_file_holds_no_training_row(domain, rules, tmp_path):
    table = people(400, gaps=0.1).assign(id=[f"patient-{i:06d}" for i in range(400)])
    table["secret"] = np.random.default_rng(0).normal(size=400)
    domain = people_domain().fit(table, id="id", target="secret")
    path = tmp_path / "rules.hull"
    domain.save(path, keep="half-spaces")
    content = path.read_bytes()
    assert b"patient-" not in content
    assert domain.fitted_.digest.encode() not in content
    values = domain.fitted_.values
    middle = np.abs(values[:, 1] - np.median(values[:, 1])) < np.ptp(values[:, 1]) / 4
    for number in [*values[middle, 1], *table["secret"], *table["pay"]]:
        assert np.float64(number).tobytes() not in content
    assert len(content) < 200_000


def test_a_file_says_the_same(rules, tmp_path):
    path = tmp_path / "rules.hull"
    rules.save(path)
    loaded = hw.load(path)
    assert isinstance(loaded, hw.HalfSpaces)
    assert str(loaded) == str(rules)
    table = moved(people(300, seed=7, gaps=0.1), 8)
    ours, theirs = rules.locate(table), loaded.locate(table)
    pd.testing.assert_frame_equal(ours.to_frame(), theirs.to_frame())
    with pytest.raises(FileError, match="exists"):
        rules.save(path)


def test_damaged_files_are_refused(rules, tmp_path):
    path = tmp_path / "rules.hull"
    rules.save(path)
    content = path.read_bytes()
    rng = np.random.default_rng(0)
    refused = []
    for _ in range(60):
        damaged = bytearray(content)
        damaged[rng.integers(len(content))] ^= 1 << rng.integers(8)
        path.write_bytes(damaged)
        try:
            loaded = hw.load(path)
        except FileError as error:
            refused.append(str(error))
        else:  # a bit of padding, or of the names of columns
            assert np.array_equal(loaded.weights, rules.weights)
    assert len(refused) > 40
    assert all(text.startswith(str(path)) for text in refused)
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(FileError):
        hw.load(path)


def test_rows_can_be_picked(rules):
    located = rules.locate(moved(people(50, seed=9), 9))
    picked = located[located.proved_outside]
    assert len(picked) == located.proved_outside.sum()
    assert picked.by == [by for by in located.by if by]
    assert repr(located[:1]).startswith("HalfSpaceLocation(1 row:")
    with pytest.raises(DataError, match="expected one of"):
        located.at_least("inside")


def test_every_distribution_of_sizes_is_sound():
    """Columns of very different sizes, far from 0, nearly dependent, and a linear relation."""
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(2, 300))
    table = pd.DataFrame(
        {
            "tiny": 1e-30 * a,
            "huge": 1e30 * b,
            "stamp": 1.7e9 + 1e4 * rng.normal(size=300),
            "sum": a + b,
            "near": a + 1e-9 * b,
        }
    )
    domain = hw.Domain().fit(table)
    rules = domain.half_spaces(n_directions=100)
    assert not rules.locate(table).proved_outside.any()
    weights = rng.dirichlet(np.ones(10), 500)
    mixtures = np.einsum("ij,ijk->ik", weights, table.to_numpy()[rng.integers(300, size=(500, 10))])
    assert not rules.locate(pd.DataFrame(mixtures, columns=table.columns)).proved_outside.any()
    proved, _ = assert_sound(rules, domain, moved(table, 0))
    assert proved.proved_outside.mean() > 0.5


def test_few_rows():
    rules = hw.Domain().fit([{"x": 1.0, "k": "a"}, {"x": 2.0, "k": "a"}, {"x": 5.0, "k": "b"}])
    located = rules.half_spaces().locate([{"x": 1.5, "k": "a"}, {"x": 9.0, "k": "b"}])
    assert located.proved_outside.tolist() == [False, True]
    with pytest.raises(DataError, match="not fitted"):
        hw.Domain().half_spaces()


@pytest.mark.parametrize("options", [{"groups": "clinic"}, {"metric": "range"}, {"metric": None}])
def test_bands_of_other_references_and_metrics(options):
    rng = np.random.default_rng(0)
    table = people(400, gaps=0.1).assign(clinic=rng.integers(0, 40, 400).astype(str))
    new = moved(people(300, seed=1, gaps=0.1), 1).assign(clinic="new")
    if "groups" not in options:
        table, new = (t.drop(columns="clinic") for t in (table, new))
    domain = people_domain(**options).fit(table)
    rules = domain.half_spaces(n_directions=100)
    assert not rules.locate(table).proved_outside.any()
    proved, _ = assert_sound(rules, domain, new)
    assert proved.at_least("edge").any()


def test_domains_that_have_no_half_spaces():
    table = people(200).assign(region=["a", "b"] * 100)
    with pytest.raises(DataError, match="segments"):
        people_domain(by="region").fit(table).half_spaces()
