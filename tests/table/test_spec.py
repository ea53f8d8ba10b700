"""What is declared of columns: in Python, and in a file that can be written, edited and read."""

import pytest

from hullwise.errors import DataError, FileError
from hullwise.table.spec import ColumnSpec, read_spec, write_spec

SPEC = ColumnSpec.declare(
    categories=["job"],
    log="dose",
    ordered={"grade": ["low", "high"]},
    periodic={"hour": 24, "angle": (360, 30)},
    dates={"start": ["since", "month"]},
    drop=["note"],
    gaps=["?"],
    gaps_are_levels=["wind"],
    id="id",
    group="patient",
    target=["y1", "y2"],
)
DECLARATIONS = {
    "job": "category",
    "dose": "log",
    "grade": {"role": "ordered", "levels": ["low", "high"]},
    "hour": {"role": "periodic", "period": 24.0},
    "angle": {"role": "periodic", "period": 360.0, "scale": 30.0},
    "start": {"role": "date", "parts": ["since", "month"]},
    "note": "left out",
    "id": "id",
    "patient": "group",
    "y1": "target",
    "y2": "target",
}


def test_a_file_of_columns_says_the_same(tmp_path):
    path = tmp_path / "columns.toml"
    write_spec(path, DECLARATIONS, SPEC, force=False)
    assert read_spec(path) == SPEC
    with pytest.raises(FileError, match="exists"):
        write_spec(path, DECLARATIONS, SPEC, force=False)


def test_names_that_need_quotes_survive(tmp_path):
    odd = 'dest "x" \\ = [a] \u00e9\n\x7f #'
    path = tmp_path / "columns.toml"
    write_spec(path, {odd: "category", "": "log"}, ColumnSpec(), force=False)
    assert read_spec(path).roles == {odd: "category", "": "log"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[columns", "is no TOML file"),
        ("[columns]\njob = 'categry'", "'job' is declared 'categry'; expected one of number"),
        ("[columns]\nhour = {role = 'periodic'}", "periodic with a period"),
        ("[columns]\nhour = {role = 'periodic', period = -1}", "expected its period"),
        ("[columns]\nstart = {role = 'date', parts = ['week']}", "expected some of since"),
        ("colums = {}", "has 'colums'; expected columns"),
        ("columns = 3", r"has columns = 3; expected \[columns\]"),
    ],
)
def test_what_is_no_file_of_columns_is_refused(tmp_path, text, says):
    path = tmp_path / "columns.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FileError, match=says):
        read_spec(path)


def test_a_column_has_one_role():
    with pytest.raises(DataError, match="'job' is declared category and log"):
        ColumnSpec.declare(categories=["job"], log=["job"])


def test_what_is_declared_twice_is_taken_from_the_first():
    spec = ColumnSpec.declare(log=["a"]).merged(ColumnSpec.declare(categories=["a", "b"]))
    assert spec.roles == {"a": "log", "b": "category"}
