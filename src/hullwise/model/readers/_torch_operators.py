"""Calls of torch as layers, one method for each kind; named after the module or function."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from ...errors import ModelError
from ..affine_layers import Shape, Window
from ._layers import Layers, per_row, refuse

CONV = (("stride", 3, 1), ("padding", 4, 0), ("dilation", 5, 1))


def is_node(a: Any) -> bool:
    return type(a).__name__ == "Node" and hasattr(a, "users")


class Signal:
    """A node of ours that a call became; loose, or None for what is not followed (indices)."""

    def __init__(self, node: Any) -> None:
        self.node = node


def mapped(change: Any, given: Any) -> Any:
    """`given` with calls in it replaced."""
    if isinstance(given, tuple | list):
        parts = [mapped(change, a) for a in given]
        return tuple(parts) if isinstance(given, tuple) else parts
    if isinstance(given, dict):
        return {k: mapped(change, a) for k, a in given.items()}
    return change(given) if is_node(given) else given


class Call:
    """One call: its arguments as values, those that are signals as nodes."""

    def __init__(self, name: str, node: Any, args: Any, kwargs: Any, reader: Calls) -> None:
        self.name, self.node = name, node
        self.args, self.kwargs, self.reader = args, kwargs, reader
        self.out = reader.real[node]

    @property
    def kind(self) -> str:
        return str(self.node.meta["kind"])

    @property
    def at(self) -> int:
        return int(self.operand(0).node)

    @property
    def shape(self) -> Shape:
        return self.reader.layers.shape(self.at)

    def operand(self, i: int) -> Any:
        """Argument i: a signal where it is one, else its value."""
        return self.held([*self.node.args, *self.node.kwargs.values()][i])

    def held(self, given: Any) -> Any:
        return self.reader.at[given] if is_node(given) else given

    def get(self, key: str, place: int, default: Any = None) -> Any:
        """An argument by name or place."""
        if key in self.kwargs:
            return self.kwargs[key]
        return self.args[place] if len(self.args) > place else default

    def array(self, key: str, place: int) -> Any:
        value = self.get(key, place)
        return None if value is None else value.numpy()

    def again(self, x: Any) -> Any:
        """The call on another value of its only signal."""
        (signal,) = self.node.all_input_nodes
        given = self.reader.torch.tensor(x)

        def swap(node: Any) -> Any:
            return given if node is signal else self.reader.real[node]

        with self.reader.torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return self.node.target(*mapped(swap, self.node.args), **mapped(swap, self.node.kwargs))


def _sample(value: Any, c: Call) -> Any:
    """A constant as it applies to one row: without the batch axis."""
    return per_row(c.name, value, c.out.ndim)


class Calls:
    """`at` maps traced calls to signals, tuples of them or constants, `real` to their values."""

    layers: Layers
    at: dict[Any, Any]
    real: dict[Any, Any]
    torch: Any

    def _on_linear(self, c: Call) -> int:
        return self.layers.linear(c.name, c.at, c.array("weight", 1), c.array("bias", 2))

    def _on_conv(self, c: Call) -> int:
        W, b = c.array("weight", 1), c.array("bias", 2)
        stride, padding, dilation = (c.get(k, i, d) for k, i, d in CONV)
        window = _window(W.shape[2:], stride, padding, dilation)
        return self.layers.conv(c.name, c.at, W, b, window, int(c.get("groups", 6, 1)))

    def _on_batch_norm(self, c: Call) -> int:
        mean, var = c.array("running_mean", 1), c.array("running_var", 2)
        if mean is None or c.get("training", 5, False):
            refuse(c.name, "batch norm with the batch's own statistics")
        gain, shift, eps = c.array("weight", 3), c.array("bias", 4), c.get("eps", 7, 1e-5)
        return self.layers.batch_norm(c.name, c.at, mean, var, eps, gain, shift)

    def _on_dropout(self, c: Call) -> int:
        if c.get("training", 2, True):
            refuse(c.name, "dropout that is never at rest (training=True)")
        return c.at

    def _on_avg_pool(self, c: Call) -> int:
        if c.get("ceil_mode", 4, False) or c.get("divisor_override", 6) is not None:
            return self._on_by_space(c)
        size = c.get("kernel_size", 1)
        space = len(c.shape) - 1
        stride = c.get("stride", 2, None)
        window = _window(_many(size, space), stride or size, c.get("padding", 3, 0), 1)
        return self.layers.average(c.name, c.at, window, bool(c.get("count_include_pad", 5, True)))

    def _on_by_space(self, c: Call) -> int:
        """Any linear layer of each channel's space: its matrix, by unit images."""
        space = c.shape[1:]
        n = int(np.prod(space))
        out = c.again(np.eye(n).reshape(n, 1, *space))
        return self.layers.spatial(c.name, c.at, out.reshape(n, -1).T.numpy(), tuple(out.shape[2:]))

    def _on_by_matrix(self, c: Call) -> int:
        if len(c.node.all_input_nodes) != 1:
            refuse(c.name, f"{c.kind} of two branches")
        (signal,) = (c.held(node).node for node in c.node.all_input_nodes)
        return self.layers.by_matrix(c.name, signal, lambda x: c.again(x).numpy())

    def _on_mean(self, c: Call) -> int:
        keep = bool(c.get("keepdim", 2, False))
        return self.layers.mean(c.name, c.at, self._axes(c), keep, c.kind == "sum")

    _on_sum = _on_mean

    def _axes(self, c: Call) -> tuple[int, ...]:
        """The axes of the sample that a reduction names."""
        rank = len(c.shape) + 1
        axes = c.get("dim", 1, None)
        axes = range(rank) if axes is None or axes == () else _tuple(axes)
        sample = tuple(sorted(a % rank - 1 for a in axes))
        if sample[0] < 0:
            raise ModelError(f"layer {c.name!r} reduces over the batch: not read")
        return sample

    def _on_max_pool(self, c: Call) -> int:
        out = c.out[0] if isinstance(c.out, tuple) else c.out
        space = len(c.shape) - 1
        size, stride = c.get("kernel_size", 1), c.get("stride", 2, None)
        padding, dilation = c.get("padding", 3, 0), c.get("dilation", 4, 1)
        window = _window(_many(size, space), stride or size, padding, dilation)
        return self.layers.max_pool(c.name, c.at, window, tuple(out.shape[2:]))

    def _on_pool_with_indices(self, c: Call) -> Any:
        return Signal(self._on_max_pool(c)), Signal(None)

    def _on_adaptive_max(self, c: Call) -> int:
        return self.layers.adaptive_max(c.name, c.at, tuple(c.out.shape[2:]))

    def _on_relu(self, c: Call) -> int:
        return self.layers.relu(c.name, c.at)

    def _on_leaky_relu(self, c: Call) -> int:
        return self.layers.leaky(c.name, c.at, "leaky_relu", c.get("negative_slope", 1, 0.01))

    def _on_rrelu(self, c: Call) -> int:
        slope = (c.get("lower", 1, 1 / 8) + c.get("upper", 2, 1 / 3)) / 2
        return self.layers.leaky(c.name, c.at, "rrelu", slope)

    def _on_prelu(self, c: Call) -> int:
        return self.layers.leaky(c.name, c.at, "prelu", c.get("weight", 1).numpy())

    def _on_abs(self, c: Call) -> int:
        return self.layers.unit(c.name, c.at, "abs", [0.0], [-1.0, 1.0])

    def _on_hardtanh(self, c: Call) -> int:
        return self.layers.clip(c.name, c.at, c.get("min_val", 1, -1.0), c.get("max_val", 2, 1.0))

    def _on_relu6(self, c: Call) -> int:
        return self.layers.clip(c.name, c.at, 0.0, 6.0)

    def _on_hardsigmoid(self, c: Call) -> int:
        return self.layers.unit(c.name, c.at, "hard_sigmoid", [-3.0, 3.0], [0.0, 1 / 6, 0.0], 0.5)

    def _on_clamp(self, c: Call) -> int:
        if isinstance(c.operand(0), Signal) and len(c.node.all_input_nodes) == 1:
            return self._clipped(c, c.get("min", 1), c.get("max", 2))
        refuse(c.name, "clamp whose bounds depend on the input")

    def _on_clamp_min(self, c: Call) -> int:
        return self._clipped(c, c.get("min", 1), None)

    def _on_clamp_max(self, c: Call) -> int:
        return self._clipped(c, None, c.get("max", 1))

    def _clipped(self, c: Call, low: Any, high: Any) -> int:
        if not any(np.ndim(side) for side in (low, high)):
            return self.layers.clip(c.name, c.at, low, high)
        at = c.at if low is None else self._against(c, c.at, low, "clip", False)
        return at if high is None else self._against(c, at, high, "clip", True)

    def _on_softshrink(self, c: Call) -> int:
        return self.layers.soft_shrink(c.name, c.at, float(c.get("lambd", 1, 0.5)))

    def _on_threshold(self, c: Call) -> int:
        t, value = c.get("threshold", 1), c.get("value", 2)
        if t != value:
            refuse(c.name, f"threshold that jumps from {value:g} to {t:g}")
        return self.layers.clip(c.name, c.at, t, None)

    def _on_add(self, c: Call) -> int:
        return self._plus(c, float(c.kwargs.get("alpha", 1)))

    def _on_sub(self, c: Call) -> int:
        return self._plus(c, -float(c.kwargs.get("alpha", 1)))

    def _plus(self, c: Call, factor: float) -> int:
        first, second = c.operand(0), c.operand(1)
        if isinstance(first, Signal) and isinstance(second, Signal):
            return self.layers.sum(c.name, [first.node, second.node], (1.0, factor))
        if isinstance(first, Signal):
            return self.layers.scale(c.name, first.node, 1.0, factor * _sample(second, c))
        return self.layers.scale(c.name, second.node, factor, _sample(first, c))

    def _on_rsub(self, c: Call) -> int:
        first, second = c.operand(0), c.operand(1)
        if isinstance(first, Signal) and isinstance(second, Signal):
            return self.layers.sum(c.name, [first.node, second.node], (-1.0, 1.0))
        if isinstance(first, Signal):
            return self.layers.scale(c.name, first.node, -1.0, _sample(second, c))
        return self.layers.scale(c.name, second.node, 1.0, -_sample(first, c))

    def _on_mul(self, c: Call) -> int:
        first, second = c.operand(0), c.operand(1)
        if isinstance(first, Signal) and isinstance(second, Signal):
            refuse(c.name, "product of two branches")
        signal, factor = (first, second) if isinstance(first, Signal) else (second, first)
        return self.layers.scale(c.name, signal.node, _sample(factor, c))

    def _on_div(self, c: Call) -> int:
        first, second = c.operand(0), c.operand(1)
        if isinstance(second, Signal) or c.kwargs.get("rounding_mode"):
            refuse(c.name, "division by a branch, or one that rounds")
        return self.layers.scale(c.name, first.node, 1 / _sample(second, c))

    def _on_neg(self, c: Call) -> int:
        return self.layers.scale(c.name, c.at, -1.0)

    def _on_matmul(self, c: Call) -> int:
        first, second = c.operand(0), c.operand(1)
        if isinstance(first, Signal) and isinstance(second, Signal):
            refuse(c.name, "matrix product of two branches")
        return self._product(c, first, second)

    def _on_rmatmul(self, c: Call) -> int:
        return self._product(c, c.operand(1), c.operand(0))

    def _product(self, c: Call, first: Any, second: Any) -> int:
        signal, W = (first, second) if isinstance(first, Signal) else (second, first)
        shape = self.layers.shape(signal.node)
        if signal is first and W.ndim == 1:
            out = self.layers.linear(c.name, signal.node, W.numpy()[None])
            return self.layers.rearrange(f"{c.name} (shape)", out, None, shape[:-1])
        if signal is first and W.ndim == 2:
            return self.layers.linear(c.name, signal.node, W.numpy().T)
        if len(shape) < 2:
            refuse(c.name, "matrix product that mixes the rows of a batch")
        if signal is second and W.ndim == 2:
            at = self.layers.turned(f"{c.name} (turn)", signal.node)
            out = self.layers.linear(c.name, at, W.numpy())
            return self.layers.turned(f"{c.name} (back)", out)
        return self._on_by_matrix(c)

    def _on_cat(self, c: Call) -> int:
        axis = int(c.get("dim", 1, 0)) % c.out.ndim
        if axis == 0:
            refuse(c.name, "concatenation along the batch")
        return self.layers.concat(c.name, self._several(c), axis - 1)

    def _on_stack(self, c: Call) -> int:
        axis = int(c.get("dim", 1, 0)) % c.out.ndim
        if axis == 0:
            refuse(c.name, "stacking along the batch")
        to = list(c.out.shape[1:])
        to[axis - 1] = 1
        nodes = [self.layers.rearrange(c.name, at, None, tuple(to)) for at in self._several(c)]
        return self.layers.concat(c.name, nodes, axis - 1)

    def _several(self, c: Call) -> list[int]:
        """Nodes of a list of tensors, constants among them as nodes of their own."""
        given = [c.held(a) for a in (c.node.args or c.node.kwargs["tensors"])[0]]
        return [
            a.node if isinstance(a, Signal) else self.layers.constant(c.name, _sample(a, c))
            for a in given
        ]

    def _on_maximum(self, c: Call) -> Any:
        return self._extreme(c, least=False)

    def _on_minimum(self, c: Call) -> Any:
        return self._extreme(c, least=True)

    def _on_max(self, c: Call) -> Any:
        return self._extreme(c, least=False)

    def _on_min(self, c: Call) -> Any:
        return self._extreme(c, least=True)

    def _on_amax(self, c: Call) -> int:
        keep = bool(c.get("keepdim", 2, False))
        least = c.kind in ("amin", "min")
        return self.layers.largest_over(c.name, c.at, self._axes(c), keep, least)

    _on_amin = _on_amax

    def _extreme(self, c: Call, least: bool) -> Any:
        other = c.get("other", 1, c.get("dim", 1))
        if isinstance(other, int) and c.kind in ("max", "min"):  # over an axis: with the indices
            return Signal(self._on_amax(c)), Signal(None)
        if other is None:
            refuse(c.name, f"{c.kind} over the batch")
        first, second = c.operand(0), c.operand(1)
        if isinstance(first, Signal) and isinstance(second, Signal):
            return self.layers.largest(c.name, [first.node, second.node], least)
        signal, level = (first, second) if isinstance(first, Signal) else (second, first)
        return self._against(c, signal.node, level, c.kind, least)

    def _against(self, c: Call, at: int, level: Any, kind: str, least: bool) -> int:
        """The larger (or smaller) of a node and a constant, entry by entry: a knot for each."""
        at = self.layers.spread(f"{c.name} (spread)", at, tuple(c.out.shape[1:]))
        t = np.broadcast_to(_sample(level, c), self.layers.shape(at)).reshape(1, -1)
        slopes = [[1.0], [0.0]] if least else [[0.0], [1.0]]
        return self.layers.unit(c.name, at, kind, t, slopes, t[0], t[0])


def _tuple(value: Any) -> tuple[int, ...]:
    return (int(value),) if np.ndim(value) == 0 else tuple(int(v) for v in value)


def _many(value: Any, n: int) -> tuple[int, ...]:
    found = _tuple(value)
    return found * n if len(found) == 1 else found


def _window(size: Any, stride: Any, padding: Any, dilation: Any) -> Window:
    n = len(size)
    steps, gaps = _many(stride, n), _many(dilation, n)
    if isinstance(padding, str):
        total = [0 if padding == "valid" else d * (k - 1) for d, k in zip(gaps, size, strict=True)]
        sides = tuple((t // 2, t - t // 2) for t in total)
    else:
        sides = tuple((p, p) for p in _many(padding, n))
    return Window(tuple(int(k) for k in size), steps, sides, gaps)
