"""Test images in the hull of the training images, by how many pixel dimensions are kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Unpack

import numpy as np

from hullwise.report.charts import Series, line_chart

from .._runs import Results, Task, fingerprint
from .._study import Chart, Part, Study
from .._tables import Finding, Table
from .._types import Array, Floats
from ._images import Images
from ._plan import Plan, Settings, StudyPart, shown_share
from ._running import Data, Running, about, sets_of, settings_of, study_of
from ._shares import COUNT_COLUMNS, Counts, ask
from ._views import centre_patch, resampled_patch, smoothed

PIXEL_VIEWS: dict[str, Callable[[Array, int], Array]] = {
    "centre patch": centre_patch,
    "smoothed and subsampled": smoothed,
}
SHORT_FORM_ROWS = {"train": 10_000, "test": 500}
PATCH_SIDES = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 48, 64, 96, 128, 192, 256)
RESAMPLING_FACTORS = (0.5, 1.0, 2.0, 8.0)
EXPLAINED_VARIANCE = 0.99


def sizes_of(shape: tuple[int, int, int]) -> tuple[int, ...]:
    """Sides of patches up to the whole image."""
    side = max(shape[:2])
    return (*(s for s in PATCH_SIDES if s < side), side)


def sampled(one: Images, settings: Settings) -> Images:
    """All in the full form, otherwise at most 10,000 training and 500 test images."""
    if settings.full:
        return one
    return one.sample(SHORT_FORM_ROWS["train"], SHORT_FORM_ROWS["test"], settings.random_state)


def _slug(view: str) -> str:
    return view.split()[0]


def pixels_plan(
    settings: Settings, sets: Sequence[Images], sizes: Sequence[int] | None = None
) -> Plan:
    """Share of test images inside against the number of pixels, by two ways to keep few."""
    used = [sampled(one, settings) for one in sets]
    fingerprints = {one.name: _print(one) for one in used}
    sides_of = {one.name: tuple(sizes or sizes_of(one.shape)) for one in used}

    def task(one: Images, view: str, size: int) -> Task:
        name = f"pixels_{one.name}_{_slug(view)}_{size}"
        key = fingerprint(name, fingerprints[one.name], settings.random_state, settings.verify)
        see = PIXEL_VIEWS[view]

        def work(_: Results) -> dict[str, Array]:
            X, Q = see(one.train, size), see(one.test, size)
            return {**ask(X, Q, settings.verify, settings.random_state), "d": np.array(X.shape[1])}

        return Task(name, key, work)

    tasks = [task(one, view, s) for one in used for view in PIXEL_VIEWS for s in sides_of[one.name]]

    def show(results: Results) -> tuple[Part, list[Finding]]:
        rows: list[tuple[Any, ...]] = []
        series, sentences = [], []
        for one in used:
            for view in PIXEL_VIEWS:
                answers = [
                    results[f"pixels_{one.name}_{_slug(view)}_{s}"] for s in sides_of[one.name]
                ]
                counts = [Counts.of(a) for a in answers]
                dims = [int(a["d"]) for a in answers]
                for s, d, c in zip(sides_of[one.name], dims, counts):
                    rows.append((one.name, view, s, d, c.share, c.error, *c.cells()))
                series.append(_with_errors(f"{one.name}: {_slug(view)}", dims, counts))
                sentences.append(_falls(one.name, view, dims, counts))
        table = Table(
            "pixels",
            "Test images in the hull of the training images, by pixels kept",
            ("set", "view", "side", "d", "share inside", "standard error", *COUNT_COLUMNS),
            tuple(rows),
            "The standard error is over test images, for these training images. Queries that equal "
            "a training row are inside and counted beside.",
            keys=3,
        )
        part = Part(
            "Pixels",
            "Share of test images inside the convex hull of the training images, against the "
            "number of pixel dimensions kept: the central patch of a given side, or means over as "
            "many areas that tile the image. "
            + " ".join(f"{o.name}: {len(o.train):,} training images." for o in used),
            (share_chart(series, "Share inside against pixel dimensions", "pixel dimensions"),),
            (table,),
        )
        return part, [Finding("Pixel dimensions", " ".join(sentences))]

    return Plan(tasks, show)


def _print(one: Images) -> str:
    return fingerprint(one.train, one.test)


def _with_errors(name: str, dims: Sequence[float], counts: Sequence[Counts]) -> Series:
    low, high = ([min(max(c.share + s * 2 * c.error, 0.0), 1.0) for c in counts] for s in (-1, 1))
    return Series(name, dims, [c.share for c in counts], low, high)


def share_chart(series: Sequence[Series], label: str, x_label: str, log: bool = True) -> Chart:
    svg = line_chart(series, label=label, x_label=x_label, y_label="share inside", log=(log, False))
    return Chart(svg, "Band: two standard errors over test images.")


def _falls(name: str, view: str, dims: Sequence[int], counts: Sequence[Counts]) -> str:
    """Where the share falls below one half, and what is left of it at the end."""
    below = next((d for d, c in zip(dims, counts) if c.share < 0.5), None)
    last = counts[-1]
    where = "stays at one half or more" if below is None else f"is below one half from {below} on"
    undecided = sum(c.undecided for c in counts)
    equal = max(counts, key=lambda c: c.equal)
    return (
        f"{name}, {view}: the share inside {where}; with all {dims[-1]} dimensions "
        f"{last.inside:,} of {last.queries:,} test images are inside; at most "
        f"{equal.equal:,} equal a training row; {undecided:,} verdicts are undecided."
    )


# ---- principal components ---------------------------------------------------------------------


def components_plan(
    settings: Settings, sets: Sequence[Images], sizes: Sequence[int] | None = None
) -> Plan:
    """Principal components that explain 99 % of the variance of what is kept."""
    used = [sampled(one, settings) for one in sets]
    fingerprints = {one.name: _print(one) for one in used}
    sides_of = {one.name: tuple(sizes or sizes_of(one.shape)) for one in used}

    def task(one: Images, view: str, size: int) -> Task:
        name = f"components_{one.name}_{_slug(view)}_{size}"

        def work(_: Results) -> dict[str, Array]:
            return {"variances": variances(PIXEL_VIEWS[view](one.train, size))}

        return Task(name, fingerprint(name, fingerprints[one.name]), work)

    tasks = [task(one, view, s) for one in used for view in PIXEL_VIEWS for s in sides_of[one.name]]

    def show(results: Results) -> tuple[Part, list[Finding]]:
        rows: list[tuple[Any, ...]] = []
        series, sentences = [], []
        for one in used:
            for view in PIXEL_VIEWS:
                answers = [
                    results[f"components_{one.name}_{_slug(view)}_{s}"]["variances"]
                    for s in sides_of[one.name]
                ]
                needed = [explaining(v) for v in answers]
                for s, v, k in zip(sides_of[one.name], answers, needed):
                    rank = int((v > 1e-12 * max(v[0], 1e-300)).sum())
                    rows.append((one.name, view, s, len(v), rank, explaining(v, 0.9), k))
                dims = [len(v) for v in answers]
                series.append(Series(f"{one.name}: {_slug(view)}", dims, needed))
                sentences.append(f"{one.name}, {view}: {needed[-1]} of {dims[-1]}.")
        table = Table(
            "components",
            "Principal components of the pixels kept",
            ("set", "view", "side", "d", "rank", "for 90 % of the variance", "for 99 %"),
            tuple(rows),
            keys=3,
        )
        svg = line_chart(
            series,
            label="Principal components for 99 % of the variance",
            x_label="pixel dimensions",
            y_label="components for 99 %",
            log=(True, True),
        )
        part = Part(
            "Principal components",
            "How many principal components of the training images explain 99 % of the variance of "
            "the pixels that are kept.",
            (Chart(svg, "Both axes are logarithmic."),),
            (table,),
        )
        text = "Components for 99 % of the variance of whole images: " + " ".join(sentences)
        return part, [Finding("Principal components", text)]

    return Plan(tasks, show)


def variances(X: Array) -> Floats:
    """Eigenvalues of the covariance of the rows, largest first, none below 0. O(n d^2 + d^3)."""
    n, d = X.shape
    mean = X.mean(axis=0, dtype=np.float64)
    total = np.zeros((d, d))
    for start in range(0, n, 4096):
        part = X[start : start + 4096] - mean
        total += part.T @ part
    return np.asarray(np.maximum(np.linalg.eigvalsh(total / n)[::-1], 0.0))


def explaining(values: Floats, share: float = EXPLAINED_VARIANCE) -> int:
    """How many of the largest add up to this share of the sum; 0 where all are 0."""
    total = values.sum()
    if not total > 0:
        return 0
    return int(np.searchsorted(np.cumsum(values), share * total * (1 - 1e-12)) + 1)


# ---- enlarged and reduced ---------------------------------------------------------------------


def resampled_plan(
    settings: Settings,
    sets: Sequence[Images],
    factors: Sequence[float] = RESAMPLING_FACTORS,
    sizes: Sequence[int] = (2, 3, 4, 6, 8, 12),
) -> Plan:
    """Centre patches of images that were enlarged or reduced before."""
    used = [sampled(one, settings) for one in sets]
    fingerprints = {one.name: _print(one) for one in used}

    def sides(one: Images, factor: float) -> list[int]:
        most = max(max(1, round(n * factor)) for n in one.shape[:2])
        return [s for s in sizes if s <= most]

    def task(one: Images, factor: float, size: int) -> Task:
        name = f"resampled_{one.name}_{factor:g}_{size}"
        key = fingerprint(name, fingerprints[one.name], settings.random_state, settings.verify)

        def work(_: Results) -> dict[str, Array]:
            X, Q = (resampled_patch(part, factor, size) for part in (one.train, one.test))
            return {
                **ask(X, Q, settings.verify, settings.random_state),
                "d": np.array(X.shape[1]),
                "needed": np.array(explaining(variances(X))),
            }

        return Task(name, key, work)

    tasks = [task(one, f, s) for one in used for f in factors for s in sides(one, f)]

    def show(results: Results) -> tuple[Part, list[Finding]]:
        rows: list[tuple[Any, ...]] = []
        series = []
        for one in used:
            for f in factors:
                answers = [results[f"resampled_{one.name}_{f:g}_{s}"] for s in sides(one, f)]
                counts = [Counts.of(a) for a in answers]
                size = "x".join(str(max(1, round(n * f))) for n in one.shape[:2])
                for s, a, c in zip(sides(one, f), answers, counts):
                    d, k = int(a["d"]), int(a["needed"])
                    rows.append((one.name, size, s, d, k, c.share, c.error, *c.cells()))
                dims = [int(a["d"]) for a in answers]
                if dims:
                    series.append(_with_errors(f"{one.name}, {size}", dims, counts))
        table = Table(
            "resampled",
            "Centre patches of images enlarged or reduced",
            (
                "set",
                "image size",
                "side",
                "d",
                "components for 99 %",
                "share inside",
                "standard error",
                *COUNT_COLUMNS,
            ),
            tuple(rows),
            "Enlarged by linear interpolation, reduced by means over areas.",
            keys=3,
        )
        part = Part(
            "Enlarging and reducing",
            "Patches of images that were enlarged or reduced first: a patch of fixed side then "
            "holds less or more of the picture. Enlarging is a linear map without loss, so the "
            "whole image keeps its verdict; patches of equal side do not.",
            (share_chart(series, "Share inside by image size", "pixels of the patch"),),
            (table,),
        )
        return part, [Finding("Image size", _by_size(rows))]

    return Plan(tasks, show)


def _by_size(rows: Sequence[tuple[Any, ...]]) -> str:
    """The share at one side of patch for the smallest and the largest image."""
    sentences = []
    for name in dict.fromkeys(row[0] for row in rows):
        mine = [row for row in rows if row[0] == name]
        ends = [mine[0][1], mine[-1][1]]
        common = set.intersection(*({r[2] for r in mine if r[1] == e} for e in ends))
        if common:
            side = min(common, key=lambda s: abs(s - 4))
            share = [next(r[5] for r in mine if (r[1], r[2]) == (e, side)) for e in ends]
            sentences.append(
                f"{name}: a patch of {side}x{side} is inside for a share of "
                f"{shown_share(share[0])} of images of {ends[0]} and {shown_share(share[1])} of "
                f"{ends[1]}."
            )
    return " ".join(sentences) or "No patch fits images of all sizes."


def pixels(
    data: Data = None, sizes: Sequence[int] | None = None, **running: Unpack[Running]
) -> Study:
    """Share of test images in the hull of the training images, by pixels kept.

    Parameters
    ----------
    data : path, Images or sequence of Images, optional
        As `read_images` takes it; scikit-learn's digits unless told. All sets in a folder run.
    sizes : sequence of int, optional
        Sides of the patches; up to the whole image unless told.
    **running
        full, random_state, verify, cache and progress, as `run` takes them.

    Returns
    -------
    Study
        Table "pixels", and the figure.

    Examples
    --------
    >>> from hullwise_studies import balestriero2021
    >>> study = balestriero2021.pixels(sizes=[1, 8])
    >>> study.tables["pixels"].to_dict()["share inside"]
    [1.0, 0.0, 1.0, 0.0]
    """
    settings, sets = settings_of(running), sets_of(data)
    return study_of([pixels_plan(settings, sets, sizes)], running, about(settings, sets))


def components(
    data: Data = None, sizes: Sequence[int] | None = None, **running: Unpack[Running]
) -> Study:
    """Principal components that explain 99 % of the variance of the pixels kept.

    Parameters as of `pixels`.

    Examples
    --------
    >>> from hullwise_studies import balestriero2021
    >>> balestriero2021.components(sizes=[8]).tables["components"].to_dict()["for 99 %"]
    [41, 41]
    """
    settings, sets = settings_of(running), sets_of(data)
    return study_of([components_plan(settings, sets, sizes)], running, about(settings, sets))


def resampled(data: Data = None, **running: Unpack[Running]) -> Study:
    """Centre patches of images that were enlarged or reduced first: table "resampled".

    Parameters as of `pixels`.
    """
    settings, sets = settings_of(running), sets_of(data)
    return study_of([resampled_plan(settings, sets)], running, about(settings, sets))


STUDY_PARTS = (
    StudyPart(
        "pixels",
        "test images, by pixels kept",
        40,
        lambda settings, sets, model: pixels_plan(settings, sets),
    ),
    StudyPart(
        "components",
        "principal components of the pixels kept",
        50,
        lambda settings, sets, model: components_plan(settings, sets),
    ),
    StudyPart(
        "resampled",
        "patches of enlarged and reduced images",
        60,
        lambda settings, sets, model: resampled_plan(settings, sets),
    ),
)
