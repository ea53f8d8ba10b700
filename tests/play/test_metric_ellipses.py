"""Ellipses of the network's metric, against the library's matrices and torch."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import hullwise as hw
from hullwise.errors import DataError
from hullwise.play.drawing import Drawing
from hullwise.play.metric_ellipses import (
    METRIC_KINDS,
    ellipse_axes,
    metric_ellipses,
    plane_metrics,
    task_metric,
)
from play_drawings import plane_drawing, table_drawing

POINTS = np.random.default_rng(3).uniform(-1, 1, size=(20, 2))


def curved_module(drawing: Drawing) -> Any:
    """The functions x2, y2, xy and the drawing's network behind them, as a torch module."""
    torch = pytest.importorskip("torch")
    linear = [node.op for node in drawing.net.nodes if hasattr(node.op, "W")]
    layers = [(torch.tensor(op.W), torch.tensor(op.b)) for op in linear]

    class Curved(torch.nn.Module):  # type: ignore[misc, name-defined]
        def forward(self, x: Any) -> Any:
            a, b = x[:, 0], x[:, 1]
            z = torch.stack([a * a, b * b, a * b], 1)
            for i, (W, offset) in enumerate(layers):
                z = (z if i == 0 else torch.relu(z)) @ W.T + offset
            return z

    return Curved()


def test_metrics_of_a_plain_network_are_those_of_the_library() -> None:
    for drawing in (plane_drawing(), plane_drawing("three")):
        np.testing.assert_array_equal(
            task_metric(drawing), hw.metrics.agop(drawing.net, drawing.data.X)
        )
        local = hw.metrics.local_metric(drawing.net, POINTS, ridge=0)
        np.testing.assert_allclose(plane_metrics(drawing, "local", POINTS), local, atol=1e-12)
        expected = {"nfm": hw.metrics.nfm(drawing.net), "agop": task_metric(drawing)}
        for kind, M in expected.items():
            at_points = plane_metrics(drawing, kind, POINTS)
            np.testing.assert_allclose(at_points, np.broadcast_to(M, at_points.shape), atol=1e-12)


def test_metrics_behind_curved_inputs_are_those_of_torch() -> None:
    drawing = plane_drawing("ring", ("x2", "y2", "xy"))
    module = curved_module(drawing)
    np.testing.assert_allclose(
        task_metric(drawing), hw.metrics.agop(module, drawing.data.X), rtol=1e-9
    )
    local = hw.metrics.local_metric(module, POINTS, ridge=0)
    np.testing.assert_allclose(plane_metrics(drawing, "local", POINTS), local, atol=1e-9)
    W = drawing.net.nodes[1].op.W
    slopes = np.stack([np.c_[2 * x, 0, y, 0, 2 * y, x].reshape(2, 3).T for x, y in POINTS])
    expected = np.stack([(W @ D).T @ (W @ D) for D in slopes])
    np.testing.assert_allclose(plane_metrics(drawing, "nfm", POINTS), expected, atol=1e-12)


def test_metrics_on_a_plane_of_more_columns_measure_its_directions() -> None:
    drawing = table_drawing()
    W, axes = drawing.net.nodes[1].op.W, drawing.data.axes
    v = np.array([0.3, -0.7])
    M = plane_metrics(drawing, "nfm", POINTS)[0]
    np.testing.assert_allclose(v @ M @ v, np.sum((W @ (v @ axes)) ** 2), rtol=1e-12)
    local = plane_metrics(drawing, "local", POINTS)
    step = 1e-7
    for point, own in zip(POINTS, local, strict=True):
        ends = drawing.outputs(drawing.rows(np.stack([point + step * v, point - step * v])))
        change = (ends[0] - ends[1]) / (2 * step)
        np.testing.assert_allclose(v @ own @ v, change @ change, atol=1e-6)


def test_one_axis_of_an_ellipse_is_across_the_other_and_lengths_are_those_of_the_metric() -> None:
    rng = np.random.default_rng(0)
    factors = rng.normal(size=(9, 2, 2))
    metrics = factors @ factors.transpose(0, 2, 1) + 0.1 * np.eye(2)
    axes = ellipse_axes(metrics, 1e9, 0.5)
    sizes = np.einsum("maj,mjk,mak->ma", axes, metrics, axes)
    np.testing.assert_allclose(sizes, sizes[0, 0])
    np.testing.assert_allclose(np.einsum("mj,mj->m", axes[:, 0], axes[:, 1]), 0, atol=1e-9)
    lengths = np.linalg.norm(axes, axis=2)
    assert (lengths[:, 0] >= lengths[:, 1]).all()
    np.testing.assert_allclose(np.median(lengths[:, 1]), 0.5)


def test_slivers_end_where_they_may_and_nothing_at_all_is_a_circle() -> None:
    metrics = np.array([[[4.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]])
    axes = ellipse_axes(metrics, 2.0, 0.5)
    np.testing.assert_allclose(np.linalg.norm(axes, axis=2), [[2.0, 0.5], [2.0, 2.0]])
    np.testing.assert_allclose(np.abs(axes[0]), [[0.0, 2.0], [0.5, 0.0]])


@pytest.mark.parametrize("kind", METRIC_KINDS)
@pytest.mark.parametrize("inputs", [("x", "y"), ("x2", "y2", "xy")])
def test_ellipses_lie_in_the_view_apart(kind: str, inputs: tuple[str, ...]) -> None:
    drawing = plane_drawing("ring", inputs)
    answer = metric_ellipses(drawing, kind)
    points, axes = answer["points"], answer["axes"]
    assert (np.abs(points - drawing.centre) < drawing.slice.high).all()
    constant = kind == "agop" or (kind == "nfm" and inputs == ("x", "y"))
    assert len(points) == (1 if constant else 12 * 11)
    apart = np.abs(points[1:] - points[:-1]).max(axis=1).min(initial=np.inf)
    assert np.linalg.norm(axes, axis=2).max() <= 0.501 * min(apart, 2 * drawing.slice.high.max())


def test_a_network_that_does_not_change_has_no_metric_and_says_so() -> None:
    drawing = plane_drawing()
    flat = hw.model.from_arrays([np.zeros((3, 2)), np.zeros((1, 3))])
    answer = metric_ellipses(replace(drawing, net=flat), "nfm")
    assert answer["points"] == []
    assert answer["notes"] == ["the layer does not change in any direction: it induces no metric"]
    with pytest.raises(DataError, match="no metric 'best'; expected one of"):
        metric_ellipses(drawing, "best")
