"""Where to run next: points chosen by a criterion from candidates of a design space."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from .._core.foreign import own_errors
from .._core.options import check_int
from .._core.results import RowNames
from .._core.types import Floats, Progress
from ..errors import DataError
from ..io.mixed_table import read_mixed
from ._candidates import CandidateSet, candidate_points, distinct_rows
from ._criteria import Choices, EmptySphere, choose
from ._error_scale import error_scale
from ._nearest_sites import NearestSites
from ._sentences import reasons
from ._sites import Sites, read_sites
from .design_space import Constraint, DesignSpace
from .suggestions import Suggestions

CRITERIA = ("auto", "bend", "fill")


@own_errors("choosing the next runs")
def suggest(
    runs: Any = None,
    y: Any = None,
    n: int = 1,
    *,
    box: Any,
    target: str | Sequence[str] | None = None,
    constraints: Constraint | Sequence[Constraint] | None = None,
    pending: Any = None,
    candidates: Any = None,
    criterion: Literal["auto", "bend", "fill"] = "auto",
    n_candidates: int = 1000,
    random_state: int = 0,
    progress: Progress | None = None,
) -> Suggestions:
    """Suggest n points to run next.

    Parameters
    ----------
    runs : path, data frame, array, list of dictionaries or dictionary of columns, optional
        The runs so far, one row each; columns that the box does not name are ignored.
    y : (m,) or (m, t), optional
        What each run gave; NaN for a run that failed.
    n : int
    box, constraints
        The design space; see `DesignSpace`.
    target : str or sequence of str, optional
        Columns of `runs` with what each gave, in place of `y`; empty for a run that failed.
    pending : table, optional
        Points that were handed out and have no answer yet: they count as runs.
    candidates : table, optional
        Points to choose from, in place of points of the box.
    criterion : {"auto", "bend", "fill"}
        "fill" chooses the centre of the largest empty sphere. "bend" weighs the squared distance to
        the nearest run with a local scale of the errors of left-out runs; it needs targets. "auto"
        is "bend" where there are targets of enough runs, else "fill".
    n_candidates : int
        Points of the space to choose from. More is not better: the farthest points of all are
        corners.
    random_state : int
    progress : callable, optional

    Returns
    -------
    Suggestions

    Raises
    ------
    DataError, FileError
        A table cannot be read, no point is allowed, or a run is at every allowed point.

    Notes
    -----
    O(C m D) for C candidates, m runs and D coordinates, and O(C D) for each point.

    Examples
    --------
    >>> import hullwise as hw
    >>> runs = [{"a": 0.1, "kind": "x"}, {"a": 0.9, "kind": "x"}, {"a": 0.4, "kind": "y"}]
    >>> new = hw.suggest(runs, n=2, box={"a": (0, 1), "kind": ["x", "y", "z"]})
    >>> new.points["kind"]
    ['z', 'z']
    """
    n = check_int("n", n, 1)
    if criterion not in CRITERIA:
        raise DataError(f"criterion={criterion!r}: expected one of {', '.join(CRITERIA)}.")
    space = (
        box
        if isinstance(box, DesignSpace) and constraints is None
        else DesignSpace(box, constraints)
    )
    sites = read_sites(space, runs, y, target, pending)
    if candidates is None:
        count = check_int("n_candidates", n_candidates, 1)
        chosen_from = candidate_points(
            space, max(count, 2 * n), check_int("random_state", random_state, 0)
        )
    else:
        chosen_from = _given_candidates(space, candidates)
    Z = space.coordinates(chosen_from.values)
    near = NearestSites(Z, space.coordinates(sites.values), progress)
    scale = None if criterion == "fill" else _error_scale(space, sites, Z, criterion)
    choices = choose(EmptySphere(near, scale), near, n, progress)
    if not len(choices.candidates):
        raise DataError(
            f"a run is at each of the {len(chosen_from):,} allowed points: nothing is left to "
            "suggest."
        )
    return _suggestions(space, sites, chosen_from, choices, scale, n, runs)


def _error_scale(space: DesignSpace, sites: Sites, Z: Floats, criterion: str) -> Floats | None:
    """(C,) the local error scale at candidates; None where too few runs have targets."""
    known = sites.has_target
    scale = error_scale(space.coordinates(sites.values[known]), sites.targets[known], Z)
    if scale is None and criterion == "bend":
        raise DataError(
            f"criterion='bend' learns from left-out errors: {int(known.sum()):,} runs with a "
            f"target that varies are too few in {Z.shape[1]} coordinates; expected at least "
            f"{Z.shape[1] + 2}, or take criterion='fill'."
        )
    return scale


def _given_candidates(space: DesignSpace, table: Any) -> CandidateSet:
    """Candidates that a caller gives: those that are allowed."""
    mixed = read_mixed(table, name="the table of candidates")
    values = space.read(mixed)
    known = ~np.isnan(values).any(axis=1)
    allowed = np.zeros(len(values), dtype=bool)
    allowed[known] = space.allowed(values[known])
    if not allowed.any():
        raise DataError(
            f"none of the {mixed.n:,} rows of {mixed.source} is in the box and keeps the "
            "constraints."
        )
    rest = int((~allowed).sum())
    note = f"{rest:,} of {mixed.n:,} candidates are not allowed: left out" if rest else ""
    return CandidateSet(distinct_rows(values[allowed]), complete=True, note=note)


def _suggestions(
    space: DesignSpace,
    sites: Sites,
    chosen_from: CandidateSet,
    choices: Choices,
    scale: Floats | None,
    n: int,
    runs: Any,
) -> Suggestions:
    values = chosen_from.values[choices.candidates]
    names = np.array(
        [*sites.names, *(f"suggestion {i + 1}" for i in range(len(values)))], dtype=object
    )
    notes = [*sites.notes, *([chosen_from.note] if chosen_from.note else [])]
    if len(values) < n:
        notes.append(
            f"{len(values):,} of {n:,} points: a run is at every other one of the "
            f"{len(chosen_from):,} that are allowed"
        )
    nearest = np.array([names[site] if site >= 0 else "" for site in choices.nearest], dtype=object)
    all_values: Floats = np.vstack([sites.values, values])
    own_scale = np.ones(len(values)) if scale is None else scale[choices.candidates]
    criterion = "fill" if scale is None else "bend"
    if scale is None and sites.targets.shape[1]:
        notes.append(
            f"{int(sites.has_target.sum()):,} runs have a target that varies: too few to learn "
            "where errors are large"
        )
    why = reasons(
        space,
        values,
        all_values,
        names,
        choices,
        None if scale is None else own_scale,
        len(chosen_from),
    )
    is_named = not (runs is not None and hasattr(runs, "ndim") and not hasattr(runs, "columns"))
    return Suggestions(
        space,
        criterion,
        values,
        choices.distance,
        nearest,
        choices.score,
        choices.gain,
        own_scale,
        choices.largest,
        sites.values,
        chosen_from.values,
        why,
        tuple(notes),
        is_named,
        RowNames(None, sites.frame_library),
    )
