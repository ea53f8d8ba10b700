"""A table fitted once and asked for new rows: as it is, with gaps, new levels, from a file."""

import json
import warnings
import zipfile

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import hullwise as hw
from hullwise.errors import DataError, DataTypeError, FileError
from shared_data import SHARED

pytestmark = pytest.mark.filterwarnings("ignore::hullwise.errors.DataWarning")


def people(n, seed=0, gaps=0.0):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "age": rng.normal(40, 10, n).round(),
            "pay": np.exp(rng.normal(3, 0.5, n)),
            "job": rng.choice(["nurse", "clerk", "smith"], n, p=[0.5, 0.3, 0.2]),
            "hour": rng.integers(0, 24, n),
        }
    )
    for name in ("age", "job"):
        table.loc[rng.random(n) < gaps, name] = None
    return table


@pytest.fixture(scope="module")
def domain():
    return hw.Domain(periodic={"hour": 24}).fit(people(300))


def test_what_columns_were_taken_for_is_said(domain):
    text = str(domain)
    assert "Domain(300 rows, 4 columns in 6 coordinates)" in text
    for words in ("age   number    whole number", "3 levels: clerk, nurse, smith", "circle of 24"):
        assert words in text


def test_rows_drawn_alike_are_as_usual(domain):
    loc = domain.locate(people(400, seed=1))
    assert np.isin(loc.band, ("beyond", "far")).mean() < 0.12
    assert loc.chance() > 0.001
    assert domain.locate(people(400, seed=1).assign(age=90.0)).chance() < 1e-6


def test_order_and_other_columns_do_not_matter(domain):
    table = people(20, seed=2)
    loc = domain.locate(table)
    shuffled = domain.locate(table.assign(note="x")[["note", "hour", "job", "pay", "age"]])
    np.testing.assert_array_equal(loc.upper, shuffled.upper)
    assert any("not known are ignored: 'note'" in note for note in shuffled.notes)
    with pytest.raises(DataError, match="lacks the column 'pay'"):
        domain.locate(table.drop(columns="pay"))


def test_a_level_never_seen_is_far_by_name(domain):
    row = people(1, seed=3).iloc[0].to_dict()
    known, new = domain.locate_one(row), domain.locate_one({**row, "job": "pilot"})
    assert new.band[0] == "far"
    assert new.verdict[0] == -1
    assert new.status[0].startswith(
        "far: job 'pilot' was never seen in 300 training rows (3 levels)"
    )
    assert not any("empty" in note for note in new.notes)
    assert 0 < new.chance_by_name() < 0.02
    empty = domain.locate_one({**row, "job": None})
    assert empty.distance_band[0] == new.distance_band[0]
    assert new.upper[0] == empty.upper[0] <= known.upper[0] + 1e-9


def test_a_constant_that_moves_is_far_by_name():
    domain = hw.Domain().fit(people(100).assign(site="north"))
    loc = domain.locate(people(3, seed=1).assign(site=["north", "south", "north"]))
    assert (loc.band == "far").tolist()[1]
    assert "site was always 'north', not 'south'" in loc.status[1]


def test_the_distance_is_the_least_over_all_fillings(domain):
    row = {"age": 75.0, "pay": 120.0, "job": "smith", "hour": 3}
    gap = domain.locate_one({**row, "age": None})
    fillings = domain.locate(pd.DataFrame([{**row, "age": age} for age in np.linspace(20, 60, 81)]))
    assert gap.lower[0] <= fillings.upper.min() + 1e-9
    assert fillings.upper.min() <= gap.upper[0] * 1.02
    assert gap.located_without(0) == ["age"]


@pytest.mark.parametrize("missing", ["each", "columns", "rows"])
def test_gaps(missing):
    domain = hw.Domain(missing=missing).fit(people(600, gaps=0.15))
    loc = domain.locate(people(300, seed=5, gaps=0.15))
    assert (loc.band != "unknown").all()
    assert np.isin(loc.band, ("beyond", "far")).mean() < 0.12
    n_columns = len(domain.fitted_.coordinates.columns)
    assert (n_columns, len(domain.fitted_)) == {
        "each": (4, 600),
        "columns": (2, 600),
        "rows": (4, len(people(600, gaps=0.15).dropna())),
    }[missing]


