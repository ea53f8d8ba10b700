"""An ONNX file as a network: its input, the walk through its graph, its outputs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...._core.memory import check_memory
from ...._core.types import Floats
from ....errors import FileError, HullwiseError, MemoryLimitError, ModelError
from ....io.paths import readable_path
from ...affine_layers import Shape
from ...network import Network
from ...output_activations import OutputActivation
from .._layer_builder import LayerBuilder
from .._left_out import ReadModel
from .._refusals import Refusal, probe_rows, refuse, row_shape
from .call import Reading
from .graph import GraphReader, Scope, layer_name, names_used, opset_versions
from .limits import ReadingLimits
from .row_axis import drop_row_axis
from .second_opinion import require_agreement
from .tensors import FLOATING, WHOLE, stored_numbers, type_name
from .values import Constant, Derived, Sequence, Signal, Steps, Unread, Value

OPEN_BATCH = 7  # rows that a batch of open size is read with: a size that files do not mean
PROBED_NUMBERS = 2**25  # numbers of all layers together in the comparison's forward pass
NAMES_IN_A_MESSAGE = 60


def read_onnx(model: Any, input_shape: Any, upto: str | None) -> ReadModel:
    """See `hullwise.model.read`."""
    path = Path(model) if isinstance(model, str | Path) else None
    proto = _load(path) if path is not None else model
    title = path.name if path is not None else "the ONNX model"
    try:
        return OnnxReader(proto, path, title, input_shape).read(upto)
    except HullwiseError:
        raise
    except MemoryError:
        raise MemoryLimitError(f"{title} needs more memory than there is") from None
    except (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RecursionError):
        raise ModelError(f"{title} is not valid ONNX: its parts do not fit together") from None


def _load(path: Path) -> Any:
    try:
        from onnx import ModelProto
    except ImportError:
        raise ModelError("reading ONNX needs the onnx package: pip install onnx") from None
    readable_path(path)
    check_memory(2 * path.stat().st_size, f"{path.name} in memory")
    proto = ModelProto()
    try:
        proto.ParseFromString(path.read_bytes())
    except Exception as error:
        raise FileError(
            str(path), f"is cut short or not an ONNX file ({type(error).__name__})"
        ) from None
    return proto


@dataclass(frozen=True, eq=False)
class GraphInput:
    """What a graph takes: its inputs side by side, one or more, as one row."""

    names: tuple[str, ...]
    widths: tuple[int, ...]  # of several inputs, how many columns each has
    n_rows: int  # in one batch
    row_shape: Shape
    batch_shape: Shape  # of a batch of n_rows
    is_open: bool  # whether a batch of any size can be run
    whole: bool  # whole numbers


@dataclass(frozen=True, eq=False)
class GraphEnd:
    """What is read of a graph: the signal, its name there, and what was left out behind it."""

    signal: Signal
    source: str
    activations: tuple[OutputActivation, ...]
    left_out: tuple[tuple[str, str], ...]


class OnnxReader:
    """One reading of a file."""

    def __init__(self, proto: Any, path: Path | None, title: str, input_shape: Any) -> None:
        self.proto, self.graph, self.title = proto, proto.graph, title
        if not self.graph.node:
            raise ModelError(f"{title} holds no layers: the file is empty or not an ONNX model")
        self.input = self._input(input_shape)
        folder = None if path is None else path.resolve().parent
        stored = stored_numbers(proto)
        limits = ReadingLimits(stored, len(self.graph.node))
        limits.check_array(self.input.batch_shape, self.input.names[0])
        self.builder = LayerBuilder(self.input.row_shape, limits)
        self.reading = Reading(self.builder, self.input.n_rows, limits, folder, path)
        self.reader = GraphReader(self.reading, proto.functions)
        self.scope = Scope(opset_versions(proto.opset_import))
        self.reader.add_tensors(self.scope, self.graph)

    def read(self, upto: str | None) -> ReadModel:
        self._place_input()
        names = self._targets(upto)
        try:
            self.reader.walk(self.graph.node, names, self.scope)
            end = self._end(names, upto)
        except ModelError as error:
            if "is not valid ONNX" in str(error):
                raise ModelError(
                    str(error).replace("it is not", f"{self.title} is not", 1)
                ) from None
            raise
        net = self._network(end)
        if end.source:
            self._compare(net, end.source)
        return ReadModel(net, end.left_out)

    # its input

    def _input(self, requested: Any) -> GraphInput:
        stored = {t.name for t in self.graph.initializer}
        stored |= {t.values.name for t in self.graph.sparse_initializer}
        inputs = [i for i in self.graph.input if i.name not in stored]
        if not inputs:
            raise ModelError(f"{self.title} takes no input")
        kinds = [i.type.tensor_type.elem_type for i in inputs if i.type.HasField("tensor_type")]
        if len(kinds) < len(inputs) or any(
            (k and k not in (*FLOATING, *WHOLE)) or k == 9 for k in kinds
        ):
            types = ", ".join(type_name(k) for k in kinds) or "no tensor"
            raise ModelError(f"{self.title} takes {types}; tensors of real numbers can be read")
        declared = [_declared(i) for i in inputs]
        whole = any(k in WHOLE for k in kinds)
        if len(inputs) > 1:
            return _columns_of_inputs(inputs, declared, whole)
        shape = declared[0]
        if requested is not None:
            return _requested_input(inputs[0].name, shape, row_shape(requested), whole)
        if shape is None or min(shape[1:], default=1) < 1 or (len(shape) == 1 and shape[0] < 1):
            raise ModelError(
                f"the input {inputs[0].name!r} has the open shape {shape or 'none'}; give that of "
                f"one row: read(path, input_shape=(channels, height, width))"
            )
        return _batch_input(inputs[0].name, shape, whole)

    def _place_input(self) -> None:
        """The graph's inputs as signals."""
        own = self.input
        one_row = (
            (own.batch_shape[0] // own.n_rows, *own.batch_shape[1:]) if own.batch_shape else ()
        )
        if len(own.names) == 1:
            node = self.builder.rearrange("input (as declared)", 0, None, one_row)
            self.reading.values.add(node)
            self.scope.values[own.names[0]] = Signal(node, own.batch_shape, None, own.whole)
            return
        ends = np.cumsum(own.widths)
        for name, width, end in zip(own.names, own.widths, ends, strict=True):
            index = np.arange(end - width, end)
            node = self.builder.rearrange(f"input {name!r}", 0, index, (1, width))
            self.reading.values.add(node)
            shape = (own.n_rows, width)
            self.scope.values[name] = Signal(node, shape, None, own.whole)

    # its outputs

    def _targets(self, upto: str | None) -> list[str]:
        """The names to read to: the graph's outputs, or what enters a layer (or a value)."""
        nodes = list(self.graph.node)
        if upto is None:
            return [output.name for output in self.graph.output]
        for node in nodes:
            if layer_name(node) == upto:
                depends = self._depending()
                names = [name for name in node.input if name in depends]
                if not names:
                    raise ModelError(f"nothing that depends on the input enters layer {upto!r}")
                return names
        if any(upto in node.output for node in nodes):
            return [upto]
        names = [layer_name(node) for node in nodes]
        more = f" and {len(names) - NAMES_IN_A_MESSAGE:,} more" * (len(names) > NAMES_IN_A_MESSAGE)
        raise ModelError(
            f"there is no layer {upto!r}; there are {', '.join(names[:NAMES_IN_A_MESSAGE])}{more}"
        )

    def _depending(self) -> set[str]:
        """Names that depend on the graph's input."""
        depends = set(self.input.names)
        for node in self.graph.node:
            if depends.intersection(names_used(node)):
                depends.update(node.output)
        return depends

    def _end(self, names: list[str], upto: str | None) -> GraphEnd:
        values = {name: self.reader.value(self.scope, name) for name in names}
        made = {n: v for n, v in values.items() if not isinstance(v, Constant) and v is not None}
        if upto is not None:  # the first input that is made of the graph's own
            made = dict(list(made.items())[:1])
        if not made:
            raise ModelError(f"what {self.title} gives does not depend on its input")
        ends = [self._one_end(name, value) for name, value in made.items()]
        nodes = {self.builder.before_reshape(end.signal.node) for end in ends}
        if len(nodes) > 1 or any(isinstance(value, Unread) for value in made.values()):
            raise ModelError(
                f"the model gives {len(made)} outputs ({', '.join(made)}), each made of its input "
                f"in another way; name the one to read: upto={next(iter(made))!r}"
            )
        if not any(_is_complete(value) for value in made.values()):
            kind, layer = ends[0].left_out[0]
            refuse(layer, kind, Refusal.JUMPS)
        # what is complete and in order (probabilities) says best what was left out
        complete = [end for end, value in zip(ends, made.values(), strict=True) if _in_order(value)]
        candidates = [end for end in complete if end.activations] or complete or ends
        return candidates[0]

    def _one_end(self, name: str, value: Value) -> GraphEnd:
        if isinstance(value, Derived):
            return GraphEnd(value.base, value.source, value.activations, value.names)
        if isinstance(value, Steps):
            refuse(value.layer, value.title, Refusal.JUMPS)
        if isinstance(value, Sequence):
            raise ModelError(f"the output {name!r} is a list of values; name one of them: upto=")
        if isinstance(value, Unread):
            raise ModelError(
                f"the output {name!r} is not followed ({value.title}); name another one: upto="
            )
        assert isinstance(value, Signal)
        return GraphEnd(value, name, (), ())

    def _network(self, end: GraphEnd) -> Network:
        signal = end.signal
        if signal.whole:
            raise ModelError(f"{self.title} gives whole numbers, which are not read")
        if signal.table is not None:
            raise ModelError(
                f"what {self.title} gives mixes or moves the rows of a batch: it is not read"
            )
        return drop_row_axis(
            self.builder.nodes, self.reading.values, signal.node, self.title, end.activations
        )

    def _compare(self, net: Network, source: str) -> None:
        """With onnxruntime, on test rows, in batches as the model takes them."""
        size = sum(math.prod(node.shape) for node in net.nodes)
        own = self.input
        X = probe_rows(own.row_shape)[: max(1, PROBED_NUMBERS // max(size, 1))]
        X = np.rint(X) if own.whole else X
        step = len(X) if own.is_open else own.n_rows
        pad = (-len(X)) % step
        full = np.concatenate([X, np.zeros((pad, X.shape[1]))]).reshape(-1, step, X.shape[1])
        rows = [self._named(batch) for batch in full]
        require_agreement(net, self.proto, source, rows, X, self.title)

    def _named(self, batch: Floats) -> dict[str, Any]:
        """Rows as the graph's inputs."""
        own = self.input
        kind = np.float32 if not own.whole else np.int64
        if len(own.names) > 1:
            parts = np.split(batch, np.cumsum(own.widths)[:-1], axis=1)
            return {n: p.astype(kind) for n, p in zip(own.names, parts, strict=True)}
        shape = own.batch_shape
        if own.is_open:
            shape = (len(batch) * (shape[0] // own.n_rows), *shape[1:])
        return {own.names[0]: batch.reshape(shape).astype(kind)}


def _declared(value: Any) -> Shape | None:
    """The sizes that an input declares, 0 where they are open; None where it declares none."""
    tensor = value.type.tensor_type
    if not tensor.HasField("shape"):
        return None
    return tuple(max(0, d.dim_value) if d.HasField("dim_value") else 0 for d in tensor.shape.dim)


def _is_complete(value: Value) -> bool:
    """Whether it is more than the label of a signal that nothing else gives."""
    return isinstance(value, Signal) or (isinstance(value, Derived) and bool(value.activations))


def _in_order(value: Value) -> bool:
    return isinstance(value, Signal) or (isinstance(value, Derived) and value.in_order)


def _batch_input(name: str, shape: Shape, whole: bool) -> GraphInput:
    """Rows along the first axis; a single row, or a vector, is a batch of one."""
    if len(shape) < 2:
        return GraphInput((name,), (), 1, shape, shape, False, whole)
    n_rows = shape[0] or OPEN_BATCH
    return GraphInput((name,), (), n_rows, shape[1:], (n_rows, *shape[1:]), shape[0] == 0, whole)


def _requested_input(
    name: str, declared: Shape | None, requested: Shape, whole: bool
) -> GraphInput:
    """The user's shape: of one row, or (with as many axes as declared) of the whole input."""
    if min(requested, default=1) < 1:
        raise ModelError(f"input_shape is {requested}; give sizes of at least 1")
    if declared is None:
        return _batch_input(name, (0, *requested), whole)
    if len(requested) == len(declared):
        if all(d in (0, g) for d, g in zip(declared, requested, strict=True)):
            return GraphInput((name,), (), 1, requested, requested, False, whole)
    elif len(requested) + 1 == len(declared) and all(
        d in (0, g) for d, g in zip(declared[1:], requested, strict=True)
    ):
        return _batch_input(name, (declared[0], *requested), whole)
    rows = declared[1:]
    if len(requested) == 1 and min(rows, default=0) > 0 and math.prod(rows) == requested[0]:
        return _batch_input(name, declared, whole)
    raise ModelError(
        f"the input {name!r} has the shape {declared}; input_shape={requested} is none of it"
    )


def _columns_of_inputs(inputs: list[Any], declared: list[Any], whole: bool) -> GraphInput:
    """Several inputs are read where each holds columns of the same rows."""
    names = tuple(i.name for i in inputs)
    batches = {_first_size(i) for i in inputs}
    if any(s is None or len(s) != 2 or s[1] < 1 for s in declared) or len(batches) != 1:
        raise ModelError(
            f"the model takes {len(inputs)} inputs ({', '.join(names[:20])}); one can be read, or "
            f"several that are columns of the same rows"
        )
    n_rows = declared[0][0] or OPEN_BATCH
    widths = tuple(s[1] for s in declared)
    shape = (sum(widths),)
    return GraphInput(names, widths, n_rows, shape, (n_rows, *shape), declared[0][0] == 0, whole)


def _first_size(value: Any) -> Any:
    """The size of an input's first axis, or the name it has."""
    dims = value.type.tensor_type.shape.dim
    if not dims:
        return None
    return dims[0].dim_value if dims[0].HasField("dim_value") else dims[0].dim_param
