"""`hullwise dissect`, from a network and a table to the summary, the table and the page."""

from __future__ import annotations

import csv
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from time import perf_counter
from typing import Any

import click
import numpy as np

from .._core.options import check_size
from .._core.types import Array
from ..errors import DataError, FileError, HullwiseError
from ..io.coercion import format_names
from ..io.paths import display_path, select_features
from ..io.table_reader import OpenTable, read_ids, read_rows
from ..model.arrays import from_arrays
from ..model.network import Network
from ..model.network_view import NetworkView, view_network
from ..model.slices import LEAST_SLICE_MEMORY
from ..report.network_report import write_view
from ._command_options import DissectOptions
from ._compiling import compile_kernels, timing_text, with_status
from ._dissect_text import print_network
from ._network import read_network
from ._output import check_outputs, output_table, write_output
from ._tables import (
    QueryRows,
    check_named_columns,
    open_as,
    read_queries,
    repeated_ids,
    shell_list,
    shell_word,
)
from .console import console, progress_bar
from .status import raise_if_cancelled, record_written

OUTPUT_COLUMNS = 100  # most outputs in the table


def run_dissect(options: DissectOptions) -> None:
    """Do everything that the command says."""
    status = options.status
    _check_memory(options.max_memory)
    check_outputs(options, (options.model, options.data), [options.report])
    start = perf_counter()
    net = read_network(options)
    data = _read(net, options)
    plane = _plane(options.slice, data)
    line = _line(options.line, data)
    reading = perf_counter() - start
    compiling = compile_kernels(status, _compile_slices)
    start = perf_counter()
    raise_if_cancelled()
    view = with_status(status, lambda: _look(net, data, plane, line, options))
    raise_if_cancelled()
    status(timing_text(reading, compiling, perf_counter() - start, "dissected"))
    written: list[str] = []
    try:
        _write(view, data, options, written)
    finally:  # the answer is worth seeing even where the disk is full
        if not options.quiet:
            out = console(sys.stderr if options.output == "-" else sys.stdout)
            print_network(out, view, data)
            out.file.flush()
    for text in written:
        status(text)


def _check_memory(size: str | None) -> None:
    try:
        _ = size is None or check_size("--max-memory", size, LEAST_SLICE_MEMORY)
    except DataError as error:
        text = str(error).partition(": ")[2]
        raise click.BadParameter(f"{size!r}: {text}", param_hint="--max-memory") from None


@dataclass(frozen=True, eq=False)
class DissectData:
    """What was read of the table, and what its rows are called."""

    path: str
    features: tuple[str, ...]
    queries: QueryRows
    labels: Array | None  # of the rows that can be used
    id_name: str | None
    notes: tuple[str, ...]

    @property
    def names(self) -> list[Any]:
        """Of the rows that can be used."""
        labels = self.queries.labels
        return list(range(len(self.queries.values))) if labels is None else labels.tolist()

    def row(self, name: str, option: str) -> int:
        """Where the row of this name stands among those that can be used."""
        names = [str(value).strip() for value in self.names]
        places = [i for i, one in enumerate(names) if one == name]
        if len(places) == 1:
            return places[0]
        what = f"the id {name!r}" if self.queries.ids is not None else f"row {name!r}"
        if places:
            raise click.BadParameter(f"{len(places)} rows have {what}", param_hint=option)
        m = len(self.queries.usable)
        if self.queries.ids is None and name.isdecimal() and int(name) < m:
            raise click.BadParameter(f"{what} has missing or infinite values", param_hint=option)
        numbering = "" if self.queries.ids is not None else f": rows are counted from 0 to {m - 1}"
        raise click.BadParameter(f"{self.path} has no {what}{numbering}", param_hint=option)


