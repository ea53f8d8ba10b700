"""The plane of two functions of x and y, exact where the plane of x and y is not."""

from __future__ import annotations

import numpy as np
import pytest

import hullwise as hw
from hullwise.errors import DataError
from hullwise.play.data_sets import draw_data_set
from hullwise.play.drawing import draw
from hullwise.play.feature_plane import feature_plane
from play_drawings import plane_drawing, table_drawing


def test_a_ring_is_one_straight_line_in_the_squares() -> None:
    data = draw_data_set("ring", 80, 0.0, 0)
    radius = 0.5
    net = hw.model.from_arrays([[[1.0, 1.0]], [[1.0]]], [[0.0], [-(radius**2)]])
    inputs = hw.model.CurvedInputs(["x2", "y2"])
    drawing = draw(data, net, inputs, np.zeros(2), np.ones(2))
    plane = feature_plane(drawing)
    boundary = plane["boundary"].reshape(-1, 2)
    np.testing.assert_allclose(boundary.sum(axis=1), radius**2, atol=1e-12)
    sides = plane["points"].sum(axis=1) > radius**2
    assert (sides == data.targets).all()
    assert plane["exact"]


def test_walls_are_those_of_the_network_of_the_functions() -> None:
    drawing = plane_drawing("ring", ("x2", "siny"))
    plane = feature_plane(drawing)
    own = drawing.net.slice(plane["center"], np.eye(2), plane["half"])
    assert plane["n_regions"] == own.n_regions
    for layer in (0, 1):
        ends = plane["walls"][plane["layers"] == layer]
        units = plane["units"][plane["layers"] == layer] - drawing.net.layers[layer].start
        z = drawing.net.upto(layer)(ends.mean(axis=1))
        assert np.abs(z[np.arange(len(units)), units]).max() < 1e-9
    np.testing.assert_allclose(plane["points"], drawing.inputs(drawing.data.X))
    inside = np.abs(plane["points"] - plane["center"]) <= plane["half"]
    assert inside.all()


def test_other_networks_have_no_such_plane() -> None:
    for drawing in (plane_drawing("ring", ("x", "y", "x2")), table_drawing()):
        with pytest.raises(DataError, match="shows a network of exactly two: choose two inputs"):
            feature_plane(drawing)
