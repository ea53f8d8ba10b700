"""Arrow datasets as tables: folders of folders, patterns, object stores, pyarrow's own objects."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from os import PathLike
from pathlib import Path
from typing import Any, Final

from ..errors import DataWarning, FileError
from .arrow_table import ARROW_BATCH_ROWS, ArrowTable, RowSpans
from .coercion import format_names
from .paths import expanded_path
from .remote_files import is_store_url, open_store, public_url, store_errors

DATASET_FORMATS: Final = {
    ".parquet": "parquet",
    ".parq": "parquet",
    ".arrow": "ipc",
    ".feather": "ipc",
    ".ipc": "ipc",
    ".orc": "orc",
}
FOOTERS_AT_ONCE: Final = 16  # files of a store whose ends are read side by side


class DatasetTable(ArrowTable):
    """A `pyarrow.dataset.Dataset`: its files in the order of their names.

    Columns in the names of folders (``year=2024``) are columns; a column that some files lack is
    empty in their rows, with a warning. Rows are named by their file and their number in it.

    Parameters
    ----------
    dataset : pyarrow.dataset.Dataset
    name : str
        What messages call it.
    base : str
        The folder that names of files are told from.

    Raises
    ------
    FileError
        It holds no file, a file cannot be read, or types of a column do not go together.
    """

    def __init__(self, dataset: Any, name: str, base: str = "") -> None:
        self.path, self._dataset = name, dataset
        self._is_filtered = bool(getattr(dataset, "_scan_options", None))
        self._fragments = [] if self._is_filtered else list(dataset.get_fragments())
        with store_errors(name, "cannot be read"):
            if self._is_filtered:
                self.schema, self.n = dataset.schema, dataset.count_rows()
                return
            with ThreadPoolExecutor(FOOTERS_AT_ONCE) as pool:
                ends = list(pool.map(_end_of_file, self._fragments))
        files = [_name_of(fragment, base, name) for fragment in self._fragments]
        self.schema = _shared_schema(dataset, [end[0] for end in ends], files, name)
        spans = RowSpans(files, [end[1] for end in ends])
        self.n, self.spans = spans.n, spans if len(files) > 1 else None

    def batches(self, columns: Sequence[str]) -> Iterator[Any]:
        names = list(columns)
        sources: Sequence[Any] = self._fragments
        options = {"schema": self.schema}
        if self._is_filtered:
            sources, options = [self._dataset], {}
        with store_errors(self.path, "cannot be read"):
            for source in sources:
                yield from source.to_batches(columns=names, batch_size=ARROW_BATCH_ROWS, **options)


def is_dataset(table: Any) -> bool:
    """Whether a table is a `pyarrow.dataset.Dataset`."""
    if type(table).__module__.partition(".")[0] != "pyarrow":
        return False
    import pyarrow.dataset as ds

    return isinstance(table, ds.Dataset)


def is_dataset_path(path: str | PathLike[str]) -> bool:
    """Whether a path means an Arrow dataset.

    It is a URL of a store that names no text file, an Arrow or ORC file, a folder that holds such
    or Parquet files in folders, or anything in a folder such as ``day=2024-03-01``.
    """
    name = os.fsdecode(path)
    if name == "-" or ("://" in name and not is_store_url(name)):
        return False
    suffix = os.path.splitext(public_url(name))[1].lower()
    if is_store_url(name):
        return suffix in DATASET_FORMATS or not suffix or "=" in suffix
    if suffix in DATASET_FORMATS and suffix != ".parquet":
        return True
    target = expanded_path(path)
    if target.is_dir():
        return _is_partition(target.name) or _is_more_than_parquet_set(target)
    return suffix == ".parquet" and any(_is_partition(part) for part in target.parent.parts[-4:])


def open_dataset(path: str | PathLike[str]) -> DatasetTable:
    """The files that a path or URL means, as one table.

    Raises
    ------
    FileError
        There are none, or of several kinds.
    """
    import pyarrow.dataset as ds
    import pyarrow.fs as fs

    name = os.fsdecode(path)
    store, place = (
        open_store(name) if is_store_url(name) else (fs.LocalFileSystem(), _absolute(path))
    )
    with store_errors(name, "cannot be read"):
        base, files = _files_of(store, place.rstrip("/"), public_url(name))
        kinds = sorted({DATASET_FORMATS[os.path.splitext(f)[1].lower()] for f in files})
        if len(kinds) > 1:
            raise FileError(public_url(name), f"holds files of several kinds: {', '.join(kinds)}")
        dataset = ds.dataset(
            files,
            filesystem=store,
            format=kinds[0],
            partitioning=ds.partitioning(flavor="hive"),
            partition_base_dir=_partition_base(base),
        )
    return DatasetTable(dataset, public_url(name), base)


def _absolute(path: str | PathLike[str]) -> str:
    return os.path.abspath(expanded_path(path))


def _is_partition(folder: str) -> bool:
    """Whether the name of a folder holds a column, such as ``year=2024``."""
    return re.fullmatch(r"[^=]+=.*", folder) is not None


def _partition_base(folder: str) -> str:
    """The folder that the folders of a partition lie in."""
    while _is_partition(folder.rpartition("/")[2]):
        folder = folder.rpartition("/")[0]
    return folder


def _is_more_than_parquet_set(folder: Path) -> bool:
    """Whether a folder holds more than Parquet files side by side; one level below is looked at."""
    with suppress(OSError):
        names = [name for name in os.listdir(folder) if name[0] not in "._"]
        kinds = {os.path.splitext(name)[1].lower() for name in names} - {".parquet"}
        folders = [name for name in names if os.path.isdir(folder / name)]
        return (
            not kinds.isdisjoint(DATASET_FORMATS)
            or any(map(_is_partition, folders))
            or any(_holds_parquet(folder / name) for name in folders)
        )
    return False


def _holds_parquet(folder: Path) -> bool:
    with suppress(OSError):
        return any(name.lower().endswith(".parquet") for name in os.listdir(folder))
    return False


def _files_of(store: Any, place: str, name: str) -> tuple[str, list[str]]:
    """The folder that a path means, and the files of a table in it, in the order of their names."""
    import pyarrow.fs as fs

    pattern = None
    base = place
    info = store.get_file_info(place)
    if info.type == fs.FileType.File:
        return place.rpartition("/")[0], [place]
    if info.type == fs.FileType.NotFound:
        star = min((place.index(mark) for mark in "*?[" if mark in place), default=-1)
        if star < 0:
            raise FileNotFoundError
        base, pattern = place[: place.rindex("/", 0, star)], _as_expression(place)
    selector = fs.FileSelector(base, recursive=True)
    paths = [f.path for f in store.get_file_info(selector) if f.type == fs.FileType.File]
    files = [f for f in paths if _is_data(os.path.relpath(f, base))]
    if pattern is not None:
        files = [f for f in files if pattern.fullmatch(f)]
    if not files:
        known = ", ".join(DATASET_FORMATS)
        raise FileError(name, f"holds no file of a table; known are {known}")
    return base, sorted(files)


def _as_expression(pattern: str) -> re.Pattern[str]:
    """A pattern of names, in which ``**/`` is any folders and ``*`` stays within one."""
    parts = re.split(r"(\*\*/|\*|\?|\[[^]]*\])", pattern)
    marks = {"**/": "(?:.*/)?", "*": "[^/]*", "?": "[^/]"}
    written = (
        marks.get(part) or (part if part.startswith("[") else re.escape(part)) for part in parts
    )
    return re.compile("".join(written))


def _is_data(relative: str) -> bool:
    """Whether a file is one of a table: hidden ones and those that begin with _ are not."""
    parts = relative.split(os.sep) if os.sep in relative else relative.split("/")
    hidden = any(part.startswith((".", "_")) and "=" not in part for part in parts)
    return not hidden and os.path.splitext(relative)[1].lower() in DATASET_FORMATS


def _end_of_file(fragment: Any) -> tuple[Any, int]:
    """The columns of a file and its number of rows."""
    return fragment.physical_schema, int(fragment.count_rows())


def _name_of(fragment: Any, base: str, name: str) -> str:
    path = getattr(fragment, "path", None)
    if path is None:
        return name
    return str(path).removeprefix(base.rstrip("/") + "/") if base else str(path)


def _shared_schema(dataset: Any, schemas: list[Any], files: list[str], name: str) -> Any:
    """The columns of all files together, those of their folders' names last."""
    import pyarrow as pa

    schema = schemas[0] if schemas else dataset.schema
    for other, file in zip(schemas[1:], files[1:]):
        try:
            schema = pa.unify_schemas([schema, other], promote_options="permissive")
        except pa.ArrowException as error:
            reason = " ".join(str(error).split())
            raise FileError(
                name,
                f"the columns of {file} do not go with those of the files before it ({reason})",
            ) from None
    lacking = sorted({c for c in schema.names for s in schemas if c not in s.names})
    if lacking:
        n_lacking = sum(any(c not in s.names for c in lacking) for s in schemas)
        warnings.warn(
            f"{name}: {n_lacking} of {len(schemas)} files lack {format_names(lacking)}, which is "
            "empty in their rows",
            DataWarning,
            stacklevel=3,
        )
    for field in dataset.schema:
        if field.name not in schema.names:
            schema = schema.append(field)
    return schema
