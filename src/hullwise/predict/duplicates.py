"""Rows that occur more than once: each distinct row once, its weight shared by its copies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from .._core.types import Array, Floats, Indices


@dataclass(frozen=True, eq=False)
class UniqueRows:
    """The distinct rows of a table.

    Attributes
    ----------
    first : (p,)
        The lowest row number of each distinct row, ascending.
    inverse : (n,)
        Which distinct row each row is.
    """

    first: Indices
    inverse: Indices

    def averaging_matrix(self) -> csr_array:
        """(p, n): a weight on a distinct row is divided equally among its copies."""
        n, p = len(self.inverse), len(self.first)
        count = np.bincount(self.inverse, minlength=p)
        order = np.argsort(self.inverse, kind="stable")
        ends = np.concatenate([[0], np.cumsum(count)])
        return csr_array((1.0 / count[self.inverse[order]], order, ends), shape=(p, n))


@dataclass(frozen=True, eq=False)
class TrainingPlaces:
    """What belongs to each of p distinct rows.

    Attributes
    ----------
    targets : (p, k)
        Means over the copies.
    counts : (p,)
        How many copies there are.
    groups, group_ends : (e,), (p + 1,)
        The groups that its copies are in, from group_ends[i] to group_ends[i + 1]; a group of its
        own where there are none.
    place : (n,)
        Which place each training row is.
    """

    targets: Floats
    counts: Indices
    groups: Indices
    group_ends: Indices
    place: Indices

    @classmethod
    def of(cls, y: Floats, unique: UniqueRows, group: Indices | None) -> TrainingPlaces:
        """Those of targets y (n,) or (n, k) and the group of each row (n,)."""
        p, n = len(unique.first), len(y)
        targets = y.reshape(n, -1)
        counts = np.bincount(unique.inverse, minlength=p)
        if p < n:
            targets = unique.averaging_matrix() @ targets
        if group is None:
            return cls(targets, counts, np.arange(p), np.arange(p + 1), unique.inverse)
        pairs = np.unique(np.column_stack([unique.inverse, group]), axis=0)
        ends = np.concatenate([[0], np.cumsum(np.bincount(pairs[:, 0], minlength=p))])
        return cls(targets, counts, np.ascontiguousarray(pairs[:, 1]), ends, unique.inverse)

    @property
    def n_groups(self) -> int:
        """Number of groups."""
        return int(self.groups.max()) + 1


def unique_rows(X: Array) -> UniqueRows:
    """Which rows of X (n, d) are equal in every feature (0.0 and -0.0 are); O(n d + n log n)."""
    n = len(X)
    key = _hash_rows(X)
    order = np.argsort(key, kind="stable")
    is_new = np.ones(n, dtype=bool)
    same_hash = np.flatnonzero(key[order[1:]] == key[order[:-1]]) + 1
    equal = (X[order[same_hash]] == X[order[same_hash - 1]]).all(axis=1)
    if not equal.all():  # two rows with one hash: the slow way is right whatever collides
        _, first, inverse = np.unique(X + 0, axis=0, return_index=True, return_inverse=True)
        return _ordered_by_first(first, inverse.reshape(-1))
    is_new[same_hash] = False
    inverse = np.empty(n, dtype=np.intp)
    inverse[order] = np.cumsum(is_new) - 1
    return _ordered_by_first(order[is_new], inverse)


def _ordered_by_first(first: Indices, inverse: Indices) -> UniqueRows:
    """Distinct rows numbered by their lowest row."""
    order = np.argsort(first)
    rank = np.empty(len(order), dtype=np.intp)
    rank[order] = np.arange(len(order))
    return UniqueRows(first[order], rank[inverse])


def _hash_rows(X: Array) -> np.ndarray[tuple[int, ...], np.dtype[np.uint64]]:
    """A 64-bit number for each row, equal for equal rows."""
    rng = np.random.default_rng(0)  # the factors are fixed: odd numbers with no pattern
    factor = np.array([rng.integers(1 << 63, dtype=np.uint64) * 2 + 1 for _ in X.T], np.uint64)
    key = np.zeros(len(X), dtype=np.uint64)
    for j in range(X.shape[1]):
        bits = (X[:, j].astype(np.float64) + 0.0).view(np.uint64)
        bits = (bits ^ (bits >> np.uint64(29))) * np.uint64(factor[j])
        key += bits ^ (bits >> np.uint64(32))
    return key
