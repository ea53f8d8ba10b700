"""What the report says is true: counts, distances, features, the map, numbers in words."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import hullwise as hw
from hullwise.geometry.bands import bands
from hullwise.geometry.location_summary import leading_changes, usual_share
from hullwise.geometry.plane_outline import in_outline, outline
from hullwise.report import render_report
from hullwise.report._figures import distribution
from hullwise.report._map import choose_rows
from hullwise.report.sentences import (
    band_meanings,
    definition_counts,
    expectation_sentence,
    remarks,
)
from hullwise.report.words import format_number, printable, printable_names, share
from report_input import beside_box, box_location, content, located


def test_counts_are_those_of_the_rows():
    given = box_location(m=500)
    page = content(render_report(given, title="A title"))
    bands = {b["name"]: b["count"] for b in page["headline"]["bands"]}
    assert bands == {b: int(np.sum(given.band == b)) for b in ("core", "edge", "beyond", "far")}
    near = bands["core"] + bands["edge"]
    assert page["headline"]["sentence"].startswith(f"{near} of 500\u00a0rows ({share(near, 500)})")
    outside = int(np.sum(given.verdict == -1))
    counts = f"Inside the convex hull of the training rows: {500 - outside}; outside: {outside}."
    assert page["headline"]["verdicts"].startswith(counts)
    d = page["distribution"]
    assert sum(d["inside"]) + sum(map(sum, d["queries"])) == 500
    assert d["trainingInside"] == 40
    assert d["trainingInside"] + sum(d["training"]) == len(given.reference)
    lines = page["definitions"]["table"]
    assert [line["total"] for line in lines[:-1]] == [
        bands[page["bands"][line["band"]]] for line in lines[:-1]
    ]
    assert lines[-1]["counts"][0] == 500 - outside
    assert page["title"] == "A title"


def test_undecided_rows_are_neither_near_nor_certified():
    given = box_location(m=50)
    verdict, lower, upper = given.verdict.copy(), given.lower.copy(), given.upper.copy()
    verdict[:5], lower[:5], upper[:5] = 0, 0.0, np.inf
    band = given.band.astype("<U7")
    band[:5] = "unknown"
    changed = {"verdict": verdict, "lower": lower, "upper": upper, "band": band}
    page = content(render_report(box_location(m=50, **changed)))
    assert "undecided: 5. Each of the 45 decided rows" in page["headline"]["verdicts"]
    near = int(np.isin(band, ["core", "edge"]).sum())
    assert page["headline"]["sentence"].startswith(f"{near} of 50\u00a0rows")
    assert page["distribution"]["undecided"] == 5
    assert {b["name"]: b["count"] for b in page["headline"]["bands"]}["unknown"] == 5
    total = sum(page["distribution"]["inside"]) + sum(map(sum, page["distribution"]["queries"]))
    assert total == 45


def test_farthest_rows_carry_their_smallest_change():
    given = box_location(m=100, labels=np.array([f"patient {i}" for i in range(100)], dtype=object))
    rows = content(render_report(given))["farthest"]["rows"]
    order = np.argsort(-given.upper)[:20]
    assert [row["label"] for row in rows] == [f"patient {i}" for i in order]
    for row, i in zip(rows, order):
        for change in row["changes"]:
            j = given.columns.index(change["name"])
            assert change["from"] == given.queries[i, j]
            assert change["by"] == given.residual[i, j]
        assert row["nearest"] == [str(k) for k in given.nearest_rows[i]]


def test_features_are_ranked_with_their_sign():
    queries = np.array([[5.0, 0.5, 0.5], [0.5, -9.0, 0.5], [9.0, -1.0, 0.5], [0.5, 0.5, 0.5]])
    given = box_location(m=4, columns=("a", "b", "c"), **beside_box(queries))
    assert given.verdict.tolist() == [-1, -1, -1, 1]
    assert leading_changes(given).tolist() == [[-1, 0, 0], [2, 0, 0], [-1, 2, 0], [0, 0, 0]]
    items = content(render_report(given))["features"]["items"]
    assert items == [{"name": "a", "high": 2, "low": 0}, {"name": "b", "high": 0, "low": 2}]


def test_map_names_the_features_that_push_each_row_out():
    # Every row drawn is pushed out by all three features: no place of the list may be skipped.
    queries = np.array([[2.0, -2.5, 3.5], [-4.0, 1.9, -1.2]])
    for chosen in ([0, 1], [0]):
        given = box_location(
            m=len(chosen),
            columns=("a", "b", "c"),
            band=np.full(len(chosen), "far"),
            **beside_box(queries[chosen]),
        )
        chart = content(render_report(given))["map"]
        said = [[(chart["names"][abs(p)], np.sign(p)) for p in push] for push in chart["push"]]
        expected = [[("b", 1), ("c", -1), ("a", -1)], [("a", 1), ("c", 1), ("b", -1)]]
        assert sorted(said) == sorted([expected[i] for i in chosen])
        assert all(p != 0 for push in chart["push"] for p in push)


def test_constant_column_leads_only_when_it_really_differs():
    given = box_location(m=2, d=2, queries=np.array([[3.0, 0.1], [3.0, 0.2]]))
    residual = np.array([[-2.0, 1e-17], [-2.0, -0.1]])
    low, high = np.array([0.0, 0.1]), np.array([1.0, 0.1])
    given = box_location(
        m=2,
        d=2,
        queries=given.queries,
        residual=residual,
        box_minimum=low,
        box_maximum=high,
        verdict=np.array([-1, -1]),
    )
    assert leading_changes(given)[:, 0].tolist() == [-1, -2]


def test_map_counts_the_rows_that_a_projection_hides():
    # The map shows x0 and x1 of a cube: a row far out in x2 alone is drawn inside the outline.
    queries = np.array([[0.5, 0.5, 9.0], [0.4, 0.6, -9.0], [9.0, 0.5, 0.5], [0.5, 0.5, 0.5]])
    corners = np.array([[a, b, c] for a in (0, 1) for b in (0, 1) for c in (0, 1)], dtype=float)
    given = box_location(m=4, n=8, sample=corners, **beside_box(queries))
    assert given.verdict.tolist() == [-1, -1, -1, 1]
    chart = content(render_report(given))["map"]
    assert "Of the 3\u00a0rows outside the hull, 2 (67\u00a0%) are drawn inside" in chart["hides"]
    assert "carry 75\u00a0%" in chart["hides"]
    assert sorted(map(tuple, chart["outline"])) == [
        (-0.5, -0.5),
        (-0.5, 0.5),
        (0.5, -0.5),
        (0.5, 0.5),
    ]


@pytest.mark.parametrize(
    ("points", "inside", "outside"),
    [
        ([[0, 0], [2, 0], [0, 2], [0.5, 0.5]], [[0.5, 0.5], [1, 1]], [[1.1, 1.1], [-0.1, 0]]),
        ([[0, 0], [2, 2], [1, 1]], [[1, 1], [2, 2]], [[1, 1.1], [2.1, 2.1], [-0.1, -0.1]]),
        ([[3, 4], [3, 4]], [[3, 4]], [[3, 4.1]]),
        ([[1e12, 0], [1e12 + 1, 0], [1e12, 1]], [[1e12, 0]], [[1e12 - 3000, 0]]),
        ([[0, 0], [1e-300, 0], [0, 1e-300]], [[0, 0]], [[1e-299, 0]]),
    ],
)
def test_outline_of_points_in_the_plane(points, inside, outside):
    corners = outline(np.array(points, dtype=float))
    assert in_outline(np.array(inside, dtype=float), corners).all()
    assert not in_outline(np.array(outside, dtype=float), corners).any()


def test_distribution_turns_logarithmic_only_when_the_range_demands_it():
    codes = np.zeros(200, dtype=np.int8)

    def drawn(distance):
        outside = np.full(200, -1)
        changed = {"verdict": outside, "upper": distance, "reference": np.linspace(0.1, 1.0, 50)}
        return distribution(box_location(m=200, **changed), codes)

    assert not drawn(np.linspace(0.1, 1, 200))["log"]
    wide = drawn(np.geomspace(1e-3, 1e6, 200))
    assert wide["log"]
    assert sum(map(sum, wide["queries"])) == 200


def test_bands_without_limits_are_read_off_the_rows():
    limits = (0.05, 0.2, 0.5)  # not those of the left-out training rows
    distance = box_location(m=400).distance
    band = np.array(["core", "edge", "beyond", "far"])[np.searchsorted(limits, distance)]
    given = box_location(m=400, band=band)
    assert given.band_limits is None
    segments = content(render_report(given))["distribution"]["segments"]
    assert [name for name, *_ in segments] == ["core", "edge", "beyond", "far"]
    for band, start, _ in segments[1:]:
        assert start == given.distance[given.band == band].min()


def test_every_far_row_is_drawn_while_there_is_room():
    codes = np.r_[np.full(500, 3), np.zeros(50_000)].astype(np.int8)
    chosen = choose_rows(codes, codes.astype(float), np.arange(len(codes)), 3000)
    assert len(chosen) == len(set(chosen.tolist())) == 3000
    assert set(range(500)) <= set(chosen.tolist())
    assert codes[chosen][-1] == 3


def test_a_location_is_told_as_it_is():
    location = located()
    page = content(render_report(location))
    bands = {b["name"]: b["count"] for b in page["headline"]["bands"]}
    assert bands == {b: int(np.sum(location.band == b)) for b in bands}
    assert sum(bands.values()) == 80
    assert len(page["farthest"]["rows"]) == 20
    pushed = location.pushed_out_by(k=4)
    for row in page["farthest"]["rows"]:
        i = int(row["label"].removeprefix("row "))
        assert location.lower[i] > 0
        for change in row["changes"]:
            assert change["by"] == -dict(pushed[i])[change["name"]]


def test_band_limits_part_the_bands_of_a_location():
    location = located()
    at = np.searchsorted(location.band_limits, location.distance)
    known = location.band != "unknown"
    assert known.sum() > 70
    drawn = np.array(["core", "edge", "beyond", "far"])[at]
    assert (drawn[known] == location.band[known]).all()


def test_a_membership_run_claims_no_distances():
    location = located(membership_only=True)
    page = content(render_report(location))
    assert page["headline"]["sentence"].startswith(f"{np.sum(location.verdict == 1)} of 80")
    assert "missing" in page["distribution"]
    assert page["map"] is None
    assert page["farthest"]["rows"] == page["features"]["items"] == []
    assert page["definitions"]["columns"] == [
        "every feature within its training range",
        "inside the convex hull of the data",
    ]


def test_without_a_reference_no_yardstick_is_claimed():
    page = content(
        render_report(hw.locate([[0.0], [1.0]], [[0.5], [3.0]], metric=None, reference=0))
    )
    assert page["headline"]["sentence"].startswith("1 of 2\u00a0rows (50\u00a0%) lies inside")
    bands = {b["name"]: b for b in page["headline"]["bands"]}
    assert [*bands] == ["core", "unknown"]
    assert (bands["core"]["count"], bands["unknown"]["count"]) == (1, 1)
    assert page["distribution"]["segments"] == []
    assert page["headline"]["usual"] == page["definitions"]["note"] == ""
    assert "band" not in dict(page["glossary"])
    assert bands["core"]["rule"] == "inside the hull"
    assert bands["unknown"]["rule"] == "no training rows to compare with"
    assert page["distribution"]["trainingTotal"] == 0


def off_flat_location():
    rng = np.random.default_rng(5)
    training = rng.normal(size=(200, 3))
    training[:, 2] = 0.001
    queries = rng.normal(size=(60, 3)) * 0.5
    queries[:, 2] = 0.001
    queries[:20, 2] = 0.0015
    with pytest.warns(hw.errors.DataWarning, match="flat"):
        location = hw.locate(training, queries, metric=None)
    training = dataclasses.replace(location.training, columns=("a", "b", "valve_m3s"))
    return dataclasses.replace(location, training=training)


def test_rows_off_the_flat_are_far_and_said_to_be():
    location = off_flat_location()
    assert (location.band[:20] == "far").all()
    page = content(render_report(location))
    assert page["headline"]["warnings"] == [
        "valve_m3s is always 0.001 in the training rows; 20 new rows differ: far, whatever the "
        "distance."
    ]
    drawn = page["distribution"]
    assert drawn["offFlat"] == 20
    assert [band[-1] for band in drawn["queries"]] == [0, 0, 0, 20, 0]
    name, start, end = drawn["segments"][-1]
    assert (name, end) == ("far", pytest.approx(drawn["edges"][-1], rel=1e-5))
    assert start <= drawn["edges"][-2] * (1 + 1e-5)
    assert sum(sum(band) for band in drawn["queries"]) == (location.verdict == -1).sum()


def test_a_broken_linear_relation_is_named():
    rng = np.random.default_rng(6)
    a = rng.normal(size=(200, 2))
    queries = rng.normal(size=(5, 3)) * 0.1
    with pytest.warns(hw.errors.DataWarning, match="flat"):
        location = hw.locate(np.c_[a, a.sum(axis=1)], queries, metric=None)
    (said,) = content(render_report(location))["headline"]["warnings"]
    assert said.startswith("x2 = x0 + x1 in the training rows; 5 new rows break that")
    assert said.endswith(": far, whatever the distance.")


@pytest.mark.parametrize(
    ("r", "share"), [(1, 1 / 2), (10, 1 / 11), (19, 1 / 20), (20, 1 / 21), (500, 25 / 501)]
)
def test_usual_share_is_that_of_the_ranks(r, share):
    assert usual_share(r) == pytest.approx(share)
    # The exact share of ranks at which a new row is beyond or far.
    reference = np.arange(r, dtype=float)
    found = [bands(np.array([v]), np.array([v]), reference)[0] for v in np.arange(r + 1) - 0.5]
    assert np.mean(np.isin(found, ["beyond", "far"])) == pytest.approx(share)


def test_chance_is_said_in_words():
    summary = located().summary()

    def said(n_out, m, r, chance):
        expected = m * usual_share(r) if r else np.nan
        counts = {"n_out": n_out, "n_rows": m, "n_reference": r, "expected_out": expected}
        return expectation_sentence(dataclasses.replace(summary, **counts, chance=chance))

    assert "about 20; so many or more would come up by chance in 2 of 100 such tables." in (
        said(34, 400, 500, 0.018)
    )
    assert said(34, 400, 500, 0.018).startswith("34 of 400 new rows (8.5\u00a0%) are")
    assert "fewer than 1 of 1,000" in said(90, 400, 500, 1e-9)
    assert "chance" not in said(0, 400, 500, 1.0)
    assert said(1, 1, 10, 0.09).startswith("1 of 1 new row (100\u00a0%) is beyond or far")
    assert said(1, 4, 0, np.nan) == ""


def test_the_source_is_told():
    page = content(render_report(located(), source={"Files": "new.csv in seen.csv"}))
    assert page["about"][0] == ["Files", "new.csv in seen.csv"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (1234.5, "1,230"),
        (0.012345, "0.0123"),
        (-2.5, "-2.5"),
        (9.999, "10"),
        (1e-9, "1\u00a0×\u00a010⁻⁹"),
        (1.234e300, "1.23\u00a0×\u00a010³⁰⁰"),
        (np.inf, "unknown"),
    ],
)
def test_numbers_in_words(value, text):
    assert format_number(value) == text


def test_shares_are_never_rounded_to_all_or_nothing():
    assert share(1, 10**6) == "under 0.1\u00a0%"
    assert share(10**6 - 1, 10**6) == "over 99.9\u00a0%"
    assert [share(0, 7), share(7, 7), share(5, 1000)] == ["0\u00a0%", "100\u00a0%", "0.5\u00a0%"]


def test_labels_are_one_printable_line():
    assert printable("a\nb\tc") == "a b c"
    assert printable("\u202eevil\x00") == "\ufffdevil\ufffd"
    assert printable("") == printable("  ") == "(empty)"
    assert len(printable("x" * 10**6)) == 60


def test_long_names_keep_both_ends_and_differ():
    names = [f"mean_of_the_temperature_sensor_{i:03d}_in_the_northern_hall" for i in range(200)]
    shown = printable_names(names, 24)
    assert len(set(shown.values())) == 200
    one = printable(names[0], 24)
    assert (len(one), one[:8], one[-8:]) == (24, "mean_of_", "ern_hall")
    page = content(render_report(box_location(d=200, m=400, columns=tuple(names), spread=3)))
    bars = [item["name"] for item in page["features"]["items"]]
    assert len(set(bars)) == len(bars) == 15
    shown = printable_names(["a\x00", "a\x01", "b"])
    assert list(shown.values()) == ["a\ufffd (1)", "a\ufffd (2)", "b"]


def test_terminal_and_page_say_the_same():
    location = located()
    page, summary = content(render_report(location)), location.summary()
    assert page["headline"]["usual"] == expectation_sentence(summary)
    assert {b["name"]: b["rule"] for b in page["headline"]["bands"]} == band_meanings(summary)
    assert [c for c, _ in definition_counts(location, summary)] == page["definitions"]["columns"]
    counts = dict(definition_counts(location, summary))
    assert page["definitions"]["table"][-1]["counts"] == list(counts.values())
    assert page["notes"] == remarks(location, summary)
