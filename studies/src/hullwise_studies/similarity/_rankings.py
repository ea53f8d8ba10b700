"""Distances from queries to a gallery: straight in several spaces, local, and along paths."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial.distance import cdist

import hullwise as hw
from hullwise.errors import HullwiseError

from .._types import Floats
from ._draws import RetrievalDraw, fitted_network

PATH_NEIGHBORS = 10  # rows that each row of the gallery, and each query, is joined to
LOCAL_ROWS = 50  # training rows whose gradients make the metric around a query
FITTED_FEATURES = 100  # features up to which local fits take seconds
QUERIES_AT_ONCE = 16  # local metrics in memory
PROBE_UNITS, PROBE_DECAY = 64, 0.1  # of the network whose metrics are used

SPACES = {
    "raw": "as they are",
    "centred": "about the training mean",
    "standardised": "in standard deviations",
    "whitened": "whitened (Ledoit-Wolf)",
    "nfm": "W'W of a network",
    "agop": "AGOP of a network",
    "fits": "AGOP of local fits",
    "rfm": "RFM",
}
"""Linear maps of the rows; those from "nfm" on are learnt from training rows and labels."""
LABELLED_SPACES = ("nfm", "agop", "fits", "rfm")
SIMILARITY_MEASURES = ("cosine", "Euclidean")
CURVED = {
    "pullback": "local: the network's J'J at the query",
    "local agop": "local: AGOP of 50 rows near the query",
    "path": "geodesic, Euclidean",
    "angle path": "geodesic, angles",
    "rfm path": "geodesic, RFM",
    "output path": "geodesic, the network's outputs",
    "outputs": "the network's outputs, Euclidean",
}
"""What is not straight in the rows; "outputs" is what a classifier would do."""


@dataclass(frozen=True, eq=False)
class Ranker:
    """Every way of ranking the gallery of a draw; what is learnt is learnt from X and y alone."""

    draw: RetrievalDraw
    seed: int

    @cached_property
    def probe(self) -> Any:
        """A network with one hidden layer, trained on the training rows."""
        options = {"alpha": PROBE_DECAY, "max_iter": 200, "random_state": self.seed}
        return fitted_network(self.draw.X, self.draw.y, (PROBE_UNITS,), **options)

    @cached_property
    def network(self) -> Any:
        """The same, read as a piecewise affine function."""
        return hw.model.read(self.probe)

    def learnt(self, method: Any) -> Floats:
        """The metric that `learn_metric` learns from rows and labels."""
        learnt = hw.metrics.learn_metric(self.draw.X, self.draw.y, method=method, classes=True)
        return np.asarray(learnt.matrix)

    @cached_property
    def rfm_matrix(self) -> Floats:
        """RFM's metric, for straight distances and for paths."""
        return self.learnt("rfm")

    def mapped(self, space: str) -> tuple[Floats, Floats]:
        """Queries and gallery in a space where its metric is Euclidean."""
        X, Q, G = self.draw.X, self.draw.queries, self.draw.gallery
        if space == "raw":
            return Q, G
        mean = X.mean(axis=0)
        L = self._map(space)
        return (Q - mean) @ L, (G - mean) @ L

    def _map(self, space: str) -> Floats:
        X = self.draw.X
        if space == "centred":
            return np.eye(X.shape[1])
        if space == "standardised":
            spread = X.std(axis=0)
            return np.diag(1 / np.where(spread > 0, spread, 1))
        if space == "whitened":
            from sklearn.covariance import LedoitWolf

            return root(np.linalg.inv(LedoitWolf().fit(X).covariance_), np.ones(X.shape[1]))
        learn: dict[str, Callable[[], Floats]] = {
            "nfm": lambda: hw.metrics.nfm(self.network),
            "agop": lambda: hw.metrics.agop(self.network, X),
            "fits": lambda: self.learnt("agop"),
            "rfm": lambda: self.rfm_matrix,
        }
        return root(learn[space](), X.std(axis=0))

    def straight(self, space: str) -> dict[str, Floats]:
        """Cosine and Euclidean distances in a space."""
        Q, G = self.mapped(space)
        return {
            "cosine": 1 - unit(Q) @ unit(G).T,
            "Euclidean": cdist(Q, G, "sqeuclidean"),
        }

    def curved(self, name: str) -> Floats:
        """Distances that are no straight ones in the rows."""
        Q, G = self.draw.queries, self.draw.gallery
        if name == "pullback":
            return in_local_metrics(Q, G, lambda q: hw.metrics.local_metric(self.network, q))
        if name == "local agop":
            return in_local_metrics(Q, G, self._agop_near)
        if name == "path":
            return path_distances(Q, G)
        if name == "angle path":
            return path_distances(unit(Q), unit(G))
        if name == "rfm path":
            return path_distances(*self.mapped("rfm"))
        outputs = (self.network(Q), self.network(G))
        if name == "output path":
            return path_distances(Q, G, outputs)
        return np.asarray(cdist(*outputs))

    def _agop_near(self, queries: Floats) -> Floats:
        near = [
            hw.metrics.local_agop(self.network, q, self.draw.X, n_neighbors=LOCAL_ROWS)
            for q in queries
        ]
        return np.array(near)

    def distances(self, name: str) -> dict[str, Floats]:
        """Of a space or a curved one: distances by measure, empty where it cannot be learnt."""
        if name == "fits" and self.draw.X.shape[1] > FITTED_FEATURES:
            return {}
        try:
            return self.straight(name) if name in SPACES else {"": self.curved(name)}
        except HullwiseError:  # too few rows of each class to learn from
            return {}


