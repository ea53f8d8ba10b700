"""Columns as they come from files, frames and services: corners of what they are taken for."""

import datetime
import json
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

import hullwise as hw
from hullwise.errors import DataError, DataTypeError, HullwiseError
from hullwise.io.mixed_column import ColumnKind
from hullwise.io.mixed_table import read_mixed
from hullwise.table.columns import LevelColumn
from hullwise.table.infer import infer_columns
from hullwise.table.spec import ColumnSpec

pytestmark = pytest.mark.filterwarnings("ignore::hullwise.errors.DataWarning")

N = 200
RNG = np.random.default_rng(0)
X = RNG.normal(size=N)
FIVE = RNG.integers(0, 5, N)


def inferred(cells, **declared):
    """One column beside a number, and the notes."""
    spec = ColumnSpec.declare(**declared)
    frame = cells if hasattr(cells, "columns") else pd.DataFrame({"x": X, "c": cells})
    used, unused, notes = infer_columns(read_mixed(frame, gaps=spec.gaps), spec)
    (column,) = [c for c in (*used, *unused) if c.name == "c"]
    return column, notes


def levels(column):
    assert isinstance(column, LevelColumn)
    return column.levels


# ---- labels that look like numbers ---------------------------------------------------------------


@pytest.mark.parametrize("first", [10**15, 10**17, 2**62])
def test_long_whole_numbers_are_labels_however_they_are_stored(first, tmp_path):
    numbers = first + FIVE
    expected = tuple(str(first + k) for k in range(5))
    assert levels(inferred(numbers)[0]) == expected
    path = tmp_path / "t.csv"
    pd.DataFrame({"x": X, "c": numbers}).to_csv(path, index=False)
    used, _, _ = infer_columns(read_mixed(path), ColumnSpec())
    assert levels(used[1]) == expected


def test_long_codes_that_differ_are_left_out_not_an_error():
    column, notes = inferred(10**17 + 3 * np.arange(N))
    assert column.role == "left out"
    assert any("never seen" in note for note in notes)


def test_short_whole_numbers_are_numbers():
    assert inferred(10**14 + 7 * FIVE)[0].role == "number"
    with pytest.raises(DataError, match=r"row 0, column 'c' holds .* beyond 2"):
        inferred(10**17 + FIVE, numbers=["c"])


def test_leading_zeros_are_kept():
    assert levels(inferred([f"{k:03d}" for k in FIVE])[0]) == ("000", "001", "002", "003", "004")


@pytest.mark.parametrize("kind", ["csv", "parquet", "json", "records", "polars"])
@pytest.mark.parametrize("cells", [[1, 2, 3], [1.0, 2.0, 3.0], ["1", "2", "3"]], ids=str)
def test_whole_number_levels_are_the_same_in_every_kind_of_table(kind, cells, tmp_path):
    train = pd.DataFrame({"x": X, "c": FIVE})
    domain = hw.Domain(categories=["c"]).fit(train)
    new = pd.DataFrame({"x": [0.0] * 3, "c": cells})
    if kind == "csv":
        table = tmp_path / "new.csv"
        new.to_csv(table, index=False)
    elif kind == "parquet":
        table = tmp_path / "new.parquet"
        new.to_parquet(table)
    elif kind == "json":
        table = json.loads(new.to_json(orient="records"))
    elif kind == "records":
        table = new.to_dict("records")
    else:
        table = pytest.importorskip("polars").from_pandas(new)
    loc = domain.locate(table)
    assert not loc.unseen.any()
    np.testing.assert_array_equal(loc.upper, domain.locate(new.assign(c=[1, 2, 3])).upper)


@pytest.mark.parametrize("new", [True, 1, 1.0, "1", np.int8(1), Decimal(1)])
def test_true_and_one_are_the_same_level(new):
    domain = hw.Domain().fit(pd.DataFrame({"x": X, "c": FIVE > 2}))
    assert not domain.locate_one({"x": 0.0, "c": new}).unseen.any()
    numbered = hw.Domain().fit(pd.DataFrame({"x": X, "c": (FIVE > 2).astype(int)}))
    assert not numbered.locate_one({"x": 0.0, "c": new}).unseen.any()


def test_numbers_as_text_in_the_new_table():
    domain = hw.Domain().fit(pd.DataFrame({"x": X, "c": FIVE}))
    new = pd.DataFrame({"x": ["0.5", " 1e-1 "], "c": ["3", ""]})
    loc = domain.locate(new)
    assert loc.located_without(1) == ["c"]
    with pytest.raises(DataError, match=r"row 1, column 'x' holds '1,234', which is no number"):
        domain.locate(pd.DataFrame({"x": ["0.5", "1,234"], "c": [1, 2]}))


