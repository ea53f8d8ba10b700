"""Large domains: what is read when a file is opened, what is copied, and what does not fit."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import hullwise as hw
from hullwise._core import memory
from hullwise.domain.gap_patterns import rows_by_pattern
from hullwise.io.archive import PackedTexts


def table(n, d=3):
    rng = np.random.default_rng([n, d])
    columns = {f"x{j}": rng.normal(size=n) for j in range(d)}
    return pa.table({**columns, "id": [f"row {i}" for i in range(n)]})


def test_opening_a_file_reads_no_rows_and_locating_copies_none(tmp_path):
    hw.Domain(reference=20).fit(table(400), id="id").save(tmp_path / "seen.hull")
    fitted = hw.load(tmp_path / "seen.hull").fitted_
    assert isinstance(fitted.values, np.memmap)
    assert isinstance(fitted.labels, PackedTexts)
    assert "filled" not in fitted.__dict__
    cloud = fitted.pattern(fitted.every_column).cloud
    assert np.shares_memory(cloud.rows.block(0, cloud.n), fitted.values)


def test_ids_of_neighbours_are_read_from_the_file(tmp_path):
    domain = hw.Domain(reference=20).fit(table(400), id="id")
    domain.save(tmp_path / "seen.hull")
    kept = hw.load(tmp_path / "seen.hull")
    row = {"x0": 0.1, "x1": 0.2, "x2": -0.1}
    assert kept.locate_one(row).nearest_rows == domain.locate_one(row).nearest_rows
    kept.save(tmp_path / "again.hull")
    again = hw.load(tmp_path / "again.hull")
    assert again.fitted_.labels.tolist() == domain.fitted_.labels.tolist()


def test_a_table_that_does_not_fit_in_memory_is_refused_with_its_size(tmp_path, monkeypatch):
    path = tmp_path / "rows.parquet"
    pq.write_table(table(1000), path)
    monkeypatch.setattr(memory, "available_memory", lambda: 20_000)
    with pytest.raises(hw.MemoryLimitError, match=r"rows.parquet in memory needs 27.3 KiB"):
        hw.Domain().fit(path)
    with pytest.raises(hw.MemoryLimitError, match="pass fewer of them, or leave columns out"):
        hw.Domain().fit(table(1000))


@pytest.mark.parametrize(("m", "columns"), [(0, 3), (1, 3), (7, 1), (500, 3), (500, 9), (300, 20)])
def test_rows_by_pattern_are_those_of_unique_rows(m, columns):
    filled = np.random.default_rng(m).random((m, columns)) < 0.8
    patterns, which = np.unique(filled, axis=0, return_inverse=True)
    parts = rows_by_pattern(filled)
    assert len(parts) == len(patterns)
    for number, (pattern, rows) in enumerate(parts):
        np.testing.assert_array_equal(pattern, patterns[number])
        np.testing.assert_array_equal(rows, np.flatnonzero(which == number))


def test_a_domain_finds_no_ellipsoid_and_no_map_for_its_rows():
    """They took seconds of the first row that was asked for, and no answer of a domain has them."""
    domain = hw.Domain(reference=50).fit(table(300, 4).drop_columns(["id"]))
    row = {"x0": 0.1, "x1": 1.2, "x2": -0.1, "x3": 4.0}
    [part] = domain.locate_one(row).parts
    location = part.location
    assert np.isnan(location.ellipsoid_distance).all()
    assert location.training.plane is None
    assert location.notes == ()
    cloud, reference = part.pattern.cloud, part.pattern.reference
    whole = hw.locate(cloud, location.queries, metric=reference.metric, reference=reference)
    for name in ("verdict", "band", "lower", "upper", "nearest_rows", "mahalanobis", "direction"):
        np.testing.assert_array_equal(getattr(location, name), getattr(whole, name))
