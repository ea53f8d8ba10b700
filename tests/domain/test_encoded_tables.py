"""Rows of several tables in one search stand where they stand alone."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import hullwise as hw
from hullwise.domain.encoded_tables import encode_table, locate_encoded
from hullwise.io.mixed_table import read_mixed

ROWS = [{"a": i * i % 17, "b": None if i % 3 else i % 5, "c": "xyz"[i % 3]} for i in range(120)]
TABLES = [
    [{"a": 3, "b": 2, "c": "x"}],
    [{"a": 30, "b": None, "c": "y"}, {"a": 4, "b": 1, "c": "q"}],
    [{"a": 2, "b": "1z", "c": "x"}, {"a": 99, "b": 4, "c": "z"}, {"a": None, "b": 2, "c": "x"}],
]


@pytest.mark.parametrize("settings", [{}, {"by": "c"}, {"groups": "c"}])
def test_together_as_alone(settings):
    domain = hw.Domain(**settings).fit(ROWS)
    tables = [read_mixed(table).tolerant() for table in TABLES]
    encoded = [encode_table(domain.fitted_, table) for table in tables]
    together = locate_encoded(domain.fitted_, encoded)
    assert [len(one) for one in together] == [1, 2, 3]
    for one, table in zip(together, TABLES):
        alone = domain.locate(table, bad_rows="keep")
        assert one.status == alone.status
        assert one.band.tolist() == alone.band.tolist()
        assert one.notes == alone.notes
        assert one.nearest_rows == alone.nearest_rows
        np.testing.assert_allclose(one.upper, alone.upper, rtol=1e-9)
        assert one.verify().tolist() == alone.verify().tolist()


def test_faults_that_are_known_stay():
    domain = hw.Domain().fit(ROWS)
    table = read_mixed(TABLES[1])
    table = type(table)(table.arrow, faults={0: "the first row is mine"})
    where = domain.locate(table, bad_rows="keep")
    assert where.status[0] == "not located: the first row is mine."
    assert where.band[0] == "unknown"


def test_threads_measure_a_pattern_once(monkeypatch):
    from hullwise.domain import fitted_table

    domain = hw.Domain().fit(ROWS)
    measured = []
    original = fitted_table.gap_pattern
    monkeypatch.setattr(
        fitted_table, "gap_pattern", lambda *args: measured.append(args) or original(*args)
    )
    with ThreadPoolExecutor(8) as pool:
        bands = list(pool.map(lambda _: domain.locate_one({"a": 3, "c": "x"}).band[0], range(16)))
    assert len(measured) == 1
    assert len(set(bands)) == 1
    assert pickle.loads(pickle.dumps(domain)).locate_one({"a": 3, "c": "x"}).band[0] == bands[0]


def test_numbers_that_overflow_are_named():
    domain = hw.Domain().fit(ROWS)
    new = [{"a": 3, "b": 1, "c": "x"}, {"a": -1e308, "b": 1, "c": "x"}]
    with pytest.raises(hw.DataError, match="row 1, column 'a' holds -1e\\+308, beyond"):
        domain.locate(new)
    where = domain.locate(new, bad_rows="keep")
    assert where.band.tolist() == ["core", "unknown"]
    assert "overflow" not in where.status[0]
