"""What the outputs of a fitted transformer are, learnt from the training rows themselves.

Which columns an output depends on is tried: cells of one column are exchanged and the outputs that
change depend on it. That holds for any transformer of rows, whatever it is made of; encoders are
looked for (`_fitted_encoders`) only for the names of levels.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .._core.caller import caller_stacklevel
from .._core.types import Floats, Indices, Mask
from ..errors import DataError, DataWarning, HullwiseError
from ..io.mixed_column import ColumnKind
from ..io.mixed_table import MixedTable
from ._fitted_encoders import EncodedFeature, encoded_features
from ._output_blocks import BlockLearner
from ._transformer_input import NativeColumns, transformer_input
from ._transformer_output import output_names, transformed_rows
from .columns import Column, SegmentColumn, UnusedColumn
from .infer import level_column
from .output_columns import CURVES, KnownLevels, OutputBlock, OutputColumn, list_of_inputs
from .spec import ColumnSpec
from .transformed_coordinates import TransformedCoordinates, inputs_of, transforming_part

EXCHANGED_ROWS = 200  # cells of each column that are exchanged
EXCHANGE_BATCH = 20_000  # rows that are transformed at once
SAME_OUTPUT = 1e-6  # of the largest: an output in float32, computed again or on a straight line


def learn_outputs(
    transformer: Any, table: MixedTable, spec: ColumnSpec
) -> tuple[TransformedCoordinates, tuple[UnusedColumn, ...], tuple[str, ...]]:
    """The coordinates that a fitted transformer gives; columns that it does not need; notes.

    Raises
    ------
    DataError, DataTypeError
        The transformer is not fitted, takes other columns, gives no numbers, or gives for a row
        what depends on the other rows.
    """
    transformer, notes = transforming_part(transformer)
    inputs = transformer_input(transformer, table, list(spec.roles))
    native = inputs.read(table)
    draft = TransformedCoordinates((), transformer, inputs, (), ())
    first, names = transformed_rows(
        transformer, inputs.probe_rows.frame(inputs.names), "cells of the training rows"
    )
    listed = output_names(transformer, names, first.shape[1])
    draft = replace(draft, output_names=listed)
    replaced = draft.refused_gaps(table)
    outputs = draft.outputs(table, replaced)
    _refuse_mixed_rows(draft, native.substituted(inputs.probe_rows, replaced), outputs)
    depends = dependence(draft, table, native, replaced)
    segments = [
        level_column(SegmentColumn, table.column(name), "declared", gap_is_level=True)
        for name in spec.columns_with("segment")
    ]
    columns = tuple(
        _with_own_names([*segments, *_columns(draft, table, outputs, depends, replaced)])
    )
    needed = tuple(dict.fromkeys(name for column in columns for name in inputs_of(column)))
    coordinates = replace(draft, columns=columns, needed=needed, _gap_rules={})
    notes = (*notes, *_notes(coordinates, table, spec))
    unused = tuple(
        UnusedColumn(name, spec.roles[name])
        if name in spec.roles
        else UnusedColumn(name, "left out", "not used by the transformer")
        for name in table.names
        if spec.roles.get(name) != "segment" and (name in spec.roles or name not in needed)
    )
    if not any(column.width for column in columns):
        raise DataError("the transformer gives the same for every training row: nothing to locate.")
    return coordinates, unused, notes


def _refuse_mixed_rows(
    coordinates: TransformedCoordinates, native: NativeColumns, outputs: Floats
) -> None:
    """Transform a part of the rows again: it must give the same."""
    rows = np.unique(np.linspace(0, native.n - 1, 20).astype(np.intp))
    again = coordinates.transformed(native.take(rows), "some of the rows")
    size = np.nanmax(np.abs(outputs), axis=0, initial=0.0)
    same = np.isclose(again, outputs[rows], rtol=0, atol=SAME_OUTPUT * size, equal_nan=True)
    if not same.all():
        name = coordinates.output_names[int(np.argmin(same.all(axis=0)))]
        raise DataError(
            f"the transformer's output {name!r} for a row depends on the rows that are transformed "
            "with it, or on chance: it is no coordinate of the row."
        )


def dependence(
    coordinates: TransformedCoordinates,
    table: MixedTable,
    native: NativeColumns,
    refused: Mapping[str, Mask],
) -> Mask:
    """(k, inputs) which outputs change when cells of a column are exchanged.

    Gaps are among the cells, but for those that the transformer refuses.
    """
    names = coordinates.inputs.names
    choices = {name: _varied_rows(table, name) for name in names}
    shifted = {name: np.roll(rows, len(rows) // 2 + 1) for name, rows in choices.items()}
    for name in names:
        gaps = np.flatnonzero(table.column(name).empty)
        if len(gaps) and name not in refused:
            shifted[name][:: EXCHANGED_ROWS // 10] = gaps[0]
    depends = np.zeros((len(coordinates.output_names), len(names)), dtype=bool)
    try:
        base = coordinates.transformed(native.take(choices), "cells of the training rows")
        batch = max(1, EXCHANGE_BATCH // EXCHANGED_ROWS)
        for start in range(0, len(names), batch):
            some = names[start : start + batch]
            rows = {
                name: np.concatenate([(shifted if name == one else choices)[name] for one in some])
                for name in names
            }
            changed = coordinates.transformed(native.take(rows), "cells of the training rows")
            changed = changed.reshape(len(some), EXCHANGED_ROWS, -1)
            differs = ~((changed == base) | (np.isnan(changed) & np.isnan(base)))
            depends[:, start : start + batch] = differs.any(axis=1).T
    except HullwiseError:  # it refuses some combination of cells: nothing is known
        depends[:] = True
    return depends


def _varied_rows(table: MixedTable, name: str) -> Indices:
    """(EXCHANGED_ROWS,) training rows with different cells of a column, none of them empty."""
    cells = table.column(name)
    filled = np.flatnonzero(~cells.empty)
    if not len(filled):
        return np.zeros(EXCHANGED_ROWS, dtype=np.intp)
    if cells.kind in (ColumnKind.NUMBER, ColumnKind.TIME):
        numbers = cells.numbers() if cells.kind is ColumnKind.NUMBER else cells.days()
        order = np.argsort(numbers[filled], kind="stable")
        rows = filled[order[np.linspace(0, len(order) - 1, EXCHANGED_ROWS).astype(np.intp)]]
    else:
        labels = cells.labels(cells.kind).dictionary_encode()
        codes = np.asarray(labels.indices.fill_null(-1).to_numpy(zero_copy_only=False))
        _, first = np.unique(codes[filled], return_index=True)
        rows = np.resize(filled[first], EXCHANGED_ROWS)
    return np.random.default_rng(0).permutation(rows).astype(np.intp)


def _columns(
    coordinates: TransformedCoordinates,
    table: MixedTable,
    outputs: Floats,
    depends: Mask,
    replaced: Mapping[str, Mask],
) -> tuple[Column, ...]:
    names = coordinates.inputs.names
    learner = BlockLearner(table, coordinates.output_names, outputs, names, depends, replaced)
    features = encoded_features(coordinates.transformer, names)
    for feature in features:
        learner.add_feature(feature)
    learner.add_indicators()
    learner.add_constants()
    columns: list[Column] = list(learner.blocks)
    for j in np.flatnonzero(~learner.is_taken):
        columns.append(_number(coordinates, table, outputs, int(j), depends[j], replaced))
    columns.sort(key=_first_output)
    checked = {c.source for c in columns if isinstance(c, OutputBlock) and c.is_cell}
    return (*columns, *_known_levels(learner, features, checked))


def _first_output(column: Column) -> int:
    if isinstance(column, OutputBlock):
        return column.outputs[0]
    return column.output if isinstance(column, OutputColumn) else -1


def _number(
    coordinates: TransformedCoordinates,
    table: MixedTable,
    outputs: Floats,
    j: int,
    depends: Mask,
    replaced: Mapping[str, Mask],
) -> OutputColumn:
    inputs = tuple(n for n, does in zip(coordinates.inputs.names, depends) if does)
    name = coordinates.output_names[j]
    if len(inputs) != 1:
        shown = f"{name} (from {list_of_inputs(inputs)})"
        return OutputColumn(shown, inputs[0] if inputs else name, "", j, inputs)
    (source,) = inputs
    column = OutputColumn(source, source, f"output {name!r}", j, inputs)
    cells = table.column(source)
    if cells.kind is not ColumnKind.NUMBER:
        return column
    values = cells.numbers()
    used = ~np.isnan(values) & ~np.isnan(outputs[:, j])
    return _on_a_curve(column, values[used], outputs[used, j])


def _on_a_curve(column: OutputColumn, cells: Floats, output: Floats) -> OutputColumn:
    """The column with the straight line that its output is of its cells, where it is one."""
    for curve, (forward, _) in CURVES.items():
        with np.errstate(all="ignore"):
            x = forward(cells)
        if len(x) < 3 or not np.isfinite(x).all() or x.max() == x.min():
            continue
        low, high = int(np.argmin(x)), int(np.argmax(x))
        slope = (output[high] - output[low]) / (x[high] - x[low])
        offset = output[low] - slope * x[low]
        error = np.abs(slope * x + offset - output).max()
        if slope != 0 and error <= SAME_OUTPUT * np.abs(output).max():
            return replace(column, curve=curve, slope=float(slope), offset=float(offset))
    return column


def _known_levels(
    learner: BlockLearner, features: Sequence[EncodedFeature], checked: set[str]
) -> list[KnownLevels]:
    """Encoders whose outputs are no levels of their own, but whose levels are cells of a column."""
    columns = {}
    for feature in features:
        if feature.name in checked or feature.name in columns:
            continue
        column = learner.known_levels(feature)
        if column is not None:
            columns[feature.name] = column
    return list(columns.values())


def _with_own_names(columns: Sequence[Column]) -> list[Column]:
    """Outputs of one column of the table told apart; what says its levels keeps its name."""
    keeps: dict[str, Column] = {}
    for column in sorted(columns, key=_name_rank):
        keeps.setdefault(column.name, column)
    return [
        column
        if keeps[column.name] is column
        else replace(column, name=f"{column.name} ({column.reason.partition(' ')[2]})")
        for column in columns
    ]


def _name_rank(column: Column) -> int:
    if isinstance(column, OutputBlock):
        return 1 if column.is_cell else 3
    if isinstance(column, OutputColumn):
        return 2 if column.slope else 4
    return 0


def _notes(coordinates: TransformedCoordinates, table: MixedTable, spec: ColumnSpec) -> list[str]:
    notes = []
    for feature in encoded_features(coordinates.transformer, coordinates.inputs.names):
        if feature.blind:
            text = (
                f"transformer: {feature.encoder} cannot tell a level of {feature.name!r} never "
                f"seen from {feature.dropped!r}, the level it dropped: use drop=None."
            )
            blocks = [c for c in coordinates.columns if isinstance(c, OutputBlock)]
            if any(c.is_cell and c.source == feature.name for c in blocks):
                text += " The domain looks at the cell itself; the model behind does not."
            warnings.warn(text, DataWarning, stacklevel=caller_stacklevel())
            notes.append(text)
    for name in coordinates.needed:
        cells = table.column(name)
        role = spec.roles.get(name, "")
        if role in ("id", "target", "group", "time"):
            notes.append(f"the transformer takes {name!r}, which is declared {role}")
        bad = cells.bad_number()
        if bad is not None:
            notes.append(
                f"{name!r} holds {bad[1]!r} ({cells.place(bad[0])}), and {100 * bad[2]:.3g} % of "
                "its cells are numbers: the transformer takes it for text"
            )
        elif cells.kind is ColumnKind.TIME:
            notes.append(
                f"the transformer makes numbers of the dates in {name!r}: every later row may be "
                "beyond, whatever else it holds"
            )
    return [*notes, *coordinates.notes_on(table)]
