"""A table of the user's own, from CSV text: its columns, and which of them become the picture.

The text comes as a message and is read from memory: no path is ever opened.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from ..errors import DataError, HullwiseError
from ..io.coercion import format_names
from ..io.mixed_column import ColumnKind, MixedColumn
from ..io.mixed_table import MixedTable, mixed_table
from ..io.table_reader import open_table_text

__all__ = [
    "MAX_OWN_CLASSES",
    "MAX_OWN_ROWS",
    "OwnTable",
    "TableChoice",
    "labels_of",
    "read_own_table",
]

MAX_OWN_ROWS = 5_000
MAX_OWN_COLUMNS = 60
MAX_OWN_CLASSES = 6  # that the page has colours for
LEVELS_OF_A_NUMBER = 6  # a column of fewer whole numbers is taken for classes
TABLE_NAME = "the table"
PRINCIPAL = "principal"


@dataclass(frozen=True)
class TableChoice:
    """What of a table becomes the picture.

    Attributes
    ----------
    plane : (str, str) or "principal"
        Two columns, or the two directions in which the features spread most.
    features : tuple of str
        The columns that span the space the plane lies in; those of the plane among them.
    inputs : "plane" or "all"
        What the network takes: the plane's two coordinates, or all features.
    target : str or None
    task : "classes" or "regression"
    units : "own" or "standard"
        In which coordinates are named.
    """

    plane: tuple[str, str] | str
    features: tuple[str, ...]
    inputs: str = "plane"
    target: str | None = None
    task: str = "classes"
    units: str = "own"

    def to_json(self) -> dict[str, Any]:
        """As JSON takes it."""
        return {
            "plane": self.plane if isinstance(self.plane, str) else list(self.plane),
            "features": list(self.features),
            "inputs": self.inputs,
            "target": self.target,
            "task": self.task,
            "units": self.units,
        }


@dataclass(frozen=True, eq=False)
class OwnTable:
    """A table that was read, its columns looked at.

    `faults` has, for columns of numbers with a cell that cannot be one, the sentence about it.
    """

    table: MixedTable
    kinds: Mapping[str, ColumnKind] = field(repr=False)
    faults: Mapping[str, str] = field(default_factory=dict, repr=False)

    @cached_property
    def numeric(self) -> tuple[str, ...]:
        """Columns of numbers, in which points can have coordinates."""
        numbers = (name for name, kind in self.kinds.items() if kind is ColumnKind.NUMBER)
        return tuple(name for name in numbers if name not in self.faults)

    @cached_property
    def varying(self) -> tuple[str, ...]:
        """Those that are not the same in all rows."""
        extent = {name: self.table.column(name).numbers() for name in self.numeric}
        return tuple(n for n, x in extent.items() if np.nanmin(x) < np.nanmax(x))

    def describe(self) -> dict[str, Any]:
        """What the page shows of it: its columns, and what is proposed."""
        proposal = self.proposal()
        return {
            "rows": self.table.n,
            "columns": [self._describe_column(name) for name in self.table.names],
            "proposed": proposal.to_json(),
            "limit": MAX_OWN_ROWS,
        }

    def _describe_column(self, name: str) -> dict[str, Any]:
        column, kind = self.table.column(name), self.kinds[name]
        bad = column.bad_number()
        reason = None
        if bad is not None:
            row, cell, _ = bad
            reason = f"{self.table.place(row)}, holds {cell!r:.60}, which is no number"
        elif kind is ColumnKind.EMPTY:
            reason = "no row has a value"
        else:
            reason = self.faults.get(name)
        levels = 0 if name in self.faults else len(set(labels_of(column)) - {None})
        return {
            "name": name,
            "kind": kind.value,
            "gaps": int(column.empty.sum()),
            "levels": levels,
            "is_coordinate": name in self.numeric,
            "is_target": kind is not ColumnKind.EMPTY and name not in self.faults,
            "reason": reason,
        }

    def proposal(self) -> TableChoice:
        """Two columns if there are no more, else the principal plane; the last column as target."""
        target = self._likely_target()
        features = tuple(name for name in self.varying if name != target)[:MAX_OWN_COLUMNS]
        if len(self.table.names) == 1:
            raise DataError(
                f"{TABLE_NAME} has one column, {self.table.names[0]!r:.60}: a comma, a semicolon "
                "or a tab parts columns, and a picture takes two of numbers"
            )
        if len(features) < 2:
            raise DataError(
                f"{TABLE_NAME} has {len(self.varying)} column"
                f"{'s' * (len(self.varying) != 1)} of numbers that vary"
                f"{self._numeric_text()}: a picture takes two, and one more column to predict"
            )
        plane: tuple[str, str] | str = PRINCIPAL
        if len(features) == 2:
            plane = features[0], features[1]
        task = "classes" if target is None or self._has_classes(target) else "regression"
        inputs = "plane" if len(features) == 2 else "all"
        return TableChoice(plane, features, inputs, target, task)

    def _numeric_text(self) -> str:
        faults = f"; {'; '.join(self.faults.values())}" if self.faults else ""
        return (f" ({format_names(self.varying)})" if self.varying else "") + faults

    def _likely_target(self) -> str | None:
        """The last column if it holds two numbers, as 0 and 1; a column of words: the table's last,
        else the first; else the last of three numbers.
        """
        last = self.table.names[-1]
        if len(self.varying) > 2 and last in self.varying and self._has_two_levels(last):
            return last
        words = [n for n, k in self.kinds.items() if k in (ColumnKind.TEXT, ColumnKind.BOOLEAN)]
        few = [n for n in words if len(set(labels_of(self.table.column(n)))) <= 2 * MAX_OWN_CLASSES]
        if few:
            return few[-1] if few[-1] == self.table.names[-1] else few[0]
        return self.varying[-1] if len(self.varying) > 2 else None

    def _has_two_levels(self, name: str) -> bool:
        return len(set(labels_of(self.table.column(name))) - {None}) == 2

    def _has_classes(self, name: str) -> bool:
        column = self.table.column(name)
        if self.kinds[name] is not ColumnKind.NUMBER:
            return True
        return column.whole and len(set(labels_of(column)) - {None}) <= LEVELS_OF_A_NUMBER

    # ---- a choice

    def choice(self, value: Any) -> TableChoice:
        """A choice of the page, checked; what is missing is as proposed.

        Raises
        ------
        DataError
            For columns that are not there or hold no numbers, and options that are none.
        """
        if not isinstance(value, Mapping):
            raise DataError("columns is an object with plane, features, inputs, target, units")
        known = self.proposal().to_json()
        unknown = [key for key in value if key not in known]
        if unknown:
            raise DataError(f"columns has no {unknown[0]!r:.40}; there are {', '.join(known)}")
        parts = known | dict(value)
        if "target" in value and "task" not in value:
            target = value["target"]
            is_known = isinstance(target, str) and target in self.kinds.keys() - self.faults.keys()
            is_classes = not is_known or self._has_classes(target)
            parts["task"] = "classes" if is_classes else "regression"
        target = self._target(parts["target"], parts["task"])
        features = self._features(parts["features"], target)
        plane = self._plane(parts["plane"], features)
        for key, allowed in (("inputs", ("plane", "all")), ("units", ("own", "standard"))):
            if parts[key] not in allowed:
                raise DataError(f"{key} is {parts[key]!r:.40}: expected one of {allowed}")
        return TableChoice(plane, features, parts["inputs"], target, parts["task"], parts["units"])

    def _target(self, name: Any, task: Any) -> str | None:
        if task not in ("classes", "regression"):
            raise DataError(f"task is {task!r:.40}: expected 'classes' or 'regression'")
        if name is None:
            return None
        if not isinstance(name, str) or name not in self.kinds:
            raise DataError(f"there is no column {name!r:.60} to predict")
        if self.kinds[name] is ColumnKind.EMPTY:
            raise DataError(f"column {name!r} is empty: there is nothing to predict")
        self._refuse_fault(name)
        if task == "regression" and self.kinds[name] is not ColumnKind.NUMBER:
            raise DataError(f"column {name!r} holds no numbers: take its words as classes")
        return name

    def _features(self, names: Any, target: str | None) -> tuple[str, ...]:
        if not isinstance(names, list | tuple) or not 2 <= len(names) <= MAX_OWN_COLUMNS:
            raise DataError(f"features is a list of 2 to {MAX_OWN_COLUMNS} columns of numbers")
        chosen = tuple(name for name in dict.fromkeys(map(str, names)) if name != target)
        for name in chosen:
            if name not in self.kinds:
                raise DataError(f"there is no column {name!r:.60}")
            self._refuse_fault(name)
            if self.kinds[name] is not ColumnKind.NUMBER:
                self._refuse_words(name)
        if len(chosen) < 2:
            raise DataError("a plane takes two columns beside the one that is predicted")
        return chosen

    def _refuse_fault(self, name: str) -> None:
        if name in self.faults:
            raise DataError(f"{self.faults[name]}: mend the cell, or leave the column out")

    def _refuse_words(self, name: str) -> None:
        bad = self.table.column(name).bad_number()
        if bad is not None:
            row, cell, _ = bad
            raise DataError(
                f"{self.table.place(row)}, column {name!r} holds {cell!r:.60}, which is no number: "
                "mend the cell, or leave the column out"
            )
        kind = self.kinds[name].value
        raise DataError(f"column {name!r} holds no numbers ({kind}): it can be predicted only")

    @staticmethod
    def _plane(value: Any, features: tuple[str, ...]) -> tuple[str, str] | str:
        if value == PRINCIPAL:
            return PRINCIPAL
        is_pair = isinstance(value, list | tuple) and len(value) == 2
        if not is_pair or value[0] == value[1] or any(one not in features for one in value):
            raise DataError(
                f"plane is {value!r:.60}: expected 'principal' or two of the features, "
                f"{format_names(features)}"
            )
        return value[0], value[1]


def read_own_table(text: Any) -> OwnTable:
    """The table of a message's CSV text.

    Raises
    ------
    DataError
        If it is no table with two columns of numbers; the sentence says where.

    Examples
    --------
    >>> table = read_own_table("age,weight,ill\\n30,70.5,no\\n41,80,yes\\n52,66,no\\n")
    >>> table.proposal().plane, table.proposal().target
    (('age', 'weight'), 'ill')
    """
    if not isinstance(text, str):
        raise DataError("csv is the text of a table")
    try:
        table = mixed_table(open_table_text(text, TABLE_NAME))
        kinds = {name: table.column(name).kind for name in table.names}
    except HullwiseError as error:  # its hints are options of Python, which the page has not
        raise DataError(error.problem_text()) from None
    return OwnTable(table, kinds, _number_faults(table, kinds))


def _number_faults(table: MixedTable, kinds: Mapping[str, ColumnKind]) -> dict[str, str]:
    faults = {}
    for name, kind in kinds.items():
        if kind is ColumnKind.NUMBER:
            try:
                table.column(name).numbers()
            except HullwiseError as error:
                faults[name] = error.problem_text().removesuffix(".")
    return faults


def labels_of(column: MixedColumn) -> list[Any]:
    labels: list[Any] = column.labels(column.kind).to_pylist()
    return labels
