"""The shape of a Neural Decision Tree and its answers, in numpy alone."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._core.options import check_int
from ..._core.types import Floats
from ...errors import DataError

SHARINGS = ("none", "hash")
ROUTINGS = ("soft", "hard")
MAX_DEPTH = 16


@dataclass(frozen=True)
class TreeShape:
    """How deep, how wide, and what is shared."""

    n_inputs: int
    n_outputs: int
    depth: int
    hidden: tuple[int, ...]
    sharing: str

    @property
    def n_leaves(self) -> int:
        return 1 << self.depth

    @property
    def n_nodes(self) -> int:
        """Places where a way turns."""
        return (1 << self.depth) - 1

    @property
    def n_splits(self) -> int:
        """Distinct hypersurfaces."""
        return self.depth if self.sharing == "hash" else self.n_nodes

    def sizes(self) -> list[tuple[int, int, int]]:
        """(networks, out, in) of each layer of the splits."""
        many, last = (1, self.depth) if self.sharing == "hash" else (self.n_nodes, 1)
        widths = [self.n_inputs, *self.hidden, last]
        return [(many, o, i) for i, o in itertools.pairwise(widths)]

    @property
    def n_split_parameters(self) -> int:
        return sum(many * out * (into + 1) for many, out, into in self.sizes())


def checked_shape(
    n_inputs: Any, n_outputs: Any, depth: Any, hidden: Any, sharing: Any
) -> TreeShape:
    """A shape from what a user gave.

    Raises
    ------
    DataError
        For what is no such number or name.
    """
    depth = check_int("depth", depth, 1)
    if depth > MAX_DEPTH:
        raise DataError(
            f"depth={depth}: expected at most {MAX_DEPTH}, which is {2**MAX_DEPTH} leaves."
        )
    if isinstance(hidden, str) or not isinstance(hidden, Sequence):
        raise DataError(
            f"hidden={hidden!r}: expected the widths of the hidden layers of a split, such as "
            f"(16,), or () for a hyperplane."
        )
    widths = tuple(check_int(f"hidden[{i}]", h, 1) for i, h in enumerate(hidden))
    check_choice("sharing", sharing, SHARINGS)
    sizes = check_int("n_inputs", n_inputs, 1), check_int("n_outputs", n_outputs, 1)
    return TreeShape(*sizes, depth, widths, sharing)


def check_choice(name: str, value: Any, among: tuple[str, ...]) -> None:
    """DataError where `value` is none of the names."""
    if not isinstance(value, str) or value not in among:
        raise DataError(f"{name}={value!r}: expected {' or '.join(map(repr, among))}.")


def split_of(level: int, before: Any, sharing: str) -> Any:
    """The split asked at a level (0 first) by a way whose turns so far are the bits `before`."""
    return level + 0 * before if sharing == "hash" else 2**level - 1 + before


def paths(depth: int, sharing: str) -> NDArray[np.int8]:
    """(2^depth, n_splits): 1 where a leaf lies on the positive side of a split, -1, 0 not asked."""
    leaves = np.arange(2**depth)
    way = np.zeros((2**depth, depth if sharing == "hash" else 2**depth - 1), dtype=np.int8)
    for level in range(depth):
        split = split_of(level, leaves >> (depth - level), sharing)
        way[leaves, split] = np.where(leaves >> (depth - level - 1) & 1, 1, -1)
    return way


def split_values(parameters: dict[str, list[Floats]], X: Floats) -> Floats:
    """The value (m, n_splits) of every split at X (m, d)."""
    many, out, into = parameters["weights"][0].shape
    h = (X @ parameters["weights"][0].reshape(many * out, into).T).reshape(-1, many, out)
    h = h + parameters["biases"][0]
    rest = zip(parameters["weights"][1:], parameters["biases"][1:], strict=True)
    for W, b in rest:
        h = np.einsum("msi,soi->mso", np.maximum(h, 0), W) + b
    return np.asarray(h.reshape(len(X), -1))


def turns(shape: TreeShape, s: Floats) -> NDArray[np.uint8]:
    """The hard turns (m, depth) of rows with split values s (m, n_splits)."""
    out = np.zeros((len(s), shape.depth), dtype=np.uint8)
    before = np.zeros(len(s), dtype=np.int64)
    for level in range(shape.depth):
        out[:, level] = s[np.arange(len(s)), split_of(level, before, shape.sharing)] > 0
        before = 2 * before + out[:, level]
    return out


def leaf_of(codes: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Leaves (m,) from turns (m, depth), the first turn the highest bit."""
    powers = 2 ** np.arange(codes.shape[1])[::-1]
    return np.asarray(codes.astype(np.int64) @ powers)


def soft(shape: TreeShape, s: Floats) -> Floats:
    """Log-probabilities (m, 2^depth) of the leaves."""
    way = paths(shape.depth, shape.sharing)
    positive, negative = (way > 0).astype(float).T, (way < 0).astype(float).T
    return np.asarray(-np.logaddexp(0, -s) @ positive - np.logaddexp(0, s) @ negative)


def leaf_distributions(parameters: dict[str, list[Floats]]) -> Floats:
    """The distribution (2^depth, n_outputs) in each leaf."""
    logits = parameters["leaves"][0]
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))
