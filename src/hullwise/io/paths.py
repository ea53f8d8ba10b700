"""Paths as users name them, and which columns of a file they mean."""

from __future__ import annotations

import difflib
import errno
import os
import stat
from collections import Counter
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Final

from ..errors import FileError
from .coercion import format_names
from .remote_files import is_store_url, public_url

TEXT_SUFFIXES: Final = (".csv", ".tsv", ".txt")
JSON_SUFFIXES: Final = (".jsonl", ".ndjson")  # one object a line
TABLE_SUFFIXES: Final = (
    *(s + z for s in (*TEXT_SUFFIXES, *JSON_SUFFIXES) for z in ("", ".gz")),
    ".parquet",
    ".arrow",
    ".feather",
    ".orc",
    ".npy",
)
PICKLE_SUFFIXES: Final = (".pt", ".pth", ".pkl", ".pickle", ".joblib", ".ckpt", ".bin")


def display_path(path: str | PathLike[str]) -> str:
    """The path as messages show it."""
    text = os.fsdecode(path)
    return "standard input" if text == "-" else public_url(text)


def expanded_path(path: str | PathLike[str]) -> Path:
    """The path with ``~`` expanded.

    Raises
    ------
    FileError
        It can be no name of a file: a zero byte, too long, a home that is not there.
    """
    name = os.fsdecode(path)
    try:
        target = Path(name).expanduser()
        os.stat(target)
    except (ValueError, RuntimeError) as error:
        raise FileError(display_path(name), f"is no name of a file ({error})") from None
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise FileError(f"{name[:60]}...", "is no name of a file: it is too long") from None
    return target


def readable_path(path: str | PathLike[str]) -> Path:
    """The expanded path of a file that can be read.

    Raises
    ------
    FileError
        Missing, a folder, no permission, a broken link, a web address: each its own sentence.
    """
    name = os.fsdecode(path)
    if is_store_url(name):
        raise FileError(
            public_url(name), "lies in an object store, where only tables are read; download it"
        )
    if "://" in name:
        raise FileError(public_url(name), "is a web address; download the file and pass its path")
    target = expanded_path(path)
    try:
        mode = target.stat().st_mode
    except PermissionError:
        raise FileError(name, "no permission to look into its folder") from None
    except (FileNotFoundError, NotADirectoryError):
        raise FileError(name, _missing(target)) from None
    except (OSError, ValueError) as error:
        raise FileError(name, f"cannot be opened ({error})") from None
    if stat.S_ISDIR(mode):
        raise FileError(name, "is a folder; pass one file")
    if not os.access(target, os.R_OK):
        raise FileError(name, "no permission to read this file")
    return target


def _missing(path: Path) -> str:
    if path.is_symlink():
        return f"is a link to {os.readlink(path)!r}, which does not exist"
    if not path.parent.is_dir():
        return f"no such file: there is no folder {str(path.parent)!r}"
    near = difflib.get_close_matches(
        path.name, [p.name for p in path.parent.iterdir()], n=1, cutoff=0.75
    )
    return "no such file" + (f"; did you mean {near[0]!r}?" if near else "")


def table_suffix(path: str | PathLike[str]) -> str:
    """The suffix that decides the format, without .gz; refuse the unknown."""
    name = public_url(os.fsdecode(path)).lower()
    for suffix in (*TEXT_SUFFIXES, *JSON_SUFFIXES):
        if name.removesuffix(".gz").endswith(suffix):
            return suffix
    for suffix in (".parquet", ".npy"):
        if name.endswith(suffix):
            return suffix
    if name.endswith(PICKLE_SUFFIXES):
        raise FileError(
            os.fsdecode(path),
            "is a pickle, which can run any code when it is loaded, so it never is; save the "
            "table as CSV, Parquet or .npy (numpy.save, DataFrame.to_parquet)",
        )
    raise FileError(
        os.fsdecode(path), f"unknown kind of file; known are {', '.join(TABLE_SUFFIXES)}"
    )


def select_features(
    path: str,
    names: Sequence[str],
    columns: Sequence[str] | None,
    drop: Sequence[str],
    id_column: str | None,
) -> list[str]:
    """The features: `columns` or all, less `drop` and the ids, in this order.

    Raises
    ------
    FileError
        Duplicate names, a column that is not there, or no feature left.
    """
    check_repeated(path, names)
    drop = [drop] if isinstance(drop, str) else list(drop)
    columns = [columns] if isinstance(columns, str) else columns
    requested = [*(columns or ()), *drop, *([] if id_column is None else [id_column])]
    missing = list(dict.fromkeys(c for c in requested if c not in set(names)))
    if missing:
        raise FileError(path, missing_columns_text(missing, names))
    excluded = {*drop, id_column}
    features = [c for c in (names if columns is None else columns) if c not in excluded]
    repeated = _repeated(features)
    if repeated:
        raise FileError(path, f"columns asked for more than once: {format_names(repeated)}")
    if not features:
        raise FileError(path, f"no feature is left of the columns {format_names(names)}")
    return features


def check_repeated(path: str, names: Sequence[str]) -> None:
    """Refuse columns of one name.

    Raises
    ------
    FileError
    """
    twice = _repeated(names)
    if twice:
        raise FileError(
            path, f"duplicate column names: {format_names(twice)}; rename or remove the copies"
        )


def missing_columns_text(missing: Sequence[str], names: Sequence[str]) -> str:
    """That columns are not there, which may be meant, and which there are."""
    noun = "column" if len(missing) == 1 else "columns"
    near = [difflib.get_close_matches(c, names, n=1, cutoff=0.6) for c in missing]
    similar = list(dict.fromkeys(matches[0] for matches in near if matches))
    listed = f"the columns are {format_names(names, 20)}"
    parts = [part.strip() for name in missing for part in name.split(",")]
    if len(parts) > len(missing) and set(parts) <= set(names):
        advice = f"; name {format_names(parts)} one by one, each with the option before it"
        return f"no {noun} {format_names(missing)}{advice}; {listed}"
    if similar:
        text = f"no {noun} {format_names(missing)}; did you mean {format_names(similar)}?"
        return f"{text} {listed[0].upper()}{listed[1:]}"
    return f"no {noun} {format_names(missing)}; {listed}"


def _repeated(names: Sequence[str]) -> list[str]:
    return sorted(c for c, count in Counter(names).items() if count > 1)
