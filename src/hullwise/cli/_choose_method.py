"""Which method `hullwise predict` takes where none was named."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import click

from .._core.types import Array, Floats
from ..errors import DataError
from ..geometry.cloud import Cloud
from ..io.paths import missing_columns_text
from ..io.table_reader import OpenTable
from ..reliability.method_comparison import (
    COMPARED_CLASS_METHODS,
    COMPARED_METHODS,
    LEAST_COMPARISON_ROWS,
    MethodComparison,
    compare,
)
from ._command_options import PredictOptions
from .console import progress_bar

COMPARED_FOLDS = 5
FALLBACK_METHOD = "delaunay"  # where there is nothing to compare by
OUT_OF_FOLD_METRICS = ("agop", "curvature")  # that regressors learn from the other folds alone


@dataclass(frozen=True, eq=False)
class MethodChoice:
    """A method, and what it was compared with; None where it was not."""

    method: str
    comparison: MethodComparison | None = None
    notes: tuple[str, ...] = ()


def check_group(train: OpenTable, options: PredictOptions) -> None:
    """Refuse a column of groups that the training table has not."""
    if options.group is not None and options.group not in train.names:
        text = missing_columns_text([options.group], train.names)
        raise click.BadParameter(f"in {train.path}: {text}", param_hint="--group")


def methods_to_compile(options: PredictOptions) -> Sequence[str]:
    """The methods whose kernels a run needs."""
    if options.method is not None:
        return [options.method]
    if options.verify:
        return [FALLBACK_METHOD]
    return COMPARED_CLASS_METHODS if options.classes else COMPARED_METHODS


def choose_method(
    cloud: Cloud, y: Array, groups: Array | None, metric: Any, options: PredictOptions
) -> MethodChoice:
    """The method that was named, or the best by training rows that are left out in turn."""
    if options.method is not None:
        return MethodChoice(options.method)
    if options.verify:
        note = f"--verify checks Delaunay simplices: the method is {FALLBACK_METHOD}."
        return MethodChoice(FALLBACK_METHOD, notes=(note,))
    n_groups = cloud.n if groups is None else len(set(groups.tolist()))
    if cloud.n < LEAST_COMPARISON_ROWS or n_groups < 2:
        count = f"{cloud.n} rows" if n_groups > 1 else "one group"
        note = f"There is {count} only, too few to compare methods by: {FALLBACK_METHOD} answers."
        return MethodChoice(FALLBACK_METHOD, notes=(note.replace("is", "are", n_groups > 1),))
    notes: tuple[str, ...] = ()
    compared_in = metric
    if options.metric in OUT_OF_FOLD_METRICS and options.is_learnt_from_rows:
        compared_in = options.metric
    elif options.is_learnt_from_rows:
        notes = (
            f"The metric of --metric {options.metric} has seen the rows that methods are compared "
            "on: their errors are too small, all alike.",
        )
    rows = cloud.rows.block(0, cloud.n)
    with progress_bar(options.quiet) as progress:
        try:
            comparison = compare(
                rows,
                y,
                groups=groups,
                metric=compared_in,
                classes=options.classes,
                n_folds=min(COMPARED_FOLDS, n_groups),
                progress=progress,
            )
        except DataError as error:
            note = f"Methods were not compared ({error}): {FALLBACK_METHOD} answers."
            return MethodChoice(FALLBACK_METHOD, notes=(note,))
    return MethodChoice(comparison.best, comparison, notes)


def fit_regressor(regressor: Any, rows: Floats, y: Array, groups: Array | None) -> None:
    """Fit to all rows; with their groups if the regressor leaves rows out to learn."""
    if groups is not None and "groups" in inspect.signature(regressor.fit).parameters:
        regressor.fit(rows, y, groups=groups)
    else:
        regressor.fit(rows, y)
