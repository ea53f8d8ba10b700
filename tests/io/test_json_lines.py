"""Tables of JSON lines, read and written."""

import gzip
import json
import math

import numpy as np
import pytest

import hullwise as hw
from hullwise.io.mixed_table import read_mixed
from hullwise.io.table_writer import write_table


def test_rows_of_any_order_with_names_that_are_missing(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"age": 41, "job": "nurse"}\n\n{"job": "clerk", "age": 2.5}\n{"age": null}\n')
    table = read_mixed(path)
    assert table.names == ("age", "job")
    np.testing.assert_array_equal(table.column("age").numbers(), [41, 2.5, np.nan])
    assert table.column("job").cells.to_pylist() == ["nurse", "clerk", None]
    assert table.place(1) == f"{path}: line 3"
    numbers = hw.read_table(path, columns=["age"], id_column="job", bad_rows="keep")
    assert numbers.ids.tolist() == ["nurse", "clerk", None]
    assert list(numbers.bad) == [2]


def test_compressed_and_with_a_byte_order_mark(tmp_path):
    path = tmp_path / "rows.jsonl.gz"
    path.write_bytes(gzip.compress(b'\xef\xbb\xbf{"a": 1}\n{"a": 2}\n'))
    assert hw.read_table(path).values.tolist() == [[1.0], [2.0]]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"a": 1}\n[1]\n', "line 2 holds a JSON list; expected one object a line"),
        ('{"a": 1}\n{"a": [1]}\n', "line 2, 'a' holds a JSON list; a cell is a number"),
        ('{"a": {"b": 1}}\n', "line 1, 'a' holds a JSON object"),
        ('{"a": 1\n', "line 1 is no JSON"),
        ("[" * 100_000, "line 1 is no JSON"),
        ('{"a": 1}\n{"a": "x1"}\n', "line 2, column 'a' holds 'x1', which is no number"),
        ('{"a": 1}\n{"a": 1e999}\n', "line 2, column 'a' holds inf, which is infinite"),
        ("\n\n", "is empty"),
        ("{}\n{}\n", "none of its 2 objects holds a cell"),
    ],
)
def test_what_is_no_table_is_refused_with_its_line(text, problem, tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text(text)
    with pytest.raises(hw.FileError) as error:
        hw.read_table(path)
    assert str(error.value).startswith(f"{path}: ")
    assert problem in str(error.value)


def test_a_table_comes_back_as_it_was_written(tmp_path):
    path = tmp_path / "out.jsonl"
    columns = {
        "row": ["a", "b"],
        "far": np.array([1.5, math.inf]),
        "n": np.array([1, 2]),
        "why": [[{"column": "age", "amount": 2.0}], []],
        "flag": [True, None],
    }
    write_table(columns, path)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    why = [{"column": "age", "amount": 2.0}]
    assert lines[0] == {"row": "a", "far": 1.5, "n": 1, "why": why, "flag": True}
    assert lines[1] == {"row": "b", "far": None, "n": 2, "why": [], "flag": None}


@pytest.mark.parametrize("cells", [["1", "x", "3"], ["1", "inf", "3"], ["2024-01-01", "9", "1"]])
def test_cells_that_cannot_be_read_may_be_noted(cells):
    table = read_mixed([{"a": cell} for cell in cells]).tolerant()
    values = table.column("a").numbers()
    assert len(values) == 3
    assert list(table.faults) == [i for i, value in enumerate(values) if np.isnan(value)]
    assert all("column 'a' holds" in text for text in table.faults.values())


def test_dates_that_are_none_may_be_noted():
    days = ["2024-05-31", "2024-06-31", "May", None]
    table = read_mixed([{"a": day} for day in days]).tolerant()
    values = table.column("a").days()
    assert np.isnan(values).tolist() == [False, True, True, True]
    assert sorted(table.faults) == [1, 2]
    with pytest.raises(hw.DataError, match=r"row 1, column 'a' holds '2024-06-31', which is no d"):
        read_mixed([{"a": day} for day in days[:2]]).column("a").days()
