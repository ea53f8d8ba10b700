"""The function-valued set: distributions of throughput, predicted as mixtures of those seen."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any

import numpy as np

from hullwise.errors import DataError, DataWarning

from .._runs import Results, Task, fingerprint
from .._tables import Table, beside, over
from .._types import Array, Floats
from ._data import StudySet, unit_cube
from ._models import MIXTURES, STUDY_METHODS, in_insertion_order
from ._published import ERRORS, REJECTED, REJECTION_LEVELS, SHARES_AND_TIMES
from ._real import PRINTED_DIGITS, PRINTED_SHARE, QUARTILE_NAMES, compared, quartiles, share_best

INPUT_KINDS = {"raw": "inputs as they are", "log2": "logarithms of the inputs"}


def critical_value(p: float, n1: int, n2: int) -> float:
    """The Kolmogorov-Smirnov distance above which the two-sample test rejects at level p."""
    return float(np.sqrt(-np.log(p / 2) / 2) * np.sqrt(1 / n1 + 1 / n2))


def _inputs(data: StudySet, kind: str) -> Floats:
    if kind == "raw":
        return data.X
    if not (data.X > 0).all():
        raise DataError(f"{data.name}: logarithms need positive inputs; found {data.X.min():g}.")
    return np.log2(data.X)


def tasks_of(data: StudySet, slugs: tuple[str, ...]) -> list[Task]:
    """One task for each kind of inputs, fold and method."""
    split, warm = data.split(), set[str]()
    whole = fingerprint(data.X, data.y)
    used = [s for s in MIXTURES if s in slugs]
    inputs = {kind: _inputs(data, kind) for kind in INPUT_KINDS}

    def work(kind: str, b: int, slug: str) -> Callable[[Results], dict[str, Array]]:
        def do(_: Results) -> dict[str, Array]:
            train, test = split.folds[b]
            A, B = unit_cube(inputs[kind][train], inputs[kind][test])
            if slug not in warm:
                _mixture(slug, A[:20], data.y[train[:20]], B[:2], data.y[test[:2]])
                warm.add(slug)
            return _mixture(slug, A, data.y[train], B, data.y[test])

        return do

    return [
        Task(
            f"{data.name}-{kind}-{b}-{slug}",
            fingerprint(whole, kind, *split.folds[b], slug, STUDY_METHODS[slug].settings),
            work(kind, b, slug),
        )
        for kind in INPUT_KINDS
        for b in range(len(split.folds))
        for slug in used
    ]


def _mixture(
    slug: str, A: Floats, samples: Floats, B: Floats, observed: Floats
) -> dict[str, Array]:
    import hullwise

    name, options = MIXTURES[slug]
    make: Any = getattr(hullwise, name)
    start = perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        interpolant = make(metric=None, **options)
        model = hullwise.MixtureRegressor(interpolant).fit(A, samples)
        if slug == "boxspline-published":
            moved = in_insertion_order(samples, model.interpolant_)
            model = hullwise.MixtureRegressor(interpolant).fit(A, moved)
    fitted = perf_counter()
    distances = model.ks(B, observed)
    return {
        "ks": distances,
        "fit": np.array(fitted - start),
        "predict": np.array(perf_counter() - fitted),
    }


def distances(
    data: StudySet, kind: str, slugs: tuple[str, ...], results: Results
) -> dict[str, Floats]:
    """Distances between predicted and seen distributions, by method, (n,)."""
    by_method = {}
    for slug in MIXTURES:
        if slug in slugs:
            by_method[slug] = np.full(data.n, np.nan)
            for b, (_, test) in enumerate(data.split().folds):
                by_method[slug][test] = results[f"{data.name}-{kind}-{b}-{slug}"]["ks"]
    return by_method


def tables_of(
    data: StudySet, distances: Mapping[str, Mapping[str, Floats]], published: Mapping[str, Floats]
) -> list[Table]:
    """Quartiles, shares of the least distance and of rejections; for raw and log2 inputs."""
    tables = []
    note = (
        f"The paper's set (3,016 rows of read throughput) could not be had: this one holds "
        f"{data.n:,} rows of another test of the same kind, so differences are no sign of an error."
    )
    for kind, by_slug in distances.items():
        rows = []
        for slug, ks in by_slug.items():
            row = STUDY_METHODS[slug].row
            there = ERRORS["hpc"][row] if row else None
            rows.append(
                (STUDY_METHODS[slug].name, *beside(there, quartiles(ks), printed=PRINTED_DIGITS))
            )
        tables.append(
            Table(
                f"hpc_{kind}_ks",
                f"Kolmogorov-Smirnov distances, {INPUT_KINDS[kind]}",
                ("method", *compared(QUARTILE_NAMES, "difference")),
                tuple(rows),
                note,
            )
        )
        tables.append(_best_table(kind, by_slug, published))
        tables.append(_rejection_table(kind, by_slug, data.y.shape[1]))
    return tables


def time_table(data: StudySet, slugs: tuple[str, ...], results: Results) -> Table:
    """Seconds to fit and to predict, for the inputs as they are."""
    rows = []
    for slug in [s for s in MIXTURES if s in slugs]:
        folds = [results[f"{data.name}-raw-{b}-{slug}"] for b in range(len(data.split().folds))]
        fit, whole = (float(np.median([r[k] for r in folds])) for k in ("fit", "predict"))
        row = STUDY_METHODS[slug].row
        there = SHARES_AND_TIMES["hpc"][row][1:] if row else None
        each = whole / (data.n / len(folds))
        rows.append((STUDY_METHODS[slug].name, *over(there, (fit, each, whole))))
    return Table(
        "hpc_times",
        f"{data.title}: seconds, median of the folds",
        ("method", *compared(("fit", "one query", "whole fold"), "paper / here")),
        tuple(rows),
        "Predicting here counts the weights, the mixture and its distance to the row's own "
        "distribution.",
    )


def _best_table(kind: str, by_slug: Mapping[str, Floats], published: Mapping[str, Floats]) -> Table:
    ranked = {
        s: v for s, v in by_slug.items() if s in ("delaunay", "shepmod", "voronoi", "boxspline")
    }
    here = share_best(ranked) if ranked else {}
    there = share_best(published) if published else {}
    rows = []
    for name, printed in SHARES_AND_TIMES["hpc"].items():
        a, b = here.get(name.lower(), (None, None)), there.get(name, (None, None))
        rows.append(
            (
                name,
                *beside((printed[0],), (a[0],), printed=PRINTED_SHARE),
                *beside((b[1],), (a[1],), printed=PRINTED_SHARE),
            )
        )
    return Table(
        f"hpc_{kind}_best",
        f"Share of rows with the least distance, %, {INPUT_KINDS[kind]}",
        ("method", *compared(("sorted", "row by row"), "difference")),
        tuple(rows),
        'Sorted is the paper\'s column "% best".',
    )


def _rejection_table(kind: str, by_slug: Mapping[str, Floats], samples: int) -> Table:
    limits = [critical_value(p, samples, samples) for p in REJECTION_LEVELS]
    rows = []
    for slug, ks in by_slug.items():
        row = STUDY_METHODS[slug].row
        there = REJECTED[row] if row else None
        here = [100 * float((ks > limit).mean()) for limit in limits]
        rows.append((STUDY_METHODS[slug].name, *beside(there, here, printed=PRINTED_SHARE)))
    names = tuple(f"p = {p:g}" for p in REJECTION_LEVELS)
    cuts = ", ".join(f"{limit:.4f}" for limit in limits)
    return Table(
        f"hpc_{kind}_rejected",
        f"Share of null hypotheses rejected, %, {INPUT_KINDS[kind]}",
        ("method", *compared(names, "difference")),
        tuple(rows),
        f"Rejected where the distance exceeds {cuts} ({samples} samples on either side, as the "
        "paper counts them).",
    )
