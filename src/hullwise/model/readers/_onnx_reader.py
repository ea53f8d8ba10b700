"""An ONNX file: its graph walked once, every node run on an example beside being read.

The nodes are run by `onnx.reference` in float64, whatever the file's own numbers are, so our
forward pass can be compared to rounding. What only moves entries is read by moving a table of
positions, and what depends on no input (shapes, constants) is simply run. No code of the file is
executed.
"""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from ..._core.memory import check_memory
from ..._core.types import Floats
from ...errors import DataWarning, FileError, HullwiseError, ModelError
from ...io.paths import readable_path
from ..affine_layers import Shape
from ..network import Network
from ..output_activations import OutputActivation
from ._layer_builder import LayerBuilder, MovedBatch
from ._onnx_layers import OnnxLayers
from ._refusals import first_line, probe_rows, refuse, require_same_outputs

ONNX_FINAL_OPERATORS = {"Softmax": "softmax", "LogSoftmax": "log_softmax", "Sigmoid": "sigmoid"}
ONNX_IDENTITIES = {"Identity", "Dropout", "Cast", "CastLike"}
ONNX_MOVEMENTS = {
    *("Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze", "Slice", "Gather", "Pad", "Split"),
    *("Expand", "Tile", "DepthToSpace", "SpaceToDepth", "GatherND"),
}
ONNX_SHAPE_OPERATORS = {
    "Shape",
    "Size",
    "ConstantOfShape",
}  # of a signal: a constant once shapes are known


def read_onnx(model: Any, input_shape: Any, upto: str | None) -> Network:
    """See `hullwise.model.read`."""
    onnx = _onnx()
    path = Path(model) if isinstance(model, str | Path) else None
    proto = _load(onnx, path) if path is not None else model
    what = path.name if path is not None else "the ONNX model"
    if proto.functions:
        proto = onnx.inliner.inline_local_functions(proto)
    if not proto.graph.node:
        raise ModelError(f"{what} holds no layers: the file is empty or not an ONNX model")
    reader = OnnxReader(onnx, proto, path, input_shape)  # it brings in data kept in other files
    try:
        onnx.checker.check_model(proto)
    except Exception as error:
        raise ModelError(f"{what} is not valid ONNX: {first_line(error)}") from None
    output = reader.read(upto)
    net = reader.layers.network(output, what, tuple(reader.output_activations))
    X = probe_rows(net.input_shape)
    answers = [reader.run(x).reshape(reader.batch, -1) for x in reader.batches(X)]
    require_same_outputs(net, X, np.concatenate(answers)[: len(X)], what)
    return net


def _onnx() -> Any:
    try:
        import onnx
        import onnx.checker
        import onnx.external_data_helper
        import onnx.inliner
        import onnx.numpy_helper
        import onnx.reference
    except ImportError:
        raise ModelError("reading ONNX needs the onnx package: pip install onnx") from None
    return onnx


def _load(onnx: Any, path: Path) -> Any:
    readable_path(path)
    check_memory(path.stat().st_size, f"{path.name} in memory")
    try:
        return onnx.load(path, load_external_data=False)
    except Exception as error:
        raise FileError(
            str(path), f"is cut short or not an ONNX file ({type(error).__name__})"
        ) from None


