"""Criteria that choose points one after another; a point chosen counts as a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from .._core.types import Floats, Indices, Progress
from ._nearest_sites import NearestSites


class Criterion(Protocol):
    """What chooses among candidates."""

    least: float  # a candidate whose score is no more than this is not worth a run

    def scores(self) -> Floats:
        """(C,) what each candidate is worth now."""
        ...

    def level(self) -> float:
        """What the points chosen are to lower, on average; NaN where nothing is known."""
        ...

    def add(self, candidate: int) -> None:
        """Count a candidate as a run."""
        ...


class EmptySphere:
    """ "fill": the candidate farthest from all runs, the centre of the largest empty sphere.

    With `error_scale` it is "bend": the squared distance times that scale.
    """

    least = -np.inf

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
        return float(self.scores().mean()) if self.near.n_sites else np.nan

    def add(self, candidate: int) -> None:
        """The distances are the selection's: nothing else changes."""


@dataclass(frozen=True, eq=False)
class Choices:
    """The candidates chosen, in order.

    Attributes
    ----------
    candidates : (n,) int
    score : (n,) float64
        What the criterion was for each when it was chosen.
    distance : (n,) float64
        To the nearest run, or point chosen before.
    nearest : (n,) int
        That site, -1 for none; sites are the runs, then the points chosen.
    level : (n + 1,) float64
        The criterion's mean before and after each.
    largest : (n + 1,) float64
        Radius of the largest empty sphere around a candidate, the same.
    """

    candidates: Indices
    score: Floats
    distance: Floats
    nearest: Indices
    level: Floats
    largest: Floats

    @property
    def gain(self) -> Floats:
        """(n,) share by which the criterion's mean fell with each."""
        before = np.where(self.level[:-1] > 0, self.level[:-1], np.nan)
        return np.asarray(1 - self.level[1:] / before)


def choose(
    criterion: Criterion, near: NearestSites, n: int, progress: Progress | None = None
) -> Choices:
    """The n best candidates, greedily; fewer where no other is worth a run or free of one."""
    candidates, nearest = list[int](), list[int]()
    score, distance = list[float](), list[float]()
    largest, level = [near.largest_radius()], [criterion.level()]
    for done in range(n):
        scores = np.where(near.squares > 0, criterion.scores(), -np.inf)
        best = int(np.argmax(scores))
        if not scores[best] > criterion.least:
            break
        site = int(near.nearest[best])
        candidates.append(best)
        nearest.append(site)
        score.append(float(scores[best]) if near.n_sites else np.nan)
        distance.append(float(np.sqrt(near.squares[best])) if site >= 0 else np.nan)
        near.add(near.candidates[best][None])
        criterion.add(best)
        largest.append(near.largest_radius())
        level.append(criterion.level())
        if progress is not None:
            progress(done + 1, n, "points chosen")
    return Choices(
        np.array(candidates, dtype=np.intp),
        np.array(score),
        np.array(distance),
        np.array(nearest, dtype=np.intp),
        np.array(level),
        np.array(largest),
    )
