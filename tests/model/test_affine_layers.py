"""Affine layers: `transpose` is the adjoint of `linear`, exactly."""

import numpy as np
import pytest

from hullwise.model._rounding import absolute
from hullwise.model.affine_layers import (
    Average,
    Concat,
    Conv,
    Linear,
    Rearrange,
    Scale,
    Sum,
    Window,
)

rng = np.random.default_rng(0)
W2 = Window((3, 2), (2, 1), ((1, 0), (0, 2)), (1, 2))
W1 = Window((3,), (2,), ((1, 1),), (2,))
OPS = {
    "linear": (Linear(rng.normal(size=(4, 5)), rng.normal(size=4)), [(5,)]),
    "linear on the last axis": (Linear(rng.normal(size=(4, 5))), [(2, 3, 5)]),
    "conv2d": (Conv(rng.normal(size=(4, 3, 3, 2)), rng.normal(size=4), W2), [(3, 7, 6)]),
    "grouped": (Conv(rng.normal(size=(6, 2, 3, 2)), None, W2, 3), [(6, 7, 6)]),
    "depthwise": (Conv(rng.normal(size=(3, 1, 3, 2)), None, W2, 3), [(3, 7, 6)]),
    "conv1d": (Conv(rng.normal(size=(4, 3, 3)), rng.normal(size=4), W1), [(3, 9)]),
    "average": (Average(W2), [(3, 7, 6)]),
    "average without padding": (Average(W2, False), [(3, 7, 6)]),
    "scale": (Scale(rng.normal(size=(3, 1, 1)), rng.normal(size=(3, 1, 1))), [(3, 4, 2)]),
    "reshape": (Rearrange((6, 4)), [(3, 4, 2)]),
    "gather with zeros": (Rearrange((5,), np.array([3, -1, 0, 3, 7])), [(4, 2)]),
    "sum": (Sum((1.0, -2.0)), [(3, 4), (3, 4)]),
    "sum of unlike shapes": (Sum((1.0, 0.5)), [(3, 4), (1, 4)]),
    "concat": (Concat(1), [(2, 3), (2, 5)]),
}


@pytest.mark.parametrize("name", OPS)
def test_transpose_is_the_adjoint(name):
    op, shapes = OPS[name]
    blocks = [rng.normal(size=(6, *shape)) for shape in shapes]
    out = op.linear(*blocks)
    assert out.shape == (6, *op.shape(*shapes))
    weight = rng.normal(size=out.shape)
    back = op.transpose(weight, *shapes)
    assert [b.shape[1:] for b in back] == shapes
    found = sum((b * g).sum() for b, g in zip(blocks, back, strict=True))
    assert (out * weight).sum() == pytest.approx(found, rel=1e-12)


@pytest.mark.parametrize("name", OPS)
def test_blocks_do_not_change_the_answer(name, monkeypatch):
    op, shapes = OPS[name]
    blocks = [rng.normal(size=(6, *shape)) for shape in shapes]
    want = op.linear(*blocks)
    back = op.transpose(want, *shapes)
    monkeypatch.setattr("hullwise.model.affine_layers.UNFOLDED_BLOCK_NUMBERS", 1)
    np.testing.assert_allclose(op.linear(*blocks), want, rtol=1e-13)
    for a, b in zip(op.transpose(want, *shapes), back, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


@pytest.mark.parametrize("name", OPS)
def test_magnitudes_bound_the_values(name):
    op, shapes = OPS[name]
    blocks = [rng.normal(size=(6, *shape)) for shape in shapes]
    most = [np.abs(b).max(axis=0, keepdims=True) for b in blocks]
    size = absolute(op).linear(*most)
    assert (np.abs(op.linear(*blocks)) <= size * (1 + 1e-12)).all()


@pytest.mark.parametrize(
    ("op", "shapes", "says"),
    [
        (OPS["linear"][0], [(4,)], "takes 5 inputs"),
        (OPS["conv2d"][0], [(2, 7, 6)], "takes"),
        (OPS["conv2d"][0], [(3, 1, 1)], "does not fit"),
        (OPS["reshape"][0], [(5,)], "cannot arrange"),
        (OPS["concat"][0], [(2, 3), (3, 3)], "cannot join"),
    ],
)
def test_shapes_that_do_not_fit(op, shapes, says):
    with pytest.raises(ValueError, match=says):
        op.shape(*shapes)
