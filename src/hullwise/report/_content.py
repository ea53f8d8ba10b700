"""What the page of a location holds: sentences, tables and figures as plain values."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..geometry.bands import BAND_NAMES
from ..geometry.location_summary import LocationSummary, leading_changes, relative_sizes
from ._figures import band_codes, distribution, rounded_list, row_name
from ._map import map_figure
from ._readings_content import readings_content
from .sentences import (
    band_meanings,
    band_title,
    definition_texts,
    expectation_sentence,
    features_note,
    hull_sentence,
    off_flat_sentences,
    readings_sentence,
    refused_sentence,
    remarks,
)
from .words import format_number, is_or_are, printable, printable_names, rows, share, training

if TYPE_CHECKING:
    from ..geometry.location import Location

FARTHEST_CARDS = 20
CHANGES_OF_CARD = 5
FEATURE_BARS = 15

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
REFERENCE_TERMS = ("leave-one-out", "percentile", "band")


@dataclass(frozen=True, eq=False)
class PageInput:
    """A location with what several parts of its page draw on."""

    location: Location
    task: Location | None  # the reading in a task's metric
    n_refused: int  # rows that could not be located

    @cached_property
    def summary(self) -> LocationSummary:
        """The location in figures."""
        return self.location.summary()

    @cached_property
    def codes(self) -> NDArray[np.int8]:
        """(m,) place of each row's band in `BAND_NAMES`."""
        return band_codes(self.location)

    @cached_property
    def names(self) -> dict[str, str]:
        """The features as they are shown."""
        return printable_names(self.location.columns, 60)

    @property
    def has_bands(self) -> bool:
        """Whether there are training rows to compare with."""
        return self.summary.n_reference > 0 and not self.location.membership_only


def page_content(
    page: PageInput, *, title: str, map_limit: int, source: Mapping[str, str]
) -> dict[str, Any]:
    """Everything the page shows; O(m d) time, blockwise."""
    location, task = page.location, page.task
    leading = leading_changes(location)
    chart = map_figure(location, page.codes, leading, page.names, map_limit)
    return {
        "title": printable(title, 120),
        "bands": BAND_NAMES,
        "membershipOnly": location.membership_only,
        "headline": _headline(page),
        "task": None if task is None else readings_content(location, task, map_limit),
        "distribution": _distribution(page),
        "map": chart,
        "mapMissing": "" if chart else _map_missing(location),
        "features": _features(page),
        "farthest": _farthest(page),
        "definitions": _definitions(page),
        "notes": remarks(location, page.summary),
        "about": [
            *((printable(name, 40), printable(text, 400)) for name, text in source.items()),
            *_about(page),
        ],
        "glossary": [pair for pair in GLOSSARY if page.has_bands or pair[0] not in REFERENCE_TERMS],
    }


def _headline(page: PageInput) -> dict[str, Any]:
    location, summary = page.location, page.summary
    one_reading = page.task is None
    return {
        "sentence": _lead(page) if page.task is None else readings_sentence(location, page.task),
        "second": _farthest_sentence(page) if one_reading else "",
        "usual": expectation_sentence(summary) if one_reading and page.has_bands else "",
        "warnings": [*off_flat_sentences(location), *refused_sentence(page.n_refused)],
        "scope": f"{rows(summary.n_rows)} against {training(summary.n_train)}, "
        f"{_features_text(len(location.columns))}",
        "bandTitle": band_title(summary),
        "bands": _bands(summary),
        "verdicts": _verdicts(summary),
    }


def _bands(summary: LocationSummary) -> list[dict[str, Any]]:
    """A count for each band; none where no band is known of any row."""
    if summary.bands["unknown"] == summary.n_rows:
        return []
    return [
        {
            "name": band,
            "count": summary.bands[band],
            "share": share(summary.bands[band], summary.n_rows),
            "rule": meaning,
        }
        for band, meaning in band_meanings(summary).items()
        if summary.bands[band] or band != "unknown"
    ]


