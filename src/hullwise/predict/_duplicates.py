"""Rows that occur more than once: one place each, shared equally by its copies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from .._core.types import Array, Indices


@dataclass(frozen=True, eq=False)
class Places:
    """The distinct rows of a table.

    Attributes
    ----------
    first : (p,)
        The lowest row at each place, ascending.
    place : (n,)
        The place of each row.
    """

    first: Indices
    place: Indices

    def share(self) -> csr_array:
        """(p, n): a weight on a place is divided equally among the rows there."""
        n, p = len(self.place), len(self.first)
        count = np.bincount(self.place, minlength=p)
        order = np.argsort(self.place, kind="stable")
        ends = np.concatenate([[0], np.cumsum(count)])
        return csr_array((1.0 / count[self.place[order]], order, ends), shape=(p, n))


def distinct_places(X: Array) -> Places:
    """Which rows of X (n, d) are equal in every feature (0.0 and -0.0 are); O(n d + n log n)."""
    n = len(X)
    key = _hash(X)
    order = np.argsort(key, kind="stable")
    new = np.ones(n, dtype=bool)
    same = np.flatnonzero(key[order[1:]] == key[order[:-1]]) + 1
    equal = (X[order[same]] == X[order[same - 1]]).all(axis=1)
    if not equal.all():  # two rows with one hash: never seen, and then the slow way is right
        _, first, place = np.unique(X + 0, axis=0, return_index=True, return_inverse=True)
        return _by_first(first, place.reshape(-1))
    new[same] = False
    place = np.empty(n, dtype=np.intp)
    place[order] = np.cumsum(new) - 1
    return _by_first(order[new], place)


def _by_first(first: Indices, place: Indices) -> Places:
    """Places numbered by their lowest row."""
    order = np.argsort(first)
    number = np.empty(len(order), dtype=np.intp)
    number[order] = np.arange(len(order))
    return Places(first[order], number[place])


def _hash(X: Array) -> np.ndarray[tuple[int, ...], np.dtype[np.uint64]]:
    """A 64-bit number for each row, equal for equal rows."""
    rng = np.random.default_rng(0)  # the factors are fixed: odd numbers with no pattern
    factor = np.array([rng.integers(1 << 63, dtype=np.uint64) * 2 + 1 for _ in X.T], np.uint64)
    key = np.zeros(len(X), dtype=np.uint64)
    for j in range(X.shape[1]):
        bits = (X[:, j].astype(np.float64) + 0.0).view(np.uint64)
        bits = (bits ^ (bits >> np.uint64(29))) * np.uint64(factor[j])
        key += bits ^ (bits >> np.uint64(32))
    return key
