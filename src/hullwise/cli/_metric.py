"""`--metric agop`, `rfm` and `nfm:LAYER`: a metric learnt from a network or from the training rows.

Tables mix units, so eigenvalues are those in standard deviations of the features. The directions
that hold 99.9 % of the metric are kept and the rest is cut off, so that rows that are inside in all
that matters are proved inside; what does not matter would put them outside, if only by a little.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from .._core.memory import check_memory
from .._core.types import Floats
from ..errors import DataError, FileError, ModelError
from ..geometry.cloud import Cloud
from ..geometry.metric import Metric
from ..io.atomic_write import whole_file
from ..io.coercion import format_names
from ..io.paths import readable_path
from ..io.table_reader import OpenTable, read_rows
from ..metrics import Directions, directions
from ..metrics.directions import leading_metric
from ..report.words import plain
from ._input import Plan
from ._target import holds_numbers, target_labels
from .status import record_written

KEPT = 0.999  # of the metric's trace


@dataclass(frozen=True, eq=False)
class Learnt:
    """A metric that was learnt, and what is to be said of it."""

    metric: Metric
    matrix: Floats  # (d, d), in the features' own units
    directions: Directions
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Target:
    """What a metric is learnt from: numbers (n,) or labels (n,), none of them missing."""

    name: str
    values: NDArray[Any]
    path: str

    @property
    def classes(self) -> bool:
        """Whether it holds labels."""
        return self.values.dtype.kind != "f"


def learn(first: OpenTable, pairs: Plan, cloud: Cloud, options: dict[str, Any]) -> Learnt:
    """The metric that --metric asks for, of training rows alone.

    Raises
    ------
    click.BadParameter
        The network has no such layer, or the layer does not read the rows.
    FileError
        The network cannot be read or takes another number of features; the target cannot be used.
    """
    kind, model = options["metric"], options["model"]
    check_memory(24 * cloud.n * cloud.d, f"the {cloud.n:,} training rows to learn a metric from")
    rows = cloud.rows.block(0, cloud.n).astype(np.float64)
    notes: tuple[str, ...] = ()
    if model is not None:
        net = _network(model, cloud.names, first.path)
        M, text = _of_network(kind, net, rows, Path(model).name)
    else:
        target = _target(first, pairs, options)
        M, text, notes = (_of_fits if kind == "agop" else _of_machine)(rows, target)
    scale = np.where(cloud.spread > 0, cloud.spread, 1.0)
    metric = leading_metric(M, scale, KEPT, text)
    assert metric.factor is not None  # a matrix
    return Learnt(metric, metric.factor.T @ metric.factor, directions(metric, cloud), notes)


def write_metric(learnt: Learnt, path: str, force: bool) -> str:
    """Keep the matrix as a .npy file; what there is to say of it."""
    with whole_file(path, force=force) as stream:
        np.save(stream, learnt.matrix, allow_pickle=False)
    record_written(path)
    d = len(learnt.matrix)
    return f"metric ({d} x {d}, features in this order) written to {path}"


# ---- from a network ---------------------------------------------------------------------------


def _network(model: str, names: Sequence[str], table: str) -> Any:
    from ..model import read

    path = readable_path(model)
    if path.stat().st_size == 0:
        raise FileError(model, "is empty; export the network as ONNX again")
    net = read(path)
    if net.n_inputs != len(names):
        raise FileError(
            table,
            f"has {len(names):,} feature{'s' * (len(names) != 1)} ({format_names(names)}), and "
            f"{path.name} takes {net.n_inputs:,} number{'s' * (net.n_inputs != 1)}: name them in "
            "the network's order with --columns, or leave columns out",
        )
    return net


def _of_network(kind: str, net: Any, rows: Floats, name: str) -> tuple[Floats, str]:
    if kind == "agop":
        from ..metrics import agop

        return agop(net, rows, ridge=0), f"AGOP of {plain(name, 40)} over the training rows"
    return _of_layer(kind.partition(":")[2], net, rows, plain(name, 40))


def _of_layer(asked: str, net: Any, rows: Floats, name: str) -> tuple[Floats, str]:
    """W'W of a linear layer that reads the rows, directly or through an affine map."""
    from ..metrics.feature_matrices import nfm_of_rows

    layer: int | str = int(asked) if asked.lstrip("-").isdecimal() else asked
    try:
        M, said = nfm_of_rows(net, layer, rows[:1])
    except ModelError as error:
        raise click.BadParameter(f"{asked!r}: {name}: {error}", param_hint="--metric nfm") from None
    return M, f"W'W of layer {plain(said, 40)!r} of {name}"


