"""Spaces of few dimensions made from the images: principal components and embeddings.

Embeddings other than PCA have no map for new rows, or only an approximate one, so training and test
rows are embedded together and then parted: the test rows have shaped the space they are judged in.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, Unpack

import numpy as np

from hullwise.report.charts import Series

from .._runs import Results, Task, fingerprint
from .._study import Part, Study
from .._tables import Finding, Table
from .._types import Array, Floats
from ._images import Images
from ._pixels import SHORT_FORM_ROWS, share_chart
from ._plan import Plan, Settings, StudyPart, shown_share
from ._running import Data, Running, about, sets_of, settings_of, study_of
from ._shares import COUNT_COLUMNS, Counts, ask
from ._views import rows_of

PCA_DIMENSIONS = (2, 3, 5, 10, 15, 20, 30)
EMBEDDING_DIMENSIONS = (2, 3, 5, 10)
EMBEDDED_ROWS = {False: (600, 200), True: (3000, 1000)}
JOINT_EMBEDDING = "training and test rows together"
EMBEDDING_NEIGHBOURS = 12


Embedding = Callable[[int, int, int], Any]  # of dimensions, seed and number of rows


def _mds(d: int, random_state: int, n: int) -> Any:
    from sklearn.manifold import MDS

    return MDS(d, n_init=1, max_iter=150, random_state=random_state)


def _lle(d: int, random_state: int, n: int) -> Any:
    from sklearn.manifold import LocallyLinearEmbedding

    return LocallyLinearEmbedding(
        n_neighbors=min(EMBEDDING_NEIGHBOURS, n - 1), n_components=d, random_state=random_state
    )


def _isomap(d: int, random_state: int, n: int) -> Any:
    from sklearn.manifold import Isomap

    return Isomap(n_neighbors=min(EMBEDDING_NEIGHBOURS, n - 1), n_components=d)


def _tsne(d: int, random_state: int, n: int) -> Any:
    from sklearn.manifold import TSNE

    return TSNE(d, init="pca", perplexity=min(30.0, (n - 1) / 3), random_state=random_state)


EMBEDDINGS: dict[str, tuple[Embedding, tuple[int, ...]]] = {
    "MDS": (_mds, EMBEDDING_DIMENSIONS),
    "LLE": (_lle, EMBEDDING_DIMENSIONS),
    "Isomap": (_isomap, EMBEDDING_DIMENSIONS),
    "t-SNE": (_tsne, (2,)),  # more dimensions take many times longer
}


def embedded(make: Embedding, rows: Floats, d: int, random_state: int) -> Floats:
    """The rows in d dimensions, of unit size; warnings of the method are not passed on."""
    distinct = len(np.unique(rows, axis=0))
    if distinct < d + 2:  # some methods end the process on such rows
        raise ValueError(f"only {distinct} different rows")
    # One thread: the threads of these methods wait for each other in a loop, for minutes where
    # other work runs, and their sums would depend on how many there are.
    from threadpoolctl import threadpool_limits

    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")
        points = np.asarray(make(d, random_state, len(rows)).fit_transform(rows), dtype=np.float64)
    size = float(np.abs(points).max(initial=0.0))
    return points / size if size > 0 else points


def principal(X: Array, Q: Array, d: int) -> tuple[Floats, Floats]:
    """Both on the d leading principal components of X. O(n D^2 + D^3)."""
    mean = X.mean(axis=0, dtype=np.float64)
    total = np.zeros((X.shape[1], X.shape[1]))
    for start in range(0, len(X), 4096):
        part = X[start : start + 4096] - mean
        total += part.T @ part
    axes = np.linalg.eigh(total)[1][:, ::-1][:, :d]
    return (X - mean) @ axes, (Q - mean) @ axes


def reduced_plan(settings: Settings, one: Images, dimensions: Sequence[int] | None = None) -> Plan:
    """PCA of all images, and embeddings of a sample, by number of dimensions."""
    large = (
        one
        if settings.full
        else one.sample(SHORT_FORM_ROWS["train"], SHORT_FORM_ROWS["test"], settings.random_state)
    )
    small = one.sample(*EMBEDDED_ROWS[settings.full], settings.random_state)
    total = int(np.prod(one.shape))
    dims = [d for d in dimensions or PCA_DIMENSIONS if d <= total] or [total]
    tasks = [_pca_task("all", large, d, settings) for d in dims]
    few = [d for d in dimensions or EMBEDDING_DIMENSIONS if d <= min(total, len(small.train) - 1)]
    tasks += [_pca_task("sample", small, d, settings) for d in few]
    pairs = [(m, d) for m, (_, dimensions) in EMBEDDINGS.items() for d in dimensions if d in few]
    tasks += [_joint_task(small, m, d, settings) for m, d in pairs]
    tasks.append(_whole_task(small, settings))

    def show(results: Results) -> tuple[Part, list[Finding]]:
        rows: list[tuple[Any, ...]] = []
        lines: dict[str, list[tuple[int, Counts]]] = {}
        failed: list[str] = []
        n, k = len(large.train), len(small.train)

        def add(name: str, rows_used: int, d: int, how: str, task: str) -> None:
            if "failed" in results[task]:
                failed.append(f"{name} in {d} dimensions: {results[task]['failed']}")
                return
            c = Counts.of(results[task])
            rows.append((name, d, rows_used, how, c.share, c.error, *c.cells()))
            lines.setdefault(f"{name}, {rows_used:,}", []).append((d, c))

        for d in dims:
            add("PCA", n, d, "training rows", f"reduced_all_{one.name}_{d}")
        for d in few:
            add("PCA", k, d, "training rows", f"reduced_sample_{one.name}_{d}")
        for m, d in pairs:
            add(m, k, d, JOINT_EMBEDDING, f"reduced_{m}_{one.name}_{d}")
        c = Counts.of(results[f"reduced_whole_{one.name}"])
        rows.append(("pixels", total, k, "", c.share, c.error, *c.cells()))
        table = Table(
            "reduced",
            f"{one.name}: test images in the hull after reducing the dimensions",
            (
                "method",
                "dimensions",
                "training rows",
                "fitted to",
                "share inside",
                "standard error",
                *COUNT_COLUMNS,
            ),
            tuple(rows),
            f"LLE and Isomap with {EMBEDDING_NEIGHBOURS} neighbours. Embedded together, the test "
            "rows shape "
            "the space they are judged in." + "".join(f" Failed: {f}." for f in failed),
            keys=2,
        )
        series = [
            Series(name, [d for d, _ in line], [c.share for _, c in line])
            for name, line in lines.items()
        ]
        chart = share_chart(series, "Share inside by method and dimensions", "dimensions", True)
        part = Part(
            "Reduced spaces",
            "The same question after the images have been mapped to few dimensions. The map "
            "decides the answer: a row outside in the pixels may be inside in the map.",
            (chart,),
            (table,),
        )
        return part, [_finding(one, c, lines)]

    return Plan(tasks, show)


def _key(name: str, one: Images, settings: Settings) -> str:
    return fingerprint(name, one.train, one.test, settings.random_state, settings.verify)


def _pca_task(which: str, one: Images, d: int, settings: Settings) -> Task:
    name = f"reduced_{which}_{one.name}_{d}"

    def work(_: Results) -> dict[str, Array]:
        X, Q = principal(rows_of(one.train), rows_of(one.test), d)
        return ask(X, Q, settings.verify, settings.random_state)

    return Task(name, _key(name, one, settings), work)


def _joint_task(one: Images, method: str, d: int, settings: Settings) -> Task:
    name = f"reduced_{method}_{one.name}_{d}"

    def work(_: Results) -> dict[str, Array]:
        both = np.vstack([rows_of(one.train), rows_of(one.test)]).astype(np.float64)
        n = len(one.train)
        try:
            points = embedded(EMBEDDINGS[method][0], both, d, settings.random_state)
        except (ValueError, TypeError, RuntimeError, np.linalg.LinAlgError) as error:
            return {"failed": np.array(str(error).split(chr(10))[0][:120])}
        return ask(points[:n], points[n:], settings.verify, settings.random_state)

    return Task(name, _key(name, one, settings), work)


def _whole_task(one: Images, settings: Settings) -> Task:
    name = f"reduced_whole_{one.name}"

    def work(_: Results) -> dict[str, Array]:
        return ask(rows_of(one.train), rows_of(one.test), settings.verify, settings.random_state)

    return Task(name, _key(name, one, settings), work)


def _finding(one: Images, pixels: Counts, lines: dict[str, list[tuple[int, Counts]]]) -> Finding:
    two = [
        f"{name} {shown_share(c.share)}" for name, line in lines.items() for d, c in line if d == 2
    ]
    text = (
        f"Of the sample's test images {pixels.inside:,} of {pixels.queries:,} are inside in the "
        f"pixels of {one.name}. In two dimensions the share inside is, by method and training "
        f"rows: {'; '.join(two)}."
    )
    return Finding("Embeddings and membership", text)


def reduced(
    data: Data = None, dimensions: Sequence[int] | None = None, **running: Unpack[Running]
) -> Study:
    """Test images in the hull after PCA, MDS, LLE, Isomap and t-SNE, of the first set of `data`.

    Parameters as of `pixels`, with numbers of dimensions for sizes.

    Notes
    -----
    PCA is fitted to the training images. The other methods have no map for new rows, or only an
    approximate one: training and test images are embedded together, then parted.
    """
    settings, sets = settings_of(running), sets_of(data)[:1]
    return study_of([reduced_plan(settings, sets[0], dimensions)], running, about(settings, sets))


STUDY_PARTS = (
    StudyPart(
        "reduced",
        "principal components and embeddings",
        70,
        lambda settings, sets, model: reduced_plan(settings, sets[0]),
    ),
)
