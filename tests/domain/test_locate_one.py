"""One row at a time: the answer of the table path, bit for bit, whatever a row's cells are."""

from __future__ import annotations

import datetime
from decimal import Decimal

import numpy as np
import pytest

import hullwise as hw
from hullwise.io.mixed_table import RecordTable, read_mixed


def training_rows(n=80):
    rng = np.random.default_rng(0)
    return [
        {
            "number": float(rng.normal()),
            "whole": int(rng.integers(1000)),
            "dose": float(np.exp(rng.normal())),
            "job": ("nurse", "clerk", "smith")[i % 3],
            "size": ("low", "mid", "high")[i // 7 % 3],
            "code": int(i // 2 % 4) * 7,
            "flag": i % 11 < 4,
            "hour": float(rng.uniform(0, 24)),
            "day": f"202{i % 4}-0{1 + i % 9}-1{i // 5 % 10}T0{i // 3 % 10}:30",
            "land": "here",
            "pool": None if i % 5 == 0 else "yn"[i % 2],
        }
        for i in range(n)
    ]


@pytest.fixture(scope="module")
def domain():
    return hw.Domain(
        categories=["job", "code"],
        log=["dose"],
        ordered={"size": ["low", "mid", "high"]},
        periodic={"hour": 24},
        dates={"day": ["since", "year", "month", "weekday", "hour"]},
        gaps_are_levels=["pool"],
        reference=40,
    ).fit(training_rows())


ODD_CELLS = [
    *({"number": cell} for cell in (None, np.nan, 3, True, "3.5", " 2 ", "NA", "", -0.0, 1e300)),
    *({"number": cell} for cell in (np.float32(0.1), np.int8(3), np.bool_(True), Decimal("2.5"))),
    *({"whole": cell} for cell in (2**53 - 1, 2**70, -5, 3.0, "+7", None)),
    *({"dose": cell} for cell in (None, 5e-324, 7, "0.25", np.float64(2))),
    *({"job": cell} for cell in (None, "", " nurse ", "smith", "mars", "Nurse", np.str_("clerk"))),
    *({"size": cell} for cell in ("high", "higher", None, "", "mid\t")),
    *({"code": cell} for cell in (7, 7.0, "7", 8, None, "x", True, np.int64(21), np.nan)),
    *({"flag": cell} for cell in (True, False, 1, 0.0, "true", "no", None, 2, np.True_)),
    *({"hour": cell} for cell in (0, 24, -3.5, 1e9, None, "12.25", 1e-300)),
    *({"day": cell} for cell in (None, "2024-05-31T12:30", datetime.date(2023, 2, 1), "")),
    *({"day": cell} for cell in (datetime.datetime(2023, 2, 1, 7), np.datetime64("2024-01-01"))),
    *({"land": cell} for cell in ("here", "there", None, " here")),
    *({"pool": cell} for cell in (None, "", "y", "(empty)", "maybe")),
    {"number": None, "job": None, "hour": None},
    {"job": "mars", "land": "there", "code": 9},
]


@pytest.mark.parametrize("cells", ODD_CELLS, ids=repr)
def test_coordinates_are_those_of_a_table_of_one_row(domain, cells):
    row = {**training_rows(1)[0], **cells}
    coordinates = domain.fitted_.coordinates
    one, table = coordinates.encode(RecordTable(row)), coordinates.encode(read_mixed([row]))
    np.testing.assert_array_equal(one.values, table.values)
    np.testing.assert_array_equal(np.signbit(one.values), np.signbit(table.values))
    np.testing.assert_array_equal(one.unseen, table.unseen)


@pytest.mark.parametrize("cells", ODD_CELLS[::4], ids=repr)
def test_answers_are_those_of_a_table_of_one_row(domain, cells):
    row = {**training_rows(1)[0], **cells}
    one, table = domain.locate_one(row), domain.locate([row])
    assert repr(one.to_dict()) == repr(table.to_dict())
    assert one.notes == table.notes


@pytest.mark.parametrize(
    "cells",
    [
        *({"number": cell} for cell in (np.inf, "many", 2**53)),
        *({"dose": cell} for cell in (0, -1.0, "none")),
        *({"hour": cell} for cell in (np.inf, "noon")),
        *({"day": cell} for cell in ("soon", 3, "2024-06-31")),
        *({"number": cell} for cell in ([1], {"a": 1})),
        {3: "a name that is no text"},
    ],
    ids=repr,
)
def test_errors_are_those_of_a_table_of_one_row(domain, cells):
    row = {**training_rows(1)[0], **cells}
    with pytest.raises(hw.HullwiseError) as table:
        domain.locate([row])
    with pytest.raises(type(table.value)) as one:
        domain.locate_one(row)
    assert str(one.value) == str(table.value)


def test_columns_that_a_row_lacks_are_gaps_and_others_are_named(domain):
    row = {"job": "nurse", "shoe": 41, "whole": 3}
    loc = domain.locate_one(row)
    assert "number" in loc.located_without(0)
    assert any("shoe" in note for note in loc.notes)
    assert row == {"job": "nurse", "shoe": 41, "whole": 3}
    with pytest.raises(hw.DataError, match="dictionary"):
        domain.locate_one([1, 2])
    with pytest.raises(hw.DataError, match="not fitted"):
        hw.Domain().locate_one(row)


def test_gaps_by_name_are_gaps_in_one_row_too():
    rows = [{"x": i, "kind": "ab"[i % 2]} for i in range(40)]
    domain = hw.Domain(gaps=["?"]).fit(rows)
    for cell in ("?", " ?", "a"):
        row = {"x": 3, "kind": cell}
        one, table = domain.locate_one(row), domain.locate([row])
        assert repr(one.to_dict()) == repr(table.to_dict())
