"""Properties in the VNN-LIB format of the neural network verification competitions."""

from __future__ import annotations

import gzip
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..._core.linear_forms import LinearForm
from ...errors import DataError
from ...io.paths import readable_path
from ._formulas import Condition, Formula, Junction, unsafe_cases
from .output_property import OutputProperty

VNNLIB_ORDERS = {"<=": (-1.0, False), "<": (-1.0, True), ">=": (1.0, False), ">": (1.0, True)}
TOKEN = re.compile(r"[()]|[^\s()]+")


def read_vnnlib(path: str | os.PathLike[str]) -> OutputProperty:
    """A property from a VNN-LIB file (``.vnnlib`` or ``.vnnlib.gz``).

    The file states where the property is broken, as a formula of linear comparisons of the inputs
    ``X_0, ...`` and outputs ``Y_0, ...`` joined by `and` and `or`.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    OutputProperty

    Raises
    ------
    DataError
        If it cannot be read: the message says where, and what was expected.

    Notes
    -----
    Cost: linear in the file, but for the product of its `or`s, of which 10,000 cases are taken.
    Demirović, Johnson & others, *The VNN-LIB standard* (2019), https://www.vnnlib.org.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> import hullwise as hw
    >>> text = '''(declare-const X_0 Real) (declare-const Y_0 Real)
    ... (assert (<= X_0 1)) (assert (>= X_0 -1)) (assert (>= Y_0 2))'''
    >>> path = pathlib.Path(tempfile.mkdtemp(), "small.vnnlib")
    >>> _ = path.write_text(text)
    >>> hw.model.read_vnnlib(path)
    OutputProperty('small.vnnlib', 1 unsafe case)
    """
    path = readable_path(path)
    return OutputProperty(_Script(path).cases(), path.name)


class _Script:
    def __init__(self, path: Path) -> None:
        self.path = path
        text = re.sub(r";[^\n]*", "", _text(path))
        self.n = {"X": 0, "Y": 0}
        self.asserts: list[Any] = []
        for form in _forms(text, path):
            self._read(form)

    def _read(self, form: Any) -> None:
        if not isinstance(form, list) or not form:
            raise self._error(form, "a command in brackets")
        if form[0] in ("declare-const", "declare-fun"):
            kind, place = self._variable(form[1])
            self.n[kind] = max(self.n[kind], place + 1)
        elif form[0] == "assert" and len(form) == 2:
            self.asserts.append(form[1])
        elif form[0] not in ("set-logic", "set-info", "set-option", "check-sat", "exit"):
            raise self._error(form, "declare-const or assert")

    def cases(self) -> Any:
        if not self.n["X"] or not self.n["Y"]:
            raise DataError(f"{self.path.name} declares no inputs X_0, ... or no outputs Y_0, ...")
        edge = np.full(self.n["X"], np.inf)
        formula = Junction(True, tuple(self._formula(one) for one in self.asserts))
        cases = unsafe_cases(formula, -edge, edge, self.n["Y"])
        for case in cases:
            open_ = np.flatnonzero(~(np.isfinite(case.low) & np.isfinite(case.high)))
            if open_.size:
                raise DataError(
                    f"{self.path.name} gives no bounds to the input X_{open_[0]}; all inputs need "
                    "a lower and an upper one"
                )
        return cases

    def _formula(self, form: Any) -> Formula:
        if isinstance(form, list) and len(form) > 1 and form[0] in ("and", "or"):
            return Junction(form[0] == "and", tuple(self._formula(part) for part in form[1:]))
        if isinstance(form, list) and len(form) == 3 and form[0] in VNNLIB_ORDERS:
            sign, strict = VNNLIB_ORDERS[form[0]]
            return Condition(
                self._linear(form[1]).plus(self._linear(form[2]), -1).times(sign), strict
            )
        if isinstance(form, list) and len(form) == 2 and form[0] == "not":
            return self._formula(form[1]).negated()
        raise self._error(form, "and, or, not, <=, >=, < or >")

    def _linear(self, form: Any) -> LinearForm:
        if isinstance(form, str):
            try:
                return LinearForm({}, float(form))
            except ValueError:
                kind, place = self._variable(form)
            if place >= self.n[kind]:
                raise self._error(form, "a declared variable")
            return LinearForm({f"{kind.lower()}{place}": 1.0}, 0.0)
        if len(form) > 1 and form[0] in ("+", "-", "*"):
            return self._combined(form, [self._linear(part) for part in form[1:]])
        raise self._error(form, "a number, a variable, +, - or *")

    def _combined(self, form: Any, parts: list[LinearForm]) -> LinearForm:
        total = parts[0]
        if form[0] == "-" and len(parts) == 1:
            return total.times(-1.0)
        for part in parts[1:]:
            if form[0] != "*":
                total = total.plus(part, 1.0 if form[0] == "+" else -1.0)
            elif (product := total.product(part)) is not None:
                total = product
            else:
                raise self._error(form, "a product with a number: properties are linear")
        return total

    def _variable(self, name: Any) -> tuple[str, int]:
        match = re.fullmatch(r"([XY])_(\d{1,9})", name) if isinstance(name, str) else None
        if match is None:
            raise self._error(name, "an input X_0, ... or an output Y_0, ...")
        return match[1], int(match[2])

    def _error(self, form: Any, expected: str) -> DataError:
        return DataError(f"{self.path.name} has {_written(form)}: expected {expected}")


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
        return (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read as a VNN-LIB text: {error}") from None


def _forms(text: str, path: Path) -> Iterator[Any]:
    """The bracketed forms of a text, nested lists of words."""
    open_: list[list[Any]] = []
    for match in TOKEN.finditer(text):
        word = match[0]
        if word == "(":
            open_.append([])
        elif not open_:
            line = text.count("\n", 0, match.start()) + 1
            raise DataError(f"{path.name} has {word!r} outside brackets in line {line}")
        elif word == ")":
            form = open_.pop()
            if open_:
                open_[-1].append(form)
            else:
                yield form
        else:
            open_[-1].append(word)
    if open_:
        raise DataError(f"{path.name} ends inside a bracket: it is cut or no VNN-LIB file")


def _written(form: Any) -> str:
    text = form if isinstance(form, str) else f"({' '.join(map(_written, form))})"
    return text if len(text) <= 60 else f"{text[:57]}..."
