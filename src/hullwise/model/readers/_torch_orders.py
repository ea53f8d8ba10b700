"""Calls of torch that put entries in order: sorts, the k largest, medians, running maxima."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._layer_builder import LONGEST_SORT, LayerBuilder
from ._refusals import refuse
from ._torch_layers import TorchCall, TorchSignal


class TorchOrders:
    """The values that such calls give; the places that they give beside them are not followed."""

    layers: LayerBuilder

    def _on_sort(self, c: TorchCall) -> Any:
        descending = bool(c.get("descending", 2, False))
        return self._ordered(c, self._one_axis(c, "dim", 1), descending)

    def _on_topk(self, c: TorchCall) -> Any:
        axis, k = self._one_axis(c, "dim", 2), int(c.get("k", 1))
        largest = bool(c.get("largest", 3, True))
        if k == 1:
            node = self.layers.maximum_over(c.name, c.node_in, (axis,), True, not largest)
            return TorchSignal(node), TorchSignal(None)
        return self._ordered(c, axis, largest, k)

    def _on_kthvalue(self, c: TorchCall) -> Any:
        axis = self._one_axis(c, "dim", 2)
        return self._one_place(c, axis, int(c.get("k", 1)) - 1, bool(c.get("keepdim", 3, False)))

    def _on_median(self, c: TorchCall) -> Any:
        """Of an even number of entries the smaller of the two in the middle."""
        if c.get("dim", 1) is None:
            refuse(c.name, f"{c.kind} over the rows of a batch")
        axis = self._one_axis(c, "dim", 1)
        place = (c.shape[axis] - 1) // 2
        return self._one_place(c, axis, place, bool(c.get("keepdim", 2, False)))

    def _on_quantile(self, c: TorchCall) -> Any:
        """Between the two entries around it: an affine map of the sorted ones."""
        q, how = c.get("q", 1), c.kwargs.get("interpolation", "linear")
        if np.ndim(q) or c.get("dim", 2) is None or how != "linear":
            refuse(c.name, "quantile of several shares, of a batch, or that is not linear")
        axis = self._one_axis(c, "dim", 2)
        n = c.shape[axis]
        place = float(q) * (n - 1)
        W = np.maximum(0.0, 1 - np.abs(np.arange(n) - place))[None]
        node = self._ordered(c, axis, False)[0].node
        node = self.layers.along_axis(f"{c.name} (share)", node, axis, W)
        return self._without_axis(c, node, axis, bool(c.get("keepdim", 3, False)))

    def _on_cummax(self, c: TorchCall) -> Any:
        axis = self._one_axis(c, "dim", 1)
        n = c.shape[axis]
        self.layers.check_array((*c.shape, n), c.name)
        entries = np.moveaxis(np.arange(np.prod(c.shape)).reshape(c.shape), axis, -1)
        upto = np.where(np.tri(n, dtype=bool), entries[..., None, :], -1)  # (..., place, entry)
        groups = np.moveaxis(upto, -2, axis).reshape(-1, n)
        minimum = c.kind == "cummin"
        node = self.layers.maximum_of_groups(c.name, c.node_in, groups, c.shape, minimum)
        return TorchSignal(node), TorchSignal(None)

    _on_cummin = _on_cummax

    def _on_aminmax(self, c: TorchCall) -> Any:
        axis = self._one_axis(c, "dim", 1)
        keep = bool(c.get("keepdim", 2, False))
        return tuple(
            TorchSignal(self.layers.maximum_over(f"{c.name} ({side})", c.node_in, (axis,), keep, m))
            for side, m in (("least", True), ("largest", False))
        )

    def _one_axis(self, c: TorchCall, key: str, place: int) -> int:
        """The axis of one row that a call names, the last where it names none."""
        axis = c.get(key, place)
        rank = len(c.shape) + 1
        axis = (-1 if axis is None else int(axis)) % rank
        if axis == 0:
            refuse(c.name, f"{c.kind} over the rows of a batch")
        return axis - 1

    def _ordered(
        self, c: TorchCall, axis: int, descending: bool, k: int | None = None
    ) -> tuple[TorchSignal, TorchSignal]:
        n = c.shape[axis]
        if n > LONGEST_SORT:
            refuse(c.name, f"{c.title} of {n:,} entries along one axis")
        node = self.layers.sorted_along(c.name, c.node_in, axis, descending, k or n)
        return TorchSignal(node), TorchSignal(None)

    def _one_place(self, c: TorchCall, axis: int, place: int, keep: bool) -> Any:
        """The entry at one place of the order along an axis."""
        ordered, places = self._ordered(c, axis, False, place + 1)
        shape = self.layers.shape(ordered.node)
        entries = np.take(np.arange(np.prod(shape)).reshape(shape), [place], axis=axis)
        name = f"{c.name} (place {place})"
        node = self.layers.rearrange(name, ordered.node, entries.ravel(), entries.shape)
        return TorchSignal(self._without_axis(c, node, axis, keep)), places

    def _without_axis(self, c: TorchCall, node: int, axis: int, keep: bool) -> int:
        shape = self.layers.shape(node)
        to = shape if keep else (*shape[:axis], *shape[axis + 1 :])
        return self.layers.rearrange(f"{c.name} (shape)", node, None, to)
