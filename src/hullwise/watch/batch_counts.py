"""What is kept of a batch: no row of it, only how many fell where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._core.types import Indices
from ..errors import DataError


@dataclass(frozen=True, eq=False)
class BatchCounts:
    """How many rows of a batch fell where.

    Attributes
    ----------
    digest : str
        Of the table's cells: a batch counts once.
    name : str
        What the batch is called.
    n_rows, n_not_located : int
    bands : dict of str to int
    counts : tuple of (K,) int
        Of each watched score.
    groups : tuple of str
        Digests of the groups that were counted: a group counts once.
    """

    digest: str
    name: str
    n_rows: int
    n_not_located: int
    bands: dict[str, int]
    counts: tuple[Indices, ...]
    groups: tuple[str, ...] = ()

    def refuse_repeated(self, earlier: Sequence[BatchCounts]) -> None:
        """DataError where these rows, or a group of them, were counted before."""
        for number, other in enumerate(earlier, start=1):
            called = f" ({other.name})" if other.name else ""
            if other.digest == self.digest:
                raise DataError(
                    f"{self.name or 'the batch'} holds the same rows as batch {number}{called}: a "
                    "batch counts once."
                )
            again = {*other.groups} & {*self.groups}
            if again:
                raise DataError(
                    f"{self.name or 'the batch'}: {len(again)} of its groups were counted in batch "
                    f"{number}{called}: all rows of a group must come in one batch."
                )

    def to_json(self) -> dict[str, Any]:
        """All but digest and name, as JSON."""
        return {
            "rows": self.n_rows,
            "not_located": self.n_not_located,
            "bands": self.bands,
            "counts": [counts.tolist() for counts in self.counts],
            "groups": list(self.groups),
        }

    @classmethod
    def from_json(cls, digest: str, name: str, stored: Mapping[str, Any]) -> BatchCounts:
        """Restore what `to_json` stored; ValueError where it is no such thing."""
        counts = tuple(np.array(one, dtype=np.intp) for one in stored["counts"])
        if any(one.ndim != 1 or (one < 0).any() for one in counts):
            raise ValueError("counts are whole numbers of at least 0")
        return cls(
            digest,
            name,
            int(stored["rows"]),
            int(stored["not_located"]),
            {str(band): int(n) for band, n in stored["bands"].items()},
            counts,
            tuple(map(str, stored["groups"])),
        )
