"""What a number is in a text file: one grammar, cell by cell, whatever the other rows hold."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hullwise.errors import FileError
from hullwise.io._cell_faults import cell_advice, cell_fault
from hullwise.io._number_grammar import cell_value, is_number, is_rounded_integer
from hullwise.io._text_values import text_values
from hullwise.io.table_reader import read_table

NUMBERS = {
    "0": 0.0,
    "-0": -0.0,
    "7": 7.0,
    "007": 7.0,
    "+7": 7.0,
    "-7": -7.0,
    "1.": 1.0,
    ".5": 0.5,
    "-.5": -0.5,
    "+.5e+1": 5.0,
    "1e3": 1000.0,
    "1E-3": 0.001,
    "2.5e00003": 2500.0,
    " 1": 1.0,
    "1\t": 1.0,
    "9007199254740992": 2.0**53,
    "-9007199254740992": -(2.0**53),
    "0" * 5000 + "1": 1.0,
    "0." + "1" * 5000: 1 / 9,
    "1" + "0" * 300 + ".5": 1e300,
    "5e-324": 5e-324,
    "1e-400": 0.0,
    "1.7976931348623157e308": 1.7976931348623157e308,
    "true": 1.0,
    "False": 0.0,
    "TRUE": 1.0,
}
MISSING = ["", "NA", "na", "N/A", "#N/A", "null", "None", "nan", "NaN", "-nan", "+NAN", "?"]
MISSING += ["-", "."]
INFINITE = ["inf", "-inf", "+Inf", "Infinity", "-INFINITY", "1e400", "-1e309", "9" * 400 + ".5"]
ROUNDED = [
    "9007199254740993",
    "-9007199254740993",
    "+18446744073709551616",
    "1" * 5000,
    "0009007199254740993",
]
NO_NUMBERS = [
    "0xA1",
    "0x20000000000001",
    "0X1p3",
    "0b11",
    "0o17",
    "1_000",
    "1__0",
    "1,5",
    "1.234,5",
    "1,234",
    "1 234",
    "1\u00a0234",
    "1'234",
    "\u00a01",
    "1\u2009",
    "１",
    "٣",
    "१२",
    "1٣",
    "²",
    "½",
    "Ⅷ",
    "−1",
    "1d5",
    "1D-5",
    "1.5f",
    "1L",
    "1e",
    "1e+",
    "e5",
    "e",
    "+",
    "+-1",
    "--1",
    "1-",
    "1e5.5",
    "1.2.3",
    "..1",
    "infinit",
    "infinity1",
    "nan(0)",
    "nan1",
    "1%",
    "$1",
    "(1)",
    "1;2",
    "1j",
    "1+2j",
    "2020-01-01",
    "12:30",
    "yes",
    "t",
    "truee",
    "#1",
    "=1",
    "'1",
    "1\u200b",
    "\ufeff1",
    "1e５",
]


def write(tmp_path, cells, other=None):
    """A table whose first column holds these cells, quoted."""
    path = tmp_path / "t.csv"
    lines = [f'"{c}",{i}' for i, c in enumerate(cells)]
    path.write_text("a,b\n" + "\n".join(lines) + "\n", encoding="utf-8", newline="")
    return path


# What else may stand in the column: the verdict on a cell must not depend on it.
COMPANY = {
    "alone": [],
    "whole numbers": ["1", "2"],
    "fractions": ["1.5", "2"],
    "signs and blanks": ["+1", " 2"],
    "booleans": ["true", "1"],
    "huge": ["1e300", "-1e300"],
    "nothing": ["", "3"],
    "infinity": ["inf", "1"],
}


def kept(tmp_path, cell, company):
    """The cell's value where bad rows are kept; None where it is refused."""
    for cells in ([cell, *company], [*company, cell]):
        try:
            table = read_table(write(tmp_path, cells), bad_rows="keep", columns=["a"])
        except FileError as error:
            message = str(error)
            assert "line 2" in message or f"line {2 + len(company)}" in message or "time" in message
            yield None
        else:
            yield table.values[cells.index(cell), 0]


@pytest.mark.parametrize("company", COMPANY)
def test_a_cell_is_the_same_number_in_any_company(tmp_path, company):
    others = COMPANY[company]
    for cell, expected in NUMBERS.items():
        for value in kept(tmp_path, cell, others):
            assert value == expected, cell[:30]
            assert math.copysign(1, value) == math.copysign(1, expected)
    for cell in MISSING:
        if cell or others:
            assert all(math.isnan(v) for v in kept(tmp_path, cell, others)), cell
    for cell in INFINITE:
        assert all(math.isinf(v) for v in kept(tmp_path, cell, others)), cell[:30]


