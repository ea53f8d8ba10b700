"""An ONNX file as a network: its input, the walk through its graph, its outputs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...._core.memory import check_memory
from ...._core.types import Floats
from ....errors import FileError, Hint, HullwiseError, MemoryLimitError, ModelError
from ....io.paths import readable_path
from ...network import Network
from ...output_activations import OutputActivation
from .._layer_builder import LayerBuilder
from .._left_out import ReadModel
from .._options import ReadOptions, chosen_output
from .._refusals import Refusal, probe_rows, refuse
from .call import Reading
from .graph import GraphReader, Scope, layer_name, names_used, opset_versions
from .inputs import GraphInput, graph_input
from .limits import ReadingLimits
from .row_axis import drop_row_axis
from .second_opinion import require_agreement
from .tensors import stored_numbers
from .values import Constant, Derived, Sequence, Signal, Steps, Unread, Value

PROBED_NUMBERS = 2**25  # numbers of all layers together in the comparison's forward pass
NAMES_IN_A_MESSAGE = 60


def read_onnx(model: Any, options: ReadOptions) -> ReadModel:
    """See `hullwise.model.read`."""
    path = Path(model) if isinstance(model, str | Path) else None
    proto = _load(path) if path is not None else model
    title = path.name if path is not None else "the ONNX model"
    try:
        return OnnxReader(proto, path, title, options).read()
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
class GraphEnd:
    """What is read of a graph: the signal, its name there, and what was left out behind it."""

    signal: Signal
    source: str
    activations: tuple[OutputActivation, ...]
    left_out: tuple[tuple[str, str], ...]


class OnnxReader:
    """One reading of a file."""

    def __init__(self, proto: Any, path: Path | None, title: str, options: ReadOptions) -> None:
        self.proto, self.graph, self.title = proto, proto.graph, title
        self.constants, self.options = options.constants, options
        if not self.graph.node:
            raise ModelError(f"{title} holds no layers: the file is empty or not an ONNX model")
        self.input = self._input(options.input_shape)
        folder = None if path is None else path.resolve().parent
        stored = stored_numbers(proto)
        limits = ReadingLimits(stored, len(self.graph.node))
        limits.check_array((self.input.n_rows, self.input.size), self.input.parts[0].name)
        self.builder = LayerBuilder(self.input.row_shape, limits)
        self.builder.unit_error = options.unit_error
        answers = frozenset(one.name for one in self.graph.output)
        self.reading = Reading(
            self.builder, self.input.n_rows, limits, folder, path, answers=answers
        )
        self.reader = GraphReader(self.reading, proto.functions)
        self.scope = Scope(opset_versions(proto.opset_import))
        self.reader.add_tensors(self.scope, self.graph)

    def read(self) -> ReadModel:
        upto = self.options.upto
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
        every = [i for i in self.graph.input if i.name not in stored]
        unknown = [
            name for name in self.constants if name not in {i.name for i in self.graph.input}
        ]
        if unknown:
            names = ", ".join(i.name for i in every)
            raise ModelError(f"{self.title} has no input {unknown[0]!r} to hold; it takes {names}")
        inputs = [i for i in every if i.name not in self.constants]
        if not inputs:
            raise ModelError(f"{self.title} takes no input")
        return graph_input(inputs, requested, self.title)

    def _place_input(self) -> None:
        """The graph's inputs as signals, and those that stay what they are as constants."""
        own = self.input
        for name, value in self.constants.items():
            self.scope.values[name] = Constant(self._held(name, value, own.n_rows))
        for one in own.parts:
            index = None if len(own.parts) == 1 else np.arange(one.start, one.end)
            label = "input (as declared)" if index is None else f"input {one.name!r}"
            node = self.builder.rearrange(label, 0, index, one.one_row)
            self.reading.values.add(node)
            self.scope.values[one.name] = Signal(node, one.batch_shape, None, own.whole)

    def _held(self, name: str, value: Any, n_rows: int) -> Any:
        """An input that stays what it is: of one row repeated, in the file's kind of numbers."""
        array = np.asarray(value)
        if array.dtype.kind == "f":
            array = array.astype(np.float64)
        if array.dtype.kind not in "fiub":
            raise ModelError(f"the constant {name!r} is no array of numbers")
        if array.shape[:1] == (1,) and n_rows > 1:
            array = np.repeat(array, n_rows, axis=0)
        return array

    # its outputs

    def _targets(self, upto: str | None) -> list[str]:
        """The names to read to: the graph's outputs, or what enters a layer (or a value)."""
        nodes = list(self.graph.node)
        if upto is None:
            names = [output.name for output in self.graph.output]
            wanted = self.options.output
            return names if wanted is None else [chosen_output(names, wanted, self.title)]
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
        depends = {one.name for one in self.input.parts}
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
            error = ModelError(
                f"the model gives {len(made)} outputs ({', '.join(made)}), each made of its input "
                f"in another way"
            )
            raise error.with_hint(Hint.CHOOSE_OUTPUT, repr(next(iter(made))))
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
        X = probe_rows((own.size,))[: max(1, PROBED_NUMBERS // max(size, 1))]
        X = np.rint(X) if own.whole else X
        step = len(X) if own.is_open else own.n_rows
        pad = (-len(X)) % step
        full = np.concatenate([X, np.zeros((pad, X.shape[1]))]).reshape(-1, step, X.shape[1])
        rows = [self._named(batch) for batch in full]
        require_agreement(net, self.proto, source, rows, X, self.title)

    def _named(self, batch: Floats) -> dict[str, Any]:
        """Rows as the graph's inputs, and those that stay what they are."""
        own = self.input
        kind = np.float32 if not own.whole else np.int64
        out = {}
        for one in own.parts:
            shape = one.batch_shape
            if own.is_open:
                shape = (len(batch) * (shape[0] // own.n_rows), *shape[1:])
            out[one.name] = batch[:, one.start : one.end].reshape(shape).astype(kind)
        for name, value in self.constants.items():
            array = self._held(name, value, len(batch) if own.is_open else own.n_rows)
            out[name] = array.astype(np.float32) if array.dtype.kind == "f" else array
        return out


def _is_complete(value: Value) -> bool:
    """Whether it is more than the label of a signal that nothing else gives."""
    return isinstance(value, Signal) or (isinstance(value, Derived) and bool(value.activations))


def _in_order(value: Value) -> bool:
    return isinstance(value, Signal) or (isinstance(value, Derived) and value.in_order)
