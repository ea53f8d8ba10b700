"""Local complexity on the page, against the library's and against codes at corners."""

from __future__ import annotations

import numpy as np

import hullwise as hw
from hullwise.play.complexity_reading import complexity_reading, plane_network
from play_drawings import plane_drawing, table_drawing


def grid_of(answer: dict) -> np.ndarray:
    return np.stack(np.meshgrid(answer["x"], answer["y"]), axis=-1).reshape(-1, 2)


def test_counts_are_those_of_the_library() -> None:
    drawing = plane_drawing()
    answer = complexity_reading(drawing)
    own = hw.model.local_complexity(drawing.net, grid_of(answer), answer["radius"])
    assert answer["counts"].ravel().tolist() == own.total.tolist()
    np.testing.assert_allclose(answer["mean_by_layer"], own.mean)


def test_counts_in_a_plane_of_more_columns_look_along_the_plane_only() -> None:
    drawing = table_drawing()
    answer = complexity_reading(drawing)
    points, r = grid_of(answer), answer["radius"]
    frame = np.linalg.qr(np.random.default_rng(0).normal(size=(2, 2)))[0].T
    corners = [drawing.net.codes(drawing.rows(points + s * r * v)) for v in frame for s in (1, -1)]
    differ = np.zeros(corners[0].shape, dtype=bool)
    for code in corners[1:]:
        differ |= code != corners[0]
    assert answer["counts"].ravel().tolist() == differ.sum(axis=1).tolist()


def test_chords_are_not_counted() -> None:
    drawing = plane_drawing("ring", ("x2", "y2"))
    answer = complexity_reading(drawing)
    assert len(answer["mean_by_layer"]) == len(drawing.net.layers)
    assert answer["counts"].max() <= drawing.net.n_units


def test_plane_network_is_the_drawn_one() -> None:
    for drawing in (plane_drawing(), table_drawing(), plane_drawing("ring", ("x2", "y2"))):
        uv = np.random.default_rng(0).uniform(-1, 1, (50, 2))
        expected = drawing.slice.net(drawing.slice.points(uv))
        np.testing.assert_allclose(plane_network(drawing)(uv), expected, atol=1e-12)
