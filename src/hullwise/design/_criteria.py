"""Criteria that choose points one after another; a point chosen counts as a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from .._core.types import Floats, Indices, Progress
from ._nearest_sites import NearestSites


class Criterion(Protocol):
    """What chooses among candidates."""

    def scores(self) -> Floats:
        """(C,) what each candidate is worth now."""
        ...

    def level(self) -> float:
        """What the points chosen are to lower."""
        ...

    def add(self, candidate: int) -> None:
        """Count a candidate as a run."""
        ...


class EmptySphere:
    """ "fill": the candidate farthest from all runs, the centre of the largest empty sphere.

    With `error_scale` it is "bend": the squared distance times that scale.
    """

    def __init__(self, near: NearestSites, error_scale: Floats | None = None) -> None:
        self.near = near
        self.error_scale = error_scale

    def scores(self) -> Floats:
        if not self.near.n_sites:  # the first run of all: the middle of the space
            Z = self.near.candidates
            return np.asarray(-np.square(Z - Z.mean(axis=0)).sum(axis=1))
        if self.error_scale is None:
            return np.sqrt(self.near.squares)
        return self.near.squares * self.error_scale

    def level(self) -> float:
        return float(self.scores().mean()) if self.near.n_sites else np.inf

    def add(self, candidate: int) -> None:
        self.near.add(self.near.candidates[candidate][None])


@dataclass(frozen=True, eq=False)
class Choices:
    """The candidates chosen, in order.

    Attributes
    ----------
    candidates : (n,) int
    score : (n,) float64
        What the criterion was for each when it was chosen.
    gain : (n,) float64
        Share by which the criterion's level fell with it.
    distance : (n,) float64
        To the nearest run, or point chosen before.
    nearest : (n,) int
        That site; sites are the runs, then the points chosen.
    largest : (n + 1,) float64
        Radius of the largest empty sphere around a candidate, before and after each.
    """

    candidates: Indices
    score: Floats
    gain: Floats
    distance: Floats
    nearest: Indices
    largest: Floats


def choose(
    criterion: Criterion, near: NearestSites, n: int, progress: Progress | None = None
) -> Choices:
    """The n best candidates, greedily; fewer where all others are runs already."""
    rows: list[tuple[int, float, float, float, int]] = []
    largest = [float(np.sqrt(near.squares.max(initial=0.0)))]
    level = criterion.level()
    for done in range(n):
        scores = np.where(near.squares > 0, criterion.scores(), -np.inf)
        best = int(np.argmax(scores))
        if not scores[best] > -np.inf:
            break
        distance, site = float(np.sqrt(near.squares[best])), int(near.nearest[best])
        criterion.add(best)
        before, level = level, criterion.level()
        gain = 1 - level / before if 0 < before < np.inf else np.nan
        score = float(scores[best]) if site >= 0 else np.nan
        rows.append((best, score, gain, distance if site >= 0 else np.nan, site))
        largest.append(float(np.sqrt(near.squares.max())))
        if progress is not None:
            progress(done + 1, n, "points chosen")
    table = np.array(rows).reshape(len(rows), 5).T
    return Choices(
        table[0].astype(np.intp),
        table[1],
        table[2],
        table[3],
        table[4].astype(np.intp),
        np.array(largest),
    )
