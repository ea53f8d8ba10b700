"""How much made-up images grow the hull, against as many real ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Unpack

import numpy as np

from hullwise.report.charts import Series, line_chart

from .._runs import Results, Task, fingerprint
from .._study import Chart, Part, Study
from .._tables import Finding, Table
from .._types import Array
from ._draws import band
from ._images import Images
from ._plan import Plan, Settings, StudyPart
from ._running import Data, Running, about, sets_of, settings_of, study_of
from ._shares import ask, within_clouds
from ._spaces import principal
from ._views import rows_of

BASE_ROWS = {False: 400, True: 2000}
AUGMENTATION_REPEATS = {False: 4, True: 10}
AUGMENTATION_TEST_ROWS = {False: 500, True: 2000}
AUGMENTED_DIMENSIONS = (4, 6, 8, 10, 15)
LARGEST_ROTATION = 15.0


def mixed(images: Array, count: int, rng: np.random.Generator) -> Array:
    """Mixup: means of two random images, weighted by a uniform number and what is left of 1."""
    a, b = rng.integers(len(images), size=(2, count))
    share = rng.uniform(size=(count, 1, 1, 1))
    return np.asarray(images[a] * share + images[b] * (1 - share))


def shifted(images: Array, count: int, rng: np.random.Generator) -> Array:
    """Random images moved by one pixel in one of eight directions; edge pixels are repeated."""
    rows = rng.integers(len(images), size=count)
    ways = np.array([(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if (i, j) != (0, 0)])
    h, w = images.shape[1:3]
    out = np.empty((count, *images.shape[1:]), dtype=images.dtype)
    for n, (row, (i, j)) in enumerate(zip(rows, ways[rng.integers(8, size=count)])):
        down = np.clip(np.arange(h) + i, 0, h - 1)
        across = np.clip(np.arange(w) + j, 0, w - 1)
        out[n] = images[row][down][:, across]
    return out


def rotated(images: Array, count: int, rng: np.random.Generator) -> Array:
    """Random images turned by up to 15 degrees, between pixels linearly; edges are repeated."""
    from scipy.ndimage import rotate

    rows = rng.integers(len(images), size=count)
    out = np.empty((count, *images.shape[1:]))
    for n, (row, angle) in enumerate(
        zip(rows, rng.uniform(-LARGEST_ROTATION, LARGEST_ROTATION, size=count))
    ):
        picture = images[row].astype(np.float64)
        out[n] = rotate(picture, angle, axes=(0, 1), reshape=False, order=1, mode="nearest")
    return out


Augmentation = Callable[[Array, int, np.random.Generator], Array]
AUGMENTATIONS: dict[str, Augmentation | None] = {
    "nothing added": None,
    "mixup": mixed,
    "shifts by one pixel": shifted,
    "rotations": rotated,
    "real rows": None,
}


def augmentation_plan(
    settings: Settings, one: Images, dimensions: Sequence[int] = AUGMENTED_DIMENSIONS
) -> Plan:
    """Share of test rows inside after adding twice as many rows, of each kind."""
    n = len(one.train)
    base = max(1, min(BASE_ROWS[settings.full], n // 3))
    more, repeats = 2 * base, AUGMENTATION_REPEATS[settings.full]
    test = one.sample(1, AUGMENTATION_TEST_ROWS[settings.full], settings.random_state).test
    total = int(np.prod(one.shape))
    dims = [d for d in dimensions if d <= total] or [total]
    mark = fingerprint(one.train, test, settings, base)

    def task(r: int) -> Task:
        name = f"augmentation_{one.name}_{r}"

        def work(_: Results) -> dict[str, Array]:
            rng = np.random.default_rng([settings.random_state, r])
            order = rng.permutation(n)
            start, real = one.train[order[:base]], one.train[order[base : base + more]]
            return _one_round(start, real, test, dims, rng, settings)

        return Task(name, fingerprint(name, mark, tuple(dims)), work)

    tasks = [task(r) for r in range(repeats)]

    def show(results: Results) -> tuple[Part, list[Finding]]:
        rounds = [results[f"augmentation_{one.name}_{r}"] for r in range(repeats)]
        shares = np.array([a["shares"] for a in rounds])  # (repeat, kind, dimension)
        undecided = sum(int(a["undecided"]) for a in rounds)
        checked, accepted = (sum(int(a["verified"][k]) for a in rounds) for k in (0, 1))
        rows, series = [], []
        for i, kind in enumerate(AUGMENTATIONS):
            each = [within_clouds(shares[:, i, j]) for j in range(len(dims))]
            gain = [within_clouds(shares[:, i, j] - shares[:, 0, j]) for j in range(len(dims))]
            low, high = band(each)
            series.append(Series(kind, dims, [m for m, _ in each], low, high))
            for d, (m, e), (g, s) in zip(dims, each, gain):
                rows.append((kind, d, base + (more if i else 0), m, e, g, s))
        table = Table(
            "augmentation",
            f"{one.name}: test images inside after adding {more:,} rows to {base:,}",
            (
                "added",
                "dimensions",
                "rows",
                "share inside",
                "standard error",
                "gain | mean",
                "gain | standard error",
            ),
            tuple(rows),
            f"{repeats} draws of the {base:,} rows; principal components of these; {len(test):,} "
            f"test images; {undecided} undecided; {accepted:,} of {checked:,} certificates that "
            "were "
            "checked again hold.",
            keys=2,
        )
        svg = line_chart(
            series,
            label="Share inside by what is added",
            x_label="principal components",
            y_label="share inside",
        )
        part = Part(
            "Mixup, shifts and rotations",
            "How many more test images come inside when made-up images are added to the training "
            "images, against as many real ones. Mixup adds points of the hull itself, so it cannot "
            "grow it.",
            (Chart(svg, "Band: two standard errors between draws."),),
            (table,),
        )
        return part, [Finding("Made-up and real rows", _gains_text(rows, dims))]

    return Plan(tasks, show)


def _one_round(
    start: Array,
    real: Array,
    test: Array,
    dims: Sequence[int],
    rng: np.random.Generator,
    settings: Settings,
) -> dict[str, Array]:
    shares = np.zeros((len(AUGMENTATIONS), len(dims)))
    undecided, checked = 0, np.zeros(2, dtype=int)
    base = rows_of(start).astype(np.float64)
    queries = rows_of(test).astype(np.float64)
    for i, (kind, make) in enumerate(AUGMENTATIONS.items()):
        parts = [base]
        if make is not None:
            parts.append(rows_of(make(start, len(real), rng)).astype(np.float64))
        elif kind == "real rows":
            parts.append(rows_of(real).astype(np.float64))
        both = np.vstack([*parts, queries])
        for j, d in enumerate(dims):
            rows = principal(base, both, d)[1]
            answer = ask(
                rows[: -len(test)], rows[-len(test) :], settings.verify, settings.random_state
            )
            shares[i, j] = (answer["verdict"] == 1).mean()
            undecided += int((answer["verdict"] == 0).sum())
            checked += answer["verified"]
    return {"shares": shares, "undecided": np.array(undecided), "verified": checked}


def _gains_text(rows: Sequence[tuple[Any, ...]], dims: Sequence[int]) -> str:
    gains = {(r[0], r[1]): (r[5], r[6]) for r in rows}
    d = max(dims, key=lambda d: gains["real rows", d][0])
    gains_text = [
        f"{kind} {gains[kind, d][0]:+.3f} (standard error {gains[kind, d][1]:.3f})"
        for kind in list(AUGMENTATIONS)[1:]
    ]
    return (
        f"In {d} principal components, where real rows gain most, the share of test images inside "
        f"changes by: {'; '.join(gains_text)}."
    )


def augmentation(
    data: Data = None, dimensions: Sequence[int] | None = None, **running: Unpack[Running]
) -> Study:
    """How much mixup, shifts and rotations grow the hull, against as many real rows.

    Parameters as of `pixels`, with numbers of principal components for sizes.
    """
    settings, sets = settings_of(running), sets_of(data)[:1]
    dims = () if dimensions is None else (tuple(dimensions),)
    return study_of([augmentation_plan(settings, sets[0], *dims)], running, about(settings, sets))


STUDY_PARTS = (
    StudyPart(
        "augmentation",
        "made-up rows against real ones",
        110,
        lambda settings, sets, model: augmentation_plan(settings, sets[0]),
    ),
)
