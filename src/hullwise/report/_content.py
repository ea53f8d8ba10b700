"""What the report says: every sentence, table and figure as one dictionary of plain values."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .._core.types import Floats
from ._figures import (
    BANDS,
    LEADING,
    band_codes,
    distribution,
    finite_list,
    leading_features,
    picture,
    relative_change,
    row_name,
)
from ._task_content import task_content
from .readings import both_sentence
from .usual import expectation, off_flat_sentences, refused_sentence
from .words import format_number, plain, rows, share, training

if TYPE_CHECKING:
    from ..geometry.location import Location

Codes = NDArray[np.int8]

FARTHEST = 20
CHANGES = 5
FEATURES = 15

RULES = {
    "core": "no farther than half of the training rows are",
    "edge": "no farther than 95 % of the training rows are",
    "beyond": "farther than 95 % of the training rows are, not than all",
    "far": "farther than every training row sampled",
    "unknown": "the distance is not settled well enough",
}

RULES_WITHOUT_REFERENCE = {
    "core": "inside the hull",
    "unknown": "not inside; there are no training rows to compare with",
}

GLOSSARY = (
    ("hull", "all weighted averages of training rows; the convex hull"),
    ("inside", "the row is such an average, up to the tolerance; the weights prove it"),
    ("outside", "a direction separates the row from every training row; the direction proves it"),
    ("undecided", "neither proof was found; the distance lies between its two bounds"),
    ("distance", "length of the smallest change that brings the row into the hull"),
    ("bracket", "proved lower and upper bound of that distance"),
    ("leave-one-out", "a training row’s distance to the hull of all other training rows"),
    ("percentile", "share of those training rows whose distance is smaller than this row’s"),
    ("band", "core, edge, beyond or far, by the percentile; the one thing to act on"),
    ("ellipsoid", "the smallest ellipsoid that holds every training row"),
    ("range", "least to largest value of one feature in the training rows"),
)


RANKED = ("leave-one-out", "percentile", "band")


def page_content(
    location: Location,
    *,
    title: str,
    map_limit: int,
    source: Mapping[str, str] | None = None,
    task: Location | None = None,
    refused: int = 0,
) -> dict[str, Any]:
    """Everything the page shows; O(m d) time, blockwise.

    `task` is the reading in its metric, `refused` how many rows could not be located.
    """
    distance, codes = location.distance, band_codes(location)
    leading = leading_features(location)
    chart = picture(location, distance, codes, leading, map_limit)
    return {
        "title": plain(title, 120),
        "bands": BANDS,
        "membershipOnly": location.membership_only,
        "headline": _headline(location, distance, codes, task, refused),
        "task": None if task is None else task_content(location, task, map_limit),
        "distribution": _distribution(location, distance, codes),
        "map": chart,
        "mapMissing": ""
        if chart
        else "No training rows were kept for a map."
        + (" A run for membership alone keeps none." if location.membership_only else ""),
        "features": _features(location, leading),
        "farthest": _farthest(location, distance, codes),
        "definitions": _definitions(location, codes),
        "about": [
            *((plain(k, 40), plain(v, 400)) for k, v in (source or {}).items()),
            *_about(location, task),
        ],
        "glossary": [pair for pair in GLOSSARY if location.reference.size or pair[0] not in RANKED],
    }


def _headline(
    location: Location, distance: Floats, codes: Codes, task: Location | None, refused: int
) -> dict[str, Any]:
    m = len(codes)
    verdict = location.verdict
    inside, outside = int(np.sum(verdict == 1)), int(np.sum(verdict == -1))
    rules = RULES if len(location.reference) else RULES | RULES_WITHOUT_REFERENCE
    counts = np.bincount(codes, minlength=len(BANDS)).tolist()
    bands = [
        {"name": name, "count": count, "share": share(count, m), "rule": plain(rules[name], 160)}
        for name, count in zip(BANDS, counts)
        if count or ((name == "core" or location.reference.size) and name != "unknown")
    ]
    return {
        "sentence": _reading(location, codes) if task is None else both_sentence(location, task),
        "second": _farthest_sentence(location, distance) if task is None else "",
        "usual": _usual(location, codes) if task is None else "",
        "warnings": [*off_flat_sentences(location), *refused_sentence(refused)],
        "scope": f"{rows(m)} against {training(location.n_train)}, "
        f"{len(location.columns):,} feature{'' if len(location.columns) == 1 else 's'}",
        "bands": bands if sum(counts[:-1]) else [],
        "verdicts": _verdict_sentence(m, inside, outside),
    }


def _usual(location: Location, codes: Codes) -> str:
    r = int(np.sum(np.isfinite(location.reference)))
    found = int(np.isin(codes, [BANDS.index("beyond"), BANDS.index("far")]).sum())
    return expectation(found, len(codes), 0 if location.membership_only else r, location.chance())


def _verdict_sentence(m: int, inside: int, outside: int) -> str:
    if m == 0:
        return ""
    undecided = m - inside - outside
    return (
        f"{inside:,} inside the hull, {outside:,} outside, {undecided:,} undecided. "
        + ("Every row" if undecided == 0 else f"Each of the {inside + outside:,} decided rows")
        + " carries a certificate that can be checked without the solver."
    )


def _reading(location: Location, codes: Codes) -> str:
    m = len(codes)
    if m == 0:
        return "There are no rows to place."
    reference = location.reference[np.isfinite(location.reference)]
    if location.membership_only or reference.size == 0:
        inside = int(np.sum(location.verdict == 1))
        verb = "lies" if inside == 1 else "lie"
        return (
            f"{inside:,} of {rows(m)} ({share(inside, m)}) {verb} inside the training data’s hull."
        )
    near = int(np.isin(codes, [BANDS.index("core"), BANDS.index("edge")]).sum())
    return (
        f"{near:,} of {rows(m)} ({share(near, m)}) {'is' if near == 1 else 'are'} no farther from "
        "the training data than its own rows are, the outermost 5 % of them left aside."
    )


def _farthest_sentence(location: Location, distance: Floats) -> str:
    outside = location.verdict == -1
    reference = location.reference[np.isfinite(location.reference)]
    if location.membership_only or not outside.any():
        return ""
    row = int(np.argmax(np.where(outside, distance, -1.0)))
    name = row_name(location.labels, row)
    text = f"The farthest, {name}, is {format_number(distance[row])} outside the hull"
    most = float(reference.max()) if reference.size else 0.0
    if most == 0:
        return text + "."
    times = float(distance[row]) / most
    if times < 1:
        return text + ", nearer than the outermost training row is to the others."
    return text + f", {format_number(times, 2)} times the largest distance of a training row."


def _distribution(location: Location, distance: Floats, codes: Codes) -> dict[str, Any]:
    if location.membership_only:
        return {
            "missing": "Only membership was asked for, so no distances are shown. "
            "Run again without membership_only to see how far out the rows are."
        }
    if len(codes) == 0:
        return {"missing": "There are no rows to show."}
    return distribution(location, distance, codes)


def _features(location: Location, leading: NDArray[np.int32]) -> dict[str, Any]:
    d = len(location.columns)
    outside = int(np.sum(location.verdict == -1))
    high = np.bincount(-leading[leading < 0] - 1, minlength=d)
    low = np.bincount(leading[leading > 0] - 1, minlength=d)
    total = high + low
    order = np.argsort(-total, kind="stable")[:FEATURES]
    items = [
        {"name": plain(location.columns[j]), "high": int(high[j]), "low": int(low[j])}
        for j in order.tolist()
        if total[j]
    ]
    if outside == 0:
        note = "No row is outside the hull, so no feature pushes any row out."
    elif location.membership_only:
        note = "No nearest points were sought, so the responsible features are not known."
    else:
        others = int(np.sum(total > 0)) - len(items)
        note = (
            f"For each of the {rows(outside)} outside: the up to {LEADING} features that would "
            "have to change most, measured against the range of the training rows; a feature "
            "counts when its part is at least a tenth of the row’s largest. "
            + (f"{others:,} more features appear less often." if others > 0 else "")
        ).strip()
    return {"rows": outside, "items": items, "note": note}


def _farthest(location: Location, distance: Floats, codes: Codes) -> dict[str, Any]:
    outside = np.flatnonzero(location.verdict == -1)
    if location.membership_only:
        note = "Only membership was asked for: the distances are open, and so are the changes."
        return {"note": note, "rows": []}
    if outside.size == 0:
        return {"note": "No row is proved outside the hull.", "rows": []}
    order = outside[np.lexsort((-distance[outside], ~location.off_flat[outside]))[:FARTHEST]]
    note = (
        "For each, the smallest change that would bring it into the data: all these features "
        "together, each from its value to the value at the nearest point of the hull, in its own "
        "unit."
    )
    return {
        "note": note,
        "rows": [_one_row(location, int(i), int(codes[i])) for i in order.tolist()],
    }


def _one_row(location: Location, row: int, code: int) -> dict[str, Any]:
    lower, upper = finite_list(np.array([location.lower[row], location.upper[row]]), 6)
    percentile = float(location.hull_percentile[row])
    changes, more = _changes(location, row)
    close = [int(j) for j in location.nearest_rows[row][:5] if j >= 0]
    names = location.training_labels
    nearest = [str(j) if names is None else plain(names[j], 40) for j in close]
    return {
        "label": row_name(location.labels, row),
        "band": code,
        "lower": lower,
        "upper": upper,
        "percentile": _percentile_text(percentile),
        "changes": changes,
        "more": more,
        "nearest": nearest,
    }


def _percentile_text(value: float) -> str:
    if not np.isfinite(value):
        return ""
    if value >= 100:
        return "farther than every training row sampled"
    return f"farther than {format_number(value)}\u00a0% of the training rows"


def _changes(location: Location, row: int) -> tuple[list[dict[str, Any]], int]:
    """The largest changes of one row, in original units, and how many smaller ones there are."""
    residual = location.residual[row]
    ratio = relative_change(location, residual[None, :])[0]
    order = np.argsort(-ratio, kind="stable")[:CHANGES]
    kept = [j for j in order.tolist() if ratio[j] > 0 and ratio[j] >= ratio[order[0]] / 20]
    moved = int(np.sum(ratio >= max(ratio.max() / 1000, np.finfo(float).tiny)))
    changes = [
        {
            "name": plain(location.columns[j]),
            "from": float(location.queries[row, j]),
            "by": float(residual[j]),
            "share": float(f"{ratio[j]:.4g}") if np.isfinite(ratio[j]) else None,
        }
        for j in kept
        if np.isfinite(location.queries[row, j]) and np.isfinite(residual[j])
    ]
    return changes, moved - len(kept)


def _definitions(location: Location, codes: Codes) -> dict[str, Any]:
    tests: list[tuple[str, NDArray[np.bool_]]] = [("inside the hull", location.verdict == 1)]
    if not np.isnan(location.ellipsoid_distance).all() or not len(location):
        tests.append(("in the smallest ellipsoid", location.in_ellipsoid))
    tests.append(("every feature in range", location.in_range_share >= 1 - 1e-12))
    if not np.isnan(location.neighbour_percentile).all() or not len(location):
        with np.errstate(invalid="ignore"):
            tests.append(("nearest rows as close as usual", location.neighbour_percentile <= 95))
    table = []
    for code in [*range(len(BANDS)), None]:
        chosen = codes == code if code is not None else np.ones(len(codes), dtype=bool)
        total = int(chosen.sum())
        if total:
            counts = [int(np.sum(test & chosen)) for _, test in tests]
            table.append({"band": code, "total": total, "counts": counts})
    return {
        "columns": [name for name, _ in tests],
        "table": table,
        "note": _disagreement(location, codes),
    }


def _disagreement(location: Location, codes: Codes) -> str:
    far = np.isin(codes, [BANDS.index("beyond"), BANDS.index("far")])
    count = int(far.sum())
    passed = int(np.sum(far & (location.in_range_share >= 1 - 1e-12)))
    if count == 0:
        known = location.reference.size and bool(np.any(codes != BANDS.index("unknown")))
        return "No row is beyond or far: a range check has nothing to miss." if known else ""
    return (
        f"Of the {rows(count)} beyond or far, {passed:,} ({share(passed, count)}) "
        f"{'has' if passed == 1 else 'have'} every feature within its training range: a check of "
        "each feature on its own would let them pass."
    )


def _about(location: Location, task: Location | None) -> list[tuple[str, str]]:
    m, d = location.queries.shape
    r = int(np.sum(np.isfinite(location.reference)))
    yardstick = (
        f"Leave-one-out distances of {r:,} of the {training(location.n_train)}."
        if r
        else "No leave-one-out distances were computed, so there are no percentiles."
    )
    return [
        ("Training data", f"{rows(location.n_train)}, {d:,} feature{'' if d == 1 else 's'}."),
        ("Metric", plain(location.metric_text, 300)),
        *([("In what matters", plain(task.metric_text, 300))] if task is not None else []),
        (
            "Tolerance",
            "A row is inside when an average of training rows comes within "
            f"{format_number(location.tolerance)} of each feature’s training range.",
        ),
        ("Yardstick", yardstick),
        ("Counted", f"Every count, bar and table uses all {rows(m)}; only the map draws a sample."),
        ("Row numbers", "Rows without a name are counted from 0, in the order location."),
        (
            "Versions",
            f"hullwise {_version('hullwise')}, numpy {np.__version__}, "
            f"Python {platform.python_version()}.",
        ),
        (
            "To verify",
            "location.verify(X) checks every certificate from the training rows alone, "
            "with code that shares nothing with the solver; exact=True uses rational arithmetic.",
        ),
    ]


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "(not installed)"
