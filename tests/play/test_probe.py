"""What the probe says, against the library's own answers and against brute force."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

import hullwise as hw
from hullwise.model.slice_readings import nearest_on_segments
from hullwise.play.drawing import Drawing
from hullwise.play.probe import CURVED_COUNT_NOTE, probe
from hullwise.play.row_readings import RowReadings
from play_drawings import plane_drawing, table_drawing

POINTS = np.random.default_rng(5).uniform(-1, 1, size=(12, 2))


def drawings() -> list[Drawing]:
    return [
        plane_drawing(),
        plane_drawing("three"),
        plane_drawing("parabola"),
        plane_drawing("ring", ("y",)),
        plane_drawing("ring", ("x2", "y2", "xy")),
        plane_drawing("three", ("x", "siny", "y")),
        table_drawing(),
    ]


@pytest.fixture(scope="module", params=range(7))
def drawing(request: pytest.FixtureRequest) -> Drawing:
    return drawings()[request.param]


@pytest.fixture(scope="module")
def readings(drawing: Drawing) -> RowReadings:
    return RowReadings(drawing.data)


def rows_of(drawing: Drawing) -> np.ndarray:
    """The points as rows, from the definition of the plane."""
    if drawing.data.is_plane:
        return POINTS
    return drawing.data.origin + POINTS @ drawing.data.axes


def inputs_of(drawing: Drawing) -> np.ndarray:
    rows = rows_of(drawing)
    return drawing.inputs(rows) if drawing.data.is_plane else rows


def test_map_code_and_values_are_those_of_dissect(drawing: Drawing, readings: RowReadings) -> None:
    inputs = inputs_of(drawing)
    for point, x in zip(POINTS, inputs, strict=True):
        answer, own = probe(drawing, readings, point), hw.dissect(drawing.net, x)
        np.testing.assert_allclose(answer["outputs"], own.output, atol=1e-13)
        np.testing.assert_array_equal(answer["map"]["slopes"], own.A)
        np.testing.assert_array_equal(answer["map"]["offsets"], own.b)
        code = np.concatenate([layer["code"] for layer in answer["code"]])
        np.testing.assert_array_equal(code, own.code)
        np.testing.assert_allclose(answer["inputs"], x, atol=1e-14)
        assert len(answer["input_names"]) == len(x)


def test_gradient_is_that_of_differences(drawing: Drawing, readings: RowReadings) -> None:
    rows, step = rows_of(drawing), 1e-7
    for point, row in zip(POINTS, rows, strict=True):
        gradient = probe(drawing, readings, point)["map"]["gradient"]
        sides = [
            (drawing.outputs(row[None] + e) - drawing.outputs(row[None] - e))[0] / (2 * step)
            for e in step * np.eye(len(row))
        ]
        np.testing.assert_allclose(gradient, np.stack(sides, axis=1), atol=1e-6)


def test_decision_distance_is_that_of_the_library_or_a_lower_bound() -> None:
    for drawing in (plane_drawing(half=4), plane_drawing("three", half=4)):
        readings = RowReadings(drawing.data)
        n_exact = 0
        for point in POINTS:
            decision = probe(drawing, readings, point)["decision"]
            own = hw.dissect(drawing.net, point).decision_distance
            if decision["at_least"]:
                assert decision["distance"] <= own + 1e-12
                assert decision["foot"] is None
            else:
                n_exact += 1
                assert decision["exact"]
                np.testing.assert_allclose(decision["distance"], own, atol=1e-9)
                foot = decision["foot"]
                np.testing.assert_allclose(np.hypot(*(foot - point)), own, atol=1e-9)
                top = np.sort(np.r_[drawing.net([foot])[0], 0.0] if own > 0 else [0, 0])
                if drawing.data.n_classes > 2:
                    top = np.sort(drawing.net([foot])[0])
                    assert top[-1] - top[-2] < 1e-9
                else:
                    assert abs(drawing.net([foot])[0, 0]) < 1e-9
        assert n_exact > 6


def test_beyond_the_view_s_border_distances_are_at_least_that_of_the_border() -> None:
    drawing = plane_drawing(half=0.05)
    readings, point = RowReadings(drawing.data), drawing.centre + np.array([0.04, 0.0])
    decision = probe(drawing, readings, point)["decision"]
    own = hw.dissect(drawing.net, point).decision_distance
    border = 0.01
    if decision["at_least"]:
        np.testing.assert_allclose(decision["distance"], border, atol=1e-12)
    assert decision["distance"] <= own + 1e-12
    outside = probe(drawing, readings, drawing.centre + np.array([2.0, 0.0]))
    assert outside["decision"]["at_least"]
    assert outside["decision"]["distance"] == 0.0
    assert outside["region"]["polygon"] is None


def test_wall_is_that_of_dissect_where_the_network_takes_the_plane_itself() -> None:
    for drawing in (plane_drawing(), plane_drawing("ring", ("y",))):
        readings = RowReadings(drawing.data)
        for point, x in zip(POINTS, inputs_of_points(drawing), strict=True):
            wall, own = probe(drawing, readings, point)["wall"], hw.dissect(drawing.net, x)
            assert wall["distance"] == own.boundary_distance
            unit = drawing.net.layers[wall["layer"]].start + wall["unit"]
            assert unit == own.boundary_unit
            step = np.hypot(*(wall["foot"] - point))
            np.testing.assert_allclose(step, wall["distance"], atol=1e-12)
            near = drawing.network_inputs(wall["foot"][None])
            value = pre_activations(drawing.net, near)[0, unit]
            assert abs(value) < 1e-9


def inputs_of_points(drawing: Drawing) -> np.ndarray:
    return drawing.network_inputs(POINTS)


def pre_activations(net: hw.model.Network, inputs: np.ndarray) -> np.ndarray:
    return np.concatenate([net.upto(i)(inputs) for i in range(len(net.layers))], axis=1)


def test_wall_in_a_plane_of_more_columns_is_the_first_that_any_direction_meets() -> None:
    drawing = table_drawing()
    readings = RowReadings(drawing.data)
    angles = np.linspace(0, 2 * np.pi, 721)
    ways = np.c_[np.cos(angles), np.sin(angles)]
    n_exact = 0
    for point in POINTS:
        wall = probe(drawing, readings, point)["wall"]
        if wall["at_least"]:
            continue
        n_exact += 1
        here = drawing.net.codes(drawing.rows(point[None]))
        around = drawing.rows(point + 0.999 * wall["distance"] * ways)
        assert (drawing.net.codes(around) == here).all()
        beyond = point + (wall["foot"] - point) * (1 + 1e-6)
        changed = np.flatnonzero((drawing.net.codes(drawing.rows(beyond[None])) != here)[0])
        assert changed[0] == drawing.net.layers[wall["layer"]].start + wall["unit"]
    assert n_exact > 6


def test_wall_behind_chords_is_a_unit_of_the_network_and_said_to_be_drawn() -> None:
    drawing = plane_drawing("ring", ("x2", "y2"))
    readings = RowReadings(drawing.data)
    for point in POINTS:
        wall = probe(drawing, readings, point)["wall"]
        assert not wall["exact"]
        if not wall["at_least"]:
            layer = drawing.net.layers[wall["layer"]]
            assert 0 <= wall["unit"] < layer.n_units
            value = pre_activations(drawing.slice.net, wall["foot"][None])
            own = value[0, drawing.slice.net.layers[0].n_units :]
            assert abs(own[layer.start + wall["unit"]]) < 1e-9


def test_region_is_the_cell_around_the_point_and_counts_rows_of_equal_code(
    drawing: Drawing, readings: RowReadings
) -> None:
    codes = drawing.net.codes(drawing.network_inputs(drawing.data.X))
    for point, x in zip(POINTS, inputs_of(drawing), strict=True):
        region = probe(drawing, readings, point)["region"]
        same = (codes == drawing.net.codes(x)).all(axis=1)
        assert region["n_rows"] == same.sum()
        if drawing.data.n_classes:
            classes = drawing.data.targets[same]
            expected = [(classes == c).sum() for c in range(drawing.data.n_classes)]
            assert region["class_counts"].tolist() == expected
        if drawing.is_curved or not drawing.in_view(point):
            assert region["polygon"] is None
            continue
        corners = region["polygon"]
        inner = corners.mean(axis=0) + 0.99 * (corners - corners.mean(axis=0))
        own = drawing.net.codes(drawing.network_inputs(drawing.rows(np.vstack([point, inner]))))
        assert (own == own[:1]).all()
        for a, b in itertools.pairwise([*corners, corners[0]]):
            gap = point - a
            assert (b - a)[0] * gap[1] - (b - a)[1] * gap[0] >= -1e-9


def test_outline_behind_chords_parts_the_code_of_the_drawn_cell_from_others() -> None:
    drawing = plane_drawing("ring", ("x2", "y2", "xy"))
    drawn, readings = drawing.slice.net, RowReadings(drawing.data)
    chords = drawn.layers[0].n_units
    for point in POINTS:
        outline = probe(drawing, readings, point)["region"]["outline"]
        if not drawing.in_view(point):
            assert outline is None
            continue
        here = drawn.codes(point[None])[0, chords:]
        way = outline[:, 1] - outline[:, 0]
        length = np.hypot(*way.T)
        long = length > 1e-3
        normal = (np.c_[-way[:, 1], way[:, 0]] / length[:, None])[long]
        middle = outline.mean(axis=1)[long]
        sides = [
            (drawn.codes(middle + s * 1e-7 * normal)[:, chords:] == here).all(axis=1)
            for s in (-1, 1)
        ]
        assert (sides[0] != sides[1]).all()


def test_hull_neighbours_and_simplex_are_those_of_the_library(
    drawing: Drawing, readings: RowReadings
) -> None:
    X = drawing.data.X
    ways = np.vstack([POINTS[:4], [[3.0, 0.5]]])
    rows = ways if drawing.data.is_plane else drawing.data.origin + ways @ drawing.data.axes
    own = hw.HullLocator(metric=None).fit(X).locate(rows)
    delaunay = hw.DelaunayRegressor(metric=None).fit(X, np.arange(len(X)) * 1.0)
    for i, point in enumerate(ways):
        answer = probe(drawing, readings, point, simplex=True)
        hull = answer["hull"]
        assert hull["band"] == own.band[i]
        np.testing.assert_allclose(
            [hull["lower"], hull["upper"]], [own.lower[i], own.upper[i]], atol=1e-9
        )
        apart = np.sqrt(((X - rows[i]) ** 2).sum(axis=1))
        nearest = np.argsort(apart, kind="stable")[:5]
        assert answer["neighbours"]["rows"].tolist() == nearest.tolist()
        np.testing.assert_allclose(answer["neighbours"]["distances"], apart[nearest], atol=1e-9)
        assert answer["neighbours"]["targets"].tolist() == drawing.data.targets[nearest].tolist()
        simplex = answer["simplex"]
        expected = delaunay.weights(rows[i : i + 1]).toarray()[0]
        mine = np.zeros(len(X))
        mine[simplex["rows"]] = simplex["weights"]
        np.testing.assert_allclose(mine, expected, atol=1e-9)
        if drawing.data.n_classes:
            np.testing.assert_allclose(simplex["shares"].sum(), 1.0)
        else:
            np.testing.assert_allclose(simplex["value"], expected @ drawing.data.targets)


def test_hull_in_a_metric_is_that_of_locate_with_its_band_or_without() -> None:
    drawing = plane_drawing()
    readings, point = RowReadings(drawing.data), np.array([2.0, -0.5])
    M = hw.metrics.agop(drawing.net, drawing.data.X)
    own = hw.locate(drawing.data.X, point[None], metric=M)
    with_band = readings.hull(point, M)
    without = readings.hull(point, M, band=False)
    assert with_band["band"] == own.band[0]
    for hull in (with_band, without):
        np.testing.assert_allclose(hull["upper"], own.upper[0], rtol=1e-9)
        np.testing.assert_allclose(hull["lower"], own.lower[0], rtol=1e-9)
    assert without["band"] == "unknown"


def test_notes_say_what_is_drawn_in_chords_and_what_the_slope_is() -> None:
    def notes(drawing: Drawing) -> list[str]:
        return probe(drawing, RowReadings(drawing.data), drawing.centre)["notes"]

    assert notes(plane_drawing()) == []
    drawing = plane_drawing("ring", ("x2", "y2"))
    slope, count = notes(drawing)
    assert count == CURVED_COUNT_NOTE
    along_x, along_y = drawing.jacobians(drawing.centre[None])[0, 0]
    assert f"it has a slope here, {along_x:.3g} and {along_y:.3g}," in slope


def test_a_picture_of_too_many_pieces_says_what_it_leaves_out() -> None:
    whole = plane_drawing()
    cut = whole.net.slice(whole.centre, np.eye(2), whole.slice.high, max_regions=20)
    drawing = replace(whole, slice=cut)
    assert cut.partial
    readings = RowReadings(drawing.data)
    for point in POINTS[:4]:
        answer, full = probe(drawing, readings, point), probe(whole, readings, point)
        assert answer["decision"] == {
            "distance": 0.0,
            "at_least": True,
            "exact": False,
            "foot": None,
        }
        assert answer["wall"]["distance"] == full["wall"]["distance"]
        np.testing.assert_array_equal(answer["map"]["slopes"], full["map"]["slopes"])
        assert answer["notes"][-1].startswith("More pieces than can be drawn")


def test_without_rows_there_is_no_hull_and_the_network_is_read_as_ever() -> None:
    drawing = plane_drawing()
    nothing = replace(drawing.data, X=drawing.data.X[:0], targets=drawing.data.targets[:0])
    drawing = replace(drawing, data=nothing)
    answer = probe(drawing, RowReadings(nothing), drawing.centre, simplex=True)
    assert not answer.keys() & {"hull", "neighbours", "simplex"}
    assert answer["region"]["n_rows"] == 0
    assert answer["map"]["slopes"].shape == (1, 2)


def test_nearest_on_segments_is_that_of_many_points_of_them() -> None:
    rng = np.random.default_rng(0)
    segments, share = rng.normal(size=(30, 2, 2)), np.linspace(0, 1, 20001)[:, None]
    segments[7, 1] = segments[7, 0]  # one is a point
    dense = [a + share * (b - a) for a, b in segments]
    for point in POINTS:
        distance, foot, at = nearest_on_segments(point, segments)
        least = [np.hypot(*(points - point).T).min() for points in dense]
        assert at == np.argmin(least)
        np.testing.assert_allclose(distance, min(least), atol=1e-4)
        np.testing.assert_allclose(np.hypot(*(foot - point)), distance, atol=1e-12)
    assert nearest_on_segments(POINTS[0], np.zeros((0, 2, 2)))[2] == -1


@pytest.mark.parametrize("data", ["spirals", "three"])
def test_weight_of_a_wall_is_how_the_output_bends(data: str) -> None:
    drawing = plane_drawing(data)
    readings, step, checked = RowReadings(drawing.data), 1e-6, 0
    for point in POINTS:
        wall = probe(drawing, readings, point)["wall"]
        across = step * (wall["foot"] - point) / wall["distance"]
        places = wall["foot"] + np.array([[-1.0], [0.0], [1.0]]) * across
        before, at, beyond = drawing.outputs(drawing.rows(places))
        codes = drawing.net.codes(drawing.network_inputs(drawing.rows(places)))
        if (codes[0] != codes[2]).sum() != 1:  # another wall is as near
            continue
        bend = (beyond - 2 * at + before) / step
        np.testing.assert_allclose(wall["weight"], bend, rtol=1e-4, atol=1e-8)
        checked += 1
    assert checked > 6
