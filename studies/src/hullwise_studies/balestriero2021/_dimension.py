"""Where only the dimension of the hull matters: a Gaussian on a subspace, and a bent curve."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Any, Unpack

import numpy as np

from hullwise.report.charts import Series

from .._runs import Results, Task, fingerprint
from .._study import Chart, Part, Study
from .._tables import Finding, Table
from .._types import Array, Floats
from ._draws import (
    FEWEST_CLOUDS,
    MONTE_CARLO_COLUMNS,
    STANDARD_ERROR_TARGETS,
    Design,
    Draw,
    apart,
    band,
    by_samples,
    cells,
    drawn,
    shares,
)
from ._exact import share_inside
from ._plan import Plan, Settings, StudyPart
from ._running import Running, about, settings_of, study_of
from ._shares import within_clouds

SUBSPACE_DIMENSION = 4
AMBIENT_DIMENSIONS = {False: (4, 8, 16, 32), True: (4, 5, 6, 8, 12, 16, 32, 64)}
CURVE_FREQUENCIES = 32
CurveSizes = tuple[tuple[int, ...], tuple[int, ...]]


# ---- on a subspace ----------------------------------------------------------------------------


def _embedded(ambient: int, d: int = SUBSPACE_DIMENSION) -> Draw:
    """Gaussian on a d-dimensional subspace; integers and binary fractions keep it exactly flat."""

    def draw(rng: np.random.Generator, N: int, queries: int) -> tuple[Array, Array]:
        axes = rng.integers(-8, 9, size=(d, ambient)).astype(float)
        while np.linalg.matrix_rank(axes) < d:
            axes = rng.integers(-8, 9, size=(d, ambient)).astype(float)
        z = np.round(rng.normal(size=(N + queries, d)) * 2.0**30) / 2.0**30
        rows = z @ axes
        return rows[:N], rows[N:]

    return draw


def subspace_plan(
    settings: Settings,
    ambient: Sequence[int] | None = None,
    samples: Sequence[int] | None = None,
    target: float | None = None,
) -> Plan:
    """A Gaussian on a subspace of dimension 4 in growing ambient dimension."""
    spaces = AMBIENT_DIMENSIONS[settings.full] if ambient is None else tuple(ambient)
    counts = (10, 30, 100, 300, 1000) if samples is None else tuple(samples)
    goal = STANDARD_ERROR_TARGETS[settings.full] if target is None else target
    exact = {N: share_inside(N, SUBSPACE_DIMENSION) for N in counts}
    tasks = [
        drawn(f"subspace_{N}_{D}", _embedded(D), N, exact[N], settings, goal, D, SUBSPACE_DIMENSION)
        for D in spaces
        for N in counts
    ]

    def show(results: Results) -> tuple[Part, list[Finding]]:
        rows: list[tuple[Any, ...]] = []
        for D in spaces:
            for N in counts:
                answer = results[f"subspace_{N}_{D}"]
                rows.append((D, N, exact[N], *cells(answer), apart(answer, exact[N])))
        table = Table(
            "subspace",
            f"Gaussian on a subspace of dimension {SUBSPACE_DIMENSION}",
            (
                "ambient dimension",
                "N",
                f"exact, d = {SUBSPACE_DIMENSION}",
                *MONTE_CARLO_COLUMNS,
                "Monte Carlo | standard errors apart",
            ),
            tuple(rows),
            keys=2,
        )
        series = [
            Series(
                f"exact, d = {SUBSPACE_DIMENSION}", counts, [exact[N] for N in counts], dashed=True
            )
        ]
        for D in spaces:
            values = [within_clouds(results[f"subspace_{N}_{D}"]["shares"])[0] for N in counts]
            series.append(Series(f"ambient {D}", counts, values))
        svg = by_samples(
            series, "Share inside against N by ambient dimension", "N, training samples"
        )
        worst = max(abs(row[-1]) for row in rows)
        text = (
            f"From {min(spaces)} to {max(spaces)} ambient dimensions the share inside is that "
            f"of a Gaussian in {SUBSPACE_DIMENSION} dimensions: the largest difference to the "
            "exact value is "
            f"{worst:.1f} standard errors over {len(rows)} settings."
        )
        part = Part(
            "A Gaussian on a subspace",
            f"Samples of a Gaussian on a {SUBSPACE_DIMENSION}-dimensional subspace of a space of "
            "growing "
            "dimension. The exact line is that of N(0, I) in as many dimensions as the subspace.",
            (Chart(svg, "One line for each ambient dimension, and the exact one, dashed."),),
            (table,),
        )
        return part, [Finding("The ambient dimension", text)]

    return Plan(tasks, show)


# ---- on a curve -------------------------------------------------------------------------------


def _curve(d: int) -> Draw:
    """Uniform on a random closed curve: every coordinate a Gaussian sum of 32 frequencies."""

    def draw(rng: np.random.Generator, N: int, queries: int) -> tuple[Array, Array]:
        factors = rng.normal(size=(2 * CURVE_FREQUENCIES, d)) / np.sqrt(CURVE_FREQUENCIES)
        rows = curve(rng.uniform(size=N + queries), factors)
        return rows[:N], rows[N:]

    return draw


def curve(t: Floats, factors: Floats) -> Floats:
    """Points of the curve at t in [0, 1): (len(t), d)."""
    angle = 2 * np.pi * np.outer(t, np.arange(1, CURVE_FREQUENCIES + 1))
    return np.asarray(np.hstack([np.cos(angle), np.sin(angle)]) @ factors)


def manifold_plan(
    settings: Settings,
    dimensions: Sequence[int] | None = None,
    samples: Sequence[int] | None = None,
    target: float | None = None,
) -> Plan:
    """A one-dimensional curve bent through all d dimensions."""
    short: CurveSizes = ((2, 4, 8, 12), (30, 100, 300, 1000, 3000))
    long: CurveSizes = (
        (1, 2, 3, 4, 6, 8, 10, 12, 15, 20),
        (10, 30, 100, 300, 1000, 3000, 10_000, 30_000),
    )
    dims, counts = long if settings.full else short
    dims = dims if dimensions is None else tuple(dimensions)
    counts = counts if samples is None else tuple(samples)
    goal = 2 * STANDARD_ERROR_TARGETS[settings.full] if target is None else target
    # Curves differ from each other more than Gaussian clouds do: more clouds, fewer queries.
    plan = Design(max(FEWEST_CLOUDS, ceil(0.02 / goal**2)), 100)

    def task(N: int, d: int) -> Task:
        name = f"manifold_{N}_{d}"
        key = fingerprint(name, plan, CURVE_FREQUENCIES, settings.random_state, settings.verify)
        return Task(name, key, lambda _: shares(_curve(d), N, plan, settings, d, 1))

    tasks = [task(N, d) for d in dims for N in counts]

    def show(results: Results) -> tuple[Part, list[Finding]]:
        rows: list[tuple[Any, ...]] = []
        series = []
        for d in dims:
            answers = [results[f"manifold_{N}_{d}"] for N in counts]
            rows += [(d, N, share_inside(N, d), *cells(a)) for N, a in zip(counts, answers)]
            means = [within_clouds(a["shares"]) for a in answers]
            low, high = band(means)
            series.append(Series(f"d = {d}", counts, [m for m, _ in means], low, high))
        table = Table(
            "manifold",
            "Samples on a one-dimensional curve whose hull has d dimensions",
            ("d", "N", "Gaussian in d dimensions, exact", *MONTE_CARLO_COLUMNS),
            tuple(rows),
            f"Each cloud is on a new random closed curve of {CURVE_FREQUENCIES} frequencies.",
            keys=2,
        )
        svg = by_samples(series, "Share inside on a curve against N", "N, training samples")
        last = {row[0]: row[3] for row in rows if row[1] == max(counts)}
        few, many = min(dims), max(dims)
        text = (
            f"The manifold has one dimension throughout. With N = {max(counts):,} the share inside "
            f"is {last[few]:.3f} where the hull has {few} dimensions and {last[many]:.3f} where it "
            f"has {many}."
        )
        part = Part(
            "A one-dimensional manifold",
            "Samples on a random closed curve bent through all d dimensions: their hull has d "
            "dimensions and the manifold one. Part of such a curve lies on the boundary of its own "
            "hull, so the share has a limit below 1 however many samples there are.",
            (Chart(svg, "Band: two standard errors between curves."),),
            (table,),
        )
        return part, [Finding("The manifold's own dimension", text)]

    return Plan(tasks, show)


def subspace(
    ambient: Sequence[int] | None = None,
    samples: Sequence[int] | None = None,
    *,
    target: float | None = None,
    **running: Unpack[Running],
) -> Study:
    """A Gaussian on a subspace of dimension 4, in growing ambient dimension.

    Parameters as of `gaussian`, with ambient dimensions of at least 4.

    Examples
    --------
    >>> from hullwise_studies import balestriero2021
    >>> study = balestriero2021.subspace([6], [30], target=0.05)
    >>> round(study.tables["subspace"].rows[0][2], 3)  # exact, as for N(0, I) in 4 dimensions
    0.308
    """
    settings = settings_of(running)
    return study_of([subspace_plan(settings, ambient, samples, target)], running, about(settings))


def manifold(
    dimensions: Sequence[int] | None = None,
    samples: Sequence[int] | None = None,
    *,
    target: float | None = None,
    **running: Unpack[Running],
) -> Study:
    """Samples on a one-dimensional curve whose hull has d dimensions.

    Parameters as of `gaussian`.

    Examples
    --------
    >>> from hullwise_studies import balestriero2021
    >>> study = balestriero2021.manifold([2, 12], [100], target=0.1)
    >>> low, high = study.tables["manifold"].to_dict()["Monte Carlo | share inside"]
    >>> low > 0.8, high < 0.1
    (True, True)
    """
    settings = settings_of(running)
    plan = manifold_plan(settings, dimensions, samples, target)
    return study_of([plan], running, about(settings))


STUDY_PARTS = (
    StudyPart(
        "subspace",
        "a Gaussian on a subspace of a larger space",
        20,
        lambda settings, sets, model: subspace_plan(settings),
    ),
    StudyPart(
        "manifold",
        "samples on a curve bent through all dimensions",
        30,
        lambda settings, sets, model: manifold_plan(settings),
    ),
)
