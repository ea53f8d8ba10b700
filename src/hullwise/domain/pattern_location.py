"""The rows of a table that have one pattern of gaps, located together."""

from __future__ import annotations

from dataclasses import dataclass

from .._core.types import Indices
from ..geometry.location import Location
from .gap_patterns import GapPattern


@dataclass(frozen=True, eq=False)
class PatternLocation:
    """The rows with one pattern of gaps, as a `Location` in that pattern's coordinates.

    Attributes
    ----------
    rows : (k,) int
    pattern : GapPattern
    location : Location
    """

    rows: Indices
    pattern: GapPattern
    location: Location
