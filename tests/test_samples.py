"""The bundled tables are what their licence file says they are."""

from pathlib import Path

import numpy as np
import pytest

import hullwise.samples as samples
from hullwise.errors import DataError
from hullwise.io.mixed_table import read_mixed
from hullwise.io.table_reader import read_table
from hullwise.samples.held_out import penguin_seasons


@pytest.mark.parametrize(
    ("name", "shape", "target", "first"),
    [("forest_fires", (504, 12), "area", "X"), ("parkinsons", (5875, 19), "total_UPDRS", "age")],
)
def test_shape_and_names(name, shape, target, first):
    sample = samples.load(name)
    assert sample.X.shape == shape
    assert sample.y.shape == shape[:1]
    assert sample.target == target
    assert sample.columns[0] == first
    assert target not in sample.columns
    assert len(set(sample.columns)) == shape[1]
    assert np.isfinite(sample.X).all()
    assert np.isfinite(sample.y).all()
    assert repr(sample).startswith(f"Sample({name}: ")
    table = read_table(samples.path(name))
    assert np.array_equal(table.values[:, -1], sample.y)
    assert np.array_equal(table.values[:, :-1], sample.X)


def test_month_is_a_point_on_the_circle_and_features_are_distinct():
    fires = samples.load("forest_fires")
    x, y = (fires.X[:, fires.columns.index(c)] for c in ("month_x", "month_y"))
    assert np.allclose(np.hypot(x, y), 1, rtol=0, atol=1e-15)
    month = np.round(np.arctan2(y, x) * 12 / (2 * np.pi)) % 12
    assert np.allclose(x, np.cos(2 * np.pi * month / 12), atol=1e-15)
    assert len(np.unique(fires.X, axis=0)) == 504
    assert fires.groups is None


def test_every_recording_has_its_patient():
    sample = samples.load("parkinsons")
    assert sample.groups is not None
    assert np.array_equal(np.unique(sample.groups), np.arange(1, 43))
    # age and sex are the patient's own, so a wrong order of the patients would show here
    for patient in range(1, 43):
        assert len(np.unique(sample.X[sample.groups == patient][:, :2], axis=0)) == 1


def test_licences_are_shipped_and_name_the_source():
    folder = Path(samples.__file__).parent
    text = (folder / "LICENSES.md").read_text(encoding="utf-8")
    for doi in ("10.24432/C5D88D", "10.24432/C5ZS3N"):
        assert doi in text
    assert text.count("CC BY 4.0") >= 3
    for name in samples.NAMES:
        licence = samples.load(name).licence
        assert licence.endswith("CC BY 4.0")
        assert licence.split("doi ")[1].split(",")[0] in text
    for file in folder.glob("*.gz"):
        assert file.name in text
        assert file.stat().st_size < 400_000


def test_bikes_are_hours_of_a_year():
    table = read_mixed(samples.path("bikes"))
    names = ["date", "hour", "workingday", "weather", "temperature", "humidity", "wind", "rentals"]
    assert table.n == 6000
    assert list(table.names) == names
    assert not any(table.column(name).empty.any() for name in names)
    assert "10.24432/C5W894" in (Path(samples.__file__).parent / "LICENSES.md").read_text("utf-8")


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(DataError, match="called 'iris': there are forest_fires, parkinsons"):
        samples.load("iris")


def test_penguins_are_as_they_were_published_and_split_by_season():
    table = read_mixed(samples.path("penguins"))
    assert (table.n, len(table.names)) == (344, 8)
    gaps = {name: int(table.column(name).empty.sum()) for name in table.names}
    assert [gaps[name] for name in ("sex", "body_mass_g", "island")] == [11, 2, 0]
    seen, new = (data.decode().splitlines() for data, _ in penguin_seasons().values())
    assert (len(seen), len(new)) == (181, 121)
    assert seen[0] == new[0] == ",".join(name for name in table.names if name != "year")
    assert {line.split(",")[0] for line in seen[1:]} == {"Adelie", "Gentoo"}
    assert {line.split(",")[0] for line in new[1:]} == {"Adelie", "Chinstrap", "Gentoo"}
    with pytest.raises(DataError, match="is no table of numbers"):
        samples.load("penguins")
    text = (Path(samples.__file__).parent / "LICENSES.md").read_text(encoding="utf-8")
    assert "CC0" in text
    assert "10.5281/zenodo.3960218" in text
