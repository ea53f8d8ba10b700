"""A row column by column: its own cell, that of the nearest mixture, what training rows hold."""

from __future__ import annotations

import pytest

import hullwise as hw

ROWS = [
    {"job": job, "age": age, "hour": age % 24, "always": "x", "size": size}
    for job in ("nurse", "clerk", "cook")
    for age in range(20, 60)
    for size in ("small", "large")
]


def compared(**cells):
    domain = hw.Domain(periodic={"hour": 24}, ordered={"size": ["small", "large"]}).fit(ROWS)
    whole = {"job": "nurse", "age": 30, "hour": 6, "always": "x", "size": "small", **cells}
    location = domain.locate([whole])
    return {column.name: column for column in location.compare_columns(0)}


def test_every_column_has_its_cell_and_what_training_rows_hold():
    columns = compared(age=95)
    assert columns["age"].value == "95"
    assert float(columns["age"].nearest) == pytest.approx(59, abs=3)
    assert columns["age"].amount == pytest.approx(95 - float(columns["age"].nearest), rel=1e-3)
    assert columns["age"].training == "20 to 59"
    assert columns["job"].value == "nurse"
    assert columns["job"].training == "80 of 240 rows"
    assert columns["hour"].training == "a circle of 24"
    assert (columns["always"].value, columns["always"].training) == ("x", "always x")
    assert columns["size"].value == "small"


def test_gaps_and_levels_never_seen_are_named():
    columns = compared(age=None, job="smith", always="y")
    assert (columns["age"].value, columns["age"].nearest, columns["age"].share) == ("", "", 0.0)
    assert (columns["job"].value, columns["job"].is_unseen) == ("smith", True)
    assert columns["job"].training == "3 levels in 240 rows"
    assert (columns["always"].value, columns["always"].is_unseen) == ("y", True)


def test_an_inside_row_has_no_changes():
    assert all(column.nearest == "" for column in compared().values())


def test_shares_of_a_mixture_are_named():
    rows = [{"a": a, "x": x} for a, x in (("u", 0.0), ("u", 0.5), ("v", 1.0), ("w", 2.0))] * 10
    location = hw.Domain(categories=["a"]).fit(rows).locate([{"a": "u", "x": 2.0}])
    column = location.compare_columns(0)[0]
    assert "% u" in column.nearest
    assert "% w" in column.nearest


def test_there_must_be_such_a_row():
    location = hw.Domain().fit(ROWS).locate(ROWS[:2])
    with pytest.raises(IndexError, match="there is no row 2"):
        location.compare_columns(2)
