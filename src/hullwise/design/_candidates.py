"""Allowed points of a design space among which the next runs are chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import qmc

from .._core.types import Floats
from ..errors import DataError
from ._hit_and_run import chain_points, feasible_points
from .design_space import DesignSpace

MOST_TRIES = 1 << 20  # points of the box, before the allowed part counts as tiny
TRIED_TOGETHER = 1 << 15
SOBOL_DIMENSIONS = qmc.Sobol.MAXDIM


@dataclass(frozen=True, eq=False)
class CandidateSet:
    """Distinct allowed points.

    Attributes
    ----------
    values : (C, p) float64
    complete : bool
        Whether these are all points that the space has.
    note : str
        What may surprise of the way that they were found, or "".
    """

    values: Floats
    complete: bool = False
    note: str = ""

    def __len__(self) -> int:
        return len(self.values)


def candidate_points(space: DesignSpace, n: int, seed: Sequence[int]) -> CandidateSet:
    """About n distinct allowed points, spread over the allowed part of the box.

    Every combination where all parameters are discrete and there are at most n; else scrambled
    Sobol points, the forbidden ones dropped, more drawn until there are n; where these are nearly
    all forbidden, or sides are to be equal, points of a hit-and-run chain.

    Raises
    ------
    DataError
        No allowed point was found.
    """
    counts = [parameter.n_values for parameter in space.parameters]
    if None not in counts and float(np.prod([float(c or 1) for c in counts])) <= n:
        grid = np.meshgrid(*(p.every_value() for p in space.parameters), indexing="ij")
        values = np.stack([axis.ravel() for axis in grid], axis=1)
        values = values[space.allowed(values)]
        if not len(values):
            raise _nothing_allowed(space, f"none of the {len(grid[0].ravel()):,} combinations")
        return CandidateSet(values, complete=True)
    if _needs_chain(space):
        starts, n_tried, n_allowed = np.zeros((0, len(counts))), 0, 0
    else:
        starts, n_tried, n_allowed = _sobol_points(space, n, seed)
        if n_allowed >= n:
            return CandidateSet(distinct_rows(starts)[:n])
    rng = np.random.default_rng(seed)
    starts = np.vstack([starts, feasible_points(space, rng)])
    if not len(starts):
        raise _nothing_allowed(space, f"none of {n_tried:,} points of the box")
    values = distinct_rows(chain_points(space, starts, n, rng))
    return CandidateSet(values, note=_chain_note(n_tried, n_allowed))


def _needs_chain(space: DesignSpace) -> bool:
    """Whether some equality involves a real number, so that no random point keeps it."""
    continuous = np.array([p.is_continuous for p in space.parameters])
    equal = np.array([relation.is_equality for relation in space.relations], dtype=bool)
    return bool((space.matrix[equal][:, continuous] != 0).any())


def _sobol_points(space: DesignSpace, n: int, seed: Sequence[int]) -> tuple[Floats, int, int]:
    """Allowed ones of scrambled Sobol points, how many were tried, and how many were allowed."""
    p = len(space.parameters)
    if p > SOBOL_DIMENSIONS:
        raise DataError(f"the box has {p:,} parameters; at most {SOBOL_DIMENSIONS:,} are possible.")
    sobol = qmc.Sobol(p, scramble=True, rng=np.random.default_rng(seed))
    kept, n_tried, n_allowed = [np.zeros((0, p))], 0, 0
    size = 1 << max(int(n - 1).bit_length(), 1)
    while n_allowed < n and n_tried < MOST_TRIES:
        values = space.values(sobol.random(min(size, TRIED_TOGETHER)))
        n_tried += len(values)
        kept.append(values[space.allowed(values)])
        n_allowed += len(kept[-1])
        size = max(n_tried, size)
    return np.vstack(kept), n_tried, n_allowed


def distinct_rows(values: Floats) -> Floats:
    """The points without repetitions, in the order of their first ones."""
    _, first = np.unique(values, axis=0, return_index=True)
    return values[np.sort(first)]


def _chain_note(n_tried: int, n_allowed: int) -> str:
    if not n_tried:
        return ""
    if n_allowed:
        return (
            f"Only {n_allowed:,} of {n_tried:,} points of the box are allowed: candidates were "
            "reached from these by steps within the allowed part; a part apart that holds none of "
            "them is never suggested."
        )
    return (
        f"None of {n_tried:,} points of the box is allowed: candidates were reached by steps from "
        "corners of the linear constraints; a part apart from these is never suggested."
    )


def _nothing_allowed(space: DesignSpace, what: str) -> DataError:
    texts = dict.fromkeys(relation.text for relation in space.relations)
    names = [*texts, *(getattr(f, "__name__", "a function") for f in space.functions)]
    return DataError(
        f"{what} keeps the constraints ({'; '.join(names)}): loosen them, or give candidates of "
        "your own."
    )
