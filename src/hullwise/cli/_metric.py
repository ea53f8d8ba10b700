"""`--metric` as the library takes it, learnt where it is that of a task."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from ..errors import DataError, FileError, ModelError
from ..geometry.cloud import Cloud
from ..geometry.left_out import can_spare, rows_left_out
from ..io.atomic_write import whole_file
from ..io.coercion import format_names
from ..io.table_reader import OpenTable, read_rows
from ..metrics import LearntMetric, learn_metric
from ..report.words import printable
from ._network import read_network
from ._npy_files import read_array
from ._option_groups import PairOptions
from ._target import holds_numbers, read_labels
from .status import record_written

if TYPE_CHECKING:
    from ..model.network import Network


def read_metric(text: str) -> Any:
    """A metric that is not learnt: a name, None, or the array of a .npy file."""
    if text in ("std", "range"):
        return text
    if text == "none":
        return None
    return read_array(text)


def learn(options: PairOptions, table: OpenTable, cloud: Cloud, reference: int = 0) -> LearntMetric:
    """The metric that --metric asks for, of the training rows alone.

    Not of those that a reference of this size leaves out, where enough others remain.

    Raises
    ------
    click.BadParameter
        The network has no such layer, or the layer does not read the rows.
    FileError
        The network cannot be read or takes another number of features; the target cannot be used.
    """
    if options.model is not None:
        return _learn_from_network(options, read_network(options), table, cloud)
    name = " and ".join(printable(column, 40) for column in options.target)
    method: Any = options.metric
    rows = rows_left_out(cloud, reference)
    try:
        return learn_metric(
            cloud,
            _read_target(options, table),
            method=method,
            classes=options.classes,
            target_name=name,
            left_out=rows if can_spare(cloud, rows) else None,
        )
    except FileError:
        raise
    except DataError as error:
        raise error.in_file(table.path) from None


def _learn_from_network(
    options: PairOptions, net: Network, table: OpenTable, cloud: Cloud
) -> LearntMetric:
    file = Path(str(options.model)).name
    if net.n_inputs != cloud.d:
        raise FileError(
            table.path,
            f"has {cloud.d:,} feature{'s' * (cloud.d != 1)} ({format_names(cloud.names)}), and "
            f"{file} takes {net.n_inputs:,} number{'s' * (net.n_inputs != 1)}: name them in "
            "the network's order with --columns, or leave columns out",
        )
    if options.metric != "nfm" and not options.metric.startswith("nfm:"):
        method: Any = options.metric
        return learn_metric(cloud, method=method, model=net)
    try:
        return learn_metric(cloud, method="nfm", model=net, layer=options.layer)
    except ModelError as error:
        raise click.BadParameter(
            f"{str(options.layer)!r}: {file}: {error}", param_hint="--metric nfm"
        ) from None


def _read_target(options: PairOptions, table: OpenTable) -> Any:
    """Numbers of all targets, or the labels of the one."""
    if not options.classes and holds_numbers(table, options.target):
        values = read_rows(table, columns=options.target, bad_rows="keep").values
        values = values.astype(np.float64)
        missing = np.flatnonzero(~np.isfinite(values).all(axis=1))
        values = values[:, 0] if values.shape[1] == 1 else values
    elif len(options.target) > 1:
        raise FileError(
            table.path,
            f"the targets {format_names(options.target)} are no numbers everywhere: a metric is "
            "learnt from one target of class labels",
        )
    else:
        values = read_labels(table, options.target[0])
        missing = np.flatnonzero(values == "")
    if len(missing):
        raise FileError(
            table.path,
            f"the target {format_names(options.target)} is missing or infinite in "
            f"{len(missing):,} row{'s' * (len(missing) > 1)}, first in row {missing[0]} (counted "
            f"from 0), and --metric {options.metric} learns from it; drop those rows",
        )
    return values


def write_metric(learnt: LearntMetric, path: str, force: bool) -> str:
    """Keep the matrix as a .npy file; what there is to say of it."""
    with whole_file(path, force=force) as stream:
        np.save(stream, learnt.matrix, allow_pickle=False)
    record_written(path)
    d = len(learnt.matrix)
    return f"metric ({d} x {d}, features in this order) written to {path}"
