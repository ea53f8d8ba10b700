"""Interpolants of a few lines, whose weights are easy to say, for tests of what wraps them."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from hullwise.geometry.neighbours import nearest_rows
from hullwise.predict.interpolant import Interpolant


class Nearest(Interpolant):
    """The k nearest places, alike; sign=-1 gives the nearest 2 and the second -1."""

    def __init__(self, *, k=1, sign=1, metric=None, duplicates="mean"):
        super().__init__(metric=metric, duplicates=duplicates)
        self.k = k
        self.sign = sign

    def _weigh(self, Q, progress):
        k = min(self.k, self.cloud_.n)
        rows = np.sort(nearest_rows(self.cloud_, Q, self.metric_, k).rows, axis=1)
        w = np.full(rows.shape, 1 / k)
        if self.sign < 0:
            w[:, 0], w[:, -1] = 2, -1
        return csr_array(
            (w.ravel(), rows.ravel(), np.arange(0, len(Q) * k + 1, k)),
            shape=(len(Q), self.cloud_.n),
        )


class InverseSquare(Interpolant):
    """All places, by the inverse of the squared distance; a place itself has all the weight."""

    def _weigh(self, Q, progress):
        X = self.cloud_.take(np.arange(self.cloud_.n))
        gap = np.stack([self.metric_.norm(X - q) for q in Q])
        nearest = gap.min(axis=1, keepdims=True)
        with np.errstate(divide="ignore", invalid="ignore"):
            w = np.where(nearest == 0, gap == 0, (nearest / gap) ** 2)
        return csr_array(w / w.sum(axis=1, keepdims=True))
