"""A live torch module, watched at work on a copy at rest in float64.

Each call it makes is read as a layer. What only moves entries (reshape, permute, slice, pad, chunk,
...) is read by moving a table of positions.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np

from ...errors import DataWarning, HullwiseError, ModelError
from ..affine_layers import Shape
from ..network import Network
from ..output_activations import OutputActivation
from ._layers import Layers, checked, probes, refuse
from ._torch_operators import Call, Calls, Signal, is_node, mapped
from ._torch_trace import Watch

FINAL = {"softmax", "log_softmax", "sigmoid", "logsigmoid"}
MOVES = {
    *("flatten", "unflatten", "reshape", "view", "view_as", "reshape_as", "ravel", "permute"),
    *("transpose", "swapaxes", "swapdims", "moveaxis", "movedim", "t", "T", "mT", "squeeze"),
    *("unsqueeze", "narrow", "select", "flip", "fliplr", "flipud", "roll", "rot90", "expand"),
    *("expand_as", "broadcast_to", "repeat", "tile", "repeat_interleave", "index_select"),
    *("getitem", "chunk", "split", "split_with_sizes", "unbind", "tensor_split", "unsafe_chunk"),
    *("hsplit", "vsplit", "pad", "channel_shuffle", "pixel_shuffle", "pixel_unshuffle", "unfold"),
    *("diagonal", "unsafe_split", "contiguous", "clone", "detach", "data", "real"),
    *("requires_grad", "alias", "positive"),
}


def read_torch(module: Any, input_shape: Any, upto: str | None) -> Network:
    """See `hullwise.model.read`."""
    import torch

    title = type(module).__name__
    if isinstance(module, torch.jit.ScriptModule):
        raise ModelError(f"{title} is scripted code; give the module that it was made from")
    restless = sorted({type(part).__name__ for part in module.modules() if _restless(part)})
    if restless:
        warnings.warn(
            f"this {title} is in training mode ({', '.join(restless)}): a copy at rest (eval) is "
            f"read",
            DataWarning,
            stacklevel=3,
        )
    own = _copy(module)
    shape = _first_input(own.modules()) if input_shape is None else _shape(input_shape)
    reader = _Reader(torch, own, shape, title)
    node = reader.read(upto)
    net = reader.layers.network(node, title, tuple(reader.output_activations))
    X = probes(net.input_shape)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own, about how it computes
        given = torch.tensor(X.reshape(len(X), *shape)).split(2)
        wanted = torch.cat([reader.until(x, upto is None).reshape(2, -1) for x in given])
    checked(net, X, wanted.numpy(), f"this {title}")
    return net


def _restless(part: Any) -> bool:
    """Whether a part answers otherwise in training than at rest, and is in training."""
    kinds = {cls.__name__.lstrip("_") for cls in type(part).__mro__}
    return bool(part.training and kinds & {"BatchNorm", "DropoutNd", "InstanceNorm", "RReLU"})


def _copy(module: Any) -> Any:
    """A copy at rest, in float64; the module given stays as it is."""
    try:
        own = copy.deepcopy(module).cpu().double().eval()
    except Exception as error:
        raise ModelError(
            f"this {type(module).__name__} cannot be copied ({_first(error)}); export it to ONNX "
            f"and read the file"
        ) from None
    for parameter in own.parameters():
        parameter.requires_grad_(False)
    return own


def _shape(given: Any) -> Shape:
    return (int(given),) if np.ndim(given) == 0 else tuple(int(s) for s in given)


def _first_input(modules: Iterable[Any]) -> Shape:
    """What the first module that says so takes."""
    for module in modules:
        if hasattr(module, "in_features"):
            return (int(module.in_features),)
        if hasattr(module, "kernel_size") or hasattr(module, "input_size"):
            break
    raise ModelError(
        "the shape of one input row cannot be told from the first layer; give it: "
        "read(module, input_shape=(channels, height, width))"
    )


def _first(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:120]


class _Reader(Calls):
    """Walks the calls that were made."""

    def __init__(self, torch: Any, own: Any, shape: Shape, title: str) -> None:
        self.torch, self.own, self.shape, self.title = torch, own, shape, title
        self.example = torch.tensor(np.random.default_rng(1).normal(size=(2, *shape)))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            watch = Watch(torch, own, self.example.clone())
        self.graph, self.entered = watch.graph, watch.entered
        self.layers = Layers(shape)
        self.at: dict[Any, Any] = {}
        self.real: dict[Any, Any] = {}
        self.output_activations: list[OutputActivation] = []
        self.passed: dict[Any, Any] = {}

    def read(self, upto: str | None) -> int:
        names = {node: node.meta.get("layer", "") for node in self.graph.nodes}
        stop = next((n.all_input_nodes[0] for n, name in names.items() if name == upto), None)
        stop = self.entered.get(upto or "", stop)
        if upto is not None and stop is None:
            known = ", ".join(name for name in names.values() if name)
            raise ModelError(f"there is no layer {upto!r}; there are {known}")
        for node in self.graph.nodes:
            if node.op == "placeholder":
                self.at[node], self.real[node] = Signal(0), self.example
            elif node.op == "output":
                stop = self._answer(node.args[0])
            else:
                self._call(node)
            if node is stop:
                break
        self.last = stop
        found = self.at[stop]
        if not isinstance(found, Signal):
            raise ModelError(f"what enters {upto!r} is several tensors, not one")
        return self.layers.held("output", found.node)

    def _answer(self, answer: Any) -> Any:
        """The call that made the module's answer."""
        if is_node(answer):
            return answer
        several = isinstance(answer, dict | tuple | list)
        what = f"{len(answer)} tensors" if several else "what does not depend on its input"
        raise ModelError(
            f"the module returns {what}, not one tensor made of its input; read a module that "
            f"returns one"
        )

    def until(self, X: Any, whole: bool) -> Any:
        """The module's own values of the last call that was read."""
        seen: dict[Any, Any] = {}
        for node in self.graph.nodes:
            if node.op == "placeholder":
                seen[node] = X.clone()
            elif node.op == "output":
                if whole:
                    self._same(seen[node.args[0]], X)
            else:
                args, kwargs = mapped(seen.get, node.args), mapped(seen.get, node.kwargs)
                seen[node] = node.target(*args, **kwargs)
            if not whole and node is self.last:
                break
        last = self.last
        while last in self.passed:
            last = self.passed[last]
        return seen[last]

    def _same(self, traced: Any, X: Any) -> None:
        """That the calls seen are those it makes for other inputs, too."""
        try:
            own, tol = self.own(X.clone()), 1e-9
        except RuntimeError:  # its code asks for float32 by name
            own, tol = copy.deepcopy(self.own).float()(X.float()).double(), 1e-4
        gap = (own - traced).abs().max() if own.shape == traced.shape else np.inf
        if not gap <= tol * max(float(own.abs().max()), 1e-300):
            raise ModelError(
                f"this {self.title} cannot be traced: what it does with an input depends on the "
                f"input's values or on chance"
            )

    def _call(self, node: Any) -> None:
        name, kind = node.meta.get("layer", "part"), node.meta.get("kind", "getitem")
        args, kwargs = mapped(self.real.get, node.args), mapped(self.real.get, node.kwargs)
        with self.torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.real[node] = node.target(*args, **kwargs)
        given = node.all_input_nodes
        parts = self.at[given[0]]
        if isinstance(parts, tuple):  # one of the tensors that a call gave
            self.at[node] = parts[node.args[1]]
            return
        call = Call(name, node, args, kwargs, self)
        if kind in FINAL and all(user.op == "output" for user in node.users):
            self._leave_out(node, given[0], name, node.meta["title"])
        elif kind in MOVES and len(given) == 1:
            self._move(call)
        else:
            self.at[node] = self._layer(call, kind)

    def _layer(self, call: Call, kind: str) -> Any:
        """A call as layers of ours."""
        title = call.node.meta["title"]
        kind = RENAMED.get(kind, kind)
        reading = getattr(self, f"_on_{kind}", None)
        if reading is None:
            refuse(call.name, title)
        for other in call.node.all_input_nodes:
            self.layers.held(call.name, self.at[other].node)
        try:
            found = reading(call)
        except HullwiseError:
            raise
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            refuse(call.name, f"{title} used in a way ({_first(error)})")
        if isinstance(found, tuple):
            return found
        if self.layers.shape(found) != tuple(call.out.shape[1:]):
            raise ModelError(
                f"layer {call.name!r} gives {tuple(call.out.shape[1:])}, as read "
                f"{self.layers.shape(found)}: please report this model"
            )
        return Signal(found)

    def _leave_out(self, node: Any, before: Any, name: str, kind: str) -> None:
        self.at[node] = self.at[before]
        self.passed[node] = before
        self.output_activations.append(OutputActivation(node.meta["kind"], name))
        warnings.warn(
            f"the {kind} at the end ({name!r}) is not piecewise affine and is left out: outputs "
            f"are what enters it. Regions and the largest class are the same.",
            DataWarning,
            stacklevel=6,
        )

    def _move(self, call: Call) -> None:
        """Read a movement by what it does to a table of positions."""
        (given,) = call.node.all_input_nodes
        several = isinstance(call.out, tuple | list)
        found = self.layers.moved_by(
            call.name,
            self.at[given].node,
            lambda x: [part.numpy() for part in (call.again(x) if several else [call.again(x)])],
            len(self.example),
        )
        parts = tuple(map(Signal, found))
        self.at[call.node] = parts if several else parts[0]


