"""`hullwise complex`, from a network to counts, a table of regions, a mesh and a picture."""

from __future__ import annotations

import json
import sys
from time import perf_counter
from typing import Any

import click
import numpy as np
from rich.console import Console

from .._core.results import json_ready
from ..model.complexes.boundary_complex import BoundaryComplex
from ..model.complexes.build import cell_complex
from ..model.complexes.cell_complex import CellComplex
from ..model.network import Network
from ..report.surface_picture import write_surface_picture
from ..report.words import format_number, printable
from ._compiling import timing_text, with_status
from ._complex_command import ComplexOptions
from ._layout import RIGHT_ALIGNED, grid_of, indented, print_notes, section, table_of
from ._network import read_network
from ._output import check_outputs, output_cells, write_output
from .console import console, progress_bar, require_standard_output
from .status import raise_if_cancelled, record_written

FACE_NAMES = ("vertices", "edges", "faces")
BETTI_WORDS = {
    1: ("piece", "loop"),
    2: ("piece", "tunnel", "cavity"),
}


def run_complex(options: ComplexOptions) -> None:
    """Do everything that the command says."""
    check_outputs(options, (options.model,), options.files)
    if options.json:
        require_standard_output()
    start = perf_counter()
    net = read_network(options)
    _require_three_inputs(net, options)
    reading = perf_counter() - start
    start = perf_counter()
    whole = with_status(options.status, lambda: _build(net, options))
    raise_if_cancelled()
    boundary = None if whole.partial else whole.boundary(_compared(options), options.level)
    counts = complex_counts(whole, boundary, options)
    options.status(timing_text(reading, 0.0, perf_counter() - start, "cut"))
    written = _write(whole, boundary, options)
    if options.json:
        sys.stdout.write(json.dumps(json_ready(counts), indent=1) + "\n")
        sys.stdout.flush()
    elif not options.quiet:
        out = console(sys.stderr if options.output == "-" else sys.stdout)
        _print(out, whole, boundary, counts)
        out.file.flush()
    for text in written:
        options.status(text)


def _require_three_inputs(net: Network, options: ComplexOptions) -> None:
    """Refuse a mesh or a picture of other dimensions before anything is cut."""
    dimension = net.n_inputs if options.inputs is None else len(options.inputs)
    for option, path in (("--mesh", options.mesh), ("--picture", options.picture)):
        if path is not None and dimension != 3:
            raise click.BadParameter(
                f"drawn is a boundary in 3 dimensions, and {dimension} inputs vary: leave it out, "
                "or choose three with --inputs",
                param_hint=option,
            )


def _compared(options: ComplexOptions) -> Any:
    of = options.of
    if of is None or len(of) == 2:
        return of
    if len(of) != 1:
        raise click.BadParameter("expected one output or two", param_hint="--of")
    return of[0]


def _build(net: Network, options: ComplexOptions) -> CellComplex:
    axes, origin = None, None
    if options.inputs is not None:
        axes, origin = _varying(net, options.inputs), options.at
    low, high = options.box
    ends = (low[0], high[0]) if len(low) == 1 else (np.array(low), np.array(high))
    with progress_bar(options.quiet) as progress:
        return cell_complex(
            net,
            ends,
            origin=origin,
            axes=axes,
            max_regions=options.max_regions,
            max_seconds=options.max_seconds,
            progress=progress,
        )


def _varying(net: Network, inputs: tuple[int, ...]) -> Any:
    """Axes (k, n_inputs) along some inputs."""
    for i in inputs:
        if not 0 <= i < net.n_inputs:
            text = f"there is no input {i}: the network has inputs 0 to {net.n_inputs - 1}"
            raise click.BadParameter(text, param_hint="--inputs")
    return np.eye(net.n_inputs)[list(inputs)]


def complex_counts(
    whole: CellComplex, boundary: BoundaryComplex | None, options: ComplexOptions
) -> dict[str, Any]:
    """What is counted and measured, by name."""
    counts: dict[str, Any] = {
        "dimension": whole.dimension,
        "n_regions": whole.n_regions,
        "n_regions_per_layer": whole.n_regions_per_layer,
        "n_faces": list(whole.n_faces),
        "euler_characteristic": whole.euler_characteristic,
        "volume": float(whole.volumes.sum()),
        "partial": whole.partial,
        "minimum": whole.minimum.min(axis=0),
        "maximum": whole.maximum.max(axis=0),
    }
    if boundary is not None:
        counts["boundary"] = {
            "n_faces": list(boundary.n_faces),
            "measure": float(boundary.measures.sum()),
            "closed": boundary.is_closed,
            "euler_characteristic": boundary.euler_characteristic,
            "betti_numbers": list(boundary.betti_numbers),
            "decisions": {
                str(k): list(boundary.decision_betti_numbers(k))
                for k in np.unique(boundary.decisions).tolist()
            },
        }
    if options.verify:
        check = whole.verify()
        counts["verified"] = check.ok
        counts["problems"] = check.problems
    return counts


