"""Ask and tell: a campaign of runs that come back in any order, or fail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._core.foreign import own_errors
from .._core.results import RowNames, frame_of
from .._core.types import Floats, Indices, Progress
from ..errors import DataError
from ..io.mixed_table import read_mixed
from ._sites import Sites, is_nameless, read_sites, target_values
from .design_space import Constraint, DesignSpace
from .selection import CriterionName, SelectionOptions, select_points
from .suggestions import Suggestions


class Campaign:
    """Runs that are asked for in batches and told as they come back, in any order.

    Points that were asked for are *pending* until they are told: they count as runs, so that later
    points keep away from them. A run that failed is told as NaN: its place counts as visited, and
    nothing is learnt there.

    Parameters
    ----------
    box, constraints : as for DesignSpace
        The design space.
    runs, y, target : as for suggest
        The runs there are.
    queries, candidates, criterion, n_candidates, random_state : as for suggest
        How points are chosen.

    Attributes
    ----------
    space : DesignSpace

    Notes
    -----
    What is asked depends on the runs and pending points alone, not on how they came: a campaign
    that is made anew from tables (`runs`, and `pending` for `suggest`) goes on in the same way.

    Examples
    --------
    >>> import hullwise as hw
    >>> campaign = hw.Campaign({"a": (0, 1), "b": (0, 1)}, "a + b <= 1")
    >>> first = campaign.ask(4)
    >>> campaign.tell(first.points, [1.0, 2.0, float("nan"), 0.5])
    >>> campaign
    Campaign(4 runs, 1 of them failed, 0 pending)
    >>> more = campaign.ask(2)
    >>> campaign.withdraw(more.points)
    """

    def __init__(
        self,
        box: Any,
        constraints: Constraint | Sequence[Constraint] | None = None,
        *,
        runs: Any = None,
        y: Any = None,
        target: str | Sequence[str] | None = None,
        queries: Any = None,
        candidates: Any = None,
        criterion: CriterionName = "auto",
        n_candidates: int = 1000,
        random_state: int = 0,
    ) -> None:
        self.space = DesignSpace(box, constraints)
        self._options = SelectionOptions(criterion, queries, candidates, n_candidates, random_state)
        sites = read_sites(self.space, runs, y, target, None)
        self._values: Floats = sites.values
        self._targets: Floats = sites.targets
        self._target_names = [target] if isinstance(target, str) else list(target or ())
        self._pending: Floats = np.zeros((0, len(self.space.parameters)))
        self._library = sites.frame_library
        self._is_named = not is_nameless(runs)

    def __repr__(self) -> str:
        n, failed = len(self._values), int(np.isnan(self._targets).any(axis=1).sum())
        lost = f", {failed} of them failed" if failed else ""
        return f"Campaign({n} run{'s' * (n != 1)}{lost}, {len(self._pending)} pending)"

    def ask(self, n: int = 1, *, progress: Progress | None = None) -> Suggestions:
        """The next n points, which are pending from now on.

        Raises
        ------
        DataError
            Nothing is left to suggest.
        """
        new = select_points(
            self.space, self._sites(), n, self._options, is_named=self._is_named, progress=progress
        )
        self._pending = np.vstack([self._pending, new.values])
        return new

    @own_errors("telling what runs gave")
    def tell(self, points: Any, y: Any) -> None:
        """Say what points gave; they need not have been asked for.

        Parameters
        ----------
        points : table
            As `ask` gave them, or any other, with the parameters' columns.
        y : (k,) or (k, t)
            NaN for a run that failed.

        Raises
        ------
        DataError
            A point cannot be placed, or there are not as many values as points; nothing is then
            taken.
        """
        values = self._read(points)
        targets = target_values(y, len(values))
        if len(self._values) and self._targets.shape[1] not in (0, targets.shape[1]):
            raise DataError(
                f"y has {targets.shape[1]} targets: expected {self._targets.shape[1]}, as before."
            )
        if len(self._targets) and not self._targets.shape[1]:
            self._targets = np.full((len(self._values), targets.shape[1]), np.nan)
        self._targets = np.vstack([self._targets.reshape(-1, targets.shape[1]), targets])
        self._values = np.vstack([self._values, values])
        self._pending = np.delete(self._pending, self._pending_rows(values), axis=0)

    def withdraw(self, points: Any) -> None:
        """Say that pending points are not run: they are free to be suggested again.

        Raises
        ------
        DataError
            A point is not pending.
        """
        values = self._read(points)
        rows = self._pending_rows(values)
        if len(rows) < len(values):
            raise DataError(
                f"{len(values) - len(rows)} of {len(values)} points are not pending: only points "
                "that were asked for and not told can be withdrawn."
            )
        self._pending = np.delete(self._pending, rows, axis=0)

    @property
    def runs(self) -> Any:
        """The runs told, with their targets, in the library of the first runs."""
        count = self._targets.shape[1]
        names = self._target_names or (["y"] if count == 1 else [f"y{k}" for k in range(count)])
        targets = {
            name if name not in self.space.names else f"{name}_": self._targets[:, k]
            for k, name in enumerate(names[:count])
        }
        return self._table(self.space.columns(self._values) | targets)

    @property
    def pending(self) -> Any:
        """The points asked for and not told yet, in the same library."""
        return self._table(self.space.columns(self._pending))

    def _table(self, columns: dict[str, Any]) -> Any:
        if self._library is not None:
            return frame_of(columns, RowNames(None, self._library))
        return {name: cells.tolist() for name, cells in columns.items()}

    def _read(self, points: Any) -> Floats:
        table = read_mixed(points, name="the table of points")
        values = self.space.read(table)
        gaps = np.isnan(values).any(axis=1)
        if gaps.any():
            raise DataError(
                f"{table.place(int(np.argmax(gaps)))}: a point with an empty cell, or a value that "
                "the box cannot place."
            )
        return values

    def _pending_rows(self, values: Floats) -> Indices:
        """The rows of pending points that these are, each used once."""
        rows: list[int] = []
        for value in values:
            same = np.isclose(self._pending, value, rtol=1e-9, atol=0).all(axis=1)
            free = [row for row in np.flatnonzero(same).tolist() if row not in rows]
            rows += free[:1]
        return np.array(rows, dtype=np.intp)

    def _sites(self) -> Sites:
        """Runs, then pending points."""
        n, m = len(self._values), len(self._pending)
        names = [*(f"run {i}" for i in range(n)), *(f"pending run {i}" for i in range(m))]
        width = self._targets.shape[1]
        return Sites(
            np.vstack([self._values, self._pending]),
            np.array(names, dtype=object),
            np.vstack([self._targets.reshape(n, width), np.full((m, width), np.nan)]),
            np.arange(n + m) >= n,
            self._library,
            (),
        )
