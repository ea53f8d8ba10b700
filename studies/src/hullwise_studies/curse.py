"""The curse of dimensionality in numbers that can be computed exactly.

How much of a cube its inscribed ball fills, how many samples a kernel density estimate needs, how
many samples a hull needs to hold half of all new ones, how many points a grid has.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from hullwise.errors import DataError
from hullwise.report.charts import Series, line_chart

from ._page import write_page
from ._study import Chart, Part, Study
from ._tables import Finding, Table
from ._types import Progress
from .balestriero2021._exact import half, share_inside

__all__ = [
    "ball_in_cube",
    "ball_volume",
    "density_samples",
    "grid_points",
    "hull_samples",
    "run",
    "shell",
    "write_page",
]

SILVERMAN_SAMPLES = (4, 19, 67, 223, 768, 2_790, 10_700, 43_700, 187_000, 842_000)
"""Silverman (1986), Table 4.2: d = 1 to 10."""

CURSE_DIMENSIONS = (*range(1, 16), 18, 20)


def ball_volume(d: int, radius: float = 1.0) -> float:
    """Volume of a ball: pi^(d/2) r^d / Gamma(d/2 + 1).

    Parameters
    ----------
    d : int
        Dimensions, at least 1.
    radius : float

    Returns
    -------
    float
        0 where it is smaller than the smallest number, inf where it is larger than the largest.

    Raises
    ------
    DataError
        For d below 1 or a negative radius.

    Examples
    --------
    >>> from hullwise_studies import curse
    >>> [round(curse.ball_volume(d), 3) for d in (1, 2, 3, 5, 20)]
    [2.0, 3.142, 4.189, 5.264, 0.026]
    """
    d = _dimension(d)
    if not radius >= 0:
        raise DataError(f"radius is {radius}: expected 0 or more.")
    if radius == 0:
        return 0.0
    return _exp(d / 2 * math.log(math.pi) + d * math.log(radius) - math.lgamma(d / 2 + 1))


def ball_in_cube(d: int) -> float:
    """Share of the volume of a cube that its inscribed ball fills: pi^(d/2) / (2^d Gamma(d/2+1)).

    Parameters
    ----------
    d : int
        Dimensions, at least 1.

    Returns
    -------
    float

    Raises
    ------
    DataError
        For d below 1.

    Examples
    --------
    >>> from hullwise_studies import curse
    >>> [f"{curse.ball_in_cube(d):.2g}" for d in (1, 2, 3, 10, 20)]
    ['1', '0.79', '0.52', '0.0025', '2.5e-08']
    """
    return ball_volume(d, 0.5)


def shell(d: int, thickness: float = 0.1) -> float:
    """Share of a ball's volume within `thickness` of its radius from the surface: 1 - (1-t)^d.

    Parameters
    ----------
    d : int
        Dimensions, at least 1.
    thickness : float
        In radii, from 0 to 1.

    Returns
    -------
    float

    Raises
    ------
    DataError
        For d below 1 or a thickness outside [0, 1].

    Examples
    --------
    >>> from hullwise_studies import curse
    >>> [round(curse.shell(d), 2) for d in (1, 2, 10, 50)]
    [0.1, 0.19, 0.65, 0.99]
    """
    d = _dimension(d)
    if not 0 <= thickness <= 1:
        raise DataError(f"thickness is {thickness}: expected 0 to 1.")
    return 1.0 if thickness == 1 else -math.expm1(d * math.log1p(-thickness))


def density_samples(d: int, error: float = 0.1) -> float:
    """Samples for a relative mean-square error of a kernel density estimate at the origin.

    A normal kernel with the bandwidth that is best at that point, for the density of N(0, I_d).

    Parameters
    ----------
    d : int
        Dimensions, at least 1.
    error : float
        E(estimate - f)^2 / f^2 at the origin, between 0 and 1.

    Returns
    -------
    float
        The number at which the error is reached, before rounding up; inf above 1e308.

    Raises
    ------
    DataError
        For d below 1 or an error outside (0, 1).

    Notes
    -----
    No approximation. With bandwidth h the estimate at 0 has the relative mean b = (1+h^2)^(-d/2),
    and one kernel the relative second moment a = (2h^2 + h^4)^(-d/2). So the relative mean-square
    error is (a - b^2)/n + (1-b)^2, and

        n = min over h of  (a - b^2) / (error - (1-b)^2)

    which has one minimum in h. B. W. Silverman, "Density Estimation for Statistics and Data
    Analysis", 1986, Table 4.2, prints these numbers, rounded to three digits, for an error of .1.
    O(1).

    Examples
    --------
    >>> from hullwise_studies import curse
    >>> round(curse.density_samples(10))
    841565
    >>> [math.ceil(curse.density_samples(d)) for d in (1, 2, 3, 4, 5)]
    [4, 19, 67, 223, 768]
    """
    from scipy.optimize import minimize_scalar

    d = _dimension(d)
    if not 0 < error < 1:
        raise DataError(f"error is {error}: expected a number between 0 and 1.")
    # (1-b)^2 < error bounds h^2 from above; s = h^2 is sought as a share of that bound.
    most = math.expm1(-2 / d * math.log1p(-math.sqrt(error)))

    def log_samples(log_share: float) -> float:
        s = most * math.exp(log_share)
        left = error - math.expm1(-d / 2 * math.log1p(s)) ** 2
        if left <= 0:
            return math.inf
        log_a, log_b2 = -d / 2 * math.log(s * (2 + s)), -d * math.log1p(s)
        return log_a + math.log1p(-math.exp(log_b2 - log_a)) - math.log(left)

    optimum = minimize_scalar(
        log_samples, bounds=(-20.0, -1e-9), method="bounded", options={"xatol": 1e-10}
    )
    return _exp(float(optimum.fun))


def hull_samples(d: int, share: float = 0.5) -> int:
    """Gaussian samples whose convex hull holds a new one with at least this probability.

    Parameters
    ----------
    d : int
        Dimensions, at least 1.
    share : float
        Between 0 and 1; one half unless told.

    Returns
    -------
    int

    Raises
    ------
    DataError
        For d below 1, a share outside (0, 1), or where more than 1e15 samples are needed.

    Notes
    -----
    Exact: Kabluchko and Zaporozhets (2020); see `balestriero2021.half`.

    Examples
    --------
    >>> from hullwise_studies import curse
    >>> [curse.hull_samples(d) for d in (1, 2, 3, 10)]
    [3, 11, 27, 3934]
    """
    return half(d, share)


def grid_points(d: int, side: int = 10) -> int:
    """Points of a grid with `side` points along each dimension: side^d.

    Parameters
    ----------
    d, side : int
        At least 1.

    Returns
    -------
    int

    Raises
    ------
    DataError
        For numbers below 1.

    Examples
    --------
    >>> from hullwise_studies import curse
    >>> curse.grid_points(3), curse.grid_points(20, 2)
    (1000, 1048576)
    """
    return int(_dimension(side, "side") ** _dimension(d))


def run(dimensions: Sequence[int] = CURSE_DIMENSIONS, *, progress: Progress | None = None) -> Study:
    """All of these for each number of dimensions, as a table and a figure.

    Parameters
    ----------
    dimensions : sequence of int
    progress : callable, optional
        Called with (dimensions done, dimensions in all, "dimensions").

    Returns
    -------
    Study
        Table "curse"; `write_page` writes it as one HTML page.

    Raises
    ------
    DataError
        For dimensions below 1.

    Examples
    --------
    >>> from hullwise_studies import curse
    >>> table = curse.run([2, 10]).tables["curse"].to_dict()
    >>> table["samples for a density"], table["samples for half inside"]
    ([19, 841566], [11, 3934])
    """
    dims = [_dimension(d) for d in dimensions]
    if not dims:
        raise DataError("no dimensions: give at least one.")
    table = _table(dims, progress or (lambda n, total, what: None))
    part = Part(
        "By number of dimensions",
        "How much of a cube its ball fills, and how many points it takes: of a grid with ten along "
        "each dimension; of a kernel density estimate at the origin with a relative mean-square "
        "error of .1; of a hull that holds half of all new samples.",
        (_figure(dims),),
        (table,),
    )
    return Study(
        "curse",
        "The curse of dimensionality in numbers",
        "Computed, not sampled: every number is exact up to rounding.",
        (part,),
        (_beside_silverman(), _finding(dims)),
    )


def _table(dims: Sequence[int], progress: Progress) -> Table:
    rows: list[tuple[Any, ...]] = []
    for number, d in enumerate(dims):
        progress(number, len(dims), "dimensions")
        density, grid = density_samples(d), float(grid_points(d)) if d < 300 else math.inf
        rows.append((d, ball_in_cube(d), shell(d), _whole(density), _hull(d), _whole(grid)))
    progress(len(dims), len(dims), "dimensions")
    return Table(
        "curse",
        "Volume, and points needed, by dimension",
        (
            "d",
            "ball in cube",
            "ball's outer tenth",
            "samples for a density",
            "samples for half inside",
            "grid of ten a side",
        ),
        tuple(rows),
        "Outer tenth: share of the ball within a tenth of its radius from the surface. Samples "
        "for half inside: of N(0, I). Empty: above 1e15.",
    )


def _whole(value: float) -> int | None:
    return math.ceil(value) if value <= 1e21 else None


def _hull(d: int) -> int | None:
    try:
        return hull_samples(d)
    except DataError:
        return None


def _figure(dims: Sequence[int]) -> Chart:
    drawn = sorted(d for d in set(dims) if d <= 40) or [min(dims)]
    named: list[tuple[str, list[float]]] = [
        ("ball in cube", [ball_in_cube(d) for d in drawn]),
        ("density, error .1", [density_samples(d) for d in drawn]),
        ("half inside hull", [float(_hull(d) or np.nan) for d in drawn]),
        ("grid of ten a side", [float(grid_points(d)) for d in drawn]),
    ]
    svg = line_chart(
        [Series(name, drawn, values) for name, values in named],
        label="Volume of the ball and numbers of points by dimension",
        x_label="dimensions",
        y_label="share, or number of points",
        log=(False, True),
    )
    return Chart(svg, "Logarithmic: the share of the cube that the ball fills, and points needed.")


def _beside_silverman() -> Finding:
    rows = tuple(
        (d, printed, f"{density_samples(d):,.1f}", float(f"{math.ceil(density_samples(d)):.3g}"))
        for d, printed in enumerate(SILVERMAN_SAMPLES, 1)
    )
    same = sum(printed == rounded for _, printed, _, rounded in rows)
    table = Table(
        "silverman",
        "Samples for a relative mean-square error of .1 at the origin",
        ("d", "Silverman (1986), Table 4.2", "computed", "rounded up, three digits"),
        rows,
    )
    text = f"{same} of the {len(rows)} printed numbers equal those computed here."
    return Finding("Silverman's table", text, table)


def _finding(dims: Sequence[int]) -> Finding:
    d = max(x for x in dims if x <= 30) if min(dims) <= 30 else min(dims)
    count = _hull(d)
    text = (
        f"In {d} dimensions the ball fills {ball_in_cube(d):.2g} of its cube. "
        f"A density at one point takes {density_samples(d):.3g} samples"
    )
    if count is None:
        return Finding("The largest dimension", text + ".")
    text += (
        f"; a hull that holds half of all new samples {count:,}, and with these the probability "
        f"is {share_inside(count, d):.4f}."
    )
    return Finding("Density and membership", text)


def _dimension(value: Any, name: str = "d") -> int:
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer) or value < 1:
        raise DataError(f"{name} is {value!r}: expected a whole number of at least 1.")
    return int(value)


def _exp(log: float) -> float:
    return math.exp(log) if log < 709.78 else math.inf