def region_columns(whole: CellComplex) -> dict[str, Any]:
    """The columns of the output, one entry for each region."""
    degree = np.bincount(whole.neighbours.ravel(), minlength=whole.n_regions)
    columns: dict[str, Any] = {"region": np.arange(whole.n_regions), "volume": whole.volumes}
    columns |= {f"centroid {i}": x for i, x in enumerate(whole.centroids.T)}
    columns |= {"vertices": whole.corners.lengths, "neighbours": degree}
    if whole.partial:  # outputs between its vertices are not those at them
        return columns
    for k in range(whole.net.n_outputs):
        columns[f"minimum {k}"] = whole.minimum[:, k]
        columns[f"maximum {k}"] = whole.maximum[:, k]
    return columns


def _write(
    whole: CellComplex, boundary: BoundaryComplex | None, options: ComplexOptions
) -> list[str]:
    written: list[str] = []
    if options.output is not None:
        table = {name: output_cells(column) for name, column in region_columns(whole).items()}
        written += write_output(table, options)
    if options.keep is not None:
        whole.save(options.keep, force=options.force)
        record_written(options.keep)
        written.append(f"complex written to {options.keep}")
    if options.mesh is None and options.picture is None:
        return written
    if boundary is None:
        return [*written, "no mesh: the complex is partial, so where it decides is not known"]
    mesh = boundary.mesh()
    if options.mesh is not None:
        mesh.save(options.mesh, force=options.force)
        record_written(options.mesh)
        written.append(f"mesh of {len(mesh.ends):,} polygons written to {options.mesh}")
    if options.picture is not None:
        write_surface_picture(mesh, options.picture, force=options.force)
        record_written(options.picture)
        written.append(f"picture written to {options.picture}")
    return written


def _print(
    out: Console, whole: CellComplex, boundary: BoundaryComplex | None, counts: dict[str, Any]
) -> None:
    net, k = whole.net, whole.dimension
    layers = f"{len(net.layers):,} layer{'s' * (len(net.layers) != 1)}"
    regions = f"{whole.n_regions:,}"
    if whole.partial:
        regions += f", of the first {len(whole.layer_codes)} of {layers} alone"
    out.print()
    out.print(
        grid_of(
            ("network", f"{printable(net.source, 60)}: {net.n_units:,} units in {layers}"),
            ("box", f"{k} dimensions, volume {format_number(counts['volume'])}"),
            ("regions", regions),
            ("faces", _faces_text(whole.n_faces)),
            ("Euler", f"{counts['euler_characteristic']} (a box has 1)"),
        )
    )
    if not whole.partial:
        _print_outputs(out, counts)
    if boundary is not None:
        _print_boundary(out, boundary, counts["boundary"])
    notes = []
    if whole.partial:
        notes.append("The complex is partial: give a higher --max-regions or --max-seconds.")
    if "verified" in counts:
        problems = ", ".join(counts["problems"])
        verdict = "everything is as it has to be" if counts["verified"] else f"WRONG: {problems}"
        notes.append(f"An independent checker looked at the complex: {verdict}.")
    print_notes(out, notes)


def _counted(n: int, what: str) -> str:
    if n == 1:
        return f"1 {what}"
    return f"{n:,} {what.removesuffix('y') + 'ies' if what.endswith('y') else what + 's'}"


def _faces_text(n_faces: tuple[int, ...]) -> str:
    names = [*FACE_NAMES[: len(n_faces) - 1], *(f"{i}-faces" for i in range(3, len(n_faces) - 1))]
    texts = [f"{n:,} {name}" for n, name in zip(n_faces, names)]
    return ", ".join([*texts, f"{n_faces[-1]:,} region{'s' * (n_faces[-1] != 1)}"])


def _print_outputs(out: Console, counts: dict[str, Any]) -> None:
    section(out, "The outputs over the box, exactly")
    right = RIGHT_ALIGNED
    table = table_of(("output", right), ("least", right), ("largest", right))
    for i, (low, high) in enumerate(zip(counts["minimum"], counts["maximum"])):
        table.add_row(str(i), format_number(float(low)), format_number(float(high)))
    indented(out, table)


def _print_boundary(out: Console, boundary: BoundaryComplex, counts: dict[str, Any]) -> None:
    section(out, "Where the decision changes")
    if not len(boundary.sides):
        out.print("  nowhere in the box")
        return
    betti = counts["betti_numbers"]
    names = BETTI_WORDS.get(boundary.dimension, ())
    text = ", ".join(
        _counted(n, names[i]) if i < len(names) else f"b{i} = {n:,}" for i, n in enumerate(betti)
    )
    ends = "nowhere: it is closed" if counts["closed"] else "on the sides of the box"
    lines = [
        ("faces", _faces_text((*boundary.n_faces, 0)).rpartition(",")[0]),
        ("measure", format_number(counts["measure"])),
        ("topology", f"{text}; Euler characteristic {counts['euler_characteristic']}"),
        ("ends", ends),
    ]
    out.print(grid_of(*lines))
    right = RIGHT_ALIGNED
    head = [(f"b{i}", right) for i in range(boundary.dimension + 2)]
    table = table_of(("decision", right), *head)
    for decision, numbers in counts["decisions"].items():
        table.add_row(decision, *map(str, numbers))
    indented(out, table)
