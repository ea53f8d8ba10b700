"""Calls of torch as layers, one method for each kind; named after the module or function."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from ...errors import ModelError
from ..affine_layers import Shape, Window
from ._layer_builder import LayerBuilder, constant_of_one_row
from ._refusals import Refusal, refuse

TORCH_CONV_ARGUMENTS = (("stride", 3, 1), ("padding", 4, 0), ("dilation", 5, 1))


def is_node(a: Any) -> bool:
    return type(a).__name__ == "Node" and hasattr(a, "users")


class TorchSignal:
    """A node of ours that a call became; loose, or None for what is not followed (indices)."""

    def __init__(self, node: Any) -> None:
        self.node = node


def map_calls(change: Any, value: Any) -> Any:
    """A value with the calls in it replaced."""
    if isinstance(value, tuple | list):
        parts = [map_calls(change, a) for a in value]
        return tuple(parts) if isinstance(value, tuple) else parts
    if isinstance(value, dict):
        return {k: map_calls(change, a) for k, a in value.items()}
    return change(value) if is_node(value) else value


class TorchCall:
    """One call: its arguments as values, those that are signals as nodes."""

    def __init__(self, name: str, node: Any, args: Any, kwargs: Any, reader: TorchLayers) -> None:
        self.name, self.node = name, node
        self.args, self.kwargs, self.reader = args, kwargs, reader
        self.out = reader.examples[node]

    @property
    def kind(self) -> str:
        return str(self.node.meta["kind"])

    @property
    def title(self) -> str:
        """The module, or the function, as messages name it."""
        return str(self.node.meta["title"])

    @property
    def n_rows(self) -> int:
        """Of the example's batch."""
        return len(self.reader.example)

    @property
    def n_axes(self) -> int:
        """Of the first argument, the batch's included."""
        return int(self.args[0].ndim)

    @property
    def node_in(self) -> int:
        return int(self.operand(0).node)

    @property
    def shape(self) -> Shape:
        return self.reader.layers.shape(self.node_in)

    def operand(self, i: int) -> Any:
        """Argument i: a signal where it is one, else its value."""
        return self.value([*self.node.args, *self.node.kwargs.values()][i])

    def value(self, argument: Any) -> Any:
        return self.reader.values[argument] if is_node(argument) else argument

    def get(self, key: str, place: int, default: Any = None) -> Any:
        """An argument by name or place."""
        if key in self.kwargs:
            return self.kwargs[key]
        return self.args[place] if len(self.args) > place else default

    def array(self, key: str, place: int) -> Any:
        value = self.get(key, place)
        return None if value is None else value.numpy()

    def evaluate(self, x: Any) -> Any:
        """The call on another value of its only signal."""
        (signal,) = self.node.all_input_nodes
        other = self.reader.torch.tensor(x)

        def swap(node: Any) -> Any:
            return other if node is signal else self.reader.examples[node]

        with self.reader.torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return self.node.target(
                *map_calls(swap, self.node.args), **map_calls(swap, self.node.kwargs)
            )


def row_constant(value: Any, c: TorchCall) -> Any:
    """A constant as it applies to one row: without the batch axis."""
    return constant_of_one_row(c.name, value, c.out.ndim)


