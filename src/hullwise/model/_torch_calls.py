"""Calls of torch as layers, one method for each kind; named after the module or function."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ModelError
from ._affine import Shape, Window
from ._reading import Layers, refuse

CONV = (("stride", 3, 1), ("padding", 4, 0), ("dilation", 5, 1))


def is_node(a: Any) -> bool:
    return type(a).__name__ == "Node" and hasattr(a, "users")


class Signal:
    """A node of ours that a traced call became."""

    def __init__(self, node: int) -> None:
        self.node = node


class Call:
    """One traced call: its arguments as values, those that are signals as nodes."""

    def __init__(
        self, name: str, node: Any, module: Any, args: Any, kwargs: Any, reader: Calls
    ) -> None:
        self.name, self.node, self.module = name, node, module
        self.args, self.kwargs, self.reader = args, kwargs, reader
        self.out = reader.real[node]

    @property
    def kind(self) -> str:
        return str(getattr(self.node.target, "__name__", self.node.target))

    @property
    def at(self) -> int:
        return int(self.operand(0).node)

    @property
    def shape(self) -> Shape:
        return self.reader.layers.shape(self.at)

    def operand(self, i: int) -> Any:
        """Argument i: a signal where it is one, else its value."""
        given = [*self.node.args, *self.node.kwargs.values()][i]
        if is_node(given):
            found = self.reader.at[given]
            return found if isinstance(found, Signal) else self.reader.real[given]
        return given

    def get(self, key: str, place: int, default: Any = None) -> Any:
        """A setting: the module's, or the function's argument by name or place."""
        if self.module is not None:
            return getattr(self.module, key, default)
        if key in self.kwargs:
            return self.kwargs[key]
        return self.args[place] if len(self.args) > place else default

    def weights(self, *keys: str) -> tuple[Any, Any]:
        found = [self.get(key, i + 1) for i, key in enumerate(keys)]
        return found[0].numpy(), None if found[1] is None else found[1].numpy()

    def run(self, x: Any) -> Any:
        """The call on another first argument."""
        with self.reader.torch.no_grad():
            if self.module is not None:
                return self.module(x)
            if self.node.op == "call_method":
                return getattr(x, self.node.target)(*self.args[1:], **self.kwargs)
            return self.node.target(x, *self.args[1:], **self.kwargs)


def _sample(value: Any, c: Call) -> Any:
    """A constant as it applies to one row: without the batch axis."""
    array = np.asarray(value, dtype=np.float64)
    if array.ndim == c.out.ndim:
        if array.shape[0] != 1:
            raise ModelError(f"layer {c.name!r} has a constant for each row of a batch: not read")
        array = array[0]
    return array


class Calls:
    """`at` maps traced calls to signals, tuples of them or constants, `real` to their values."""

    layers: Layers
    at: dict[Any, Any]
    real: dict[Any, Any]
    torch: Any

    def _linear(self, c: Call) -> int:
        W, b = c.weights("weight", "bias")
        return self.layers.linear(c.name, c.at, W, b)

    def _conv1d(self, c: Call) -> int:
        W, b = c.weights("weight", "bias")
        stride, padding, dilation = (c.get(k, i, d) for k, i, d in CONV)
        if c.module is not None and c.module.padding_mode != "zeros":
            refuse(c.name, f"convolution with padding_mode={c.module.padding_mode!r}")
        window = _window(W.shape[2:], stride, padding, dilation)
        return self.layers.conv(c.name, c.at, W, b, window, int(c.get("groups", 6, 1)))

    _conv2d = _conv1d

    def _batchnorm(self, c: Call) -> int:
        mean, var = c.get("running_mean", 1), c.get("running_var", 2)
        if mean is None or (c.module is None and c.get("training", 5, False)):
            refuse(c.name, "batch norm with the batch's own statistics")
        eps = c.get("eps", 7, 1e-5)
        gain, shift = c.get("weight", 3), c.get("bias", 4)
        arrays = [None if a is None else a.numpy() for a in (mean, var, gain, shift)]
        return self.layers.batch_norm(c.name, c.at, arrays[0], arrays[1], eps, *arrays[2:])

    def _avgpool2d(self, c: Call) -> int:
        if c.get("divisor_override", 6, None) is not None:
            refuse(c.name, "average pooling with divisor_override")
        if c.get("ceil_mode", 4, False):
            return self._by_matrix(c)
        size = c.get("kernel_size", 1)
        space = len(c.shape) - 1
        stride = c.get("stride", 2, None)
        window = _window(_many(size, space), stride or size, c.get("padding", 3, 0), 1)
        return self.layers.average(c.name, c.at, window, bool(c.get("count_include_pad", 5, True)))

    _avgpool1d = _avgpool2d

    def _by_matrix(self, c: Call) -> int:
        """Any linear layer of each channel's space: its matrix, by unit images."""
        space = c.shape[1:]
        n = int(np.prod(space))
        eye = self.torch.eye(n, dtype=self.torch.float64).reshape(n, 1, *space)
        out = c.run(eye)
        return self.layers.spatial(c.name, c.at, out.reshape(n, -1).T.numpy(), tuple(out.shape[2:]))

    _adaptiveavgpool1d = _adaptiveavgpool2d = _by_matrix

    def _upsample(self, c: Call) -> int:
        return self._by_matrix(c)

    _interpolate = _upsamplingnearest2d = _upsamplingbilinear2d = _upsample

    def _mean(self, c: Call) -> int:
        axes = c.get("dim", 1, None)
        axes = range(1, len(c.shape) + 1) if axes is None else _tuple(axes)
        sample = tuple(sorted((a if a >= 0 else a + len(c.shape) + 1) - 1 for a in axes))
        if sample[0] < 0:
            raise ModelError(f"layer {c.name!r} averages over the batch: not read")
        total = c.kind in ("sum",)
        return self.layers.mean(c.name, c.at, sample, bool(c.get("keepdim", 2, False)), total)

    _sum = _mean

    def _maxpool2d(self, c: Call) -> int:
        if c.get("return_indices", 6, False):
            refuse(c.name, "max pooling that returns indices")
        space = len(c.shape) - 1
        size, stride = c.get("kernel_size", 1), c.get("stride", 2, None)
        padding, dilation = c.get("padding", 3, 0), c.get("dilation", 4, 1)
        window = _window(_many(size, space), stride or size, padding, dilation)
        return self.layers.max_pool(c.name, c.at, window, tuple(c.out.shape[2:]))

    _maxpool1d = _maxpool2d

    def _adaptivemaxpool2d(self, c: Call) -> int:
        counts = tuple(c.out.shape[2:])
        if any(s % k for s, k in zip(c.shape[1:], counts, strict=True)):
            refuse(
                c.name, f"adaptive max pooling of {c.shape[1:]} to {counts}, which do not divide"
            )
        size = tuple(s // k for s, k in zip(c.shape[1:], counts, strict=True))
        return self.layers.max_pool(c.name, c.at, _window(size, size, 0, 1), counts)

    _adaptivemaxpool1d = _adaptivemaxpool2d

    def _relu(self, c: Call) -> int:
        return self.layers.relu(c.name, c.at)

    def _leakyrelu(self, c: Call) -> int:
        return self.layers.leaky(c.name, c.at, "leaky_relu", c.get("negative_slope", 1, 0.01))

    def _rrelu(self, c: Call) -> int:
        slope = (c.get("lower", 1, 1 / 8) + c.get("upper", 2, 1 / 3)) / 2
        return self.layers.leaky(c.name, c.at, "rrelu", slope)

    def _prelu(self, c: Call) -> int:
        return self.layers.leaky(c.name, c.at, "prelu", c.get("weight", 1).numpy())

    def _abs(self, c: Call) -> int:
        return self.layers.unit(c.name, c.at, "abs", [0.0], [-1.0, 1.0])

    def _hardtanh(self, c: Call) -> int:
        return self.layers.clip(c.name, c.at, c.get("min_val", 1, -1.0), c.get("max_val", 2, 1.0))

    def _relu6(self, c: Call) -> int:
        return self.layers.clip(c.name, c.at, 0.0, 6.0)

    def _hardsigmoid(self, c: Call) -> int:
        return self.layers.unit(c.name, c.at, "hard_sigmoid", [-3.0, 3.0], [0.0, 1 / 6, 0.0], 0.5)

    def _clamp(self, c: Call) -> int:
        own = getattr(c.node.target, "__name__", str(c.node.target))
        low = None if own == "clamp_max" else c.get("min", 1, None)
        high = c.get("max", 1 if own == "clamp_max" else 2, None)
        return self.layers.clip(c.name, c.at, low, high)

    def _threshold(self, c: Call) -> int:
        t, value = c.get("threshold", 1), c.get("value", 2)
        if t != value:
            refuse(c.name, f"threshold that jumps from {value:g} to {t:g}")
        return self.layers.clip(c.name, c.at, t, None)

    def _add(self, c: Call) -> int:
        return self._plus(c, float(c.kwargs.get("alpha", 1)))

    def _sub(self, c: Call) -> int:
        return self._plus(c, -float(c.kwargs.get("alpha", 1)))

    def _plus(self, c: Call, factor: float) -> int:
        first, second = c.operand(0), c.operand(1)
        if isinstance(first, Signal) and isinstance(second, Signal):
            return self.layers.sum(c.name, [first.node, second.node], (1.0, factor))
        if isinstance(first, Signal):
            return self.layers.scale(c.name, first.node, 1.0, factor * _sample(second, c))
        return self.layers.scale(c.name, second.node, factor, _sample(first, c))

    def _mul(self, c: Call) -> int:
        first, second = c.operand(0), c.operand(1)
        if isinstance(first, Signal) and isinstance(second, Signal):
            refuse(c.name, "product of two branches")
        signal, factor = (first, second) if isinstance(first, Signal) else (second, first)
        return self.layers.scale(c.name, signal.node, _sample(factor, c))

    def _div(self, c: Call) -> int:
        first, second = c.operand(0), c.operand(1)
        if isinstance(second, Signal) or c.kwargs.get("rounding_mode"):
            refuse(c.name, "division by a branch, or one that rounds")
        return self.layers.scale(c.name, first.node, 1 / _sample(second, c))

    def _neg(self, c: Call) -> int:
        return self.layers.scale(c.name, c.at, -1.0)

    def _matmul(self, c: Call) -> int:
        first, second = c.operand(0), c.operand(1)
        if not isinstance(first, Signal) or isinstance(second, Signal) or second.ndim != 2:
            refuse(c.name, "matrix product of two branches")
        return self.layers.linear(c.name, first.node, second.T.numpy())

    def _cat(self, c: Call) -> int:
        parts = c.node.args[0] if c.node.args else c.node.kwargs["tensors"]
        axis = int(c.get("dim", 1, 0))
        axis = axis if axis >= 0 else axis + len(c.out.shape)
        if axis == 0 or any(not isinstance(self.at[p], Signal) for p in parts):
            refuse(c.name, "concatenation along the batch or with a constant")
        return self.layers.concat(c.name, [self.at[p].node for p in parts], axis - 1)

    def _stack(self, c: Call) -> int:
        parts = [self.at[p] for p in c.node.args[0]]
        axis = int(c.get("dim", 1, 0))
        axis = axis if axis >= 0 else axis + len(c.out.shape)
        if axis == 0 or any(not isinstance(p, Signal) for p in parts):
            refuse(c.name, "stacking along the batch or with a constant")
        to = list(c.out.shape[1:])
        to[axis - 1] = 1
        nodes = [self.layers.rearrange(c.name, p.node, None, tuple(to)) for p in parts]
        return self.layers.concat(c.name, nodes, axis - 1)

    def _maximum(self, c: Call) -> int:
        return self._extreme(c, least=False)

    def _minimum(self, c: Call) -> int:
        return self._extreme(c, least=True)

    def _max(self, c: Call) -> int:
        return self._extreme(c, least=False)

    def _min(self, c: Call) -> int:
        return self._extreme(c, least=True)

    def _over(self, c: Call, axes: Any, least: bool) -> int:
        """Over axes of the sample."""
        rank = len(c.shape) + 1
        sample = tuple(
            sorted(a % rank - 1 for a in _tuple(range(1, rank) if axes is None else axes))
        )
        if sample[0] < 0:
            raise ModelError(f"layer {c.name!r} takes the {c.kind} over the batch: not read")
        keep = bool(c.kwargs.get("keepdim", c.args[2] if len(c.args) > 2 else False))
        return self.layers.largest_over(c.name, c.at, sample, keep, least)

    _amax, _amin = _max, _min

    def _extreme(self, c: Call, least: bool) -> int:
        axes = c.kwargs.get("dim", c.args[1] if len(c.args) > 1 else None)
        if c.kind in ("amax", "amin") or isinstance(axes, int):
            return self._over(c, axes, least)
        if len(c.args) + len(c.kwargs) != 2:
            refuse(c.name, f"{c.kind} over everything")
        first, second = c.operand(0), c.operand(1)
        if isinstance(first, Signal) and isinstance(second, Signal):
            return self.layers.largest(c.name, [first.node, second.node], least)
        signal, level = (first, second) if isinstance(first, Signal) else (second, first)
        # against a constant, entry by entry: a knot for each
        shape = self.layers.shape(signal.node)
        t = np.broadcast_to(_sample(level, c), shape).reshape(1, -1)
        slopes = [[1.0], [0.0]] if least else [[0.0], [1.0]]
        return self.layers.unit(c.name, signal.node, c.kind, t, slopes, t[0], t[0])


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
