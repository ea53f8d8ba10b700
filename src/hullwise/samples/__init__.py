"""Four real tables and two small networks that come with the library, for examples and the demo.

Two are of numbers, from the UCI Machine Learning Repository under CC BY 4.0, as is bikes, which has
text, hours and dates; penguins has text and gaps and is in the public domain (CC0). `LICENSES.md`
beside this file holds the attribution and says what was changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from ..io.table_reader import read_table

__all__ = ["MIXED_NAMES", "NAMES", "Sample", "load", "network_paths", "path", "ring_network_path"]

_TARGETS = {"forest_fires": "area", "parkinsons": "total_UPDRS"}
_CITATIONS = {
    "forest_fires": "Cortez & Morais (2007), Forest Fires, UCI, doi 10.24432/C5D88D",
    "parkinsons": "Tsanas & Little (2009), Parkinsons Telemonitoring, UCI, doi 10.24432/C5ZS3N",
}
NAMES = tuple(_TARGETS)
MIXED_NAMES = ("penguins", "bikes")  # tables that are not all numbers: only `path` knows them


@dataclass(frozen=True, eq=False)
class Sample:
    """A bundled table.

    Attributes
    ----------
    X : (n, d) float64
        The features.
    y : (n,) float64
        The target.
    columns : tuple of str
        Names of the d features.
    target : str
        Name of the target.
    groups : (n,) int or None
        Which rows belong together (the patient of each recording), where that is known.
    name : str
        What `load` was asked for.
    licence : str
        Whom to cite, and the licence.
    """

    X: NDArray[np.float64]
    y: NDArray[np.float64]
    columns: tuple[str, ...]
    target: str
    groups: NDArray[np.intp] | None
    name: str
    licence: str

    def __repr__(self) -> str:
        n, d = self.X.shape
        return f"Sample({self.name}: {n:,} rows, {d} features, target {self.target!r})"


def load(name: str) -> Sample:
    """Read a bundled table.

    Parameters
    ----------
    name : "forest_fires" or "parkinsons"
        504 rows of 12 features (weather and place of forest fires; target: burnt area), or 5,875
        rows of 19 features (voice recordings of 42 patients; target: total UPDRS score).

    Returns
    -------
    Sample

    Raises
    ------
    DataError
        For another name.

    Notes
    -----
    O(n d): a few milliseconds. Licensed under CC BY 4.0; `Sample.licence` says whom to cite.

    Examples
    --------
    >>> from hullwise.samples import load
    >>> fires = load("forest_fires")
    >>> fires
    Sample(forest_fires: 504 rows, 12 features, target 'area')
    >>> fires.columns[:4], fires.y.shape
    (('X', 'Y', 'FFMC', 'DMC'), (504,))
    """
    file = path(name)
    if name not in _TARGETS:
        raise DataError(f"{name!r} is no table of numbers: pass path({name!r}) to hullwise.Domain.")
    table = read_table(file)
    target = _TARGETS[name]
    at = table.columns.index(target)
    groups: Any = None
    if name == "parkinsons":
        subjects = read_table(Path(__file__).with_name("parkinsons_subject.csv.gz"))
        groups = subjects.values[:, 0].astype(np.intp)
    return Sample(
        X=np.ascontiguousarray(np.delete(table.values, at, axis=1)),
        y=table.values[:, at].copy(),
        columns=tuple(c for c in table.columns if c != target),
        target=target,
        groups=groups,
        name=name,
        licence=f"{_CITATIONS[name]}, CC BY 4.0",
    )


def path(name: str) -> Path:
    """The file of a bundled table: gzipped CSV with a header.

    Features first and the target last in those of numbers; `penguins` is 344 rows of 8 columns, of
    which three are text and five have gaps, `bikes` 6,000 hours of bike rentals with text, hours
    and dates, both for `hullwise.Domain`.

    Raises
    ------
    DataError
        For another name than "forest_fires", "parkinsons", "penguins" and "bikes".

    Examples
    --------
    >>> from hullwise.samples import path
    >>> path("forest_fires").name
    'forest_fires.csv.gz'
    """
    if name not in (*NAMES, *MIXED_NAMES):
        there = ", ".join((*NAMES, *MIXED_NAMES))
        raise DataError(f"no bundled table is called {name!r}: there are {there}.")
    return Path(__file__).with_name(f"{name}.csv.gz")


def network_paths() -> tuple[Path, Path]:
    """A small trained network and its table: three spiral arms, x and y, and the arm.

    The ONNX file holds 2-32-32-32-3 ReLU layers; `benchmarks/make_spirals.py` made both.

    Examples
    --------
    >>> from hullwise.samples import network_paths
    >>> [file.name for file in network_paths()]
    ['spirals.onnx', 'spirals.csv']
    """
    folder = Path(__file__).parent
    return folder / "spirals.onnx", folder / "spirals.csv"


def ring_network_path() -> Path:
    """A small trained network of three inputs that is below 0 within a ring around the z-axis.

    The ONNX file holds 3-14-14-1 ReLU layers; `benchmarks/make_ring.py` made it.

    Examples
    --------
    >>> import hullwise as hw
    >>> from hullwise.samples import ring_network_path
    >>> hw.model.cell_complex(ring_network_path(), 1.0).boundary().betti_numbers
    (1, 2, 1)
    """
    return Path(__file__).parent / "ring.onnx"