def _compile_slices() -> None:
    """The kernels of a slice, on a network of a few units."""
    net = from_arrays([[[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [[1.0, 1.0, 1.0], [1.0, -1.0, 0.5]]])
    view_network(net, [[0.1, 0.2], [1.0, -1.0], [-0.7, 0.4]])


def _read(net: Network, options: DissectOptions) -> DissectData:
    table = open_as(options.data, options)
    check_named_columns(table, options)
    ids = options.id_column
    if ids is not None and ids not in table.names:
        raise click.BadParameter(
            f"{table.path} has no column {ids!r}; it has {format_names(table.names)}",
            param_hint="--id",
        )
    index = [c for c in table.index if options.columns is None and c != ids]
    excluded = list(dict.fromkeys([*options.excluded, *index]))
    features = tuple(select_features(table.path, table.names, options.columns, excluded, ids))
    if len(features) != net.n_inputs:
        raise FileError(table.path, _unequal_text(features, options.model, net))
    queries = read_queries(table, features, ids, options, participle="dissected")
    labels = None
    notes = [note.replace(" new ", " ") for note in repeated_ids(None, queries.ids)]
    if len(options.target) == 1:
        labels = _read_labels(table, options.target[0])[queries.usable]
    elif options.target:
        notes.append(
            f"{format_names(options.target)}: rows are compared with one --target only, so these "
            "are left out and not compared."
        )
    if table.index and ids is None:
        notes.append(f"Rows are named by the index that pandas stored ({table.index[0]!r}).")
    return DissectData(table.path, features, queries, labels, ids, tuple(notes))


def _unequal_text(features: tuple[str, ...], model: str, net: Network) -> str:
    shape = "" if len(net.input_shape) < 2 else f" ({' x '.join(map(str, net.input_shape))})"
    return (
        f"has {len(features):,} feature column{'s' * (len(features) != 1)} "
        f"({format_names(features)}), and "
        f"{Path(model).name} takes {net.n_inputs:,} number{'s' * (net.n_inputs != 1)}{shape}: name "
        "them in the network's order with --columns, or leave columns out with --target, --drop or "
        "--id"
    )


def _read_labels(table: OpenTable, column: str) -> Array:
    """The target of every row as numbers where it is numbers, else as text; "" where missing."""
    try:
        return read_rows(table, columns=[column]).values[:, 0]
    except FileError:
        pass
    ids = read_ids(table, column)
    return np.array(["" if v is None or v != v else str(v).strip() for v in ids.tolist()])


def _row_names(text: str) -> list[str]:
    return [word.strip() for word in next(csv.reader([text], skipinitialspace=True), [])]


def _plane(text: str | None, data: DissectData) -> Any:
    """--slice as `view_network` takes it."""
    if text is None:
        return "auto"
    if text in ("pca", "none"):
        return None if text == "none" else text
    names = _row_names(text)
    if len(names) != 3:
        raise click.BadParameter(
            f"{text!r}: expected three rows as ROW,ROW,ROW, or pca, or none", param_hint="--slice"
        )
    return tuple(data.row(name, "--slice") for name in names)


def _line(text: str | None, data: DissectData) -> Any:
    """--line as `view_network` takes it."""
    if text is None or text == "none":
        return "auto" if text is None else None
    names = _row_names(text)
    if len(names) != 2:
        raise click.BadParameter(
            f"{text!r}: expected two rows as ROW,ROW, or none", param_hint="--line"
        )
    return tuple(data.row(name, "--line") for name in names)


def _look(
    net: Network, data: DissectData, plane: Any, line: Any, options: DissectOptions
) -> NetworkView:
    with progress_bar(options.quiet) as progress:
        try:
            return view_network(
                net,
                data.queries.values.astype(np.float64),
                columns=data.features,
                labels=data.labels,
                names=data.queries.labels,
                plane=plane,
                line=line,
                max_regions=options.max_regions,
                max_memory=options.max_memory,
                progress=progress,
            )
        except DataError as error:
            raise HullwiseError(f"{display_path(data.path)}: {error}") from None


def view_columns(view: NetworkView) -> dict[str, Any]:
    """The columns of the output after the row's name, one entry for each row."""
    rows, net = view.rows, view.net
    columns: dict[str, Any] = {}
    if net.n_outputs <= OUTPUT_COLUMNS:
        columns |= {f"output {k}": rows.outputs[:, k] for k in range(net.n_outputs)}
    names = [*(layer.name for layer in net.layers), None]
    if view.has_classes:
        columns["class"] = rows.classes
        if view.known_classes is not None:
            columns["known"] = view.known_classes
        columns["margin"] = rows.margin
        columns["decision_at_least"] = _finite(rows.decision_at_least)
        columns["decision_if_flat"] = _finite(rows.decision_if_affine)
        columns["decision_exact"] = rows.decision_is_exact
    return columns | {
        "boundary_distance": _finite(rows.distance),
        "boundary_unit": [int(u) if u >= 0 else None for u in rows.unit],
        "boundary_layer": [names[i] for i in rows.layer],
        "region": rows.region,
        "region_code": rows.region_code,
        "rows_in_region": rows.rows_in_region,
        "status": np.where(rows.distance == 0, "on a boundary", "ok"),
    }


def _finite(values: Array) -> Array:
    """No boundary at all is an empty cell."""
    return np.where(np.isfinite(values), values, np.nan)


def _write(
    view: NetworkView, data: DissectData, options: DissectOptions, written: list[str]
) -> None:
    """The table and the page; adds to `written` what there is to say of each."""
    if options.output is not None:
        table = output_table(view_columns(view), data.queries, data.id_name)
        written += write_output(table, options)
    if options.report is not None:
        table_name = Path(display_path(options.data)).name
        title = f"The regions of {Path(options.model).name} at the rows of {table_name}"
        source = _source(options)
        write_view(view, options.report, title=title, source=source, force=options.force)
        record_written(options.report)
        written.append(f"report written to {options.report}")


def _source(options: DissectOptions) -> dict[str, str]:
    """How a report was made: the files, and what was asked for."""
    words = [f"--target {shell_word(column)}" for column in options.target]
    words += [
        f"--{name} {shell_word(value)}"
        for name, value in (
            ("id", options.id_column), ("slice", options.slice), ("line", options.line)
        )
        if value is not None
    ]  # fmt: skip
    words += [f"--drop {shell_word(column)}" for column in options.drop]
    if options.columns is not None:
        words.append(f"--columns {shell_list(options.columns)}")
    words += options.network_words
    return {
        "Network": display_path(options.model),
        "Table": display_path(options.data),
        "Options": " ".join(words) or "none",
        "Date": date.today().isoformat(),
    }
