"""Distances of torch in the norms 1 and infinity: sums, or the largest, of sizes of differences."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from ...errors import ModelError
from ._layer_builder import LayerBuilder
from ._refusals import Refusal, refuse
from ._torch_layers import TorchCall, TorchSignal, row_constant


class TorchDistances:
    """`torch.cdist`; other distances are taken apart into calls that are read."""

    layers: LayerBuilder

    def _on_cdist(self, c: TorchCall) -> int:
        """Between all points of one set and all of another, as (points, others)."""
        p = float(c.get("p", 2, 2.0))
        if p not in (1.0, np.inf):
            refuse(c.name, f"{c.title} of p = {p:g}", Refusal.JUMPS if p == 0 else Refusal.CURVED)
        first, second = c.operand(0), c.operand(1)
        if c.out.ndim == 2 and (isinstance(second, TorchSignal) or first.node is None):
            _refuse_batch(c)
        if c.out.ndim > 3:
            refuse(c.name, f"{c.title} of several sets for each row")
        n, m = (1, c.out.shape[1]) if c.out.ndim == 2 else c.out.shape[1:]
        to = (int(n), int(m), int(c.args[0].shape[-1]))
        gaps = self._gaps(c, self._spread(c, first, to, 1), self._spread(c, second, to, 0))
        sizes = self.layers.piecewise(f"{c.name} (sizes)", gaps, "abs", [0.0], [-1.0, 1.0])
        if p == 1:
            node = self.layers.mean_over(c.name, sizes, (2,), False, True)
        else:
            node = self.layers.maximum_over(c.name, sizes, (2,), False)
        return self.layers.rearrange(f"{c.name} (shape)", node, None, tuple(c.out.shape[1:]))

    _on_cdist_forward = _on_cdist

    def _spread(self, c: TorchCall, value: Any, to: tuple[int, ...], axis: int) -> Any:
        """A set of points (n, d) of one row, repeated along an axis."""
        if not isinstance(value, TorchSignal):
            two = np.ndim(value) == 2 and c.out.ndim == 2
            points = np.asarray(value) if two else row_constant(value, c)
            return np.broadcast_to(np.expand_dims(points, axis), to)
        n = to[1 - axis]
        shape = (n, 1, to[2]) if axis == 1 else (1, n, to[2])
        node = self.layers.rearrange(f"{c.name} (points {axis})", value.node, None, shape)
        return self.layers.broadcast(f"{c.name} (pairs {axis})", node, to)

    def _gaps(self, c: TorchCall, first: Any, second: Any) -> int:
        label = f"{c.name} (gaps)"
        if isinstance(first, int) and isinstance(second, int):
            return self.layers.weighted_sum(label, [first, second], (1.0, -1.0))
        if isinstance(first, int):
            return self.layers.scale(label, first, 1.0, -second)
        return self.layers.scale(label, second, 1.0, -first)


def _refuse_batch(c: TorchCall) -> NoReturn:
    raise ModelError(f"layer {c.name!r} takes distances between the rows of a batch: not read")
