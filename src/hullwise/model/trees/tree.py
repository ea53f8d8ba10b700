"""A network as the decision tree that it is, no infeasible branch in it.

Aytekin (2022), Neural Networks are Decision Trees: given the pieces that the units before it are
on, a unit asks whether an affine function w.x + beta of the *input* is positive. Asking the units
one after another is a decision tree with an affine map in every leaf, of 2^n leaves for n ReLUs;
nearly all of its branches are empty. Only units whose wall cuts the cell reached so far are asked
here, so that the leaves are the network's regions.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._core.numba import jit
from ..._core.options import check_int
from ..._core.results import RecordResult
from ..._core.types import Floats, Indices
from ...errors import DataError, DataWarning
from .._arguments import border, check_index
from .._piecewise_layers import Codes
from ..network import PUSH_BLOCK_NUMBERS, Network
from ._text import tree_text

LEAF_MAP_NUMBERS = (
    2**25
)  # numbers in the maps of all leaves, above which each row's map is made anew


@dataclass(frozen=True, eq=False, repr=False)
class NetworkTree(RecordResult):
    """A binary decision tree equal to a network; made by :func:`to_tree`.

    Node i asks whether ``normals[i] @ (x - origin) + offsets[i] > 0`` and goes on to
    ``children[i, 1]`` if so, to ``children[i, 0]`` if not. A child c < 0 is the end -1 - c;
    ``leaf_of_end`` says which leaf that is, -1 where `max_regions` was reached.

    Attributes
    ----------
    children : (n_nodes, 2) int64
    normals : (n_nodes, d) float64
    offsets : (n_nodes,) float64
    units : (n_nodes,) int64
        The unit that asks: its place in a code.
    leaf_of_end : (n_ends,) int64
        Without maxima the ends are the leaves, and n_nodes = n_leaves - 1. A maximum of k entries
        is asked in up to k - 1 comparisons, whose ends may share a leaf.
    codes : (n_leaves, n_units)
        The activation code of each leaf, no two alike.
    end_depths : (n_ends,) int64
        Questions asked on the way to each end.
    end_shares : (n_ends,) float64
        The share of the box that each end has; NaN above two dimensions and without a box.
    origin : (d,) float64
        Where tests and maps are taken about: the middle of the box.
    lower, upper : (d,) float64
        The box; infinite for the whole space.
    net : Network

    Examples
    --------
    >>> import hullwise as hw
    >>> net = hw.model.from_arrays([[[1.0, 0.0], [0.0, 1.0]], [[1.0, 2.0]]])
    >>> tree = net.to_tree(1.0)
    >>> tree.n_leaves, tree.depth
    (4, 2)
    >>> tree.predict([[0.5, 0.25], [-0.5, 0.25]]).ravel()
    array([1. , 0.5])
    """

    net: Network
    lower: Floats
    upper: Floats
    origin: Floats
    children: Indices
    normals: Floats
    offsets: Floats
    units: Indices
    leaf_of_end: Indices
    codes: Codes
    end_depths: Indices
    end_shares: Floats

    @property
    def n_leaves(self) -> int:
        """Finished leaves: distinct codes, the network's regions in the box."""
        return len(self.codes)

    @property
    def n_nodes(self) -> int:
        """Nodes that ask."""
        return len(self.children)

    @property
    def n_unfinished(self) -> int:
        """Ends that `max_regions` left without a leaf."""
        return int(np.count_nonzero(self.leaf_of_end < 0))

    @property
    def partial(self) -> bool:
        """Whether `max_regions` was reached before the tree was finished."""
        return self.n_unfinished > 0

    @property
    def depth(self) -> int:
        """Most questions on the way to an end."""
        return int(self.end_depths.max())

    @property
    def mean_depth(self) -> float:
        """Mean number of questions over the box, by area.

        NaN without a box and above two dimensions: take ``tree.depths(X).mean()`` there.
        """
        return float(self.end_shares @ self.end_depths)

    @property
    def shares(self) -> Floats:
        """The share of the box that each leaf has (n_leaves,); NaN where `end_shares` is."""
        finished = self.leaf_of_end >= 0
        return np.bincount(
            self.leaf_of_end[finished], self.end_shares[finished], minlength=self.n_leaves
        ).astype(np.float64)

    def _inside(self, X: Floats, outside: str) -> NDArray[np.bool_]:
        if not isinstance(outside, str) or outside not in ("error", "network"):
            raise DataError(f"outside={outside!r}: expected 'error' or 'network'.")
        beyond = (self.lower > X) | (self.upper < X)
        inside = ~beyond.any(axis=1)
        if outside == "error" and not inside.all():
            first = int(np.argmin(inside))
            column = int(np.argmax(beyond[first]))
            raise DataError(
                f"{np.count_nonzero(~inside):,} of {len(X):,} rows of X lie outside the box that "
                f"the tree was made for: row {first} has {X[first, column]:g} in column {column}, "
                f"not in [{self.lower[column]:g}, {self.upper[column]:g}]. Make the tree with a "
                f"wider box (or box=None), or ask with outside='network'."
            )
        return np.asarray(inside)

    def _ends(self, X: Floats) -> Indices:
        if not self.n_nodes:
            return np.zeros(len(X), dtype=np.int64)
        return np.asarray(_find_ends(X - self.origin, self.children, self.normals, self.offsets))

    def _leaves(self, X: Floats, outside: str) -> tuple[Indices, NDArray[np.bool_]]:
        inside = self._inside(X, outside)
        leaf = np.full(len(X), -1, dtype=np.int64)
        leaf[inside] = self.leaf_of_end[self._ends(X[inside])]
        return leaf, inside

    @border("walking the tree")
    def apply(self, X: Any, *, outside: str = "error") -> Indices:
        """The leaf (m,) of each row of X (m, d).

        -1 for a row whose leaf was left unfinished and, with ``outside="network"``, for a
        row outside the box. A row exactly on a wall goes to the side where the unit is not active,
        as in the network; where rounding decides, either neighbour may get it.

        Raises
        ------
        DataError
            If a row is outside the box and `outside` is "error".
        """
        return self._leaves(self.net.rows(X), outside)[0]

    @border("walking the tree")
    def depths(self, X: Any) -> Indices:
        """Questions asked of each row of X (m, d), which must be in the box: (m,)."""
        X = self.net.rows(X)
        self._inside(X, "error")
        return self.end_depths[self._ends(X)]

    @border("predicting by the tree")
    def predict(self, X: Any, *, outside: str = "error") -> Floats:
        """Outputs (m, n_outputs) at rows X (m, d), by walking the tree.

        Parameters
        ----------
        X : (m, d)
        outside : {"error", "network"}
            What becomes of rows outside the box: an error, or the network is asked.

        Returns
        -------
        (m, n_outputs) float64
            Equal to ``net(X)`` up to rounding.

        Warns
        -----
        DataWarning
            Where rows end in what `max_regions` left unfinished; the network is asked for those.

        Raises
        ------
        DataError
            If a row is outside the box and `outside` is "error".

        Notes
        -----
        O(depth d) for the walk and O(n_outputs d) for the leaf's map, each row.
        """
        X = self.net.rows(X)
        leaf, inside = self._leaves(X, outside)
        unfinished = int(np.count_nonzero(leaf[inside] < 0))
        if unfinished:
            warnings.warn(
                f"the tree is partial: {unfinished:,} of {len(X):,} rows end in branches that "
                f"max_regions left unfinished, and are answered by the network itself. Make the "
                f"tree with a larger max_regions for all of them.",
                DataWarning,
                stacklevel=2,
            )
        out = np.empty((len(X), self.net.n_outputs))
        if (leaf < 0).any():
            out[leaf < 0] = self.net(X[leaf < 0])
        rows = np.flatnonzero(leaf >= 0)
        numbers = self.net.n_outputs * (self.net.n_inputs + 1)
        step = max(1, PUSH_BLOCK_NUMBERS // numbers)
        for part in (rows[i : i + step] for i in range(0, len(rows), step)):
            if self.n_leaves * numbers <= LEAF_MAP_NUMBERS:
                maps = self._maps[leaf[part]]
            else:
                used, place = np.unique(leaf[part], return_inverse=True)
                maps = self._maps_of(used)[place]
            out[part] = np.einsum("mod,md->mo", maps[:, :, 1:], X[part] - self.origin)
            out[part] += maps[:, :, 0]
        return out

    def _maps_of(self, leaves: Indices) -> Floats:
        """Affine maps (k, n_outputs, 1 + d) about `origin`: the value there, then the slopes."""
        d = self.net.n_inputs
        block = np.vstack([self.origin, np.eye(d)])[None]
        maps = [
            self.net.push(np.repeat(block, len(leaves[s]), axis=0), self.codes[leaves[s]])
            for s in self.net.blocks(len(leaves), d + 1)
        ]
        return np.concatenate(maps).transpose(0, 2, 1)

    @cached_property
    def _maps(self) -> Floats:
        return self._maps_of(np.arange(self.n_leaves))

    def leaf_affine(self, i: int) -> tuple[Floats, Floats]:
        """A (n_outputs, d) and b (n_outputs,) of leaf i: the network is A x + b there.

        Raises
        ------
        DataError
            If there is no such leaf.
        """
        i = check_index("leaf", i, self.n_leaves)
        (affine_map,) = self._maps_of(np.array([i]))
        return affine_map[:, 1:].copy(), affine_map[:, 0] - affine_map[:, 1:] @ self.origin

    def to_text(self, max_depth: int = 3) -> str:
        """The first questions, one a line, in words.

        Examples
        --------
        >>> import hullwise as hw
        >>> net = hw.model.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]], [[0.0, -1.0], [0.0]])
        >>> print(net.to_tree().to_text())
        relu0[0]: x0 > 0
        |   no: relu0[1]: -x0 - 1 > 0
        |   |   no: leaf 0: y0 = 0
        |   |   yes: leaf 1: y0 = -x0 - 1
        |   yes: leaf 2: y0 = x0
        """
        return tree_text(self, check_int("max_depth", max_depth, 0))

    def __repr__(self) -> str:
        def count(n: int, what: str) -> str:
            return f"{n:,} {what}{'' if n == 1 else 's'}"

        bounded = np.isfinite(self.lower).all()
        rest = f", partial: {self.n_unfinished:,} unfinished" if self.partial else ""
        return (
            f"NetworkTree({count(self.n_leaves, 'leaf').replace('leafs', 'leaves')}, "
            f"{count(self.n_nodes, 'node')}, depth {self.depth}, "
            f"{'in a box' if bounded else 'whole space'}{rest})"
        )


@jit
def _find_ends(X: Any, children: Any, normals: Any, offsets: Any) -> Any:
    out = np.empty(len(X), dtype=np.int64)
    for i in range(len(X)):
        at = 0
        while at >= 0:
            value = offsets[at]
            for j in range(X.shape[1]):
                value += normals[at, j] * X[i, j]
            at = children[at, 1 if value > 0 else 0]
        out[i] = -1 - at
    return out