@pytest.mark.parametrize("company", COMPANY)
def test_what_is_no_number_is_none_in_any_company(tmp_path, company):
    for cell in [*NO_NUMBERS, *ROUNDED]:
        if '"' not in cell:
            assert list(kept(tmp_path, cell, COMPANY[company])) == [None, None], cell[:30]


@pytest.mark.parametrize("cell", [*MISSING[1:], *INFINITE, *NO_NUMBERS, *ROUNDED])
def test_each_other_cell_is_refused_with_its_line(tmp_path, cell):
    path = write(tmp_path, ["1", cell, "3"])
    with pytest.raises(FileError, match="line 3") as caught:
        read_table(path)
    assert len(str(caught.value)) < 600


def test_the_reference_agrees_with_the_lists():
    for cell, expected in NUMBERS.items():
        assert cell_value(cell) == expected
    assert all(math.isnan(cell_value(c)) for c in MISSING)
    assert all(math.isinf(cell_value(c)) for c in INFINITE)
    assert [c for c in NO_NUMBERS if cell_value(c) is not None] == []
    assert all(is_rounded_integer(c) for c in ROUNDED)
    assert not any(is_rounded_integer(c) for c in [*NUMBERS, *INFINITE, *NO_NUMBERS, "1e30"])


@given(st.text(alphabet="0123456789+-.,eE_ xXinfa\t１٣", max_size=8), st.sampled_from(".,"))
@example("+.5E-3", ".")
@example("1.,", ",")
@settings(max_examples=300, deadline=None)
def test_columns_are_read_as_their_cells(cell, decimal):
    expected = cell_value(cell, decimal)
    column = text_values(pa.chunked_array([pa.array([cell, "1", None])]), decimal)
    assert column.values[1] == 1
    assert column.empty[2]
    if expected is None:
        assert column.no_number[0]
        return
    assert not column.no_number[0]
    assert column.values[0] == expected or math.isnan(expected)
    assert is_number(cell, decimal) == (
        not (column.empty[0] or column.missing_word[0])
        and math.isfinite(expected)
        and cell.strip(" \t").lower() not in ("true", "false")
    ) or math.isinf(expected)


@given(st.lists(st.text(alphabet="0123456789+-.eEnainfy_xd ", max_size=7), min_size=1, max_size=4))
@settings(max_examples=200, deadline=None)
def test_files_are_read_as_their_cells(tmp_path_factory, cells):
    path = tmp_path_factory.mktemp("cells") / "t.csv"
    path.write_text("a,b\n" + "".join(f'"{c}",1\n' for c in cells))
    expected = [cell_value(c) for c in cells]
    if any(v is None for v in expected) or any(map(is_rounded_integer, cells)):
        with pytest.raises(FileError):
            read_table(path, bad_rows="keep")
        return
    table = read_table(path, bad_rows="keep")
    np.testing.assert_array_equal(table.values[:, 0], expected)


@pytest.mark.parametrize(
    ("cell", "fault"),
    [
        ("0xD1", "hexadecimal"),
        ("1_000", "underscores"),
        ("1d5", "exponent"),
        ("−1", "minus sign"),
        ("12 %", "percentage"),
        ("１２", "digits other than 0 to 9"),
        ("\u00a01", "spaces of another kind"),
        ("abc", "no number; 1 cell"),
    ],
)
def test_what_a_cell_would_be_elsewhere_is_named(tmp_path, cell, fault):
    assert cell_fault(cell) in fault or fault in cell_fault(cell)
    with pytest.raises(FileError, match=fault):
        read_table(write(tmp_path, ["1", cell, "2"]))


@pytest.mark.parametrize(
    ("cells", "decimal", "words"),
    [
        (["1,234,567"], ".", "thousands"),
        (["1.234,5"], ",", "thousands"),
        (["1\u00a0234,5"], ",", "thousands"),
        (["1’234.5"], ".", "thousands"),
        (["12 345"], ".", "thousands"),
    ],
)
def test_thousands_separators_are_named(cells, decimal, words):
    assert words in cell_advice(cells, decimal).text


def test_zero_bytes_are_no_text(tmp_path):
    for text, words in (
        ("a,b\n1\0,2\n", "holds zero bytes"),
        ("a,b\n" + "1,2\n" * 3000 + "1\0,2\n", "line 3002, column 'a' holds '1.x00'"),
    ):
        path = tmp_path / "t.csv"
        path.write_text(text)
        with pytest.raises(FileError, match=words):
            read_table(path)
