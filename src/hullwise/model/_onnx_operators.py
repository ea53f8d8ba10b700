"""ONNX operators as layers, one method for each; named after the operator."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ModelError
from ._affine import Shape, Window
from ._reading import Layers, fitted, refuse


class Operators:
    """`at` maps names of values to nodes of ours, `real` to their values on an example."""

    layers: Layers
    at: dict[str, int]
    real: dict[str, Any]
    opsets: dict[str, int]

    def _fixed(self, name: str, node: Any, i: int, default: Any = None) -> Any:
        """Input i as a constant."""
        if len(node.input) <= i or not node.input[i]:
            return default
        if node.input[i] in self.at:
            refuse(name, f"{node.op_type} whose input {i} is no constant")
        return self.real[node.input[i]]

    def _first_at(self, node: Any) -> int:
        return self.at[node.input[0]]

    def _gemm(self, name: str, node: Any, a: dict[str, Any]) -> int:
        if a.get("transA", 0):
            refuse(name, "Gemm with transA")
        B, C = self._fixed(name, node, 1), self._fixed(name, node, 2)
        W = B if a.get("transB", 0) else B.T
        b = None if C is None else np.broadcast_to(a.get("beta", 1.0) * C, (1, len(W)))[0]
        return self.layers.linear(name, self._first_at(node), a.get("alpha", 1.0) * W, b)

    def _matmul(self, name: str, node: Any, a: dict[str, Any]) -> int:
        if node.input[0] in self.at:
            W = self._fixed(name, node, 1)
            if W.ndim != 2:
                refuse(name, f"MatMul by an array of {W.ndim} axes")
            return self.layers.linear(name, self._first_at(node), W.T)
        W = self._fixed(name, node, 0)
        at = self.at[node.input[1]]
        shape = self.layers.shape(at)
        if W.ndim != 2 or len(shape) != 2:
            refuse(name, "MatMul from the left")
        turned = np.arange(int(np.prod(shape))).reshape(shape).T
        at = self.layers.rearrange(f"{name} (turn)", at, turned.ravel(), shape[::-1])
        at = self.layers.linear(name, at, W)
        back = np.arange(shape[1] * len(W)).reshape(shape[1], len(W)).T
        return self.layers.rearrange(f"{name} (back)", at, back.ravel(), (len(W), shape[1]))

    def _window(self, node: Any, a: dict[str, Any], size: Shape) -> Window:
        n = len(size)
        strides = tuple(a.get("strides", [1] * n))
        dilations = tuple(a.get("dilations", [1] * n))
        pads = list(a.get("pads", [0] * 2 * n))
        counts = self.real[node.output[0]].shape[2:]
        space = self.real[node.input[0]].shape[2:]
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
        space = self.real[node.input[0]].shape[2:]
        counts = self.real[node.output[0]].shape[2:]
        if fitted(window, space, counts).padding != window.padding:
            refuse(name, "AveragePool with ceil_mode that does not divide")
        padding = bool(a.get("count_include_pad", 0))
        return self.layers.average(name, self._first_at(node), window, padding)

    def _globalaveragepool(self, name: str, node: Any, a: dict[str, Any]) -> int:
        axes = tuple(range(1, len(self.layers.shape(self._first_at(node)))))
        return self.layers.mean(name, self._first_at(node), axes, keep=True)

    def _reducemean(self, name: str, node: Any, a: dict[str, Any]) -> int:
        axes = a.get("axes", self._fixed(name, node, 1))
        rank = self.real[node.input[0]].ndim
        if axes is None:
            refuse(name, f"{node.op_type} over all axes")
        sample = tuple(sorted(int(x) % rank - 1 for x in np.ravel(axes)))
        if sample[0] < 0:
            raise ModelError(f"layer {name!r} reduces over the batch: not read")
        keep = bool(a.get("keepdims", 1))
        if node.op_type in ("ReduceMax", "ReduceMin"):
            least = node.op_type == "ReduceMin"
            return self.layers.largest_over(name, self._first_at(node), sample, keep, least)
        total = node.op_type == "ReduceSum"
        return self.layers.mean(name, self._first_at(node), sample, keep, total)

    _reducesum = _reducemax = _reducemin = _reducemean

    def _maxpool(self, name: str, node: Any, a: dict[str, Any]) -> int:
        window = self._window(node, a, tuple(a["kernel_shape"]))
        counts = self.real[node.output[0]].shape[2:]
        return self.layers.max_pool(name, self._first_at(node), window, counts)

    def _globalmaxpool(self, name: str, node: Any, a: dict[str, Any]) -> int:
        size = self.layers.shape(self._first_at(node))[1:]
        n = len(size)
        window = Window(size, (1,) * n, ((0, 0),) * n, (1,) * n)
        return self.layers.max_pool(name, self._first_at(node), window, (1,) * n)

    def _relu(self, name: str, node: Any, a: dict[str, Any]) -> int:
        return self.layers.relu(name, self._first_at(node))

    def _leakyrelu(self, name: str, node: Any, a: dict[str, Any]) -> int:
        return self.layers.leaky(name, self._first_at(node), "leaky_relu", a.get("alpha", 0.01))

    def _prelu(self, name: str, node: Any, a: dict[str, Any]) -> int:
        slope, at = self._fixed(name, node, 1), self._first_at(node)
        if slope.ndim == len(self.layers.shape(at)) + 1:
            slope = slope[0]
        wide = np.broadcast_to(slope, self.layers.shape(at))
        return self.layers.leaky(name, at, "prelu", wide)

    def _abs(self, name: str, node: Any, a: dict[str, Any]) -> int:
        return self.layers.unit(name, self._first_at(node), "abs", [0.0], [-1.0, 1.0])

    def _clip(self, name: str, node: Any, a: dict[str, Any]) -> int:
        low = a.get("min", self._fixed(name, node, 1))
        high = a.get("max", self._fixed(name, node, 2))
        sides = [None if s is None else float(np.ravel(s)[0]) for s in (low, high)]
        return self.layers.clip(name, self._first_at(node), *sides)

    def _hardsigmoid(self, name: str, node: Any, a: dict[str, Any]) -> int:
        alpha, beta = a.get("alpha", 0.2), a.get("beta", 0.5)
        knots = [-beta / alpha, (1 - beta) / alpha]
        return self.layers.unit(
            name, self._first_at(node), "hard_sigmoid", knots, [0.0, alpha, 0.0], beta
        )

    def _thresholdedrelu(self, name: str, node: Any, a: dict[str, Any]) -> int:
        if a.get("alpha", 1.0) != 0:
            refuse(name, "ThresholdedRelu, which jumps")
        return self.layers.relu(name, self._first_at(node))

    def _two(self, name: str, node: Any) -> tuple[int | None, int | None, Any]:
        """Nodes of both inputs (None: a constant) and the constant as it applies to one row."""
        first, second = (self.at.get(i) for i in node.input)
        constant = None
        for i, at in zip(node.input, (first, second), strict=True):
            if at is None:
                constant = np.asarray(self.real[i], dtype=np.float64)
                if constant.ndim == self.real[node.output[0]].ndim:
                    if constant.shape[0] != 1:
                        raise ModelError(f"layer {name!r} has a constant for each row of a batch")
                    constant = constant[0]
        return first, second, constant

    def _add(self, name: str, node: Any, a: dict[str, Any]) -> int:
        factor = -1.0 if node.op_type == "Sub" else 1.0
        first, second, constant = self._two(name, node)
        if first is not None and second is not None:
            return self.layers.sum(name, [first, second], (1.0, factor))
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
        axis = int(a["axis"]) % self.real[node.output[0]].ndim
        if axis == 0 or any(i not in self.at for i in node.input):
            refuse(name, "Concat along the batch or with a constant")
        return self.layers.concat(name, [self.at[i] for i in node.input], axis - 1)

    def _max(self, name: str, node: Any, a: dict[str, Any]) -> int:
        least = node.op_type == "Min"
        if all(i in self.at for i in node.input):
            if len(node.input) == 1:
                return self._first_at(node)
            return self.layers.largest(name, [self.at[i] for i in node.input], least)
        if len(node.input) != 2:
            refuse(name, f"{node.op_type} of branches and constants")
        first, second, constant = self._two(name, node)
        at = second if first is None else first
        assert at is not None
        t = np.broadcast_to(constant, self.layers.shape(at)).reshape(1, -1)
        slopes = [[1.0], [0.0]] if least else [[0.0], [1.0]]
        return self.layers.unit(name, at, node.op_type.lower(), t, slopes, t[0], t[0])

    _min = _max
