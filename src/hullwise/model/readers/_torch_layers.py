"""Calls of torch as layers, one method for each kind; named after the module or function."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from ...errors import ModelError
from ..affine_layers import Shape
from ._layer_builder import LayerBuilder, constant_of_one_row
from ._refusals import Refusal, refuse
from ._smooth_layers import GATE_TITLE
from ._torch_recorder import leaves


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
        return None if value is None else value.detach().numpy()

    def with_inputs(self, others: Any, value: Any) -> Any:
        """Arguments with tensors in the place of calls: these, or those of the example."""
        return map_calls(lambda node: others.get(node, self.reader.examples[node]), value)

    def evaluate(self, *values: Any) -> Any:
        """The call on other values of its signals, in their order."""
        torch = self.reader.torch
        signals = self.node.all_input_nodes
        others = {node: torch.tensor(x) for node, x in zip(signals, values, strict=True)}
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return self.node.target(
                *self.with_inputs(others, self.node.args),
                **self.with_inputs(others, self.node.kwargs),
            )

    def evaluate_rows(self, *values: Any) -> Any:
        """The call on any number of rows, as an array; in the example's number where it must."""
        n, m = self.n_rows, len(values[0])
        if not self._has_rows_of_constants():
            return self.evaluate(*values).numpy()
        padded = [np.concatenate([x, np.zeros(((-m) % n, *x.shape[1:]))]) for x in values]
        parts = [
            self.evaluate(*(x[i : i + n] for x in padded)).numpy()
            for i in range(0, len(padded[0]), n)
        ]
        return np.concatenate(parts)[:m]

    def _has_rows_of_constants(self) -> bool:
        """Whether a constant among the arguments may have a row for each of the example's."""
        constants = [a for a in leaves((self.node.args, self.node.kwargs)) if not is_node(a)]
        return any(np.shape(a)[:1] == (self.n_rows,) for a in constants if hasattr(a, "shape"))

    def is_affine(self) -> bool:
        """Whether it is affine in all its signals together, told from random values."""
        rng = np.random.default_rng(3)
        shapes = [tuple(self.reader.examples[node].shape) for node in self.node.all_input_nodes]
        x, y = ([rng.normal(size=shape) for shape in shapes] for _ in range(2))
        both = [a + b for a, b in zip(x, y, strict=True)]
        nothing = [np.zeros(shape) for shape in shapes]
        f, g, h, o = (self.evaluate(*values).numpy() for values in (x, y, both, nothing))
        size = np.abs(f) + np.abs(g) + np.abs(h) + np.abs(o)
        return bool((np.abs(f + g - h - o) <= 1e-9 * size + 1e-300).all())


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

    def _on_batch_norm(self, c: TorchCall) -> int:
        mean, var = c.array("running_mean", 1), c.array("running_var", 2)
        if mean is None or c.get("training", 5, False):
            refuse(c.name, "batch norm with the batch's own statistics", Refusal.CURVED)
        gain, shift, eps = c.array("weight", 3), c.array("bias", 4), c.get("eps", 7, 1e-5)
        return self.layers.batch_norm(c.name, c.node_in, mean, var, eps, gain, shift)

    def _on_native_batch_norm(self, c: TorchCall) -> Any:
        return TorchSignal(self._on_batch_norm(c)), TorchSignal(None), TorchSignal(None)

    def _on_addmm(self, c: TorchCall) -> int:
        """b + x W with constants b and W, as torch's own linear layer calls it."""
        b, x, W = (c.operand(i) for i in range(3))
        constant = not isinstance(b, TorchSignal) and not isinstance(W, TorchSignal)
        if not constant or set(c.kwargs) & {"alpha", "beta"} or b.ndim != 1:
            return self._on_any_affine(c)
        return self.layers.linear(c.name, x.node, W.detach().numpy().T, b.detach().numpy())

    def _on_instance_norm(self, c: TorchCall) -> int:
        if c.get("use_input_stats", 5, True) or c.array("running_mean", 1) is None:
            refuse(c.name, f"{c.title} with the input's own statistics", Refusal.CURVED)
        mean, var = c.array("running_mean", 1), c.array("running_var", 2)
        gain, shift, eps = c.array("weight", 3), c.array("bias", 4), c.get("eps", 7, 1e-5)
        return self.layers.batch_norm(c.name, c.node_in, mean, var, eps, gain, shift)

    def _on_norm(self, c: TorchCall) -> int:
        """Of p = 1 the sum of sizes, of p = infinity the largest size."""
        p, axes = c.get("p", 1, c.get("ord", 1, 2)), c.get("dim", 2)
        p = 2.0 if p in (None, "fro") else p
        if isinstance(p, str) or float(p) not in (1.0, np.inf) or axes is None:
            refuse(c.name, f"{c.kind} of p = {p}", Refusal.CURVED)
        if c.kind == "linalg_norm" and np.ndim(axes) and len(axes) > 1:
            refuse(c.name, "norm of matrices")
        sizes = self.layers.piecewise(f"{c.name} (sizes)", c.node_in, "abs", [0.0], [-1.0, 1.0])
        rank, keep = len(c.shape) + 1, bool(c.get("keepdim", 3, False))
        places = tuple(sorted(axis % rank - 1 for axis in as_sizes(axes)))
        if places[0] < 0:
            refuse(c.name, f"{c.kind} over the rows of a batch")
        if float(p) == 1:
            return self.layers.mean_over(c.name, sizes, places, keep, True)
        return self.layers.maximum_over(c.name, sizes, places, keep)

    def _on_pow(self, c: TorchCall) -> int:
        if isinstance(c.operand(1), TorchSignal) or np.size(c.operand(1)) != 1:
            refuse(c.name, f"{c.title} of a power that is no number", Refusal.CURVED)
        if float(c.operand(1)) != 1:
            refuse(c.name, f"{c.title} of power {float(c.operand(1)):g}", Refusal.CURVED)
        return c.node_in

    def _on_nan_to_num(self, c: TorchCall) -> int:
        return c.node_in  # values here are finite

    def _on_dropout(self, c: TorchCall) -> int:
        if c.get("training", 2, c.get("train", 2, True)):
            refuse(c.name, "dropout that is never at rest (training=True)", Refusal.CURVED)
        return c.node_in

    def _on_any_affine(self, c: TorchCall) -> int:
        """By its answers to unit inputs, of all its branches side by side."""
        signals = c.node.all_input_nodes
        nodes = [c.value(node).node for node in signals]
        if not c.is_affine():
            refuse(c.name, f"{c.kind} of two branches", Refusal.CURVED)
        node, shapes = nodes[0], [self.layers.shape(one) for one in nodes]
        if len(nodes) > 1:
            sizes = [int(np.prod(shape)) for shape in shapes]
            flat = [
                self.layers.rearrange(f"{c.name} (flat {i})", one, None, (size,))
                for i, (one, size) in enumerate(zip(nodes, sizes, strict=True))
            ]
            node = self.layers.concat(f"{c.name} (joined)", flat, 0)
            ends = np.cumsum(sizes)[:-1]

        def evaluate(x: Any) -> Any:
            parts = [x] if len(nodes) == 1 else np.split(x, ends, axis=1)
            rows = [p.reshape(len(x), *s) for p, s in zip(parts, shapes, strict=True)]
            return c.evaluate_rows(*rows)

        return self.layers.from_unit_rows(c.name, node, evaluate)

    def _on_mean(self, c: TorchCall) -> int:
        keep = bool(c.get("keepdim", 2, False))
        return self.layers.mean_over(
            c.name, c.node_in, self._axes(c), keep, c.kind in ("sum", "nansum")
        )

    _on_sum = _on_mean

    def _axes(self, c: TorchCall) -> tuple[int, ...]:
        """The axes of the sample that a reduction names."""
        rank = len(c.shape) + 1
        axes = c.get("dim", 1, None)
        axes = range(rank) if axes is None or axes == () else as_sizes(axes)
        sample = tuple(sorted(a % rank - 1 for a in axes))
        if sample[0] < 0:
            raise ModelError(f"layer {c.name!r} reduces over the batch: not read")
        return sample

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
        return self.layers.leaky_relu(c.name, c.node_in, "prelu", c.array("weight", 1))

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
        node = c.node_in
        for key, place, minimum in (("min", 1, False), ("max", 2, True)):
            bound = c.value(c.node.kwargs.get(key, (*c.node.args, None, None, None)[place]))
            if isinstance(bound, TorchSignal):
                label = f"{c.name} ({key})"
                node = self.layers.maximum(label, [node, bound.node], minimum)
            elif bound is not None:
                node = self._maximum_with_constant(c, node, bound, "clip", minimum)
        return node

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
            node = self.layers.gated(c.name, first.node, second.node)
            if node is None:
                refuse(c.name, GATE_TITLE, Refusal.CURVED)
            return node
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
            out = self.layers.linear(c.name, signal.node, W.detach().numpy()[None])
            return self.layers.rearrange(f"{c.name} (shape)", out, None, shape[:-1])
        if signal is first and W.ndim == 2:
            return self.layers.linear(c.name, signal.node, W.detach().numpy().T)
        if len(shape) < 2:
            refuse(c.name, "matrix product that mixes the rows of a batch")
        if signal is second and W.ndim == 2:
            node = self.layers.swap_last_axes(f"{c.name} (turn)", signal.node)
            out = self.layers.linear(c.name, node, W.detach().numpy())
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


def as_sizes(value: Any) -> tuple[int, ...]:
    return (int(value),) if np.ndim(value) == 0 else tuple(int(v) for v in value)