# ---- text ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        (["Nurse", "nurse", "clerk"], "'Nurse' and 'nurse', which are two levels"),
        (["a b", "a  b", "c"], "'a  b' and 'a b', which are two levels"),
        (["New-York", "New York"], "'New York' and 'New-York'"),
        (["$5", "$6"], "looks like numbers with separators or signs"),
        (["5%", "6 %"], "looks like numbers with separators or signs"),
        (["31.05.2024", "1.6.2024"], "looks like dates that are not ISO"),
        (["5/31/2024", "6/1/2024"], "looks like dates that are not ISO"),
    ],
)
def test_hints_that_change_nothing(cells, says):
    column, notes = inferred(np.resize(cells, N))
    assert column.role == "category"
    assert any(says in note for note in notes), notes


def test_numbers_with_separators_are_no_levels():
    with pytest.raises(DataError, match=r"row 0, column 'c' holds '1,200', a number in another"):
        inferred(np.resize(["1,200", "3,400", "900"], N))
    assert inferred(np.resize(["1,200", "3,400"], N), categories=["c"])[0].role == "category"


def test_no_hint_where_there_is_nothing_to_say():
    for cells in (["a", "b"], ["007", "008"], ["1-2", "3-4"], ["v1.2", "v1.3"]):
        assert inferred(np.resize(cells, N))[1] == ()


def test_spaces_around_a_level_and_the_form_of_its_letters_do_not_count():
    column, _ = inferred(np.resize(["caf\u00e9", " cafe\u0301 ", "th\u00e9"], N))
    assert levels(column) == ("caf\u00e9", "th\u00e9")


def test_words_for_gaps_are_offered_and_other_cells_are_not():
    cells = [*map(str, range(190)), *["?", "-"] * 5]
    with pytest.raises(DataError, match=r"with gaps=\['-'\]; .* with gaps=\['\?'\]"):
        inferred(cells)
    assert inferred(cells, gaps=["?", "-"])[0].role == "number"
    with pytest.raises(DataError, match="Mend the cell; if it is a category") as error:
        inferred([*map(str, range(190)), *["12o5"] * 10])
    assert "gap" not in str(error.value)


@pytest.mark.parametrize("word", ["NA", "null", "N/A", ""])
def test_a_column_of_nothing_but_words_for_gaps_is_empty(word):
    column, _ = inferred([word] * N)
    assert column.describe() == "empty in all training rows"


