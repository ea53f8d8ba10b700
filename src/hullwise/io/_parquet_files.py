"""One Parquet file, or several that are one table: a folder, or a pattern of names."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from ..errors import FileError
from ._parquet_columns import index_columns, refuse_types
from ._parquet_decoder import ParquetDecoder
from ._pinned_file import PinnedFile
from .paths import expanded_path, readable_path


class ParquetFiles:
    """The files of one table, in the order of their names, with columns that are the same.

    Parameters
    ----------
    path : str or path
        A file, a folder (all its files ``*.parquet``), or a pattern such as ``data/*.parquet``.

    Raises
    ------
    FileError
        None of these, or a file that is no Parquet file.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        self.name = os.fsdecode(path)
        self.path, files = _find(path)
        names = [self.name if f == self.path else str(f) for f in files]
        self._open([PinnedFile(f, name) for f, name in zip(files, names, strict=True)])

    def _open(self, files: list[PinnedFile]) -> None:
        self.files = files
        self.decoders = [ParquetDecoder(file) for file in files]
        self.schema = self.decoders[0].schema
        self.index = tuple(index_columns(self.schema))
        self.n = sum(sum(decoder.sizes) for decoder in self.decoders)

    def check_features(self, features: Sequence[str], every: bool) -> None:
        """Refuse features that are no numbers, and files in which they differ.

        `every` says that the features are all columns there are: files then have no others.
        """
        refuse_types(self.name, self.schema, features)
        for other in self.decoders[1:]:
            _refuse_other_columns(self.decoders[0], other, features, every)

    def __getstate__(self) -> dict[str, Any]:
        return {"name": self.name, "path": self.path, "files": self.files}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.name, self.path = state["name"], state["path"]
        self._open(state["files"])


def is_parquet_set(path: str | PathLike[str]) -> bool:
    """Whether a path means several Parquet files: a folder, or a pattern that is no file's name."""
    name = os.fsdecode(path)
    if name == "-" or "://" in name:
        return False
    target = expanded_path(path)
    return target.is_dir() or (
        glob.has_magic(name) and name.lower().endswith(".parquet") and not target.exists()
    )


def _find(path: str | PathLike[str]) -> tuple[Path, list[Path]]:
    """The path in full, and the Parquet files that it means."""
    target, name = expanded_path(path), os.fsdecode(path)
    if target.is_dir():
        files = sorted(f for f in target.glob("*.parquet") if f.name[0] not in "._")
        if not files:
            raise FileError(name, _empty_folder(target))
    elif is_parquet_set(path):
        files = sorted(Path(f) for f in glob.glob(str(target), recursive=True))
        if not files:
            raise FileError(name, "no file has a name of this pattern")
    else:
        file = readable_path(path).absolute()
        return file, [file]
    return target.absolute(), [readable_path(f).absolute() for f in files]


def _empty_folder(folder: Path) -> str:
    inner = next((f for f in folder.glob("*/*.parquet")), None)
    if inner is None:
        return "is a folder without .parquet files"
    within = inner.parent.name
    if "=" in within:
        return (
            f"is partitioned into folders such as {within!r}, whose names hold a column, and is "
            "not read in blocks: hullwise.read_table(folder) holds it in memory"
        )
    return (
        f"is a folder whose .parquet files lie in folders such as {within!r}: pass one of those, "
        f"or the pattern {os.path.join(folder.name, '**', '*.parquet')!r}"
    )


def _refuse_other_columns(
    first: ParquetDecoder, other: ParquetDecoder, features: Sequence[str], every: bool
) -> None:
    expected, schema = first.schema, other.schema
    like = f"in {first.file.path.name}, the first file"
    if every and schema.names != expected.names:
        names = sorted(set(schema.names) ^ set(expected.names))
        what = f"{names} in one of them only" if names else "they are in another order"
        raise FileError(other.name, f"its columns differ from those {like}: {what}")
    for c in features:
        if c not in schema.names:
            raise FileError(other.name, f"has no column {c!r}, which is {like}")
        if schema.field(c).type != expected.field(c).type:
            raise FileError(
                other.name,
                f"column {c!r} is {schema.field(c).type}, but {expected.field(c).type} {like}; "
                "write all files with the same types",
            )
