"""What stands beside a verdict and may fail without costing it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, TypeVar

from .._core.types import Progress
from ..errors import ClusterError, DataWarning, FileError, HullwiseError

Part = TypeVar("Part")


def attempt(part: Callable[[], Part], missing: Part) -> Part:
    """What `part` returns, `missing` where the numbers do not allow it."""
    return OptionalParts().compute("a part", part, missing)


class OptionalParts:
    """Computes parts that a result can do without, and notes which are missing and why.

    What says that the rows themselves cannot be read, and what a caller's own `progress` raises to
    stop the work, is raised; anything else that goes wrong in a part costs only that part.
    """

    def __init__(self, progress: Progress | None = None) -> None:
        self.notes: list[str] = []
        self._progress = progress
        self._stopped_by: Exception | None = None  # an error of the caller's progress

    def progress(self, n_done: int, n_total: int, what: str) -> Any:
        """The caller's progress, whose errors are told from those of a part."""
        try:
            return None if self._progress is None else self._progress(n_done, n_total, what)
        except Exception as error:
            self._stopped_by = error
            raise

    def compute(self, what: str, part: Callable[[], Part], missing: Part) -> Part:
        """What `part` returns; `missing` and a note where it fails."""
        try:
            return part()
        except (OSError, FileError, ClusterError):
            raise
        except Exception as error:
            if error is self._stopped_by:
                raise
            self.notes.append(f"{what[0].upper()}{what[1:]} not computed: {_reason(error)}.")
            return missing

    def warn(self) -> None:
        """Say the notes as warnings, where no result can hold them."""
        for note in self.notes:
            warnings.warn(note, DataWarning, stacklevel=3)


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split()).rstrip(".")
    if isinstance(error, HullwiseError | ArithmeticError) and text:
        return text
    return f"the numbers do not allow it ({type(error).__name__}: {text})"
