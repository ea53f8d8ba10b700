"""The rule that proves a row outside, in the table's own words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .._core.types import Floats
from ..table.columns import CategoryColumn, ConstantColumn, LevelColumn, PeriodicColumn

if TYPE_CHECKING:
    from .half_space_location import HalfSpaceLocation
    from .half_spaces import HalfSpaces

NAMED_TERMS = 4  # of a half-space; the other columns are counted


def rule_text(location: HalfSpaceLocation, row: int) -> str:
    """The rule, and by how much the row breaks it; "" where it breaks none."""
    rules, number = location.rules, int(location.rule[row])
    if number < 0:
        return ""
    if location.unseen[row].any():
        return "; ".join(
            _unseen(location, row, int(j)) for j in np.flatnonzero(location.unseen[row])
        )
    out = rules.out_of_box(location.values[row : row + 1])[0]
    texts = [_out_of_range(location, row, int(j)) for j in np.flatnonzero(out)]
    if number == len(rules.columns):
        texts.append("all columns together: out of an ellipsoid around all training rows")
    elif number > len(rules.columns):
        texts.append(_half_space(location, row, number - len(rules.columns) - 1))
    return "; ".join(texts)


def _unseen(location: HalfSpaceLocation, row: int, j: int) -> str:
    column = location.rules.columns[j]
    assert isinstance(column, LevelColumn)
    cell = location.cells[column.name][row].as_py()
    if isinstance(column, ConstantColumn):
        return f"{column.name} was always {column.levels[0]!r}, not {cell!r}"
    return (
        f"{column.name} {cell!r} was never seen in {location.rules.n_train:,} training rows "
        f"({len(column.levels)} levels)"
    )


def _out_of_range(location: HalfSpaceLocation, row: int, j: int) -> str:
    rules = location.rules
    column = rules.columns[j]
    x = float(rules.features.numbers(location.values[row : row + 1], j)[0])
    above = x > rules.maximum[j]
    # the limit is rounded outward in its last digits, which nobody needs to read
    digits = 9 - int(np.frexp(rules.maximum[j] - rules.minimum[j])[1] * 0.3)
    limit = round(float(rules.maximum[j] if above else rules.minimum[j]), digits)
    if column.role == "log":
        x, limit = 10.0**x, 10.0**limit
    unit = ", in days since 1970" if column.role == "date" else ""
    unit = ", in ranks from 0" if column.role == "ordered" else unit
    return (
        f"{column.name}: no training row has {'more' if above else 'less'} than {limit:.12g}, "
        f"this row has {x:.12g}{unit}"
    )


def _half_space(location: HalfSpaceLocation, row: int, k: int) -> str:
    rules = location.rules
    weights = rules.weights[k]
    in_metric = rules.features.metric_weights(weights[None, :])[0]
    sizes = np.array(
        [
            np.linalg.norm(in_metric[rules.features.features_of(j)])
            for j in range(len(rules.columns))
        ]
    )
    order = [int(j) for j in np.argsort(-sizes, kind="stable") if sizes[j] > 0]
    shift, terms = 0.0, []
    for j in order:
        term, moved = half_space_term(rules, weights, j)
        shift += moved
        terms.append(term)
    named = sorted(terms[:NAMED_TERMS], key=lambda term: term.startswith("-"))
    text = " + ".join(named).replace("+ -", "- ")
    if len(terms) > NAMED_TERMS:
        text += f" + smaller terms of {len(terms) - NAMED_TERMS} columns"
    limit = rules.offsets[k] + shift
    return (
        f"{text}: no training row has more than {limit:.4g}, this row has at least "
        f"{limit + location.lower[row]:.4g}"
    )


def half_space_term(rules: HalfSpaces, weights: Floats, j: int) -> tuple[str, float]:
    """What one column adds to a half-space in words, and what that is above the sum of features."""
    column, features = rules.columns[j], rules.features
    at, k = features.features_of(j), features.coordinates.coordinates_of(j)
    w = weights[at]
    if isinstance(column, CategoryColumn):
        points = w - w.min()
        order = np.argsort(points, kind="stable")
        shown = [f"{column.levels[i]} {points[i]:.3g}" for i in order[:6]]
        more = ", ..." if len(order) > 6 else ""
        return f"points({column.name}: {', '.join(shown)}{more})", -float(w.min())
    if isinstance(column, PeriodicColumn):
        size, angle = float(np.hypot(*w)), float(np.arctan2(w[1], w[0])) / (2 * np.pi)
        top = angle % 1.0 * column.period
        return f"{size:.3g} x cos({column.name} from {top:.3g})", 0.0
    name = f"log10({column.name})" if column.role == "log" else column.name
    slope = float(w[0] * features.scale[k][0])
    return (
        f"{slope / features.root[k][0]:.3g} x {name}/{1 / features.root[k][0]:.4g}",
        slope * float(features.centre[k][0]),
    )
