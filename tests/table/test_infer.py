"""What columns are where nobody said: each rule once, and every surprise noted."""

import numpy as np
import pandas as pd
import pytest

from hullwise.errors import DataError
from hullwise.io.mixed_table import read_mixed
from hullwise.table.infer import infer_columns
from hullwise.table.spec import ColumnSpec
from shared_data import SHARED

N = 200
RNG = np.random.default_rng(0)
X = RNG.normal(size=N)


def inferred(cells, **declared):
    """Role of one column beside a number, and the notes."""
    spec = ColumnSpec.declare(**declared)
    table = read_mixed(pd.DataFrame({"x": X[: len(cells)], "c": cells}), gaps=spec.gaps)
    used, unused, notes = infer_columns(table, spec)
    (column,) = [c for c in (*used, *unused) if c.name.split(" (")[0] == "c"]
    return column, notes


@pytest.mark.parametrize(
    ("cells", "role"),
    [
        (RNG.normal(size=N), "number"),
        (RNG.integers(0, 9, N), "number"),
        (RNG.integers(0, 2, N), "category"),
        (RNG.random(N) < 0.5, "category"),
        (RNG.choice(["a", "b"], N), "category"),
        (np.arange(N), "id"),
        ([None] * N, "left out"),
        (["same"] * N, "constant"),
        ([f"text {i}" for i in range(N)], "left out"),
        (pd.date_range("2020-01-01", periods=N).astype(str), "left out"),
        (pd.date_range("2020-01-01", periods=N), "left out"),
        ([f"{i:05d}" for i in RNG.integers(0, 5, N)], "category"),
        (
            pd.Categorical(RNG.choice(["l", "h"], N), categories=["l", "h"], ordered=True),
            "ordered",
        ),
    ],
)
def test_roles(cells, role):
    column, _ = inferred(cells)
    assert column.role == role


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        (np.arange(N), "counts the rows"),
        ([None] * N, "empty in all training rows"),
        ([f"text {i}" for i in range(N)], "100 % of new rows would hold one never seen"),
        (pd.date_range("2020-01-01", periods=N).astype(str), "dates from 2020-01-01 to 2020-07-18"),
        (["same"] * N, "always 'same'"),
        (RNG.permutation(N), "different in every row"),
    ],
)
def test_what_may_surprise_is_noted(cells, says):
    _, notes = inferred(cells)
    assert any(says in note for note in notes), notes


def test_a_hint_for_what_looks_periodic():
    table = read_mixed(pd.DataFrame({"x": X, "hour": RNG.integers(0, 24, N)}))
    _, _, notes = infer_columns(table, ColumnSpec())
    assert any("periodic, as in hour=24" in note for note in notes)


def test_nearly_numeric_text_is_an_error_with_its_place():
    with pytest.raises(DataError, match=r"row 150, column 'c' holds '12o5'.*99.5 % of its cells"):
        inferred([*map(str, range(150)), "12o5", *map(str, range(49))])
    column, _ = inferred([*map(str, range(150)), "?", *map(str, range(49))], gaps=["?"])
    assert column.role in ("number", "category")


def test_near_copies_are_noted_and_left_in():
    table = read_mixed(pd.DataFrame({"a": X, "b": X + 1e-6 * RNG.normal(size=N)}))
    used, _, notes = infer_columns(table, ColumnSpec())
    assert len(used) == 2
    assert any("nearly copies of each other: 'a' and 'b'" in note for note in notes)


def test_a_column_declared_but_not_there_is_named():
    with pytest.raises(DataError, match="no column 'dose', which was declared"):
        inferred(X, log=["dose"])


def test_an_order_must_hold_every_level():
    with pytest.raises(DataError, match=r"levels that its declared order lacks: 'c'"):
        inferred(["a", "b", "c"] * 20, ordered={"c": ["a", "b"]})


def test_a_season_needs_two_years():
    with pytest.raises(DataError, match="spans 199 days"):
        inferred(pd.date_range("2020-01-01", periods=N), dates={"c": ["year"]})


def test_a_table_without_columns_to_locate_by_is_refused():
    table = read_mixed(pd.DataFrame({"id": np.arange(N)}))
    with pytest.raises(DataError, match="no column is left to locate rows by"):
        infer_columns(table, ColumnSpec())


@pytest.mark.parametrize(
    ("name", "categories", "width"),
    [("penguins", 3, 10), ("german_credit", 6, 22), ("wage", 6, 18), ("bikeshare", 4, 26)],
)
def test_real_tables_as_they_are(name, categories, width):
    path = SHARED / "tables" / f"{name}.csv.gz"
    if not path.exists():
        pytest.skip(f"{path.name} is not there: set HULLWISE_SHARED to the folder that holds it")
    used, unused, _ = infer_columns(read_mixed(path), ColumnSpec())
    assert not unused
    assert sum(c.role == "category" for c in used) == categories
    assert sum(c.width for c in used) == width