def test_rows_with_gaps_are_compared_with_rows_that_have_the_same():
    """Gaps that depend on the row: complete rows alone would call most of them far out."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"wind": rng.normal(size=1200), "gust": rng.normal(size=1200)})
    table.loc[table["wind"] < 0.5, "gust"] = np.nan
    domain = hw.Domain().fit(table[:800])
    loc = domain.locate(table[800:].reset_index(drop=True))
    out = np.isin(loc.band, ("beyond", "far"))
    assert out[table["gust"][800:].isna().to_numpy()].mean() < 0.1
    calm = int(np.flatnonzero(table["gust"][800:].isna())[0])
    assert "training rows that lack the same" in loc.status[calm]


def test_reasons_are_in_the_words_and_units_of_the_table(domain):
    loc = domain.locate_one({"age": 95, "pay": 20.0, "job": "nurse", "hour": 12})
    reasons = dict(loc.pushed_out_by()[0])
    assert 0 < reasons["age"] < 60
    assert all(0 < amount <= 1 for name, amount in reasons.items() if name == "job")
    assert "age +" in loc.to_frame()["pushed_out_by"][0]


def test_proofs_of_every_pattern_hold(domain):
    loc = domain.locate(people(60, seed=7, gaps=0.2))
    for part in loc.parts:
        assert part.location.verify(part.pattern.cloud, exact=True).all()
    assert sum(len(part.rows) for part in loc.parts) == 60


def test_rows_can_be_picked(domain):
    loc = domain.locate(people(30, seed=8, gaps=0.2))
    picked = loc[[3, 20, 7]]
    np.testing.assert_array_equal(picked.upper, loc.upper[[3, 20, 7]])
    assert picked.status == [loc.status[i] for i in (3, 20, 7)]
    assert len(json.dumps(picked.to_dict())) > 100


def test_a_kept_domain_answers_the_same(domain, tmp_path):
    path = tmp_path / "seen.hull"
    table = people(50, seed=9, gaps=0.1)
    before = domain.locate(table)
    domain.save(path)
    after = hw.load(path).locate(table)
    np.testing.assert_array_equal(before.upper, after.upper)
    np.testing.assert_array_equal(before.band, after.band)
    assert str(hw.load(path)) == str(domain)
    with pytest.raises(FileError, match="exists"):
        domain.save(path)


def test_references_are_kept_and_not_measured_again(domain, tmp_path, monkeypatch):
    from hullwise.geometry import left_out

    path = tmp_path / "seen.hull"
    domain.save(path)
    monkeypatch.setattr(left_out, "reference_distances", lambda *_: pytest.fail("measured"))
    assert hw.load(path).locate(people(5, seed=1)).band.shape == (5,)


@pytest.mark.parametrize(
    "change",
    [
        {"format": 99},
        {"columns": [{"role": "number"}]},
        {"columns": []},
        {"patterns": [[True]]},
        {"metric": "furlong"},
        {"unused": [{}]},
    ],
)
def test_files_that_hold_no_whole_domain_are_refused(domain, tmp_path, change):
    path, changed = tmp_path / "seen.hull", tmp_path / "changed.hull"
    domain.save(path)
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(changed, "w") as new:
        for info in old.infolist():
            content = old.read(info)
            if info.filename == "header.json":
                content = json.dumps({**json.loads(content), **change}).encode()
            new.writestr(info.filename, content)
    with pytest.raises(FileError, match=str(changed)):
        hw.load(changed)


def test_a_file_of_columns_gives_the_same_domain(domain, tmp_path):
    path = tmp_path / "columns.toml"
    domain.write_spec(path)
    again = hw.Domain(columns_from=path).fit(people(300))
    table = people(20, seed=4)
    np.testing.assert_array_equal(again.locate(table).upper, domain.locate(table).upper)


def test_ids_name_the_nearest_rows():
    table = people(50).assign(id=[f"p{i}" for i in range(50)])
    loc = hw.Domain(n_neighbors=1).fit(table, id="id").locate(table[:5])
    assert loc.nearest_rows == [["p0"], ["p1"], ["p2"], ["p3"], ["p4"]]


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda d: hw.Domain().locate(people(1)), "not fitted"),
        (lambda d: hw.Domain().save("seen.hull"), "not fitted"),
        (lambda d: d.locate_one([1]), "expected one row as a dictionary"),
        (
            lambda d: d.locate(people(1).assign(age="old")),
            "column 'age' holds 'old', which is no number",
        ),
        (
            lambda d: d.locate_one({"age": [1], "pay": 1.0, "job": "nurse", "hour": 1}),
            "of the type",
        ),
        (lambda d: hw.Domain(metric="furlong"), "expected 'std', 'range' or None"),
        (lambda d: hw.Domain(missing="mean"), "expected 'each', 'columns' or 'rows'"),
    ],
)
def test_what_cannot_be_is_refused(domain, call, says):
    with pytest.raises((DataError, DataTypeError), match=says):
        call(domain)


@pytest.mark.parametrize("name", ["penguins", "hitters", "german_credit", "titanic"])
def test_real_tables_nothing_declared(name):
    path = SHARED / "tables" / f"{name}.csv.gz"
    if not path.exists():
        pytest.skip(f"{path.name} is not there: set HULLWISE_SHARED to the folder that holds it")
    table = pd.read_csv(path)
    rates = []
    for seed in range(4):
        order = np.random.default_rng(seed).permutation(len(table))
        cut = int(0.7 * len(table))
        parts = (table.iloc[rows].reset_index(drop=True) for rows in (order[:cut], order[cut:]))
        train, new = parts
        loc = hw.Domain().fit(train).locate(new)
        assert loc.chance() > 0.001
        rates.append(np.isin(loc.band, ("beyond", "far")).mean())
    assert np.mean(rates) < 0.1


def test_rows_are_called_by_their_id_wherever_it_was_declared(tmp_path):
    table = people(60).assign(person=[f"p{i}" for i in range(60)])
    by_argument = hw.Domain().fit(table, id="person")
    by_argument.write_spec(tmp_path / "columns.toml")
    by_argument.save(tmp_path / "people.hull")
    for domain in (
        by_argument,
        hw.Domain(columns_from=tmp_path / "columns.toml").fit(table),
        hw.load(tmp_path / "people.hull"),
    ):
        loc = domain.locate(table[5:7])
        assert loc.labels.tolist() == ["p5", "p6"]
        assert loc.nearest_rows[0][0] == "p5"


def test_reasons_are_ranked_by_their_part_of_the_distance(domain):
    row = {"age": 95, "pay": 20.0, "job": "clerk", "hour": 3}
    name, amount = domain.locate_one(row).pushed_out_by()[0][0]
    assert (name, amount > 15) == ("age", True)


def test_a_row_that_cannot_be_read_costs_no_other_row():
    rows = [{"age": 2 * i, "job": "ab"[i % 2]} for i in range(60)]
    domain = hw.Domain().fit(rows)
    new = [{"age": "8", "job": "a"}, {"age": "7x", "job": "c"}, {"age": "", "job": "b"}]
    with pytest.raises(hw.DataError, match="row 1, column 'age' holds '7x'"):
        domain.locate(new)
    location = domain.locate(new, bad_rows="keep")
    assert location.band.tolist() == ["core", "unknown", "core"]
    assert location.status[1] == "not located: column 'age' holds '7x', which is no number."
    assert location.located_without(1) == []
    assert location.verdict.tolist() == [1, 0, 1]
    assert location[[1, 0]].status == [location.status[1], location.status[0]]
    alone = domain.locate([new[0], new[2]])
    assert location.upper[[0, 2]].tolist() == alone.upper.tolist()


def test_columns_that_are_not_known_are_refused_where_that_is_wanted():
    rows = [{"age": 2 * i, "job": "ab"[i % 2]} for i in range(60)]
    domain = hw.Domain(drop=["note"]).fit([{**row, "note": "x"} for row in rows])
    assert len(domain.locate([{"age": 1, "job": "a", "note": "y"}], strict=True)) == 1
    with pytest.raises(hw.DataError, match="columns that the training table has not: 'size'"):
        domain.locate([{"age": 1, "job": "a", "size": 2}], strict=True)


def test_sentences_are_made_in_one_pass(monkeypatch):
    rows = [{"age": i * 7 % 31, "dose": None if i % 4 else i % 5} for i in range(120)]
    location = hw.Domain().fit(rows).locate(rows)
    calls = []
    texts = hw.Location.status_texts
    monkeypatch.setattr(hw.Location, "status_texts", lambda part: calls.append(1) or texts(part))
    assert len(location.status) == 120
    assert len(calls) == len(location.parts) == 2


def test_a_level_that_no_row_with_the_same_columns_holds_is_named():
    rng = np.random.default_rng(0)
    rows = [
        {
            "job": "smith" if i % 60 == 5 else "ab"[i % 2],
            "age": float(rng.normal()),
            "dose": None if i % 5 == 0 else float(rng.normal()),
        }
        for i in range(240)
    ]
    domain = hw.Domain().fit(rows)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of a flat of coordinates that no user knows
        location = domain.locate([{"job": "smith", "age": 0.1, "dose": 0.1}])
    assert location.status[0].endswith(
        "Of the training rows with these columns filled none holds job 'smith'."
    )


def test_a_column_left_out_may_hold_anything():
    columns = {"age": [i * 7 % 31 for i in range(60)], "tags": [["a"]] * 60}
    table = pa.table({**columns, "job": ["ab"[i % 2] for i in range(60)]})
    with pytest.raises(hw.DataTypeError, match="column 'tags' holds cells of the type list"):
        hw.Domain().fit(table)
    assert hw.Domain(drop=["tags"]).fit(table).locate(table).band[0] == "core"


def test_a_wholly_empty_row_is_called_that():
    domain = hw.Domain().fit({"a": [1.0, 2.0, 3.0, 2.5], "b": [2.0, 1.0, 3.0, 4.0]})
    loc = domain.locate([{"a": None, "b": None}, {"a": 2.0, "b": None}])
    assert loc.status[0] == "not located: each of its cells in the domain's columns is empty."
    assert "Located without b" in loc.status[1]


def test_ids_that_several_training_rows_share_are_noted():
    table = {"who": ["p1", "p1", "p2", "p3", "p3", "p3"], "a": [1.5, 2.0, 0.3, 4.0, 5.0, 2.2]}
    notes = " ".join(hw.Domain().fit(table, id="who").fitted_.notes)
    assert "5 of 6 training rows share their name in who with others ('p3': 3)" in notes
    unique = hw.Domain().fit({**table, "who": list("abcdef")}, id="who")
    assert not any("share their name" in note for note in unique.fitted_.notes)


def test_segments_are_shown_by_their_counts():
    table = {"a": [float(i % 7) for i in range(60)], "site": ["x", "y"] * 30}
    loc = hw.Domain(by="site").fit(table).locate({"a": [1.0, 2.0, 3.0], "site": ["x", "y", "x"]})
    assert repr(loc.segmented) == "SegmentedRows(3 rows: 2 in site 'x', 1 in site 'y')"


def test_an_array_of_another_width_is_refused():
    rng = np.random.default_rng(0)
    domain = hw.Domain().fit(rng.normal(size=(40, 3)))
    assert len(domain.locate(rng.normal(size=(5, 3)))) == 5
    with pytest.raises(DataError, match="has 4 columns, and the training table had 3"):
        domain.locate(rng.normal(size=(5, 4)))
    with pytest.raises(DataError, match="has 4 columns"):
        hw.Monitor(domain).update(rng.normal(size=(5, 4)))
    with pytest.raises(hw.HullwiseError, match="x2"):
        domain.locate(rng.normal(size=(5, 2)))
    named = pd.DataFrame(rng.normal(size=(5, 4)), columns=["x0", "x1", "x2", "more"])
    assert any("more" in note for note in domain.locate(named).notes)
