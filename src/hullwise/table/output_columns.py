"""What the outputs of a transformer are taken for: numbers, or the levels of one-hot blocks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from .._core.types import Floats, Mask
from ..errors import DataError
from ..io.mixed_column import ColumnKind, MixedColumn
from .columns import CategoryColumn, Column, LevelColumn, SegmentColumn

MOST_NAMES = 3  # inputs of one output that are named
# Numbers that an output may be a straight line of, and the way back.
CURVES: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "": (np.positive, np.positive),
    "log": (np.log, np.exp),
    "log1p": (np.log1p, np.expm1),
    "sqrt": (np.sqrt, np.square),
}


@dataclass(frozen=True)
class OutputColumn(Column):
    """A number that a transformer gives.

    Attributes
    ----------
    output : int
        Its place among the outputs.
    inputs : tuple of str
        The columns of the table that it depends on.
    curve, slope, offset
        Where it is slope * curve(number) + offset of one column of numbers: changes are then in
        units of that column. The slope is 0 where it is not.
    """

    role: ClassVar[str] = "output"
    output: int = 0
    inputs: tuple[str, ...] = ()
    curve: str = ""
    slope: float = 0.0
    offset: float = 0.0

    def encode(self, cells: MixedColumn) -> tuple[Floats, Mask]:
        raise DataError(f"{self.name!r} is an output of a transformer, not a column of a table.")

    def amount(self, query: Floats, nearest: Floats, half_width: Floats) -> Floats:
        """In units of the table's column where the output is a scaling or logarithm of one."""
        amount = super().amount(query, nearest, half_width)
        if self.slope == 0:
            return amount
        return np.where(amount != 0, self.cells(query) - self.cells(nearest), 0.0)

    def cells(self, coordinates: Floats) -> Floats:
        """(...) the cells of the table's column that it is a scaling of; arrays (..., 1)."""
        with np.errstate(over="ignore"):
            scaled = (coordinates[..., 0] - self.offset) / self.slope
            return np.asarray(CURVES[self.curve][1](scaled), dtype=np.float64)

    def describe(self) -> str:
        if self.slope:
            return "number, as the transformer scales it"
        return f"output of the transformer, from {list_of_inputs(self.inputs)}"

    def to_json(self) -> dict[str, Any]:
        more = {"output": self.output, "inputs": list(self.inputs), "curve": self.curve}
        return {**super().to_json(), **more, "slope": self.slope, "offset": self.offset}


@dataclass(frozen=True)
class OutputBlock(CategoryColumn):
    """Outputs of which at most one is on: the levels of a category.

    Attributes
    ----------
    outputs : tuple of int
        Their places among the outputs.
    places : tuple of int
        The level of each, -1 where no training row has it.
    limits : tuple of float
        An output above its limit is on.
    off_level : int
        The level of rows in which none is on, -1 where that is a level never seen.
    is_cell : bool
        Whether the levels are the cells of the table's column: a new row's cell then is looked up
        before it is transformed.
    """

    outputs: tuple[int, ...] = ()
    places: tuple[int, ...] = ()
    limits: tuple[float, ...] = ()
    off_level: int = -1
    is_cell: bool = False

    def decode(self, outputs: Floats) -> tuple[Floats, Mask]:
        """Coordinates (m, width) and levels never seen, of all outputs of the transformer."""
        block = outputs[:, self.outputs]
        gap = np.isnan(block).any(axis=1)
        on = block > np.array(self.limits)
        codes = np.where(
            on.any(axis=1), np.array(self.places)[np.argmax(on, axis=1)], self.off_level
        )
        values = self.vertices[np.maximum(codes, 0)]
        values[gap | (codes < 0)] = np.nan
        return values, ~gap & (codes < 0)

    def to_json(self) -> dict[str, Any]:
        more = {"outputs": list(self.outputs), "places": list(self.places)}
        limits = {"limits": list(self.limits), "off_level": self.off_level}
        return {**super().to_json(), **more, **limits, "is_cell": self.is_cell}


@dataclass(frozen=True)
class KnownLevels(LevelColumn):
    """Levels that an encoder knows, whose outputs are mixed with others: no coordinate of its own.

    A row with a level never seen is far, by name.
    """

    role: ClassVar[str] = "levels"

    @property
    def width(self) -> int:
        return 0

    @property
    def coordinate_names(self) -> tuple[str, ...]:
        return ()

    def encode(self, cells: MixedColumn) -> tuple[Floats, Mask]:
        _, unseen = self.codes(cells)
        return np.zeros((len(unseen), 0)), unseen

    def fixed_weights(self, metric: str) -> Floats:
        return np.zeros(0)

    def describe(self) -> str:
        return f"{len(self.levels)} levels, which only say what was never seen"


def list_of_inputs(names: tuple[str, ...]) -> str:
    """A few of the columns that an output depends on."""
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return (", ".join(names[:MOST_NAMES]) + more) or "no column"


OUTPUT_TYPES: dict[str, type[Column]] = {
    "output": OutputColumn,
    "category": OutputBlock,
    "levels": KnownLevels,
    "segment": SegmentColumn,
}


def output_column_from_json(stored: dict[str, Any]) -> Column:
    """The column that `to_json` stored.

    Raises
    ------
    DataError
        What is stored is no column of a transformer's.
    """
    values = dict(stored)
    kind = OUTPUT_TYPES.get(str(values.pop("role", "")))
    try:
        if kind is None:
            raise KeyError(stored.get("role"))
        for name in ("levels", "counts", "outputs", "places", "limits", "inputs"):
            if name in values:
                values[name] = tuple(values[name])
        if "kind" in values:
            values["kind"] = ColumnKind(values["kind"])
        column = kind(**values)
        if isinstance(column, OutputColumn) and column.curve not in CURVES:
            raise ValueError(column.curve)
        return column
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"a stored output cannot be read ({error}): {str(stored)[:80]}") from None
