"""Recurrent layers of ReLU units in torch, unrolled."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import ModelError
from ._layer_builder import LayerBuilder, MovedBatch
from ._recurrent_layers import unrolled
from ._refusals import refuse
from ._torch_layers import TorchCall, TorchSignal

TAKING_MOVED_BATCHES = {"rnn_relu"}  # calls whose rows may lie along another axis than the first


class TorchRecurrent:
    """torch.nn.RNN(nonlinearity="relu") and its cell; others are not piecewise affine."""

    layers: LayerBuilder
    example: Any

    def _on_rnn_relu_cell(self, c: TorchCall) -> int:
        """max(0, W x + b + R h + c)."""
        x, h, W, R, *offsets = (c.operand(i) for i in range(len(c.node.args)))
        driven: list[int] = []
        biases = [one.detach().numpy() for one in offsets if one is not None]
        constant = sum(biases, np.zeros(len(W)))
        for part, weights in ((x, W), (h, R)):
            if isinstance(part, TorchSignal):
                label = f"{c.name} ({len(driven)})"
                driven.append(self.layers.linear(label, part.node, weights.detach().numpy()))
            else:
                constant = constant + self._row(c, part) @ weights.detach().numpy().T
        node = self.layers.weighted_sum(f"{c.name} (sum)", driven, (1.0,) * len(driven))
        return self.layers.relu(
            c.name, self.layers.scale(f"{c.name} (offset)", node, 1.0, constant)
        )

    def _on_rnn_relu(self, c: TorchCall) -> Any:
        """The states of all steps, and the last of each layer and direction."""
        x, h0 = c.operand(0), c.operand(1)
        weights, biased, n_layers, _, _, both_ways, batch_first = c.node.args[2:9]
        if not isinstance(x, TorchSignal):
            refuse(c.name, f"{c.title} whose first state alone depends on the input")
        node = (
            self.layers.batch_first(c.name, x.node) if batch_first else self._rows_first(c, x.node)
        )
        if isinstance(node, MovedBatch) or len(self.layers.shape(node)) != 2:
            raise ModelError(
                f"layer {c.name!r} takes rows along its second axis (batch_first=False): give it "
                f"x.transpose(0, 1) of rows, or make it with batch_first=True"
            )
        steps, features = self.layers.shape(node)
        node = self.layers.rearrange(f"{c.name} (rows)", node, None, (1, steps, features))
        each, ways, last = 4 if biased else 2, 2 if both_ways else 1, []
        arrays = [one.detach().numpy() for one in weights]
        first = self._first_states(c, h0)
        for layer in range(n_layers):
            sides = []
            for way in range(ways):
                i = layer * ways + way
                W, R, *offsets = arrays[i * each : (i + 1) * each]
                b = sum(offsets) if offsets else np.zeros(len(W))
                name = f"{c.name} (layer {layer}, {'back' if way else 'forth'})"
                joined, end = unrolled(
                    self.layers, name, node, (W, R, b), first[i], backwards=bool(way)
                )
                sides.append(joined)
                last.append(end)
            node = sides[0] if ways == 1 else self.layers.concat(f"{c.name} ({layer})", sides, 2)
        return self._answers(c, node, last, bool(batch_first))

    def _answers(self, c: TorchCall, node: int, last: list[int], batch_first: bool) -> Any:
        _, steps, width = self.layers.shape(node)
        node = self.layers.rearrange(f"{c.name} (states)", node, None, (steps, width))
        states: Any = TorchSignal(node if batch_first else self._rows_second(c, node))
        ends = self.layers.concat(f"{c.name} (last)", last, 0)
        return states, TorchSignal(self._rows_second(c, ends))

    def _first_states(self, c: TorchCall, h0: Any) -> list[Any]:
        """For each layer and direction its first state (1, units): numbers, or a node."""
        if not isinstance(h0, TorchSignal):
            return [self._row(c, one)[None] for one in h0]
        node = self.layers.batch_first(c.name, self._rows_first(c, h0.node))
        n, units = self.layers.shape(node)
        places = np.arange(n * units).reshape(n, 1, units)
        label = f"{c.name} (first state"
        return [
            self.layers.rearrange(f"{label} {i})", node, places[i].ravel(), (1, units))
            for i in range(n)
        ]

    def _row(self, c: TorchCall, value: Any) -> Any:
        """The constant state of one row, of (rows, units)."""
        array = np.asarray(value, dtype=np.float64)
        if not (array == array[:1]).all():
            raise ModelError(f"layer {c.name!r} has another first state for each row: not read")
        return array[0]

    def _rows_first(self, c: TorchCall, node: Any) -> Any:
        return self._turned(f"{c.name} (rows first)", node)

    def _rows_second(self, c: TorchCall, node: int) -> Any:
        return self._turned(f"{c.name} (rows second)", node)

    def _turned(self, name: str, node: Any) -> Any:
        def swap(table: Any) -> list[Any]:
            return [table.swapaxes(0, 1)]

        (turned,) = self.layers.rearranged_by(name, [node], swap, len(self.example))
        return turned
