"""A domain's location in figures, counted again from the rows."""

import numpy as np
import pytest

import hullwise as hw


@pytest.fixture(scope="module")
def located():
    rng = np.random.default_rng(3)

    def rows(n, shift=0.0):
        return [
            {
                "job": "smith" if i % 60 == 7 else "nurse" if i % 2 else "clerk",
                "age": float(40 + 10 * rng.normal() + shift),
                "dose": None if i % 5 == 0 else float(rng.normal()),
                "site": "north",
            }
            for i in range(n)
        ]

    new = [*rows(30), *rows(12, 45.0)]
    new[1]["job"], new[2]["job"], new[3]["site"] = "baker", "baker", "south"
    domain = hw.Domain().fit(rows(240))
    return domain, domain.locate(new)


def test_counts_are_those_of_the_rows(located):
    domain, location = located
    summary = location.summary()
    assert (summary.n_rows, summary.n_train) == (42, 240)
    for band, count in summary.bands.items():
        assert count == (location.band == band).sum()
    for band, count in summary.distance_bands.items():
        assert count == (location.distance_band == band).sum()
    assert summary.n_out == np.isin(location.band, ["beyond", "far"]).sum()
    assert summary.n_out_by_distance == np.isin(location.distance_band, ["beyond", "far"]).sum()
    assert summary.n_unseen == 3
    assert summary.expected_unseen == pytest.approx(42 * location.unseen_rate)
    chances = summary.chance, summary.chance_by_distance, summary.chance_by_name
    assert chances == (location.chance(), location.chance_by_distance(), location.chance_by_name())
    named = [(level.column, level.level, level.rows, level.is_constant) for level in summary.unseen]
    assert named == [("job", "baker", 2, False), ("site", "south", 1, True)]


def test_gaps_say_what_was_compared(located):
    domain, location = located
    gaps = {count.without: count for count in location.summary().gaps}
    for without, count in gaps.items():
        rows = [i for i in range(42) if tuple(location.located_without(i)) == without]
        assert count.rows == len(rows)
    assert gaps["dose",].is_alike
    assert gaps["dose",].training_rows == 240
    assert gaps["dose",].n_reference == 48


def test_leading_columns_are_those_of_the_reasons(located):
    _, location = located
    counts = {column.name: column for column in location.summary().columns}
    leading = [row[:3] for row in location.pushed_out_by()]
    for name, count in counts.items():
        in_rows = sum(name in dict(row) for row in leading)
        assert 0 < count.rows <= in_rows
    assert counts["age"].too_high >= 10
    assert counts["age"].of_another_level == 0


def test_rare_levels_of_rows_out(located):
    _, location = located
    summary = location.summary()
    out = np.flatnonzero(np.isin(location.distance_band, ["beyond", "far"]))
    smiths = [i for i in out if i in (7, 37)]
    assert sum(level.rows for level in summary.rare if level.level == "smith") == len(smiths)
    assert summary.n_with_rare_level == len(smiths)


def test_farthest_rows_are_far_first(located):
    _, location = located
    order = location.summary().farthest
    assert set(order) == set(np.flatnonzero(location.verdict == -1))
    bands = (location.band[order] == "far").tolist()
    assert bands == sorted(bands, reverse=True)
    far = order[: sum(bands)]
    assert (np.diff(location.upper[far]) <= 0).all()


def test_no_rows():
    rows = [{"job": "ab"[i % 2], "age": i * i} for i in range(40)]
    location = hw.Domain().fit(rows).locate(rows)
    summary = location[np.zeros(40, dtype=bool)].summary()
    assert summary.n_rows == summary.n_out == len(summary.farthest) == 0
    assert summary.columns == summary.gaps == summary.unseen == ()
