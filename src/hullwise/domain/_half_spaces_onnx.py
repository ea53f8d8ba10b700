"""Half-spaces as an ONNX model: one input (N, 1) for each column, and what is proved of rows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from os import PathLike

import numpy as np

from .. import __version__
from ..errors import DataError
from ..geometry.bands import BANDS
from ..io.mixed_column import ColumnKind
from ..table.columns import CategoryColumn, LevelColumn, PeriodicColumn
from ._export_precision import ExportNumbers, Precision, numbers_in
from ._onnx_builder import OnnxBuilder
from .half_spaces import HalfSpaces

ONNX_OUTPUTS = ("proved_outside", "lower", "band", "rule")
GAP_CODE, UNSEEN_CODE = -2, -1  # of text, beside the numbers of levels
GAP_NUMBER = 1.5e30  # stands for a gap among levels that are numbers
BELOW_ALL = -1e30  # stands for the logarithm of what has none: out of every box
TRUTH_NUMBERS = {"True": 1.0, "False": 0.0}


@dataclass(frozen=True)
class ColumnValues:
    """The names of one column's values in the graph.

    Attributes
    ----------
    features : str or None
        (N, k), 0 where the column cannot be used.
    usable, filled : str or None
        (N, 1) booleans; None for columns without features.
    number : str or None
        (N, 1), NaN in gaps, of columns that have a range.
    unseen : str or None
        (N, 1) booleans, of columns of levels.
    """

    features: str | None
    usable: str | None
    filled: str | None
    number: str | None = None
    unseen: str | None = None


def write_half_spaces_onnx(
    rules: HalfSpaces, path: str | PathLike[str], precision: Precision, *, force: bool
) -> None:
    """Write the model; see `HalfSpaces.to_onnx`."""
    numbers = numbers_in(rules, precision)
    graph = OnnxBuilder(numbers.dtype)
    _check_names(rules)
    inputs: dict[str, str] = {}
    for column in rules.columns:
        if column.source not in inputs:
            is_text = isinstance(column, LevelColumn) and _levels_are_text(column)
            inputs[column.source] = graph.read(column.source, is_text)
    values = [
        _column(graph, rules, numbers, j, inputs[column.source])
        for j, column in enumerate(rules.columns)
    ]
    if not inputs:
        raise DataError("there is no column to read: an ONNX model needs an input.")
    excesses = _excesses(graph, rules, numbers, values, _zero(graph, values))
    best = graph.node("ReduceMax", excesses, axes=[1], keepdims=1)
    lower = graph.node("Max", best, graph.constant(0.0))
    lower = graph.node("Mul", lower, graph.constant(numbers.shrinkage))
    broken = graph.node("Greater", best, graph.constant(0.0))
    rule = graph.node("ArgMax", excesses, axis=1, keepdims=1)
    rule = graph.node("Where", broken, rule, graph.constant(-1, np.int64))
    band = _band(graph, rules, numbers, values, lower)
    outside = broken
    levels = [(j, v.unseen) for j, v in enumerate(values) if v.unseen is not None]
    if levels:
        unseen = graph.concat(*(name for _, name in levels))
        is_far = graph.any(unseen)
        first = graph.node("ArgMax", graph.number(unseen), axis=1, keepdims=1)
        place = graph.node("Gather", graph.constant([j for j, _ in levels], np.int64), first)
        rule = graph.node("Where", is_far, place, rule)
        band = graph.node("Where", is_far, graph.constant(3, np.int64), band)
        outside = graph.node("Or", broken, is_far)
    taken = set(inputs)
    names = [name + "_" * (name in taken) for name in ONNX_OUTPUTS]
    answers = [(outside, np.bool_), (lower, numbers.dtype), (band, np.int64), (rule, np.int64)]
    graph.write(path, dict(zip(names, answers)), _metadata(rules), force=force)


def _check_names(rules: HalfSpaces) -> None:
    for column in rules.columns:
        if not column.source or column.source.startswith("hullwise/"):
            raise DataError(f"column {column.source!r} has a name that no input of ONNX can have.")
        if column.role == "date" or (isinstance(column, PeriodicColumn) and column.part):
            raise DataError(
                f"column {column.name!r} is of a date, and ONNX has neither dates nor calendars: "
                "export to SQL, or fit on numbers made of the date beforehand."
            )


def _metadata(rules: HalfSpaces) -> dict[str, str]:
    return {
        "made_by": f"hullwise {__version__}",
        "metric": rules.metric_text,
        "bands": json.dumps(BANDS),
        "columns": json.dumps([column.name for column in rules.columns]),
        "n_train": str(rules.n_train),
    }


def _levels_are_text(column: LevelColumn) -> bool:
    return column.kind not in (ColumnKind.NUMBER, ColumnKind.BOOLEAN)


def _column(
    graph: OnnxBuilder, rules: HalfSpaces, numbers: ExportNumbers, j: int, cell: str
) -> ColumnValues:
    column = rules.columns[j]
    if isinstance(column, LevelColumn):
        code = _code(graph, rules, column, cell)
        return _levels(graph, rules, numbers, j, code)
    if isinstance(column, PeriodicColumn):
        return _circle(graph, numbers, column, cell)
    x = cell
    if column.role == "log":
        logarithm = graph.node("Log", cell)
        logarithm = graph.node("Div", logarithm, graph.constant(np.log(10.0)))
        has_one = graph.node("Greater", cell, graph.constant(0.0))
        below = graph.node("Where", graph.node("IsNaN", cell), cell, graph.constant(BELOW_ALL))
        x = graph.node("Where", has_one, logarithm, below)
    return _scaled(graph, rules, numbers, j, x)


def _scaled(
    graph: OnnxBuilder, rules: HalfSpaces, numbers: ExportNumbers, j: int, x: str
) -> ColumnValues:
    k = rules.features.coordinates.coordinates_of(j)
    centre, scale = rules.features.centre[k][0], rules.features.scale[k][0]
    scaled = graph.node("Mul", graph.node("Sub", x, graph.constant(centre)), graph.constant(scale))
    usable = graph.node("Less", graph.node("Abs", scaled), graph.constant(numbers.usable))
    filled = graph.node("Not", graph.node("IsNaN", x))
    return ColumnValues(_where_usable(graph, usable, scaled), usable, filled, number=x)


def _where_usable(graph: OnnxBuilder, usable: str, features: str) -> str:
    return graph.node("Where", usable, features, graph.constant(0.0))


def _circle(
    graph: OnnxBuilder, numbers: ExportNumbers, column: PeriodicColumn, cell: str
) -> ColumnValues:
    turn = graph.node("Div", cell, graph.constant(column.period))
    most = min(numbers.most_periods, float(np.finfo(numbers.dtype).max))
    usable = graph.node("Less", graph.node("Abs", turn), graph.constant(most))
    part = graph.node("Sub", turn, graph.node("Floor", turn))
    angle = graph.node("Mul", part, graph.constant(2 * np.pi))
    features = graph.concat(graph.node("Cos", angle), graph.node("Sin", angle))
    filled = graph.node("Not", graph.node("IsNaN", cell))
    return ColumnValues(_where_usable(graph, usable, features), usable, filled)


def _code(graph: OnnxBuilder, rules: HalfSpaces, column: LevelColumn, cell: str) -> str:
    """(N, 1) the number of a level, or what stands for a gap or a level never seen."""
    names = list(column.levels)
    gap = GAP_CODE
    if column.gap_is_level and LevelColumn.GAP in names:
        gap = names.index(LevelColumn.GAP)
    if _levels_are_text(column):
        known = {name: number for number, name in enumerate(names)}
        known |= dict.fromkeys(["", *rules.gaps], gap)
        return graph.node(
            "LabelEncoder",
            cell,
            domain="ai.onnx.ml",
            keys_strings=list(known),
            values_int64s=list(known.values()),
            default_int64=UNSEEN_CODE,
        )
    known_numbers = {
        TRUTH_NUMBERS[name] if column.kind is ColumnKind.BOOLEAN else float(name): number
        for number, name in enumerate(names)
        if not (column.gap_is_level and name == LevelColumn.GAP)
    }
    keys = [*known_numbers, GAP_NUMBER]
    places = np.array([*known_numbers.values(), gap]) - UNSEEN_CODE
    is_gap = graph.node("IsNaN", cell)
    filled = graph.node("Where", is_gap, graph.constant(GAP_NUMBER), cell)
    equal = graph.number(graph.node("Equal", filled, graph.constant([keys])))
    place = graph.row_sum(graph.node("Mul", equal, graph.constant([places])))
    code = graph.node("Add", place, graph.constant(float(UNSEEN_CODE)))
    return graph.node("Cast", code, to=graph.type_of(np.int64))


def _levels(
    graph: OnnxBuilder, rules: HalfSpaces, numbers: ExportNumbers, j: int, code: str
) -> ColumnValues:
    column = rules.columns[j]
    unseen = graph.node("Equal", code, graph.constant(UNSEEN_CODE, np.int64))
    if not column.width:
        return ColumnValues(None, None, None, unseen=unseen)
    filled = graph.node("Greater", code, graph.constant(-1, np.int64))
    if isinstance(column, CategoryColumn):
        places = graph.constant([np.arange(len(column.levels))], np.int64)
        features = graph.number(graph.node("Equal", code, places))
        return ColumnValues(features, filled, filled, unseen=unseen)
    rank = graph.node("Where", filled, graph.number(code), graph.constant(np.nan))
    values = _scaled(graph, rules, numbers, j, rank)
    return ColumnValues(values.features, values.usable, values.filled, rank, unseen)


def _zero(graph: OnnxBuilder, values: list[ColumnValues]) -> str:
    """(N, 1) zeros."""
    mask = next(m for v in values for m in (v.filled, v.unseen) if m is not None)
    return graph.node("Where", mask, graph.constant(0.0), graph.constant(0.0))


def _excesses(
    graph: OnnxBuilder,
    rules: HalfSpaces,
    numbers: ExportNumbers,
    values: list[ColumnValues],
    zero: str,
) -> str:
    """(N, C + 1 + R) what each rule proves: ranges, the ellipsoid, half-spaces."""
    parts = [
        zero if v.number is None else _out_of_range(graph, rules, numbers, j, v.number)
        for j, v in enumerate(values)
    ]
    used = [j for j, v in enumerate(values) if v.features is not None]
    if not used:
        return graph.concat(*parts, zero)
    f = graph.concat(*(str(values[j].features) for j in used))
    usable = graph.concat(*(str(values[j].usable) for j in used))
    lacks = graph.number(graph.node("Not", usable))
    parts.append(zero)
    if rules.ellipsoid is not None:
        image = graph.node("MatMul", f, graph.constant(rules.ellipsoid.matrix.T))
        image = graph.node("Sub", image, graph.constant(rules.ellipsoid.centre))
        length = graph.node("Sqrt", graph.row_sum(graph.node("Mul", image, image)))
        excess = graph.node("Sub", length, graph.constant(numbers.radius))
        parts[-1] = graph.node("Where", graph.any(graph.node("Not", usable)), zero, excess)
    if len(rules.weights):
        sums = graph.node("MatMul", f, graph.constant(rules.weights.T))
        sums = graph.node("Sub", sums, graph.constant(numbers.offsets))
        gaps = graph.node("MatMul", lacks, graph.constant(rules.uses[:, used].T))
        has_gap = graph.node("Greater", gaps, graph.constant(0.5))
        parts.append(graph.node("Where", has_gap, graph.constant(0.0), sums))
    return graph.concat(*parts)


def _out_of_range(
    graph: OnnxBuilder, rules: HalfSpaces, numbers: ExportNumbers, j: int, x: str
) -> str:
    above = graph.node("Greater", x, graph.constant(numbers.maximum[j]))
    below = graph.node("Less", x, graph.constant(numbers.minimum[j]))
    at = graph.node("Mul", x, graph.constant(rules.box_root[j]))
    over = graph.node("Sub", at, graph.constant(numbers.high[j]))
    under = graph.node("Sub", graph.constant(numbers.low[j]), at)
    amount = graph.node("Where", above, over, under)
    amount = graph.node("Max", amount, graph.constant(numbers.least_excess))
    return graph.node("Where", graph.node("Or", above, below), amount, graph.constant(0.0))


def _band(
    graph: OnnxBuilder,
    rules: HalfSpaces,
    numbers: ExportNumbers,
    values: list[ColumnValues],
    lower: str,
) -> str:
    """(N, 1) number of the band that each row is in at least, by its pattern of gaps."""
    used = [j for j, v in enumerate(values) if v.filled is not None]
    if not used or not len(rules.band_limits):
        return graph.node("Cast", _zero(graph, values), to=graph.type_of(np.int64))
    filled = graph.number(graph.concat(*(str(values[j].filled) for j in used)))
    patterns = rules.band_columns[:, used].astype(np.float64)
    # as many columns differ as are filled and should not be, and should be and are not
    same = graph.node("MatMul", filled, graph.constant((1 - 2 * patterns).T))
    differ = graph.node("Add", same, graph.constant(patterns.sum(axis=1)))
    alike = graph.number(graph.node("Less", differ, graph.constant(0.5)))
    bands = alike
    over = [
        graph.number(graph.node("Greater", lower, graph.constant(numbers.band_limits[:, band])))
        for band in range(3)
    ]
    steps = graph.node("Add", graph.node("Add", over[0], over[1]), over[2])
    bands = graph.row_sum(graph.node("Mul", alike, steps))
    return graph.node("Cast", bands, to=graph.type_of(np.int64))
