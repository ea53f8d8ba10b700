"""The points chosen for a space, its runs and perhaps queries, by one of the criteria."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from .._core.options import check_int
from .._core.results import RowNames
from .._core.types import Floats, Progress
from ..errors import DataError
from ..io.mixed_table import read_mixed
from ._candidates import CandidateSet, candidate_points, distinct_rows
from ._criteria import Choices, Criterion, EmptySphere, choose
from ._error_scale import error_scale
from ._nearest_sites import NearestSites
from ._query_criteria import HullCoverage, MinimaxRisk
from ._sentences import Reason, reason_texts
from ._sites import Sites
from .design_space import DesignSpace
from .minimax_risk import BendingClass
from .suggestions import Suggestions

CRITERIA = ("auto", "bend", "fill", "risk", "hull")
CriterionName = Literal["auto", "bend", "fill", "risk", "hull"]
MOST_QUERIES = 500  # that a criterion looks at; more change nothing


@dataclass(frozen=True, eq=False)
class SelectionOptions:
    """How points are chosen; see `suggest`.

    Attributes
    ----------
    criterion : str
    queries, candidates : table or None
    n_candidates, random_state : int
    """

    criterion: CriterionName = "auto"
    queries: Any = None
    candidates: Any = None
    n_candidates: int = 1000
    random_state: int = 0

    def __post_init__(self) -> None:
        if self.criterion not in CRITERIA:
            raise DataError(f"criterion={self.criterion!r}: expected one of {', '.join(CRITERIA)}.")
        check_int("n_candidates", self.n_candidates, 1)
        check_int("random_state", self.random_state, 0)
        if self.queries is None and self.criterion in ("risk", "hull"):
            raise DataError(
                f"criterion={self.criterion!r} looks at given points: it needs queries, the rows "
                "that are to be predicted."
            )


def select_points(
    space: DesignSpace,
    sites: Sites,
    n: int,
    options: SelectionOptions,
    *,
    is_named: bool = True,
    progress: Progress | None = None,
) -> Suggestions:
    """The next n points; what `suggest` and `Campaign.ask` do.

    Raises
    ------
    DataError
        Nothing is allowed, or nothing is left to suggest.
    """
    n = check_int("n", n, 1)
    notes = list(sites.notes)
    seed = (options.random_state, len(sites))  # other candidates when runs have come
    queries = None if options.queries is None else _read_queries(space, options.queries, seed)
    chosen_from = _candidates(space, n, options, queries, seed)
    if chosen_from.note:
        notes.append(chosen_from.note)
    near = NearestSites(
        space.coordinates(chosen_from.values), space.coordinates(sites.values), progress
    )
    name, criterion = _criterion(space, sites, options, queries, near, notes)
    choices = choose(criterion, near, n, progress)
    notes += _shortage(choices, n, len(chosen_from), name)
    values = chosen_from.values[choices.candidates]
    own = [f"suggestion {i + 1}" for i in range(len(values))]
    names = np.array([*sites.names, *own], dtype=object)
    scale = criterion.error_scale if isinstance(criterion, EmptySphere) else None
    reason = Reason(
        space,
        name,
        values,
        np.vstack([sites.values, values]),
        names,
        choices,
        None if scale is None else scale[choices.candidates],
        len(chosen_from) if queries is None or name in ("bend", "fill") else len(queries),
    )
    return Suggestions(
        space,
        name,
        values,
        choices.distance,
        np.array([names[site] if site >= 0 else "" for site in choices.nearest], dtype=object),
        choices.score,
        choices.gain,
        np.ones(len(values)) if scale is None else scale[choices.candidates],
        choices.level,
        choices.largest,
        sites.values,
        sites.is_pending,
        chosen_from.values,
        reason_texts(reason),
        tuple(notes),
        is_named,
        RowNames(None, sites.frame_library),
    )


def _read_queries(space: DesignSpace, table: Any, seed: tuple[int, int]) -> Floats:
    """(m, p) queries, a sample of them where there are many."""
    mixed = read_mixed(table, name="the table of queries")
    values = space.read(mixed, "the table of queries")
    gaps = np.isnan(values).any(axis=1)
    if gaps.any():
        raise DataError(
            f"{mixed.place(int(np.argmax(gaps)))}: a query with an empty cell, or a level that "
            "the box lacks."
        )
    order = np.random.default_rng(seed).permutation(len(values))
    return np.asarray(values[np.sort(order[:MOST_QUERIES])])


def _candidates(
    space: DesignSpace,
    n: int,
    options: SelectionOptions,
    queries: Floats | None,
    seed: tuple[int, int],
) -> CandidateSet:
    """Those that are given, else the queries, else points of the space."""
    if options.candidates is not None:
        table = read_mixed(options.candidates, name="the table of candidates")
        return _allowed_of(space, space.read(table), table.source)
    if queries is not None and options.criterion != "hull":
        mixed = read_mixed(options.queries, name="the table of queries")
        return _allowed_of(space, space.read(mixed), mixed.source)
    return candidate_points(space, max(options.n_candidates, 2 * n), seed)


def _allowed_of(space: DesignSpace, values: Floats, source: str) -> CandidateSet:
    """The points of a table that are allowed, each once."""
    known = ~np.isnan(values).any(axis=1)
    allowed = np.zeros(len(values), dtype=bool)
    allowed[known] = space.allowed(values[known])
    if not allowed.any():
        raise DataError(
            f"none of the {len(values):,} rows of {source} is in the box and keeps the constraints."
        )
    rest = int((~allowed).sum())
    note = f"{rest:,} of {len(values):,} candidates are not allowed: left out" if rest else ""
    return CandidateSet(distinct_rows(values[allowed]), complete=True, note=note)


def _criterion(
    space: DesignSpace,
    sites: Sites,
    options: SelectionOptions,
    queries: Floats | None,
    near: NearestSites,
    notes: list[str],
) -> tuple[str, Criterion]:
    """The criterion that the options and the runs lead to, and its name."""
    name, known = options.criterion, sites.has_target
    Z, targets = space.coordinates(sites.values), sites.targets[known]
    if queries is not None and name in ("auto", "risk", "hull"):
        if not len(sites) and name != "auto":
            raise DataError(f"criterion={name!r} needs at least one run; take criterion='fill'.")
        if len(sites):
            Q = space.coordinates(queries)
            if name == "hull":
                return name, HullCoverage(near.candidates, Z, Q)
            own = BendingClass.learnt(Z[known], targets, Q)
            return "risk", MinimaxRisk(near.candidates, Z, Q, own)
    scale = None
    if name != "fill":
        scale = error_scale(Z[known], targets, near.candidates)
    if scale is None and name == "bend":
        raise DataError(
            f"criterion='bend' learns from left-out errors: {int(known.sum()):,} runs with a "
            f"target that varies are too few in {Z.shape[1]} coordinates; expected at least "
            f"{Z.shape[1] + 2}, or take criterion='fill'."
        )
    if scale is None and name == "auto" and sites.targets.shape[1]:
        notes.append(
            f"{int(known.sum()):,} runs with targets are too few, or alike in them, to learn where "
            "errors are large: chosen by distance alone"
        )
    return ("fill" if scale is None else "bend"), EmptySphere(near, scale)


def _shortage(choices: Choices, n: int, n_candidates: int, name: str) -> list[str]:
    """Why there are fewer points than were to be chosen.

    Raises
    ------
    DataError
        There is none.
    """
    count = len(choices.candidates)
    if count == n:
        return []
    why = (
        f"a run is at every other one of the {n_candidates:,} points that are allowed"
        if name in ("bend", "fill")
        else f"no other of the {n_candidates:,} candidates lowers it for any query"
    )
    if not count:
        raise DataError(
            f"nothing is left to suggest by {name!r}: {why.replace('every other', 'each')}."
        )
    return [f"{count:,} of {n:,} points: {why}"]
