"""A live torch module, traced on a copy at rest in float64.

Each call of the traced module is run on an example beside being read, so every shape is known. What
only moves entries (reshape, permute, slice, pad, chunk, ...) is read by moving a table of positions.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import DataWarning, ModelError
from ._affine import Shape, Window
from ._reading import Layers, checked, moved, probes, refuse
from .network import Network

FINAL = {"softmax", "log_softmax", "sigmoid", "logsigmoid"}
SAME = {"identity", "contiguous", "clone", "detach", "double", "float", "to", "type", "_assert"}
SAME |= {"dropout", "dropout1d", "dropout2d", "dropout3d", "alphadropout", "alpha_dropout"}
MOVES = {
    *("flatten", "unflatten", "reshape", "view", "view_as", "reshape_as", "ravel", "permute"),
    *("transpose", "swapaxes", "moveaxis", "movedim", "t", "mT", "squeeze", "unsqueeze", "getitem"),
    *("narrow", "select", "flip", "roll", "expand", "expand_as", "repeat", "tile", "index_select"),
    *("chunk", "split", "unbind", "tensor_split", "pad", "zeropad1d", "zeropad2d"),
    *("channelshuffle", "pixelshuffle", "pixel_shuffle", "pixelunshuffle", "pixel_unshuffle"),
}
RENAMED = {
    **{"relu_": "relu", "leaky_relu": "leakyrelu", "leaky_relu_": "leakyrelu", "abs_": "abs"},
    **{"absolute": "abs", "hardtanh_": "hardtanh", "clip": "clamp", "clamp_": "clamp"},
    **{"clamp_min": "clamp", "clamp_max": "clamp", "iadd": "add", "add_": "add", "isub": "sub"},
    **{"sub_": "sub", "subtract": "sub", "imul": "mul", "mul_": "mul", "multiply": "mul"},
    **{"truediv": "div", "itruediv": "div", "div_": "div", "divide": "div", "true_divide": "div"},
    **{"negative": "neg", "concat": "cat", "concatenate": "cat", "max_pool1d": "maxpool1d"},
    **{"max_pool2d": "maxpool2d", "avg_pool1d": "avgpool1d", "avg_pool2d": "avgpool2d"},
    **{"boolean_dispatch": "max_pool", "batchnorm1d": "batchnorm", "batchnorm2d": "batchnorm"},
    **{"batch_norm": "batchnorm", "adaptive_avg_pool1d": "adaptiveavgpool1d", "_threshold": "threshold"},
    **{"adaptive_avg_pool2d": "adaptiveavgpool2d", "adaptive_max_pool1d": "adaptivemaxpool1d"},
    **{"adaptive_max_pool2d": "adaptivemaxpool2d", "__getitem__": "getitem"},
    **{"__matmul__": "matmul", "mm": "matmul"},
}


def read_torch(module: Any, input_shape: Any, upto: str | None) -> Network:
    """See `hullwise.model.read`."""
    import torch
    from torch import fx

    if module.training and any(True for _ in module.children()):
        warnings.warn(
            f"this {type(module).__name__} is in training mode: a copy at rest (eval) is read",
            DataWarning,
            stacklevel=3,
        )
    own = copy.deepcopy(module).cpu().double().eval()
    if type(own).__module__.startswith("torch.nn.modules") and not list(own.children()):
        own = torch.nn.Sequential(own)  # a layer alone is not traced into
    for parameter in own.parameters():
        parameter.requires_grad_(False)
    try:
        traced = fx.symbolic_trace(own)
    except Exception as error:
        raise ModelError(
            f"this {type(module).__name__} cannot be traced ({_first(error)}): its code asks for "
            f"values. Export it to ONNX and read the file, or read a part of it."
        ) from None
    shape = _input_shape(own, traced, input_shape)
    reader = _Reader(own, shape, torch)
    output, source = reader.read(traced, upto)
    net = reader.layers.network(output, source, tuple(reader.outside))
    X = probes(net.input_shape)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own, about how it computes
        wanted = reader.until(traced, torch.tensor(X.reshape(len(X), *shape)))
    checked(net, X, wanted.reshape(len(X), -1).numpy(), f"this {source}")
    return net


def _first(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:120]


def _input_shape(own: Any, traced: Any, given: Any) -> Shape:
    """The sample's shape as given, or what the first layer takes."""
    if given is not None:
        return (int(given),) if np.ndim(given) == 0 else tuple(int(s) for s in given)
    inputs = [node for node in traced.graph.nodes if node.op == "placeholder"]
    if len(inputs) != 1:
        raise ModelError(f"the module takes {len(inputs)} inputs; only one can be read")
    for node in traced.graph.nodes:
        if node.op == "call_module" and type(own.get_submodule(node.target)).__name__ == "Linear":
            return (own.get_submodule(node.target).in_features,)
        if node.op == "call_module" and hasattr(own.get_submodule(node.target), "kernel_size"):
            break
    raise ModelError(
        "the shape of one input row cannot be told from the first layer; give it: "
        "read(module, input_shape=(channels, height, width))"
    )