def test_one_level_and_gaps():
    column, notes = inferred(["yes", None] * (N // 2))
    assert column.role == "constant"
    assert any("gaps_are_levels=['c']" in note for note in notes)
    assert levels(inferred(["yes", None] * (N // 2), gaps_are_levels=["c"])[0]) == (
        "(empty)",
        "yes",
    )


def test_many_levels_are_used_and_counted():
    column, notes = inferred(np.resize([f"t{i}" for i in range(600)], 6000).tolist()[:N])
    assert column.role == "left out"
    frame = pd.DataFrame(
        {"x": np.resize(X, 6000), "c": np.resize([f"t{i}" for i in range(600)], 6000)}
    )
    column, notes = inferred(frame)
    assert len(levels(column)) == 600
    assert any("600 levels" in note for note in notes)


# ---- types of frames -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "role", "text"),
    [
        (pd.Categorical(FIVE), "category", "5 levels: 0, 1, 2, 3"),
        (pd.Categorical(FIVE + 0.5), "category", "5 levels: 0.5, 1.5, 2.5"),
        (pd.Categorical(FIVE, ordered=True), "ordered", "5 ordered levels: 0 < 1 < 2"),
        (pd.cut(X, [-9, 0, 9]), "ordered", "(-9, 0] < (0, 9]"),
        (pd.array(FIVE, dtype="Int64"), "number", "whole number"),
        (pd.array([True, None] * (N // 2), dtype="boolean"), "constant", "always 'True'"),
        ([Decimal("1.5") + int(k) for k in FIVE], "number", "number"),
        ([1, 2.5, True, None] * (N // 4), "number", "number"),
        ([1, "a", 2.5, None] * (N // 4), "category", "3 levels: 1, 2.5, a"),
        ([datetime.date(2020, 1, 1 + int(k)) for k in FIVE], "left out", "dates from 2020-01-01"),
        (pd.Timestamp("2020-01-01", tz="Europe/Berlin"), "left out", "dates from 2019-12-31"),
        (X.astype(np.float16), "number", "number"),
        (np.where(FIVE > 2, 0.0, -0.0), "constant", "always '0'"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_types_of_pandas(cells, role, text):
    column, _ = inferred(cells)
    assert column.role == role
    assert text in column.describe()


def test_times_with_a_zone_say_that_days_are_those_of_utc():
    _, notes = inferred(pd.date_range("2020-01-01", periods=N, tz="Asia/Tokyo"))
    assert any("(in UTC)" in note for note in notes)
    _, notes = inferred([f"2020-01-{1 + k:02d}T10:00:00+09:00" for k in FIVE])
    assert any("(in UTC)" in note for note in notes)
    _, notes = inferred([f"2020-01-{1 + k:02d}" for k in FIVE])
    assert not any("UTC" in note for note in notes)


def test_types_of_polars():
    pl = pytest.importorskip("polars")
    words = RNG.choice(["lo", "hi"], N)
    enum = pl.DataFrame({"x": X, "c": pl.Series(words).cast(pl.Enum(["lo", "hi"]))})
    assert inferred(enum)[0].describe() == "2 ordered levels: lo < hi"
    category = pl.DataFrame({"x": X, "c": pl.Series(words).cast(pl.Categorical)})
    assert levels(inferred(category)[0]) == ("hi", "lo")


@pytest.mark.parametrize(
    "cells", [[[1, 2]] * N, [{"a": 1}] * N, [b"ab"] * N, [datetime.time(1)] * N]
)
def test_cells_that_no_column_may_hold_are_refused_by_name(cells):
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame({"x": X, "c": cells})
    with pytest.raises(DataTypeError, match="column 'c' holds cells of the type"):
        inferred(frame)
    assert inferred(frame, drop=["c"])[0].role == "left out"


def test_lists_beside_numbers_are_refused_with_their_row():
    cells = pd.Series([1, 2, [3], 4] * (N // 4), dtype=object)
    with pytest.raises(DataTypeError, match=r"column 'c' holds list in row 2"):
        inferred(cells)


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (pd.DataFrame([[1.0, 2.0]], columns=["a", "a"]), "duplicate column names: 'a'"),
        (pd.DataFrame({"x": []}), "has 0 row.*needs at least two"),
        (pd.DataFrame({"x": [1.0, 1.0], "c": ["a", "a"]}), "always the same: 'x', 'c'"),
        (pd.DataFrame({"x": [1.0, np.inf]}), "row 1, column 'x' holds inf, which is infinite"),
        ([{"x": 1.0}, {"x": float("-inf")}], "row 1, column 'x' holds -inf"),
        (pd.DataFrame({"x": X + 1j}), "complex"),
        (pd.DataFrame({"x": [None, None]}), "no column is left"),
    ],
)
def test_tables_that_cannot_be(table, says):
    with pytest.raises(HullwiseError, match=says):
        hw.Domain().fit(table)


def test_an_index_names_the_rows_and_is_no_column():
    frame = pd.DataFrame(
        {"x": X, "c": FIVE}, index=pd.Index([f"r{i}" for i in range(N)], name="key")
    )
    domain = hw.Domain(n_neighbors=1).fit(frame)
    assert [c.name for c in domain.fitted_.coordinates.columns] == ["x", "c"]
    assert domain.locate(frame[:2]).nearest_rows == [["r0"], ["r1"]]


def test_gaps_in_whole_numbers_leave_them_whole():
    column, _ = inferred(pd.array([1, None, 3, 7] * (N // 4), dtype="Int64"))
    assert column.describe() == "whole number"
    assert read_mixed(pd.DataFrame({"c": [1e300, 2e300]})).column("c").kind is ColumnKind.NUMBER
    assert inferred(X * 1e300)[0].describe() == "number"


# ---- periods -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "high", "period"),
    [
        ("hour", 24, 24),
        ("hr", 24, 24),
        ("pickup_hour", 24, 24),
        ("hourOfDay", 24, 24),
        ("Month", 12, 12),
        ("weekday", 7, 7),
        ("day_of_week", 7, 7),
        ("wind_dir", 360, 360),
        ("angle", 360, 360),
        ("minute", 60, 60),
        ("hour", 300, None),
        ("months_employed", 48, None),
        ("minimum", 60, None),
        ("monthly_pay", 12, None),
    ],
)
def test_a_hint_for_what_looks_periodic(name, high, period):
    numbers = np.arange(2 * N) * 11 % high
    table = read_mixed(pd.DataFrame({"x": np.resize(X, 2 * N), name: numbers}))
    _, _, notes = infer_columns(table, ColumnSpec())
    hints = [note for note in notes if "periodic" in note]
    assert hints == ([] if period is None else hints)
    if period is not None:
        assert f"in periodic, as in {name}={period}" in hints[0]
