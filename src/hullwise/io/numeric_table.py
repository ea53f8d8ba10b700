"""A table of numbers with the names of its columns and rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

BadRows = Literal["refuse", "keep"]


@dataclass(frozen=True, repr=False, eq=False)
class NumericTable:
    """A table of numbers read from a file, which `Cloud` and `locate` take as it is.

    Attributes
    ----------
    values : ndarray of shape (n, d)
        float64, or float32 where every column of the file is. Finite but for the rows of `bad`.
    columns : tuple of str
        Names of the d features; x0, x1, ... where the file has none.
    ids : object ndarray of shape (n,) or None
        Row ids as given, int or str.
    path : str
        The file as the user named it.
    bad : mapping of int to str
        The rows with missing or infinite values, where these were kept, and what each holds.

    Examples
    --------
    >>> import hullwise as hw, tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "rows.csv")
    ...     _ = path.write_text("a,b\\n1,2\\n3,4\\n")
    ...     hw.read_table(path)
    NumericTable(2 rows, 2 features, float64 from 'rows.csv')
    """

    values: NDArray[Any]
    columns: tuple[str, ...]
    ids: NDArray[np.object_] | None
    path: str
    bad: Mapping[int, str] = field(default_factory=dict)

    @property
    def n(self) -> int:
        """Number of rows."""
        return int(self.values.shape[0])

    @property
    def d(self) -> int:
        """Number of features."""
        return int(self.values.shape[1])

    def __repr__(self) -> str:
        name = Path(self.path).name
        return f"NumericTable({self.n} rows, {self.d} features, {self.values.dtype} from {name!r})"