def _verdicts(summary: LocationSummary) -> str:
    if summary.n_rows == 0:
        return ""
    decided = summary.verdicts["inside"] + summary.verdicts["outside"]
    each = "Every row" if decided == summary.n_rows else f"Each of the {decided:,} decided rows"
    return (
        f"{hull_sentence(summary)} {each} carries a certificate that can be checked without the "
        "solver."
    )


def _lead(page: PageInput) -> str:
    summary, m = page.summary, page.summary.n_rows
    if m == 0:
        return "There are no rows to place."
    if not page.has_bands:
        inside = summary.verdicts["inside"]
        verb = "lies" if inside == 1 else "lie"
        return (
            f"{inside:,} of {rows(m)} ({share(inside, m)}) {verb} inside the training data’s hull."
        )
    near = summary.bands["core"] + summary.bands["edge"]
    return (
        f"{near:,} of {rows(m)} ({share(near, m)}) {is_or_are(near)} no farther from "
        "the training data than its own rows are, the outermost 5 % of them left aside."
    )


def _farthest_sentence(page: PageInput) -> str:
    location, farthest = page.location, page.summary.farthest
    if location.membership_only or not len(farthest):
        return ""
    row = int(farthest[location.distance[farthest].argmax()])
    distance, name = float(location.distance[row]), row_name(location.labels, row)
    text = f"The farthest, {name}, is {format_number(distance)} outside the hull"
    largest = float(location.reference.max(initial=0.0))
    if largest == 0:
        return text + "."
    times = distance / largest
    if times < 1:
        return text + ", nearer than the outermost training row is to the others."
    return text + f", {format_number(times, 2)} times the largest distance of a training row."


def _distribution(page: PageInput) -> dict[str, Any]:
    if page.location.membership_only:
        return {
            "missing": "Only membership was asked for, so no distances are shown. "
            "Run again without membership_only to see how far out the rows are."
        }
    if page.summary.n_rows == 0:
        return {"missing": "There are no rows to show."}
    return distribution(page.location, page.codes)


def _map_missing(location: Location) -> str:
    text = "No training rows were kept for a map."
    return text + " A run for membership alone keeps none." * location.membership_only


def _features(page: PageInput) -> dict[str, Any]:
    outside, shown = page.summary.verdicts["outside"], page.summary.features[:FEATURE_BARS]
    items = [
        {"name": page.names[one.name], "high": one.too_high, "low": one.too_low} for one in shown
    ]
    if outside == 0:
        note = "No row is outside the hull, so no feature pushes any row out."
    elif page.location.membership_only:
        note = "No nearest points were sought, so the responsible features are not known."
    else:
        note = features_note(page.summary, len(shown))
    return {"rows": outside, "items": items, "note": note}


def _farthest(page: PageInput) -> dict[str, Any]:
    farthest = page.summary.farthest
    if page.location.membership_only:
        note = "Only membership was asked for: the distances are open, and so are the changes."
        return {"note": note, "rows": []}
    if not len(farthest):
        return {"note": "No row is proved outside the hull.", "rows": []}
    note = (
        "For each, the smallest change that would bring it into the data: all these features "
        "together, each from its value to the value at the nearest point of the hull, in its own "
        "unit."
    )
    return {"note": note, "rows": [_card(page, row) for row in farthest[:FARTHEST_CARDS].tolist()]}


def _card(page: PageInput, row: int) -> dict[str, Any]:
    location = page.location
    lower, upper = rounded_list(np.array([location.lower[row], location.upper[row]]), 6)
    changes, more = _changes(page, row)
    nearest, names = location.nearest_rows[row][:5].tolist(), location.training_labels
    return {
        "label": row_name(location.labels, row),
        "band": int(page.codes[row]),
        "lower": lower,
        "upper": upper,
        "percentile": _percentile_text(float(location.hull_percentile[row])),
        "changes": changes,
        "more": more,
        "nearest": [str(j) if names is None else printable(names[j], 40) for j in nearest],
    }


def _percentile_text(value: float) -> str:
    if not np.isfinite(value):
        return ""
    if value >= 100:
        return "farther than every training row sampled"
    return f"farther than {format_number(value)}\u00a0% of the training rows"


