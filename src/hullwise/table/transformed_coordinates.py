"""The outputs of a fitted transformer as coordinates, told in the columns that it takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from .._core.types import Floats, Mask
from .._core.wording import type_of
from ..errors import DataError, HullwiseError
from ..io.coercion import format_names
from ..io.mixed_table import MixedTable
from ._transformer_input import InputColumn, NativeColumns, TransformerInput
from ._transformer_output import output_names, transformed_rows
from .columns import Column, SegmentColumn
from .coordinates import Coordinates, EncodedRows
from .output_columns import KnownLevels, OutputBlock, OutputColumn, output_column_from_json

PROBE_TOLERANCE = 1e-6  # of the largest output, which may be float32: the same transformer


@dataclass(frozen=True, eq=False)
class TransformedCoordinates(Coordinates):
    """What a fitted transformer makes of a table, as coordinates.

    Attributes
    ----------
    columns : tuple of OutputColumn, OutputBlock and KnownLevels
    transformer : object with transform
    inputs : TransformerInput
        What it takes.
    output_names : tuple of str
    needed : tuple of str
        The columns of the table that some output depends on.

    Notes
    -----
    A cell that the transformer would refuse, a level that it never saw or a gap, is replaced by one
    that it knows before it is asked; whatever depends on that cell is then a gap.
    """

    transformer: Any
    inputs: TransformerInput
    output_names: tuple[str, ...]
    needed: tuple[str, ...]
    _gap_rules: dict[str, str] = field(default_factory=dict)

    @property
    def sources(self) -> tuple[str, ...]:
        return self.needed

    def encode(self, table: MixedTable) -> EncodedRows:
        lacking = [name for name in self.needed if name not in table.names]
        if lacking:
            raise DataError(
                f"{table.source} lacks the column{'s' * (len(lacking) > 1)} "
                f"{format_names(lacking)}, which the transformer takes; it has "
                f"{format_names(list(table.names))}."
            )
        unseen = np.zeros((table.n, len(self.columns)), dtype=bool)
        replaced = self.refused_gaps(table)
        for j, column in enumerate(self.columns):
            if isinstance(column, KnownLevels | SegmentColumn) or (
                isinstance(column, OutputBlock) and column.is_cell
            ):
                _, unseen[:, j] = column.codes(table.column(column.source))
                if unseen[:, j].any() and column.source in self.inputs.names:
                    before = replaced.get(column.source, np.zeros(table.n, dtype=bool))
                    replaced[column.source] = before | unseen[:, j]
        outputs = self.outputs(table, replaced)
        values = np.empty((table.n, len(self.owner)))
        for j, column in enumerate(self.columns):
            block, new = self._coordinates(column, outputs, table)
            for name in inputs_of(column):
                if name in replaced:
                    block[replaced[name]] = np.nan
            values[:, self.coordinates_of(j)] = block
            unseen[:, j] |= new
        return EncodedRows(values, unseen)

    def _coordinates(
        self, column: Column, outputs: Floats, table: MixedTable
    ) -> tuple[Floats, Mask]:
        none = np.zeros(table.n, dtype=bool)
        if isinstance(column, OutputBlock):
            block, new = column.decode(outputs)
            return block, none if column.is_cell else new & ~table.column(column.source).empty
        if isinstance(column, OutputColumn):
            return outputs[:, [column.output]], none
        return np.zeros((table.n, 0)), none

    def outputs(self, table: MixedTable, replaced: Mapping[str, Mask]) -> Floats:
        """(m, k) what the transformer gives, cells replaced where the masks say so."""
        native = self.inputs.read(table)
        if replaced:
            native = native.substituted(self.inputs.probe_rows, replaced)
        return self.transformed(native, table.source)

    def transformed(self, native: NativeColumns, source: str) -> Floats:
        """(m, k) what the transformer gives for columns as it takes them."""
        if not native.n:
            return np.zeros((0, len(self.output_names)))
        values, _ = transformed_rows(self.transformer, native.frame(self.inputs.names), source)
        if values.shape[1] != len(self.output_names):
            raise DataError(
                f"the transformer gives {values.shape[1]} outputs for {source}, and gave "
                f"{len(self.output_names)} for the training rows."
            )
        return values

    def gap_rule(self, name: str) -> str:
        """What the transformer does with a gap in a column: "fills", "passes" or "refuses" it."""
        if name not in self._gap_rules:
            self._gap_rules[name] = self._probed_gap_rule(name)
        return self._gap_rules[name]

    def _probed_gap_rule(self, name: str) -> str:
        if any(isinstance(c, OutputBlock) and c.gap_is_level for c in self.columns_from(name)):
            return "passes"
        row = self.inputs.probe_rows.take(np.zeros(1, dtype=np.intp))
        try:
            outputs = self.transformed(row.emptied(name, np.ones(1, dtype=bool)), "a gap")
        except (HullwiseError, TypeError, ValueError):
            return "refuses"
        gaps = any(
            isinstance(column, OutputBlock) and np.isnan(column.decode(outputs)[0]).any()
            for column in self.columns_from(name)
        )
        return "passes" if gaps or np.isnan(outputs).any() else "fills"

    def columns_from(self, name: str) -> list[Column]:
        """The columns that depend on a column of the table."""
        return [column for column in self.columns if name in inputs_of(column)]

    def refused_gaps(self, table: MixedTable) -> dict[str, Mask]:
        """The gaps (m,) in each column that the transformer would refuse."""
        refused = {}
        for name in self.needed or self.inputs.names:
            empty = table.column(name).empty
            if name in self.inputs.names and empty.any() and self.gap_rule(name) == "refuses":
                refused[name] = np.array(empty)
        return refused

    def filled_gaps(self, table: MixedTable) -> list[str]:
        """The columns of a table whose gaps the transformer fills."""
        return [
            name
            for name in self.inputs.names
            if name in self.needed
            and table.column(name).empty.any()
            and self.gap_rule(name) == "fills"
        ]

    def notes_on(self, table: MixedTable) -> tuple[str, ...]:
        names = self.filled_gaps(table)
        if not names:
            return ()
        return (
            f"the transformer fills gaps in {format_names(names)}: a filled gap counts as a value",
        )

    def indicators(self, table: MixedTable) -> tuple[Floats, tuple[str, ...]]:
        encoded = self.encode(table)
        parts, names = [np.zeros((table.n, 0))], []
        for j, column in enumerate(self.columns):
            block = encoded.values[:, self.coordinates_of(j)]
            if isinstance(column, OutputBlock):
                block = np.rint(column.shares(block))
                names += [f"{column.name}={level}" for level in column.levels]
            else:
                names += column.coordinate_names
            parts.append(block)
        return np.hstack(parts), tuple(names)

    @cached_property
    def probe_outputs(self) -> Floats:
        """What the transformer gives for a few rows of kept cells; none where it refuses them."""
        try:
            return self.transformed(self.inputs.probe_rows, "the kept cells")
        except HullwiseError:
            return np.zeros((0, len(self.output_names)))

    def to_json(self) -> dict[str, Any]:
        """Everything but the transformer and its columns, as JSON."""
        return {
            "type": type(self.transformer).__name__,
            "library": self.inputs.library,
            "inputs": [column.to_json() for column in self.inputs.columns],
            "outputs": list(self.output_names),
            "needed": list(self.needed),
        }


def inputs_of(column: Column) -> tuple[str, ...]:
    """The columns of the table that a column of outputs depends on."""
    return column.inputs if isinstance(column, OutputColumn) else (column.source,)


def transforming_part(transformer: Any) -> tuple[Any, tuple[str, ...]]:
    """What of a fitted object transforms: a pipeline without its last step where that predicts.

    Raises
    ------
    DataError
        Nothing of it transforms.
    """
    steps = getattr(transformer, "steps", None)
    notes: tuple[str, ...] = ()
    if steps and hasattr(steps[-1][1], "predict"):
        if len(steps) == 1:
            raise DataError(
                f"transformer= is a pipeline of {type_of(steps[-1][1])} alone: no step "
                "before it makes coordinates."
            )
        notes = (
            f"the pipeline is used up to its last step, {steps[-1][0]!r} "
            f"({type(steps[-1][1]).__name__}), which predicts",
        )
        transformer = transformer[:-1]
    if not callable(getattr(transformer, "transform", None)):
        raise DataError(
            f"transformer= is {type_of(transformer)}, which has no transform: pass a "
            "fitted ColumnTransformer or Pipeline, or what transforms rows in front of the model."
        )
    return transformer, notes


def restore_coordinates(
    stored: dict[str, Any], columns: list[dict[str, Any]], transformer: Any, probes: Floats
) -> TransformedCoordinates:
    """The coordinates that were stored, with the transformer passed again and checked.

    Raises
    ------
    DataError
        The transformer is not the one that they were fitted with.
    """
    transformer, _ = transforming_part(transformer)
    coordinates = TransformedCoordinates(
        tuple(output_column_from_json(column) for column in columns),
        transformer,
        TransformerInput(
            stored["library"], tuple(InputColumn.from_json(c) for c in stored["inputs"])
        ),
        tuple(map(str, stored["outputs"])),
        tuple(map(str, stored["needed"])),
    )
    known = getattr(transformer, "feature_names_in_", None)
    if known is not None and tuple(map(str, known)) != coordinates.inputs.names:
        raise DataError(
            f"the transformer takes the columns {format_names([str(n) for n in known])}; the "
            f"domain was fitted with one that takes {format_names(coordinates.inputs.names)}"
        )
    if not len(probes):
        return coordinates
    outputs, names = transformed_rows(
        transformer,
        coordinates.inputs.probe_rows.frame(coordinates.inputs.names),
        "the kept cells",
    )
    listed = output_names(transformer, names, outputs.shape[1])
    if listed != coordinates.output_names:
        raise DataError(
            f"the transformer gives the outputs {format_names(listed)}; the domain was fitted with "
            f"one that gives {format_names(coordinates.output_names)}"
        )
    size = np.nanmax(np.abs(probes), initial=0.0)
    if not np.allclose(outputs, probes, rtol=0, atol=PROBE_TOLERANCE * size, equal_nan=True):
        raise DataError(
            "the transformer gives other numbers for the cells kept in the file than the one that "
            "the domain was fitted with: pass that one, or fit the domain again"
        )
    return coordinates
