"""Where the guard changes the output: the outline and the grid, against the guard itself."""

from __future__ import annotations

import numpy as np

import hullwise as hw
from hullwise.play.drawing import Drawing
from hullwise.play.guard_reading import guard_reading
from play_drawings import plane_drawing, table_drawing


def guard_of(drawing: Drawing) -> hw.model.Guard:
    return hw.model.Guard(drawing.net).fit(drawing.network_inputs(drawing.data.X))


def change(drawing: Drawing, rows: np.ndarray) -> np.ndarray:
    inputs = drawing.network_inputs(rows)
    return np.abs(guard_of(drawing).predict(inputs) - drawing.net(inputs)).max(axis=1)


def test_grid_and_counts_are_those_of_the_guard() -> None:
    for drawing in (
        plane_drawing(half=3),
        plane_drawing("three", half=3),
        plane_drawing("ring", ("x2", "y2"), half=3),
        table_drawing(),
    ):
        answer = guard_reading(drawing, guard_of(drawing), exact=False)
        grid = answer["grid"]
        points = np.stack(np.meshgrid(grid["x"], grid["y"]), axis=-1).reshape(-1, 2)
        limit = 1e-9 * np.abs(drawing.slice.outputs).max()
        expected = change(drawing, drawing.rows(points)) > limit
        assert (grid["changed"].ravel() == expected).all()
        assert answer["share_changed"] == expected.mean()
        new = drawing.data.new_X
        clips = guard_of(drawing).clip_count(drawing.network_inputs(new))
        assert answer["n_new_rows"] == len(new)
        assert answer["n_new_clipped"] == (clips > 0).sum()
        assert answer["n_new_changed"] == (change(drawing, new) > limit).sum()
        assert answer["n_new_changed"] <= answer["n_new_clipped"]


def test_outline_parts_what_is_changed_from_what_is_not() -> None:
    for drawing in (plane_drawing(half=3), table_drawing(half=4)):
        answer = guard_reading(drawing, guard_of(drawing), exact=True)
        outline = answer["outline"]
        assert answer["exact"]
        assert len(outline)
        way = outline[:, 1] - outline[:, 0]
        long = np.hypot(*way.T) > 1e-3
        normal = np.c_[-way[:, 1], way[:, 0]][long] / np.hypot(*way[long].T)[:, None]
        middle = outline[long].mean(axis=1)
        sides = [change(drawing, drawing.rows(middle + s * 1e-6 * normal)) > 1e-9 for s in (-1, 1)]
        assert (sides[0] != sides[1]).all()
        rng = np.random.default_rng(0)
        sample = drawing.centre + drawing.slice.high * rng.uniform(-1, 1, (40_000, 2))
        share = (change(drawing, drawing.rows(sample)) > 1e-9).mean()
        assert abs(share - answer["share_changed"]) < 0.01


def test_with_curved_inputs_the_outline_is_that_of_the_chords() -> None:
    drawing = plane_drawing("ring", ("x2", "y2"), half=3)
    answer = guard_reading(drawing, guard_of(drawing), exact=True)
    assert not answer["exact"]
    grid = guard_reading(drawing, guard_of(drawing), exact=False)
    assert abs(answer["share_changed"] - grid["share_changed"]) < 0.05


def test_a_picture_of_many_regions_has_a_fine_grid_at_rest(monkeypatch) -> None:
    drawing = plane_drawing(half=3)
    monkeypatch.setattr("hullwise.play.guard_reading.LARGEST_OUTLINED", 5)
    answer = guard_reading(drawing, guard_of(drawing), exact=True)
    assert not answer["exact"]
    assert answer["outline"] is None
    assert len(answer["grid"]["x"]) == 96
    monkeypatch.undo()
    monkeypatch.setattr("hullwise.play.guard_reading.LARGEST_DIFFERENCE", 5)
    assert guard_reading(drawing, guard_of(drawing), exact=True)["outline"] is None
