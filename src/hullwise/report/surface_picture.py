"""Pictures of surfaces in space: SVG without another library, or matplotlib axes."""

from __future__ import annotations

import os
from os import PathLike
from typing import TYPE_CHECKING, Any

from ..errors import DataError
from ..io.atomic_write import whole_file
from ._matplotlib import new_axes
from ._surface_view import SeenSurface, seen_surface
from ._svg import svg_document

if TYPE_CHECKING:
    from ..model.complexes.surface_mesh import SurfaceMesh

__all__ = ["draw_surface", "surface_svg", "write_surface_picture"]

SURFACE_WIDTH, SURFACE_MARGIN = 640, 16
EDGE_COLOR = "#ffffff"


def draw_surface(
    mesh: SurfaceMesh, ax: Any = None, *, azimuth: float = -60.0, elevation: float = 25.0
) -> Any:
    """Draw polygons in space on matplotlib axes.

    Parameters
    ----------
    mesh : SurfaceMesh
        From `BoundaryComplex.mesh`.
    ax : matplotlib Axes, optional
        Where to draw; a new figure unless given.
    azimuth, elevation : float
        Where it is seen from, in degrees.

    Returns
    -------
    matplotlib Axes

    Notes
    -----
    Blue is the side of the higher decision, ochre the other one. Polygons are drawn from the
    farthest to the nearest by their middles; of large ones that overlap the order may be wrong.

    Examples
    --------
    >>> import numpy as np, hullwise as hw
    >>> W = np.vstack([np.eye(3), -np.eye(3)])
    >>> net = hw.model.from_arrays([W, np.ones((1, 6))], [np.zeros(6), np.full(1, -0.5)])
    >>> ax = hw.model.cell_complex(net).boundary().plot()
    >>> len(ax.collections[0].get_paths())
    8
    """
    seen = seen_surface(mesh, azimuth, elevation)
    ax = new_axes() if ax is None else ax
    from matplotlib.collections import PolyCollection

    ax.add_collection(
        PolyCollection(seen.polygons, facecolors=seen.colors, edgecolors=EDGE_COLOR, linewidths=0.3)
    )
    ax.autoscale_view()
    ax.set_aspect("equal")
    ax.set_axis_off()
    return ax


def surface_svg(mesh: SurfaceMesh, *, azimuth: float = -60.0, elevation: float = 25.0) -> str:
    """The same as the text of an SVG picture.

    Parameters
    ----------
    mesh : SurfaceMesh
    azimuth, elevation : float
        Where it is seen from, in degrees.

    Returns
    -------
    str

    Examples
    --------
    >>> import numpy as np, hullwise as hw
    >>> W = np.vstack([np.eye(3), -np.eye(3)])
    >>> net = hw.model.from_arrays([W, np.ones((1, 6))], [np.zeros(6), np.full(1, -0.5)])
    >>> hw.report.surface_svg(hw.model.cell_complex(net).boundary().mesh()).count("<path")
    8
    """
    seen = seen_surface(mesh, azimuth, elevation)
    if not seen.polygons:
        empty = '<text x="16" y="24">no boundary within the box</text>'
        return svg_document(SURFACE_WIDTH, 40, "no boundary within the box", [empty])
    scale = (SURFACE_WIDTH - 2 * SURFACE_MARGIN) / float((seen.high - seen.low).max())
    height = float(seen.high[1] - seen.low[1]) * scale + 2 * SURFACE_MARGIN
    label = f"a surface of {len(seen.polygons):,} polygons"
    return svg_document(SURFACE_WIDTH, round(height), label, _paths(seen, scale))


def _paths(seen: SeenSurface, scale: float) -> list[str]:
    parts = []
    for polygon, color in zip(seen.polygons, seen.colors, strict=True):
        x = SURFACE_MARGIN + (polygon[:, 0] - seen.low[0]) * scale
        y = SURFACE_MARGIN + (seen.high[1] - polygon[:, 1]) * scale
        corners = "L".join(f"{a:.1f},{b:.1f}" for a, b in zip(x.tolist(), y.tolist()))
        style = f'fill="{color}" stroke="{EDGE_COLOR}" stroke-width=".4"'
        parts.append(f'<path {style} stroke-linejoin="round" d="M{corners}Z"/>')
    return parts


def write_surface_picture(
    mesh: SurfaceMesh, path: str | PathLike[str], *, force: bool = False, **view: Any
) -> None:
    """Write a picture of a surface: ``.svg``, or ``.png`` and others that matplotlib knows.

    Parameters
    ----------
    mesh : SurfaceMesh
        From `BoundaryComplex.mesh`.
    path : path-like
    force : bool
        Replace a file that is there.
    view : float
        `azimuth` and `elevation`, in degrees.

    Raises
    ------
    DataError
        The name has no ending that says the kind.
    FileError
        The file cannot be written, or exists and `force` is false.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> import numpy as np, hullwise as hw
    >>> W = np.vstack([np.eye(3), -np.eye(3)])
    >>> net = hw.model.from_arrays([W, np.ones((1, 6))], [np.zeros(6), np.full(1, -0.5)])
    >>> path = pathlib.Path(tempfile.mkdtemp(), "octahedron.svg")
    >>> hw.report.write_surface_picture(hw.model.cell_complex(net).boundary().mesh(), path)
    >>> path.read_text()[:4]
    '<svg'
    """
    kind = os.path.splitext(os.fsdecode(path))[1].lower().lstrip(".")
    if not kind:
        raise DataError(f"{os.fsdecode(path)}: name a picture with its kind, .svg or .png")
    if kind == "svg":
        text = surface_svg(mesh, **view).replace(
            "<svg ", '<svg xmlns="http://www.w3.org/2000/svg" '
        )
        with whole_file(path, force=force) as stream:
            stream.write(text.encode())
        return
    figure = draw_surface(mesh, **view).figure
    if kind not in figure.canvas.get_supported_filetypes():
        raise DataError(f"{os.fsdecode(path)}: a picture is written as .svg, .png or .pdf")
    with whole_file(path, force=force) as stream:
        figure.savefig(stream, format=kind)
