"""Tasks with results kept in a folder, so that a study that was stopped goes on where it was."""

from __future__ import annotations

import hashlib
import os
import secrets
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hullwise import __version__
from hullwise.errors import FileError

from ._types import Array, Progress

__all__ = ["Results", "Task", "existing_folder", "fingerprint", "run_tasks"]

Results = dict[str, dict[str, Array]]


@dataclass(frozen=True, eq=False)
class Task:
    """A piece of work: its name (also of its file), what it depends on, and how it is done.

    `work` gets the results of the tasks before it.
    """

    name: str
    key: str
    work: Callable[[Results], Mapping[str, Array]]


def fingerprint(*parts: Any) -> str:
    """A short name for what a result depends on: arrays by their bytes, the rest by its text."""
    digest = hashlib.sha256(__version__.encode())
    for part in parts:
        if isinstance(part, np.ndarray):
            digest.update(f"{part.dtype}{part.shape}".encode())
            digest.update(np.ascontiguousarray(part).tobytes())
        else:
            digest.update(repr(part).encode())
        digest.update(b"\0")
    return digest.hexdigest()[:24]


def run_tasks(tasks: Iterable[Task], cache: Path | None, progress: Progress | None) -> Results:
    """Do the tasks one after another; those that the folder holds already are read from it.

    Raises
    ------
    FileError
        The folder of the cache is not there or cannot be written.
    """
    queue = list(tasks)
    if cache is not None and not cache.is_dir():
        raise FileError(str(cache), "is no folder; make it first")
    results: Results = {}
    for number, task in enumerate(queue):
        if progress is not None:
            progress(number, len(queue), task.name)
        path = None if cache is None else cache / f"{task.name}.npz"
        result = None if path is None else _load(path, task.key)
        if result is None:
            result = {name: np.asarray(value) for name, value in task.work(results).items()}
            if path is not None:
                _store(path, task.key, result)
        results[task.name] = result
    if progress is not None:
        progress(len(queue), len(queue), "done")
    return results


def _load(path: Path, key: str) -> dict[str, Array] | None:
    """What the file holds, unless it is missing, damaged or of another task."""
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            if str(stored["key"]) != key:
                return None
            return {name: stored[name] for name in stored.files if name != "key"}
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile):
        return None


def _store(path: Path, key: str, result: Mapping[str, Array]) -> None:
    """Write the file under another name first, so that no half file is ever read."""
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    arrays: dict[str, Any] = {"key": np.array(key), **result}
    try:
        with partial.open("wb") as stream:
            np.savez(stream, **arrays)
        partial.replace(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise FileError(str(path), f"cannot be written ({reason})") from None
    finally:
        partial.unlink(missing_ok=True)


def existing_folder(path: str | os.PathLike[str] | None, name: str) -> Path | None:
    """The folder of the option `name`, which must be there."""
    if path is None:
        return None
    folder = Path(path).expanduser()
    if not folder.is_dir():
        raise FileError(str(path), f"is no folder; {name}= (--{name}) names one")
    return folder
