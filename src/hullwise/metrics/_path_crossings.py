"""What a path meets: its length, the hull, the rows near its middle, the regions of a network."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core.types import Floats, Ints, Progress
from ..errors import DataError
from ..geometry.cloud import Cloud
from ..geometry.hull import locate_in_hull
from ..geometry.metric import Metric
from ..geometry.neighbours import nearest_rows
from ..model.network import Network
from ._geodesics import at_positions, positions
from ._outside_hull import PathOutside, outside_path
from ._path_lengths import piece_lengths
from ._path_metrics import PathMetric


def lengths_and_positions(path_metric: PathMetric, points: Floats) -> tuple[Floats, Floats]:
    """The length of each piece, and the places of the points."""
    with np.errstate(over="ignore", invalid="ignore"):
        sizes = piece_lengths(path_metric, points)
    if not np.isfinite(sizes).all():
        raise DataError(
            "the length of the path is not finite: the metric is not, or its units are so small "
            "that squares overflow; divide the features by a power of ten"
        )
    return sizes, positions(sizes)


def outside_intervals(
    cloud: Cloud,
    points: Floats,
    position: Floats,
    units: Metric,
    both_rows: bool,
    progress: Progress | None,
) -> PathOutside:
    """Where the path is outside; a segment between points inside needs its ends only."""
    share = np.linspace(0, 1, len(points))[:, None]
    is_bent = np.abs(points - ((1 - share) * points[0] + share * points[-1])).max() > 0
    if not is_bent:
        end = locate_in_hull(cloud, points[[0, -1]], units)
        if both_rows or not (end.lower > 0).any():
            upper = np.zeros(len(points)) if both_rows else np.full(len(points), end.upper.max())
            return PathOutside(np.zeros(len(points)), upper, np.zeros((0, 2)))
    return outside_path(cloud, points, position, units, progress)


def midpoint_neighbours(
    cloud: Cloud, points: Floats, position: Floats, units: Metric
) -> dict[str, Any]:
    """Is the midpoint a mixture of the ends, or like some row?"""
    middle = at_positions(points, position, np.array([0.5]))
    to_average = float(units.norm(middle - (points[0] / 2 + points[-1] / 2))[0])
    near = nearest_rows(cloud, middle, units, 1)
    to_row = float(near.distances[0, 0])
    return {
        "fades": bool(to_average < to_row),
        "to_average": to_average,
        "to_row": to_row,
        "nearest_row": int(near.rows[0, 0]),
    }


def region_crossings(
    net: Network | None, points: Floats, position: Floats
) -> tuple[Floats | None, Floats | None, Ints | None]:
    """The network at the points, and where and by how many units its code changes."""
    if net is None:
        return None, None, None
    at: list[float] = []
    units: list[int] = []
    before = None
    for i in range(len(points) - 1):
        if (points[i] == points[i + 1]).all():
            continue
        piece = net.along(points[i], points[i + 1])
        if before is not None and (turned := int((before != piece.codes[0]).sum())):
            at.append(float(position[i]))
            units.append(turned)
        at += list(position[i] + piece.breaks * (position[i + 1] - position[i]))
        units += [len(unit) for unit in piece.units]
        before = piece.codes[-1]
    return net(points), np.array(at, dtype=np.float64), np.array(units, dtype=np.intp)
