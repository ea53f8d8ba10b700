"""Columns as coordinates: distances between rows are those that each role promises."""

import json

import numpy as np
import pandas as pd
import pytest

from hullwise.errors import DataError
from hullwise.io.mixed_table import read_mixed
from hullwise.table.columns import (
    CategoryColumn,
    circle_radius,
    column_from_json,
    date_part,
    simplex_vertices,
)
from hullwise.table.coordinates import TableCoordinates
from hullwise.table.infer import infer_columns
from hullwise.table.spec import ColumnSpec


def fitted(frame, **declared):
    table = read_mixed(frame)
    columns, unused, notes = infer_columns(table, ColumnSpec.declare(**declared))
    return TableCoordinates(columns), unused, notes


def frame_of_all_roles(n=60, seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "age": rng.normal(40, 10, n).round(),
            "dose": 10 ** rng.normal(size=n),
            "hour": rng.integers(0, 24, n),
            "job": rng.choice(["nurse", "clerk", "smith"], n),
            "grade": rng.choice(["low", "middle", "high"], n),
            "start": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 1500, n), "D"),
            "site": "north",
        }
    )


DECLARED = {
    "log": ["dose"],
    "periodic": {"hour": 24},
    "ordered": {"grade": ["low", "middle", "high"]},
    "dates": {"start": ["since", "year", "month", "weekday", "hour"]},
}


@pytest.mark.parametrize("n_levels", [1, 2, 3, 7, 40])
def test_any_two_levels_are_as_far_apart(n_levels):
    V = simplex_vertices(n_levels)
    assert V.shape == (n_levels, n_levels - 1)
    gaps = np.square(V[:, None] - V[None]).sum(axis=2)
    np.testing.assert_allclose(gaps, 2 * (1 - np.eye(n_levels)), atol=1e-13)


def test_distances_in_simplex_coordinates_are_those_of_indicators():
    coordinates, _, _ = fitted(frame_of_all_roles(), **DECLARED)
    table = read_mixed(frame_of_all_roles(seed=1))
    Z = coordinates.encode(table).values
    indicators, names = coordinates.indicators(table)
    assert len(names) == indicators.shape[1] == Z.shape[1] + 1
    np.testing.assert_allclose(
        np.square(Z[:1] - Z).sum(axis=1),
        np.square(indicators[:1] - indicators).sum(axis=1),
        rtol=1e-12,
        atol=1e-12,
    )
    v = np.random.default_rng(0).normal(size=(3, Z.shape[1]))
    products = coordinates.to_indicators(v) @ (indicators - indicators[0]).T
    np.testing.assert_allclose(products, v @ (Z - Z[0]).T, rtol=1e-9, atol=1e-9)


def test_shares_of_a_mixture():
    column = CategoryColumn("c", "c", "", ("a", "b", "c"), (1, 1, 1))
    mixture = 0.25 * column.vertices[0] + 0.75 * column.vertices[2]
    np.testing.assert_allclose(column.shares(mixture), [0.25, 0, 0.75], atol=1e-15)


def test_every_role_can_be_stored_and_gives_the_same_coordinates():
    coordinates, _, _ = fitted(frame_of_all_roles(), **DECLARED)
    stored = json.loads(json.dumps([c.to_json() for c in coordinates.columns]))
    again = TableCoordinates(tuple(column_from_json(s) for s in stored))
    table = read_mixed(frame_of_all_roles(seed=2))
    np.testing.assert_array_equal(again.encode(table).values, coordinates.encode(table).values)
    assert again.columns == coordinates.columns
    with pytest.raises(DataError, match="stored column"):
        column_from_json({"role": "number", "nonsense": 1})


def test_levels_never_seen_and_gaps_are_told_apart():
    coordinates, _, _ = fitted(pd.DataFrame({"job": ["a", "b"] * 20, "x": np.arange(40.0) ** 2}))
    rows = coordinates.encode(read_mixed(pd.DataFrame({"job": ["a", "z", None], "x": [1.0, 2, 3]})))
    assert rows.unseen[:, 0].tolist() == [False, True, False]
    assert np.isnan(rows.values[:, 0]).tolist() == [False, True, True]
    assert coordinates.filled(rows.values)[:, 0].tolist() == [True, False, False]


def test_a_constant_that_moves_is_unseen():
    coordinates, _, notes = fitted(pd.DataFrame({"site": ["n"] * 30, "x": np.arange(30.0) ** 2}))
    assert any("always 'n'" in note for note in notes)
    rows = coordinates.encode(read_mixed(pd.DataFrame({"site": ["n", "s"], "x": [1.0, 2.0]})))
    assert rows.values.shape == (2, 1)
    assert rows.unseen[:, 0].tolist() == [False, True]


def test_midnight_is_next_to_23_and_opposite_hours_are_a_diameter_apart():
    hours = np.arange(24.0)
    coordinates, _, _ = fitted(pd.DataFrame({"hour": hours}), periodic={"hour": 24})
    Z = coordinates.encode(read_mixed(pd.DataFrame({"hour": [23.0, 0.0, 12.0, 24.0]}))).values
    assert np.linalg.norm(Z[0] - Z[1]) == pytest.approx(2 * np.sin(np.pi / 24), rel=1e-12)
    assert np.linalg.norm(Z[1] - Z[2]) == pytest.approx(2.0, rel=1e-12)
    np.testing.assert_allclose(Z[1], Z[3], atol=1e-15)


@pytest.mark.parametrize("concentration", [0.1, 1.0, 4.0])
def test_a_circle_has_the_total_variance_of_a_standardised_number(concentration):
    angle = np.random.default_rng(0).vonmises(0.3, concentration, 5000)
    circle = circle_radius(angle, 2 * np.pi) * np.column_stack([np.cos(angle), np.sin(angle)])
    assert circle.var(axis=0).sum() == pytest.approx(1.0, rel=1e-10)


def test_parts_of_dates():
    days = np.array(["2024-02-01T06:00", "2024-12-31T00:00", "2023-01-01T00:00"], "datetime64[m]")
    days = (days - np.datetime64("1970-01-01T00:00", "m")).astype(float) / 1440
    np.testing.assert_allclose(date_part(days, "hour"), [6, 0, 0])
    np.testing.assert_allclose(date_part(days, "weekday"), [3.25, 1, 6])  # Thursday = 3
    np.testing.assert_allclose(date_part(days, "month"), [1, 11 + 30 / 31, 0])
    np.testing.assert_allclose(date_part(days, "year"), [31.25, 365, 0])
    assert np.isnan(date_part(np.array([np.nan]), "month")).all()


def test_a_logarithm_needs_numbers_above_0():
    with pytest.raises(DataError, match=r"row 1, column 'dose' holds 0: it is declared log"):
        fitted(pd.DataFrame({"dose": [1.0, 0.0, 3.0]}), log=["dose"])


def test_a_missing_column_is_named_and_others_do_not_matter():
    coordinates, _, _ = fitted(pd.DataFrame({"x": np.arange(9.0) ** 2, "job": list("abcabcabc")}))
    with pytest.raises(DataError, match=r"lacks the column 'job'; it has"):
        coordinates.encode(read_mixed(pd.DataFrame({"x": [1.0], "other": [2]})))
    shuffled = pd.DataFrame({"other": [2], "job": ["a"], "x": [4.0]})
    assert coordinates.encode(read_mixed(shuffled)).values[0, 0] == 4.0
