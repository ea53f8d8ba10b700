"""The cloud of training rows and the one question asked of it.

    Which rows maximise <x, g> - h |x|^2 ?

With h = 0 the answer is the support function of the convex hull, with h > 0 a nearest neighbour
query, and all that is said about the data follows from such answers. A cloud on a GPU or on a
hundred machines is another class with the same few methods.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from os import PathLike, fspath
from os.path import isdir
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike

from .._core.options import check_int
from .._core.results import RecordResult
from .._core.types import Floats, Indices
from ..errors import DataError, DataTypeError, DataWarning
from ..io.rows import ArrayRows, Rows, ask
from ._cache import CloudCache, Value, digest
from ._feature_statistics import feature_summary, rounded_mean, sums_of_squares
from ._flat import Flat, find_flat, rescale_constant_columns
from ._score_blocks import BLOCK_ROWS
from .block_floats import with_row_exponents
from .metric import Metric, metric_array, parse_metric
from .optional_parts import attempt
from .pricing import top_rows
from .scaled_view import ScaledView
from .scaling import Frame, columnwise_frame, metric_frame, prescales
from .units import rounded_units

__all__ = ["Cloud", "Support"]

MAX_MAGNITUDE = 2.0**1021  # the sum of four such numbers is still finite
SUBNORMAL_SLACK = 2.0**-1070  # a few of the smallest steps there are


@dataclass(frozen=True, eq=False)
class Support(RecordResult):
    """The best k rows for each of B directions, best first; equal values by lowest row.

    Attributes
    ----------
    values : (B, k) float64
        ``<x, g> - h |x|^2`` of each.
    rows : (B, k) intp
        Their numbers.

    Examples
    --------
    >>> import hullwise as hw
    >>> answer = hw.Cloud([[0.0], [3.0], [2.0]]).support([[1.0]], k=2)
    >>> answer
    Support(1 directions, best 2 rows each)
    >>> answer.rows, answer.values
    (array([[1, 2]]), array([[3., 2.]]))
    """

    values: Floats
    rows: Indices

    def __repr__(self) -> str:
        return f"Support({self.rows.shape[0]} directions, best {self.rows.shape[1]} rows each)"


class Cloud:
    """Training rows, ready to be asked.

    Parameters
    ----------
    X : array (n, d), torch tensor, data frame, path, or Rows
        The training rows. A path ending in ``.npy`` or ``.parquet`` is read in blocks and may be
        larger than memory; any other file is read as a strict CSV table. Bool, integer, float16,
        float32 and float64 are kept as they are and decided in float64.
    columns : sequence of str, optional
        Names of the d features, where X does not bring its own.
    copy : bool
        Hold a private copy of an array, so that changing it later changes nothing here.

    Attributes
    ----------
    n, d : int
        Numbers of rows and of features.
    minimum, maximum, mean : (d,) float64
        Per feature, in the data's own units.
    centre, scale : (d,) float64 and float
        ``(x - centre) * scale`` has entries of at most about 1; `scale` is a power of two.

    Raises
    ------
    DataError
        For NaN, infinity, text, ragged, empty or otherwise unusable rows, naming row and column.
    DataTypeError
        For containers that must be converted first (sparse matrices, lazy frames).

    Notes
    -----
    Building costs one pass, O(n d). Memory beyond the data: one block of rows for each thread
    (1,024 rows), and up to 4 million numbers n d at most 32 MiB for each of the last few frames.

    Examples
    --------
    >>> import hullwise as hw
    >>> cloud = hw.Cloud([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    >>> cloud
    Cloud(3 rows, 2 features, float64)
    >>> cloud.support([[1.0, 2.0]]).rows          # the row furthest along (1, 2)
    array([[2]])
    >>> cloud.support([[1.8, 0.2]], h=1.0).rows   # the row nearest to (0.9, 0.1): g = 2 q, h = 1
    array([[1]])
    """

    def __init__(
        self,
        X: ArrayLike | str | PathLike[str] | Rows,
        *,
        columns: tuple[str, ...] | None = None,
        copy: bool = True,
    ) -> None:
        self.labels: Any = None
        self._warned_of_flat = False
        self.frame_library: str | None = None  # that X came in, for results
        self._cache = CloudCache()
        self.rows = self._open(X, copy)
        self.columns = tuple(columns) if columns is not None else self.rows.columns
        self.n, self.d = self.rows.n, self.rows.d
        if self.columns is not None and len(self.columns) != self.d:
            raise DataError(f"{len(self.columns)} column names were given for {self.d} features.")
        self.dtype = self.rows.dtype
        self._summarise_features()

    def _open(self, X: Any, copy: bool) -> Rows:
        from ..io.coercion import dense_if_it_fits
        from ..io.validation import check_rows

        if isinstance(X, str | PathLike):
            path = fspath(X)
            from ..io.dataset_table import is_dataset_path

            if (path.endswith((".npy", ".parquet")) or isdir(path)) and not is_dataset_path(X):
                from ..io.file_rows import open_rows

                return open_rows(path)
            from ..io.table_reader import read_table

            table = read_table(X)
            self.labels = table.ids
            return ArrayRows(table.values, table.columns)
        if callable(getattr(X, "block", None)):
            missing = [name for name in Rows.__annotations__ if not hasattr(X, name)]
            if missing:
                raise DataTypeError(
                    f"{type(X).__name__} has `block` but lacks {', '.join(missing)}: rows of your "
                    "own need every member of hullwise.Rows."
                )
            return cast(Rows, X)
        if type(X).__module__.partition(".")[0] == "torch":
            from ..io.torch_rows import TorchRows

            return TorchRows(X.clone() if copy else X)
        X = dense_if_it_fits(X, "X")
        checked = check_rows(X, name="X", columns=None)
        self.labels, self.frame_library = checked.labels, checked.frame_library
        shared = copy and np.may_share_memory(checked.values, np.asarray(X))
        must_copy = shared and not isinstance(checked.values, np.memmap)
        return ArrayRows(np.array(checked.values) if must_copy else checked.values, checked.columns)

    def _summarise_features(self) -> None:
        """One pass: refuse what is not finite, and learn where the data lies."""
        parts = ask(self.rows, partial(feature_summary, columns=self.columns))
        low = np.min([part[0] for part in parts], axis=0)
        high = np.max([part[1] for part in parts], axis=0)
        self.minimum, self.maximum = low, high
        largest = float(max(np.abs(low).max(), np.abs(high).max()))
        if largest > MAX_MAGNITUDE:
            raise DataError(
                f"X holds values up to {largest:.3g}: differences of numbers beyond "
                f"{MAX_MAGNITUDE:.3g} overflow. Divide that feature by a power of two."
            )
        total, large = (np.sum([part[k] for part in parts], axis=0) for k in (2, 3))
        self.mean = np.clip(total / self.n + np.ldexp(large / self.n, 60), low, high)
        centre = rounded_mean(self.mean, low, high)
        if self.dtype.kind != "f" or self.dtype.itemsize < 8:
            centre = np.clip(centre.astype(np.float32).astype(np.float64), low, high)
        self.centre = centre
        self._warn_if_digits_are_few()

    def _warn_if_digits_are_few(self) -> None:
        """An offset far larger than the spread has used up the digits before we see them."""
        half = self.maximum / 2 - self.minimum / 2
        last = np.spacing(np.maximum(np.abs(self.minimum), np.abs(self.maximum))) / 2
        with np.errstate(all="ignore"):
            digits = np.where(half > 64 * last, np.log10(half / last), np.inf)
        if (j := int(digits.argmin())) >= 0 and digits[j] < 6:
            warnings.warn(
                f"feature {self.names[j]!r} has values near {self.maximum[j]:.3g} that differ by "
                f"{2 * half[j]:.3g} only: float64 leaves {digits[j]:.0f} digits of that. "
                "Subtract an offset before the numbers are stored.",
                DataWarning,
                stacklevel=3,
            )

    @property
    def names(self) -> tuple[str, ...]:
        """Feature names; x0, x1, ... where the data brought none."""
        return self.columns or tuple(f"x{j}" for j in range(self.d))

    @cached_property
    def _largest(self) -> Floats:
        """Largest |x| of each feature, (d,)."""
        return np.asarray(np.maximum(np.abs(self.minimum), np.abs(self.maximum)))

    @cached_property
    def _prescale(self) -> Floats:
        """Powers of two that bring features of extreme size to where squares exist, (d,)."""
        return prescales(self._largest)

    @cached_property
    def _reach(self) -> Floats:
        """Largest |x - centre| of each feature, times `_prescale`."""
        low, middle, high = (
            part * self._prescale for part in (self.minimum, self.centre, self.maximum)
        )
        return np.asarray(np.maximum(high - middle, middle - low))

    @property
    def scale(self) -> float:
        """Power of two that brings the centred rows to entries of at most 1."""
        return float(np.ldexp(1.0, min(1023, -self.euclidean.exponent)))

    @cached_property
    def spread(self) -> Floats:
        """Standard deviation of each feature, (d,); one more pass, O(n d)."""
        frame = self.columnwise()
        question = partial(sums_of_squares, frame=frame, mean=self.mean)
        total = np.sum(ask(self.rows, question), axis=0)
        return rounded_units(np.sqrt(total / self.n) / frame.factor / frame.prescale)

    def resolution(self, tolerance: float) -> Floats:
        """(d,) how near counts as equal: a share of each range, and float64's last digits."""
        width = 2 * (self.maximum / 2 - self.minimum / 2)
        return np.asarray(tolerance * width + 2.0**-51 * self._largest + SUBNORMAL_SLACK)

    @property
    def _euclidean_metric(self) -> Metric:
        return self.metric(None)

    @cached_property
    def euclidean(self) -> Frame:
        """The plain centred and scaled coordinates."""
        return self.frame(self._euclidean_metric)

    def metric(self, metric: ArrayLike | Metric | None) -> Metric:
        """The `metric` argument understood for this cloud; asked for again, the same object."""
        if isinstance(metric, Metric):
            return metric
        if metric is None or isinstance(metric, str):
            return self._cache.get_metric(metric, lambda: self._parse_metric(metric))
        M = metric_array(metric)
        return self._cache.get_metric(digest(M), lambda: self._parse_metric(M))

    def _parse_metric(self, metric: ArrayLike | None) -> Metric:
        spread = self.spread if isinstance(metric, str) and metric == "std" else np.ones(self.d)
        return parse_metric(metric, spread, self.maximum / 2 - self.minimum / 2)

    def frame(self, metric: Metric) -> Frame:
        """Coordinates in which `metric` is Euclidean and entries are at most about 1."""
        return metric_frame(metric, self.centre, self._prescale, self._reach)

    def columnwise(self) -> Frame:
        """Coordinates in which every feature has its own power-of-two scale (no metric at all)."""
        return columnwise_frame(self.centre, self._prescale, self._reach)

    @cached_property
    def flat(self) -> Flat:
        """The flat that the rows span, and round coordinates on it; one or two passes, O(n d^2)."""
        size = self._largest * self._prescale
        frame = rescale_constant_columns(self.columnwise(), size)
        return find_flat(self.view(frame), size * frame.factor * np.finfo(np.float64).eps)

    @property
    def rank(self) -> int:
        """Dimension of the flat that the rows span, at most d, up to rounding."""
        return self.flat.rank

    @cached_property
    def known_rank(self) -> int | None:
        """The rank, or None where the numbers do not allow to find it."""
        return attempt(lambda: self.rank, None)

    def warn_if_flat(self) -> None:
        """Say once that the rows span a flat only, where they do."""
        flat = self.known_rank is not None and self.known_rank < min(self.d, self.n)
        if flat and not self._warned_of_flat:
            self._warned_of_flat = True
            constant = [self.names[j] for j in np.flatnonzero(self.minimum == self.maximum)]
            cause = "there are too few rows, or some feature is a combination of others"
            if constant:
                cause = f"constant: {', '.join(constant[:5])}" + " ..." * (len(constant) > 5)
            warnings.warn(
                f"the {self.n} training rows span a flat of dimension {self.rank} in {self.d} "
                f"features ({cause}): every query off that flat is outside.",
                DataWarning,
                stacklevel=3,
            )

    def sample(self, size: int) -> Indices:
        """A seeded sample of at most `size` rows, ascending."""
        if size >= self.n:
            return np.arange(self.n)
        return np.sort(np.random.default_rng(0).choice(self.n, size, replace=False))

    def view_in(self, metric: Metric) -> ScaledView:
        """The rows in coordinates in which `metric` is Euclidean."""
        return self.cached("view", lambda: self.view(self.frame(metric)), metric)

    @property
    def columnwise_view(self) -> ScaledView:
        """The rows with every feature on its own power-of-two scale."""
        return self.cached("columnwise view", lambda: self.view(self.columnwise()))

    def cached(
        self, key: Hashable, compute: Callable[[], Value], metric: Metric | None = None
    ) -> Value:
        """What `compute` returns, computed once and kept with the cloud.

        What belongs to a `metric` is kept for the last 4 metrics. Values of at most 1 MiB survive
        pickling. Threads may ask at once: then it may be computed twice, and each gets a whole one.
        """
        return self._cache.get(key, compute, metric)

    def view(self, frame: Frame) -> ScaledView:
        """The rows seen in a frame."""
        return ScaledView(self.rows, frame, self._reach, self._largest * self._prescale)

    def blocks(self, size: int = BLOCK_ROWS) -> Iterator[tuple[int, Floats]]:
        """(start, Z) with Z = (x - centre) * scale, (b, d) float64, in the order of the rows."""
        for start in range(0, self.n, size):
            stop = min(start + size, self.n)
            yield start, self.euclidean.map(self.rows.block(start, stop))

    def take(self, rows: ArrayLike) -> Floats:
        """The given rows in the data's own units, (len(rows), d) float64."""
        return self.rows.take(np.asarray(rows, dtype=np.intp))

    def support(self, G: ArrayLike, h: float = 0.0, k: int = 1) -> Support:
        """For each direction the best k rows maximising ``<x, g> - h |x|^2``.

        Parameters
        ----------
        G : (B, d)
            Directions, in the data's own units.
        h : float
            0 for the support function; positive for nearest neighbours (with ``g = 2 h q`` the
            best rows are the nearest ones to q).
        k : int
            Rows wanted, at most n.

        Returns
        -------
        Support
            ``values`` and ``rows``, both (B, k), best first, equal values by lowest row; a value
            beyond the floats is infinite.

        Notes
        -----
        O(B n d) time, in blocks: memory beyond the data is O(B k) and one block of 1,024 rows
        with its 1,024 x 1,024 scores, both for each thread.

        Examples
        --------
        >>> import numpy as np, hullwise as hw
        >>> cloud = hw.Cloud(np.arange(5.0)[:, None])
        >>> cloud.support([[1.0], [-1.0]], k=2).rows
        array([[4, 3], [0, 1]])
        """
        from ..io.validation import check_rows

        U = check_rows(G, name="G", n_features=self.d).values.astype(np.float64)
        if not 1 <= check_int("k", k, 0) <= self.n:
            raise DataError(f"k={k}: expected between 1 and the {self.n} rows of the cloud.")
        if not (np.isfinite(h) and h >= 0):
            raise DataError(f"h={h}: expected a finite number of at least 0.")
        # with x = c + y the score is <g, c> - h |c|^2 + <g - 2 h c, y> - h |y|^2: nothing cancels
        frame, c = self.euclidean, self.centre
        directions, exponents = with_row_exponents(U - 2 * h * c)
        exponents = exponents + frame.exponent
        weight = 0.0
        if h:  # one scale for all directions, in which the weight is about 1
            weight, exponent = np.frexp(h)
            exponent = exponent + 2 * frame.exponent
            with np.errstate(over="ignore", under="ignore"):
                directions = np.ldexp(directions, (exponents - exponent)[:, None])
            exponents = np.full(len(U), exponent)
        view = self.view_in(self._euclidean_metric)
        values, rows = top_rows(view, directions, float(weight), k)
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            base = (U - h * c) @ c if h else U @ c
            return Support(np.ldexp(values, exponents[:, None]) + base[:, None], rows)

    def __repr__(self) -> str:
        return f"Cloud({self.n:,} rows, {self.d:,} features, {self.dtype})"
