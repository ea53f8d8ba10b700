"""Samples drawn from a law: Gaussian, Gaussian on a subspace, and a bent curve.

Each share is over several clouds of training rows drawn anew, with several queries to each. The
number of clouds is planned from the exact probability so that the standard error stays below the
target; what is reported is the error measured between clouds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np

from ...rows._rows import Array, Floats
from .._runs import Results, Task, fingerprint
from .._study import Chart, Part
from .._svg import Series, lines
from .._tables import Finding, Table
from ._exact import half, share_inside, threshold
from ._plan import Plan, Settings
from ._shares import ask, within_clouds

__all__ = ["DIMENSIONS", "SAMPLES", "gaussian_plan", "manifold_plan", "subspace_plan"]

DIMENSIONS = {False: (1, 2, 3, 4, 5, 6, 8, 10, 12), True: (*range(1, 11), 12, 14, 15, 16, 18, 20)}
SAMPLES = {
    False: (10, 30, 100, 300, 1000, 3000, 10_000),
    True: (*(n for k in range(1, 6) for n in (10**k, 3 * 10**k)), 10**6),
}
TARGET = {False: 0.01, True: 0.005}
SUBSPACE = 4
AMBIENT = {False: (4, 8, 16, 32), True: (4, 5, 6, 8, 12, 16, 32, 64)}
FREQUENCIES = 32
FEWEST = 20
Grid = tuple[tuple[int, ...], tuple[int, ...]]
Draw = Callable[[np.random.Generator, int, int], tuple[Array, Array]]


@dataclass(frozen=True)
class Design:
    """How many clouds, and how many queries to each."""

    clouds: int
    queries: int


def design(N: int, p: float, target: float) -> Design:
    """Clouds and queries for a standard error of 0.8 `target` at probability p.

    Between clouds of N samples the share varies with a variance of about p(1-p) 0.6/N (measured at
    d = 2 to 5, where it is largest); queries beyond N to a cloud would be wasted.
    """
    spread = max(p * (1 - p), 0.02)
    queries = int(min(max(N, 50), 1000))
    needed = spread * (1 / queries + 0.6 / N) / (0.8 * target) ** 2
    return Design(max(FEWEST, ceil(needed)), queries)


def shares(draw: Draw, N: int, plan: Design, settings: Settings, *more: int) -> dict[str, Array]:
    """The share of each cloud, with undecided queries and verified certificates counted."""
    inside, undecided, checked = [], 0, np.zeros(2, dtype=int)
    each = None if settings.verify is None else ceil(settings.verify / plan.clouds)
    for number in range(plan.clouds):
        rng = np.random.default_rng([settings.seed, N, *more, number])
        answer = ask(*draw(rng, N, plan.queries), each, number)
        inside.append((answer["verdict"] == 1).mean())
        undecided += int((answer["verdict"] == 0).sum())
        checked += answer["verified"]
    return {
        "shares": np.array(inside),
        "queries": np.array(plan.queries),
        "undecided": np.array(undecided),
        "verified": checked,
    }


def _task(
    name: str, draw: Draw, N: int, p: float, settings: Settings, target: float, *more: int
) -> Task:
    plan = design(N, p, target)
    key = fingerprint(name, N, more, plan, settings.seed, settings.verify)
    return Task(name, key, lambda _: shares(draw, N, plan, settings, *more))


COLUMNS = (
    *("Monte Carlo | share inside", "Monte Carlo | standard error", "Monte Carlo | clouds"),
    *("Monte Carlo | queries", "Monte Carlo | undecided", "Monte Carlo | verified"),
)


def _cells(answer: dict[str, Array]) -> tuple[Any, ...]:
    mean, error = within_clouds(answer["shares"])
    clouds = len(answer["shares"])
    checked, held = map(int, answer["verified"])
    queries = clouds * int(answer["queries"])
    return (mean, error, clouds, queries, int(answer["undecided"]), f"{held:,} of {checked:,}")


def apart(answer: dict[str, Array], truth: float) -> float:
    """Difference to the exact probability in standard errors, at least the binomial ones."""
    mean, error = within_clouds(answer["shares"])
    trials = len(answer["shares"]) * int(answer["queries"])
    least = np.sqrt(truth * (1 - truth) / trials)
    scale = max(error if np.isfinite(error) else 0.0, float(least))
    return 0.0 if mean == truth else (mean - truth) / scale


# ---- Gaussian ---------------------------------------------------------------------------------


def _plain(d: int) -> Draw:
    def draw(rng: np.random.Generator, N: int, queries: int) -> tuple[Array, Array]:
        return rng.normal(size=(N, d)), rng.normal(size=(queries, d))

    return draw


def gaussian_plan(
    settings: Settings,
    dimensions: Sequence[int] | None = None,
    samples: Sequence[int] | None = None,
    target: float | None = None,
) -> Plan:
    """A new sample of N(0, I_d) in the hull of N others: Monte Carlo against the exact value."""
    dims = DIMENSIONS[settings.full] if dimensions is None else tuple(dimensions)
    counts = SAMPLES[settings.full] if samples is None else tuple(samples)
    goal = TARGET[settings.full] if target is None else target
    exact = {(N, d): share_inside(N, d) for N in counts for d in dims}
    tasks = [
        _task(f"gaussian_{N}_{d}", _plain(d), N, exact[N, d], settings, goal, d)
        for N in counts
        for d in dims
    ]

    def show(results: Results) -> tuple[Part, list[Finding]]:
        found = {(N, d): results[f"gaussian_{N}_{d}"] for N, d in exact}
        table = Table(
            "gaussian",
            "A new sample of N(0, I) in the hull of N others",
            ("d", "N", "exact", *COLUMNS, "Monte Carlo | standard errors apart"),
            tuple(
                (d, N, exact[N, d], *_cells(found[N, d]), apart(found[N, d], exact[N, d]))
                for d in dims
                for N in counts
            ),
            "Exact: Kabluchko and Zaporozhets (2020). The standard error is between clouds; where "
            "no query of n is inside, the 95 % upper bound is 3/n.",
            keys=2,
        )
        part = Part(
            "Gaussian samples",
            "Probability that a new Gaussian sample lies in the convex hull of N others, for each "
            "dimension d. The lines are the exact probability, the dots the share found by "
            "certified membership with two standard errors as a band.",
            (_by_samples(counts, dims, exact, found), _halves(dims)),
            (table, half_table(dims)),
        )
        return part, [_against_exact(exact, found), threshold_finding(dims)]

    return Plan(tasks, show)


def _by_samples(
    counts: Sequence[int],
    dims: Sequence[int],
    exact: dict[tuple[int, int], float],
    found: dict[tuple[int, int], dict[str, Array]],
) -> Chart:
    series = []
    picked = [d for d in dims if d in (1, 2, 3, 5, 8, 10, 12, 15, 20)] or list(dims)
    fine = np.unique(np.geomspace(min(counts), max(counts), 41).round().astype(int)).tolist()
    for number, d in enumerate(picked):
        kind = f"tint s{number % 8}"
        values = [within_clouds(found[N, d]["shares"]) for N in counts]
        low, high = ([m + s * 2 * e for m, e in values] for s in (-1, 1))
        series.append(
            Series(f"d = {d}", fine, [share_inside(N, d) for N in fine], kind=kind, dashed=True)
        )
        series.append(Series("", counts, [m for m, _ in values], low, high, kind=kind))
    svg = _named(series, "Share inside against N for each dimension", "N, training samples")
    return Chart(svg, "Dashed: exact. Dots: Monte Carlo, joined; band: two standard errors.")


def _named(series: Sequence[Series], label: str, across: str) -> str:
    return lines(series, label=label, across=across, up="share inside", log=(True, False))


def _halves(dims: Sequence[int]) -> Chart:
    upto = [d for d in range(2, max(dims) + 1)] or [2]
    needed = Series("N for one half", upto, [float(half(d)) for d in upto])
    named = Series("2^(d/2)/d", upto, [threshold(d) for d in upto])
    svg = lines(
        [needed, named],
        label="Samples for one half by dimension",
        across="d, dimensions",
        up="samples",
        log=(False, True),
    )
    return Chart(
        svg,
        "Samples whose hull holds a new one with probability one half, exact; and "
        "the number named in Theorem 1 of the paper.",
    )


def half_table(dims: Sequence[int]) -> Table:
    """N for one half, the threshold of Theorem 1, and the probability at that threshold."""
    rows = []
    for d in sorted(set(range(2, max(dims) + 1))):
        at = max(1, ceil(threshold(d)))
        rows.append((d, half(d), threshold(d), at, share_inside(at, d)))
    return Table(
        "half",
        "Samples for a probability of one half",
        ("d", "N for one half", "2^(d/2)/d", "next whole N", "exact share inside at that N"),
        tuple(rows),
        "Theorem 1 is about d to infinity. No hull of N <= d samples has an interior.",
    )


def _against_exact(
    exact: dict[tuple[int, int], float], found: dict[tuple[int, int], dict[str, Array]]
) -> Finding:
    from scipy.stats import t as student

    away = {key: abs(apart(found[key], p)) for key, p in exact.items()}
    open_ = [key for key, p in exact.items() if 1e-3 < p < 1 - 1e-3]
    errors = [within_clouds(found[key]["shares"])[1] for key in exact]
    undecided = sum(int(a["undecided"]) for a in found.values())
    checked, held = (sum(int(a["verified"][k]) for a in found.values()) for k in (0, 1))
    worst = max(away, key=lambda key: away[key])
    over = sum(away[key] > 2 for key in open_)
    chance = sum(2 * student.sf(2, len(found[key]["shares"]) - 1) for key in open_)
    text = (
        f"Of {len(open_)} settings with an exact probability between .001 and .999, {over} lie more "
        f"than two standard errors from it ({chance:.1f} expected by chance). The largest "
        f"difference is {away[worst]:.1f} standard errors, at N = {worst[0]:,}, d = {worst[1]}. "
        f"The largest standard error is {max(errors):.4f}. {undecided:,} queries were undecided; "
        f"{held:,} of {checked:,} certificates that were checked again hold."
    )
    return Finding("Monte Carlo against the exact probability", text)


def threshold_finding(dims: Sequence[int]) -> Finding:
    d = max(dims)
    at = max(1, ceil(threshold(d)))
    text = (
        f"At d = {d} the number 2^(d/2)/d of Theorem 1 is {threshold(d):,.1f}; the exact "
        f"probability of lying inside is {share_inside(at, d):.1e} with N = {at:,} and one half with "
        f"N = {half(d):,}. The theorem is a limit for large d, about samples uniform in a ball; the "
        "exact values here are for Gaussian samples and show no transition near that number."
    )
    return Finding("Theorem 1 beside the exact probability", text)


# ---- on a subspace ----------------------------------------------------------------------------


def _embedded(ambient: int, d: int = SUBSPACE) -> Draw:
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
    spaces = AMBIENT[settings.full] if ambient is None else tuple(ambient)
    counts = (10, 30, 100, 300, 1000) if samples is None else tuple(samples)
    goal = TARGET[settings.full] if target is None else target
    exact = {N: share_inside(N, SUBSPACE) for N in counts}
    tasks = [
        _task(f"subspace_{N}_{D}", _embedded(D), N, exact[N], settings, goal, D, SUBSPACE)
        for D in spaces
        for N in counts
    ]

    def show(results: Results) -> tuple[Part, list[Finding]]:
        rows: list[tuple[Any, ...]] = []
        for D in spaces:
            for N in counts:
                answer = results[f"subspace_{N}_{D}"]
                rows.append((D, N, exact[N], *_cells(answer), apart(answer, exact[N])))
        table = Table(
            "subspace",
            f"Gaussian on a subspace of dimension {SUBSPACE}",
            (
                "ambient dimension",
                "N",
                f"exact, d = {SUBSPACE}",
                *COLUMNS,
                "Monte Carlo | standard errors apart",
            ),
            tuple(rows),
            keys=2,
        )
        series = [Series(f"exact, d = {SUBSPACE}", counts, [exact[N] for N in counts], dashed=True)]
        for D in spaces:
            values = [within_clouds(results[f"subspace_{N}_{D}"]["shares"])[0] for N in counts]
            series.append(Series(f"ambient {D}", counts, values))
        svg = _named(series, "Share inside against N by ambient dimension", "N, training samples")
        worst = max(abs(row[-1]) for row in rows)
        text = (
            f"From {min(spaces)} to {max(spaces)} ambient dimensions the share inside is that "
            f"of a Gaussian in {SUBSPACE} dimensions: the largest difference to the exact value is "
            f"{worst:.1f} standard errors over {len(rows)} settings."
        )
        part = Part(
            "A Gaussian on a subspace",
            f"Samples of a Gaussian on a {SUBSPACE}-dimensional linear subspace of a space of growing "
            "dimension. The exact line is that of N(0, I) in as many dimensions as the subspace.",
            (Chart(svg, "Lines for all ambient dimensions lie on the exact one."),),
            (table,),
        )
        return part, [Finding("The ambient dimension", text)]

    return Plan(tasks, show)


# ---- on a curve -------------------------------------------------------------------------------


def _curve(d: int) -> Draw:
    """Uniform on a random closed curve: every coordinate a Gaussian sum of 32 frequencies."""

    def draw(rng: np.random.Generator, N: int, queries: int) -> tuple[Array, Array]:
        factors = rng.normal(size=(2 * FREQUENCIES, d)) / np.sqrt(FREQUENCIES)
        rows = curve(rng.uniform(size=N + queries), factors)
        return rows[:N], rows[N:]

    return draw


def curve(t: Floats, factors: Floats) -> Floats:
    """Points of the curve at t in [0, 1): (len(t), d)."""
    angle = 2 * np.pi * np.outer(t, np.arange(1, FREQUENCIES + 1))
    return np.asarray(np.hstack([np.cos(angle), np.sin(angle)]) @ factors)


def manifold_plan(
    settings: Settings,
    dimensions: Sequence[int] | None = None,
    samples: Sequence[int] | None = None,
    target: float | None = None,
) -> Plan:
    """A one-dimensional curve bent through all d dimensions."""
    short: Grid = ((2, 4, 8, 12), (30, 100, 300, 1000, 3000))
    long: Grid = (
        (1, 2, 3, 4, 6, 8, 10, 12, 15, 20),
        (10, 30, 100, 300, 1000, 3000, 10_000, 30_000),
    )
    dims, counts = long if settings.full else short
    dims = dims if dimensions is None else tuple(dimensions)
    counts = counts if samples is None else tuple(samples)
    goal = 2 * TARGET[settings.full] if target is None else target
    # Curves differ from each other more than Gaussian clouds do: more clouds, fewer queries.
    plan = Design(max(FEWEST, ceil(0.02 / goal**2)), 100)

    def task(N: int, d: int) -> Task:
        name = f"manifold_{N}_{d}"
        key = fingerprint(name, plan, FREQUENCIES, settings.seed, settings.verify)
        return Task(name, key, lambda _: shares(_curve(d), N, plan, settings, d, 1))

    tasks = [task(N, d) for d in dims for N in counts]

    def show(results: Results) -> tuple[Part, list[Finding]]:
        rows: list[tuple[Any, ...]] = []
        series = []
        for d in dims:
            found = [results[f"manifold_{N}_{d}"] for N in counts]
            rows += [(d, N, share_inside(N, d), *_cells(a)) for N, a in zip(counts, found)]
            means = [within_clouds(a["shares"]) for a in found]
            low, high = ([m + s * 2 * e for m, e in means] for s in (-1, 1))
            series.append(Series(f"d = {d}", counts, [m for m, _ in means], low, high))
        table = Table(
            "manifold",
            "Samples on a one-dimensional curve whose hull has d dimensions",
            ("d", "N", "Gaussian in d dimensions, exact", *COLUMNS),
            tuple(rows),
            f"Each cloud is on a new random closed curve of {FREQUENCIES} frequencies.",
            keys=2,
        )
        svg = _named(series, "Share inside on a curve against N", "N, training samples")
        last = {row[0]: row[3] for row in rows if row[1] == max(counts)}
        text = (
            f"The manifold has one dimension throughout. With N = {max(counts):,} the share inside "
            + ", ".join(f"is {last[d]:.3f} where the hull has {d}" for d in (min(dims), max(dims)))
            + " dimensions."
        )
        part = Part(
            "A one-dimensional manifold",
            "Samples on a random closed curve bent through all d dimensions, so that their hull has d "
            "dimensions and the manifold has one.",
            (Chart(svg, "Band: two standard errors between curves."),),
            (table,),
        )
        return part, [Finding("The manifold's own dimension", text)]

    return Plan(tasks, show)
