"""One call of an operator: its inputs, its attributes, and the layers that are made of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from ...._core.types import Floats
from ....errors import Hint, ModelError
from ...affine_layers import Concat, Shape
from .._layer_builder import LayerBuilder
from .._refusals import Refusal, refuse
from .limits import ReadingLimits
from .registry import Operator
from .tensors import sparse_array, tensor_array
from .values import Constant, Derived, Signal, Steps, Value

SLICES_OF_A_ROW = 256  # images, or matrices, that one row may hold and a layer is repeated for
# codes of the standard's AttributeProto.AttributeType
ATTRIBUTE_TYPES = {
    **{"f": 1, "i": 2, "s": 3, "t": 4, "g": 5, "floats": 6, "ints": 7, "strings": 8},
    **{"sparse_tensor": 11},
}


@dataclass(frozen=True, eq=False)
class Reading:
    """What all calls of one reading share; `values` are the nodes of the graph's own values."""

    builder: LayerBuilder
    n_rows: int
    limits: ReadingLimits
    folder: Path | None = None
    path: Path | None = None
    values: set[int] = field(default_factory=set)
    answers: frozenset[str] = frozenset()  # names of what the graph gives


class Call:
    """A node of the graph with what its inputs stand for.

    Raises ModelError, from every method, where the operator cannot be read as it is used.
    """

    def __init__(
        self,
        reading: Reading,
        name: str,
        kind: str,
        domain: str,
        opset: int,
        inputs: list[Value | None],
        outputs: list[str],
        attributes: dict[str, Any],
        sources: list[str] | None = None,
    ) -> None:
        self.reading, self.builder, self.n_rows = reading, reading.builder, reading.n_rows
        self.name, self.kind, self.domain, self.opset = name, kind, domain, opset
        self.inputs, self.outputs, self.attributes = inputs, outputs, attributes
        self.sources = sources or [""] * len(inputs)  # the inputs' names, where they can be run to

    @property
    def title(self) -> str:
        """The operator as messages name it: 'Softmax (opset 13)'."""
        return f"{self.domain + '.' if self.domain else ''}{self.kind} (opset {self.opset})"

    # what it is given

    def has(self, i: int) -> bool:
        return i < len(self.inputs) and self.inputs[i] is not None

    def value(self, i: int = 0) -> Value:
        value = self.inputs[i] if i < len(self.inputs) else None
        if value is None:
            raise ModelError(f"layer {self.name!r}, {self.title}, lacks its input {i}")
        return value

    def is_constant(self, i: int) -> bool:
        return isinstance(self.value(i), Constant)

    def signals(self) -> list[int]:
        """Which inputs depend on the network's input."""
        return [i for i, value in enumerate(self.inputs) if isinstance(value, Signal)]

    def shape(self, i: int = 0) -> Shape:
        """Of an input, rows of the batch included."""
        shape = self.value(i).shape
        assert shape is not None
        return shape

    def constant(self, i: int, default: Any = None) -> Any:
        """Input i as an array; `default` where it is left out."""
        if not self.has(i):
            return default
        value = self.value(i)
        if not isinstance(value, Constant):
            self.refuse(f"whose input {i} is no constant")
        return value.array

    def integers_of(self, i: int, default: Any = None) -> Any:
        """Input i as a list of whole numbers."""
        array = self.constant(i)
        if array is None:
            return default
        if array.dtype.kind not in "iu" or array.ndim > 1:
            self.invalid(f"its input {i} is no list of whole numbers")
        return [int(v) for v in np.ravel(array)]

    def number_of(self, i: int, default: Any = None) -> Any:
        """Input i as one number."""
        array = self.constant(i)
        if array is None:
            return default
        if array.size != 1 or array.dtype.kind not in "fiub":
            self.invalid(f"its input {i} is no single number")
        return array.ravel()[0].item()

    def signal(self, i: int = 0) -> Signal:
        """Input i as a value whose rows lie along the first axis."""
        value = self.value(i)
        if isinstance(value, Steps):
            refuse(value.layer, value.title, Refusal.JUMPS)
        if not isinstance(value, Signal):
            self.refuse(f"whose input {i} is a constant")
        if value.whole:
            self.refuse("on whole numbers: only a cast to real numbers is read")
        if value.table is not None:
            self.mixes_rows()
        return value

    def node(self, i: int = 0) -> int:
        """The network's node of input i."""
        return self.signal(i).node

    # attributes

    def _attribute(self, name: str, field: str, default: Any) -> Any:
        attribute = self.attributes.get(name)
        if attribute is None:
            return default
        if attribute.type not in (ATTRIBUTE_TYPES[field], 0):
            self.invalid(f"its attribute {name!r} is of the wrong type")
        return getattr(attribute, field)

    def integer(self, name: str, default: Any = None) -> Any:
        return self._attribute(name, "i", default)

    def number(self, name: str, default: Any = None) -> Any:
        number = self._attribute(name, "f", default)
        if number is not None and not math.isfinite(number):
            self.invalid(f"its attribute {name!r} is {number}")
        return number

    def text(self, name: str, default: str = "") -> str:
        value = self._attribute(name, "s", default)
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else value

    def integers(self, name: str, default: Any = None) -> Any:
        values = self._attribute(name, "ints", None)
        return default if values is None else [int(v) for v in values]

    def numbers(self, name: str, default: Any = None) -> Any:
        values = self._attribute(name, "floats", None)
        return default if values is None else [float(v) for v in values]

    def texts(self, name: str) -> Any:
        values = self._attribute(name, "strings", None)
        return None if values is None else [v.decode("utf-8", "replace") for v in values]

    def tensor(self, name: str) -> Any:
        value = self._attribute(name, "t", None)
        if value is None:
            return None
        return tensor_array(value, self.reading.folder, self.reading.path)

    def sparse_tensor(self, name: str) -> Any:
        value = self._attribute(name, "sparse_tensor", None)
        return None if value is None else sparse_array(value, self.reading.folder, None)

    def graph(self, name: str) -> Any:
        return self._attribute(name, "g", None)

    def axis(self, name: str, default: int, rank: int) -> int:
        """An attribute that names an axis, counted from the first."""
        return self.one_axis(int(self.integer(name, default)), rank)

    def one_axis(self, axis: int, rank: int) -> int:
        if not -rank <= axis < rank:
            self.invalid(f"axis {axis} is none of {rank}")
        return axis % rank

    def require_own_axis(self, axis: int) -> int:
        """An axis along which the operator works: not the rows of a batch."""
        if axis == 0 and self.n_rows > 1:
            self.mixes_rows()
        return axis

    # what it gives

    def refuse(self, reason: str = "", why: Refusal = Refusal.UNREAD) -> NoReturn:
        refuse(self.name, f"{self.title} {reason}".rstrip(), why)

    def refuse_curved(self, reason: str = "") -> NoReturn:
        """Refuse what is not piecewise affine."""
        self.refuse(reason, Refusal.CURVED)

    def refuse_jump(self, reason: str = "") -> NoReturn:
        """Refuse what is piecewise affine but jumps."""
        self.refuse(reason, Refusal.JUMPS)

    def invalid(self, reason: str) -> NoReturn:
        raise ModelError(f"layer {self.name!r}, {self.title}, is not valid ONNX: {reason}")

    def cannot_run(self) -> NoReturn:
        shapes = [value.shape for value in self.inputs if value is not None]
        raise ModelError(
            f"layer {self.name!r}, {self.title}, cannot be run on inputs of shapes "
            f"{', '.join(map(str, shapes))}"
        )

    def mixes_rows(self) -> NoReturn:
        error = ModelError(
            f"layer {self.name!r}, {self.title}, mixes or moves the rows of a batch: not read"
        )
        raise error.with_hint(Hint.WHOLE_INPUT)

    def result(self, node: int) -> Signal:
        """A node as a value."""
        shape = self.builder.shape(node)
        self.reading.values.add(node)
        return Signal(node, (self.n_rows * shape[0], *shape[1:]) if shape else ())

    def elementwise(self, layer: Callable[[int], int], *, keeps_zero: bool) -> Signal:
        """A layer that works entry by entry, wherever the rows lie."""
        value = self.value(0)
        if not isinstance(value, Signal) or value.whole or value.table is None:
            return self.result(layer(self.node()))
        if not keeps_zero and not value.table.all():
            self.mixes_rows()
        return Signal(layer(value.node), value.shape, value.table)

    def move(
        self, function: Callable[[Any], Any], to: Shape, *, keeps_rows: bool, i: int = 0
    ) -> Constant | Signal:
        """The entries of input i in a new order; `function` does to an array what the call does.

        `to` is the resulting shape. `function` is given a table of positions from 1, and may put
        zeros in. Where it leaves the first axis alone (`keeps_rows`), it is given one row's.
        """
        value = self.value(i)
        self.reading.limits.check_array(to, self.name)
        if isinstance(value, Constant):
            self.reading.limits.count_constants(math.prod(to), self.name)
            return Constant(np.asarray(function(value.array)))
        if isinstance(value, Steps):
            steps: Signal = self._moved_steps(value, function)  # which jumps still
            return steps
        assert isinstance(value, Signal)
        if math.prod(to) == 0:
            return Constant(np.zeros(to))
        shape = self.builder.shape(value.node)
        if value.table is None and (keeps_rows or self.n_rows == 1):
            return self._marked(
                self.result(self.rearranged(value.node, function(places(shape)))), i
            )
        table = value.table
        if table is None:
            full = (self.n_rows * shape[0], *shape[1:])
            self.reading.limits.count_numbers(math.prod(full), self.name)
            table = places(full)
        return self._marked(self.from_table(value.node, np.asarray(function(table))), i)

    def _moved_steps(self, value: Steps, function: Callable[[Any], Any]) -> Any:
        """What jumps, its entries moved within each row."""
        self.reading.limits.count_numbers(math.prod(value.shape), self.name)
        table = np.asarray(function(places(value.shape)))
        rows = table.reshape(self.n_rows, -1) if len(table) % self.n_rows == 0 else table[:0]
        size = math.prod(value.shape) // self.n_rows
        own = rows[:1] + size * np.arange(self.n_rows)[:, None]
        if not rows.size or not (rows > 0).all() or not (rows == own).all():
            refuse(value.layer, f"{value.title} used by {self.name!r}", Refusal.JUMPS)
        moved = self.builder.moved_entries(self.name, value.function, rows[0] - 1)
        return Steps(value.layer, value.title, moved, table.shape)

    def rearranged(self, node: int, table: NDArray[np.int64]) -> int:
        """A node by a table of positions from 1; 0 for a zero."""
        self.reading.limits.count_numbers(table.size, self.name)
        index = np.asarray(table, dtype=np.int64).ravel() - 1
        return self.builder.rearrange(self.name, node, index, table.shape)

    def reshaped(self, to: Shape, i: int = 0) -> Constant | Signal:
        """Input i in another shape, in the same order."""
        value = self.value(i)
        if math.prod(to) != math.prod(self.shape(i)):
            self.invalid(f"it cannot arrange {self.shape(i)} as {to}")
        if isinstance(value, Constant):
            return Constant(value.array.reshape(to))
        if isinstance(value, Steps):
            steps: Signal = self._moved_steps(value, lambda table: table.reshape(to))
            return steps
        assert isinstance(value, Signal)
        if value.table is None and (self.n_rows == 1 or (to and to[0] % self.n_rows == 0)):
            one = to if self.n_rows == 1 else (to[0] // self.n_rows, *to[1:])
            return self._marked(
                self.result(self.builder.rearrange(self.name, value.node, None, one)), i
            )
        return self.move(lambda table: table.reshape(to), to, keeps_rows=False, i=i)

    def _marked(self, signal: Signal, i: int) -> Signal:
        """The signal, marked as whole numbers where input i is."""
        value = self.value(i)
        whole = isinstance(value, Signal) and value.whole
        return Signal(signal.node, signal.shape, signal.table, whole)

    def from_table(self, node: int, table: NDArray[np.int64]) -> Signal:
        """A node, where the table's rows are those of the batch again; else kept as a table."""
        if self.n_rows == 1:
            return self.result(self.rearranged(node, table))
        if table.ndim and table.size and table.shape[0] % self.n_rows == 0:
            rows = table.reshape(self.n_rows, -1)
            steps = math.prod(self.builder.shape(node)) * np.arange(self.n_rows)[:, None]
            if (rows == np.where(rows[:1] > 0, rows[:1] + steps, 0)).all():
                own = rows[0].reshape(table.shape[0] // self.n_rows, *table.shape[1:])
                return self.result(self.rearranged(node, own))
        self.reading.limits.count_numbers(table.size, self.name)
        return Signal(node, table.shape, table)

    def per_row(self, array: Any, rank: int) -> Floats:
        """A constant as it applies to one row of a result with so many axes."""
        values = np.asarray(array, dtype=np.float64)
        if self.n_rows == 1 or values.ndim < rank or (values.ndim == rank and len(values) == 1):
            return values
        if values.ndim > rank or len(values) % self.n_rows:
            self.mixes_rows()
        rows = values.reshape(self.n_rows, len(values) // self.n_rows, *values.shape[1:])
        if not (rows == rows[:1]).all():
            raise ModelError(
                f"layer {self.name!r} has a constant for each row of a batch: not read"
            )
        return np.asarray(rows[0])

    def per_image(self, node: int, layer: Callable[[int], int]) -> int:
        """A layer on (channels, *space), for each of the images (k, channels, *space) of a row."""
        k, *image = self.builder.shape(node)
        if k > SLICES_OF_A_ROW:
            self.refuse(f"on {k:,} images in one row")
        out = []
        size = math.prod(image)
        for j in range(k):
            index = None if k == 1 else np.arange(j * size, (j + 1) * size)
            one = self.builder.rearrange(self.name, node, index, tuple(image))
            one = layer(one)
            shape = (1, *self.builder.shape(one))
            out.append(self.builder.rearrange(self.name, one, None, shape))
        return out[0] if k == 1 else self.builder.add(self.name, Concat(0), *out)


def places(shape: Shape) -> NDArray[np.int64]:
    """Positions from 1, in order."""
    return np.arange(1, math.prod(shape) + 1).reshape(shape)


def on_constant(call: Call, operator: Operator) -> list[Value]:
    """A call on constants alone, by the layers that it is read as."""
    data = call.value(0)
    if not isinstance(data, Constant) or not data.array.size or data.array.dtype.kind not in "fiub":
        call.refuse("of constants")
    builder = LayerBuilder(data.shape, call.reading.limits)
    reading = Reading(builder, 1, call.reading.limits, call.reading.folder, call.reading.path)
    inputs: list[Value | None] = [Signal(0, data.shape), *call.inputs[1:]]
    own = Call(
        reading,
        call.name,
        call.kind,
        call.domain,
        call.opset,
        inputs,
        call.outputs,
        call.attributes,
    )
    assert operator.read is not None
    answer = operator.read(own)
    row = data.array.astype(np.float64).reshape(1, -1)
    return [
        _evaluated(own, one, row, data)
        for one in (answer if isinstance(answer, list) else [answer])
    ]


def _evaluated(call: Call, value: Value, row: Floats, data: Constant) -> Value:
    if isinstance(value, Derived):
        call.refuse("of constants")
    if not isinstance(value, Signal):
        return value
    shape = call.builder.shape(value.node)
    array = call.builder.network(value.node)(row).reshape(shape)
    if data.array.dtype.kind in "iub":
        array = np.rint(array).astype(data.array.dtype)
    return Constant(array)
