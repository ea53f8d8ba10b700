"""What a fitted transformer gives, as numbers with names, and its faults in our words."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from .._core.foreign import own_errors
from .._core.memory import check_memory
from .._core.types import Floats
from ..errors import DataError, DataTypeError
from ..io.mixed_column import ColumnKind
from ..io.mixed_table import read_mixed


def transformed_rows(transformer: Any, frame: Any, source: str) -> tuple[Floats, Any]:
    """The outputs (m, k) as float64, NaN in gaps, and their names or None.

    Raises
    ------
    DataError, DataTypeError
        The transformer refuses the rows, or gives what is no table of finite numbers.
    """
    with own_errors(f"transforming {source}", including_callers=True), warnings.catch_warnings():
        # of levels never seen and the like, which are named row by row
        warnings.simplefilter("ignore")
        output = transformer.transform(frame)
    names = None
    if hasattr(output, "toarray"):
        check_memory(16 * int(np.prod(output.shape)), f"{source} as coordinates")
        output = output.toarray()
    if not isinstance(output, np.ndarray):
        output, names = _frame_values(output)
    width = output.shape[1] if output.ndim == 2 else 1
    values = _as_numbers(output, output_names(transformer, names, width))
    if values.ndim == 1:
        values = values[:, None]
    if values.ndim != 2 or len(values) != len(frame):
        raise DataError(
            f"the transformer gives an array of shape {values.shape} for {len(frame)} rows: "
            "expected one row of numbers for each."
        )
    if np.isinf(values).any():
        row, column = (int(i) for i in np.argwhere(np.isinf(values))[0])
        name = output_names(transformer, names, width)[column]
        raise DataError(
            f"the transformer gives an infinite number for row {row} in output {name!r}."
        )
    return values, names


def _frame_values(output: Any) -> tuple[Any, list[str]]:
    table = read_mixed(output, name="the transformer's output")
    columns = []
    for name in table.names:
        cells = table.column(name)
        if cells.kind not in (ColumnKind.NUMBER, ColumnKind.BOOLEAN, ColumnKind.EMPTY):
            raise _no_numbers(name, cells.kind.value)
        columns.append(np.full(table.n, np.nan) if cells.empty.all() else cells.numbers())
    return np.column_stack([np.zeros((table.n, 0)), *columns]), list(table.names)


def _as_numbers(output: Any, names: Sequence[str]) -> Floats:
    if output.dtype.kind in "biuf":
        return np.asarray(output, dtype=np.float64)
    if output.dtype.kind == "O":
        try:
            return np.asarray(output, dtype=np.float64)
        except (TypeError, ValueError):
            for name, cells in zip(names, np.atleast_2d(output.T)):
                text = next((cell for cell in cells if isinstance(cell, str)), None)
                if text is not None:
                    raise _no_numbers(name, f"text ({text!r})") from None
    raise _no_numbers("of the transformer", str(output.dtype))


def _no_numbers(name: Any, kind: str) -> DataTypeError:
    return DataTypeError(
        f"the transformer's output {name!r} holds {kind}: coordinates are numbers, so encode it "
        "there (OneHotEncoder), or drop it."
    )


def output_names(transformer: Any, names: Any, n_outputs: int) -> tuple[str, ...]:
    """What the outputs are called: by the transformer, by its frame, or by their number."""
    try:
        listed = [str(name) for name in transformer.get_feature_names_out()]
    except Exception:  # steps that give no names, each in its own way
        listed = []
    if len(listed) != n_outputs and names is not None:
        listed = [str(name) for name in names]
    if len(listed) != n_outputs or len(set(listed)) != n_outputs:
        listed = [f"output {j}" for j in range(n_outputs)]
    return tuple(listed)
