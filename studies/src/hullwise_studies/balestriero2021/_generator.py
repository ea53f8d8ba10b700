"""Gaussian latents of a generator: in the hull of those seen while it was trained?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

import numpy as np

from hullwise.report.charts import Series

from .._runs import Results, Task, fingerprint
from .._study import Part, Study
from .._tables import Finding, Table
from .._types import Array, Floats
from ._exact import half, share_inside
from ._pixels import explaining, share_chart, variances
from ._plan import Plan, Settings, StudyPart, shown_share
from ._running import Running, about, settings_of, study_of
from ._shares import COUNT_COLUMNS, Counts, ask

LATENT_DIMENSIONS = {False: (2, 5, 10, 15, 20), True: (2, 5, 10, 12, 15, 18, 20, 25, 30)}
LATENT_ROWS = {False: (10_000, 500), True: (50_000, 2000)}
GENERATOR_WIDTH, GENERATED_PIXELS = 128, 64
GENERATOR_SPACES = ("latents", "on the sphere", "generated")


def generated(z: Floats, random_state: int) -> Floats:
    """A random generator: two layers of rectified units, 64 outputs."""
    rng = np.random.default_rng(random_state)
    d = z.shape[1]
    first = rng.normal(size=(d, GENERATOR_WIDTH)) * np.sqrt(2 / d)
    bias = 0.1 * rng.normal(size=GENERATOR_WIDTH)
    second = rng.normal(size=(GENERATOR_WIDTH, GENERATED_PIXELS)) * np.sqrt(2 / GENERATOR_WIDTH)
    return np.asarray(np.maximum(z @ first + bias, 0) @ second)


def generator_plan(settings: Settings, dimensions: Sequence[int] | None = None) -> Plan:
    """New latents, normalised latents and generated rows in the hull of N others."""
    dims = LATENT_DIMENSIONS[settings.full] if dimensions is None else tuple(dimensions)
    N, m = LATENT_ROWS[settings.full]

    def task(d: int, space: str) -> Task:
        name = f"generator_{d}_{space.split()[-1]}"

        def work(_: Results) -> dict[str, Array]:
            rng = np.random.default_rng([settings.random_state, d])
            z = rng.normal(size=(N + m, d))
            if space == GENERATOR_SPACES[1]:
                z /= np.sqrt((z**2).sum(axis=1, keepdims=True))
            rows = generated(z, settings.random_state) if space == GENERATOR_SPACES[2] else z
            answer = ask(rows[:N], rows[N:], settings.verify, settings.random_state)
            return {**answer, "needed": np.array(explaining(variances(rows[:N])))}

        return Task(name, fingerprint(name, settings, N, m), work)

    tasks = [task(d, space) for d in dims for space in GENERATOR_SPACES]

    def show(results: Results) -> tuple[Part, list[Finding]]:
        rows: list[tuple[Any, ...]] = []
        for space in GENERATOR_SPACES:
            for d in dims:
                answer = results[f"generator_{d}_{space.split()[-1]}"]
                c = Counts.of(answer)
                exact = share_inside(N, d) if space == GENERATOR_SPACES[0] else None
                rows.append((space, d, int(answer["needed"]), exact, c.share, c.error, *c.cells()))
        table = Table(
            "generator",
            f"New Gaussian latents in the hull of {N:,} others",
            (
                "space",
                "latent dimensions",
                "components for 99 %",
                "exact",
                "share inside",
                "standard error",
                *COUNT_COLUMNS,
            ),
            tuple(rows),
            f"The generator is a random network, {GENERATOR_WIDTH} rectified units and "
            f"{GENERATED_PIXELS} outputs. A "
            "point of a sphere lies in the hull of other points of it only as one of them.",
            keys=2,
        )
        series = [
            Series(space, dims, [r[4] for r in rows if r[0] == space]) for space in GENERATOR_SPACES
        ]
        chart = share_chart(series, "Share inside by latent dimensions", "latent dimensions", False)
        part = Part(
            "Latents of a generator",
            f"A generator is asked with Gaussian latents. Does a new one lie in the hull of the "
            f"{N:,} it was trained with, and does its output lie in the hull of theirs?",
            (chart,),
            (table,),
        )
        return part, [Finding("Gaussian latents", _exact_text(N, dims))]

    return Plan(tasks, show)


def _exact_text(N: int, dims: Sequence[int]) -> str:
    chosen = [d for d in (10, 15, 20, 30) if d <= max(dims)] or [max(dims)]
    each = ", ".join(f"{shown_share(share_inside(N, d))} with {d} dimensions" for d in chosen)
    return (
        f"The exact probability that a new latent lies in the hull of {N:,} others is {each}; one "
        f"half takes {half(15):,} latents in 15 dimensions and {half(20):,} in 20."
    )


def generator(dimensions: Sequence[int] | None = None, **running: Unpack[Running]) -> Study:
    """Gaussian latents of a generator, and what it makes of them, in the hull of N others.

    Parameters
    ----------
    dimensions : sequence of int, optional
        Of the latents; to 20, or 30 in the full form.
    **running
        full, random_state, verify, cache and progress, as `run` takes them.
    """
    settings = settings_of(running)
    return study_of([generator_plan(settings, dimensions)], running, about(settings))


STUDY_PARTS = (
    StudyPart(
        "generator",
        "latents of a generator",
        120,
        lambda settings, sets, model: generator_plan(settings),
    ),
)
