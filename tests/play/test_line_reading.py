"""What is said of a segment, against Network.along, walk and brute force."""

from __future__ import annotations

import numpy as np
import pytest

import hullwise as hw
from hullwise.errors import DataError
from hullwise.play.line_reading import CURVED_LINE_NOTE, line_reading
from hullwise.play.row_readings import RowReadings
from play_drawings import plane_drawing, table_drawing

START, END = np.array([-0.8, -0.3]), np.array([1.7, 0.9])


def test_breaks_values_and_classes_are_those_of_along() -> None:
    for drawing in (plane_drawing(), plane_drawing("three"), table_drawing()):
        answer = line_reading(drawing, RowReadings(drawing.data), START, END)
        own = drawing.net.along(*drawing.rows(np.stack([START, END])))
        np.testing.assert_allclose(answer["breaks"], own.breaks, atol=1e-12)
        np.testing.assert_allclose(answer["positions"], own.knots, atol=1e-12)
        np.testing.assert_allclose(answer["values"], own.values, atol=1e-9)
        np.testing.assert_allclose(answer["decisions"], own.decisions(), atol=1e-9)
        assert answer["break_layers"] == own.layers.tolist()
        assert answer["n_pieces"] == own.n_pieces
        assert answer["exact"]
        assert answer["notes"] == []


def test_outside_and_fading_are_those_of_walk() -> None:
    for drawing in (plane_drawing(), table_drawing()):
        answer = line_reading(drawing, RowReadings(drawing.data), START, END)
        own = hw.metrics.walk(drawing.data.X, *drawing.rows(np.stack([START, END])), metric=None)
        assert answer["fades"] == own.fades
        assert answer["nearest_row"] == own.nearest_row
        np.testing.assert_allclose(answer["outside_share"], own.outside_share, atol=3e-4)
        np.testing.assert_allclose(answer["outside"], own.outside, atol=3e-4)
        np.testing.assert_allclose(answer["to_row"], own.to_row)
        gap = RowReadings(drawing.data).usual_gap
        is_near = own.to_row <= 2 * gap
        start = "Halfway the line is among the rows, " if is_near else "The line fades: halfway"
        assert answer["sentence"].startswith(start)
        assert (
            f"{own.to_row:.3g} from the nearest row, {own.to_row / gap:.2g} ti"
            in answer["sentence"]
        )


def test_behind_curved_inputs_breaks_are_units_of_the_network_and_values_the_true_ones() -> None:
    drawing = plane_drawing("three", ("x2", "xy", "siny"))
    answer = line_reading(drawing, RowReadings(drawing.data), START, END)
    dense = np.linspace(0, 1, 200_001)
    rows = START + dense[:, None] * (END - START)
    codes = drawing.net.codes(drawing.network_inputs(rows))
    changes = dense[1:][(codes[1:] != codes[:-1]).any(axis=1)]
    assert len(answer["breaks"]) == len(changes)
    np.testing.assert_allclose(answer["breaks"], changes, atol=2e-3)
    at = START + answer["positions"][:, None] * (END - START)
    np.testing.assert_allclose(answer["values"], drawing.outputs(at), atol=1e-12)
    classes = drawing.classes(drawing.outputs(rows))
    crossings = dense[1:][classes[1:] != classes[:-1]]
    np.testing.assert_allclose(answer["decisions"], crossings, atol=2e-3)
    assert not answer["exact"]
    assert answer["notes"] == [CURVED_LINE_NOTE]


def test_a_level_line_has_curved_inputs_too_and_values_no_decisions() -> None:
    drawing = plane_drawing("parabola", ("x2", "y2"))
    answer = line_reading(drawing, RowReadings(drawing.data), START, np.array([0.5, -0.3]))
    assert len(answer["positions"]) > 100
    assert "decisions" not in answer


def test_a_point_is_no_line() -> None:
    drawing = plane_drawing()
    with pytest.raises(DataError, match="ends are one point"):
        line_reading(drawing, RowReadings(drawing.data), START, START.copy())


def test_the_usual_gap_is_the_median_distance_to_the_nearest_other_row() -> None:
    drawing = plane_drawing()
    X = drawing.data.X
    apart = np.sqrt(((X[:, None] - X) ** 2).sum(axis=2))
    np.fill_diagonal(apart, np.inf)
    expected = np.median(apart.min(axis=1))
    np.testing.assert_allclose(RowReadings(drawing.data).usual_gap, expected)


def test_a_line_whose_middle_is_a_row_morphs() -> None:
    drawing = plane_drawing()
    middle, step = drawing.data.X[0], np.array([0.5, 0.25])
    answer = line_reading(drawing, RowReadings(drawing.data), middle - step, middle + step)
    assert not answer["fades"]
    assert answer["sentence"].startswith("The line morphs: halfway it is like a row, 0 from the")
    far = line_reading(
        drawing, RowReadings(drawing.data), np.array([5.0, 4.0]), np.array([7.0, 9.0])
    )
    assert far["sentence"].startswith("The line fades: halfway it is the average of its ends and")