class OnnxReader(OnnxLayers):
    """Walks the graph's nodes."""

    def __init__(self, onnx: Any, proto: Any, path: Path | None, input_shape: Any) -> None:
        self.onnx, self.proto = onnx, proto
        self.opsets = {o.domain: o.version for o in proto.opset_import}
        self.examples: dict[str, Any] = {}
        for tensor in proto.graph.initializer:
            self.examples[tensor.name] = self._array(tensor, path)
        self.constants = dict(self.examples)
        self.input, self.batch, shape = self._input(input_shape)
        self.layers, self.shape = LayerBuilder(shape), shape
        self.nodes_of: dict[str, Any] = {self.input: 0}
        self.output_activations: list[OutputActivation] = []
        self.nodes: list[tuple[Any, Any]] = []
        self.last = self.input
        self._passed: dict[str, str] = {}

    def _array(self, tensor: Any, path: Path | None) -> Any:
        count = math.prod(tensor.dims)
        check_memory(8 * count, f"the tensor {tensor.name!r}")
        if self.onnx.external_data_helper.uses_external_data(tensor):
            if path is None:
                raise ModelError(f"the tensor {tensor.name!r} is kept in another file: give a path")
            location = next((e.value for e in tensor.external_data if e.key == "location"), "")
            folder = path.resolve().parent
            if not (folder / location).resolve().is_relative_to(folder):
                raise ModelError(
                    f"{path.name} asks for {location!r}, outside its own folder: it is not read"
                )
            try:
                self.onnx.external_data_helper.load_external_data_for_tensor(tensor, str(folder))
            except Exception as error:
                raise FileError(str(path), f"needs {location!r}: {first_line(error)}") from None
            tensor.data_location = self.onnx.TensorProto.DEFAULT
            tensor.ClearField("external_data")
        try:
            array = self.onnx.numpy_helper.to_array(tensor)
        except Exception as error:
            raise ModelError(
                f"the tensor {tensor.name!r} cannot be read: {first_line(error)}"
            ) from None
        return array.astype(np.float64) if array.dtype.kind == "f" else array

    def _input(self, values: Any) -> tuple[str, int, Shape]:
        """The input's name, the batch to run it with, and the shape of a row."""
        inputs = [i for i in self.proto.graph.input if i.name not in self.examples]
        if len(inputs) != 1:
            names = ", ".join(i.name for i in inputs) or "none"
            raise ModelError(f"the model takes {len(inputs)} inputs ({names}); one can be read")
        dims = inputs[0].type.tensor_type.shape.dim
        sizes = [d.dim_value if d.HasField("dim_value") else 0 for d in dims]
        if len(sizes) == 1:  # a row alone; operators on vectors take a batch of them as well
            sizes = [0, *sizes]
        batch = sizes[0] if sizes and sizes[0] > 0 else 2
        if values is not None:
            shape = (int(values),) if np.ndim(values) == 0 else tuple(int(s) for s in values)
        elif len(sizes) < 2 or min(sizes[1:]) < 1:
            raise ModelError(
                f"the input {inputs[0].name!r} has the open shape {sizes or 'none'}; give that of "
                f"one row: read(path, input_shape=(channels, height, width))"
            )
        else:
            shape = tuple(sizes[1:])
        check_memory(8 * batch * math.prod(shape), f"an input of shape {shape}")
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
            real.update(zip(node.output, map(_wide, outs), strict=False))
        return np.asarray(real[self.last])

    def read(self, upto: str | None) -> int:
        rng = np.random.default_rng(1)
        self.examples[self.input] = rng.normal(size=(self.batch, *self.shape))
        names = [n.name or f"{n.op_type}:{n.output[0]}" for n in self.proto.graph.node]
        if upto is not None and upto not in names:
            raise ModelError(f"there is no layer {upto!r}; there are {', '.join(names)}")
        stop = None
        results = [o.name for o in self.proto.graph.output]
        for node, name in zip(self.proto.graph.node, names, strict=True):
            if upto is not None and name == upto:
                stop = next(i for i in node.input if i in self.nodes_of)
                break
            self._node(node, name, all(o in results for o in node.output if o))
        if stop is None:
            if len(results) != 1 or results[0] not in self.nodes_of:
                raise ModelError(
                    f"the model gives {len(results)} outputs ({', '.join(results)}), of which one "
                    f"made of its input can be read; name the layer to stop at: upto="
                )
            stop = results[0]
        self.last = stop
        while self.last in self._passed:
            self.last = self._passed[self.last]
        end = self.nodes_of[stop]
        if isinstance(end, MovedBatch) and self.batch == 1:  # one row whose batch axis was dropped
            index = end.table.ravel() - 1
            return self.layers.rearrange("output", end.node, index, end.table.shape)
        return self.layers.batch_first("output", end)

    def _node(self, node: Any, name: str, final: bool) -> None:
        kind = node.op_type
        if node.domain not in ("", "ai.onnx"):
            refuse(name, f"{node.domain}.{kind}")
        signals = [i for i in node.input if i in self.nodes_of]
        if kind in ONNX_FINAL_OPERATORS and signals and final:
            self.nodes_of[node.output[0]] = self.nodes_of[signals[0]]
            self._passed[node.output[0]] = signals[0]
            self.output_activations.append(OutputActivation(ONNX_FINAL_OPERATORS[kind], name))
            warnings.warn(
                f"the {kind} at the end ({name!r}) is not piecewise affine and is left out: "
                f"outputs are what enters it. Regions and the largest class are the same.",
                DataWarning,
                stacklevel=5,
            )
            return
        readable = {*ONNX_IDENTITIES, *ONNX_MOVEMENTS, *ONNX_SHAPE_OPERATORS}
        if signals and kind not in readable and not hasattr(self, f"_{kind.lower()}"):
            refuse(name, kind)
        double = self._with_inputs(_in_float64(self.onnx, node))
        run = self._runner(double, name)
        if not signals:
            self._affordable(node, name)
        outs = [_wide(out) for out in self._run(run, double, name)]
        self.examples.update(zip(node.output, outs, strict=False))
        self.nodes.append((double, run))
        if not signals or kind in ONNX_SHAPE_OPERATORS:
            return
        signal = signals[0]
        self.again = lambda x: np.asarray(self._run(run, double, name, **{signal: x})[0])
        if kind in ONNX_IDENTITIES:
            if outs[0].dtype.kind != "f":
                refuse(name, f"{kind} to {outs[0].dtype}, which rounds")
            self.nodes_of[node.output[0]] = self.nodes_of[signal]
        elif kind in ONNX_MOVEMENTS:
            if len(signals) > 1:
                refuse(name, f"{kind} by what depends on the input")
            parts = self.layers.rearranged_by(
                name,
                self.nodes_of[signal],
                lambda x: self._run(run, double, name, **{signal: x}),
                self.batch,
            )
            self.nodes_of.update(zip(node.output, parts, strict=False))
        else:
            for other in signals:
                self.layers.batch_first(name, self.nodes_of[other])
            layer = self._layer(name, node)
            real = self.examples[node.output[0]]
            if self.layers.shape(layer) != real.shape[1:]:
                raise ModelError(
                    f"layer {name!r} gives {real.shape[1:]}, as read {self.layers.shape(layer)}: "
                    f"please report this model"
                )
            self.nodes_of[node.output[0]] = layer

    def _layer(self, name: str, node: Any) -> int:
        """An operator as layers of ours."""
        attributes = {a.name: self.onnx.helper.get_attribute_value(a) for a in node.attribute}
        try:
            return int(getattr(self, f"_{node.op_type.lower()}")(name, node, attributes))
        except HullwiseError:
            raise
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            refuse(name, f"{node.op_type} used in a way ({first_line(error)})")

    def _affordable(self, node: Any, name: str) -> None:
        """Constants that a few bytes ask for are made only where they fit."""
        if node.op_type in ("ConstantOfShape", "Expand", "Tile"):
            sizes = [np.asarray(self.examples.get(i, 1)) for i in node.input]
            size = math.prod(int(s) for s in sizes[-1].ravel())
            check_memory(8 * size * (sizes[0].size if node.op_type == "Tile" else 1), name)

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
                self.examples[name] = self.constants[name] = np.array(bounds[key], dtype=np.float64)
        return self.onnx.helper.make_node("Clip", [node.input[0], *names], node.output)

    def _runner(self, node: Any, name: str) -> Any:
        opsets = self.opsets | ({"": 13} if node.op_type == "Clip" else {})
        try:
            return self.onnx.reference.ReferenceEvaluator(node, opsets=opsets)
        except Exception as error:
            problem = f"layer {name!r} ({node.op_type}) is not known: {first_line(error)}"
            raise ModelError(problem) from None

    def _run(self, run: Any, node: Any, name: str, **other: Any) -> Any:
        values = {i: other.get(i, self.examples.get(i)) for i in node.input if i}
        missing = [i for i, value in values.items() if value is None]
        if missing:
            raise ModelError(f"layer {name!r} needs {missing[0]!r}, which nothing gives it")
        try:
            return run.run(None, values)
        except Exception as error:
            raise ModelError(
                f"layer {name!r} ({node.op_type}) cannot be run on inputs of shapes "
                f"{[np.shape(v) for v in values.values() if v is not None]}: {first_line(error)}"
            ) from None


def _wide(out: Any) -> Any:
    """Values in float64 where they are floating."""
    array = np.asarray(out)
    return array.astype(np.float64) if array.dtype.kind == "f" else out


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