def _changes(page: PageInput, row: int) -> tuple[list[dict[str, Any]], int]:
    """The largest changes of one row, in original units, and how many smaller ones there are."""
    location = page.location
    residual, query = location.residual[row], location.queries[row]
    sizes = relative_sizes(location, residual[None, :])[0]
    order = np.argsort(-sizes, kind="stable")[:CHANGES_OF_CARD].tolist()
    shown = [j for j in order if sizes[j] > 0 and sizes[j] >= sizes[order[0]] / 20]
    n_changes = int(np.sum(sizes >= max(sizes.max() / 1000, np.finfo(float).tiny)))
    changes = [
        {
            "name": page.names[location.columns[j]],
            "from": float(query[j]),
            "by": float(residual[j]),
            "share": float(f"{sizes[j]:.4g}") if np.isfinite(sizes[j]) else None,
        }
        for j in shown
        if np.isfinite(query[j]) and np.isfinite(residual[j])
    ]
    return changes, n_changes - len(shown)


def _definitions(page: PageInput) -> dict[str, Any]:
    location = page.location
    masks, texts = location.definitions, definition_texts(location)
    lines = []
    for code in [*range(len(BAND_NAMES)), None]:
        chosen = page.codes == code if code is not None else np.ones(len(page.codes), dtype=bool)
        if chosen.any():
            counts = [int(np.sum(mask & chosen)) for mask in masks.values()]
            lines.append({"band": code, "total": int(chosen.sum()), "counts": counts})
    return {
        "columns": [texts[name] for name in masks],
        "table": lines,
        "note": _disagreement(page),
    }


def _disagreement(page: PageInput) -> str:
    """How many rows beyond or far a check of ranges would let pass."""
    summary = page.summary
    if not summary.n_out:
        compared = page.has_bands and summary.bands["unknown"] < summary.n_rows
        return "No row is beyond or far: a range check has nothing to miss." if compared else ""
    passed = int((page.location.definitions["box"] & page.location.beyond_or_far).sum())
    return (
        f"Of the {rows(summary.n_out)} beyond or far, {passed:,} ({share(passed, summary.n_out)}) "
        f"{'has' if passed == 1 else 'have'} every feature within its training range: a check of "
        "each feature on its own would let them pass."
    )


def _about(page: PageInput) -> list[tuple[str, str]]:
    location, summary = page.location, page.summary
    yardstick = (
        f"Leave-one-out distances of {summary.n_reference:,} of the {training(summary.n_train)}."
        if page.has_bands
        else "No leave-one-out distances were computed, so there are no percentiles."
    )
    lines = [
        ("Training data", f"{rows(summary.n_train)}, {_features_text(len(location.columns))}."),
        ("Metric", printable(location.metric_text, 300)),
    ]
    if page.task is not None:
        lines.append(("In what matters", printable(page.task.metric_text, 300)))
    return [
        *lines,
        (
            "Tolerance",
            "A row is inside when an average of training rows comes within "
            f"{format_number(location.tolerance)} of each feature’s training range.",
        ),
        ("Yardstick", yardstick),
        (
            "Counted",
            f"Every count, bar and table uses all {rows(summary.n_rows)}; only the map draws a "
            "sample.",
        ),
        ("Row numbers", "Rows without a name are counted from 0, in the order given."),
        (
            "Versions",
            f"hullwise {installed_version('hullwise')}, numpy {np.__version__}, "
            f"Python {platform.python_version()}.",
        ),
        (
            "To verify",
            "location.verify(X) checks every certificate from the training rows alone, "
            "with code that shares nothing with the solver, and the nearest point, the change and "
            "the band that follow from it; exact=True uses rational arithmetic. The left-out "
            "distances, the ellipsoid and the neighbours are not computed again.",
        ),
    ]


def _features_text(d: int) -> str:
    return f"{d:,} feature{'' if d == 1 else 's'}"


def installed_version(package: str) -> str:
    """The version of an installed distribution."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "(not installed)"
