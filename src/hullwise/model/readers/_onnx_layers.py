"""ONNX operators as layers, one method for each; named after the operator."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ...errors import ModelError
from ..affine_layers import Shape, Window
from ._layer_builder import LayerBuilder, constant_of_one_row, pad_to_counts
from ._refusals import refuse


class OnnxLayers:
    """`nodes_of` maps names of values to nodes, `examples` to their values on an example."""

    layers: LayerBuilder
    nodes_of: dict[str, Any]
    examples: dict[str, Any]
    opsets: dict[str, int]
    batch: int
    again: Callable[[Any], Any]  # the operator being read, on other values of its signal

    def _fixed(self, name: str, node: Any, i: int, default: Any = None) -> Any:
        """Input i as a constant."""
        if len(node.input) <= i or not node.input[i]:
            return default
        if node.input[i] in self.nodes_of:
            refuse(name, f"{node.op_type} whose input {i} is no constant")
        return self.examples[node.input[i]]

    def _first_at(self, node: Any) -> int:
        return int(self.nodes_of[node.input[0]])

    def _gemm(self, name: str, node: Any, a: dict[str, Any]) -> int:
        if a.get("transA", 0):
            refuse(name, "Gemm with transA")
        B, C = self._fixed(name, node, 1), self._fixed(name, node, 2)
        W = B if a.get("transB", 0) else B.T
        b = None if C is None else np.broadcast_to(a.get("beta", 1.0) * C, (1, len(W)))[0]
        return self.layers.linear(name, self._first_at(node), a.get("alpha", 1.0) * W, b)

    def _matmul(self, name: str, node: Any, a: dict[str, Any]) -> int:
        from_left = node.input[0] not in self.nodes_of
        W = self._fixed(name, node, 0 if from_left else 1)
        at = self.nodes_of[node.input[1 if from_left else 0]]
        shape = self.layers.shape(at)
        if from_left and len(shape) < 2:
            refuse(name, "MatMul that mixes the rows of a batch")
        if W.ndim == 1 and not from_left:
            out = self.layers.linear(name, at, W[None])
            return self.layers.rearrange(f"{name} (shape)", out, None, shape[:-1])
        if W.ndim != 2:
            return self.layers.from_unit_rows(name, at, self.again)
        if not from_left:
            return self.layers.linear(name, at, W.T)
        at = self.layers.swap_last_axes(f"{name} (turn)", at)
        return self.layers.swap_last_axes(f"{name} (back)", self.layers.linear(name, at, W))

    def _by_matrix(self, name: str, node: Any, a: dict[str, Any]) -> int:
        signals = [i for i in node.input if i in self.nodes_of]
        if len(signals) != 1:
            refuse(name, f"{node.op_type} of two branches")
        return self.layers.from_unit_rows(name, self.nodes_of[signals[0]], self.again)

    _convtranspose = _einsum = _by_matrix

    def _resize(self, name: str, node: Any, a: dict[str, Any]) -> int:
        if a.get("mode", b"nearest") != b"nearest":
            return self._by_matrix(name, node, a)
        (part,) = self.layers.rearranged_by(
            name, self._first_at(node), lambda x: [self.again(x)], self.batch
        )
        return self.layers.batch_first(name, part)

    _upsample = _resize

    def _window(self, node: Any, a: dict[str, Any], size: Shape) -> Window:
        n = len(size)
        strides = tuple(a.get("strides", [1] * n))
        dilations = tuple(a.get("dilations", [1] * n))
        pads = list(a.get("pads", [0] * 2 * n))
        counts = self.examples[node.output[0]].shape[2:]
        space = self.examples[node.input[0]].shape[2:]
        auto = a.get("auto_pad", b"NOTSET")
        if auto in (b"SAME_UPPER", b"SAME_LOWER"):
            for i in range(n):
                reach = (counts[i] - 1) * strides[i] + dilations[i] * (size[i] - 1) + 1
                total = max(0, reach - space[i])
                small, large = total // 2, total - total // 2
                pads[i], pads[n + i] = (small, large) if auto == b"SAME_UPPER" else (large, small)
        sides = tuple((pads[i], pads[n + i]) for i in range(n))
        return Window(tuple(size), strides, sides, dilations)

    def _conv(self, name: str, node: Any, a: dict[str, Any]) -> int:
        W, b = self._fixed(name, node, 1), self._fixed(name, node, 2)
        if W.ndim not in (3, 4):
            refuse(name, f"convolution over {W.ndim - 2} axes")
        window = self._window(node, a, W.shape[2:])
        return self.layers.conv(name, self._first_at(node), W, b, window, a.get("group", 1))

    def _batchnormalization(self, name: str, node: Any, a: dict[str, Any]) -> int:
        if a.get("training_mode", 0) or (self.opsets.get("", 9) < 7 and not a.get("is_test", 0)):
            refuse(name, "batch norm with the batch's own statistics")
        gain, shift, mean, var = (self._fixed(name, node, i) for i in (1, 2, 3, 4))
        eps = a.get("epsilon", 1e-5)
        return self.layers.batch_norm(name, self._first_at(node), mean, var, eps, gain, shift)

    def _averagepool(self, name: str, node: Any, a: dict[str, Any]) -> int:
        window = self._window(node, a, tuple(a["kernel_shape"]))
        space = self.examples[node.input[0]].shape[2:]
        counts = self.examples[node.output[0]].shape[2:]
        if pad_to_counts(window, space, counts).padding != window.padding:  # ceil mode
            n = int(np.prod(space))
            out = self.again(np.eye(n).reshape(n, 1, *space))
            return self.layers.map_space(name, self._first_at(node), out.reshape(n, -1).T, counts)
        padding = bool(a.get("count_include_pad", 0))
        return self.layers.average_pool(name, self._first_at(node), window, padding)

    def _globalaveragepool(self, name: str, node: Any, a: dict[str, Any]) -> int:
        axes = tuple(range(1, len(self.layers.shape(self._first_at(node)))))
        return self.layers.mean_over(name, self._first_at(node), axes, keepdims=True)

    def _reducemean(self, name: str, node: Any, a: dict[str, Any]) -> int:
        total, keep = node.op_type == "ReduceSum", bool(a.get("keepdims", 1))
        sample = self._axes(name, node, a)
        return self.layers.mean_over(name, self._first_at(node), sample, keep, total)

    _reducesum = _reducemean

    def _reducemax(self, name: str, node: Any, a: dict[str, Any]) -> int:
        minimum, keep = node.op_type == "ReduceMin", bool(a.get("keepdims", 1))
        sample = self._axes(name, node, a)
        return self.layers.maximum_over(name, self._first_at(node), sample, keep, minimum)

    _reducemin = _reducemax

    def _axes(self, name: str, node: Any, a: dict[str, Any]) -> tuple[int, ...]:
        """The axes of the sample that a reduction names."""
        axes = a.get("axes", self._fixed(name, node, 1))
        rank = self.examples[node.input[0]].ndim
        sample = sorted(int(x) % rank - 1 for x in np.ravel(range(rank) if axes is None else axes))
        if not sample or sample[0] < 0:
            raise ModelError(f"layer {name!r} reduces over the batch: not read")
        return tuple(sample)

    def _maxpool(self, name: str, node: Any, a: dict[str, Any]) -> int:
        window = self._window(node, a, tuple(a["kernel_shape"]))
        counts = self.examples[node.output[0]].shape[2:]
        return self.layers.max_pool(name, self._first_at(node), window, counts)

    def _globalmaxpool(self, name: str, node: Any, a: dict[str, Any]) -> int:
        size = self.layers.shape(self._first_at(node))[1:]
        n = len(size)
        window = Window(size, (1,) * n, ((0, 0),) * n, (1,) * n)
        return self.layers.max_pool(name, self._first_at(node), window, (1,) * n)

    def _relu(self, name: str, node: Any, a: dict[str, Any]) -> int:
        return self.layers.relu(name, self._first_at(node))

    def _leakyrelu(self, name: str, node: Any, a: dict[str, Any]) -> int:
        return self.layers.leaky_relu(
            name, self._first_at(node), "leaky_relu", a.get("alpha", 0.01)
        )

    def _prelu(self, name: str, node: Any, a: dict[str, Any]) -> int:
        slope, at = self._fixed(name, node, 1), self._first_at(node)
        slope = constant_of_one_row(name, slope, len(self.layers.shape(at)) + 1)
        wide = np.broadcast_to(slope, self.layers.shape(at))
        return self.layers.leaky_relu(name, at, "prelu", wide)

    def _abs(self, name: str, node: Any, a: dict[str, Any]) -> int:
        return self.layers.piecewise(name, self._first_at(node), "abs", [0.0], [-1.0, 1.0])

    def _clip(self, name: str, node: Any, a: dict[str, Any]) -> int:
        low = a.get("min", self._fixed(name, node, 1))
        high = a.get("max", self._fixed(name, node, 2))
        sides = [None if s is None else float(np.ravel(s)[0]) for s in (low, high)]
        return self.layers.clip(name, self._first_at(node), *sides)

    def _hardsigmoid(self, name: str, node: Any, a: dict[str, Any]) -> int:
        alpha, beta = a.get("alpha", 0.2), a.get("beta", 0.5)
        knots = [-beta / alpha, (1 - beta) / alpha]
        return self.layers.piecewise(
            name, self._first_at(node), "hard_sigmoid", knots, [0.0, alpha, 0.0], beta
        )

    def _shrink(self, name: str, node: Any, a: dict[str, Any]) -> int:
        knot, bias = a.get("lambd", 0.5), a.get("bias", 0.0)
        if knot != bias or knot <= 0:
            refuse(name, "Shrink, which jumps unless its bias is its lambd")
        return self.layers.soft_shrink(name, self._first_at(node), knot)

    def _thresholdedrelu(self, name: str, node: Any, a: dict[str, Any]) -> int:
        if a.get("alpha", 1.0) != 0:
            refuse(name, "ThresholdedRelu, which jumps")
        return self.layers.relu(name, self._first_at(node))

    def _two(self, name: str, node: Any) -> tuple[int | None, int | None, Any]:
        """Nodes of both inputs (None: a constant) and the constant as it applies to one row."""
        first, second = (self.nodes_of.get(i) for i in node.input)
        constant = None
        for i, at in zip(node.input, (first, second), strict=True):
            if at is None:
                constant = constant_of_one_row(
                    name, self.examples[i], self.examples[node.output[0]].ndim
                )
        return first, second, constant

    def _add(self, name: str, node: Any, a: dict[str, Any]) -> int:
        factor = -1.0 if node.op_type == "Sub" else 1.0
        first, second, constant = self._two(name, node)
        if first is not None and second is not None:
            return self.layers.weighted_sum(name, [first, second], (1.0, factor))
        if first is not None:
            return self.layers.scale(name, first, 1.0, factor * constant)
        assert second is not None
        return self.layers.scale(name, second, factor, constant)

    _sub = _add

    def _mul(self, name: str, node: Any, a: dict[str, Any]) -> int:
        first, second, constant = self._two(name, node)
        if constant is None:
            refuse(name, "product of two branches")
        return self.layers.scale(name, second if first is None else first, constant)  # type: ignore[arg-type]

    def _div(self, name: str, node: Any, a: dict[str, Any]) -> int:
        first, second, constant = self._two(name, node)
        if first is None or second is not None:
            refuse(name, "division by a branch")
        return self.layers.scale(name, first, 1 / constant)

    def _neg(self, name: str, node: Any, a: dict[str, Any]) -> int:
        return self.layers.scale(name, self._first_at(node), -1.0)

    def _concat(self, name: str, node: Any, a: dict[str, Any]) -> int:
        axis = int(a["axis"]) % self.examples[node.output[0]].ndim
        if axis == 0:
            refuse(name, "Concat along the batch")
        rank = self.examples[node.output[0]].ndim
        parts = []
        for i in node.input:
            if i in self.nodes_of:
                parts.append(self.nodes_of[i])
            else:
                constant = constant_of_one_row(name, self.examples[i], rank)
                parts.append(self.layers.constant(f"{name} ({i})", constant))
        return self.layers.concat(name, parts, axis - 1)

    def _sum(self, name: str, node: Any, a: dict[str, Any]) -> int:
        return self._several(name, node, lambda x, y: x + y, self._total)

    def _total(self, name: str, ats: list[int]) -> int:
        return self.layers.weighted_sum(name, ats, (1.0,) * len(ats))

    def _several(self, name: str, node: Any, fold: Any, join: Any) -> int:
        """Branches joined, the constants among them folded into one that is broadcast."""
        rank = self.examples[node.output[0]].ndim
        ats = [self.nodes_of[i] for i in node.input if i in self.nodes_of]
        constants = [
            constant_of_one_row(name, self.examples[i], rank)
            for i in node.input
            if i not in self.nodes_of
        ]
        if constants:
            ats.append(
                self.layers.constant(f"{name} (constant)", functools.reduce(fold, constants))
            )
        return ats[0] if len(ats) == 1 else int(join(name, ats))

    def _max(self, name: str, node: Any, a: dict[str, Any]) -> int:
        minimum = node.op_type == "Min"
        fixed = [i for i in node.input if i not in self.nodes_of]
        if len(node.input) != 2 or not fixed:
            fold = np.minimum if minimum else np.maximum
            return self._several(
                name, node, fold, lambda name, ats: self.layers.maximum(name, ats, minimum)
            )
        first, second, constant = self._two(name, node)
        at = second if first is None else first
        assert at is not None
        at = self.layers.broadcast(f"{name} (spread)", at, self.examples[node.output[0]].shape[1:])
        t = np.broadcast_to(constant, self.layers.shape(at)).reshape(1, -1)
        slopes = [[1.0], [0.0]] if minimum else [[0.0], [1.0]]
        return self.layers.piecewise(name, at, node.op_type.lower(), t, slopes, t[0], t[0])

    _min = _max
