"""Gaussian samples: Monte Carlo by certified membership against the exact probability."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Unpack

import numpy as np

from hullwise.report.charts import Series, line_chart

from .._runs import Results
from .._study import Chart, Part, Study
from .._tables import Finding, Table
from .._types import Array
from ._draws import (
    MONTE_CARLO_COLUMNS,
    STANDARD_ERROR_TARGETS,
    Draw,
    apart,
    band,
    by_samples,
    cells,
    drawn,
)
from ._exact import half, share_inside, threshold
from ._plan import Plan, Settings, StudyPart, shown_share
from ._running import Running, about, settings_of, study_of
from ._shares import within_clouds

GAUSSIAN_DIMENSIONS = {
    False: (1, 2, 3, 4, 5, 6, 8, 10, 12),
    True: (*range(1, 11), 12, 14, 15, 16, 18, 20),
}
GAUSSIAN_SAMPLES = {
    False: (10, 30, 100, 300, 1000, 3000, 10_000),
    True: (*(n for k in range(1, 6) for n in (10**k, 3 * 10**k)), 10**6),
}


def _standard_normal(d: int) -> Draw:
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
    dims = GAUSSIAN_DIMENSIONS[settings.full] if dimensions is None else tuple(dimensions)
    counts = GAUSSIAN_SAMPLES[settings.full] if samples is None else tuple(samples)
    goal = STANDARD_ERROR_TARGETS[settings.full] if target is None else target
    exact = {(N, d): share_inside(N, d) for N in counts for d in dims}
    tasks = [
        drawn(f"gaussian_{N}_{d}", _standard_normal(d), N, exact[N, d], settings, goal, d)
        for N in counts
        for d in dims
    ]

    def show(results: Results) -> tuple[Part, list[Finding]]:
        answers = {(N, d): results[f"gaussian_{N}_{d}"] for N, d in exact}
        table = Table(
            "gaussian",
            "A new sample of N(0, I) in the hull of N others",
            ("d", "N", "exact", *MONTE_CARLO_COLUMNS, "Monte Carlo | standard errors apart"),
            tuple(
                (d, N, exact[N, d], *cells(answers[N, d]), apart(answers[N, d], exact[N, d]))
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
            "dimension d. The dashed lines are the exact probability, the dots the share found by "
            "certified membership with two standard errors as a band.",
            (_chart(counts, dims, exact, answers), _halves(dims)),
            (table, half_table(dims)),
        )
        return part, [_against_exact(exact, answers), threshold_finding(dims)]

    return Plan(tasks, show)


def _chart(
    counts: Sequence[int],
    dims: Sequence[int],
    exact: dict[tuple[int, int], float],
    answers: dict[tuple[int, int], dict[str, Array]],
) -> Chart:
    series = []
    picked = [d for d in dims if d in (1, 2, 3, 5, 8, 10, 12, 15, 20)] or list(dims)
    fine = np.unique(np.geomspace(min(counts), max(counts), 41).round().astype(int)).tolist()
    for number, d in enumerate(picked):
        kind = f"tint s{number % 8}"
        values = [within_clouds(answers[N, d]["shares"]) for N in counts]
        low, high = band(values)
        series.append(
            Series(f"d = {d}", fine, [share_inside(N, d) for N in fine], kind=kind, dashed=True)
        )
        series.append(Series("", counts, [m for m, _ in values], low, high, kind=kind))
    svg = by_samples(series, "Share inside against N for each dimension", "N, training samples")
    return Chart(svg, "Dashed: exact. Dots: Monte Carlo, joined; band: two standard errors.")


def _halves(dims: Sequence[int]) -> Chart:
    upto = list(range(2, max(3, max(dims) + 1)))
    needed = Series("N for one half", upto, [float(half(d)) for d in upto])
    named = Series("2^(d/2)/d", upto, [threshold(d) for d in upto])
    svg = line_chart(
        [needed, named],
        label="Samples for one half by dimension",
        x_label="d, dimensions",
        y_label="samples",
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
    exact: dict[tuple[int, int], float], answers: dict[tuple[int, int], dict[str, Array]]
) -> Finding:
    from scipy.stats import t as student

    away = {key: abs(apart(answers[key], p)) for key, p in exact.items()}
    open_ = [key for key, p in exact.items() if 1e-3 < p < 1 - 1e-3]
    errors = [within_clouds(answers[key]["shares"])[1] for key in exact]
    undecided = sum(int(a["undecided"]) for a in answers.values())
    checked, accepted = (sum(int(a["verified"][k]) for a in answers.values()) for k in (0, 1))
    worst = max(away, key=lambda key: away[key])
    over = sum(away[key] > 2 for key in open_)
    chance = sum(2 * student.sf(2, len(answers[key]["shares"]) - 1) for key in open_)
    text = (
        f"Of {len(open_)} settings with an exact probability between .001 and .999, {over} lie "
        f"more than two standard errors from it ({chance:.1f} expected by chance). The "
        f"largest difference is {away[worst]:.1f} standard errors, at N = {worst[0]:,}, "
        f"d = {worst[1]}. The largest standard error is {max(errors):.4f}. {undecided:,} queries "
        f"were undecided; {accepted:,} of {checked:,} certificates that were checked again hold."
    )
    return Finding("Monte Carlo against the exact probability", text)


def threshold_finding(dims: Sequence[int]) -> Finding:
    d = max(dims)
    at = max(1, ceil(threshold(d)))
    text = (
        f"At d = {d} the number 2^(d/2)/d of Theorem 1 is {threshold(d):,.1f}; the exact "
        f"probability of lying inside is {shown_share(share_inside(at, d))} with N = {at:,} and "
        f"one half with N = {half(d):,}. The theorem is a limit for large d, about samples "
        "uniform in a ball; the exact values here are for Gaussian samples and show no transition "
        "near that number."
    )
    return Finding("Theorem 1 beside the exact probability", text)


def gaussian(
    dimensions: Sequence[int] | None = None,
    samples: Sequence[int] | None = None,
    *,
    target: float | None = None,
    **running: Unpack[Running],
) -> Study:
    """A new Gaussian sample in the hull of N others: Monte Carlo against the exact probability.

    Parameters
    ----------
    dimensions, samples : sequence of int, optional
        Values of d and N; to 12 and 10,000, or to 20 and 1,000,000 in the full form.
    target : float, optional
        Standard error to stay below; .01, or .005 in the full form.
    **running
        full, random_state, verify, cache and progress, as `run` takes them.

    Returns
    -------
    Study
        Tables "gaussian" and "half", and the figure.

    Notes
    -----
    Several independent clouds with several queries each; the standard error is between clouds.

    Examples
    --------
    >>> from hullwise_studies import balestriero2021
    >>> study = balestriero2021.gaussian([2], [30], target=0.05)
    >>> table = study.tables["gaussian"].to_dict()
    >>> round(table["exact"][0], 3), table["Monte Carlo | undecided"][0]
    (0.765, 0)
    """
    settings = settings_of(running)
    plan = gaussian_plan(settings, dimensions, samples, target)
    return study_of([plan], running, about(settings))


STUDY_PARTS = (
    StudyPart(
        "gaussian",
        "Gaussian samples: Monte Carlo against the exact probability",
        10,
        lambda settings, sets, model: gaussian_plan(settings),
    ),
)
