"""An urn of counts: how new scores fall between the order statistics of reference scores.

If the reference and the new rows are exchangeable, the next score falls into cell k with
probability (c_k + n_k) / (r + 1 + t) exactly, whatever the distribution: c_k of the r + 1 gaps
between reference scores make up the cell, and n_k of the t earlier scores fell into it. Proof: the
rank of the next score among the r + t earlier ones is uniform on r + t + 1 gaps, independent of the
order of those; each score that falls into a cell splits one of its gaps in two.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._core.types import Floats, Indices

# Shares of the reference below the upper end of each cell; beyond all of it is one more. The upper
# end is fine, as rows that are far out are few.
CELL_SHARES = (0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 1.0)


@dataclass(frozen=True, eq=False)
class Urn:
    """Cells between reference scores, as pairs with a random number that breaks ties.

    Attributes
    ----------
    edges, tie_breakers : (K - 1,) float64
        The order statistics that end the cells.
    gaps : (K,) float64
        Gaps between reference scores in each cell; their sum is r + 1.
    """

    edges: Floats
    tie_breakers: Floats
    gaps: Floats

    @classmethod
    def of(cls, reference: Floats, rng: np.random.Generator) -> Urn:
        """The urn of reference scores (r,); infinite ones rank beyond all others."""
        r = len(reference)
        breakers = rng.random(r)
        order = np.lexsort((breakers, reference))
        ends = np.unique(np.clip(np.round(np.array(CELL_SHARES) * r).astype(np.intp), 1, r))
        last = order[ends - 1]
        gaps = np.diff(np.concatenate([[0], ends, [r + 1]])).astype(np.float64)
        return cls(reference[last], breakers[last], gaps)

    @property
    def n_reference(self) -> int:
        """How many reference scores there are."""
        return int(self.gaps.sum()) - 1

    def cells(self, scores: Floats, rng: np.random.Generator) -> Indices:
        """(m,) the cell of each new score."""
        breakers = rng.random(len(scores))
        above = scores[:, None] > self.edges
        tied = scores[:, None] == self.edges
        above |= tied & (breakers[:, None] > self.tie_breakers)
        return np.asarray(above.sum(axis=1), dtype=np.intp)

    def count(self, scores: Floats, rng: np.random.Generator) -> Indices:
        """(K,) how many new scores fall into each cell."""
        return np.bincount(self.cells(scores, rng), minlength=len(self.gaps))
