"""`hullwise dissect`, from a network and a table to the summary, the table and the page."""

from __future__ import annotations

import contextlib
import csv
import os
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from time import perf_counter
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, FileError, HullwiseError
from ..io.coercion import format_names
from ..io.paths import display_path, readable_path, select_features
from ..io.table_reader import OpenTable, open_table, read_rows
from ..model import read
from ..model.arrays import from_arrays
from ..model.network import Network
from ..report.network_report import write_view
from ..report.network_view import NetworkView, look
from ._compiling import compile_kernels, timing_text, with_status
from ._dissect_text import print_network
from ._input import Queries, read_queries, repeated_ids, shell_list, shell_word
from ._output import check_outputs, output_table, write_output
from .console import console, progress_bar
from .status import print_nothing, print_status, raise_if_cancelled, record_written

WIDEST = 100  # outputs in the table


def run(model: str, data: str, options: dict[str, Any]) -> None:
    """Do everything that the command says."""
    status = print_nothing if options["quiet"] else print_status
    if model == "-":
        raise click.BadParameter("a network cannot come from standard input", param_hint="MODEL")
    check_outputs((model, data), (options["output"], options["report"]), options["force"])
    start = perf_counter()
    net = _network(model)
    given = _read(data, model, net, options)
    plane = _plane(options["plane"], given)
    line = _line(options["line"], given)
    read_in = perf_counter() - start
    compiled = compile_kernels(status, _once)
    start = perf_counter()
    raise_if_cancelled()
    view = with_status(status, lambda: _look(net, given, plane, line, options))
    raise_if_cancelled()
    status(timing_text(read_in, compiled, perf_counter() - start, "dissected"))
    done: list[str] = []
    try:
        _write(view, given, (model, data), options, done)
    finally:  # the answer is worth seeing even where the disk is full
        if not options["quiet"]:
            out = console(sys.stderr if options["output"] == "-" else sys.stdout)
            print_network(out, view, given)
            out.file.flush()
    for line_said in done:
        status(line_said)


@dataclass(frozen=True, eq=False)
class Given:
    """What was read of the table, and what its rows are called."""

    path: str
    features: tuple[str, ...]
    queries: Queries
    labels: NDArray[Any] | None  # of the rows that can be used
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
        found = [i for i, one in enumerate(names) if one == name]
        if len(found) == 1:
            return found[0]
        what = f"the id {name!r}" if self.queries.ids is not None else f"row {name!r}"
        if found:
            raise click.BadParameter(f"{len(found)} rows have {what}", param_hint=option)
        m = len(self.queries.located)
        if self.queries.ids is None and name.isdecimal() and int(name) < m:
            raise click.BadParameter(f"{what} has missing or infinite values", param_hint=option)
        hint = "" if self.queries.ids is not None else f": rows are counted from 0 to {m - 1}"
        raise click.BadParameter(f"{self.path} has no {what}{hint}", param_hint=option)


