"""An ONNX file: its graph walked once, every node run on an example beside being read.

The nodes are run by `onnx.reference` in float64, whatever the file's own numbers are, so our forward
pass can be compared to rounding. What only moves entries is read by moving a table of positions, and
what depends on no input (shapes, constants) is simply run. No code of the file is executed.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataWarning, FileError, ModelError
from ..rows._memory import check_memory
from ..rows._paths import existing
from ._affine import Floats, Shape, Window
from ._reading import Layers, checked, fitted, moved, probes, refuse
from .network import Network

FINAL = {"Softmax", "LogSoftmax", "Sigmoid"}
SAME = {"Identity", "Dropout", "Cast", "CastLike"}
MOVES = {
    *("Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze", "Slice", "Gather", "Pad", "Split"),
    *("Expand", "Tile", "DepthToSpace", "SpaceToDepth", "GatherND"),
}
SIZES = {"Shape", "Size", "ConstantOfShape"}  # of a signal: a constant once shapes are known


def read_onnx(model: Any, input_shape: Any, upto: str | None) -> Network:
    """See `hullwise.model.read`."""
    onnx = _onnx()
    path = Path(model) if isinstance(model, str | Path) else None
    proto = _load(onnx, path) if path is not None else model
    what = path.name if path is not None else "the ONNX model"
    if not proto.graph.node:
        raise ModelError(f"{what} holds no layers: the file is empty or not an ONNX model")
    reader = _Reader(onnx, proto, path, input_shape)  # it brings in data kept in other files
    try:
        onnx.checker.check_model(proto)
    except Exception as error:
        raise ModelError(f"{what} is not valid ONNX: {_first(error)}") from None
    output = reader.read(upto)
    net = reader.layers.network(output, what, tuple(reader.outside))
    X = probes(net.input_shape)
    wanted = np.concatenate([reader.run(x) for x in reader.batches(X)])[: len(X)]
    checked(net, X, wanted.reshape(len(X), -1), what)
    return net


def _onnx() -> Any:
    try:
        import onnx
        import onnx.checker
        import onnx.external_data_helper
        import onnx.numpy_helper
        import onnx.reference
    except ImportError:
        raise ModelError("reading ONNX needs the onnx package: pip install onnx") from None
    return onnx


def _first(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:160]


def _load(onnx: Any, path: Path) -> Any:
    existing(path)
    check_memory(path.stat().st_size, f"{path.name} in memory")
    try:
        return onnx.load(path, load_external_data=False)
    except Exception as error:
        raise FileError(
            str(path), f"is cut short or not an ONNX file ({type(error).__name__})"
        ) from None


class _Reader:
    """`at` maps value names to nodes of ours; `real` to their example values."""

    def __init__(self, onnx: Any, proto: Any, path: Path | None, input_shape: Any) -> None:
        self.onnx, self.proto = onnx, proto
        self.opsets = {o.domain: o.version for o in proto.opset_import}
        self.real: dict[str, Any] = {}
        for tensor in proto.graph.initializer:
            self.real[tensor.name] = self._array(tensor, path)
        self.constants = dict(self.real)
        self.input, self.batch, shape = self._input(input_shape)
        self.layers, self.shape = Layers(shape), shape
        self.at: dict[str, int] = {self.input: 0}
        self.outside: list[str] = []
        self.nodes: list[tuple[Any, Any]] = []
        self.last = self.input
        self._passed: dict[str, str] = {}

    def _array(self, tensor: Any, path: Path | None) -> Any:
        count = int(np.prod(tensor.dims)) if tensor.dims else 1
        check_memory(8 * count, f"the tensor {tensor.name!r}")
        if self.onnx.external_data_helper.uses_external_data(tensor):
            if path is None:
                raise ModelError(f"the tensor {tensor.name!r} is kept in another file: give a path")
            location = next(e.value for e in tensor.external_data if e.key == "location")
            folder = path.resolve().parent
            if not (folder / location).resolve().is_relative_to(folder):
                raise ModelError(
                    f"{path.name} asks for {location!r}, outside its own folder: it is not read"
                )
            try:
                self.onnx.external_data_helper.load_external_data_for_tensor(tensor, str(folder))
            except Exception as error:
                raise FileError(str(path), f"needs {location!r}: {_first(error)}") from None
            tensor.data_location = self.onnx.TensorProto.DEFAULT
            tensor.ClearField("external_data")
        try:
            array = self.onnx.numpy_helper.to_array(tensor)
        except Exception as error:
            raise ModelError(f"the tensor {tensor.name!r} cannot be read: {_first(error)}") from None
        return array.astype(np.float64) if array.dtype.kind == "f" else array

    def _input(self, given: Any) -> tuple[str, int, Shape]:
        """The input's name, the batch to run it with, and the shape of a row."""
        inputs = [i for i in self.proto.graph.input if i.name not in self.real]
        if len(inputs) != 1:
            names = ", ".join(i.name for i in inputs) or "none"
            raise ModelError(f"the model takes {len(inputs)} inputs ({names}); one can be read")
        dims = inputs[0].type.tensor_type.shape.dim
        sizes = [d.dim_value if d.HasField("dim_value") else 0 for d in dims]
        batch = sizes[0] if sizes and sizes[0] > 0 else 2
        if given is not None:
            shape = (int(given),) if np.ndim(given) == 0 else tuple(int(s) for s in given)
        elif len(sizes) < 2 or min(sizes[1:]) < 1:
            raise ModelError(
                f"the input {inputs[0].name!r} has the open shape {sizes or 'none'}; give that of "
                f"one row: read(path, input_shape=(channels, height, width))"
            )
        else:
            shape = tuple(sizes[1:])
        check_memory(8 * batch * int(np.prod(shape)), f"an input of shape {shape}")
        return inputs[0].name, batch, shape

    def batches(self, X: Floats) -> list[Floats]:
        """Rows in batches of the size that the model takes, the last one filled up."""
        pad = (-len(X)) % self.batch
        rows = np.concatenate([X, np.zeros((pad, X.shape[1]))]).reshape(-1, self.batch, *self.shape)
        return list(rows)

    def run(self, x: Floats) -> Floats:
        """The model's own values of the last node that was read."""
        real = {**self.constants, self.input: x}
        for node, run in self.nodes:
            outs = run.run(None, {name: real[name] for name in node.input if name})
            real.update(zip(node.output, outs, strict=False))
        return np.asarray(real[self.last])

    def read(self, upto: str | None) -> int:
        rng = np.random.default_rng(1)
        self.real[self.input] = rng.normal(size=(self.batch, *self.shape))
        names, stop = [], None
        results = [o.name for o in self.proto.graph.output]
        for node in self.proto.graph.node:
            name = node.name or f"{node.op_type}:{node.output[0]}"
            names.append(name)
            if upto is not None and name == upto:
                stop = next(i for i in node.input if i in self.at)
                break
            self._node(node, name, all(o in results for o in node.output if o))
        if upto is not None and stop is None:
            raise ModelError(f"there is no layer {upto!r}; there are {', '.join(names)}")
        if stop is None:
            if len(results) != 1 or results[0] not in self.at:
                raise ModelError(
                    f"the model gives {len(results)} outputs ({', '.join(results)}), of which one "
                    f"made of its input can be read; name the layer to stop at: upto="
                )
            stop = results[0]
        self.last = stop
        while self.last in self._passed:
            self.last = self._passed[self.last]
        return self.at[stop]

    def _node(self, node: Any, name: str, final: bool) -> None:
        kind = node.op_type
        if node.domain not in ("", "ai.onnx"):
            refuse(name, f"{node.domain}.{kind}")
        signals = [i for i in node.input if i in self.at]
        if kind in FINAL and signals and final:
            self.at[node.output[0]] = self.at[signals[0]]
            self._passed[node.output[0]] = signals[0]
            self.outside.append(f"{kind} at the end ({name!r})")
            warnings.warn(
                f"the {kind} at the end ({name!r}) is not piecewise affine and is left out: outputs "
                f"are what enters it. Regions and the largest class are the same.",
                DataWarning,
                stacklevel=5,
            )
            return
        known = {*SAME, *MOVES, *SIZES}
        if signals and kind not in known and not hasattr(self, f"_{kind.lower()}"):
            refuse(name, kind)
        plain = self._with_inputs(_in_float64(self.onnx, node))
        run = self._runner(plain, name)
        outs = self._run(run, plain, name)
        self.real.update(zip(node.output, outs, strict=False))
        self.nodes.append((plain, run))
        if not signals or kind in SIZES:
            return
        if kind in SAME:
            self.at[node.output[0]] = self.at[signals[0]]
        elif kind in MOVES:
            self._move(node, plain, run, name, signals)
        else:
            reading = getattr(self, f"_{kind.lower()}")
            attributes = {
                a.name: self.onnx.helper.get_attribute_value(a) for a in node.attribute
            }
            found = reading(name, node, attributes)
            real = self.real[node.output[0]]
            if self.layers.shape(found) != real.shape[1:]:
                raise ModelError(
                    f"layer {name!r} gives {real.shape[1:]}, as read {self.layers.shape(found)}: "
                    f"please report this model"
                )
            self.at[node.output[0]] = found

    def _with_inputs(self, node: Any) -> Any:
        """A Clip of old, whose bounds are attributes, as one whose bounds are inputs."""
        if node.op_type != "Clip" or not node.attribute:
            return node
        bounds = {a.name: a.f for a in node.attribute}
        names = []
        for key in ("min", "max"):
            name = f"{node.output[0]}/{key}" if key in bounds else ""
            names.append(name)
            if name:
                self.real[name] = self.constants[name] = np.array(bounds[key], dtype=np.float64)
        return self.onnx.helper.make_node("Clip", [node.input[0], *names], node.output)

    def _runner(self, node: Any, name: str) -> Any:
        opsets = self.opsets | ({"": 13} if node.op_type == "Clip" else {})
        try:
            return self.onnx.reference.ReferenceEvaluator(node, opsets=opsets)
        except Exception as error:
            raise ModelError(f"layer {name!r} ({node.op_type}) is not known: {_first(error)}") from None

    def _run(self, run: Any, node: Any, name: str, **other: Any) -> Any:
        given = {i: other.get(i, self.real.get(i)) for i in node.input if i}
        missing = [i for i, value in given.items() if value is None]
        if missing:
            raise ModelError(f"layer {name!r} needs {missing[0]!r}, which nothing gives it")
        try:
            return run.run(None, given)
        except Exception as error:
            raise ModelError(
                f"layer {name!r} ({node.op_type}) cannot be run on inputs of shapes "
                f"{[np.shape(v) for v in given.values()]}: {_first(error)}"
            ) from None

    def _move(self, node: Any, plain: Any, run: Any, name: str, signals: list[str]) -> None:
        (signal,) = signals
        shape = self.layers.shape(self.at[signal])
        size = int(np.prod(shape))
        table = np.arange(1.0, self.batch * size + 1).reshape(self.batch, *shape)
        start = size * np.arange(self.batch)
        outs = self._run(run, plain, name, **{signal: table})
        for i, (label, out) in enumerate(zip(node.output, outs, strict=False)):
            row = start.reshape(-1, *[1] * (out.ndim - 1)) if out.shape[:1] == (self.batch,) else 0
            if out.ndim < 1 or not (out == np.where(out[:1] > 0, out[:1] + row, 0)).all():
                raise ModelError(f"layer {name!r} mixes or moves the rows of a batch: not read")
            part = f"{name} ({i})" if len(outs) > 1 else name
            at = self.at[signal]
            self.at[label] = self.layers.rearrange(part, at, moved(out[0]), out.shape[1:])

    # One method for each operator.

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
        total, keep = node.op_type == "ReduceSum", bool(a.get("keepdims", 1))
        return self.layers.mean(name, self._first_at(node), sample, keep, total)

    _reducesum = _reducemean

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


def _in_float64(onnx: Any, node: Any) -> Any:
    """The node with casts to other floating types left out and constants in float64."""
    kinds = onnx.TensorProto
    small = {kinds.FLOAT, kinds.FLOAT16, kinds.BFLOAT16}
    if node.op_type == "Cast":
        to = next(a.i for a in node.attribute if a.name == "to")
        if to in small:
            return onnx.helper.make_node("Cast", node.input, node.output, to=kinds.DOUBLE)
    if node.op_type == "Constant":
        for a in node.attribute:
            if a.name == "value" and a.t.data_type in small:
                array = onnx.numpy_helper.to_array(a.t).astype(np.float64)
                value = onnx.numpy_helper.from_array(array)
                return onnx.helper.make_node("Constant", [], node.output, value=value)
            if a.name in ("value_float", "value_floats"):
                value = onnx.numpy_helper.from_array(
                    np.array(onnx.helper.get_attribute_value(a), dtype=np.float64)
                )
                return onnx.helper.make_node("Constant", [], node.output, value=value)
    if node.op_type == "Dropout":
        return onnx.helper.make_node("Identity", node.input[:1], node.output[:1])
    return node
