"""What a graph takes: one input or several, as rows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ....errors import Hint, ModelError
from ...affine_layers import Shape
from .._refusals import row_shape
from .tensors import FLOATING, WHOLE, type_name

OPEN_BATCH = 7  # rows that a batch of open size is read with: a size that files do not mean


@dataclass(frozen=True)
class InputPart:
    """One input of a graph: the columns that it has of a row, and its shape in a batch of rows."""

    name: str
    row_shape: Shape
    n_rows: int
    batch_shape: Shape
    is_open: bool  # whether a batch of any size can be run
    start: int = 0

    @property
    def end(self) -> int:
        return self.start + math.prod(self.row_shape)

    @property
    def one_row(self) -> Shape:
        """The shape of the share that one row has of it."""
        shape = self.batch_shape
        return (shape[0] // self.n_rows, *shape[1:]) if shape else ()


@dataclass(frozen=True)
class GraphInput:
    """What a graph takes: its inputs side by side, one or more, as one row."""

    parts: tuple[InputPart, ...]
    whole: bool  # whole numbers

    @property
    def n_rows(self) -> int:
        return self.parts[0].n_rows

    @property
    def is_open(self) -> bool:
        return self.parts[0].is_open

    @property
    def size(self) -> int:
        return self.parts[-1].end

    @property
    def row_shape(self) -> Shape:
        return self.parts[0].row_shape if len(self.parts) == 1 else (self.size,)


def graph_input(inputs: list[Any], requested: Any, title: str) -> GraphInput:
    """The inputs of a graph that rows are read as; `requested` is what the caller says of them."""
    kinds = [i.type.tensor_type.elem_type for i in inputs if i.type.HasField("tensor_type")]
    if len(kinds) < len(inputs) or any(
        (k and k not in (*FLOATING, *WHOLE)) or k == 9 for k in kinds
    ):
        types = ", ".join(type_name(k) for k in kinds) or "no tensor"
        raise ModelError(f"{title} takes {types}; tensors of real numbers can be read")
    whole = any(k in WHOLE for k in kinds)
    if isinstance(requested, Mapping):
        return GraphInput(_named_parts(inputs, requested, title), whole)
    if len(inputs) > 1:
        return GraphInput(_columns(inputs), whole)
    shape = declared_shape(inputs[0])
    if requested is not None:
        return GraphInput((_requested_part(inputs[0].name, shape, row_shape(requested)),), whole)
    if shape is None or min(shape[1:], default=1) < 1 or (len(shape) == 1 and shape[0] < 1):
        error = ModelError(f"the input {inputs[0].name!r} has the open shape {shape or 'none'}")
        raise error.with_hint(Hint.ROW_SHAPE)
    return GraphInput((_batch_part(inputs[0].name, shape),), whole)


def _named_parts(
    inputs: list[Any], requested: Mapping[str, Any], title: str
) -> tuple[InputPart, ...]:
    """Several inputs in the order and of the shapes that the caller gives."""
    by_name = {i.name: i for i in inputs}
    if set(by_name) != set(requested):
        other = next((name for name in by_name if name not in requested), next(iter(by_name)))
        error = ModelError(
            f"{title} takes {', '.join(by_name)}, input_shape names {', '.join(requested)}: "
            f"each input has a shape or stays what it is"
        )
        raise error.with_hint(Hint.HOLD_INPUT, repr(other))
    parts = [
        _requested_part(name, declared_shape(by_name[name]), row_shape(shape))
        for name, shape in requested.items()
    ]
    if len({(part.n_rows, part.is_open) for part in parts}) > 1:
        sizes = ", ".join(f"{part.name}: {part.batch_shape}" for part in parts)
        raise ModelError(
            f"the inputs of {title} hold unlike numbers of rows ({sizes}); where the whole of each "
            f"is one row, give shapes with as many axes as the file declares"
        )
    return _side_by_side(parts)


def _side_by_side(parts: list[InputPart]) -> tuple[InputPart, ...]:
    start, out = 0, []
    for part in parts:
        out.append(replace(part, start=start))
        start = out[-1].end
    return tuple(out)


def _columns(inputs: list[Any]) -> tuple[InputPart, ...]:
    """Several inputs are read where each holds columns of the same rows."""
    declared = [declared_shape(i) for i in inputs]
    batches = {_first_size(i) for i in inputs}
    if any(s is None or len(s) != 2 or s[1] < 1 for s in declared) or len(batches) != 1:
        names = ", ".join(i.name for i in inputs[:20])
        error = ModelError(f"the model takes {len(inputs)} inputs ({names})")
        error = error.with_hint(Hint.ROW_SHAPES, repr(inputs[0].name))
        raise error.with_hint(Hint.HOLD_INPUT, repr(inputs[-1].name))
    parts = [_batch_part(i.name, s) for i, s in zip(inputs, declared, strict=True) if s is not None]
    return _side_by_side(parts)


def declared_shape(value: Any) -> Shape | None:
    """The sizes that an input declares, 0 where they are open; None where it declares none."""
    tensor = value.type.tensor_type
    if not tensor.HasField("shape"):
        return None
    return tuple(max(0, d.dim_value) if d.HasField("dim_value") else 0 for d in tensor.shape.dim)


def _batch_part(name: str, shape: Shape) -> InputPart:
    """Rows along the first axis; a single row, or a vector, is a batch of one."""
    if len(shape) < 2:
        return InputPart(name, shape, 1, shape, False)
    n_rows = shape[0] or OPEN_BATCH
    return InputPart(name, shape[1:], n_rows, (n_rows, *shape[1:]), shape[0] == 0)


def _requested_part(name: str, declared: Shape | None, requested: Shape) -> InputPart:
    """The user's shape: of one row, or (with as many axes as declared) of the whole input."""
    if min(requested, default=1) < 1:
        raise ModelError(f"input_shape is {requested}; give sizes of at least 1")
    if declared is None:
        return _batch_part(name, (0, *requested))
    if len(requested) == len(declared):
        if all(d in (0, g) for d, g in zip(declared, requested, strict=True)):
            return InputPart(name, requested, 1, requested, False)
    elif len(requested) + 1 == len(declared) and all(
        d in (0, g) for d, g in zip(declared[1:], requested, strict=True)
    ):
        return _batch_part(name, (declared[0], *requested))
    rows = declared[1:]
    if len(requested) == 1 and min(rows, default=0) > 0 and math.prod(rows) == requested[0]:
        return _batch_part(name, declared)
    raise ModelError(
        f"the input {name!r} has the shape {declared}, rows of the batch first (0: open); a row of "
        f"shape {requested} is none of it"
    )


def _first_size(value: Any) -> Any:
    """The size of an input's first axis, or the name it has."""
    dims = value.type.tensor_type.shape.dim
    if not dims:
        return None
    return dims[0].dim_value if dims[0].HasField("dim_value") else dims[0].dim_param
