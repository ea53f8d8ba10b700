"""The points that are suggested, in the user's units, with the reason for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from .._core.results import UNNAMED_ROWS, Column, RowNames, RowResult, frame_of
from .._core.types import Array, Floats, Indices, Mask, Objects
from .design_space import DesignSpace

REASON_COLUMNS = ("distance", "nearest", "criterion", "gain", "why")


@dataclass(frozen=True, eq=False, repr=False)
class Suggestions(RowResult):
    """Points to run next, the first one first.

    Attributes
    ----------
    space : DesignSpace
    criterion : str
        "fill", "bend", "risk" or "hull".
    values : (n, p) float64
        The points; `points` has them in the user's units and columns.
    distance : (n,) float64
        To the nearest run, pending run or point suggested before, where each parameter spans 1;
        NaN where there is none. No run is nearer: `verify` checks it.
    nearest : (n,) object
        What that is called.
    score : (n,) float64
        The criterion's value of each when it was chosen.
    gain : (n,) float64
        Share by which the criterion's mean falls with the point, over all candidates (with
        "risk" and "hull" over all queries). Not a share of the surrogate's error.
    error_scale : (n,) float64
        Of left-out runs near the point, relative to the mean; 1 where no target was used.
    level : (n + 1,) float64
        The criterion's mean before and after each point.
    largest : (n + 1,) float64
        Radius of the largest empty sphere around a candidate, the same.
    runs : (s, p) float64
        Runs and pending runs.
    is_pending : (s,) bool
    candidates : (C, p) float64
        What was chosen from.
    why : tuple of str
        A sentence for each point.
    notes : tuple of str
        What may surprise.

    Examples
    --------
    >>> import hullwise as hw
    >>> runs = {"a": [0.0, 1.0, 0.0, 1.0], "b": [0.0, 0.0, 1.0, 1.0]}
    >>> new = hw.suggest(runs, n=2, box={"a": (0, 1), "b": (0, 1)})
    >>> new
    Suggestions(2 points by fill)
    >>> new.points
    {'a': [0.48926, ...], 'b': [0.49389, ...]}
    """

    space: DesignSpace
    criterion: str
    values: Floats
    distance: Floats
    nearest: Objects
    score: Floats
    gain: Floats
    error_scale: Floats
    level: Floats
    largest: Floats
    runs: Floats
    is_pending: Mask
    candidates: Floats
    why: tuple[str, ...]
    notes: tuple[str, ...]
    is_named: bool = True
    row_names: RowNames = UNNAMED_ROWS

    def __len__(self) -> int:
        return len(self.values)

    def __repr__(self) -> str:
        return f"Suggestions({len(self)} point{'s' * (len(self) != 1)} by {self.criterion})"

    def __str__(self) -> str:
        lines = [f"  {i + 1}. {text}" for i, text in enumerate(self.why)]
        return "\n".join([repr(self), *lines, *(f"  note: {note}" for note in self.notes)])

    @property
    def points(self) -> Any:
        """The points alone: a frame where the runs came in one, (n, d) for arrays, else columns."""
        if not self.is_named:
            return self.values
        columns = self.space.columns(self.values)
        if self.row_names.frame_library is not None:
            return frame_of(columns, RowNames(None, self.row_names.frame_library))
        return {name: cells.tolist() for name, cells in columns.items()}

    def verify(self) -> Mask:
        """Check that no run, and no point before it, is nearer to each point than its distance.

        By code that shares nothing with the search; for all points as they were suggested. O(s n)
        distances.

        Returns
        -------
        (n,) bool
        """
        from ._sphere_checker import verify_spheres

        return verify_spheres(self)

    def plot(self, ax: Any = None, *, parameters: tuple[str, str] | None = None) -> Any:
        """Draw runs, allowed points and suggestions over two parameters; needs matplotlib.

        Parameters
        ----------
        parameters : (str, str), optional
            The first two unless given.
        """
        from ..report.next_pictures import draw_suggestions

        return draw_suggestions(self, ax, parameters)

    def _take(self, rows: Indices) -> Suggestions:
        return replace(
            self,
            values=self.values[rows],
            distance=self.distance[rows],
            nearest=self.nearest[rows],
            score=self.score[rows],
            gain=self.gain[rows],
            error_scale=self.error_scale[rows],
            why=tuple(self.why[row] for row in rows),
            row_names=self.row_names.take(rows),
        )

    def _columns(self) -> Mapping[str, Column]:
        points: dict[str, Array] = self.space.columns(self.values)
        numbers = (self.distance, self.nearest, self.score, self.gain)
        reasons: tuple[Column, ...] = (*numbers, list(self.why))
        own: dict[str, Column] = {}
        for name, column in zip(REASON_COLUMNS, reasons):
            while name in points:
                name += "_"
            own[name] = column
        return {**points, **own}