class _Reader:
    """Walks the traced calls; `at` maps each to a node, a tuple of nodes or a constant."""

    def __init__(self, own: Any, shape: Shape, torch: Any) -> None:
        self.own, self.torch = own, torch
        self.layers = Layers(shape)
        self.shape = shape
        self.at: dict[Any, Any] = {}
        self.real: dict[Any, Any] = {}
        self.outside: list[str] = []
        self.last: Any = None
        self.passed: dict[Any, Any] = {}

    def read(self, traced: Any, upto: str | None) -> tuple[int, str]:
        example = self.torch.tensor(np.random.default_rng(1).normal(size=(2, *self.shape)))
        names = {n: str(n.target) if n.op == "call_module" else n.name for n in traced.graph.nodes}
        if upto is not None and upto not in names.values():
            raise ModelError(f"there is no layer {upto!r}; there are {', '.join(names.values())}")
        for node, name in names.items():
            if node.op == "placeholder":
                self.at[node], self.real[node] = _Signal(0), example
                self.last = node
            elif node.op == "get_attr":
                self.at[node] = self.real[node] = _attribute(self.own, node.target)
            elif node.op == "output" or name == upto:
                break
            else:
                self._call(node, name, self._is_last(node))
        if upto is not None:
            self.last = next(a for a in _flat(node.args) if isinstance(self.at.get(a), _Signal))
        else:
            (answer,) = node.args
            if not isinstance(self.at.get(answer), _Signal):
                raise ModelError(
                    f"the module returns {type(answer).__name__}, not one tensor made of its input"
                )
            self.last = answer
        return self.at[self.last].node, type(self.own).__name__

    def until(self, traced: Any, X: Any) -> Any:
        """The module's own values of the last call that was read."""
        from torch import fx

        seen: dict[Any, Any] = {}

        class Run(fx.Interpreter):  # type: ignore[misc]
            def run_node(self, n: Any) -> Any:
                seen[n] = super().run_node(n)
                return seen[n]

        skip = self.last
        while skip in self.passed:
            skip = self.passed[skip]
        Run(traced).run(X)
        return seen[skip]

    def _is_last(self, node: Any) -> bool:
        return all(user.op == "output" for user in node.users)

    def _call(self, node: Any, name: str, last: bool) -> None:
        from torch.fx.node import map_arg

        args = map_arg(node.args, lambda n: self.real[n])
        kwargs = map_arg(node.kwargs, lambda n: self.real[n])
        module = self.own.get_submodule(node.target) if node.op == "call_module" else None
        run: Callable[..., Any]
        if module is not None:
            run, kind = module, type(module).__name__.lower()
        elif node.op == "call_method":
            kind = str(node.target)
            run = lambda x, *a, **k: getattr(x, kind)(*a, **k)  # noqa: E731
        else:
            run, kind = node.target, getattr(node.target, "__name__", str(node.target))
        with self.torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.real[node] = run(*args, **kwargs)
        signals = [a for a in _flat((node.args, node.kwargs)) if self._is_signal(a)]
        if not signals or not _tensors(self.real[node]):
            self.at[node] = self.real[node]  # a constant: a size, a shape, a weight worked out
            return
        kind = RENAMED.get(kind, kind)
        if kind in FINAL and last:
            self._leave_out(node, signals[0], name, kind)
            return
        if kind in SAME:
            self.at[node] = self.at[signals[0]]
        elif kind in MOVES:
            self._move(node, name, run, args, kwargs, signals[0])
        elif kind == "max_pool":
            raise ModelError(f"layer {name!r}: use torch.nn.functional.max_pool2d by its own name")
        else:
            reading = getattr(self, f"_{kind}", None)
            if reading is None:
                refuse(name, type(module).__name__ if module is not None else kind)
            found = reading(_Call(name, node, module, args, kwargs, self))
            if self.layers.shape(found) != tuple(self.real[node].shape[1:]):
                raise ModelError(
                    f"layer {name!r} gives {tuple(self.real[node].shape[1:])}, as read "
                    f"{self.layers.shape(found)}: please report this model"
                )
            self.at[node] = _Signal(found)

    def _is_signal(self, a: Any) -> bool:
        found = self.at.get(a) if _is_node(a) else None
        return isinstance(found, _Signal | tuple) and not (
            isinstance(found, tuple) and not any(isinstance(f, _Signal) for f in found)
        )

    def _leave_out(self, node: Any, before: Any, name: str, kind: str) -> None:
        self.at[node] = self.at[before]
        self.passed[node] = before
        self.outside.append(f"{kind} at the end ({name!r})")
        warnings.warn(
            f"the {kind} at the end ({name!r}) is not piecewise affine and is left out: outputs are "
            f"what enters it. Regions and the largest class are the same.",
            DataWarning,
            stacklevel=6,
        )

    def _move(
        self, node: Any, name: str, run: Any, args: Any, kwargs: Any, signal: Any
    ) -> None:
        """Read a movement by what it does to a table of positions."""
        source = self.at[signal]
        if isinstance(source, tuple):  # one of several parts
            self.at[node] = run(source, *args[1:])
            return
        shape = self.layers.shape(source.node)
        size = int(np.prod(shape))
        table = self.torch.arange(1.0, size + 1, dtype=self.torch.float64).reshape(1, *shape)
        table = self.torch.cat([table, table + size])  # the rows differ, so mixing them shows
        swapped = [table if a is self.real[signal] else a for a in args]
        with self.torch.no_grad():
            out = run(*swapped, **kwargs)
        parts = out if isinstance(out, tuple | list) else (out,)
        nodes = []
        for i, part in enumerate(parts):
            if part.shape[:1] != (2,) or not bool((part[0] + size * (part[0] > 0) == part[1]).all()):
                raise ModelError(f"layer {name!r} mixes or moves the rows of a batch: not read")
            to = tuple(part.shape[1:])
            label = f"{name} ({i})" if len(parts) > 1 else name
            index = moved(part[0].numpy())
            nodes.append(_Signal(self.layers.rearrange(label, source.node, index, to)))
        self.at[node] = tuple(nodes) if isinstance(out, tuple | list) else nodes[0]

    # One method for each kind of call; the name is the module's or function's own.

    def _linear(self, c: _Call) -> int:
        W, b = c.weights("weight", "bias")
        return self.layers.linear(c.name, c.at, W, b)

    def _conv1d(self, c: _Call) -> int:
        W, b = c.weights("weight", "bias")
        stride, padding, dilation = (c.get(k, i, d) for k, i, d in CONV)
        if c.module is not None and c.module.padding_mode != "zeros":
            refuse(c.name, f"convolution with padding_mode={c.module.padding_mode!r}")
        window = _window(W.shape[2:], stride, padding, dilation)
        return self.layers.conv(c.name, c.at, W, b, window, int(c.get("groups", 6, 1)))

    _conv2d = _conv1d

    def _batchnorm(self, c: _Call) -> int:
        mean, var = c.get("running_mean", 1), c.get("running_var", 2)
        if mean is None or (c.module is None and c.get("training", 5, False)):
            refuse(c.name, "batch norm with the batch's own statistics")
        eps = c.get("eps", 7, 1e-5)
        gain, shift = c.get("weight", 3), c.get("bias", 4)
        arrays = [None if a is None else a.numpy() for a in (mean, var, gain, shift)]
        return self.layers.batch_norm(c.name, c.at, arrays[0], arrays[1], eps, *arrays[2:])

    def _avgpool2d(self, c: _Call) -> int:
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

    def _by_matrix(self, c: _Call) -> int:
        """Any linear layer of each channel's space: its matrix, by unit images."""
        space = c.shape[1:]
        n = int(np.prod(space))
        eye = self.torch.eye(n, dtype=self.torch.float64).reshape(n, 1, *space)
        out = c.run(eye)
        return self.layers.spatial(c.name, c.at, out.reshape(n, -1).T.numpy(), tuple(out.shape[2:]))

    _adaptiveavgpool1d = _adaptiveavgpool2d = _by_matrix

    def _upsample(self, c: _Call) -> int:
        return self._by_matrix(c)

    _interpolate = _upsamplingnearest2d = _upsamplingbilinear2d = _upsample

    def _mean(self, c: _Call) -> int:
        axes = c.get("dim", 1, None)
        axes = range(1, len(c.shape) + 1) if axes is None else _tuple(axes)
        sample = tuple(sorted((a if a >= 0 else a + len(c.shape) + 1) - 1 for a in axes))
        if sample[0] < 0:
            raise ModelError(f"layer {c.name!r} averages over the batch: not read")
        total = c.kind in ("sum",)
        return self.layers.mean(c.name, c.at, sample, bool(c.get("keepdim", 2, False)), total)

    _sum = _mean

    def _maxpool2d(self, c: _Call) -> int:
        if c.get("return_indices", 6, False):
            refuse(c.name, "max pooling that returns indices")
        space = len(c.shape) - 1
        size, stride = c.get("kernel_size", 1), c.get("stride", 2, None)
        padding, dilation = c.get("padding", 3, 0), c.get("dilation", 4, 1)
        window = _window(_many(size, space), stride or size, padding, dilation)
        return self.layers.max_pool(c.name, c.at, window, tuple(c.out.shape[2:]))

    _maxpool1d = _maxpool2d

    def _adaptivemaxpool2d(self, c: _Call) -> int:
        counts = tuple(c.out.shape[2:])
        if any(s % k for s, k in zip(c.shape[1:], counts, strict=True)):
            refuse(c.name, f"adaptive max pooling of {c.shape[1:]} to {counts}, which do not divide")
        size = tuple(s // k for s, k in zip(c.shape[1:], counts, strict=True))
        return self.layers.max_pool(c.name, c.at, _window(size, size, 0, 1), counts)

    _adaptivemaxpool1d = _adaptivemaxpool2d

    def _relu(self, c: _Call) -> int:
        return self.layers.relu(c.name, c.at)

    def _leakyrelu(self, c: _Call) -> int:
        return self.layers.leaky(c.name, c.at, "leaky_relu", c.get("negative_slope", 1, 0.01))

    def _rrelu(self, c: _Call) -> int:
        slope = (c.get("lower", 1, 1 / 8) + c.get("upper", 2, 1 / 3)) / 2
        return self.layers.leaky(c.name, c.at, "rrelu", slope)

    def _prelu(self, c: _Call) -> int:
        return self.layers.leaky(c.name, c.at, "prelu", c.get("weight", 1).numpy())

    def _abs(self, c: _Call) -> int:
        return self.layers.unit(c.name, c.at, "abs", [0.0], [-1.0, 1.0])

    def _hardtanh(self, c: _Call) -> int:
        return self.layers.clip(c.name, c.at, c.get("min_val", 1, -1.0), c.get("max_val", 2, 1.0))

    def _relu6(self, c: _Call) -> int:
        return self.layers.clip(c.name, c.at, 0.0, 6.0)

    def _hardsigmoid(self, c: _Call) -> int:
        return self.layers.unit(
            c.name, c.at, "hard_sigmoid", [-3.0, 3.0], [0.0, 1 / 6, 0.0], 0.5
        )

    def _clamp(self, c: _Call) -> int:
        own = getattr(c.node.target, "__name__", str(c.node.target))
        low = None if own == "clamp_max" else c.get("min", 1, None)
        high = c.get("max", 1 if own == "clamp_max" else 2, None)
        return self.layers.clip(c.name, c.at, low, high)

    def _threshold(self, c: _Call) -> int:
        t, value = c.get("threshold", 1), c.get("value", 2)
        if t != value:
            refuse(c.name, f"threshold that jumps from {value:g} to {t:g}")
        return self.layers.clip(c.name, c.at, t, None)

    def _add(self, c: _Call) -> int:
        return self._plus(c, float(c.kwargs.get("alpha", 1)))

    def _sub(self, c: _Call) -> int:
        return self._plus(c, -float(c.kwargs.get("alpha", 1)))

    def _plus(self, c: _Call, factor: float) -> int:
        first, second = c.operand(0), c.operand(1)
        if isinstance(first, _Signal) and isinstance(second, _Signal):
            return self.layers.sum(c.name, [first.node, second.node], (1.0, factor))
        if isinstance(first, _Signal):
            return self.layers.scale(c.name, first.node, 1.0, factor * _sample(second, c))
        return self.layers.scale(c.name, second.node, factor, _sample(first, c))

    def _mul(self, c: _Call) -> int:
        first, second = c.operand(0), c.operand(1)
        if isinstance(first, _Signal) and isinstance(second, _Signal):
            refuse(c.name, "product of two branches")
        signal, factor = (first, second) if isinstance(first, _Signal) else (second, first)
        return self.layers.scale(c.name, signal.node, _sample(factor, c))

    def _div(self, c: _Call) -> int:
        first, second = c.operand(0), c.operand(1)
        if isinstance(second, _Signal) or c.kwargs.get("rounding_mode"):
            refuse(c.name, "division by a branch, or one that rounds")
        return self.layers.scale(c.name, first.node, 1 / _sample(second, c))

    def _neg(self, c: _Call) -> int:
        return self.layers.scale(c.name, c.at, -1.0)

    def _matmul(self, c: _Call) -> int:
        first, second = c.operand(0), c.operand(1)
        if not isinstance(first, _Signal) or isinstance(second, _Signal) or second.ndim != 2:
            refuse(c.name, "matrix product of two branches")
        return self.layers.linear(c.name, first.node, second.T.numpy())

    def _cat(self, c: _Call) -> int:
        parts = c.node.args[0] if c.node.args else c.node.kwargs["tensors"]
        axis = int(c.get("dim", 1, 0))
        axis = axis if axis >= 0 else axis + len(c.out.shape)
        if axis == 0 or any(not isinstance(self.at[p], _Signal) for p in parts):
            refuse(c.name, "concatenation along the batch or with a constant")
        return self.layers.concat(c.name, [self.at[p].node for p in parts], axis - 1)

    def _stack(self, c: _Call) -> int:
        parts = [self.at[p] for p in c.node.args[0]]
        axis = int(c.get("dim", 1, 0))
        axis = axis if axis >= 0 else axis + len(c.out.shape)
        if axis == 0 or any(not isinstance(p, _Signal) for p in parts):
            refuse(c.name, "stacking along the batch or with a constant")
        to = list(c.out.shape[1:])
        to[axis - 1] = 1
        nodes = [self.layers.rearrange(c.name, p.node, None, tuple(to)) for p in parts]
        return self.layers.concat(c.name, nodes, axis - 1)

    def _maximum(self, c: _Call) -> int:
        return self._extreme(c, least=False)

    def _minimum(self, c: _Call) -> int:
        return self._extreme(c, least=True)

    def _max(self, c: _Call) -> int:
        return self._extreme(c, least=False)

    def _min(self, c: _Call) -> int:
        return self._extreme(c, least=True)

    def _extreme(self, c: _Call, least: bool) -> int:
        if len(c.args) + len(c.kwargs) != 2:
            refuse(c.name, f"{c.kind} over an axis")
        first, second = c.operand(0), c.operand(1)
        if isinstance(first, _Signal) and isinstance(second, _Signal):
            return self.layers.largest(c.name, [first.node, second.node], least)
        signal, level = (first, second) if isinstance(first, _Signal) else (second, first)
        if not hasattr(level, "shape") and not isinstance(level, int | float):
            refuse(c.name, f"{c.kind} over an axis")
        # against a constant, entry by entry: a knot for each
        shape = self.layers.shape(signal.node)
        t = np.broadcast_to(_sample(level, c), shape).reshape(1, -1)
        slopes = [[1.0], [0.0]] if least else [[0.0], [1.0]]
        return self.layers.unit(c.name, signal.node, c.kind, t, slopes, t[0], t[0])


CONV = (("stride", 3, 1), ("padding", 4, 0), ("dilation", 5, 1))


class _Signal:
    """A node of ours that a traced call became."""

    def __init__(self, node: int) -> None:
        self.node = node


class _Call:
    """One traced call: its arguments as values, those that are signals as nodes."""

    def __init__(
        self, name: str, node: Any, module: Any, args: Any, kwargs: Any, reader: _Reader
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
        if _is_node(given):
            found = self.reader.at[given]
            return found if isinstance(found, _Signal) else self.reader.real[given]
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


def _sample(value: Any, c: _Call) -> Any:
    """A constant as it applies to one row: without the batch axis."""
    array = np.asarray(value, dtype=np.float64)
    if array.ndim == c.out.ndim:
        if array.shape[0] != 1:
            raise ModelError(f"layer {c.name!r} has a constant for each row of a batch: not read")
        array = array[0]
    return array


def _attribute(own: Any, path: str) -> Any:
    for part in path.split("."):
        own = getattr(own, part)
    return own


def _is_node(a: Any) -> bool:
    return type(a).__name__ == "Node" and hasattr(a, "users")


def _flat(args: Any) -> list[Any]:
    if isinstance(args, tuple | list):
        return [b for a in args for b in _flat(a)]
    if isinstance(args, dict):
        return [b for a in args.values() for b in _flat(a)]
    return [args] if _is_node(args) else []


def _tensors(value: Any) -> bool:
    parts = value if isinstance(value, tuple | list) else (value,)
    return any(hasattr(p, "detach") for p in parts)


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
