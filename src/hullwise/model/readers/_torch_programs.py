"""A program of torch.export: its module, and what its signature says of its inputs."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

from ...errors import Hint, ModelError
from ..affine_layers import Shape
from ._options import ReadOptions
from ._refusals import row_shape
from ._torch_inputs import TorchInputs

ROWS_OF_OPEN_BATCH = 2


def is_program(torch: Any, model: Any) -> bool:
    return isinstance(model, torch.export.ExportedProgram)


def module_of_program(program: Any) -> Any:
    """The module that runs it, without checks of sizes: rows are read in the size exported."""
    return program.module(check_guards=False)


def inputs_of_program(program: Any, options: ReadOptions) -> TorchInputs:
    """What its signature says: names, shapes, and the rows that it was exported with."""
    values = {n.name: n.meta.get("val") for n in program.graph.nodes if n.op == "placeholder"}
    names = tuple(name for name in program.graph_signature.user_inputs if isinstance(name, str))
    shapes = {name: values[name].shape for name in names if hasattr(values[name], "shape")}
    sizes = {
        name: tuple(n if type(n) is int else None for n in shape) for name, shape in shapes.items()
    }
    return inputs_of_signature(names, sizes, options, "the program")


def inputs_of_signature(
    names: tuple[str, ...],
    sizes: Mapping[str, tuple[int | None, ...]],
    options: ReadOptions,
    title: str,
) -> TorchInputs:
    """Inputs by their names and sizes, None where a size is open."""
    open_ = [name for name in names if name not in options.constants]
    requested = options.input_shape
    parts = {str(k): row_shape(v) for k, v in requested.items()} if _is_dict(requested) else {}
    _require_known(names, [*options.constants, *parts], title)
    if len(open_) != max(1, len(parts)) or any(name not in sizes for name in open_):
        error = ModelError(f"{title} takes {', '.join(names)}")
        error = error.with_hint(Hint.ROW_SHAPES, repr(names[0]))
        raise error.with_hint(Hint.HOLD_INPUT, repr(names[-1]))
    rows = {sizes[name][0] if sizes[name] else 1 for name in open_}
    if len(rows) > 1:
        raise ModelError(f"inputs {', '.join(open_)} of {title} hold unlike numbers of rows")
    (batch,) = rows
    n_rows = ROWS_OF_OPEN_BATCH if batch is None else batch
    if parts:
        total = (sum(map(prod, parts.values())),)
        return TorchInputs(total, parts, options.constants, names, n_rows)
    shape = _row_of(sizes[open_[0]], requested)
    return TorchInputs(shape, {}, options.constants, names, n_rows)


def _is_dict(value: Any) -> bool:
    return isinstance(value, Mapping)


def _require_known(names: tuple[str, ...], given: list[str], title: str) -> None:
    unknown = [name for name in given if name not in names]
    if unknown:
        raise ModelError(f"{title} takes no {unknown[0]!r}; its inputs are {', '.join(names)}")


def _row_of(size: tuple[int | None, ...], requested: Any) -> Shape:
    """The shape of a row: as requested, else as exported."""
    if requested is not None:
        return row_shape(requested)
    row = tuple(n for n in size[1:] if n is not None)
    if len(row) < len(size) - 1:
        error = ModelError(f"the program was exported with the open shape {size}")
        raise error.with_hint(Hint.ROW_SHAPE)
    return row