class TorchLayers:
    """`values` maps traced calls to signals, tuples of them or constants, `examples` to tensors."""

    layers: LayerBuilder
    values: dict[Any, Any]
    examples: dict[Any, Any]
    torch: Any
    example: Any

    def _on_linear(self, c: TorchCall) -> int:
        return self.layers.linear(c.name, c.node_in, c.array("weight", 1), c.array("bias", 2))

    def _on_conv(self, c: TorchCall) -> int:
        W, b = c.array("weight", 1), c.array("bias", 2)
        stride, padding, dilation = (c.get(k, i, d) for k, i, d in TORCH_CONV_ARGUMENTS)
        window = _window(W.shape[2:], stride, padding, dilation)
        return self.layers.conv(c.name, c.node_in, W, b, window, int(c.get("groups", 6, 1)))

    def _on_batch_norm(self, c: TorchCall) -> int:
        mean, var = c.array("running_mean", 1), c.array("running_var", 2)
        if mean is None or c.get("training", 5, False):
            refuse(c.name, "batch norm with the batch's own statistics", Refusal.CURVED)
        gain, shift, eps = c.array("weight", 3), c.array("bias", 4), c.get("eps", 7, 1e-5)
        return self.layers.batch_norm(c.name, c.node_in, mean, var, eps, gain, shift)

    def _on_dropout(self, c: TorchCall) -> int:
        if c.get("training", 2, True):
            refuse(c.name, "dropout that is never at rest (training=True)", Refusal.CURVED)
        return c.node_in

    def _on_avg_pool(self, c: TorchCall) -> int:
        if c.get("ceil_mode", 4, False) or c.get("divisor_override", 6) is not None:
            return self._on_space_map(c)
        size = c.get("kernel_size", 1)
        space = len(c.shape) - 1
        stride = c.get("stride", 2, None)
        window = _window(_per_axis(size, space), stride or size, c.get("padding", 3, 0), 1)
        return self.layers.average_pool(
            c.name, c.node_in, window, bool(c.get("count_include_pad", 5, True))
        )

    def _on_space_map(self, c: TorchCall) -> int:
        """Any linear layer of each channel's space: its matrix, by unit images."""
        space = c.shape[1:]
        n = int(np.prod(space))
        out = c.evaluate(np.eye(n).reshape(n, 1, *space))
        return self.layers.map_space(
            c.name, c.node_in, out.reshape(n, -1).T.numpy(), tuple(out.shape[2:])
        )

    def _on_any_affine(self, c: TorchCall) -> int:
        if len(c.node.all_input_nodes) != 1:
            refuse(c.name, f"{c.kind} of two branches")
        (signal,) = (c.value(node).node for node in c.node.all_input_nodes)
        return self.layers.from_unit_rows(c.name, signal, lambda x: c.evaluate(x).numpy())

    def _on_mean(self, c: TorchCall) -> int:
        keep = bool(c.get("keepdim", 2, False))
        return self.layers.mean_over(c.name, c.node_in, self._axes(c), keep, c.kind == "sum")

    _on_sum = _on_mean

    def _axes(self, c: TorchCall) -> tuple[int, ...]:
        """The axes of the sample that a reduction names."""
        rank = len(c.shape) + 1
        axes = c.get("dim", 1, None)
        axes = range(rank) if axes is None or axes == () else _tuple(axes)
        sample = tuple(sorted(a % rank - 1 for a in axes))
        if sample[0] < 0:
            raise ModelError(f"layer {c.name!r} reduces over the batch: not read")
        return sample

    def _on_max_pool(self, c: TorchCall) -> int:
        out = c.out[0] if isinstance(c.out, tuple) else c.out
        space = len(c.shape) - 1
        size, stride = c.get("kernel_size", 1), c.get("stride", 2, None)
        padding, dilation = c.get("padding", 3, 0), c.get("dilation", 4, 1)
        window = _window(_per_axis(size, space), stride or size, padding, dilation)
        return self.layers.max_pool(c.name, c.node_in, window, tuple(out.shape[2:]))

    def _on_pool_with_indices(self, c: TorchCall) -> Any:
        return TorchSignal(self._on_max_pool(c)), TorchSignal(None)

    def _on_adaptive_max(self, c: TorchCall) -> int:
        return self.layers.adaptive_max_pool(c.name, c.node_in, tuple(c.out.shape[2:]))

    def _on_relu(self, c: TorchCall) -> int:
        return self.layers.relu(c.name, c.node_in)

    def _on_leaky_relu(self, c: TorchCall) -> int:
        return self.layers.leaky_relu(
            c.name, c.node_in, "leaky_relu", c.get("negative_slope", 1, 0.01)
        )

    def _on_rrelu(self, c: TorchCall) -> int:
        slope = (c.get("lower", 1, 1 / 8) + c.get("upper", 2, 1 / 3)) / 2
        return self.layers.leaky_relu(c.name, c.node_in, "rrelu", slope)

    def _on_prelu(self, c: TorchCall) -> int:
        return self.layers.leaky_relu(c.name, c.node_in, "prelu", c.get("weight", 1).numpy())

    def _on_abs(self, c: TorchCall) -> int:
        return self.layers.piecewise(c.name, c.node_in, "abs", [0.0], [-1.0, 1.0])

    def _on_hardtanh(self, c: TorchCall) -> int:
        return self.layers.clip(
            c.name, c.node_in, c.get("min_val", 1, -1.0), c.get("max_val", 2, 1.0)
        )

    def _on_relu6(self, c: TorchCall) -> int:
        return self.layers.clip(c.name, c.node_in, 0.0, 6.0)

    def _on_hardsigmoid(self, c: TorchCall) -> int:
        return self.layers.piecewise(
            c.name, c.node_in, "hard_sigmoid", [-3.0, 3.0], [0.0, 1 / 6, 0.0], 0.5
        )

    def _on_clamp(self, c: TorchCall) -> int:
        if isinstance(c.operand(0), TorchSignal) and len(c.node.all_input_nodes) == 1:
            return self._clipped(c, c.get("min", 1), c.get("max", 2))
        refuse(c.name, "clamp whose bounds depend on the input")

    def _on_clamp_min(self, c: TorchCall) -> int:
        return self._clipped(c, c.get("min", 1), None)

    def _on_clamp_max(self, c: TorchCall) -> int:
        return self._clipped(c, None, c.get("max", 1))

    def _clipped(self, c: TorchCall, low: Any, high: Any) -> int:
        if not any(np.ndim(side) for side in (low, high)):
            return self.layers.clip(c.name, c.node_in, low, high)
        node = (
            c.node_in
            if low is None
            else self._maximum_with_constant(c, c.node_in, low, "clip", False)
        )
        return node if high is None else self._maximum_with_constant(c, node, high, "clip", True)

    def _on_softshrink(self, c: TorchCall) -> int:
        return self.layers.soft_shrink(c.name, c.node_in, float(c.get("lambd", 1, 0.5)))

    def _on_threshold(self, c: TorchCall) -> int:
        t, value = c.get("threshold", 1), c.get("value", 2)
        if t != value:
            refuse(c.name, f"threshold from {value:g} to {t:g}", Refusal.JUMPS)
        return self.layers.clip(c.name, c.node_in, t, None)

    def _on_add(self, c: TorchCall) -> int:
        return self._sum_of_two(c, float(c.kwargs.get("alpha", 1)))

    def _on_sub(self, c: TorchCall) -> int:
        return self._sum_of_two(c, -float(c.kwargs.get("alpha", 1)))

    def _sum_of_two(self, c: TorchCall, factor: float) -> int:
        first, second = c.operand(0), c.operand(1)
        if isinstance(first, TorchSignal) and isinstance(second, TorchSignal):
            return self.layers.weighted_sum(c.name, [first.node, second.node], (1.0, factor))
        if isinstance(first, TorchSignal):
            return self.layers.scale(c.name, first.node, 1.0, factor * row_constant(second, c))
        return self.layers.scale(c.name, second.node, factor, row_constant(first, c))

    def _on_rsub(self, c: TorchCall) -> int:
        first, second = c.operand(0), c.operand(1)
        if isinstance(first, TorchSignal) and isinstance(second, TorchSignal):
            return self.layers.weighted_sum(c.name, [first.node, second.node], (-1.0, 1.0))
        if isinstance(first, TorchSignal):
            return self.layers.scale(c.name, first.node, -1.0, row_constant(second, c))
        return self.layers.scale(c.name, second.node, 1.0, -row_constant(first, c))

    def _on_mul(self, c: TorchCall) -> int:
        first, second = c.operand(0), c.operand(1)
        if isinstance(first, TorchSignal) and isinstance(second, TorchSignal):
            refuse(c.name, "product of two branches", Refusal.CURVED)
        signal, factor = (first, second) if isinstance(first, TorchSignal) else (second, first)
        return self.layers.scale(c.name, signal.node, row_constant(factor, c))

    def _on_div(self, c: TorchCall) -> int:
        first, second = c.operand(0), c.operand(1)
        if isinstance(second, TorchSignal) or c.kwargs.get("rounding_mode"):
            refuse(c.name, "division by a branch, or one that rounds", Refusal.CURVED)
        return self.layers.scale(c.name, first.node, 1 / row_constant(second, c))

    def _on_neg(self, c: TorchCall) -> int:
        return self.layers.scale(c.name, c.node_in, -1.0)

    def _on_matmul(self, c: TorchCall) -> int:
        first, second = c.operand(0), c.operand(1)
        if isinstance(first, TorchSignal) and isinstance(second, TorchSignal):
            refuse(c.name, "matrix product of two branches", Refusal.CURVED)
        return self._product(c, first, second)

    def _on_rmatmul(self, c: TorchCall) -> int:
        return self._product(c, c.operand(1), c.operand(0))

    def _product(self, c: TorchCall, first: Any, second: Any) -> int:
        signal, W = (first, second) if isinstance(first, TorchSignal) else (second, first)
        shape = self.layers.shape(signal.node)
        if signal is first and W.ndim == 1:
            out = self.layers.linear(c.name, signal.node, W.numpy()[None])
            return self.layers.rearrange(f"{c.name} (shape)", out, None, shape[:-1])
        if signal is first and W.ndim == 2:
            return self.layers.linear(c.name, signal.node, W.numpy().T)
        if len(shape) < 2:
            refuse(c.name, "matrix product that mixes the rows of a batch")
        if signal is second and W.ndim == 2:
            node = self.layers.swap_last_axes(f"{c.name} (turn)", signal.node)
            out = self.layers.linear(c.name, node, W.numpy())
            return self.layers.swap_last_axes(f"{c.name} (back)", out)
        return self._on_any_affine(c)

    def _on_cat(self, c: TorchCall) -> int:
        axis = int(c.get("dim", 1, 0)) % c.out.ndim
        if axis == 0:
            refuse(c.name, "concatenation along the batch")
        return self.layers.concat(c.name, self._joined_nodes(c), axis - 1)

    def _on_stack(self, c: TorchCall) -> int:
        axis = int(c.get("dim", 1, 0)) % c.out.ndim
        if axis == 0:
            refuse(c.name, "stacking along the batch")
        to = list(c.out.shape[1:])
        to[axis - 1] = 1
        nodes = [
            self.layers.rearrange(c.name, part, None, tuple(to)) for part in self._joined_nodes(c)
        ]
        return self.layers.concat(c.name, nodes, axis - 1)

    def _joined_nodes(self, c: TorchCall) -> list[int]:
        """Nodes of a list of tensors, constants among them as nodes of their own."""
        arguments = [c.value(a) for a in (c.node.args or c.node.kwargs["tensors"])[0]]
        return [
            a.node
            if isinstance(a, TorchSignal)
            else self.layers.constant(c.name, row_constant(a, c))
            for a in arguments
        ]

    def _on_maximum(self, c: TorchCall) -> Any:
        return self._maximum_of_two(c, minimum=False)

    def _on_minimum(self, c: TorchCall) -> Any:
        return self._maximum_of_two(c, minimum=True)

    def _on_max(self, c: TorchCall) -> Any:
        return self._maximum_of_two(c, minimum=False)

    def _on_min(self, c: TorchCall) -> Any:
        return self._maximum_of_two(c, minimum=True)

    def _on_amax(self, c: TorchCall) -> int:
        keep = bool(c.get("keepdim", 2, False))
        minimum = c.kind in ("amin", "min")
        return self.layers.maximum_over(c.name, c.node_in, self._axes(c), keep, minimum)

    _on_amin = _on_amax

    def _maximum_of_two(self, c: TorchCall, minimum: bool) -> Any:
        other = c.get("other", 1, c.get("dim", 1))
        if isinstance(other, int) and c.kind in ("max", "min"):  # over an axis: with the indices
            return TorchSignal(self._on_amax(c)), TorchSignal(None)
        if other is None:
            refuse(c.name, f"{c.kind} over the batch")
        first, second = c.operand(0), c.operand(1)
        if isinstance(first, TorchSignal) and isinstance(second, TorchSignal):
            return self.layers.maximum(c.name, [first.node, second.node], minimum)
        signal, level = (first, second) if isinstance(first, TorchSignal) else (second, first)
        return self._maximum_with_constant(c, signal.node, level, c.kind, minimum)

    def _maximum_with_constant(
        self, c: TorchCall, node: int, level: Any, kind: str, minimum: bool
    ) -> int:
        """The larger (or smaller) of a node and a constant, entry by entry: a knot for each."""
        node = self.layers.broadcast(f"{c.name} (broadcast)", node, tuple(c.out.shape[1:]))
        t = np.broadcast_to(row_constant(level, c), self.layers.shape(node)).reshape(1, -1)
        slopes = [[1.0], [0.0]] if minimum else [[0.0], [1.0]]
        return self.layers.piecewise(c.name, node, kind, t, slopes, t[0], t[0])


def _tuple(value: Any) -> tuple[int, ...]:
    return (int(value),) if np.ndim(value) == 0 else tuple(int(v) for v in value)


def _per_axis(value: Any, n: int) -> tuple[int, ...]:
    sizes = _tuple(value)
    return sizes * n if len(sizes) == 1 else sizes


def _window(size: Any, stride: Any, padding: Any, dilation: Any) -> Window:
    n = len(size)
    steps, gaps = _per_axis(stride, n), _per_axis(dilation, n)
    if isinstance(padding, str):
        total = [0 if padding == "valid" else d * (k - 1) for d, k in zip(gaps, size, strict=True)]
        sides = tuple((t // 2, t - t // 2) for t in total)
    else:
        sides = tuple((p, p) for p in _per_axis(padding, n))
    return Window(tuple(int(k) for k in size), steps, sides, gaps)