RENAMED = {
    **{
        "absolute": "abs",
        "clip": "clamp",
        "negative": "neg",
        "concat": "cat",
        "concatenate": "cat",
    },
    **{"iadd": "add", "radd": "add", "isub": "sub", "subtract": "sub", "imul": "mul"},
    **{"rmul": "mul", "multiply": "mul", "truediv": "div", "itruediv": "div", "idiv": "div"},
    **{"divide": "div", "true_divide": "div", "mm": "matmul", "mv": "matmul", "imatmul": "matmul"},
    **{"feature_dropout": "dropout", "dropout1d": "dropout", "dropout2d": "dropout"},
    **{"dropout3d": "dropout", "alpha_dropout": "dropout", "feature_alpha_dropout": "dropout"},
    **{"max_pool1d_with_indices": "pool_with_indices", "conv1d": "conv", "conv2d": "conv"},
    **{"max_pool2d_with_indices": "pool_with_indices", "max_pool1d": "max_pool"},
    **{"max_pool2d": "max_pool", "avg_pool1d": "avg_pool", "avg_pool2d": "avg_pool"},
    **{"adaptive_max_pool1d": "adaptive_max", "adaptive_max_pool2d": "adaptive_max"},
    **{"adaptive_avg_pool1d": "by_space", "adaptive_avg_pool2d": "by_space"},
    **{"interpolate": "by_space", "upsample": "by_space", "conv_transpose1d": "by_matrix"},
    **{"conv_transpose2d": "by_matrix", "einsum": "by_matrix", "tensordot": "by_matrix"},
    **{"addmm": "by_matrix", "addmv": "by_matrix", "baddbmm": "by_matrix", "cumsum": "by_matrix"},
    **{"fold": "by_matrix", "bilinear": "by_matrix", "bmm": "by_matrix", "inner": "by_matrix"},
}
