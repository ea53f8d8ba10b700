"""How many queries lie in the hull: certified verdicts counted, and standard errors.

An undecided query is counted as such and never put on a side. `verify` is another code that
re-checks a verdict from the training rows alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np

from hullwise import Cloud, Location, locate

from .._types import Array, Floats, Mask

COUNT_COLUMNS = ("queries", "inside", "outside", "undecided", "equal to a training row", "verified")


@dataclass(frozen=True)
class Counts:
    """Verdicts of one question.

    `equal` of the queries equal a training row (they are inside); `accepted` of the `checked`
    certificates were accepted by the other code.
    """

    inside: int
    outside: int
    undecided: int
    equal: int
    checked: int
    accepted: int

    @classmethod
    def of(cls, answer: dict[str, Array]) -> Counts:
        """Of what `ask` returned."""
        v = answer["verdict"]
        inside, outside, undecided = (int((v == side).sum()) for side in (1, -1, 0))
        checked, accepted = map(int, answer["verified"])
        return cls(inside, outside, undecided, int(answer["equal"].sum()), checked, accepted)

    @property
    def queries(self) -> int:
        return self.inside + self.outside + self.undecided

    @property
    def share(self) -> float:
        """Of all queries, those proved inside."""
        return self.inside / self.queries if self.queries else float("nan")

    @property
    def error(self) -> float:
        """Standard error of the share over queries, for these training rows."""
        p = self.share
        return float(np.sqrt(p * (1 - p) / self.queries)) if self.queries else float("nan")

    @property
    def all_accepted(self) -> bool:
        return self.accepted == self.checked

    def cells(self) -> tuple[Any, ...]:
        """Under the headings `COUNT_COLUMNS`."""
        checks = f"{self.accepted:,} of {self.checked:,}"
        return (self.queries, self.inside, self.outside, self.undecided, self.equal, checks)


def ask(
    X: Array, Q: Array, verify: int | None = None, random_state: int = 0, *, compare: bool = True
) -> dict[str, Array]:
    """Verdicts (m,), which queries equal a row of X (m,), and (checked, accepted) certificates.

    `verify` certificates, evenly drawn, are checked again; all of them where it is None. The cost
    is that of `hullwise.locate(..., membership_only=True)`, and O(verify n d) for the check. With
    `compare` false no query is taken to equal a row: for samples drawn at random.
    """
    location = locate(Cloud(X, copy=False), Q, membership_only=True)
    checked, accepted = verified(location, X, verify, random_state)
    return {
        "verdict": location.verdict,
        "equal": equal_rows(X, Q) if compare else np.zeros(len(Q), dtype=bool),
        "verified": np.array([checked, accepted]),
    }


def verified(location: Location, X: Array, count: int | None, random_state: int) -> tuple[int, int]:
    """How many certificates were checked, and how many of them hold."""
    m = len(location)
    if count is not None and count < m:
        rows = np.sort(np.random.default_rng(random_state).choice(m, count, replace=False))
        location = location[rows]
    return len(location), int(location.verify(X).sum())


def equal_rows(X: Array, Q: Array) -> Mask:
    """Which rows of Q are rows of X, number by number."""
    kind = np.promote_types(X.dtype, Q.dtype)
    training = set(_marks(X, kind))
    return np.array([mark in training for mark in _marks(Q, kind)], dtype=bool)


def _marks(values: Array, kind: Any) -> Iterator[bytes]:
    """Sixteen bytes for each row, so that the rows are not held twice; -0 counts as 0."""
    zero = np.zeros((), dtype=kind)
    for start in range(0, len(values), 4096):
        for row in np.ascontiguousarray(values[start : start + 4096], dtype=kind) + zero:
            yield blake2b(row.data, digest_size=16).digest()


def within_clouds(shares: Floats) -> tuple[float, float]:
    """Mean of the clouds' shares and its standard error.

    Queries of one cloud are not independent of each other; clouds are, so the spread of the
    clouds' shares gives the error whatever the number of queries in each.
    """
    if len(shares) < 2:
        return float(np.mean(shares)), float("nan")
    return float(shares.mean()), float(shares.std(ddof=1) / np.sqrt(len(shares)))