def _once() -> None:
    """The kernels of a slice, on a network of a few units."""
    net = from_arrays([[[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [[1.0, 1.0, 1.0], [1.0, -1.0, 0.5]]])
    look(net, [[0.1, 0.2], [1.0, -1.0], [-0.7, 0.4]])


def _network(model: str) -> Network:
    path = readable_path(model)
    if path.stat().st_size == 0:
        raise FileError(model, "is empty; export the network as ONNX again")
    net: Network = read(path)
    return net


def _read(data: str, model: str, net: Network, options: dict[str, Any]) -> Given:
    reading = {k: options[k] for k in ("sep", "decimal")} | {"header": not options["no_header"]}
    table = open_table(data, **reading)
    target, ids = options["target"], options["id_column"]
    named = {"--target": target, "--id": ids}
    for option, column in named.items():
        if column is not None and column not in table.names:
            raise click.BadParameter(
                f"{table.path} has no column {column!r}; it has {format_names(table.names)}",
                param_hint=option,
            )
    out = [*([target] if target is not None else []), *options["dropped"]]
    index = [c for c in table.index if options["columns"] is None and c != ids]
    asked = list(dict.fromkeys([*out, *index]))
    features = tuple(select_features(table.path, table.names, options["columns"], asked, ids))
    if len(features) != net.n_inputs:
        raise FileError(table.path, _unequal(features, model, net))
    keep = options["bad_rows"] == "keep"
    queries = read_queries(table, features, ids, keep, "dissected")
    labels = None if target is None else _labels(table, target, features)[queries.located]
    notes = [note.replace(" new ", " ") for note in repeated_ids(None, queries.ids)]
    if table.index and ids is None:
        notes.append(f"Rows are named by the index that pandas stored ({table.index[0]!r}).")
    return Given(table.path, features, queries, labels, ids, tuple(notes))


def _unequal(features: tuple[str, ...], model: str, net: Network) -> str:
    shape = "" if len(net.input_shape) < 2 else f" ({' x '.join(map(str, net.input_shape))})"
    return (
        f"has {len(features):,} feature column{'s' * (len(features) != 1)} "
        f"({format_names(features)}), and "
        f"{Path(model).name} takes {net.n_inputs:,} number{'s' * (net.n_inputs != 1)}{shape}: name "
        "them in the network's order with --columns, or leave columns out with --target, --drop or "
        "--id"
    )


def _labels(table: OpenTable, target: str, features: tuple[str, ...]) -> NDArray[Any]:
    """The target of every row as numbers where it is numbers, else as text; "" where missing."""
    try:
        return read_rows(table, columns=[target]).values[:, 0]
    except FileError:
        pass
    ids = read_rows(table, columns=[features[0]], id_column=target, bad_rows="keep").ids
    assert ids is not None  # a column was named
    return np.array(["" if v is None or v != v else str(v).strip() for v in ids.tolist()])


def _names(text: str) -> list[str]:
    return [word.strip() for word in next(csv.reader([text], skipinitialspace=True), [])]


def _plane(asked: str | None, given: Given) -> Any:
    if asked is None:
        return "auto"
    if asked in ("pca", "none"):
        return None if asked == "none" else asked
    words = _names(asked)
    if len(words) != 3:
        raise click.BadParameter(
            f"{asked!r}: expected three rows as ROW,ROW,ROW, or pca, or none", param_hint="--slice"
        )
    return tuple(given.row(word, "--slice") for word in words)


def _line(asked: str | None, given: Given) -> Any:
    if asked is None or asked == "none":
        return "auto" if asked is None else None
    words = _names(asked)
    if len(words) != 2:
        raise click.BadParameter(
            f"{asked!r}: expected two rows as ROW,ROW, or none", param_hint="--line"
        )
    return tuple(given.row(word, "--line") for word in words)


def _look(
    net: Network, given: Given, plane: Any, line: Any, options: dict[str, Any]
) -> NetworkView:
    with progress_bar(options["quiet"]) as progress:
        try:
            return look(
                net,
                given.queries.values.astype(np.float64),
                columns=given.features,
                labels=given.labels,
                names=given.queries.labels,
                plane=plane,
                line=line,
                budget=options["budget"],
                progress=progress,
            )
        except DataError as error:
            raise HullwiseError(f"{display_path(given.path)}: {error}") from None


def columns_of(view: NetworkView) -> dict[str, Any]:
    """The columns of the output after the row's name, one entry for each row."""
    found, net = view.rows, view.net
    columns: dict[str, Any] = {}
    if net.n_outputs <= WIDEST:
        columns |= {f"output {k}": found.outputs[:, k] for k in range(net.n_outputs)}
    names = [*(layer.name for layer in net.layers), None]
    if view.classes:
        columns["class"] = found.classes
        if view.known is not None:
            columns["known"] = view.known
        columns["margin"] = found.margin
        columns["decision_at_least"] = _finite(found.at_least)
        columns["decision_if_flat"] = _finite(found.flat)
        columns["decision_exact"] = found.settled
    return columns | {
        "boundary_distance": _finite(found.distance),
        "boundary_unit": [int(u) if u >= 0 else None for u in found.unit],
        "boundary_layer": [names[i] for i in found.layer],
        "region": found.region,
        "region_code": found.key,
        "rows_in_region": found.sharing,
        "status": np.where(found.distance == 0, "on a boundary", "ok"),
    }


def _finite(values: NDArray[Any]) -> NDArray[Any]:
    """No boundary at all is an empty cell."""
    return np.where(np.isfinite(values), values, np.nan)


def _write(
    view: NetworkView,
    given: Given,
    files: tuple[str, str],
    options: dict[str, Any],
    done: list[str],
) -> None:
    if options["output"] is not None:
        table = output_table(columns_of(view), given.queries, given.id_name)
        done += write_output(table, options)
    if options["report"] is not None:
        table_name = Path(display_path(files[1])).name
        title = f"The regions of {Path(files[0]).name} at the rows of {table_name}"
        source = _source(files, options)
        write_view(view, options["report"], title=title, source=source, force=options["force"])
        with contextlib.suppress(RuntimeError):
            record_written(options["report"])
        done.append(f"report written to {os.fspath(options['report'])}")


def _source(files: tuple[str, str], options: dict[str, Any]) -> dict[str, str]:
    told = [
        f"--{name} {shell_word(options[key])}"
        for name, key in (
            ("target", "target"), ("id", "id_column"), ("slice", "plane"), ("line", "line")
        )
        if options[key] is not None
    ]  # fmt: skip
    told += [f"--drop {shell_word(c)}" for c in options["dropped"]]
    if options["columns"] is not None:
        told.append(f"--columns {shell_list(options['columns'])}")
    return {
        "Network": display_path(files[0]),
        "Table": display_path(files[1]),
        "Options": " ".join(told) or "none",
        "Date": date.today().isoformat(),
    }
