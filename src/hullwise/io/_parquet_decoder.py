"""Row groups of one Parquet file as arrays."""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..errors import FileError, HullwiseError
from ._arrow import arrow_values, valid_mask
from ._parquet_columns import fill_columns, refuse_null, refuse_rounding
from ._pinned_file import PinnedFile

DECODE_BYTES: Final = 1 << 20  # of columns decoded at once: they stay in the cache
# Columns written to an array together: numbers in one line of the cache.
CACHE_LINE_COLUMNS: Final = 8
MAX_PARQUET_ROWS: Final = 1 << 48


class ParquetDecoder:
    """Row groups of one Parquet file as arrays, from several threads at once.

    The file is mapped anew for each read: no thread shares a handle, no page stays mapped, and the
    system is told which pages come next. Beside the array it makes, a thread holds at most eight
    columns of the group, or 1 MiB of them where that is more.
    """

    def __init__(self, file: PinnedFile) -> None:
        self.file, self.name = file, file.name
        with _parquet_errors(file.name, "its end cannot be read"):
            opened = _open_parquet(file)
            self.schema, self.metadata = opened.schema_arrow, opened.metadata
            groups = range(opened.num_row_groups)
            self.sizes = [self.metadata.row_group(g).num_rows for g in groups]
            if min(self.sizes, default=0) < 0 or sum(self.sizes) > MAX_PARQUET_ROWS:
                raise FileError(self.name, "is a damaged Parquet file: rows cannot be so many")
        self.starts = np.concatenate([[0], np.cumsum(self.sizes, dtype=np.intp)])
        leaves = self.metadata.schema
        self._place = {leaves.column(j).path: j for j in range(self.metadata.num_columns)}

    def read(self, groups: range, features: Sequence[str], dtype: np.dtype[Any]) -> NDArray[Any]:
        """All rows of consecutive groups."""
        first, last = int(self.starts[groups.start]), int(self.starts[groups.stop])
        values = np.empty((last - first, len(features)), dtype)
        for part, table in self._parts(groups, features, CACHE_LINE_COLUMNS):
            fill_columns(values[:, part], self.name, table, features[part], first)
        return values

    def take(
        self, groups: range, features: Sequence[str], rows: NDArray[np.intp]
    ) -> NDArray[np.float64]:
        """Single rows of consecutive groups, counted from the first row of the first one."""
        first = int(self.starts[groups.start])
        values = np.empty((len(rows), len(features)))
        for part, table in self._parts(groups, features, 1):
            for j, column in enumerate(features[part], part.start):
                array = table.column(column)
                if array.null_count:
                    row = first + int(np.argmin(valid_mask(array)))
                    refuse_null(self.name, array, column, row, first)
                column_values = arrow_values(array)
                every = range(first, first + len(array))
                refuse_rounding(self.name, array, column_values, column, every)
                values[:, j] = column_values[rows]
        return values

    def _parts(
        self, groups: range, features: Sequence[str], least: int
    ) -> Iterator[tuple[slice, Any]]:
        """The groups' columns, a few at a time."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        rows = int(self.starts[groups.stop] - self.starts[groups.start])
        step = max(least, DECODE_BYTES // (8 * max(1, rows)))
        which = f"row group {groups.start}"
        if len(groups) > 1:
            which = f"one of the row groups {groups.start} to {groups.stop - 1}"
        with _parquet_errors(self.name, f"{which} cannot be read"):
            source = pa.BufferReader(pa.py_buffer(self._map(groups, features)))
            file = pq.ParquetFile(source, metadata=self.metadata, pre_buffer=False)
        for j in range(0, len(features), step):
            part = slice(j, min(j + step, len(features)))
            names = list(features[part])
            with _parquet_errors(self.name, f"{which} cannot be read"):
                table = file.read_row_groups(list(groups), columns=names, use_threads=False)
            if table.num_rows != rows:
                text = f"{which} has {table.num_rows} rows, not {rows} as its end says"
                raise FileError(self.name, f"is a damaged Parquet file: {text}")
            yield part, table
        self.file.check()

    def batches(self, columns: Sequence[str], size: int) -> Iterator[Any]:
        """All rows of some columns, in record batches of at most `size` rows."""
        with _parquet_errors(self.name, "is a damaged Parquet file"):
            iterator = _open_parquet(self.file).iter_batches(size, columns=list(columns))
        while True:
            with _parquet_errors(self.name, "is a damaged Parquet file"):
                batch = next(iterator, None)
            if batch is None:
                self.file.check()
                return
            yield batch

    def _map(self, groups: range, features: Sequence[str]) -> mmap.mmap:
        """The mapped file, of which the system is to fetch the groups now."""
        mapped = self.file.map()
        if hasattr(mapped, "madvise"):
            places = [self._place[c] for c in features if c in self._place]
            low, high = len(mapped), 0
            for g in groups if places else ():
                group = self.metadata.row_group(g)
                for column in (group.column(min(places)), group.column(max(places))):
                    start = column.dictionary_page_offset or column.data_page_offset
                    low, high = min(low, start), max(high, start + column.total_compressed_size)
            low -= low % mmap.ALLOCATIONGRANULARITY
            if low < high <= len(mapped):
                mapped.madvise(mmap.MADV_WILLNEED, low, high - low)
        return mapped


def _open_parquet(file: PinnedFile) -> Any:
    """The opened file; every failure is one sentence with its name."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    stream = file.stream()
    start = stream.read(24)
    if not start:
        raise FileError(file.name, "the file is empty")
    if not start.startswith(b"PAR1"):
        raise FileError(
            file.name,
            f"is not a Parquet file: it begins with {start!r}; if it is text, name it .csv",
        )
    try:
        return pq.ParquetFile(pa.PythonFile(stream, mode="r"))
    except (pa.ArrowException, OSError, ValueError) as error:
        text = str(error)
        if "magic" in text or "size is" in text:
            raise FileError(file.name, "is a truncated Parquet file: its end is missing") from None
        raise FileError(file.name, f"is a damaged Parquet file ({_sentence(text)})") from None


@contextmanager
def _parquet_errors(name: str, problem: str) -> Iterator[None]:
    """Whatever Arrow finds in a file, as one sentence."""
    import pyarrow as pa

    try:
        yield
    except (HullwiseError, MemoryError):  # Arrow's own MemoryError is one of the errors below
        raise
    except (pa.ArrowException, OSError, ValueError, TypeError, KeyError, OverflowError) as error:
        raise FileError(name, f"{problem} ({_sentence(str(error))})") from None


def _sentence(text: str) -> str:
    return " ".join(text.split())[:200]
