"""A live torch module, traced on a copy at rest in float64.

Each call of the traced module is run on an example beside being read, so every shape is known. What
only moves entries (reshape, permute, slice, pad, chunk, ...) is read by moving a table of
positions.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import DataWarning, ModelError
from ._affine import Shape
from ._reading import Layers, checked, moved, probes, refuse
from ._torch_calls import Call, Calls, Signal, is_node
from .network import Network

FINAL = {"softmax", "log_softmax", "sigmoid", "logsigmoid"}
SAME = {"identity", "contiguous", "clone", "detach", "double", "float", "to", "type", "_assert"}
SAME |= {"dropout", "dropout1d", "dropout2d", "dropout3d", "alphadropout", "alpha_dropout"}
MOVES = {
    *("flatten", "unflatten", "reshape", "view", "view_as", "reshape_as", "ravel", "permute"),
    *(
        "transpose",
        "swapaxes",
        "moveaxis",
        "movedim",
        "t",
        "mT",
        "squeeze",
        "unsqueeze",
        "getitem",
        "getattr",
    ),
    *("narrow", "select", "flip", "roll", "expand", "expand_as", "repeat", "tile", "index_select"),
    *("chunk", "split", "unbind", "tensor_split", "pad", "zeropad1d", "zeropad2d"),
    *("channelshuffle", "pixelshuffle", "pixel_shuffle", "pixelunshuffle", "pixel_unshuffle"),
}
FIELDS = ("values", "indices")  # of what torch.max over an axis returns
RENAMED = {
    **{"relu_": "relu", "leaky_relu": "leakyrelu", "leaky_relu_": "leakyrelu", "abs_": "abs"},
    **{"absolute": "abs", "hardtanh_": "hardtanh", "clip": "clamp", "clamp_": "clamp"},
    **{"clamp_min": "clamp", "clamp_max": "clamp", "iadd": "add", "add_": "add", "isub": "sub"},
    **{"sub_": "sub", "subtract": "sub", "imul": "mul", "mul_": "mul", "multiply": "mul"},
    **{"truediv": "div", "itruediv": "div", "div_": "div", "divide": "div", "true_divide": "div"},
    **{"negative": "neg", "concat": "cat", "concatenate": "cat", "max_pool1d": "maxpool1d"},
    **{"max_pool2d": "maxpool2d", "avg_pool1d": "avgpool1d", "avg_pool2d": "avgpool2d"},
    **{"boolean_dispatch": "max_pool", "batchnorm1d": "batchnorm", "batchnorm2d": "batchnorm"},
    **{
        "batch_norm": "batchnorm",
        "adaptive_avg_pool1d": "adaptiveavgpool1d",
        "_threshold": "threshold",
    },
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


class _Reader(Calls):
    """Walks the traced calls."""

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
                self.at[node], self.real[node] = Signal(0), example
                self.last = node
            elif node.op == "get_attr":
                self.at[node] = self.real[node] = _attribute(self.own, node.target)
            elif node.op == "output" or name == upto:
                break
            else:
                self._call(node, name, self._is_last(node))
        if upto is not None:
            self.last = next(a for a in _flat(node.args) if isinstance(self.at.get(a), Signal))
        else:
            (answer,) = node.args
            if not isinstance(self.at.get(answer), Signal):
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
            found = reading(Call(name, node, module, args, kwargs, self))
            real = self.real[node]
            several = isinstance(real, tuple)  # the largest over an axis, and where it is
            real = real[0] if several else real
            if self.layers.shape(found) != tuple(real.shape[1:]):
                raise ModelError(
                    f"layer {name!r} gives {tuple(real.shape[1:])}, as read "
                    f"{self.layers.shape(found)}: please report this model"
                )
            self.at[node] = (Signal(found), None) if several else Signal(found)

    def _is_signal(self, a: Any) -> bool:
        found = self.at.get(a) if is_node(a) else None
        return isinstance(found, Signal | tuple) and not (
            isinstance(found, tuple) and not any(isinstance(f, Signal) for f in found)
        )

    def _leave_out(self, node: Any, before: Any, name: str, kind: str) -> None:
        self.at[node] = self.at[before]
        self.passed[node] = before
        self.outside.append(f"{kind} at the end ({name!r})")
        warnings.warn(
            f"the {kind} at the end ({name!r}) is not piecewise affine and is left out: outputs "
            f"are what enters it. Regions and the largest class are the same.",
            DataWarning,
            stacklevel=6,
        )

    def _move(self, node: Any, name: str, run: Any, args: Any, kwargs: Any, signal: Any) -> None:
        """Read a movement by what it does to a table of positions."""
        source = self.at[signal]
        if isinstance(source, tuple):  # one of several parts
            part = FIELDS.index(args[1]) if args[1] in FIELDS else args[1]
            self.at[node] = source[part]
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
            if part.shape[:1] != (2,) or not bool(
                (part[0] + size * (part[0] > 0) == part[1]).all()
            ):
                raise ModelError(f"layer {name!r} mixes or moves the rows of a batch: not read")
            to = tuple(part.shape[1:])
            label = f"{name} ({i})" if len(parts) > 1 else name
            index = moved(part[0].numpy())
            nodes.append(Signal(self.layers.rearrange(label, source.node, index, to)))
        self.at[node] = tuple(nodes) if isinstance(out, tuple | list) else nodes[0]


def _attribute(own: Any, path: str) -> Any:
    for part in path.split("."):
        own = getattr(own, part)
    return own


def _flat(args: Any) -> list[Any]:
    if isinstance(args, tuple | list):
        return [b for a in args for b in _flat(a)]
    if isinstance(args, dict):
        return [b for a in args.values() for b in _flat(a)]
    return [args] if is_node(args) else []


def _tensors(value: Any) -> bool:
    parts = value if isinstance(value, tuple | list) else (value,)
    return any(hasattr(p, "detach") for p in parts)