# ---- from the training rows -------------------------------------------------------------------


def _target(first: OpenTable, pairs: Plan, options: dict[str, Any]) -> Target:
    name = options["target"] if "target" in options else options["targets"][0]
    if not options["classes"] and holds_numbers(first, name):
        values: NDArray[Any] = read_rows(first, columns=[name], bad_rows="keep").values[:, 0]
        values = values.astype(np.float64)
        missing = np.flatnonzero(~np.isfinite(values))
    else:
        values = target_labels(first, name, pairs)
        missing = np.flatnonzero(values == "")
    if len(missing):
        raise FileError(
            first.path,
            f"the target {name!r} is missing or infinite in {len(missing):,} "
            f"row{'s' * (len(missing) > 1)}, first in row {missing[0]} (counted from 0), and "
            f"--metric {options['metric']} learns from it; drop those rows",
        )
    target = Target(name, values, first.path)
    kinds = len(np.unique(values))
    if kinds == 1:
        raise FileError(
            first.path,
            f"the target {name!r} is the same in every row: nothing matters to it, so there is no "
            "metric to learn",
        )
    if target.classes and kinds > max(20, len(values) // 5):
        text = "" if options["classes"] else ", and it is no number everywhere"
        raise FileError(
            first.path,
            f"the target {name!r} holds {kinds:,} different labels in {len(values):,} rows{text}: "
            "too many to learn a metric from classes",
        )
    return target


def _of_fits(rows: Floats, target: Target) -> tuple[Floats, str, tuple[str, ...]]:
    from ..metrics import agop_of_rows
    from ..metrics.variance_explained import variance_explained

    y = target.values
    if target.classes:
        y = (y[:, None] == np.unique(y)).astype(np.float64)
    mean, scale = rows.mean(axis=0), rows.std(axis=0)
    T = y.reshape(len(y), -1)
    notes: list[str] = []
    try:
        M = agop_of_rows(rows, y, ridge=0)
        standardised = (rows - mean) / np.where(scale > 0, scale, 1.0)
        task, plainly = variance_explained(agop_of_rows, standardised, T)
        if not np.isnan(task):
            notes.append(
                f"Averages of the 10 nearest rows explain {_share(task)} of the variance of "
                f"{plain(target.name, 40)!r} in training rows held out from the metric "
                f"({_share(plainly)} where nearness is plain): {_worth(task)}."
            )
    except ModelError:
        raise FileError(
            target.path,
            f"no direction of the features matters to the target {target.name!r} more than its "
            "noise would let it seem to: there is no metric to learn. Take --metric std, or a "
            "network's with --model",
        ) from None
    except DataError as error:
        raise FileError(target.path, f"--metric agop: {error}") from None
    return M, f"AGOP of local linear fits of {plain(target.name, 40)!r}", tuple(notes)


def _share(part: float) -> str:
    return "none" if part < 0.005 else f"{100 * part:.0f} %"


def _worth(part: float) -> str:
    """What a metric that explains so much is worth."""
    if part < 0.05:
        return "what it says matters may well be chance"
    return "a metric knows no more of what matters than that"


def _of_machine(rows: Floats, target: Target) -> tuple[Floats, str, tuple[str, ...]]:
    from ..metrics.recursive_feature_machine import RFMClassifier, RFMRegressor

    machine = (RFMClassifier if target.classes else RFMRegressor)().fit(rows, target.values)
    name = plain(target.name, 40)
    notes: list[str] = []
    if machine.cv_errors_ is not None:  # there are enough rows for cross-validation
        part = 1 - float(machine.cv_errors_.min())
        notes.append(
            f"The machine explains {_share(part)} of the variance of {name!r} in training rows "
            f"held out from it: {_worth(part)}."
        )
    if machine.n_iter_ == 0:
        notes.append(
            "Cross-validation preferred no learnt metric: in what matters all features count "
            "alike, each by its standard deviation."
        )
    return machine.metric_, f"learnt by a recursive feature machine from {name!r}", tuple(notes)
