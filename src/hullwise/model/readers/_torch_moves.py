"""Calls of torch that only move entries, of one tensor or of several: read by tables of positions.

The call itself is run on numbers that say where each entry stands; where they come out is the move.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import ModelError
from ._layer_builder import LayerBuilder
from ._refusals import Refusal, refuse
from ._torch_layers import TorchCall, TorchSignal
from ._torch_steps import StepSignal

TORCH_MOVEMENTS = {
    *("flatten", "unflatten", "reshape", "view", "view_as", "reshape_as", "ravel", "permute"),
    *("transpose", "swapaxes", "swapdims", "moveaxis", "movedim", "t", "T", "mT", "squeeze"),
    *("unsqueeze", "narrow", "select", "flip", "fliplr", "flipud", "roll", "rot90", "expand"),
    *("expand_as", "broadcast_to", "repeat", "tile", "repeat_interleave", "index_select"),
    *("getitem", "chunk", "split", "split_with_sizes", "unbind", "tensor_split", "unsafe_chunk"),
    *("hsplit", "vsplit", "pad", "channel_shuffle", "pixel_shuffle", "pixel_unshuffle", "unfold"),
    *("diagonal", "unsafe_split", "contiguous", "clone", "detach", "data", "real"),
    *("requires_grad", "alias", "positive", "slice", "index", "unsafe_view", "as_strided", "copy"),
    *("gather", "take_along_dim", "take", "triu", "tril", "diag_embed", "diag", "lift_fresh"),
    *("scatter", "index_copy", "index_fill", "index_put", "slice_scatter", "select_scatter"),
    *("diagonal_scatter", "masked_scatter", "masked_select", "assigned", "overwritten"),
    *("constant_pad_nd", "reflection_pad1d", "reflection_pad2d", "reflection_pad3d"),
    *("replication_pad1d", "replication_pad2d", "replication_pad3d", "reshape_copy", "view_copy"),
    *("fill", "zero", "max_unpool1d", "max_unpool2d", "max_unpool3d"),
    *("meshgrid", "block_diag", "atleast_1d", "atleast_2d", "atleast_3d", "native_channel_shuffle"),
}
ADDING_CALLS = {"scatter", "index_put", "assigned"}  # that may do more than move


class TorchMoves:
    """Movements of what is continuous, and of what jumps."""

    layers: LayerBuilder
    values: dict[Any, Any]
    example: Any

    def _can_move(self, call: TorchCall) -> bool:
        values = [self.values[node] for node in call.node.all_input_nodes]
        if any(isinstance(value, StepSignal) for value in values):
            return len(values) == 1
        return not (call.kind in ADDING_CALLS and _accumulates(call))

    def _move(self, call: TorchCall) -> None:
        """Read a movement by what it does to tables of positions."""
        sources = [self.values[node] for node in call.node.all_input_nodes]
        several = isinstance(call.out, tuple | list)

        def evaluate(*tables: Any) -> list[Any]:
            out = call.evaluate(*tables)
            return [part.numpy() for part in (out if several else [out])]

        if isinstance(sources[0], StepSignal):
            parts: tuple[Any, ...] = tuple(self._moved_steps(call, sources[0], evaluate))
        else:
            values = [_followed(call, source) for source in sources]
            moved = self.layers.rearranged_by(call.name, values, evaluate, len(self.example))
            parts = tuple(map(TorchSignal, moved))
        self.values[call.node] = parts if several else parts[0]

    def _moved_steps(self, call: TorchCall, value: StepSignal, evaluate: Any) -> list[StepSignal]:
        """What jumps, its entries moved within each row."""
        n, size = len(self.example), int(np.prod(value.shape))
        table = np.arange(1.0, n * size + 1).reshape(n, *value.shape)
        out = []
        for part in evaluate(table):
            index = np.rint(part).astype(np.int64)
            rows = [index[:1] + size * row for row in range(n)]
            if len(index) != n or not index.all() or not (index == np.concatenate(rows)).all():
                refuse(value.layer, f"{value.title} used by {call.name!r}", Refusal.JUMPS)
            places, to = index[0].ravel() - 1, index.shape[1:]
            function = self.layers.moved_entries(call.name, value.function, places)
            out.append(StepSignal(value.layer, value.title, function, to))
        return out


def _followed(call: TorchCall, source: Any) -> Any:
    node = getattr(source, "node", None)
    if isinstance(source, tuple):
        raise ModelError(f"layer {call.name!r} takes several tensors at once: not read")
    if node is None:
        refuse(call.name, "use of the places of maxima (indices)", Refusal.JUMPS)
    return node


def _accumulates(call: TorchCall) -> bool:
    """Whether it adds to what is there, or multiplies it, rather than to replace it."""
    reduces = call.get("reduce", 4) if call.kind == "scatter" else call.get("accumulate", 3, False)
    return bool(reduces)
