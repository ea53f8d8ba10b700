"""Where to run next: points chosen by a criterion from candidates of a design space."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._core.foreign import own_errors
from .._core.types import Progress
from ._sites import is_nameless, read_sites
from .design_space import Constraint, DesignSpace
from .selection import CriterionName, SelectionOptions, select_points
from .suggestions import Suggestions


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
    queries: Any = None,
    candidates: Any = None,
    criterion: CriterionName = "auto",
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
    box, constraints : as for DesignSpace
        The design space.
    target : str or sequence of str, optional
        Columns of `runs` with what each gave, in place of `y`; empty for a run that failed.
    pending : table, optional
        Points that were handed out and have no answer yet: they count as runs.
    queries : table, optional
        Rows that are to be predicted, where they are known: points are then chosen among them. That
        lowers the error there far more than any criterion over the box.
    candidates : table, optional
        Points to choose from, in place of points of the box or the queries.
    criterion : {"auto", "bend", "fill", "risk", "hull"}
        "fill" chooses the centre of the largest empty sphere. "bend" weighs the squared distance to
        the nearest run with a local scale of the errors of left-out runs; it needs targets. "risk"
        lowers the mean minimax risk of the queries, "hull" their mean distance to the hull of the
        runs (from points of the box). "auto" is "risk" with queries, else "bend" with targets of
        enough runs, else "fill".
    n_candidates : int
        Points of the space to choose from. More is not better: the farthest points of all are
        corners.
    random_state : int
        Of the points of the space; they are others when more runs have come.
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
    Greedy: a point chosen counts as a run for those after it, so that a batch does not clump.
    Nothing here is optimal, and nothing is proved of errors; proved are the empty sphere around
    each point (`Suggestions.verify`), and with "risk" the minimax risk before and after, which does
    not depend on what the runs will give.

    O(C m D) for C candidates, m runs and D coordinates, and O(C D) for each point; "bend" leaves at
    most 250 runs out of a sample of 5,000; "risk" solves at most 500 queries anew for each point.

    Source: empty spheres: Johnson, Moore, Ylvisaker, *Minimax and maximin distance designs*,
    Journal of Statistical Planning and Inference 1990; left-out errors steer runs in Xu, Liang,
    Yun, Qiu, *A robust error-pursuing sequential sampling approach*, 2014, and later work.

    Examples
    --------
    >>> import hullwise as hw
    >>> runs = [{"a": 0.1, "kind": "x"}, {"a": 0.9, "kind": "x"}, {"a": 0.4, "kind": "y"}]
    >>> new = hw.suggest(runs, n=2, box={"a": (0, 1), "kind": ["x", "y", "z"]})
    >>> new.points["kind"]
    ['z', 'z']
    """
    options = SelectionOptions(criterion, queries, candidates, n_candidates, random_state)
    space = DesignSpace(box, constraints)
    sites = read_sites(space, runs, y, target, pending)
    return select_points(
        space, sites, n, options, is_named=not is_nameless(runs), progress=progress
    )