def root(M: Floats, spread: Floats) -> Floats:
    """L with L L' = M, for rows x as x @ L.

    Taken in units of the features' spread: sentence embeddings have columns that are next to
    constant, whose entries of a metric would leave the others no digits.
    """
    spread = np.where(spread > 0, spread, 1)
    values, vectors = np.linalg.eigh(spread[:, None] * (M + M.T) / 2 * spread)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0)) / spread[:, None])


def unit(rows: Floats) -> Floats:
    """Rows of length 1; rows of length 0 stay."""
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(length > 0, length, 1))


def in_local_metrics(Q: Floats, G: Floats, metric: Callable[[Floats], Floats]) -> Floats:
    """Squared distances, each in the metric at its query."""
    distances = np.empty((len(Q), len(G)))
    for start in range(0, len(Q), QUERIES_AT_ONCE):
        block = Q[start : start + QUERIES_AT_ONCE]
        for i, (q, M) in enumerate(zip(block, metric(block), strict=True), start):
            difference = G - q
            distances[i] = ((difference @ M) * difference).sum(axis=1)
    return distances


def path_distances(Q: Floats, G: Floats, values: tuple[Floats, Floats] | None = None) -> Floats:
    """Lengths of shortest paths over the gallery's graph of nearest rows.

    Parameters
    ----------
    Q, G : (m, d), (g, d)
        Where nearest rows are looked for.
    values : (m, k), (g, k), optional
        Where edges are measured: the rows themselves unless given. Outputs of a network make it
        the geodesic distance of its pullback metric, along the graph.

    Notes
    -----
    A row that no path leads to is farther than all that one leads to, by its straight distance.
    """
    ends, places = (Q, G) if values is None else values
    k = min(PATH_NEIGHBORS, len(G) - 1)
    apart = cdist(G, G)
    near = np.argsort(apart, axis=1, kind="stable")[:, : k + 1]
    rows = np.repeat(np.arange(len(G)), k + 1)
    edges = np.linalg.norm(places[rows] - places[near.ravel()], axis=1)
    edges = np.maximum(edges, np.finfo(np.float64).tiny)  # an edge of length 0 is one all the same
    graph = csr_array((edges, (rows, near.ravel())), shape=apart.shape)
    between = dijkstra(graph, directed=False)
    straight = cdist(Q, G)
    first = np.argsort(straight, axis=1, kind="stable")[:, :k]
    lengths = np.empty_like(straight)
    for i, starts in enumerate(first):
        steps = np.linalg.norm(places[starts] - ends[i], axis=1)
        lengths[i] = (steps[:, None] + between[starts]).min(axis=0)
    cut_off = ~np.isfinite(lengths)
    longest = lengths[~cut_off].max()
    return np.asarray(np.where(cut_off, longest + straight, lengths))
